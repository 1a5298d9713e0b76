"""The coverage ledger: for every minute of an infant, how much could be seen and why not more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from alerts.catalogue import Catalogue
from alerts.words import catalogue
from dsp.records import NS, Coverage, Epoch, Site, Usability, Watchfulness, Watching

__all__ = ["CoverageLedger", "LedgerState", "holes_in", "seen_hours", "sentence", "span_in_words"]

_ENGLISH = catalogue("en")
MINUTE_NS = 60 * NS
SEEN_WHOLE = 0.95
"""Share of a minute with samples from which a site counts as seen: three lost packets a minute are no gap."""
SEEN_AT_ALL = 0.5
"""Below this share of a minute a site counts as unseen: half a cluster's gaps would be missing."""


UNWATCHED_KEPT_NS = 24 * 3600 * NS
"""Data that comes late reaches back no further than a sock keeps it: half a night."""


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A span in which nobody relied on being called."""

    onset_ns: int
    end_ns: int | None
    """None while it lasts"""
    cause: str
    """`paused` or `disarmed`"""

    def overlaps(self, t_ns: int, span_ns: int) -> bool:
        """Whether a part of it lies in the span."""
        return self.onset_ns < t_ns + span_ns and (self.end_ns is None or t_ns < self.end_ns)


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The minute that is being counted."""

    minute_ns: int | None
    seen: dict[Site, float]
    """ns with samples"""
    worn: dict[Site, bool]
    heard: bool
    """whether there was any epoch yet"""
    unwatched: tuple[Unwatched, ...] = ()


class CoverageLedger:
    """Epochs in, one `Coverage` per minute out, as soon as the minute is complete."""

    def __init__(self, infant: str, sites: Iterable[Site]) -> None:
        self._infant = infant
        self._sites = tuple(sites)
        self._minute_ns: int | None = None
        self._heard = False
        self._seen: dict[Site, float] = {}
        self._worn: dict[Site, bool] = {}
        self._unwatched: tuple[Unwatched, ...] = ()

    def watch(self, row: Watching) -> None:
        """Somebody relies on the alerts from here on, or no longer."""
        known = self._unwatched
        if known and (known[-1].end_ns is None or known[-1].end_ns > row.t_ns):
            known = (*known[:-1], replace(known[-1], end_ns=row.t_ns))
        if row.state is not Watchfulness.ARMED:
            known = (*known, Unwatched(row.t_ns, row.until_ns, row.state.value))
        oldest_ns = row.t_ns - UNWATCHED_KEPT_NS
        self._unwatched = tuple(u for u in known if u.end_ns is None or u.end_ns > oldest_ns)

    def watched_like(self, other: CoverageLedger) -> None:
        """Take over from another ledger of the infant who was watched when."""
        self._unwatched = other._unwatched

    def pass_time(self, t_ns: int) -> list[Coverage]:
        """Time goes on before the first epoch: a sensor that was never heard is blindness from the start."""
        if self._heard:
            return []
        minute_ns = t_ns // MINUTE_NS * MINUTE_NS
        if self._minute_ns is None:
            self._minute_ns = minute_ns
        done = self._close(until_ns=minute_ns) if minute_ns > self._minute_ns else []
        self._minute_ns = minute_ns
        return done

    def feed(self, epoch: Epoch) -> list[Coverage]:
        """Take one epoch; returns the minutes it completes."""
        self._heard = True
        minute_ns = epoch.t_ns // MINUTE_NS * MINUTE_NS
        done: list[Coverage] = []
        if self._minute_ns is not None and minute_ns > self._minute_ns:
            done = self._close(until_ns=minute_ns)
        self._minute_ns = max(minute_ns, self._minute_ns or minute_ns)
        self._seen[epoch.site] = self._seen.get(epoch.site, 0.0) + epoch.present * epoch.span_ns
        self._worn[epoch.site] = self._worn.get(epoch.site, True) and (epoch.worn or epoch.present == 0.0)
        return done

    def finish(self, until_ns: int) -> list[Coverage]:
        """Close the last minute; it may be shorter, for the recording ends at `until_ns`."""
        if self._minute_ns is None or until_ns <= self._minute_ns:
            return []
        return self._close(until_ns=until_ns)

    def state(self) -> LedgerState:
        """The state as a value."""
        return LedgerState(self._minute_ns, dict(self._seen), dict(self._worn), self._heard, self._unwatched)

    def restore(self, state: LedgerState) -> None:
        """Go on from a state."""
        self._minute_ns, self._heard = state.minute_ns, state.heard
        self._seen, self._worn = dict(state.seen), dict(state.worn)
        self._unwatched = state.unwatched

    def _close(self, *, until_ns: int) -> list[Coverage]:
        first_ns = self._minute_ns if self._minute_ns is not None else until_ns
        rows = []
        for t_ns in range(first_ns, until_ns, MINUTE_NS):
            rows.append(self._row(t_ns, min(MINUTE_NS, until_ns - t_ns)))
            self._seen, self._worn = {}, {}
        self._minute_ns = None
        return rows

    def _row(self, t_ns: int, span_ns: int) -> Coverage:
        seen = tuple((s, round(min(1.0, self._seen.get(s, 0.0) / span_ns), 6)) for s in self._sites)
        causes = [f"no_data:{site}" for site, share in seen if share < SEEN_WHOLE]
        causes += [f"not_worn:{site}" for site in self._sites if not self._worn.get(site, True)]
        usable = [s for s, share in seen if share >= SEEN_AT_ALL and self._worn.get(s, True)]
        usability = Usability.USABLE
        if causes:
            usability = Usability.DEGRADED if usable else Usability.BLIND
        # said beside what was seen: it makes no minute worse
        causes += dict.fromkeys(u.cause for u in self._unwatched if u.overlaps(t_ns, span_ns))
        return Coverage(self._infant, t_ns, span_ns, usability, tuple(causes), seen)


def holes_in(minutes: Sequence[Coverage]) -> list[tuple[int, int]]:
    """Spans (begin, end; ns) between rows in the order of time that no row accounts for, or that two do."""
    ends = [(row.t_ns + row.span_ns, after.t_ns) for row, after in pairwise(minutes)]
    return [(end_ns, begin_ns) for end_ns, begin_ns in ends if end_ns != begin_ns]


def seen_hours(coverage: Iterable[Coverage]) -> float:
    """Hours that were usable or degraded."""
    return _length_ns(c for c in coverage if c.usability is not Usability.BLIND) / (3600 * NS)


def _length_ns(coverage: Iterable[Coverage]) -> int:
    return sum(c.span_ns for c in coverage)


def span_in_words(span_ns: int) -> str:
    """A span to the minute: ``9 h 12 min``."""
    minutes = round(span_ns / MINUTE_NS)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def sentence(coverage: Sequence[Coverage], words: Catalogue = _ENGLISH) -> str:
    """The denominator of every count: ``9 h 12 min of 10 h 00 min recorded``."""
    blind = _length_ns(c for c in coverage if c.usability is Usability.BLIND)
    degraded = _length_ns(c for c in coverage if c.usability is Usability.DEGRADED)
    whole = _length_ns(coverage)
    said = words.text("coverage.sentence", seen=span_in_words(whole - blind), whole=span_in_words(whole))
    return said + (words.text("coverage.partly", span=span_in_words(degraded)) if degraded else "")
