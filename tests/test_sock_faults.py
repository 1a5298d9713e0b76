"""Each fault of docs/sock-faults.md, seen at the other end of the radio."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from bleak import BleakScanner

from dsp.records import NS, Site
from firmware_sim.crystal import Crystal
from firmware_sim.runs import Run
from firmware_sim.sock import ArraySource, SockConfig, VirtualSock
from firmware_sim.sock_script import NoSuchSockError, SockFault, SockFaultKind, cause, run_script
from ingest.link import LinkState
from ingest.sock_codec import (
    BATTERY_LEVEL_UUID,
    CLOCK_HZ,
    FIRMWARE_REVISION_UUID,
    STATUS_UUID,
    DataFlag,
    Fetch,
    ResetCause,
    Result,
    Start,
    Stop,
    decode_status,
)
from tests.radio_rig import Listener, Rig, noise, radio_rig
from tests.test_link import gateway

PACKET_TICKS = 16 / 104 * CLOCK_HZ


async def listening(rig: Rig, sock: VirtualSock) -> Listener:
    return await Listener(await rig.client(sock)).subscribe()


async def started(rig: Rig, name: str = "LA", **config: object) -> tuple[VirtualSock, Listener]:
    sock = await rig.sock(name, **config)
    listener = await listening(rig, sock)
    await listener.ask(Start())
    return sock, listener


async def sock_of(rig: Rig, source: ArraySource) -> VirtualSock:
    config = SockConfig(address="F0:00:00:00:01:77", seed=7)
    sock = VirtualSock(rig.air.controller("own"), clock=rig.clock, source=source, config=config)
    await sock.power_on()
    rig.socks.append(sock)
    return sock


def counts_of(listener: Listener) -> np.ndarray:
    return np.concatenate([packet.counts for packet in listener.packets])


async def test_a_short_way_out_of_range_delays_and_a_long_one_ends_the_link():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(2)
        sock.leave(2.0)
        before = len(listener.packets)
        await rig.run(1.9)
        assert (len(listener.packets), listener.client.is_connected) == (before, True)
        await rig.run(1)
        assert listener.seqs == list(range(len(sock.sent)))
        sock.leave(10.0)
        await rig.run(9)
        assert not listener.client.is_connected
        assert not sock.connected
        again = await listening(rig, sock)
        await rig.run(1)
        assert again.packets


async def test_late_notifications_are_overtaken_and_come_in_the_end():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(2)
        sock.delay_next(3, 1.5)
        late = range(sock.next_seq, sock.next_seq + 3)
        await rig.run(1)
        assert not set(late) & set(listener.seqs)
        assert max(listener.seqs) > max(late)
        await rig.run(3)
        assert sorted(listener.seqs) == list(range(len(sock.sent)))
        assert listener.seqs != sorted(listener.seqs)


async def test_doubled_notifications_come_twice_byte_for_byte():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(1)
        sock.duplicate_next(4)
        twice = list(range(sock.next_seq, sock.next_seq + 4))
        await rig.run(2)
        assert [a for a, b in itertools.pairwise(listener.seqs) if a == b] == twice
        assert sorted(set(listener.seqs)) == list(range(len(sock.sent)))
        first, second = (p for p in listener.packets if p.seq == twice[0])
        assert first == second


async def test_a_memory_that_shrinks_loses_the_oldest_and_says_how_many():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(8)
        sock.shrink_memory(5)
        status = decode_status(await listener.client.read_gatt_char(STATUS_UUID))
        assert status.held.newest - status.held.oldest + 1 == 5
        assert status.dropped == sock.next_seq - 5 > 30
        answer = await listener.ask(Fetch(sock.boot, 0))
        assert answer.payload.count == 5


async def test_a_stuck_axis_repeats_one_value_and_recovers():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(2)
        sock.stick_axis(1, 3.0)
        await rig.run(5)
        counts = counts_of(listener)
        still = np.flatnonzero(np.diff(counts[:, 1].astype(int)) == 0)
        assert len(still) == pytest.approx(3 * 104, abs=3)
        assert np.all(np.diff(still) == 1)
        assert all(
            np.count_nonzero(np.diff(counts[:, axis].astype(int)) == 0) < 3 for axis in (0, 2, 3, 4, 5)
        )


async def test_a_sock_taken_off_sees_gravity_from_one_side_and_no_turning():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(2)
        sock.take_off(4.0)
        await rig.run(1)
        before = len(listener.packets)
        await rig.run(2)
        lying = np.concatenate([p.counts for p in listener.packets[before:]])
        force_g = np.linalg.norm(lying[:, :3] * 8 / 32_768, axis=1)
        assert force_g == pytest.approx(np.ones(len(lying)), abs=0.005)
        assert np.abs(lying[:, 3:] * 1000 / 32_768).max() < 0.3
        await rig.run(4)
        assert np.abs(listener.packets[-1].counts[:, 3:]).max() > 1000


async def test_two_swapped_socks_measure_each_others_place_under_their_own_names_and_times():
    async with radio_rig() as rig:
        left, at_left = await started(rig, "LA")
        right, at_right = await started(rig, "RA")
        await rig.run(3)
        swapped_at = rig.clock.now_ns()
        left.swap_with(right)
        await rig.run(4)
        for listener, own, other in ((at_left, 1, 2), (at_right, 2, 1)):
            first = noise(60, seed=own).counts
            second = noise(60, seed=other).counts
            seen = counts_of(listener)
            start = next(i for i in range(200) if np.array_equal(first[i], seen[0]))
            turn = int(np.ceil(swapped_at / NS * 104 - 1e-6)) - start
            assert np.array_equal(seen[:turn], first[start : start + turn])
            assert np.array_equal(seen[turn:], second[start + turn : start + len(seen)])
            assert listener.seqs == list(range(len(listener.packets)))
            assert [p.seq for p in listener.packets if p.flags & DataFlag.RESTART] == [0]


@pytest.mark.parametrize("seconds", [-1.5, 40.0])
async def test_a_clock_jump_is_in_the_time_stamps_and_nowhere_else(seconds: float):
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(3)
        sock.jump_clock(seconds)
        await rig.run(3)
        assert listener.seqs == list(range(len(sock.sent)))
        steps = [(b.clock - a.clock) for a, b in itertools.pairwise(listener.packets)]
        odd = [step for step in steps if abs(step - PACKET_TICKS) > 1.01]
        assert odd == [pytest.approx(PACKET_TICKS + seconds * CLOCK_HZ, abs=1.01)]


async def test_a_restart_in_the_chip_is_a_new_boot_whose_clock_starts_from_zero():
    whole = noise(20)
    runs = (Run(0, 0, NS / 104, 1), Run(520, 6 * NS, NS / 104, 2))
    async with radio_rig() as rig:
        sock = await sock_of(rig, ArraySource(whole.counts, whole.clipped, whole.scale, runs))
        listener = await listening(rig, sock)
        await listener.ask(Start())
        old = sock.boot
        await rig.run(5.2)
        assert not listener.client.is_connected
        assert sock.boot != old
        await rig.run(1)
        again = await listening(rig, sock)
        await rig.run(2)
        status = decode_status(await again.client.read_gatt_char(STATUS_UUID))
        assert (status.reset_cause, status.sampling) == (ResetCause.WATCHDOG, True)
        await again.ask(Fetch(sock.boot, 0))
        await rig.run(1)
        first = next(p for p in again.packets if (p.boot, p.seq) == (sock.boot, 0))
        assert first.flags & DataFlag.RESTART
        assert first.clock == pytest.approx(CLOCK_HZ, abs=0.06 * CLOCK_HZ)
        assert np.array_equal(first.counts, whole.counts[520:536])
        begun = next(i for i in range(520) if np.array_equal(whole.counts[i], listener.packets[0].counts[0]))
        assert sum(boot == old for boot, _ in sock.sent) == (520 - begun) // 16  # the packet at hand is lost


async def test_a_crystal_that_drifts_and_jumps_shows_in_the_time_stamps():
    whole = noise(60)
    t_ns = np.array([0, 60 * NS])
    crystal = Crystal(t_ns, np.array([0.0, 0.006]), jumps=((20 * NS, 2.0),))  # 100 ppm fast
    async with radio_rig() as rig:
        source = ArraySource(whole.counts, whole.clipped, whole.scale, whole.runs, crystal)
        listener = await listening(rig, await sock_of(rig, source))
        await listener.ask(Start())
        await rig.run(50)
        first, last = listener.packets[0], listener.packets[-1]
        true_s = 16 * (last.seq - first.seq) / 104
        assert (last.clock - first.clock) / CLOCK_HZ == pytest.approx(
            true_s * (1 + 100e-6) + 2.0, abs=2 / CLOCK_HZ
        )


async def test_firmware_of_another_version_is_told_in_status_and_device_information():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(1)
        await sock.update_firmware((2, 0, 1), protocol=1)
        await rig.air.settle()
        assert not listener.client.is_connected
        again = await listening(rig, sock)
        assert bytes(await again.client.read_gatt_char(FIRMWARE_REVISION_UUID)) == b"2.0.1"
        status = decode_status(await again.client.read_gatt_char(STATUS_UUID))
        assert (status.firmware, status.reset_cause) == ((2, 0, 1), ResetCause.FIRMWARE_UPDATE)
        assert not sock.sampling


async def test_a_gateway_refuses_firmware_that_speaks_another_version_and_says_what_to_do(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO, "ingest")
    async with gateway() as home:
        sock = await home.rig.sock("LA", protocol=2, samples_at_power_on=True)
        link = home.listen_to(sock, Site.LA)
        await home.rig.run(10)
        assert len(sock.sent) > 50
        assert home.shelf.kept == []
        assert LinkState.STREAMING.value not in {sample.state for sample in home.samples}
        assert link.state is not LinkState.STREAMING
        assert "2, expected 1" in caplog.text
        assert "update the sock's firmware or lullwatch" in caplog.text


async def test_a_battery_drains_faster_while_it_streams_and_fastest_while_it_back_fills():
    async with radio_rig() as rig:
        sock = await rig.sock(
            seconds=400, battery_per_h=36.0, battery_per_packet=0.01, samples_at_power_on=True
        )
        spent = []
        for doing in ("alone", "streaming", "fetching"):
            if doing == "streaming":
                listener = await listening(rig, sock)
                await listener.ask(Start())
            if doing == "fetching":
                await listener.ask(Fetch(sock.boot, 0))
            left = sock.battery
            await rig.run(100)
            spent.append(left - sock.battery)
        alone, streaming, fetching = spent
        assert alone == pytest.approx(1, abs=1)
        assert streaming == pytest.approx(1 + 650 * 0.01, abs=1)
        assert fetching == pytest.approx(1 + 650 * 0.01 + 1300 * 0.01, abs=2)
        level = await listener.client.read_gatt_char(BATTERY_LEVEL_UUID)
        assert level[0] == sock.battery


async def test_an_empty_battery_ends_everything_without_a_word():
    async with radio_rig() as rig:
        sock, listener = await started(rig, battery_percent=0.05, battery_per_h=36.0, battery_per_packet=0.0)
        await rig.run(4)
        assert listener.client.is_connected
        await rig.run(3)
        assert sock.dead
        assert not listener.client.is_connected
        made = len(sock.sent)
        async with BleakScanner(backend=rig.scanner_cls) as scanner:
            await rig.run(2)
            assert scanner.discovered_devices == []
        await sock.restart()
        await rig.run(2)
        assert len(sock.sent) == made


async def test_a_dead_sock_with_a_new_battery_comes_back_under_a_new_boot_with_its_memory():
    async with radio_rig() as rig:
        sock, _ = await started(rig)
        await rig.run(3)
        old, made = sock.boot, len(sock.sent)
        await sock.set_battery(0.0)
        await rig.run(1)
        assert sock.dead
        await sock.set_battery(80.0)
        again = await listening(rig, sock)
        status = decode_status(await again.client.read_gatt_char(STATUS_UUID))
        assert (status.battery, status.reset_cause, status.sampling) == (80, ResetCause.POWER_ON, False)
        assert status.boot != old
        assert (status.earlier.boot, status.earlier.newest) == (old, made - 1)
        await again.ask(Start())
        await rig.run(2)
        assert again.packets[0].boot == status.boot


async def test_a_sock_that_died_answers_stop_after_its_return_as_not_started():
    async with radio_rig() as rig:
        sock, _ = await started(rig)
        await sock.set_battery(0.0)
        await rig.run(1)
        await sock.set_battery(50.0)
        again = await listening(rig, sock)
        assert (await again.ask(Stop())).result is Result.NOT_STARTED


async def test_a_script_of_a_bad_night_happens_at_its_times():
    script = [
        SockFault("LA", "lose", at_s=2.0, count=2),
        SockFault("LA", "duplicate", at_s=1.0, count=3),
        SockFault("LA", "corrupt", at_s=3.0, count=4),
        SockFault("LA", "late", at_s=4.0, count=5, seconds=1.0),
        SockFault("LA", "silent", at_s=6.0, seconds=1.0),
        SockFault("LA", "clock_jump", at_s=8.0, seconds=3.0),
        SockFault("LA", "stuck_axis", at_s=9.0, axis=2, seconds=0.5),
        SockFault("LA", "off", at_s=10.0, seconds=0.5),
        SockFault("LA", "swap", at_s=11.0, other="RA"),
        SockFault("LA", "overrun", at_s=11.5, count=9),
        SockFault("LA", "battery", at_s=12.0, percent=30.0),
        SockFault("RA", "restart", at_s=12.0),
        SockFault("LA", "firmware", at_s=14.0, version=(3, 1, 4), protocol=1),
        SockFault("RA", "out_of_range", at_s=15.0, seconds=0.5),
        SockFault("RA", "disconnect", at_s=16.0),
    ]
    async with radio_rig() as rig:
        (left, listener), (right, other) = [await started(rig, name) for name in ("LA", "RA")]
        socks = {"LA": left, "RA": right}
        old = right.boot
        await rig.drive(run_script(script, socks, rig.clock, start_ns=rig.clock.now_ns()), limit_s=20.0)
        lost = set(range(listener.packets[-1].seq)) - set(listener.seqs)
        assert len(lost) == pytest.approx(2 + 4 + 6.5, abs=1.5)
        assert listener.damaged == 4
        assert len(listener.seqs) - len(set(listener.seqs)) == 3
        assert listener.seqs != sorted(listener.seqs)
        assert len(left.memory) == 9
        assert left.status.firmware == (3, 1, 4)
        assert left.battery == 30
        assert right.boot != old
        assert not other.client.is_connected


@pytest.mark.parametrize("kind", get_args(SockFaultKind))
async def test_every_kind_of_fault_can_be_caused_and_has_its_row_in_the_page(kind: SockFaultKind):
    page = (Path(__file__).parents[1] / "docs" / "sock-faults.md").read_text(encoding="utf-8")
    assert f"\n| `{kind}`" in page
    async with radio_rig() as rig:
        socks = {name: await rig.sock(name, seconds=5, samples_at_power_on=True) for name in ("LA", "RA")}
        await cause(SockFault("LA", kind, seconds=0.2, other="RA"), socks)
        await rig.run(2)
        assert socks["LA"].dead == (kind == "battery")


async def test_a_script_that_names_an_absent_sock_is_refused_before_anything_happens():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        script = [SockFault("LA", "lose", count=5), SockFault("LA", "swap", at_s=1.0, other="XX")]
        with pytest.raises(NoSuchSockError, match=r"'XX'.*LA"):
            await run_script(script, {"LA": sock}, rig.clock, start_ns=0)
        await rig.run(1)
        assert listener.seqs == list(range(len(sock.sent)))
