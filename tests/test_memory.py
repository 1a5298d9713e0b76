"""What a page has used goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PIECES = """
import sys
from pathlib import Path
from lullwatch.web.memory import give_back

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

if sys.argv[1] == "asked":
    assert give_back()
del_first = bytearray(2_000_000)
del del_first  # from now on glibc by itself takes pieces as large as this from its heap
before = resident_mb()
kept, pieces = [], []
for n in range(60):
    pieces.append(bytearray(1_000_000))
    pieces[-1][::4096] = b"x" * len(pieces[-1][::4096])
    kept.append(bytearray(20_000))
pieces.clear()
print(resident_mb() - before)
"""


def left_mb(how: str) -> float:
    """Megabytes that a process still has after it freed sixty of them, with small pieces in between that it keeps."""
    run = subprocess.run([sys.executable, "-c", _PIECES, how], capture_output=True, text=True, check=True,
                         cwd=Path(__file__).parents[1])  # fmt: skip
    return float(run.stdout)


def test_large_pieces_go_back_although_small_ones_behind_them_stay() -> None:
    assert left_mb("asked") < 20 < left_mb("not asked")
