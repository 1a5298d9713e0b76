"""What a family's sensors are and how they are worn, drawn: parts, ranges, socks that slip, chips that restart.

No published figures were found on how socks sit on infants or how often a chip restarts: all shares are
estimates [E].
"""

from __future__ import annotations

from typing import Final

from dsp.records import Site
from firmware_sim.draw import Draw
from firmware_sim.faults import ChipFault
from firmware_sim.imu import ChipChoice
from firmware_sim.imu_parts import PARTS
from firmware_sim.wearing import Worn

__all__ = ["draw_chip_choice", "draw_faults", "draw_worn"]

_SOCKS: Final = (Site.LA, Site.RA)
_SITES: Final = (Site.LA, Site.RA, Site.TR)


def draw_chip_choice(draw: Draw, *, shifted: bool = False) -> ChipChoice:
    """A part and its settings; the shifted ones sample at half the rate and measure over wider ranges."""
    part = draw.one_of(sorted(PARTS))
    if shifted:
        return ChipChoice(part, draw.one_of((52.0, 104.0)), 16.0, draw.one_of((1000.0, 2000.0)))
    return ChipChoice(part, 104.0, draw.one_of((4.0, 8.0, 16.0), (1.0, 4.0, 1.0)), 500.0)


def draw_worn(draw: Draw, duration_s: float, *, shifted: bool = False) -> tuple[Worn, ...]:
    """How sensors sit through a night: mostly firmly."""
    more = 3.0 if shifted else 1.0
    rows: list[Worn] = []
    if draw.chance(min(0.12 * more, 0.6)):
        rows.append(_for_some_time(draw, "loose", draw.one_of(_SOCKS), duration_s))
    if draw.chance(min(0.25 * more, 0.6)):
        rows.append(_for_some_time(draw, "slips", draw.one_of(_SITES), duration_s))
    if duration_s > 3600.0 and draw.chance(0.04 * more):
        at_s = draw.between(600.0, duration_s - 1800.0)
        rows.append(
            Worn("off", draw.one_of(_SITES), at_s, min(at_s + draw.log_between(120.0, 5400.0), duration_s))
        )
    if draw.chance(0.02 * more):
        rows.append(Worn("swapped", Site.LA))
    return tuple(rows)


def draw_faults(draw: Draw, duration_s: float) -> tuple[ChipFault, ...]:
    """A chip that restarts by itself once in one night of fifteen."""
    if not draw.chance(0.07 * min(duration_s / 36_000.0, 1.0)):
        return ()
    return (ChipFault("restart", draw.one_of(_SITES), draw.between(0.05, 0.95) * duration_s),)


def _for_some_time(draw: Draw, kind: str, site: Site, duration_s: float) -> Worn:
    whole = draw.chance(0.5)
    from_s = draw.between(0.0, 0.6) * duration_s
    to_s = from_s + draw.between(0.1, 0.4) * duration_s
    span = {} if whole else {"from_s": from_s, "to_s": to_s}
    return Worn("loose", site, **span) if kind == "loose" else Worn("slips", site, **span)
