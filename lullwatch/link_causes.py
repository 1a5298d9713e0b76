"""Why a sensor was not seen: what its link said at the time, laid beside what the minute's samples say.

The detector counts samples and knows no links, so that a replay needs none; here the minutes it told get the causes
that the radio knew. A cause never changes how usable a minute was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from dsp.records import NS, Coverage, LinkSample, Site, Usability
from store.journal import Journal
from store.rows import LinkRow

from .coverage import MINUTE_NS, SEEN_WHOLE

__all__ = [
    "CODES",
    "LONGEST_PAUSE_NS",
    "NOT_RUNNING",
    "RESTARTED",
    "LinkBook",
    "gap_after",
    "plain",
    "unaccounted",
]

NOT_RUNNING: Final = "not_running"
"""The monitor did not run: nobody asked the sensor."""
RESTARTED: Final = "restarted"
"""What came in was kept, but nothing was decided on it, for the monitor began anew with other settings."""
_BATTERY, _OUT_OF_RANGE = "battery", "out_of_range"
_STALLED, _INCOMPLETE, _BACKFILLED = "stalled", "incomplete", "backfilled"
_OF_STATES: Final = {
    "searching": "searching",
    "backing_off": "searching",
    "connecting": "connecting",
    "pairing": "connecting",
    "subscribing": "connecting",
    "stalled": _STALLED,
    "refused": "refused",
    "stopped": "stopped",
    NOT_RUNNING: NOT_RUNNING,
}
"""What a state of the link is as a cause; a state that is not named here is a cause of its own name."""
CODES: Final = frozenset({*_OF_STATES.values(), _BATTERY, _OUT_OF_RANGE, _INCOMPLETE, _BACKFILLED})
"""Causes that are laid beside a minute here; each is followed by a colon and the site."""

LONGEST_PAUSE_NS: Final = 24 * 3600 * NS
"""A recording that stood still for longer has ended: what the rules remember goes back no further, and what was
open then is decided by what was seen then."""

_EMPTY: Final = 5
"""A sensor whose last word was a battery of so many per cent, and that is searched for, has run empty: a coin cell's
voltage collapses over its last twentieth."""
_FAINT_DBM: Final = -90
"""The last signal before the loss was at the edge of what a receiver hears (sensitivity of common parts -95 dBm)."""
_KEPT_NS: Final = 24 * 3600 * NS
"""Data that comes late reaches back no further."""


@dataclass(slots=True)
class _Link:
    """What one sensor's link said, in the order of time."""

    site: Site
    spans: deque[tuple[int, str]] = field(default_factory=deque)
    """(since when, ns; cause, empty while it streams)"""
    last: LinkSample | None = None
    battery: int | None = None
    rssi: int | None = None
    """the last ones while it streamed"""

    def note(self, sample: LinkSample) -> None:
        self.last = sample
        if sample.state == "streaming":
            self.battery, self.rssi = sample.battery, sample.rssi
        cause = "" if sample.state == "streaming" else self._cause(sample.state)
        if not self.spans or self.spans[-1][1] != cause:
            self.spans.append((sample.t_ns, cause))
        while len(self.spans) > 1 and self.spans[1][0] < sample.t_ns - _KEPT_NS:
            self.spans.popleft()

    def _cause(self, state: str) -> str:
        cause = _OF_STATES.get(state, state)
        if cause == "searching" and self.battery is not None and self.battery <= _EMPTY:
            return _BATTERY
        if cause == "searching" and self.rssi is not None and self.rssi <= _FAINT_DBM:
            return _OUT_OF_RANGE
        return cause

    def shares(self, t_ns: int, span_ns: int) -> dict[str, float]:
        """What part of a span each cause held; nothing for a time before the link said anything."""
        found: dict[str, float] = {}
        ends = [*[begin_ns for begin_ns, _ in self.spans][1:], t_ns + span_ns]
        for (begin_ns, cause), end_ns in zip(self.spans, ends, strict=True):
            held_ns = min(end_ns, t_ns + span_ns) - max(begin_ns, t_ns)
            if held_ns > 0:
                found[cause] = found.get(cause, 0.0) + held_ns / span_ns
        return found


class LinkBook:
    """Everything links have said lately, by infant and sensor."""

    def __init__(self, rows: Iterable[LinkRow] = ()) -> None:
        self._links: dict[tuple[str, str], _Link] = {}
        for row in rows:
            self.note(row)

    @classmethod
    def of(cls, journal: Journal) -> LinkBook:
        """What the links of a night have said."""
        return cls(_rows_of(journal))

    def note(self, row: LinkRow) -> None:
        """Take a report; those of one sensor come in the order of time."""
        key = (row.infant, row.sample.sensor)
        self._links.setdefault(key, _Link(row.sample.site)).note(row.sample)

    def standing(self) -> list[LinkRow]:
        """The newest report of every sensor."""
        return [LinkRow(infant, x.last) for (infant, _), x in self._links.items() if x.last is not None]

    def silence(self, since_ns: int) -> list[LinkRow]:
        """What is to be noted of a time in which nobody listened, of every link that was not ended in order."""
        return [
            LinkRow(row.infant, replace(row.sample, t_ns=max(since_ns, row.sample.t_ns), state=NOT_RUNNING))
            for row in self.standing()
            if row.sample.state not in ("stopped", NOT_RUNNING)
        ]

    def explained(self, minute: Coverage) -> Coverage:
        """The minute with what its links say of sensors that were not seen, or were seen only later."""
        said = [f"{cause}:{site}" for site, share in minute.seen for cause in self._of(minute, site, share)]
        return replace(minute, causes=(*minute.causes, *said)) if said else minute

    def _of(self, minute: Coverage, site: Site, share: float) -> Iterator[str]:
        link = self._newest(minute.infant, site)
        if link is None or not (held := link.shares(minute.t_ns, minute.span_ns)):
            return
        streamed = held.pop("", 0.0)
        if share >= SEEN_WHOLE:
            if sum(held.values()) > 1.0 - SEEN_WHOLE:
                yield _BACKFILLED
        elif held and 1.0 - streamed > 1.0 - SEEN_WHOLE:
            yield max(held, key=lambda cause: (held[cause], cause))
        else:
            yield _INCOMPLETE

    def _newest(self, infant: str, site: Site) -> _Link | None:
        """The link at a site; of two sensors that were worn there one after the other the one heard last."""
        there = [x for (of, _), x in self._links.items() if of == infant and x.site is site]
        return max(there, key=lambda x: x.last.t_ns if x.last else 0, default=None)


def plain(minute: Coverage) -> Coverage:
    """The minute as its samples alone say it."""
    kept = tuple(c for c in minute.causes if ":" not in c or c.partition(":")[0] in ("no_data", "not_worn"))
    return minute if kept == minute.causes else replace(minute, causes=kept)


def unaccounted(infant: str, sites: Iterable[Site], begin_ns: int, end_ns: int) -> list[Coverage]:
    """Minutes in which nothing was decided on, from the end of the last that was told to the first of a new start."""
    last_ns = end_ns // MINUTE_NS * MINUTE_NS
    seen = tuple((site, 0.0) for site in sites)
    return [
        Coverage(
            infant, t_ns, min(MINUTE_NS, last_ns - t_ns), Usability.BLIND,
            (*(f"no_data:{site}" for site, _ in seen), RESTARTED), seen,
        )
        for t_ns in range(begin_ns, last_ns, MINUTE_NS)
    ]  # fmt: skip


def gap_after(journal: Journal, infant: str, sites: Sequence[Site], now_ns: int) -> list[Coverage]:
    """Minutes between the last that an earlier detector told in a night and a new one that begins now."""
    told = [minute.t_ns + minute.span_ns for minute in journal.coverage(infant)]
    if not told or now_ns - max(told) > LONGEST_PAUSE_NS:
        return []
    return unaccounted(infant, sites, max(told), now_ns)


def _rows_of(journal: Journal) -> Iterator[LinkRow]:
    yield from (row for _, row in journal.rows(("link",)) if isinstance(row, LinkRow))
