"""The movements of the self-test: a series on three virtual sensors of the reserved infant, made by the simulator.

The simulator is imported when a test runs and not before, so that the monitor stays light.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alerts.words import SELF_TEST
from dsp.records import NS, Packet, Segment, Site, State, Tick
from store.rows import FedRow, Row, SegmentRow

__all__ = ["AGE_DAYS", "PORTION_S", "SITES", "SPAN_NS", "portions"]

SITES = (Site.LA, Site.RA, Site.TR)
AGE_DAYS = 150
SPAN_NS = 90 * NS
"""Twenty seconds in which noise floors settle, nine movements in a little under a minute, and their end."""
PORTION_S = 5
"""Data handed over at once: some 50 ms of work on a small computer, so that no real sensor waits for a test."""
_SEED = 3
_BEGINS_S = 20.0
_PACKET_SAMPLES = 16
_SHORT_BOOT = 1 << 32


def portions(until_ns: int) -> Iterator[list[Row]]:
    """Rows of a test whose data ends now, a few seconds at a time and closed by ticks a second apart.

    Args:
        until_ns: data time at which it ends; it is also what tells one test from the next.
    """
    begin_ns = until_ns - SPAN_NS
    waiting = [_row(segment, until_ns) for segment in _segments(begin_ns)]
    for first_ns in range(begin_ns, until_ns, PORTION_S * NS):
        rows: list[Row] = []
        for tick_ns in range(first_ns + NS, min(first_ns + PORTION_S * NS, until_ns) + 1, NS):
            ended = sum(row.segment.end_ns <= tick_ns for row in waiting)
            rows += [*waiting[:ended], FedRow(SELF_TEST, Tick(tick_ns))]
            waiting = waiting[ended:]
        yield rows


def _segments(begin_ns: int) -> list[Segment]:
    from firmware_sim.life import Background
    from firmware_sim.night import make_night
    from firmware_sim.scenario import Phase, Placed, Scenario

    series: dict[str, float | int | str | bool] = {
        "count": 9,
        "gap_s": 7.0,
        "symmetry": "symmetric",
        "form": "flexor",
        "subtle": False,
        "crescendo": False,
        "busy": 0.0,
        "cries": False,
    }
    plan = Scenario(
        name=SELF_TEST,
        duration_s=SPAN_NS / NS,
        age_days=AGE_DAYS,
        phases=(Phase(State.AWAKE, 2),),
        placed=(Placed("spasm_cluster", _BEGINS_S, series),),
        background=Background(awake={}),
        sites=SITES,
    )
    night = make_night(plan, seed=_SEED, infant=SELF_TEST, start_ns=begin_ns)
    return sorted(night.segments(_PACKET_SAMPLES), key=lambda s: (s.end_ns, s.site))


def _row(made: Segment, number: int) -> SegmentRow:
    """As if it had come over the radio; the sensor is none that anybody can own."""
    sensor, boot = f"{SELF_TEST}-{made.site.value.lower()}", number // NS % _SHORT_BOOT
    segment = replace(made, sensor=sensor, boot=boot)
    packet = Packet(
        site=segment.site,
        sensor=sensor,
        boot=boot,
        seq=segment.seq,
        clock=0,
        rate_hz=NS / segment.step_ns,
        scale=segment.scale,
        counts=segment.counts,
        flags=segment.flags,
        arrived_ns=segment.end_ns,
    )
    return SegmentRow(SELF_TEST, packet, segment)
