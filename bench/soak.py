"""A day of soak: 24 simulated hours with every fault of the virtual sock; monitor and broker killed at random.

    python bench/soak.py [--hours 24] [--pace 14] [--kills 24] [--broker-kills 8] [--keep FOLDER]

The monitor is the one that runs at home, in a process of its own, over a real HCI transport to socks in another
process, with a real Mosquitto; a person who is one answers two of three urgent alerts. Looked at afterwards: memory,
what was logged, the ledger of every minute, every urgent alert. Writes docs/evidence/soak.json from an hour
on, which says how many hours it was.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import evidence
import msgspec

sys.path.insert(0, str(evidence.ROOT))

from soak_look import Findings, Life, look_at, resident_mb
from soak_person import Person
from soak_plan import INFANT, SITES, Killed, Plan, socks_in, utc_of_start_ns

from firmware_sim.sock_process import sock_process
from lullwatch.console import progress
from lullwatch.server_process import tied
from lullwatch.servers import MOSQUITTO, LocalMosquitto, Missing, obtain
from tests.crash_child import ChildConfig

SPEAKS_OF = ("alerts", "dsp", "ingest", "lullwatch", "store", "firmware_sim/sock.py")
GATEWAY = "soak"
LOOK_EVERY_S = 600.0
"""Data time between two readings of the monitor's memory."""
_STOP_LIMIT_S = 60.0
"""A planned stop waits two seconds for sensors and a few for the broker; three times over on a busy computer."""
_CHILD = Path(__file__).with_name("soak_child.py")
SETTINGS = """
gateway = "{gateway}"
journal_dir = "{folder}"
zone = "UTC"
{people}
[[infants]]
id = "{infant}"
{sensors}
[mqtt]
host = "{host}"
port = {port}
tls = false
"""
PEOPLE = """
[[people]]
id = "ann"
[[people]]
id = "ben"
order = 1
"""


class Monitor:
    """The monitor that runs now, and the lives before it."""

    def __init__(self, folder: Path, child: ChildConfig) -> None:
        self._log, self._child = folder / "child.log", folder / "child.json"
        self._child.write_bytes(msgspec.json.encode(child))
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = Path(child.ready)
        self.lives: list[Life] = []

    def start(self, now_s: float) -> None:
        self._ready.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            line = [sys.executable, str(_CHILD), str(self._child)]
            self._process = subprocess.Popen(tied(line), stdout=log, stderr=log, cwd=evidence.ROOT)
        self.lives.append(Life(now_s))

    def end(self, number: signal.Signals, now_s: float) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        life = self.lives[-1]
        life.ended_s = now_s
        try:
            life.status = self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            for _ in range(3):
                self._process.send_signal(signal.SIGUSR1)  # it says in the log what it waits for
                time.sleep(1.0)
            self._process.kill()
            life.status = self._process.wait()

    async def up(self) -> None:
        """Until it has decided on its first batch: a start that is ended in order has to be one."""
        until_s = time.monotonic() + _STOP_LIMIT_S
        while not self._ready.exists() and time.monotonic() < until_s:  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.05)

    @property
    def said(self) -> str:
        """Which life it is, and how large."""
        seen = self.lives[-1].rss_mb
        return f"life {len(self.lives)}" + (f", {seen[-1][1]:.0f} MB" if seen else "")

    def look(self, now_s: float) -> None:
        """Read its memory; a process that is gone by itself is left for the findings."""
        assert self._process is not None
        if self._process.poll() is None:
            self.lives[-1].rss_mb.append((now_s, resident_mb(self._process.pid)))


def settings_in(folder: Path, broker: LocalMosquitto) -> Path:
    """The settings of the monitor."""
    sensors = "\n".join(
        f'[[infants.sensors]]\nsite = "{site}"\naddress = "F0:00:00:00:01:{n:02X}"'
        for n, site in enumerate(SITES, 1)
    )
    (folder / "journals").mkdir()
    path = folder / "lullwatch.toml"
    path.write_text(
        SETTINGS.format(
            gateway=GATEWAY, folder=folder / "journals", infant=INFANT, sensors=sensors, people=PEOPLE,
            host=broker.host, port=broker.port,
        )
    )  # fmt: skip
    return path


async def soak(folder: Path, broker: LocalMosquitto, plan: Plan) -> Findings:
    """Run the whole plan in `folder` and look at what came of it."""
    settings = settings_in(folder, broker)
    socks = await asyncio.to_thread(socks_in, folder, plan)
    async with sock_process(socks, folder):
        base_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        child = ChildConfig(
            str(settings), socks.socket, plan.pace, base_ns, utc_of_start_ns(), str(folder / "ready")
        )
        monitor = Monitor(folder, child)
        began = time.monotonic()

        def now_s() -> float:
            return (time.monotonic() - began) * plan.pace

        with Person(broker, GATEWAY, INFANT, pace=plan.pace, seed=plan.seed):
            await _through(plan, monitor, broker, now_s)
            await monitor.up()
        monitor.end(signal.SIGTERM, now_s())
    kinds = Counter(f.kind for f in socks.faults)
    return look_at(folder, plan, monitor.lives, faults=kinds)


async def _through(plan: Plan, monitor: Monitor, broker: LocalMosquitto, now_s: Callable[[], float]) -> None:
    down_s = random.Random(plan.seed + 3)
    killings = plan.killings()
    looks_s = min(LOOK_EVERY_S, plan.seconds / 30)
    next_look_s = looks_s
    monitor.start(now_s())
    with progress("soaking", total=plan.hours) as bar:
        while (at_s := now_s()) < plan.seconds:
            if killings and at_s >= killings[0][0]:
                _, who = killings.pop(0)
                await _killed(who, monitor, broker, now_s, down_s.uniform(0.0, 2.0))
            if at_s >= next_look_s:
                next_look_s += looks_s
                monitor.look(at_s)
                bar.advance(looks_s / 3600, monitor.said)
            due_s = min([next_look_s, plan.seconds, *(at for at, _ in killings[:1])])
            await asyncio.sleep(max(0.05, (due_s - now_s()) / plan.pace))


async def _killed(
    who: Killed, monitor: Monitor, broker: LocalMosquitto, now_s: Callable[[], float], down_s: float
) -> None:
    """End it as a cut of its power would, and start it again a little later."""
    if who == "monitor":
        monitor.end(signal.SIGKILL, now_s())
        await asyncio.sleep(down_s)
        monitor.start(now_s())
        return
    broker.kill()
    await asyncio.sleep(down_s)
    broker.start()


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Plan()
    words.add_argument("--hours", type=float, default=usual.hours)
    words.add_argument(
        "--pace",
        type=float,
        default=usual.pace,
        help="simulated seconds in a real one; too many, and deciding falls behind",
    )
    words.add_argument("--kills", type=int, default=usual.kills, help="of the monitor, in the first third")
    words.add_argument(
        "--broker-kills", type=int, default=usual.broker_kills, help="of Mosquitto, all through"
    )
    words.add_argument("--seed", type=int, default=usual.seed)
    words.add_argument("--keep", type=Path, help="folder that is left behind, to look into")
    return words


def command_of(asked: argparse.Namespace) -> str:
    """The command that gives such a run again: the one of the Makefile unless something else was asked for."""
    usual = vars(parser().parse_args([]))
    own = {name: value for name, value in vars(asked).items() if name != "keep" and value != usual[name]}
    words = [f"--{name.replace('_', '-')} {value:g}" for name, value in own.items()]
    return " ".join(["python bench/soak.py", *words]) if words else "make soak"


def main() -> int:
    """Soak, look, say; 1 when anything was found that may not be."""
    asked = parser().parse_args()
    mosquitto = obtain(MOSQUITTO)
    if isinstance(mosquitto, Missing):
        print(mosquitto, file=sys.stderr)
        return 2
    plan = Plan(asked.hours, asked.pace, asked.seed, asked.kills, broker_kills=asked.broker_kills)
    with ExitStack() as stack:
        if asked.keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        else:
            folder = asked.keep
            folder.mkdir(parents=True)
        broker = stack.enter_context(LocalMosquitto(folder / "mosquitto", program=mosquitto))
        found = asyncio.run(soak(folder, broker, plan))
    figures = found.figures()
    print(msgspec.json.format(msgspec.json.encode(figures)).decode())
    if asked.hours >= 1.0:
        evidence.write("soak", command=command_of(asked), speaks_of=SPEAKS_OF, figures=figures)
    for problem in found.problems:
        print(f"problem: {problem}", file=sys.stderr)
    return int(bool(found.problems))


if __name__ == "__main__":
    sys.exit(main())
