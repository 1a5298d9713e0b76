"""A monitor on a disk that runs full, is mounted read-only, or lets no file grow; says in JSON what became of it.

    python -m tests.full_disk_child HOW FOLDER

HOW is `tmpfs` (FOLDER is a small file system of its own, mounted in this process's name space) or `limit` (the
system lets no file of this process grow beyond some size).
"""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dsp.records import NS, ClockRow, Site, Tick
from lullwatch.keeper import Keeper, Keeping
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.errors import JournalError
from store.journal import Journal
from store.rows import FedRow
from tests.store_examples import segment, segment_row
from tests.test_keeper import DAY_NS, night, raw

TONIGHT = "journal-2026-03-12.sqlite"


class Life:
    """Batches taken one after the other, each asked for again until it is durable."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal.open(folder / TONIGHT)
        self.spine = Spine(self.journal, [Watch.of("kid", [Site.LA], 200)])
        self.spine.begin(ClockRow(2 * DAY_NS, 2 * DAY_NS, "b", "UTC"))
        self.seq = 0
        self.refused: list[str] = []

    def take(self, batches: int) -> int:
        """Try so many batches; how many were kept. What was refused is tried again by the next."""
        kept = 0
        for _ in range(batches):
            t_ns = 2 * DAY_NS + (self.seq + 1) * NS
            rows = [segment_row(segment(100_000 + self.seq * 20 + i, t0_ns=t_ns - NS + i)) for i in range(20)]
            try:
                self.spine.take([*rows, FedRow("kid", Tick(t_ns))])
            except JournalError as error:
                self.refused.append(type(error).__name__)
            else:
                kept += 1
                self.seq += 1
        return kept

    def whole(self) -> bool:
        """Whether everything that was acknowledged is there, once."""
        seqs = [s.seq for s in self.journal.segments("kid")]
        return sorted(seqs) == list(range(100_000, 100_000 + self.seq * 20))


def full(folder: Path) -> dict[str, object]:
    """Another program fills the disk; the keeper makes room; then the other program's file goes."""
    said: list[str] = []
    old = [night(folder, number, packets=3000) for number in range(2)]
    keeper = Keeper(
        folder,
        Keeping(raw_days=30, min_free_bytes=1_000_000),
        now_ns=lambda: 2 * DAY_NS + 3 * 3600 * NS,
        on_trouble=said.append,
    )
    life = Life(folder)
    keeper.step()
    before = life.take(20)
    fill(folder / "other-program")
    while_full = life.take(400)
    steps = 0
    while keeper.step() and steps < 500:
        steps += 1
    after = life.take(20)
    (folder / "other-program").unlink()
    keeper.step()
    told = [events_in(path) for path in old]
    whole = life.whole()
    life.spine.close()
    life.journal.close()
    return {
        "before": before, "while_full": while_full, "after": after, "refused": sorted(set(life.refused)),
        "whole": whole, "old_raw": [len(raw(path)) for path in old], "old_events": told,
        "said": [s.split(": ")[-1] for s in said if s][:1], "well": said[-1] == "",
    }  # fmt: skip


def events_in(path: Path) -> int:
    """How many events a night tells of."""
    with Journal.read_only(path) as journal:
        return len(journal.events("kid"))


def fill(path: Path) -> None:
    """Leave no byte."""
    with path.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def between(folder: Path, worse: Callable[[], object], better: Callable[[], object]) -> dict[str, object]:
    """Some batches, then trouble, then none."""
    life = Life(folder)
    before = life.take(20)
    worse()
    meanwhile = life.take(300)
    better()
    after = life.take(20)
    return {
        "before": before, "meanwhile": meanwhile, "after": after, "refused": sorted(set(life.refused)),
        "whole": life.whole(),
    }  # fmt: skip


def main(how: str, folder: Path) -> dict[str, object]:
    """All of it."""
    if how == "limit":
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        return {
            "limit": between(
                folder,
                lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1])),
                lambda: resource.setrlimit(resource.RLIMIT_FSIZE, unlimited),
            )
        }
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs"]
    subprocess.run([*mount, "-o", "size=20m", "tmpfs", str(folder)], check=True)
    done: dict[str, object] = {"full": full(folder)}
    subprocess.run([mount[0], "-o", "remount,ro", str(folder)], check=True)
    return done | {"read_only": read_only(folder)}


def read_only(folder: Path) -> dict[str, object]:
    """A disk that takes nothing: what is on it can be read, and whoever would write is told."""
    try:
        Journal.open(folder / TONIGHT).close()
    except JournalError as error:
        refused = type(error).__name__
    with Journal.read_only(folder / "journal-2026-03-11.sqlite") as journal:
        return {"refused": refused, "events": len(journal.events("kid"))}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
