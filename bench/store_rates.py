"""How fast raw data goes into InfluxDB and comes back, and many nights through replay; writes docs/evidence/store.json.

    python bench/store_rates.py                     a night of 10 h, about ten minutes
    python bench/store_rates.py --hours 0.5 --points 50000 --nights 4       a trial; writes no evidence

Against a real InfluxDB 1.6.7 behind the v2-write shim, in a process of its own on the same cores:
  write     a night's packets, timed by the clock fit of real arrivals, from the journal through our sink
            peer: the same number of points a second through influxdb-client's Point class
  disk      bytes of the night after compaction; beside it what exact times of every packet would take
  read      the night back, in a process of its own, and whether it is the journal's bit for bit
  live      how long commits take beside a sink that catches up, and without one
  nights    nights of two hours replayed by one process and by two
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import evidence
import numpy as np
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS
from overnight import peak_mb

from dsp.records import NS, ClockRow, Packet, Segment, Site, Stretch
from firmware_sim.night import make_night
from ingest.clock_fit import ClockFit
from ingest.sock_codec import CLOCK_HZ, CLOCK_WRAP
from lullwatch.many_nights import Order, replay_all
from lullwatch.simulate import write_night
from lullwatch.sources import sources_in
from store.influx import InfluxSink, SinkState
from store.influx_read import InfluxSource
from store.journal import Journal
from store.recording import at_rest
from store.rows import SegmentRow

HERE = Path(__file__).resolve().parent
START_UTC_NS = 1_767_290_400 * NS
INFANT = "bench"
NIGHT_HOURS = 2.0
ROUNDS = 3
RACED = [f"{name}{number}" for number in range(ROUNDS) for name in ("ours", "points")]
SPEAKS_OF = ("store/influx*.py", "lullwatch/many_nights.py", "lullwatch/pool.py", "bench/store_*.py")
POINTS_A_CALL = 5000
"""What influxdb-client's documentation shows for Points written synchronously."""


def packets(hours: float) -> Iterator[tuple[SegmentRow, ...]]:
    """A night as its packets arrive: an hour's movement over and over, clocks that drift, arrivals that vary."""
    tracks = make_night("demo_hour", seed=3001, infant=INFANT).sensors
    hour = {site: [s for s in track.segments(16) if s.n == 16] for site, track in tracks.items()}
    fits = {site: ClockFit(site.lower()) for site in hour}
    drift = dict(zip(hour, (23e-6, -31e-6, 47e-6), strict=False))
    chance = np.random.default_rng(1)
    counts = {site: len(rows) for site, rows in hour.items()}
    for number in range(round(hours * 3600 * 104 / 16)):
        rows = []
        for site, made in hour.items():
            plain = made[number % counts[site]]
            n, rate_hz = plain.n, 104.0
            begin_s = number * 16 / rate_hz / (1 + drift[site])
            arrived_s = begin_s + n / rate_hz + 0.012 + float(chance.exponential(0.01))
            clock = round(number * 16 / rate_hz * CLOCK_HZ) % CLOCK_WRAP
            facts = (site, site.lower(), 7, number, clock, 104.0, plain.scale, plain.counts, plain.flags)
            packet = Packet(*facts, round(arrived_s * NS) + 10 * NS)
            placed = fits[site].place(packet)
            segment = replace(
                plain, sensor=site.lower(), boot=7, seq=number, t0_ns=placed.t0_ns, step_ns=placed.step_ns
            )
            rows.append(SegmentRow(INFANT, packet, segment))
        yield tuple(rows)


def fill(path: Path, hours: float) -> int:
    """Write the night's journal; returns its points."""
    points = 0
    with Journal.open(path) as journal:
        journal.commit([ClockRow(0, START_UTC_NS, "boot", "UTC")])
        waiting: list[SegmentRow] = []
        for rows in packets(hours):
            waiting += rows
            points += sum(row.segment.n for row in rows)
            if len(waiting) > 3000:
                journal.commit(waiting)
                waiting = []
        journal.commit(waiting)
    return points


@contextmanager
def server(folder: Path, *buckets: str) -> Iterator[dict[str, Any]]:
    line = [sys.executable, str(HERE / "store_server.py"), str(folder), *buckets]
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.stdin.close()
        child.wait(60)


def cpu_s(pid: int) -> float:
    """CPU seconds of the engine so far; the child of the process that ties it to us."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    own = [pid, *map(int, children.read_text().split())] if children.exists() else [pid]
    ticks = 0
    for one in own:
        fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def sink(journal: Journal, where: dict[str, Any], bucket: str) -> InfluxSink:
    place = {"url": where["url"], "token": where["token"], "org": "lullwatch", "bucket": bucket}
    return InfluxSink(journal, gateway="bench", **place)


def written(path: Path, where: dict[str, Any], bucket: str) -> dict[str, float]:
    began, own, engine = time.perf_counter(), time.process_time(), cpu_s(where["pid"])
    points = 0
    with Journal.read_only(path) as journal, sink(journal, where, bucket) as sending:
        while (report := sending.step()).state is not SinkState.IDLE:
            points += report.lines
            if report.state is SinkState.WAITING:
                print(f"waiting {report.wait_s:.1f} s: {report.error}", file=sys.stderr)
                time.sleep(report.wait_s)
    took = time.perf_counter() - began
    return {
        "points": points,
        "seconds": took,
        "points_a_second": points / took,
        "own_cpu_s": time.process_time() - own,
        "engine_cpu_s": cpu_s(where["pid"]) - engine,
    }


def plain_client(path: Path, where: dict[str, Any], bucket: str, points: int) -> dict[str, float]:
    """The same packets through Point objects."""
    segments: list[Segment] = []
    with Journal.read_only(path) as journal:
        for segment in journal.segments(INFANT, settled=False):
            segments.append(segment)
            if len(segments) * 16 >= points:
                break
    client = InfluxDBClient(url=where["url"], token=where["token"], org="lullwatch", timeout=60_000)
    began, own, engine = time.perf_counter(), time.process_time(), cpu_s(where["pid"])
    made = 0
    with client, client.write_api(write_options=SYNCHRONOUS) as api:
        batch: list[Point] = []
        for s in segments:
            for i, (ax, ay, az, gx, gy, gz) in enumerate(s.counts.tolist()):
                point = Point("imu").tag("gateway", "bench").tag("infant", INFANT).tag("sensor", s.sensor)
                point.tag("site", str(s.site)).field("ax", ax).field("ay", ay).field("az", az)
                point.field("gx", gx).field("gy", gy).field("gz", gz)
                batch.append(point.time(START_UTC_NS + s.t0_ns + i * s.step_ns))
            if len(batch) >= POINTS_A_CALL:
                api.write(bucket=bucket, record=batch)
                made += len(batch)
                batch = []
        if batch:
            api.write(bucket=bucket, record=batch)
            made += len(batch)
    took = time.perf_counter() - began
    return {
        "points": made,
        "points_a_second": made / took,
        "own_cpu_s": time.process_time() - own,
        "engine_cpu_s": cpu_s(where["pid"]) - engine,
    }


def raced(path: Path, where: dict[str, Any], points: int) -> dict[str, Any]:
    """Ours and the plain client in turns; each one's best counts, so that who else uses the cores counts less."""
    ours, peers = [], []
    for round_ in range(ROUNDS):
        path.with_name(f"{path.stem}.cursors.sqlite").unlink(missing_ok=True)
        ours.append(written(path, where, f"ours{round_}"))
        peers.append(plain_client(path, where, f"points{round_}", points))
    best = [max(runs, key=lambda run: run["points_a_second"]) for runs in (ours, peers)]
    each = [round(a["points_a_second"] / b["points_a_second"], 2) for a, b in zip(ours, peers, strict=True)]
    ratio = round(best[0]["points_a_second"] / best[1]["points_a_second"], 2)
    return {"ours": rounded(best[0]), "peer": rounded(best[1]), "ratio": ratio, "ratio_each_round": each}


def part_of(path: Path, target: Path, points: int) -> None:
    """A journal of the first points only."""
    with Journal.read_only(path) as journal, Journal.open(target) as part:
        part.commit(journal.clock_rows())
        rows = journal.read(0, limit=points // 16, tables=("segment",))
        part.commit([row for _, row in rows])


def on_disk(folder: Path, bucket: str) -> int:
    """Bytes of a bucket once they stay the same: compaction is over."""
    sizes: list[int] = []
    while len(sizes) < 4 or len(set(sizes[-4:])) > 1:
        time.sleep(4)
        data = [p.stat().st_size for p in (folder / "data" / bucket / "autogen").rglob("*") if p.is_file()]
        wal = [p.stat().st_size for p in (folder / "wal" / bucket).rglob("*") if p.is_file()]
        sizes.append(sum(data) + sum(wal))
    return sizes[-1]


def digest(stretches: list[Stretch] | tuple[Stretch, ...]) -> str:
    """Sixteen digits that change with any bit of any segment."""
    found = hashlib.sha256()
    for site in Site:
        for stretch in (s for s in stretches if s.site is site):
            found.update(f"{site} {stretch.sensor} {stretch.boot} {stretch.scale}".encode())
            for column in (stretch.seqs, stretch.t0s_ns, stretch.steps_ns, stretch.ns, stretch.flags):
                found.update(np.ascontiguousarray(column))
            found.update(
                np.ascontiguousarray(stretch.counts[stretch.firsts[0] : stretch.firsts[-1] + stretch.ns[-1]])
            )
    return found.hexdigest()[:16]


def read_here(where: dict[str, Any], bucket: str, hours: float) -> dict[str, Any]:
    """What the reading process does."""
    began, own = time.perf_counter(), time.process_time()
    source = InfluxSource(where["engine"], bucket, token=where["token"])
    night = source.read(INFANT, START_UTC_NS, START_UTC_NS + round((hours + 0.1) * 3600) * NS)
    figures = {
        "seconds": time.perf_counter() - began,
        "own_cpu_s": time.process_time() - own,
        "peak_mb": peak_mb(),
    }
    points = sum(int(stretch.ns.sum()) for stretch in night.stretches)
    return {**figures, "points": points, "remarks": night.remarks, "digest": digest(night.stretches)}


def read_back(where: dict[str, Any], bucket: str, hours: float) -> dict[str, Any]:
    line = [sys.executable, str(HERE / "store_rates.py"), "--read", json.dumps([where, bucket, hours])]
    run = subprocess.run(line, capture_output=True, text=True, check=True)
    return dict(json.loads(run.stdout.splitlines()[-1]))


def commits(path: Path, target: Path, where: dict[str, Any], bucket: str, seconds: float) -> dict[str, float]:
    """Milliseconds of live commits beside a sink that catches up (`where`), on a journal that is being written."""
    stop = threading.Event()
    found: dict[str, float] = {}
    for name in ("alone", "beside"):
        with Journal.read_only(path) as journal:
            rows = [row for _, row in journal.read(0, limit=5 * int(seconds * 4), tables=("segment",))]
        copy = target / f"{name}.sqlite"
        with Journal.open(copy) as live:
            live.commit([ClockRow(0, START_UTC_NS, "boot", "UTC")])
            threads = []
            if name == "beside":
                threads.append(threading.Thread(target=catch_up, args=(path, where, bucket, stop)))
            for thread in threads:
                thread.start()
            took = []
            for start in range(0, len(rows), 5):
                began = time.perf_counter()
                live.commit(rows[start : start + 5])
                took.append(1000 * (time.perf_counter() - began))
                time.sleep(0.05)
            stop.set()
            for thread in threads:
                thread.join()
        took.sort()
        found[f"{name}_median_ms"] = took[len(took) // 2]
        found[f"{name}_p99_ms"] = took[int(len(took) * 0.99)]
    return found


def catch_up(path: Path, where: dict[str, Any], bucket: str, stop: threading.Event) -> None:
    with Journal.read_only(path) as journal, sink(journal, where, bucket) as sending:
        while not stop.is_set() and sending.step().state is SinkState.SENT:
            pass


def nights(folder: Path, count: int) -> dict[str, float]:
    """Nights of two hours by one process and by two: how much faster, and what a night costs beside its own work."""
    recordings = folder / "recordings"
    one = make_night(
        make_night("demo_hour", seed=1).scenario.lasting(3600 * NIGHT_HOURS), seed=1, infant="s1"
    )
    write_night(one, recordings)
    for path in sorted(recordings.iterdir()):
        for number in range(1, count):
            os.link(path, path.with_name(path.name.replace("seed-1", f"seed-1{number:03d}")))
    found: dict[str, float] = {"nights": count, "hours_each": NIGHT_HOURS}
    for jobs in (1, 2):
        out = folder / f"out-{jobs}"
        orders = [Order(str(path), str(out)) for path in sources_in([recordings])]
        began = time.perf_counter()
        outcomes = replay_all(orders, jobs=jobs)
        assert not any(outcome.error for outcome in outcomes), outcomes
        took = time.perf_counter() - began
        busy = sum(o.seconds for o in outcomes)
        found |= {f"seconds_{jobs}": took, f"overhead_s_a_night_{jobs}": (took * jobs - busy) / count}
        began = time.perf_counter()
        replay_all(orders, jobs=jobs)
        found[f"resume_s_{jobs}"] = time.perf_counter() - began
    found["speed_up"] = found["seconds_1"] / found["seconds_2"]
    return found


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=10.0, help="length of the night")
    parser.add_argument(
        "--points", type=int, default=200_000, help="points for the Point class and ours beside it"
    )
    parser.add_argument("--nights", type=int, default=16, help="nights of two hours for the pool")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read_here(*json.loads(given.read))))
        return 0
    figures: dict[str, Any] = {"load at the start": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "night.sqlite"
        points = fill(path, given.hours)
        print(f"{points} points in the journal")
        with server(folder / "influx", "night", "live", *RACED) as where:
            figures["write"] = rounded(written(path, where, "night"))
            print("write", figures["write"])
            part_of(path, folder / "part.sqlite", given.points)
            figures["beside Point"] = raced(folder / "part.sqlite", where, given.points)
            print("beside Point", figures["beside Point"])
            size, exact = on_disk(folder / "influx", "night"), on_disk(folder / "influx", "points0")
            figures["disk"] = {
                "mb": round(size / 1e6, 1),
                "bytes_a_point": round(size / points, 2),
                "bytes_a_point_exact_times": round(exact / figures["beside Point"]["peer"]["points"], 2),
            }
            print("disk", figures["disk"])
            with Journal.read_only(path) as journal:
                kept = digest(at_rest(journal.segments(INFANT)))
            back = read_back(where, "night", given.hours)
            figures["read"] = rounded({**back, "bit_exact": back["digest"] == kept})
            print("read", figures["read"])
            (folder / "commits").mkdir()
            Path(folder / "night.cursors.sqlite").unlink()
            figures["live commits"] = rounded(commits(path, folder / "commits", where, "live", 20.0))
            print("live commits", figures["live commits"])
        figures["load at the end"] = round(os.getloadavg()[0], 1)
        figures["nights"] = rounded(nights(folder, given.nights))
        print("nights", figures["nights"])
    print(f"peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if given.hours < 10 or given.points < 200_000:
        print("a trial: no evidence is written")
        return 0
    written_to = evidence.write("store", command="make bench-store", speaks_of=SPEAKS_OF, figures=figures)
    print(f"written: {written_to.relative_to(evidence.ROOT)}")
    return 0 if figures["read"]["bit_exact"] else 1


if __name__ == "__main__":
    sys.exit(main())
