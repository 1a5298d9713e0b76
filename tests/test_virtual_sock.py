"""The virtual sock does what docs/sock-profile.md says, over the air."""

import itertools

import numpy as np
import pytest

from firmware_sim.sock import ArraySource
from firmware_sim.sock_memory import SockMemory
from firmware_sim.sock_samples import NoNominalRateError, SampleWindow, nominal_rate
from ingest.sock_codec import (
    BATTERY_LEVEL_UUID,
    STATUS_UUID,
    AccRange,
    AlarmState,
    Confirm,
    DataFlag,
    Fetch,
    GyroRange,
    Held,
    Identify,
    Promised,
    Rate,
    ResetCause,
    Result,
    SetRateRange,
    ShowAlarm,
    Start,
    Stop,
    decode_status,
)
from tests.radio_rig import Listener, noise, radio_rig

TICK_S = 1 / 32_768


async def listening(rig, sock):
    return await Listener(await rig.client(sock)).subscribe()


async def started(rig, **config):
    sock = await rig.sock(**config)
    listener = await listening(rig, sock)
    await listener.ask(Start())
    return sock, listener


async def test_every_sample_arrives_once_in_order_as_it_was_measured():
    async with radio_rig() as rig:
        sock, listener = await started(rig, seconds=30)
        await rig.run(31)
        assert sock.finished
        assert listener.seqs == list(range(len(sock.sent)))
        assert [(p.boot, p.seq) for p in listener.packets] == sock.sent
        arrived = np.concatenate([p.counts for p in listener.packets])
        whole = noise(30, seed=1).counts
        assert np.array_equal(arrived, whole[len(whole) - len(arrived) :])
        assert len(whole) - len(arrived) <= 104  # those before START


async def test_a_packet_arrives_within_its_latency_after_its_last_sample():
    async with radio_rig() as rig:
        sock = await rig.sock()
        client = await rig.client(sock)
        listener = await Listener(client).subscribe()
        await client.stop_notify("5f280002-4fa0-43e1-b1d9-c09d3113c698")
        lags_s = []

        def on_data(characteristic, data):
            listener._on_data(characteristic, data)
            packet = listener.packets[-1]
            last_s = packet.clock * TICK_S + (len(packet.counts) - 1) / 104
            lags_s.append(rig.clock.now_ns() / 1e9 - last_s)

        await client.start_notify("5f280002-4fa0-43e1-b1d9-c09d3113c698", on_data)
        await listener.ask(Start())
        await rig.run(30)
        assert len(lags_s) > 150
        assert min(lags_s) >= 0.010 - TICK_S
        assert max(lags_s) <= 0.050 + TICK_S
        assert max(lags_s) - min(lags_s) > 0.03


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 80.0])
async def test_the_sensor_clock_runs_fast_or_slow_as_configured(ppm):
    async with radio_rig() as rig:
        _, listener = await started(rig, clock_ppm=ppm)
        await rig.run(50)
        ticks = listener.packets[-1].clock - listener.packets[0].clock
        seconds = 16 * (len(listener.packets) - 1) / 104
        assert ticks == pytest.approx(seconds / TICK_S * (1 + ppm * 1e-6), abs=2)


async def test_the_sensor_clock_wraps():
    async with radio_rig() as rig:
        _, listener = await started(rig, clock_start_ticks=2**32 - 3 * 32_768)
        await rig.run(6)
        steps = {(b.clock - a.clock) % 2**32 for a, b in itertools.pairwise(listener.packets)}
        assert listener.packets[0].clock > listener.packets[-1].clock
        assert all(abs(step - 16 / 104 / TICK_S) <= 1 for step in steps)


async def test_the_first_packet_of_a_run_bears_the_restart_flag_and_no_other_does():
    async with radio_rig() as rig:
        _, listener = await started(rig)
        await rig.run(3)
        await listener.ask(Stop())
        await rig.run(2)
        stopped_at = len(listener.packets)
        await listener.ask(Start())
        await rig.run(3)
        flagged = [p.seq for p in listener.packets if p.flags & DataFlag.RESTART]
        assert flagged == [0, stopped_at]


async def test_stop_closes_the_packet_at_hand_and_is_refused_when_not_sampling():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(1.0)
        assert (await listener.ask(Stop())).result is Result.OK
        await rig.run(1.0)
        sampled = sum(len(p.counts) for p in listener.packets)
        assert sampled == pytest.approx(104, abs=1)
        assert not sock.sampling
        assert (await listener.ask(Stop())).result is Result.NOT_STARTED


async def test_start_while_sampling_changes_nothing():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(3)
        answer = await listener.ask(Start())
        assert answer.payload.next_seq == sock.next_seq > 10
        await rig.run(3)
        assert listener.seqs == list(range(len(sock.sent)))


async def test_another_range_begins_a_new_run_with_rescaled_counts():
    async with radio_rig() as rig:
        _, listener = await started(rig)
        await rig.run(2)
        answer = await listener.ask(SetRateRange(Rate.HZ_104, AccRange.G_16, GyroRange.OFF))
        await rig.run(2)
        first = next(p for p in listener.packets if p.seq == answer.payload.next_seq)
        assert first.flags & DataFlag.RESTART
        assert (first.acc, first.counts.shape[1]) == (AccRange.G_16, 3)
        assert listener.seqs == list(range(len(listener.packets)))


async def test_a_rate_its_chip_does_not_have_is_refused():
    async with radio_rig() as rig:
        _, listener = await started(rig)
        answer = await listener.ask(SetRateRange(Rate.HZ_208, AccRange.G_8, GyroRange.DPS_1000))
        assert answer.result is Result.BAD_VALUE


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (b"\x6f\x01", Result.UNKNOWN_OPCODE),
        (b"\x01", Result.BAD_LENGTH),
        (b"\x01\x01\x00", Result.BAD_LENGTH),
        (b"\x07\x01\x00", Result.BAD_VALUE),
        (b"\x04\x01" + bytes(8), Result.BAD_VALUE),
    ],
)
async def test_a_request_that_is_wrong_is_answered_with_what_is_wrong(raw, result):
    async with radio_rig() as rig:
        listener = await listening(rig, await rig.sock())
        assert (await listener.write(raw)).result is result


async def test_the_light_shows_what_it_is_told():
    async with radio_rig() as rig:
        sock = await rig.sock()
        listener = await listening(rig, sock)
        await listener.ask(ShowAlarm(AlarmState.URGENT))
        await listener.ask(Identify(10))
        assert (sock.alarm, sock.identified_s) == (AlarmState.URGENT, 10)


async def test_memory_keeps_what_is_not_confirmed_and_drops_what_is():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(5)
        await listener.ask(Confirm(sock.boot, 9))
        assert sock.status.held == Held(sock.boot, 10, sock.next_seq - 1)
        assert (await listener.ask(Confirm(sock.boot ^ 1, 9))).result is Result.WRONG_BOOT


async def test_what_was_measured_while_disconnected_is_fetched_and_live_data_goes_on():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(5)
        await sock.disconnect()
        await rig.run(10)
        first_gap = len(listener.packets)
        again = await listening(rig, sock)
        await rig.run(1)
        first_live = again.seqs[0]
        answer = await again.ask(Fetch(sock.boot, first_gap, first_live - 1))
        assert answer.payload == Promised(first_live - first_gap)
        await rig.run(3)
        back = [p.seq for p in again.packets if p.flags & DataFlag.BACKFILL]
        live = [p.seq for p in again.packets if not p.flags & DataFlag.BACKFILL]
        assert back == list(range(first_gap, first_live))
        assert live == list(range(first_live, len(sock.sent)))


async def test_a_second_fetch_is_refused_while_one_is_served():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(20)
        await listener.ask(Fetch(sock.boot, 0))
        assert (await listener.ask(Fetch(sock.boot, 0))).result is Result.BUSY
        await rig.run(2)
        assert (await listener.ask(Fetch(sock.boot, 0, 1))).result is Result.OK


async def test_a_full_memory_overwrites_the_oldest_and_counts_it():
    async with radio_rig() as rig:
        sock, _ = await started(rig, memory_packets=20)
        await rig.run(10)
        status = sock.status
        assert status.held == Held(sock.boot, sock.next_seq - 20, sock.next_seq - 1)
        assert status.dropped == sock.next_seq - 20


async def test_a_silent_sock_stays_connected_and_keeps_everything():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(2)
        before = len(listener.packets)
        sock.go_silent(6)
        await rig.run(5.9)
        assert (len(listener.packets), sock.connected) == (before, True)
        await rig.run(2)
        missing = set(range(len(sock.sent))) - set(listener.seqs)
        assert missing
        await listener.ask(Fetch(sock.boot, min(missing), max(missing)))
        await rig.run(2)
        assert sorted(listener.seqs) == list(range(len(sock.sent)))


async def test_notifications_lost_or_damaged_on_the_air_are_whole_in_memory():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(1)
        sock.lose_next(3)
        await rig.run(1)
        sock.corrupt_next(2)
        await rig.run(1)
        assert listener.damaged == 2
        missing = sorted(set(range(len(sock.sent))) - set(listener.seqs))
        assert len(missing) == 5
        await listener.ask(Fetch(sock.boot, 0))
        await rig.run(1)
        assert set(listener.seqs) == set(range(len(sock.sent)))


async def test_after_a_watchdog_restart_it_goes_on_under_a_new_boot_and_the_old_packets_can_be_fetched():
    async with radio_rig() as rig:
        sock, listener = await started(rig)
        await rig.run(3)
        old = sock.boot
        await sock.restart()
        await rig.air.settle()
        assert not listener.client.is_connected
        await rig.run(2)
        again = await listening(rig, sock)
        await rig.run(1)
        status = decode_status(await again.client.read_gatt_char(STATUS_UUID))
        assert (status.reset_cause, status.sampling) == (ResetCause.WATCHDOG, True)
        assert status.boot == sock.boot != old
        assert status.earlier.boot == old
        await again.ask(Fetch(old, status.earlier.oldest, status.earlier.newest))
        await again.ask(Fetch(sock.boot, 0))
        await rig.run(2)
        await again.ask(Fetch(sock.boot, 0))
        await rig.run(2)
        assert {(p.boot, p.seq) for p in again.packets} | {(p.boot, p.seq) for p in listener.packets} == set(
            sock.sent
        )
        first = next(p for p in again.packets if (p.boot, p.seq) == (sock.boot, 0))
        assert first.flags & DataFlag.RESTART
        assert first.clock < 0.2 / TICK_S


async def test_after_a_power_cycle_it_waits_for_start():
    async with radio_rig() as rig:
        sock, _ = await started(rig)
        await rig.run(1)
        await sock.restart(ResetCause.POWER_ON)
        assert not sock.sampling


async def test_the_battery_drains_and_its_level_is_notified():
    async with radio_rig() as rig:
        sock = await rig.sock(seconds=1, battery_per_h=10.0)
        client = await rig.client(sock)
        levels = []
        await client.start_notify(BATTERY_LEVEL_UUID, lambda _, data: levels.append(data[0]))
        await rig.run(1800)
        assert levels[0] == 100
        assert levels[-1] == 95
        assert levels == sorted(levels, reverse=True)


async def test_clipped_samples_set_the_clip_flag():
    counts = np.zeros((64, 6), np.int16)
    counts[20, 2] = 32_767
    window = SampleWindow(ArraySource.from_counts(counts), AccRange.G_8, GyroRange.DPS_1000)
    assert [window.read(i, i + 16)[1] for i in range(0, 64, 16)] == [False, True, False, False]


def test_a_narrower_range_clips_instead_of_wrapping():
    counts = np.full((16, 6), 20_000, np.int16)
    window = SampleWindow(ArraySource.from_counts(counts), AccRange.G_4, GyroRange.DPS_2000)
    read, clipped = window.read(0, 16)
    assert clipped
    assert (read[:, :3] == 32_767).all()
    assert (read[:, 3:] == 10_000).all()


def test_a_source_at_no_rate_of_the_profile_is_refused():
    with pytest.raises(NoNominalRateError, match="52, 104, 208"):
        nominal_rate(noise(1, rate_hz=75.0))


def test_memory_of_several_boots_is_given_back_oldest_first():
    memory = SockMemory(100)
    for boot, seq in [(7, 0), (7, 1), (8, 0), (9, 0)]:
        memory.put(boot, seq, b"%d" % seq)
    assert memory.earlier(9) == Held(7, 0, 1)
    memory.confirm(7, 1)
    assert memory.earlier(9) == Held(8, 0, 0)
    assert not memory.knows(7)
    assert len(memory) == 2


async def test_three_socks_stream_at_once_and_the_same_seed_gives_the_same_night():
    async def night():
        async with radio_rig() as rig:
            listeners = [(await started(rig, name=name, seconds=20))[1] for name in ("LA", "RA", "TR")]
            await rig.run(21)
            return [[(p.boot, p.seq, p.clock) for p in listener.packets] for listener in listeners]

    one, other = await night(), await night()
    assert one == other
    assert all(len(packets) > 100 for packets in one)
