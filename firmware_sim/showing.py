"""How much of a movement a sensor shows: what it would see of this movement alone, without noise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from dsp.records import Site
from firmware_sim.body import Body, motion_at
from firmware_sim.steps import Steps, Trajectory

__all__ = ["VISIBLE_G", "is_visible", "shown_g"]

VISIBLE_G: Final = 0.02
"""From so much on a spasm counts as visible at a sensor [E]: a degree of turning, or a push of 4 mm in a third of a
second. Spasms of head, face or arms alone show less at socks and onesie [F9,F43]."""

_STEP_S: Final = 0.01


def is_visible(body: Body, steps: Steps, sites: Iterable[Site]) -> bool:
    """Whether any of the sensors shows so much of these steps that nobody would say it saw nothing."""
    alone = Trajectory(steps, {})
    return any(_largest_g(body, alone, steps, site) >= VISIBLE_G for site in sites)


def shown_g(body: Body, steps: Steps, site: Site) -> float:
    """Largest departure of the specific force at `site` from where it began, in g.

    The body lies on its back with straight limbs, and moves without motor units: as it really lies and moves, the
    largest of three sensors showed 0.6 to 2.3 times as much in 120 drawn spasms.
    """
    return _largest_g(body, Trajectory(steps, {}), steps, site)


def _largest_g(body: Body, alone: Trajectory, steps: Steps, site: Site) -> float:
    n = round((steps.end_s - steps.begin_s) / _STEP_S) + 2
    force_g, _ = motion_at(body, alone, site, t0_s=steps.begin_s, dt_s=_STEP_S, n=n)
    return float(np.sqrt(np.square(force_g - force_g[0]).sum(axis=1).max()))
