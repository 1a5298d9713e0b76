"""Legs and arms by name: which channels move them, and the sign that mirrors left to right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsp.records import Site
from firmware_sim.steps import Channel

__all__ = ["LEFT", "LEFT_ARM", "RIGHT", "RIGHT_ARM", "Arm", "Leg"]


@dataclass(frozen=True, slots=True)
class Leg:
    """Channels of one leg and the sign that mirrors it."""

    site: Site
    hip: Channel
    abduction: Channel
    rotation: Channel
    knee: Channel
    mirror: float


LEFT: Final = Leg(
    Site.LA, Channel.L_HIP_FLEX, Channel.L_HIP_ABD, Channel.L_HIP_ROT, Channel.L_KNEE, mirror=1.0
)
RIGHT: Final = Leg(
    Site.RA, Channel.R_HIP_FLEX, Channel.R_HIP_ABD, Channel.R_HIP_ROT, Channel.R_KNEE, mirror=-1.0
)


@dataclass(frozen=True, slots=True)
class Arm:
    """Channels of one arm and the sign that mirrors it."""

    site: Site
    flexion: Channel
    abduction: Channel
    rotation: Channel
    elbow: Channel
    mirror: float


LEFT_ARM: Final = Arm(
    Site.LW,
    Channel.L_SHOULDER_FLEX,
    Channel.L_SHOULDER_ABD,
    Channel.L_SHOULDER_ROT,
    Channel.L_ELBOW,
    mirror=1.0,
)
RIGHT_ARM: Final = Arm(
    Site.RW,
    Channel.R_SHOULDER_FLEX,
    Channel.R_SHOULDER_ABD,
    Channel.R_SHOULDER_ROT,
    Channel.R_ELBOW,
    mirror=-1.0,
)
