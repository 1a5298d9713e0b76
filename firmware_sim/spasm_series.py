"""Spasms in series: clusters, the spasms of a day, and the look-alike of healthy infants.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
1c (inside a spasm), [Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn wide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from dsp.records import Label
from firmware_sim.draw import Draw, Wander
from firmware_sim.kicks import kicking
from firmware_sim.movement import Infant, Mark, Movement, merged
from firmware_sim.spasms import Form, Leader, SpasmStyle, Symmetry, draw_style, spasm
from firmware_sim.whole_body import crying, fussing

__all__ = ["bmei", "draw_spasm_day", "in_series", "spasm_cluster"]

_CLUSTERED_SHARE: Final = 0.783
"""Share of spasms that belong to a cluster [F10]."""
_CLUSTER_MIN: Final = 3
_CLUSTER_SPAN_MIN_S: Final = 10.0
_CLUSTER_GAP_MAX_S: Final = 60.0
"""At least three, gaps of a minute at most, ten seconds at least [E, cluster rule of the reference]."""

_GAP_MIN_S: Final = 3.5
_GAP_MAX_S: Final = 55.0
_REST_MIN_S: Final = 0.6
"""From the end of one spasm to the next [E]."""


def spasm_cluster(
    draw: Draw,
    infant: Infant,
    *,
    style: SpasmStyle | None = None,
    count: int | None = None,
    crescendo: bool | None = None,
    gap_s: float | None = None,
    subtle: bool | None = None,
    form: Form | None = None,
    symmetry: Symmetry | None = None,
    leader: Leader | None = None,
    busy: float | None = None,
    cries: bool | None = None,
) -> Movement:
    """A series of spasms with something of the infant's own in between.

    5-30 s apart as a rule, below 60 s [M, row Epileptic spasm cluster], CV 0.3-0.6 with a drift that
    shortens and then lengthens [E]; 2-150 in a cluster, 5-50 mostly [F16,M]; strength rises and falls
    often, not always [F10,F11]; crying may follow [F12]; limp for a while after a spasm [F10].

    Args:
        draw: Random stream.
        infant: Whose body.
        style: Habits of this infant; drawn from `subtle` to `leader` when None.
        count: Number of spasms; drawn when None.
        crescendo: Whether strength and rate rise to a peak and fall.
        gap_s: Mean time from onset to onset.
        subtle: Whether all of them are faint.
        form: flexor, extensor or mixed.
        symmetry: symmetric, asymmetric or asynchronous.
        leader: The side that leads, if one does.
        busy: Share of the gaps in which the infant kicks or fusses, at times into the next spasm.
        cries: Whether crying follows.
    """
    n = count or _draw_count(draw)
    style = style or draw_style(draw, subtle=subtle, form=form, symmetry=symmetry, leader=leader)
    rising = draw.chance(0.6) if crescendo is None else crescendo
    busy = draw.between(0.0, 0.6) if busy is None else busy
    strengths = _strengths(draw, n, rising=rising)
    gaps = _gaps(draw, n, gap_s or draw.log_between(6.0, 25.0), rising=rising)
    parts = _one_after_another([spasm(draw, infant, style=style, strength=s) for s in strengths], gaps)
    own = _in_between(draw, infant, parts, busy)
    if draw.chance(0.3) if cries is None else cries:
        late_s = parts[-1].duration_s + draw.log_between(1.0, 20.0)
        own.append(crying(draw, infant, duration_s=draw.log_between(8.0, 60.0)).shifted(late_s))
    spasms = merged(parts)
    marks = (*in_series(spasms.marks), *(m for part in own for m in part.marks))
    return Movement(merged([spasms, *own]).steps, marks)


def _draw_count(draw: Draw) -> int:
    """5-50 mostly [F16], from a few to 150 [F12,M]; how often which [E]."""
    few, most = draw.one_of(((3, 4), (5, 45), (46, 150)), (0.08, 0.86, 0.06))
    return draw.log_whole(few, most)


def in_series(marks: Iterable[Mark]) -> list[Mark]:
    """Marks in which brief movements make one series wherever they follow one another as a series does.

    Pauses decide it, not what was drawn at once: two clusters of a day that come half a minute apart are one, and
    a spasm shortly after one is its last. The whole has the class of most of its members.
    """
    told: list[Mark] = []
    brief: list[Mark] = []
    for mark in marks:
        if mark.label is Label.SPASM_LIKE_CLUSTER:
            brief += mark.members
        elif mark.label is Label.SPASM_LIKE:
            brief.append(mark)
        else:
            told.append(mark)
    run: list[Mark] = []
    for mark in sorted(brief, key=lambda m: (m.onset_s, m.end_s)):
        if run and mark.onset_s - max(m.end_s for m in run) > _CLUSTER_GAP_MAX_S:
            told += _whole(run)
            run = []
        run.append(mark)
    return told + _whole(run)


def _whole(run: Sequence[Mark]) -> list[Mark]:
    """One mark with these as members if they make a series; else as they are."""
    if len(run) < _CLUSTER_MIN:
        return list(run)
    end_s = max(m.end_s for m in run)
    if end_s - run[0].onset_s < _CLUSTER_SPAN_MIN_S:
        return list(run)
    most, _ = Counter(m.true_class for m in run).most_common(1)[0]
    kind = "spasm_cluster" if most == "spasm" else most
    return [Mark(Label.SPASM_LIKE_CLUSTER, kind, run[0].onset_s, end_s, len(run), "both", tuple(run))]


def _gaps(draw: Draw, n: int, mean_s: float, *, rising: bool) -> list[float]:
    """From each onset to the next."""
    cv, depth = draw.between(0.3, 0.6), draw.between(0.0, 0.5) if rising else 0.0
    least = max(_GAP_MIN_S, 1.05 * _CLUSTER_SPAN_MIN_S / max(n - 1, 1)) if n >= _CLUSTER_MIN else _GAP_MIN_S
    drift = [1.0 - depth * float(np.sin(np.pi * i / n)) for i in range(n - 1)]
    return [float(np.clip(draw.heavy(mean_s * d, cv), least, _GAP_MAX_S)) for d in drift]


def _one_after_another(parts: list[Movement], gaps: list[float]) -> list[Movement]:
    """Each at its gap after the last one's onset, but never before that one is over."""
    at, placed = 0.0, []
    for part, gap in zip(parts, [*gaps, 0.0], strict=True):
        placed.append(part.shifted(at))
        at = max(at + gap, placed[-1].duration_s + _REST_MIN_S)
    return placed


def _strengths(draw: Draw, n: int, *, rising: bool) -> list[float]:
    peak_at, edge = draw.between(0.3, 0.7) * n, draw.between(0.3, 0.7)
    spread, wander = max(n / 3.0, 1.0), Wander(draw, 0.25, memory=0.3)
    hill = [edge + (1.0 - edge) * float(np.exp(-(((i - peak_at) / spread) ** 2))) for i in range(n)]
    return [min((h if rising else 1.0) * wander.next(), 1.8) for h in hill]


def _in_between(draw: Draw, infant: Infant, spasms: Sequence[Movement], busy: float) -> list[Movement]:
    """Kicking and fussing between spasms, after lying limp for a while [F10]; some of it runs into the next."""
    limp_s, runs_on = draw.log_between(0.3, 4.0), draw.between(0.0, 0.4)
    own = []
    for before, after in pairwise(spasms):
        from_s = before.duration_s + limp_s
        room = after.marks[0].onset_s - from_s
        if room < 1.5 or not draw.chance(busy):
            continue
        part = kicking(draw, infant, count=draw.whole(1, 5)) if draw.chance(0.6) else fussing(draw, infant)
        latest = 0.95 if draw.chance(runs_on) else max(0.6 - part.duration_s / room, 0.05)
        own.append(part.shifted(from_s + draw.between(0.0, latest) * room))
    return own


def draw_spasm_day(
    draw: Draw, infant: Infant, *, clusters: int | None = None, subtle: bool | None = None
) -> list[Movement]:
    """All spasms of one infant's day, clusters and singles and pairs, each from time 0 on, to be placed.

    78.3 % of spasms come in clusters [F10]; early in the disease none do [F15b]. One infant has one style
    [F13c]. Clusters a day 1-8, early cases, and pairs among what is outside of clusters [E].
    """
    style = draw_style(draw, subtle=subtle)
    early = clusters is None and draw.chance(0.1)
    n = 0 if early else (clusters if clusters is not None else draw.log_whole(1, 8))
    series = [spasm_cluster(draw, infant, style=style) for _ in range(n)]
    inside = sum(one.marks[0].count for one in series)
    mean = 5.0 if early else inside * (1.0 - _CLUSTERED_SHARE) / _CLUSTERED_SHARE
    left, alone = int(draw.rng.poisson(mean)), []
    while left > 0:
        paired = left > 1 and draw.chance(0.15)
        alone.append(spasm(draw, infant, style=style, strength=draw.heavy(0.9, 0.3), paired=paired))
        left -= 2 if paired else 1
    return [*series, *alone]


def bmei(draw: Draw, infant: Infant, *, count: int | None = None, subtle: bool | None = None) -> Movement:
    """Movements like spasms of a healthy infant, awake (row BMEI): nothing in the motion tells them apart.

    2-50 in a cluster, seconds apart [F22]; 44 % [F21] or 33 % [F22] of infants have clusters at all;
    myoclonic or spasm-like muscle activity, 0.1-2 s each [M]. Labelled by what it looks like, never left out.
    """
    n = count or (draw.log_whole(2, 50) if draw.chance(0.4) else 1)
    style = draw_style(draw, subtle=subtle)
    lengths_s = (0.12, 0.4) if draw.chance(0.4) else (0.4, 2.0)
    parts = [
        spasm(
            draw,
            infant,
            style=style,
            strength=draw.heavy(1.0, 0.3),
            duration_s=draw.log_between(*lengths_s),
        )
        for _ in range(n)
    ]
    gaps = _gaps(draw, n, draw.log_between(3.5, 20.0), rising=False)
    told = merged(_one_after_another(parts, gaps))
    return Movement(told.steps, tuple(in_series(replace(mark, true_class="bmei") for mark in told.marks)))
