"""The summary of a night: ten lines from the journals, unanswered alerts first, no count without coverage."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.proof import Proof, acknowledged_row, command_row, muted_row
from alerts.severity import TABLE
from alerts.telling_words import while_muted
from alerts.words import LANGUAGES, SELF_TEST, catalogue
from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Coverage,
    Delivery,
    Event,
    EventStatus,
    Evidence,
    Label,
    LinkSample,
    Severity,
    Site,
    Usability,
)
from lullwatch.__main__ import main
from lullwatch.errors import NoSuchNight
from lullwatch.link_causes import NOT_RUNNING
from lullwatch.morning import begun_in, facts_of, files_of, night_facts
from lullwatch.night_facts import NightFacts, Span, Window
from lullwatch.summary import morning_lines, summary_body
from store.errors import JournalDamaged
from store.journal import Journal
from store.rows import LinkRow, Row
from store.shelf import Shelf
from store.utc import UtcMap
from tests.alert_makers import T0, event
from tests.store_examples import segment, segment_row
from tests.wire_checks import validator
from tests.wording import faults

MINUTE_NS = 60 * NS
ZONE = "Europe/Berlin"
NIGHT = date(2026, 11, 21)
BED_UTC_NS = 1_795_287_600 * NS
"""2026-11-21 19:00 UTC, 20:00 in Berlin"""
CLOCK = ClockRow(T0, BED_UTC_NS, "boot", ZONE)
WINDOW = Window(NIGHT, ZONE)


def coverage(n: int, usability: Usability = Usability.USABLE, *causes: str, infant: str = "inf1") -> Coverage:
    seen = ((Site.LA, 0.0 if usability is Usability.BLIND else 1.0), (Site.TR, 1.0))
    return Coverage(infant, T0 + n * MINUTE_NS, MINUTE_NS, usability, causes, seen)


def alert(name: str, severity: Severity = Severity.URGENT, at_s: float = 600.0, **more: object) -> Alert:
    onset_ns = T0 + round(at_s * NS)
    made = Alert(
        name, 1, severity, "inf1", onset_ns + 60 * NS, "repeated_brief_movements", "e", onset_ns,
        onset_ns + 180 * NS, 14, "series-clear@1", "text",
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def facts(*rows: Row, hours: int = 10) -> NightFacts:
    minutes = [coverage(n) for n in range(hours * 60)]
    return facts_of([CLOCK, *minutes, *rows], "inf1", WINDOW, UtcMap([CLOCK]))


def lines(*rows: Row, language: str = "en") -> tuple[str, ...]:
    return morning_lines(facts(*rows), catalogue(language))


def mute(name: str, at_s: int, minutes: int, *patterns: str) -> Delivery:
    said = Proof(asked="mute", ok=True, by="ben", infant="inf1", patterns=patterns, minutes=minutes)
    return command_row(name, T0 + at_s * NS, channel="mqtt", said=said)


ANSWER = acknowledged_row("b", 1, T0 + 1200 * NS, channel="mqtt", by="anna")
BUSY: list[Row] = [
    alert("a"),
    alert("b", at_s=900.0),
    ANSWER,
    alert("c", Severity.NOTICE, at_s=1800.0, pattern="brief_strong_movement", count=1),
    alert("d", at_s=5000.0),
    muted_row("d", 1, T0 + 5001 * NS, until_ns=T0 + 6000 * NS, by="ben"),
    mute("1", 4000, 30, "repeated_brief_movements"),
    alert("t", Severity.TECHNICAL, pattern="disk", at_s=2000.0),
    *(event(label, at_s=100.0 * n) for n, label in enumerate(Label)),
    coverage(3, Usability.BLIND, "no_data:LA", "not_worn:TR"),
    coverage(4, Usability.BLIND, "no_data:LA"),
    coverage(60, Usability.DEGRADED, "no_data:LA"),
    LinkRow("inf1", LinkSample(Site.LA, "la", T0, "live", 1, 0, 0, 71, -60, 1.0)),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rows", [[], BUSY, BUSY * 9])
def test_a_night_is_ten_lines_and_says_nothing_forbidden(language: str, rows: list[Row]) -> None:
    said = lines(*rows, language=language)
    assert len(said) == 10
    assert {line: faults(line, language) for line in said if faults(line, language)} == {}
    assert not any("\n" in line or "{" in line for line in said)


def test_coverage_stands_first_then_what_nobody_answered_then_who_answered_what() -> None:
    said = lines(*BUSY)
    assert said[0] == (
        "Night from 2026-11-21 to 2026-11-22, infant inf1: 9 h 58 min of 10 h 0 min recorded, 60 s of it with a "
        "sensor missing."
    )
    assert said[1].startswith(
        "Nobody answered 2 urgent alerts in 9 h 58 min seen: 20:10 repeated brief movements"
    )
    assert "14 brief movements in 3 min" in said[1]
    assert said[2] == (
        "Answered: 1 alert in 9 h 58 min seen: 20:15 repeated brief movements, 14 brief movements in 3 min "
        "(by anna at 20:20)."
    )
    assert said[3] == "Silent notices: 1 in 9 h 58 min seen: 20:30 brief strong movement."


def test_what_was_muted_when_it_was_blind_batteries_and_trouble_have_a_line_each() -> None:
    said = lines(*BUSY)
    assert said[5] == (
        "Muted: repeated brief movements 21:06 to 21:36; kept silent meanwhile: 21:23 repeated brief movements, "
        "14 brief movements in 3 min."
    )
    assert said[6] == "Blind: 2 min in 1 stretch: 20:03 to 20:05 (left leg: no data, body: not worn)."
    assert said[7] == "Worn and heard: left leg 9 h 58 min, battery 71 of 100; body 9 h 59 min."
    assert said[8] == "Technical trouble: The disk is nearly full since 20:33."


def test_no_count_stands_in_a_line_without_how_much_was_seen() -> None:
    for said in (lines(), lines(*BUSY)):
        for line in said[1:5]:
            counts = re.search(r"\d", line) is not None and "Answered alerts: 0" not in line
            assert not counts or "9 h 58 min" in line or "10 h 0 min" in line, line


def test_the_last_line_says_what_must_always_be_said() -> None:
    last = lines(*BUSY)[9]
    for part in (
        "is not a diagnosis",
        "does not rule anything out",
        "Call the emergency number",
        "Unvalidated",
    ):
        assert part in last
    assert "General information: brief movements in series" in last
    assert "General information" not in lines()[9]


def test_members_of_a_series_are_counted_in_it_and_not_beside_it() -> None:
    series = event()
    members = [event(Label.SPASM_LIKE, at_s=n, long_s=1, count=1, parent=series.id) for n in (1, 9, 20)]
    assert lines(series, *members)[4] == (
        "Recorded in 10 h 0 min seen: repeated brief movements 1 (14 brief movements)."
    )


def test_what_was_withdrawn_is_not_counted() -> None:
    row = event()
    gone = replace(row, version=2, status=type(row.status).WITHDRAWN)
    assert facts(row, gone).events == ()


def test_time_in_which_lullwatch_did_not_run_is_blind_time() -> None:
    rows: list[Row] = [coverage(n) for n in (0, 1, 62, 63)]
    night = facts_of([CLOCK, *rows], "inf1", WINDOW, UtcMap([CLOCK]))
    assert night.watched_ns == 64 * MINUTE_NS
    assert night.seen_ns == 4 * MINUTE_NS
    assert "lullwatch was not running" in morning_lines(night)[6]


def test_hours_that_data_time_did_not_see_go_by_are_blind_time() -> None:
    """A computer without a battery clock lost power for three hours: data time went on from where it had stood."""
    lost = ClockRow(T0 + 60 * MINUTE_NS, BED_UTC_NS + 240 * MINUTE_NS, "later", ZONE)
    minutes: list[Row] = [coverage(n) for n in range(120)]
    night = facts_of([CLOCK, lost, *minutes], "inf1", WINDOW, UtcMap([CLOCK, lost]))
    off = Span(BED_UTC_NS + 60 * MINUTE_NS, BED_UTC_NS + 240 * MINUTE_NS, (NOT_RUNNING,))
    assert night.blind == (off,)
    assert [(span.begin_ns, span.end_ns) for span in night.seen] == [
        (BED_UTC_NS, off.begin_ns),
        (off.end_ns, BED_UTC_NS + 300 * MINUTE_NS),
    ]
    assert (night.watched_ns, night.seen_ns) == (300 * MINUTE_NS, 120 * MINUTE_NS)


def test_a_computer_that_woke_in_the_past_was_off_from_where_the_night_had_been_counted_to() -> None:
    """Cut at 60 min, it came up with the hour of 20 min and was set right three minutes later, at 240 min."""
    past = ClockRow(T0 + 60 * MINUTE_NS, BED_UTC_NS + 20 * MINUTE_NS, "later", ZONE)
    right = ClockRow(T0 + 63 * MINUTE_NS, BED_UTC_NS + 240 * MINUTE_NS, "later", ZONE)
    clocks = [CLOCK, past, right]
    minutes: list[Row] = [coverage(n) for n in range(120)]
    night = facts_of([*clocks, *minutes], "inf1", WINDOW, UtcMap(clocks))
    off = Span(BED_UTC_NS + 60 * MINUTE_NS, BED_UTC_NS + 240 * MINUTE_NS, (NOT_RUNNING,))
    assert night.blind == (off,)
    assert night.seen_ns == 120 * MINUTE_NS


def test_small_steps_of_the_clock_do_not_add_up_to_a_loss_and_hide_none() -> None:
    def stepped(*steps_s: float) -> tuple[Span, ...]:
        clocks, ahead_s = [CLOCK], 0.0
        for n, step_s in enumerate(steps_s, start=1):
            ahead_s += step_s
            at_ns = 10 * n * MINUTE_NS
            clocks.append(ClockRow(T0 + at_ns, BED_UTC_NS + at_ns + round(ahead_s * NS), "boot", ZONE))
        minutes: list[Row] = [coverage(n) for n in range(60)]
        return facts_of([*clocks, *minutes], "inf1", WINDOW, UtcMap(clocks)).blind

    assert stepped(25.0, 25.0, 25.0) == ()
    [lost] = stepped(-59.0, 90.0)
    assert lost.length_ns == 31 * NS


@pytest.mark.parametrize("step_s", [-7200.0, -59.0, -0.02, 0.02, 0.4, 59.0])
def test_a_clock_that_was_set_a_little_or_back_makes_nothing_blind(step_s: float) -> None:
    step = ClockRow(T0 + 60 * MINUTE_NS, BED_UTC_NS + 60 * MINUTE_NS + round(step_s * NS), "boot", ZONE)
    minutes: list[Row] = [coverage(n) for n in range(120)]
    night = facts_of([CLOCK, step, *minutes], "inf1", WINDOW, UtcMap([CLOCK, step]))
    assert (night.blind, night.watched_ns, night.seen_ns) == ((), 120 * MINUTE_NS, 120 * MINUTE_NS)


def test_a_minute_that_was_told_again_counts_once_with_its_last_word() -> None:
    assert facts(coverage(5, Usability.BLIND), coverage(5)).seen_ns == 600 * MINUTE_NS


def test_another_infant_and_the_self_test_are_in_nobody_s_night() -> None:
    strange: list[Row] = []
    for infant in ("other", SELF_TEST):
        strange += [replace(alert(f"x-{infant}"), infant=infant), event(infant=infant, id=f"e-{infant}")]
        strange += [coverage(900, Usability.BLIND, infant=infant)]
    assert facts(*strange) == facts()


def test_what_a_mute_kept_silent_is_told_by_its_own_alerts_and_breaks_no_line() -> None:
    kept = [alert("d", at_s=5000.0), alert("e", at_s=5100.0)]
    together = while_muted(
        catalogue("en"), "inf1", kept, T0 + 6000 * NS, clock=lambda _: "21:00", table=TABLE
    )
    assert facts(*kept, together) == facts(*kept)
    assert lines(*kept, together) == lines(*kept)


def test_an_answer_to_a_notice_is_none_to_what_rang_later() -> None:
    def told(version: int, severity: Severity, announce: str) -> Alert:
        return alert("b", severity, version=version, facts={"announce": announce})

    notice, urgent = told(1, Severity.NOTICE, "push"), told(3, Severity.URGENT, "ring")
    before = acknowledged_row("b", 1, T0 + 700 * NS, channel="mqtt", by="anna")
    night = facts(notice, before, urgent, told(4, Severity.URGENT, "update"))
    assert [a.id for a in night.unanswered] == ["b"]
    after = acknowledged_row("b", 3, T0 + 800 * NS, channel="mqtt", by="ben")
    [answered] = facts(notice, before, urgent, after).answered
    assert (answered.answered_by, answered.false_alarm) == ("ben", False)


def test_a_false_alarm_stands_beside_the_name_of_who_said_so() -> None:
    plain = acknowledged_row("b", 1, T0 + 700 * NS, channel="mqtt", by="anna")
    false = acknowledged_row("b", 1, T0 + 900 * NS, channel="mqtt", by="ben", false_alarm=True)
    [answered] = facts(alert("b"), plain, false).answered
    assert (answered.answered_by, answered.false_alarm) == ("ben", True)


def test_trouble_of_the_gateway_is_in_everybody_s_night() -> None:
    assert "Messages cannot be sent" in lines(alert("g", Severity.TECHNICAL, infant="", pattern="broker"))[8]


HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("over_at_h", "cleared", "told"),
    [(-8.5, True, False), (1.0, True, True), (-8.5, False, True)],
    ids=["over before the night", "over in the night", "not over"],
)
def test_trouble_that_began_before_the_night_is_told_where_it_reaches_into_it(
    over_at_h: float, cleared: bool, told: bool
) -> None:
    begun = alert("g", Severity.TECHNICAL, at_s=-9 * HOUR_S, pattern="broker")
    end_ns = T0 + round(over_at_h * HOUR_S * NS)
    found = facts(begun, replace(begun, version=2, end_ns=end_ns, cleared=cleared)).technical
    assert [span.over for span in found] == ([cleared] if told else [])


def test_a_mute_that_began_before_the_night_is_told_where_it_reaches_into_it() -> None:
    early = mute("1", round(-8.5 * HOUR_S), 60, "stiffening")
    assert [span.causes for span in facts(early).mutes] == [("stiffening",)]
    assert facts(mute("1", round(-9.5 * HOUR_S), 60, "stiffening")).mutes == ()


def test_a_mute_that_was_ended_early_lasts_until_then() -> None:
    assert "stiffening 20:00 to 20:10" in lines(mute("1", 0, 60, "stiffening"), mute("2", 600, 0))[5]


@given(st.integers(0, 40), st.integers(0, 40))
def test_however_many_alerts_there_were_all_are_counted_and_the_first_are_named(
    urgent: int, silent: int
) -> None:
    rows: list[Row] = [alert(f"u{n}", at_s=60.0 * n) for n in range(urgent)]
    rows += [alert(f"n{n}", Severity.NOTICE, at_s=60.0 * n) for n in range(silent)]
    said = lines(*rows)
    assert len(said[1]) < 600
    assert ("0 in" if not urgent else f" {urgent} urgent alert") in said[1]
    assert f"Silent notices: {silent} in" in said[3]


def test_the_body_for_machines_has_the_same_lines_and_figures_with_coverage() -> None:
    body = json.loads(msgspec.json.encode(summary_body(facts(*BUSY))))
    validator("summary").validate(body)
    assert body["lines"] == list(lines(*BUSY))
    assert body["coverage"] == {"watched_s": 36000, "seen_s": 35880, "degraded_s": 60}
    assert {kind["seen_s"] for kind in body["events"]} == {35880}
    assert body["unanswered"][0]["onset"] == "2026-11-21T19:10:00Z"
    assert [
        label.value for label in Label if "spasm" in label.value and label.value in json.dumps(body)
    ] == []


def written(folder: Path, name: str, *rows: Row) -> Path:
    folder.mkdir(exist_ok=True)
    with Journal.open(folder / name) as journal:
        journal.commit([*rows])
    return folder / name


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "journals"
    nights = ((-24, "journal-2026-11-20.sqlite"), (0, "journal-2026-11-21.sqlite"))
    for hours, name in nights:
        shift_ns = hours * 3600 * NS
        clock = replace(CLOCK, t_ns=T0 + shift_ns, utc_ns=BED_UTC_NS + shift_ns)
        minutes = [replace(coverage(n), t_ns=T0 + shift_ns + n * MINUTE_NS) for n in range(60)]
        rows: list[Row] = [clock, *minutes]
        if not hours:
            rows += [alert("a"), segment_row(segment(t0_ns=T0 + NS), "inf1")]
        written(folder, name, *rows)
    return folder


def test_a_night_is_found_among_the_files_of_a_folder(shelf: Path) -> None:
    assert night_facts(shelf, "inf1", WINDOW).unanswered
    before = night_facts(shelf, "inf1", Window(date(2026, 11, 20), ZONE))
    assert before.watched_ns == 60 * MINUTE_NS
    assert not before.alerts
    with pytest.raises(NoSuchNight, match="2026-11-19"):
        night_facts(shelf, "inf1", Window(date(2026, 11, 19), ZONE))


@pytest.mark.parametrize("readable", [True, False])
def test_trouble_that_stands_in_the_file_before_and_is_not_over_is_told_where_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, readable: bool
) -> None:
    first, second = "journal-2026-11-20.sqlite", "journal-2026-11-21.sqlite"
    clocks = [replace(CLOCK, t_ns=T0 - h * 3600 * NS, utc_ns=BED_UTC_NS - h * 3600 * NS) for h in (24, 8)]
    written(tmp_path, first, clocks[0], alert("g", Severity.TECHNICAL, at_s=-20 * HOUR_S, pattern="broker"))
    written(tmp_path, second, clocks[1], coverage(0))
    with Shelf(tmp_path) as nights:
        assert files_of(begun_in(nights), WINDOW) == [second]
    real = Journal.rows

    def rows(journal: Journal, tables: Sequence[str], **more: Any) -> Iterator[tuple[int, Row]]:
        if journal.path.name == first and "alert" in tables and not readable:
            raise JournalDamaged(journal.path, "malformed")
        return real(journal, tables, **more)

    monkeypatch.setattr(Journal, "rows", rows)
    told = night_facts(tmp_path, "inf1", WINDOW)
    assert told.watched_ns == MINUTE_NS
    assert [span.causes for span in told.technical] == ([("broker",)] if readable else [])


def test_a_night_read_from_its_file_is_the_night_of_all_its_rows_together(tmp_path: Path) -> None:
    told: list[Row] = [event(label, at_s=100.0 * n, id=f"e{n}") for n, label in enumerate(Label)]
    again = [replace(row, version=v, count=v) for v in (3, 2) for row in told if isinstance(row, Event)]
    gone = [replace(row, version=4, status=EventStatus.WITHDRAWN) for row in again[:2]]
    minutes = [coverage(n) for n in range(600)]
    strange = [coverage(5, Usability.BLIND, infant="other"), event(infant="other", id="e0", at_s=50.0)]
    rows: list[Row] = [CLOCK, *minutes, *told, *strange, *again, *gone, *BUSY]
    with Journal.open(tmp_path / "journal-2026-11-21.sqlite") as journal:
        journal.commit(rows)
    read = night_facts(tmp_path / "journal-2026-11-21.sqlite", "inf1", WINDOW)
    assert read == facts_of(rows, "inf1", WINDOW, UtcMap([CLOCK]))
    assert {counted.movements for counted in read.events} == {14, 17}


def test_a_night_is_counted_without_holding_all_that_was_said_of_its_events(tmp_path: Path) -> None:
    why = tuple(Evidence(f"evidence_{number}", 0.1 + number, 0.5) for number in range(30))
    row = replace(event(id="e0"), evidence=why)
    path = tmp_path / "journal-2026-11-21.sqlite"
    with Journal.open(path) as journal:
        journal.commit([CLOCK, coverage(0), *(replace(row, version=v) for v in range(1, 1500))])
    night_facts(path, "inf1", WINDOW)
    tracemalloc.start()
    try:
        night_facts(path, "inf1", WINDOW)
        read_b = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        with Journal.open(path) as journal:
            assert len(journal.read(tables=("event",))) == 1499
        whole_b = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read_b < whole_b / 5


def test_the_command_tells_the_newest_night_or_the_one_asked_for(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", str(shelf)]) == 0
    assert "Night from 2026-11-21" in (said := capsys.readouterr().out)
    assert "Nobody answered 1 urgent alert" in said
    assert main(["summary", str(shelf), "--night", "2026-11-20", "--language", "de"]) == 0
    assert "Nacht vom 2026-11-20 auf 2026-11-21" in capsys.readouterr().out
    assert main(["summary", str(shelf), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["night"] == "2026-11-21"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--night", "yesterday"], "yesterday"),
        (["--night", "2020-01-01"], "2020-01-01"),
        (["--infant", "nobody"], "nobody"),
        (["--language", "xx"], "known: en de"),
    ],
)
def test_what_is_not_there_is_named_with_a_remedy(
    shelf: Path, capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    assert main(["summary", str(shelf), *words]) == 2
    assert named in capsys.readouterr().err


def test_an_empty_folder_is_an_error_and_no_empty_night(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", str(tmp_path)]) == 2
    assert "no journal" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("utc", "evening"),
    [
        (BED_UTC_NS, date(2026, 11, 21)),
        (BED_UTC_NS + 12 * 3600 * NS, date(2026, 11, 21)),
        (BED_UTC_NS + 17 * 3600 * NS, date(2026, 11, 22)),
    ],
)
def test_a_night_goes_from_noon_to_noon(utc: int, evening: date) -> None:
    window = Window.at(utc, ZONE)
    assert window.night == evening
    assert window.begin_ns <= utc < window.end_ns
