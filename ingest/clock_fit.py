"""The clock of one sensor on the gateway's timeline, fitted causally, packet by packet.

A live packet is tied down by its arrival: see `envelope` for how the shortest delay and the drift are
found, and `cadence` for what becomes of a clock that jumps. The times that come out are continuous: a
packet that follows another without loss begins exactly where that one ended, and corrections are spread
over the packet as a slightly longer or shorter step. A back-filled packet lies on the straight line
across the gap it fills; its arrival says nothing.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from dsp.records import NS, Packet, SegmentFlag
from ingest.cadence import EARLY_S, Cadence, Step
from ingest.envelope import SLOPE_MAX, Envelope
from ingest.errors import NoTimeYet
from ingest.sock_codec import CLOCK_HZ

__all__ = ["ClockFit", "Placed"]

_log = logging.getLogger(__name__)

_SLEW_MAX: Final = 0.005
"""Share of a step by which corrections may stretch it: 40 ms of a first packet's delay are worked off in
8 s, and no interval between two jerks is off by more than 0.5 % meanwhile."""
_PROOFS: Final = ((8.0, 1e9), (60.0, 60e6))
"""(seconds, ns): after a place that number and stamp did not settle between them, the clock is behind if every packet
of that time came so late. Of 8 s of packets one nearly always has a free way, and none waits for a second; radio
trouble lasts half a minute at most, and another connection interval makes the shortest delay 50 ms longer."""
_DRAIN_NS: Final = 50_000_000
"""Lateness that falls by more between two packets is a backlog that is worked off, and no clock: how late the clock is
shows when the backlog is gone."""
_OLD_S: Final = 60.0
"""Span of delays from which on a line is known well."""
_EARLY_NS: Final = 30_000_000
_EARLY_NS_S: Final = 50e3
"""By how much, and how much more with every second of a hole, an arrival may come before such a line: radio
trouble of minutes may have raised it, and a warming crystal changes by less than 50 ppm."""
_CUT_NS: Final = NS
"""An arrival so long before its packet was due, on a clock last heard hours ago, is no drift: 100 ppm of two hours is
0.7 s, and what is less is worked off."""
_FUTURE_NS: Final = NS
"""Nothing is measured after it arrived: what would lie so long after it is on a clock that was set on wrongly."""
_GAPS_MAX: Final = 256
"""Gaps remembered for back-fill, newest kept; at 3 % loss these are the last 20 minutes."""
_BOOTS_MAX: Final = 4
"""Starts of a sensor remembered for back-fill: more in one night is a broken sensor."""
_TICK_NS: Final = NS / CLOCK_HZ


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a packet lies: sample i at ``t0_ns + i * step_ns``."""

    t0_ns: int
    step_ns: int


@dataclass(frozen=True, slots=True)
class _Gap:
    """Packets `first` to `last` are missing between two moments known in ticks and ns."""

    first: int
    last: int
    tick0: float
    t0_ns: int
    tick1: float
    t1_ns: int
    steady: bool
    """whether there is no pause among them"""
    offset: int
    """what is taken off the stamps at its begin"""

    def at(self, tick: float) -> float:
        share = (tick - self.tick0) / max(self.tick1 - self.tick0, 1.0)
        return self.t0_ns + share * (self.t1_ns - self.t0_ns)

    def due(self, seq: int) -> float:
        """Tick of a packet by its number."""
        return self.tick0 + (seq - self.first) / (self.last - self.first + 1) * (self.tick1 - self.tick0)


@dataclass(slots=True)
class _Boot:
    """The fit of one start of the sensor. Ticks are unwrapped and without jumps."""

    boot: int
    origin_tick: int
    origin_ns: int
    cadence: Cadence
    envelope: Envelope
    end_ns: int = 0
    proof: tuple[float, float] | None = None
    """(since when arrivals are watched, least lateness since), seconds on the sensor's clock and ns"""
    floor_ns: int | None = None
    """before this there is no room on the timeline: other samples of the sensor stand there, and time was lost since"""
    gaps: list[_Gap] = field(default_factory=list)

    def x_s(self, tick: float) -> float:
        return (tick - self.origin_tick) / CLOCK_HZ

    def fitted_ns(self, tick: float) -> float:
        """Time of a tick by the line alone."""
        x_s = self.x_s(tick)
        return self.origin_ns + x_s * NS + self.envelope.at(x_s)

    def on_ns(self, tick: float) -> float:
        """Time of a tick after the newest packet, straight on from its end."""
        return self.end_ns + (tick - self.cadence.end_tick()) * self.ns_per_tick()

    def tick_at(self, t_ns: int) -> float:
        """Tick that the line puts at a time."""
        x_s = (t_ns - self.origin_ns - self.envelope.at(0.0)) / (NS + self.envelope.slope)
        return self.origin_tick + x_s * CLOCK_HZ

    def ns_per_tick(self) -> float:
        return _TICK_NS * (1.0 + self.envelope.slope / NS)


class ClockFit:
    """Gives each packet of one sensor its `t0_ns` and `step_ns`; live packets in order of their numbers.

    A packet is live when it is not flagged as back-fill and newer than every one before it.
    """

    def __init__(self, sensor: str) -> None:
        self._sensor = sensor
        self._boots: list[_Boot] = []
        self._doubt_ns: int | None = None
        """when it came up that the timeline may be cut; None once a live packet was heard since"""
        self.residual_ns: int | None = None
        """how far the newest live packet's arrival lay behind the fit"""

    @property
    def jumps(self) -> int:
        """Jumps of the sensor clock that were taken off, in the starts of the sensor still remembered."""
        return sum(boot.cadence.jumps for boot in self._boots)

    def place(self, packet: Packet) -> Placed:
        """Place a packet in time.

        Raises:
            NoTimeYet: a back-filled packet of a boot of which no live packet was placed.
        """
        known = self._known(packet.boot)
        if SegmentFlag.BACKFILL in packet.flags or (known is not None and packet.seq <= known.cadence.seq):
            if known is None:
                raise NoTimeYet(self._sensor, packet.boot)
            return _place_old(known, packet)
        floor_ns = None
        if self._doubt_ns is not None:
            known, floor_ns = self._after_doubt(known, packet, self._doubt_ns)
        if known is not None:
            ahead_ns = known.on_ns(_due_tick(known, packet)) - packet.arrived_ns
            if ahead_ns > _FUTURE_NS:
                _log.warning(
                    "%s: would lie %.1f s in the future; its clock is fitted anew",
                    self._sensor,
                    ahead_ns / NS,
                )
                self._boots.remove(known)
                floor_ns = known.floor_ns
                known = None
        if known is None:
            known = self._begin(packet)
            known.floor_ns = floor_ns
            self._boots = [*self._boots[1 - _BOOTS_MAX :], known]
            return self._place_first(known, packet)
        return self._place_next(known, packet)

    def knows(self, boot: int) -> bool:
        """Whether packets of this boot can be placed."""
        return self._known(boot) is not None

    def has_room(self, packet: Packet) -> bool:
        """Whether a back-filled packet of a known boot lies where the timeline has room for it."""
        known = self._known(packet.boot)
        return known is None or known.floor_ns is None or _place_old(known, packet).t0_ns >= known.floor_ns

    def first_with_room(self, boot: int) -> int:
        """Number of the first packet of a boot that the timeline has room for, by its number alone."""
        known = self._known(boot)
        if known is None or known.floor_ns is None:
            return 0
        cadence = known.cadence
        length_ns = cadence.n * cadence.period * known.ns_per_tick()
        return max(0, cadence.seq - math.floor((known.fitted_ns(cadence.tick) - known.floor_ns) / length_ns))

    def doubt(self, now_ns: int) -> None:
        """The timeline may have been cut since the newest packet (the gateway's computer was off, and starts now).

        The next arrival may then move it on, as after a place that stamp and number did not settle; where
        it comes before the packet can have been measured, less time has passed here than there: a new fit begins, and
        there is no room before `now_ns` for what was measured meanwhile.
        """
        self._doubt_ns = now_ns
        for boot in self._boots:
            boot.proof = (boot.x_s(boot.cadence.end_tick()), math.inf)

    def snapshot(self) -> bytes:
        """The state as a value."""
        boots = [_plain(b) for b in self._boots]
        return json.dumps({"sensor": self._sensor, "residual_ns": self.residual_ns, "boots": boots}).encode()

    @classmethod
    def restore(cls, blob: bytes) -> ClockFit:
        """Go on from a snapshot: the same packets are then placed as they would have been."""
        state = json.loads(blob)
        self = cls(state["sensor"])
        self.residual_ns = state["residual_ns"]
        self._boots = [_boot_from(boot) for boot in state["boots"]]
        return self

    def _known(self, boot: int) -> _Boot | None:
        return next((b for b in self._boots if b.boot == boot), None)

    def _after_doubt(
        self, known: _Boot | None, packet: Packet, doubt_ns: int
    ) -> tuple[_Boot | None, int | None]:
        """What the first arrival after a doubt goes on with, and before what there is no room on the timeline."""
        self._doubt_ns = None
        if known is None:
            return None, max((b.end_ns for b in self._boots), default=None)
        if known.fitted_ns(_due_tick(known, packet)) - packet.arrived_ns <= _CUT_NS:
            return known, None
        self._boots.remove(known)
        return None, doubt_ns

    def _begin(self, packet: Packet) -> _Boot:
        cadence = Cadence.begin(packet)
        return _Boot(
            boot=packet.boot,
            origin_tick=packet.clock,
            origin_ns=packet.arrived_ns - round(cadence.n * cadence.period * _TICK_NS),
            cadence=cadence,
            envelope=self._boots[-1].envelope.anew() if self._boots else Envelope(),
        )

    def _place_first(self, boot: _Boot, packet: Packet) -> Placed:
        self._learn(boot, packet.arrived_ns)
        earliest_ns = max((b.end_ns for b in self._boots if b is not boot), default=boot.origin_ns)
        return _lay(boot, max(round(boot.fitted_ns(packet.clock)), earliest_ns))

    def _place_next(self, boot: _Boot, packet: Packet) -> Placed:
        cadence, first = boot.cadence, boot.cadence.seq + 1
        length = packet.counts.shape[0] * cadence.period_of(packet)
        offset, end_ns = cadence.offset, boot.end_ns
        step = cadence.take(packet, boot.tick_at(packet.arrived_ns) - length)
        if step.anew:
            boot.envelope = boot.envelope.anew()
        late_ns = self._learn(boot, packet.arrived_ns, width=step.tick - step.before)
        t0_ns = end_ns if step.follows else _across(boot, step)
        t0_ns += self._watch(boot, step, late_ns)
        if first < packet.seq:
            gap = _Gap(first, packet.seq - 1, step.before, end_ns, step.tick, t0_ns, step.steady, offset)
            boot.gaps = [*boot.gaps, gap][-_GAPS_MAX:]
        return _lay(boot, t0_ns)

    def _learn(self, boot: _Boot, arrived_ns: int, width: float = 0.0) -> float:
        """Learn from an arrival, after a hole of `width` ticks; returns how far it lay behind the line before."""
        end = boot.cadence.end_tick()
        x_s = boot.x_s(end)
        late_ns = arrived_ns - boot.fitted_ns(end)
        if late_ns < -_early_ns(boot.envelope, max(0.0, width) / CLOCK_HZ):
            boot.envelope = boot.envelope.anew()
        boot.envelope.add(x_s, arrived_ns - boot.origin_ns - x_s * NS)
        self.residual_ns = arrived_ns - round(boot.fitted_ns(end))
        return late_ns

    def _watch(self, boot: _Boot, step: Step, late_ns: float) -> int:
        """Watch arrivals after an unsure place; what to move on by (ns) once all of them have been late."""
        x_s = boot.x_s(boot.cadence.end_tick())
        if boot.proof is None:
            boot.proof = None if step.sure else (x_s, math.inf)
            return 0
        since_s, least_ns = boot.proof
        if late_ns < least_ns - _DRAIN_NS:
            since_s = x_s
        least_ns = min(least_ns, late_ns)
        boot.proof = (since_s, least_ns) if x_s - since_s < _PROOFS[-1][0] else None
        if not any(x_s - since_s >= after_s and least_ns > limit_ns for after_s, limit_ns in _PROOFS):
            return 0
        boot.proof = None
        _log.warning("%s: every packet comes %.3f s late; its clock is set on", self._sensor, least_ns / NS)
        level_ns = boot.envelope.at(x_s) + least_ns
        boot.envelope = boot.envelope.anew()
        boot.envelope.add(x_s, level_ns)
        return round(least_ns)


def _due_tick(boot: _Boot, packet: Packet) -> float:
    """Tick at which a newer packet ends by its number."""
    packets = packet.seq - boot.cadence.seq
    return boot.cadence.end_tick() + packets * boot.cadence.n * boot.cadence.period


def _early_ns(line: Envelope, hole_s: float) -> float:
    """By how much an arrival after a hole may come before the line if that is still the line of this clock."""
    if line.span_s < _OLD_S:
        return EARLY_S * NS + SLOPE_MAX * hole_s
    return _EARLY_NS + _EARLY_NS_S * hole_s


def _plain(boot: _Boot) -> dict[str, object]:
    names = ("boot", "origin_tick", "origin_ns", "end_ns", "proof", "floor_ns")
    plain: dict[str, object] = {name: getattr(boot, name) for name in names}
    cadence, envelope = boot.cadence.state(), boot.envelope.state()
    return plain | {"cadence": cadence, "envelope": envelope, "gaps": [asdict(gap) for gap in boot.gaps]}


def _boot_from(plain: dict[str, Any]) -> _Boot:
    return _Boot(
        boot=plain["boot"],
        origin_tick=plain["origin_tick"],
        origin_ns=plain["origin_ns"],
        cadence=Cadence.from_state(plain["cadence"]),
        envelope=Envelope.from_state(plain["envelope"]),
        end_ns=plain["end_ns"],
        proof=plain["proof"] and (plain["proof"][0], plain["proof"][1]),
        floor_ns=plain["floor_ns"],
        gaps=[_Gap(**gap) for gap in plain["gaps"]],
    )


def _across(boot: _Boot, step: Step) -> int:
    """Time of a packet after a hole: near the line, never before what was told."""
    width_ns = max(0.0, (step.tick - step.before) * boot.ns_per_tick())
    straight_ns = boot.end_ns + width_ns
    away_ns = boot.fitted_ns(step.tick) - straight_ns
    limit_ns = _SLEW_MAX * width_ns
    return boot.end_ns + round(width_ns + max(-limit_ns, min(limit_ns, away_ns)))


def _lay(boot: _Boot, t0_ns: int) -> Placed:
    """Lay the newest packet from `t0_ns` on so that its end comes as near to the line as the slew allows."""
    n = boot.cadence.n
    length_ns = n * boot.cadence.period * boot.ns_per_tick()
    away_ns = boot.fitted_ns(boot.cadence.end_tick()) - t0_ns - length_ns
    limit_ns = _SLEW_MAX * length_ns
    step_ns = round((length_ns + max(-limit_ns, min(limit_ns, away_ns))) / n)
    boot.end_ns = t0_ns + n * step_ns
    return Placed(t0_ns, step_ns)


def _place_old(boot: _Boot, packet: Packet) -> Placed:
    """Place a packet fetched or late: across its gap, on from the newest, or by the line where neither is known."""
    cadence, n = boot.cadence, packet.counts.shape[0]
    length = n * cadence.period_of(packet)
    gap = next((g for g in reversed(boot.gaps) if g.first <= packet.seq <= g.last), None)
    if gap is not None:
        tick, place = _tick_in(gap, cadence, packet, length), gap.at
    elif packet.seq > cadence.seq:
        tick, place = _tick_after(cadence, packet), boot.on_ns
    else:
        due = cadence.tick + (packet.seq - cadence.seq) * cadence.n * cadence.period
        tick, place = cadence.near(packet.clock, due, cadence.offset_of(packet.seq)), boot.fitted_ns
    t0_ns = round(place(tick))
    return Placed(t0_ns, max(1, round((place(tick + length) - t0_ns) / n)))


def _tick_in(gap: _Gap, cadence: Cadence, packet: Packet, length: float) -> float:
    """Tick of a packet in a gap: as stamped, but as numbered where the stamp cannot be."""
    due = gap.due(packet.seq)
    tick: float = cadence.near(packet.clock, due, gap.offset)
    if gap.steady and abs(tick - due) > cadence.blur(min(due - gap.tick0, gap.tick1 - due)):
        tick = due
    return max(gap.tick0, min(gap.tick1 - length, tick))


def _tick_after(cadence: Cadence, packet: Packet) -> float:
    """Tick of a packet newer than the newest live one: as stamped, but as numbered where a run went on."""
    due = cadence.end_tick() + (packet.seq - cadence.seq - 1) * cadence.n * cadence.period
    tick: float = cadence.near(packet.clock, due)
    another_run = SegmentFlag.RESTART in packet.flags or packet.rate_hz != cadence.rate_hz
    if not another_run and abs(tick - due) > cadence.blur(due - cadence.tick):
        return due
    return max(cadence.end_tick(), tick)
