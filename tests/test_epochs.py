"""Whether a sensor is worn, told from what it and the others do."""

from __future__ import annotations

from dsp.epochs import EPOCH_NS, Stir, WearTracker
from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import NS, Context, ContextKind, Epoch, Site, State
from dsp.settings import Settings
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Phase, Scenario
from firmware_sim.wearing import Worn
from lullwatch.feeding import settled_blocks

SETTINGS = Settings()
NOISE = 0.001


def stir(site: Site, top_g: float = NOISE, sway_dps: float | None = 0.01, sway_g: float = 0.0002) -> Stir:
    return Stir(site=site, present=1.0, top_g=top_g, sway_dps=sway_dps, sway_g=sway_g, rms_g=0.0006)


def epochs_until_off(own: Stir, others: list[Stir], most: int = 200) -> int:
    tracker = WearTracker(SETTINGS)
    for i in range(most):
        if not tracker.push(own, others, i * EPOCH_NS):
            return i + 1
    return most


def test_a_sensor_that_stays_still_while_the_others_move_is_not_worn_within_minutes() -> None:
    moving = [stir(Site.RA, 0.4, 20.0), stir(Site.TR, 0.2, 10.0)]
    assert epochs_until_off(stir(Site.LA), moving) <= 4


def test_one_kicking_leg_is_less_of_a_proof_than_leg_and_trunk() -> None:
    kick = [stir(Site.RA, 0.4, 20.0), stir(Site.TR, 0.01, 0.5)]
    both = [stir(Site.RA, 0.4, 20.0), stir(Site.TR, 0.2, 10.0)]
    assert epochs_until_off(stir(Site.LA), kick) > epochs_until_off(stir(Site.LA), both)


def test_a_trunk_that_does_not_breathe_is_not_worn_within_minutes() -> None:
    assert epochs_until_off(stir(Site.TR), []) <= 6


def test_a_trunk_that_breathes_is_worn_however_still_it_lies() -> None:
    assert epochs_until_off(stir(Site.TR, sway_dps=0.3), []) == 200


def test_an_ankle_in_quiet_sleep_is_worn_for_longer_than_such_sleep_lasts_in_the_young() -> None:
    assert epochs_until_off(stir(Site.LA), []) * EPOCH_NS >= 25 * 60 * NS


def test_what_only_a_hand_moved_and_then_lay_still_is_not_worn_within_minutes() -> None:
    tracker = WearTracker(SETTINGS)
    quiet = [stir(Site.RA), stir(Site.TR, sway_dps=0.3)]
    tracker.push(stir(Site.LA, 0.8, 60.0), quiet, 0)
    told = [tracker.push(stir(Site.LA), quiet, i * EPOCH_NS) for i in range(1, 12)]
    assert not told[-1]
    assert tracker.since_ns == EPOCH_NS


def test_one_sensor_alone_that_falls_silent_after_a_kick_is_still_worn() -> None:
    tracker = WearTracker(SETTINGS)
    tracker.push(stir(Site.LA, 0.8, 60.0), [], 0)
    assert all(tracker.push(stir(Site.LA), [], i * EPOCH_NS) for i in range(1, 40))


def test_movement_of_its_own_ends_all_doubt() -> None:
    tracker = WearTracker(SETTINGS)
    moving = [stir(Site.RA, 0.4, 20.0), stir(Site.TR, 0.2, 10.0)]
    while tracker.push(stir(Site.LA), moving, 0):
        pass
    assert tracker.push(stir(Site.LA, 0.3, 20.0), moving, EPOCH_NS)


def test_without_a_gyro_white_noise_alone_is_not_worn_and_breathing_is() -> None:
    assert epochs_until_off(stir(Site.TR, sway_dps=None), []) <= 6
    assert epochs_until_off(stir(Site.TR, sway_dps=None, sway_g=0.001), []) == 200


def night(worn: tuple[Worn, ...], seed: int) -> Night:
    phases = (Phase(State.AWAKE, 8), Phase(State.ACTIVE_SLEEP, 12), Phase(State.QUIET_SLEEP, 20))
    return make_night(
        Scenario(name="w", duration_s=2400.0, age_days=120, phases=phases, worn=worn), seed=seed
    )


def outputs(of: Night) -> list[object]:
    sites = tuple(of.sensors)
    pipeline = Pipeline("infant", sites, age_days=120, kernels=compiled())
    found = [o for block in settled_blocks(of.segments(1024), sites) for o in pipeline.feed_block(block)]
    return [*found, *pipeline.finish()]


def test_a_sensor_taken_off_is_told_from_when_it_was_and_the_others_stay_worn() -> None:
    found = outputs(night((Worn("off", Site.TR, 300.0, 1500.0),), 2001))
    off = [o for o in found if isinstance(o, Context) and o.kind is ContextKind.NOT_WORN]
    assert [o.sites for o in off] == [(Site.TR,)]
    assert abs(off[0].onset_ns / NS - 300.0) <= 60.0
    assert abs(off[0].end_ns / NS - 1500.0) <= 60.0


def test_quiet_sleep_is_no_sensor_in_a_drawer() -> None:
    found = outputs(night((), 2002))
    assert all(o.worn for o in found if isinstance(o, Epoch))
