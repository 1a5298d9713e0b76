"""Other movements: one event each, whatever of them becomes known when."""

from __future__ import annotations

from dsp.bursts import Burst
from dsp.context import ContextTracker
from dsp.grid import GRID_HZ, GRID_NS
from dsp.movements import MovementTracker
from dsp.records import Event, Site
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.state import StateTracker

SITES = [Site.LA, Site.RA, Site.TR]
SETTINGS = Settings()


def burst(site: Site, from_s: float, to_s: float) -> Burst:
    k0, k1 = round(from_s * GRID_HZ), round(to_s * GRID_HZ)
    return Burst(site, k0, k1, k1, k0 + 5, 0.4, 0.5, 0.004)


def finished(tracker: MovementTracker, at_s: float) -> list[Event]:
    scene = Scene("infant", StateTracker.of("infant", SETTINGS), ContextTracker.of("infant", SETTINGS))
    return tracker.finish(round(4 * at_s), SITES, [], scene, SETTINGS)


def test_a_leg_that_goes_on_after_the_others_were_told_is_an_event_of_its_own() -> None:
    tracker = MovementTracker()
    tracker.burst(burst(Site.LA, 100.0, 103.0))
    first = finished(tracker, 107.0)
    tracker.burst(burst(Site.RA, 100.0, 109.9))
    second = finished(tracker, 113.0)
    assert [e.version for e in first] == [e.version for e in second] == [1, 2]
    assert first[0].id != second[0].id
    assert second[0].onset_ns == first[0].end_ns == 103 * GRID_HZ * GRID_NS


def test_a_burst_inside_a_movement_that_was_told_is_no_second_event() -> None:
    tracker = MovementTracker()
    tracker.burst(burst(Site.LA, 100.0, 103.0))
    assert len(finished(tracker, 107.0)) == 2
    tracker.burst(burst(Site.RA, 100.0, 102.0))
    assert finished(tracker, 108.0) == []
