"""One event as a recording of its own: raw data of all sensors around it, what was told, and what people wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from dsp.records import ClockRow, Coverage, Event, Note, Segment, StateEpoch
from store.notes import standing_notes
from store.recording import Recording, newest_of, place_in_time, settled, standing_events
from store.shelf import Shelf

from .errors import NothingToReplay
from .export import Kind, export_recording
from .pinning import MARGIN_NS

__all__ = ["clip", "write_clip"]

_T = TypeVar("_T", StateEpoch, Coverage)


def clip(shelf: Shelf, event: Event, *, margin_ns: int = MARGIN_NS) -> Recording:
    """The event's raw data with a margin on both sides, and everything that was told or written of that time.

    Raises:
        NothingToReplay: the raw data is not kept any more.
        store.errors.JournalError: a night cannot be read.
    """
    onset_ns, end_ns = event.onset_ns - margin_ns, event.end_ns + margin_ns
    segments: list[Segment] = []
    events: list[Event] = []
    states: list[StateEpoch] = []
    coverage: list[Coverage] = []
    notes: list[Note] = []
    clock: list[ClockRow] = []
    for path in shelf.nights_of(onset_ns, end_ns):
        with shelf.opened(path.name) as journal:
            segments += journal.segments_between(event.infant, onset_ns, end_ns)
            events += journal.events(event.infant)
            states += journal.states(event.infant)
            coverage += journal.coverage(event.infant)
            notes += journal.notes(event.infant)
            clock += journal.clock_rows()
    if not segments:
        raise NothingToReplay(shelf.folder, f"the raw data of event {event.id} is not kept any more")
    kept = settled(segments)
    zone, start_utc_ns = place_in_time(clock, kept[0].t0_ns)
    return Recording(
        infant=event.infant,
        zone=zone,
        start_utc_ns=start_utc_ns,
        t0_ns=kept[0].t0_ns,
        segments=kept,
        events=tuple(e for e in standing_events(events) if e.onset_ns < end_ns and e.end_ns > onset_ns),
        states=tuple(_inside(newest_of(states, key=lambda s: s.t_ns), onset_ns, end_ns)),
        notes=tuple(n for n in standing_notes(notes) if onset_ns <= n.t_ns < end_ns),
        coverage=tuple(_inside(newest_of(coverage, key=lambda c: c.t_ns), onset_ns, end_ns)),
    )


def write_clip(shelf: Shelf, event: Event, folder: Path, *, name: str = "") -> list[Path]:
    """Write the clip of an event as EDF+ with its sidecars and tables into a folder; returns the files.

    Raises as `clip` does, and CannotWrite.
    """
    return export_recording(clip(shelf, event), folder, name or f"{event.id}_clip", kind=Kind.EDF)


def _inside(rows: Sequence[_T], onset_ns: int, end_ns: int) -> Iterable[_T]:
    """Those that begin in the span."""
    return (row for row in rows if onset_ns <= row.t_ns < end_ns)
