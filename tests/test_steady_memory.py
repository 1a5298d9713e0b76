"""What a long run frees goes back to the computer, also when small things that stay lie between."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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


def grown_mb(how: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", FREES, how], capture_output=True, text=True, check=True, timeout=60
    )
    return float(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc",
    reason="the limits are glibc's: with another C library there is nothing to hold",
)
def test_large_blocks_that_are_freed_leave_no_holes() -> None:
    assert grown_mb("held") < 5.0
    assert grown_mb("left alone") > 10.0
