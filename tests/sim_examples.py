"""What several tests of the simulated infant share: one movement alone, seen without any chip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsp.records import Site
from firmware_sim.background import GENERATORS
from firmware_sim.body import draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.liveliness import with_units
from firmware_sim.movement import Infant, Movement, draw_infant
from firmware_sim.steps import Trajectory

LEAD_S = 0.5
"""Rest before and after a movement in `seen`."""


def one(kind: str, seed: int, *, age_days: int = 120, **options: object) -> tuple[Infant, Movement]:
    """A movement of a newly drawn infant."""
    draw = Draw(seed, f"test/{kind}")
    infant = draw_infant(draw, age_days)
    return infant, GENERATORS[kind](draw, infant, **options)


def seen(
    infant: Infant, movement: Movement, site: Site, *, rate_hz: float = 104.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Specific force (g) and angular rate (deg/s) of a perfect sensor, with rest before and after."""
    draw = Draw(seed, "test/seen")
    steps = with_units(movement.steps, draw).shifted(LEAD_S)
    n = int((steps.end_s + LEAD_S) * rate_hz)
    trajectory = Trajectory(steps, draw_rest(draw))
    return motion_at(infant.body, trajectory, site, t0_s=0.0, dt_s=1.0 / rate_hz, n=n)


def peak_g(infant: Infant, movement: Movement, site: Site, *, seed: int = 0) -> float:
    """Largest departure of the force's size from 1 g, as accelerometer studies give it."""
    acc, _ = seen(infant, movement, site, seed=seed)
    return float(np.max(np.abs(np.linalg.norm(acc, axis=1) - 1.0)))
