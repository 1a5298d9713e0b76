"""Which sites and which side a series is told with: those of all its members, not of the first alone."""

from __future__ import annotations

import pytest

from dsp.context import ContextTracker
from dsp.events import Draft
from dsp.grid import GRID_HZ
from dsp.likeness import Trace
from dsp.members import Member
from dsp.records import NS, Event, Label, Site, State
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.spasms import SpasmTracker
from dsp.state import StateTracker

SETTINGS = Settings()
ALL = [Site.LA, Site.RA, Site.TR]


def member(i: int, sites: list[Site], side: str, seen: int) -> Member:
    onset_ns = (100 + 10 * i) * NS
    draft = Draft(
        f"m{i}",
        Label.SPASM_LIKE,
        onset_ns,
        onset_ns + NS,
        sites,
        side,
        State.AWAKE,
        State.AWAKE,
        None,
        0.9,
        0.9,
    )
    k = (100 + 10 * i) * GRID_HZ
    return Member(k, 7.0, draft, 0.9, [], Trace(k, Site.TR, 1.0), seen, told=True)


def told(*members: Member) -> Event:
    """The series that the members make."""
    scene = Scene("kid", StateTracker.of("kid", SETTINGS, 150), ContextTracker.of("kid", SETTINGS))
    tracker = SpasmTracker()
    out: list[Event] = []
    for row in members:
        tracker.members.append(row)
        out += tracker._series(row, row.k // 25 + 8, scene, SETTINGS)
    return [e for e in out if e.label is Label.SPASM_LIKE_CLUSTER][-1]


def test_legs_that_kicked_before_its_first_movement_do_not_make_a_series_one_of_a_single_site() -> None:
    first = member(0, [Site.TR], "both", 3)
    series = told(first, *(member(i, ALL, "both", 3) for i in range(1, 5)))
    assert series.sites == tuple(ALL)
    assert series.match >= SETTINGS.clear_match


def test_from_a_single_site_no_series_is_clear() -> None:
    series = told(*(member(i, [Site.LA], "unknown", 1) for i in range(5)))
    assert series.match < SETTINGS.clear_match


@pytest.mark.parametrize(
    ("sides", "side"),
    [("left left unknown", "left"), ("left right left", "both"), ("unknown unknown unknown", "unknown")],
)
def test_members_whose_side_was_not_seen_do_not_make_a_series_two_sided(sides: str, side: str) -> None:
    assert told(*(member(i, ALL, s, 3) for i, s in enumerate(sides.split()))).side == side
