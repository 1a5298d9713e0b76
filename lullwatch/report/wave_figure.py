"""Waveforms of one event: every sensor, its movements marked, with scale bars; beside it one movement enlarged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.catalogue import Catalogue
from dsp.records import NS, Event, Site
from lullwatch.waveforms import Waveform

from .drawing import INK, MARK, PALE, SOFT, Canvas, Drawing
from .facts import Series

__all__ = ["MARGIN_NS", "wave_figure", "window_of"]

_WIDTH: Final = 186.0
_LEFT: Final = 27.0
_WAVE, _ZOOM, _APART = 114.0, 40.0, 5.0
_TRACK_MM: Final = 8.2
MARGIN_NS: Final = 10 * NS
"""Drawn before and after an event."""
LONGEST_NS: Final = 180 * NS
"""Of a longer event the stretch with the most movements is drawn: at 114 mm a second then is still 0.6 mm wide."""
_ZOOM_NS: Final = 4 * NS
_COLUMNS: Final = 900
"""Pairs of lowest and highest values drawn across: finer than a printer's dots at this width."""
_BARS_G: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_BARS_S: Final = (1, 2, 5, 10, 20, 30, 60)

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of data time and where it stands on the paper."""

    onset_ns: int
    end_ns: int
    x: float
    width: float

    def at(self, t_ns: float) -> float:
        return self.x + self.width * (t_ns - self.onset_ns) / (self.end_ns - self.onset_ns)

    def covers(self, t_ns: int) -> bool:
        return self.onset_ns <= t_ns < self.end_ns


def window_of(event: Event, members: Sequence[Event]) -> tuple[int, int]:
    """The stretch of data time that is drawn of an event."""
    if event.end_ns - event.onset_ns <= LONGEST_NS:
        return event.onset_ns - MARGIN_NS, event.end_ns + MARGIN_NS
    onsets = [m.onset_ns for m in members] or [event.onset_ns]
    begin_ns = max(onsets, key=lambda t: (sum(t <= o < t + LONGEST_NS for o in onsets), -t))
    return begin_ns - MARGIN_NS, begin_ns + LONGEST_NS + MARGIN_NS


def wave_figure(series: Series, waves: Mapping[Site, Waveform], words: Catalogue, *, title: str) -> Drawing:
    """Draw an event: size of the acceleration about its middle for each sensor."""
    onset_ns, end_ns = window_of(series.event, series.members)
    whole = _Span(onset_ns, end_ns, _LEFT, _WAVE)
    moved = {site: wave.moved_g for site, wave in waves.items()}
    zoom = _zoomed(series, waves, moved)
    canvas = Canvas()
    most_g = max(float(np.nanmax(sizes)) for sizes in moved.values())
    top = 1.0
    for number, (site, wave) in enumerate(waves.items()):
        foot = top + (number + 1) * _TRACK_MM - 1.2
        canvas.words(words.sites[site], 0, foot - 1.2, size_pt=6.8)
        for span in (whole, zoom):
            canvas.line((span.x, foot), (span.x + span.width, foot), colour=PALE, width_mm=0.1)
            _trace(canvas, (wave.times_ns, moved[site]), span, foot, most_g)
    bottom = top + len(waves) * _TRACK_MM
    for member in series.members or (series.event,):
        if whole.covers(member.onset_ns):
            x = whole.at(member.onset_ns)
            canvas.line((x, bottom + 0.2), (x, bottom + 1.6), colour=MARK, width_mm=0.35)
    canvas.box(
        whole.at(zoom.onset_ns), top, whole.at(zoom.end_ns) - whole.at(zoom.onset_ns), bottom - top, edge=SOFT
    )
    canvas.box(zoom.x, top, zoom.width, bottom - top, edge=SOFT)
    _scale(canvas, whole, bottom, most_g, words)
    _scale_s(canvas, zoom, bottom, words)
    return canvas.drawing(
        _WIDTH,
        bottom + 6.0,
        title=title,
        description=words.text(
            "report.wave_said", n=len(series.members) or 1, sites=", ".join(words.sites[s] for s in waves)
        ),
    )


def _zoomed(series: Series, waves: Mapping[Site, Waveform], moved: Mapping[Site, _Floats]) -> _Span:
    """Four seconds about the movement that stands out most."""
    members = series.members or (series.event,)

    def height(member: Event) -> float:
        found = 0.0
        for site, wave in waves.items():
            a, b = np.searchsorted(wave.times_ns, (member.onset_ns, member.onset_ns + _ZOOM_NS))
            found += float(np.nanmax(moved[site][a:b], initial=0.0)) if b > a else 0.0
        return found

    onset_ns = max(members, key=lambda m: (height(m), -m.onset_ns)).onset_ns - NS
    return _Span(onset_ns, onset_ns + _ZOOM_NS, _LEFT + _WAVE + _APART, _ZOOM)


def _trace(
    canvas: Canvas, track: tuple[NDArray[np.int64], _Floats], span: _Span, foot: float, most_g: float
) -> None:
    a, b = np.searchsorted(track[0], (span.onset_ns, span.end_ns))
    times, sizes = track[0][a:b], track[1][a:b]
    holes = np.flatnonzero(np.isnan(sizes))
    for part in np.split(np.arange(len(sizes)), holes):
        own = part[~np.isnan(sizes[part])]
        if own.size < 2:
            continue
        points = _thinned(times[own], sizes[own], span)
        tall = _TRACK_MM - 1.8
        canvas.line(
            *((span.at(t), foot - tall * min(g / most_g, 1.0)) for t, g in points), colour=INK, width_mm=0.13
        )


def _thinned(times: NDArray[np.int64], sizes: _Floats, span: _Span) -> list[tuple[float, float]]:
    """Lowest and highest of each column where samples stand closer than the paper can show, in their order."""
    if len(times) <= 2 * _COLUMNS:
        return list(zip(times.tolist(), sizes.tolist(), strict=True))
    column = ((times - span.onset_ns) * _COLUMNS // (span.end_ns - span.onset_ns)).astype(np.int64)
    firsts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    points: list[tuple[float, float]] = []
    for a, b in zip(firsts.tolist(), [*firsts[1:].tolist(), len(times)], strict=True):
        low, high = sorted((a + int(np.argmin(sizes[a:b])), a + int(np.argmax(sizes[a:b]))))
        points += [(float(times[i]), float(sizes[i])) for i in dict.fromkeys((low, high))]
    return points


def _scale(canvas: Canvas, span: _Span, bottom: float, most_g: float, words: Catalogue) -> None:
    """The bar of time under the waves, and that of acceleration beside the first."""
    _scale_s(canvas, span, bottom, words)
    bar_g = max((g for g in _BARS_G if g <= most_g), default=_BARS_G[0])
    tall = (_TRACK_MM - 1.8) * bar_g / most_g
    foot = 1.0 + _TRACK_MM - 1.2
    x = span.x - 1.5
    canvas.line((x, foot), (x, foot - tall), width_mm=0.4)
    canvas.words(
        words.text("report.g", value=f"{bar_g:g}"), x - 0.8, foot - tall + 1.8, anchor="end", size_pt=6
    )


def _scale_s(canvas: Canvas, span: _Span, bottom: float, words: Catalogue) -> None:
    whole_s = (span.end_ns - span.onset_ns) / NS
    bar_s = max(s for s in _BARS_S if s <= whole_s / 3)
    end = span.x + span.width
    begin = end - span.width * bar_s / whole_s
    canvas.line((begin, bottom + 2.6), (end, bottom + 2.6), width_mm=0.4)
    canvas.words(words.seconds.format(s=bar_s), (begin + end) / 2, bottom + 5.4, anchor="middle", size_pt=6)
