"""One spasm: what all muscles do within a second or two.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
1c (inside a spasm), [Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn wide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from dsp.records import Label
from firmware_sim.body import Arm, Leg
from firmware_sim.draw import Draw
from firmware_sim.jerks import limbs_of
from firmware_sim.movement import Infant, Movement, angle_for, legs_of, mark_all, merged
from firmware_sim.steps import Channel, StepList
from firmware_sim.tremors import tremble, tremor_angle

__all__ = ["Form", "Leader", "SpasmStyle", "Symmetry", "draw_spasm_s", "draw_style", "spasm"]

Form = Literal["flexor", "extensor", "mixed"]
Symmetry = Literal["symmetric", "asymmetric", "asynchronous"]
Leader = Literal["left", "right"]

_FORMS: Final[tuple[Form, ...]] = ("flexor", "extensor", "mixed")
_FORM_SHARES: Final = (33.9, 22.5, 42.0)
"""[F10]; arrest-only spasms (1 %) do not move and are left out."""
_SHORT_SHARE: Final = 0.857
"""Share of spasms lasting 0.4-3.0 s; the others last 3-7 s [F11]."""
_SHORTEST_S: Final = 0.42
_SHORT_S: Final = 2.98
"""Just within 0.4 and 3.0 s [F11]; what is drawn beyond is folded back, so that no length is drawn twice."""
_SUBTLE_SHARE: Final = 7 / 44
"""Infants with nothing but subtle spasms [F13e]."""
_LIMITED_SHARE: Final = 0.35
"""Of the subtle: those of hardly more than head and arms [F9,F43]; how many [E]."""
_UNEVEN_SHARE: Final = 12 / 60
"""Infants more than half of whose spasms are asymmetric or asynchronous [F13d]."""
_EASE_MIN_S: Final = 0.35
"""A hold eases off [F12]; what would have to let go faster is part of the phasic contraction [E]."""
_SAG_FROM_S: Final = 0.3
"""A hold of this length already gives way while it lasts [E]."""
_TILT_MAX_RAD: Final = float(np.deg2rad(60.0))
_TRUNK_G: Final = (0.2, 0.8)
"""Peak at the trunk [E]: bounds how far a quick spasm can tilt it."""
_HEAD_G: Final = (0.3, 1.5)
"""Peak at the head [E], the same for its nod."""
_SLIDE_MAX_M: Final = 0.012


@dataclass(frozen=True, slots=True)
class SpasmStyle:
    """What the spasms of one infant have in common; each still differs from the last [F13]."""

    form: Form
    leg_g: float
    arm_g: float
    trunk_rad: float
    head_rad: float
    tonic: float
    """strength of the hold beside the phasic part; 0 when there is none"""
    leader: Leader
    """the side that leads and is stronger in asymmetric spasms [F13c]"""
    asymmetric: float
    asynchronous: float
    """probabilities of either in one spasm"""


def draw_style(
    draw: Draw,
    *,
    subtle: bool | None = None,
    form: Form | None = None,
    symmetry: Symmetry | None = None,
    leader: Leader | None = None,
) -> SpasmStyle:
    """Habits of one infant: 7 of 44 only subtle, 12 of 60 mostly asymmetric or asynchronous [F13d,F13e].

    Ankle 0.3-1.5 g, trunk tilt or hip flexion 10-60 degrees [E, 1b]; tonic part weaker or absent [F12].
    Arms and head join in [F9]; how strongly [E].
    """
    faint = draw.chance(_SUBTLE_SHARE) if subtle is None else subtle
    scale = draw.between(0.15, 0.4) if faint else 1.0
    below = draw.between(0.03, 0.25) if faint and draw.chance(_LIMITED_SHARE) else 1.0
    leg, trunk = draw.log_between(0.3, 1.5), float(np.deg2rad(draw.log_between(10.0, 60.0)))
    asymmetric, asynchronous = _unevenness(draw, symmetry)
    usual: Form = draw.one_of(_FORMS, _FORM_SHARES)
    return SpasmStyle(
        form=form or usual,
        leg_g=scale * below * leg,
        arm_g=scale * min(leg * draw.log_between(0.5, 2.0), 2.0),
        trunk_rad=scale * below * trunk,
        head_rad=scale * min(trunk * draw.log_between(0.3, 1.2), 0.6),
        tonic=0.0 if draw.chance(0.25) else draw.between(0.15, 0.8),
        leader=leader or ("left" if draw.chance(0.5) else "right"),
        asymmetric=asymmetric,
        asynchronous=asynchronous,
    )


def _unevenness(draw: Draw, symmetry: Symmetry | None) -> tuple[float, float]:
    """Chances of an asymmetric and of an asynchronous spasm: 25 % and 7 % of 8,680 over infants [F13d]."""
    if symmetry is not None:
        return {"symmetric": (0.0, 0.0), "asymmetric": (1.0, 0.07), "asynchronous": (0.25, 1.0)}[symmetry]
    return (0.65, 0.2) if draw.chance(_UNEVEN_SHARE) else (0.15, 0.04)


def draw_spasm_s(draw: Draw) -> float:
    """Length of one spasm: 0.4-3.0 s in 85.7 %, about 1 s mostly [F11,F13], 3-7 s in the rest."""
    if not draw.chance(_SHORT_SHARE):
        return float(3.0 + 4.0 * draw.between(0.0, 1.0) ** 1.5)
    length_s = draw.spread(1.1, 0.55)
    folded_s = 2.0 * _SHORTEST_S - length_s if length_s < _SHORTEST_S else length_s
    return 2.0 * _SHORT_S - folded_s if folded_s > _SHORT_S else folded_s


def spasm(
    draw: Draw,
    infant: Infant,
    *,
    style: SpasmStyle | None = None,
    strength: float = 1.0,
    duration_s: float | None = None,
    subtle: bool | None = None,
    form: Form | None = None,
    symmetry: Symmetry | None = None,
    leader: Leader | None = None,
    paired: bool = False,
) -> Movement:
    """One spasm, or two: a phasic contraction, mostly with a weaker hold that eases off.

    Rise 0.2-0.5 s [E]; muscles up to 100-200 ms apart in no fixed order [F13,F13c]; 25 % asymmetric and
    7 % asynchronous over infants [F13d]. The second of a pair comes 3-40 s later [E].

    Args:
        draw: Random stream.
        infant: Whose body.
        style: Habits of this infant; drawn from the next options when None.
        strength: Of this spasm against the infant's others.
        duration_s: Length of each; drawn when None.
        subtle: Whether it is faint, often hardly more than head and arms.
        form: flexor, extensor or mixed.
        symmetry: symmetric, asymmetric, or asynchronous.
        leader: The side that leads, if one does.
        paired: Whether a second one follows.
    """
    style = style or draw_style(draw, subtle=subtle, form=form, symmetry=symmetry, leader=leader)
    first = _one(draw, infant, style, strength, duration_s)
    if not paired:
        return first
    second = _one(draw, infant, style, strength * draw.heavy(0.9, 0.3), duration_s)
    return merged([first, second.shifted(first.duration_s + draw.log_between(2.5, 38.0))])


def _one(
    draw: Draw, infant: Infant, style: SpasmStyle, strength: float, duration_s: float | None
) -> Movement:
    if draw.chance(0.12):
        style = replace(style, form=draw.one_of(_FORMS))
    total_s = duration_s or draw_spasm_s(draw)
    even = not draw.chance(style.asymmetric)
    late_s = draw.between(0.1, 0.2) if draw.chance(style.asynchronous) else draw.between(0.0, 0.02)
    starts = _order(draw, total_s)
    arms_s, legs_s, trunk_s, head_s = starts
    shape = _Shape(draw, style, max(total_s - max(*starts, late_s) - 0.02, 0.6 * total_s))
    weaker = draw.between(0.8, 1.0) if even else draw.between(0.15, 0.65)
    leg_ways, arm_ways = _leg_ways(draw, style), _arm_ways(draw, style)
    out = StepList()
    for limb in limbs_of("both"):
        leads = limb in limbs_of(style.leader)
        size = (1.0 if leads else weaker) * draw.spread(1.0, 0.05)
        at_s = (arms_s if isinstance(limb, Arm) else legs_s) + (0.0 if leads else late_s)
        turns = (
            _leg_turns(infant, limb, shape, style.leg_g * strength, leg_ways)
            if isinstance(limb, Leg)
            else _arm_turns(infant, limb, shape, style.arm_g * strength, arm_ways)
        )
        for channel, delta in turns.items():
            own = size * delta * draw.spread(1.0, 0.06)
            shape.write(out, draw, channel, at_s + draw.between(0.0, 0.03), own)
    _trunk_part(out, draw, infant, shape, style, strength, trunk_s)
    _head_part(out, draw, infant, shape, style, strength, head_s)
    _quiver(out, draw, infant, shape, style, strength)
    steps = out.build()
    told = mark_all(steps, Label.SPASM_LIKE, "spasm", side="both" if even else style.leader)
    return replace(told, marks=tuple(replace(mark, alone=steps) for mark in told.marks))


def _order(draw: Draw, total_s: float) -> list[float]:
    """When arms, legs, trunk and head begin: some part leads, mostly closely, now and then by far."""
    span = draw.between(0.1, 0.2) if draw.chance(0.2) else draw.between(0.02, 0.1)
    starts = [draw.between(0.0, min(span, 0.2 * total_s)) for _ in range(4)]
    return [start - min(starts) for start in starts]


class _Shape:
    """Times of one spasm that all its muscles share roughly."""

    __slots__ = ("early_s", "ease_s", "hold_s", "relax_s", "rise_s", "tonic")

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
        self.early_s = min(self.rise_s, self.relax_s) * draw.between(0.0, 0.25)

    def write(self, out: StepList, draw: Draw, channel: Channel, at_s: float, delta: float) -> None:
        """Contract by `delta`, let go to the hold, ease off; each muscle with times of its own."""
        rise = self.rise_s * draw.spread(1.0, 0.1)
        turn = at_s + rise - self.early_s
        out.step(channel, at_s, rise, delta)
        if self.tonic == 0.0:
            out.step(channel, turn, self.relax_s + self.early_s, -delta)
            return
        tonic = min(self.tonic * draw.spread(1.0, 0.15), 0.95) * delta
        out.step(channel, turn, self.relax_s + self.early_s, tonic - delta)
        held = at_s + rise + self.relax_s
        sag = draw.between(0.1, 0.5) * tonic if self.hold_s > _SAG_FROM_S else 0.0
        if sag != 0.0:
            out.step(channel, held, self.hold_s, -sag)
        out.step(channel, held + self.hold_s, self.ease_s, sag - tonic)


@dataclass(frozen=True, slots=True)
class _Ways:
    """How both limbs of a pair share a contraction between their joints."""

    share: float
    """of the root joint"""
    bend: float
    """+1 drawn up, -1 stretched out"""
    aside: float
    turn: float


def _leg_ways(draw: Draw, style: SpasmStyle) -> _Ways:
    bend = 1.0 if style.form == "flexor" else -1.0
    return _Ways(draw.between(0.35, 0.8), bend, draw.between(-0.5, 0.4), draw.between(-0.3, 0.3))


def _arm_ways(draw: Draw, style: SpasmStyle) -> _Ways:
    """Arms bend in flexor and mixed spasms, and fly out in extensor ones; out to the side in either."""
    bend = -1.0 if style.form == "extensor" else 1.0
    return _Ways(draw.between(0.4, 0.8), bend, draw.between(0.2, 0.9), draw.between(-0.4, 0.4))


def _leg_turns(infant: Infant, leg: Leg, shape: _Shape, peak_g: float, ways: _Ways) -> dict[Channel, float]:
    hip = ways.bend * ways.share * angle_for(peak_g, shape.rise_s, infant.body.hip_lever_m)
    knee = ways.bend * (1.0 - ways.share) * angle_for(peak_g, shape.rise_s, infant.body.shank_m)
    return {leg.hip: hip, leg.knee: knee, leg.abduction: hip * ways.aside, leg.rotation: hip * ways.turn}


def _arm_turns(infant: Infant, arm: Arm, shape: _Shape, peak_g: float, ways: _Ways) -> dict[Channel, float]:
    shoulder = ways.share * angle_for(peak_g, shape.rise_s, infant.body.arm_lever_m)
    elbow = ways.bend * (1.0 - ways.share) * angle_for(peak_g, shape.rise_s, infant.body.forearm_m)
    return {
        arm.flexion: shoulder * float(np.sqrt(1.0 - ways.aside**2)),
        arm.abduction: shoulder * ways.aside,
        arm.elbow: elbow,
        arm.rotation: shoulder * ways.turn,
    }


def _trunk_part(
    out: StepList,
    draw: Draw,
    infant: Infant,
    shape: _Shape,
    style: SpasmStyle,
    strength: float,
    at_s: float,
) -> None:
    lever = infant.body.pelvis_to_spine_m + infant.body.chest_lever_m
    trunk_g = draw.log_between(*_TRUNK_G)
    most = angle_for(trunk_g, shape.rise_s, lever, limit_rad=_TILT_MAX_RAD)
    tilt = min(draw.spread(style.trunk_rad * strength, 0.2), most)
    share = tilt / most
    tilt *= -1.0 if style.form == "extensor" else 1.0
    spine = draw.between(0.4, 0.9)
    shape.write(out, draw, Channel.SPINE_FLEX, at_s, tilt * spine)
    shape.write(out, draw, Channel.ROOT_PITCH, at_s + draw.between(0.0, 0.04), -tilt * (1.0 - spine))
    for channel in (Channel.SPINE_BEND, Channel.SPINE_TWIST, Channel.ROOT_ROLL):
        shape.write(out, draw, channel, at_s + draw.between(0.0, 0.05), tilt * draw.between(-0.2, 0.2))
    slide_m = share * angle_for(0.4 * trunk_g, shape.rise_s, 1.0, limit_rad=_SLIDE_MAX_M)
    shape.write(out, draw, Channel.POS_X, at_s, slide_m * draw.between(-1.0, 1.0))


def _head_part(
    out: StepList, draw: Draw, infant: Infant, shape: _Shape, style: SpasmStyle, strength: float, at_s: float
) -> None:
    most = angle_for(draw.log_between(*_HEAD_G), shape.rise_s, infant.body.head_lever_m)
    nod = min(draw.spread(style.head_rad * strength, 0.25), most)
    nod *= -1.0 if style.form == "extensor" else 1.0
    shape.write(out, draw, Channel.HEAD_NOD, at_s, nod)
    shape.write(out, draw, Channel.HEAD_TURN, at_s, nod * draw.between(-0.4, 0.4))


def _quiver(
    out: StepList, draw: Draw, infant: Infant, shape: _Shape, style: SpasmStyle, strength: float
) -> None:
    """A fine tremor over a strong hold, in some [E]."""
    if shape.tonic < 0.25 or shape.hold_s < 0.4 or not draw.chance(0.4):
        return
    rate, peak = draw.between(7.0, 14.0), draw.log_between(0.005, 0.04) * min(strength * style.leg_g, 1.0)
    axes = _shaken(draw, infant, rate, peak, legs_of("both"))
    tremble(out, draw, axes, shape.rise_s + 0.5 * shape.relax_s, shape.hold_s, rate_hz=rate)


def _shaken(
    draw: Draw, infant: Infant, rate_hz: float, peak_g: float, legs: Iterable[Leg]
) -> dict[Channel, float]:
    reach = tremor_angle(peak_g, rate_hz, infant.body.shank_m)
    spine = tremor_angle(0.3 * peak_g, rate_hz, infant.body.chest_lever_m)
    return {leg.knee: reach * draw.between(0.4, 1.0) for leg in legs} | {Channel.SPINE_FLEX: spine}
