"""An alert about an event, put together: its words, its facts, and what must change for a further version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts import words
from alerts.state import Sent, Setting
from dsp.records import NS, Alert, ClockRow, Event, EventStatus, Severity

__all__ = ["Occasion", "composed", "essence", "essence_kind"]

Facts = dict[str, str | float | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the rules know beyond the event and its alert."""

    count: int
    announce: str
    """`ring`, `push` (silent, but now) or `update` (replaces what is shown)"""
    ended_as: str = ""
    """`withdrawn` or `merged`; empty otherwise"""


def composed(event: Event, told: Sent, occasion: Occasion, seen: words.Seen, setting: Setting) -> Alert:
    """The alert that says `told` about `event`."""
    about = words.Circumstances(
        severity=told.severity,
        match=words.match_word(event.match, setting.table.clear_match),
        seen=seen,
        count=occasion.count,
        late=_late_sentence(event, setting) if told.late else None,
        five_minutes=told.five_minutes,
        conveyed=event.conveyed >= setting.table.conveyed_share,
        ended_as=occasion.ended_as,
    )
    text = words.about_event(setting.catalogue, event, about)
    ended: Facts = {"ended_as": occasion.ended_as} if occasion.ended_as else {}
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
        count=occasion.count,
        rule=told.rule,
        text=str(text),
        facts={"title": text.title, **_facts(event, about, occasion.announce), **ended},
        late=told.late,
    )


def essence(event: Event, count: int, severity: Severity, *, five_minutes: bool) -> str:
    """What must change for a further version to be worth sending."""
    whole_minutes = int(event.duration_s // 60)
    over = event.status is EventStatus.END
    parts = (event.label.wire, severity.value, over, five_minutes, count, whole_minutes)
    return "|".join(map(str, parts))


def essence_kind(said: str) -> str:
    """An essence without what only grows: count and length."""
    return said.rsplit("|", 2)[0]


def _facts(event: Event, about: words.Circumstances, announce: str) -> Facts:
    return {
        "announce": announce,
        "status": event.status.value,
        "duration_s": round(event.duration_s, 1),
        "sites": " ".join(site.value for site in event.sites),
        "side": event.side,
        "state_before": event.state_before.value,
        "minutes_since_waking": None if event.since_waking_s is None else round(event.since_waking_s / 60, 1),
        "interval_mean_s": event.interval_mean_s,
        "episode_s": None if event.episode_s is None else round(event.episode_s, 1),
        "match": about.match,
        "conveyed": round(event.conveyed, 3),
        "seen_s": about.seen.seen_ns // NS,
        "watched_s": about.seen.total_ns // NS,
    }


def _late_sentence(event: Event, setting: Setting) -> str:
    local = None if setting.clock is None else _local_time(event.onset_ns, setting.clock)
    return words.late_sentence(setting.catalogue, setting.now_ns - event.onset_ns, local)


def _local_time(t_ns: int, clock: ClockRow) -> str:
    try:
        zone: ZoneInfo | None = ZoneInfo(clock.zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = None
    moment = datetime.fromtimestamp((t_ns + clock.utc_ns - clock.t_ns) / NS, tz=zone or UTC)
    return moment.strftime("%H:%M") if zone else moment.strftime("%H:%M UTC")
