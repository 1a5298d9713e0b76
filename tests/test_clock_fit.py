"""Sensor clocks on the gateway's timeline, held against clocks whose truth is known."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import NS, Packet, SegmentFlag
from ingest.clock_fit import ClockFit, Placed
from ingest.errors import NoTimeYet
from tests.sensor_truth import TICKS, Truth

HALF_SAMPLE_NS = round(NS / 104 / 2)
SETTLED_S = 20.0


def placed(truth: Truth, minutes: float, fit: ClockFit | None = None) -> tuple[list[Placed], np.ndarray]:
    """Every packet of a truth placed, and the error of each begin in ms (the latency included)."""
    fit = fit or ClockFit("sock-la")
    pairs = [(fit.place(packet), true_s) for packet, true_s in truth.packets(minutes)]
    return [p for p, _ in pairs], np.array([p.t0_ns / 1e6 - true_s * 1e3 for p, true_s in pairs])


def warming_up(since_s: float) -> float:
    """Mean error of a crystal whose rate grows by 20 ppm in each hour."""
    return 10.0 * since_s / 3600


def turning(since_s: float) -> float:
    """Mean error of a crystal that swings by 10 ppm within half an hour (a warm blanket, an open window)."""
    phase = 2 * math.pi * max(since_s, 1e-6) / 1800
    return 10.0 * (1 - math.cos(phase)) / phase


@pytest.mark.parametrize(
    "truth",
    [
        Truth(),
        Truth(ppm=100, rate_error=0.02),
        Truth(ppm=-100, rate_error=-0.02),
        Truth(rate_hz=208.0, ppm=50),
        Truth(ppm=-40, wander_ppm=warming_up),
        Truth(ppm=30, wander_ppm=turning),
    ],
)
def test_sites_agree_within_10_ms_once_settled(truth: Truth) -> None:
    reference = placed(Truth(seed=9), 60)[1][round(SETTLED_S * 6.5) :]
    errors = placed(truth, 60)[1][round(SETTLED_S * truth.rate_hz / 16) :]
    assert errors.max() - reference.min() < 10
    assert reference.max() - errors.min() < 10


def a_night(truth: Truth, jumps: dict[float, float]) -> np.ndarray:
    """Errors (ms, latency included) over 12 hours whose every hour has 50 silent minutes, and a clock that jumps.

    Shape (heard packets, 2): true time since the start in seconds, error.
    """
    fit, rows = ClockFit("sock-la"), []
    for packet, true_s in truth.packets(720, heard=lambda since_s: since_s % 3600 < 600):
        by_s = sum(by for at_s, by in jumps.items() if true_s - truth.start_s >= at_s)
        jumped = dataclasses.replace(packet, clock=(packet.clock + round(by_s * TICKS)) % 2**32)
        rows.append((true_s - truth.start_s, fit.place(jumped).t0_ns / 1e6 - true_s * 1e3))
    return np.array(rows)


def warm_and_cold(since_s: float) -> float:
    """Mean error of a watch crystal at 34 deg C in the first 6 hours that then cools to 18: 0.03 ppm/K^2 off 25."""
    cooling_s = max(0.0, since_s - 21_600)
    cooling = np.linspace(0.0, cooling_s, 50)
    away_k = 9.0 - 16.0 * cooling / 21_600
    lost_s = -0.03 * (81.0 * min(since_s, 21_600) + float(np.mean(away_k**2)) * cooling_s)
    return lost_s / max(since_s, 1.0)


def test_sites_agree_within_10_ms_for_12_hours_with_drift_temperature_silence_and_jumps() -> None:
    jumps = {200.0: 2.0, 7300.0: -60.0, 7700.0: -0.1, 20_000.0: 60.0, 36_300.0: -2.0, 40_000.0: 0.1}
    fast = a_night(Truth(ppm=100, rate_error=0.015, wander_ppm=warm_and_cold, rate_hz=52.0), jumps)
    slow = a_night(Truth(ppm=-100, rate_error=-0.01, seed=7, rate_hz=52.0), {})
    fast, slow = fast[fast[:, 0] > SETTLED_S, 1], slow[slow[:, 0] > SETTLED_S, 1]
    assert fast.max() - slow.min() < 10
    assert slow.max() - fast.min() < 10
    assert max(fast.max(), slow.max()) < 50


def test_only_the_shortest_delay_remains_as_an_error() -> None:
    errors = placed(Truth(seed=3), 5)[1][200:]
    assert errors.min() > 8
    assert errors.max() < 12


@given(
    st.integers(0, 1000),
    st.floats(-100, 100),
    st.floats(-0.02, 0.02),
    st.sampled_from([52.0, 104.0, 208.0]),
)
@settings(max_examples=20)
def test_packets_without_loss_follow_each_other_without_hole_or_overlap(
    seed: int, ppm: float, rate_error: float, rate_hz: float
) -> None:
    places, _ = placed(Truth(seed=seed, ppm=ppm, rate_error=rate_error, rate_hz=rate_hz), 1)
    ends = [p.t0_ns + 16 * p.step_ns for p in places]
    assert ends[:-1] == [p.t0_ns for p in places[1:]]


def test_the_step_comes_from_the_sensor_clock_and_not_from_the_nominal_rate() -> None:
    places, _ = placed(Truth(rate_error=0.02, ppm=100), 10)
    steps = np.array([p.step_ns for p in places[1000:]])
    assert np.mean(steps) == pytest.approx(NS / (104 * 1.02), rel=2e-5)
    assert np.ptp(steps) / np.mean(steps) < 0.01


def test_the_sensor_clock_may_wrap() -> None:
    straight, errors = placed(Truth(), 2)
    wrapping, wrapped_errors = placed(Truth(clock_start=2**32 - 30 * TICKS), 2)
    assert wrapped_errors == pytest.approx(errors, abs=0.1)
    assert len(straight) == len(wrapping)


def test_a_restart_begins_a_new_fit_that_never_overlaps_the_old_one() -> None:
    fit = ClockFit("sock-la")
    before, _ = placed(Truth(boot=1), 2, fit)
    after, errors = placed(Truth(boot=2, start_s=221.0, ppm=-80, seed=5), 2, fit)
    assert after[0].t0_ns >= before[-1].t0_ns + 16 * before[-1].step_ns
    assert np.all((errors[200:] > 5) & (errors[200:] < 15))


def live_and_lost(truth: Truth, minutes: float, lost: range) -> tuple[list[Packet], list[Packet]]:
    packets = [p for p, _ in truth.packets(minutes)]
    return [p for p in packets if p.seq not in lost], [p for p in packets if p.seq in lost]


def as_backfill(packet: Packet, arrived_ns: int) -> Packet:
    return dataclasses.replace(packet, flags=packet.flags | SegmentFlag.BACKFILL, arrived_ns=arrived_ns)


@pytest.mark.parametrize("lost", [range(700, 701), range(600, 700), range(300, 900)])
def test_a_backfilled_stretch_fits_its_gap_from_edge_to_edge(lost: range) -> None:
    live, missing = live_and_lost(Truth(ppm=80, rate_error=0.015, seed=2), 3, lost)
    fit = ClockFit("sock-la")
    places = {p.seq: fit.place(p) for p in live}
    places |= {p.seq: fit.place(as_backfill(p, live[-1].arrived_ns + 5 * NS)) for p in missing}
    edges = [
        places[seq].t0_ns - places[seq - 1].t0_ns - 16 * places[seq - 1].step_ns for seq in sorted(places)[1:]
    ]
    assert max(map(abs, edges)) < HALF_SAMPLE_NS / 10


def test_the_arrival_of_a_backfilled_packet_does_not_disturb_the_fit() -> None:
    live, missing = live_and_lost(Truth(seed=4), 3, range(500, 600))
    plain, disturbed = ClockFit("sock-la"), ClockFit("sock-la")
    expected = [plain.place(p) for p in live]
    got = []
    for packet in live:
        got.append(disturbed.place(packet))
        if packet.seq >= 700 and missing:
            disturbed.place(as_backfill(missing.pop(0), packet.arrived_ns))
    assert got == expected
    assert disturbed.snapshot() == plain.snapshot()


def test_a_backfilled_packet_of_an_earlier_boot_is_placed_by_that_boots_clock() -> None:
    fit = ClockFit("sock-la")
    live, missing = live_and_lost(Truth(boot=1, ppm=60), 2, range(300, 320))
    for packet in live:
        fit.place(packet)
    placed(Truth(boot=2, start_s=230.0), 1, fit)
    late = [fit.place(as_backfill(p, 400 * NS)) for p in missing]
    truth_ms = [(100 + p.seq * 16 / 104) * 1e3 for p in missing]
    assert [p.t0_ns / 1e6 for p in late] == pytest.approx(truth_ms, abs=15)


def test_a_backfilled_packet_of_an_unknown_boot_has_no_time() -> None:
    packet = Truth(boot=7).packet(3, 100, 50.0, SegmentFlag.BACKFILL)
    with pytest.raises(NoTimeYet, match="0x00000007"):
        ClockFit("sock-la").place(packet)


def test_after_a_pause_samples_lie_where_the_sensor_clock_says() -> None:
    fit = ClockFit("sock-la")
    truth = Truth(seed=6)
    packets = [p for p, _ in truth.packets(2)]
    for packet in packets:
        fit.place(packet)
    pause_s = 37.0
    begin_s = len(packets) * 16 / 104 + pause_s
    later = truth.packet(
        len(packets), int(begin_s * TICKS), 100 + begin_s + 16 / 104 + 0.02, SegmentFlag.RESTART
    )
    assert fit.place(later).t0_ns / NS == pytest.approx(100 + begin_s, abs=0.02)


def test_a_stretch_of_late_arrivals_moves_nothing_by_more_than_a_few_ms() -> None:
    fit = ClockFit("sock-la")
    late = []
    for packet, true_s in Truth(seed=8).packets(20):
        busy = 600 < true_s - 100 < 630
        arrived = packet.arrived_ns + (300_000_000 if busy else 0)
        place = fit.place(dataclasses.replace(packet, arrived_ns=arrived))
        late.append(place.t0_ns / 1e6 - true_s * 1e3)
    assert max(late[2000:]) < 15


def held_back(truth: Truth, minutes: float, lost: tuple[float, float], until_s: float) -> np.ndarray:
    """Errors in ms of what comes after a hole, of which all until `until_s` arrives at once then."""
    fit, errors = ClockFit("sock-la"), []
    for packet, true_s in truth.packets(minutes, heard=lambda since_s: not lost[0] <= since_s < lost[1]):
        open_ns = round((truth.start_s + until_s) * NS)
        since_s = true_s - truth.start_s
        arrived_ns = packet.arrived_ns
        if since_s >= lost[1]:
            arrived_ns = max(packet.arrived_ns, open_ns + round(10e6 * (since_s - lost[1])))
        late = dataclasses.replace(packet, arrived_ns=arrived_ns)
        errors.append((since_s, fit.place(late).t0_ns / 1e6 - true_s * 1e3))
    rows = np.array(errors)
    return rows[rows[:, 0] >= lost[1], 1]


@pytest.mark.parametrize("held_s", [12.0, 70.0])
def test_a_backlog_that_comes_all_at_once_after_a_hole_sets_no_clock_on(held_s: float) -> None:
    errors = held_back(Truth(ppm=20), 6, (100.0, 160.0), 160.0 + held_s)
    assert np.abs(errors).max() < 100


def test_nothing_is_placed_long_after_it_arrived_and_what_would_be_is_fitted_anew() -> None:
    fit, errors = ClockFit("sock-la"), []
    for packet, true_s in Truth().packets(4):
        late_ns = (
            30 * NS if true_s < Truth().start_s + 60.0 else 0
        )  # as held up on its way for a whole minute
        at = fit.place(dataclasses.replace(packet, arrived_ns=packet.arrived_ns + late_ns))
        errors.append(at.t0_ns / NS - true_s)
    assert errors[10] > 29.0
    assert np.abs(errors[-500:]).max() < 0.2


def test_the_residual_is_what_the_last_packet_was_late() -> None:
    fit = ClockFit("sock-la")
    truth = Truth(seed=1)
    for packet, _ in truth.packets(2):
        fit.place(packet)
    expected_ms = (packet.arrived_ns / NS - 100 - (packet.seq + 1) * 16 / 104) * 1e3 - 10
    assert fit.residual_ns is not None
    assert fit.residual_ns / 1e6 == pytest.approx(expected_ms, abs=3)


@given(st.integers(1, 400))
@settings(max_examples=20)
def test_a_restored_fit_goes_on_as_if_nothing_had_happened(cut: int) -> None:
    live, missing = live_and_lost(Truth(ppm=-70), 1.1, range(90, 110))
    whole = ClockFit("sock-la")
    expected = [whole.place(p) for p in live]
    first = ClockFit("sock-la")
    got = [first.place(p) for p in live[:cut]]
    second = ClockFit.restore(first.snapshot())
    got += [second.place(p) for p in live[cut:]]
    assert got == expected
    assert [second.place(as_backfill(p, 1)) for p in missing] == [
        whole.place(as_backfill(p, 1)) for p in missing
    ]
    assert second.snapshot() == whole.snapshot()
