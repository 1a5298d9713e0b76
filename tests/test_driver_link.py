"""Sensors of other makers over a whole Bluetooth stack: a virtual Movesense, HCI, ATT, bleak, driver, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from dsp.records import NS, Packet, Scale, Segment, Site
from firmware_sim.movesense import VirtualMovesense
from firmware_sim.sock_samples import ArraySource
from ingest.driver import DriverStream, Reading
from ingest.driver_link import DriverLink
from ingest.finder import Finder
from ingest.movesense import MovesenseDriver
from ingest.sensor_link import LinkState
from tests.radio_rig import Rig, noise, radio_rig

ADDRESS = "F0:00:00:00:02:01"


class Kept:
    def __init__(self) -> None:
        self.rows: list[tuple[Packet, Segment]] = []

    async def offer(self, packet: Packet, segment: Segment) -> None:
        self.rows.append((packet, segment))

    @property
    def seqs(self) -> list[int]:
        return [p.seq for p, _ in self.rows]


class Home:
    def __init__(self, rig: Rig, sensor: VirtualMovesense, rate_hz: int) -> None:
        self.rig, self.sensor, self.kept = rig, sensor, Kept()
        self.link = DriverLink(
            make_driver=partial(MovesenseDriver, rate_hz),
            address=ADDRESS,
            site=Site.LA,
            sensor="ms-la",
            sink=self.kept,
            clock=rig.clock,
            find=Finder(partial(BleakScanner, backend=rig.scanner_cls)).find,
            client=partial(BleakClient, backend=rig.client_cls),
        )
        self.task = asyncio.ensure_future(self.link.run())

    async def until(self, done: Callable[[], bool], limit_s: float = 60.0) -> None:
        end = self.rig.clock.now_ns() + limit_s * NS
        while not done():
            assert self.rig.clock.now_ns() < end
            await self.rig.run(0.25)


@asynccontextmanager
async def home(rate_hz: int = 52, seconds: float = 120.0, **options: object) -> AsyncIterator[Home]:
    async with radio_rig() as rig:
        source = noise(seconds, rate_hz=float(rate_hz))
        sensor = VirtualMovesense(
            rig.air.controller("ms"), clock=rig.clock, source=source, address=ADDRESS, **options
        )  # type: ignore[arg-type]
        await sensor.power_on()
        house = Home(rig, sensor, rate_hz)
        try:
            yield house
        finally:
            house.task.cancel()
            await rig.drive(asyncio.wait({house.task}))  # type: ignore[arg-type]
            await sensor.power_off()


def measured(sensor: VirtualMovesense, first: int, n: int, scale: Scale) -> np.ndarray:
    """What the sensor measured, in the driver's counts."""
    source = sensor._source
    assert isinstance(source, ArraySource)
    part = source.counts[first : first + n].astype(float)
    acc = np.rint(part[:, :3] * source.scale.acc_g / scale.acc_g)
    gyro = np.rint(part[:, 3:] * source.scale.gyro_dps / scale.gyro_dps)
    return np.concatenate([acc, gyro], axis=1)


@pytest.mark.parametrize("rate_hz", [52, 104])
async def test_every_sample_arrives_once_in_its_place(rate_hz: int) -> None:
    async with home(rate_hz) as house:
        await house.rig.run(30)
        rows = house.kept.rows
        assert len(rows) == len(house.sensor.sent) > 150
        assert house.kept.seqs == list(range(len(rows)))
        for (packet, _), first in zip(rows, house.sensor.sent, strict=True):
            expected = measured(house.sensor, first, packet.counts.shape[0], packet.scale)
            assert np.abs(packet.counts - expected).max() <= 1
        assert house.link.sample().battery == 80
        assert house.link.sample().lost == 0
        ends = [s.end_ns for _, s in rows]
        assert [s.t0_ns for _, s in rows[1:]] == ends[:-1]


async def test_times_lie_within_ten_milliseconds_once_the_clock_is_known() -> None:
    async with home() as house:
        await house.rig.run(60)
        packet, segment = house.kept.rows[-1]
        true_ns = house.sensor.sent[-1] * NS / 52
        assert abs(segment.t0_ns - true_ns) < 10e6
        assert packet.rate_hz == 52


async def test_what_the_air_loses_is_counted_and_leaves_a_hole_of_its_length() -> None:
    lost = {40, 41, 77}
    async with home(drops=lambda i: i in lost) as house:
        await house.rig.run(20)
        assert house.link.sample().lost == len(lost)
        gaps = np.diff(house.kept.seqs)
        assert sorted(gaps[gaps > 1].tolist()) == [2, 3]
        steps = np.diff([s.t0_ns for _, s in house.kept.rows])
        assert np.allclose(steps, gaps * 4 * NS / 52, rtol=0.02)


async def test_a_lost_part_costs_its_own_packet_only() -> None:
    async with home(104, drops=lambda i: i == 41) as house:
        await house.rig.run(20)
        assert house.link.sample().lost == 1
        sent = house.sensor.sent
        numbers = {(first - sent[0]) // 8 for first in sent}
        assert len(numbers) - len(house.kept.rows) <= 3


async def test_after_a_lost_link_it_subscribes_again_and_time_goes_on() -> None:
    async with home() as house:
        await house.rig.run(15)
        before = len(house.kept.rows)
        await house.sensor.disconnect()
        await house.until(lambda: house.link.state is not LinkState.STREAMING)
        await house.until(lambda: house.link.state is LinkState.STREAMING)
        await house.rig.run(15)
        assert len(house.kept.rows) > before + 100
        boots = {p.boot for p, _ in house.kept.rows}
        assert len(boots) == 1
        times = [s.t0_ns for _, s in house.kept.rows]
        assert times == sorted(times)
        assert len(set(house.kept.seqs)) == len(house.kept.seqs)


async def test_a_changed_battery_is_a_new_start() -> None:
    async with home() as house:
        await house.rig.run(15)
        house.sensor.restart()
        await house.rig.run(20)
        boots = [p.boot for p, _ in house.kept.rows]
        assert len(set(boots)) == 2
        times = [s.t0_ns for _, s in house.kept.rows]
        assert times == sorted(times)


async def test_old_firmware_is_refused_with_a_remedy_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with home(old=True) as house:
        await house.rig.run(10)
        assert house.link.state is not LinkState.STREAMING
        assert not house.kept.rows
    assert "update the sensor's firmware" in caplog.text


async def test_a_rate_the_sensor_does_not_have_is_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with home(52) as house:
        house.task.cancel()
        link = DriverLink(
            make_driver=partial(MovesenseDriver, 104),
            address=ADDRESS,
            site=Site.LA,
            sensor="ms-la",
            sink=house.kept,
            clock=house.rig.clock,
            find=Finder(partial(BleakScanner, backend=house.rig.scanner_cls)).find,
            client=partial(BleakClient, backend=house.rig.client_cls),
        )
        await house.rig.run(3)
        task = asyncio.ensure_future(link.run())
        await house.rig.run(10)
        task.cancel()
        await house.rig.drive(asyncio.wait({task}))  # type: ignore[arg-type]
    assert "choose another rate" in caplog.text


def reading(first_s: float, n: int = 4) -> Reading:
    return Reading(first_s, 52.0, np.zeros((n, 3)), np.zeros((n, 3)))


def test_a_packet_that_comes_again_is_taken_once() -> None:
    stream = DriverStream(Site.LA, "s", Scale(1e-3, 1e-2), draw_boot=count(1).__next__)
    arrived = count(10 * NS, NS // 13)
    first = stream.take(reading(1.0), next(arrived))
    assert first is not None
    assert stream.take(reading(1.0), next(arrived)) is None
    second = stream.take(reading(1.0 + 4 / 52), next(arrived))
    assert second is not None
    assert (first[0].seq, second[0].seq) == (0, 1)


def test_a_clock_that_wraps_goes_on_and_one_that_falls_back_begins_anew() -> None:
    driver = MovesenseDriver()
    last = (1 << 32) - 100
    assert driver._seconds(last) == pytest.approx(last / 1000)
    assert driver._seconds(50) == pytest.approx((last + 150) / 1000)
    stream = DriverStream(Site.LA, "s", Scale(1e-3, 1e-2), draw_boot=count(1).__next__)
    one = stream.take(reading(1000.0), 10 * NS)
    two = stream.take(reading(0.5), 12 * NS)
    assert one is not None
    assert two is not None
    assert (one[0].boot, two[0].boot, two[0].seq) == (1, 2, 0)
