"""From one event row to alerts: which alert speaks for it, how severe it is, and whether a person hears it anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alerts.composing import Occasion, composed, essence, essence_kind
from alerts.severity import RANK, Past, judge
from alerts.state import Known, RuleState, Sent, Setting
from dsp.records import NS, Alert, Event, EventStatus, Label, Severity

__all__ = ["PAIR_GAP_S", "on_event", "past_of"]

PAIR_GAP_S = 60.0
"""Two brief movements closer than this belong together: one alert, counted as two."""

_PARTS: dict[Label, tuple[Label, ...]] = {
    Label.LONG_MOVEMENT: (Label.STIFFENING, Label.RHYTHMIC_JERKING),
    Label.SPASM_LIKE_CLUSTER: (Label.SPASM_LIKE,),
}
"""What a parent is made of: it takes over the alert of its parts."""

_REMEMBERED = frozenset({*_PARTS, *(part for parts in _PARTS.values() for part in parts)})
"""Labels that later events may be joined to or counted with. The others come by the thousand a night (kicks,
twitches) and are remembered only once an alert tells them."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is to be told of an event: severity and rule as they will be sent."""

    severity: Severity
    rule: str
    raised: bool
    """new, or more severe than what was sent"""
    late: bool


def on_event(state: RuleState, event: Event, setting: Setting) -> tuple[RuleState, tuple[Alert, ...]]:
    """Remember the row, and tell people what it changes."""
    known = _remembered(state, event)
    if _passes_by(state, event, known, setting):
        return state, ()
    state = state.with_event(known)
    if known.gone:
        return _farewell(state, event, known, setting)
    rule, severity = _judged(state, event, setting)
    sent = state.alert(known.alert)
    speaks = _spoken_for(state, known, sent)
    if speaks is not None and RANK[speaks] >= RANK[severity]:
        return state, ()
    if sent is None and severity is Severity.DIARY:
        return state, ()
    return _tell(state, event, sent, _verdict(event, sent, severity, rule, setting), setting)


def _passes_by(state: RuleState, event: Event, known: Known, setting: Setting) -> bool:
    """Whether nobody is told of this row and nothing later depends on it."""
    if event.label in _REMEMBERED or state.event(event.id) is not None:
        return False
    return known.gone or _judged(state, event, setting)[1] is Severity.DIARY


def past_of(state: RuleState) -> list[Past]:
    """The remembered events that stand."""
    sent = {alert.event: alert.rule.partition("@")[0] for alert in state.sent}
    return [Past(e.id, e.label, e.onset_ns, sent.get(e.id, "")) for e in state.events if not e.gone]


def _remembered(state: RuleState, event: Event) -> Known:
    before = state.event(event.id)
    known = Known(
        id=event.id,
        label=event.label,
        onset_ns=event.onset_ns,
        end_ns=event.end_ns,
        count=event.count,
        parent=event.parent,
        gone=event.status is EventStatus.WITHDRAWN or event.merged_into is not None,
        alert=before.alert if before else None,
    )
    return known if known.alert or known.gone else replace(known, alert=_adopted(state, known))


def _judged(state: RuleState, event: Event, setting: Setting) -> tuple[str, Severity]:
    """Rule and severity by the table; an urgent pattern found too late no longer rings."""
    row, severity = judge(event, past_of(state), setting.table, age_days=setting.age_days)
    if severity is Severity.URGENT and _age_s(event, setting) >= setting.table.late_limit_s:
        severity = Severity.NOTICE
    return f"{row.id}@{setting.table.tag}", severity


def _age_s(event: Event, setting: Setting) -> float:
    return (setting.now_ns - event.end_ns) / NS


def _verdict(event: Event, sent: Sent | None, severity: Severity, rule: str, setting: Setting) -> _Verdict:
    """What was sent is never lowered; its rule and lateness stay unless it rises."""
    if sent is not None and RANK[severity] <= RANK[sent.severity]:
        return _Verdict(sent.severity, sent.rule, raised=False, late=sent.late)
    late = event.late or _age_s(event, setting) >= setting.table.late_mark_s
    return _Verdict(severity, rule, raised=True, late=late)


def _tell(
    state: RuleState, event: Event, sent: Sent | None, verdict: _Verdict, setting: Setting
) -> tuple[RuleState, tuple[Alert, ...]]:
    """A new alert, or a new version of the one that was sent; nothing when it would say the same again."""
    knew_five = sent is not None and sent.five_minutes
    five = knew_five or _is_five_minutes(event, setting)
    count = _count(state, event, sent)
    told = Sent(
        id=sent.id if sent else f"alert-{event.id}",
        version=sent.version + 1 if sent else 1,
        severity=verdict.severity,
        rule=verdict.rule,
        event=event.id,
        essence=essence(event, count, verdict.severity, five_minutes=five),
        late=verdict.late,
        five_minutes=five,
        told_ns=setting.now_ns,
    )
    anew = verdict.raised or five != knew_five
    if sent is not None and not anew and _says_little(sent, told, setting):
        return _linked(state, event, told.id), ()
    occasion = Occasion(count=count, announce=_announce(verdict.severity, anew=anew))
    alert = composed(event, told, occasion, state.seen, setting)
    return _linked(state, event, told.id).with_alert(told), (alert,)


def _says_little(sent: Sent, told: Sent, setting: Setting) -> bool:
    """Whether a version would say the same again, or only a higher count so soon that nobody needs it yet."""
    if told.essence == sent.essence:
        return True
    soon = setting.now_ns - sent.told_ns < int(setting.table.updates_apart_s * NS)
    return soon and essence_kind(told.essence) == essence_kind(sent.essence)


def _linked(state: RuleState, event: Event, alert: str) -> RuleState:
    known = state.event(event.id)
    return state if known is None else state.with_event(replace(known, alert=alert))


def _announce(severity: Severity, *, anew: bool) -> str:
    if not anew:
        return "update"
    return "ring" if severity is Severity.URGENT else "push"


def _is_five_minutes(event: Event, setting: Setting) -> bool:
    return event.label is Label.LONG_MOVEMENT and event.duration_s >= setting.table.five_minutes_s


def _adopted(state: RuleState, known: Known) -> str | None:
    """Id of the alert that already tells a part of this event, or its pair."""
    for other in reversed(state.events):
        if other.alert is None or other.gone or other.id == known.id:
            continue
        if _is_part(other, known) and not _has_parent_teller(state, other):
            return other.alert
        if known.label is other.label is Label.SPASM_LIKE and _pair(other, known):
            return other.alert
    return None


def _has_parent_teller(state: RuleState, part: Known) -> bool:
    """Whether a whole, not a part, already speaks in this part's alert."""
    sent = state.alert(part.alert)
    teller = state.event(sent.event) if sent else None
    return teller is not None and teller.label in _PARTS and not teller.gone


def _is_part(part: Known, whole: Known) -> bool:
    if part.label not in _PARTS.get(whole.label, ()):
        return False
    return part.parent == whole.id or _overlap(part, whole)


def _spoken_for(state: RuleState, known: Known, sent: Sent | None) -> Severity | None:
    """Severity of the alert of a whole that this event is part of; None when it speaks for itself."""
    if sent is not None and sent.event != known.id:
        teller = state.event(sent.event)
        if teller is not None and not teller.gone and known.label in _PARTS.get(teller.label, ()):
            return sent.severity
    for other in state.events:
        told = state.alert(other.alert)
        if told is not None and told.event == other.id and not other.gone and _is_part(known, other):
            return told.severity
    return None


def _count(state: RuleState, event: Event, sent: Sent | None) -> int:
    """Brief movements in the event; two single ones that share an alert count together."""
    if event.label is not Label.SPASM_LIKE or sent is None:
        return event.count
    return sum(e.count for e in state.events if e.alert == sent.id and e.label is event.label and not e.gone)


def _overlap(a: Known, b: Known) -> bool:
    return a.onset_ns <= b.end_ns and b.onset_ns <= a.end_ns


def _pair(a: Known, b: Known) -> bool:
    gap_ns = max(a.onset_ns, b.onset_ns) - min(a.end_ns, b.end_ns)
    return gap_ns <= int(PAIR_GAP_S * NS)


def _farewell(
    state: RuleState, event: Event, known: Known, setting: Setting
) -> tuple[RuleState, tuple[Alert, ...]]:
    """An event was withdrawn or became part of another: its alert says so, and loses none of its severity."""
    sent = state.alert(known.alert)
    if sent is None or sent.event != event.id:
        return state, ()
    survivor = state.event(event.merged_into)
    if survivor is not None and survivor.alert is None and not survivor.gone:
        state = state.with_event(replace(survivor, alert=sent.id))
        return state.with_alert(replace(sent, event=survivor.id)), ()
    ended_as = "merged" if event.merged_into else "withdrawn"
    if sent.essence == ended_as:
        return state, ()
    told = replace(sent, version=sent.version + 1, essence=ended_as, told_ns=setting.now_ns)
    occasion = Occasion(count=event.count, announce="update", ended_as=ended_as)
    return state.with_alert(told), (composed(event, told, occasion, state.seen, setting),)
