"""`lullwatch score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["score"]


def score(
    truth: Path,
    events: Path,
    *,
    tight: Annotated[bool | None, Parameter(name="--tight", negative="--szcore")] = None,
    window: float = 0.5,
    hours: float | None = None,
    out: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Compare events with truth: found, false, how soon, and how sure.

    TRUTH and EVENTS are two tables, or two folders in which
    NAME_truth_events.tsv and NAME_events.tsv are matched by NAME. Tables of
    states, NAME_truth_contexts.tsv and NAME_told.jsonl beside them are used where
    they are found. What each figure means: docs/scoring.md.

    Example: lullwatch score recordings results

    Before it: lullwatch simulate demo_hour --out recordings, then
    lullwatch replay recordings/demo_hour_seed-1.edf --out results

    Parameters
    ----------
    truth
        NAME_truth_events.tsv, or a folder of them.
    events
        NAME_events.tsv as replay and export write it, or a folder of them.
    tight
        Show only the tight profile, or with --szcore only SzCORE's defaults. Both are shown without, and both
        are always in the JSON.
    window
        Onsets of single movements at most so many seconds apart are the same movement.
    hours
        Length of each recording, where no table of states says it.
    out
        Folder for score.json and score.txt; made if missing.
    as_json
        Print everything as JSON instead of text.
    """
    from lullwatch.console import complain, progress, say, say_json
    from lullwatch.scoring_files import find_nights
    from lullwatch.scoring_job import profile_names, score_files, write_score
    from lullwatch.scoring_report import report

    nights, untrue = find_nights(truth, events)
    if untrue:
        complain(f"{len(untrue)} night(s) without truth are left out: {', '.join(untrue[:5])}")
    with progress(f"scoring {len(nights)} night(s)", total=len(nights)) as bar:
        scored = score_files(nights, window_s=window, hours=hours, on_progress=bar.advance)
    paths = [] if out is None else write_score(scored, out, tight=tight)
    if as_json:
        say_json(scored)
        return 0
    say(report(scored, profile_names(tight=tight)))
    for path in paths:
        say(f"written: {path}")
    return 0
