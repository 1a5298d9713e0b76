"""Every threshold and weight of the detector, in one frozen value whose digest stands in each event."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

__all__ = ["CLEAR_MATCH", "WEAK_MATCH", "Settings"]

WEAK_MATCH = 0.5
"""Pattern match from which an event is worth naming by its pattern, the same for every label."""

CLEAR_MATCH = 0.8
"""Pattern match from which people are shown "clear" instead of "weak", the same for every label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The detector's settings: lengths in s, rates in Hz, acceleration in g, angles in degrees.

    Where a number comes from the literature the table row of `docs/detector.md` says which; the rest was
    set on simulated nights with seeds 1000 to 1099.
    """

    version: str = "1"

    # Watermark
    lateness_s: float = 1.0

    # Filters
    gravity_hz: float = 0.4
    band_low_hz: float = 2.0
    band_high_hz: float = 20.0
    envelope_hz: float = 6.0
    settle_s: float = 1.0

    # Noise floor
    floor_window_s: float = 300.0
    floor_least_g: float = 0.002
    floor_most_g: float = 0.02

    # Bursts
    burst_on_ratio: float = 4.0
    burst_off_ratio: float = 2.0
    burst_gap_s: float = 0.12
    burst_least_s: float = 0.03
    burst_most_s: float = 10.0
    pulse_drop: float = 0.55

    # Wearing and context
    not_worn_s: float = 600.0
    not_worn_rms_g: float = 0.0012

    # Match
    weak_match: float = WEAK_MATCH
    clear_match: float = CLEAR_MATCH

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change when any setting does."""
        text = json.dumps(asdict(self), sort_keys=True)
        return sha256(text.encode()).hexdigest()[:12]

    @property
    def tag(self) -> str:
        """Version and digest, as events carry them."""
        return f"{self.version}:{self.digest}"
