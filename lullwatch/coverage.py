"""The coverage ledger: for every minute of an infant, how much could be seen and why not more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dsp.records import NS, Coverage, Epoch, Site, Usability

__all__ = ["CoverageLedger", "LedgerState", "blind_minutes", "hours_and_minutes", "seen_minutes", "sentence"]

MINUTE_NS = 60 * NS
SEEN_WHOLE = 0.95
"""Share of a minute with samples from which a site counts as seen: three lost packets a minute are no gap."""
SEEN_AT_ALL = 0.5
"""Below this share of a minute a site counts as unseen: half a cluster's gaps would be missing."""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The minute that is being counted."""

    minute_ns: int | None
    seen: dict[Site, float]
    worn: dict[Site, bool]


class CoverageLedger:
    """Epochs in, one `Coverage` per minute out, as soon as the minute is complete."""

    def __init__(self, infant: str, sites: Iterable[Site]) -> None:
        self._infant = infant
        self._sites = tuple(sites)
        self._minute_ns: int | None = None
        self._seen: dict[Site, float] = {}
        self._worn: dict[Site, bool] = {}

    def feed(self, epoch: Epoch) -> list[Coverage]:
        """Take one epoch; returns the minutes it completes."""
        minute_ns = epoch.t_ns // MINUTE_NS * MINUTE_NS
        done: list[Coverage] = []
        if self._minute_ns is not None and minute_ns > self._minute_ns:
            done = self._close(until_ns=minute_ns)
        self._minute_ns = max(minute_ns, self._minute_ns or minute_ns)
        share = epoch.present * epoch.span_ns / MINUTE_NS
        self._seen[epoch.site] = min(1.0, self._seen.get(epoch.site, 0.0) + share)
        self._worn[epoch.site] = self._worn.get(epoch.site, True) and (epoch.worn or epoch.present == 0.0)
        return done

    def finish(self) -> list[Coverage]:
        """Close the last minute."""
        return [] if self._minute_ns is None else self._close(until_ns=self._minute_ns + MINUTE_NS)

    def state(self) -> LedgerState:
        """The state as a value."""
        return LedgerState(self._minute_ns, dict(self._seen), dict(self._worn))

    def restore(self, state: LedgerState) -> None:
        """Go on from a state."""
        self._minute_ns = state.minute_ns
        self._seen, self._worn = dict(state.seen), dict(state.worn)

    def _close(self, *, until_ns: int) -> list[Coverage]:
        assert self._minute_ns is not None  # noqa: S101 - for the type checker; callers have looked
        rows = [self._row(self._minute_ns)]
        self._seen, self._worn = {}, {}
        rows += [self._row(t) for t in range(self._minute_ns + MINUTE_NS, until_ns, MINUTE_NS)]
        self._minute_ns = None
        return rows

    def _row(self, t_ns: int) -> Coverage:
        seen = tuple((site, round(self._seen.get(site, 0.0), 6)) for site in self._sites)
        causes = [f"no_data:{site}" for site, share in seen if share < SEEN_WHOLE]
        causes += [f"not_worn:{site}" for site in self._sites if not self._worn.get(site, True)]
        usable = [s for s, share in seen if share >= SEEN_AT_ALL and self._worn.get(s, True)]
        usability = Usability.USABLE
        if causes:
            usability = Usability.DEGRADED if usable else Usability.BLIND
        return Coverage(
            infant=self._infant,
            t_ns=t_ns,
            span_ns=MINUTE_NS,
            usability=usability,
            causes=tuple(causes),
            seen=seen,
        )


def seen_minutes(coverage: Sequence[Coverage]) -> int:
    """Minutes that were usable or degraded."""
    return sum(c.usability is not Usability.BLIND for c in coverage)


def blind_minutes(coverage: Sequence[Coverage]) -> int:
    """Minutes in which nothing could be seen."""
    return len(coverage) - seen_minutes(coverage)


def hours_and_minutes(minutes: int) -> str:
    """A span in words: ``9 h 12 min``."""
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def sentence(coverage: Sequence[Coverage]) -> str:
    """The denominator of every count: ``9 h 12 min of 10 h 00 min recorded``."""
    seen = hours_and_minutes(seen_minutes(coverage))
    degraded = sum(c.usability is Usability.DEGRADED for c in coverage)
    partly = f", {hours_and_minutes(degraded)} of it with a sensor missing" if degraded else ""
    return f"{seen} of {hours_and_minutes(len(coverage))} recorded{partly}"
