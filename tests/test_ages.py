"""How old an infant is taken to be: by the settings, once a night, by no clock that does not know the date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, ClockRow, Site, Tick
from lullwatch.rollover import Rollover, Turn
from lullwatch.settings import InfantSettings
from lullwatch.spine import Spine
from lullwatch.watch import Watch, watches_in
from store.journal import Journal
from store.rows import FedRow
from store.shelf import Shelf

HOUR_NS = 3600 * NS
DAY_NS = 24 * HOUR_NS
EVENING_NS = 1_773_684_000 * NS
"""2026-03-16 18:00 UTC"""
MONDAY, TUESDAY = "journal-2026-03-16.sqlite", "journal-2026-03-17.sqlite"


def at(t_ns: int, utc_ns: int | None = None, boot: str = "boot") -> ClockRow:
    return ClockRow(t_ns, EVENING_NS + t_ns if utc_ns is None else utc_ns, boot, "UTC")


def of_age(age_days: int | None, sites: tuple[Site, ...] = (Site.LA,)) -> Watch:
    return Watch.of("kid", sites, age_days)


def start(journal: Journal, watch: Watch, clock: ClockRow) -> tuple[int, int | None]:
    """Begin as a monitor does; the row that says how old the infant is, and the age."""
    spine = Spine(journal, [watch])
    spine.begin(clock)
    spine.take([FedRow("kid", Tick(clock.t_ns + NS))])
    spine.pause()
    spine.close()
    row, stands = watches_in(journal)["kid"]
    return row, stands.age_days


def test_a_week_of_birth_that_is_told_or_corrected_later_holds_from_the_next_start_on(tmp_path: Path) -> None:
    with Journal.open(tmp_path / MONDAY) as journal:
        told = [
            start(journal, of_age(age), at(n * HOUR_NS)) for n, age in enumerate((None, 40, 171, 38, None))
        ]
    assert [age for _, age in told] == [None, 40, 171, 38, None]


def test_a_start_after_midnight_goes_on_with_the_age_of_the_evening(tmp_path: Path) -> None:
    with Journal.open(tmp_path / MONDAY) as journal:
        first = start(journal, of_age(200), at(0))
        assert first[1] == 200
        assert start(journal, of_age(201), at(8 * HOUR_NS)) == first


def test_a_computer_that_does_not_know_the_date_takes_the_age_from_the_journal(tmp_path: Path) -> None:
    newborn = InfantSettings(id="kid", sensors=[], birth_week=date(2026, 1, 1))
    nobody_knows = newborn.age_days(date(1970, 1, 1))
    assert nobody_knows is None
    with Journal.open(tmp_path / MONDAY) as journal:
        first = start(journal, of_age(74), at(0))
        assert start(journal, of_age(nobody_knows), at(HOUR_NS, utc_ns=8 * HOUR_NS)) == first
        other = start(journal, of_age(nobody_knows, (Site.LA, Site.RA)), at(2 * HOUR_NS, utc_ns=9 * HOUR_NS))
        assert other[1] == 74
        assert start(journal, of_age(75, (Site.LA, Site.RA)), at(3 * HOUR_NS)) == other
        assert start(journal, of_age(None, (Site.LA, Site.RA)), at(4 * HOUR_NS))[1] is None  # withdrawn


class Turns(Rollover):
    """The next night is due at every batch: first where there is no folder for it, then where there is one."""

    def __init__(self, *turns: Turn) -> None:
        self._turns = list(turns)

    def due(self, current: Path) -> Turn | None:
        return self._turns.pop(0) if self._turns else None


@pytest.mark.parametrize(("begun_utc_ns", "older"), [(EVENING_NS, 1), (8 * HOUR_NS, 0)])
def test_a_night_that_could_not_be_begun_at_once_makes_nobody_older(
    tmp_path: Path, begun_utc_ns: int, older: int
) -> None:
    noon = at(18 * HOUR_NS)
    missing = Turn(tmp_path / "away" / TUESDAY, noon)
    with Journal.open(tmp_path / MONDAY) as journal:
        spine = Spine(journal, [of_age(74)], rollover=Turns(missing, missing, Turn(tmp_path / TUESDAY, noon)))
        spine.begin(at(0, begun_utc_ns))
        for n in range(1, 4):
            spine.take([FedRow("kid", Tick(n * NS))])
        spine.close()
    with Journal.read_only(tmp_path / TUESDAY) as journal:
        assert watches_in(journal)["kid"][1].age_days == 74 + older


def test_days_in_which_nothing_ran_count_once(tmp_path: Path) -> None:
    with Journal.open(tmp_path / MONDAY) as journal:
        start(journal, of_age(74), at(0))
    now = at(10 * DAY_NS)
    with Shelf(tmp_path) as shelf, Journal.open(tmp_path / MONDAY) as journal:
        spine = Spine(journal, [of_age(84)], rollover=Rollover(shelf, lambda: now))
        spine.begin(now)
        spine.take([FedRow("kid", Tick(now.t_ns))])
        spine.close()
        newest = shelf.newest()
    assert newest is not None
    with Journal.read_only(newest) as journal:
        assert watches_in(journal)["kid"][1].age_days == 84


@given(
    st.dates(date(2025, 1, 1), date(2026, 1, 1)),
    st.integers(0, 400 * 24),
    st.integers(0, 30 * 24),
    st.integers(-60, 60),
)
def test_whoever_starts_when_goes_on_unless_the_week_of_birth_was_corrected(
    born: date, hours: int, later: int, days: int
) -> None:
    def watch(t_ns: int) -> Watch:
        return of_age(infant.age_days(datetime.fromtimestamp(t_ns // NS, tz=UTC).date()))

    infant = InfantSettings(id="kid", sensors=[], birth_week=born)
    begun_ns = EVENING_NS + hours * HOUR_NS
    now_ns = begun_ns + later * HOUR_NS
    earlier, stands = watch(begun_ns), watch(now_ns)
    assert stands.of_age_after(earlier, begun_ns, at(0, now_ns)) == earlier
    assert earlier.aged(begun_ns, now_ns) == stands
    corrected = of_age((stands.age_days or 0) + days)
    expected = corrected if abs(days) > 1 else earlier
    assert corrected.of_age_after(earlier, begun_ns, at(0, now_ns)) == expected
