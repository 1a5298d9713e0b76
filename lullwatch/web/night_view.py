"""The parts of the night page that change, drawn from how the night stands; each goes into an element of its own."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.catalogue import Catalogue
from alerts.people import ANYONE
from alerts.words import duration
from dsp.records import NS, Alert, Event, Label, LinkSample, Severity, Site, Watchfulness, Watching

from .forms import button_form
from .live import Moment
from .markup import Content, Html, h, joined
from .session import Role
from .timeline import timeline

__all__ = ["DATA_LATE_S", "NO_DATA_S", "counts", "events", "film_button", "parts", "site_name", "with_age"]

DATA_LATE_S = 10
"""Packets come four times a second and a lost link heals within seconds; what is older is worth a look."""
NO_DATA_S = 60
"""Nothing for a minute is no recording: the coverage calls such a minute blind."""
NOT_RUNNING_S = 15
"""The monitor speaks every second; a restart takes three."""
_LISTED = 20
_SILENT = 3
"""Silent notices shown; the others are among the events."""
AGE = h("span", class_="age")
"""Where the age stands: it changes every second by itself, so a script counts it."""
_RECENT_NS = 10 * NS
_BATTERY_LOW = 15


@dataclass(frozen=True, slots=True)
class _Tile:
    level: str
    """`recording`, `attention` or `off`"""
    reasons: tuple[str, ...]


def parts(moment: Moment, words: Catalogue, role: Role, *, told_in: str = "en") -> dict[str, str]:
    """Every part by the id of its element; an alert's own words stand in the language in which it was told."""
    spoken = None if told_in == words.language else told_in
    drawn: dict[str, Content] = {
        "tile": _tile(moment, words),
        "alerts": _alerts(moment, words, role, spoken),
        "timeline": timeline(moment.tonight, words),
        "counts": counts(moment, words),
        "care": _care(moment, words, role),
        "events": events(moment, words),
    }
    for site in moment.tonight.sites:
        drawn[f"sensor-{site.value}"] = _sensor(moment, site, words)
    return {name: joined(content) for name, content in drawn.items()}


def with_age(markup: str, age_s: float | None, words: Catalogue) -> str:
    """The tile with the age as it is now, for a page that is loaded whole."""
    said = words.text("page.age_none") if age_s is None else duration(words, round(age_s) * NS)
    return markup.replace(AGE, h("span", said, class_="age"))


def site_name(words: Catalogue, site: Site) -> str:
    """A sensor's place in words."""
    return words.sites[site.value]


# the tile


def _tile(moment: Moment, words: Catalogue) -> Html:
    tile = _level(moment, words)
    levels = {level: words.text(f"page.level_{level}") for level in ("recording", "attention", "off")}
    return h(
        "div",
        h("span", class_="sign", aria_hidden="true"),
        h("p", levels[tile.level], class_="word"),
        h("p", words.text("page.age") + " ", AGE),
        h("ul", *(h("li", reason) for reason in tile.reasons)) if tile.reasons else None,
        class_=f"tile {tile.level}",
        data_level=tile.level,
        data_late=DATA_LATE_S,
        data_off=NO_DATA_S,
        **{f"data_word_{level}": text for level, text in levels.items()},
        data_word_lost=words.text("page.level_lost"),
        data_word_looking=words.text("page.level_looking"),
        data_second=words.seconds.format(s="#"),
        data_minute=words.minutes.format(m="#"),
    )


def _level(moment: Moment, words: Catalogue) -> _Tile:
    tonight = moment.tonight
    reasons: list[str] = []
    if moment.running_s is None or moment.running_s > NOT_RUNNING_S:
        reasons.append(words.text("page.not_running"))
    urgent = [a for a in tonight.open_alerts if a.severity is Severity.URGENT]
    if urgent:
        reasons.append(words.text("page.unanswered", n=len(urgent)))
    reasons += [alert.text.partition("\n")[0] for alert in tonight.trouble]
    quiet = [
        words.text("page.sensor_quiet", site=site_name(words, site))
        for site in tonight.sites
        if not _streams(tonight.links.get(site))
    ]
    reasons += quiet
    is_off = moment.age_s is None or moment.age_s > NO_DATA_S
    is_late = moment.age_s is not None and moment.age_s > DATA_LATE_S
    level = "off" if is_off else "attention" if reasons or is_late else "recording"
    if tonight.watching is not None:
        reasons.append(_watched(moment, tonight.watching, words))
    return _Tile(level, tuple(reasons))


def _streams(link: LinkSample | None) -> bool:
    return link is not None and link.state == "streaming"


def _watched(moment: Moment, watching: Watching, words: Catalogue) -> str:
    if watching.state is Watchfulness.DISARMED:
        return words.text("page.disarmed")
    until = "" if watching.until_ns is None else moment.tonight.clock(watching.until_ns)
    reason = words.more.get(f"page.pause_{watching.reason}", watching.reason)
    return words.text("page.paused", reason=reason, until=until)


# alerts


def _alerts(moment: Moment, words: Catalogue, role: Role, spoken: str | None) -> Content:
    """Every urgent one, and the newest of the silent ones; nobody has to answer those."""
    urgent = [a for a in moment.tonight.open_alerts if a.severity is Severity.URGENT]
    silent = [a for a in moment.tonight.open_alerts if a.severity is not Severity.URGENT]
    newest = sorted(silent, key=lambda a: a.onset_ns, reverse=True)
    shown = [_alert(moment, alert, words, role, spoken) for alert in (*urgent, *newest[:_SILENT])]
    more = len(newest) - _SILENT
    return [*shown, h("p", words.text("page.more_silent", n=more), class_="more") if more > 0 else None]


def _alert(moment: Moment, alert: Alert, words: Catalogue, role: Role, spoken: str | None) -> Html:
    """One alert; `spoken` is the language of its own words where it is another one than the page's."""
    tonight = moment.tonight
    title, *lines = alert.text.split("\n")
    standing = tonight.standing(alert)
    told = ", ".join(_who(words, person) for person in standing.told) or words.text("page.nobody_told")
    facts = words.text("page.alert_when", time=tonight.clock(alert.onset_ns), told=told)
    muted = None
    if standing.muted_until_ns is not None:
        muted = h("p", words.text("page.alert_muted", until=tonight.clock(standing.muted_until_ns)))
    answers = _answers(tonight.infant, alert, words) if role is Role.CAREGIVER else None
    when = [h("p", facts, class_="when"), muted]
    if alert.severity is not Severity.URGENT:
        text = h(
            "details", h("summary", title, lang=spoken), [h("p", x, lang=spoken) for x in lines], answers
        )
        return h("article", text, when, class_=f"alert {alert.severity.value}", data_alert=alert.id)
    first, rest = lines[:1], lines[1:]
    return h(
        "article",
        h("h2", title, lang=spoken),
        when,
        [h("p", line, class_="first", lang=spoken) for line in first],
        answers,
        [h("p", line, lang=spoken) for line in rest],
        class_=f"alert {alert.severity.value}",
        data_alert=alert.id,
    )


def _who(words: Catalogue, person: str) -> str:
    return words.text("page.anyone") if person == ANYONE.id else person


def _answers(infant: str, alert: Alert, words: Catalogue) -> Html:
    about = {"infant": infant, "alert": alert.id}
    return h(
        "div",
        button_form("ack", words.text("page.ack"), about, "big"),
        film_button(infant, words),
        button_form("false-alarm", words.text("page.false_alarm"), about, "quiet"),
        class_="answers",
    )


def film_button(infant: str, words: Catalogue) -> Html:
    """Opens the phone's camera; the script writes down when. What is filmed stays in the phone."""
    return h(
        "label",
        words.text("page.film"),
        h(
            "input", type="file", accept="video/*", capture="environment", data_film=infant,
            class_="visually-hidden",
        ),
        class_="button big",
    )  # fmt: skip


# what is known of the night


def counts(moment: Moment, words: Catalogue) -> Html:
    """Counts by kind, none without the coverage it belongs to."""
    facts = moment.tonight.facts
    seen, whole = duration(words, facts.seen_ns), duration(words, facts.watched_ns)
    head = h("p", words.text("coverage.sentence", seen=seen, whole=whole), class_="seen")
    if not facts.events:
        return h("div", head, h("p", words.text("summary.none_events", seen=seen)))
    rows = [
        h(
            "tr",
            h("th", words.names[c.pattern], scope="row"),
            h("td", str(c.events)),
            h("td", str(c.movements)),
            h("td", seen),
        )
        for c in facts.events
    ]
    heads = [
        h("th", words.text(f"page.col_{key}"), scope="col") for key in ("kind", "events", "movements", "seen")
    ]
    return h("div", head, h("table", h("thead", h("tr", *heads)), h("tbody", *rows), class_="counted"))


def events(moment: Moment, words: Catalogue) -> Content:
    """The newest events that are more than single movements, newest first."""
    quiet = (Label.MOVEMENT, Label.TWITCHES)
    shown = [e for e in moment.tonight.events if e.parent is None and e.label not in quiet]
    if not shown:
        return None
    return h("ol", *(_event(moment, event, words) for event in reversed(shown[-_LISTED:])), class_="events")


def _event(moment: Moment, event: Event, words: Catalogue) -> Html:
    noun = words.nouns.get(event.label.wire, words.any_noun).counted(event.count)
    what = words.in_time.format(what=noun, duration=duration(words, event.end_ns - event.onset_ns))
    return h(
        "li",
        h(
            "a",
            h("span", moment.tonight.clock(event.onset_ns), class_="time"),
            " ",
            words.names[event.label.wire],
            h("span", what, class_="more"),
            href=f"/events/{event.id}",
        ),
    )


# sensors, and what keeps alerts silent


def _sensor(moment: Moment, site: Site, words: Catalogue) -> Content:
    link = moment.tonight.links.get(site)
    state = "none" if link is None else link.state
    known = words.more.get(f"page.link_{state}", state)
    said: list[Content] = [h("span", known, class_="link" if _streams(link) else "link trouble")]
    if link is not None and link.battery is not None:
        low = " low" if link.battery < _BATTERY_LOW else ""
        said.append(h("span", words.text("page.battery", n=link.battery), class_=f"battery{low}"))
    trace = moment.traces.by_site.get(site)
    if trace is not None:
        strongest = trace.strongest_mg(trace.newest_ns - _RECENT_NS)
        if strongest is not None:
            said.append(h("span", words.text("page.strongest", g=f"{strongest / 1000:.2f}")))
    return said


def _care(moment: Moment, words: Catalogue, role: Role) -> Content:
    """Pauses and mutes that hold, each with its end and a way to end it sooner."""
    tonight, may = moment.tonight, role is Role.CAREGIVER
    shown: list[Content] = []
    if (watching := tonight.watching) is not None and watching.state is Watchfulness.PAUSED:
        end = button_form("pause", words.text("page.resume"), {"infant": tonight.infant, "minutes": "0"})
        shown.append(h("li", _watched(moment, watching, words), end if may else None))
    for pattern, mute in tonight.mutes.items():
        what = words.names.get(pattern, pattern)
        text = words.text("page.muted", what=what, until=tonight.clock(mute.until_ns), by=mute.by)
        about = {"infant": tonight.infant, "minutes": "0", "pattern": pattern}
        shown.append(h("li", text, button_form("mute", words.text("page.unmute"), about) if may else None))
    return h("ul", *shown, class_="care") if shown else None
