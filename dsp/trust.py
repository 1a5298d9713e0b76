"""How far what was seen can be relied on: sensors that are silent, not worn, loose, or at the end of their range.

It lowers the confidence of events that are told then, and changes nothing else about them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from dsp.chain import HOP_NS, KEEP_HOPS, Chain
from dsp.records import Event, Output, Site

__all__ = ["SEEN", "trusted"]

SEEN = {0: 0.3, 1: 0.45, 2: 0.75}
"""Confidence by number of sites; three and more give 1."""

_NO_TRUNK = 0.8
_LOOSE = 0.85
_CLIPPED = 0.9
_RECENT_HOPS = 8
"""A site without a sample for two seconds is missing."""


def trusted(out: list[Output], h: int, chains: Mapping[Site, Chain], loose: Collection[Site]) -> list[Output]:
    """The same outputs, events among them with the confidence that the sensors of the moment allow.

    Args:
        out: What was told at hop h.
        h: The hop.
        chains: The sites that are worn; the confidence events come with takes all of them for seen.
        loose: Sites whose sock is loose.
    """
    return [_lowered(o, h, chains, loose) if isinstance(o, Event) else o for o in out]


def _lowered(event: Event, h: int, chains: Mapping[Site, Chain], loose: Collection[Site]) -> Event:
    """What counts is how the event was seen: its last row may be told long after the sensors fell silent."""
    # no more than is kept however long the blocks are, and nothing that was not decided on yet
    kept_h = h + 1 - KEEP_HOPS
    h0 = max(event.onset_ns // HOP_NS, kept_h)
    h1 = min(event.end_ns // HOP_NS, h) + 1
    seen = [s for s, c in chains.items() if _is_heard(c, h1, kept_h)]
    share = SEEN.get(len(seen), 1.0) / SEEN.get(len(chains), 1.0)
    if Site.TR in chains and Site.TR not in seen:
        share *= _NO_TRUNK
    share *= _LOOSE ** sum(s in seen for s in loose)
    clipped = any(bool(c.hops.column("clipped", h0, h1).any()) for c in chains.values())
    share *= _CLIPPED if clipped else 1.0
    return event if share == 1.0 else replace(event, confidence=event.confidence * share)


def _is_heard(chain: Chain, h1: int, kept_h: int) -> bool:
    """Whether the site had samples just before hop `h1`; before `kept_h` nothing is kept, and it counts as heard."""
    if h1 - _RECENT_HOPS < max(chain.hops.h0, kept_h):
        return True
    return float(chain.hops.column("present", h1 - _RECENT_HOPS, h1).sum()) > 0.0
