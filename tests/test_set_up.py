"""The first settings file: what is asked, what is written, and that it is read again before it counts."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsp.records import Site
from ingest.sensor_kind import Kind
from lullwatch import set_up
from lullwatch.__main__ import main
from lullwatch.errors import LullwatchError
from lullwatch.sensors import Listed
from lullwatch.set_up_answers import (
    Answers,
    BadAnswer,
    BrokerAnswer,
    InfluxAnswer,
    PersonAnswer,
    SensorAnswer,
    broker_answer,
    local_zone,
    person_answer,
    push_answer,
    sensor_answer,
)  # fmt: skip
from lullwatch.set_up_questions import asked, scanned, with_secrets
from lullwatch.set_up_text import settings_text
from lullwatch.set_up_wrong import WrongAnswer
from lullwatch.settings import load, parse

SOCK = SensorAnswer(Site.LA, "C0:00:00:00:00:01")
FULL = Answers(
    gateway="ward-3", infant="k7", birth_week=date(2026, 5, 4), zone="Europe/Vienna", language="de",
    emergency_number="144", journal_dir="/var/lib/nights", sensors=(SOCK, SensorAnswer(Site.TR, "C0:00:00:00:00:02",
    Kind.MOVESENSE)), people=(PersonAnswer("a1"), PersonAnswer("b2", ("mqtt", "b2-phone"))),
    push=(("b2-phone", "~/b2"),),
    broker=BrokerAnswer("broker.lan", 8884, username="lw", password_file="~/p", ca_file="~/ca"),
    influx=InfluxAnswer("https://influx.lan", "org", "bucket", "~/t"), armed="18:30-08:00", metrics_port=9999,
)  # fmt: skip


def test_every_answer_comes_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "conf" / "home.toml"
    made = set_up.write_settings(path, FULL)
    assert made == load(path)
    infant, (first, second) = made.infants[0], made.people
    assert (made.gateway, made.zone, made.language, made.emergency_number) == (
        "ward-3",
        "Europe/Vienna",
        "de",
        "144",
    )
    assert (infant.id, infant.birth_week, [s.site for s in infant.sensors]) == (
        "k7",
        date(2026, 5, 4),
        [Site.LA, Site.TR],
    )
    assert infant.sensors[1].kind is Kind.MOVESENSE
    assert (first.id, second.channels, made.push[0].name) == ("a1", ("mqtt", "b2-phone"), "b2-phone")
    assert made.mqtt is not None
    assert (made.mqtt.host, made.mqtt.port, made.mqtt.tls, made.mqtt.username) == (
        "broker.lan",
        8884,
        True,
        "lw",
    )
    assert made.influx is not None
    assert (made.influx.url, made.influx.token_file) == ("https://influx.lan", "~/t")
    assert made.schedule[0].armed == "18:30-08:00"
    assert made.metrics is not None
    assert made.simulated is None


def test_only_its_owner_can_read_the_file_and_it_is_never_written_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"
    set_up.write_settings(path, FULL)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(set_up.SettingsThere):
        set_up.write_settings(path, replace(FULL, gateway="other"))
    assert load(path).gateway == "ward-3"
    set_up.write_settings(path, replace(FULL, gateway="other"), force=True)
    assert load(path).gateway == "other"
    assert [p.name for p in tmp_path.iterdir()] == ["home.toml"]


def test_paths_mean_the_same_wherever_the_settings_are_read_from_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    words = ["--simulated", "7", "--no-ask", "--journal-dir", "nights", "--broker", "127.0.0.1:1883"]
    words += ["--broker-user", "lw", "--broker-password-file", "secret", "--person", "a1:phone"]
    assert main(["init", "home.toml", *words, "--push", "phone=secret"]) == 0
    read = load(tmp_path / "home.toml")
    assert read.journal_dir == str(tmp_path / "nights")
    assert read.mqtt is not None
    assert [read.mqtt.password_file, read.push[0].address_file] == [str(tmp_path / "secret")] * 2
    assert main(["init", "usual.toml", "--simulated", "7", "--no-ask"]) == 0
    assert load(tmp_path / "usual.toml").journal_dir.startswith("~")


@pytest.mark.parametrize(("name", "says"), [("", "is a folder"), ("x" * 300, "too long")])
def test_a_place_that_can_hold_no_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    assert main(["init", str(tmp_path / name), "--simulated", "7", "--no-ask", "--force"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert str(tmp_path) in said
    assert list(tmp_path.iterdir()) == []


def test_answers_that_make_no_settings_leave_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"
    with pytest.raises(WrongAnswer, match="zone"):
        set_up.write_settings(path, replace(FULL, zone="Nowhere/Town"))
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_chosen_stands_there_as_a_comment_that_can_be_put_in_force(tmp_path: Path) -> None:
    text = settings_text(Answers(sensors=(SOCK,)))
    plain = parse(tmp_path / "x", text)
    assert (plain.mqtt, plain.influx, plain.schedule, plain.people) == (None, None, [], [])
    lines = [
        line[2:] if line.startswith(("# [", "# ")) and (" = " in line or line[2] == "[") else line
        for line in text.splitlines()
    ]
    every = parse(tmp_path / "x", "\n".join(lines))
    assert every.mqtt is not None
    assert every.influx is not None
    assert [h.armed for h in every.schedule] == ["18:30-08:00"]
    assert [p.id for p in every.people] == ["a1"]
    assert f"connections = {every.radio.connections}" in text


def test_a_made_up_infant_needs_no_sensors_and_says_so_in_the_file(tmp_path: Path) -> None:
    made = set_up.write_settings(tmp_path / "try.toml", Answers(simulated=7))
    assert made.simulated is not None
    assert (made.simulated.seed, made.simulated.pace) == (7, 60.0)
    assert [s.site for s in made.infants[0].sensors] == [Site.LA, Site.RA, Site.TR]
    assert "MADE-UP INFANT" in (tmp_path / "try.toml").read_text()


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        (sensor_answer, "XX=C0:00:00:00:00:01"),
        (sensor_answer, "LA=C0:00:00:00:00:01=toaster"),
        (person_answer, ":mqtt"),
        (broker_answer, "broker.lan:mqtt"),
        (push_answer, "a1-phone"),
    ],
)
def test_an_answer_that_means_nothing_is_refused_with_an_example(
    answer: Callable[[str], Any], given: str
) -> None:
    with pytest.raises(BadAnswer, match="such as"):
        answer(given)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_answered_it_is_a_settings_file_or_a_clear_error(
    tmp_path: Path, gateway: str, folder: str, number: str
) -> None:
    answers = replace(FULL, gateway=gateway, journal_dir=folder, emergency_number=number)
    try:
        read = parse(tmp_path / "x.toml", settings_text(answers))
    except LullwatchError:
        return
    assert (read.gateway, read.journal_dir, read.emergency_number) == (gateway, folder, number)


def typed(*lines: str) -> Callable[[str, str], str]:
    left = list(lines)
    return lambda _question, default: left.pop(0) or default


def test_each_question_is_asked_again_until_its_answer_can_be(tmp_path: Path) -> None:
    said: list[str] = []
    ask = typed(
        "Our Home", "home", "kid", "last week", "2026-05-04", "", "de", "", "LA",
        "LA=C0:00:00:00:00:01 TR=C0:00:00:00:00:02",
        "a1 b2", "broker.lan", "-", "18:30", "18:30-08:00", "",
    )  # fmt: skip
    answers = asked(Answers(zone="Europe/Berlin"), tmp_path / "x.toml", ask, said.append)
    assert (answers.gateway, answers.infant, answers.birth_week) == ("home", "kid", date(2026, 5, 4))
    assert [s.site for s in answers.sensors] == [Site.LA, Site.TR]
    assert [p.id for p in answers.people] == ["a1", "b2"]
    assert (answers.broker, answers.influx, answers.armed) == (
        BrokerAnswer("broker.lan"),
        None,
        "18:30-08:00",
    )
    assert len(said) == 4
    assert "gateway" in said[0]


def test_typed_secrets_go_into_files_that_only_their_owner_reads_and_not_into_the_settings(
    tmp_path: Path,
) -> None:
    given = replace(FULL, broker=BrokerAnswer("broker.lan"), influx=InfluxAnswer("https://influx.lan"))
    answers = with_secrets(given, tmp_path, lambda question: f"s3cret of {question.split()[-1]}")
    text = settings_text(answers)
    assert "s3cret" not in text
    for name in ("mqtt-password", "influx-token"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert (tmp_path / name).read_text().startswith("s3cret")
        assert str(tmp_path / name) in text


def test_pressing_enter_at_every_question_changes_nothing_that_was_given(tmp_path: Path) -> None:
    for known in (FULL, replace(FULL, broker=BrokerAnswer("::1", 1884, tls=False), influx=None, armed=None)):
        assert asked(known, tmp_path / "x.toml", lambda _, default: default, pytest.fail) == known


def test_another_broker_or_database_is_logged_in_to_as_was_given(tmp_path: Path) -> None:
    def ask(question: str, default: str) -> str:
        other = {"MQTT": "other.lan:8885", "Influ": "https://other.lan"}
        return next((said for begin, said in other.items() if question.startswith(begin)), default)

    answers = asked(FULL, tmp_path / "x.toml", ask, pytest.fail)
    assert answers.broker == BrokerAnswer(
        "other.lan", 8885, username="lw", password_file="~/p", ca_file="~/ca"
    )
    assert answers.influx == InfluxAnswer("https://other.lan", "org", "bucket", "~/t")


def test_a_typed_secret_leaves_that_of_another_gateway_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mqtt-password").write_text("of the ward")
    given = replace(FULL, broker=BrokerAnswer("broker.lan"), influx=None)
    broker = with_secrets(given, tmp_path, lambda _: "s3cret").broker
    assert broker is not None
    assert broker.password_file == str(tmp_path / "mqtt-password-2")
    assert (tmp_path / "mqtt-password").read_text() == "of the ward"


def test_a_place_that_there_is_not_is_asked_for_again_and_the_sensor_is_not_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def heard(*_: object, **__: object) -> list[Listed]:
        there = {"C0:00:00:00:00:01": "sock", "C0:00:00:00:00:02": "polar"}
        return [Listed(address, "", kind, -50, None, "") for address, kind in there.items()]

    said: list[str] = []
    typed = iter(["left foot", "la", "-"])
    monkeypatch.setattr("lullwatch.sensors.listed", heard)
    assert scanned(lambda *_: next(typed), said.append) == (SOCK,)
    assert any("left foot" in line for line in said)


def test_the_command_takes_everything_as_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.toml"
    line = [
        "init",
        str(path),
        "--no-ask",
        "--sensor",
        "LA=C0:00:00:00:00:01",
        "--sensor",
        "RA=C0:00:00:00:00:02",
    ]
    assert main([*line, "--person", "a1", "--armed", "19:00-07:00", "--zone", "Europe/Berlin"]) == 0
    assert "lullwatch up" in capsys.readouterr().out
    assert load(path).schedule[0].armed == "19:00-07:00"
    assert main(line) == 2
    assert "is there already" in capsys.readouterr().err


def test_what_to_do_next_names_every_sock_that_has_to_be_paired_and_no_other_sensor(tmp_path: Path) -> None:
    lines = set_up.what_next(tmp_path / "home.toml", set_up.write_settings(tmp_path / "home.toml", FULL))
    assert [line.split()[3] for line in lines if "--pair" in line] == ["C0:00:00:00:00:01"]
    made_up = set_up.write_settings(tmp_path / "try.toml", replace(FULL, simulated=7))
    assert "--pair" not in " ".join(set_up.what_next(tmp_path / "try.toml", made_up))


def test_taking_every_answer_that_is_offered_tells_nobody_and_what_to_do_next_says_so(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"

    def next_of(given: Answers) -> str:
        offered = asked(given, path, lambda _, default: default, pytest.fail)
        return "\n".join(set_up.what_next(path, set_up.write_settings(path, offered, force=True)))

    alone = Answers(sensors=(SOCK,), journal_dir=str(tmp_path))
    assert "nobody can be told yet" in next_of(alone)
    assert "nobody can be told" not in next_of(replace(alone, broker=FULL.broker))
    phone = replace(alone, people=(PersonAnswer("a1", ("a1-phone",)),), push=(("a1-phone", "~/a1"),))
    assert "nobody can be told" not in next_of(phone)
    unused = replace(phone, people=(PersonAnswer("a1"),))
    assert "nobody can be told yet" in next_of(unused)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which sensors there are"),
        (["--simulated", "1", "--broker-user", "lw"], "--broker-user says nothing without --broker"),
        (["--simulated", "1", "--broker-plain"], "--broker-plain says nothing without --broker"),
        (["--simulated", "1", "--influx-bucket", "x"], "--influx-bucket says nothing without --influx"),
        (["--simulated", "1", "--influx-token-file", "t"], "give --influx https://influx.lan:8086 too"),
        (["--simulated", "1", "--broker", "broker..lan"], "--broker: mqtt.host 'broker..lan' is no name"),
        (["--simulated", "1", "--birth-week", "May"], "week of birth"),
        (
            ["--simulated", "1", "--birth-week", "2236-05-04"],
            "--birth-week: birth_week 2236-05-04 lies ahead of",
        ),
        (["--simulated", "1", "--birth-week", "2236-05-04"], "Such as --birth-week 2026-05-04"),
        (["--simulated", "1", "--armed", "all night"], "--armed: "),
        (
            ["--simulated", "1", "--broker", "broker.lan", "--broker-plain"],
            "--broker-plain: mqtt.tls is false, but",
        ),
        (["--simulated", "1", "--zone", "Nowhere"], "--zone: zone 'Nowhere' is not a time zone"),
        (["--simulated", "1", "--person", "Anna Maria"], "Such as --person a1"),
        (["--simulated", "1", "--language", "fr"], "Such as --language en"),
        (["--sensor", "LA=C0"], "Such as --sensor LA=C0:00:00:00:00:01"),
        (
            ["--sensor", "LA=C0:00:00:00:00:01", "--sensor", "LA=C0:00:00:00:00:02"],
            "--sensor: infant a wears two",
        ),
        (["--simulated", "1", "--page-port", "99999"], "Such as --page-port 8080"),
        (["--simulated", "1", "--pace", "0"], "Such as --pace 60"),
        (["--simulated", "1", "--infant", "The Baby"], "--infant: "),
        (
            ["--simulated", "1", "--scenario", "no_such"],
            "scenario no_such: no scenario is called 'no_such'; there are",
        ),
    ],
)
def test_options_that_make_no_settings_end_it_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["init", str(tmp_path / "x.toml"), "--no-ask", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "x.toml" not in told  # of a file that was not written no line can be named
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_the_keyboard_ends_it_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("home\n"))
    assert main(["init", str(tmp_path / "x.toml"), "--ask"]) == 2
    assert "nobody answers any more" in capsys.readouterr().err


def test_the_zone_is_the_computers(tmp_path: Path) -> None:
    (tmp_path / "zoneinfo" / "Europe").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "Europe" / "Oslo").touch()
    link = tmp_path / "localtime"
    link.symlink_to(tmp_path / "zoneinfo" / "Europe" / "Oslo")
    assert local_zone({}, link) == "Europe/Oslo"
    assert local_zone({"TZ": "Europe/Rome"}, link) == "Europe/Rome"
    assert local_zone({}, tmp_path / "none") == "UTC"
