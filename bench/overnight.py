"""A whole night at rest, in a process of its own: how long reading and replay take, and how much memory, as JSON.

    python bench/overnight.py NIGHT.edf [--plain]

Replay runs three times and the fastest counts; `first_replay_s` includes loading the compiled loops.
With `--plain` as where numba is not installed, once.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path

from lullwatch.nights import load
from lullwatch.replay import replay


def peak_mb() -> float:
    """Peak of this process alone; what getrusage tells begins with the parent's."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1024
    return float("nan")


def main() -> int:
    plain = "--plain" in sys.argv
    if plain:
        sys.modules["numba"] = None  # type: ignore[assignment]
    began = time.perf_counter()
    (night,) = load(Path(sys.argv[1]))
    blocks = list(night.blocks)
    read_s = time.perf_counter() - began
    runs = []
    for _ in range(1 if plain else 3):
        began, worked = time.perf_counter(), time.process_time()
        replay(dataclasses.replace(night, blocks=blocks))
        runs.append((time.perf_counter() - began, time.process_time() - worked))
    figures = {
        "hours": night.duration_s / 3600,
        "read_s": read_s,
        "first_replay_s": runs[0][0],
        "replay_s": min(wall for wall, _ in runs),
        "replay_cpu_s": min(cpu for _, cpu in runs),
        "peak_mb": peak_mb(),
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
