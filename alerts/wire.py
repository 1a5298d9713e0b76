"""The payloads as receivers see them: one struct each, from which the published JSON Schema is made.

Times come twice: as text, ISO 8601 in UTC with milliseconds, and as integer nanoseconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

__all__ = [
    "SCHEMA",
    "AlertBody",
    "Count",
    "CoverageBody",
    "EventBody",
    "LinkBody",
    "Payload",
    "Seen",
    "SelfTestBody",
    "SensorLink",
    "Span",
    "StateBody",
    "StatusBody",
    "SummaryAlert",
    "SummaryBlind",
    "SummaryBody",
    "SummaryCount",
    "SummaryMute",
    "SummarySensor",
    "SummaryTrouble",
    "SummaryWatched",
    "TestedWay",
    "TonightBody",
]

SCHEMA: Literal[1] = 1
"""Version of every payload; it changes when a receiver would have to."""

_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
_Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
_Second = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Version = Annotated[int, msgspec.Meta(ge=1)]
_Natural = Annotated[int, msgspec.Meta(ge=0)]
_State = Literal["awake", "active_sleep", "quiet_sleep", "asleep", "unknown"]
_Site = Literal["LA", "RA", "TR", "LW", "RW", "HD"]
_Pattern = Literal[
    "brief_strong_movement",
    "repeated_brief_movements",
    "rhythmic_jerks_asleep",
    "rhythmic_jerking",
    "stiffening",
    "long_stiffening_or_jerking",
    "startle",
    "trembling",
    "hiccup_like",
    "rocking",
    "small_twitches",
    "movement",
]


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What every payload has. Receivers ignore fields they do not know."""

    schema: Literal[1] = SCHEMA


class Span(Payload, frozen=True, kw_only=True):
    """A payload about a stretch of time."""

    onset: _Time
    onset_ns: int
    end: _Time
    end_ns: int
    duration_s: Annotated[float, msgspec.Meta(ge=0)]


class TestedWay(msgspec.Struct, frozen=True, kw_only=True):
    """One person's channel, and what became of the self-test there."""

    person: str
    channel: str
    ok: bool
    """the channel took it, no more: whether the device rang, its owner knows"""
    after_s: float | None
    """from the beginning of the test; null when the channel did not answer"""
    why: str


class SelfTestBody(msgspec.Struct, frozen=True, kw_only=True):
    """The last self-test."""

    result: Literal["passed", "failed", "preempted", "interrupted"]
    at: str
    """when it began, ISO 8601 in UTC"""
    by: str
    why: str
    ways: tuple[TestedWay, ...]


class StatusBody(Payload, frozen=True, kw_only=True):
    """The gateway: `online`; `offline`, said by the broker when the gateway is lost; `stopped`, a planned stop."""

    state: Literal["online", "offline", "stopped"]
    self_test: SelfTestBody | msgspec.UnsetType = msgspec.UNSET
    """the last one of this night or the night before"""


class AlertBody(Span, frozen=True, kw_only=True):
    """One version of an alert, or one further message about it."""

    id: _Id
    version: _Version
    severity: Literal["urgent", "notice", "technical"]
    pattern: str
    """wire name of the event, or the kind of technical trouble"""
    event_id: str | None
    decided: _Time
    decided_ns: int
    sent: _Time
    """when it was handed to the broker; much later than `decided` after an outage"""
    sent_ns: int
    past: bool
    """handed over so late that it speaks of what is over: never show it as happening now"""
    rings: bool
    """make a noise, through silent mode; else show it silently"""
    kind: Literal["alert", "repeat", "update", "answered", "false_alarm", "while_muted", "test"]
    """why it is sent"""
    to: str | None
    """id of the person it is for; null: for whoever reads"""
    step: _Natural
    """number of this message of the alert to this person; what has the same id, version, person and step is one"""
    open: bool
    """nobody has answered it yet"""
    told: tuple[str, ...]
    """ids of the people who were told, in order"""
    acknowledged_by: str | None
    acknowledged: _Time | None
    false_alarm: bool
    """by what a person says"""
    repeats: _Natural
    count: _Natural
    rule: str
    title: str
    text: str
    """what a person reads, whole and in this order; the first line is the title"""
    late: bool
    cleared: bool
    facts: dict[str, str | float | int | None]


class EventBody(Span, frozen=True, kw_only=True):
    """One row of the life of an event; rows of one id replace each other by version."""

    id: _Id
    version: _Version
    status: Literal["new", "update", "relabel", "end", "withdrawn"]
    event_type: _Pattern
    severity: Literal["urgent", "notice", "diary"]
    count: _Natural
    sites: tuple[_Site, ...]
    side: Literal["left", "right", "both", "unknown"]
    state_before: _State
    state_during: _State
    state_after: _State
    since_waking_s: float | None
    interval_mean_s: float | None
    interval_cv: float | None
    match: Literal["weak", "clear"]
    conveyed: _Share
    parent: str | None
    merged_into: str | None
    late: bool


class StateBody(Span, frozen=True, kw_only=True):
    """Sleep state of the newest epoch."""

    state: _State


class CoverageBody(Span, frozen=True, kw_only=True):
    """How much of the newest minute could be seen, and why not more."""

    usability: Literal["usable", "degraded", "blind"]
    causes: tuple[str, ...]
    seen: dict[_Site, _Share]


class SensorLink(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor's link as it was at a moment."""

    sensor: str
    state: str
    received: _Natural
    lost: _Natural
    backfilled: _Natural
    battery: Annotated[int, msgspec.Meta(ge=0, le=100)] | None
    rssi: int | None
    residual_ms: float | None = None
    """how far the newest packet's arrival lay from the fit of the sensor's clock"""
    latency_ms: float | None = None
    """how long packets of the last minute were on their way beyond the shortest way; one in twenty took longer"""
    at: _Time
    at_ns: int


class LinkBody(Payload, frozen=True, kw_only=True):
    """Every sensor that was heard of, by site."""

    sensors: dict[_Site, SensorLink]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How often a pattern was recorded."""

    events: _Natural
    movements: _Natural
    """brief movements or jerks in them"""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the night could be seen: no count stands without it."""

    seen_s: _Natural
    watched_s: _Natural


class TonightBody(Payload, frozen=True, kw_only=True):
    """What stands of the night so far, for those who come later: counts with coverage, what is open, the last event."""

    begun: _Time | None
    begun_ns: int | None
    coverage: Seen
    counts: dict[str, Count]
    """by wire name; what was withdrawn or became part of another event is not counted"""
    last_event: _Pattern | None
    last_event_at: _Time | None
    open_alerts: tuple[str, ...]
    """ids of alerts that nobody has answered"""
    problems: tuple[str, ...]
    """kinds of technical trouble that stand"""


class SummaryAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of the night, and who answered it."""

    id: _Id
    pattern: str
    severity: Literal["urgent", "notice", "technical"]
    onset: _Second
    duration_s: Annotated[float, msgspec.Meta(ge=0)]
    count: _Natural
    answered_by: str | None
    answered: _Second | None
    false_alarm: bool


class SummaryCount(msgspec.Struct, frozen=True, kw_only=True):
    """Events of a kind, the movements in them, and how much could be seen."""

    pattern: _Pattern
    events: _Natural
    movements: _Natural
    seen_s: _Natural


class SummarySensor(msgspec.Struct, frozen=True, kw_only=True):
    """How long a sensor was worn and heard, and its battery (percent) when it was last heard."""

    site: _Site
    worn_s: _Natural
    battery: Annotated[int, msgspec.Meta(ge=0, le=100)] | None


class SummaryWatched(Seen, frozen=True, kw_only=True):
    """How much of the night could be seen, and how much of that only in part."""

    degraded_s: _Natural


class _SummarySpan(msgspec.Struct, frozen=True, kw_only=True):
    begin: _Second
    end: _Second | None
    """null: it went on when the summary was made"""


class SummaryMute(_SummarySpan, frozen=True, kw_only=True):
    """A mute, and what it was about."""

    patterns: tuple[str, ...]


class SummaryBlind(_SummarySpan, frozen=True, kw_only=True):
    """A stretch in which nothing could be seen, and why."""

    causes: tuple[str, ...]


class SummaryTrouble(_SummarySpan, frozen=True, kw_only=True):
    """Technical trouble."""

    kinds: tuple[str, ...]


class SummaryBody(Payload, frozen=True, kw_only=True):
    """The morning summary: figures with their coverage, and `text`, which is what a person reads, whole.

    Times are text only, to the second.
    """

    infant: _Id
    night: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
    """date of the evening; a night goes from noon to noon"""
    zone: str
    language: str
    coverage: SummaryWatched
    unanswered: tuple[SummaryAlert, ...]
    """urgent ones that nobody answered"""
    answered: tuple[SummaryAlert, ...]
    notices: tuple[SummaryAlert, ...]
    """silent ones"""
    events: tuple[SummaryCount, ...]
    mutes: tuple[SummaryMute, ...]
    muted: tuple[str, ...]
    """ids of alerts that a mute kept silent"""
    blind: tuple[SummaryBlind, ...]
    sensors: tuple[SummarySensor, ...]
    technical: tuple[SummaryTrouble, ...]
    lines: tuple[str, ...]
    text: str
