"""From events, coverage and technical trouble to alerts: a pure fold over facts, the same live and in replay.

`state, alerts = decide(state, fact)` for one infant, facts in the order they were told. One ongoing series is one
alert: its first version may ring, later versions update it silently; it rings again only when it becomes more
severe, or when a long movement reaches five minutes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts import words
from alerts.catalogue import Catalogue
from alerts.severity import RANK, TABLE, Past, Row, Table, judge
from alerts.state import Arming, Known, OpenTrouble, RuleState, Sent, Trouble
from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Coverage,
    Event,
    EventStatus,
    Label,
    Severity,
    Tick,
    Usability,
)

__all__ = ["Arming", "Fact", "RuleState", "Trouble", "decide", "severity_of"]

Fact = Event | Coverage | Trouble | Arming | Tick
"""What the rules are told. A tick only lets time pass."""

PAIR_GAP_S = 60.0
"""Two brief movements closer than this belong together: one alert, counted as two."""

_PARTS: dict[Label, tuple[Label, ...]] = {
    Label.LONG_MOVEMENT: (Label.STIFFENING, Label.RHYTHMIC_JERKING),
    Label.SPASM_LIKE_CLUSTER: (Label.SPASM_LIKE,),
}
"""What a parent is made of: it takes over the alert of its parts."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """What stays the same while one fact is decided."""

    table: Table
    now_ns: int
    clock: ClockRow | None
    age_days: int | None
    catalogue: Catalogue


def decide(
    state: RuleState,
    fact: Fact,
    table: Table = TABLE,
    *,
    now_ns: int | None = None,
    clock: ClockRow | None = None,
    age_days: int | None = None,
    language: str = "en",
) -> tuple[RuleState, tuple[Alert, ...]]:
    """Take one fact and say what people are to be told.

    Args:
        state: what is remembered of this infant; `RuleState()` at first.
        fact: an event row, a minute of coverage, technical trouble, arming, or a tick.
        table: the severity table in force.
        now_ns: data time of the decision; by default the time the fact itself carries.
        clock: newest clock row, for the time of day in late messages; without one they say how long ago.
        age_days: age of the infant, None when unknown.
        language: of the texts.

    Returns:
        The new state, and the alerts in the order they arise. Severity DIARY makes no alert.
    """
    setting = _Setting(
        table, _time_of(fact) if now_ns is None else now_ns, clock, age_days, words.catalogue(language)
    )
    state = state.since(setting.now_ns - int(table.memory_s * NS))
    if isinstance(fact, Event):
        return _on_event(state, fact, setting)
    if isinstance(fact, Coverage):
        return _on_coverage(state, fact, setting)
    if isinstance(fact, Trouble):
        return _on_trouble(state, fact, setting)
    if isinstance(fact, Arming):
        return _on_arming(state, fact, setting)
    return state, ()


def severity_of(
    state: RuleState, event: Event, table: Table = TABLE, *, age_days: int | None = None
) -> Severity:
    """Severity an event stands at: that of its alert once one was sent, else what the table says of it."""
    known = state.event(event.id)
    sent = state.alert(known.alert) if known else None
    if sent is not None:
        return sent.severity
    return judge(event, _past(state), table, age_days=age_days)[1]


def _time_of(fact: Fact) -> int:
    if isinstance(fact, Event):
        return fact.told_ns
    if isinstance(fact, Coverage):
        return fact.t_ns + fact.span_ns
    return fact.t_ns


def _past(state: RuleState) -> list[Past]:
    return [Past(e.id, e.label, e.onset_ns) for e in state.events if not e.gone]


def _on_event(state: RuleState, event: Event, setting: _Setting) -> tuple[RuleState, tuple[Alert, ...]]:
    gone = event.status is EventStatus.WITHDRAWN or event.merged_into is not None
    before = state.event(event.id)
    known = Known(
        event.id,
        event.label,
        event.onset_ns,
        event.end_ns,
        event.count,
        event.parent,
        gone,
        before.alert if before else None,
    )
    known = known if known.alert or gone else replace(known, alert=_adopted(state, known))
    state = state.with_event(known)
    if gone:
        return _farewell(state, event, known, setting)
    sent = state.alert(known.alert)
    if _told_by_parent(state, known, sent):
        return state, ()
    row, severity = judge(event, _past(state), setting.table, age_days=setting.age_days)
    age_s = (setting.now_ns - event.end_ns) / NS
    if severity is Severity.URGENT and age_s >= setting.table.late_limit_s:
        severity = Severity.NOTICE
    if sent is None and severity is Severity.DIARY:
        return state, ()
    late = event.late or age_s >= setting.table.late_mark_s
    return _tell(state, event, known, _Verdict(row, severity, late, sent), setting)


@dataclass(frozen=True, slots=True)
class _Verdict:
    row: Row
    severity: Severity
    late: bool
    sent: Sent | None


def _tell(
    state: RuleState, event: Event, known: Known, verdict: _Verdict, setting: _Setting
) -> tuple[RuleState, tuple[Alert, ...]]:
    """A new alert, or a new version of the one that was sent; nothing when it would say the same again."""
    sent, severity = verdict.sent, verdict.severity
    rule = f"{verdict.row.id}@{setting.table.version}"
    raised = sent is None or RANK[severity] > RANK[sent.severity]
    if sent is not None and not raised:
        severity, rule = sent.severity, sent.rule
    five = (sent is not None and sent.five_minutes) or (
        event.label is Label.LONG_MOVEMENT and event.duration_s >= setting.table.five_minutes_s
    )
    reached_five = five and not (sent is not None and sent.five_minutes)
    late = verdict.late if sent is None or raised else sent.late
    count = _count(state, known, sent)
    about = words.Circumstances(
        severity=severity,
        match=words.match_word(event.match, setting.table.clear_match),
        seen=state.seen,
        count=count,
        late=_late_sentence(event, setting) if late else None,
        five_minutes=five,
        conveyed=event.conveyed >= setting.table.conveyed_share,
    )
    text = words.about_event(setting.catalogue, event, about)
    told = Sent(
        id=sent.id if sent else f"alert-{event.id}",
        version=sent.version + 1 if sent else 1,
        severity=severity,
        rule=rule,
        event=event.id,
        text=_essence(event, count, severity, five=five),
        late=late,
        five_minutes=five,
    )
    state = state.with_event(replace(known, alert=told.id))
    if sent is not None and told.text == sent.text:
        return state, ()
    announce = "update"
    if raised or reached_five:
        announce = "ring" if severity is Severity.URGENT else "push"
    return state.with_alert(told), (
        _alert(event, told, text, _facts(event, about, announce), setting, count),
    )


def _essence(event: Event, count: int, severity: Severity, *, five: bool) -> str:
    """What must change for a further version to be worth sending."""
    whole_minutes = int(event.duration_s // 60)
    parts = (event.label.wire, count, severity.value, event.status is EventStatus.END, whole_minutes, five)
    return "|".join(map(str, parts))


def _alert(
    event: Event,
    told: Sent,
    text: words.Text,
    facts: dict[str, str | float | int | None],
    setting: _Setting,
    count: int,
) -> Alert:
    return Alert(
        id=told.id,
        version=told.version,
        severity=told.severity,
        infant=event.infant,
        t_ns=setting.now_ns,
        pattern=event.label.wire,
        event_id=event.id,
        onset_ns=event.onset_ns,
        end_ns=event.end_ns,
        count=count,
        rule=told.rule,
        text=str(text),
        facts={"title": text.title, **facts},
        late=told.late,
    )


def _facts(event: Event, about: words.Circumstances, announce: str) -> dict[str, str | float | int | None]:
    return {
        "announce": announce,
        "status": event.status.value,
        "duration_s": round(event.duration_s, 1),
        "sites": " ".join(site.value for site in event.sites),
        "side": event.side,
        "state_before": event.state_before.value,
        "minutes_since_waking": None if event.since_waking_s is None else round(event.since_waking_s / 60, 1),
        "interval_mean_s": event.interval_mean_s,
        "match": about.match,
        "conveyed": round(event.conveyed, 3),
        "seen_s": about.seen.seen_ns // NS,
        "watched_s": about.seen.total_ns // NS,
    }


def _late_sentence(event: Event, setting: _Setting) -> str:
    local = None if setting.clock is None else _local_time(event.onset_ns, setting.clock)
    return words.late_sentence(setting.catalogue, setting.now_ns - event.onset_ns, local)


def _local_time(t_ns: int, clock: ClockRow) -> str:
    try:
        zone: ZoneInfo | None = ZoneInfo(clock.zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = None
    moment = datetime.fromtimestamp((t_ns + clock.utc_ns - clock.t_ns) / NS, tz=zone or UTC)
    return moment.strftime("%H:%M") if zone else moment.strftime("%H:%M UTC")


def _adopted(state: RuleState, known: Known) -> str | None:
    """Id of the alert that already tells a part of this event, or of its pair."""
    parts = _PARTS.get(known.label, ())
    for other in reversed(state.events):
        if other.alert is None or other.gone or other.id == known.id:
            continue
        if other.parent == known.id or (other.label in parts and _overlap(other, known)):
            return other.alert
        if known.label is other.label is Label.SPASM_LIKE and _pair(other, known):
            return other.alert
    return None


def _told_by_parent(state: RuleState, known: Known, sent: Sent | None) -> bool:
    """Whether a parent's alert speaks for this event."""
    if sent is not None and sent.event != known.id:
        teller = state.event(sent.event)
        return teller is not None and not teller.gone and known.label in _PARTS.get(teller.label, ())
    for other in state.events:
        if other.alert is None or other.gone or known.label not in _PARTS.get(other.label, ()):
            continue
        if known.parent == other.id or _overlap(known, other):
            return True
    return False


def _count(state: RuleState, known: Known, sent: Sent | None) -> int:
    """Brief movements in the event; two single ones that share an alert count together."""
    if known.label is not Label.SPASM_LIKE or sent is None:
        return known.count
    return sum(e.count for e in state.events if e.alert == sent.id and e.label is known.label and not e.gone)


def _overlap(a: Known, b: Known) -> bool:
    return a.onset_ns <= b.end_ns and b.onset_ns <= a.end_ns


def _pair(a: Known, b: Known) -> bool:
    gap_ns = max(a.onset_ns, b.onset_ns) - min(a.end_ns, b.end_ns)
    return gap_ns <= int(PAIR_GAP_S * NS)


def _farewell(
    state: RuleState, event: Event, known: Known, setting: _Setting
) -> tuple[RuleState, tuple[Alert, ...]]:
    """An event was withdrawn or became part of another: its alert says so, and loses none of its severity."""
    sent = state.alert(known.alert)
    survivor = state.event(event.merged_into)
    if survivor is not None and survivor.alert is None and sent is not None:
        state = state.with_event(replace(survivor, alert=sent.id))
        return state.with_alert(replace(sent, event=survivor.id)), ()
    if sent is None or sent.event != event.id:
        return state, ()
    ended_as = "merged" if event.merged_into else "withdrawn"
    if sent.text == ended_as:
        return state, ()
    about = words.Circumstances(
        severity=sent.severity,
        match=words.match_word(event.match, setting.table.clear_match),
        seen=state.seen,
        count=event.count,
        ended_as=ended_as,
    )
    text = words.about_event(setting.catalogue, event, about)
    told = replace(sent, version=sent.version + 1, text=ended_as)
    facts = {**_facts(event, about, "update"), "ended_as": ended_as}
    return state.with_alert(told), (_alert(event, told, text, facts, setting, event.count),)


def _on_coverage(state: RuleState, fact: Coverage, setting: _Setting) -> tuple[RuleState, tuple[Alert, ...]]:
    blind = fact.usability is Usability.BLIND
    seen = words.Seen(state.seen.seen_ns + (0 if blind else fact.span_ns), state.seen.total_ns + fact.span_ns)
    state = replace(state, seen=seen)
    end_ns = fact.t_ns + fact.span_ns
    if not blind:
        state = replace(state, blind_since_ns=None)
        return _on_trouble(state, Trouble("blind", end_ns, cleared=True, infant=fact.infant), setting)
    since = fact.t_ns if state.blind_since_ns is None else state.blind_since_ns
    state = replace(state, blind_since_ns=since)
    if not state.armed or end_ns - since <= int(setting.table.blind_s * NS):
        return state, ()
    return _on_trouble(state, Trouble("blind", since, infant=fact.infant), setting)


def _on_arming(state: RuleState, fact: Arming, setting: _Setting) -> tuple[RuleState, tuple[Alert, ...]]:
    if fact.armed:
        return replace(state, armed=True, seen=words.Seen(), blind_since_ns=None), ()
    state = replace(state, armed=False, blind_since_ns=None)
    return _on_trouble(state, Trouble("blind", fact.t_ns, cleared=True, infant=fact.infant), setting)


def _on_trouble(state: RuleState, fact: Trouble, setting: _Setting) -> tuple[RuleState, tuple[Alert, ...]]:
    """Said once, and cleared when well."""
    key = (fact.kind, fact.infant, fact.detail)
    known = next((o for o in state.troubles if (o.kind, o.infant, o.detail) == key), None)
    if fact.cleared == (known is None):
        return state, ()
    others = tuple(o for o in state.troubles if o is not known)
    if known is None:
        digest = hashlib.sha256("|".join((*key, str(fact.t_ns))).encode()).hexdigest()[:12]
        told = OpenTrouble(*key, alert=f"alert-{digest}", version=1, since_ns=fact.t_ns)
        return replace(state, troubles=(*others, told)), (_technical(told, fact, setting),)
    told = replace(known, version=known.version + 1)
    return replace(state, troubles=others), (_technical(told, fact, setting),)


def _technical(told: OpenTrouble, fact: Trouble, setting: _Setting) -> Alert:
    row = setting.table.technical_row(fact.kind)
    text = words.about_trouble(setting.catalogue, fact.kind, cleared=fact.cleared)
    announce = "ring" if row.rings and not fact.cleared else "update"
    return Alert(
        id=told.alert,
        version=told.version,
        severity=Severity.TECHNICAL,
        infant=fact.infant,
        t_ns=setting.now_ns,
        pattern=fact.kind,
        event_id=None,
        onset_ns=told.since_ns,
        end_ns=max(fact.t_ns, told.since_ns),
        count=0,
        rule=f"technical-{row.kind}@{setting.table.version}",
        text=str(text),
        facts={"title": text.title, "announce": announce, "detail": fact.detail},
        cleared=fact.cleared,
    )
