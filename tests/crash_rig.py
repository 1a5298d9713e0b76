"""A monitor that is killed again and again while three socks stream, and what must be true of every sink afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import queue
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dsp.records import NS, Event, Site
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from firmware_sim.sock_process import ProcessConfig, sock_process, specs_in
from lullwatch.nights import load
from lullwatch.replay import replay
from store.journal import Journal
from store.recording import standing_events
from store.shelf import Shelf
from tests.crash_child import ChildConfig
from tests.crash_child import main as child_main
from tests.servers_fixtures import Broker, Influx, Subscriber

PACE = 8.0
"""Made-up seconds in a real one, where starts are short; whole starts leave more to be caught up with."""
LIFE_AT_MOST_S = 15.0
"""Real seconds that a life may take with its start, on average, on a computer with ten times as much to do."""
WHOLE_STARTS_PACE = 1.0
NOON_NS = 1_773_489_600 * NS
"""2026-03-14 12:00 UTC"""
BEFORE_NOON_S = 60.0
"""Made-up seconds from the start to the end of the night: the monitor is killed around that, too."""
INFANT = "kid"
SITES = ("LA", "RA", "TR")
LIMIT_S = 150.0
_OF_SENDING = {
    "sent", "sent_ns", "kind", "repeats", "rings", "step", "told", "to", "open", "past", "acknowledged",
    "acknowledged_by", "title",
}  # fmt: skip
"""Says of a message how it goes out, not what it says; it may go out more than once."""
SCENARIO = """
name = "restless"
duration_min = {minutes}
age_days = 200
[[phase]]
state = "awake"
minutes = {minutes}
"""
SERIES = """
[[movement]]
kind = "spasm_cluster"
at_min = {at_min}
count = 6
gap_s = 6.0
subtle = false
"""
SETTINGS = """
gateway = "{gateway}"
journal_dir = "{folder}"
zone = "UTC"
[[infants]]
id = "kid"
{sensors}
[mqtt]
host = "{host}"
port = {port}
tls = false
[influx]
url = "{url}"
org = "{org}"
bucket = "{bucket}"
"""


@dataclass(slots=True)
class Findings:
    """What the kills came to."""

    kills: int = 0
    up_s: list[float] = field(default_factory=list)
    """from the start of a process to its first decided batch, where it lived that long"""
    packets: int = 0
    missing: int = 0
    doubled: int = 0
    points: int = 0
    points_due: int = 0
    words: int = 0
    """messages about events and alerts at the broker's subscriber"""
    contradictions: int = 0
    """messages with the same id and version that say different things"""
    unheard_alerts: int = 0
    nights: int = 0
    replayed_alike: bool = False
    """after a replay in the order of arrival the same events stand as after the lives of the monitor, night by night"""


class Monitor:
    """One life of the monitor, in a process that shares nothing with the others but the disk."""

    def __init__(self, folder: Path, config: ChildConfig, *, spawn: bool) -> None:
        self._ready = Path(config.ready)
        self._ready.unlink(missing_ok=True)
        path = folder / "child.json"
        path.write_bytes(msgspec.json.encode(config))
        self._began_ns = time.monotonic_ns()
        self._popen: subprocess.Popen[bytes] | None = None
        if spawn:
            log = (folder / "child.log").open("ab")
            self._popen = subprocess.Popen([sys.executable, "-m", "tests.crash_child", str(path)], stderr=log)
            log.close()
            self.pid = self._popen.pid
            return
        context = multiprocessing.get_context("forkserver")
        self._process = context.Process(target=child_main, args=(str(path),))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def up_s(self) -> float | None:
        """Seconds from its start to its first decided batch; None until then."""
        return (int(self._ready.read_text()) - self._began_ns) / 1e9 if self._ready.exists() else None

    def end(self, number: signal.Signals, *, timeout_s: float = LIMIT_S) -> None:
        os.kill(self.pid, number)
        if self._popen is not None:
            self._popen.wait(timeout_s)
        else:
            self._process.join(timeout_s)
            assert self._process.exitcode is not None


def _warm_up() -> None:
    """Import once for all what takes seconds of every start; each life is a new process all the same."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash_child"])
    process = context.Process(target=int)
    process.start()
    process.join()


def settings_in(folder: Path, broker: Broker, influx: Influx) -> Path:
    """The settings of the monitor under test."""
    sensors = "\n".join(
        f'[[infants.sensors]]\nsite = "{site}"\naddress = "F0:00:00:00:01:{n:02X}"'
        for n, site in enumerate(SITES, 1)
    )
    (folder / "journals").mkdir()
    path = folder / "lullwatch.toml"
    values = {"gateway": broker.topic, "host": broker.host, "port": broker.port, "sensors": sensors}
    values |= {"folder": folder / "journals", "url": influx.url, "org": influx.org, "bucket": influx.bucket}
    path.write_text(SETTINGS.format(**values))
    return path


def socks_in(folder: Path, minutes: float, pace: float) -> ProcessConfig:
    """Socks of a restless infant with a series of movements every minute and a half."""
    text = SCENARIO.format(minutes=minutes)
    text += "".join(SERIES.format(at_min=0.3 + 1.5 * n) for n in range(int((minutes - 1) / 1.5)))
    night = make_night(scenario_from_toml(text), seed=1001, infant=INFANT)
    return ProcessConfig(
        socket=str(folder / "hci"),
        socks=specs_in(folder, {site: night.sensors[Site(site)] for site in SITES}),
        pace=pace,
        origin_ns=night.start_ns,
        ledger=str(folder / "ledger.json"),
    )


async def kill_again_and_again(
    folder: Path, broker: Broker, influx: Influx, *, kills: int, seed: int, spawn: bool
) -> Findings:
    """Kill the monitor `kills` times at random instants, let it end in order once, and look at every sink."""
    os.environ["LULLWATCH_INFLUX_TOKEN"] = influx.token
    chance, found = random.Random(seed), Findings(kills=kills)
    settings = settings_in(folder, broker, influx)
    # The socks outlive all: what a sock holds can be placed in time, and is fetched, only once it is heard live.
    longest_s = kills * (LIFE_AT_MOST_S if spawn else LIFE_AT_MOST_S / 3) + LIMIT_S
    pace = WHOLE_STARTS_PACE if spawn else PACE
    config = socks_in(folder, longest_s * pace / 60.0, pace)
    if not spawn:
        _warm_up()
    with broker.sub(f"lullwatch/{broker.topic}/#") as phone:
        ear = _Ear(phone)
        async with sock_process(config, folder):
            # noon comes a minute after this: the socks' process may take as long to start as it likes
            child = ChildConfig(
                str(settings), config.socket, pace, time.clock_gettime_ns(time.CLOCK_BOOTTIME),
                NOON_NS - round(BEFORE_NOON_S * NS), str(folder / "ready"),
            )  # fmt: skip
            for _ in range(kills):
                life = Monitor(folder, child, spawn=spawn)
                await _some_time(life, chance)
                life.end(signal.SIGKILL)
                found.up_s += [up for up in [life.up_s()] if up is not None]
            life = Monitor(folder, child, spawn=spawn)
            try:
                await _caught_up(folder / "journals", life)
                await _heard_all(folder / "journals", ear)
                found.up_s.append(life.up_s() or LIMIT_S)
            finally:
                life.end(signal.SIGTERM)
        ear.listen()
        found.words = sum(len(bodies) for bodies in ear.said.values())
        found.contradictions = sum(any(b != bodies[0] for b in bodies) for bodies in ear.said.values())
        found.unheard_alerts = ear.unheard(folder / "journals")
    _look_at(found, folder, influx)
    return found


async def _some_time(life: Monitor, chance: random.Random) -> None:
    """Until a random instant: often while it streams, sometimes while it starts."""
    if chance.random() < 0.25:
        await asyncio.sleep(chance.uniform(0.0, 0.6))
        return
    until_s = time.monotonic() + LIMIT_S
    while life.up_s() is None:
        assert time.monotonic() < until_s, "the monitor did not come up; see child.log"
        await asyncio.sleep(0.01)
    await asyncio.sleep(chance.uniform(0.0, 1.2))


async def _caught_up(journals: Path, life: Monitor) -> None:
    """Until everything the socks had kept has arrived: no number is missing and new ones come."""
    until_s, grown = time.monotonic() + LIMIT_S, 0
    while grown < 3:
        assert time.monotonic() < until_s, _holes(journals)
        before = _kept(journals) if life.up_s() is not None else {}
        await asyncio.sleep(0.5)
        whole = len(before) == len(SITES) and all(
            seqs == set(range(max(seqs) + 1)) for seqs in before.values()
        )
        grown = grown + 1 if whole else 0


def _holes(journals: Path) -> str:
    """What is missing, for whoever reads that a test failed."""
    kept = _kept(journals)
    holes = {site: sorted(set(range(max(seqs) + 1)) - seqs) for site, seqs in kept.items()}
    ends = {
        site: (len(seqs), max(seqs), holes[site][:1], holes[site][-1:], len(holes[site]))
        for site, seqs in kept.items()
    }
    log = journals.parent / "child.log"
    return f"packets are still missing: {ends}; {log.read_text()[-1500:] if log.exists() else ''}"


async def _heard_all(journals: Path, ear: _Ear) -> None:
    """Until the subscriber has the newest version of every alert."""
    until_s = time.monotonic() + LIMIT_S
    while ear.unheard(journals) and time.monotonic() < until_s:
        await asyncio.to_thread(ear.listen)


def _kept(journals: Path) -> dict[str, set[int]]:
    """Numbers of the packets in all nights, by site."""
    kept: dict[str, set[int]] = defaultdict(set)
    with Shelf(journals) as shelf:
        for path in shelf.nights():
            with shelf.opened(path.name) as journal:
                for packet in journal.packets(INFANT):
                    kept[str(packet.site)].add(packet.seq)
    return kept


def _look_at(found: Findings, folder: Path, influx: Influx) -> None:
    ledger = {
        name: [tuple(p) for p in made]
        for name, made in json.loads((folder / "ledger.json").read_bytes()).items()
    }
    arrived: dict[str, list[tuple[int, int]]] = defaultdict(list)
    alike = True
    paths = list(_nights(folder / "journals"))
    for path in paths:
        with Journal.read_only(path) as journal:
            due_before = found.points_due
            for packet in journal.packets(INFANT):
                arrived[str(packet.site)].append((packet.boot, packet.seq))
                found.points_due += len(packet.counts)
            live = journal.events(INFANT)
        came = found.points_due > due_before
        # a night that was begun when all was over has nothing to be replayed
        told = [replay(night).told for night in load(path, as_arrived=True)] if came else []
        alike = alike and _standing(live) == _standing(event for part in told for event in part.events)
    found.nights, found.replayed_alike = len(paths), alike
    for name, made in ledger.items():
        due = made[: made.index(max(arrived[name])) + 1]
        found.packets += len(arrived[name])
        found.missing += len(set(due) - set(arrived[name]))
        found.doubled += len(arrived[name]) - len(set(arrived[name]))
    rows = influx.query("SELECT count(ax) FROM imu")
    found.points = int(str(rows[0]["count"])) if rows else 0


def _standing(events: Iterable[Event]) -> list[tuple[object, ...]]:
    """What stands in the end. How often it was told on the way there may differ where a restart fell in between."""
    return [
        (e.id, e.label, e.onset_ns, e.end_ns, e.count, e.match, e.parent) for e in standing_events(events)
    ]


def _nights(journals: Path) -> Iterator[Path]:
    with Shelf(journals) as shelf:
        yield from shelf.nights()


class _Ear:
    """What a subscriber that was there all the time has heard about events and alerts."""

    def __init__(self, phone: Subscriber) -> None:
        self._phone = phone
        self.said: dict[tuple[str, int], list[dict[str, object]]] = defaultdict(list)

    def listen(self) -> None:
        """Take in what has come, until nothing comes for a moment."""
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._phone._messages.get(timeout=0.2)
                if message.topic.rsplit("/", 1)[-1] in ("alert", "event"):
                    body = json.loads(message.payload)
                    said = {key: value for key, value in body.items() if key not in _OF_SENDING}
                    self.said[body["id"], body["version"]].append(said)

    def unheard(self, journals: Path) -> int:
        """How many alerts there are whose newest version has not come."""
        newest: dict[str, int] = {}
        for path in _nights(journals):
            with Journal.read_only(path) as journal:
                newest |= {alert.id: alert.version for alert in journal.alerts(INFANT)}
        return sum(place not in self.said for place in newest.items())


@contextmanager
def no_secret_left() -> Iterator[None]:
    """The token of the test's database does not outlive the test."""
    try:
        yield
    finally:
        os.environ.pop("LULLWATCH_INFLUX_TOKEN", None)
