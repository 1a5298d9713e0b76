"""`lullwatch review`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from lullwatch.reviewing import Pair

__all__ = ["review"]


def review(
    *,
    journals: Path | None = None,
    out: Path | None = None,
    infant: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Say how far reviewers agree on events (Cohen's kappa), and write their labels as BIDS tables.

    Events are labelled on the page, see docs/review.md. In the tables every label is a row of its own; tags of HED
    stand only beside what a reviewer said of an EEG. Exit status 1: no two reviewers have labelled the same event.

    Example: lullwatch review --journals lullwatch.toml --out labels

    Parameters
    ----------
    journals
        The settings file or the folder of the journals; by default lullwatch.toml here, else ~/.local/share/lullwatch.
    out
        Folder for the tables; made if missing, empty if not.
    infant
        Only labels of this infant's events.
    as_json
        Print the result as JSON.
    """
    from lullwatch.console import progress, say, say_json
    from lullwatch.event_index import EventIndex
    from lullwatch.reviewing import export_review, pairs
    from lullwatch.where import journal_folder
    from store.shelf import Shelf

    with Shelf(journal_folder(journals)) as shelf, progress("reading", total=None) as bar:
        index = EventIndex(shelf)
        index.refresh()
        reviewed = [said for said in index.reviewed() if infant in (None, _infant_of(index, said.event_id))]
        written = export_review(shelf, out, infant=infant, on_progress=bar.advance) if out is not None else []
    found = pairs(reviewed)
    if as_json:
        say_json(
            {
                "labels": len(reviewed),
                "pairs": [_plain(pair) for pair in found],
                "written": [str(p) for p in written],
            }
        )
        return 0 if found else 1
    say(f"{len(reviewed)} labels")
    for pair in found:
        say(_line(pair))
    if not found:
        say("no two reviewers have labelled the same event yet")
    for path in written:
        say(f"written: {path}")
    return 0 if found else 1


def _infant_of(index: Any, event_id: str) -> str | None:  # noqa: ANN401 - imported where the command runs
    listed = index.find(event_id)
    return None if listed is None else str(listed.infant)


def _line(pair: Pair) -> str:
    a = pair.agreement
    figure = "kappa cannot be told" if a.kappa is None else f"kappa {a.kappa:.2f}"
    interval = (
        "" if a.low is None or a.high is None else f" (95 of 100 resamples: {a.low:.2f} to {a.high:.2f})"
    )
    same = round(a.observed * a.events)
    return f"{pair.first}, {pair.second}: {figure}{interval}, the same word for {same} of {a.events} events"


def _plain(pair: Pair) -> dict[str, Any]:
    from dataclasses import asdict

    return {"first": pair.first, "second": pair.second, **asdict(pair.agreement)}
