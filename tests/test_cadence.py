"""Sensor clocks that jump, stamps that are wrong, silence and pauses: samples stay where they were measured."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import NS, Packet, SegmentFlag
from ingest.clock_fit import ClockFit, Placed
from tests.sensor_truth import TICKS, Truth

Pair = tuple[Packet, float]
START_S = 100.0
SHORTEST_MS = 10.0
JUMP_S = 60.0
TRUTH = Truth(ppm=40, rate_error=0.01, seed=3)


def on(packet: Packet, by_s: float) -> Packet:
    return dataclasses.replace(packet, clock=(packet.clock + round(by_s * TICKS)) % 2**32)


def jumping(pairs: Iterable[Pair], by_s: float, at_s: float = JUMP_S) -> Iterator[Pair]:
    """The same packets from a clock that jumps on by `by_s`, `at_s` after the start."""
    for packet, true_s in pairs:
        yield (on(packet, by_s) if true_s >= START_S + at_s else packet), true_s


def without(pairs: Iterable[Pair], from_s: float, to_s: float) -> list[Pair]:
    return [(p, true_s) for p, true_s in pairs if not from_s <= true_s - START_S < to_s]


def errors_ms(pairs: Iterable[Pair], fit: ClockFit | None = None) -> tuple[np.ndarray, np.ndarray]:
    """True seconds since the start, and how far each packet lies from where it was measured (no latency)."""
    fit = fit or ClockFit("sock-la")
    rows = [(true_s - START_S, fit.place(p).t0_ns / 1e6 - true_s * 1e3 - SHORTEST_MS) for p, true_s in pairs]
    since_s, off_ms = np.array(rows).T
    return since_s, off_ms


def as_backfill(packet: Packet, arrived_ns: int) -> Packet:
    return dataclasses.replace(packet, flags=packet.flags | SegmentFlag.BACKFILL, arrived_ns=arrived_ns)


@pytest.mark.parametrize("by_s", [0.01, -0.01, 0.1, -0.1, 2.0, -2.0, 60.0, -60.0, 40_000.0])
def test_a_clock_jump_moves_no_sample(by_s: float) -> None:
    fit = ClockFit("sock-la")
    since_s, off_ms = errors_ms(jumping(TRUTH.packets(2.7), by_s), fit)
    assert fit.jumps == 1
    for at_s in (JUMP_S - 1, JUMP_S, JUMP_S + 1, JUMP_S + 95):
        assert abs(off_ms[np.searchsorted(since_s, at_s)]) < 1
    assert np.abs(off_ms[since_s > 20]).max() < 2


def test_times_go_on_without_a_hole_across_a_jump() -> None:
    fit = ClockFit("sock-la")
    places = [fit.place(p) for p, _ in jumping(TRUTH.packets(2), -2.0)]
    assert [p.t0_ns + 16 * p.step_ns for p in places[:-1]] == [p.t0_ns for p in places[1:]]


def test_a_clock_may_jump_and_wrap() -> None:
    wrapping = dataclasses.replace(TRUTH, clock_start=2**32 - 62 * TICKS)
    since_s, off_ms = errors_ms(jumping(wrapping.packets(2), 1.9))
    assert np.abs(off_ms[since_s > 20]).max() < 2


@pytest.mark.parametrize("number", [0, 1, 2, 5, 300])
@pytest.mark.parametrize("by_s", [-30_000.0, -3.0, 0.5, 3.0, 50_000.0])
def test_one_wrong_stamp_displaces_no_other_packet(number: int, by_s: float) -> None:
    right = list(TRUTH.packets(1))
    wrong = [(on(p, by_s) if p.seq == number else p, true_s) for p, true_s in right]
    plain, _ = ClockFit("sock-la"), errors_ms(right)
    fit = ClockFit("sock-la")
    for (packet, _), (odd, _) in zip(right, wrong, strict=True):
        assert fit.place(odd).t0_ns == pytest.approx(plain.place(packet).t0_ns, abs=4e6)


def test_a_third_of_all_stamps_may_be_wrong() -> None:
    rng = np.random.default_rng(4)
    wrong = [(on(p, rng.uniform(-6e4, 6e4) * (rng.random() < 0.3)), s) for p, s in TRUTH.packets(3)]
    since_s, off_ms = errors_ms(wrong)
    assert np.abs(off_ms[since_s > 20]).max() < 3


@pytest.mark.parametrize("scatter_s", [0.001, 0.005])
def test_stamps_that_scatter_are_no_jumps(scatter_s: float) -> None:
    rng = np.random.default_rng(5)
    fit = ClockFit("sock-la")
    scattered = [(on(p, rng.uniform(-scatter_s, scatter_s)), s) for p, s in TRUTH.packets(5)]
    since_s, off_ms = errors_ms(scattered, fit)
    assert fit.jumps == 0
    assert np.abs(off_ms[since_s > 20]).max() < 2 * scatter_s * 1e3 + 1


def test_a_data_rate_far_from_its_nominal_is_learned_and_not_fought() -> None:
    since_s, off_ms = errors_ms(Truth(rate_error=0.08, seed=2).packets(3))
    assert np.abs(off_ms[since_s > 20]).max() < 2


@pytest.mark.parametrize("by_s", [0.15, -0.15, 2.0, -2.0, 60.0, -60.0])
@pytest.mark.parametrize("silence_s", [0.2, 5.0, 60.0])
def test_a_jump_among_lost_packets_is_found_and_what_is_fetched_lies_right(
    by_s: float, silence_s: float
) -> None:
    whole = list(jumping(TRUTH.packets(3), by_s, JUMP_S + silence_s / 2))
    live = without(whole, JUMP_S, JUMP_S + silence_s)
    fit = ClockFit("sock-la")
    since_s, off_ms = errors_ms(live, fit)
    assert np.abs(off_ms[since_s > 20]).max() < 6
    lost = [pair for pair in whole if pair not in live]
    _, fetched_ms = errors_ms(((as_backfill(p, live[-1][0].arrived_ns), s) for p, s in lost), fit)
    assert np.abs(fetched_ms).max() < 6


def test_a_long_silence_is_no_jump() -> None:
    fit = ClockFit("sock-la")
    since_s, off_ms = errors_ms(TRUTH.packets(80, heard=lambda since_s: not 300 < since_s < 4500), fit)
    assert fit.jumps == 0
    assert np.abs(off_ms[since_s > 20]).max() < 20


@pytest.mark.parametrize(
    ("by_s", "within_s"), [(2.0, 10), (-2.0, 10), (60.0, 0), (-60.0, 0), (0.1, 30), (-0.1, 70)]
)
def test_a_jump_that_a_long_silence_hides_is_set_right_by_arrivals(by_s: float, within_s: float) -> None:
    """Over 50 min numbers foretell stamps to 3 s only."""
    silent = TRUTH.packets(57, heard=lambda since_s: not 300 < since_s < 3300)
    since_s, off_ms = errors_ms(jumping(silent, by_s, 1000.0))
    assert np.abs(off_ms[since_s >= 3300 + within_s]).max() < 15
    assert np.abs(off_ms[(since_s > 20) & (since_s < 3300)]).max() < 2


@pytest.mark.parametrize("asleep_s", [6.0, 7200.0])
def test_packets_that_wait_while_the_computer_is_suspended_are_no_jump(asleep_s: float) -> None:
    """The packets of 6 s are handed over together after `asleep_s`; then the sensor has gone on all that time."""
    fit = ClockFit("sock-la")
    before = list(TRUTH.packets(2))
    woken_ns = round((START_S + 114 + asleep_s) * NS)
    waited = [
        (
            dataclasses.replace(
                p, arrived_ns=max(p.arrived_ns, woken_ns) if s > START_S + 114 else p.arrived_ns
            ),
            s,
        )
        for p, s in before
    ]
    _, off_ms = errors_ms(waited, fit)
    assert fit.jumps == 0
    assert np.abs(off_ms[200:]).max() < 2
    later = TRUTH.packets((120 + asleep_s) / 60 + 0.5, heard=lambda since_s: since_s > 120 + asleep_s)
    assert np.abs(errors_ms(later, fit)[1]).max() < 20


def paused(truth: Truth, at_s: float, pause_s: float, by_s: float) -> Iterator[Pair]:
    """Sampling stops for `pause_s`, and meanwhile the clock jumps by `by_s`."""
    first = None
    for packet, true_s in truth.packets(4):
        if true_s - START_S < at_s:
            yield packet, true_s
            continue
        later = on(packet, pause_s + by_s)
        flags = SegmentFlag.RESTART if first is None else SegmentFlag.NONE
        first = packet
        yield (
            dataclasses.replace(later, flags=flags, arrived_ns=packet.arrived_ns + round(pause_s * NS)),
            true_s + pause_s,
        )


@pytest.mark.parametrize(
    ("by_s", "within_s"), [(0.0, 0.0), (2.0, 10.0), (600.0, 10.0), (-60.0, 10.0), (-2.0, 70.0)]
)
def test_a_clock_that_jumps_while_sampling_is_paused_is_set_right_by_arrivals(
    by_s: float, within_s: float
) -> None:
    since_s, off_ms = errors_ms(paused(TRUTH, JUMP_S, 30.0, by_s))
    assert np.abs(off_ms[since_s >= JUMP_S + 30 + within_s]).max() < 10
    assert np.abs(off_ms[(since_s > 20) & (since_s < JUMP_S)]).max() < 2


def test_a_pause_whose_first_packets_were_lost_is_no_jump() -> None:
    fit = ClockFit("sock-la")
    heard = [(p, s) for p, s in paused(TRUTH, JUMP_S, 30.0, 0.0) if SegmentFlag.RESTART not in p.flags]
    since_s, off_ms = errors_ms(heard, fit)
    assert fit.jumps == 0
    assert np.abs(off_ms[since_s > 20]).max() < 5


def test_what_comes_after_the_newest_packet_goes_on_from_it_whatever_its_stamp() -> None:
    pairs = list(TRUTH.packets(1))
    fit = ClockFit("sock-la")
    live, tail = pairs[:300], pairs[300:]
    errors_ms(live, fit)
    _, off_ms = errors_ms(
        ((as_backfill(on(p, -7.0 if p.seq > 330 else 0.0), 900 * NS), s) for p, s in tail), fit
    )
    assert np.abs(off_ms).max() < 5


def test_a_fit_restored_in_the_middle_of_a_jump_goes_on_the_same() -> None:
    pairs = list(without(jumping(TRUTH.packets(2.5), -2.0), 80, 85))
    whole = ClockFit("sock-la")
    expected = [whole.place(p) for p, _ in pairs]
    fit = ClockFit("sock-la")
    got = []
    for i, (packet, true_s) in enumerate(pairs):
        if i % 7 == 0 or JUMP_S - 1 < true_s - START_S < JUMP_S + 1:
            fit = ClockFit.restore(fit.snapshot())
        got.append(fit.place(packet))
    assert got == expected
    assert fit.snapshot() == whole.snapshot()


jumps = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.one_of(st.floats(-0.2, 0.2), st.floats(-70, 70), st.floats(-1e5, 1e5)),
        st.sampled_from([SegmentFlag.NONE, SegmentFlag.RESTART]),
        st.integers(0, 30),
    ),
    max_size=8,
)


@given(jumps)
@settings(max_examples=60)
def test_whatever_the_clock_does_times_never_step_back(
    plan: list[tuple[int, float, SegmentFlag, int]],
) -> None:
    """Each of the plan: so many packets on, the clock jumps so far, with a flag, and so many packets are lost."""
    fit = ClockFit("sock-la")
    places: list[tuple[int, Placed]] = []
    packets = (p for p, _ in TRUTH.packets(1.9))
    by_s, lost = 0.0, []
    for count, jump_s, flag, missing in [*plan, (60, 0.0, SegmentFlag.NONE, 0)]:
        places += [(p.seq, fit.place(on(p, by_s))) for p in itertools.islice(packets, count)]
        lost += [on(p, by_s) for p in itertools.islice(packets, missing)]
        by_s += jump_s
        places += [
            (p.seq, fit.place(dataclasses.replace(on(p, by_s), flags=flag)))
            for p in itertools.islice(packets, 1)
        ]
    assert all(p.step_ns > 0 for _, p in places)
    assert all(a.t0_ns + 16 * a.step_ns <= b.t0_ns for (_, a), (_, b) in itertools.pairwise(places))
    places += [(p.seq, fit.place(as_backfill(p, 10**12))) for p in lost]
    begins = [p.t0_ns for _, p in sorted(places, key=lambda place: place[0])]
    assert begins == sorted(begins)
