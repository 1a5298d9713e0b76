"""A clip beside the record: three taps tie them, a note keeps it, and events are told in the clip's own time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from dsp.records import NS, ClockRow, Event, Note, Site
from store.journal import Journal
from store.recording import standing_events
from store.shelf import Shelf
from store.utc import UtcMap

from .errors import NothingToReplay
from .night_facts import Window
from .taps import NEAR_S, Taps, clicks_in, offset_ns, taps_in
from .waveforms import waveforms

__all__ = ["VIDEO", "Aligned", "align", "clip_time"]

VIDEO: Final = "video"
"""Kind of the note that says where a clip begins."""
_BEFORE_NS: Final = 60 * NS
"""An event that began a minute before the clip may go on in it."""
_DATED: Final = len("journal-YYYY-MM-DD")
"""Beginning of a file's name that the parts of a night have in common."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """Where a clip lies in the record."""

    night: Path
    infant: str
    taps: Taps
    begins_ns: int
    """data time of the clip's first moment"""
    begins: datetime
    """the same in the night's zone"""
    events: tuple[Event, ...]

    def in_clip_s(self, t_ns: int) -> float:
        """A data time as seconds of the clip."""
        return (t_ns - self.begins_ns) / NS


def align(
    folder: Path,
    near: time,
    *,
    infant: str | None = None,
    night: str | None = None,
    first_tap_s: float | None = None,
    sound: Path | None = None,
    site: Site | None = None,
    within_s: float = NEAR_S,
    length_s: float = 600.0,
    by: str = "",
) -> Aligned:
    """Find the taps, say where the clip begins, keep it as a note.

    Args:
        folder: of the journals.
        near: local time of day that somebody noted.
        infant: whose sensor was tapped; needed where the night knows several.
        night: date of the evening; by default the newest night, or the one before it while that time is still to
            come in the newest.
        first_tap_s: when the first tap is seen in the clip, where no sound is given.
        sound: the clip's sound as a WAV.
        site: which sensor was tapped; by default any.
        within_s: how far from the noted time is looked.
        length_s: of the clip, for the events.
        by: id of whoever asks.

    Raises:
        NoTaps: there are none, or more than one set that could be meant.
        NotAClip: the sound cannot be read.
        NothingToReplay: the night or the infant is not there.
        store.errors.JournalError: a night cannot be read or written.
    """
    heard = None if sound is None else clicks_in(sound)
    first_ns = heard.times_ns[0] if heard is not None else round((first_tap_s or 0.0) * NS)
    with Shelf(folder) as shelf:
        reach_ns = round(within_s * NS)
        path = _night(shelf, folder, night, near, reach_ns)
        whom, clocks = _found(shelf, path, infant)
        utc = UtcMap(clocks)
        near_ns = _data_ns(clocks, _utc_ns(clocks[0], near))
        waves = waveforms(shelf, whom, near_ns - reach_ns, near_ns + reach_ns)
        meant = [wave for at, wave in waves.items() if site in (None, at)]
        taps = taps_in(meant, near_ns, beat=heard, within_s=within_s)
        begins_ns = offset_ns(taps, first_ns)
        with shelf.opened(path.name) as journal:
            events = _events(journal.events(whom), begins_ns, begins_ns + round(length_s * NS))
    begins = datetime.fromtimestamp(utc.utc_ns(begins_ns) / NS, tz=ZoneInfo(clocks[0].zone))
    note = Note(
        whom, begins_ns, VIDEO, f"a clip begins at {begins:%H:%M:%S.%f}"[:-4], by, (("first_tap_s", first_ns / NS),),
        secrets.token_hex(6),
    )  # fmt: skip
    with Journal.amend(path) as open_night:
        open_night.commit([note])
    return Aligned(path, whom, taps, begins_ns, begins, events)


def clip_time(seconds: float) -> str:
    """Seconds of a clip as a player shows them, ``1:05.3``; before its beginning with a minus."""
    tenths = round(abs(seconds) * 10)
    sign = "-" if seconds < 0 and tenths else ""
    return f"{sign}{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _night(shelf: Shelf, folder: Path, night: str | None, near: time, reach_ns: int) -> Path:
    paths = [path for path in shelf.nights() if night is None or night in path.name]
    if not paths:
        raise NothingToReplay(folder, f"there is no night {night or ''} in it")
    newest = paths[-1]
    if night is not None or not _is_to_come(shelf, newest, near, reach_ns):
        return newest
    # From noon on the newest is the coming night, and a time noted in the last one would mean tomorrow.
    earlier = [path for path in paths if path.name[:_DATED] != newest.name[:_DATED]]
    return earlier[-1] if earlier else newest


def _is_to_come(shelf: Shelf, path: Path, near: time, reach_ns: int) -> bool:
    with shelf.opened(path.name) as journal:
        newest_ns, clocks = journal.newest_ns, journal.clock_rows()
    if newest_ns is None or not clocks:
        return True
    return _data_ns(clocks, _utc_ns(clocks[0], near)) - reach_ns > newest_ns


def _found(shelf: Shelf, path: Path, infant: str | None) -> tuple[str, Sequence[ClockRow]]:
    with shelf.opened(path.name) as journal:
        infants, clocks = journal.infants(), journal.clock_rows()
    known = [name for name in infants if infant in (None, name)]
    if len(known) != 1 or not clocks:
        raise NothingToReplay(path, f"give --infant, one of: {', '.join(infants) or 'none'}")
    return known[0], clocks


def _utc_ns(clock: ClockRow, at: time) -> int:
    """A time of day in the night that a clock row belongs to, from noon to noon."""
    evening = Window.at(clock.utc_ns, clock.zone).night
    day = evening if at >= time(12) else evening + timedelta(days=1)
    return round(datetime.combine(day, at, tzinfo=ZoneInfo(clock.zone)).timestamp() * NS)


def _data_ns(clocks: Sequence[ClockRow], utc_ns: int) -> int:
    """Data time of a moment, by the newest tie that held then."""
    placed = [(row.t_ns, utc_ns - row.utc_ns + row.t_ns) for row in clocks]
    return next((t_ns for from_ns, t_ns in reversed(placed) if t_ns >= from_ns), placed[0][1])


def _events(rows: Sequence[Event], begin_ns: int, end_ns: int) -> tuple[Event, ...]:
    return tuple(
        event
        for event in standing_events(rows)
        if event.end_ns >= begin_ns and begin_ns - _BEFORE_NS <= event.onset_ns < end_ns
    )
