"""What a detector was set to, kept in the journal beside the data, so that a replay is set the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import msgspec

from alerts.limits import DEFAULT_LIMITS, Limits
from alerts.severity import TABLE
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.records import NS, SELF_TEST, ClockRow, Config, Site
from dsp.settings import Settings
from store.journal import Journal

from .system_clock import MADE_UP, knows_date

__all__ = ["Watch", "config_of", "infants_in", "newest_watch", "set_at_ns", "watch_of", "watches_in"]

_DAY_NS = 24 * 3600 * NS
_SAME_AGE_DAYS = 1
"""Of an age that was corrected by less nothing depends; a start just at midnight must not cost the night its state."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Settings of one infant's detector from a row of the journal on."""

    infant: str
    sites: tuple[Site, ...]
    age_days: int | None = None
    """on the evening the night began; it stays so over a restart after midnight"""
    wording: Wording = PLAIN_ENGLISH
    limits: Limits = DEFAULT_LIMITS
    settings: str = Settings().tag
    table: int = TABLE.version
    ended: bool = False
    """the recording ended here: what was open was decided"""

    def continues(self, earlier: Watch | None) -> bool:
        """Whether a detector with these settings may go on from one with the earlier settings."""
        if earlier is None or earlier.ended:
            return False
        changed = ("age_days", "ended")  # see `of_age_after`; ended was looked at
        return all(
            getattr(self, f.name) == getattr(earlier, f.name) for f in fields(self) if f.name not in changed
        )

    def aged(self, since_utc_ns: int, now_utc_ns: int) -> Watch:
        """The same later: older by the midnights since, in UTC as everywhere where ages are counted.

        No older where the computer did not know the date then, or does not now.
        """
        if self.age_days is None or not (knows_date(since_utc_ns) and knows_date(now_utc_ns)):
            return self
        days = now_utc_ns // _DAY_NS - since_utc_ns // _DAY_NS
        return replace(self, age_days=self.age_days + max(days, 0))

    def of_age_after(self, earlier: Watch, since_utc_ns: int, now: ClockRow) -> Watch:
        """The same with the age that stands in the journal since a moment, unless the settings tell another by now.

        A computer that does not know the date, or is behind the journal, cannot tell any; an infant that is made up
        is as old as its scenario says.
        """
        as_before = replace(self, age_days=earlier.age_days)
        if not knows_date(now.utc_ns) or now.utc_ns < since_utc_ns:
            return as_before
        known = now.boot == MADE_UP or self._is_of_an_age_with(earlier.aged(since_utc_ns, now.utc_ns))
        return as_before if known and self.continues(earlier) else self

    def _is_of_an_age_with(self, other: Watch) -> bool:
        if self.age_days is None or other.age_days is None:
            return self.age_days is other.age_days
        return abs(self.age_days - other.age_days) <= _SAME_AGE_DAYS

    @classmethod
    def of(
        cls,
        infant: str,
        sites: Iterable[Site],
        age_days: int | None,
        wording: Wording = PLAIN_ENGLISH,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Watch:
        """The settings this program would use now; sites in the order of `Site`."""
        worn = set(sites)
        return cls(infant, tuple(site for site in Site if site in worn), age_days, wording, limits)


def config_of(watch: Watch, t_ns: int) -> Config:
    """The row of the journal that keeps a watch."""
    text = msgspec.json.encode(watch).decode()
    return Config(t_ns, hashlib.sha256(text.encode()).hexdigest()[:12], text)


def watch_of(config: Config) -> Watch:
    """The watch that a row keeps.

    Raises:
        msgspec.ValidationError: the row keeps something else.
    """
    return msgspec.json.decode(config.text, type=Watch)


def watches_in(journal: Journal) -> dict[str, tuple[int, Watch]]:
    """The newest watch of each infant in a journal, with its row."""
    found: dict[str, tuple[int, Watch]] = {}
    for row, record in journal.rows(("config",)):
        if isinstance(record, Config):
            watch = watch_of(record)
            found[watch.infant] = (row, watch)
    return found


def set_at_ns(journal: Journal) -> dict[str, int]:
    """Data time from which on each infant's newest watch holds."""
    return {watch_of(config).infant: config.t_ns for config in journal.configs()}


def infants_in(journal: Journal) -> set[str]:
    """Everyone a night is about: as its settings name them, which takes no look at a million samples."""
    found = set(watches_in(journal)) or set(journal.infants())
    return found - {SELF_TEST}


def newest_watch(journal: Journal, infant: str) -> tuple[int, Watch | None]:
    """The newest watch of an infant in a journal with its row; row 0 and None where there is none."""
    return watches_in(journal).get(infant, (0, None))
