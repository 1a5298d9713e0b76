"""The self-test: the whole way of a real alert, out at every person's channel as a test, and in no child's night."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.commands import Test
from alerts.mqtt import BrokerAddress
from alerts.people import Person
from alerts.telling import ChannelFailed, Kind, Notification
from alerts.words import SELF_TEST, catalogue
from dsp.records import NS, ClockRow, Severity
from firmware_sim.night import Night, make_night
from firmware_sim.scenarios import named_scenario
from firmware_sim.sim_clock import SimClock
from lullwatch.caregiving import Household
from lullwatch.control import Control, ask
from lullwatch.detector import Told
from lullwatch.errors import NoMonitor
from lullwatch.gateway import Gateway, Radio
from lullwatch.home import SimulatedHome
from lullwatch.morning import night_facts
from lullwatch.night_facts import Window
from lullwatch.nights import load
from lullwatch.self_test import NOTE, Outcome, Way, last_outcome
from lullwatch.self_test_job import outcome_of, told
from lullwatch.self_test_signal import SPAN_NS, portions
from lullwatch.spine import Taken
from store.influx_batches import Batches, Buckets, Raw
from store.journal import Journal
from store.rows import FedRow, SegmentRow
from store.shelf import Shelf
from tests.alert_makers import event
from tests.servers_fixtures import PATIENCE_S, Broker
from tests.wording import faults

UTC_NS = 1_767_290_400 * NS
"""2026-01-01 18:00 UTC"""
CLOCK = ClockRow(0, UTC_NS, "boot", "UTC")
BEFORE_NS = 120 * NS
"""data time at which a test is asked for: what it is made of lies before"""


@dataclass
class Bell:
    """A push service that keeps what it was handed, or is broken."""

    broken: bool = False
    notes: list[Notification] = field(default_factory=list)

    async def send(self, message: Notification) -> None:
        if self.broken:
            raise ChannelFailed("bell", "no line")
        self.notes.append(message)


@pytest.fixture(scope="module")
def night() -> Night:
    return make_night(named_scenario("quiet_night").lasting(600), seed=1004, infant="kid")


@dataclass
class Running:
    """A gateway that can let time pass."""

    gateway: Gateway
    clock: SimClock
    journal: Journal
    bell: Bell
    live: Callable[[int], Awaitable[None]]
    troubles: list[tuple[str, str]] = field(default_factory=list)

    async def until(self, done: Callable[[], bool], *, most_s: float = 120.0) -> None:
        end_ns = self.clock.now_ns() + round(most_s * NS)
        while not done() and self.clock.now_ns() < end_ns:
            await self.live(self.clock.now_ns() + NS // 2)
        assert done(), "not so in time"

    async def test(self) -> Outcome:
        task = self.gateway.self_test.begin("anna")
        await self.until(task.done)
        return await task


ANNA = Person("anna", ("mqtt", "bell"))
BEN = Person("ben", ("bell",), order=1, infants=("other",))
CARLA = Person("carla", ("nowhere",), order=2)


@asynccontextmanager
async def started(it: Running) -> AsyncIterator[Running]:
    say = it.gateway.on_trouble

    def listen(kind: str, why: str) -> None:
        it.troubles.append((kind, why))
        say(kind, why)

    it.gateway.self_test._on_trouble = listen
    async with it.gateway:
        yield it


def made(journal: Journal, clock: SimClock, bell: Bell, broker: Broker | None, **more: Any) -> Gateway:
    if broker is not None:
        more["broker"] = BrokerAddress(broker.host, broker.port)
    people = more.pop("people", (ANNA, BEN))
    return Gateway(
        name="gw" if broker is None else broker.topic,
        journal=journal,
        clock=clock,
        clock_row=replace(CLOCK, t_ns=clock.now_ns(), utc_ns=UTC_NS + clock.now_ns()),
        household=Household(people=people, channels={"bell": bell}),
        **more,
    )


@asynccontextmanager
async def at_home(
    night: Night, folder: Path, broker: Broker | None = None, **more: Any
) -> AsyncIterator[Running]:
    """A gateway that listens to the socks of a child."""
    clock, bell = SimClock(), Bell()
    with Journal.open(folder / "journal.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:
            gateway = made(journal, clock, bell, broker, wearers=[home.wearer()], radio=home.radio(), **more)
            live = partial(home.live, gateway, pace=40.0)
            async with started(Running(gateway, clock, journal, bell, live)) as it:
                await home.live(gateway, BEFORE_NS)
                yield it


@asynccontextmanager
async def alone(
    folder: Path, broker: Broker | None = None, *, at_ns: int = BEFORE_NS, **more: Any
) -> AsyncIterator[Running]:
    """A gateway without any sensor."""
    clock, bell = SimClock(at_ns), Bell()

    async def nobody(_: str) -> Any:
        raise NotImplementedError

    with Journal.open(folder / "journal.sqlite") as journal:
        gateway = made(journal, clock, bell, broker, wearers=[], radio=Radio(nobody), **more)

        async def live(until_ns: int) -> None:
            await clock.run(until_ns, pace=40.0, settle=settle)

        async def settle() -> None:
            await asyncio.sleep(0)
            await gateway.settle()

        async with started(Running(gateway, clock, journal, bell, live)) as it:
            yield it


@dataclass
class Tried:
    """A whole test on the real stack, looked at from every side."""

    outcome: Outcome
    notes: list[Notification]
    troubles: list[tuple[str, str]]
    messages: list[tuple[str, dict[str, Any]]]
    journal: Path


@pytest.fixture(scope="module")
def tried(night: Night, _mosquitto_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    broker = Broker(_mosquitto_server, "self-test-gw")
    folder = tmp_path_factory.mktemp("self-test")

    async def whole() -> Tried:
        async with at_home(night, folder, broker) as it:
            outcome = await it.test()
            of_test = [n for n in it.bell.notes if n.alert.infant == SELF_TEST]
            return Tried(outcome, of_test, it.troubles, [], folder / "journal.sqlite")

    with broker.sub("lullwatch/self-test-gw/#") as phone:
        made = asyncio.run(whole())
        while True:
            message = phone.next()
            made.messages.append((message.topic, json.loads(message.payload)))
            if message.topic.endswith("/status") and made.messages[-1][1]["state"] == "stopped":
                return made


def test_it_comes_out_at_every_channel_of_everybody_and_says_when(tried: Tried) -> None:
    assert tried.outcome.result == "passed", tried.outcome
    assert [(w.person, w.channel, w.ok) for w in tried.outcome.ways] == [
        ("anna", "mqtt", True),
        ("anna", "bell", True),
        ("ben", "bell", True),
    ]
    assert all(w.after_s is not None and w.after_s < 30.0 for w in tried.outcome.ways)
    assert tried.outcome.at == "2026-01-01T18:02:00Z"
    assert [t for t in tried.troubles if t[0] == "self_test"] == [("self_test", "")]


def test_what_comes_out_is_marked_as_a_test_and_rings(tried: Tried) -> None:
    assert [n.send.person for n in tried.notes] == ["anna", "ben"]
    for note in tried.notes:
        assert note.send.kind is Kind.TEST
        assert note.send.rings
        assert note.title == catalogue("en").test_title
        assert catalogue("en").look not in note.text
        assert faults(note.text) == []


def test_on_mqtt_it_has_a_topic_of_its_own_and_one_message_that_rings_for_each(tried: Tried) -> None:
    alerts = [(t, m) for t, m in tried.messages if t.endswith("/alert") and m["severity"] != "technical"]
    assert {t for t, _ in alerts} == {f"lullwatch/self-test-gw/{SELF_TEST}/alert"}
    assert {m["kind"] for _, m in alerts} == {"test"}
    assert [m["to"] for _, m in alerts if m["rings"]] == ["anna"]
    assert not any(m["open"] for _, m in alerts)


def test_the_outcome_is_in_the_retained_status_and_in_the_journal(tried: Tried) -> None:
    said = [m["self_test"] for t, m in tried.messages if t.endswith("/status") and "self_test" in m]
    assert msgspec.convert(said[-1], Outcome) == tried.outcome
    with Shelf.around(tried.journal) as shelf:
        assert last_outcome(shelf) == tried.outcome


def test_nothing_of_it_is_in_a_child_s_rows_counts_noise_floor_or_summary(tried: Tried) -> None:
    with Journal.read_only(tried.journal) as journal:
        assert journal.infants() == ["kid"]
        assert [a for a in journal.alerts("kid") if a.pattern == "repeated_brief_movements"] == []
        assert journal.alerts(SELF_TEST)
        assert {s.sensor for s in journal.segments("kid")} == {"la", "ra", "tr"}
        assert journal.newest_snapshot(SELF_TEST) is None
    (replayed,) = load(tried.journal)
    assert replayed.infant == "kid"
    facts = night_facts(tried.journal, "kid", Window.at(UTC_NS, "UTC"))
    assert [a for a in facts.alerts if a.pattern == "repeated_brief_movements"] == []
    assert "self_test" not in {cause for t in facts.technical for cause in t.causes}


def test_nothing_of_it_goes_to_the_database(tried: Tried) -> None:
    with Journal.read_only(tried.journal) as journal:
        batches = Batches(
            journal, gateway="home", buckets=Buckets("all"), raw=Raw.FULL, raw_hz=1.0, after_row=0
        )
        (batch,) = [b for b in [batches.next(0, 10**9)] if b is not None]
        body = b"\n".join(piece.body() for piece in batch.pieces)
    assert b"infant=kid" in body
    assert b"selftest" not in body


def test_the_child_is_detected_on_as_if_there_had_been_no_test(
    tried: Tried, night: Night, tmp_path: Path
) -> None:
    async def without() -> None:
        async with at_home(night, tmp_path) as it:
            with Journal.read_only(tried.journal) as other:
                until_ns = other.newest_ns or 0
            await it.live(until_ns)

    asyncio.run(without())
    with Journal.read_only(tried.journal) as a, Journal.read_only(tmp_path / "journal.sqlite") as b:
        floors = [
            [(e.t_ns, e.site, e.floor_g, e.activity_g) for e in j.epochs("kid") if e.t_ns < BEFORE_NS]
            for j in (a, b)
        ]
        assert floors[0] == floors[1]
        assert len(floors[0]) >= 9


async def test_a_channel_that_does_not_take_it_fails_the_test_and_is_named(tmp_path: Path) -> None:
    async with alone(tmp_path, people=(ANNA, BEN, CARLA)) as it:
        it.bell.broken = True
        outcome = await it.test()
    assert outcome.result == "failed"
    assert not outcome.passed
    assert "no line" in outcome.why
    assert "carla over nowhere" in outcome.why
    assert [t for t in it.troubles if t[0] == "self_test"] == [("self_test", outcome.why)]


async def test_a_failed_test_is_a_technical_alert_until_one_passes(tmp_path: Path) -> None:
    async with alone(tmp_path, people=(BEN,)) as it:
        it.bell.broken = True
        await it.test()
        it.bell.broken = False
        assert (await it.test()).passed
        await it.until(lambda: len([a for a in it.journal.alerts() if a.pattern == "self_test"]) == 2)
        raised, cleared = (a for a in it.journal.alerts() if a.pattern == "self_test")
    assert (raised.severity, raised.cleared, cleared.cleared) == (Severity.TECHNICAL, False, True)


async def test_an_urgent_alert_of_a_child_ends_the_test(tmp_path: Path) -> None:
    async with alone(tmp_path, people=(BEN,)) as it:
        task = it.gateway.self_test.begin("anna")
        await asyncio.sleep(0)
        real = replace(alert_of(event(infant="kid")), infant="kid")
        it.gateway.self_test.taken(Taken({"kid": Told(alerts=[real])}))
        await it.until(task.done)
        outcome = await task
        assert outcome.result == "preempted"
        assert [n for n in it.bell.notes if n.alert.infant == SELF_TEST] == []
        assert [t for t in it.troubles if t[0] == "self_test"] == []


async def test_a_further_version_of_an_alert_that_is_known_ends_no_test(tmp_path: Path) -> None:
    async with alone(tmp_path, people=(BEN,)) as it:
        real = replace(alert_of(event(infant="kid")), infant="kid")
        it.gateway.self_test.taken(Taken({"kid": Told(alerts=[real])}))
        task = it.gateway.self_test.begin("anna")
        await asyncio.sleep(0)
        it.gateway.self_test.taken(Taken({"kid": Told(alerts=[replace(real, version=2)])}))
        await it.until(task.done)
        assert (await task).passed


async def test_a_service_that_stops_meanwhile_says_that_the_test_was_interrupted(tmp_path: Path) -> None:
    async with alone(tmp_path, people=(BEN,)) as it:
        it.gateway.self_test.begin("anna")
        await asyncio.sleep(0.01)
    with Shelf.around(tmp_path / "journal.sqlite") as shelf:
        left = last_outcome(shelf)
    assert left is not None
    assert left.result == "interrupted"


async def test_two_tests_one_after_the_other_both_pass_and_a_second_at_once_is_refused(
    tmp_path: Path,
) -> None:
    async with alone(tmp_path, people=(BEN,)) as it:
        first = await it.gateway.self_test.on_test(Test(by="anna"))
        second = await it.gateway.self_test.on_test(Test(by="anna"))
        assert (first.ok, second.ok) == (True, False)
        await it.until(lambda: not it.gateway.self_test.running)
        assert (await it.test()).passed
        notes = [n for n in it.journal.notes(SELF_TEST) if n.kind == NOTE]
    assert {json.loads(n.text)["result"] for n in notes} == {"passed"}
    with Shelf.around(tmp_path / "journal.sqlite") as shelf, shelf.opened("journal.sqlite") as journal:
        assert len([n for n in journal.notes(SELF_TEST) if n.kind == NOTE]) == 2


async def test_after_a_restart_the_status_still_says_the_outcome(tmp_path: Path, mosquitto: Broker) -> None:
    async with alone(tmp_path, people=(BEN,)) as it:
        before = await it.test()
    with await asyncio.to_thread(mosquitto.sub, f"lullwatch/{mosquitto.topic}/status") as sub:
        async with alone(tmp_path, mosquitto, at_ns=2 * BEFORE_NS) as it:
            await it.live(2 * BEFORE_NS + 20 * NS)
            states = [json.loads((await asyncio.to_thread(sub.next)).payload) for _ in range(2)]
    assert msgspec.convert(states[1]["self_test"], Outcome) == before


async def test_every_evening_at_its_time_it_begins_by_itself(tmp_path: Path) -> None:
    async with alone(tmp_path, people=(BEN,), self_test_at=time(18, 3)) as it:
        assert not it.gateway.self_test.running
        await it.until(lambda: any(n.alert.infant == SELF_TEST for n in it.bell.notes), most_s=90.0)
        await it.until(lambda: it.journal.notes(SELF_TEST) != [])
        notes = [json.loads(n.text) for n in it.journal.notes(SELF_TEST)]
    assert [(n["by"], n["at"][:16]) for n in notes] == [("every-evening", "2026-01-01T18:03")]


def alert_of(row: Any) -> Any:
    from alerts.rules import RuleState, decide

    (alert,) = decide(RuleState(), row)[1]
    return alert


def test_the_made_movements_come_in_short_portions_closed_by_ticks_up_to_now() -> None:
    parts = list(portions(1000 * NS))
    ticks = [row.item.t_ns for rows in parts for row in rows if isinstance(row, FedRow)]
    segments = [row for rows in parts for row in rows if isinstance(row, SegmentRow)]
    assert ticks == [1000 * NS - SPAN_NS + n * NS for n in range(1, SPAN_NS // NS + 1)]
    assert all(isinstance(rows[-1], FedRow) for rows in parts)
    assert max(len(rows) for rows in parts) < 150
    assert {row.infant for row in segments} == {SELF_TEST}
    assert all(row.segment.sensor.startswith("selftest-") for row in segments)
    assert len({row.segment.boot for row in segments}) == 1
    assert {
        row.segment.boot for rows in portions(2000 * NS) for row in rows if isinstance(row, SegmentRow)
    } != {segments[0].segment.boot}


SETTINGS = """
gateway = "home"
journal_dir = "{folder}"
language = "{language}"
[[infants]]
id = "a"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
"""


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("result", ["passed", "failed", "preempted", "interrupted"])
def test_the_command_tells_the_outcome_in_words(tmp_path: Path, language: str, result: str) -> None:
    settings = tmp_path / "lullwatch.toml"
    settings.write_text(SETTINGS.format(folder=tmp_path, language=language), encoding="utf-8")
    ways = (Way("anna", "mqtt", ok=True, after_s=2.34), Way("ben", "bell", why="no line"))
    said = told(settings, Outcome(result, "2026-01-01T18:03:20Z", "anna", "ben over bell: no line", ways))
    assert len(said) == 3
    assert "18:03" in said[0]
    assert "2.3 s" in said[1]
    assert "no line" in said[2]
    assert {line: faults(line, language) for line in said if faults(line, language)} == {}


def test_the_command_without_a_running_service_says_so(tmp_path: Path) -> None:
    settings = tmp_path / "lullwatch.toml"
    settings.write_text(SETTINGS.format(folder=tmp_path, language="en"), encoding="utf-8")
    with pytest.raises(NoMonitor, match="lullwatch does not answer"):
        outcome_of(settings)


async def test_the_socket_is_for_its_owner_alone_and_answers_only_what_it_knows(tmp_path: Path) -> None:
    async def echo(asked: Any) -> dict[str, Any]:
        return {"said": asked["word"]}

    async with Control(tmp_path, {"echo": echo}):
        assert (tmp_path / "control.sock").stat().st_mode & 0o777 == 0o600
        assert await ask(tmp_path, "echo", timeout_s=PATIENCE_S, word="x" * 1000) == {"said": "x" * 1000}
        assert "no such request" in (await ask(tmp_path, "other", timeout_s=PATIENCE_S))["error"]
    assert not (tmp_path / "control.sock").exists()
    with pytest.raises(NoMonitor):
        await ask(tmp_path, "echo", timeout_s=PATIENCE_S)


async def test_a_socket_left_by_a_crash_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "control.sock").write_text("left", encoding="utf-8")

    async def yes(_: Any) -> dict[str, Any]:
        return {"ok": True}

    async with Control(tmp_path, {"yes": yes}):
        assert await ask(tmp_path, "yes", timeout_s=PATIENCE_S) == {"ok": True}


async def test_a_command_over_mqtt_begins_it_and_is_answered(tmp_path: Path, mosquitto: Broker) -> None:
    place = f"lullwatch/{mosquitto.topic}"
    async with alone(tmp_path, mosquitto) as it:
        await it.until(
            lambda: it.gateway.outreach.publisher is not None and it.gateway.outreach.publisher.connected
        )
        with await asyncio.to_thread(mosquitto.sub, f"{place}/+/result/test") as answers:
            asked = json.dumps({"by": "anna", "id": "t1"})
            await asyncio.to_thread(mosquitto.pub, f"{place}/gateway/set/test", asked)
            await it.until(lambda: it.gateway.self_test.running)
            await it.until(lambda: not it.gateway.self_test.running)
            answer = json.loads((await asyncio.to_thread(answers.next)).payload)
        await it.until(lambda: it.journal.notes(SELF_TEST) != [])
        (note,) = it.journal.notes(SELF_TEST)
    assert (answer["ok"], answer["id"]) == (True, "t1")
    assert (json.loads(note.text)["result"], note.author) == ("passed", "anna")
