"""Every threshold and weight of the detector, in one frozen value whose digest stands in each event."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256

from dsp.likelihoods import STATE, Likelihood
from dsp.views import VIEWS, View
from dsp.weights import (
    AGE,
    HICCUPS,
    JERKS,
    JERKS_BIAS,
    OWN,
    OWN_BIAS,
    RUN,
    RUN_BIAS,
    SERIES,
    SERIES_BIAS,
    SPASM,
    SPASM_BIAS,
    SPASM_PAIRS,
    STARTLE,
    STARTLE_BIAS,
    STIFF,
    STIFF_BIAS,
    TRAIN,
    TRAIN_BIAS,
    Pair,
    Table,
)

__all__ = ["CLEAR_MATCH", "WEAK_MATCH", "Settings"]

WEAK_MATCH = 0.5
"""Pattern match from which an event is worth naming by its pattern, the same for every label."""

CLEAR_MATCH = 0.8
"""Pattern match from which people are shown "clear" instead of "weak", the same for every label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The detector's settings: lengths in s, rates in Hz, acceleration in g, angles in degrees.

    Where a number comes from the literature the table row of `docs/detector.md` says which; the rest was
    set on simulated nights with seeds 1000 to 1099.
    """

    version: str = "1"

    # Watermark
    lateness_s: float = 1.0

    # Filters
    gravity_hz: float = 0.4
    band_low_hz: float = 2.0
    band_high_hz: float = 20.0
    envelope_hz: float = 6.0
    settle_s: float = 1.0

    # Noise floor
    floor_window_s: float = 300.0
    floor_least_g: float = 0.002
    floor_most_g: float = 0.02

    # Bursts
    burst_on_ratio: float = 4.0
    burst_off_ratio: float = 2.0
    burst_gap_s: float = 0.12
    burst_least_s: float = 0.03
    burst_most_s: float = 10.0
    pulse_drop: float = 0.55

    # Wearing and context
    off_still_s: float = 1800.0
    off_handled_s: float = 300.0
    off_breathless_s: float = 150.0
    off_others_g: float = 0.1
    off_left_out: float = 0.34
    off_top_g: float = 0.012
    loose_least_g: float = 0.04
    loose_bursts: int = 20
    loose_faster: float = 0.25
    off_sway_dps: tuple[float, float] = (0.04, 0.03)

    # Single spasm-like movements: log-odds by measurement, see `dsp.weights`
    spasm_tables: tuple[Table, ...] = SPASM
    spasm_bias: float = SPASM_BIAS
    spasm_pairs: tuple[Pair, ...] = SPASM_PAIRS
    no_trunk_cost: float = 1.0
    one_site_cost: float = 1.5
    spasm_views: tuple[View, ...] = VIEWS
    member_least: float = 0.8
    single_least: float = 4.5
    single_clear: float = 5.5
    single_leg_g: float = 0.12

    # Clusters
    cluster_gap_s: float = 60.0
    cluster_members: int = 3
    cluster_span_s: float = 10.0
    cluster_span_early_s: float = 1.0
    cluster_refractory_s: float = 3.0
    cluster_weak: float = 14.0
    cluster_clear: float = 16.0
    cluster_run: int = 8
    common_cost: float = 1.25
    common_from: int = 4
    cluster_age: Table = AGE
    series_tables: tuple[Table, ...] = SERIES
    series_bias: float = SERIES_BIAS
    alike_most: float = 3.0
    link_reach: int = 3
    passed_cost: float = 2.0
    rival_cost: float = 0.3
    rivals_most: float = 6.0
    stranger_cost: float = 0.7
    strangers_most: int = 6
    strangers_s: float = 120.0

    # Startles
    startle_tables: tuple[Table, ...] = STARTLE
    startle_bias: float = STARTLE_BIAS
    startle_weak: float = 1.0
    startle_clear: float = 2.5
    startle_alone_s: float = 10.0

    # Hiccups
    hiccup_tables: tuple[Table, ...] = HICCUPS
    hiccup_leg_deg: float = 1.5
    hiccup_leg_share: float = 0.6
    hiccup_rise_s: float = 0.14
    hiccup_burst_s: float = 0.5
    hiccup_ride_share: float = 1.5
    hiccup_gap_s: float = 30.0
    hiccup_span_s: float = 60.0
    hiccup_least: int = 5
    hiccup_rivals: float = 0.5
    hiccup_weak: float = 0.5
    hiccup_clear: float = 2.0

    # Jerk trains and rhythmic jerking
    jerks_tables: tuple[Table, ...] = JERKS
    jerks_bias: float = JERKS_BIAS
    run_tables: tuple[Table, ...] = RUN
    run_bias: float = RUN_BIAS
    own_tables: tuple[Table, ...] = OWN
    own_bias: float = OWN_BIAS
    own_jerking: float = -0.2
    train_tables: tuple[Table, ...] = TRAIN
    train_bias: float = TRAIN_BIAS
    train_least: float = -0.25
    own_train: float = -2.5
    own_sure: float = 2.0
    run_frame_least: float = -1.0
    run_pause_s: float = 2.2
    run_least_s: float = 7.0
    run_jerking: float = 1.6
    jerks_ring_s: float = 10.0
    episode_pause_s: float = 120.0
    jerks_unseen_cost: float = 0.6
    jerks_frame_least: float = -0.3
    jerks_weak: float = 0.8
    jerks_clear: float = 2.8
    jerks_frames: int = 2
    twitch_g: float = 0.05
    twitch_unison: float = 0.3
    twitch_most: int = 12
    train_pause_s: float = 5.0
    through_arousal_s: float = 2.0
    arousal_worth: float = 1.0
    one_sided_s: float = 60.0
    side_jerks: int = 6
    side_quiet: float = 1.1
    slowing_ratio: float = 1.3
    slowing_least_s: float = 10.0

    # Stiffening
    stiff_tables: tuple[Table, ...] = STIFF
    stiff_bias: float = STIFF_BIAS
    stiff_weak: float = 2.2
    stiff_clear: float = 4.2
    stiff_slack: float = 0.5
    stiff_work: float = 0.4
    stiff_least_s: float = 3.0
    stiff_ring_s: float = 10.0
    hold_sway_deg: float = 4.0
    hold_drift_deg: float = 10.0
    hold_leg_deg: float = 3.0
    hold_trunk_deg: float = 1.5
    posture_s: float = 30.0

    # Rocking
    rocking_least_dps: float = 2.5
    rocking_line: float = 0.7
    rocking_looks: int = 3
    swayed_least: float = 0.9
    swayed_line: float = 0.45

    # Tremor
    tremor_ratio: float = 3.0
    tremor_most_g: float = 0.15
    tremor_sway_deg: float = 6.0
    tremor_steady: float = 0.4
    tremor_line: float = 0.6
    tremor_looks: int = 3

    # Long movements
    long_s: float = 60.0
    long_gap_s: float = 5.0
    after_stiff_s: float = 10.0

    # Movement
    movement_gap_s: float = 3.0
    movement_least_g: float = 0.03

    # Arousal and conveyed motion
    state_tables: tuple[Likelihood, ...] = STATE
    arousal_trunk_dps: float = 15.0
    arousal_leg_dps: float = 40.0
    arousal_hops: int = 5
    coupled_least_g: float = 0.002
    conveyed_coupling: float = 0.75
    conveyed_turning: float = 0.9
    pair_coupling: float = 0.85
    pair_turning: float = 0.95
    turned_least_dps: float = 0.4
    conveyed_windows: int = 3

    # Match
    weak_match: float = WEAK_MATCH
    clear_match: float = CLEAR_MATCH

    def __hash__(self) -> int:
        """Of a few: every event asks for the digest, and all of them take longer than the event."""
        return hash((self.version, self.spasm_bias, self.series_bias, self.jerks_bias, self.cluster_weak))

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change when any setting does."""
        return _digest(self)

    @property
    def tag(self) -> str:
        """Version and digest, as events carry them."""
        return f"{self.version}:{self.digest}"


@lru_cache(maxsize=8)
def _digest(settings: Settings) -> str:
    text = json.dumps(asdict(settings), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:12]
