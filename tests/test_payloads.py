"""Topics and payloads as docs/mqtt.md promises them."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import payloads, wire
from alerts.payloads import BadTopicId, Topics
from alerts.rules import RuleState, Trouble, decide
from dsp.records import NS, ClockRow, Label, LinkSample, Severity, Site, State, StateEpoch, Usability
from store.utc import UtcMap
from tests.alert_makers import T0, event, minute

TOPICS = Topics("gw1")
CLOCK = UtcMap([ClockRow(T0, 1_700_000_000 * NS + 123_456_789, "boot", "UTC")])
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "mqtt.md"

SUMMARY = wire.SummaryBody(
    infant="inf1",
    night="2026-11-21",
    zone="UTC",
    language="en",
    coverage=wire.SummaryWatched(watched_s=60, seen_s=60, degraded_s=0),
    unanswered=(),
    answered=(),
    notices=(),
    events=(),
    mutes=(),
    muted=(),
    blind=(),
    sensors=(),
    technical=(),
    lines=("one",),
    text="one",
)


def messages() -> dict[str, payloads.Message]:
    _, [alert] = decide(RuleState(), event())
    state = StateEpoch("inf1", T0, 30 * NS, State.ASLEEP, 0.91, 0.6, 0.4, None)
    link = LinkSample(Site.LA, "la", T0, "streaming", 100, 1, 2, 88, -60, 3.0)
    return {
        "event": payloads.event_message(TOPICS, CLOCK, event(), Severity.URGENT),
        "alert": payloads.alert_message(TOPICS, CLOCK, alert),
        "state": payloads.state_message(TOPICS, CLOCK, state),
        "coverage": payloads.coverage_message(TOPICS, CLOCK, minute(0, Usability.USABLE)),
        "link": payloads.link_message(TOPICS, CLOCK, "inf1", [link]),
        "summary": payloads.summary_message(TOPICS, SUMMARY),
    }


@pytest.mark.parametrize("kind", ["event", "alert", "state", "coverage", "link", "summary"])
def test_every_message_has_its_topic_and_the_schema_version(kind: str) -> None:
    message = messages()[kind]
    assert message.topic == f"lullwatch/gw1/inf1/{kind}"
    assert json.loads(message.payload)["schema"] == payloads.SCHEMA


def test_what_happens_is_not_retained_and_what_holds_is() -> None:
    assert {k: m.retain for k, m in messages().items()} == {
        "event": False,
        "alert": False,
        "state": True,
        "coverage": True,
        "link": True,
        "summary": True,
    }


def test_an_event_goes_out_under_its_wire_name_with_utc_times() -> None:
    body = json.loads(messages()["event"].payload)
    assert body["event_type"] == "repeated_brief_movements"
    assert (body["onset"], body["onset_ns"]) == ("2023-11-14T22:13:20.123Z", 1_700_000_000_123_456_789)
    assert body["duration_s"] == 30.0


@pytest.mark.parametrize("label", list(Label))
def test_no_research_label_leaves_over_mqtt(label: Label) -> None:
    text = payloads.event_message(TOPICS, CLOCK, event(label), Severity.DIARY).payload.decode()
    hidden = [other.value for other in Label if other.value != other.wire]
    assert not any(re.search(rf'"{name}"', text) for name in hidden)


def test_an_alert_carries_its_text_its_facts_and_its_proof_of_delivery() -> None:
    message = messages()["alert"]
    body = json.loads(message.payload)
    assert message.alert == (body["id"], body["version"])
    assert body["text"].startswith("Repeated brief movements recorded\nLook at your baby now.")
    assert body["facts"]["announce"] == "ring"


def test_trouble_of_the_gateway_has_a_topic_without_an_infant() -> None:
    _, [alert] = decide(RuleState(), Trouble("disk", T0))
    assert payloads.alert_message(TOPICS, CLOCK, alert).topic == "lullwatch/gw1/gateway/alert"


@given(st.text(max_size=80))
def test_an_id_in_a_topic_never_changes_its_levels(name: str) -> None:
    try:
        topic = TOPICS.of(name, "alert")
    except BadTopicId:
        return
    assert topic.count("/") == 3
    assert not set(topic) & set("+#\0 ")


@pytest.mark.parametrize("name", ["a/b", "+", "#", "Anna Müller", "x" * 65, "-a"])
def test_an_id_that_could_be_a_name_or_a_wildcard_is_refused(name: str) -> None:
    with pytest.raises(BadTopicId, match="cannot stand in a topic"):
        Topics(name)


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(ValueError, match="no status"):
        payloads.status_payload("fine")


def test_the_document_names_every_field_of_every_payload() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for kind, message in messages().items():
        for field in json.loads(message.payload):
            if kind != "summary":
                assert f'"{field}"' in text, f"{kind}.{field} is not in docs/mqtt.md"
