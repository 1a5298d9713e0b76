"""Commands: who may ask for what, done once, kept, and answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.proof import proof_of
from dsp.records import NS
from tests.caregiving_rig import ANNA, BEN, Home, alert


async def test_only_people_and_sources_of_the_settings_may_ask(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.decide(alert())
        refused = await home.ask("ack", '{"by":"mallory"}')
        assert not refused["ok"]
        assert "mallory" in refused["why"]
        assert "anna" in refused["remedy"]
        assert (await home.ask("ack", '{"by":"home-assistant"}'))["alerts"] == ["alert-1"]


async def test_a_person_answers_only_for_the_infants_that_are_theirs(tmp_path: Path) -> None:
    people = (replace(ANNA, infants=("kid",)), replace(BEN, infants=("sib",)))
    async with Home(tmp_path, people).living() as home:
        home.decide(alert())
        assert not (await home.ask("ack", '{"by":"ben","alert":"alert-1"}'))["ok"]
        assert (await home.ask("ack", '{"by":"anna","alert":"alert-1"}'))["ok"]


async def test_the_topic_says_whose_alert_may_be_answered(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.decide(alert())
        wrong = await home.ask("ack", '{"by":"anna","alert":"alert-1"}', infant="sib")
        assert not wrong["ok"]
        assert (await home.ask("ack", '{"by":"anna"}', infant="sib"))["why"] == "no alert was open"
        assert not home.steps("acknowledged")
        assert [a.id for a in home.care.machine.open_alerts("kid")] == ["alert-1"]


async def test_a_command_sent_twice_is_done_once_also_after_a_restart(tmp_path: Path) -> None:
    home = Home(tmp_path)
    body = '{"by":"anna","text":"fed","id":"n1"}'
    async with home.living():
        first = await home.ask("note", body)
        assert await home.ask("note", body) == first
    async with home.living():
        assert await home.ask("note", body) == first
        assert len(home.journal.notes("kid")) == 1
        assert (await home.ask("note", body, infant="sib"))["ok"]
        assert len(home.journal.notes("sib")) == 1


async def test_every_command_and_its_answer_is_kept_without_what_a_person_wrote(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        await home.ask("note", '{"by":"anna","text":"a secret","id":"n1"}')
        await home.ask("mute", '{"by":"mallory","patterns":["stiffening"],"minutes":5,"id":"m1"}')
        rows = home.steps("command")
        assert [(r.alert_id, proof_of(r).asked, proof_of(r).ok) for r in rows] == [
            ("command-kid-n1", "note", True),
            ("command-kid-m1", "mute", False),
        ]
        assert "secret" not in "".join(r.detail for r in rows)


async def test_a_note_stands_at_the_time_it_is_about(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        body = '{"by":"anna","kind":"video","text":"filmed","at":"2026-03-14T22:10:00Z"}'
        assert (await home.ask("note", body))["ok"]
        [note] = home.journal.notes("kid")
        assert note.t_ns == 600 * NS
        late = await home.ask("note", body.replace("2026", "2021"))
        assert not late["ok"]
        assert "week" in late["why"]


async def test_a_false_alarm_is_said_of_an_alert_and_not_written_by_hand(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        refused = await home.ask("note", '{"by":"anna","kind":"false_alarm","text":"alert-1"}')
        assert not refused["ok"]
        assert "ack" in refused["remedy"]


async def test_a_second_answer_hears_who_was_first(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.decide(alert())
        await home.ask("ack", '{"by":"anna","alert":"alert-1"}')
        again = await home.ask("ack", '{"by":"ben","alert":"alert-1"}')
        assert (again["ok"], again["why"]) == (True, "anna had answered before")
        assert home.care.machine.standing(alert(), home.clock.now_ns()).acknowledged_by == "anna"


@pytest.mark.parametrize("pattern", ["long_stiffening_or_jerking", "blind", "everything"])
async def test_what_no_mute_may_name_is_refused(tmp_path: Path, pattern: str) -> None:
    async with Home(tmp_path).living() as home:
        answer = await home.ask("mute", f'{{"by":"anna","patterns":["{pattern}"],"minutes":5}}')
        assert (answer["ok"], answer["why"]) == (False, f"{pattern} is never muted")
        assert "stiffening" in answer["remedy"]


async def test_the_self_test_is_started_by_whoever_may_ask(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        assert (await home.ask("test", '{"by":"anna"}'))["ok"]
        assert [t.by for t in home.tests] == ["anna"]


async def test_refusals_of_a_stranger_fill_no_disk(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        for number in range(230):
            assert not (await home.ask("ack", f'{{"by":"mallory","id":"c{number}"}}'))["ok"]
        assert len(home.steps("command")) == 200
        assert (await home.ask("note", '{"by":"anna"}'))["ok"]


@given(
    asked=st.lists(
        st.tuples(st.sampled_from(["ack", "mute", "note", "receipt", "test", "x"]), st.binary(max_size=200)),
        max_size=8,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_hostile_bytes_are_answered_and_the_next_command_is_done(
    tmp_path: Path, asked: list[tuple[str, bytes]]
) -> None:
    async with Home(tmp_path).living() as home:
        for name, payload in asked:
            answer = await home.care.on_command("kid", name, payload)
            assert answer == b"" or b'"ok":' in answer
        assert (await home.ask("note", '{"by":"anna"}'))["ok"]
