"""The questions of `lullwatch init`, each asked again until its answer makes settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from dsp.records import Site

from .errors import LullwatchError, NoRadio
from .set_up import keep_secret
from .set_up_answers import (
    Answers,
    BadAnswer,
    BrokerAnswer,
    InfluxAnswer,
    SensorAnswer,
    broker_answer,
    person_answer,
    sensor_answer,
)
from .set_up_wrong import WrongAnswer, checked

__all__ = ["asked", "scanned", "with_secrets"]

_SCAN_S: Final = 8.0
_NONE: Final = "-"


def asked(given: Answers, path: Path, ask: Callable[[str, str], str], say: Callable[[str], None]) -> Answers:
    """Answers to the questions, each asked again until it makes settings.

    Args:
        given: what is known already, and the defaults.
        path: of the file, for messages.
        ask: asks `(question, default)`; an empty answer is the default.
        say: a line for the person.
    """
    answers = given
    for question, default, change in _QUESTIONS:
        while True:
            said = ask(question, default(answers)).strip() or default(answers)
            try:
                changed = change(answers, said)
                checked(path, _with_sensors(changed))
            except WrongAnswer as error:
                say(error.plain)
            except LullwatchError as error:
                say(str(error))
            else:
                answers = changed
                break
    return answers


def _with_sensors(answers: Answers) -> Answers:
    """The same with a sensor where none was named yet, to look at everything else."""
    return (
        answers if answers.worn else replace(answers, sensors=(SensorAnswer(Site.LA, "C0:00:00:00:00:01"),))
    )


def _birth(answers: Answers, said: str) -> Answers:
    if not said or said == _NONE:
        return replace(answers, birth_week=None)
    try:
        return replace(answers, birth_week=date.fromisoformat(said))
    except ValueError:
        raise BadAnswer(
            "the week of birth", said, "2026-05-04, any day of it; or - to keep it to yourself"
        ) from None


def _sensors(answers: Answers, said: str) -> Answers:
    sensors = tuple(map(sensor_answer, said.split()))
    if not sensors and answers.simulated is None:
        raise BadAnswer("the sensors", said, "LA=C0:00:00:00:00:01 RA=C0:00:00:00:00:02")
    return replace(answers, sensors=sensors)


def _people_text(answers: Answers) -> str:
    return " ".join(f"{p.id}:{','.join(p.channels)}" for p in answers.people) or "a1"


def _broker_text(answers: Answers) -> str:
    broker = answers.broker
    return _NONE if broker is None else f"{broker.host}:{broker.port}"


def _brokered(answers: Answers, said: str) -> Answers:
    """Only where it is, is asked: how to log in to it stays as it was given."""
    if said == _broker_text(answers):
        return answers
    known = answers.broker or BrokerAnswer("")
    if said == _NONE:
        return replace(answers, broker=None)
    made = broker_answer(
        said, username=known.username, password_file=known.password_file, ca_file=known.ca_file
    )
    return replace(answers, broker=made)


def _databased(answers: Answers, said: str) -> Answers:
    known = answers.influx or InfluxAnswer("")
    return replace(answers, influx=None if said == _NONE else replace(known, url=said))


_Question = tuple[str, Callable[[Answers], str], Callable[[Answers, str], Answers]]
_QUESTIONS: Final[tuple[_Question, ...]] = (
    ("Id of this computer", lambda a: a.gateway, lambda a, s: replace(a, gateway=s)),
    ("Id of the baby, never a name", lambda a: a.infant, lambda a, s: replace(a, infant=s)),
    (
        "A day of the week of birth, stays in this file (- for none)",
        lambda a: _NONE if a.birth_week is None else a.birth_week.isoformat(),
        _birth,
    ),
    ("Time zone", lambda a: a.zone, lambda a, s: replace(a, zone=s)),
    ("Language, en or de", lambda a: a.language, lambda a, s: replace(a, language=s)),
    ("Emergency number", lambda a: a.emergency_number, lambda a, s: replace(a, emergency_number=s)),
    (
        "Sensors: SITE=ADDRESS with spaces between; sites LA RA TR LW RW HD",
        lambda a: " ".join(f"{s.site.value}={s.address}={s.kind.value}" for s in a.worn),
        _sensors,
    ),
    (
        "Who is told, ids in order with spaces between",
        _people_text,
        lambda a, s: replace(a, people=tuple(map(person_answer, s.split()))),
    ),
    (
        "MQTT broker, HOST or HOST:PORT (- for none)",
        _broker_text,
        _brokered,
    ),
    ("InfluxDB, its address (- for none)", lambda a: a.influx.url if a.influx else _NONE, _databased),
    (
        "Hours in which you rely on it, such as 18:30-08:00 (- for always)",
        lambda a: a.armed or _NONE,
        lambda a, s: replace(a, armed=None if s == _NONE else s),
    ),
    ("Folder for the nights", lambda a: a.journal_dir, lambda a, s: replace(a, journal_dir=s)),
)


def with_secrets(answers: Answers, folder: Path, ask_secret: Callable[[str], str]) -> Answers:
    """Passwords that are typed go into files of their own beside the settings; nothing typed, nothing kept."""
    broker, influx = answers.broker, answers.influx
    if broker is not None and broker.password_file is None:
        secret = ask_secret(
            "Password of the broker (nothing: it needs none, or it comes from the environment)"
        )
        if secret:
            path = keep_secret(_unused(folder / "mqtt-password"), secret)
            user = broker.username or "gateway"
            broker = replace(broker, username=user, password_file=str(path.absolute()))
    if influx is not None and influx.token_file is None:
        secret = ask_secret("Token of the database (nothing: it comes from the environment)")
        if secret:
            path = keep_secret(_unused(folder / "influx-token"), secret)
            influx = replace(influx, token_file=str(path.absolute()))
    return replace(answers, broker=broker, influx=influx)


def _unused(path: Path) -> Path:
    """The path, or with a number where another gateway's secret lies there."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def scanned(ask: Callable[[str, str], str], say: Callable[[str], None]) -> tuple[SensorAnswer, ...]:
    """Sensors that are heard, each with the site that a person says; nobody's where no site is said."""
    from .sensors import Radio, lines_of, listed

    try:
        found = asyncio.run(listed(Radio(), None, seconds=_SCAN_S))
    except Exception as error:  # noqa: BLE001 - whatever the system's Bluetooth says, sensors can be typed in
        say(str(NoRadio(str(error) or type(error).__name__)))
        return ()
    for line in lines_of(found):
        say(line)
    placed = (
        _placed(f"{one.address} ({one.name or one.kind})", f"{one.address}={one.kind}", ask, say)
        for one in found
    )
    return tuple(sensor for sensor in placed if sensor is not None)


def _placed(
    named: str, given: str, ask: Callable[[str, str], str], say: Callable[[str], None]
) -> SensorAnswer | None:
    """The sensor with the site that a person says, asked again until there is such a site; None: worn nowhere."""
    while (site := ask(f"Where is {named} worn? LA RA TR LW RW HD, - for nowhere", _NONE).strip()) not in (
        "",
        _NONE,
    ):
        try:
            return sensor_answer(f"{site}={given}")
        except BadAnswer as error:
            say(str(error))
    return None
