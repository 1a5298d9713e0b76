"""When a movement fits: the stretches of a night it belongs to, and which times are already taken.

Numbers cite the tables of the project's clinical reference: [Fn] its sources, [E] an estimate.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from dsp.records import State
from firmware_sim.draw import Draw
from firmware_sim.sleep import Bout

__all__ = ["Diary", "fitting_time"]

_GUARD_S: Final = 1.5
"""Rest between two movements of the background [E]."""
_TRIES: Final = 50
"""Times drawn for a movement before it is let lie over another: the night is full then."""

_Window = tuple[float, float]


class Diary:
    """Which times are taken."""

    def __init__(self) -> None:
        self._taken: list[_Window] = []

    def take(self, start_s: float, end_s: float) -> None:
        """Nothing of the background may happen here."""
        insort(self._taken, (start_s, end_s))

    def is_free(self, start_s: float, end_s: float) -> bool:
        """Rows never overlap one another but for placed ones, so that a few neighbours decide."""
        at = bisect_left(self._taken, (start_s, end_s))
        near = self._taken[max(at - 4, 0) : at + 4]
        return all(end + _GUARD_S < start_s or end_s + _GUARD_S < start for start, end in near)


def _states(*states: State) -> Callable[[tuple[Bout, ...]], list[_Window]]:
    return lambda bouts: [(b.start_s, b.end_s) for b in bouts if b.state in states]


def _after_waking(bouts: tuple[Bout, ...]) -> list[_Window]:
    return [
        (b.start_s + 5.0, min(b.start_s + 900.0, b.end_s))
        for a, b in pairwise(bouts)
        if a.state.is_sleep and b.state is State.AWAKE
    ]


def _before_sleep(bouts: tuple[Bout, ...]) -> list[_Window]:
    return [
        (max(a.end_s - 600.0, a.start_s), a.end_s)
        for a, b in pairwise(bouts)
        if a.state is State.AWAKE and b.state.is_sleep
    ]


def _falling_asleep(bouts: tuple[Bout, ...]) -> list[_Window]:
    return [
        (b.start_s, min(b.start_s + 1200.0, b.end_s))
        for a, b in pairwise(bouts)
        if a.state is State.AWAKE and b.state.is_sleep
    ]


def _before_waking(bouts: tuple[Bout, ...]) -> list[_Window]:
    return [
        (max(a.end_s - 600.0, a.start_s), a.end_s)
        for a, b in pairwise(bouts)
        if a.state.is_sleep and b.state is State.AWAKE
    ]


_AWAKE: Final = _states(State.AWAKE)
_ASLEEP: Final = _states(State.ACTIVE_SLEEP, State.QUIET_SLEEP)
_QUIET: Final = _states(State.QUIET_SLEEP)
_ACTIVE: Final = _states(State.ACTIVE_SLEEP)
_ANY: Final = _states(State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP)

_FITS: Final[Mapping[str, tuple[tuple[float, Callable[[tuple[Bout, ...]], list[_Window]]], ...]]] = {
    "sleep_jerk_train": (
        (20.0, _falling_asleep),
        (5.0, _QUIET),
        (3.0, _before_waking),
        (5.0, _ASLEEP),
    ),  # of 33 infants: falling asleep 20, later 5, before waking 3, various 5 [F3]
    "twitches": ((1.0, _ACTIVE),),
    "spindle_twitches": ((1.0, _QUIET),),
    "spasm_cluster": (
        (0.65, _after_waking),
        (0.20, _AWAKE),
        (0.12, _before_sleep),
        (0.03, _ASLEEP),
    ),  # waking and wake dominate [F9,F18]; 2-3 % asleep [M, row Epileptic spasm]; shares [E]
    "spasm": ((0.5, _after_waking), (0.4, _AWAKE), (0.1, _before_sleep)),
    "waking_stretch": ((1.0, _after_waking),),
    "rhythmic_movement": ((0.7, _before_sleep), (0.3, _falling_asleep)),  # sleep onset, drowsy [row RMD]
    "clonic": ((0.7, _ASLEEP), (0.3, _AWAKE)),  # clonic more in sleep [F18b]
    "stiffening": ((1.0, _ANY),),
    "tonic_clonic": ((1.0, _ANY),),
    "startle": ((1.0, _ANY),),
    "door_slam": ((1.0, _ANY),),
    "hiccups": ((0.6, _AWAKE), (0.4, _ASLEEP)),  # awake, drowsy or asleep [row Hiccup]
    "stroller": ((0.7, _ASLEEP), (0.3, _AWAKE)),
    "car": ((0.7, _ASLEEP), (0.3, _AWAKE)),
    "powered_cradle": ((0.8, _ASLEEP), (0.2, _before_sleep)),
    "patting": ((0.5, _before_sleep), (0.5, _ASLEEP)),
    "rocking": ((0.7, _before_sleep), (0.3, _ASLEEP)),
}
"""What a kind fits into, and how often; whatever is not named here belongs to waking. Shares [E]."""
_AWAKE_ALONE: Final = ((1.0, _AWAKE),)


def fitting_time(draw: Draw, kind: str, bouts: tuple[Bout, ...], span_s: float, diary: Diary) -> float:
    """A time at which a movement of this kind and length may begin, free if one is found."""
    ways = _FITS.get(kind, _AWAKE_ALONE)
    at_s = 0.0
    for _ in range(_TRIES):
        find = draw.one_of([way for _, way in ways], [share for share, _ in ways])
        found = [(start, end) for start, end in find(bouts) if end > start] or _ANY(bouts)
        windows = [w for w in found if w[1] - w[0] > span_s] or _longest(found)
        start_s, end_s = draw.one_of(windows, [end - start for start, end in windows])
        at_s = draw.between(start_s, max(end_s - span_s, start_s))
        if diary.is_free(at_s, at_s + span_s):
            break
    return at_s


def _longest(windows: list[_Window]) -> list[_Window]:
    """What fits nowhere begins in the longest stretch there is."""
    return [max(windows, key=lambda w: w[1] - w[0])]
