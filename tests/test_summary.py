"""A night in words: coverage first, wear time, wire names, and what must always stand on it."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

from hypothesis import given
from hypothesis import strategies as st

from alerts.words import catalogue
from dsp.records import NS, Alert, Coverage, Label, Severity, Site, State, StateEpoch, Usability
from lullwatch.detector import Told
from lullwatch.summary import summary
from tests.alert_makers import T0, event

SITES = (Site.LA, Site.TR)
MINUTE_NS = 60 * NS


def minute(n: int, usability: Usability = Usability.USABLE, *causes: str, la: float = 1.0) -> Coverage:
    seen = ((Site.LA, la), (Site.TR, 1.0))
    return Coverage("inf1", T0 + n * MINUTE_NS, MINUTE_NS, usability, causes, seen)


def alert(alert_id: str, number: int, severity: Severity) -> Alert:
    return Alert(alert_id, number, severity, "inf1", T0, "p", None, T0, T0, 1, "r@1", "text")


def lines(told: Told) -> list[str]:
    return summary("night", SITES, told).splitlines()


def test_coverage_stands_first_and_beside_every_count() -> None:
    told = Told(
        outputs=[event(), event(Label.STIFFENING, at_s=90)],
        coverage=[minute(0), minute(1), minute(2, Usability.BLIND)],
    )
    said = lines(told)
    assert said[0].startswith("night: 2 min of 3 min recorded")
    assert "  repeated brief movements: 1 (14 movements) in 2 min seen" in said
    assert "  stiffening: 1 (14 movements) in 2 min seen" in said


def test_wear_time_is_told_for_each_sensor_in_words() -> None:
    told = Told(
        coverage=[
            minute(0),
            minute(1, Usability.DEGRADED, "no_data:LA", la=0.5),
            minute(2, Usability.DEGRADED, "not_worn:TR"),
            *(minute(n) for n in range(3, 62)),
        ]
    )
    assert lines(told)[1] == "worn and heard: left leg 1 h 2 min, body 1 h 1 min"


def test_a_night_without_a_sensor_or_a_minute_is_told_without_a_word_too_many() -> None:
    said = summary("empty", (), Told())
    assert "0 min of 0 min recorded" in said
    assert "no pattern was matched in 0 s seen" in said


def test_states_are_told_as_what_the_sensors_suggest() -> None:
    states = [
        StateEpoch("inf1", T0 + n * 30 * NS, 30 * NS, state, 0.9, 0.5, 0.5, T0)
        for n, state in enumerate([State.QUIET_SLEEP, State.QUIET_SLEEP, State.AWAKE])
    ]
    assert "the sensors suggest: awake 30 s, quiet sleep 60 s" in lines(Told(outputs=list(states)))


def test_versions_of_one_alert_are_one() -> None:
    told = Told(
        alerts=[
            alert("a", 1, Severity.NOTICE),
            alert("a", 2, Severity.URGENT),
            alert("b", 1, Severity.URGENT),
            alert("b", 2, Severity.URGENT),
            alert("c", 1, Severity.TECHNICAL),
        ]
    )
    assert "alerts: 2 urgent, 0 silent, 1 technical" in lines(told)


def test_an_event_that_was_withdrawn_is_not_counted() -> None:
    row = event()
    gone = replace(row, version=2, status=type(row.status).WITHDRAWN)
    assert "  no pattern was matched in 1 min seen" not in lines(Told(outputs=[row], coverage=[minute(0)]))
    assert "  no pattern was matched in 60 s seen" in lines(Told(outputs=[row, gone], coverage=[minute(0)]))


@given(st.lists(st.sampled_from(list(Label)), max_size=6))
def test_what_must_always_stand_on_it_stands_on_it(labels: list[Label]) -> None:
    events = [event(label, at_s=60.0 * n) for n, label in enumerate(labels)]
    said = summary("night", SITES, Told(outputs=list(events), coverage=[minute(0)]))
    for text in (
        "is not a diagnosis",
        "does not rule anything out",
        catalogue("en").emergency,
        "film it and call",
        f"lullwatch {version('lullwatch')}",
        "Unvalidated research data; sensor labels are pattern names, not diagnoses.",
        "worn and heard",
    ):
        assert said.count(text) == 1
    assert said.count(catalogue("en").same_day["repeated_brief_movements"]) == (
        Label.SPASM_LIKE_CLUSTER in labels
    )
