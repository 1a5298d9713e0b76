"""What people do with an infant at night: feed and change it, carry, rock and pat it back to sleep.

What follows an awakening depends on why the infant woke. Shares and times are estimates [E] unless marked;
rows and [Fn] are those of the project's clinical reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from firmware_sim.draw import Draw
from firmware_sim.generators import Option, make_movement
from firmware_sim.life import Background
from firmware_sim.liveliness import enliven
from firmware_sim.movement import Infant, Movement
from firmware_sim.sleep import Bout, Wake

__all__ = ["cared_for"]

_WAKING_S: Final = 25.0
"""Thrash and stretch come first; nobody is there sooner."""
_SHORTEST_FEED_S: Final = 120.0
_REFLUX_SHARE: Final = 0.08
"""Infants who arch after feeds, now and then; absent in sleep [F41]."""


class _Visit:
    """One awakening and what is done about it."""

    def __init__(self, draw: Draw, infant: Infant, bout: Bout, may: Callable[[str], bool]) -> None:
        self.draw, self.infant, self.bout, self._may = draw, infant, bout, may
        self.done: list[tuple[str, Movement]] = []

    def add(self, kind: str, at_s: float, options: Mapping[str, Option]) -> float:
        """Do one thing; returns when it is over. What must not happen is drawn all the same."""
        movement = enliven(make_movement(kind, self.draw, self.infant, options), self.draw).shifted(at_s)
        if self._may(kind):
            self.done.append((kind, movement))
        return movement.duration_s


def cared_for(
    draw: Draw, infant: Infant, bouts: tuple[Bout, ...], background: Background
) -> list[tuple[str, Movement]]:
    """Everything people do in a night, by kind; each awakening has a stream of its own."""
    reflux = draw.chance(_REFLUX_SHARE)
    done: list[tuple[str, Movement]] = []
    for bout in bouts:
        visit = _Visit(draw.aside(f"{bout.start_s:.3f}"), infant, bout, background.may)
        if bout.wake is Wake.FEED:
            _feed(visit, reflux=reflux)
        elif bout.wake is Wake.BRIEF and visit.draw.chance(0.4):
            at_s = bout.start_s + min(visit.draw.between(20.0, 70.0), 0.5 * bout.duration_s)
            _soothe(visit, at_s, visit.draw.log_between(20.0, 150.0))
        elif bout.wake is Wake.SPELL and visit.draw.chance(0.7):
            _lift(visit)
        elif bout.wake is Wake.BEDTIME and visit.draw.chance(0.6):
            _to_sleep(visit, bout.start_s)
        done += visit.done
    return done


def _feed(visit: _Visit, *, reflux: bool) -> None:
    """Cries until somebody comes, is changed perhaps, fed and burped, and often rocked to sleep."""
    draw, bout = visit.draw, visit.bout
    wait_s = min(draw.log_between(30.0, 400.0), 0.2 * bout.duration_s)
    at = bout.start_s + wait_s
    if wait_s > _WAKING_S + 10.0 and draw.chance(0.7):
        visit.add("crying", bout.start_s + _WAKING_S, {"duration_s": wait_s - _WAKING_S})
    if draw.chance(0.5):
        at = (
            visit.add("handling", at, {"what": "nappy_change", "duration_s": draw.between(45.0, 180.0)}) + 8.0
        )
    arches = reflux and draw.chance(0.5)
    spare = draw.between(60.0, 200.0) + (200.0 if arches else 0.0)
    length = max(bout.end_s - spare - at, _SHORTEST_FEED_S)
    visit.add("sucking", at + 12.0, {"nutritive": True, "duration_s": 0.7 * length})
    at = visit.add("feed", at, {"duration_s": length})
    if arches:
        at = visit.add("sandifer", at + draw.between(5.0, 40.0), {})
    if draw.chance(0.2 * float(np.interp(visit.infant.age_days, [120, 400], [1.0, 0.2]))):
        visit.add("hiccups", at + draw.log_between(5.0, 200.0), {})
    if draw.chance(0.5):
        _to_sleep(visit, at)


def _lift(visit: _Visit) -> None:
    """Nobody is hungry, but it does not sleep again by itself: it is carried about, then rocked."""
    draw, bout = visit.draw, visit.bout
    at = bout.start_s + min(draw.log_between(60.0, 900.0), 0.4 * bout.duration_s)
    length = min(draw.log_between(60.0, 900.0), 0.4 * bout.duration_s)
    kind = draw.one_of(("carrying", "handling", "bouncing_chair"), (0.5, 0.35, 0.15))
    options: dict[str, Option] = {"what": "lifted"} if kind == "handling" else {}
    at = visit.add(kind, at, {**options, "duration_s": length})
    if draw.chance(0.4):
        visit.add("sucking", at, {"nutritive": False})
    _to_sleep(visit, at)


def _to_sleep(visit: _Visit, from_s: float) -> None:
    """Rocking or patting that mostly outlasts falling asleep by some minutes."""
    end_s = visit.bout.end_s + visit.draw.between(-60.0, 240.0)
    at_s = max(from_s + 5.0, visit.bout.end_s - visit.draw.between(120.0, 500.0))
    if end_s - at_s > _WAKING_S:
        _soothe(visit, at_s, end_s - at_s)


def _soothe(visit: _Visit, at_s: float, span_s: float) -> None:
    kind = visit.draw.one_of(("rocking", "patting", "handling"), (0.45, 0.35, 0.2))
    options: dict[str, Option] = {"what": "comforted"} if kind == "handling" else {}
    visit.add(kind, at_s, {**options, "duration_s": span_s})
