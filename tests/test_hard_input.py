"""What sensors and links do wrong: each has a defined outcome, and none of it is a pattern of the infant.

One scene, with jerks asleep and a series awake, is bent in many ways. Counts are int16, so that no sample can be
"not a number"; what can be is missing, constant, at the end of the range, of another rate, there twice, or begun anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import (
    NS,
    Context,
    Cutoff,
    Epoch,
    Event,
    Label,
    Output,
    Scale,
    Segment,
    Site,
    StateEpoch,
    Tick,
    Usability,
)
from dsp.settings import CLEAR_MATCH
from firmware_sim.faults import ChipFault
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario, State
from lullwatch.detector import Told
from tests.told_nights import detect, touching, urgent

SITES = (Site.LA, Site.RA, Site.TR)
SEED = 2400
LAST_JERK_NS = 150_000_000
"""A train ends a jerk's length after its last peak, which may lie ahead of the moment of telling."""
SCENE = Scenario(
    name="hard",
    duration_s=480.0,
    age_days=60,
    phases=(Phase(State.ACTIVE_SLEEP, 4), Phase(State.AWAKE, 4)),
    placed=(
        Placed(
            "sleep_jerk_train",
            150.0,
            {"trains": 2, "train_s": 8.0, "rate_hz": 2.5, "side": "both", "arms": False},
        ),
        Placed("stretch", 243.0),
        Placed("spasm_cluster", 290.0, {"count": 10, "gap_s": 10.0, "subtle": False, "busy": 0.0}),
    ),
    background=Background.none(),
)
PATTERNS = tuple(label for label in Label if label is not Label.MOVEMENT)
JERKS = (Label.SLEEP_JERK_TRAIN, Label.RHYTHMIC_JERKING, Label.LONG_MOVEMENT)


@cache
def night() -> Night:
    return make_night(SCENE, seed=SEED)


@cache
def recorded() -> tuple[Segment, ...]:
    """Segments of a second and a half."""
    return tuple(night().segments(156))


def found(told: Told, which: Night | None = None) -> tuple[bool, bool]:
    """Whether the jerks and the series were told."""
    truth = (which or night()).truth
    events = told.final_events
    jerks = [e for t in truth.of(Label.SLEEP_JERK_TRAIN) for e in touching(events, t) if e.label in JERKS]
    series = [
        e
        for t in truth.of(Label.SPASM_LIKE_CLUSTER)
        for e in touching(events, t)
        if e.label is Label.SPASM_LIKE_CLUSTER
    ]
    return bool(jerks), bool(series)


def assert_defined(outputs: Sequence[Output]) -> None:
    """Every number is one, every share is between none and all, every span runs forward, every row is one."""
    rows: dict[str, list[int]] = {}
    for o in outputs:
        if isinstance(o, Event):
            rows.setdefault(o.id, []).append(o.version)
    assert all(versions == [*range(1, len(versions) + 1)] for versions in rows.values()), rows
    for o in outputs:
        if isinstance(o, Event):
            numbers = [o.match, o.confidence, o.conveyed]
            assert all(0.0 <= x <= 1.0 for x in numbers), o
            numbers += [x for e in o.evidence for x in (e.value, e.contribution)]
            numbers += [x for x in (o.since_waking_s, o.interval_mean_s, o.interval_cv) if x is not None]
            assert all(map(isfinite, numbers)), o
            assert o.onset_ns <= o.end_ns <= o.told_ns + LAST_JERK_NS, o
        elif isinstance(o, Epoch):
            numbers = [o.activity_g, o.floor_g, *o.posture, *([] if o.rate_dps is None else [o.rate_dps])]
            assert all(map(isfinite, numbers)), o
            assert 0.0 <= o.present <= 1.0, o
            assert 0.0 <= o.clipped <= 1.0, o
        elif isinstance(o, StateEpoch):
            assert 0.0 <= o.probability <= 1.0, o
        elif isinstance(o, Context):
            assert 0.0 <= o.confidence <= 1.0, o
            assert o.onset_ns <= o.end_ns, o


def without(a_s: float, b_s: float, sites: Sequence[Site] = SITES) -> list[Segment]:
    """The scene without what those sites measured between two times."""
    return cut(recorded(), round(a_s * NS), round(b_s * NS), sites)


def cut(segments: Sequence[Segment], a: int, b: int, sites: Sequence[Site]) -> list[Segment]:
    """Segments without what some sites measured from a to b, in ns."""
    kept = []
    for s in segments:
        if s.site not in sites or s.end_ns <= a or s.t0_ns >= b:
            kept.append(s)
            continue
        before, after = -(-(a - s.t0_ns) // s.step_ns), -(-(b - s.t0_ns) // s.step_ns)
        if before > 0:
            kept.append(replace(s, counts=s.counts[:before]))
        if after < s.n:
            kept.append(replace(s, t0_ns=s.t0_ns + after * s.step_ns, counts=s.counts[after:]))
    return kept


def members(which: Night) -> list[int]:
    """Onsets of the spasms of its series, in ns."""
    series = which.truth.of(Label.SPASM_LIKE_CLUSTER)
    return [e.onset_ns for e in which.truth.events if e.parent in {s.id for s in series}]


def later(segments: Sequence[Segment], from_s: float, by_s: float) -> list[Segment]:
    """All that was measured from a time on, so much later."""
    return [replace(s, t0_ns=s.t0_ns + round(by_s * NS)) if s.t0_ns >= from_s * NS else s for s in segments]


def test_the_scene_as_it_is_holds_both_patterns() -> None:
    told = detect(recorded(), SITES, 60)
    assert found(told) == (True, True)
    assert_defined(told.outputs)


@pytest.mark.parametrize("ahead_s", [0.2, 0.5, 0.8])
def test_a_packet_that_the_trunk_lost_before_each_movement_costs_no_movement_of_the_series(
    ahead_s: float,
) -> None:
    segments: Sequence[Segment] = recorded()
    for onset_ns in members(night()):
        a = onset_ns - round(ahead_s * NS)
        segments = cut(segments, a, a + NS // 5, [Site.TR])
    told = detect(segments, SITES, 60)
    [true] = night().truth.of(Label.SPASM_LIKE_CLUSTER)
    [series] = [e for e in touching(told.final_events, true) if e.label is Label.SPASM_LIKE_CLUSTER]
    whole = [e for e in touching(detect_clean().final_events, true) if e.label is Label.SPASM_LIKE_CLUSTER]
    assert series.count >= whole[0].count - 2


@pytest.mark.parametrize("draw", range(3))
def test_one_packet_in_five_lost_anywhere_costs_neither_pattern_and_is_not_called_measured(draw: int) -> None:
    rng = np.random.default_rng(draw)
    told = detect([s for s in night().segments(16) if rng.random() >= 0.2], SITES, 60)
    assert_defined(told.outputs)
    patterns = [e for e in told.final_events if e.label in PATTERNS]
    jerks = [e.count for e in patterns if e.label is Label.SLEEP_JERK_TRAIN]
    series = [e.count for e in patterns if e.label is Label.SPASM_LIKE_CLUSTER]
    assert len(jerks) == len(night().truth.of(Label.SLEEP_JERK_TRAIN)) == 2
    assert sum(jerks) >= 25
    assert len(series) == 1
    assert series[0] >= 6
    assert {e.label for e in patterns} == {
        e.label for e in detect_clean().final_events if e.label in PATTERNS
    }
    present = [e.present for e in told.epochs]
    assert 0.78 < sum(present) / len(present) < 0.82


# ── gaps ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("gap_s", [0.01, 0.3, 1.0, 5.0, 61.0, 1800.0, 86_400.0])
def test_between_the_jerks_and_the_series_a_gap_of_any_length_costs_neither(gap_s: float) -> None:
    segments = (
        later(without(200.0, 201.5), 201.0, gap_s - 1.5) if gap_s > 1.5 else without(200.0, 200.0 + gap_s)
    )
    told = detect(segments, SITES, 60)
    assert_defined(told.outputs)
    labels = {e.label for e in told.final_events}
    assert labels & set(JERKS)
    assert Label.SPASM_LIKE_CLUSTER in labels
    hole = (round(202.0 * NS), round((199.0 + gap_s) * NS))
    assert [e for e in told.final_events if e.label in PATTERNS and hole[0] <= e.onset_ns < hole[1]] == []
    whole_blind = [c for c in told.minutes if hole[0] <= c.t_ns and c.t_ns + c.span_ns <= hole[1]]
    assert len(whole_blind) >= (gap_s - 122) // 60
    assert {c.usability for c in whole_blind} <= {Usability.BLIND}
    states = [s.state for s in told.states if hole[0] + 120 * NS <= s.t_ns and s.t_ns + s.span_ns <= hole[1]]
    assert set(states) <= {State.UNKNOWN}


@given(st.lists(st.tuples(st.floats(1.0, 470.0), st.floats(0.005, 90.0)), min_size=1, max_size=6))
@settings(max_examples=6)
def test_gaps_anywhere_break_nothing_and_ring_nobody_for_what_is_missing(
    gaps: list[tuple[float, float]],
) -> None:
    clean = [(e.onset_ns, e.end_ns) for e in detect_clean().final_events if e.label in PATTERNS]
    kept = [s for s in recorded() if not any(a <= s.t0_ns / NS <= a + n for a, n in gaps)]
    told = detect(kept, SITES, 60)
    assert_defined(told.outputs)
    for alert in urgent(told.alerts):
        assert any(alert.onset_ns <= b + 20 * NS and a <= alert.end_ns + 20 * NS for a, b in clean), alert


@cache
def detect_clean() -> Told:
    return detect(recorded(), SITES, 60)


@pytest.mark.parametrize("site", SITES)
def test_one_site_that_falls_silent_for_good_is_said_and_costs_neither_pattern(site: Site) -> None:
    told = detect(without(100.0, 500.0, [site]), SITES, 60)
    assert_defined(told.outputs)
    assert found(told) == (True, True)
    after = [c for c in told.minutes if c.t_ns >= 120 * NS and c.span_ns == 60 * NS]
    assert after
    assert {c.usability for c in after} == {Usability.DEGRADED}
    assert all(f"no_data:{site}" in c.causes for c in after)


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_fell_silent_lowers_the_confidence_of_every_pattern(site: Site) -> None:
    told = detect(without(100.0, 500.0, [site]), SITES, 60)
    later_on = [e for e in told.final_events if e.label in PATTERNS and e.onset_ns > 101 * NS]
    assert later_on
    assert max(e.confidence for e in later_on) < 0.95


# ── channels that say nothing ───────────────────────────────────────────────


def constant(value: tuple[int, ...]) -> Callable[[Segment], Segment]:
    return lambda s: replace(s, counts=np.tile(np.array(value, np.int16), (s.n, 1)))


@pytest.mark.parametrize(
    "value", [(0,) * 6, (0, 0, 4096, 0, 0, 0), (32767,) * 6, (-32768,) * 6, (1, -32768, 32767, 0, 0, 1)]
)
def test_channels_that_never_change_are_no_pattern(value: tuple[int, ...]) -> None:
    told = detect([constant(value)(s) for s in recorded()], SITES, 60)
    assert_defined(told.outputs)
    assert [e for e in told.final_events if e.label in PATTERNS] == []
    assert urgent(told.alerts) == []


@pytest.mark.parametrize("site", SITES)
def test_one_sensor_that_never_changes_costs_neither_pattern(site: Site) -> None:
    dead = constant((0, 0, 4096, 0, 0, 0))
    told = detect([dead(s) if s.site is site else s for s in recorded()], SITES, 60)
    assert_defined(told.outputs)
    assert found(told) == (True, True)


@pytest.mark.parametrize("axis", range(6))
@pytest.mark.parametrize("site", [Site.LA, Site.TR])
def test_one_axis_that_is_stuck_costs_neither_pattern(site: Site, axis: int) -> None:
    def stuck(s: Segment) -> Segment:
        counts = s.counts.copy()
        counts[:, axis] = 777
        return replace(s, counts=counts)

    told = detect([stuck(s) if s.site is site else s for s in recorded()], SITES, 60)
    assert_defined(told.outputs)
    assert found(told) == (True, True)


# ── ranges and rates ────────────────────────────────────────────────────────


@cache
def resting() -> dict[Site, np.ndarray]:
    """Where each sensor's counts mostly are."""
    return {
        site: np.median(np.concatenate([s.counts for s in recorded() if s.site is site]), axis=0)
        for site in SITES
    }


def stronger(s: Segment, gain: float, range_g: float) -> Segment:
    """The movement so many times as strong, measured within a range: beyond it counts stand at its end.

    Who is thrown about so turns as much faster, too, also as far as the gyroscope's range reaches.
    """
    moved = resting()[s.site] + (s.counts - resting()[s.site]) * gain
    unit_g = range_g / 32768
    moved[:, :3] *= s.scale.acc_g / unit_g
    counts = np.clip(np.rint(moved), -32768, 32767).astype(np.int16)
    return replace(s, counts=counts, scale=replace(s.scale, acc_g=unit_g))


@pytest.mark.parametrize("gain", [30.0, 80.0])
def test_movement_beyond_8_g_is_marked_as_clipped_and_both_patterns_are_found(gain: float) -> None:
    told = detect([stronger(s, gain, 8.0) for s in recorded()], SITES, 60)
    assert_defined(told.outputs)
    assert max(e.clipped for e in told.epochs) > 0.0
    assert found(told) == (True, True)


@pytest.mark.parametrize("range_g", [2.0, 4.0, 16.0])
def test_another_range_finds_the_same(range_g: float) -> None:
    told = detect([stronger(s, 1.0, range_g) for s in recorded()], SITES, 60)
    assert_defined(told.outputs)
    assert found(told) == (True, True)


def at_rate(site: Site, rate_hz: float) -> Segment:
    """What a site measured, sampled at another rate."""
    own = [x for x in recorded() if x.site is site]
    times = np.concatenate([x.t0_ns + x.step_ns * np.arange(x.n) for x in own])
    counts = np.concatenate([x.counts for x in own])
    step_ns = round(NS / rate_hz)
    wanted = np.arange(times[0], times[-1], step_ns)
    columns = [np.rint(np.interp(wanted, times, column)).astype(np.int16) for column in counts.T]
    return replace(own[0], step_ns=step_ns, counts=np.stack(columns, axis=1))


@pytest.mark.parametrize("off", [0.98, 1.02])
def test_sensors_whose_rate_is_two_percent_off_find_both_patterns(off: float) -> None:
    told = detect(
        [at_rate(Site.LA, 104.0 * off), at_rate(Site.RA, 104.0), at_rate(Site.TR, 104.0 / off)], SITES, 60
    )
    assert_defined(told.outputs)
    assert found(told) == (True, True)


@pytest.mark.parametrize("off", [0.98, 1.02])
def test_sensors_whose_clock_is_taken_two_percent_wrong_find_both_patterns(off: float) -> None:
    """The samples are spread over a time that is two percent too long or too short, packet after packet."""
    wrong = [replace(s, t0_ns=round(s.t0_ns * off), step_ns=round(s.step_ns * off)) for s in recorded()]
    told = detect(wrong, SITES, 60)
    assert_defined(told.outputs)
    labels = {e.label for e in told.final_events}
    assert Label.SPASM_LIKE_CLUSTER in labels
    assert labels & set(JERKS)


# ── starts and repetitions ──────────────────────────────────────────────────


def test_a_sensor_that_restarts_every_minute_costs_neither_pattern() -> None:
    faults = tuple(ChipFault("restart", Site.LA, 30.0 + 60.0 * i) for i in range(8))
    other = make_night(replace(SCENE, faults=faults), seed=SEED)
    told = detect(list(other.segments(156)), SITES, 60)
    assert_defined(told.outputs)
    assert found(told, other) == (True, True)
    assert all(c.usability is not Usability.BLIND for c in told.minutes)


def test_all_sensors_that_restart_every_minute_break_nothing() -> None:
    faults = tuple(ChipFault("restart", site, 30.0 + 60.0 * i) for i in range(8) for site in SITES)
    other = make_night(replace(SCENE, faults=faults), seed=SEED)
    told = detect(list(other.segments(156)), SITES, 60)
    assert_defined(told.outputs)
    assert found(told, other)[1]
    assert len([c for c in told.minutes if c.usability is not Usability.BLIND]) >= 8


@pytest.mark.parametrize("again", [1, 3])
def test_every_segment_again_changes_nothing_that_is_told(again: int) -> None:
    def run(times: int) -> tuple[list[Output], int]:
        pipeline = Pipeline("infant", SITES, age_days=60, kernels=compiled())
        out: list[Output] = []
        for segment in recorded():
            for _ in range(times):
                out += pipeline.feed(segment)
        return out + pipeline.finish(), pipeline.overlapped_samples + pipeline.late_samples

    once, none = run(1)
    more, dropped = run(1 + again)
    assert more == once
    assert none == 0
    assert dropped == again * sum(s.n for s in recorded())


# ── what is worn ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("site", [Site.LW, Site.RW, Site.HD])
def test_one_sensor_on_a_wrist_or_the_head_is_defined_unsure_and_never_clear(site: Site) -> None:
    other = make_night(SCENE, seed=SEED, sites=(site,))
    told = detect(list(other.segments(156)), (site,), 60)
    assert_defined(told.outputs)
    assert told.final_events
    best = max(e.confidence for e in detect_clean().final_events if e.label in PATTERNS)
    assert all(e.confidence < best for e in told.final_events)
    clusters = [e for e in told.final_events if e.label is Label.SPASM_LIKE_CLUSTER]
    assert all(e.match < CLEAR_MATCH for e in clusters)
    assert all(e.sites == (site,) for e in told.final_events)


# ── anything at all ─────────────────────────────────────────────────────────


@st.composite
def anything(draw: st.DrawFn) -> list[Segment | Tick | Cutoff]:
    """Segments of any counts, lengths, rates, scales, axes and times, in any order, with time going on between."""
    items: list[Segment | Tick | Cutoff] = []
    for seq in range(draw(st.integers(1, 12))):
        site = draw(st.sampled_from(SITES))
        t_ns = draw(st.integers(0, 200 * NS))
        kind = draw(st.integers(0, 9))
        if kind == 0:
            items.append(Tick(t_ns))
        elif kind == 1:
            items.append(Cutoff(site, t_ns))
        else:
            n, axes = draw(st.integers(0, 900)), draw(st.sampled_from([3, 6]))
            seed, size = draw(st.integers(0, 99)), draw(st.sampled_from([1, 300, 32768]))
            counts = np.random.default_rng(seed).integers(-size, size, (n, axes)).astype(np.int16)
            scale = Scale(draw(st.sampled_from([2.0, 8.0, 16.0])) / 32768, 1000.0 / 32768)
            step_ns = draw(st.sampled_from([2_500_000, 9_615_385, 19_230_769, 50_000_000]))
            items.append(
                Segment(site, f"{site}-{axes}", draw(st.integers(0, 2)), seq, t_ns, step_ns, counts, scale)
            )
    return items


@given(anything())
@settings(max_examples=60)
def test_no_segments_whatever_break_the_detector(items: list[Segment | Tick | Cutoff]) -> None:
    pipeline = Pipeline("infant", SITES)
    out: list[Output] = []
    for item in items:
        out += pipeline.feed(item)
    assert_defined(out + pipeline.finish())
