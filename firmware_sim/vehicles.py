"""Motion from machines and wheels: powered cradle, stroller, car, bouncing chair; and a door that slams.

Numbers cite tables 1a and 1b of the project's clinical reference: [Fn] its sources, [M] from memory of the
literature, [E] an estimate, drawn from a wide range. Stroller figures are of dummies at the seat pan [F48].
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.conveyance import conveyed, hold_reclined
from firmware_sim.draw import Draw
from firmware_sim.jerks import startle
from firmware_sim.kicks import kicking
from firmware_sim.movement import Infant, Movement, merged
from firmware_sim.steps import Channel, StepList
from firmware_sim.waves import (
    ROAD_KNOT_S,
    SWAY_KNOT_S,
    beats,
    displacement_of,
    envelope,
    knots,
    low_noise,
    phase_of,
    resonance,
    rough,
    swing_of,
)

__all__ = ["SURFACES", "bouncing_chair", "car", "door_slam", "powered_cradle", "stroller"]

_Floats = NDArray[np.float64]

SURFACES: Final[dict[str, tuple[float, float]]] = {
    "tarmac": (0.5, 1.1),
    "pavers": (1.6, 3.6),
    "cobbles": (2.4, 5.2),
}
"""Vertical RMS in m/s^2 at 5 km/h [F48]."""
_SOFTENED_HZ: Final = 40.0
"""Above it a seat and its straps pass on little that is not straight up [E]."""
_BIKE_SURFACES: Final[dict[str, tuple[float, float]]] = {
    "tarmac": (0.9, 2.8),
    "pavers": (4.5, 12.6),
    "cobbles": (4.5, 12.6),
}


def powered_cradle(
    draw: Draw, _infant: Infant, *, duration_s: float | None = None, rate_hz: float | None = None
) -> Movement:
    """A motor rocks the cradle: 0.25-2 Hz, CV below 0.02 [E], up to 15 mm [F50], with the motor's hum."""
    total = duration_s or draw.log_between(120.0, 3600.0)
    rate, out = rate_hz or draw.log_between(0.25, 2.0), StepList()
    t = knots(total, SWAY_KNOT_S)
    phase = phase_of(t, beats(draw, total, rate, draw.between(0.001, 0.012)))
    moved = swing_of(draw, phase, (1.0, draw.between(0.0, 0.12), draw.between(0.0, 0.06)), vary=0.01)
    moved *= envelope(t, total, min(2.0 / rate, 0.3 * total))
    reach = min(draw.between(0.013, 0.060), 1.5 / (2.0 * np.pi * rate) ** 2)
    heading, tilt = draw.between(0.0, 2.0 * np.pi), draw.log_between(0.01, 0.15)
    for channel, size in (
        (Channel.POS_X, reach * np.cos(heading)),
        (Channel.POS_Y, reach * np.sin(heading)),
        (Channel.POS_Z, min(draw.between(0.0, 0.015), reach)),
        (Channel.CARRIER_PITCH, tilt * np.cos(heading)),
        (Channel.CARRIER_ROLL, -tilt * np.sin(heading)),
    ):
        out.spline(channel, 2.0 * SWAY_KNOT_S, SWAY_KNOT_S, moved * size)
    _hum(out, draw, total)
    return conveyed(out.build(), "powered_cradle", int(total * rate))


def _hum(out: StepList, draw: Draw, total_s: float) -> None:
    """A motor's turning and its second harmonic, a few mg [E]."""
    t = knots(total_s, ROAD_KNOT_S)
    turning = (
        2.0 * np.pi * draw.between(15.0, 60.0) * (t + 0.02 * np.cumsum(low_noise(draw, t, 5.0)) * ROAD_KNOT_S)
    )
    accel = np.sin(turning) + draw.between(0.1, 0.6) * np.sin(2.0 * turning + 1.0)
    accel *= draw.log_between(0.01, 0.12) * envelope(t, total_s, min(1.0, 0.3 * total_s))
    out.spline(Channel.POS_Z, 2.0 * ROAD_KNOT_S, ROAD_KNOT_S, displacement_of(accel, ROAD_KNOT_S))


def stroller(
    draw: Draw,
    infant: Infant,
    *,
    duration_s: float | None = None,
    surface: str | None = None,
    bike: bool = False,
    stops: bool = True,
) -> Movement:
    """Pushed over streets (row Stroller), or ridden in a cargo bike.

    The spectrum peaks at 3.9-11.1 Hz and 80 % of its power lies below 20-106 Hz; vertical RMS 0.5-1.1 m/s2
    on tarmac, 1.6-3.6 on pavers, 2.4-5.2 on cobbles at 5 km/h; crest 3.3-13.5; curbs 17-146 m/s2 [F48].

    Args:
        draw: Random stream.
        infant: Who lies in it.
        duration_s: Length of the ride.
        surface: One of SURFACES all the way; drawn anew every few minutes when None.
        bike: A cargo bike: 0.9-2.8 m/s2 on tarmac, 4.5-12.6 on pavers, peak at 5.0-9.7 Hz [F48].
        stops: Stand still now and then, and cross curbs.
    """
    total = duration_s or draw.log_between(300.0, 3600.0)
    t = knots(total, ROAD_KNOT_S)
    level = _levels(draw, t, _BIKE_SURFACES if bike else SURFACES, surface)
    level *= envelope(t, total, min(3.0, 0.2 * total)) * _speed(draw, t, stops=stops)
    peak_hz = draw.between(5.0, 9.7) if bike else draw.between(3.9, 11.1)
    below_hz, rest = draw.log_between(20.0, 106.0), draw.between(0.5, 0.85)
    top_hz = peak_hz + (below_hz - peak_hz) / (1.0 - 0.2 / rest)
    up = level * rough(draw, t.size, peak_hz, draw.between(0.08, 0.25), top_hz, rest)
    up += _bumps(draw, t, level, peak_hz, curbs=stops)
    return _driven(draw, infant, t, up, level, peak_hz, "cargo_bike" if bike else "stroller")


def car(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """A drive: the body at 1-2 Hz, the wheels at 10-15 Hz [M, row Car]; RMS 0.2-0.9 m/s2 [E]."""
    total = duration_s or draw.log_between(300.0, 3600.0)
    t = knots(total, ROAD_KNOT_S)
    level = draw.log_between(0.2, 0.9) * np.exp(0.4 * low_noise(draw, t, 30.0))
    level *= envelope(t, total, min(3.0, 0.2 * total)) * _speed(draw, t, stops=True)
    body = rough(draw, t.size, draw.between(1.0, 2.0), draw.between(0.2, 0.35), 60.0, draw.between(0.1, 0.3))
    hop = rough(draw, t.size, draw.between(10.0, 15.0), draw.between(0.08, 0.2), 90.0, draw.between(0.2, 0.5))
    share = draw.between(0.4, 0.8)
    up = level * (np.sqrt(share) * body + np.sqrt(1.0 - share) * hop)
    up += _bumps(draw, t, level, 12.0, curbs=False)
    return _driven(draw, infant, t, up, level, 1.5, "car", manoeuvres=True)


def _levels(draw: Draw, t_s: _Floats, table: dict[str, tuple[float, float]], surface: str | None) -> _Floats:
    """RMS over the ride: one surface, or tarmac, pavers and cobbles a few minutes each."""
    level, at = np.empty_like(t_s), 0
    while at < t_s.size:
        name = surface or draw.one_of(tuple(table), (0.55, 0.33, 0.12))
        span = t_s.size if surface else int(draw.log_between(20.0, 400.0) / ROAD_KNOT_S)
        level[at : at + span] = draw.between(*table[name])
        at += span
    width = int(0.5 / ROAD_KNOT_S)
    padded = np.concatenate([np.full(width, level[0]), level, np.full(width, level[-1])])
    total = np.cumsum(padded)
    return np.asarray((total[2 * width :] - total[: -2 * width])[: t_s.size] / (2 * width), np.float64)


def _speed(draw: Draw, t_s: _Floats, *, stops: bool) -> _Floats:
    """Speed over the usual one: it wanders a little, and stands still at crossings [E]."""
    speed = np.clip(1.0 + 0.12 * low_noise(draw, t_s, 8.0), 0.4, 1.6)
    at = draw.log_between(20.0, 300.0)
    while stops and at < float(t_s[-1]):
        halt = draw.log_between(4.0, 60.0)
        x = np.clip((np.abs(t_s - at - 0.5 * halt) - 0.5 * halt) / 1.5 + 1.0, 0.0, 1.0)
        speed *= x * x * (3.0 - 2.0 * x)
        at += halt + draw.log_between(20.0, 500.0)
    return np.asarray(speed, np.float64)


def _bumps(draw: Draw, t_s: _Floats, level: _Floats, ring_hz: float, *, curbs: bool) -> _Floats:
    """Joints, cracks and curbs: blows of 8-30 ms, heavy-tailed in size, that ring on in the frame."""
    blows = np.zeros_like(t_s)
    for _ in range(int(draw.rng.poisson(float(t_s[-1]) * draw.log_between(0.02, 0.5)))):
        at = draw.whole(0, t_s.size - 1)
        _blow(blows, draw, at, float(level[at]) * min(2.0 + float(draw.rng.pareto(2.5)), 11.0))
    for _ in range(int(draw.rng.poisson(float(t_s[-1]) / 240.0)) if curbs else 0):
        at = draw.whole(0, t_s.size - 1)
        if level[at] > 0.3:
            _blow(blows, draw, at, draw.log_between(17.0, 146.0))
    return blows + 0.3 * resonance(blows, ring_hz, 0.2)


def _blow(blows: _Floats, draw: Draw, at: int, peak: float) -> None:
    width = max(int(draw.between(0.008, 0.030) / ROAD_KNOT_S), 3)
    shape = np.sin(np.linspace(0.0, np.pi, width)) ** 2
    down = np.concatenate([shape, -0.5 * np.repeat(shape, 2)])
    room = min(down.size, blows.size - at)
    blows[at : at + room] += peak * down[:room]


def _driven(
    draw: Draw,
    infant: Infant,
    t_s: _Floats,
    up: _Floats,
    level: _Floats,
    peak_hz: float,
    true_class: str,
    *,
    manoeuvres: bool = False,
) -> Movement:
    """What the seat passes on: mostly upwards, less sideways, some pitching; limbs, chest and head give a little."""
    out = StepList()
    _put(out, Channel.POS_Z, up)
    shared = resonance(up, _SOFTENED_HZ, 0.7)
    for channel, size in (
        (Channel.POS_X, draw.between(0.2, 0.5)),
        (Channel.POS_Y, draw.between(0.2, 0.5)),
        (Channel.CARRIER_PITCH, draw.between(0.3, 1.0)),
        (Channel.CARRIER_ROLL, draw.between(0.3, 1.0)),
    ):
        own = rough(
            draw, t_s.size, peak_hz * draw.between(0.6, 1.2), draw.between(0.1, 0.3), _SOFTENED_HZ, 0.3
        )
        _put(out, channel, size * (0.7 * level * own + 0.3 * shared), every=2)
    _give(out, draw, infant, up)
    hold_reclined(out, draw, float(t_s[-1]), (0.15, 0.8))
    if manoeuvres:
        _manoeuvres(out, draw, float(t_s[-1]))
    return conveyed(out.build(), true_class, 1)


def _give(out: StepList, draw: Draw, infant: Infant, up: _Floats) -> None:
    """Joints give way at 3-8 Hz: 2-12 % of the shaking, the head's up to 30 % [E]."""
    body = infant.body
    for channel, lever_m, most in (
        (Channel.L_HIP_FLEX, body.hip_lever_m, 0.12),
        (Channel.R_HIP_FLEX, body.hip_lever_m, 0.12),
        (Channel.L_KNEE, body.shank_m, 0.12),
        (Channel.R_KNEE, body.shank_m, 0.12),
        (Channel.SPINE_FLEX, body.pelvis_to_spine_m + body.chest_lever_m, 0.12),
        (Channel.L_SHOULDER_FLEX, body.arm_lever_m, 0.12),
        (Channel.R_SHOULDER_FLEX, body.arm_lever_m, 0.12),
        (Channel.HEAD_NOD, body.head_lever_m, 0.30),
    ):
        soft = resonance(up, draw.between(3.0, 8.0), draw.between(0.25, 0.5))
        _put(out, channel, soft * (draw.sign() * draw.log_between(0.02, most) / lever_m), every=2)


def _put(out: StepList, channel: Channel, accel: _Floats, *, every: int = 1) -> None:
    """Write an acceleration; what is soft needs only every second knot."""
    knot_s = every * ROAD_KNOT_S
    out.spline(channel, 2.0 * knot_s, knot_s, displacement_of(accel[::every], knot_s))


def _manoeuvres(out: StepList, draw: Draw, total_s: float) -> None:
    """Braking, pulling away and bends: 0.5-3 m/s2 for a few seconds [E]."""
    every_s, from_hz = 0.25, 0.05
    moving_s = total_s - 3.0 / from_hz
    if moving_s < 30.0:
        return
    t = knots(total_s, every_s)
    for channel in (Channel.POS_X, Channel.POS_Y):
        accel = np.zeros_like(t)
        for _ in range(int(draw.rng.poisson(moving_s / 25.0))):
            at, span = draw.between(0.0, moving_s), draw.between(2.0, 6.0)
            hump = np.clip(1.0 - ((t - at) / (0.5 * span)) ** 2, 0.0, None) ** 2
            accel += draw.sign() * draw.log_between(0.4, 3.0) * hump
        accel *= envelope(t, moving_s, 5.0)
        out.spline(
            channel, 2.0 * every_s, every_s, displacement_of(accel, every_s, from_hz=from_hz, more_s=0.0)
        )


def door_slam(draw: Draw, infant: Infant, *, startles: int | None = None) -> Movement:
    """A door slams: the floor shakes every sensor for a fifth of a second, then a startle or a pair [E].

    `startles` is how many follow, up to two; drawn when None.
    """
    out = StepList()
    peak = draw.log_between(0.3, 3.0)
    for channel, share in (
        (Channel.POS_Z, 1.0),
        (Channel.POS_X, draw.between(0.2, 0.8)),
        (Channel.POS_Y, 0.4),
    ):
        t = knots(0.8, ROAD_KNOT_S)
        blow = np.zeros_like(t)
        _blow(blow, draw, draw.whole(4, 12), peak * share)
        _put(out, channel, blow + resonance(blow, draw.between(12.0, 28.0), draw.between(0.06, 0.2)))
    parts = [conveyed(out.build(), "door_slam", 1)]
    at = draw.between(0.15, 0.45)
    n = startles if startles is not None else draw.one_of((0, 1, 2), (0.15, 0.55, 0.3))
    if n > 0:
        parts.append(startle(draw, infant, pair=n > 1).shifted(at))
    return merged(parts)


def bouncing_chair(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """A spring seat at 1-2 Hz, driven by the infant's own kicks or by a foot [E]."""
    total = duration_s or draw.log_between(30.0, 600.0)
    t = knots(total, SWAY_KNOT_S)
    kicks, push, at = [], np.zeros_like(t), 1.0
    by_foot = draw.chance(0.4)
    if by_foot:
        beat = beats(draw, total, draw.between(0.8, 2.0), draw.between(0.05, 0.12))
        push += draw.log_between(0.2, 1.2) * np.sin(phase_of(t, beat))
    while not by_foot and at < total - 6.0:
        bout = kicking(draw, infant, count=draw.whole(1, 8)).shifted(at)
        kicks.append(bout)
        for start in np.unique(bout.steps.start_s[bout.steps.delta > 0.2]):
            push += draw.log_between(0.3, 3.0) * np.clip(1.0 - ((t - start) / 0.15) ** 2, 0.0, None) ** 2
        at = bout.duration_s + draw.log_between(1.0, 12.0)
    push *= envelope(t, total, min(1.5, 0.2 * total), min(4.0, 0.4 * total))
    rate = draw.between(1.0, 2.0)
    sway = resonance(push, rate, draw.between(0.05, 0.15), knot_s=SWAY_KNOT_S) / (2.0 * np.pi * rate) ** 2
    sway *= envelope(t, total, 0.5, min(4.0, 0.4 * total))
    out = StepList()
    for channel, size in (
        (Channel.POS_Z, 1.0),
        (Channel.CARRIER_PITCH, draw.between(1.0, 3.0)),
        (Channel.POS_X, 0.4),
    ):
        out.spline(channel, 2.0 * SWAY_KNOT_S, SWAY_KNOT_S, sway * size)
    hold_reclined(out, draw, total, (0.3, 0.9))
    return merged([conveyed(out.build(), "bouncing_chair", 1), *kicks])
