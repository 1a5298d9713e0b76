"""The clock of one sensor on the gateway's timeline, fitted causally, packet by packet.

A live packet is tied down by its arrival: see `envelope` for how the shortest delay and the drift are
found. The times that come out are continuous: a packet that follows another without loss begins exactly
where that one ended, and corrections are spread over the packet as a slightly longer or shorter step.
A back-filled packet lies on the straight line across the gap it fills; its arrival says nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Final

from dsp.records import NS, Packet, SegmentFlag
from ingest.envelope import Envelope
from ingest.errors import NoTimeYet
from ingest.sock_codec import CLOCK_HZ, CLOCK_WRAP

__all__ = ["ClockFit", "Placed"]

_SLEW_MAX: Final = 0.005
"""Share of a step by which corrections may stretch it: 40 ms of a first packet's delay are worked off in
8 s, and no interval between two jerks is off by more than 0.5 % meanwhile."""
_RATE_MAX: Final = 0.05
"""Share by which a data rate may differ from its nominal: makers allow 2 %, some parts need more."""
_PERIOD_WEIGHT: Final = 1 / 32
"""Weight of a new packet in the mean sample period: 32 packets (5 s) average one tick of rounding away."""
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

    def at(self, tick: float) -> float:
        share = (tick - self.tick0) / max(self.tick1 - self.tick0, 1.0)
        return self.t0_ns + share * (self.t1_ns - self.t0_ns)


@dataclass(slots=True)
class _Boot:
    """The fit of one start of the sensor. Ticks are unwrapped."""

    boot: int
    origin_tick: int
    origin_ns: int
    period: float
    """sample period in ticks"""
    rate_hz: float
    envelope: Envelope
    seq: int
    tick: int
    n: int
    end_ns: int = 0
    measured: bool = False
    """whether the period was measured, or is still the nominal one"""
    gaps: list[_Gap] = field(default_factory=list)

    def fitted_ns(self, tick: float) -> float:
        """Time of a tick by the line alone."""
        x_s = (tick - self.origin_tick) / CLOCK_HZ
        return self.origin_ns + x_s * NS + self.envelope.at(x_s)

    def ns_per_tick(self) -> float:
        return _TICK_NS * (1.0 + self.envelope.slope / NS)

    def end_tick(self) -> float:
        """Tick at which the sample after the newest packet is due."""
        return self.tick + self.n * self.period

    def unwrap(self, clock: int, seq: int) -> int:
        """The tick with this wrapped value that is nearest to where packet `seq` should be."""
        expected = round(self.tick + (seq - self.seq) * self.n * self.period)
        ahead = (clock - expected + CLOCK_WRAP // 2) % CLOCK_WRAP - CLOCK_WRAP // 2
        return expected + ahead


class ClockFit:
    """Gives each packet of one sensor its `t0_ns` and `step_ns`; live packets in order of their numbers.

    A packet is live when it is not flagged as back-fill and newer than every one before it.
    """

    def __init__(self, sensor: str) -> None:
        self._sensor = sensor
        self._boots: list[_Boot] = []
        self.residual_ns: int | None = None
        """how far the newest live packet's arrival lay behind the fit"""

    def place(self, packet: Packet) -> Placed:
        """Place a packet in time.

        Raises:
            NoTimeYet: a back-filled packet of a boot of which no live packet was placed.
        """
        known = next((b for b in self._boots if b.boot == packet.boot), None)
        if SegmentFlag.BACKFILL in packet.flags or (known is not None and packet.seq <= known.seq):
            if known is None:
                raise NoTimeYet(self._sensor, packet.boot)
            return _place_old(known, packet)
        if known is None:
            known = self._begin(packet)
            self._boots = [*self._boots[1 - _BOOTS_MAX :], known]
            return self._place_first(known, packet)
        return self._place_next(known, packet)

    def knows(self, boot: int) -> bool:
        """Whether packets of this boot can be placed."""
        return any(b.boot == boot for b in self._boots)

    def snapshot(self) -> bytes:
        """The state as a value."""
        boots = [{**_plain(b), "envelope": b.envelope.state()} for b in self._boots]
        return json.dumps({"sensor": self._sensor, "residual_ns": self.residual_ns, "boots": boots}).encode()

    @classmethod
    def restore(cls, blob: bytes) -> ClockFit:
        """Go on from a snapshot: the same packets are then placed as they would have been."""
        state = json.loads(blob)
        self = cls(state["sensor"])
        self.residual_ns = state["residual_ns"]
        for boot in state["boots"]:
            boot["envelope"] = Envelope.from_state(boot["envelope"])
            boot["gaps"] = [_Gap(**gap) for gap in boot["gaps"]]
            self._boots.append(_Boot(**boot))
        return self

    def _begin(self, packet: Packet) -> _Boot:
        slope = self._boots[-1].envelope.slope if self._boots else 0.0
        period = CLOCK_HZ / packet.rate_hz
        length_ns = round(packet.counts.shape[0] * period * _TICK_NS)
        return _Boot(
            boot=packet.boot,
            origin_tick=packet.clock,
            origin_ns=packet.arrived_ns - length_ns,
            period=period,
            rate_hz=packet.rate_hz,
            envelope=Envelope(slope=slope),
            seq=packet.seq,
            tick=packet.clock,
            n=packet.counts.shape[0],
        )

    def _place_first(self, boot: _Boot, packet: Packet) -> Placed:
        self._learn(boot, packet, packet.clock)
        earliest_ns = max((b.end_ns for b in self._boots if b is not boot), default=boot.origin_ns)
        return _lay(boot, max(round(boot.fitted_ns(packet.clock)), earliest_ns))

    def _place_next(self, boot: _Boot, packet: Packet) -> Placed:
        tick = boot.unwrap(packet.clock, packet.seq)
        t0_ns = boot.end_ns
        follows = packet.seq == boot.seq + 1 and _measure_period(boot, packet, tick)
        before = boot.end_tick()
        missing = (boot.seq + 1, packet.seq - 1)
        if not follows:
            boot.period = boot.period if packet.rate_hz == boot.rate_hz else CLOCK_HZ / packet.rate_hz
        boot.seq, boot.tick, boot.n, boot.rate_hz = packet.seq, tick, packet.counts.shape[0], packet.rate_hz
        self._learn(boot, packet, tick)
        if not follows:
            t0_ns = _across(boot, before, tick)
        if missing[0] <= missing[1]:
            boot.gaps = [*boot.gaps, _Gap(*missing, before, boot.end_ns, tick, t0_ns)][-_GAPS_MAX:]
        return _lay(boot, t0_ns)

    def _learn(self, boot: _Boot, packet: Packet, tick: int) -> None:
        end = tick + boot.n * boot.period
        x_s = (end - boot.origin_tick) / CLOCK_HZ
        boot.envelope.add(x_s, packet.arrived_ns - boot.origin_ns - x_s * NS)
        self.residual_ns = packet.arrived_ns - round(boot.fitted_ns(end))


def _plain(boot: _Boot) -> dict[str, object]:
    names = (
        "boot",
        "origin_tick",
        "origin_ns",
        "period",
        "rate_hz",
        "seq",
        "tick",
        "n",
        "end_ns",
        "measured",
    )
    plain: dict[str, object] = {name: getattr(boot, name) for name in names}
    return plain | {"gaps": [asdict(gap) for gap in boot.gaps]}


def _measure_period(boot: _Boot, packet: Packet, tick: int) -> bool:
    """Whether the packet goes on where the last one ended; if so, learn the sample period from the two."""
    if SegmentFlag.RESTART in packet.flags or packet.rate_hz != boot.rate_hz:
        return False
    period = (tick - boot.tick) / boot.n
    nominal = CLOCK_HZ / boot.rate_hz
    if abs(period - nominal) > _RATE_MAX * nominal + 1.0:
        return False
    boot.period += (period - boot.period) * (_PERIOD_WEIGHT if boot.measured else 1.0)
    boot.measured = True
    return True


def _across(boot: _Boot, before: float, tick: int) -> int:
    """Time of `tick` after a hole that began at tick `before`: near the line, never before what was told."""
    width_ns = max(0.0, (tick - before) * boot.ns_per_tick())
    straight_ns = boot.end_ns + width_ns
    away_ns = boot.fitted_ns(tick) - straight_ns
    limit_ns = _SLEW_MAX * width_ns
    return boot.end_ns + round(width_ns + max(-limit_ns, min(limit_ns, away_ns)))


def _lay(boot: _Boot, t0_ns: int) -> Placed:
    """Lay the newest packet from `t0_ns` on so that its end comes as near to the line as the slew allows."""
    length_ns = boot.n * boot.period * boot.ns_per_tick()
    away_ns = boot.fitted_ns(boot.end_tick()) - t0_ns - length_ns
    limit_ns = _SLEW_MAX * length_ns
    step_ns = round((length_ns + max(-limit_ns, min(limit_ns, away_ns))) / boot.n)
    boot.end_ns = t0_ns + boot.n * step_ns
    return Placed(t0_ns, step_ns)


def _place_old(boot: _Boot, packet: Packet) -> Placed:
    """Place a packet that is older than the newest: across its gap where that is known, else by the line."""
    n = packet.counts.shape[0]
    tick = boot.unwrap(packet.clock, packet.seq)
    gap = next((g for g in reversed(boot.gaps) if g.first <= packet.seq <= g.last), None)
    place = gap.at if gap is not None else boot.fitted_ns
    period = boot.period if packet.rate_hz == boot.rate_hz else CLOCK_HZ / packet.rate_hz
    t0_ns = round(place(tick))
    return Placed(t0_ns, round((place(tick + n * period) - t0_ns) / n))
