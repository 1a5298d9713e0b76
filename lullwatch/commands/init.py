"""`lullwatch init`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from lullwatch.set_up_answers import Answers

__all__ = ["init"]

_Flag = Annotated[bool, Parameter(negative="")]
_Many = Annotated[list[str] | None, Parameter(negative="")]


def init(
    out: Path = Path("lullwatch.toml"),
    /,
    *,
    gateway: str | None = None,
    infant: str | None = None,
    birth_week: str | None = None,
    zone: str | None = None,
    language: str | None = None,
    emergency_number: str | None = None,
    sensor: _Many = None,
    person: _Many = None,
    push: _Many = None,
    broker: str | None = None,
    broker_user: str | None = None,
    broker_password_file: str | None = None,
    broker_ca: str | None = None,
    broker_plain: _Flag = False,
    influx: str | None = None,
    influx_org: str | None = None,
    influx_bucket: str | None = None,
    influx_token_file: str | None = None,
    armed: str | None = None,
    journal_dir: str | None = None,
    page_port: int = 8080,
    metrics_port: int | None = None,
    simulated: int | None = None,
    scenario: str | None = None,
    pace: float = 60.0,
    scan: _Flag = False,
    ask: bool | None = None,
    force: _Flag = False,
) -> int:
    """Make the settings file: asks on a terminal, takes options otherwise. Nothing that is there is written over.

    Passwords never stand in the settings: they go into files of their own, or come from the environment
    (LULLWATCH_MQTT_PASSWORD, LULLWATCH_INFLUX_TOKEN).

    Example: lullwatch init

    Example: lullwatch init lullwatch.toml --sensor LA=C0:00:00:00:00:01 --sensor RA=C0:00:00:00:00:02 --person a1

    Example: lullwatch init try.toml --simulated 7 --journal-dir try

    Parameters
    ----------
    out
        The file to make.
    gateway
        Id of this computer.
    infant
        Id of the baby, never a name.
    birth_week
        Any day of the week of birth; it stays in this file, and only the age in days goes further.
    zone
        Time zone; that of the computer when left out.
    language
        Of every text that people read: en or de.
    emergency_number
        Of your country.
    sensor
        SITE=ADDRESS, or SITE=ADDRESS=KIND; once for each. Sites are LA RA TR LW RW HD.
    person
        Who is told, in this order: ID, or ID:CHANNEL,CHANNEL; once for each.
    push
        A phone service: NAME=FILE, where the file (mode 0600) holds its address; once for each.
    broker
        The MQTT broker: HOST or HOST:PORT. Port 1883 means without TLS, for this computer alone.
    broker_user
        Name to log in to it with.
    broker_password_file
        File with its password, mode 0600.
    broker_ca
        Certificate of its authority.
    broker_plain
        Without TLS; only for a broker on this computer.
    influx
        Address of the InfluxDB, https://influx.lan:8086
    influx_org
        Its organisation; lullwatch when left out.
    influx_bucket
        Its bucket; lullwatch when left out.
    influx_token_file
        File with its token, mode 0600.
    armed
        Hours in which you rely on it, 18:30-08:00; always when left out.
    journal_dir
        Folder for the nights.
    page_port
        Port of the pages.
    metrics_port
        Port of the numbers for Prometheus; none when left out.
    simulated
        A made-up infant of this seed with virtual socks, to try everything out.
    scenario
        What it does: a name of `lullwatch simulate --list`, or a TOML file.
    pace
        Simulated seconds in a real one.
    scan
        Listen for sensors first, and ask where each is worn.
    ask
        Ask, or --no-ask for options alone; by default it asks on a terminal.
    force
        Write over a file that is there.
    """
    import sys

    from lullwatch import set_up
    from lullwatch import set_up_answers as typed
    from lullwatch.console import say

    questions = sys.stdin.isatty() if ask is None else ask
    if out.exists() and not force:
        raise set_up.SettingsThere(out)
    if not sensor and simulated is None and not questions:
        raise typed.NoSensors
    if scenario is not None:
        _require_scenario(scenario)
    of_broker = {
        "--broker-user": broker_user, "--broker-password-file": broker_password_file, "--broker-ca": broker_ca,
        "--broker-plain": broker_plain,
    }  # fmt: skip
    typed.require("--broker", broker, of_broker, such_as="broker.lan:8883")
    of_influx = {
        "--influx-token-file": influx_token_file,
        "--influx-org": influx_org,
        "--influx-bucket": influx_bucket,
    }
    typed.require("--influx", influx, of_influx, such_as="https://influx.lan:8086")
    answers = typed.Answers(
        gateway=gateway or "home",
        infant=infant or "a",
        birth_week=_birth_week(birth_week),
        zone=zone or typed.local_zone(),
        language=language or "en",
        emergency_number="112" if emergency_number is None else emergency_number,
        journal_dir=journal_dir or typed.Answers().journal_dir,
        sensors=tuple(map(typed.sensor_answer, sensor or [])),
        people=tuple(map(typed.person_answer, person or [])),
        push=tuple(map(typed.push_answer, push or [])),
        broker=None if broker is None else typed.broker_answer(
            broker, username=broker_user, password_file=broker_password_file, ca_file=broker_ca,
            plain=broker_plain,
        ),
        influx=None if influx is None else typed.InfluxAnswer(
            influx, influx_org or "lullwatch", influx_bucket or "lullwatch", influx_token_file
        ),
        armed=armed,
        page_port=page_port,
        metrics_port=metrics_port,
        simulated=simulated,
        scenario=scenario,
        pace=pace,
    )  # fmt: skip
    if questions:
        answers = _asked(answers, out, scan=scan)
    settings = set_up.write_settings(out, typed.from_root(answers), force=force)
    say(f"written: {out} (only you can read it), with {len(settings.infants[0].sensors)} sensors")
    for line in set_up.what_next(out, settings):
        say(line)
    return 0


def _require_scenario(name: str) -> None:
    from lullwatch.simulate import read_scenario  # takes a second, so only where one is named

    read_scenario(name)


def _birth_week(given: str | None) -> date | None:
    from lullwatch.set_up_answers import BadAnswer

    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError:
        raise BadAnswer(
            "the week of birth (--birth-week)", given or "", "2026-05-04, any day of it"
        ) from None


def _asked(answers: Answers, out: Path, *, scan: bool) -> Answers:
    from dataclasses import replace

    from lullwatch.console import ask_secret, ask_with_default, say
    from lullwatch.set_up_questions import asked, scanned, with_secrets

    if not (scan or answers.worn):
        scan = ask_with_default("Listen for sensors that are near and charged, yes or no", "no") in (
            "yes",
            "y",
        )
    if scan:
        answers = replace(answers, sensors=scanned(ask_with_default, say) or answers.sensors)
    answers = asked(answers, out, ask_with_default, say)
    return with_secrets(answers, out.parent, ask_secret)
