"""Movements of the whole body: stretch, arousal, crying and fussing, turning over.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from dsp.records import Label
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Movement, draw_side, legs_of, mark_all, shake_trunk, swing
from firmware_sim.steps import Channel, StepList, Steps
from firmware_sim.tremors import tremble

__all__ = ["arousal", "bow", "crying", "fussing", "posture_change", "stretch"]


def stretch(draw: Draw, _infant: Infant) -> Movement:
    """A stretch: legs and back extend slowly, tremble a little, and let go (row Stretch).

    2-8 s, ramped; ankle 0.1-0.4 g, trunk 0.1-0.3 g and tilt [E]; the legs are not quite together.
    """
    out, total = StepList(), draw.between(2.0, 8.0)
    rise, fall = total * draw.between(0.25, 0.45), total * draw.between(0.2, 0.4)
    hold = max(total - rise - fall, 0.0)
    for leg in legs_of(draw_side(draw, 0.8)):
        at = draw.between(0.0, 0.2) * rise
        timing = {"rise_s": rise, "fall_s": fall, "hold_s": hold}
        out.pulse(leg.hip, at, -draw.between(0.2, 0.8), **timing)
        out.pulse(leg.knee, at + 0.1 * rise, -draw.between(0.3, 0.9), **timing)
        out.pulse(leg.abduction, at, draw.between(-0.3, 0.2), **timing)
        shake = {leg.knee: draw.log_between(0.0005, 0.006)}
        tremble(out, draw, shake, at + 0.5 * rise, 0.5 * rise + hold, rate_hz=draw.between(5.0, 11.0))
    bow(out, draw, -draw.between(0.1, 0.5), rise, hold, fall)
    return mark_all(out.build(), Label.MOVEMENT, "stretch")


def arousal(draw: Draw, infant: Infant) -> Movement:
    """Sigh, startle, then thrashing for 2-4 s [F53]; ankle 0.3-1.5 g, trunk 0.2-0.6 g [E, row Arousal]."""
    out = StepList()
    sigh = draw.between(0.02, 0.06)
    out.pulse(Channel.SPINE_FLEX, 0.0, -sigh, rise_s=draw.between(0.8, 1.4), fall_s=draw.between(1.2, 2.0))
    at = draw.between(0.8, 2.0)
    _thrash(out, draw, infant, at, draw.between(2.0, 4.0), leg_g=(0.25, 1.2), trunk_g=(0.15, 0.5))
    return mark_all(out.build(), Label.MOVEMENT, "arousal")


def fussing(draw: Draw, infant: Infant) -> Movement:
    """A few seconds of squirming; weaker and slower than thrashing [E, between rows Kicking and Crying]."""
    out = StepList()
    _thrash(out, draw, infant, 0.0, draw.log_between(1.5, 10.0), leg_g=(0.08, 0.7), trunk_g=(0.04, 0.3))
    return mark_all(out.build(), Label.MOVEMENT, "fussing")


def crying(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Crying: the trunk at 0.7-1.5 Hz, legs thrashing; ankle 0.3-1.5 g, trunk 0.1-0.5 g [E, row Crying]."""
    out, total = StepList(), duration_s or draw.log_between(8.0, 180.0)
    cry_s, peak, at = 1.0 / draw.between(0.7, 1.5), draw.log_between(0.1, 0.5), 0.0
    while at < total:
        span = draw.spread(cry_s, 0.15)
        _bow_at(out, draw, at, draw.between(0.03, 0.12), span)
        shake_trunk(
            out, draw, infant, at, peak_g=draw.spread(0.4 * peak, 0.4), rise_s=0.3 * span, fall_s=0.5 * span
        )
        if draw.chance(0.35):
            _thrash(
                out, draw, infant, at, draw.between(0.5, 2.0), leg_g=(0.2, 1.1), trunk_g=(0.4 * peak, peak)
            )
        at += span
    return mark_all(out.build(), Label.MOVEMENT, "crying")


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
    leg_g: tuple[float, float],
    trunk_g: tuple[float, float],
) -> None:
    at = at_s
    while at < at_s + span_s:
        rise = draw.log_between(0.12, 0.6)
        fall = rise * draw.log_between(0.6, 2.5)
        for leg in legs_of(draw_side(draw, 0.35)):
            swing(
                out,
                draw,
                infant,
                leg,
                at + draw.between(0.0, 0.25),
                peak_g=draw.log_between(*leg_g),
                rise_s=rise,
                fall_s=fall,
                flex=draw.sign(),
            )
        if draw.chance(0.6):
            lag = draw.between(0.0, 0.3)
            shake_trunk(
                out, draw, infant, at + lag, peak_g=draw.log_between(*trunk_g), rise_s=rise, fall_s=fall
            )
        at += draw.log_between(0.15, 1.0)


def bow(out: StepList, draw: Draw, angle: float, rise_s: float, hold_s: float, fall_s: float) -> None:
    """Bend the back by `angle` (rad, forwards), hold it, and let go; a little to one side as well."""
    timing = {"rise_s": rise_s, "fall_s": fall_s, "hold_s": hold_s}
    out.pulse(Channel.SPINE_FLEX, draw.between(0.0, 0.2), angle, **timing)
    out.pulse(Channel.ROOT_PITCH, draw.between(0.0, 0.2), -0.4 * angle, **timing)
    out.pulse(Channel.SPINE_BEND, 0.0, angle * draw.between(-0.5, 0.5), **timing)
    out.pulse(Channel.ROOT_ROLL, 0.0, angle * draw.between(-0.5, 0.5), **timing)


def _bow_at(out: StepList, draw: Draw, at_s: float, angle: float, span_s: float) -> None:
    out.pulse(Channel.SPINE_FLEX, at_s, angle, rise_s=0.45 * span_s, fall_s=0.5 * span_s)
    out.pulse(
        Channel.ROOT_PITCH,
        at_s,
        -0.3 * angle * draw.between(0.2, 1.0),
        rise_s=0.4 * span_s,
        fall_s=0.55 * span_s,
    )
