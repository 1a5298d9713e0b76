"""What reaches people: the severity table, one alert per series, lateness, and technical trouble."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.event_rules import past_of
from alerts.rules import Arming, Fact, RuleState, Trouble, decide, severity_of
from alerts.severity import RANK, TABLE, judge
from alerts.state import Sent
from dsp.records import NS, Alert, ClockRow, Event, EventStatus, Label, Severity, Usability
from tests.alert_makers import T0, event, later, minute

URGENT, NOTICE, DIARY, TECHNICAL = Severity.URGENT, Severity.NOTICE, Severity.DIARY, Severity.TECHNICAL


def told(facts: Iterable[Fact], **more: object) -> list[Alert]:
    state, alerts = RuleState(), []
    for fact in facts:
        state, new = decide(state, fact, **more)  # type: ignore[arg-type]
        alerts += new
    return alerts


def rings(alerts: list[Alert]) -> int:
    return sum(a.facts["announce"] == "ring" for a in alerts)


def ended(row: Event) -> Event:
    return replace(row, version=row.version + 1, status=EventStatus.END)


@pytest.mark.parametrize(
    ("row", "severity", "rule"),
    [
        (event(Label.LONG_MOVEMENT, long_s=60), URGENT, "long-movement"),
        (event(Label.RHYTHMIC_JERKING, long_s=10.5), URGENT, "jerking-10s"),
        (event(Label.RHYTHMIC_JERKING, long_s=10), DIARY, "rest"),
        (event(match=0.8), URGENT, "series-clear"),
        (event(match=0.79), NOTICE, "series-weak"),
        (event(Label.STIFFENING, long_s=10), URGENT, "stiffening-10s"),
        (event(Label.STIFFENING, long_s=9.9), NOTICE, "stiffening"),
        (ended(event(Label.SPASM_LIKE, long_s=1)), NOTICE, "brief-alone"),
        (event(Label.SPASM_LIKE, long_s=1), DIARY, "rest"),
        (replace(ended(event(Label.SPASM_LIKE, long_s=1)), parent="p"), DIARY, "rest"),
        (ended(event(Label.SLEEP_JERK_TRAIN, side="left")), NOTICE, "train-one-sided"),
        (event(Label.SLEEP_JERK_TRAIN, side="left"), DIARY, "rest"),
        (event(Label.SLEEP_JERK_TRAIN, long_s=1201), NOTICE, "train-long"),
        (event(Label.SLEEP_JERK_TRAIN, long_s=1200), DIARY, "rest"),
        (event(Label.SLEEP_JERK_TRAIN, long_s=12, episode_s=1200.5), NOTICE, "train-long"),
        (event(Label.SLEEP_JERK_TRAIN, long_s=12, episode_s=1200.0), DIARY, "rest"),
        (event(Label.LONG_MOVEMENT, long_s=60, conveyed=1.0), NOTICE, "long-movement"),
        (event(conveyed=1.0), NOTICE, "series-clear"),
        (event(conveyed=0.9), URGENT, "series-clear"),
        *((event(label), DIARY, "rest") for label in (Label.STARTLE, Label.TREMOR, Label.HICCUPS)),
        *((event(label), DIARY, "rest") for label in (Label.ROCKING, Label.TWITCHES, Label.MOVEMENT)),
    ],
)
def test_every_row_of_the_table_holds_at_its_edge(row: Event, severity: Severity, rule: str) -> None:
    got = judge(row, ())
    assert (got[1], got[0].id) == (severity, rule)
    alerts = told([row])
    assert [a.severity for a in alerts] == ([] if severity is DIARY else [severity])
    assert all(a.rule == f"{rule}@{TABLE.version}" for a in alerts)


def test_a_jerk_train_past_six_months_of_age_is_a_notice_and_without_an_age_is_not() -> None:
    train = event(Label.SLEEP_JERK_TRAIN)
    assert told([train]) == []
    assert told([train], age_days=182) == []
    assert [a.severity for a in told([train], age_days=183)] == [NOTICE]


def trains(*at_s: float, since_s: float, **more: Any) -> list[Event]:
    """Trains of one episode, of twelve seconds each, told when they begin and when they are over."""
    rows = [
        event(Label.SLEEP_JERK_TRAIN, at_s=t, long_s=12, episode_s=t + 12 - since_s, **more) for t in at_s
    ]
    return [row for train in rows for row in (train, ended(train))]


def test_an_episode_of_jerks_asleep_is_told_once_by_the_train_that_makes_it_long() -> None:
    alerts = told(trains(0, 600, 1180, 1230, 1300, 1400, since_s=0))
    assert {a.event_id for a in alerts} == {"sleep_jerk_train-1230"}
    assert rings(alerts) == 0
    assert "again and again for 21 min" in alerts[0].text
    again = told([*trains(1190, since_s=0), *trains(3600, 5000, since_s=3600), *trains(9000, since_s=7000)])
    assert [a.event_id for a in again if a.version == 1] == [
        f"sleep_jerk_train-{t}" for t in (1190, 5000, 9000)
    ]


def test_that_a_train_was_told_as_one_sided_keeps_no_long_episode_silent() -> None:
    rows = [*trains(600, since_s=0, side="left"), *trains(1300, since_s=0)]
    assert [(a.rule, a.event_id) for a in told(rows) if a.version == 1] == [
        ("train-one-sided@1", "sleep_jerk_train-600"),
        ("train-long@1", "sleep_jerk_train-1300"),
    ]


def test_every_row_of_the_table_has_an_id_of_its_own_and_a_reason() -> None:
    ids = [row.id for row in TABLE.rows] + [row.kind for row in TABLE.technical]
    assert len(set(ids)) == len(ids)
    assert all(len(row.reason) > 10 for row in (*TABLE.rows, *TABLE.technical))
    assert all(row.when.within_s <= TABLE.memory_s for row in TABLE.rows)


def test_a_second_weak_series_within_a_day_rings() -> None:
    day_s = 24 * 3600.0
    first, second = event(match=0.5), event(at_s=day_s - 60, match=0.5)
    assert [a.severity for a in told([first, second])] == [NOTICE, URGENT]
    assert [a.severity for a in told([first, event(at_s=day_s + 60, match=0.5)])] == [NOTICE, NOTICE]


def test_an_earlier_weak_series_found_late_counts_with_the_one_already_known() -> None:
    first, second = event(at_s=1000, match=0.5), event(at_s=0, match=0.5, late=True)
    assert [a.severity for a in told([first, second])] == [NOTICE, URGENT]


def test_a_withdrawn_series_does_not_count() -> None:
    first = event(match=0.5)
    gone = replace(first, version=2, status=EventStatus.WITHDRAWN)
    alerts = told([first, gone, event(at_s=100, match=0.5)])
    assert [a.severity for a in alerts] == [NOTICE, NOTICE, NOTICE]
    assert alerts[1].id == alerts[0].id


def test_the_third_short_stiffening_in_half_an_hour_rings() -> None:
    rows = [event(Label.STIFFENING, at_s=t, long_s=4) for t in (0, 900, 1800)]
    assert [a.severity for a in told(rows)] == [NOTICE, NOTICE, URGENT]
    rows = [event(Label.STIFFENING, at_s=t, long_s=4) for t in (0, 900, 1801)]
    assert [a.severity for a in told(rows)] == [NOTICE] * 3


def test_one_ongoing_series_is_one_alert_that_rings_once() -> None:
    first = event(count=3, long_s=20)
    rows = [first, *(later(first, 20 + 10 * n, count=3 + n, version=1 + n) for n in range(1, 40))]
    alerts = told([*rows, ended(rows[-1])])
    assert len({a.id for a in alerts}) == 1
    assert [a.version for a in alerts] == list(range(1, len(alerts) + 1))
    assert rings(alerts) == 1
    assert alerts[-1].count == 42
    assert "42 brief movements" in alerts[-1].text


def test_a_long_train_is_one_alert_with_an_update_every_half_minute_and_its_last_count() -> None:
    row = event(Label.RHYTHMIC_JERKING, long_s=11.0, count=30)
    rows = [row]
    for n in range(1, 301):
        rows.append(later(rows[-1], 11.0 + n, count=30 + 3 * n))
    rows.append(ended(rows[-1]))
    alerts = told(rows)
    assert len({a.id for a in alerts}) == 1
    assert 8 <= len(alerts) <= 13
    assert rings(alerts) == 1
    assert alerts[-1].count == 930
    gaps = [b.t_ns - a.t_ns for a, b in pairwise(alerts[:-1])]
    assert min(gaps) >= 30 * NS


def test_what_a_person_must_hear_is_never_held_back_by_the_rate_of_updates() -> None:
    weak = event(match=0.5)
    clear = later(weak, 31.0, match=0.9)
    over = ended(later(clear, 32.0, count=15))
    assert [a.severity for a in told([weak, clear, over])] == [NOTICE, URGENT, URGENT]


def test_a_row_that_changes_nothing_a_person_reads_is_not_sent() -> None:
    first = event()
    assert len(told([first, replace(first, version=2, confidence=0.5)])) == 1


def test_an_upward_relabel_rings_and_a_downward_one_lowers_nothing() -> None:
    first = event(match=0.5)
    up = later(first, 31, match=0.9)
    down = later(up, 40, label=Label.MOVEMENT, relabelled_from=Label.SPASM_LIKE_CLUSTER, reason="kicks")
    alerts = told([first, up, down])
    assert [a.severity for a in alerts] == [NOTICE, URGENT, URGENT]
    assert [a.facts["announce"] for a in alerts] == ["push", "ring", "update"]
    assert len({a.id for a in alerts}) == 1
    assert alerts[2].rule == alerts[1].rule


def test_a_series_takes_over_the_notice_of_its_first_member() -> None:
    member = ended(event(Label.SPASM_LIKE, long_s=1, count=1))
    cluster = event(count=3)
    claimed = replace(member, version=3, status=EventStatus.UPDATE, parent=cluster.id)
    alerts = told([member, cluster, claimed, ended(event(Label.SPASM_LIKE, at_s=20, long_s=1))])
    assert [(a.severity, a.version) for a in alerts] == [(NOTICE, 1), (URGENT, 2)]
    assert len({a.id for a in alerts}) == 1
    assert alerts[1].event_id == cluster.id


def test_two_brief_movements_close_together_are_one_notice_counted_as_two() -> None:
    rows = [ended(event(Label.SPASM_LIKE, at_s=t, long_s=1, count=1)) for t in (0, 40)]
    alerts = told(rows)
    assert [(a.version, a.count) for a in alerts] == [(1, 1), (2, 2)]
    assert "2 brief movements" in alerts[1].text
    apart = [ended(event(Label.SPASM_LIKE, at_s=t, long_s=1, count=1)) for t in (0, 400)]
    assert len({a.id for a in told(apart)}) == 2


def test_a_long_movement_rings_no_second_time_for_what_already_rang() -> None:
    jerking = event(Label.RHYTHMIC_JERKING, long_s=20)
    long = event(Label.LONG_MOVEMENT, long_s=60)
    alerts = told([jerking, long, later(jerking, 65, parent=long.id)])
    assert rings(alerts) == 1
    assert [a.pattern for a in alerts] == ["rhythmic_jerking", "long_stiffening_or_jerking"]


def test_at_five_minutes_a_long_movement_says_so_and_rings_once_more() -> None:
    first = event(Label.LONG_MOVEMENT, long_s=60)
    rows = [later(first, s) for s in (120, 240, 300, 360)]
    alerts = told([first, *rows])
    assert [a.facts["announce"] for a in alerts] == ["ring", "update", "update", "ring", "update"]
    lines = alerts[3].text.splitlines()
    assert sum("emergency number" in line for line in lines) == 2
    assert any("5 minutes or more" in line for line in lines)
    assert not any("5 minutes or more" in line for line in alerts[2].text.splitlines())


def test_the_urgent_text_keeps_its_order() -> None:
    lines = told([event()])[0].text.splitlines()
    places = [
        next(n for n, line in enumerate(lines) if line.startswith(start))
        for start in (
            "Look at your baby now",
            "Call the emergency number",
            "Recorded: 14 brief",
            "If you can do it",
        )
    ]
    assert places == sorted(places)
    assert "14 brief movements in 30 s, both legs and body" in lines[places[2]]
    assert "6 min after waking" in lines[places[2]]
    assert "pattern match: clear" in lines[places[2]]


def test_an_urgent_pattern_found_late_rings_only_within_the_hour() -> None:
    clock = ClockRow(0, 1_700_000_000 * NS, "boot", "Europe/Berlin")
    young = event(late=True, told_ns=T0 + 59 * 60 * NS)
    old = event(late=True, told_ns=T0 + 61 * 60 * NS)
    [rang] = told([young], clock=clock)
    assert (rang.severity, rang.facts["announce"], rang.late) == (URGENT, "ring", True)
    assert "This happened at 13:00 and is sent late." in rang.text.splitlines()
    [noted] = told([old], clock=clock)
    assert (noted.severity, noted.facts["announce"], noted.late) == (NOTICE, "push", True)


def test_without_a_clock_a_late_alert_says_how_long_ago() -> None:
    [alert] = told([event(late=True, told_ns=T0 + 12 * 60 * NS)])
    assert "This happened 12 min ago and is sent late." in alert.text


def test_two_that_join_leave_one_alert() -> None:
    a, b = event(at_s=0), event(at_s=100, match=0.5)
    joined = replace(b, version=2, status=EventStatus.END, merged_into=a.id)
    alerts = told([a, b, joined])
    assert [x.facts.get("ended_as") for x in alerts] == [None, None, "merged"]
    assert alerts[1].id == alerts[2].id != alerts[0].id


def test_a_survivor_that_was_not_told_continues_the_alert_that_was() -> None:
    a = event(Label.RHYTHMIC_JERKING, at_s=0, long_s=5)
    b = event(Label.RHYTHMIC_JERKING, at_s=6, long_s=11)
    joined = replace(b, version=2, status=EventStatus.END, merged_into=a.id)
    alerts = told([a, b, joined, later(a, 30)])
    assert len({x.id for x in alerts}) == 1
    assert rings(alerts) == 1


def test_blind_for_more_than_five_minutes_rings_once_and_is_cleared_when_well() -> None:
    minutes = [minute(0, Usability.USABLE), *(minute(n, Usability.BLIND) for n in range(1, 30))]
    alerts = told([*minutes, minute(30, Usability.DEGRADED)])
    assert [(a.severity, a.pattern, a.facts["announce"], a.cleared) for a in alerts] == [
        (TECHNICAL, "blind", "ring", False),
        (TECHNICAL, "blind", "update", True),
    ]
    assert alerts[0].t_ns == T0 + 7 * 60 * NS
    assert alerts[0].id == alerts[1].id


def test_five_minutes_of_blindness_do_not_ring_yet() -> None:
    assert told(minute(n, Usability.BLIND) for n in range(5)) == []


def test_blind_rings_only_while_somebody_relies_on_it() -> None:
    blind = [minute(n, Usability.BLIND) for n in range(10)]
    assert told([Arming("inf1", T0, armed=False), *blind]) == []
    assert len(told([Arming("inf1", T0, armed=False), Arming("inf1", T0, armed=True), *blind])) == 1


def test_other_trouble_is_said_once_silently_and_cleared() -> None:
    low, well = Trouble("battery", T0, detail="la"), Trouble("battery", T0 + NS, cleared=True, detail="la")
    alerts = told([low, low, Trouble("battery", T0, detail="ra"), well, well])
    assert [(a.facts["detail"], a.version, a.cleared) for a in alerts] == [
        ("la", 1, False),
        ("ra", 1, False),
        ("la", 2, True),
    ]
    assert rings(alerts) == 0


def test_trouble_the_table_does_not_know_is_shown() -> None:
    [alert] = told([Trouble("gremlins", T0)])
    assert (alert.severity, alert.rule) == (TECHNICAL, f"technical-gremlins@{TABLE.version}")
    assert "gremlins" in alert.text


def test_no_message_about_an_event_goes_out_without_coverage() -> None:
    minutes = [minute(n, Usability.USABLE if n % 4 else Usability.BLIND) for n in range(-120, 0)]
    [alert] = told([*minutes, event()])
    assert "The sensors could see 1 h 30 min of the last 2 h 0 min." in alert.text
    assert (alert.facts["seen_s"], alert.facts["watched_s"]) == (5400, 7200)
    assert "not known yet" in told([event()])[0].text


def test_the_severity_of_an_event_is_that_of_its_alert_else_the_table_s() -> None:
    first = event(match=0.9)
    state, _ = decide(RuleState(), first)
    assert severity_of(state, later(first, 40, label=Label.MOVEMENT)) is URGENT
    assert severity_of(state, event(Label.SLEEP_JERK_TRAIN)) is DIARY


LABELS = st.sampled_from(list(Label))
STATUSES = st.sampled_from(list(EventStatus))


@st.composite
def rows_of_events(draw: st.DrawFn) -> list[Event]:
    rows: list[Event] = []
    for number in range(draw(st.integers(1, 12))):
        long_s = draw(st.floats(0.5, 400))
        row = event(draw(LABELS), draw(st.floats(0, 4000)), long_s, match=draw(st.floats(0, 1)))
        ident = f"e{draw(st.integers(0, 4))}"
        merged = draw(st.sampled_from([None, None, None, "e0"]))
        rows.append(
            replace(
                row,
                id=ident,
                version=number + 1,
                status=draw(STATUSES),
                merged_into=merged if merged != ident else None,
                parent=draw(st.sampled_from([None, None, "e1"])),
                conveyed=draw(st.sampled_from([0.0, 0.5, 1.0])),
                late=draw(st.booleans()),
            )
        )
    return rows


@given(rows_of_events())
def test_whatever_comes_no_alert_sinks_and_versions_count_up(rows: list[Event]) -> None:
    last: dict[str, Alert] = {}
    for alert in told(rows):
        before = last.get(alert.id)
        assert alert.version == (before.version + 1 if before else 1)
        assert before is None or RANK[alert.severity] >= RANK[before.severity]
        if alert.facts["announce"] == "ring":
            rose = before is None or RANK[alert.severity] > RANK[before.severity]
            assert rose or "5 minutes or more" in alert.text
        last[alert.id] = alert


@given(rows_of_events())
def test_an_urgent_pattern_is_told_by_some_alert(rows: list[Event]) -> None:
    state = RuleState()
    for row in rows:
        state, _ = decide(state, row)
        gone = row.status is EventStatus.WITHDRAWN or row.merged_into is not None
        fresh = row.told_ns - row.end_ns < 3600 * NS
        if not gone and fresh and judge(row, past_of(state))[1] is URGENT:
            assert URGENT in {s.severity for s in state.sent if speaks_for(state, s, row)}


def test_what_becomes_a_whole_while_another_whole_tells_its_alert_is_told_by_that() -> None:
    rows = [event(Label.STIFFENING, long_s=1.0), event(Label.LONG_MOVEMENT, long_s=1.0)]
    part, whole = (replace(row, id=f"e{number}", match=0.0) for number, row in enumerate(rows))
    alerts = told([part, whole, replace(part, label=Label.LONG_MOVEMENT, version=3)])
    assert len({alert.id for alert in alerts}) == 1
    assert alerts[-1].severity is URGENT


def speaks_for(state: RuleState, sent: Sent, row: Event) -> bool:
    """The event itself, a whole that it is part of, or the alert that took its own over."""
    known, teller = state.event(row.id), state.event(sent.event)
    if known is not None and known.alert == sent.id:
        return True
    whole = {Label.STIFFENING: Label.LONG_MOVEMENT, Label.RHYTHMIC_JERKING: Label.LONG_MOVEMENT}
    return teller is not None and (teller.id == row.id or teller.label is whole.get(row.label))


def test_a_carried_long_movement_does_not_silence_jerking_that_is_not_wholly_carried() -> None:
    long = event(Label.LONG_MOVEMENT, long_s=60, conveyed=1.0)
    jerking = event(Label.RHYTHMIC_JERKING, at_s=1, long_s=30, conveyed=0.5, parent=long.id)
    assert [a.severity for a in told([long, jerking])] == [NOTICE, URGENT]


@given(rows_of_events(), st.integers(0, 12))
def test_a_restart_from_a_snapshot_changes_nothing(rows: list[Event], cut: int) -> None:
    state = RuleState()
    for row in rows[:cut]:
        state, _ = decide(state, row)
    restored = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=RuleState)
    assert restored == state
    for row in rows[cut:]:
        state, alerts = decide(state, row)
        restored, again = decide(restored, row)
        assert (restored, again) == (state, alerts)


def test_what_is_older_than_the_memory_is_forgotten() -> None:
    state, _ = decide(RuleState(), event(match=0.5))
    state, _ = decide(state, minute(24 * 60 + 5, Usability.USABLE))
    assert (state.events, state.sent) == ((), ())


def test_a_restless_night_of_kicks_and_twitches_leaves_nothing_to_remember() -> None:
    state = RuleState()
    for n in range(500):
        state, alerts = decide(
            state, event(Label.TWITCHES if n % 2 else Label.MOVEMENT, at_s=n * 10, long_s=2)
        )
        assert alerts == ()
    assert state == RuleState()
