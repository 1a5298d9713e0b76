"""A night in words: what was recorded, and out of how much. No count stands there without its coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from alerts import wire
from alerts.catalogue import Catalogue
from alerts.words import catalogue, duration
from dsp.records import NS, Alert, Coverage, Event, Severity, Site, State

from .coverage import seen_hours, sentence
from .detector import Told
from .morning import worn_ns
from .night_facts import NightFacts, Span, ToldFacts

__all__ = ["morning_lines", "summary", "summary_body"]

_T = TypeVar("_T")
_ENGLISH = catalogue("en")
_LISTED = 4
"""Things named one by one in a line, so that ten lines stay ten lines on a phone; the rest is counted."""


def summary(name: str, sites: Sequence[Site], told: Told, words: Catalogue = _ENGLISH) -> str:
    """What a detector told of a night in a few lines, coverage first: for replays and the demo."""
    events = told.final_events
    lines = [
        f"{name}: {sentence(told.minutes, words)}",
        _worn_line(sites, told.minutes, words),
        _state_line(told, words),
        *_event_lines(events, told.minutes, words),
        _alert_line(told.alerts, words),
        "",
        *_general(words, {e.label.wire for e in events}),
        words.always,
        words.text("summary.limits"),
        words.emergency,
        _header(words),
    ]
    return "\n".join(lines) + "\n"


def morning_lines(night: NightFacts, words: Catalogue = _ENGLISH) -> tuple[str, ...]:
    """A night in ten lines for the people who look after the infant: coverage, then what nobody answered."""
    say = _Sayer(night, words)
    return (
        say.head(),
        say.unanswered(),
        say.answered(),
        say.notices(),
        say.events(),
        say.muted(),
        say.blind(),
        say.sensors(),
        say.technical(),
        " ".join(
            (
                *_general(words, {c.pattern for c in night.events}),
                words.always,
                words.text("summary.limits"),
                words.emergency,
                _header(words),
            )
        ),
    )


def summary_body(night: NightFacts, words: Catalogue = _ENGLISH) -> wire.SummaryBody:
    """The summary for machines: figures with their coverage, times in UTC, and the ten lines."""
    lines = morning_lines(night, words)
    seen_s = night.seen_ns // NS
    return wire.SummaryBody(
        infant=night.infant,
        night=night.window.night.isoformat(),
        zone=night.window.zone,
        language=words.language,
        coverage=wire.SummaryWatched(
            watched_s=night.watched_ns // NS, seen_s=seen_s, degraded_s=night.degraded_ns // NS
        ),
        unanswered=tuple(_alert_body(a) for a in night.unanswered),
        answered=tuple(_alert_body(a) for a in night.answered),
        notices=tuple(_alert_body(a) for a in night.notices),
        events=tuple(
            wire.SummaryCount(
                pattern=cast("Any", c.pattern), events=c.events, movements=c.movements, seen_s=seen_s
            )
            for c in night.events
        ),
        mutes=tuple(wire.SummaryMute(**_times(s), patterns=s.causes) for s in night.mutes),
        muted=tuple(a.id for a in night.muted),
        blind=tuple(wire.SummaryBlind(**_times(s), causes=s.causes) for s in night.blind),
        sensors=tuple(
            wire.SummarySensor(site=s.site.value, worn_s=s.worn_ns // NS, battery=s.battery)
            for s in night.sensors
        ),
        technical=tuple(wire.SummaryTrouble(**_times(s), kinds=s.causes) for s in night.technical),
        lines=lines,
        text="\n".join(lines),
    )


class _Sayer:
    """One line each."""

    def __init__(self, night: NightFacts, words: Catalogue) -> None:
        self._night = night
        self._words = words
        self._seen = duration(words, night.seen_ns)
        self._whole = duration(words, night.watched_ns)
        self._zone = ZoneInfo(night.window.zone)

    def head(self) -> str:
        """Which night, and how much of it could be seen."""
        evening = self._night.window.night
        return self._words.text(
            "summary.head",
            evening=evening.isoformat(),
            morning=(evening + timedelta(days=1)).isoformat(),
            infant=self._night.infant,
            coverage=_covered(self._words, self._seen, self._whole, self._night.degraded_ns),
        )

    def unanswered(self) -> str:
        """Urgent alerts that nobody answered."""
        due = self._night.unanswered
        if due:
            alerts = self._words.counted("summary.urgent", len(due))
            which = self._listed(due, self._alert)
            return self._words.text("summary.unanswered", alerts=alerts, seen=self._seen, which=which)
        rang = any(a.severity is Severity.URGENT for a in self._night.alerts)
        return self._words.text("summary.all_answered" if rang else "summary.none_urgent", seen=self._seen)

    def answered(self) -> str:
        """Alerts that somebody answered, and who."""
        done = self._night.answered
        if not done:
            return self._words.text("summary.none_answered")
        alerts = self._words.counted("summary.alerts", len(done))
        which = self._listed(done, self._answer)
        return self._words.text("summary.answered", alerts=alerts, seen=self._seen, which=which)

    def notices(self) -> str:
        """Silent alerts."""
        silent = self._night.notices
        if not silent:
            return self._words.text("summary.none_notices", seen=self._seen)
        which = self._listed(silent, self._alert)
        return self._words.text("summary.notices", n=len(silent), seen=self._seen, which=which)

    def events(self) -> str:
        """Events by kind."""
        kinds = self._night.events
        if not kinds:
            return self._words.text("summary.none_events", seen=self._seen)
        said = []
        for kind in kinds:
            key = "summary.counted_members" if kind.movements > kind.events else "summary.counted"
            noun = self._words.nouns.get(kind.pattern, self._words.any_noun)
            name = self._words.names[kind.pattern]
            said.append(
                self._words.text(key, name=name, n=kind.events, movements=noun.counted(kind.movements))
            )
        return self._words.text("summary.events", seen=self._seen, which=", ".join(said))

    def muted(self) -> str:
        """When something was muted, and what that kept silent."""
        spans = self._night.mutes
        if not spans and not self._night.muted:
            return self._words.text("summary.none_muted")
        named = self._listed(spans, lambda s: self._span(s, self._words.names.get(s.causes[0], s.causes[0])))
        silent = self._listed(self._night.muted, self._alert) or self._words.text("summary.no_alert")
        return self._words.text("summary.muted", spans=named, which=silent)

    def blind(self) -> str:
        """When nothing could be seen, the longest first, and why."""
        spans = sorted(self._night.blind, key=lambda s: (-s.length_ns, s.begin_ns))
        if not spans:
            return self._words.text("summary.none_blind", whole=self._whole)
        length = duration(self._words, sum(s.length_ns for s in spans))
        stretches = self._words.counted("summary.stretches", len(spans))
        which = self._listed(spans, self._blind)
        return self._words.text("summary.blind", length=length, stretches=stretches, which=which)

    def sensors(self) -> str:
        """How long each was worn, and its battery."""
        said = []
        for sensor in self._night.sensors:
            text = f"{self._words.sites[sensor.site]} {duration(self._words, sensor.worn_ns)}"
            if sensor.battery is not None:
                text = self._words.text("summary.battery", sensor=text, battery=sensor.battery)
            said.append(text)
        which = "; ".join(said) or self._words.text("summary.no_sensor")
        return self._words.text("summary.worn", which=which)

    def technical(self) -> str:
        """Trouble of sensors and computers."""
        troubles = self._night.technical
        if not troubles:
            return self._words.text("summary.none_technical")
        return self._words.text("summary.technical", which=self._listed(troubles, self._trouble))

    # parts of lines

    def _alert(self, told: ToldFacts) -> str:
        name = self._words.names[told.pattern]
        long = duration(self._words, round(told.duration_s * NS))
        if told.count > 1:
            noun = self._words.nouns.get(told.pattern, self._words.any_noun)
            name = self._words.text(
                "summary.with_count", what=name, movements=noun.counted(told.count), duration=long
            )
        return self._words.text("summary.at", time=self._clock(told.onset_ns), what=name)

    def _answer(self, told: ToldFacts) -> str:
        key = "summary.false_alarm" if told.false_alarm else "summary.by"
        at = "" if told.answered_ns is None else self._clock(told.answered_ns)
        return self._words.text(key, told=self._alert(told), person=told.answered_by, time=at)

    def _blind(self, span: Span) -> str:
        causes = [self._cause(cause) for cause in span.causes]
        said = self._span(span, "").strip()
        return (
            self._words.text("summary.with_causes", span=said, causes=", ".join(causes)) if causes else said
        )

    def _cause(self, cause: str) -> str:
        code, _, site = cause.partition(":")
        said = self._words.causes.get(code, code.replace("_", " "))
        return f"{self._words.sites.get(site, site)}: {said}" if site else said

    def _trouble(self, span: Span) -> str:
        kind = span.causes[0]
        title = self._words.technical.get(kind, self._words.technical_other)[0].format(kind=kind)
        return self._span(span, title)

    def _span(self, span: Span, what: str) -> str:
        begin, end = self._clock(span.begin_ns), self._clock(span.end_ns)
        key = "summary.from_to" if span.over else "summary.going_on"
        return self._words.text(key, what=what, begin=begin, end=end)

    def _listed(self, things: Sequence[_T], said: Callable[[_T], str]) -> str:
        listed = "; ".join(said(thing) for thing in things[:_LISTED])
        more = len(things) - _LISTED
        return self._words.text("summary.and_more", listed=listed, n=more) if more > 0 else listed

    def _clock(self, utc_ns: int) -> str:
        return datetime.fromtimestamp(utc_ns // NS, tz=UTC).astimezone(self._zone).strftime("%H:%M")


def _alert_body(told: ToldFacts) -> wire.SummaryAlert:
    return wire.SummaryAlert(
        id=told.id,
        pattern=told.pattern,
        severity=cast("Any", told.severity.value),
        onset=_iso(told.onset_ns),
        duration_s=round(told.duration_s, 1),
        count=told.count,
        answered_by=told.answered_by or None,
        answered=None if told.answered_ns is None else _iso(told.answered_ns),
        false_alarm=told.false_alarm,
    )


def _times(span: Span) -> dict[str, Any]:
    return {"begin": _iso(span.begin_ns), "end": _iso(span.end_ns) if span.over else None}


def _iso(utc_ns: int) -> str:
    return datetime.fromtimestamp(utc_ns // NS, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _covered(words: Catalogue, seen: str, whole: str, degraded_ns: int) -> str:
    partly = words.text("coverage.partly", span=duration(words, degraded_ns)) if degraded_ns else ""
    return words.text("coverage.sentence", seen=seen, whole=whole) + partly


def _worn_line(sites: Sequence[Site], coverage: Sequence[Coverage], words: Catalogue) -> str:
    """How long each sensor gave data while it was worn, as far as the sensors can tell."""
    parts = [f"{words.sites[s]} {duration(words, worn_ns(s, coverage))}" for s in sites]
    return words.text("summary.told_worn", which=", ".join(parts) or words.text("summary.no_sensor"))


def _state_line(told: Told, words: Catalogue) -> str:
    spans = {state: sum(s.span_ns for s in told.states if s.state is state) for state in State}
    shares = ", ".join(f"{words.state_names[s]} {duration(words, ns)}" for s, ns in spans.items() if ns)
    return words.text("summary.told_states", which=shares or words.text("summary.told_no_state"))


def _event_lines(events: Sequence[Event], coverage: Sequence[Coverage], words: Catalogue) -> list[str]:
    seen = duration(words, round(seen_hours(coverage) * 3600 * NS))
    lines = []
    for pattern in sorted({e.label.wire for e in events}):
        own = [e for e in events if e.label.wire == pattern]
        members = sum(e.count for e in own)
        key = "summary.told_event_members" if members > len(own) else "summary.told_event"
        lines.append(words.text(key, name=words.names[pattern], n=len(own), movements=members, seen=seen))
    return lines or [words.text("summary.told_no_event", seen=seen)]


def _alert_line(alerts: Sequence[Alert], words: Catalogue) -> str:
    stands = list({a.id: a.severity for a in alerts}.values())
    counts = {severity.value: stands.count(severity) for severity in Severity}
    return words.text("summary.told_alerts", **counts)


def _general(words: Catalogue, shown: Iterable[str]) -> list[str]:
    """The general information that belongs to the patterns shown, each once."""
    shown = set(shown)
    return [text for pattern, text in words.same_day.items() if pattern in shown]


def _header(words: Catalogue) -> str:
    return words.text("summary.header", version=version("lullwatch"))
