"""What the journal costs while three sensors are worn; writes docs/evidence/journal-cost.json.

    python bench/journal_cost.py [--minutes 60]

The spine takes a simulated night as the monitor does, a batch every quarter of a second, as fast as it can. Time is
counted inside the journal's own calls only (processor time of the thread); everything around them is the detector.

  core     share of a core that commits and snapshots take, live
  night    bytes of a ten-hour night on the disk, and of those what snapshots take
  writes   bytes handed to the disk and calls that write, per hour (the log is written, then folded into the file)
  commit   milliseconds until a batch is durable, median and the slowest of a hundred
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

import evidence

from dsp.records import NS, ClockRow, Packet, Segment, Tick
from firmware_sim.night import make_night
from firmware_sim.scenarios import named_scenario
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import CommitResult, Journal
from store.rows import FedRow, Row, SegmentRow

SEED = 3001
NIGHT = "jerk_night"
QUARTER_NS = NS // 4
SPEAKS_OF = ("store", "lullwatch/spine.py", "lullwatch/intake.py")
NIGHT_H = 10.0


class Timed(Journal):
    """A journal that counts the time spent in it."""

    cpu_s = 0.0
    commits_s: list[float]

    def commit(self, rows: Sequence[Row]) -> CommitResult:
        cpu_s, wall_s = time.thread_time(), time.perf_counter()
        result = super().commit(rows)
        self.cpu_s += time.thread_time() - cpu_s
        self.commits_s.append(time.perf_counter() - wall_s)
        return result

    def put_snapshot(
        self, infant: str, row: int, t_ns: int, state: bytes, *, instead_behind_ns: int | None = None
    ) -> None:
        cpu_s = time.thread_time()
        super().put_snapshot(infant, row, t_ns, state, instead_behind_ns=instead_behind_ns)
        self.cpu_s += time.thread_time() - cpu_s


def batches(minutes: float) -> list[list[Row]]:
    """What a gateway commits, a batch every quarter of a second."""
    night = make_night(named_scenario(NIGHT).lasting(minutes * 60), seed=SEED, infant="kid")
    made: list[list[Row]] = [[] for _ in range(round(minutes * 60 * 4) + 8)]
    for segment in night.segments():
        made[segment.end_ns // QUARTER_NS].append(row_of(segment))
    return [[*rows, FedRow("kid", Tick((i + 1) * QUARTER_NS))] for i, rows in enumerate(made)]


def row_of(segment: Segment) -> SegmentRow:
    """As the link hands it over."""
    names = (segment.site, segment.sensor, segment.boot, segment.seq)
    packet = Packet(*names, 0, 104.0, segment.scale, segment.counts, segment.flags, segment.end_ns)
    return SegmentRow("kid", packet, segment)


def written() -> tuple[int, int]:
    """Bytes this process has had written, and calls it wrote with."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines())
    return int(lines["write_bytes"]), int(lines["syscw"])


def measure(minutes: float) -> dict[str, float]:
    """Take so many minutes."""
    taken = batches(minutes)
    hours = minutes / 60
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        path = Path(folder) / "journal.sqlite"
        with Timed.open(path) as journal:
            journal.commits_s = []
            spine = Spine(journal, [Watch.of("kid", [*_sites(taken)], 120)])
            spine.begin(ClockRow(0, 0, "b", "UTC"))
            bytes_before, calls_before = written()
            for batch in taken:
                spine.take(batch)
            spine.pause()
            bytes_after, calls_after = written()
            with journal.exclusive() as db:
                (states,) = db.execute("SELECT sum(length(state)) FROM snapshot").fetchone()
            packets = sum(1 for _ in journal.packets("kid"))
        size = path.stat().st_size
    per_night = NIGHT_H / hours
    return {
        "minutes": minutes,
        "packets": packets,
        "core_percent": round(100 * journal.cpu_s / (minutes * 60), 3),
        "night_mb": round((size - states) / 1e6 * per_night + states / 1e6, 1),
        "snapshots_mb": round(states / 1e6, 1),
        "night_mb_without_snapshots": round((size - states) / 1e6 * per_night, 1),
        "written_mb_per_hour": round((bytes_after - bytes_before) / 1e6 / hours, 1),
        "write_calls_per_hour": round((calls_after - calls_before) / hours),
        "commits_per_hour": round(len(journal.commits_s) / hours),
        "commit_median_ms": round(1000 * median(journal.commits_s), 2),
        "commit_p99_ms": round(1000 * quantiles(journal.commits_s, n=100)[98], 2),
    }


def _sites(taken: list[list[Row]]) -> set[str]:
    return {str(row.segment.site) for batch in taken for row in batch if isinstance(row, SegmentRow)}


def main() -> int:
    """Measure, print, and keep the figures; 1 when the journal takes more than a hundredth of a core."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    figures = measure(parser.parse_args().minutes)
    for name, value in figures.items():
        print(f"{name:<28} {value:>12,}")
    evidence.write("journal-cost", command="make journal-cost", speaks_of=SPEAKS_OF, figures=figures)
    return int(figures["core_percent"] > 1.0)


if __name__ == "__main__":
    sys.exit(main())
