"""What every tracker may ask about the moment: whose infant it is, its sleep state, its circumstances."""

from __future__ import annotations

from dataclasses import dataclass

from dsp.context import ContextTracker
from dsp.state import StateTracker

__all__ = ["Scene"]


@dataclass(slots=True)
class Scene:
    """Shared, and changed only by the core."""

    infant: str
    state: StateTracker
    context: ContextTracker
    stiff_ns: int | None = None
    """end of the newest stiffening, as far as it is told"""
    swayed: float = 0.0
    """how far all sites turned as one body in the newest look at rocking, 0 to 1"""
