"""What a long run frees goes back to the computer, also when small things that stay lie between."""

from __future__ import annotations

import asyncio
import platform
import subprocess
import sys

import pytest

from lullwatch import steady_memory
from lullwatch.steady_memory import keep_giving_back

FREES = """
import sys
from lullwatch.steady_memory import give_back_what_is_freed

if sys.argv[1] == "held":
    assert give_back_what_is_freed()

def anonymous_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) / 1024

b"\\1" * 30_000_000  # freed at once: from here on glibc, left alone, takes what is smaller from its heap
before = anonymous_mb()
large, small = [], []
for _ in range(200):
    large.append(b"\\1" * 400_000)
    small.append(b"\\1" * 2_000)
del large
print(anonymous_mb() - before)
"""


HOLES = """
from lullwatch.steady_memory import give_back_holes

def anonymous_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) / 1024

before = anonymous_mb()
things = [b"\\1" * 2_000 + bytes(1) for _ in range(20_000)]
stays = things[99::100]
del things
assert anonymous_mb() - before > 20.0, "the last of them stays, so nothing ends the heap sooner"
assert give_back_holes()
print(anonymous_mb() - before)
"""

of_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc",
    reason="the limits are glibc's: with another C library there is nothing to hold",
)


def grown_mb(program: str, *words: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True, timeout=60
    )
    return float(done.stdout)


@of_glibc
def test_holes_among_what_stays_are_given_back() -> None:
    assert grown_mb(HOLES) < 10.0


def test_holes_are_given_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    given: list[int] = []

    class Quick:
        def now_ns(self) -> int:
            return 0

        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)
            if len(slept) > 3:
                raise asyncio.CancelledError

    monkeypatch.setattr(steady_memory, "give_back_holes", lambda: given.append(len(slept)))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_giving_back(Quick()))
    assert given == [1, 2, 3]
    assert min(slept) > 60.0


@of_glibc
def test_large_blocks_that_are_freed_leave_no_holes() -> None:
    assert grown_mb(FREES, "held") < 5.0
    assert grown_mb(FREES, "left alone") > 10.0
