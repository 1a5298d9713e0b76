"""Bad nights: a plan of what goes wrong, and what is held against the night as it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dsp.records import NS, Event, EventStatus, Segment, Site
from firmware_sim.night import Night as SimNight
from firmware_sim.sock import SockConfig
from firmware_sim.sock_script import SockFault
from firmware_sim.sock_sensor import SockSensor
from ingest.clock_fit import ClockFit
from ingest.sock_codec import CLOCK_WRAP, SAMPLES_MAX, DataFlag, DataPacket, to_packet
from lullwatch.feeding import settled_blocks
from lullwatch.nights import Night
from lullwatch.replay import replay
from store.journal import Journal
from tests.ward import Lived, Worn, address_of

INFANT = "kid"
SAME_ONSET_NS = 50_000_000
"""A clock fit that heard other packets puts samples elsewhere by a few ms; a movement is no other for that."""
_TRIES = 1000
CALM_NS = 5 * NS
"""A restart loses the packet at hand: nothing is to happen around it, for that is lost truly."""


@dataclass(frozen=True)
class Plan:
    """How often what happens."""

    seconds: float
    disconnects: int
    restarts: int = 1
    stalls: int = 1
    fades: int = 0
    loss: float = 0.03
    seed: int = 1


def worn_of(night: SimNight, plan: Plan) -> list[Worn]:
    """Every sensor of a night, on a clock of its own."""
    drift = (60.0, -40.0, 90.0)
    options = [{"loss": plan.loss, "clock_ppm": drift[i % 3]} for i in range(len(night.sensors))]
    return [
        Worn(INFANT, site, track, option)
        for (site, track), option in zip(night.sensors.items(), options, strict=True)
    ]


def script_of(plan: Plan, sites: Sequence[Site], busy: Iterable[tuple[int, int]]) -> list[SockFault]:
    """Faults at drawn times, restarts where nothing happens; none in the last two minutes, so that all is fetched."""
    rng = np.random.default_rng(plan.seed)
    names = [f"{INFANT} {site}" for site in sites]
    spans = list(busy)

    def one(kind: str, at_s: float, **details: float) -> SockFault:
        return SockFault(str(rng.choice(names)), kind, at_s=at_s, **details)  # type: ignore[arg-type]

    def times(n: int) -> list[float]:
        return [float(t) for t in rng.uniform(20.0, plan.seconds - 120.0, n)]

    faults = [one("disconnect", t) for t in times(plan.disconnects)]
    faults += [one("silent", t, seconds=float(rng.uniform(6, 20))) for t in times(plan.stalls)]
    faults += [one("out_of_range", t, seconds=float(rng.uniform(2, 120))) for t in times(plan.fades)]
    calm = [t for t in times(_TRIES) if not any(a - CALM_NS < t * NS < b + CALM_NS for a, b in spans)]
    assert len(calm) >= plan.restarts, "nothing is calm enough for a restart"
    return faults + [one("restart", t) for t in calm[: plan.restarts]]


def settled(segments: Sequence[Segment], sites: Sequence[Site], age_days: int) -> list[Event]:
    """The last word on every event that stands, with all of the data at hand."""
    t0_ns = min(s.t0_ns for s in segments)
    night = Night(
        name="bad",
        infant=INFANT,
        sites=tuple(sites),
        t0_ns=t0_ns,
        end_ns=max(s.end_ns for s in segments),
        start_utc_ns=None,
        zone="UTC",
        blocks=settled_blocks(segments, sites),
        age_days=age_days,
    )
    return _standing({event.id: event for event in replay(night).told.events}.values())


def undisturbed(number: int, worn: Worn, segments: Sequence[Segment]) -> list[Segment]:
    """What a sock would have led to had nothing gone wrong: its clock and the delays on the air, and nothing else.

    Args:
        number: of the sock in its ward.
        worn: the sock.
        segments: of the night; it began to sample with the first of its site.
    """
    config = SockConfig(address=address_of(number), seed=number, **worn.options)  # type: ignore[arg-type]
    _, latencies, chip, _ = np.random.SeedSequence(config.seed).spawn(4)
    sensor, delays = (
        SockSensor(worn.source, clock_ppm=config.clock_ppm, seed=chip),
        np.random.default_rng(latencies),
    )
    sensor.begin_boot(0)
    fit, found, due_ns = ClockFit(worn.name), [], 0
    mine = min((s for s in segments if s.site is worn.site), key=lambda s: s.t0_ns)
    first = sensor.first_at_or_after(mine.t0_ns - NS // 10)
    for seq, at in enumerate(range(first, sensor.n - SAMPLES_MAX, SAMPLES_MAX)):
        due_ns = max(
            due_ns, sensor.time_ns(at + SAMPLES_MAX - 1) + round(delays.uniform(*config.latency_s) * NS)
        )
        data = DataPacket(
            DataFlag.RESTART if seq == 0 else DataFlag.NONE, 1, seq, sensor.ticks(sensor.time_ns(at)) % CLOCK_WRAP,
            sensor.rate, sensor.acc, sensor.gyro, sensor.read(at, at + SAMPLES_MAX)[0],
        )  # fmt: skip
        packet = to_packet(data, site=worn.site, sensor=worn.name, arrived_ns=due_ns)
        place = fit.place(packet)
        found.append(
            Segment(
                worn.site,
                worn.name,
                1,
                seq,
                place.t0_ns,
                place.step_ns,
                packet.counts,
                packet.scale,
                packet.flags,
            )
        )
    return found


@dataclass(frozen=True)
class Held:
    """What was found, and what was not as it should be (nothing, if all is well)."""

    packets: int
    missing: int
    doubled: int
    seconds_unaccounted: float
    events: int
    apart: list[str]
    """events that only one of the two knows, in words"""
    told_apart: list[str]
    """the same of what was told while the night went on, late packets and all"""


def hold(night: SimNight, worn: Sequence[Worn], lived: Lived, path: Path) -> Held:
    """Hold a journal against what reached the flash of its socks, and its events against the undisturbed night's."""
    kept = [packet for packets in lived.kept.values() for packet in packets]
    sent = [packet for packets in lived.sent.values() for packet in packets]
    with Journal.read_only(path) as journal:
        segments = list(journal.segments(INFANT))
        told = _standing(journal.events(INFANT, latest_only=True))
    sites, age = list(night.sensors), night.scenario.age_days
    begun_ns = max(min(s.t0_ns for s in segments if s.site is site) for site in sites)
    until_ns = min(max(s.end_ns for s in segments if s.site is site) for site in sites)
    quiet = [s for number, w in enumerate(worn, start=1) for s in undisturbed(number, w, segments)]
    was = settled([s for s in quiet if begun_ns <= s.t0_ns and s.end_ns <= until_ns], sites, age)
    is_ = settled(segments, sites, age)
    minutes = {m.t_ns: m for m in lived.coverage[INFANT]}
    told_ns = sum(m.span_ns for m in minutes.values())
    whole_ns = max(m.t_ns + m.span_ns for m in minutes.values()) - min(minutes)
    return Held(
        packets=len(sent),
        missing=len(set(sent) - set(kept)),
        doubled=len(kept) - len(set(kept)),
        seconds_unaccounted=abs(whole_ns - told_ns) / NS,
        events=len(was),
        apart=_apart(was, is_),
        told_apart=_apart(was, told),
    )


def _standing(events: Iterable[Event]) -> list[Event]:
    return [e for e in events if e.status is not EventStatus.WITHDRAWN and e.merged_into is None]


def _apart(was: Sequence[Event], is_: Sequence[Event]) -> list[str]:
    only_was, only_is = _unmatched(was, is_), _unmatched(is_, was)
    return [f"only undisturbed: {e}" for e in only_was] + [f"only disturbed: {e}" for e in only_is]


def _unmatched(ours: Sequence[Event], theirs: Sequence[Event]) -> list[str]:
    return [
        f"{e.label.value} x{e.count} at {e.onset_ns / NS:.2f} s"
        for e in ours
        if not any(
            e.label is o.label
            and e.count == o.count
            and e.sites == o.sites
            and abs(e.onset_ns - o.onset_ns) < SAME_ONSET_NS
            for o in theirs
        )
    ]
