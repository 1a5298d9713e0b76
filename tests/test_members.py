"""Which earlier movements a movement follows best, and what a series is made of when others came in between."""

from __future__ import annotations

import pytest

from dsp.events import Draft
from dsp.grid import GRID_HZ
from dsp.members import Member, compare, line_along, line_of_newest, path_to
from dsp.records import NS, Label, Site, State
from dsp.settings import Settings
from tests.test_likeness import ASIDE, UP, chains, trace

SETTINGS = Settings()
STILL = chains(0.0)


def member(at_s: int, way: tuple[float, float, float], log_odds: float) -> Member:
    onset_ns = at_s * NS
    draft = Draft(
        f"m{at_s}", Label.SPASM_LIKE, onset_ns, onset_ns + NS, [Site.TR], "both",
        State.AWAKE, State.AWAKE, None, 0.9, 0.9,
    )  # fmt: skip
    return Member(at_s * GRID_HZ, log_odds, draft, 0.9, [], trace(at_s * GRID_HZ, way), 3)


def lived(*movements: tuple[int, tuple[float, float, float], float]) -> list[Member]:
    """Members as they come, each compared with those before it."""
    members: list[Member] = []
    for at_s, way, log_odds in movements:
        members.append(member(at_s, way, log_odds))
        compare(members[-1], members[:-1], STILL, SETTINGS)
    return members


def places(members: list[Member]) -> list[int]:
    return [m.k // GRID_HZ for m in path_to(members[-1], members)]


def test_where_nothing_comes_in_between_the_path_is_all_of_them() -> None:
    members = lived(*((10 * i, UP, 5.0) for i in range(1, 6)))
    assert places(members) == [10, 20, 30, 40, 50]
    assert line_along(path_to(members[-1], members), 4) == line_of_newest(members, 4)


def test_a_kick_between_two_spasms_is_passed_over_for_its_cost() -> None:
    members = lived((10, UP, 5.0), (20, UP, 5.0), (24, ASIDE, 0.9), (30, UP, 5.0))
    assert places(members) == [10, 20, 30]
    last, line = members[-1], line_along(path_to(members[-1], members), 3)
    assert last.passed == line.passed == 1
    assert last.linked > last.alike
    assert line.alike == pytest.approx(members[1].linked + last.linked)


def test_what_follows_as_well_is_not_passed_over() -> None:
    assert places(lived((10, UP, 5.0), (20, UP, 2.0), (30, UP, 5.0))) == [10, 20, 30]


@pytest.mark.parametrize(("last_s", "passed"), [(66, 1), (72, 0)])
def test_no_path_leads_over_a_pause_that_ends_a_series(last_s: int, passed: int) -> None:
    members = lived((10, UP, 9.0), (last_s - 6, ASIDE, 0.9), (last_s, UP, 5.0))
    assert members[-1].passed == passed


def test_a_path_is_no_longer_than_the_longest_run() -> None:
    members = lived(*((10 * i, UP, 5.0) for i in range(1, 16)))
    assert len(path_to(members[-1], members)) == SETTINGS.cluster_run
