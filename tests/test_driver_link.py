"""Sensors of other makers over a whole Bluetooth stack: a virtual Movesense, HCI, ATT, bleak, driver, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Generic, TypeVar

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from dsp.records import NS, Packet, Scale, Segment, Site
from firmware_sim.movesense import VirtualMovesense
from firmware_sim.osd_watch import VirtualWatch
from firmware_sim.peripheral import Peripheral
from firmware_sim.polar import VirtualPolar
from firmware_sim.sim_clock import SimClock
from firmware_sim.sock_samples import ArraySource
from ingest.driver import Driver, DriverStream, Reading
from ingest.driver_link import DriverLink
from ingest.finder import Finder
from ingest.kinds import link_of
from ingest.link import SockLink
from ingest.movesense import MovesenseDriver
from ingest.osd import OsdDriver
from ingest.polar import PolarDriver
from ingest.sensor_kind import Kind
from ingest.sensor_link import LinkState
from tests.radio_rig import Rig, noise, radio_rig

S = TypeVar("S", bound=Peripheral)
ADDRESS = "F0:00:00:00:02:01"


class Kept:
    def __init__(self) -> None:
        self.rows: list[tuple[Packet, Segment]] = []

        self.refuse = 0

    async def offer(self, packet: Packet, segment: Segment) -> None:
        if self.refuse:
            self.refuse -= 1
            raise OSError("the shelf is full")
        self.rows.append((packet, segment))

    @property
    def seqs(self) -> list[int]:
        return [p.seq for p, _ in self.rows]


class Home(Generic[S]):
    def __init__(self, rig: Rig, sensor: S, make_driver: Callable[[], Driver]) -> None:
        self.rig, self.sensor, self.kept = rig, sensor, Kept()
        self.link = DriverLink(
            make_driver=make_driver,
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
async def home(
    rate_hz: int = 52, seconds: float = 120.0, **options: object
) -> AsyncIterator[Home[VirtualMovesense]]:
    async with radio_rig() as rig:
        source = noise(seconds, rate_hz=float(rate_hz))
        sensor = VirtualMovesense(
            rig.air.controller("ms"), clock=rig.clock, source=source, address=ADDRESS, **options
        )  # type: ignore[arg-type]
        await sensor.power_on()
        async with living(Home(rig, sensor, partial(MovesenseDriver, rate_hz))) as house:
            yield house


@asynccontextmanager
async def polar_home(seconds: float = 120.0, **options: object) -> AsyncIterator[Home[VirtualPolar]]:
    async with radio_rig() as rig:
        source = noise(seconds, rate_hz=52.0)
        sensor = VirtualPolar(
            rig.air.controller("polar"), clock=rig.clock, source=source, address=ADDRESS, **options
        )  # type: ignore[arg-type]
        await sensor.power_on()
        async with living(Home(rig, sensor, PolarDriver)) as house:
            yield house


@asynccontextmanager
async def living(house: Home[S]) -> AsyncIterator[Home[S]]:
    try:
        yield house
    finally:
        house.task.cancel()
        await house.rig.drive(asyncio.wait({house.task}))  # type: ignore[arg-type]
        await house.sensor.power_off()


def measured(sensor: Peripheral, first: int, n: int, scale: Scale) -> np.ndarray:
    """What the sensor measured, in the driver's counts."""
    source = sensor.source
    assert isinstance(source, ArraySource)
    part = source.counts[first : first + n].astype(float)
    acc = np.rint(part[:, :3] * source.scale.acc_g / scale.acc_g)
    gyro = np.rint(part[:, 3:] * source.scale.gyro_dps / scale.gyro_dps)
    return np.concatenate([acc, gyro], axis=1)


async def test_packets_that_were_not_kept_are_said_once_a_minute_by_their_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with home() as house:
        await house.until(lambda: bool(house.kept.rows))
        house.kept.refuse = 10**6
        await house.rig.run(65)
    said = [r.args for r in caplog.records if "the sensor has them no more" in r.message]
    assert len(said) == 2
    (_, first, _), (_, others, _) = said
    assert first == 1
    assert others > 100


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


async def test_polars_two_streams_come_as_six_axes() -> None:
    async with polar_home() as house:
        await house.rig.run(30)
        rows = house.kept.rows
        assert len(rows) > 50
        assert house.kept.seqs == list(range(len(rows)))
        assert house.link.sample().lost == 0
        six = [packet for packet, _ in rows if packet.counts.shape[1] == 6]
        assert len(six) >= len(rows) - 2
        for (packet, _), first in zip(rows, house.sensor.sent, strict=False):
            expected = measured(house.sensor, first, packet.counts.shape[0], packet.scale)
            assert np.abs(packet.counts[:, :3] - expected[:, :3]).max() <= 1


async def test_polars_angular_rate_lies_beside_its_acceleration() -> None:
    seconds, rate_hz = 60.0, 52.0
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    swing = np.round(8000 * np.sin(2 * np.pi * 1.5 * t)).astype(np.int16)
    source = ArraySource.from_counts(np.stack([swing] * 6, axis=1), rate_hz=rate_hz)
    async with radio_rig() as rig:
        sensor = VirtualPolar(rig.air.controller("polar"), clock=rig.clock, source=source, address=ADDRESS)
        await sensor.power_on()
        async with living(Home(rig, sensor, PolarDriver)) as house:
            await rig.run(30)
            for packet, _ in house.kept.rows[2:-2]:
                acc = packet.counts[:, 0] * packet.scale.acc_g / source.scale.acc_g
                rate = packet.counts[:, 3] * packet.scale.gyro_dps / source.scale.gyro_dps
                # The virtual gyro ticks 0.4 of a sample behind; laid beside, its sine lags by as much.
                assert np.abs(acc - rate).max() < 8000 * 2 * np.pi * 1.5 * 0.5 / rate_hz


async def test_a_polar_without_gyro_gives_three_axes() -> None:
    async with polar_home(gyro=False) as house:
        await house.rig.run(15)
        assert {packet.counts.shape[1] for packet, _ in house.kept.rows} == {3}
        assert house.kept.seqs == list(range(len(house.kept.rows)))


async def test_a_polar_in_its_charger_says_so_and_streams_once_it_is_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with polar_home(charging=True) as house:
        await house.rig.run(10)
        assert not house.kept.rows
        assert "take it out" in caplog.text
        house.sensor.charging = False
        await house.until(lambda: bool(house.kept.rows))


async def test_a_polar_that_stops_by_itself_is_started_again() -> None:
    async with polar_home() as house:
        await house.rig.run(12)
        before = len(house.kept.rows)
        house.sensor.stop_by_itself()
        await house.rig.run(2)
        house.sensor.charging = False
        await house.until(lambda: len(house.kept.rows) > before + 10)
        assert len({packet.boot for packet, _ in house.kept.rows}) == 1


async def test_what_the_air_loses_of_a_polar_leaves_a_hole() -> None:
    async with polar_home(drops=lambda i: i in {20, 21, 22, 23}) as house:
        await house.rig.run(30)
        assert 1 <= house.link.sample().lost <= 4
        times = [s.t0_ns for _, s in house.kept.rows]
        assert times == sorted(times)


async def test_streams_are_stopped_at_the_end_so_that_the_battery_lasts() -> None:
    async with polar_home() as house:
        await house.rig.run(10)
        assert not house.sensor.stopped
    assert sorted(house.sensor.stopped) == [2, 5]


@asynccontextmanager
async def watch_home(seconds: float = 120.0, **options: object) -> AsyncIterator[Home[VirtualWatch]]:
    async with radio_rig() as rig:
        source = noise(seconds, rate_hz=25.0)
        sensor = VirtualWatch(
            rig.air.controller("watch"), clock=rig.clock, source=source, address=ADDRESS, **options
        )  # type: ignore[arg-type]
        await sensor.power_on()
        async with living(Home(rig, sensor, partial(OsdDriver, rig.clock))) as house:
            yield house


async def test_a_watch_gives_three_axes_in_time() -> None:
    async with watch_home() as house:
        await house.rig.run(30)
        rows = house.kept.rows
        assert house.kept.seqs == list(range(len(rows)))
        assert house.link.sample().battery == 55
        got = np.concatenate([packet.counts for packet, _ in rows])
        whole = measured(house.sensor, 0, house.sensor.source.counts.shape[0], rows[0][0].scale)[:, :3]
        begun = next(i for i in range(len(whole)) if np.abs(whole[i : i + 3] - got[:3]).max() <= 2)
        assert np.abs(whole[begun : begun + len(got)] - got).max() <= 2
        last = rows[-1][1]
        assert abs(last.t0_ns - (begun + len(got) - 3) * NS / 25) < 20e6


async def test_what_the_air_loses_of_a_watch_is_made_up_for_within_seconds() -> None:
    async with watch_home(drops=lambda i: 50 <= i < 65) as house:
        await house.rig.run(40)
        last = house.kept.rows[-1][1]
        assert abs(last.end_ns - house.rig.clock.now_ns()) < NS
        assert house.link.sample().lost >= 8


async def test_a_watch_that_sends_magnitudes_is_told_what_to_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with watch_home(form=1) as house:
        await house.rig.run(10)
        assert not house.kept.rows
    assert "all three axes" in caplog.text


def test_every_kind_of_sensor_has_a_link() -> None:
    for kind in Kind:
        link = link_of(
            kind,
            address=ADDRESS,
            site=Site.LA,
            sensor="la",
            sink=Kept(),
            clock=SimClock(),
            find=Finder(BleakScanner).find,
        )
        assert isinstance(link, SockLink if kind is Kind.SOCK else DriverLink)


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
    one, two, three = (stream.take(reading(s), s_ns * NS) for s, s_ns in ((1000.0, 10), (0.5, 12), (9e8, 14)))
    assert one is not None
    assert two is not None
    assert three is not None
    assert (one[0].boot, two[0].boot, two[0].seq) == (1, 2, 0)
    # A clock that was set: the years between are not lost packets.
    assert (three[0].boot, three[0].seq, stream.lost) == (3, 0, 0)
