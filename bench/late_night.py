"""Hours of two socks come late, while three stream: what that does to confirming packets, and to a start amid it.

    python bench/late_night.py [--hours 1]

In the first hours one sock is heard, and decided on. Then what the other two kept arrives while all three stream at
the pace of time. Measured: from offering a live packet to its being durable, before and while the hours are decided
again; and, with the program ended amid it as by SIGKILL, how long until the next start has caught up with its journal.
Writes docs/evidence/late-night.json.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

import evidence

sys.path.insert(0, str(evidence.ROOT))

from dsp.records import NS, ClockRow, Site, Tick
from lullwatch.intake import Intake
from lullwatch.spine import Spine
from lullwatch.system_clock import SystemClock
from lullwatch.watch import Watch
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow
from tests.spine_examples import KID, SITES, five_minutes

SPEAKS_OF = ("dsp", "lullwatch", "store")
CHUNK_S: Final = 300
BEFORE_S: Final = 10.0
"""Live packets are timed for so long before anything comes late."""
AT_ONCE: Final = 40
"""Packets of the past that arrive with a batch: sixteen times as fast as they were made."""


@dataclass(slots=True)
class Delays:
    """Seconds from offering a packet to its being durable."""

    before_s: list[float] = field(default_factory=list)
    meanwhile_s: list[float] = field(default_factory=list)


class Night:
    """Five minutes again and again, from data time `begin_ns` on."""

    def __init__(self, begin_ns: int) -> None:
        self._seconds = five_minutes()[:CHUNK_S]
        self._begin_ns = begin_ns

    def now(self, clock: SystemClock) -> int:
        """The second that is under way."""
        return (clock.now_ns() - self._begin_ns) // NS

    def second(self, number: int, sites: Sequence[Site]) -> list[SegmentRow]:
        """Packets that end in a second."""
        chunk, second = divmod(number, CHUNK_S)
        since_ns = self._begin_ns + chunk * CHUNK_S * NS
        rows = (row for row in self._seconds[second] if isinstance(row, SegmentRow))
        return [_later(row, since_ns, chunk) for row in rows if row.segment.site in sites]


def _later(row: SegmentRow, since_ns: int, chunk: int) -> SegmentRow:
    seq = row.segment.seq + chunk * CHUNK_S * 10
    segment = replace(row.segment, t0_ns=row.segment.t0_ns + since_ns, seq=seq)
    return SegmentRow(KID, replace(row.packet, seq=seq), segment)


def past(journal: Journal, night: Night, begin_ns: int, seconds: int) -> None:
    """One sock is heard for hours, decided on second by second."""
    spine = begun(journal, begin_ns)
    for number in range(seconds):
        tick: Row = FedRow(KID, Tick(begin_ns + (number + 1) * NS))
        spine.take([*night.second(number, [Site.LA]), tick])
    spine.pause()
    spine.close()


def begun(journal: Journal, t_ns: int) -> Spine:
    """A start; it has caught up with the journal."""
    spine = Spine(journal, [Watch.of(KID, SITES, 200)])
    spine.begin(ClockRow(t_ns, time.time_ns(), "bench", "UTC"))
    return spine


async def live(journal: Journal, night: Night, seconds: int, *, end_after_s: float) -> Delays:
    """Stream; hand over what two socks kept in the first `seconds`; return so long after the last of it."""
    delays, clock = Delays(), SystemClock()
    intake = Intake(begun(journal, clock.now_ns()), clock, [KID], on_taken=lambda _: None)
    running = asyncio.create_task(intake.run())
    began_s, number = time.monotonic(), night.now(clock)
    held = iter([row for n in range(seconds) for row in night.second(n, [Site.RA, Site.TR])])
    offered: set[asyncio.Task[None]] = set()
    arrived_s: float | None = None
    while arrived_s is None or time.monotonic() < arrived_s + end_after_s:
        await asyncio.sleep(0.05)
        into = delays.before_s if time.monotonic() - began_s < BEFORE_S else delays.meanwhile_s
        while number < night.now(clock):
            offered |= _offer(intake, night.second(number, SITES), into)
            number += 1
        if into is delays.meanwhile_s and arrived_s is None:
            late = list(islice(held, AT_ONCE))
            _offer(intake, late, [])
            arrived_s = None if late else time.monotonic()
    await asyncio.wait(offered)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await intake.idle()
    return delays


def _offer(intake: Intake, rows: Iterable[SegmentRow], into: list[float]) -> set[asyncio.Task[None]]:
    async def timed(row: SegmentRow) -> None:
        began_s = time.perf_counter()
        await intake.sink(KID).offer(row.packet, row.segment)
        into.append(time.perf_counter() - began_s)

    return {asyncio.get_running_loop().create_task(timed(row)) for row in rows}


def measured(folder: Path, hours: float) -> dict[str, object]:
    """Both halves, and the start between them."""
    path, seconds = folder / "journal.sqlite", round(hours * 3600)
    begin_ns = SystemClock().now_ns() - seconds * NS
    night = Night(begin_ns)
    with Journal.open(path) as journal:
        past(journal, night, begin_ns, seconds)
    needed_s = seconds / 60 * 0.3  # a minute of data at every tick
    with Journal.open(path) as journal:  # ended amid it, nothing told to it
        delays = asyncio.run(live(journal, night, seconds, end_after_s=2.0 + needed_s / 2))
    starts_s = []
    for _ in range(3):
        with Journal.open(path) as journal:
            began_s = time.perf_counter()
            begun(journal, SystemClock().now_ns()).close()
            starts_s.append(time.perf_counter() - began_s)
    return {
        "hours_late": hours,
        "durable_before_median_s": round(median(delays.before_s), 3),
        "durable_before_most_s": round(max(delays.before_s), 3),
        "durable_meanwhile_median_s": round(median(delays.meanwhile_s), 3),
        "durable_meanwhile_p99_s": round(sorted(delays.meanwhile_s)[int(len(delays.meanwhile_s) * 0.99)], 3),
        "durable_meanwhile_most_s": round(max(delays.meanwhile_s), 3),
        "packets_timed": len(delays.before_s) + len(delays.meanwhile_s),
        "starts_amid_it_s": [round(s, 2) for s in starts_s],
    }


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--dry", action="store_true", help="write no evidence")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = measured(Path(folder), asked.hours)
    print(done)
    if not asked.dry:
        evidence.write("late-night", command="make late-night", speaks_of=SPEAKS_OF, figures=done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
