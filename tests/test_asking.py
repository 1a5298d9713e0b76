"""Commands: who may ask for what, done once, kept, and answered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.proof import proof_of
from dsp.records import NS
from store.notes import standing_notes
from tests.caregiving_rig import ANNA, BEN, Home, alert
from tests.store_examples import event, segment, segment_row


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


@pytest.mark.parametrize(
    "body",
    [
        r'{"by":"anna","text":"gone \u001b[2J"}',
        r'{"by":"anna","kind":"medicine","facts":{"name":"x\u0000","dose":"1"}}',
    ],
)
async def test_a_note_with_a_control_character_is_refused_and_line_breaks_are_kept(
    tmp_path: Path, body: str
) -> None:
    async with Home(tmp_path).living() as home:
        refused = await home.ask("note", body)
        assert not refused["ok"]
        assert "holds a hidden control character (U+00" in refused["why"]
        assert refused["remedy"] == "write the words anew, in letters and numbers"
        assert home.journal.notes("kid") == []
        assert (await home.ask("note", r'{"by":"anna","text":"one\r\ntwo"}'))["ok"]
        assert [note.text for note in home.journal.notes("kid")] == ["one\ntwo"]


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
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_hostile_bytes_are_answered_and_the_next_command_is_done(
    tmp_path: Path, asked: list[tuple[str, bytes]]
) -> None:
    async with Home(tmp_path).living() as home:
        for name, payload in asked:
            answer = await home.care.on_command("kid", name, payload)
            assert answer == b"" or b'"ok":' in answer
        assert (await home.ask("note", '{"by":"anna"}'))["ok"]


async def test_a_note_carries_checked_facts_and_the_id_it_is_corrected_by(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        first = await home.ask("note", MEDICINE % "100 mg")
        assert first["ok"]
        right = '{"by":"ben","kind":"medicine","facts":{"name":"Vigabatrin","dose":"200 mg"},"corrects":"%s"}'
        second = await home.ask("note", right % first["note"])
        assert second["note"] != first["note"]
        wrong, corrected = home.journal.notes("kid")
        assert dict(wrong.facts) == {"name": "Vigabatrin", "dose": "100 mg"}
        assert (corrected.id, corrected.corrects, corrected.author) == (second["note"], first["note"], "ben")
        assert standing_notes([wrong, corrected]) == (corrected,)


MEDICINE = '{"by":"anna","kind":"medicine","facts":{"name":"Vigabatrin","dose":"%s"},"id":"m1"}'


async def test_a_note_has_the_same_id_whenever_its_command_is_answered(tmp_path: Path) -> None:
    home = Home(tmp_path)
    async with home.living():
        first = await home.ask("note", MEDICINE % "100 mg")
    async with home.living():
        assert await home.ask("note", MEDICINE % "100 mg") == first
        assert [note.id for note in home.journal.notes("kid")] == [first["note"]]


async def test_facts_that_do_not_fit_their_kind_and_a_strike_of_nothing_are_refused(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        hot = await home.ask("note", '{"by":"anna","kind":"fever","facts":{"celsius":101}}')
        assert "25 to 45" in hot["remedy"]
        assert not (await home.ask("note", '{"by":"anna","kind":"struck_out"}'))["ok"]
        assert home.journal.notes("kid") == []


async def test_a_note_with_facts_may_be_about_the_last_year_and_plain_words_about_the_last_week(
    tmp_path: Path,
) -> None:
    async with Home(tmp_path).living() as home:
        months_ago = "2025-12-24T10:00:00+01:00"
        fact = {"by": "anna", "kind": "vaccination", "facts": {"name": "x"}, "at": months_ago}
        assert (await home.ask("note", json.dumps(fact)))["ok"]
        plain = {"by": "anna", "text": "x", "at": months_ago}
        assert "week" in (await home.ask("note", json.dumps(plain)))["why"]


async def test_an_opinion_stands_beside_the_event_which_stays_as_it_was(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        told = event("e1")
        home.journal.commit([told])
        said = await home.ask("opinion", '{"by":"anna","event":"e1","label":"rocking","text":"in her bed"}')
        assert said["ok"]
        assert home.journal.events("kid") == [told]
        [opinion] = home.journal.opinions_of("e1")
        assert (opinion.by, opinion.role, opinion.label) == ("anna", "caregiver", "rocking")


async def test_an_opinion_on_no_event_of_the_infant_or_in_no_word_is_refused(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.journal.commit([event("e1")])
        for body, infant in (
            ('{"by":"anna","event":"e2","label":"rocking"}', "kid"),
            ('{"by":"anna","event":"e1","label":"rocking"}', "sib"),
            ('{"by":"anna","event":"e1","label":"lovely"}', "kid"),
            ('{"by":"anna","event":"e1","label":"epileptic_spasm"}', "kid"),
        ):
            refused = await home.ask("opinion", body, infant)
            assert not refused["ok"]
            assert refused["remedy"]
        assert home.journal.opinions("kid") == []


async def test_only_the_page_knows_who_reviews_and_lets_in_whom_its_own_list_names(tmp_path: Path) -> None:
    body = (
        '{"by":"%s","event":"e1","label":"spasm_like_cluster","role":"reviewer","basis":"video","blind":true}'
    )
    async with Home(tmp_path).living() as home:
        home.journal.commit([event("e1")])
        assert not (await home.ask("opinion", body % "anna"))["ok"]
        assert (await home.ask("opinion", body % "rita", channel="page"))["ok"]
        [opinion] = home.journal.opinions_of("e1")
        assert (opinion.by, opinion.role, opinion.basis, opinion.blind) == ("rita", "reviewer", "video", True)


async def test_raw_data_of_an_event_is_kept_by_command(tmp_path: Path) -> None:
    async with Home(tmp_path).living() as home:
        home.journal.commit([event("e1"), segment_row(segment(t0_ns=9 * NS), "kid")])
        assert await home.ask("pin", '{"by":"anna","event":"e1"}') == {
            "schema": 1,
            "ok": True,
            "command": "pin",
        }
        assert [pinned.event_id for pinned in home.journal.pins("kid")] == ["e1"]
        assert not (await home.ask("pin", '{"by":"anna","event":"e9"}'))["ok"]
