"""How fast the whole way is, against a peer in the same run; writes docs/evidence/bench.json.

    python bench/throughput.py [--minutes 20]

Figures, each with its peer:
  live     socks -> radio -> journal -> detector, simulated seconds per real second
           peer: the same socks and radio with a bare bleak callback and nothing behind it
  replay   a recorded night through the detector, hours per second
           peer: one scipy band-pass over every channel of the same night
  night    10 h x 3 sensors x 6 axes x 104 Hz at rest through the detector, seconds, best of three; beside it
           reading the file, peak memory, and the same without compiled loops
           peers: skdh wear + sleep, and actipy.process, over the acceleration of the same night
  cost     one infant live in blocks of 0.25 s, share of a core
           peer: one scipy band-pass over every channel in the same blocks
  help     `lullwatch --help`, milliseconds
           peer: a bare Python that starts and ends
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import evidence
import numpy as np
from bleak import BleakClient
from scipy.signal import butter, sosfilt

from dsp.records import NS, ClockRow, Item, Tick
from firmware_sim.night import Night, make_night
from firmware_sim.sim_clock import SimClock
from ingest.sock_codec import CONTROL_UUID, DATA_UUID, Start, encode_command
from lullwatch.detector import Detector
from lullwatch.feeding import settled_blocks
from lullwatch.gateway import Gateway
from lullwatch.home import SimulatedHome
from lullwatch.nights import Night as Recorded
from lullwatch.replay import replay
from store.edf_write import write_recording
from store.journal import Journal
from store.recording import Recording, settled

SEED = 3001
NIGHT = "jerk_night"
"""Neither the quietest nor the wildest: sleep of all kinds, jerk trains, wakings with kicking."""
EVENING_UTC_NS = 1_767_297_600 * NS
QUARTER_NS = NS // 4
PEERS = os.environ.get("PEERS_PYTHON", str(evidence.ROOT / ".venv-peers" / "bin" / "python"))
"""Python of the peers' own environment, which `make bench` makes."""
SPEAKS_OF = ("alerts", "dsp", "firmware_sim", "ingest", "lullwatch", "store")


async def live(night: Night, folder: Path) -> float:
    clock = SimClock()
    with Journal.open(folder / "journal.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:
            gateway = Gateway(
                name="bench",
                journal=journal,
                clock=clock,
                clock_row=ClockRow(0, 0, "simulated", "UTC"),
                wearers=[home.wearer()],
                radio=home.radio(),
            )
            async with gateway:
                began = time.perf_counter()
                await home.live(gateway, night.end_ns)
                return (night.end_ns - night.start_ns) / NS / (time.perf_counter() - began)


async def bare_radio(night: Night) -> float:
    clock = SimClock()
    heard = 0

    def on_data(_: object, _data: bytearray) -> None:
        nonlocal heard
        heard += 1

    async with SimulatedHome(night, clock) as home:
        radio = home.radio()

        async def connect(address: str) -> BleakClient:
            client = radio.client(await radio.find(address))
            await client.connect()
            if radio.bonds is not None:
                await radio.bonds.secure(client, address)
            await client.start_notify(CONTROL_UUID, lambda *_: None)
            await client.start_notify(DATA_UUID, on_data)
            await client.write_gatt_char(CONTROL_UUID, encode_command(Start(), 1), response=True)
            return client

        sensors = home.wearer().sensors
        clients = [await clock.drive(connect(s.address), limit_s=60, settle=home.air.settle) for s in sensors]
        began = time.perf_counter()
        await clock.run(night.end_ns, step_s=0.5, settle=home.air.settle)
        seconds = time.perf_counter() - began
        for client in clients:
            await client.disconnect()
    assert heard > 0
    return (night.end_ns - night.start_ns) / NS / seconds


def replayed_hours_per_s(night: Night) -> float:
    segments = night.segments()
    sites = tuple(night.sensors)
    blocks = settled_blocks(segments, sites)
    recorded = Recorded("bench", "bench", sites, night.start_ns, night.end_ns, None, "UTC", blocks)
    began = time.perf_counter()
    replay(recorded)
    return recorded.duration_s / 3600 / (time.perf_counter() - began)


def overnight(folder: Path) -> dict[str, float]:
    """Seconds for a night at rest: ours, and the peers' for its acceleration; see bench/overnight.py, peers.py."""
    night = make_night(make_night(NIGHT, seed=SEED).scenario.lasting(10 * 3600), seed=SEED, infant="bench")
    file, arrays = folder / "night.edf", folder / "night.npz"
    segments = settled(night.segments())
    write_recording(Recording("bench", "UTC", EVENING_UTC_NS, night.start_ns, segments), file)
    acc_g = {str(site): t.counts[:, :3] * t.scale.acc_g for site, t in night.sensors.items()}
    np.savez(arrays, rate_hz=104.0, **acc_g)
    del night, segments, acc_g
    ours = in_process(sys.executable, "overnight.py", file)
    plain = in_process(sys.executable, "overnight.py", file, "--plain")
    peers = in_process(PEERS, "peers.py", arrays)
    return ours | {f"plain_{k}": v for k, v in plain.items()} | peers


def in_process(python: str, script: str, file: Path, *words: str) -> dict[str, float]:
    """Figures of a process of its own, held to one core by giving its libraries one thread."""
    command = [python, str(evidence.ROOT / "bench" / script), str(file), *words]
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    run = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=True)
    return {name: float(value) for name, value in json.loads(run.stdout.splitlines()[-1]).items()}


def live_cost(night: Night) -> tuple[float, float]:
    """Shares of a core: the detector in blocks of a quarter of a second, and one band-pass in the same blocks."""
    detector = Detector("bench", tuple(night.sensors))
    blocks: dict[int, list[Item]] = {}
    for segment in night.segments(26):
        blocks.setdefault(segment.end_ns // QUARTER_NS, []).append(segment)
    sos = butter(2, (0.5, 20.0), "bandpass", fs=104.0, output="sos")
    state = np.zeros((2, 18, 2))
    began = time.process_time()
    for number, block in sorted(blocks.items()):
        detector.feed_block([*block, Tick((number + 1) * QUARTER_NS)])
    ours = time.process_time() - began
    began = time.process_time()
    for _ in blocks:
        _, state = sosfilt(sos, np.zeros((18, 26)), axis=-1, zi=state)
    peer = time.process_time() - began
    return ours / (len(blocks) / 4), peer / (len(blocks) / 4)


def filtered_hours_per_s(night: Night) -> float:
    sos = butter(2, (0.5, 20.0), "bandpass", fs=104.0, output="sos")
    sensors = [np.ascontiguousarray(t.counts.T, dtype=np.float64) for t in night.sensors.values()]
    began = time.perf_counter()
    for channels in sensors:
        sosfilt(sos, channels, axis=-1)
    return (night.end_ns - night.start_ns) / NS / 3600 / (time.perf_counter() - began)


def start_ms(*words: str) -> float:
    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
        return 1000 * (time.perf_counter() - began)

    return sorted(once() for _ in range(9))[4]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="simulated minutes of the live run")
    minutes = parser.parse_args().minutes
    hour = make_night("demo_hour", seed=SEED, infant="bench")
    short = make_night(hour.scenario.lasting(60 * minutes), seed=SEED, infant="bench")
    with tempfile.TemporaryDirectory() as folder:
        long = overnight(Path(folder))
        rows = {
            "live, x real time": (asyncio.run(live(short, Path(folder))), asyncio.run(bare_radio(short))),
            "replay, hours/s": (replayed_hours_per_s(hour), filtered_hours_per_s(hour)),
            "night, s / skdh": (long["replay_s"], long["skdh wear + sleep"]),
            "night, s / actipy": (long["replay_s"], long["actipy.process"]),
            "live, share of core": live_cost(short),
            "help, ms": (start_ms("-m", "lullwatch", "--help"), start_ms("-c", "pass")),
        }
    print(f"{'figure':<20}{'ours':>10}{'peer':>10}{'ours/peer':>12}")
    for name, (ours, peer) in rows.items():
        print(f"{name:<20}{ours:>10.3g}{peer:>10.3g}{ours / peer:>12.3f}")
    figures = {
        name: {"ours": round(o, 5), "peer": round(p, 5), "ratio": round(o / p, 4)}
        for name, (o, p) in rows.items()
    }
    beside = ("first_replay_s", "replay_cpu_s", "read_s", "peak_mb", "plain_replay_s", "plain_peak_mb")
    figures["night beside"] = {name: round(long[name], 2) for name in beside}
    print("night beside: " + ", ".join(f"{name} {value}" for name, value in figures["night beside"].items()))
    path = evidence.write("bench", command="make bench", speaks_of=SPEAKS_OF, figures=figures)
    print(f"written: {path.relative_to(evidence.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
