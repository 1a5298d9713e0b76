"""Every text a person sees outside of alerts: the summary, the demo, the command line's help, the README."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.discovery import gateway_device, infant_device
from alerts.mqtt import BrokerAddress
from alerts.payloads import Topics, alert_message
from alerts.rules import Fact, RuleState, Trouble, decide
from alerts.words import LANGUAGES, catalogue
from dsp.records import NS, Alert, ClockRow, EventStatus, Label, Severity, State, StateEpoch, Usability
from lullwatch.__main__ import COMMANDS
from lullwatch.demo import DemoResult, Show, _Demo, closing_words
from lullwatch.detector import Told
from lullwatch.nights import Night
from lullwatch.replay import Replayed
from lullwatch.summary import summary
from store.utc import UtcMap
from tests.alert_makers import T0, event, minute
from tests.wording import faults

ROOT = Path(__file__).resolve().parents[1]
SITES = event().sites
FOR_CAREGIVERS = [
    *(
        path
        for name in ("phones", "home-assistant", "summary")
        if (path := ROOT / "docs" / f"{name}.md").exists()
    ),
    *(ROOT / "deploy" / "homeassistant").glob("*.yaml"),
]
"""pages and files that somebody reads who looks after an infant"""

ALLOWED = {
    "summary": [],
    "help": [
        "it never diagnoses and never reassures",
        "detector",  # a part of the program, by its name
        "lullwatch monitor",
        "the monitor",  # the running service, by the name of its command
        "The running monitor",
        "NoMonitor",
        "monitor   Listen to real socks",
        "lullwatch score",
        "score     Compare events with truth",
        "score.json and score.txt",
    ],
    "pages": ["detector", "Neither is a diagnosis", "silence is no reassurance"],
    "readme": [
        "It never diagnoses and it never reassures",
        "Not a diagnosis, not a screening, not a safety monitor, not a breathing monitor",
        "does not replace watching your baby or safe-sleep advice",
    ],
}
"""sentences that must say what this is not, or that name a command, although a forbidden word stands in them"""


def found_in(text: str, surface: str, language: str = "en") -> list[str]:
    """Forbidden words and research labels; an allowed sentence that is not there would allow too much."""
    text = re.sub(r"\s+", " ", text)
    for sentence in ALLOWED[surface]:
        text = text.replace(re.sub(r"\s+", " ", sentence), "")
    labels = [x.value for x in Label if "_" in x.value and x.value != x.wire and x.value in text]
    return faults(text, language) + labels


def everything() -> Told:
    """One event of every label, every state, and the alerts they lead to."""
    events = [event(label, at_s=100.0 * n) for n, label in enumerate(Label)]
    events += [event(Label.STIFFENING, at_s=-4000, long_s=4), event(at_s=-9000, match=0.5)]
    states = [StateEpoch("inf1", T0 + n * NS, NS, state, 0.9, 0.5, 0.5, T0) for n, state in enumerate(State)]
    told = Told(outputs=[*events, *states], coverage=[minute(n, Usability.USABLE) for n in range(60)])
    rules = RuleState()
    facts: list[Fact] = [*events, Trouble("disk", T0), Trouble("disk", T0, cleared=True)]
    for fact in facts:
        rules, alerts = decide(rules, fact)
        told.alerts += alerts
    assert {a.severity for a in told.alerts} == {Severity.URGENT, Severity.NOTICE, Severity.TECHNICAL}
    return told


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summary_says_no_forbidden_word(language: str) -> None:
    words = catalogue(language)
    text = summary("night", SITES, everything(), words)
    assert all(words.names[label.wire] in text for label in Label)
    assert found_in(text, "summary", language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_that_home_assistant_shows_is_a_forbidden_word(language: str) -> None:
    words, topics = catalogue(language), Topics("home")
    shown: list[str] = []
    for message in (infant_device(topics, "a", SITES, words), gateway_device(topics, words)):
        shown += names_in(json.loads(message.payload))
    assert len(shown) > 12
    assert {name: found_in(name, "summary", language) for name in shown if faults(name, language)} == {}


def names_in(value: object) -> list[str]:
    """What a person sees of a discovery payload: names, and the values that an entity may take."""
    if isinstance(value, list):
        return [name for part in value for name in names_in(part)]
    if not isinstance(value, dict):
        return []
    own = [value[key] for key in ("name", "manufacturer", "model") if isinstance(value.get(key), str)]
    lists = [text for key in ("options", "event_types") for text in value.get(key, [])]
    return [*own, *lists, *(name for part in value.values() for name in names_in(part))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_acknowledge_page_says_no_forbidden_word(language: str) -> None:
    words = catalogue(language)
    for key in (k for k in words.more if k.startswith("ack_page.")):
        assert found_in(words.more[key], "summary", language) == []


@pytest.mark.parametrize("path", sorted(FOR_CAREGIVERS), ids=lambda p: str(p.name))
def test_no_page_or_blueprint_for_caregivers_says_a_forbidden_word(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) > 500
    for sentence in ALLOWED["pages"]:
        text = text.replace(sentence, "")
    assert [line for line in text.splitlines() if faults(line)] == []


def test_no_message_of_an_error_says_a_forbidden_word() -> None:
    tree = ast.parse((ROOT / "lullwatch" / "errors.py").read_text(encoding="utf-8"))
    said = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    assert len(said) > 40
    assert {text: found_in(text, "help") for text in said if found_in(text, "help")} == {}


def payload(alert: Alert) -> dict[str, object]:
    message = alert_message(Topics("demo"), UtcMap([ClockRow(0, 0, "b", "UTC")]), alert)
    return dict(json.loads(message.payload))


def test_the_demo_s_closing_words_say_no_forbidden_word() -> None:
    told = everything()
    night = Night("demo", "demo", SITES, 0, 60 * NS, None, "UTC", [])
    phone = [payload(alert) for alert in told.alerts]
    for lines in (None, 1000):
        result = DemoResult(Replayed(night, told), 10, 10, phone, lines, 1.0)
        assert found_in(closing_words(result, Path("lullwatch-demo")), "summary") == []


def test_nothing_the_demo_says_meanwhile_is_a_forbidden_word(tmp_path: Path) -> None:
    said: list[str] = []
    demo = _Demo(tmp_path, Show(said.append, lambda _: None), BrokerAddress("127.0.0.1"), None, None)
    told = everything()
    for row in told.events:
        for status in EventStatus:
            demo._say_event(replace(row, status=status))
    for epoch in told.states:
        demo._say_state(epoch)
    for alert in told.alerts:
        demo._show_alert(payload(alert))
    assert len(said) > 20
    assert any("RINGS" in line for line in said)
    assert any("silent push" in line for line in said)
    assert {line: found_in(line, "summary") for line in said if found_in(line, "summary")} == {}


@pytest.mark.parametrize("command", ["", *(c.__name__.strip("_").replace("_", "-") for c in COMMANDS)])
def test_no_help_says_a_forbidden_word(command: str) -> None:
    line = [sys.executable, "-m", "lullwatch", *command.split(), "--help"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT)
    assert len(done.stdout) > 100
    assert found_in(done.stdout, "help") == []


def caregiver_parts() -> str:
    """Everything before the commands, what it is not for, and the part for a caregiver."""
    opening, *rest = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")
    parts = [part for part in rest if part.startswith(("What it is not for", "For a caregiver"))]
    assert len(parts) == 2
    return re.sub(r"\s+", " ", " ".join([opening, *parts]))


def test_the_readme_s_parts_for_a_caregiver_say_no_forbidden_word() -> None:
    assert found_in(caregiver_parts(), "readme") == []


def test_the_readme_names_every_urgent_criterion_and_puts_the_film_before_the_log() -> None:
    text = caregiver_parts()
    assert catalogue("en").emergency in text
    assert "film it and call; you do not need this log" in text
    assert "does not rule anything out" in text


def test_every_sentence_that_the_readme_may_say_is_there() -> None:
    assert [s for s in ALLOWED["readme"] if s not in caregiver_parts()] == []


@pytest.mark.parametrize(
    "text",
    [
        "another looks dramatic and is harmless",
        "every week before treatment counts",
        "spasm_like_cluster: 1",
        "no spasms today",
    ],
)
def test_the_guard_finds_what_once_stood_there(text: str) -> None:
    assert found_in(text, "readme") != []
