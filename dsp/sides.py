"""Which side jerks: each jerk's height right over left, and what many of them say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from dsp.chain import Chain
from dsp.records import Site
from dsp.settings import Settings

__all__ = ["balance_of", "side_said"]

_NEAR_K: Final = 10
"""Limbs that jerk together do so within a tenth of a second."""

_PAIRS: Final = ((Site.LA, Site.RA), (Site.LW, Site.RW))


def balance_of(ks: Sequence[int], chains: Mapping[Site, Chain], end_k: int) -> list[float]:
    """For each jerk, natural logarithm of the right limb's height over the left one's.

    It comes from the envelopes: what did not rise to a pulse counts with its height.

    Args:
        ks: grid indices of the jerks.
        chains: the sites; the first pair of which both are there is looked at.
        end_k: grid index behind the last that is decided on.
    """
    for left, right in _PAIRS:
        if left in chains and right in chains:
            heights = [(_height(chains[left], k, end_k), _height(chains[right], k, end_k)) for k in ks]
            return [math.log(b / a) for a, b in heights if a > 0.0 and b > 0.0]
    return []


def side_said(balance: Sequence[float], settings: Settings) -> str:
    """Both unless one side is clearly quiet; unknown until enough jerks were seen on both sites."""
    if len(balance) < settings.side_jerks:
        return "unknown"
    middle = median(balance)
    if abs(middle) < settings.side_quiet:
        return "both"
    return "right" if middle > 0.0 else "left"


def _height(chain: Chain, k: int, end_k: int) -> float:
    part = chain.history.part(k - _NEAR_K, min(k + _NEAR_K + 1, end_k))
    if not chain.history.present[part].any():
        return 0.0
    return max(float(chain.history.envelope[part].max()), 1e-4)
