"""Work beside recording begins again when it fails, is told when it keeps failing, and is said to be well again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lullwatch.side_work import LAST_PAUSE_S, WELL_S, SideWork
from tests.caregiving_rig import HandClock


class Part:
    """Fails of what it is given, one each time it is begun; then it runs on."""

    def __init__(self, *fails: BaseException) -> None:
        self.fails = list(fails)
        self.begun = 0
        self.said: list[str] = []
        self.clock = HandClock(0)

    async def work(self) -> None:
        self.begun += 1
        if self.fails:
            raise self.fails.pop(0)
        await asyncio.Event().wait()

    def side(self, most: int | None = None) -> SideWork:
        return SideWork("ping", self.work, clock=self.clock, say=self.said.append, most=most)

    async def lived(self, seconds: int, most: int | None = None) -> asyncio.Task[None]:
        task = asyncio.create_task(self.side(most).run())
        for _ in range(seconds):
            await settled()
            self.clock.move(1)
        await settled()
        return task


async def settled() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_failed_once_is_begun_again_and_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    part = Part(KeyError("x"))
    await ended(await part.lived(int(WELL_S) + 2))
    assert part.begun == 2
    assert part.said == []
    assert "ping failed: KeyError: 'x'" in caplog.text


async def test_what_fails_again_and_again_is_told_without_the_message_and_cleared_when_it_lives() -> None:
    part = Part(*[ValueError("https://hc.example/secret")] * 4)
    task = await part.lived(20)
    assert part.begun == 5
    assert part.said == ["ping: ValueError"] * 3
    for _ in range(int(WELL_S)):
        part.clock.move(1)
        await settled()
    assert part.said[3:] == [""]
    await ended(task)


async def test_something_else_that_was_cancelled_is_a_failure_and_our_own_end_is_none() -> None:
    part = Part(asyncio.CancelledError())
    task = await part.lived(3)
    assert part.begun == 2
    await ended(task)


async def test_what_must_not_fail_for_long_raises_its_last_failure() -> None:
    part = Part(*[KeyError(n) for n in range(9)])
    task = await part.lived(40, most=3)
    with pytest.raises(KeyError, match="2"):
        await task
    assert part.begun == 3


async def test_work_that_ends_by_itself_is_not_begun_again() -> None:
    async def work() -> None:
        return

    await SideWork("x", work, clock=HandClock(0), say=lambda _: None).run()


@given(st.lists(st.sampled_from([KeyError, OSError, ValueError, RuntimeError]), max_size=7))
@settings(max_examples=20)
def test_however_often_it_fails_it_lives_in_the_end_and_what_was_told_is_cleared(
    kinds: list[type[Exception]],
) -> None:
    async def run() -> Part:
        part = Part(*[kind() for kind in kinds])
        task = await part.lived(int((len(kinds) + 1) * LAST_PAUSE_S))
        for _ in range(int(WELL_S) + 1):
            part.clock.move(1)
            await settled()
        assert not task.done()
        await ended(task)
        return part

    part = asyncio.run(run())
    assert part.begun == len(kinds) + 1
    assert (part.said[-1:] == [""]) == (len(kinds) >= 2)
    assert "" not in part.said[:-1]
