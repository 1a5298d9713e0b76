"""Movements of the whole body: stretch, arousal, crying and fussing, waking up, turning over.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from dsp.records import Label
from firmware_sim.draw import Draw
from firmware_sim.kicks import kicking
from firmware_sim.movement import (
    Infant,
    Movement,
    arms_of,
    draw_side,
    legs_of,
    mark_all,
    merged,
    nod,
    shake_trunk,
    swing,
    swing_arm,
)
from firmware_sim.steps import Channel, StepList, Steps
from firmware_sim.tremors import tremble
from firmware_sim.waves import waver

__all__ = ["arousal", "bow", "crying", "fussing", "posture_change", "stretch", "waking_stretch"]

_Range = tuple[float, float]


def stretch(draw: Draw, infant: Infant) -> Movement:
    """A stretch: legs, back and arms extend slowly, tremble a little, and let go (row Stretch).

    2-8 s, ramped; ankle 0.1-0.4 g, trunk 0.1-0.3 g and tilt [E]. Limbs are not quite together; the back
    twists to a side, it wriggles under way; what was stretched is let go faster or slower than it came.
    Muscle at work gives and takes; a leg that does not stretch goes along a little.
    """
    out, total = StepList(), draw.between(2.0, 8.0)
    rise, fall = total * draw.between(0.15, 0.45), total * draw.between(0.12, 0.4)
    hold = max(total - rise - fall, 0.0)
    strained_hz = draw.between(5.0, 11.0)
    stretching = legs_of(draw_side(draw, 0.8))
    for leg in legs_of("both"):
        share = 1.0 if leg in stretching else draw.log_between(0.05, 0.4)
        at = draw.between(0.0, 0.2) * rise
        timing = {"rise_s": rise, "fall_s": fall, "hold_s": hold}
        _held(out, draw, leg.hip, at, -share * draw.between(0.2, 0.8), **timing)
        _held(out, draw, leg.knee, at + 0.1 * rise, -share * draw.between(0.3, 0.9), **timing)
        _held(out, draw, leg.abduction, at, share * draw.between(-0.3, 0.2), **timing)
        shake = {leg.knee: draw.log_between(0.001, 0.010), leg.hip: draw.log_between(0.0004, 0.004)}
        shake = {channel: share * angle for channel, angle in shake.items()}
        tremble(out, draw, shake, at + 0.5 * rise, 0.5 * rise + hold, rate_hz=strained_hz)
    back = {Channel.SPINE_FLEX: draw.log_between(0.0005, 0.004)}
    tremble(out, draw, back, 0.5 * rise, 0.5 * rise + hold, rate_hz=strained_hz)
    _reach(out, draw, rise, hold, fall)
    bow(out, draw, -draw.between(0.1, 0.5), rise, hold, fall)
    twist = {"rise_s": 1.1 * rise, "fall_s": fall, "hold_s": 0.8 * hold}
    _held(out, draw, Channel.SPINE_TWIST, draw.between(0.0, 0.3) * rise, draw.between(-0.3, 0.3), **twist)
    for _ in range(draw.whole(0, 3)):
        at, span = draw.between(0.1, 0.8) * (rise + hold), draw.log_between(0.25, 0.7)
        peaks = {"leg_g": (0.06, 0.35), "trunk_g": (0.04, 0.2)}
        _thrash(out, draw, infant, at, 0.5 * span, **peaks)
    return mark_all(out.build(), Label.MOVEMENT, "stretch")


def _held(
    out: StepList,
    draw: Draw,
    channel: Channel,
    at_s: float,
    delta: float,
    *,
    rise_s: float,
    hold_s: float,
    fall_s: float,
    give: float = 0.2,
) -> None:
    """Out, held by muscle that gives and takes by up to this share of the way [E], and back."""
    out.pulse(channel, at_s, delta, rise_s=rise_s, hold_s=hold_s, fall_s=fall_s)
    size = delta * draw.log_between(0.3, 1.0) * give
    span_s = 0.4 * rise_s + hold_s + 0.6 * fall_s
    waver(out, draw, {channel: size}, at_s + 0.6 * rise_s, span_s, draw.log_between(0.35, 1.5), ease_s=0.8)


def _reach(out: StepList, draw: Draw, rise_s: float, hold_s: float, fall_s: float) -> None:
    """Arms go over the head and straighten, the head goes back and to a side."""
    for arm in arms_of(draw_side(draw, 0.7)):
        at = draw.between(0.0, 0.4) * rise_s
        timing = {"rise_s": rise_s, "fall_s": fall_s * draw.between(0.8, 1.3), "hold_s": hold_s}
        _held(out, draw, arm.flexion, at, draw.between(0.3, 1.2), **timing)
        _held(out, draw, arm.elbow, at, -draw.between(0.2, 1.0), **timing)
        out.pulse(arm.abduction, at, draw.between(-0.3, 0.5), **timing)
    timing = {"rise_s": rise_s, "fall_s": fall_s, "hold_s": hold_s}
    out.pulse(Channel.HEAD_NOD, draw.between(0.0, 0.3) * rise_s, -draw.between(0.05, 0.4), **timing)
    out.pulse(Channel.HEAD_TURN, draw.between(0.0, 0.5) * rise_s, draw.between(-0.6, 0.6), **timing)


def waking_stretch(draw: Draw, infant: Infant, *, stretches: int | None = None) -> Movement:
    """Waking up: stretches with kicks and squirming between them (confounder 3 of section 7).

    Two to five stretches, no fixed interval; after most of them a kick or a few, or some squirming [E].
    """
    parts, at = [], 0.0
    for _ in range(stretches or draw.whole(2, 5)):
        parts.append(stretch(draw, infant).shifted(at))
        at = parts[-1].duration_s + draw.log_between(0.2, 4.0)
        if draw.chance(0.75):
            more = (
                kicking(draw, infant, count=draw.log_whole(1, 6))
                if draw.chance(0.6)
                else fussing(draw, infant)
            )
            parts.append(more.shifted(at))
            at = parts[-1].duration_s + draw.log_between(0.3, 12.0)
    return merged(parts)


def arousal(draw: Draw, infant: Infant) -> Movement:
    """Sigh, startle, then thrashing for 2-4 s [F53]; ankle 0.3-1.5 g, trunk 0.2-0.6 g [E, row Arousal].

    The order is always the same; the startle in it is weaker than one that stands alone, and left out by
    some arousals [E].
    """
    out = StepList()
    sigh = draw.between(0.02, 0.06)
    out.pulse(Channel.SPINE_FLEX, 0.0, -sigh, rise_s=draw.between(0.8, 1.4), fall_s=draw.between(1.2, 2.0))
    at = draw.between(1.3, 2.0)
    if draw.chance(0.8):
        _small_startle(out, draw, infant, at)
        at += draw.between(0.4, 1.0)
    _thrash(out, draw, infant, at, draw.between(2.0, 4.0), leg_g=(0.2, 0.95), trunk_g=(0.12, 0.3))
    return mark_all(out.build(), Label.MOVEMENT, "arousal")


def _small_startle(out: StepList, draw: Draw, infant: Infant, at_s: float) -> None:
    rise, fall = draw.between(0.1, 0.25), draw.between(0.4, 1.0)
    timing = {"rise_s": rise, "fall_s": fall}
    peak = draw.log_between(0.25, 0.9)
    for leg in legs_of("both"):
        lag = draw.between(0.0, 0.05)
        swing(out, draw, infant, leg, at_s + lag, peak_g=peak * draw.spread(1.0, 0.2), flex=-1.0, **timing)
    for arm in arms_of("both"):
        lag, peak_g = draw.between(0.0, 0.05), 1.3 * peak * draw.spread(1.0, 0.2)
        swing_arm(out, draw, infant, arm, at_s + lag, peak_g=peak_g, outward=0.7, reaction=0.0, **timing)
    shake_trunk(out, draw, infant, at_s, peak_g=draw.log_between(0.1, 0.4), **timing)


def fussing(draw: Draw, infant: Infant) -> Movement:
    """A few seconds of squirming; weaker and slower than thrashing [E, between rows Kicking and Crying]."""
    out = StepList()
    _thrash(out, draw, infant, 0.0, draw.log_between(1.5, 10.0), leg_g=(0.06, 0.5), trunk_g=(0.03, 0.22))
    return mark_all(out.build(), Label.MOVEMENT, "fussing")


def crying(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Crying: the trunk at 0.7-1.5 Hz, limbs thrashing; ankle 0.3-1.5 g, trunk 0.1-0.5 g [E, row Crying].

    Each cry presses the chest together and ends with a quick breath; runs of 4-25 cries grow and fade, with
    silent pauses of 1-8 s between them in which the infant lies nearly still [E].
    """
    out, total, at = StepList(), duration_s or draw.log_between(8.0, 180.0), 0.0
    cry_s, peak = 1.0 / draw.between(0.7, 1.5), draw.log_between(0.1, 0.5)
    thrashing, depth = draw.between(0.15, 0.5), draw.between(0.03, 0.12)
    while at < total:
        n = draw.log_whole(4, 25)
        for i in range(n):
            if at >= total:
                break
            strength = (0.4 + 0.6 * min((i + 1) / 3.0, (n - i) / 3.0, 1.0)) * draw.spread(1.0, 0.2)
            span = draw.spread(cry_s, 0.12)
            _cry(out, draw, infant, at, span, depth * strength, peak * strength)
            if draw.chance(thrashing * strength):
                trunk_g = (0.3 * peak, 0.6 * peak)
                _thrash(out, draw, infant, at, draw.between(0.5, 2.0), leg_g=(0.2, 0.9), trunk_g=trunk_g)
            at += span
        at += draw.log_between(1.0, 8.0)
    return mark_all(out.build(), Label.MOVEMENT, "crying")


def _cry(
    out: StepList, draw: Draw, infant: Infant, at_s: float, span_s: float, depth_rad: float, peak_g: float
) -> None:
    """Pressed out slowly with a tremble in the voice, drawn in quickly."""
    press, breathe = 0.35 * span_s, 0.28 * span_s
    timing = {"rise_s": press, "hold_s": 0.25 * span_s, "fall_s": breathe}
    out.pulse(Channel.SPINE_FLEX, at_s, depth_rad, **timing)
    out.pulse(Channel.ROOT_PITCH, at_s, 0.3 * depth_rad * draw.between(0.2, 1.0), **timing)
    out.pulse(Channel.HEAD_NOD, at_s, -draw.between(0.3, 1.5) * depth_rad, **timing)
    voice = {Channel.SPINE_FLEX: draw.log_between(0.0003, 0.002)}
    tremble(out, draw, voice, at_s + 0.2 * span_s, 0.5 * span_s, rate_hz=draw.between(6.0, 11.0))
    shake_trunk(
        out,
        draw,
        infant,
        at_s,
        peak_g=draw.spread(0.4 * peak_g, 0.4),
        rise_s=0.3 * span_s,
        fall_s=0.5 * span_s,
        pelvis=draw.between(0.2, 1.0),
    )


def posture_change(draw: Draw, now: dict[Channel, float], to: dict[Channel, float]) -> Movement:
    """Take up another resting posture within 2-6 s, joint after joint, not all at once."""
    out = StepList()
    for channel in sorted(set(now) | set(to)):
        delta = to.get(channel, 0.0) - now.get(channel, 0.0)
        if abs(delta) < 1e-6:
            continue
        at, span = draw.between(0.0, 2.0), draw.between(1.2, 4.0)
        early = draw.between(0.7, 1.3)
        out.step(channel, at, span, delta * early)
        out.step(channel, at + 0.7 * span, draw.between(0.6, 1.5), delta * (1.0 - early))
    steps: Steps = out.build()
    return mark_all(steps, Label.MOVEMENT, "posture_change")


def _thrash(
    out: StepList,
    draw: Draw,
    infant: Infant,
    at_s: float,
    span_s: float,
    *,
    leg_g: _Range,
    trunk_g: _Range,
) -> None:
    """Limbs, trunk and head move in overlapping swings, none of them in step with another."""
    at = at_s
    while at < at_s + span_s:
        rise = draw.log_between(0.12, 0.6)
        fall = rise * draw.log_between(0.6, 2.5)
        timing = {"rise_s": rise, "fall_s": fall}
        for leg in legs_of(draw_side(draw, 0.35)):
            lag, peak, flex = draw.between(0.0, 0.25), draw.log_between(*leg_g), draw.sign()
            swing(out, draw, infant, leg, at + lag, peak_g=peak, flex=flex, **timing)
        if draw.chance(0.6):
            lag = draw.between(0.0, 0.3)
            shake_trunk(out, draw, infant, at + lag, peak_g=draw.log_between(*trunk_g), **timing)
        if draw.chance(0.7):
            _flail(out, draw, infant, at, leg_g, rise, fall)
        at += draw.log_between(0.15, 1.0)


def _flail(
    out: StepList, draw: Draw, infant: Infant, at_s: float, arm_g: _Range, rise_s: float, fall_s: float
) -> None:
    timing = {"rise_s": rise_s * draw.between(0.8, 1.2), "fall_s": fall_s}
    for arm in arms_of(draw_side(draw, 0.4)):
        lag, peak, flex = draw.between(0.0, 0.3), draw.log_between(*arm_g), draw.sign()
        swing_arm(out, draw, infant, arm, at_s + lag, peak_g=peak, flex=flex, **timing)
    if draw.chance(0.4):
        peak, turn = 0.4 * draw.log_between(*arm_g), draw.between(-0.95, 0.95)
        nod(out, draw, infant, at_s, peak_g=peak, flex=draw.sign(), turn=turn, reaction=0.0, **timing)


def bow(out: StepList, draw: Draw, angle: float, rise_s: float, hold_s: float, fall_s: float) -> None:
    """Bend the back by `angle` (rad, forwards), hold it as muscle does, and let go; a little to one side as well."""
    timing = {"rise_s": rise_s, "fall_s": fall_s, "hold_s": hold_s, "give": draw.log_between(0.03, 0.12)}
    _held(out, draw, Channel.SPINE_FLEX, draw.between(0.0, 0.2), angle, **timing)
    _held(out, draw, Channel.ROOT_PITCH, draw.between(0.0, 0.2), 0.3 * angle, **timing)
    _held(out, draw, Channel.SPINE_BEND, 0.0, angle * draw.between(-0.5, 0.5), **timing)
    _held(out, draw, Channel.ROOT_ROLL, 0.0, angle * draw.between(-0.5, 0.5), **timing)
