"""What keeps a body from moving like a machine: movements made of smaller ones, and never quite lying still.

References:
    von Hofsten (1991), Structuring of early reaching movements, J Motor Behav 23:280 (infants' movements
    consist of several units). The shares and sizes here are estimates, drawn wide.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import State
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Mark, Movement
from firmware_sim.sleep import Bout
from firmware_sim.splines import Spline
from firmware_sim.steps import Channel, Steps

__all__ = ["enliven", "fidgeting", "in_the_way_of", "with_units"]

_WHOLE_BELOW_S: Final = 0.12
"""A shorter step is one twitch of muscle and has no parts."""
_SPLIT_SHARE: Final = 0.7
_FIDGET_RAD: Final = {State.AWAKE: 0.010, State.ACTIVE_SLEEP: 0.004, State.QUIET_SLEEP: 0.003}
"""Median size [E]: a few mg of tilt, the order of the breath."""
_REACH_RAD: Final = 1.6
"""Further than this no joint of an infant turns in one movement [E]."""
_TRUNK_AND_LEGS: Final = tuple(c for c in Channel if Channel.ROOT_YAW <= c <= Channel.R_KNEE)
_HEAD_AND_ARMS: Final = tuple(c for c in Channel if c >= Channel.HEAD_NOD)


def with_units(steps: Steps, draw: Draw) -> Steps:
    """The same movements, most of their steps split into two overlapping units that sum to the same change.

    The second unit begins while the first is under way and may end up to a quarter later.
    """
    n = len(steps)
    splits = (draw.rng.random(n) < _SPLIT_SHARE) & (steps.span_s > _WHOLE_BELOW_S)
    share = np.where(splits, draw.rng.uniform(0.5, 0.9, n), 1.0)
    first_span = steps.span_s * np.where(splits, draw.rng.uniform(0.75, 1.0, n), 1.0)
    begin = draw.rng.uniform(0.1, 0.45, n)
    end = draw.rng.uniform(0.9, 1.25, n)
    first = Steps(steps.channel, steps.start_s, first_span, steps.delta * share, steps.splines)
    second = Steps(
        steps.channel[splits],
        (steps.start_s + begin * steps.span_s)[splits],
        ((end - begin) * steps.span_s)[splits],
        (steps.delta * (1.0 - share))[splits],
    )
    return Steps.join([first, second])


def enliven(movement: Movement, draw: Draw) -> Movement:
    """A movement made of units, with the truth it came with."""
    return Movement(with_units(movement.steps, draw), movement.marks)


def in_the_way_of(infant: Infant, movement: Movement) -> Movement:
    """A movement as large and as slow as this infant's are; motion from outside stays as it is.

    No joint turns further than it can: what would be larger is as large as can be. A series keeps its pace, or
    its gaps would leave what the series is defined by.
    """
    if (infant.vigour, infant.slowness) == (1.0, 1.0) or any(mark.conveyed for mark in movement.marks):
        return movement
    slow = 1.0 if any(mark.members for mark in movement.marks) else infant.slowness
    steps = movement.steps
    largest = float(np.max(np.abs(steps.delta), initial=1e-9))
    size = min(infant.vigour, max(_REACH_RAD / largest, 1.0))

    def made(own: Steps) -> Steps:
        splines = tuple(
            Spline(s.channel, slow * s.start_s, slow * s.knot_s, np.float32(size) * s.weights)
            for s in own.splines
        )
        return Steps(own.channel, slow * own.start_s, slow * own.span_s, size * own.delta, splines)

    def told(mark: Mark) -> Mark:
        return replace(
            mark,
            onset_s=slow * mark.onset_s,
            end_s=slow * mark.end_s,
            members=tuple(map(told, mark.members)),
            alone=None if mark.alone is None else made(mark.alone),
        )

    return Movement(made(steps), tuple(map(told, movement.marks)))


def fidgeting(draw: Draw, bout: Bout, per_hour: float) -> Steps:
    """Small slow stirrings of single joints all through a bout, now more and now less of them.

    Trunk and legs stir `per_hour` times, each joint of head and arms as often as each of theirs.
    """
    minutes = int(bout.duration_s // 60) + 1
    level = np.exp(draw.rng.normal(0.0, 0.8, minutes))
    above = per_hour * len(_HEAD_AND_ARMS) / len(_TRUNK_AND_LEGS)
    upper = _stirrings(draw.aside("head and arms"), bout, above, _HEAD_AND_ARMS, level)
    return Steps.join([_stirrings(draw, bout, per_hour, _TRUNK_AND_LEGS, level), upper])


def _stirrings(
    draw: Draw, bout: Bout, per_hour: float, joints: tuple[Channel, ...], level: NDArray[np.float64]
) -> Steps:
    n = int(draw.rng.poisson(per_hour * bout.duration_s / 3600.0))
    minute = draw.rng.choice(level.size, n, p=level / level.sum())
    start = bout.start_s + np.minimum(60.0 * (minute + draw.rng.random(n)), max(bout.duration_s - 6.0, 0.0))
    channel = draw.rng.choice(np.array(joints, np.int8), n)
    size = draw.rng.choice([-1.0, 1.0], n) * np.exp(draw.rng.normal(0.0, 0.9, n))
    delta = size * _FIDGET_RAD.get(bout.state, _FIDGET_RAD[State.ACTIVE_SLEEP]) * np.sqrt(level[minute])
    rise, fall = draw.rng.uniform(0.2, 1.5, n), draw.rng.uniform(0.3, 2.5, n)
    hold = rise * draw.rng.uniform(0.8, 2.0, n)
    return Steps(
        np.concatenate([channel, channel]),
        np.concatenate([start, start + hold]),
        np.concatenate([rise, fall]),
        np.concatenate([delta, -delta]),
    )
