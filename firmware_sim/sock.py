"""A virtual sock: samples a recording on its own clock and speaks the sock profile over Bluetooth LE.

It follows docs/sock-profile.md. What it measures comes from a `SampleSource` in data time, so that the
infant moves on whether the sock samples, is connected, or has just restarted.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import numpy as np

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.air_controller import AirController
from firmware_sim.sock_control import ControlPoint, Work, end_tasks
from firmware_sim.sock_gatt import SockGatt
from firmware_sim.sock_memory import SockMemory
from firmware_sim.sock_samples import ArraySource, SampleSource, SampleWindow, nominal_rate
from ingest.sock_codec import (
    CLOCK_HZ,
    CLOCK_WRAP,
    SAMPLES_MAX,
    AccRange,
    AlarmState,
    Command,
    Confirm,
    DataFlag,
    DataPacket,
    Fetch,
    GyroRange,
    Identify,
    Promised,
    ResetCause,
    Result,
    SetRateRange,
    ShowAlarm,
    SockStatus,
    Start,
    Started,
    Stop,
    as_backfill,
    encode_data,
    encode_status,
)

__all__ = ["ArraySource", "SampleSource", "SockConfig", "VirtualSock"]

_log = logging.getLogger(__name__)

_MEMORY_PACKETS = 187_200
"""8 h at 104 Hz in packets of 16 samples: what the profile asks memory to hold."""

_STATUS_EVERY_S = 60.0
"""The profile's longest interval between two notified states."""

_BACKFILL_STEP = 8
"""Back-filled packets handed over at a time; keeps a long fetch from stopping the simulation's clock."""


@dataclass(frozen=True, slots=True)
class SockConfig:
    """How one sock is built."""

    address: str
    seed: int = 0
    name: str = "lullwatch sock"
    clock_ppm: float = 0.0
    """how much faster than true time the sensor clock runs"""
    clock_start_ticks: int = 0
    """sensor clock at power on; near 2^32 it soon wraps"""
    latency_s: tuple[float, float] = (0.010, 0.050)
    """span from which the time between a packet's last sample and the radio is drawn"""
    memory_packets: int = _MEMORY_PACKETS
    backfill_per_s: float = 160.0
    """packets a second a fetch is served with, beside the live ones"""
    battery_percent: float = 100.0
    battery_per_h: float = 2.5
    """per cent an hour: 40 h of streaming on a coin cell's worth"""
    firmware: tuple[int, int, int] = (1, 0, 0)
    samples_at_power_on: bool = False


class VirtualSock:
    """One sock: `await power_on()` and it can be found, connected and started; end with `power_off()`.

    Attributes:
        sent: (boot, seq) of every packet it ever made, in order.
        memory: packets not yet confirmed.
        alarm: what its light shows.
        identified_s: how long it was last asked to blink.
    """

    def __init__(
        self, controller: AirController, *, clock: Clock, source: SampleSource, config: SockConfig
    ) -> None:
        self.config = config
        self.name = controller.name
        self.memory = SockMemory(config.memory_packets)
        self.sent: list[tuple[int, int]] = []
        self.alarm = AlarmState.NONE
        self.identified_s = 0
        self._clock = clock
        self._source = source
        boots, latencies = np.random.SeedSequence(config.seed).spawn(2)
        self._boots = np.random.default_rng(boots)
        self._latencies = np.random.default_rng(latencies)
        self._rate, self._acc, self._gyro = nominal_rate(source), AccRange.G_8, GyroRange.DPS_1000
        self._window = SampleWindow(source, self._acc, self._gyro)
        self._powered_ns = clock.now_ns()
        self._begin_boot(ResetCause.POWER_ON, config.clock_start_ticks)
        self._sampler: asyncio.Task[None] | None = None
        self._next_sample = 0
        self._new_run = False
        self._fetching: asyncio.Task[None] | None = None
        self._reporter: asyncio.Task[None] | None = None
        self._silent_until_ns = 0
        self._lose = self._corrupt = 0
        self._control = ControlPoint(lambda raw: self.gatt.answer(raw), self._do, self._after_answer)
        self.gatt = SockGatt(
            controller,
            address=config.address,
            name=config.name,
            firmware=".".join(map(str, config.firmware)),
            on_request=lambda raw: self._control.take(raw),
            on_gone=self._on_gone,
            status=lambda: encode_status(self.status),
            battery=lambda: self.battery,
        )

    # Power

    async def power_on(self) -> None:
        """Begin to advertise; sampling waits for START unless configured otherwise."""
        await self.gatt.power_on()
        self._reporter = asyncio.create_task(self._report())
        if self.config.samples_at_power_on:
            self._begin_sampling()

    async def power_off(self) -> None:
        """End everything; memory and `sent` stay readable."""
        await self._end_sampler()
        await end_tasks(self._reporter, self._fetching)
        await self._control.close()
        await self.gatt.power_off()

    # State

    @property
    def sampling(self) -> bool:
        """Whether it samples."""
        return self._sampler is not None

    @property
    def finished(self) -> bool:
        """Whether its source has no more samples."""
        return self._next_sample >= self._window.n

    @property
    def connected(self) -> bool:
        """Whether a gateway is connected."""
        return self.gatt.connected

    @property
    def battery(self) -> int:
        """Per cent left."""
        hours = (self._clock.now_ns() - self._powered_ns) / NS / 3600
        return max(0, round(self.config.battery_percent - hours * self.config.battery_per_h))

    @property
    def status(self) -> SockStatus:
        """What a read of STATUS says now."""
        return SockStatus(
            battery=self.battery,
            charging=False,
            sampling=self.sampling,
            reset_cause=self._cause,
            firmware=self.config.firmware,
            rate=self._rate,
            acc=self._acc,
            gyro=self._gyro,
            uptime_s=(self._clock.now_ns() - self._boot_ns) // NS,
            boot=self.boot,
            next_seq=self.next_seq,
            held=self.memory.held(self.boot),
            dropped=self.memory.dropped(self.boot),
            earlier=self.memory.earlier(self.boot),
        )

    # Faults on demand

    async def disconnect(self) -> None:
        """End the connection from the sock's side; it advertises again at once."""
        await self.gatt.disconnect()

    def go_silent(self, seconds: float) -> None:
        """Stay connected but send no data for `seconds` of data time; packets stay in memory."""
        self._silent_until_ns = self._clock.now_ns() + round(seconds * NS)

    def lose_next(self, n: int) -> None:
        """The next `n` data notifications are lost on the air; their packets stay in memory."""
        self._lose += n

    def corrupt_next(self, n: int) -> None:
        """The next `n` data notifications arrive damaged; in memory they are whole."""
        self._corrupt += n

    async def restart(self, cause: ResetCause = ResetCause.WATCHDOG) -> None:
        """Start anew: new boot id, number and clock at zero; the packet at hand is lost, memory is not.

        After a watchdog or brown-out it goes on sampling by itself, as the profile wants; else it waits
        for START. The gateway hears of it by a lost link (0x08).
        """
        sampled = self.sampling
        await self._end_sampler()
        self.gatt.crash()
        self._begin_boot(cause, 0)
        if sampled and cause in (ResetCause.WATCHDOG, ResetCause.BROWN_OUT):
            self._begin_sampling()

    def _begin_boot(self, cause: ResetCause, ticks: int) -> None:
        self.boot = int(self._boots.integers(1, 1 << 32))
        self.next_seq = 0
        self._cause = cause
        self._boot_ns = self._clock.now_ns()
        self._boot_ticks = ticks

    # Sampling

    def _begin_sampling(self) -> None:
        self._next_sample = self._window.first_at_or_after(self._clock.now_ns())
        self._new_run = True
        self._sampler = asyncio.create_task(self._sample())

    async def _sample(self) -> None:
        due_ns = 0
        while self._next_sample < self._window.n:
            stop = min(self._next_sample + SAMPLES_MAX, self._window.n)
            latency_ns = round(self._latencies.uniform(*self.config.latency_s) * NS)
            due_ns = max(due_ns, self._window.time_ns(stop - 1) + latency_ns)
            await self._clock.sleep((due_ns - self._clock.now_ns()) / NS)
            await self._make_packet(stop)

    async def _end_sampler(self) -> None:
        sampler, self._sampler = self._sampler, None
        await end_tasks(sampler)

    async def _close_run(self) -> None:
        """Make what has been sampled so far into packets and sample no more."""
        await self._end_sampler()
        end = min(self._window.first_at_or_after(self._clock.now_ns() + 1), self._window.n)
        while self._next_sample < end:
            await self._make_packet(min(self._next_sample + SAMPLES_MAX, end))

    async def _make_packet(self, stop: int) -> None:
        start, self._next_sample = self._next_sample, stop
        counts, clipped = self._window.read(start, stop)
        flags = (DataFlag.CLIP if clipped else 0) | (DataFlag.RESTART if self._new_run else 0)
        self._new_run = False
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        encoded = encode_data(
            DataPacket(
                DataFlag(flags),
                self.boot,
                seq,
                self._ticks(self._window.time_ns(start)),
                self._rate,
                self._acc,
                self._gyro,
                counts,
            )
        )
        self.memory.put(self.boot, seq, encoded)
        self.sent.append((self.boot, seq))
        await self._transmit(encoded)

    def _ticks(self, t_ns: int) -> int:
        elapsed = (t_ns - self._boot_ns) * CLOCK_HZ * (1 + self.config.clock_ppm * 1e-6) / NS
        return (self._boot_ticks + round(elapsed)) % CLOCK_WRAP

    async def _transmit(self, encoded: bytes) -> bool:
        if self._clock.now_ns() < self._silent_until_ns or not self.gatt.can_stream:
            return False
        if self._lose:
            self._lose -= 1
            return True
        if self._corrupt:
            self._corrupt -= 1
            encoded = encoded[:-1] + bytes((encoded[-1] ^ 0x5A,))
        return await self.gatt.notify_data(encoded)

    async def _report(self) -> None:
        while True:
            await self._clock.sleep(_STATUS_EVERY_S)
            await self.gatt.notify_status()

    # Commands

    def _on_gone(self) -> None:
        self._control.link_ended()
        if self._fetching is not None:
            self._fetching.cancel()

    def _after_answer(self, command: Command) -> None:
        """A fetch begins after its answer."""
        if isinstance(command, Fetch):
            seqs = [seq for seq, _ in self.memory.span(command.boot, command.first, command.last)]
            self._fetching = asyncio.create_task(self._serve_fetch(command.boot, seqs))

    async def _do(self, command: Command) -> Work:
        match command:
            case Start():
                return self._do_start()
            case Stop():
                return await self._do_stop()
            case SetRateRange():
                return await self._do_set(command)
            case Confirm(boot, seq):
                return self._do_confirm(boot, seq)
            case Fetch():
                return self._do_fetch(command)
            case ShowAlarm(state):
                self.alarm = state
            case Identify(seconds):
                self.identified_s = seconds
        return Result.OK, None

    def _do_start(self) -> Work:
        if not self.sampling:
            self._begin_sampling()
        return Result.OK, Started(self.boot, self.next_seq)

    async def _do_stop(self) -> Work:
        if not self.sampling:
            return Result.NOT_STARTED, None
        await self._close_run()
        return Result.OK, None

    async def _do_set(self, command: SetRateRange) -> Work:
        if command.rate != self._rate:
            return Result.BAD_VALUE, None  # the recording has one rate
        if (command.acc, command.gyro) != (self._acc, self._gyro):
            sampled = self.sampling
            if sampled:
                await self._close_run()
            self._acc, self._gyro = command.acc, command.gyro
            self._window = SampleWindow(self._source, command.acc, command.gyro)
            if sampled:
                self._begin_sampling()
        return Result.OK, Started(self.boot, self.next_seq)

    def _do_confirm(self, boot: int, seq: int) -> Work:
        if boot != self.boot and not self.memory.knows(boot):
            return Result.WRONG_BOOT, None
        self.memory.confirm(boot, seq)
        return Result.OK, None

    def _do_fetch(self, command: Fetch) -> Work:
        if command.boot != self.boot and not self.memory.knows(command.boot):
            return Result.WRONG_BOOT, None
        if self._fetching is not None and not self._fetching.done():
            return Result.BUSY, None
        return Result.OK, Promised(len(self.memory.span(command.boot, command.first, command.last)))

    async def _serve_fetch(self, boot: int, seqs: list[int]) -> None:
        for done, seq in enumerate(seqs):
            if done % _BACKFILL_STEP == 0:
                await self._clock.sleep(_BACKFILL_STEP / self.config.backfill_per_s)
            while not self.gatt.has_room or self._clock.now_ns() < self._silent_until_ns:
                await self._clock.sleep(_BACKFILL_STEP / self.config.backfill_per_s)
            encoded = self.memory.get(boot, seq)
            if encoded is not None:
                await self._transmit(as_backfill(encoded))
