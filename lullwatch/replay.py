"""Replay: recorded segments through the very detector that runs live, and what comes of it on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from dsp.records import NS, Alert, ClockRow, Event, Item, Segment, Site
from store.edf import read_recording
from store.events_tsv import event_lines, state_lines, write_events, write_states
from store.journal import Journal
from store.recording import Recording, from_journal

from .detector import Detector, Told
from .errors import NothingToReplay
from .feeding import settled_blocks
from .summary import summary

__all__ = ["Night", "Replayed", "load", "replay", "told_lines", "write_results"]


@dataclass(frozen=True, slots=True)
class Night:
    """What a replay needs of a recording or a journal: items in the order they are to be fed, once."""

    name: str
    infant: str
    sites: tuple[Site, ...]
    t0_ns: int
    end_ns: int
    start_utc_ns: int | None
    zone: str
    blocks: Iterable[Sequence[Item]]
    """what is fed before the detector decides; in the order of arrival that is one item at a time"""

    @property
    def clock(self) -> ClockRow | None:
        """The tie between data time and UTC at the night's start, if it is known."""
        if self.start_utc_ns is None:
            return None
        return ClockRow(self.t0_ns, self.start_utc_ns, "", self.zone)

    @property
    def duration_s(self) -> float:
        """Seconds from the first sample to the last."""
        return (self.end_ns - self.t0_ns) / NS


@dataclass(frozen=True, slots=True)
class Replayed:
    """A night and what the detector told about it."""

    night: Night
    told: Told


def load(path: Path, *, infant: str | None = None, as_arrived: bool = False) -> list[Night]:
    """The nights in a file: one for an EDF+ recording, one for each infant of a journal.

    Args:
        path: `.edf`, or a journal (`.sqlite`).
        infant: only this one of a journal.
        as_arrived: feed a journal's rows in the order they arrived, not in the order of time.

    Raises:
        NothingToReplay: when there are no samples.
        store.errors.StoreError: when the file cannot be read.
    """
    if path.suffix != ".sqlite":
        if as_arrived:
            raise NothingToReplay(path, "only a journal knows in which order its rows arrived")
        return [_night(path, path.stem, read_recording(path))]
    with Journal.read_only(path) as journal:
        names = journal.infants() if infant is None else [infant]
        if not names:
            raise NothingToReplay(path, "the journal holds no infant")
        recordings = [(name, from_journal(journal, name)) for name in names]
        nights = [_night(path, f"{path.stem}_{name}", recording) for name, recording in recordings]
        if as_arrived:
            nights = [replace(n, blocks=[[item] for _, item in journal.items(n.infant)]) for n in nights]
    return nights


def _night(path: Path, name: str, recording: Recording) -> Night:
    if not recording.segments:
        raise NothingToReplay(path, f"no movement signals of infant {recording.infant} in it")
    return Night(
        name=name,
        infant=recording.infant,
        sites=recording.sites,
        t0_ns=recording.t0_ns,
        end_ns=recording.end_ns,
        start_utc_ns=recording.start_utc_ns,
        zone=recording.zone,
        blocks=settled_blocks(recording.segments, recording.sites),
    )


def replay(
    night: Night, *, age_days: int | None = None, on_progress: Callable[[float], None] = lambda _: None
) -> Replayed:
    """Run the detector over a night.

    Args:
        night: as `load` gives it.
        age_days: age of the infant, if known: a soft prior.
        on_progress: called with the seconds of data that were fed since the last call.
    """
    detector = Detector(night.infant, night.sites, age_days=age_days, clock=night.clock)
    told = Told()
    fed_ns = night.t0_ns
    for block in night.blocks:
        told.extend(detector.feed_block(block))
        end_ns = max((item.end_ns for item in block if isinstance(item, Segment)), default=fed_ns)
        if end_ns - fed_ns > NS:
            on_progress((end_ns - fed_ns) / NS)
            fed_ns = end_ns
    told.extend(detector.finish())
    return Replayed(night, told)


def write_results(replayed: Replayed, folder: Path, *, picture: bool = True) -> list[Path]:
    """Write events, states, the rows as they were told, a summary and a picture into `folder`."""
    night, told = replayed.night, replayed.told
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / night.name
    paths = [_suffixed(stem, end) for end in ("_events.tsv", "_states.tsv", "_told.jsonl", "_summary.txt")]
    write_events(paths[0], event_lines(told.events, night.t0_ns))
    write_states(paths[1], state_lines(told.states, night.t0_ns))
    paths[2].write_bytes(told_lines(told.events, told.alerts))
    paths[3].write_text(summary(night.name, night.sites, told), encoding="utf-8")
    if picture:
        from .picture import draw_night

        paths.append(_suffixed(stem, "_night.png"))
        draw_night(
            paths[-1],
            told,
            title=night.name,
            t0_ns=night.t0_ns,
            start_utc_ns=night.start_utc_ns,
            zone=night.zone,
        )
    return paths


def _suffixed(stem: Path, end: str) -> Path:
    return stem.with_name(stem.name + end)


def told_lines(events: Sequence[Event], alerts: Sequence[Alert]) -> bytes:
    """Every row of every event, then every alert, as JSON lines: what was told, in the order it was told."""
    return b"".join(msgspec.json.encode(record) + b"\n" for record in (*events, *alerts))
