"""The demo: the whole way of a sample on one computer, from a virtual sock to a message on a phone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import aiomqtt

from alerts.mqtt import BrokerAddress
from dsp.records import NS, ClockRow, Event, EventStatus, Label, Severity, StateEpoch
from firmware_sim.night import Night as SimNight
from firmware_sim.night import make_night
from firmware_sim.sim_clock import SimClock
from store.edf import write_recording
from store.influx import InfluxSink
from store.journal import Journal
from store.recording import from_journal

from .control import Control
from .copier import Copier
from .demo_page import DemoPage
from .detector import Told
from .gateway import Gateway
from .handlers import handlers_of
from .home import SimulatedHome
from .nights import load
from .replay import Replayed, write_results
from .servers import INFLUXD, Found, LocalInflux, LocalMosquitto, Missing, local_broker, obtain
from .spine import Taken
from .summary import summary

__all__ = ["DemoResult", "Show", "alerts_of", "closing_words", "run_demo"]

GATEWAY = "demo"
JOURNAL = "journal-demo.sqlite"
INFANT = "demo"
BUCKET = "lullwatch"
COMMIT_EVERY_S = 1.0
"""Data time between commits: at sixty times real time a second passes in 17 ms, sooner than anyone could see."""
AFTER_S = 2.0
"""Data time after the last sample, for the packets that are still on the air."""
_HOW = {"ring": "RINGS", "push": "silent push"}
"""What a phone does at a version of an alert; at the others it replaces what it shows."""
PHONE_WAIT_S = 10.0
"""Real seconds for the last messages to reach the phone."""


@dataclass(slots=True)
class DemoResult:
    """What the demo led to."""

    replayed: Replayed
    packets_sent: int
    packets_kept: int
    phone: list[dict[str, object]]
    """alerts as an independent client received them from the broker"""
    database_lines: int | None
    """lines that InfluxDB confirmed; None without a database"""
    seconds: float
    """real time from the first sample to the last"""
    paths: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Show:
    """How the demo speaks: `say` a line, `advance` by simulated seconds."""

    say: Callable[[str], None]
    advance: Callable[[float], None]


def run_demo(
    folder: Path, show: Show, *, seed: int = 1, pace: float | None = None, page: bool = False
) -> DemoResult:
    """Run the demo; everything it writes lies in `folder`.

    Args:
        folder: an empty or missing folder.
        show: where progress goes.
        seed: of the simulated infant.
        pace: simulated seconds per real second at most; None for as fast as the computer can.
        page: serve the pages meanwhile.
    """
    with ExitStack() as stack:
        broker = local_broker(folder / "broker")
        stack.enter_context(broker)
        show.say(f"broker    {broker.program if isinstance(broker, LocalMosquitto) else broker.limits}")
        influx = _influx(folder, show)
        if influx is not None:
            stack.enter_context(influx)
            influx.create_bucket(BUCKET)
        if page:
            stack.enter_context(DemoPage(folder / JOURNAL, show.say))
        address = BrokerAddress(broker.host, broker.port)
        return asyncio.run(_Demo(folder, show, address, influx, pace).run(seed))


def _influx(folder: Path, show: Show) -> LocalInflux | None:
    found: Found | Missing = obtain(INFLUXD)
    if isinstance(found, Missing):
        show.say(f"database  none, the journal alone: {found}")
        return None
    show.say(f"database  {found}, behind the adapter for the 2.x write address")
    return LocalInflux(folder / "influx", program=found)


class _Demo:
    def __init__(
        self, folder: Path, show: Show, broker: BrokerAddress, influx: LocalInflux | None, pace: float | None
    ) -> None:
        self._folder = folder
        self._show = show
        self._broker = broker
        self._influx = influx
        self._pace = pace
        self._told = Told()
        self._clock = SimClock()
        self._state = ""
        self._ended: set[str] = set()
        """ids of events that were said to be over"""
        self._phone: list[dict[str, object]] = []
        self._rang = asyncio.Event()

    async def run(self, seed: int) -> DemoResult:
        night = make_night("demo_hour", seed=seed, infant=INFANT)
        path = self._folder / JOURNAL
        with Journal.open(path) as journal, ExitStack() as stack:
            copier = None if self._influx is None else stack.enter_context(self._copier(path, self._influx))
            async with self._listening():
                sent, seconds = await self._live(night, journal)
            kept = sum(1 for _ in journal.segments(INFANT))
        lines = copier.lines if copier else None
        (recorded,) = load(path)
        replayed = Replayed(replace(recorded, name="demo"), self._told)
        paths = [path, *self._write(path, replayed)]
        return DemoResult(replayed, sent, kept, self._phone, lines, seconds, paths)

    async def _live(self, night: SimNight, journal: Journal) -> tuple[int, float]:
        row = ClockRow(0, time.time_ns(), "simulated", "UTC")
        started_s = time.monotonic()
        async with SimulatedHome(night, self._clock) as home:
            self._show.say(f"paired    {', '.join(home.socks)}, each with the passkey on its label")
            gateway = Gateway(
                name=GATEWAY,
                journal=journal,
                clock=self._clock,
                clock_row=row,
                wearers=[home.wearer()],
                radio=home.radio(),
                broker=self._broker,
                on_taken=self._taken,
                commit_every_s=COMMIT_EVERY_S,
            )
            async with gateway, Control(self._folder, handlers_of(gateway)):
                await home.live(gateway, night.end_ns + round(AFTER_S * NS), pace=self._pace)
                gateway.end_recording()
                seconds = time.monotonic() - started_s
            sent = sum(len(sock.sent) for sock in home.socks.values())
        await self._phone_has_all()
        return sent, seconds

    def _copier(self, path: Path, influx: LocalInflux) -> Copier:
        sink = partial(
            InfluxSink, url=influx.url, token=influx.token, org=influx.org, bucket=BUCKET, gateway=GATEWAY
        )
        return Copier(path, sink)

    def _write(self, journal: Path, replayed: Replayed) -> list[Path]:
        with Journal.read_only(journal) as source:
            recording = from_journal(source, INFANT)
        return [
            *write_recording(recording, self._folder / "demo.edf"),
            *write_results(replayed, self._folder),
        ]

    # what is shown meanwhile

    def _taken(self, taken: Taken) -> None:
        for told in taken.told.values():
            self._told.extend(told)
            for state in told.states:
                self._show.advance(state.span_ns / NS)
                self._say_state(state)
            for event in told.events:
                self._say_event(event)

    def _say_state(self, epoch: StateEpoch) -> None:
        if epoch.state != self._state:
            self._state = epoch.state
            self._say_at(epoch.t_ns, f"state   {epoch.state.replace('_', ' ')}")

    def _say_event(self, event: Event) -> None:
        """Each event once, when it is over; a series also when it is first told."""
        is_series = event.label is Label.SPASM_LIKE_CLUSTER and event.status is EventStatus.NEW
        ended = event.status is EventStatus.END and event.label not in (Label.MOVEMENT, Label.TWITCHES)
        if ended and event.id in self._ended:
            return  # it is ended once more when the state after it is known
        if ended:
            self._ended.add(event.id)
        if (is_series or ended) and event.parent is None:
            going_on = " and going on" if is_series else ""
            what = event.label.wire.replace("_", " ")
            words = f"{what}: {event.count} in {event.duration_s:.0f} s{going_on}"
            self._say_at(event.told_ns, f"event   {words}")

    def _say_at(self, t_ns: int, words: str) -> None:
        minutes, seconds = divmod(t_ns // NS, 60)
        self._show.say(f"{minutes:3d}:{seconds:02d}  {words}")

    # the phone

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """An independent client of the broker, as a phone would be."""
        async with aiomqtt.Client(self._broker.host, self._broker.port, identifier="phone") as phone:
            await phone.subscribe(f"lullwatch/{GATEWAY}/+/alert", qos=1)
            listening = asyncio.create_task(self._hear(phone))
            try:
                yield
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _hear(self, phone: aiomqtt.Client) -> None:
        async for message in phone.messages:
            if isinstance(message.payload, bytes):
                alert = json.loads(message.payload)
                self._phone.append(alert)
                self._rang.set()
                self._show_alert(alert)

    def _show_alert(self, alert: dict[str, object]) -> None:
        facts = alert["facts"]
        announce = str(facts["announce"]) if isinstance(facts, dict) else ""
        how = _HOW.get(announce) or ("shown" if alert["version"] == 1 else "")
        if how:
            first = str(alert["text"]).splitlines()
            self._show.say(f"        phone   {how} · {first[0]} · {first[1] if len(first) > 1 else ''}")

    async def _phone_has_all(self) -> None:
        """Wait until the phone has received every alert that was told."""
        due = len(self._told.alerts)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PHONE_WAIT_S):
                while len(self._phone) < due:
                    self._rang.clear()
                    await self._rang.wait()


def alerts_of(phone: list[dict[str, object]], severity: Severity) -> set[object]:
    """Ids of the alerts that stood at a severity in the last version a phone received."""
    stands = {alert["id"]: alert["severity"] for alert in phone}
    return {alert_id for alert_id, last in stands.items() if last == severity}


def closing_words(result: DemoResult, folder: Path) -> str:
    """The summary at the end: coverage first, what reached whom, and what to try next."""
    night = result.replayed.night
    urgent, notices = (alerts_of(result.phone, s) for s in (Severity.URGENT, Severity.NOTICE))
    database = (
        "no database" if result.database_lines is None else f"{result.database_lines:,} points confirmed"
    )
    pace = night.duration_s / result.seconds
    return f"""
{summary(night.name, night.sites, result.replayed.told)}
packets   {result.packets_sent:,} sent by the socks, {result.packets_kept:,} in the journal
phone     {len(urgent)} urgent and {len(notices)} silent alerts received over the broker
database  {database}
pace      {night.duration_s / 60:.0f} simulated minutes in {result.seconds:.0f} s ({pace:.0f} times real time)
picture   {folder / "demo_night.png"}

Try next:
  lullwatch replay {folder / "demo.edf"} --out again       # the same events, from the recording
  lullwatch replay {folder / JOURNAL} --as-arrived --out again
  lullwatch serve --journals {folder / JOURNAL} # the pages, with the token from above
  lullwatch demo --seed 2                                   # another infant
  lullwatch --help"""
