"""Six small charts of the repeated brief movements: how many, how long, when, after what, on which side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.catalogue import Catalogue
from dsp.records import State

from .drawing import INK, MARK, PALE, SOFT, WASH, Canvas, Drawing
from .facts import ReportFacts, Series, by_clock_hour, local

__all__ = ["panels_figure"]

_WIDTH, _HEIGHT = 186.0, 55.0
_PANEL, _APART = 58.0, 6.0
_ROW: Final = 28.5
_TOP, _TALL = 6.5, 14.0
"""of the bars in a panel"""
_MOVEMENTS: Final = ((0, 5), (6, 10), (11, 20), (21, 50), (51, None))
_LENGTHS_S: Final = ((0, 60), (60, 120), (120, 300), (300, 600), (600, None))
_WAKING_MIN: Final = ((0, 5), (5, 10), (10, 20), (20, 60), (60, None))
_SIDES: Final = ("left", "both", "right", "unknown")
_STATES: Final = (State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP, State.ASLEEP, State.UNKNOWN)

_TO: Final = "\N{EN DASH}"

_Limits = Sequence[tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar: what it stands for, and how many."""

    name: str
    n: int


def panels_figure(facts: ReportFacts, words: Catalogue) -> Drawing:
    """Draw the charts of all series of a report."""
    series = facts.series
    named = [
        (words.text("report.panel_movements"), _movements(series)),
        (words.text("report.panel_lengths"), _lengths(series, words)),
        (words.text("report.panel_waking"), _waking(series, words)),
        (words.text("report.panel_sides"), _sides(series, words)),
    ]
    canvas, said = Canvas(), []
    for place, (title, bars) in zip((0, 1, 3, 4), named, strict=True):
        canvas.add(_bars(title, bars).items_moved(*_place(place)))
        said.append(f"{title}: " + ", ".join(f"{bar.name} {bar.n}" for bar in bars) + ".")
    hours = _hours(facts)
    canvas.add(_clock(words.text("report.panel_clock"), facts, hours, words).items_moved(*_place(2)))
    canvas.add(_around(words.text("report.panel_states"), series, words).items_moved(*_place(5)))
    busy = ", ".join(f"{hour:02d} {n}" for hour, n in enumerate(hours) if n)
    said.append(f"{words.text('report.panel_clock')}: {busy}.")
    said.append(f"{words.text('report.panel_states')}: {_changes_said(series, words)}.")
    return canvas.drawing(
        _WIDTH, _HEIGHT, title=words.text("report.panels_title"), description=" ".join(said)
    )


def _place(number: int) -> tuple[float, float]:
    return (number % 3) * (_PANEL + _APART), (number // 3) * _ROW


def _bars(title: str, bars: Sequence[_Bar]) -> Canvas:
    canvas = _framed(title)
    most = max([*(bar.n for bar in bars), 1])
    step = _PANEL / len(bars)
    for number, bar in enumerate(bars):
        middle, tall = (number + 0.5) * step, _TALL * bar.n / most
        canvas.box(middle - step * 0.34, _TOP + _TALL - tall, step * 0.68, tall, fill=MARK)
        canvas.words(str(bar.n), middle, _TOP + _TALL - tall - 0.8, anchor="middle", size_pt=7)
        canvas.words(bar.name, middle, _TOP + _TALL + 3.2, anchor="middle", size_pt=6.2, colour=SOFT)
    return canvas


def _framed(title: str) -> Canvas:
    canvas = Canvas()
    canvas.words(title, 0, 2.2, size_pt=7.2, bold=True)
    canvas.line((0, _TOP + _TALL), (_PANEL, _TOP + _TALL), colour=SOFT)
    return canvas


def _within(value: float, low: int, high: int | None, *, whole: bool) -> bool:
    return low <= value and (high is None or (value <= high if whole else value < high))


def _movements(series: Sequence[Series]) -> list[_Bar]:
    bars = []
    for low, high in _MOVEMENTS:
        name = f"{low}+" if high is None else f"{max(low, 3)}{_TO}{high}"
        bars.append(_Bar(name, sum(_within(s.event.count, low, high, whole=True) for s in series)))
    return bars


def _lengths(series: Sequence[Series], words: Catalogue) -> list[_Bar]:
    return _binned([s.duration_s for s in series], _LENGTHS_S, lambda limit: f"{limit // 60}", words)


def _waking(series: Sequence[Series], words: Catalogue) -> list[_Bar]:
    known = [s.event.since_waking_s / 60 for s in series if s.event.since_waking_s is not None]
    bars = _binned(known, _WAKING_MIN, str, words)
    return [*bars, _Bar(words.text("report.no_waking"), len(series) - len(known))]


def _binned(
    values: Sequence[float], limits: _Limits, said: Callable[[int], str], words: Catalogue
) -> list[_Bar]:
    bars = []
    for low, high in limits:
        name = (
            words.text("report.or_more", low=said(low)) if high is None else f"{said(low)}{_TO}{said(high)}"
        )
        bars.append(_Bar(name, sum(_within(v, low, high, whole=False) for v in values)))
    return bars


def _sides(series: Sequence[Series], words: Catalogue) -> list[_Bar]:
    return [
        _Bar(words.text(f"report.side_{side}"), sum(s.event.side == side for s in series)) for side in _SIDES
    ]


def _hours(facts: ReportFacts) -> list[int]:
    hours = [0] * 24
    for series in facts.series:
        hours[local(series.onset_ns, facts.zone).hour] += 1
    return hours


def _clock(title: str, facts: ReportFacts, hours: Sequence[int], words: Catalogue) -> Canvas:
    """Series for each hour of the day from noon to noon; under them how many hours could be seen of each."""
    canvas = _framed(title)
    seen_h = by_clock_hour((span for n in facts.nights for span in n.facts.seen), facts.zone)
    most, longest = max([*hours, 1]), max([*seen_h, 1.0])
    step = _PANEL / 24
    for number in range(24):
        hour = (number + 12) % 24
        x, tall = number * step, _TALL * 0.95 * hours[hour] / most
        depth = 2.2 * seen_h[hour] / longest
        canvas.box(x, _TOP + _TALL, step, depth, fill=PALE)
        if hours[hour]:
            canvas.box(x + 0.3, _TOP + _TALL - tall, step - 0.6, tall, fill=MARK)
            canvas.words(
                str(hours[hour]), x + step / 2, _TOP + _TALL - tall - 0.8, anchor="middle", size_pt=6.5
            )
        if hour % 3 == 0:
            canvas.words(f"{hour:02d}", x, _TOP + _TALL + 5.2, anchor="middle", size_pt=6.2, colour=SOFT)
    canvas.words(words.text("report.clock_seen"), _PANEL, 2.2, anchor="end", size_pt=6, colour=SOFT)
    return canvas


def _around(title: str, series: Sequence[Series], words: Catalogue) -> Canvas:
    """How many series came between which states: before down the side, after along the top."""
    canvas = Canvas()
    canvas.words(title, 0, 2.2, size_pt=7.2, bold=True)
    left, top, wide, tall = 12.0, 8.6, 9.2, 3.3
    canvas.words(words.text("report.before"), 0, top - 1.2, size_pt=6.2, colour=SOFT)
    for column, after in enumerate(_STATES):
        name = words.text(f"report.state_{after.value}")
        canvas.words(name, left + (column + 0.5) * wide, top - 1.2, anchor="middle", size_pt=5.6, colour=SOFT)
    canvas.words(words.text("report.after"), _PANEL, 2.2, anchor="end", size_pt=6.2, colour=SOFT)
    for row, before in enumerate(_STATES):
        y = top + row * tall
        canvas.words(words.text(f"report.state_{before.value}"), 0, y + 2.4, size_pt=6.2)
        for column, after in enumerate(_STATES):
            n = _between(series, before, after)
            x = left + column * wide
            canvas.box(x, y, wide, tall, edge=PALE, fill=WASH if n else "")
            if n:
                canvas.words(str(n), x + wide / 2, y + 2.4, anchor="middle", size_pt=7, colour=INK, bold=True)
    return canvas


def _between(series: Sequence[Series], before: State, after: State) -> int:
    return sum(s.event.state_before is before and s.event.state_after is after for s in series)


def _changes_said(series: Sequence[Series], words: Catalogue) -> str:
    return ", ".join(
        f"{words.state_names[before]} → {words.state_names[after]} {n}"
        for before in _STATES
        for after in _STATES
        if (n := _between(series, before, after))
    )
