"""How fast a sealed night is read beside its journal row by row, and the other formats beside both.

python bench/sealing.py [HOURS]        default 10: 3 sensors, 6 axes, 104 Hz; writes docs/evidence/sealing.json
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.evidence import write
from dsp.records import NS, ClockRow, Packet, Scale, Segment, SegmentFlag, Site
from lullwatch.export import Kind, export, export_dataset
from lullwatch.importing import recordings_in
from store.journal import Journal
from store.recording import from_journal
from store.rows import SegmentRow
from store.sealing import seal, sealed_night

_PACKETS_AT_ONCE = 6000


def make(path: Path, hours: float) -> None:
    """A journal of three sensors with clocks of their own, at rest with some hundred counts of noise."""
    rng, scale = np.random.default_rng(0), Scale(8 / 32768, 2000 / 32768)
    rows: list[SegmentRow] = []
    with Journal.open(path) as journal:
        journal.commit([ClockRow(0, 1_773_525_600 * NS, "boot", "UTC")])
        for seq in range(int(hours * 3600 * 104 / 16)):
            for number, site in enumerate((Site.LA, Site.RA, Site.TR)):
                step_ns = 9_615_385 + 150 * number
                counts = np.cumsum(rng.integers(-40, 41, (16, 6)), axis=0).astype(np.int16)
                t0_ns = number * 3_000_000 + seq * 16 * step_ns + (seq % 3) * 400
                made = Segment(site, f"sock-{site}", 7, seq, t0_ns, step_ns + seq % 2, counts, scale)
                packet = Packet(
                    site, made.sensor, 7, seq, seq * 16, 104.0, scale, counts, SegmentFlag.NONE, t0_ns
                )
                rows.append(SegmentRow("kid", packet, made))
            if len(rows) > _PACKETS_AT_ONCE:
                journal.commit(rows)
                rows = []
        journal.commit(rows)


def took(work: Callable[[], object], times: int = 5) -> dict[str, float]:
    """Best wall and processor seconds of some runs: the machine may have other work."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"wall_s": round(min(walls), 3), "cpu_s": round(min(cpus), 3)}


def by_seal(path: Path) -> None:
    """The night from its sealed copy."""
    with Journal.read_only(path) as journal:
        if sealed_night(journal, "kid") is None:
            raise SystemExit("the night is not sealed")


def by_rows(path: Path) -> None:
    """The night row by row."""
    with Journal.read_only(path) as journal:
        from_journal(journal, "kid").at_rest()


def main() -> int:
    """Measure, print and keep the figures."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    figures: dict[str, object] = {"hours": hours, "sensors": 3}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night.sqlite"
        make(path, hours)
        began = time.perf_counter()
        sealed = seal(path)
        figures["seal_and_compare_s"] = round(time.perf_counter() - began, 1)
        figures["journal_mb"], figures["sealed_mb"] = (
            round(p.stat().st_size / 1e6, 1) for p in (path, sealed.path)
        )
        figures["read_sealed"] = took(lambda: by_seal(path))
        figures["read_rows"] = took(lambda: by_rows(path), times=2)
        for kind in (Kind.EDF, Kind.PARQUET, Kind.CSV):
            out = Path(folder) / kind
            began = time.perf_counter()
            (written, *_) = export(path, out, kind=kind)
            figures[f"{kind}_write_s"] = round(time.perf_counter() - began, 1)
            figures[f"{kind}_mb"] = round(sum(p.stat().st_size for p in out.iterdir()) / 1e6, 1)
            figures[f"{kind}_read"] = took(lambda written=written: recordings_in(written), times=2)
        began = time.perf_counter()
        motion = export_dataset([path], Path(folder) / "bids")
        figures["bids_write_s"] = round(time.perf_counter() - began, 1)
        figures["bids_mb"] = round(sum(p.stat().st_size for p in motion) / 1e6, 1)
        figures["bids_read"] = took(lambda: recordings_in(Path(folder) / "bids"), times=1)
    rows, quick = figures["read_rows"], figures["read_sealed"]
    assert isinstance(rows, dict)
    assert isinstance(quick, dict)
    figures["times_faster_cpu"] = round(rows["cpu_s"] / quick["cpu_s"], 1)
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    for name, value in figures.items():
        print(f"{name:>22}  {value}")
    speaks_of = ["store/sealing.py", "store/bids_write.py", "store/bids_read.py", "store/tabular.py"]
    write("sealing", command="python bench/sealing.py", speaks_of=speaks_of, figures=figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
