"""The work behind `lullwatch compare`: two tellings made or found, brought together by night, held against truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from dsp.records import NS
from dsp.settings import Settings
from store.events_tsv import read_events, read_states

from .compare import Change, Changed, Comparison, counted
from .errors import LullwatchError
from .many_nights import Order, Outcome, replay_all
from .scoring_files import NightFiles
from .scoring_job import score_files
from .scoring_pool import Score
from .scoring_report import said_rate, said_share
from .scoring_spans import TIGHT
from .sources import sources_in
from .tuning import settings_from

__all__ = ["Compared", "NightFailed", "NothingToCompare", "compare", "text"]

DEFAULT: Final = "default"
"""what stands for the settings of this version"""

_SHOWN: Final = 40
"""Changes listed one by one on a screen; the JSON has all of them."""


class NothingToCompare(LullwatchError):
    """A side, or what both have in common, is empty."""

    def __init__(self, side: str, what: str) -> None:
        super().__init__(
            f"{side}: {what}. Give two of: `default` (the settings of this version), a file of settings that differ "
            "(.json or .toml), a folder of tables as replay writes them; then the nights"
        )


class NightFailed(LullwatchError):
    """A night could not be replayed: leaving it out would make one telling look better than it is."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        said = "; ".join(f"{o.file}: {o.error}" for o in outcomes[:3])
        super().__init__(f"{len(outcomes)} night(s) could not be replayed: {said}")


@dataclass(frozen=True, slots=True)
class Compared:
    """Both tellings, what differs, and how each stands against truth."""

    before: str
    after: str
    comparison: Comparison
    truth_nights: int
    score_before: Score | None
    """None where no night has truth"""
    score_after: Score | None


def compare(
    before: str,
    after: str,
    nights: Sequence[Path],
    *,
    out: Path | None = None,
    jobs: int | None = None,
    age_days: int | None = None,
    on_night: Callable[[Outcome], None] = lambda _: None,
) -> Compared:
    """Replay `nights` both ways (or take tables that are there) and compare.

    Args:
        before: `default`, a file of settings, or a folder of tables.
        after: the same.
        nights: recordings, journals, folders of them; also where truth is looked for.
        out: where tables of both are kept; nowhere when None.
        jobs: processes at once; one for each core when None.
        age_days: age of the infants, if known and all alike.
        on_night: told of each replayed file.

    Raises:
        NothingToCompare: nights of a side are missing, or a side is nothing of these.
        NightFailed: a night could not be replayed.
        lullwatch.tuning.BadTuning: for a file of settings.
        store.errors.BadTable: for a table.
    """
    sides = [_side(side, nights) for side in (before, after)]
    with ExitStack() as stack:
        kept = out or Path(stack.enter_context(TemporaryDirectory(prefix="lullwatch-compare-")))
        folders = [
            _folder(side, nights, kept / name, jobs, age_days, on_night)
            for side, name in zip(sides, ("before", "after"), strict=True)
        ]
        names = _names(folders)
        first, second = folders
        end = "_events.tsv"
        tables = [
            (name, read_events(first / f"{name}{end}"), read_events(second / f"{name}{end}"))
            for name in names
        ]
        comparison = counted(tables, _hours(folders[0], names))
        truths = _truths(nights, names)
        scores = [_score(folder, truths) for folder in folders] if truths else [None, None]
    return Compared(before, after, comparison, len(truths), *scores)


def _side(side: str, nights: Sequence[Path]) -> Path | Settings:
    """A folder of tables that are there, or settings to make them with."""
    path = Path(side)
    if path.is_dir():
        return path
    if side != DEFAULT and path.suffix not in (".json", ".toml"):
        raise NothingToCompare(side, "is no folder and no file of settings")
    if not nights:
        raise NothingToCompare(side, "is to be tried, but on no nights")
    return Settings() if side == DEFAULT else settings_from(path)


def _folder(
    side: Path | Settings,
    nights: Sequence[Path],
    out: Path,
    jobs: int | None,
    age_days: int | None,
    on_night: Callable[[Outcome], None],
) -> Path:
    """Where a side's tables lie, made if need be."""
    if isinstance(side, Path):
        return side
    order = Order("", str(out.absolute()), settings=side, age_days=age_days)
    orders = [replace(order, file=str(file.absolute())) for file in sources_in(nights)]
    outcomes = replay_all(orders, jobs=jobs, on_night=on_night)
    if failed := [outcome for outcome in outcomes if outcome.error]:
        raise NightFailed(failed)
    return out


def _names(folders: Sequence[Path]) -> list[str]:
    """Nights of both; all of the first must be in the second."""
    end = "_events.tsv"
    found = [
        {p.name.removesuffix(end) for p in folder.glob(f"*{end}") if not p.name.endswith(f"_truth{end}")}
        for folder in folders
    ]
    if missing := sorted(found[0] ^ found[1]):
        raise NothingToCompare(", ".join(missing[:5]), "only one side has tables of this")
    if not found[0]:
        raise NothingToCompare(str(folders[0]), "no NAME_events.tsv in this folder")
    return sorted(found[0])


def _hours(folder: Path, names: Sequence[str]) -> float | None:
    """Length of the nights by their tables of states; None where one has none."""
    total = 0
    for name in names:
        path = folder / f"{name}_states.tsv"
        lines = read_states(path) if path.exists() else []
        if not lines:
            return None
        total += max(line.onset_ns + line.duration_ns for line in lines)
    return total / NS / 3600


def _truths(nights: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    """Tables of truth beside the recordings, by night."""
    places = {path if path.is_dir() else path.parent for path in nights}
    found = {
        p.name.removesuffix("_truth_events.tsv"): p for d in places for p in d.rglob("*_truth_events.tsv")
    }
    return {name: found[name] for name in names if name in found}


def _score(folder: Path, truths: dict[str, Path]) -> Score:
    files = [NightFiles(name, truth, folder / f"{name}_events.tsv") for name, truth in truths.items()]
    return score_files(files)


def text(compared: Compared) -> str:
    """The comparison on a screen."""
    c = compared.comparison
    length = "" if c.hours is None else f", {c.hours:.1f} h"
    lines = [
        f"{compared.before} -> {compared.after}: {c.nights} nights{length}, {c.same} events told alike",
        "",
    ]
    lines.append(
        f"{'label':<22}{'before':>8}{'after':>8}{'appeared':>10}{'vanished':>10}{'moved':>7}{'relabelled':>12}"
    )
    lines += [
        f"{row.label:<22}{row.before:>8}{row.after:>8}{row.appeared:>10}{row.vanished:>10}{row.moved:>7}"
        f"{row.relabelled_to:>12}"
        for row in c.labels
    ]
    lines += ["", *(_change_line(change) for change in c.changes[:_SHOWN])]
    if len(c.changes) > _SHOWN:
        lines.append(f"... and {len(c.changes) - _SHOWN} more; --json has all")
    return "\n".join([*lines, *_truth_lines(compared)])


def _change_line(change: Change) -> str:
    what = str(change.after or change.before)
    if change.kind is Changed.RELABELLED:
        what = f"{change.before} -> {change.after}"
    moved = (
        ""
        if change.onset_moved_s is None
        else f"  onset {change.onset_moved_s:+.2f} s, end {change.end_moved_s:+.2f} s"
    )
    return f"{change.kind:<11} {change.night}  {change.onset_s:.1f} s  {what}  {change.duration_s:.1f} s long{moved}"


def _truth_lines(compared: Compared) -> list[str]:
    """False alarms and what was found, both ways; said when there is no truth."""
    before, after = compared.score_before, compared.score_after
    if before is None or after is None:
        return [
            "",
            "No truth beside the nights (NAME_truth_events.tsv): which telling is right cannot be said.",
        ]
    lines = ["", f"Against truth ({compared.truth_nights} nights, profile {TIGHT.name}; per 24 h, 95 %):"]
    for label in before.labels:
        ways = [score.labels[label] for score in (before, after)]
        if not any(way.truth or way.told for way in ways):
            continue
        tight = [way.by_profile[TIGHT.name] for way in ways]
        lines.append(f"  {label:<20} false  {said_rate(tight[0].false)}  ->  {said_rate(tight[1].false)}")
        lines.append(
            f"  {'':<20} found  {said_share(tight[0].sensitivity)}  ->  {said_share(tight[1].sensitivity)}"
        )
    lines.append(
        f"  {'rings':<20} false  {said_rate(before.urgent.false)}  ->  {said_rate(after.urgent.false)}"
    )
    return lines
