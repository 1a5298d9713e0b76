"""From alerts to people and back: the proof of delivery, a restart in the middle, full disks, and a real broker."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from alerts.people import Person
from alerts.proof import proof_of
from dsp.records import NS, Severity
from lullwatch.caregiving import hours_left
from store.errors import JournalFull
from store.utc import UtcMap
from tests.caregiving_rig import ANNA, BEN, CLOCK, HandClock, Home, alert, until
from tests.servers_fixtures import Broker

ROOT = Path(__file__).resolve().parents[1]


async def test_every_alert_has_its_steps_in_the_journal(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.decide(alert())
        await home.pass_time(130)
        await home.ask("receipt", '{"alert":"alert-1","version":1,"by":"anna","channel":"ntfy"}')
        await home.ask("ack", '{"by":"ben","alert":"alert-1","id":"a1"}')
        await home.pass_time(10)
        steps = [
            (row.step, row.channel, proof_of(row).to or proof_of(row).by) for row in home.journal.deliveries()
        ]
        for step in (
            ("raised", "ntfy", "anna"),
            ("published", "ntfy", "anna"),
            ("received", "ntfy", "anna"),
            ("raised", "ntfy", "ben"),
            ("acknowledged", "mqtt", "ben"),
            ("command", "mqtt", "ben"),
        ):
            assert step in steps
        assert steps.index(("raised", "ntfy", "anna")) < steps.index(("published", "ntfy", "anna"))
        assert home.phone.kinds("anna") == ["alert", "repeat", "repeat", "answered"]
        assert home.phone.kinds("ben") == ["alert", "answered"]
        assert "ben has answered" in home.phone.got[-1].text


async def test_what_rings_says_so_again_and_what_was_answered_says_who(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.decide(alert())
        await home.pass_time(70)
        first, again = home.phone.got
        assert (first.title, again.title) == (
            "Repeated brief movements recorded",
            "Again: Repeated brief movements recorded",
        )
        assert again.text == first.text
        assert again.standing.told == ("anna",)


async def test_a_false_alarm_stands_beside_the_record_and_goes_to_all_who_were_told(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.decide(alert())
        await home.pass_time(130)
        assert (await home.ask("ack", '{"by":"anna","false_alarm":true}'))["alerts"] == ["alert-1"]
        await home.pass_time(10)
        assert home.phone.kinds()[-2:] == ["false_alarm", "false_alarm"]
        [note] = home.journal.notes("kid")
        assert (note.kind, note.text, note.author) == ("false_alarm", "alert-1", "anna")
        [kept] = home.journal.alerts("kid")
        assert kept == alert()


async def test_a_kill_in_the_middle_resumes_and_nobody_is_told_anew(tmp_path: Path) -> None:
    home = Home(tmp_path)
    async with home.living():
        home.decide(alert())
        await home.pass_time(100)
    async with home.living():
        await home.pass_time(30)
        assert home.phone.kinds("ben") == ["alert"]
        await home.ask("ack", '{"by":"ben"}')
        await home.pass_time(5)
    sent = len(home.phone.got)
    async with home.living():
        await home.pass_time(300)
    assert len(home.phone.got) == sent


async def test_a_kill_9_in_the_middle_resumes_in_another_process(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "tests.caregiving_child", str(tmp_path)]
    child = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: ASYNC220 - nothing else runs yet
    assert child.stdout is not None
    told = child.stdout.readline().split()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert told[2:] == ["alert", "repeat"]
    home = Home(tmp_path)
    home.clock = HandClock(int(told[1]) + 30 * NS)
    async with home.living():
        await home.pass_time(60)
        assert home.phone.kinds("anna") == ["repeat"]
        assert home.phone.kinds("ben") == ["alert"]
        assert (await home.ask("ack", '{"by":"ben"}'))["alerts"] == ["alert-1"]


async def test_an_escalation_goes_on_over_noon_in_the_file_of_the_next_night(tmp_path: Path) -> None:
    home = Home(tmp_path)
    async with home.living():
        home.decide(alert())
        await home.pass_time(20)
    home.path = tmp_path / "journal-2026-03-15.sqlite"
    async with home.living():
        home.journal.commit(
            [replace(CLOCK, t_ns=home.clock.now_ns(), utc_ns=CLOCK.utc_ns + home.clock.now_ns())]
        )
    async with home.living():
        await home.pass_time(130)
        assert home.phone.kinds("ben") == ["alert"]
        assert (await home.ask("ack", '{"by":"ben","alert":"alert-1"}'))["ok"]


async def test_what_rings_waits_for_no_full_disk_and_is_kept_when_there_is_room(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.desk.full = JournalFull(home.path)
        home.care.told([alert()])
        await home.pass_time(10)
        assert home.phone.kinds() == ["alert"]
        answer = await home.ask("ack", '{"by":"anna"}')
        assert answer["ok"]
        assert "journal" in answer["why"]
        home.desk.full = None
        await home.pass_time(130)
        assert home.phone.kinds() == ["alert", "answered"]
        assert [proof_of(row).by for row in home.steps("acknowledged")] == ["anna"]


async def test_a_phone_that_cannot_be_reached_costs_the_next_person_no_time(tmp_path: Path) -> None:
    home = Home(tmp_path, (ANNA, Person("ben", ("sms",), order=1)))
    async with home.living():
        home.phone.broken = True
        home.decide(alert())
        await home.pass_time(5)
        failed = home.steps("failed")
        assert [(proof_of(r).to, proof_of(r).why) for r in failed] == [
            ("anna", "channel ntfy: the service does not answer"),
            ("ben", "channel sms: there is no such channel here: see [[people]] in the settings"),
        ]


async def test_a_phone_that_hears_of_it_hours_later_is_told_when_it_was(tmp_path: Path) -> None:
    async with Home(tmp_path, (ANNA,)).living() as home:
        home.phone.broken = True
        home.decide(alert())
        await home.pass_time(2 * 3600, 60)
        home.phone.broken = False
        await home.pass_time(600, 60)
        told = home.phone.got[0]
    assert not told.send.rings
    assert "This happened 2 h" in told.text


async def test_what_a_mute_kept_silent_is_recorded_and_told_at_its_end(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        body = '{"by":"anna","patterns":["repeated_brief_movements"],"minutes":30}'
        answer = await home.ask("mute", body)
        assert answer["ok"]
        assert answer["until"] == "2026-03-14T22:46:40Z"
        home.decide(alert())
        await home.pass_time(60)
        assert home.phone.got == []
        assert home.care.record(alert()).send.rings is False
        assert home.care.record(alert()).alert.facts["muted"] == 1
        await home.pass_time(1800, 20)
        told, at_ben = home.phone.got  # it was urgent, so all of the chain hear of it
        assert (told.send.person, at_ben.send.person, told.send.rings) == ("anna", "ben", False)
        assert told.title == "Recorded while muted"
        assert "22:16 Repeated brief movements recorded" in told.text
        assert told.alert.pattern == "while_muted"
        assert [row.alert_id for row in home.steps("muted")] == ["alert-1"]
        assert home.journal.alerts("kid")[-1].id == told.alert.id


async def test_over_a_real_broker_one_answer_stops_it_for_everyone_and_everyone_sees_who(
    tmp_path: Path, mosquitto: Broker
) -> None:
    base = f"lullwatch/{mosquitto.topic}/kid"
    home = Home(tmp_path, (Person("anna"), BEN), mosquitto)
    with mosquitto.sub(f"{base}/alert") as phone, mosquitto.sub(f"{base}/result/ack") as result:
        async with home.living():
            home.decide(alert())
            await until(lambda: len(home.steps("published")) >= 2)
            await home.pass_time(65)
            await until(
                lambda: any(r.step == "published" and proof_of(r).n == 2 for r in home.journal.deliveries())
            )
            await asyncio.to_thread(
                mosquitto.pub, f"{base}/set/ack", '{"by":"anna","alert":"alert-1","id":"x1"}'
            )
            await until(lambda: home.steps("acknowledged") != [])
            await home.pass_time(5)
            said = [json.loads(m.payload) for m in await asyncio.to_thread(phone.take, 3)]
            [answer] = [json.loads(m.payload) for m in await asyncio.to_thread(result.take, 1)]
    assert [(m["kind"], m["rings"], m["to"], m["open"]) for m in said] == [
        ("alert", True, None, True),
        ("repeat", True, "anna", True),
        ("answered", False, None, False),
    ]
    assert said[-1]["acknowledged_by"] == "anna"
    assert (answer["ok"], answer["id"], answer["alerts"]) == (True, "x1", ["alert-1"])


async def test_over_a_real_broker_an_open_alert_is_published_again_after_a_restart(
    tmp_path: Path, mosquitto: Broker
) -> None:
    home = Home(tmp_path, (), mosquitto)
    async with home.living():
        home.decide(alert(1, Severity.NOTICE, "push"))
        await until(lambda: len(home.steps("published")) >= 2)
        assert home.announcer is not None
        await home.announcer.settled()  # what is confirmed but not yet noted comes once more, as what it was
    with mosquitto.sub(f"lullwatch/{mosquitto.topic}/kid/alert") as phone:
        async with home.living():
            [message] = [json.loads(m.payload) for m in await asyncio.to_thread(phone.take, 1)]
    assert (message["id"], message["kind"], message["rings"], message["open"]) == (
        "alert-1",
        "update",
        False,
        True,
    )


async def test_over_a_real_broker_a_muted_alert_is_published_without_a_ring(
    tmp_path: Path, mosquitto: Broker
) -> None:
    home = Home(tmp_path, (), mosquitto)
    with mosquitto.sub(f"lullwatch/{mosquitto.topic}/kid/alert") as phone:
        async with home.living():
            body = '{"by":"a","patterns":["repeated_brief_movements"],"minutes":5}'
            assert (await home.ask("mute", body))["ok"]
            home.decide(alert())
            [message] = [json.loads(m.payload) for m in await asyncio.to_thread(phone.take, 1)]
    assert (message["id"], message["rings"], message["facts"]["muted"]) == ("alert-1", False, 1)


async def test_over_a_real_broker_an_alert_that_a_full_disk_keeps_out_of_the_journal_rings(
    tmp_path: Path, mosquitto: Broker
) -> None:
    home = Home(tmp_path, (Person("anna"),), mosquitto)
    with mosquitto.sub(f"lullwatch/{mosquitto.topic}/kid/alert") as phone:
        async with home.living():
            home.desk.full = JournalFull(home.path)
            home.care.told([alert()])
            [message] = [json.loads(m.payload) for m in await asyncio.to_thread(phone.take, 1)]
    assert (message["kind"], message["rings"], message["to"]) == ("alert", True, "anna")
    assert message["facts"]["unwritten"] == 1
    assert message["text"].endswith(
        "could not be written down before it was sent: see the disk of the gateway."
    )


async def test_while_the_broker_is_away_a_person_counts_as_not_reached_and_hears_it_when_it_is_back(
    tmp_path: Path, own_mosquitto: Broker
) -> None:
    broker, server = own_mosquitto, own_mosquitto.server
    home = Home(tmp_path, (Person("anna"), BEN), broker)
    async with home.living():
        server.kill()
        await until(lambda: not home.connected)
        home.decide(alert())
        await home.pass_time(5)
        assert [(proof_of(r).to, proof_of(r).why) for r in home.steps("failed")] == [
            ("anna", "channel mqtt: the broker is away")
        ]
        assert home.phone.kinds("ben") == ["alert"]
        server.start()
        with broker.sub(f"lullwatch/{broker.topic}/kid/alert") as phone:
            for _ in range(200):
                await home.pass_time(5)
                if any(r.step == "published" and proof_of(r).to == "anna" for r in home.journal.deliveries()):
                    break
                await asyncio.sleep(0.05)
            said = [json.loads(m.payload) for m in await asyncio.to_thread(phone.take, 2)]
    assert {m["id"] for m in said} == {"alert-1"}
    assert {m["kind"] for m in said} == {"alert", "repeat"}


async def test_over_a_real_broker_any_bytes_are_answered_and_nothing_dies(
    tmp_path: Path, mosquitto: Broker
) -> None:
    base = f"lullwatch/{mosquitto.topic}/kid"
    home = Home(tmp_path, (), mosquitto)
    with mosquitto.sub(f"{base}/result/+") as results:
        async with home.living():
            home.decide(alert())
            for name, body in (
                ("ack", b"\xff\x00"),
                ("ack", b'{"by":"a","alert":"alert-99"}'),
                ("mute", b'{"by":"a","patterns":["long_stiffening_or_jerking"],"minutes":5}'),
                ("note", b"[" * 3000),
                ("ack", b'{"by":"a"}'),
            ):
                await asyncio.to_thread(mosquitto.pub, f"{base}/set/{name}", body)
            answers = [json.loads(m.payload) for m in await asyncio.to_thread(results.take, 5)]
            assert [a["ok"] for a in answers] == [False, False, False, False, True]
            assert all(a.get("why") and a.get("remedy") for a in answers[:4])


def test_a_night_has_hours_left_only_in_the_evening_and_at_night() -> None:
    from datetime import time

    left = hours_left(UtcMap([CLOCK]), "UTC", time(7))
    at = {hour: left((hour - 22) * 3600 * NS) for hour in (12, 19, 22, 30)}
    assert at == {12: 0.0, 19: 12.0, 22: 9.0, 30: 1.0}
