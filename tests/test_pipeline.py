"""The pipeline's promises: cadence does not matter, a snapshot goes on exactly, nothing odd breaks it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsp.context import ContextTracker
from dsp.core import Core
from dsp.kernels import Kernels, compiled
from dsp.pipeline import Pipeline, UnknownSite
from dsp.records import (
    NS,
    Cutoff,
    Epoch,
    Event,
    EventStatus,
    Item,
    Label,
    Output,
    Scale,
    Segment,
    Site,
    StateEpoch,
    Tick,
)
from dsp.rocking import RockingTracker
from dsp.stiffening import StiffeningTracker
from dsp.tremor import TremorTracker
from dsp.value import BadSnapshot
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario, State
from lullwatch.feeding import settled_blocks
from store.recording import at_rest

SITES = (Site.LA, Site.RA, Site.TR)
SCALE = Scale(8 / 32768, 500 / 32768)
START_NS = 1_000 * NS + 123_456_789

BUSY = Scenario(
    name="busy",
    duration_s=162.0,
    age_days=120,
    phases=(Phase(State.AWAKE, 3),),
    placed=(
        Placed("kicking", 4.0, {"count": 4}),
        Placed("spasm_cluster", 15.0, {"count": 5, "gap_s": 8.0, "subtle": False, "busy": 0.0}),
        Placed("clonic", 75.0, {"duration_s": 14.0}),
        Placed("startle", 100.0),
        Placed("stiffening", 112.0, {"duration_s": 16.0}),
        Placed("rocking", 134.0, {"duration_s": 25.0, "rate_hz": 0.9}),
    ),
    background=Background.none(),
)


@lru_cache(maxsize=1)
def busy_tracks() -> tuple[Segment, ...]:
    """One segment a site, with a hole of 3 s in one of them."""
    night = make_night(BUSY, seed=1001, start_ns=START_NS)
    rows = []
    for track in night.sensors.values():
        cuts = (0, track.n) if track.site is not Site.RA else (0, 4000, 4312, track.n)
        for i in range(0, len(cuts) - 1, 2):
            a, b = cuts[i], cuts[i + 1]
            rows.append(
                Segment(
                    track.site, track.sensor, 1, i, track.time_ns(a), round(track.step_ns),
                    track.counts[a:b], track.scale,
                )
            )  # fmt: skip
    return tuple(rows)


def split(segment: Segment, lengths: Iterable[int]) -> list[Segment]:
    parts, at = [], 0
    for length in lengths:
        if at >= segment.n:
            break
        counts = segment.counts[at : at + length]
        t0 = segment.t0_ns + at * segment.step_ns
        parts.append(
            Segment(
                segment.site, segment.sensor, segment.boot, len(parts), t0, segment.step_ns, counts,
                segment.scale,
            )
        )  # fmt: skip
        at += length
    return parts


def in_time_order(parts: Iterable[Segment]) -> list[Segment]:
    return sorted(parts, key=lambda s: (s.t0_ns, s.site))


def even(segments: Iterable[Segment], length: int) -> list[Segment]:
    return in_time_order(p for s in segments for p in split(s, [length] * (s.n // length + 1)))


def run(items: Sequence[Item], *, snapshot_at: frozenset[int] = frozenset()) -> list[Output]:
    pipeline = Pipeline("infant", SITES)
    out: list[Output] = []
    for i, item in enumerate(items):
        out += pipeline.feed(item)
        if i in snapshot_at:
            pipeline = Pipeline.restore(pipeline.snapshot())
    return out + pipeline.finish()


def settled(segments: Sequence[Segment], kernels: Kernels | None) -> list[Output]:
    pipeline, out = Pipeline("infant", SITES, kernels=kernels), []
    for block in settled_blocks(segments, SITES):
        out += pipeline.feed_block(block)
    return out + pipeline.finish()


@lru_cache(maxsize=1)
def expected() -> str:
    return repr(run(in_time_order(busy_tracks())))


def noise(
    site: Site, seconds: float, *, rate_hz: float = 104.0, axes: int = 6, t0_ns: int = START_NS
) -> Segment:
    rng = np.random.default_rng(5)
    counts = rng.normal(0.0, 12.0, (round(seconds * rate_hz), axes)).astype(np.int16)
    counts[:, 2] += 4096
    return Segment(site, "s", 1, 0, t0_ns, round(NS / rate_hz), counts, SCALE)


def test_the_busy_minutes_give_something_of_everything() -> None:
    out = run(in_time_order(busy_tracks()))
    labels = {e.label for e in out if isinstance(e, Event)}
    assert labels >= {
        Label.MOVEMENT, Label.SPASM_LIKE, Label.SPASM_LIKE_CLUSTER, Label.STIFFENING, Label.ROCKING,
    }  # fmt: skip
    assert any(isinstance(e, Epoch) for e in out)
    assert any(isinstance(e, StateEpoch) for e in out)


@pytest.mark.parametrize("length", [1, 16, 997])
def test_blocks_of_any_length_give_the_same_bytes(length: int) -> None:
    segments = [s for s in busy_tracks() if s.site is not Site.TR] if length == 1 else busy_tracks()
    segments = [split(s, [2600])[0] for s in segments] if length == 1 else segments
    assert repr(run(even(segments, length))) == repr(run(in_time_order(segments)))


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_split_and_any_snapshots_give_the_same_bytes(data: st.DataObject) -> None:
    lengths = st.lists(st.integers(40, 3000), min_size=5, max_size=30)
    parts = [p for s in busy_tracks() for p in split(s, [*data.draw(lengths), 10**9])]
    stops = data.draw(st.frozensets(st.integers(0, len(parts) - 1), max_size=4))
    assert repr(run(in_time_order(parts), snapshot_at=stops)) == expected()


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32 - 1))
def test_any_order_of_arrival_within_the_lateness_gives_the_same_bytes(seed: int) -> None:
    parts = even(busy_tracks(), 52)
    delays_ns = np.random.default_rng(seed).uniform(0.0, 0.9 * NS, len(parts))
    late = [
        p
        for _, _, p in sorted(
            (p.t0_ns + d, i, p) for i, (p, d) in enumerate(zip(parts, delays_ns, strict=True))
        )
    ]
    assert repr(run(late)) == expected()


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32 - 1), st.integers(20, 6000), st.booleans())
def test_any_order_of_arrival_gives_the_same_settled_events(seed: int, length: int, fast: bool) -> None:
    parts = even(busy_tracks(), length)
    shuffled = [parts[i] for i in np.random.default_rng(seed).permutation(len(parts))]
    assert repr(settled(shuffled, compiled() if fast else None)) == repr(settled(parts, None))


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_stretches_give_the_same_bytes_as_their_segments(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 60), min_size=200, max_size=400))
    parts = in_time_order(p for s in busy_tracks() for p in split(s, [*lengths, 10**9]))
    doubled = [p for i, p in enumerate(parts) for p in ((p, p) if i % 50 == 7 else (p,))]
    sizes = data.draw(st.lists(st.integers(1, 150), min_size=1, max_size=9))
    blocks, at = [], 0
    while at < len(doubled):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append(doubled[at : at + size])
        at += size
    singly, at_once = Pipeline("infant", SITES), Pipeline("infant", SITES, kernels=compiled())
    told = [(singly.feed_block(block), at_once.feed_block(at_rest(block))) for block in blocks]
    assert repr([a for a, _ in told]) == repr([b for _, b in told])
    assert repr(singly.finish()) == repr(at_once.finish())
    assert singly.overlapped_samples == at_once.overlapped_samples > 0


def test_a_snapshot_goes_on_with_stretches_that_wait() -> None:
    parts = even(busy_tracks(), 208)
    pipeline, out = Pipeline("infant", SITES), []
    for a in range(0, len(parts), 40):
        out += pipeline.feed_block(at_rest(parts[a : a + 40]))
        pipeline = Pipeline.restore(pipeline.snapshot(), kernels=compiled())
    assert repr(out + pipeline.finish()) == expected()


def test_visiting_every_hop_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    few = expected()
    monkeypatch.setattr(Core, "_wake", lambda self, h: h)
    assert repr(run(in_time_order(busy_tracks()))) == few


def test_looking_at_every_look_and_window_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    few = expected()
    for tracker in (StiffeningTracker, TremorTracker):
        monkeypatch.setattr(tracker, "stirs", lambda self, looks, *_: list(looks.hops))
    for watcher in (RockingTracker, ContextTracker):
        monkeypatch.setattr(watcher, "stirs", lambda self, windows, *_: list(windows))
    assert repr(run(in_time_order(busy_tracks()))) == few


def test_who_is_of_another_age_from_a_moment_on_is_so_however_it_is_fed_and_kept() -> None:
    parts = even(busy_tracks(), 1040)
    grown = Pipeline("infant", SITES, age_days=30)
    out = [o for part in parts[:13] for o in grown.feed(part)]
    turn_ns = grown.watermark_ns
    grown = Pipeline.restore(grown.snapshot())
    grown.of_age(300)
    out += [o for part in parts[13:] for o in grown.feed(part)] + grown.finish()

    again: list[Output] = []
    pipeline = Pipeline("infant", SITES, age_days=30)
    for begin, end in ((0, 7), (7, len(parts))):
        pipeline = Pipeline.restore(pipeline.snapshot())
        pipeline.of_age(300, turn_ns)
        again += pipeline.feed_block(parts[begin:end])
    again += pipeline.finish()
    assert repr(again) == repr(out)
    ages = {e.value for o in out if isinstance(o, Event) for e in o.evidence if e.name == "age_days"}
    assert ages == {30.0, 300.0}


def test_ticks_between_the_segments_change_nothing() -> None:
    parts = even(busy_tracks(), 104)
    items: list[Item] = []
    for part in parts:
        items.append(part)
        items.append(Tick(part.t0_ns))
    assert repr(run(items)) == expected()


def test_a_site_that_never_comes_delays_by_the_lateness_only() -> None:
    pipeline = Pipeline("infant", SITES)
    for part in even([noise(Site.LA, 20.0)], 16):
        pipeline.feed(part)
    last = START_NS + 20 * NS
    assert last - pipeline.watermark_ns < 1.8 * NS


def test_a_cutoff_lets_time_go_on_at_once() -> None:
    waiting, told = Pipeline("i", SITES[:2]), Pipeline("i", SITES[:2])
    for pipeline in (waiting, told):
        for part in even([noise(Site.LA, 5.0)], 16):
            pipeline.feed(part)
    told.feed(Cutoff(Site.RA, START_NS + 100 * NS))
    assert told.watermark_ns > waiting.watermark_ns


def test_ticks_alone_bring_epochs_in_which_nothing_is_present() -> None:
    pipeline = Pipeline("i", [Site.LA])
    pipeline.feed(noise(Site.LA, 2.0))
    out = [o for k in range(1, 100) for o in pipeline.feed(Tick(START_NS + k * NS))]
    epochs = [o for o in out if isinstance(o, Epoch)]
    assert len(epochs) >= 2
    assert epochs[-1].present == 0.0


def test_what_comes_too_late_is_counted_and_changes_nothing_told() -> None:
    pipeline = Pipeline("i", [Site.LA])
    for part in even([noise(Site.LA, 30.0)], 16):
        pipeline.feed(part)
    assert pipeline.feed(noise(Site.LA, 1.0, t0_ns=START_NS - 5 * NS)) == []
    assert pipeline.late_samples == 104


def test_the_same_segment_twice_is_counted_and_used_once() -> None:
    parts = even(busy_tracks(), 104)
    assert repr(run([p for part in parts for p in (part, part)])) == expected()


@pytest.mark.parametrize("rate_hz", [20.0, 25.0, 50.0, 52.0, 100.0, 102.0, 104.0, 208.0])
@pytest.mark.parametrize("axes", [3, 6])
def test_every_rate_and_acceleration_alone_give_whole_epochs(rate_hz: float, axes: int) -> None:
    pipeline = Pipeline("i", [Site.LA])
    out = pipeline.feed(noise(Site.LA, 70.0, rate_hz=rate_hz, axes=axes, t0_ns=0)) + pipeline.finish()
    epoch = next(o for o in out if isinstance(o, Epoch) and o.t_ns == 30 * NS)
    assert epoch.present == 1.0
    assert (epoch.rate_dps is None) is (axes == 3)
    assert epoch.posture[2] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("kind", ["constant", "clipped", "stuck", "silent"])
def test_broken_sensors_give_epochs_and_no_pattern(kind: str) -> None:
    rng = np.random.default_rng(3)
    counts = rng.normal(0.0, 300.0, (104 * 90, 6)).astype(np.int16)
    if kind == "constant":
        counts[:] = 17
    elif kind == "clipped":
        counts[:, 0] = np.where(np.arange(104 * 90) % 50 < 25, 32767, -32768)
    elif kind == "stuck":
        counts[:, 1] = 1234
    else:
        counts[:] = 0
    segment = Segment(Site.TR, "s", 1, 0, 0, round(NS / 104), counts, SCALE)
    pipeline = Pipeline("i", [Site.TR])
    out = pipeline.feed(segment) + pipeline.finish()
    epochs = [o for o in out if isinstance(o, Epoch)]
    assert len(epochs) >= 3
    assert {e.label for e in out if isinstance(e, Event)} <= {Label.MOVEMENT}
    assert (epochs[1].clipped > 0.9) is (kind == "clipped")


def test_a_segment_of_another_site_is_refused_by_name() -> None:
    with pytest.raises(UnknownSite, match="TR"):
        Pipeline("i", [Site.LA]).feed(noise(Site.TR, 1.0))


def test_damaged_snapshots_are_refused() -> None:
    blob = Pipeline("i", SITES).snapshot()
    with pytest.raises(BadSnapshot):
        Pipeline.restore(blob[:-9])
    with pytest.raises(BadSnapshot):
        Pipeline.restore(b"")


def test_an_empty_recording_tells_nothing() -> None:
    assert Pipeline("i", SITES).finish() == []


def test_rows_of_an_event_count_up_from_new_to_end() -> None:
    rows: dict[str, list[Event]] = {}
    for out in run(in_time_order(busy_tracks())):
        if isinstance(out, Event):
            rows.setdefault(out.id, []).append(out)
    assert rows
    for life in rows.values():
        assert [e.version for e in life] == list(range(1, len(life) + 1))
        assert life[0].status is EventStatus.NEW
        assert life[-1].status is EventStatus.END
        assert all(a.told_ns <= b.told_ns for a, b in pairwise(life))
