"""The nights below one another: what could be seen, what was recorded, what people saw and gave, and the counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from alerts.catalogue import Catalogue
from alerts.words import duration
from dsp.records import Label
from lullwatch.diary import MARK_LETTERS
from lullwatch.night_facts import Window

from .drawing import INK, MARK, PALE, SOFT, WASH, Canvas, Drawing
from .facts import NightReport, ReportFacts, Series

__all__ = ["MANY", "nights_figure"]

WIDTH_MM: Final = 186.0
_LEFT_MM: Final = 23.0
"""for the dates"""
_TIME_MM: Final = 105.0
_TOP_MM: Final = 8.5
_TALL_MM, _LOW_MM = 4.3, 2.9
MANY: Final = 16
"""More nights than these get lower rows, so that a month still leaves room on the page."""
_TICKS_H: Final = (12, 15, 18, 21, 0, 3, 6, 9, 12)
_COLUMNS: Final = (("seen", 19.0), ("series", 11.0), ("movements", 12.0), ("observed", 16.0))
_STRONG: Final = (Label.RHYTHMIC_JERKING, Label.STIFFENING, Label.LONG_MOVEMENT)


def nights_figure(facts: ReportFacts, words: Catalogue, *, nights: Sequence[date] | None = None) -> Drawing:
    """Draw some nights of a report, all by default."""
    evenings = facts.evenings() if nights is None else nights
    height = _TALL_MM if len(evenings) <= MANY else _LOW_MM
    canvas = Canvas()
    _heads(canvas, words)
    bottom = _TOP_MM + height * len(evenings)
    for number, hour in enumerate(_TICKS_H):
        x = _LEFT_MM + _TIME_MM * number / (len(_TICKS_H) - 1)
        canvas.line((x, _TOP_MM - 1), (x, bottom), colour=PALE, width_mm=0.1)
        canvas.words(f"{hour:02d}", x, _TOP_MM - 1.8, anchor="middle", size_pt=6.5, colour=SOFT)
    for number, evening in enumerate(evenings):
        _row(canvas, facts, evening, _TOP_MM + number * height, height, words)
    canvas.line((0, bottom), (WIDTH_MM, bottom), colour=PALE)
    _legend(canvas, bottom + 4.2, words)
    return canvas.drawing(
        WIDTH_MM,
        bottom + 6.0,
        title=words.text("report.nights_title"),
        description=" ".join(_said(facts, evening, words) for evening in evenings),
    )


def _heads(canvas: Canvas, words: Catalogue) -> None:
    canvas.words(words.text("report.night_of"), 0, _TOP_MM - 1.8, size_pt=6.5, colour=SOFT)
    x = _LEFT_MM + _TIME_MM
    for name, width in _COLUMNS:
        x += width
        first, _, second = words.text(f"report.column_{name}").partition("|")
        canvas.words(first, x, _TOP_MM - 4.6, anchor="end", size_pt=6.5, colour=SOFT)
        canvas.words(second, x, _TOP_MM - 1.8, anchor="end", size_pt=6.5, colour=SOFT)


_LETTER_MM: Final = 2.3
"""Width of a letter of 7 points."""


def _row(
    canvas: Canvas, facts: ReportFacts, evening: date, y: float, height: float, words: Catalogue
) -> None:
    canvas.line((0, y), (WIDTH_MM, y), colour=PALE, width_mm=0.1)
    base = y + height * 0.72
    morning = evening + timedelta(days=1)
    canvas.words(f"{evening:%Y-%m-%d}/{morning:%d}", 0, base, size_pt=7)
    night = facts.night(evening)
    if night is None:
        canvas.words(words.text("report.nothing_recorded"), _LEFT_MM + 1, base, size_pt=6.5, colour=SOFT)
        return
    _band(canvas, night, y, height)
    for series in night.shown:
        _event(canvas, night, series, y, height)
    for entry in night.observed:
        x = _x(night.facts.window, entry.utc_ns)
        canvas.line((x - 1, y + 0.3), (x + 1, y + 0.3), (x, y + 1.7), (x - 1, y + 0.3), width_mm=0.25)
    _letters(canvas, facts, night, base)
    x = _LEFT_MM + _TIME_MM
    for (_, width), value in zip(_COLUMNS, _values(night, words), strict=True):
        x += width
        canvas.words(value, x, base, anchor="end", size_pt=7)


def _letters(canvas: Canvas, facts: ReportFacts, night: NightReport, base: float) -> None:
    """What was given and measured, each letter beside the one before and never on it."""
    window, free = night.facts.window, 0.0
    for mark in sorted(facts.marks, key=lambda m: m.utc_ns):
        if window.begin_ns <= mark.utc_ns < window.end_ns:
            x = max(_x(window, mark.utc_ns), free)
            canvas.words(MARK_LETTERS[mark.kind], x, base, anchor="middle", size_pt=7, bold=True)
            free = x + _LETTER_MM


def _band(canvas: Canvas, night: NightReport, y: float, height: float) -> None:
    """What could be seen, hatched where a sensor was missing; sleep as the darker strip at its foot."""
    window = night.facts.window
    for span in night.facts.seen:
        x, end = _x(window, span.begin_ns), _x(window, span.end_ns)
        canvas.box(x, y + 0.6, end - x, height - 1.2, fill=WASH, edge=PALE, hatched=bool(span.causes))
    for state in night.states:
        if state.state.is_sleep:
            x, end = _x(window, state.begin_ns), _x(window, state.end_ns)
            canvas.box(x, y + height - 1.4, end - x, 0.8, fill=SOFT)


def _event(canvas: Canvas, night: NightReport, series: Series, y: float, height: float) -> None:
    x = _x(night.facts.window, series.onset_ns)
    top, foot = y + 0.8, y + height - 1.5
    if series.event.label is Label.SPASM_LIKE_CLUSTER:
        canvas.box(x - 0.45, top, 0.9, foot - top, fill=MARK)
    elif series.event.label in _STRONG:
        canvas.box(x - 0.45, top, 0.9, foot - top, edge=INK, fill="#ffffff")
    else:
        canvas.line((x, foot - 1.1), (x, foot), width_mm=0.25)


def _values(night: NightReport, words: Catalogue) -> tuple[str, str, str, str]:
    series = night.series
    return (
        duration(words, night.facts.seen_ns),
        str(len(series)),
        str(sum(s.event.count for s in series)),
        str(len(night.observed)),
    )


def _legend(canvas: Canvas, y: float, words: Catalogue) -> None:
    x = _LEFT_MM
    canvas.box(x, y - 2.2, 4, 2.4, fill=WASH, edge=PALE)
    x = _said_beside(canvas, words.text("report.legend_seen"), x + 5, y)
    canvas.box(x, y - 2.2, 4, 2.4, fill=WASH, edge=PALE, hatched=True)
    x = _said_beside(canvas, words.text("report.legend_degraded"), x + 5, y)
    canvas.box(x, y - 1.2, 4, 0.8, fill=SOFT)
    x = _said_beside(canvas, words.text("report.legend_sleep"), x + 5, y)
    canvas.box(x, y - 2.2, 0.9, 2.4, fill=MARK)
    x = _said_beside(canvas, words.text("report.legend_series"), x + 2, y)
    canvas.box(x, y - 2.2, 0.9, 2.4, edge=INK, fill="#ffffff")
    x = _said_beside(canvas, words.text("report.legend_strong"), x + 2, y)
    canvas.line((x, y - 1.1), (x, y), width_mm=0.25)
    x = _said_beside(canvas, words.text("report.legend_other"), x + 1.5, y)
    canvas.line((x, y - 1.7), (x + 2, y - 1.7), (x + 1, y - 0.3), (x, y - 1.7), width_mm=0.25)
    _said_beside(canvas, words.text("report.legend_observed"), x + 3, y)


def _said_beside(canvas: Canvas, text: str, x: float, y: float) -> float:
    """Write a legend's entry; returns where the next one begins."""
    canvas.words(text, x, y, size_pt=6.2, colour=SOFT)
    return x + len(text) * 1.16 + 2.5


def _x(window: Window, utc_ns: int) -> float:
    """Place of a moment; the two nights a year with an hour more or less are drawn a little narrower or wider."""
    return _LEFT_MM + _TIME_MM * (utc_ns - window.begin_ns) / (window.end_ns - window.begin_ns)


def _said(facts: ReportFacts, evening: date, words: Catalogue) -> str:
    night = facts.night(evening)
    if night is None:
        return words.text("report.night_unrecorded", night=evening.isoformat())
    seen, series, movements, observed = _values(night, words)
    return words.text(
        "report.night_said",
        night=evening.isoformat(), seen=seen, series=series, movements=movements, observed=observed,
    )  # fmt: skip
