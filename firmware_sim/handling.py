"""Being handled: picked up, held, put down, changed, fed and burped.

No figure for what sensors see of it was found; all numbers are estimates [E], drawn wide.
"""

from __future__ import annotations

from typing import Final

from firmware_sim.body import LEFT, RIGHT
from firmware_sim.conveyance import conveyed, patting, wander
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Movement, merged, shake_trunk
from firmware_sim.steps import Channel, StepList
from firmware_sim.waves import waver

__all__ = ["HANDLINGS", "feed", "handling"]

HANDLINGS: Final = ("lifted", "nappy_change", "comforted")


def handling(
    draw: Draw, infant: Infant, *, what: str | None = None, duration_s: float | None = None
) -> Movement:
    """Picked up, held upright and put down; or changed, the legs lifted by an adult; or comforted in the cot.

    Args:
        draw: Random stream.
        infant: Who is handled.
        what: One of HANDLINGS.
        duration_s: Whole length.
    """
    what = what or draw.one_of(HANDLINGS, (0.4, 0.35, 0.25))
    write = {"lifted": _lifted, "nappy_change": _changed, "comforted": _comforted}[what]
    return write(draw, infant, duration_s)


def feed(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """A feed of 5-30 min: picked up, lying in an arm, burped upright once or more, put down.

    Sucking itself is a movement of its own; hiccups and arching may follow.
    """
    total, out = duration_s or draw.log_between(300.0, 1800.0), StepList()
    total = max(total, 40.0)
    _carry_up(out, draw, 0.0, total, pitch_rad=draw.between(0.4, 0.9), roll_rad=draw.between(-0.8, 0.8))
    held = conveyed(out.build(), "feed", 1)
    parts, at = [held], 0.5 * total
    for _ in range(draw.one_of((1, 2, 3), (0.5, 0.35, 0.15))):
        span = min(draw.log_between(20.0, 120.0), 0.4 * (total - at))
        if span > 8.0 and at + span < total - 6.0:
            parts += _burped(draw, infant, at, span)
        at += span + draw.between(20.0, 120.0)
    return merged(parts)


def _burped(draw: Draw, infant: Infant, at_s: float, span_s: float) -> list[Movement]:
    """Upright against a shoulder, patted on the back."""
    out = StepList()
    turn, up = draw.between(1.0, 2.0), -draw.between(0.3, 0.7)
    hold = {"rise_s": turn, "hold_s": max(span_s - 2.0 * turn, 0.2), "fall_s": turn}
    out.pulse(Channel.CARRIER_PITCH, at_s, up, **hold)
    out.pulse(Channel.POS_Z, at_s, draw.between(0.05, 0.25), **hold)
    pats = patting(draw, infant, duration_s=max(span_s - 2.0 * turn - 2.0, 2.0))
    return [Movement(out.build()), pats.shifted(at_s + turn)]


def _lifted(draw: Draw, _infant: Infant, duration_s: float | None) -> Movement:
    total, out = max(duration_s or draw.log_between(20.0, 400.0), 8.0), StepList()
    _carry_up(out, draw, 0.0, total, pitch_rad=draw.between(0.6, 1.4), roll_rad=draw.between(-0.4, 0.4))
    return conveyed(out.build(), "lifted", 1)


def _carry_up(
    out: StepList, draw: Draw, at_s: float, total_s: float, *, pitch_rad: float, roll_rad: float
) -> None:
    """Hands go under, the infant rises and is turned, is held by arms that sway, and is laid down gently."""
    up, down = draw.between(1.0, 2.2), draw.between(1.5, 3.5)
    grip = draw.between(0.5, 1.2)
    for channel, size in (
        (Channel.ROOT_ROLL, draw.between(-0.25, 0.25)),
        (Channel.SPINE_FLEX, draw.between(0.05, 0.2)),
    ):
        out.pulse(channel, at_s, size, rise_s=grip, hold_s=0.4, fall_s=grip)
    rise_at, hold = at_s + grip, max(total_s - grip - up - down, 0.5)
    height = draw.between(0.3, 0.9)
    for channel, size in (
        (Channel.POS_Z, height),
        (Channel.POS_X, draw.between(-0.3, 0.3)),
        (Channel.POS_Y, draw.between(-0.5, 0.5)),
        (Channel.CARRIER_PITCH, -pitch_rad),
        (Channel.CARRIER_ROLL, roll_rad),
        (Channel.SPINE_FLEX, draw.between(0.05, 0.35)),
    ):
        late = draw.between(0.0, 0.3)
        timing = {
            "rise_s": up * draw.between(0.8, 1.2),
            "hold_s": hold - late,
            "fall_s": down * draw.between(0.8, 1.1),
        }
        out.pulse(channel, rise_at + late, size, **timing)
    for leg in (LEFT, RIGHT):
        dangle = {"rise_s": up, "hold_s": hold, "fall_s": down}
        out.pulse(leg.hip, rise_at + draw.between(0.0, 0.3), -draw.between(0.1, 0.6), **dangle)
        out.pulse(leg.knee, rise_at + draw.between(0.0, 0.3), -draw.between(0.0, 0.6), **dangle)
    wander(out, draw, rise_at + up, max(hold, 1.0), draw.log_between(0.01, 0.05))
    _held_in_arms(out, draw, rise_at + 0.6 * up, hold + 0.4 * up)
    _settle_anew(out, draw, rise_at + up, hold)


def _held_in_arms(out: StepList, draw: Draw, at_s: float, span_s: float) -> None:
    """Arms tire and shift over many seconds, sway by centimetres; legs that hang swing and stir."""
    held = {
        Channel.CARRIER_PITCH: draw.log_between(0.08, 0.25),
        Channel.SPINE_FLEX: draw.log_between(0.02, 0.1),
    }
    waver(out, draw, held, at_s, span_s, draw.log_between(3.0, 12.0))
    aside = {Channel.CARRIER_ROLL: draw.log_between(0.04, 0.2), Channel.POS_Y: draw.log_between(0.01, 0.04)}
    waver(out, draw, aside, at_s, span_s, draw.log_between(2.0, 10.0))
    for leg in (LEFT, RIGHT):
        hanging = {leg.hip: draw.log_between(0.03, 0.15), leg.abduction: draw.between(-0.06, 0.06)}
        waver(out, draw, hanging, at_s, span_s, draw.log_between(0.6, 3.0))
        waver(out, draw, {leg.knee: draw.log_between(0.03, 0.2)}, at_s, span_s, draw.log_between(0.6, 3.0))


def _settle_anew(out: StepList, draw: Draw, at_s: float, span_s: float) -> None:
    """Now and then whoever holds the infant shifts it, or shifts in the chair: a push and a new tilt."""
    at = at_s + draw.log_between(2.0, 40.0)
    while at < at_s + span_s - 12.0:
        turn, stay = draw.log_between(0.4, 1.5), draw.log_between(0.3, 8.0)
        timing = {"rise_s": turn, "hold_s": stay, "fall_s": turn * draw.between(0.8, 1.6)}
        out.pulse(Channel.CARRIER_PITCH, at, draw.between(-0.25, 0.25), **timing)
        out.pulse(Channel.CARRIER_ROLL, at, draw.between(-0.2, 0.2), **timing)
        out.pulse(Channel.POS_Z, at, draw.between(-0.06, 0.06), **timing)
        leg = draw.one_of((LEFT, RIGHT))
        out.pulse(leg.hip, at + 0.2 * turn, draw.between(-0.2, 0.3), **timing)
        at += 2.0 * turn + stay + draw.log_between(3.0, 90.0)


def _changed(draw: Draw, infant: Infant, duration_s: float | None) -> Movement:
    """A nappy change: both legs are taken by the ankles and lifted, held, wiped under, put down."""
    total, out = max(duration_s or draw.log_between(45.0, 240.0), 15.0), StepList()
    at = draw.between(0.3, 2.0)
    while at < total - 8.0:
        hold = min(draw.log_between(2.0, 15.0), total - at - 5.0)
        _legs_lifted(out, draw, at, hold)
        _wiped(out, draw, infant, at + 0.8, hold)
        at += hold + 2.5
        for _ in range(draw.whole(1, 5)):
            if at < total - 4.0:
                _tugged(out, draw, infant, at)
                at += draw.log_between(0.5, 4.0)
    return conveyed(out.build(), "nappy_change", 1)


def _legs_lifted(out: StepList, draw: Draw, at_s: float, hold_s: float) -> None:
    """One hand holds both ankles: they go together nearly to the degree, sway with it and are pulled at."""
    rise, fall = draw.between(0.5, 1.2), draw.between(0.6, 1.6)
    hip, knee, timing = (
        draw.between(0.5, 1.1),
        -draw.between(0.3, 1.0),
        {"rise_s": rise, "hold_s": hold_s, "fall_s": fall},
    )
    for leg in (LEFT, RIGHT):
        out.pulse(leg.hip, at_s, hip * draw.between(0.95, 1.05), **timing)
        out.pulse(leg.knee, at_s, knee * draw.between(0.9, 1.1), **timing)
        out.pulse(leg.abduction, at_s, -draw.between(0.2, 0.5), **timing)
    tip = draw.between(0.1, 0.5)
    out.pulse(Channel.ROOT_PITCH, at_s + 0.1, tip, **timing)
    out.pulse(Channel.SPINE_FLEX, at_s + 0.1, draw.between(0.6, 1.1) * tip, **timing)
    _sway_with_hand(out, draw, at_s + 0.6 * rise, 0.4 * rise + hold_s + 0.6 * fall, tip)


def _sway_with_hand(out: StepList, draw: Draw, at_s: float, span_s: float, tip_rad: float) -> None:
    """The hand lifts higher and sinks, leans aside; a leg pulls against it by itself."""
    raised, bent = draw.log_between(0.08, 0.25), draw.log_between(0.08, 0.25)
    both = {LEFT.hip: raised, RIGHT.hip: raised, Channel.ROOT_PITCH: draw.between(0.1, 0.5) * tip_rad}
    waver(out, draw, both, at_s, span_s, draw.log_between(0.5, 2.0), ease_s=0.8)
    waver(
        out, draw, {LEFT.knee: bent, RIGHT.knee: bent}, at_s, span_s, draw.log_between(0.5, 2.0), ease_s=0.8
    )
    lean = draw.log_between(0.05, 0.2)
    aside = {LEFT.abduction: lean, RIGHT.abduction: -lean, Channel.ROOT_ROLL: 0.5 * lean}
    waver(out, draw, aside, at_s, span_s, draw.log_between(0.6, 3.0), ease_s=0.8)
    for leg in (LEFT, RIGHT):
        own = {leg.hip: draw.log_between(0.003, 0.015), leg.knee: draw.log_between(0.01, 0.06)}
        waver(out, draw, own, at_s, span_s, draw.log_between(0.3, 1.0), ease_s=0.8)


def _wiped(out: StepList, draw: Draw, infant: Infant, at_s: float, span_s: float) -> None:
    """Wiping and pulling shake the pelvis a little, two or three times a second."""
    at = at_s
    while at < at_s + span_s:
        rise = draw.log_between(0.08, 0.3)
        shake_trunk(
            out, draw, infant, at, peak_g=draw.log_between(0.01, 0.12), rise_s=rise, fall_s=1.3 * rise
        )
        at += draw.log_between(0.25, 1.5)


def _tugged(out: StepList, draw: Draw, infant: Infant, at_s: float) -> None:
    """Tabs, trousers, sleeves: a leg is moved and let go, the trunk rolled."""
    rise, hold = draw.log_between(0.25, 0.9), draw.log_between(0.2, 2.5)
    leg = draw.one_of((LEFT, RIGHT))
    timing = {"rise_s": rise, "hold_s": hold, "fall_s": rise * draw.between(1.0, 2.0)}
    out.pulse(leg.hip, at_s, draw.between(-0.4, 0.6), **timing)
    out.pulse(leg.knee, at_s + 0.1 * rise, draw.between(-0.8, 0.5), **timing)
    out.pulse(leg.rotation, at_s, draw.between(-0.3, 0.3), **timing)
    out.pulse(Channel.ROOT_ROLL, at_s, draw.between(-0.5, 0.5), **timing)
    shake_trunk(out, draw, infant, at_s, peak_g=draw.log_between(0.02, 0.2), rise_s=rise, fall_s=rise)


def _comforted(draw: Draw, infant: Infant, duration_s: float | None) -> Movement:
    """A hand laid on, stroking and gently rolling the infant to and fro in its cot."""
    total, out = max(duration_s or draw.log_between(15.0, 180.0), 5.0), StepList()
    at, stroke = 0.0, draw.between(0.6, 2.0)
    lean = draw.sign() * draw.between(0.02, 0.2)
    while at < total - 2.0 * stroke:
        span = draw.spread(stroke, 0.2)
        out.pulse(Channel.ROOT_ROLL, at, draw.spread(lean, 0.3), rise_s=0.5 * span, fall_s=0.5 * span)
        out.pulse(
            Channel.SPINE_TWIST, at, 0.3 * lean * draw.between(-1, 1), rise_s=0.4 * span, fall_s=0.6 * span
        )
        out.pulse(Channel.POS_Z, at, -draw.between(0.0005, 0.003), rise_s=0.4 * span, fall_s=0.5 * span)
        if draw.chance(0.1):
            shake_trunk(out, draw, infant, at, peak_g=draw.log_between(0.01, 0.1), rise_s=0.2, fall_s=0.3)
        at += span + (draw.log_between(0.5, 8.0) if draw.chance(0.15) else 0.0)
    return conveyed(out.build(), "comforted", 1)
