"""Trends over weeks: what was recorded night by night beside how much was seen, with what was given marked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from alerts.catalogue import Catalogue
from dsp.records import Label
from lullwatch.diary import MARK_LETTERS, Mark, marks
from lullwatch.night_facts import Window
from lullwatch.trends import NightTrend, Week, trend_of, weeks_of

from .layout import add_link
from .markup import Content, Html, h
from .nights_page import NightIndex, index_of
from .records import infants_of, lasting, note_book, records_page, select
from .site import site_of, words_of
from .svg import Frame, band, chart, line, text

__all__ = ["routes", "trend_chart"]

_WEEKS: Final = (2, 4, 8, 13, 26)
_USUAL: Final = "4"
_SHOWN: Final = (Label.SPASM_LIKE_CLUSTER, Label.SPASM_LIKE, Label.LONG_MOVEMENT, Label.RHYTHMIC_JERKING,
                 Label.STIFFENING, Label.SLEEP_JERK_TRAIN)  # fmt: skip
"""Patterns with a chart of their own; the table has every one that was recorded."""
_HOURS_NS: Final = 12 * 3600 * 1_000_000_000
"""Full height of the coverage bar: a long night."""

_LABEL: Final = 200.0
"""Room that a name and a dose take: labels of marks that are nearer stand below each other."""
_LABEL_ROW: Final = 14.0
_LABEL_ROWS: Final = 3
"""Between the upper edge and the bars."""
_NUMBERED: Final = 31
"""Nights up to which every bar has room for its number: the scale is out of sight on a narrow screen."""

add_link("/trends", "trends.title")


async def _show(request: Request) -> Response:
    words = words_of(request)
    infants = infants_of(request)
    infant = request.query_params.get("infant") or (infants[0] if infants else "")
    weeks = request.query_params.get("weeks", _USUAL)
    count = 7 * (int(weeks) if weeks in {str(w) for w in _WEEKS} else int(_USUAL))
    index = index_of(site_of(request))
    evenings = await asyncio.to_thread(index.evenings)
    body: list[Content] = [
        h("h2", words.text("trends.title")),
        _choose(request, infants, infant, str(count // 7)),
    ]
    if not evenings:
        return records_page(request, words.text("trends.title"), [*body, h("p", words.text("trends.empty"))])
    nights = await asyncio.to_thread(_nights, index, infant, evenings[0], count)
    book = await note_book(request)
    standing = [entry for entry in book.entries(infant) if not entry.struck_out]
    zone = index.window(evenings[0]).zone
    given = [(mark, Window.at(mark.utc_ns, zone).night) for mark in marks(standing)]
    shown = [(mark, day) for mark, day in given if nights[0].evening <= day <= nights[-1].evening]
    body += [
        h("p", words.text("summary.limits")),
        _weeks_table(words, weeks_of(nights)),
        _marks_list(words, shown),
        [
            [
                h("h3", _title(words, label)),
                h("p", _told(words, label, nights), class_="quiet"),
                h("figure", trend_chart(words, label, nights, shown), tabindex="0", class_="newest"),
            ]
            for label in _SHOWN
            if _any(nights, label)
        ],
        h("details", h("summary", words.text("trends.by_night")), _nights_table(words, nights)),
    ]
    return records_page(request, words.text("trends.title"), body)


def _nights(index: NightIndex, infant: str, last: date, count: int) -> tuple[NightTrend, ...]:
    """So many nights up to the last, oldest first; also those of which nothing is recorded."""
    evenings = (last - timedelta(days=back) for back in range(count - 1, -1, -1))
    return tuple(trend_of(index.facts(infant, evening)) for evening in evenings)


def _any(nights: Sequence[NightTrend], label: Label) -> bool:
    """Series and single movements are always drawn: that none was recorded is one, too."""
    return label in _SHOWN[:2] or any(night.of(label)[0] for night in nights)


def _choose(request: Request, infants: tuple[str, ...], infant: str, weeks: str) -> Html:
    words = words_of(request)
    who = select("infant", [(one, one) for one in infants], infant)
    spans = [(str(w), words.counted("trends.weeks", w)) for w in _WEEKS]
    return h(
        "form",
        h("label", h("span", words.text("event.infant")), who) if len(infants) > 1 else None,
        h("label", h("span", words.text("trends.span")), select("weeks", spans, weeks)),
        h("button", words.text("event.show")),
        method="get",
        action="/trends",
        class_="filter",
    )


def _weeks_table(words: Catalogue, weeks: Sequence[Week]) -> Html:
    """Every count of a week with how much was seen in it."""
    labels = [label for label in Label if any(week.of(label)[0] for week in weeks)]
    heads = [
        words.text("trends.week"),
        words.text("trends.seen"),
        *(words.names[label.wire] for label in labels),
    ]
    rows = [
        h(
            "tr",
            h("th", *_span(words, week), scope="row"),
            h("td", _seen(words, week)),
            *(h("td", _counted(words, week, label)) for label in labels),
        )
        for week in reversed(weeks)
    ]
    return h(
        "div",
        h(
            "table",
            h("caption", words.text("trends.by_week")),
            h("thead", h("tr", *(h("th", head, scope="col") for head in heads))),
            h("tbody", *rows),
        ),
        class_="wide",
        tabindex="0",
        role="region",
        aria_label=words.text("trends.by_week"),
    )


def _span(words: Catalogue, week: Week) -> list[Content]:
    """The first and the last day, of which neither is broken at the end of a line."""
    before, between, after = words.text("trends.from_to", first="|", last="|").split("|")
    first, last = (h("span", str(week.nights[n].evening), class_="day") for n in (0, -1))
    return [before, first, between, last, after]


def _seen(words: Catalogue, what: Week | NightTrend) -> str:
    if not what.watched_ns:
        return words.text("trends.not_recorded")
    said = words.text(
        "coverage.sentence", seen=lasting(words, what.seen_ns), whole=lasting(words, what.watched_ns)
    )
    if isinstance(what, NightTrend):
        return said
    return words.text("trends.seen_in", seen=said, nights=words.counted("trends.nights", what.recorded))


def _counted(words: Catalogue, what: Week | NightTrend, label: Label) -> str:
    if not what.seen_ns:
        return words.text("trends.nothing_seen")
    events, movements = what.of(label)
    if label is Label.SPASM_LIKE_CLUSTER and events:
        return words.text(
            "trends.with_members", n=events, movements=words.nouns[label.wire].counted(movements)
        )
    return str(events)


def _nights_table(words: Catalogue, nights: Sequence[NightTrend]) -> Html:
    labels = [label for label in Label if any(night.of(label)[0] for night in nights)]
    heads = [
        words.text("trends.night"),
        words.text("trends.seen"),
        *(words.names[label.wire] for label in labels),
    ]
    rows = [
        h(
            "tr",
            h("th", h("span", str(night.evening), class_="day"), scope="row"),
            h("td", _seen(words, night)),
            *(h("td", _counted(words, night, label)) for label in labels),
        )
        for night in reversed(nights)
    ]
    table = h(
        "table",
        h("caption", words.text("trends.by_night")),
        h("thead", h("tr", *(h("th", head, scope="col") for head in heads))),
        h("tbody", *rows),
    )
    return h(
        "div", table, class_="wide", tabindex="0", role="region", aria_label=words.text("trends.by_night")
    )


def _marks_list(words: Catalogue, given: Sequence[tuple[Mark, date]]) -> list[Content]:
    if not given:
        return []
    rows = [h("li", f"{MARK_LETTERS[mark.kind]} {day}: {mark_said(words, mark)}") for mark, day in given]
    return [h("h3", words.text("trends.marks")), h("ul", *rows)]


def mark_said(words: Catalogue, mark: Mark) -> str:
    """What began, changed or ended."""
    kind = words.text(f"diary.kind_{mark.kind}")
    change = words.text(f"diary.medicine_change_{mark.change}") if mark.change else ""
    return ", ".join(part for part in (kind, mark.text, change) if part)


def trend_chart(
    words: Catalogue, label: Label, nights: Sequence[NightTrend], given: Sequence[tuple[Mark, date]]
) -> Html:
    """Events of one pattern night by night above how much was seen, with marks of what was given."""
    most = max([night.of(label)[0] for night in nights] + [1])
    frame = Frame(96, 56, 840, 134, 0.0, float(len(nights)), 0.0, float(most))
    below = Frame(96, 200, 840, 46, 0.0, float(len(nights)), 0.0, float(_HOURS_NS))
    width = frame.width / len(nights)
    parts: list[Html] = [line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")]
    parts += [text(88, frame.y(v) + 4, f"{v:g}", anchor="end") for v in (0, most)]
    parts.append(text(88, below.bottom - 4, words.text("trends.seen"), anchor="end"))
    parts.append(text(88, below.top + 12, lasting(words, _HOURS_NS), anchor="end"))
    numbers: list[Html] = []
    for i, night in enumerate(nights):
        x, (events, _) = frame.x(i), night.of(label)
        says = f"{night.evening}: {_counted(words, night, label)}; {_seen(words, night)}"
        if events:
            y = frame.y(events)
            parts.append(band(x + 1, y, width - 2, frame.bottom - y, "count", says))
            if len(nights) <= _NUMBERED:
                numbers.append(text(x + width / 2, y - 3, str(events), "label number", anchor="middle"))
        y = below.y(night.seen_ns)
        shade = "seen" if night.seen_ns else "unseen"
        parts.append(band(x + 1, y if night.seen_ns else below.top, width - 2,
                          below.bottom - y if night.seen_ns else below.height, shade, says))  # fmt: skip
        if i % 7 == 0:
            parts.append(text(x, below.bottom + 16, f"{night.evening:%m-%d}"))
    labelled: list[float] = []
    for mark, day in given:
        x = frame.x((day - nights[0].evening).days + 0.5)
        parts.append(line(x, _LABEL_ROW / 2, x, below.bottom, f"mark {mark.kind}"))
        near = sum(1 for earlier in labelled if abs(earlier - x) < _LABEL)
        labelled.append(x)
        parts.append(_mark_label(frame, x, near % _LABEL_ROWS, mark))
    says = f"{_told(words, label, nights)} {words.counted('trends.given', len(given))}."
    return chart(
        f"trend-{label.wire}", _title(words, label), says, (960, below.bottom + 26), [*parts, *numbers]
    )


def _told(words: Catalogue, label: Label, nights: Sequence[NightTrend]) -> str:
    """The chart in a sentence: that none was recorded is said with how much was seen, too."""
    total, seen_ns = sum(night.of(label)[0] for night in nights), sum(night.seen_ns for night in nights)
    events = words.counted("trends.events", total)
    return words.text("trends.chart_says", events=events, seen=lasting(words, seen_ns))


def _title(words: Catalogue, label: Label) -> str:
    return words.text("trends.chart", name=words.names[label.wire])


def _mark_label(frame: Frame, x: float, row: int, mark: Mark) -> Html:
    """What was given, towards the middle of the chart: at its edge it would be cut off."""
    said, y = f"{MARK_LETTERS[mark.kind]} {mark.text}", _LABEL_ROW * (row + 1) - 3
    if x > frame.left + frame.width / 2:
        return text(x - 4, y, said, "label mark-label", anchor="end")
    return text(x + 4, y, said, "label mark-label")


def routes() -> list[BaseRoute]:
    """The address of the trends."""
    return [Route("/trends", _show)]
