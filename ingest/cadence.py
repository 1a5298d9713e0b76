"""The clock of one start of a sensor, freed of its jumps: sequence numbers say what the time stamps must be.

Inside a run samples are evenly spaced and none is missing, so a packet's number foretells its time stamp.
A stamp that does not fit is not believed: the packet goes where the cadence puts it. If the next stamps
agree with the odd one, the clock has jumped, and from then on the jump is taken off; if they agree with
those before, that one stamp was wrong and nothing else has happened. Only where a run begins, and where a
run may have ended among lost packets, may a stamp be right that the numbers do not foretell; then the
arrival decides, since nothing arrives before it was measured.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from dsp.records import Packet, SegmentFlag
from ingest.sock_codec import CLOCK_HZ, CLOCK_WRAP

__all__ = ["EARLY_S", "Cadence", "Step"]

_log = logging.getLogger(__name__)

EARLY_S: Final = 0.1
"""By how much an arrival may come before the line: the line stands as high as the shortest delay so far, and of the
first few packets that may be 50 ms too long. Twice that."""
_STAMP_TICKS: Final = 0.004 * CLOCK_HZ
"""Two stamps of the profile's 1 ms each, and as much again. A jump that hides below it costs less than the
10 ms that sites may differ."""
_RATE_MAX: Final = 0.05
"""Share by which a data rate may differ from its nominal: makers allow 2 %, some parts need more."""
_RATE_DOUBT: Final = 0.001
"""Share by which a measured sample period may wander across a gap: the oscillator of a motion sensor changes by
less over the few kelvin between a cool room and a warm blanket."""
_RATE_ODD: Final = 0.2
"""A new run whose stamps agree among themselves may be this far off its nominal rate; more is another rate."""
_SETTLED: Final = 8
"""Packets after which the period is known too well for the stamps to say that it is another one."""
_PERIOD_WEIGHT: Final = 1 / 32
"""Weight of a new packet in the mean sample period: 32 packets (5 s) average one tick of rounding away."""
_SCATTER_MAX_TICKS: Final = 0.05 * CLOCK_HZ
"""Most that one stamp adds to the scatter: a jump is no scatter."""
_SCATTERS: Final = 3.0
"""Blur in mean scatters: stamps that scatter evenly between two limits lie within two, once these are known well."""
_BLUR_TICKS: Final = 0.025 * CLOCK_HZ
"""Where the numbers leave more doubt than this, later arrivals are asked too."""
_ERAS_MAX: Final = 64
"""Jumps remembered for back-fill; a clock that jumps more often in a night is broken, and gaps need none."""


@dataclass(frozen=True, slots=True)
class Step:
    """How the newest packet follows the one before it, in ticks without jumps."""

    tick: int
    """tick of the first sample"""
    before: float
    """tick at which the packet before ended"""
    follows: bool
    """whether it begins exactly there"""
    steady: bool
    """whether the samples went on without a pause, so that numbers tell times"""
    sure: bool
    """whether stamp and number agree closely"""
    anew: bool = False
    """whether only its arrival put it there"""


@dataclass(slots=True)
class _Doubt:
    """A stamp that did not fit: what the offset would be from this packet on if the clock has jumped."""

    seq: int
    offset: int
    period: float
    """ticks per sample since the stamp before it, as stamped"""


@dataclass(slots=True)
class Cadence:
    """Newest packet of one boot, its sample period, and how far the stamps are off the ticks used here."""

    sensor: str
    seq: int
    tick: int
    n: int
    rate_hz: float
    period: float
    """sample period in ticks"""
    measured: int = 0
    """packets that the period was measured on"""
    offset: int = 0
    """what is taken off a stamp"""
    odd: float = 0.0
    """how far the newest stamp lay from where the one before it foretold it, ticks"""
    scatter: float = 0.0
    """mean change of that from packet to packet: what the stamps themselves are blurred by"""
    jumps: int = 0
    doubt: _Doubt | None = None
    eras: list[tuple[int, int]] = field(default_factory=list)
    """(first packet, offset) of the jumps so far, ascending"""

    @classmethod
    def begin(cls, packet: Packet) -> Cadence:
        """Begin with the first packet of a boot."""
        n, period = packet.counts.shape[0], CLOCK_HZ / packet.rate_hz
        return cls(packet.sensor, packet.seq, packet.clock, n, packet.rate_hz, period, eras=[(packet.seq, 0)])

    def state(self) -> dict[str, object]:
        """The state as plain values, for `from_state`."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Cadence:
        """Go on from a state."""
        doubt = state["doubt"] and _Doubt(**state["doubt"])
        return cls(**{**state, "doubt": doubt, "eras": [(seq, offset) for seq, offset in state["eras"]]})

    def end_tick(self) -> float:
        """Tick at which the sample after the newest packet is due."""
        return self.tick + self.n * self.period

    def period_of(self, packet: Packet) -> float:
        """Sample period of this packet: as measured, or nominal when it has another rate."""
        return self.period if packet.rate_hz == self.rate_hz else CLOCK_HZ / packet.rate_hz

    def offset_of(self, seq: int) -> int:
        """What to take off the stamp of this packet."""
        return next((offset for first, offset in reversed(self.eras) if first <= seq), self.eras[0][1])

    def near(self, clock: int, expected: float, offset: int | None = None) -> int:
        """The tick with this wrapped stamp that is nearest to where it is expected."""
        about = round(expected)
        taken = self.offset if offset is None else offset
        return about + (clock - taken - about + CLOCK_WRAP // 2) % CLOCK_WRAP - CLOCK_WRAP // 2

    def blur(self, ticks: float) -> float:
        """How far a stamp may lie from where the numbers foretell it, this many ticks from a known one."""
        share = max(_RATE_DOUBT, _RATE_MAX / (1 + self.measured))
        return max(_STAMP_TICKS, _SCATTERS * self.scatter) + share * abs(ticks)

    def take(self, packet: Packet, latest: float) -> Step:
        """Take the next newer packet; `latest` is the tick of its first sample if it came as fast as any."""
        if SegmentFlag.RESTART in packet.flags or packet.rate_hz != self.rate_hz:
            step = self._begin_run(packet, latest)
        else:
            step = self._go_on(packet, latest)
        self.seq, self.tick, self.n = packet.seq, step.tick, packet.counts.shape[0]
        return step

    def _begin_run(self, packet: Packet, latest: float) -> Step:
        before = self.end_tick()
        tick = self.near(packet.clock, latest)
        if packet.rate_hz != self.rate_hz:
            self.rate_hz, self.period, self.measured = packet.rate_hz, CLOCK_HZ / packet.rate_hz, 0
        self.doubt, self.odd = None, 0.0
        if before - self.blur(self.n * self.period) <= tick <= latest + EARLY_S * CLOCK_HZ:
            return Step(tick, before, follows=False, steady=False, sure=False)
        tick = round(max(before, latest))
        self._jump(packet.seq, packet.clock - tick)
        return Step(tick, before, follows=False, steady=False, sure=True, anew=True)

    def _go_on(self, packet: Packet, latest: float) -> Step:
        before, missing = self.end_tick(), packet.seq - self.seq - 1
        due = before + missing * max(self.n, packet.counts.shape[0]) * self.period
        blur = self.blur(due - self.tick)
        tick = self.near(packet.clock, due)
        self._note_scatter(packet, due)
        if abs(tick - due) <= blur:
            self.doubt = None
            self._measure(tick, missing)
        elif missing and self._may_have_paused(packet, due, latest):
            self.doubt = None
            tick = self.near(packet.clock, latest)
            return Step(tick, before, follows=False, steady=False, sure=False)
        else:
            tick = self._by_number(packet, due, blur)
        sure = self.doubt is None and blur < _BLUR_TICKS
        return Step(tick, before, follows=missing == 0, steady=True, sure=sure)

    def _may_have_paused(self, packet: Packet, due: float, latest: float) -> bool:
        """Whether among lost packets a run may have ended: the arrival allows the stamp, and it is well apart.

        A stamp ahead by less than a packet is no pause that anybody commanded; one that is behind is right
        only where the numbers foretell a time after the arrival (the lost packets were short ones).
        """
        tick, allowed = self.near(packet.clock, latest), latest + EARLY_S * CLOCK_HZ
        paused = tick - due > self.n * self.period
        short = due > allowed and tick >= self.end_tick() - _STAMP_TICKS
        return tick <= allowed and (paused or short)

    def _by_number(self, packet: Packet, due: float, blur: float) -> int:
        """Tick of a packet whose stamp does not fit, by its number; a jump that a second stamp confirms is kept."""
        earlier, stamped = self.doubt, self.near(packet.clock, due)
        offset = packet.clock - round(due)
        if earlier is None:
            self.doubt = _Doubt(packet.seq, offset, (stamped - self.tick) / self.n)
            return round(due)
        tick = self.near(packet.clock, due, earlier.offset)
        period = (tick - self.tick) / self.n
        if abs(tick - due) <= blur:
            self._jump(earlier.seq, earlier.offset)
            self._measure(tick, packet.seq - self.seq - 1)
            return tick
        if packet.seq == self.seq + 1 and self._is_odd_rate(period, earlier.period):
            self.period, self.measured = period, 1
            self._shift(earlier.seq, earlier.offset)
            return tick
        self.doubt = _Doubt(packet.seq, offset, period)
        return round(due)

    def _is_odd_rate(self, period: float, earlier: float) -> bool:
        nominal = CLOCK_HZ / self.rate_hz
        agree = abs(period - earlier) * self.n <= 2 * _STAMP_TICKS
        return agree and self.measured < _SETTLED and abs(period - nominal) <= _RATE_ODD * nominal

    def _note_scatter(self, packet: Packet, due: float) -> None:
        offset = self.offset if self.doubt is None else self.doubt.offset
        odd = self.near(packet.clock, due, offset) - due
        change = min(abs(odd - self.odd), _SCATTER_MAX_TICKS)
        self.odd = odd
        self.scatter += (change - self.scatter) * max(_PERIOD_WEIGHT, 1 / (2 + self.measured))

    def _measure(self, tick: int, missing: int) -> None:
        if missing:
            return
        period = (tick - self.tick) / self.n
        self.period += (period - self.period) * max(_PERIOD_WEIGHT, 1 / (1 + self.measured))
        self.measured += 1

    def _jump(self, seq: int, offset: int) -> None:
        by_s = ((offset - self.offset + CLOCK_WRAP // 2) % CLOCK_WRAP - CLOCK_WRAP // 2) / CLOCK_HZ
        self.jumps += 1
        _log.warning(
            "%s: its clock jumped by %+.3f s at packet %d; that is taken off", self.sensor, by_s, seq
        )
        self._shift(seq, offset)

    def _shift(self, seq: int, offset: int) -> None:
        self.offset, self.doubt = offset, None
        self.eras = [*self.eras, (seq, offset)][-_ERAS_MAX:]
