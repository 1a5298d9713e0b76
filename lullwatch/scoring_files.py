"""Tables of truth and of events on disk, brought together night by night."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dsp.records import NS, ContextKind, Event
from store.errors import BadTable
from store.events_tsv import EventLine, StateLine, read_events, read_states
from store.tables import parse_seconds, read_rows

from .errors import LullwatchError
from .scoring_night import NightTables, Span, from_rows

__all__ = ["LengthUnknown", "NightFiles", "NoTables", "OtherNight", "Unmatched", "find_nights", "read_night"]

_TRUTH_END, _TOLD_END = "_truth_events.tsv", "_events.tsv"
_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)_")
"""BIDS: nights of one infant share it. Any other name is an infant of its own."""
_SLACK_S = 60.0
"""An event this long after the end of the true night belongs to another night."""


class NoTables(LullwatchError):
    """A path holds no tables of the kind that is asked for."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}. `lullwatch simulate` writes truth, `lullwatch replay` events")


class Unmatched(LullwatchError):
    """Some nights of truth have no events beside them."""

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        super().__init__(
            f"{folder}: no NAME_events.tsv for {len(names)} night(s) of truth: {shown}. "
            "Replay them too, or take their truth out of the folder: leaving them out would flatter"
        )


class LengthUnknown(LullwatchError):
    """Nothing says how long a night was."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: no table of states beside it says how long the night was; give --hours")


class OtherNight(LullwatchError):
    """Events lie where the true night has long ended."""

    def __init__(self, path: Path, onset_s: float, duration_s: float) -> None:
        super().__init__(
            f"{path}: an event at {onset_s:.0f} s, but the true night is {duration_s:.0f} s long. "
            "Is this the table of another night?"
        )


@dataclass(frozen=True, slots=True)
class NightFiles:
    """Where the two tables of one night lie."""

    name: str
    truth: Path
    told: Path


def find_nights(truth: Path, told: Path) -> tuple[list[NightFiles], list[str]]:
    """Pairs of tables: two files, or folders whose files are matched by NAME.

    Args:
        truth: NAME_truth_events.tsv, or a folder of them (or of NAME_events.tsv when there are none).
        told: NAME_events.tsv, or a folder of them.

    Returns:
        The nights, and the names of those that were told of but have no truth.

    Raises:
        NoTables: a path does not exist, or a folder has no tables.
        Unmatched: a night of truth has no events.
    """
    if truth.is_file() and told.is_file():
        return [NightFiles(_name_of(told), truth, told)], []
    true, said = _tables(truth, truth=True), _tables(told, truth=False)
    if missing := sorted(true.keys() - said.keys()):
        raise Unmatched(missing, told)
    return [NightFiles(name, true[name], said[name]) for name in sorted(true)], sorted(
        said.keys() - true.keys()
    )


def _tables(path: Path, *, truth: bool) -> dict[str, Path]:
    if path.is_file():
        return {_name_of(path): path}
    if not path.is_dir():
        raise NoTables(path, "there is no such file or folder")
    every = sorted(path.glob(f"*{_TOLD_END}"))
    true = [p for p in every if p.name.endswith(_TRUTH_END)]
    plain = [p for p in every if not p.name.endswith(_TRUTH_END)]
    found = (true or plain) if truth else plain
    if not found:
        what = f"*{_TRUTH_END}" if truth else f"*{_TOLD_END}"
        raise NoTables(path, f"no {what} in this folder")
    return {_name_of(p): p for p in found}


def _name_of(path: Path) -> str:
    for end in (_TRUTH_END, _TOLD_END):
        if path.name.endswith(end):
            return path.name.removesuffix(end)
    return path.stem


def read_night(files: NightFiles, *, hours: float | None = None) -> NightTables:
    """Read both tables of a night, and what lies beside them: states, contexts, and the rows as they were told.

    Args:
        files: where the tables are.
        hours: length of the recording, where no table of states says it.

    Raises:
        store.errors.BadTable: a table cannot be read.
        LengthUnknown: nothing says how long the night was.
        OtherNight: the events are of another night.
    """
    truth, told = tuple(read_events(files.truth)), tuple(read_events(files.told))
    truth_states, told_states = _states_beside(files.truth), _states_beside(files.told)
    duration_s = _duration_s(files, truth_states or told_states, hours)
    late = max((line.onset_ns / NS for line in told), default=0.0)
    if late > duration_s + _SLACK_S:
        raise OtherNight(files.told, late, duration_s)
    subject = _SUBJECT.match(files.name)
    return NightTables(
        name=files.name,
        infant=subject[1] if subject else files.name,
        duration_s=duration_s,
        truth=truth,
        truth_states=truth_states,
        conveyed=_conveyed_beside(files.truth),
        unseen=_unseen_beside(files.truth),
        told=told,
        told_states=told_states,
        rows=_rows_beside(files.told, told),
    )


def _duration_s(files: NightFiles, states: Sequence[StateLine], hours: float | None) -> float:
    if hours is not None:
        return 3600.0 * hours
    if not states:
        raise LengthUnknown(files.truth)
    return max(line.onset_ns + line.duration_ns for line in states) / NS


def _beside(path: Path, end: str) -> Path | None:
    """The file of the same night that ends like this instead of `events.tsv`."""
    if not path.name.endswith("events.tsv"):
        return None
    other = path.with_name(path.name.removesuffix("events.tsv") + end)
    return other if other.exists() else None


def _states_beside(path: Path) -> tuple[StateLine, ...]:
    found = _beside(path, "states.tsv")
    return tuple(read_states(found)) if found else ()


def _conveyed_beside(path: Path) -> tuple[Span, ...] | None:
    found = _beside(path, "contexts.tsv")
    if found is None:
        return None
    rows = read_rows(found, ("onset", "duration", "kind"), _context)
    return tuple(span for kind, span in rows if kind == ContextKind.CONVEYED)


def _unseen_beside(path: Path) -> tuple[Span, ...] | None:
    found = _beside(path, "unseen.tsv")
    return None if found is None else tuple(read_rows(found, ("onset", "duration"), _span))


def _context(row: dict[str, str]) -> tuple[str, Span]:
    return row["kind"], _span(row)


def _span(row: dict[str, str]) -> Span:
    onset_s = parse_seconds(row["onset"]) / NS
    return Span(onset_s, onset_s + parse_seconds(row["duration"]) / NS)


def _rows_beside(path: Path, lines: Sequence[EventLine]) -> tuple[Event, ...] | None:
    """The rows as they were told, on the table's time line, which the ids that both have in common give."""
    found = _beside(path, "told.jsonl")
    if found is None:
        return None
    rows = list(_told_rows(found))
    last = {row.id: row for row in rows}
    starts = [last[line.event_id].onset_ns - line.onset_ns for line in lines if line.event_id in last]
    if lines and not starts:
        raise BadTable(found, 1, f"none of the events of {path.name} is in it")
    return from_rows(rows, sorted(starts)[len(starts) // 2] if starts else 0)[1]


def _told_rows(path: Path) -> Iterator[Event]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = msgspec.json.decode(line)
            if "label" in row:  # the other lines are alerts
                yield msgspec.convert(row, Event)
        except (msgspec.MsgspecError, TypeError) as error:
            raise BadTable(path, number, str(error)) from error
