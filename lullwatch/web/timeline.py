"""Tonight's timeline as a drawing: sleep states as steps, events by kind with a shape each, coverage as a band.

Nothing is told by colour alone: states stand at different heights, kinds in rows of their own with their names,
and what could not be seen is left open and hatched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from alerts.catalogue import Catalogue
from alerts.words import duration
from dsp.records import NS, Coverage, Event, Label, State, StateEpoch, Usability
from lullwatch.diary import MARK_LETTERS, Entry
from lullwatch.report.saying import entry_said

from . import svg
from .markup import Content, Html, h
from .tonight import Tonight

__all__ = ["timeline"]

WIDTH = 400.0
"""Units of the drawing: dots of a narrow phone."""
_LEFT = 62.0
_LEAST_NS = 3600 * NS
"""An evening that has only begun is not stretched over the whole width."""
_STATE_ROWS = {State.AWAKE: 0, State.ACTIVE_SLEEP: 1, State.ASLEEP: 1, State.QUIET_SLEEP: 2}
_ROW = 13.0
_LANE = 17.0
_SMALL = (Label.STARTLE, Label.TREMOR, Label.HICCUPS, Label.ROCKING, Label.TWITCHES, Label.MOVEMENT)
"""Told together in one row of strokes: there are hundreds in a night."""
_SHAPES = {
    Label.SPASM_LIKE: "M0-5 5 4-5 4Z",
    Label.SPASM_LIKE_CLUSTER: "M-5-5H5V5H-5Z",
    Label.SLEEP_JERK_TRAIN: "M0-5A5 5 0 1 1 0 5A5 5 0 1 1 0-5Z",
    Label.RHYTHMIC_JERKING: "M0-6 6 0 0 6-6 0Z",
    Label.STIFFENING: "M-6-2H6V2H-6Z",
    Label.LONG_MOVEMENT: "M-6-5 0-1 6-5V1L0 5-6 1Z",
}
_TICKS_MOST = 5
_APART = 5.0
"""Half a shape."""
_HALF_A_TIME = 20.0
"""Half the width of a time of day: nearer to the edge it would be cut off."""
_LETTER = 11.0
"""Width of a letter."""
_STEPS_MIN = (10, 20, 30, 60, 120, 180, 240)


@dataclass(frozen=True, slots=True)
class _Span:
    begin_ns: int
    end_ns: int

    def x(self, t_ns: int) -> float:
        share = (t_ns - self.begin_ns) / (self.end_ns - self.begin_ns)
        return round(_LEFT + min(max(share, 0.0), 1.0) * (WIDTH - _LEFT - 4), 1)


def timeline(tonight: Tonight, words: Catalogue) -> Html:
    """The night so far; an empty paragraph's worth of words before there is anything."""
    minutes, states, events = tonight.minutes, tonight.states, tonight.events
    if not minutes:
        return h("p", words.coverage_unknown)
    span = _span(tonight, minutes)
    whole = [e for e in events if e.parent is None]
    kinds = [label for label in Label if label not in _SMALL and any(e.label is label for e in whole)]
    small = [e for e in whole if e.label in _SMALL]
    top = 16.0
    parts: list[Content] = [_hours(tonight, span)]
    parts += [svg.text(0, top + 10 + n * _ROW, text, "lane") for n, text in enumerate(_state_names(words))]
    parts += _states(states, span, top)
    top += 3 * _ROW + 6
    parts += [svg.text(0, top + 10, words.text("page.seen"), "lane"), *_coverage(minutes, span, top, words)]
    top += 20
    for label in kinds:
        own = [e for e in whole if e.label is label]
        parts += _lane(tonight, own, span, top, words)
        top += 2 * _LANE
    if small:
        parts += _strokes(small, span, top, words)
        top += 2 * _LANE
    if treatments := tonight.treatments:
        parts += _given(tonight, treatments, span, top, words)
        top += 2 * _LANE
    told = _description(tonight, words)
    return h(
        "figure",
        svg.chart("tl", words.text("page.timeline"), told, (WIDTH, top), *parts),
        h("figcaption", words.text("page.timeline_how")),
        h("ul", *(h("li", _said(tonight, entry, words)) for entry in treatments), class_="more")
        if treatments
        else None,
        class_="timeline",
    )


def _span(tonight: Tonight, minutes: Sequence[Coverage]) -> _Span:
    begin_ns = minutes[0].t_ns
    end_ns = max(tonight.until_ns, minutes[-1].t_ns + minutes[-1].span_ns, begin_ns + _LEAST_NS)
    return _Span(begin_ns, end_ns)


def _hours(tonight: Tonight, span: _Span) -> list[Html]:
    """Marks at whole hours, so many that their words do not touch."""
    begin = tonight.local(span.begin_ns)
    # counted in UTC: on the nights when clocks change, an hour on the wall is none or two
    first = begin.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    minutes = (span.end_ns - span.begin_ns) / (60 * NS)
    step = next((s for s in _STEPS_MIN if minutes / s <= _TICKS_MOST), _STEPS_MIN[-1])
    made: list[Html] = []
    for n in range(0, int(minutes) + 60, step):
        moment = first + timedelta(minutes=n)
        t_ns = span.begin_ns + round((moment - begin).total_seconds() * NS)
        if span.begin_ns <= t_ns <= span.end_ns:
            x, text = span.x(t_ns), f"{moment.astimezone(begin.tzinfo):%H:%M}"
            anchor = "end" if x > WIDTH - _HALF_A_TIME else "middle"
            made += [svg.line(x, 12, x, 76, "axis"), svg.text(x, 9, text, "hour", anchor=anchor)]
    return made


def _state_names(words: Catalogue) -> tuple[str, str, str]:
    return words.text("page.row_awake"), words.text("page.row_active"), words.text("page.row_quiet")


def _states(states: Iterable[StateEpoch], span: _Span, top: float) -> list[Html]:
    made: list[Html] = []
    run: tuple[State, int, int] | None = None

    def close() -> None:
        if run is not None and run[0] in _STATE_ROWS:
            x = span.x(run[1])
            y = top + _STATE_ROWS[run[0]] * _ROW
            made.append(svg.band(x, y, span.x(run[2]) - x, _ROW - 2, f"state {run[0].value}"))

    for epoch in states:
        end_ns = epoch.t_ns + epoch.span_ns
        if run is not None and run[0] is epoch.state and epoch.t_ns <= run[2]:
            run = (run[0], run[1], end_ns)
            continue
        close()
        run = (epoch.state, epoch.t_ns, end_ns)
    close()
    return made


def _coverage(minutes: Sequence[Coverage], span: _Span, top: float, words: Catalogue) -> list[Html]:
    """Runs of minutes alike: full height, half height, or open and hatched."""
    runs: list[tuple[Usability, int, int]] = []
    for minute in minutes:
        end_ns = minute.t_ns + minute.span_ns
        if runs and runs[-1][0] is minute.usability and minute.t_ns <= runs[-1][2]:
            runs[-1] = (runs[-1][0], runs[-1][1], end_ns)
        else:
            runs.append((minute.usability, minute.t_ns, end_ns))
    made = []
    for usability, begin_ns, end_ns in runs:
        x, low = span.x(begin_ns), 6.0 if usability is Usability.DEGRADED else 0.0
        says = f"{words.text('page.use_' + usability.value)}: {duration(words, end_ns - begin_ns)}"
        made.append(svg.band(x, top + low, span.x(end_ns) - x, 12 - low, f"use {usability.value}", says))
    return made


def _lane(
    tonight: Tonight, events: Sequence[Event], span: _Span, top: float, words: Catalogue
) -> list[Content]:
    name = words.names[events[0].label.wire]
    parts: list[Content] = [svg.text(0, top + 10, name, "lane")]
    for together in _side_by_side(events, span):
        first = together[0]
        times = tonight.clock(first.onset_ns)
        if len(together) > 1:
            times += f"-{tonight.clock(together[-1].onset_ns)} ({len(together)})"
        says = f"{times} {name}, {sum(event.count for event in together)}"
        place = f"translate({span.x(first.onset_ns):g} {top + _LANE + 7:g})"
        parts.append(h("path", h("title", says), d=_SHAPES[first.label], transform=place, class_="event"))
    return parts


def _side_by_side(events: Sequence[Event], span: _Span) -> Iterator[list[Event]]:
    """Events whose shapes would lie on each other stand as one."""
    together: list[Event] = []
    for event in events:
        if together and span.x(event.onset_ns) - span.x(together[0].onset_ns) >= _APART:
            yield together
            together = []
        together.append(event)
    if together:
        yield together


def _strokes(events: Sequence[Event], span: _Span, top: float, words: Catalogue) -> list[Content]:
    """One stroke for all that share a dot of the drawing."""
    places = sorted({round(span.x(event.onset_ns)) for event in events})
    path = "".join(f"M{x} {top + _LANE + 2:g}v10" for x in places)
    return [svg.text(0, top + 10, words.text("page.small"), "lane"), h("path", d=path, class_="strokes")]


def _given(
    tonight: Tonight, treatments: Sequence[Entry], span: _Span, top: float, words: Catalogue
) -> list[Content]:
    """A letter where a medicine or a vaccination was given; which, stands below the drawing."""
    parts: list[Content] = [svg.text(0, top + 10, words.text("trends.marks"), "lane")]
    free = 0.0
    for entry in sorted(treatments, key=lambda e: e.note.t_ns):
        says = h("title", _said(tonight, entry, words))
        letter = MARK_LETTERS[entry.note.kind]
        x = max(span.x(entry.note.t_ns), free)  # beside the one before, never on it
        free = x + _LETTER
        place = {"x": f"{x:g}", "y": f"{top + _LANE + 11:g}"}
        parts.append(h("text", says, letter, class_="given", text_anchor="middle", **place))
    return parts


def _said(tonight: Tonight, entry: Entry, words: Catalogue) -> str:
    return f"{MARK_LETTERS[entry.note.kind]} {tonight.clock(entry.note.t_ns)} {entry_said(entry, words)}"


def _description(tonight: Tonight, words: Catalogue) -> str:
    """The drawing in a sentence."""
    facts = tonight.facts
    spans: dict[State, int] = {}
    for epoch in tonight.states:
        spans[epoch.state] = spans.get(epoch.state, 0) + epoch.span_ns
    slept = ", ".join(
        f"{words.state_names[s]} {duration(words, spans[s])}" for s in State if spans.get(s, 0) > 0
    )
    seen = words.text(
        "coverage.sentence", seen=duration(words, facts.seen_ns), whole=duration(words, facts.watched_ns)
    )
    return f"{seen}. {words.text('page.suggest', states=slept)}" if slept else f"{seen}."
