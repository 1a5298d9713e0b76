"""What every tracker may ask about the moment: whose infant it is, its sleep state, its circumstances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dsp.chain import HOP_NS
from dsp.context import ContextTracker
from dsp.events import Draft, tell
from dsp.records import NS, Event, EventStatus, State
from dsp.state import StateTracker

__all__ = ["Scene"]

_AFTERWARDS_NS = 30 * NS
"""What follows an event is looked up so long after its end: the epoch that holds its end is its own."""


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
    over: list[Draft] = field(default_factory=list)
    """events that ended and that no tracker keeps, until it is known what state followed"""

    def follows(self, draft: Draft) -> State:
        """The state after an event, as far as it is known now."""
        return self.state.at(draft.end_ns + _AFTERWARDS_NS)

    def end(self, draft: Draft) -> None:
        """An event is over, and its tracker lets go of it."""
        draft.after = self.follows(draft)
        self.over.append(draft)

    def afterwards(self, h: int, kept: Iterable[Draft], settings: str) -> list[Event]:
        """End those once more whose states are known for good, when hop h ends an epoch.

        Each of them, also where nothing changed: what is decided again has a row to be held against then.

        Args:
            h: The hop.
            kept: Events that ended and that trackers keep.
            settings: Tag of the settings.
        """
        out = []
        for draft in (*self.over, *kept):
            if draft.settled or draft.end_ns + _AFTERWARDS_NS >= (h + 1) * HOP_NS:
                continue
            draft.settled = True
            draft.after, middle_ns = self.follows(draft), (draft.onset_ns + draft.end_ns) // 2
            if self.state.remembers(middle_ns):
                draft.during = self.state.at(middle_ns)
            out.append(tell(draft, EventStatus.END, h, infant=self.infant, settings=settings))
        self.over = [d for d in self.over if not d.settled]
        return out
