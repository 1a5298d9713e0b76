"""Spasms and their clusters.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
1c (inside a spasm), [Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn wide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dsp.records import Label
from firmware_sim.body import Leg
from firmware_sim.draw import Draw
from firmware_sim.kicks import kicking
from firmware_sim.movement import Infant, Mark, Movement, angle_for, legs_of, mark_all, merged
from firmware_sim.steps import Channel, StepList
from firmware_sim.whole_body import fussing

__all__ = ["SpasmStyle", "bmei", "draw_spasm_s", "draw_style", "spasm", "spasm_cluster"]

_FORMS: Final = ("flexor", "extensor", "mixed")
_FORM_SHARES: Final = (33.9, 22.5, 42.0)
"""[F10]; arrest-only spasms (1 %) do not move and are left out."""
_SHORT_SHARE: Final = 0.857
"""Share of spasms lasting 0.4-3.0 s; the others last 3-7 s [F11]."""


_EASE_MIN_S: Final = 0.35
"""A hold eases off [F12]; what would have to let go faster is part of the phasic contraction [E]."""
_TILT_MAX_RAD: Final = float(np.deg2rad(60.0))


@dataclass(frozen=True, slots=True)
class SpasmStyle:
    """What the spasms of one infant have in common; each still differs from the last [F13]."""

    form: str
    leg_g: float
    trunk_rad: float
    tonic: float
    """strength of the hold beside the phasic part; 0 when there is none"""
    leader: str
    """left or right: the side that leads and is stronger in asymmetric spasms [F13c]"""
    asymmetric: float
    asynchronous: float
    """probabilities of either in one spasm"""


def draw_style(draw: Draw, *, subtle: bool | None = None) -> SpasmStyle:
    """Habits of one infant: 7 of 44 only subtle, 12 of 60 mostly asymmetric or asynchronous [F13d,F13e].

    Ankle 0.3-1.5 g, trunk tilt or hip flexion 10-60 degrees [E, 1b]; tonic part weaker or absent [F12].
    """
    faint = draw.chance(7 / 44) if subtle is None else subtle
    scale = draw.between(0.15, 0.4) if faint else 1.0
    uneven = draw.chance(12 / 60)
    return SpasmStyle(
        form=draw.one_of(_FORMS, _FORM_SHARES),
        leg_g=scale * draw.log_between(0.3, 1.5),
        trunk_rad=scale * float(np.deg2rad(draw.log_between(10.0, 60.0))),
        tonic=0.0 if draw.chance(0.25) else draw.between(0.15, 0.8),
        leader=draw.one_of(("left", "right")),
        asymmetric=0.6 if uneven else 0.15,
        asynchronous=0.2 if uneven else 0.04,
    )


def draw_spasm_s(draw: Draw) -> float:
    """Length of one spasm: 0.4-3.0 s in 85.7 %, about 1 s mostly [F11,F13], 3-7 s in the rest."""
    if not draw.chance(_SHORT_SHARE):
        return float(3.0 + 4.0 * draw.between(0.0, 1.0) ** 1.5)
    return float(np.clip(draw.spread(1.1, 0.55), 0.42, 2.98))


def spasm(
    draw: Draw,
    infant: Infant,
    *,
    style: SpasmStyle | None = None,
    strength: float = 1.0,
    duration_s: float | None = None,
    subtle: bool | None = None,
) -> Movement:
    """One spasm: a phasic contraction of legs and trunk, mostly with a weaker hold that eases off.

    Rise 0.2-0.5 s [E], muscles up to 100-200 ms apart in no fixed order [F13,F13c], 25 % asymmetric and
    7 % asynchronous over infants [F13d].
    """
    style = style or draw_style(draw, subtle=subtle)
    if draw.chance(0.12):
        style = replace(style, form=draw.one_of(_FORMS))
    shape = _Shape(draw, style, duration_s or draw_spasm_s(draw))
    out = StepList()
    even = not draw.chance(style.asymmetric)
    late_s = draw.between(0.05, 0.2) if draw.chance(style.asynchronous) else draw.between(0.0, 0.02)
    for leg in legs_of("both"):
        leads = leg in legs_of(style.leader)
        share = 1.0 if leads else (draw.between(0.8, 1.0) if even else draw.between(0.2, 0.7))
        _leg_part(out, draw, infant, leg, shape, style, strength * share, 0.0 if leads else late_s)
    _trunk_part(out, draw, shape, style, strength)
    return mark_all(out.build(), Label.SPASM_LIKE, "spasm", side="both" if even else style.leader)


class _Shape:
    """Times of one spasm that all its muscles share roughly."""

    __slots__ = ("ease_s", "hold_s", "relax_s", "rise_s", "tonic")

    def __init__(self, draw: Draw, style: SpasmStyle, total_s: float) -> None:
        self.rise_s = min(draw.between(0.2, 0.5), 0.45 * total_s)
        left = total_s - self.rise_s
        self.tonic = style.tonic * draw.spread(1.0, 0.25) if total_s > 0.8 else 0.0
        self.tonic = min(self.tonic, 0.9)
        if self.tonic == 0.0 and total_s > 2.0:
            self.tonic = draw.between(0.1, 0.3)
        self.relax_s = min(left, draw.between(0.25, 0.7)) if self.tonic else left
        rest = left - self.relax_s
        if rest < _EASE_MIN_S:
            self.tonic, self.relax_s, rest = 0.0, left, 0.0
        self.ease_s = min(rest, max(_EASE_MIN_S, rest * draw.between(0.4, 0.9)))
        self.hold_s = rest - self.ease_s

    def write(self, out: StepList, channel: Channel, at_s: float, delta: float) -> None:
        out.step(channel, at_s, self.rise_s, delta)
        if self.tonic == 0.0:
            out.step(channel, at_s + self.rise_s, self.relax_s, -delta)
            return
        out.step(channel, at_s + self.rise_s, self.relax_s, -delta * (1.0 - self.tonic))
        out.step(channel, at_s + self.rise_s + self.relax_s + self.hold_s, self.ease_s, -delta * self.tonic)


def _leg_part(
    out: StepList,
    draw: Draw,
    infant: Infant,
    leg: Leg,
    shape: _Shape,
    style: SpasmStyle,
    strength: float,
    late_s: float,
) -> None:
    flex = 1.0 if style.form == "flexor" else -1.0
    peak = draw.spread(style.leg_g * strength, 0.2)
    share = draw.between(0.35, 0.8)
    hip = flex * share * angle_for(peak, shape.rise_s, infant.body.hip_lever_m)
    knee = flex * (1.0 - share) * angle_for(peak, shape.rise_s, infant.body.shank_m)
    turns = {
        leg.hip: hip,
        leg.knee: knee,
        leg.abduction: hip * draw.between(-0.5, 0.4),
        leg.rotation: hip * draw.between(-0.3, 0.3),
    }
    for channel, delta in turns.items():
        shape.write(out, channel, late_s + draw.between(0.0, 0.06), delta)


def _trunk_part(out: StepList, draw: Draw, shape: _Shape, style: SpasmStyle, strength: float) -> None:
    forwards = -1.0 if style.form == "extensor" else 1.0
    tilt = forwards * min(draw.spread(style.trunk_rad * strength, 0.2), _TILT_MAX_RAD)
    spine = draw.between(0.4, 0.9)
    lag = draw.between(0.0, 0.1)
    shape.write(out, Channel.SPINE_FLEX, lag, tilt * spine)
    shape.write(out, Channel.ROOT_PITCH, lag + draw.between(0.0, 0.04), -tilt * (1.0 - spine))
    for channel in (Channel.SPINE_BEND, Channel.SPINE_TWIST, Channel.ROOT_ROLL):
        shape.write(out, channel, lag + draw.between(0.0, 0.05), tilt * draw.between(-0.2, 0.2))
    shape.write(out, Channel.POS_X, lag, draw.between(-0.012, 0.012) * strength)


def spasm_cluster(
    draw: Draw,
    infant: Infant,
    *,
    count: int | None = None,
    crescendo: bool | None = None,
    gap_s: float | None = None,
    subtle: bool | None = None,
    busy: float | None = None,
) -> Movement:
    """A series of spasms with something of the infant's own in between.

    5-30 s apart as a rule, below 60 s [M, row Epileptic spasm cluster], CV 0.3-0.6 with a drift that
    shortens and then lengthens [E]; 2-150 in a cluster, 5-50 mostly [F16,M]; strength rises and falls
    often, not always [F10,F11]; crying may follow [F12]; stillness after a spasm up to 90 s [F10].

    Args:
        draw: Random stream.
        infant: Whose body.
        count: Number of spasms; drawn when None.
        crescendo: Whether strength and rate rise to a peak and fall.
        gap_s: Mean time from onset to onset.
        subtle: Whether all of them are faint.
        busy: Share of the gaps in which the infant kicks or fusses.
    """
    n = count or draw.log_whole(5, 45)
    style = draw_style(draw, subtle=subtle)
    rising = draw.chance(0.6) if crescendo is None else crescendo
    busy = draw.between(0.0, 0.6) if busy is None else busy
    onsets = _onsets(draw, n, gap_s or draw.log_between(6.0, 25.0), rising=rising)
    parts = [
        spasm(draw, infant, style=style, strength=strength).shifted(at)
        for at, strength in zip(onsets, _strengths(draw, n, rising=rising), strict=True)
    ]
    fillers = [
        filler
        for one, after in zip(parts, [*onsets[1:], onsets[-1] + 15.0], strict=True)
        if draw.chance(busy) and (filler := _between(draw, infant, one.duration_s, after))
    ]
    members = tuple(mark for part in parts for mark in part.marks)
    whole = Mark(
        Label.SPASM_LIKE_CLUSTER,
        "spasm_cluster",
        members[0].onset_s,
        members[-1].end_s,
        n,
        "both",
        members,
    )
    told = merged([*parts, *fillers])
    own = tuple(mark for filler in fillers for mark in filler.marks)
    return Movement(told.steps, (whole, *own))


def bmei(draw: Draw, infant: Infant, *, count: int | None = None) -> Movement:
    """Movements like spasms of a healthy infant, awake (row BMEI): nothing in the motion tells them apart.

    2-50 in a cluster, seconds apart [F22]; 44 % [F21] or 33 % [F22] of infants have clusters at all; 0.1-2 s
    each [M].
    """
    n = count or (draw.log_whole(2, 50) if draw.chance(0.4) else 1)
    style = draw_style(draw)
    onsets = _onsets(draw, n, draw.log_between(3.5, 20.0), rising=False)
    parts = [
        spasm(draw, infant, style=style, duration_s=draw.log_between(0.2, 2.0)).shifted(at) for at in onsets
    ]
    marks = tuple(replace(m, true_class="bmei") for part in parts for m in part.marks)
    steps = merged(parts).steps
    if n < 3 or marks[-1].end_s - marks[0].onset_s < 10.0:
        return Movement(steps, marks)
    whole = Mark(Label.SPASM_LIKE_CLUSTER, "bmei", marks[0].onset_s, marks[-1].end_s, n, "both", marks)
    return Movement(steps, (whole,))


def _onsets(draw: Draw, n: int, mean_s: float, *, rising: bool) -> list[float]:
    cv, depth, at, onsets = draw.between(0.3, 0.6), draw.between(0.0, 0.5), 0.0, []
    for i in range(n):
        onsets.append(at)
        drift = 1.0 - depth * float(np.sin(np.pi * i / n)) if rising else 1.0
        at += float(np.clip(draw.spread(mean_s * drift, cv), 3.5, 55.0))
    return onsets


def _strengths(draw: Draw, n: int, *, rising: bool) -> list[float]:
    peak_at, edge = draw.between(0.3, 0.7) * n, draw.between(0.3, 0.7)
    spread = max(n / 3.0, 1.0)
    hill = [edge + (1.0 - edge) * float(np.exp(-(((i - peak_at) / spread) ** 2))) for i in range(n)]
    return [draw.spread(h if rising else 1.0, 0.2) for h in hill]


def _between(draw: Draw, infant: Infant, from_s: float, to_s: float) -> Movement | None:
    room = to_s - from_s
    if room < 2.0:
        return None
    part = kicking(draw, infant, count=draw.whole(1, 4)) if draw.chance(0.6) else fussing(draw, infant)
    at = from_s + draw.between(0.1, 0.6) * room
    return part.shifted(at)
