"""Simulated series and trains on what real people's sensors recorded: where they are found, and never called harmless.

Each recording has its own stillness before it (its quietest half-second, to and fro), as nobody gets up walking:
some last 20 s and hold nothing but steps. What is added lies in that stillness. Series are asked for at ankles and
wrists (`SERIES_FOUND`), trains at ankles with angular rate and at wrists; at the lower back, whose stillness is not
still, that each movement is told at all. No recording by itself is a series; what rings is tested in
`test_real_recordings.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from dsp.records import NS, Event, Label, Segment, Site
from firmware_sim.draw import Draw
from firmware_sim.generators import GENERATORS
from firmware_sim.inject import inject
from firmware_sim.movement import draw_infant
from firmware_sim.truth import Truth
from lullwatch.detector import Told
from store.edf import read_recording
from tests.test_real_recordings import FILES, recording
from tests.told_nights import detect, touching

SEEDS = (2300, 2301, 2302)
STILL_S = 300.0
QUIET_AT_S = 180.0
LONGEST_S = 360.0
"""Of a recording so much is looked at: the test is about every file, not about every minute."""
AGES = {"cluster": 150, "train": 60}
MOVES: dict[str, tuple[str, dict[str, object]]] = {
    "cluster": ("spasm_cluster", {"count": 8, "gap_s": 9.0, "subtle": False, "busy": 0.0, "cries": False}),
    "train": ("sleep_jerk_train", {"trains": 2, "train_s": 8.0, "rate_hz": 2.5, "side": "both"}),
}
FEET = tuple(name for name in FILES if name.startswith("adult_feet"))
"""Both ankles with angular rate."""
SERIES_FOUND = {
    **dict.fromkeys(FEET, 3),
    "parkinson_wrist": 3,
    "shoulder_exercise_wrist": 1,
    "child_left_ankle": 1,
}
"""Of three added series. What is missing is an honest limit: acceleration alone, at the lower back above all, where the
recording's own stillness is not still."""
WRISTS = tuple(name for name in FILES if name.endswith("wrist"))
TRAINS = (Label.SLEEP_JERK_TRAIN, Label.RHYTHMIC_JERKING, Label.LONG_MOVEMENT)


@dataclass(frozen=True)
class Recorded:
    segments: tuple[Segment, ...]
    sites: tuple[Site, ...]
    t0_ns: int
    length_s: float

    @property
    def on_arms(self) -> bool:
        return not {Site.LW, Site.RW}.isdisjoint(self.sites)


@cache
def recorded(name: str) -> Recorded:
    segments = list(read_recording(recording(name)).segments)
    t0_ns, end_ns = min(s.t0_ns for s in segments), max(s.end_ns for s in segments)
    sites = tuple(site for site in Site if any(s.site is site for s in segments))
    rested = [part for site in sites for part in _rested([s for s in segments if s.site is site], t0_ns)]
    return Recorded(tuple(rested), sites, t0_ns, min((end_ns - t0_ns) / NS, LONGEST_S))


def _rested(own: Sequence[Segment], t0_ns: int) -> list[Segment]:
    """A site's recording after its own stillness."""
    first = own[0]
    rate_hz = NS / first.step_ns
    half = int(0.5 * rate_hz)
    pieces = first.counts[: first.n // half * half].reshape(-1, half, first.counts.shape[1])
    still = pieces[int(np.argmin(pieces[:, :, :3].astype(np.float64).var(1).sum(1)))]
    n = int(STILL_S * rate_hz)
    swing = np.concatenate([still, still[::-1]])
    rest = np.tile(swing, (-(-n // len(swing)), 1))[:n]
    begun = replace(first, counts=rest, t0_ns=t0_ns)
    shifted = [replace(s, t0_ns=s.t0_ns + n * s.step_ns, seq=s.seq + 1) for s in own]
    most = int(LONGEST_S * rate_hz)
    return [begun, *(replace(s, counts=s.counts[:most]) for s in shifted)]


def added(name: str, move: str, at_s: float, seed: int) -> tuple[Told, Truth]:
    base = recorded(name)
    kind, options = MOVES[move]
    if base.on_arms and move == "train":
        options = {**options, "arms": True}
    infant = draw_infant(Draw(seed, "infant"), AGES[move])
    movement = GENERATORS[kind](Draw(seed, move), infant, **options)
    at_ns = base.t0_ns + round(at_s * NS)
    made = inject(base.segments, movement, infant, at_ns=at_ns, seed=seed)
    return detect(made.segments, base.sites, AGES[move]), made.truth


def near(told: Told, truth: Truth) -> list[Event]:
    """What was told where something was added."""
    whole = [e for e in truth.events if e.parent is None]
    return [e for t in whole for e in touching(told.final_events, t)]


@pytest.mark.parametrize(("name", "least"), SERIES_FOUND.items())
def test_a_series_in_stillness_is_found(name: str, least: int) -> None:
    told_in = 0
    for seed in SEEDS:
        told, truth = added(name, "cluster", QUIET_AT_S, seed)
        told_in += any(e.label is Label.SPASM_LIKE_CLUSTER for e in near(told, truth))
    assert told_in >= least


@pytest.mark.parametrize("name", [*FEET, *WRISTS])
def test_a_train_in_stillness_is_found(name: str) -> None:
    for seed in SEEDS:
        told, truth = added(name, "train", QUIET_AT_S, seed)
        assert any(e.label in TRAINS for e in near(told, truth)), seed


@pytest.mark.parametrize("name", FILES)
def test_a_series_in_stillness_is_never_taken_for_what_is_harmless(name: str) -> None:
    harmless = {Label.HICCUPS, Label.TWITCHES, Label.ROCKING, Label.TREMOR}
    for seed in SEEDS:
        told, truth = added(name, "cluster", QUIET_AT_S, seed)
        assert not harmless & {e.label for e in near(told, truth)}, seed


@pytest.mark.parametrize("name", FILES)
def test_every_spasm_in_stillness_is_at_least_told_as_movement(name: str) -> None:
    for seed in SEEDS:
        told, truth = added(name, "cluster", QUIET_AT_S, seed)
        members = truth.of(Label.SPASM_LIKE)
        seen = [m for m in members if touching(told.final_events, m)]
        assert len(seen) >= 0.75 * len(members), seed


@pytest.mark.parametrize("name", FILES)
def test_stillness_before_a_recording_adds_no_pattern(name: str) -> None:
    base = recorded(name)
    told = detect(base.segments, base.sites)
    early = [e for e in told.final_events if e.onset_ns < base.t0_ns + (STILL_S - 2) * NS]
    assert {e.label for e in early} <= {Label.MOVEMENT}
    assert not [e for e in told.final_events if e.label is Label.SPASM_LIKE_CLUSTER]
