"""Make a small journal with the code of an earlier commit, to be kept as it is for ever.

    git worktree add --detach TREE COMMIT
    cd TREE && PYTHONPATH=. python .../tests/kept/make_kept.py OUT.sqlite

States of detectors are left out. The newest schema's file is made like the others, before the next migration is
written, and kept as `xz -9e` leaves it.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import numpy as np

from dsp.records import NS, ClockRow, LinkSample, Note, Packet, Scale, Segment, SegmentFlag, Site, Tick
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import Journal
from store.rows import FedRow, LinkRow, SegmentRow

STEP_NS, N, SECONDS = NS // 26, 26, 150
SITES = (Site.LA, Site.RA)
UTC_NS = 1_767_290_400 * NS


def batch(infant: str, second: int) -> list:
    """A second of two socks: still, but for kicks at the 40th second and from the 70th on."""
    rng = np.random.default_rng(second)
    rows = []
    for number, site in enumerate(SITES):
        counts = rng.integers(-1, 2, (N, 6)).astype(np.int16)
        counts[:, 2] += 4096
        if 40 <= second < 44 or 70 <= second < 78:
            counts[:, :3] += np.round(
                2000 * np.sin(np.arange(N) * 2 * np.pi * 3 / N)[:, None] * (1, 0.5, 0.2)
            ).astype(np.int16)
        scale, at_ns = Scale(1 / 4096, 1 / 16), second * NS
        sensor = f"{infant}-{site.lower()}"
        packet = Packet(
            site, sensor, 7, second, second * 32768, 26.0, scale, counts, SegmentFlag.NONE, at_ns + NS
        )
        segment = Segment(site, sensor, 7, second, at_ns + number * 1000, STEP_NS, counts, scale)
        rows.append(SegmentRow(infant, packet, segment))
    return rows


def main(path: Path) -> None:
    infants = ("inf1", "kid2")
    with Journal.open(path) as journal:
        spine = Spine(journal, [Watch.of(infant, SITES, 100) for infant in infants])
        spine.begin(ClockRow(0, UTC_NS, "boot", "Europe/Berlin"))
        for second in range(SECONDS):
            rows = [row for infant in infants for row in batch(infant, second)]
            if second == 60:
                for infant in infants:
                    sample = LinkSample(Site.LA, f"{infant}-la", 60 * NS, "streaming", 60, 0, 0, 77, -60, 1.5)
                    note = Note(infant, 60 * NS, "fed", f"a word about {infant}", "ann")
                    rows += [LinkRow(infant, sample), note]
            spine.take([*rows, *(FedRow(infant, Tick((second + 1) * NS)) for infant in infants)])
        spine.pause()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute(
            "DELETE FROM snapshot"
        )  # a detector of another version begins anew and uses none; they are large
    sqlite3.connect(path).execute("VACUUM").close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
