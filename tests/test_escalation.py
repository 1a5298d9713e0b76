"""Who is told when: the chain, repeats, answers, mutes, quiet hours; and what holds whatever happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import time

import hypothesis.strategies as st
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.escalation import Due, Escalation, Kind, Person, QuietHours, Send
from alerts.proof import Proof, acknowledged_row, command_row, outcome_row, proof_of, raised_row, shown_row
from dsp.records import NS, SELF_TEST, Alert, Delivery, Severity

T0 = 1_000_000 * NS
MIN = 60 * NS
ANNA = Person("anna", ("ntfy",))
BEN = Person("ben", ("ntfy", "mqtt"), order=1, after_s=120)
OMA = Person("oma", ("sms",), order=2, after_s=180)
EVERYONE = (ANNA, BEN, OMA)


def alert(
    number: int = 1,
    severity: Severity = Severity.URGENT,
    announce: str | None = None,
    *,
    t_ns: int = T0,
    version: int = 1,
    pattern: str = "repeated_brief_movements",
    infant: str = "kid",
    **more: object,
) -> Alert:
    announce = announce or ("ring" if severity is Severity.URGENT else "push")
    base = Alert(
        f"alert-{number}", version, severity, infant, t_ns, pattern, "e", t_ns - 30 * NS, t_ns, 5, "r@1", "Look.",
        {"announce": announce, "status": "update"},
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


class Room:
    """The machine, its rows, and a home where every channel works unless it is said to be down."""

    def __init__(self, people: tuple[Person, ...] = EVERYONE, hour: int = 12) -> None:
        self.people = people
        self.hour = hour
        self.rows: list[Alert | Delivery] = []
        self.sends: list[Send] = []
        self.down: set[str] = set()
        self.ended: list[tuple[str, ...]] = []
        self.now_ns = T0
        self.machine = self.begin()

    def begin(self) -> Escalation:
        return Escalation(self.people, local_time=lambda _: time(self.hour))

    def add(self, row: Alert | Delivery) -> None:
        self.rows.append(row)
        self.machine.fold(row)

    def turn(self, *, die: int | None = None) -> Due:
        """What is due now is written down and done; with `die`, only so many of the messages get out."""
        due = self.machine.due(self.now_ns)
        for row in due.held:
            self.add(row)
        for over in due.ended:
            self.ended.append(tuple(a.id for a in over.alerts))
            for a in over.alerts:
                self.add(shown_row(a.id, a.version, self.now_ns, shown_in="s"))
        for send in due.sends:
            self.add(raised_row(send, self.now_ns))
        for send in due.sends[:die]:
            self.sends.append(send)
            why = "no way through" if send.channel in self.down else ""
            self.add(outcome_row(send, self.now_ns, why))
        return due

    def live(self, seconds: float, step_s: float = 5.0) -> list[Send]:
        """Let time pass; gives what was sent meanwhile."""
        before = len(self.sends)
        until_ns = self.now_ns + int(seconds * NS)
        while self.now_ns <= until_ns:
            self.turn()
            self.now_ns += int(step_s * NS)
        return self.sends[before:]

    def restart(self) -> None:
        self.machine = self.begin()
        for row in self.rows:
            self.machine.fold(row)
        self.machine.resumed()

    def answer(
        self, number: int = 1, by: str = "anna", *, version: int = 1, false_alarm: bool = False
    ) -> None:
        self.add(
            acknowledged_row(
                f"alert-{number}", version, self.now_ns, channel="mqtt", by=by, false_alarm=false_alarm
            )
        )

    def mute(self, minutes: int, *patterns: str) -> None:
        said = Proof(infant="kid", asked="mute", ok=True, patterns=patterns, minutes=minutes, by="anna")
        self.add(command_row(f"m{len(self.rows)}", self.now_ns, channel="mqtt", said=said))


def kinds(sends: list[Send], person: str | None = None) -> list[str]:
    return [s.kind.value for s in sends if person in (None, s.person)]


def test_an_urgent_alert_rings_at_the_first_at_once_and_at_nobody_else() -> None:
    room = Room()
    room.add(alert())
    [send] = room.live(0)
    assert (send.person, send.channel, send.kind, send.rings, send.step) == ("anna", "ntfy", "alert", True, 1)


def test_it_repeats_every_minute_and_goes_to_the_next_person_after_the_time_set_for_them() -> None:
    room = Room()
    room.add(alert())
    room.live(110)
    assert kinds(room.sends) == ["alert", "repeat"]
    sends = room.live(15)
    assert {(s.person, s.channel) for s in sends if s.kind is Kind.ALERT} == {
        ("ben", "ntfy"),
        ("ben", "mqtt"),
    }
    assert "oma" not in {s.person for s in room.sends}
    room.live(185)
    assert kinds(room.sends, "oma")[0] == "alert"
    assert room.machine.unreached("alert-1") == ()


def test_one_answer_stops_it_for_everyone_and_everyone_who_was_told_hears_who() -> None:
    room = Room()
    room.add(alert())
    room.live(130)
    room.answer(by="ben")
    sends = room.live(600)
    assert sorted((s.person, s.channel, s.kind, s.rings) for s in sends) == [
        ("anna", "ntfy", "answered", False),
        ("ben", "mqtt", "answered", False),
        ("ben", "ntfy", "answered", False),
    ]
    standing = room.machine.standing(alert(), room.now_ns)
    assert (standing.open, standing.acknowledged_by) == (False, "ben")


def test_a_false_alarm_goes_to_all_who_were_told_also_after_an_answer() -> None:
    room = Room()
    room.add(alert())
    room.live(130)
    room.answer(by="ben")
    room.live(5)
    room.answer(by="anna", false_alarm=True)
    sends = room.live(600)
    assert sorted((s.person, s.kind) for s in sends) == [
        ("anna", "false_alarm"),
        ("ben", "false_alarm"),
        ("ben", "false_alarm"),
    ]


def test_a_second_answer_changes_nothing_and_the_first_one_stays() -> None:
    room = Room()
    room.add(alert())
    room.live(5)
    room.answer(by="anna")
    room.live(5)
    room.answer(by="ben")
    assert room.live(60) == []
    assert room.machine.standing(alert(), room.now_ns).acknowledged_by == "anna"


def test_a_person_whom_nothing_reaches_costs_the_next_one_no_time() -> None:
    room = Room((ANNA, OMA))
    room.down = {"ntfy"}
    room.add(alert())
    sends = room.live(10)
    assert [(s.person, s.channel) for s in sends] == [("anna", "ntfy"), ("oma", "sms")]
    room.down = set()
    assert kinds(room.live(60), "anna") == ["repeat"]


def test_quiet_hours_hold_what_is_silent_and_never_what_rings() -> None:
    quiet = replace(ANNA, quiet=QuietHours(time(22), time(7)))
    room = Room((quiet,), hour=23)
    room.add(alert(1, Severity.NOTICE))
    assert room.live(300) == []
    room.add(alert(2, t_ns=room.now_ns))
    assert kinds(room.live(0)) == ["alert"]
    room.answer(2)
    room.hour = 7
    assert [(s.alert_id, s.kind) for s in room.live(10)] == [("alert-2", "answered"), ("alert-1", "alert")]


def test_a_notice_goes_silently_to_the_first_and_those_told_with_them_and_is_not_repeated() -> None:
    room = Room((ANNA, replace(BEN, after_s=0.0), OMA))
    room.add(alert(1, Severity.NOTICE))
    sends = room.live(3600, 20)
    assert [(s.person, s.channel, s.rings) for s in sends] == [
        ("anna", "ntfy", False),
        ("ben", "ntfy", False),
        ("ben", "mqtt", False),
    ]


def test_a_silent_message_that_cannot_be_sent_is_tried_again_ever_more_rarely() -> None:
    room = Room((ANNA,))
    room.down = {"ntfy"}
    room.add(alert(1, Severity.NOTICE))
    assert len(room.live(3600, 10)) == 6  # at once, then after 1, 2, 4, 8, 16 minutes
    room.down = set()
    assert len(room.live(3600, 10)) == 1


def test_blindness_rings_once_and_its_end_is_said_silently() -> None:
    room = Room()
    blind = alert(1, Severity.TECHNICAL, "ring", pattern="blind")
    room.add(blind)
    assert [(s.person, s.rings) for s in room.live(1800, 20)] == [("anna", True)]
    room.add(replace(blind, version=2, cleared=True, facts={"announce": "update"}))
    assert [(s.person, s.kind, s.rings) for s in room.live(600, 20)] == [("anna", "update", False)]


def test_that_the_broker_is_away_reaches_whoever_has_another_channel() -> None:
    room = Room((replace(ANNA, channels=("mqtt",)), replace(BEN, channels=("mqtt",)), OMA))
    room.down = {"mqtt"}
    room.add(alert(1, Severity.TECHNICAL, "update", pattern="broker", infant=""))
    assert [(s.person, s.rings) for s in room.live(10)] == [("anna", False), ("ben", False), ("oma", False)]
    room.down = set()
    assert {s.person for s in room.live(3600, 20)} == {"anna", "ben"}


def test_a_person_without_a_channel_does_not_stand_in_the_way() -> None:
    room = Room((replace(ANNA, channels=()), OMA))
    room.add(alert())
    assert [s.person for s in room.live(0)] == ["oma"]


def test_trouble_that_ended_before_anybody_could_be_told_is_not_told() -> None:
    room = Room((replace(ANNA, quiet=QuietHours(time(22), time(7))),), hour=23)
    link = alert(1, Severity.TECHNICAL, "update", pattern="link")
    room.add(link)
    room.live(60)
    room.add(replace(link, version=2, cleared=True))
    room.hour = 8
    assert room.live(60) == []


def test_a_series_that_goes_on_updates_silently_and_not_faster_than_every_half_minute() -> None:
    room = Room((ANNA,))
    room.add(alert())
    room.live(0)
    room.answer()
    room.live(0)
    for version in range(2, 42):
        room.add(alert(version=version, announce="update", t_ns=room.now_ns))
        room.live(5)
    updates = kinds(room.sends).count("update")
    assert 4 <= updates <= 400 / 30 + 1
    room.live(40)
    assert room.sends[-1].version == 41


def test_five_minutes_ring_again_also_after_an_answer() -> None:
    room = Room()
    room.add(alert())
    room.live(20)
    room.answer()
    room.live(20)
    room.add(alert(version=2, t_ns=room.now_ns))
    sends = room.live(0)
    assert [(s.person, s.kind, s.rings) for s in sends] == [("anna", "alert", True)]
    assert room.machine.open_alerts("kid") != []
    room.live(320)
    assert room.machine.unreached("alert-1") == ()


def test_who_is_new_is_not_rung_by_a_test_of_hours_ago() -> None:
    room = Room(people=EVERYONE[:1])
    room.add(alert(infant=SELF_TEST))
    assert {(s.person, s.kind) for s in room.live(20)} == {("anna", Kind.TEST)}
    room.people = EVERYONE
    room.restart()
    assert {s.person for s in room.live(20)} >= {"ben"}
    room.people = (*EVERYONE, Person(id="new", channels=("ntfy",)))
    room.now_ns += 3 * 3600 * NS
    room.restart()
    assert room.live(20) == []


def test_that_an_earlier_round_was_a_false_alarm_is_not_said_of_what_rings_later() -> None:
    room = Room()
    room.add(alert(1, Severity.NOTICE))
    room.live(30)
    room.answer(false_alarm=True)
    room.live(20)
    room.add(alert(version=2, t_ns=room.now_ns))
    room.live(130)
    assert not room.machine.standing(alert(version=2), room.now_ns).false_alarm
    room.answer(by="ben", version=2)
    sends = room.live(20)
    assert {s.kind for s in sends} == {Kind.ANSWERED}
    standing = room.machine.standing(alert(version=2), room.now_ns)
    assert (standing.acknowledged_by, standing.false_alarm) == ("ben", False)
    room.answer(by="anna", version=2, false_alarm=True)
    assert {s.kind for s in room.live(20)} == {Kind.FALSE_ALARM}


def test_a_notice_that_becomes_urgent_rings_along_the_whole_chain() -> None:
    room = Room()
    room.add(alert(1, Severity.NOTICE))
    room.live(30)
    room.add(alert(version=2, t_ns=room.now_ns))
    room.live(310)
    assert [s.person for s in room.sends if s.rings and s.kind is Kind.ALERT] == ["anna", "ben", "ben", "oma"]


def test_a_restart_in_the_middle_goes_on_where_it_was() -> None:
    room = Room()
    room.add(alert())
    room.live(130)
    sent = len(room.sends)
    room.restart()
    room.live(180)
    new = room.sends[sent:]
    assert [s.person for s in new if s.kind is Kind.ALERT] == ["oma"]
    assert all(s.kind is Kind.REPEAT for s in new if s.person != "oma")
    room.restart()
    room.answer(by="oma")
    room.restart()
    assert set(kinds(room.live(300))) == {"answered"}
    room.restart()
    assert room.live(300) == []


def test_what_was_decided_but_perhaps_never_sent_is_sent_as_a_repeat_after_a_restart() -> None:
    room = Room()
    room.add(alert())
    room.turn(die=0)
    room.restart()
    [send] = room.live(0)
    assert (send.person, send.kind, send.step) == ("anna", "repeat", 2)


def test_after_an_hour_it_no_longer_rings_but_everyone_is_told_silently() -> None:
    room = Room()
    room.add(alert())
    room.now_ns = T0 + 2 * 60 * MIN
    sends = room.live(600, 20)
    assert [(s.person, s.rings) for s in sends] == [
        ("anna", False),
        ("ben", False),
        ("ben", False),
        ("oma", False),
    ]
    assert room.machine.standing(alert(), room.now_ns).past


def test_an_open_alert_rings_on_once_it_is_known_that_the_clock_came_up_ahead() -> None:
    room = Room((ANNA,))
    room.add(alert())
    room.live(2 * 60)
    ahead_ns = 2 * 60 * MIN
    room.now_ns += ahead_ns  # a power cut, and a battery clock in local time
    started_ns = room.now_ns
    room.restart()
    assert not any(s.rings for s in room.live(60))
    room.machine.skipped(started_ns, ahead_ns)
    assert any(s.rings for s in room.live(60))
    assert not room.machine.standing(alert(), room.now_ns).past
    room.now_ns = T0 + ahead_ns + 61 * MIN
    assert not any(s.rings for s in room.live(600))


def test_what_was_over_an_hour_ago_by_any_clock_does_not_ring_again() -> None:
    room = Room((ANNA,))
    room.add(alert())
    room.live(2 * 60)
    room.now_ns = T0 + (2 * 60 + 70) * MIN
    room.restart()
    room.machine.skipped(room.now_ns, 2 * 60 * MIN)
    assert not any(s.rings for s in room.live(600))


def test_nobody_answers_and_it_rings_ever_more_rarely_and_then_no_more() -> None:
    room = Room((ANNA,))
    room.add(alert())
    first = len(room.live(900, 10))
    rest = room.live(2700, 10)
    assert first in (15, 16)
    assert 7 <= len(rest) <= 10
    assert room.live(7200, 60) == []
    assert [a.id for a in room.machine.open_alerts()] == ["alert-1"]


def test_a_muted_pattern_is_silent_and_told_together_at_the_end() -> None:
    room = Room()
    room.mute(30, "repeated_brief_movements", "stiffening")
    room.add(alert(1))
    room.add(alert(2, Severity.NOTICE, pattern="stiffening"))
    room.add(alert(3, Severity.NOTICE, pattern="rhythmic_jerks_asleep"))
    assert [s.alert_id for s in room.live(29 * 60, 20)] == ["alert-3"]
    held = [row for row in room.rows if isinstance(row, Delivery) and row.step == "muted"]
    assert sorted(row.alert_id for row in held) == ["alert-1", "alert-2"]
    assert room.ended == []
    room.live(120)
    assert [set(ids) for ids in room.ended] == [{"alert-1", "alert-2"}]
    room.restart()
    assert room.live(600, 20) == []


def test_what_still_goes_on_when_a_mute_ends_rings() -> None:
    room = Room()
    room.mute(10, "repeated_brief_movements")
    room.add(alert())
    room.live(9 * 60)
    assert room.sends == []
    room.add(alert(version=2, announce="update", t_ns=room.now_ns))
    assert [(s.person, s.rings) for s in room.live(100)][:1] == [("anna", True)]
    assert room.ended == []


def test_a_mute_hides_nothing_worse_than_what_it_was_meant_for() -> None:
    room = Room((ANNA,))
    room.mute(60, "repeated_brief_movements", "rhythmic_jerking", "stiffening")
    room.add(alert(1, count=31))
    room.add(alert(2, pattern="long_stiffening_or_jerking"))
    room.add(alert(3, pattern="rhythmic_jerking", onset_ns=T0 - 300 * NS))
    room.add(alert(4, Severity.TECHNICAL, "ring", pattern="blind"))
    room.add(alert(5, infant="other"))
    room.add(alert(6, pattern="stiffening"))
    assert sorted({s.alert_id for s in room.live(60)}) == [f"alert-{n}" for n in (1, 2, 3, 4, 5)]


def test_a_series_that_outgrows_its_mute_rings_even_when_it_has_ended() -> None:
    room = Room((ANNA,))
    room.mute(60, "repeated_brief_movements")
    room.add(alert())
    assert room.live(30) == []
    facts = {"announce": "update", "status": "end"}
    room.add(alert(version=2, count=40, facts=facts, t_ns=room.now_ns))
    assert [s.rings for s in room.live(0)] == [True]


def test_a_mute_can_be_ended_early_and_a_later_one_replaces_it() -> None:
    room = Room((ANNA,))
    room.mute(60, "repeated_brief_movements")
    room.add(alert())
    room.live(10)
    room.mute(0)
    assert [s.rings for s in room.live(0)] == [True]


def test_a_person_who_minds_one_infant_hears_nothing_of_another() -> None:
    room = Room((replace(ANNA, infants=("kid",)), replace(BEN, infants=("other",))))
    room.add(alert(infant="other"))
    room.add(alert(2, Severity.TECHNICAL, "ring", pattern="disk", infant=""))
    sends = room.live(0)
    assert {(s.alert_id, s.person) for s in sends} == {("alert-1", "ben"), ("alert-2", "anna")}


def test_without_people_everyone_who_reads_the_topic_is_told() -> None:
    room = Room(())
    room.add(alert())
    assert [(s.person, s.channel) for s in room.live(0)] == [("anyone", "mqtt")]


PATTERNS = ("repeated_brief_movements", "stiffening", "rhythmic_jerking", "long_stiffening_or_jerking")


class AnyNight(RuleBasedStateMachine):
    """Alerts, answers, mutes, channels that fail, crashes at any point, and clocks that jump."""

    @initialize(
        people=st.lists(
            st.sampled_from([ANNA, BEN, OMA, replace(OMA, id="zoe", after_s=0.0)]), max_size=4, unique=True
        ),
        hour=st.integers(0, 23),
    )
    def begin(self, people: list[Person], hour: int) -> None:
        quiet = QuietHours(time(22), time(7))
        self.room = Room(tuple(replace(p, quiet=quiet) for p in people), hour)
        self.versions: dict[int, Alert] = {}
        self.muted_until: dict[str, int] = {}
        self.told_at: list[tuple[int, Send]] = []
        self.seen_sends = 0

    @rule(
        number=st.integers(1, 4),
        announce=st.sampled_from(["ring", "update"]),
        severity=st.sampled_from([Severity.URGENT, Severity.URGENT, Severity.NOTICE, Severity.TECHNICAL]),
        count=st.sampled_from([3, 3, 50]),
        late_s=st.sampled_from([0, 0, 600, 5000]),
    )
    def something_is_told(
        self, number: int, announce: str, severity: Severity, count: int, late_s: int
    ) -> None:
        old = self.versions.get(number)
        if old is None:
            announce = "ring" if severity is Severity.URGENT else "push"
        else:
            severity = old.severity
            if announce == "ring" and severity is Severity.NOTICE:
                severity = Severity.URGENT
        new = alert(
            number,
            severity,
            announce,
            t_ns=self.room.now_ns,
            version=old.version + 1 if old else 1,
            pattern="blind" if severity is Severity.TECHNICAL else PATTERNS[number - 1],
            count=count,
            end_ns=self.room.now_ns - late_s * NS,
            onset_ns=self.room.now_ns - (late_s + 20) * NS,
        )
        self.versions[number] = new
        self.room.add(new)

    @precondition(lambda self: self.versions)
    @rule(pick=st.integers(0, 3), by=st.sampled_from(["anna", "ben", "page"]), false_alarm=st.booleans())
    def somebody_answers(self, pick: int, by: str, false_alarm: bool) -> None:
        number = sorted(self.versions)[pick % len(self.versions)]
        version = self.versions[number].version
        self.room.answer(number, by, version=version, false_alarm=false_alarm)

    @rule(minutes=st.sampled_from([0, 1, 10, 240]), pattern=st.sampled_from(PATTERNS[:3]))
    def somebody_mutes(self, minutes: int, pattern: str) -> None:
        self.room.mute(minutes, pattern)
        self.muted_until[pattern] = self.room.now_ns + minutes * MIN

    @rule(seconds=st.sampled_from([1, 5, 30, 61, 125, 400, 4000]))
    def time_passes(self, seconds: int) -> None:
        for _ in range(3):
            self.room.turn()
            self.room.now_ns += seconds * NS // 3

    @rule(hour=st.integers(0, 23))
    def the_clock_on_the_wall_is_set(self, hour: int) -> None:
        self.room.hour = hour

    @rule(channel=st.sampled_from(["ntfy", "mqtt", "sms"]))
    def a_channel_fails_or_comes_back(self, channel: str) -> None:
        self.room.down ^= {channel}

    @rule(die=st.integers(0, 3), off_s=st.sampled_from([0, 10, 1000, 40_000]))
    def the_program_dies_in_the_middle_of_sending(self, die: int, off_s: int) -> None:
        self.room.turn(die=die)
        self.room.now_ns += off_s * NS
        self.room.restart()

    @invariant()
    def nobody_is_told_the_same_twice_unless_it_says_so(self) -> None:
        keys = Counter((s.person, s.channel, s.alert_id, s.version, s.step) for s in self.room.sends)
        assert all(n == 1 for n in keys.values())
        first = Counter(
            (s.person, s.channel, s.alert_id, s.version) for s in self.room.sends if s.kind is Kind.ALERT
        )
        assert all(n == 1 for n in first.values()), (first, self.room.sends)

    @invariant()
    def a_mute_holds_what_it_covers_and_never_outlives_its_end(self) -> None:
        for row in self.room.rows:
            if isinstance(row, Delivery) and row.step == "muted":
                assert row.t_ns < (proof_of(row).until_ns or 0)
        mutes = self.room.machine.mutes
        for pattern in PATTERNS:
            mute = mutes.standing("kid", self.room.now_ns).get(pattern)
            assert (mute is not None) == (self.room.now_ns < self.muted_until.get(pattern, 0))
        assert "long_stiffening_or_jerking" not in mutes.standing("kid", self.room.now_ns)

    @invariant()
    def what_was_done_is_not_due_again(self) -> None:
        for _ in range(2 + len(self.room.people)):  # where nothing gets through, the next one is told at once
            self.room.turn()
        assert not self.room.machine.due(self.room.now_ns)

    def teardown(self) -> None:
        """Let every mute end: then every urgent alert is answered, has reached everyone, or was told after a mute."""
        if not hasattr(self, "room"):
            return
        room = self.room
        room.down = set()
        shown = {r.alert_id for r in room.rows if isinstance(r, Delivery) and r.step == "shown"}
        for _ in range(80):
            room.turn()
            room.now_ns += 250 * NS
        shown |= {r.alert_id for r in room.rows if isinstance(r, Delivery) and r.step == "shown"}
        answered = {r.alert_id for r in room.rows if isinstance(r, Delivery) and r.step == "acknowledged"}
        for a in self.versions.values():
            if (
                a.severity is Severity.URGENT and a.id not in answered | shown
            ):  # 80 turns of 250 s: 5 h 33 min
                told = {s.person for s in room.sends if s.alert_id == a.id and s.version >= 1}
                assert {p.id for p in room.people} <= told or not room.people
                assert told
                assert room.machine.unreached(a.id) == ()


TestAnyNight = AnyNight.TestCase
TestAnyNight.settings = settings(
    max_examples=100, stateful_step_count=25, phases=[Phase.explicit, Phase.generate]
)
