"""What a night takes on two slow cores with 1 GB; writes docs/evidence/small-computer.json.

    python bench/small_computer.py [--minutes 4] [--share 0.25]

`lullwatch up` (monitor and pages) runs at real pace on virtual socks in a cgroup, of version 1 or 2, that gives it
`share` of each of two cores, and 1 GB: a core of a small single-board computer does about a quarter of what one of a
server does. The socks and their radio run in the monitor's own process, which a real gateway does not carry; broker,
database, people and an open page, which it does, are not on. Where no cgroup can be
made (no root), it says so and only measures.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import evidence

sys.path.insert(0, str(evidence.ROOT))

from lullwatch.server_process import free_port, tied

SPEAKS_OF = ("alerts", "dsp", "ingest", "lullwatch", "store")
NIGHT_H = 10.0
MEMORY_BYTES = 1_000_000_000
_PERIOD_US = 100_000
_GROUP = "lullwatch-small"
_TICK_HZ = os.sysconf("SC_CLK_TCK")
_START_LIMIT_S = 120.0


@dataclass(slots=True)
class Limits:
    """The folders of the cgroup, and what could be limited."""

    folders: list[Path] = field(default_factory=list)
    cpu: float | None = None
    memory: int | None = None

    def take_in(self, pid: int) -> None:
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")


@contextlib.contextmanager
def limited(cores: float) -> Iterator[Limits]:
    """A cgroup with so many cores' worth of time and 1 GB, of whichever version there is."""
    made = Limits()
    root = Path("/sys/fs/cgroup")
    try:
        if (root / "cgroup.controllers").exists():
            _version_2(root / _GROUP, cores, made)
        else:
            _version_1(root, cores, made)
    except OSError as error:
        print(f"no cgroup can be made ({error}): nothing is limited, only measured", file=sys.stderr)
    try:
        yield made
    finally:
        for folder in made.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _version_1(root: Path, cores: float, made: Limits) -> None:
    cpu = root / "cpu" / _GROUP
    cpu.mkdir(exist_ok=True)
    made.folders.append(cpu)
    (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD_US), encoding="ascii")
    (cpu / "cpu.cfs_quota_us").write_text(str(round(cores * _PERIOD_US)), encoding="ascii")
    made.cpu = cores
    memory = root / "memory" / _GROUP
    memory.mkdir(exist_ok=True)
    made.folders.append(memory)
    (memory / "memory.limit_in_bytes").write_text(str(MEMORY_BYTES), encoding="ascii")
    made.memory = MEMORY_BYTES


def _version_2(group: Path, cores: float, made: Limits) -> None:
    group.mkdir(exist_ok=True)
    made.folders.append(group)
    (group / "cpu.max").write_text(f"{round(cores * _PERIOD_US)} {_PERIOD_US}", encoding="ascii")
    made.cpu = cores
    (group / "memory.max").write_text(str(MEMORY_BYTES), encoding="ascii")
    made.memory = MEMORY_BYTES


def family(pid: int) -> list[int]:
    """A process and everything it started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has its own
    children = [int(word) for path in found for word in path.read_text(encoding="ascii").split()]
    return [pid, *(grandchild for child in children for grandchild in family(child))]


def reading(pid: int) -> dict[str, float]:
    """Processor seconds, memory and bytes written so far by one process."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    io = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return {
        "cpu_s": (int(stat[11]) + int(stat[12])) / _TICK_HZ,
        "rss_mb": next(float(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:")),
        "written": next(float(line.split()[1]) for line in io if line.startswith("write_bytes:")),
    }


def name_of(pid: int) -> str:
    """Which part a process is: all are forked from one that has loaded everything, so what it holds open tells."""
    held = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()]
    if any(name.endswith(".lock") for name in held):
        return "monitor"
    return "serve" if any("journal-" in name for name in held) else f"supervisor and loader {pid}"


def settled(journals: Path, since: float) -> float:
    """Seconds until the journal has its first samples."""
    while time.monotonic() - since < _START_LIMIT_S:
        found = list(journals.glob("journal-*.sqlite-wal"))
        if any(path.stat().st_size > 200_000 for path in found):
            return time.monotonic() - since
        time.sleep(0.1)
    message = f"no sample was kept within {_START_LIMIT_S:.0f} s"
    raise TimeoutError(message)


def run(folder: Path, minutes: float, limits: Limits) -> dict[str, Any]:
    """Start, let it settle, watch it for so many minutes, end it."""
    settings = folder / "lullwatch.toml"
    home = {**os.environ, "HOME": str(folder)}
    here = [sys.executable, "-m", "lullwatch"]
    init = [*here, "init", str(settings), "--gateway", "small", "--infant", "a", "--zone", "UTC"]
    init += ["--journal-dir", str(folder / "journals"), "--simulated", "1", "--pace", "1", "--no-ask"]
    init += ["--page-port", str(free_port())]
    subprocess.run(init, env=home, cwd=evidence.ROOT, check=True, stdout=subprocess.DEVNULL)
    log = (folder / "up.log").open("wb")
    began = time.monotonic()
    line = [*here, "up", str(settings)]
    into = (lambda: limits.take_in(os.getpid())) if limits.folders else None
    process = subprocess.Popen(
        tied(line), env=home, cwd=evidence.ROOT, stdout=log, stderr=log, preexec_fn=into
    )
    try:
        started_s = settled(folder / "journals", began)
        time.sleep(10.0)
        first = {pid: (name_of(pid), reading(pid)) for pid in family(process.pid)}
        at = time.monotonic()
        peaks: dict[int, list[float]] = {pid: [] for pid in first}
        while time.monotonic() - at < minutes * 60:
            time.sleep(2.0)
            for pid in first:
                peaks[pid].append(reading(pid)["rss_mb"])
        span_s = time.monotonic() - at
        last = {pid: reading(pid) for pid in first}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    parts: dict[str, dict[str, float]] = {}
    for pid, (name, before) in first.items():
        after = last[pid]
        parts[name] = {
            "core_share": round((after["cpu_s"] - before["cpu_s"]) / span_s, 4),
            "rss_mb": round(median(peaks[pid]), 1),
            "rss_most_mb": round(max(peaks[pid]), 1),
            "mb_written_a_night": round(
                (after["written"] - before["written"]) / span_s * 3600 * NIGHT_H / 1e6
            ),
        }
    return {"first_samples_after_s": round(started_s, 1), "watched_s": round(span_s), "parts": parts}


def main() -> int:
    """Run in the cgroup, write what it took; 1 when it needed more than there is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--share", type=float, default=0.25, help="of each of the two cores")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, limited(2 * asked.share) as limits:
        found = run(Path(folder), asked.minutes, limits)
    used = sum(part["core_share"] for part in found["parts"].values())
    memory = sum(part["rss_most_mb"] for part in found["parts"].values())
    figures = {
        "limited_to_cores": limits.cpu,
        "limited_to_bytes": limits.memory,
        **found,
        "core_share_of_this_machine": round(used, 3),
        "share_of_what_is_given": round(used / (2 * asked.share), 3),
        "rss_most_mb": round(memory, 1),
        "mb_written_a_night": sum(part["mb_written_a_night"] for part in found["parts"].values()),
    }
    print(figures)
    evidence.write("small-computer", command="make small-computer", speaks_of=SPEAKS_OF, figures=figures)
    return int(used >= 2 * asked.share or memory > MEMORY_BYTES / 1e6)


if __name__ == "__main__":
    sys.exit(main())
