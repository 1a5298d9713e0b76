"""A virtual sock: samples a recording on its own clock and speaks the sock profile over Bluetooth LE.

It follows docs/sock-profile.md. What it measures comes from a `SampleSource` in data time, so that the
infant moves on whether the sock samples, is connected, or has just restarted.
"""

from __future__ import annotations

import asyncio
from typing import Final

import numpy as np

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.air_controller import AirController
from firmware_sim.sock_battery import Battery
from firmware_sim.sock_config import SockConfig
from firmware_sim.sock_control import ControlPoint, Work, end_tasks
from firmware_sim.sock_faults import FaultsOnDemand
from firmware_sim.sock_gatt import SockGatt
from firmware_sim.sock_memory import SockMemory
from firmware_sim.sock_samples import ArraySource, SampleSource
from firmware_sim.sock_security import SockSecurity
from firmware_sim.sock_sender import SockSender
from firmware_sim.sock_sensor import SockSensor
from ingest.sock_codec import (
    SAMPLES_MAX,
    AlarmState,
    Command,
    Confirm,
    DataFlag,
    DataPacket,
    Fetch,
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

_STATUS_EVERY_S: Final = 60.0
"""The profile's longest interval between two notified states."""

_BATTERY_EVERY_S: Final = (1.0, 60.0)
"""Shortest and longest time between two looks at the battery: seldom while it is full, so that nothing waits
for it, and every second in the end, so that it dies when it should."""

_BACKFILL_STEP: Final = 8
"""Back-filled packets handed over at a time; keeps a long fetch from stopping the simulation's clock."""


class VirtualSock(FaultsOnDemand):
    """One sock: `await power_on()` and it can be found, connected and started; end with `power_off()`.

    Attributes:
        sent: (boot, seq) of every packet it ever made, in order.
        memory: packets not yet confirmed.
        alarm: what its light shows.
        identified_s: how long it was last asked to blink.
        dead: whether its battery is empty.
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
        self.dead = False
        self._clock = clock
        boots, latencies, chip, air = np.random.SeedSequence(config.seed).spawn(4)
        self._boots = np.random.default_rng(boots)
        self._latencies = np.random.default_rng(latencies)
        self._sensor = SockSensor(source, clock_ppm=config.clock_ppm, seed=chip)
        self._battery = Battery(clock, percent=config.battery_percent, per_h=config.battery_per_h)
        self._firmware, self._protocol = config.firmware, config.protocol
        self._begin_boot(ResetCause.POWER_ON, config.clock_start_ticks)
        self._sampler: asyncio.Task[None] | None = None
        self._next_sample = 0
        self._new_run = False
        self._fetching: asyncio.Task[None] | None = None
        self._reporter: asyncio.Task[None] | None = None
        self._drainer: asyncio.Task[None] | None = None
        self._control = ControlPoint(lambda raw: self.gatt.answer(raw), self._do, self._after_answer)
        self.security = SockSecurity(
            address=config.address, passkey=config.label, bonded_with=config.bonded_with
        )
        self.gatt = SockGatt(
            controller,
            security=self.security,
            address=config.address,
            name=config.name,
            firmware=lambda: ".".join(map(str, self._firmware)),
            on_request=lambda raw: self._control.take(raw),
            on_gone=self._on_gone,
            status=lambda: self._in_its_version(encode_status(self.status)),
            battery=lambda: self.battery,
        )
        self._sender = SockSender(self.gatt, clock, loss=config.loss, chance=np.random.default_rng(air))

    # Power

    async def power_on(self) -> None:
        """Begin to advertise; sampling waits for START unless configured otherwise."""
        await self.gatt.power_on()
        self._reporter = asyncio.create_task(self._report())
        self._drainer = asyncio.create_task(self._live_off_battery())
        if self.config.samples_at_power_on:
            self._begin_sampling()

    async def power_off(self) -> None:
        """End everything; memory and `sent` stay readable."""
        await self._end_sampler()
        await end_tasks(self._reporter, self._drainer, self._fetching)
        await self._sender.close()
        await self._control.close()
        await self.gatt.power_off()

    # State

    @property
    def sampling(self) -> bool:
        """Whether it samples."""
        return self._sampler is not None

    @property
    def source(self) -> SampleSource:
        """What is there to be measured where it is worn."""
        return self._sensor.source

    @property
    def finished(self) -> bool:
        """Whether its source has no more samples."""
        return self._next_sample >= self._sensor.n

    @property
    def connected(self) -> bool:
        """Whether a gateway is connected."""
        return self.gatt.connected

    @property
    def battery(self) -> int:
        """Per cent left."""
        return round(self._battery.percent)

    @property
    def status(self) -> SockStatus:
        """What a read of STATUS says now."""
        return SockStatus(
            battery=self.battery,
            charging=False,
            sampling=self.sampling,
            reset_cause=self._cause,
            firmware=self._firmware,
            rate=self._sensor.rate,
            acc=self._sensor.acc,
            gyro=self._sensor.gyro,
            uptime_s=(self._clock.now_ns() - self._boot_ns) // NS,
            boot=self.boot,
            next_seq=self.next_seq,
            held=self.memory.held(self.boot),
            dropped=self.memory.dropped(self.boot),
            earlier=self.memory.earlier(self.boot),
        )

    # Faults on demand that need the whole sock; the others are those of `FaultsOnDemand`

    async def disconnect(self) -> None:
        """End the connection from the sock's side; it advertises again at once."""
        await self.gatt.disconnect()

    async def update_firmware(self, version: tuple[int, int, int], *, protocol: int) -> None:
        """Start anew with other firmware, which speaks that version of the profile."""
        self._firmware, self._protocol = version, protocol
        await self.restart(ResetCause.FIRMWARE_UPDATE)

    async def set_battery(self, percent: float) -> None:
        """The battery holds this much from now on; a dead sock comes back and waits for START."""
        self._battery.charge(percent)
        if self.dead and not self._battery.empty:
            self.dead = False
            self._begin_boot(ResetCause.POWER_ON)
            await self.gatt.regain_power()
        elif self._battery.empty:
            await self._die()

    async def forget_bond(self) -> None:
        """Its button was held for 10 s: it knows no gateway any more, and the link ends."""
        self.security.forget()
        await self.disconnect()

    async def restart(self, cause: ResetCause = ResetCause.WATCHDOG) -> None:
        """Start anew: new boot id, number and clock at zero; the packet at hand is lost, memory is not.

        After a watchdog or brown-out it goes on sampling by itself, as the profile wants; else it waits
        for START. The gateway hears of it by a lost link (0x08). Nothing happens to a dead sock.
        """
        if self.dead:
            return
        sampled = self.sampling
        await self._end_sampler()
        self.gatt.crash()
        self._begin_boot(cause)
        if sampled and cause in (ResetCause.WATCHDOG, ResetCause.BROWN_OUT):
            self._begin_sampling()

    def _begin_boot(self, cause: ResetCause, ticks: int = 0) -> None:
        self.boot = int(self._boots.integers(1, 1 << 32))
        self.next_seq = 0
        self._cause = cause
        self._boot_ns = self._clock.now_ns()
        self._sensor.begin_boot(self._boot_ns, ticks)

    async def _live_off_battery(self) -> None:
        shortest_s, longest_s = _BATTERY_EVERY_S
        while True:
            # Packets drain it too: half of what time alone leaves is always too early.
            await self._clock.sleep(min(longest_s, max(shortest_s, self._battery.lasts_s / 2)))
            if self._battery.empty and not self.dead:
                await self._die()

    async def _die(self) -> None:
        self.dead = True
        await self._end_sampler()
        self.gatt.lose_power()

    # Sampling

    def _begin_sampling(self) -> None:
        self._next_sample = self._sensor.first_at_or_after(self._clock.now_ns())
        self._new_run = True
        self._sampler = asyncio.create_task(self._sample())

    async def _sample(self) -> None:
        due_ns = 0
        chip_boot = self._sensor.boot_at(self._next_sample)
        while self._next_sample < self._sensor.n:
            if self._sensor.boot_at(self._next_sample) != chip_boot:
                chip_boot = self._sensor.boot_at(self._next_sample)
                self.gatt.crash()
                self._begin_boot(ResetCause.WATCHDOG)
                self._new_run = True
            end = self._sensor.boot_end(self._next_sample)
            stop = min(self._next_sample + SAMPLES_MAX, end)
            latency_ns = round(self._latencies.uniform(*self.config.latency_s) * NS)
            due_ns = max(due_ns, self._sensor.time_ns(stop - 1) + latency_ns)
            await self._clock.sleep((due_ns - self._clock.now_ns()) / NS)
            if stop - self._next_sample < SAMPLES_MAX and stop < self._sensor.n:
                self._next_sample = stop  # the chip starts anew: the packet at hand is lost
            else:
                await self._make_packet(stop)

    async def _end_sampler(self) -> None:
        sampler, self._sampler = self._sampler, None
        await end_tasks(sampler)

    async def _close_run(self) -> None:
        """Make what has been sampled so far into packets and sample no more."""
        await self._end_sampler()
        end = min(self._sensor.first_at_or_after(self._clock.now_ns() + 1), self._sensor.n)
        while self._next_sample < end:
            await self._make_packet(min(self._next_sample + SAMPLES_MAX, end))

    async def _make_packet(self, stop: int) -> None:
        start, self._next_sample = self._next_sample, stop
        counts, clipped = self._sensor.read(start, stop)
        flags = (DataFlag.CLIP if clipped else 0) | (DataFlag.RESTART if self._new_run else 0)
        self._new_run = False
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        encoded = encode_data(
            DataPacket(
                DataFlag(flags),
                self.boot,
                seq,
                self._sensor.ticks(self._sensor.time_ns(start)),
                self._sensor.rate,
                self._sensor.acc,
                self._sensor.gyro,
                counts,
            )
        )
        encoded = self._in_its_version(encoded)
        self.memory.put(self.boot, seq, encoded)
        self.sent.append((self.boot, seq))
        await self._transmit(encoded)

    def _in_its_version(self, encoded: bytes) -> bytes:
        """As firmware of another protocol version says it; only the first byte means the same in all of them."""
        return bytes((self._protocol,)) + encoded[1:]

    async def _transmit(self, encoded: bytes) -> None:
        if await self._sender.send(encoded):
            self._battery.spend(self.config.battery_per_packet)

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
        if command.rate != self._sensor.rate:
            return Result.BAD_VALUE, None  # the recording has one rate
        if (command.acc, command.gyro) != (self._sensor.acc, self._sensor.gyro):
            sampled = self.sampling
            if sampled:
                await self._close_run()
            self._sensor.set_range(command.acc, command.gyro)
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
            while not self.gatt.has_room or self._sender.silent:
                await self._clock.sleep(_BACKFILL_STEP / self.config.backfill_per_s)
            encoded = self.memory.get(boot, seq)
            if encoded is not None:
                await self._transmit(as_backfill(encoded))
