"""How long movements may go on: sleep jerks end when the infant rouses, others go through it.

"Abrupt, consistent cessation with arousal" is what defines benign sleep myoclonus [F1,F3,F43 of the project's
clinical reference]; most episodes end by themselves before (32 of 38 [F3]).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from dsp.records import Label, State
from firmware_sim.draw import Draw
from firmware_sim.movement import Mark, Movement
from firmware_sim.sleep import Bout
from firmware_sim.steps import Channel, Steps

__all__ = ["ended_by_arousals", "until"]

_REACTION_S: Final = (0.2, 1.5)
"""From the arousal to the last jerk: within about 2 s [E, clinical reference, section 7, wake test]."""
_BACK_S: Final = 0.35
"""A limb that is out when the jerking stops falls back within this time [E]."""
_FEWEST: Final = 3
"""Jerks that make a train; what is left of a train with fewer is not begun."""
_OUTSIDE: Final = frozenset(
    {Channel.POS_X, Channel.POS_Y, Channel.POS_Z, Channel.CARRIER_PITCH, Channel.CARRIER_ROLL}
)


def ended_by_arousals(movements: Iterable[Movement], bouts: tuple[Bout, ...], draw: Draw) -> list[Movement]:
    """The same movements; sleep jerks stop shortly after an arousal, a waking or anything like it begins."""
    rows = list(movements)
    rousing = sorted(
        [b.start_s for b in bouts if b.state is State.AWAKE]
        + [m.onset_s for row in rows for m in row.marks if m.true_class == "arousal"]
    )
    return [_ended(row, rousing, draw) if _jerks(row) else row for row in rows]


def _jerks(movement: Movement) -> bool:
    return any(mark.label is Label.SLEEP_JERK_TRAIN for mark in movement.marks)


def _ended(movement: Movement, rousing: list[float], draw: Draw) -> Movement:
    first = min(m.onset_s for m in movement.marks if m.label is Label.SLEEP_JERK_TRAIN)
    for at_s in rousing:
        if first - _REACTION_S[1] < at_s < movement.duration_s:
            stop_s = max(at_s, first) + draw.aside(f"{at_s:.3f}").between(*_REACTION_S)
            return until(movement, stop_s)
    return movement


def until(movement: Movement, stop_s: float) -> Movement:
    """The movement stopped at a time: nothing begins after it, and what is out then comes back.

    Motion from outside goes on. Marks are cut with it; a train left with fewer than three jerks is left out.
    """
    marks = [_cut(mark, stop_s) for mark in movement.marks]
    begun = [mark.onset_s for mark, kept in zip(movement.marks, marks, strict=True) if kept is None]
    stop_s = min([stop_s, *begun])
    steps, conveyed = movement.steps, any(mark.conveyed for mark in movement.marks)
    outside = np.isin(steps.channel, [int(c) for c in _OUTSIDE]) & conveyed
    keep = outside | (steps.start_s < stop_s)
    kept = Steps(
        steps.channel[keep], steps.start_s[keep], steps.span_s[keep], steps.delta[keep], steps.splines
    )
    back = _back(steps, keep, stop_s)
    return Movement(Steps.join([kept, back]), tuple(mark for mark in marks if mark is not None))


def _cut(mark: Mark, stop_s: float) -> Mark | None:
    if mark.conveyed or mark.end_s <= stop_s:
        return mark
    share = (stop_s - mark.onset_s) / (mark.end_s - mark.onset_s)
    count = round(share * mark.count)
    if share <= 0.0 or count < _FEWEST:
        return None
    return replace(mark, end_s=stop_s + _BACK_S, count=count)


def _back(steps: Steps, keep: np.ndarray[tuple[int], np.dtype[np.bool_]], stop_s: float) -> Steps:
    """What the steps left out would still have changed, taken back at the stop: each limb ends where it would have."""
    left = np.unique(steps.channel[~keep])
    delta = np.array([steps.delta[~keep & (steps.channel == channel)].sum() for channel in left])
    n = left.size
    return Steps(left, np.full(n, stop_s), np.full(n, _BACK_S), delta)
