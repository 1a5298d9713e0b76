"""The clocks of simulated nights."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.sim_clock import ClockStandsStillError, ScaledClock, SimClock

S = 1_000_000_000


async def test_a_waiter_wakes_exactly_at_its_own_time():
    clock = SimClock()
    seen = []

    async def wait(seconds):
        await clock.sleep(seconds)
        seen.append(clock.now_ns())

    tasks = [asyncio.create_task(wait(s)) for s in (0.3, 0.1, 0.2000001)]
    await clock.run(S)
    await asyncio.gather(*tasks)
    assert seen == [100_000_000, 200_000_100, 300_000_000]
    assert clock.now_ns() == S


async def test_a_task_that_sleeps_again_and_again_never_sees_time_overshoot():
    clock = SimClock()
    seen = []

    async def beat():
        while True:
            await clock.sleep(0.013)
            seen.append(clock.now_ns())

    task = asyncio.create_task(beat())
    await clock.run(10 * S, step_s=1.0)
    task.cancel()
    assert seen == [13_000_000 * i for i in range(1, len(seen) + 1)]
    assert len(seen) == 769


@given(st.lists(st.integers(1, 2_000_000_000), min_size=1, max_size=30))
@settings(max_examples=40)
def test_waiters_are_released_in_the_order_of_their_due_times(delays_ns):
    async def scenario():
        clock = SimClock(start_ns=7)
        seen = []

        async def wait(delay_ns):
            await clock.sleep(delay_ns / S)
            seen.append((clock.now_ns() - 7, delay_ns))

        tasks = [asyncio.create_task(wait(d)) for d in delays_ns]
        await clock.run(7 + 3 * S)
        await asyncio.gather(*tasks)
        return seen

    seen = asyncio.run(scenario())
    assert [at for at, _ in seen] == sorted(delays_ns)
    assert all(at == asked for at, asked in seen)


async def test_a_busy_machine_slows_the_simulation_and_never_makes_a_timer_late():
    clock = SimClock()
    seen = []

    async def wait():
        await clock.sleep(1.0)
        seen.append(clock.now_ns())

    async def hog():
        time.sleep(0.05)  # noqa: ASYNC251 - a loop that is held up is what is tested

    task = asyncio.create_task(wait())
    await clock.run(2 * S, step_s=0.5, settle=hog)
    await task
    assert seen == [S]


async def test_the_settle_hook_runs_at_every_instant_that_is_reached():
    clock = SimClock()
    instants = []

    async def settle():
        instants.append(clock.now_ns())
        await asyncio.sleep(0)

    task = asyncio.create_task(clock.sleep(0.03))
    await asyncio.sleep(0)
    await clock.run(100_000_000, step_s=0.05, settle=settle)
    await task
    assert instants == [0, 30_000_000, 80_000_000, 100_000_000]


async def test_a_cancelled_waiter_is_forgotten():
    clock = SimClock()
    task = asyncio.create_task(clock.sleep(0.5))
    await asyncio.sleep(0)
    task.cancel()
    instants = []

    async def settle():
        instants.append(clock.now_ns())
        await asyncio.sleep(0)

    await clock.run(S, step_s=2.0, settle=settle)
    assert instants == [0, S]


async def test_pace_caps_the_speed():
    clock = SimClock()
    began_s = time.monotonic()
    await clock.run(4 * S, pace=20.0)
    assert time.monotonic() - began_s >= 0.19


async def test_drive_gives_the_result_of_what_it_waits_for():
    clock = SimClock()

    async def work():
        await clock.sleep(3600.0)
        return "done"

    assert await clock.drive(work(), limit_s=4000) == "done"
    assert clock.now_ns() == 3600 * S


async def test_drive_names_the_limit_when_time_alone_does_not_help():
    clock = SimClock()
    never = asyncio.get_running_loop().create_future()
    with pytest.raises(ClockStandsStillError, match="5 s of simulated time"):
        await clock.drive(never, limit_s=5)
    assert never.cancelled()


async def test_time_does_not_run_back():
    with pytest.raises(ValueError, match="never steps back"):
        await SimClock(start_ns=10).run(9)


async def test_only_one_task_drives_a_clock():
    clock = SimClock()
    first = asyncio.create_task(clock.run(S))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="already being advanced"):
        await clock.run(S)
    await first


async def test_two_scaled_clocks_with_a_common_zero_agree():
    one = ScaledClock(pace=50.0, origin_ns=3 * S)
    other = ScaledClock(pace=50.0, origin_ns=3 * S, m0_ns=one.m0_ns)
    before, between, after = one.now_ns(), other.now_ns(), one.now_ns()
    assert before <= between <= after


async def test_a_scaled_clock_sleeps_in_data_time():
    clock = ScaledClock(pace=100.0)
    began_ns = clock.now_ns()
    await clock.sleep(5.0)
    assert clock.now_ns() - began_ns >= 4_900_000_000
