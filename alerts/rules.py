"""From events, coverage and technical trouble to alerts: a pure fold over facts, the same live and in replay.

`state, alerts = decide(state, fact)` for one infant, facts in the order they were told. One ongoing series is one
alert: its first version may ring, later versions update it silently; it rings again only when it becomes more
severe, or when a long movement reaches five minutes.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from alerts import words
from alerts.event_rules import on_event, past_of
from alerts.severity import TABLE, Table, judge
from alerts.state import Arming, OpenTrouble, RuleState, Setting, Trouble
from dsp.records import NS, Alert, ClockRow, Coverage, Event, Severity, Tick, Usability

__all__ = ["Arming", "Fact", "RuleState", "Trouble", "decide", "severity_of"]

Fact = Event | Coverage | Trouble | Arming | Tick
"""What the rules are told. A tick only lets time pass."""


def decide(
    state: RuleState,
    fact: Fact,
    table: Table = TABLE,
    *,
    now_ns: int | None = None,
    clock: ClockRow | None = None,
    age_days: int | None = None,
    wording: words.Wording = words.PLAIN_ENGLISH,
) -> tuple[RuleState, tuple[Alert, ...]]:
    """Take one fact and say what people are to be told.

    Args:
        state: what is remembered of this infant; `RuleState()` at first.
        fact: an event row, a minute of coverage, technical trouble, arming, or a tick.
        table: the severity table in force.
        now_ns: data time of the decision; by default the time the fact itself carries.
        clock: newest clock row, for the time of day in late messages; without one they say how long ago.
        age_days: age of the infant, None when unknown.
        wording: language of the texts, and the emergency number they name.

    Returns:
        The new state, and the alerts in the order they arise. Severity DIARY makes no alert.
    """
    setting = Setting(table, _time_of(fact) if now_ns is None else now_ns, clock, age_days, wording.catalogue)
    state = state.since(setting.now_ns - int(table.memory_s * NS))
    if isinstance(fact, Event):
        return on_event(state, fact, setting)
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
    return judge(event, past_of(state), table, age_days=age_days)[1]


def _time_of(fact: Fact) -> int:
    if isinstance(fact, Event):
        return fact.told_ns
    if isinstance(fact, Coverage):
        return fact.t_ns + fact.span_ns
    return fact.t_ns


def _on_coverage(state: RuleState, fact: Coverage, setting: Setting) -> tuple[RuleState, tuple[Alert, ...]]:
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


def _on_arming(state: RuleState, fact: Arming, setting: Setting) -> tuple[RuleState, tuple[Alert, ...]]:
    if fact.armed:
        return replace(state, armed=True, seen=words.Seen(), blind_since_ns=None), ()
    state = replace(state, armed=False, blind_since_ns=None)
    return _on_trouble(state, Trouble("blind", fact.t_ns, cleared=True, infant=fact.infant), setting)


def _on_trouble(state: RuleState, fact: Trouble, setting: Setting) -> tuple[RuleState, tuple[Alert, ...]]:
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


def _technical(told: OpenTrouble, fact: Trouble, setting: Setting) -> Alert:
    row = setting.table.technical_row(fact.kind)
    text = words.about_trouble(setting.catalogue, fact.kind, cleared=fact.cleared)
    place = setting.catalogue.sites.get(fact.detail.partition(" ")[0])
    lines = (text.title, *([place] if place else []), *text.lines)
    known: dict[str, str | float | int | None] = {"why": fact.why} if fact.why else {}
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
        rule=f"technical-{row.kind}@{setting.table.tag}",
        text="\n".join(lines),
        facts={"title": text.title, "announce": announce, "detail": fact.detail, **known},
        cleared=fact.cleared,
    )
