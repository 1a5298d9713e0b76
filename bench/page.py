"""How fast the pages are, and what they cost; writes docs/evidence/page.json.

    python bench/page.py [--nights 30] [--raw-nights 3] [--seconds 60]

Thirty nights lie on the shelf (see bench/page_nights.py). A process feeds a simulated night to the monitor's own spine
at real pace, a batch every quarter of a second, first with no page open, then with five; `lullwatch serve` runs
beside it as on a gateway.

  load      the night page and everything it is made of: cold (first after a start), warm, and in a real Chromium
            until its load event where one can be had; the list of nights, cold and warm
  live      from the return of the commit to the arrival of the trace at each of five pages: median, 99th of a hundred
  age       from the moment a sample was taken: packet, commit and page together
  memory    of `serve` with five pages open, and the most it ever had
  serve     share of a core it takes with five pages open
  monitor   milliseconds until a batch is durable and decided, without and with five pages
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
import evidence
from journal_cost import SEED, batches
from page_nights import PIECE_MIN, lay

from dsp.records import NS, ClockRow, Tick
from lullwatch.programs import CHROMIUM, Found, obtain
from lullwatch.server_process import accepts, free_port
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from lullwatch.web.access import ACCESS_FILE, Access
from lullwatch.web.session import Role
from lullwatch.web.traces import BUCKET_NS
from store.journal import Journal
from store.rows import FedRow, SegmentRow

PAGES = 5
START_S = 5.0
"""The spine has begun by then, also on a busy machine."""
INFANT = "kid"
SPEAKS_OF = ("lullwatch/web", "lullwatch/commands/serve.py", "store/shelf.py", "store/journal_reading.py")
TARGET_LOAD_S, TARGET_LIVE_MS, TARGET_MB = 1.0, 300.0, 150.0
_PART = re.compile(r'(?:src|href)="(/(?:static|icon|manifest)[^"]*)"')


def make_base(path: Path) -> None:
    """Twenty minutes as the monitor would have written them."""
    made = batches(PIECE_MIN)
    with Journal.open(path) as journal:
        spine = Spine(journal, [Watch.of(INFANT, _sites(made), None)])
        spine.begin(ClockRow(0, 0, "bench", "UTC"))
        for batch in made:
            spine.take(batch)
        spine.close()


def _sites(made: Sequence[Sequence[Any]]) -> list[Any]:
    return sorted({row.segment.site for batch in made for row in batch if isinstance(row, SegmentRow)})


# the process that stands for the monitor


def feed(path: Path, log: Path, seconds: float) -> None:
    """Feed a simulated night at real pace; a line for each batch: newest sample, commit's return, milliseconds."""
    made = batches(seconds / 60 + 1)
    with Journal.open(path) as journal, log.open("w", buffering=1) as out:
        spine = Spine(journal, [Watch.of(INFANT, _sites(made), None)])
        zero_ns, began_s = time.time_ns() + round(START_S * NS), time.monotonic() + START_S
        spine.begin(ClockRow(zero_ns, zero_ns, "feed", journal.clock_rows()[-1].zone))
        for n, batch in enumerate(made[: round(seconds * 4)]):
            time.sleep(max(0.0, began_s + (n + 1) / 4 - time.monotonic()))
            rows = [_at(row, zero_ns) for row in batch]
            before_s, cpu_s = time.perf_counter(), time.process_time()
            spine.take(rows)
            newest = max((r.segment.end_ns for r in rows if isinstance(r, SegmentRow)), default=0)
            took = (time.perf_counter() - before_s) * 1000, (time.process_time() - cpu_s) * 1000
            out.write(json.dumps([newest, time.time_ns(), *took]) + "\n")


def _at(row: SegmentRow | FedRow, zero_ns: int) -> SegmentRow | FedRow:
    if isinstance(row, FedRow):
        return FedRow(row.infant, Tick(row.item.t_ns + zero_ns))
    segment = replace(row.segment, t0_ns=row.segment.t0_ns + zero_ns, boot=row.segment.boot + 777)
    return replace(row, segment=segment, packet=replace(row.packet, boot=segment.boot))


# the pages


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """`lullwatch serve` on the folder: port and process."""
    port = free_port()
    line = [sys.executable, "-m", "lullwatch", "serve", "--journals", str(folder), "--port", str(port)]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not accepts(port):
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


async def logged_in(port: int, token: str) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.CookieJar(unsafe=True))
    answer = await session.post("/login", data={"token": token}, allow_redirects=False)
    assert answer.status == 303, answer.status
    return session


async def load_s(session: aiohttp.ClientSession, path: str) -> tuple[float, int]:
    """Seconds for a page and everything it is made of, and their bytes."""
    before_s = time.perf_counter()
    answer = await session.get(path)
    text = await answer.read()
    assert answer.status == 200, (path, answer.status)
    size = len(text)
    for part in sorted(set(_PART.findall(text.decode()))):
        size += len(await (await session.get(part)).read())
    return time.perf_counter() - before_s, size


async def watch(session: aiohttp.ClientSession, port: int, seconds: float) -> list[tuple[int, int]]:
    """Newest bucket of each message, and when it came (UTC)."""
    came: list[tuple[int, int]] = []
    origin = {"Origin": f"http://127.0.0.1:{port}"}
    async with session.ws_connect(f"/live/{INFANT}", headers=origin) as socket:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            message = json.loads((await socket.receive(timeout=30)).data)
            if "traces" in message and not message.get("whole"):
                newest = max(first + len(values) - 1 for first, values in message["traces"].values())
                came.append((newest, time.time_ns()))
    return came


def lags_ms(came: Sequence[tuple[int, int]], log: Path) -> tuple[list[float], list[float]]:
    """From the commit that brought a bucket, and from the moment of its samples, to its arrival."""
    commits = [json.loads(line) for line in log.read_text().splitlines()]
    live, age = [], []
    for bucket, arrived_ns in came:
        commit = next((c for c in commits if (c[0] - 1) // BUCKET_NS >= bucket), None)
        if commit is not None:
            live.append((arrived_ns - commit[1]) / 1e6)
            age.append((arrived_ns - (bucket + 1) * BUCKET_NS) / 1e6)
    return live, age


def process_figures(pid: int) -> dict[str, float]:
    status = Path(f"/proc/{pid}/status").read_text()
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    found = {key: float(re.search(rf"{key}:\s+(\d+)", status)[1]) / 1024 for key in ("VmRSS", "VmHWM")}  # type: ignore[index]
    return found | {"cpu_s": (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")}


def in_chromium(port: int, token: str) -> float | None:
    """Seconds until the night page's load event in a real browser, the middle of three; None without one."""
    found = obtain(CHROMIUM)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return None
    if not isinstance(found, Found):
        return None
    libraries = {"LD_LIBRARY_PATH": os.pathsep.join(str(p) for p in found.libraries)}
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=str(found.path), args=["--no-sandbox"], env={**os.environ, **libraries}
        )
        page = browser.new_page(viewport={"width": 412, "height": 915})
        page.goto(f"http://127.0.0.1:{port}/login")
        page.fill("#token", token)
        page.click("button.big")
        page.wait_for_load_state()
        took = []
        for _ in range(3):
            page.goto(f"http://127.0.0.1:{port}/")
            took.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
        browser.close()
    return median(took)


async def measure(folder: Path, night: Path, seconds: float, token: str) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with serving(folder) as (port, _):
        session = await logged_in(port, token)
        cold_s, size = await load_s(session, "/")
        warm_s = median([(await load_s(session, "/"))[0] for _ in range(5)])
        figures["load"] = {
            "cold_s": round(cold_s, 3),
            "warm_s": round(warm_s, 3),
            "kilobytes": round(size / 1000),
        }
        figures["load"]["chromium_s"] = await asyncio.to_thread(in_chromium, port, token)
        await session.close()
    with serving(folder) as (port, _):
        session = await logged_in(port, token)
        nights = [(await load_s(session, "/nights"))[0] for _ in range(2)]
        figures["load"] |= {"nights_cold_s": round(nights[0], 3), "nights_warm_s": round(nights[1], 3)}
        await session.close()
    with serving(folder) as (port, pid):
        figures |= await measure_live(folder, night, seconds, token, port, pid)
    return figures


async def measure_live(
    folder: Path, night: Path, seconds: float, token: str, port: int, pid: int
) -> dict[str, Any]:
    log = folder / "feed.jsonl"
    line = [
        sys.executable,
        __file__,
        "--feed",
        str(night),
        "--log",
        str(log),
        "--seconds",
        str(2 * seconds + 15),
    ]
    feeder = await asyncio.create_subprocess_exec(*line)
    while not log.exists() or not log.read_text():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.1)
    await asyncio.sleep(seconds)
    alone = len(log.read_text().splitlines())
    sessions = [await logged_in(port, token) for _ in range(PAGES)]
    before = process_figures(pid)
    came = await asyncio.gather(*(watch(s, port, seconds) for s in sessions))
    after = process_figures(pid)
    for session in sessions:
        await session.close()
    both = len(log.read_text().splitlines())
    await feeder.wait()
    live, age = lags_ms([message for one in came for message in one], log)
    takes = [json.loads(text)[2:] for text in log.read_text().splitlines()]
    return {
        "live": {**spread(live), "messages": len(live)},
        "age": spread(age),
        "memory": {"with_5_pages_mb": round(after["VmRSS"], 1), "most_mb": round(after["VmHWM"], 1)},
        "serve": {"core_with_5_pages": round((after["cpu_s"] - before["cpu_s"]) / seconds, 4)},
        "monitor": {"alone": taking(takes[:alone]), "with_5_pages": taking(takes[alone:both])},
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median_ms": round(median(values), 1), "p99_ms": round(quantiles(values, n=100)[98], 1)}


def taking(takes: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Wall time of a batch, and processor time, which others on the machine do not change."""
    wall, cpu = zip(*takes, strict=True)
    return {**spread(wall), "processor_median_ms": round(median(cpu), 2), "batches": len(takes)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument(
        "--raw-nights", type=int, default=3, help="newest nights that hold raw data, 200 MB each"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="real time of each phase")
    parser.add_argument(
        "--priority", type=int, default=0, help="of the measured processes, where others work on the machine"
    )
    parser.add_argument("--feed", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.feed is not None:
        feed(asked.feed, asked.log, asked.seconds)
        return 0
    with tempfile.TemporaryDirectory() as made:
        base, folder = Path(made) / "base.sqlite", Path(made) / "nights"
        folder.mkdir()
        make_base(base)
        night = lay(folder, base, nights=asked.nights, raw_nights=asked.raw_nights)
        size = sum(p.stat().st_size for p in folder.iterdir())
        if asked.priority:
            os.setpriority(os.PRIO_PROCESS, 0, asked.priority)
        token = Access(folder / ACCESS_FILE).invite("bench", Role.CAREGIVER)
        figures = asyncio.run(measure(folder, night, asked.seconds, token))
    figures["nights"] = {"nights": asked.nights, "with_raw": asked.raw_nights, "megabytes": round(size / 1e6)}
    figures["machine"] = {
        "load_average": round(os.getloadavg()[0], 1),
        "priority": asked.priority,
        "seed": SEED,
    }
    holds = {
        "load": max(figures["load"][k] or 0 for k in ("cold_s", "chromium_s", "nights_cold_s"))
        <= TARGET_LOAD_S,
        "live": figures["live"]["p99_ms"] <= TARGET_LIVE_MS,
        "memory": figures["memory"]["most_mb"] <= TARGET_MB,
    }
    figures["targets_hold"] = holds
    print(json.dumps(figures, indent=2))
    print(evidence.write("page", command="make bench-page", speaks_of=SPEAKS_OF, figures=figures))
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
