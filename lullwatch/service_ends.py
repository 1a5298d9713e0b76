"""When it is told that a part keeps ending: one rule for `lullwatch up` and for the units of systemd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["LOOP_ENDS", "WELL_S", "Ends"]

LOOP_ENDS: Final = 5
"""So many ends in a row are told as trouble, however far apart: lives of minutes each make no night either."""
WELL_S: Final = 600.0
"""A part that lived so long is well: what ends after that is the first of a new row."""


@dataclass(slots=True)
class Ends:
    """Ends in a row, with no life between them that was well. Times are of a clock that nobody sets."""

    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0

    def add(self, now_s: float, *, was_well: bool) -> None:
        """Another end, after a life that was well or was not."""
        if was_well or not self.count:
            self.count, self.first_s = 0, now_s
        self.count += 1
        self.last_s = now_s

    def why(self, how: str) -> str:
        """What is told of them; `how` is how the last one came."""
        return f"it ended {self.count} times in {(self.last_s - self.first_s) / 60:.0f} min, last with {how}"
