"""A watch's count of samples as a clock, held against when they were taken, at rates that are not quite 25 Hz."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dsp.records import NS, Site
from ingest.driver import DriverStream, Reading
from ingest.osd import OsdDriver
from ingest.osd_ble import BATTERY_UUID, DATA_UUID, FORMAT_UUID

SIZE = 5
STILL = np.zeros((SIZE, 3), "<i2").tobytes()
SECONDS = 900.0


class Hand:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


class Watch:
    """The gateway's session with a watch, as far as the driver uses it."""

    def __init__(self) -> None:
        self.take: Callable[[bytes], None]

    async def read(self, uuid: str) -> bytes:
        return {FORMAT_UUID: b"\x03", BATTERY_UUID: b"\x50"}[uuid]

    async def notify(self, uuid: str, take: Callable[[bytes], None]) -> None:
        assert uuid == DATA_UUID
        self.take = take


@pytest.mark.parametrize("rate_hz", [24.3, 25.0, 25.6])
@pytest.mark.parametrize("together", [1, 5])
async def test_samples_of_a_watch_that_is_not_quite_at_25_hz_stay_where_they_were_taken(
    rate_hz: float, together: int
) -> None:
    clock, watch, rng = Hand(), Watch(), np.random.default_rng(1)
    driver = OsdDriver(clock)
    stream = DriverStream(Site.LA, "watch", driver.scale, draw_boot=lambda: 1)
    off_s: list[float] = []

    def take(reading: Reading) -> None:
        taken = stream.take(reading, clock.ns)
        assert taken is not None
        off_s.append(taken[1].t0_ns / NS - len(off_s) * SIZE / rate_hz)

    await driver.begin(watch, take)  # type: ignore[arg-type]
    while len(off_s) * SIZE / rate_hz < SECONDS:
        arrived_s = (len(off_s) + together) * SIZE / rate_hz + rng.uniform(0.01, 0.05)
        for n in range(together):
            clock.ns = round((arrived_s + 0.003 * n) * NS)
            watch.take(STILL)
    assert stream.lost == 0
    later = np.array(off_s[-len(off_s) // 4 :])
    assert np.ptp(later) < 0.05
    assert np.abs(later).max() < 0.1
