"""How soon a series reaches a person: virtual socks to an independent MQTT client; writes docs/evidence/latency.json.

    python bench/latency.py [--accelerated 200] [--real 20] [--keep FOLDER]

Series of well visible spasms: at least five of them, 5 to 10 s apart, symmetric, not subtle, awake, with nothing
else going on. Everything between the sock's radio and the receiver is real: HCI, L2CAP, ATT and GATT, the journal on
the disk, the detector, Mosquitto over TCP, a paho client in a thread of its own that shares no code with ours.

accelerated   one simulated home after the other as fast as the computer can. Times are data time: all that the system
              waits for by design is in them; what the processor takes is in them only as the broker's and the
              network's part.
real          homes side by side at real pace; everything is in them.

Figures, each with median, p99 and worst, in seconds:
  third     the third spasm's end to the message, where the series was told before the fourth began
  delivery  the decision to the message, for every series that was told
  overdue   the third spasm's end to the message, for every series that was told: what waits for the detector to be
            sure of a fourth is in it
  series    the same, of those whose first three are a series already: ten seconds long, as the vocabulary has it
Beside them how many were told by the third, later, and not at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import evidence
import msgspec
import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from alerts.mqtt import BrokerAddress
from dsp.clock import Clock
from dsp.records import NS, ClockRow, Label, State
from dsp.settings import Settings
from firmware_sim.life import Background
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Phase, Placed, Scenario
from firmware_sim.sim_clock import ScaledClock, SimClock
from lullwatch.gateway import Gateway
from lullwatch.home import SimulatedHome
from lullwatch.servers import MOSQUITTO, LocalMosquitto, Missing, obtain
from store.journal import Journal

START_UTC_NS: Final = 1_767_290_400 * NS
SERIES: Final = "repeated_brief_movements"
COUNT: Final = 5
"""Spasms of a series: five visible ones are what the targets speak of."""
WARM_UP_S: Final = 30.0
"""Before the first series: noise floors settle within an epoch."""
APART_S: Final = 125.0
"""From one series to the next, so that no gap of less than a minute joins them."""
PER_HOME: Final = 10
AFTER_S: Final = 20.0
"""After the last series, for the messages about it."""
SIDE_BY_SIDE: Final = 5
"""Homes at once at real pace: fifteen socks on one virtual air each, as many as two cores follow."""
FIRST_SEED: Final = 7001
"""Seeds that no threshold was set on."""
LOOK_EVERY_S: Final = 0.5
SUBSCRIBE_S: Final = 10.0
SPEAKS_OF: Final = ("alerts", "dsp", "ingest", "lullwatch", "store", "bench/latency.py")


@dataclass(frozen=True, slots=True)
class Told:
    """One true series and the first message about it; times are data time, ns."""

    home: str
    ends_ns: tuple[int, ...]
    """of its spasms"""
    fourth_ns: int
    """when the fourth began"""
    first_ns: int = 0
    """when the first began"""
    decided_ns: int | None = None
    heard_ns: int | None = None
    severity: str = ""

    @property
    def by_the_third(self) -> bool:
        """Whether it was told before the fourth spasm began."""
        return self.decided_ns is not None and self.decided_ns < self.fourth_ns

    @property
    def is_one_by_the_third(self) -> bool:
        """Whether the first three are a series; three within less than that are none yet, whoever sees them."""
        return self.ends_ns[2] - self.first_ns >= round(Settings().cluster_span_s * NS)

    @property
    def since_third_s(self) -> float:
        """From the third spasm's end to the message."""
        return ((self.heard_ns or 0) - self.ends_ns[2]) / NS

    @property
    def delivery_s(self) -> float:
        """From the decision to the message."""
        return ((self.heard_ns or 0) - (self.decided_ns or 0)) / NS


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came."""

    at_ns: int
    """data time of its arrival"""
    infant: str
    body: dict[str, Any]


class Ear:
    """An independent subscriber that notes the data time at which each alert came."""

    def __init__(self, broker: LocalMosquitto, clock: Clock) -> None:
        self.heard: list[Heard] = []
        self._clock = clock
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="ear")
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.subscribe("lullwatch/+/+/alert", qos=1)

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        at_ns = self._clock.now_ns()
        self.heard.append(Heard(at_ns, message.topic.split("/")[2], json.loads(message.payload)))

    def __enter__(self) -> Ear:
        self._client.loop_start()
        if not self._ready.wait(SUBSCRIBE_S):
            raise TimeoutError
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def make_home(
    seed: int,
    *,
    series: int,
    count: int = COUNT,
    warm_up_s: float = WARM_UP_S,
    gaps_s: tuple[float, float] = (5.0, 10.0),
) -> Night:
    """An infant awake in bed with so many series and nothing else."""
    gaps = np.random.default_rng(seed).uniform(*gaps_s, series)
    placed = tuple(
        Placed(
            "spasm_cluster",
            warm_up_s + n * APART_S,
            {
                "count": count,
                "gap_s": float(gap),
                "subtle": False,
                "symmetry": "symmetric",
                "crescendo": False,
                "busy": 0.0,
                "cries": False,
            },
        )
        for n, gap in enumerate(gaps)
    )
    last_s = float(gaps[-1]) * count * 1.3 + AFTER_S
    lasts_s = warm_up_s + (series - 1) * APART_S + last_s
    plan = Scenario(
        name="latency",
        duration_s=lasts_s,
        age_days=150,
        phases=(Phase(State.AWAKE, lasts_s / 60 + 1),),
        placed=placed,
        background=Background(awake={}),
    )
    return make_night(plan, seed=seed, infant=f"kid-{seed}")


def series_of(night: Night) -> list[Told]:
    """The true series of a home, none of them told yet."""
    members = night.truth.of(Label.SPASM_LIKE)
    found = []
    for whole in night.truth.of(Label.SPASM_LIKE_CLUSTER):
        own = sorted((m for m in members if m.parent == whole.id), key=lambda m: m.onset_ns)
        if len(own) > 3:
            found.append(Told(night.infant, tuple(m.end_ns for m in own), own[3].onset_ns, own[0].onset_ns))
    return found


def told_of(night: Night, heard: Sequence[Heard]) -> list[Told]:
    """Each true series of a home with the first message that spoke of it as a series."""
    own = [h for h in heard if h.infant == night.infant and h.body["pattern"] == SERIES]
    return [_with_first(series, own) for series in series_of(night)]


def _with_first(series: Told, heard: Sequence[Heard]) -> Told:
    begins_ns, ends_ns = series.ends_ns[0], series.ends_ns[-1]
    for message in sorted(heard, key=lambda h: h.at_ns):
        body = message.body
        onset_ns, end_ns = body["onset_ns"] - START_UTC_NS, body["end_ns"] - START_UTC_NS
        if onset_ns <= ends_ns and end_ns >= begins_ns:
            decided_ns = body["decided_ns"] - START_UTC_NS
            return replace(
                series, decided_ns=decided_ns, heard_ns=message.at_ns, severity=str(body["severity"])
            )
    return series


async def live_together(
    nights: Sequence[Night],
    folder: Path,
    broker: LocalMosquitto,
    clock: SimClock | ScaledClock,
    run: Callable[[Sequence[tuple[SimulatedHome, Gateway]]], Any],
) -> None:
    """Homes side by side on one clock, each with a gateway and a journal of its own, while `run` lets time pass."""
    async with AsyncExitStack() as stack:
        pairs = []
        for night in nights:
            journal = stack.enter_context(Journal.open(folder / f"{night.infant}.sqlite"))
            home = await stack.enter_async_context(SimulatedHome(night, clock))  # type: ignore[arg-type]
            gateway = Gateway(
                name=f"gw-{night.infant}",
                journal=journal,
                clock=clock,
                clock_row=ClockRow(0, START_UTC_NS, "simulated", "UTC"),
                wearers=[home.wearer()],
                radio=home.radio(),
                broker=BrokerAddress(broker.host, broker.port),
            )
            await stack.enter_async_context(gateway)
            pairs.append((home, gateway))
        await run(pairs)
        for _, gateway in pairs:
            await gateway.announced()


def accelerated(night: Night, folder: Path, broker: LocalMosquitto) -> list[Told]:
    """One home as fast as the computer can."""
    clock = SimClock()

    async def run(pairs: Sequence[tuple[SimulatedHome, Gateway]]) -> None:
        ((home, gateway),) = pairs
        await home.live(gateway, night.end_ns)

    with Ear(broker, clock) as ear:
        asyncio.run(live_together([night], folder, broker, clock, run))
    return told_of(night, ear.heard)


def at_real_pace(
    nights: Sequence[Night], folder: Path, broker: LocalMosquitto, *, busy: bool = False
) -> list[Told]:
    """Homes side by side at the pace of the world, until each series was told or is over.

    Args:
        nights: the homes.
        folder: for their journals.
        broker: where the messages go.
        busy: the computer is busy with other things: while radio and journal wait for the processor, time stands
            still; the message's own way through broker and network counts as it is.
    """
    end_ns = max(night.end_ns for night in nights)
    clock = SimClock() if busy else ScaledClock()

    def found() -> list[Told]:
        return [told for night in nights for told in told_of(night, list(ear.heard))]

    async def run(pairs: Sequence[tuple[SimulatedHome, Gateway]]) -> None:
        while clock.now_ns() < end_ns and any(told.heard_ns is None for told in found()):
            if isinstance(clock, SimClock):
                until_ns = clock.now_ns() + round(LOOK_EVERY_S * NS)
                await clock.run(until_ns, pace=1.0, settle=partial(_settle, pairs))
            else:
                await clock.sleep(LOOK_EVERY_S)

    with Ear(broker, clock) as ear:
        asyncio.run(live_together(nights, folder, broker, clock, run))
    return found()


async def _settle(pairs: Sequence[tuple[SimulatedHome, Gateway]]) -> None:
    for home, gateway in pairs:
        await home.air.settle()
        if await gateway.settle():
            await home.air.settle()


def figures(told: Sequence[Told]) -> dict[str, Any]:
    """What was measured of all series."""
    reached = [t for t in told if t.heard_ns is not None]
    third = [t for t in reached if t.by_the_third]
    return {
        "series": len(told),
        "told": len(reached),
        "told_by_the_third": len(third),
        "share_told_by_the_third": round(len(third) / len(told), 3) if told else None,
        "rang_at_once": sum(t.severity == "urgent" for t in reached),
        "third_s": spread([t.since_third_s for t in third]),
        "delivery_s": spread([t.delivery_s for t in reached]),
        "overdue_s": spread([t.since_third_s for t in reached]),
        "series_s": spread([t.since_third_s for t in reached if t.is_one_by_the_third]),
    }


def spread(values: Sequence[float]) -> dict[str, float | int | None]:
    """Median, 99th percentile and worst."""
    if not values:
        return {"n": 0, "median": None, "p99": None, "worst": None}
    median, p99 = np.percentile(values, [50, 99])
    return {
        "n": len(values),
        "median": round(float(median), 3),
        "p99": round(float(p99), 3),
        "worst": round(max(values), 3),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and write the evidence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--accelerated", type=int, default=200, help="series in simulated time")
    parser.add_argument("--real", type=int, default=20, help="series at real pace")
    parser.add_argument("--keep", type=Path, help="folder for what was measured; another run goes on from it")
    given = parser.parse_args(words)
    program = obtain(MOSQUITTO)
    if isinstance(program, Missing):
        print(program, file=sys.stderr)
        return 2
    kept = Kept(given.keep)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(LocalMosquitto(folder / "broker", program=program))
        # what takes minutes comes before what takes half an hour
        slow: list[Told] = []
        for first in range(0, given.real, SIDE_BY_SIDE):
            seeds = range(FIRST_SEED + 500 + first, FIRST_SEED + 500 + min(first + SIDE_BY_SIDE, given.real))
            homes = [make_home(seed, series=1) for seed in seeds]
            slow += kept.get(f"real-{first}", lambda: at_real_pace(homes, folder, broker))  # noqa: B023 - called at once
            print("real pace", json.dumps(figures(slow)), flush=True)
        quick: list[Told] = []
        for home in range(-(-given.accelerated // PER_HOME)):
            night = make_home(FIRST_SEED + home, series=PER_HOME)
            quick += kept.get(f"accelerated-{home}", lambda: accelerated(night, folder, broker))  # noqa: B023 - called at once
            print("accelerated", json.dumps(figures(quick)), flush=True)
    found = {"accelerated": figures(quick), "real_pace": figures(slow)}
    if given.accelerated >= 200 and given.real >= 20:
        told = [asdict(t) for t in (*quick, *slow)]
        evidence.write(
            "latency",
            command="python bench/latency.py",
            speaks_of=SPEAKS_OF,
            figures={**found, "series": told},
        )
    return 0


class Kept:
    """What was measured before, by part, so that a run goes on where it was broken off."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, part: str, measure: Callable[[], list[Told]]) -> list[Told]:
        """What is kept of a part, else what is measured now."""
        path = None if self._folder is None else self._folder / f"{part}.json"
        if path is not None and path.exists():
            return msgspec.json.decode(path.read_bytes(), type=list[Told])
        told = measure()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.encode(told))
        return told


if __name__ == "__main__":
    sys.exit(main())
