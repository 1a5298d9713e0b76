"""The charts of one event: what every sensor measured around it, the intervals of a series, the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.catalogue import Catalogue
from alerts.words import sites_said
from dsp.records import NS, Event, Evidence, Site, State, StateEpoch
from lullwatch.burst_marks import BurstMark
from lullwatch.waveforms import Waveform

from .markup import Html, h
from .svg import Frame, band, chart, dot, line, text, ticks, trace

__all__ = ["Around", "Given", "evidence_chart", "interval_chart", "interval_table", "waveform_chart"]

_WIDTH: Final = 960.0
_LEFT: Final = 96.0
_RIGHT: Final = 62.0
_TRACK: Final = 92.0
_GAP: Final = 14.0
_TOP: Final = 24.0
_STATE: Final = 18.0
_NARROW: Final = 400.0
"""Width of a chart that is read on a phone without moving it: dots of a narrow one."""
_LETTER: Final = 13.0
"""Width of a letter."""
_LEAST_G: Final = 0.05
"""Full height of a trace at least: below it a resting sensor's noise would fill the picture."""
_LEAST_DPS: Final = 20.0
_MOST_LOG_ODDS: Final = 5.0
"""Longest bar of evidence: beyond odds of 150 to 1 a longer one says nothing, and would make the others vanish."""
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Given:
    """A medicine or a vaccination that was given meanwhile."""

    t_ns: int
    """data time"""
    letter: str
    says: str


@dataclass(frozen=True, slots=True)
class Around:
    """What is drawn of an event: a span of data time, what was measured and told in it."""

    begin_ns: int
    end_ns: int
    zero_ns: int
    """counted from: the onset"""
    waves: Mapping[Site, Waveform]
    bursts: Sequence[BurstMark]
    members: Sequence[tuple[int, int]]
    """movements of a series, or the event itself; data time"""
    states: Sequence[StateEpoch]
    given: Sequence[Given] = ()

    def seconds(self, t_ns: int) -> float:
        """A moment, from the onset."""
        return (t_ns - self.zero_ns) / NS


def waveform_chart(words: Catalogue, around: Around) -> Html:
    """Acceleration and turning of every sensor, single movements marked, with the state below."""
    x0, x1 = around.seconds(around.begin_ns), around.seconds(around.end_ns)
    sites = list(around.waves)
    height = _TOP + len(sites) * (_TRACK + _GAP) + _STATE + 34
    frames = {
        site: Frame(_LEFT, _TOP + i * (_TRACK + _GAP), _WIDTH - _LEFT - _RIGHT, _TRACK, x0, x1, 0.0, 1.0)
        for i, site in enumerate(sites)
    }
    parts: list[Html] = []
    if frames:
        whole = Frame(
            _LEFT, _TOP - 6, _WIDTH - _LEFT - _RIGHT, len(sites) * (_TRACK + _GAP), x0, x1, 0.0, 1.0
        )
        parts += [
            _stretch(whole, around, m, "member", words.text("event.mark_member")) for m in around.members
        ]
        parts.append(line(whole.x(0.0), whole.top, whole.x(0.0), whole.bottom, "onset"))
        parts += _given(whole, around.zero_ns, around.given)
    for site, frame in frames.items():
        parts += _track(words, around, site, frame)
    below = Frame(_LEFT, height - _STATE - 30, _WIDTH - _LEFT - _RIGHT, _STATE, x0, x1, 0.0, 1.0)
    parts += _states(words, around, below)
    parts += ticks(below, [(s, f"{s:g} s") for s in _even(x0, x1)])
    marks = sum(1 for m in around.members if m[1] > around.begin_ns and m[0] < around.end_ns)
    says = words.text(
        "event.wave_says",
        sites=sites_said(words, tuple(sites)) or words.text("event.nothing"),
        before=round(-x0),
        after=round(around.seconds(around.end_ns)),
        marks=marks,
        bursts=len(around.bursts),
    )
    says = " ".join((says, *(given.says for given in around.given)))
    return chart("wave", words.text("event.wave"), says, (_WIDTH, height), parts)


def _given(frame: Frame, zero_ns: int, given: Sequence[Given]) -> list[Html]:
    """A letter over a line where something was given; what it was is told below the drawing."""
    parts: list[Html] = []
    free = 0.0
    for one in sorted(given, key=lambda g: g.t_ns):
        second = (one.t_ns - zero_ns) / NS
        if frame.x0 <= second <= frame.x1:
            x = frame.x(second)
            parts.append(line(x, frame.top, x, frame.bottom, "given-line"))
            at = max(x, free)  # beside the one before, never on it
            free = at + _LETTER
            parts.append(text(at, frame.top - 4, one.letter, "label given", anchor="middle", says=one.says))
    return parts


def _track(words: Catalogue, around: Around, site: Site, frame: Frame) -> list[Html]:
    wave = around.waves[site]
    x = wave.seconds(around.zero_ns)
    moved, most_g = wave.moved_g, _most(wave.moved_g, _LEAST_G)
    parts = [line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")]
    parts += [
        band(
            frame.x(a), frame.bottom + 1, frame.x(b) - frame.x(a), 5, "burst", words.text("event.mark_burst")
        )
        for a, b in (
            (around.seconds(m.begin_ns), around.seconds(m.end_ns)) for m in around.bursts if m.site is site
        )
    ]
    parts += [
        text(frame.left - 8, frame.top + 14, words.sites[site], "label strong", anchor="end"),
        text(frame.left - 8, frame.top + 32, f"{most_g:.2g} g", anchor="end"),
    ]
    if wave.gyro_dps is not None:
        turning = np.linalg.norm(wave.gyro_dps, axis=1)
        most_dps = _most(turning, _LEAST_DPS)
        parts.append(trace(frame, x, turning / most_dps, "turning"))
        parts.append(text(frame.right + 6, frame.top + 14, f"{most_dps:.0f} °/s", "label turning-label"))
    parts.append(trace(frame, x, moved / most_g, "moved"))
    return parts


def _stretch(frame: Frame, around: Around, span: tuple[int, int], class_: str, says: str) -> Html:
    a, b = frame.x(around.seconds(span[0])), frame.x(around.seconds(span[1]))
    return band(a, frame.top, b - a, frame.height, class_, says)


def _states(words: Catalogue, around: Around, frame: Frame) -> list[Html]:
    parts = [text(frame.left - 8, frame.bottom - 5, words.text("event.state"), anchor="end")]
    for epoch in around.states:
        a, b = frame.x(around.seconds(epoch.t_ns)), frame.x(around.seconds(epoch.t_ns + epoch.span_ns))
        if b > a:
            name = words.state_names[epoch.state]
            parts.append(band(a, frame.top, b - a, frame.height, f"state state-{_shade(epoch.state)}", name))
            if b - a > 8 * len(name):
                parts.append(text((a + b) / 2, frame.bottom - 5, name, "label on-state", anchor="middle"))
    return parts


def _shade(state: State) -> str:
    return "asleep" if state.is_sleep else str(state)


def _most(values: _Floats, least: float) -> float:
    known = values[~np.isnan(values)]
    return max(float(known.max()) if known.size else least, least)


def _even(x0: float, x1: float) -> list[int]:
    step = next((s for s in _STEPS_S if (x1 - x0) / s <= 12), _STEPS_S[-1])
    return list(range(int(np.ceil(x0 / step)) * step, int(x1) + 1, step))


def _gaps(members: Sequence[Event]) -> list[tuple[float, float]]:
    """Seconds since the first onset, and since the onset before, of every further member."""
    if not members:
        return []
    zero = members[0].onset_ns
    return [((b.onset_ns - zero) / NS, (b.onset_ns - a.onset_ns) / NS) for a, b in pairwise(members)]


def interval_chart(words: Catalogue, members: Sequence[Event], given: Sequence[Given] = ()) -> Html | None:
    """Pauses from onset to onset over a series, and what was given meanwhile; None with fewer than two of them."""
    gaps = _gaps(members)
    if len(gaps) < 2:
        return None
    most = max(gap for _, gap in gaps)
    frame = Frame(_LEFT, 20, _WIDTH - _LEFT - _RIGHT, 180, 0.0, max(gaps[-1][0], 1.0), 0.0, most * 1.1)
    xs, ys = np.array([x for x, _ in gaps]), np.array([y for _, y in gaps])
    parts = [
        line(frame.left, frame.bottom, frame.right, frame.bottom, "axis"),
        line(frame.left, frame.top, frame.left, frame.bottom, "axis"),
        *(
            text(frame.left - 8, frame.y(value) + 4, f"{value:.3g} s", anchor="end")
            for value in (0.0, most / 2, most)
        ),
        trace(frame, xs, ys, "moved"),
        *(dot(frame.x(x), frame.y(y), "pause", f"{y:.1f} s") for x, y in gaps),
        *ticks(frame, [(s, f"{s:g} s") for s in _even(0.0, frame.x1)]),
        *_given(frame, members[0].onset_ns, given),
    ]
    says = words.text(
        "event.intervals_say",
        n=len(gaps),
        shortest=f"{ys.min():.1f}",
        longest=f"{ys.max():.1f}",
        mean=f"{ys.mean():.1f}",
    )
    return chart("pauses", words.text("event.intervals"), says, (_WIDTH, 232), parts)


def interval_table(words: Catalogue, members: Sequence[Event], when: Sequence[str]) -> Html:
    """The movements of a series one by one, for whoever wants the numbers."""
    pauses = ["", *(f"{gap:.1f} s" for _, gap in _gaps(members))]
    rows = [
        h("tr", h("td", str(n)), h("td", moment), h("td", f"{m.duration_s:.1f} s"), h("td", pause))
        for n, (m, moment, pause) in enumerate(zip(members, when, pauses, strict=True), start=1)
    ]
    heads = ("event.number", "event.when", "event.lasted", "event.pause")
    head = h("tr", *(h("th", words.text(key), scope="col") for key in heads))
    return h("table", h("caption", words.text("event.members")), h("thead", head), h("tbody", rows))


def evidence_chart(
    words: Catalogue, evidence: Sequence[Evidence], names: Sequence[str], about: str = "", asked: str = ""
) -> Html:
    """What every measurement contributed to the label, in log-odds: bars to the right speak for it.

    Each bar stands below its name, so that both are on a phone at once.

    Args:
        words: the language.
        evidence: rows that add up.
        names: what each of them measured, in words.
        about: the question that they answer, as rows name it; empty for the label itself.
        asked: that question in words.
    """
    row, top = 36.0, 26.0
    most = min(max((abs(e.contribution) for e in evidence), default=1.0) or 1.0, _MOST_LOG_ODDS)
    frame = Frame(8, top, _NARROW - 16, row * len(evidence), -most, most, 0.0, 1.0)
    zero = frame.x(0.0)
    parts: list[Html] = [
        text(frame.left, 14, words.text("event.against"), anchor="start"),
        text(frame.right, 14, words.text("event.for"), anchor="end"),
    ]
    for i, (e, name) in enumerate(zip(evidence, names, strict=True)):
        y, x = top + i * row, frame.x(e.contribution)
        class_ = "speaks-for" if e.contribution >= 0 else "speaks-against"
        parts += [
            text(frame.left, y + 16, f"{e.name} = {e.value:.3g}"),
            text(frame.right, y + 16, f"{e.contribution:+.2f}", anchor="end"),
            line(zero, y + 19, zero, y + row - 2, "axis"),
            band(min(x, zero), y + 21, abs(x - zero), row - 25, class_, f"{name}: {e.contribution:+.2f}"),
        ]
    says = words.text(
        "event.evidence_says", n=len(evidence), total=f"{sum(e.contribution for e in evidence):+.2f}"
    )
    title = f"{words.text('event.evidence')}: {asked}" if asked else words.text("event.evidence")
    return chart(f"evidence{about}", title, says, (_NARROW, frame.bottom + 10), parts)
