"""A sensor's clock and radio with known truth, for the tests of everything that puts samples in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dsp.records import NS, Packet, Scale, SegmentFlag, Site

TICKS = 32_768
SCALE = Scale(8 / 32768, 1000 / 32768)


def _steady(_since_s: float) -> float:
    return 0.0


@dataclass(frozen=True)
class Truth:
    """One start of a sensor. Its sample i is taken at ``start_s + i / (nominal rate * (1 + rate_error))``."""

    seed: int = 0
    boot: int = 1
    start_s: float = 100.0
    ppm: float = 0.0
    rate_error: float = 0.0
    rate_hz: float = 104.0
    clock_start: int = 0
    latency_s: tuple[float, float] = (0.010, 0.050)
    wander_ppm: Callable[[float], float] = _steady
    """mean crystal error, ppm, between the start and t seconds later, on top of `ppm`"""

    def packets(
        self, minutes: float, heard: Callable[[float], bool] | None = None
    ) -> Iterator[tuple[Packet, float]]:
        """Pairs of a packet of 16 samples and the true time of its first sample, seconds.

        With `heard`, only those of which it is true (seconds since the start of the sensor).
        """
        rng = np.random.default_rng(self.seed)
        rate = self.rate_hz * (1 + self.rate_error)
        for seq in range(int(minutes * 60 * rate / 16)):
            since_s = seq * 16 / rate
            if heard is not None and not heard(since_s):
                continue
            ppm = self.ppm + self.wander_ppm(since_s)
            tick = self.clock_start + int(since_s * TICKS * (1 + ppm * 1e-6))
            arrived_s = self.start_s + since_s + 16 / rate + rng.uniform(*self.latency_s)
            yield self.packet(seq, tick, arrived_s), self.start_s + since_s

    def packet(
        self, seq: int, tick: int, arrived_s: float, flags: SegmentFlag = SegmentFlag.NONE, n: int = 16
    ) -> Packet:
        return Packet(
            site=Site.LA,
            sensor="sock-la",
            boot=self.boot,
            seq=seq,
            clock=tick % 2**32,
            rate_hz=self.rate_hz,
            scale=SCALE,
            counts=np.full((n, 6), seq % 30000, np.int16),
            flags=flags,
            arrived_ns=round(arrived_s * NS),
        )
