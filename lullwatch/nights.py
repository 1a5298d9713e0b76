"""Nights to be replayed: an EDF+ recording, or what a journal holds of an infant."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alerts.limits import DEFAULT_LIMITS, Limits
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.records import NS, ClockRow, Config, Site, Tick, Watching
from dsp.settings import Settings
from store.errors import BadRecording
from store.journal import Carried, Journal
from store.recording import AtRest, from_journal
from store.rows import FED, Fed, FedRow, SegmentRow, fed_item
from store.sealing import sealed_night

from .errors import NothingToReplay
from .feeding import settled_blocks
from .importing import recordings_in
from .night_before import NightBefore
from .watch import Watch, watch_of

__all__ = ["Night", "load", "settled_night"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Night:
    """What a replay needs: items in the order they are to be fed, once, and how the detector is to be set."""

    name: str
    infant: str
    sites: tuple[Site, ...]
    t0_ns: int
    end_ns: int
    start_utc_ns: int | None
    zone: str
    blocks: Iterable[Sequence[Fed]]
    """what is fed before the detector decides: a minute, or in the order of arrival what a tick closed"""
    age_days: int | None = None
    wording: Wording = PLAIN_ENGLISH
    limits: Limits = DEFAULT_LIMITS
    ends: bool = True
    """whether the recording ends with the last item, so that what is open is decided"""
    as_arrived: bool = False
    """whether samples may come late"""
    carried: Carried | None = None
    """what its detector began with; None when it began anew"""
    before: NightBefore | None = None
    """the night it was carried from, for what came late and belongs there"""

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


@dataclass(slots=True)
class _Part:
    """What one setting of the detector was fed."""

    watch: Watch | None
    blocks: list[list[Fed]] = field(default_factory=lambda: [[]])
    """each closed by a tick; the last one is still open"""
    ended: bool = False
    since_row: int = 0
    """where in the journal it was set"""
    upto_row: int | None = None
    """where the next one was"""

    def add(self, item: Fed) -> None:
        self.blocks[-1].append(item)
        if isinstance(item, Tick):
            self.blocks.append([])


def load(path: Path, *, infant: str | None = None, as_arrived: bool = False) -> list[Night]:
    """The nights in a file: one for a recording, one for each infant of a journal, all of a dataset.

    In the order of arrival there is one more wherever the detector was begun anew with other settings.

    Args:
        path: a journal (`.sqlite`), or a recording of any kind that is read (see `importing`).
        infant: only this one.
        as_arrived: feed a journal's rows in the order they arrived, not in the order of time.

    Raises:
        NothingToReplay: when there are no samples.
        store.errors.StoreError: when the file cannot be read.
    """
    if path.suffix != ".sqlite":
        if as_arrived:
            raise NothingToReplay(path, "only a journal knows in which order its rows arrived")
        found = [one for one in recordings_in(path) if infant in (None, one.recording.infant)]
        nights = [settled_night(one.name, one.recording, None) for one in found if one.recording.stretches]
        if not nights:
            raise NothingToReplay(path, "no movement signals in it")
        return nights
    with Journal.read_only(path) as journal:
        names = journal.infants() if infant is None else [infant]
        nights = [night for name in names for night in _journal_nights(path, journal, name, as_arrived)]
    if not nights:
        whom = "any infant" if infant is None else f"infant {infant}"
        raise NothingToReplay(path, f"no samples of {whom} in this journal")
    return nights


def _journal_nights(path: Path, journal: Journal, infant: str, as_arrived: bool) -> Iterator[Night]:
    recording = _sealed_or_not(journal, infant)
    if not recording.stretches:
        return
    settled = settled_night(f"{path.stem}_{infant}", recording, _last_watch(journal, infant))
    if not as_arrived:
        yield replace(settled, blocks=_watched(settled.blocks, journal.watchings(infant)))
        return
    for number, part in enumerate(_parts(journal, infant), start=1):
        name = settled.name if number == 1 else f"{settled.name}_part-{number}"
        night = settled if part.watch is None else _set(settled, part.watch)
        blocks = part.blocks if part.ended else part.blocks[:-1]
        night = replace(night, name=name, blocks=blocks, ends=part.ended, as_arrived=True)
        yield _carried_on(night, journal, part)


def _watched(blocks: Iterable[Sequence[Fed]], rows: Sequence[Watching]) -> Iterator[Sequence[Fed]]:
    """The blocks with what is known of who was watched when, at their beginning: each row says its own time."""
    for block in blocks:
        yield [*rows, *block]
        rows = ()


def _sealed_or_not(journal: Journal, infant: str) -> AtRest:
    """The infant's samples from the sealed copy where there is one that is whole, else row by row."""
    try:
        sealed = sealed_night(journal, infant)
    except BadRecording as error:
        _log.warning("%s The journal is read row by row instead.", error)
        sealed = None
    return sealed or from_journal(journal, infant).at_rest()


def _carried_on(night: Night, journal: Journal, part: _Part) -> Night:
    """The night with what its detector brought from the one before, where it is still the same detector's."""
    carried = journal.carried(night.infant, before_row=part.upto_row)
    if carried is None or part.watch is None or carried.row < part.since_row:
        return night
    if part.watch.settings != Settings().tag:
        return night
    return replace(night, carried=carried, before=NightBefore.of(journal, carried))


def settled_night(name: str, recording: AtRest, watch: Watch | None) -> Night:
    """A recording in the order of time, with the detector set as `watch` says."""
    night = Night(
        name=name,
        infant=recording.infant,
        sites=recording.sites,
        t0_ns=recording.t0_ns,
        end_ns=recording.end_ns,
        start_utc_ns=recording.start_utc_ns,
        zone=recording.zone,
        blocks=(),
    )
    night = night if watch is None else _set(night, watch)
    return replace(night, blocks=settled_blocks(recording.stretches, night.sites))


def _set(night: Night, watch: Watch) -> Night:
    """The night with the detector set as it was live."""
    seen = {*night.sites, *watch.sites}
    sites = tuple(s for s in Site if s in seen)
    return replace(night, sites=sites, age_days=watch.age_days, wording=watch.wording, limits=watch.limits)


def _last_watch(journal: Journal, infant: str) -> Watch | None:
    """The settings of the infant's last detector in this journal."""
    watches = (watch_of(config) for config in journal.configs())
    return next((w for w in reversed(list(watches)) if w.infant == infant and not w.ended), None)


def _parts(journal: Journal, infant: str) -> Iterator[_Part]:
    """What each setting of the infant's detector was fed, in row order."""
    part = _Part(None)
    for number, row in _rows(journal):
        if isinstance(row, Config):
            watch = watch_of(row)
            if watch.infant != infant:
                continue
            if watch.ended:
                part.ended = True
                continue
            part.upto_row = number
            if part.blocks[0]:
                yield part
            part = _Part(watch, since_row=number)
        elif row.infant == infant:
            part.add(fed_item(row))
    yield part


def _rows(journal: Journal) -> Iterator[tuple[int, Config | SegmentRow | FedRow | Watching]]:
    for number, row in journal.rows(("config", *FED)):
        if isinstance(row, Config | SegmentRow | FedRow | Watching):
            yield number, row
