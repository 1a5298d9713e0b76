"""The gateway on the virtual radio: stopping, failing, and a clock that is set in the night."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from alerts.mqtt import BrokerAddress, MqttPublisher
from dsp.records import NS, ClockRow
from firmware_sim.night import Night, make_night
from firmware_sim.scenarios import named_scenario
from firmware_sim.sim_clock import SimClock
from lullwatch import gateway as gateway_module
from lullwatch import outreach
from lullwatch.announcer import Announcer
from lullwatch.arming import Armer
from lullwatch.caregiving import Caregiving, Household
from lullwatch.dead_man import DeadManPing
from lullwatch.detector import Detector
from lullwatch.gateway import Gateway
from lullwatch.home import SimulatedHome
from lullwatch.home_assistant import NightBoard
from lullwatch.morning_post import MorningPost
from lullwatch.outreach import Outreach
from lullwatch.self_test import SelfTest
from lullwatch.spine import Spine
from store.errors import JournalFull
from store.journal import Journal
from tests.caregiving_rig import ANNA, Phone, alert
from tests.servers_fixtures import Broker

CLOCK = ClockRow(0, 1_767_290_400 * NS, "boot", "UTC")


@pytest.fixture(scope="module")
def night() -> Night:
    return make_night(named_scenario("kicking_hour").lasting(200), seed=1003, infant="kid")


def gateway(home: SimulatedHome, journal: Journal, clock: SimClock, **options: Any) -> Gateway:
    name = options.pop("name", "gw")
    return Gateway(
        name=name,
        journal=journal,
        clock=clock,
        clock_row=options.pop("clock_row", CLOCK),
        wearers=[home.wearer()],
        radio=home.radio(),
        **options,
    )


@pytest.mark.parametrize("started_again", [False, True])
async def test_a_clock_that_came_up_ahead_and_is_set_back_leaves_an_open_alert_its_hour(
    night: Night, tmp_path: Path, started_again: bool
) -> None:
    hours_ns, clock = 2 * 3600 * NS, SimClock()
    before = replace(CLOCK, t_ns=-120 * NS - hours_ns, utc_ns=CLOCK.utc_ns - 120 * NS, boot="first")
    first = replace(CLOCK, utc_ns=CLOCK.utc_ns + hours_ns)
    urgent = alert(t_ns=before.t_ns, onset_ns=before.t_ns, end_ns=before.t_ns)
    row = CLOCK if started_again else first
    with Journal.open(tmp_path / "j.sqlite") as journal:
        journal.commit([before, urgent, *([first] if started_again else [])])
        async with SimulatedHome(night, clock) as home, gateway(home, journal, clock, clock_row=row) as live:
            assert live.care.machine.standing(urgent, 0).past is not started_again
            live._utc_set(CLOCK)
            assert not live.care.machine.standing(urgent, 0).past


async def test_after_a_stop_the_next_start_goes_on_and_no_packet_is_there_twice(
    night: Night, tmp_path: Path
) -> None:
    clock = SimClock()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:
            for until_s in (70, 140):
                async with gateway(home, journal, clock) as live:
                    await home.live(live, until_s * NS)
            sent = {number for sock in home.socks.values() for number in sock.sent}
        packets = [(p.boot, p.seq) for p in journal.packets("kid")]
        assert len(packets) == len(set(packets))
        assert set(packets) == sent
        assert len(journal.configs()) == 1
        assert journal.newest_snapshot("kid") is not None


async def test_a_clock_that_is_set_in_the_night_is_journalled_once(night: Night, tmp_path: Path) -> None:
    clock = SimClock()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:

            def read() -> ClockRow:
                set_by_ns = 3600 * NS if clock.now_ns() > 90 * NS else 0
                return replace(CLOCK, t_ns=clock.now_ns(), utc_ns=CLOCK.utc_ns + clock.now_ns() + set_by_ns)

            async with gateway(home, journal, clock, read_clock=read) as live:
                await home.live(live, 190 * NS)
        offsets = [row.utc_ns - row.t_ns - CLOCK.utc_ns for row in journal.clock_rows()]
        assert offsets == [0, 3600 * NS]
        said = [(a.version, a.cleared) for a in journal.alerts() if a.pattern == "clock"]
        assert said == [(1, False), (2, True)]


async def test_a_full_disk_reaches_people_past_the_journal_and_rings_when_nobody_watches_for_five_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = make_night(named_scenario("kicking_hour").lasting(460), seed=1003, infant="kid")
    clock, phone = SimClock(), Phone()
    commit = Journal.commit

    def full(journal: Journal, *rows: Any) -> Any:
        if 20 * NS < clock.now_ns() < 430 * NS:
            raise JournalFull(journal.path)
        return commit(journal, *rows)

    monkeypatch.setattr(Journal, "commit", full)
    people = Household(people=(ANNA,), channels={"ntfy": phone})
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with (
            SimulatedHome(lasting, clock) as home,
            gateway(home, journal, clock, household=people) as live,
        ):
            await home.live(live, 410 * NS)
            meanwhile = [(n.alert.pattern, n.send.rings, n.alert.facts.get("unwritten")) for n in phone.got]
            assert meanwhile == [("disk", False, 1), ("blind", True, 1)]
            await home.live(live, 450 * NS)
        over = {(a.pattern, a.facts["detail"]) for a in journal.alerts() if a.cleared}
        assert over == {("disk", ""), ("blind", "journal")}


async def test_deciding_that_falls_five_minutes_behind_rings_past_it_while_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = make_night(named_scenario("kicking_hour").lasting(410), seed=1003, infant="kid")
    clock, phone, let_on = SimClock(), Phone(), threading.Event()
    feed = Detector.feed_block

    def slow(detector: Detector, block: Any) -> Any:
        if clock.now_ns() > 20 * NS:
            assert let_on.wait(600)
        return feed(detector, block)

    monkeypatch.setattr(Detector, "feed_block", slow)
    people = Household(people=(ANNA,), channels={"ntfy": phone})
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with SimulatedHome(lasting, clock) as home:
            async with gateway(home, journal, clock, household=people) as live:
                with monkeypatch.context() as running_on:  # simulated time waits for deciding elsewhere
                    running_on.setattr(live, "settle", live._intake.kept)
                    await home.live(live, 390 * NS)
                told = [(n.alert.pattern, n.send.rings) for n in phone.got]
                let_on.set()
                await home.live(live, 400 * NS)
                assert all(watermark_ns > 395 * NS for watermark_ns in live.watermarks().values())
            assert told == [("behind", True)]
            sent = {number for sock in home.socks.values() for number in sock.sent}
        assert {(p.boot, p.seq) for p in journal.packets("kid")} == sent
        assert [a.pattern for a in journal.alerts() if a.cleared] == ["behind"]


async def test_a_service_that_fails_is_offline_and_not_stopped(
    night: Night, mosquitto: Broker, tmp_path: Path
) -> None:
    class BrokenError(Exception):
        pass

    clock = SimClock()
    with (
        Journal.open(tmp_path / "j.sqlite") as journal,
        mosquitto.sub(f"lullwatch/{mosquitto.topic}/status") as sub,
    ):
        address = BrokerAddress(mosquitto.host, mosquitto.port)
        async with SimulatedHome(night, clock) as home:
            failing = gateway(home, journal, clock, name=mosquitto.topic, broker=address)

            async def fail() -> None:
                async with failing:
                    await home.live(failing, 10 * NS)
                    await failing.announced()
                    raise BrokenError

            with pytest.raises(BrokenError):
                await fail()
        states = [json.loads(m.payload)["state"] for m in sub.take(2)]
    assert states == ["online", "offline"]


async def test_whatever_fails_beside_recording_it_goes_on_and_people_are_told(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: Counter[str] = Counter()

    def failing(name: str) -> Any:
        async def run(*_: object, **__: object) -> None:
            begun[name] += 1
            raise RuntimeError(name)

        return run

    for owner, work in (
        (DeadManPing, "run"), (MorningPost, "run"), (Armer, "run"), (gateway_module, "follow_utc"),
        (MqttPublisher, "run"), (Announcer, "run"), (Outreach, "show"), (SelfTest, "every_evening"),
        (Outreach, "tell_last_test"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, work, failing(f"{owner.__name__}.{work}"))
    monkeypatch.setattr(NightBoard, "feed", lambda *_: 1 / 0)
    for module in (outreach, gateway_module):
        monkeypatch.setattr(module, "STOP_S", 0.1)  # for a broker that is not there
    clock, phone = SimClock(), Phone()
    people = Household(people=(ANNA,), channels={"ntfy": phone}, ping_url="http://127.0.0.1:9/x")
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:
            live = gateway(
                home, journal, clock, household=people, broker=BrokerAddress("127.0.0.1", 9),
                summary_at=time(7), self_test_at=time(19),
            )  # fmt: skip
            link, fails = live.links[0], [KeyError("odd packet")] * 2
            run_link = link.run

            async def odd() -> None:
                if fails:
                    raise fails.pop()
                await run_link()

            monkeypatch.setattr(link, "run", odd)
            async with live:
                waiting = asyncio.create_task(live.wait())
                await home.live(live, 30 * NS)
                assert not waiting.done()
                waiting.cancel()
                open_now = [t for t in live.stands().troubles if t.kind == "service"]
                troubles, whose = {t.detail for t in open_now}, {t.infant for t in open_now}
                assert all(t.infant == "kid" for t in open_now if t.detail.startswith("link "))
            sent = {number for sock in home.socks.values() for number in sock.sent}
        assert {(p.boot, p.seq) for p in journal.packets("kid")} == sent
        told = {n.alert.facts["why"]: n.send.rings for n in phone.got if n.alert.pattern == "service"}
    assert len(begun) == 9
    assert min(begun.values()) >= 3
    assert troubles == {
        "ping", "summary", "arming", "clock", "broker", "mqtt-alert", "mqtt-alert-event-state-coverage-link",
        "tonight", "last-test", "board", "self-test", f"link {link.sample().site.value} {link.sample().sensor}",
    }  # fmt: skip
    assert told["ping: RuntimeError"] is False
    assert any(str(why).startswith("link ") for why in told)
    assert whose == {"kid", ""}


@pytest.mark.parametrize(("owner", "work"), [(Caregiving, "run"), (Spine, "decide")])
async def test_where_nothing_can_be_decided_or_nobody_told_for_long_the_service_ends_so_that_it_is_told_past_it(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, work: str
) -> None:
    class BrokenError(Exception):
        pass

    async def fail_later(*_: object) -> None:
        raise BrokenError

    def fail(*_: object) -> None:
        raise BrokenError

    monkeypatch.setattr(owner, work, fail if owner is Spine else fail_later)
    clock = SimClock()

    async def live_on() -> None:
        async with SimulatedHome(night, clock) as home, gateway(home, journal, clock) as live:
            waiting = asyncio.create_task(live.wait())
            living = asyncio.create_task(home.live(live, 60 * NS))
            await asyncio.wait({waiting, living}, return_when=asyncio.FIRST_COMPLETED)
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            for _ in range(500):  # threads need real time
                if not waiting.done():
                    await clock.run(clock.now_ns() + NS // 4)
                    await asyncio.sleep(0.01)
            ended.append(waiting.done())
            await waiting

    ended: list[bool] = []
    with Journal.open(tmp_path / "j.sqlite") as journal, pytest.raises(BrokenError):
        await live_on()
    assert ended == [True]  # what the end itself raises would hide that nobody had noticed


async def test_what_a_part_of_the_process_before_failed_of_is_over_with_it(
    night: Night, tmp_path: Path
) -> None:
    clock = SimClock()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:
            async with gateway(home, journal, clock) as live:
                live.outreach.failing("ping", "ping: RuntimeError")
                live.outreach.failing("link LA la", "link LA la: KeyError", infant="kid")
                live.on_trouble("service", "serve: it ended 5 times")
                await home.live(live, 10 * NS)
            async with gateway(home, journal, clock) as live:
                await home.live(live, 20 * NS)
                assert [(t.kind, t.detail) for t in live.stands().troubles] == [("service", "")]
