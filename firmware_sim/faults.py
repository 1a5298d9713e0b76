"""What goes wrong in the measuring chip itself: an axis that stands still, a restart, a clock that jumps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from dsp.records import Counts, Site

__all__ = ["BadChipFaultError", "ChipFault", "ChipFaultKind", "hold_axis"]

ChipFaultKind = Literal["stuck_axis", "restart", "clock_jump"]

_AXES: Final = 6
_DOWN_S: Final = 0.5
"""A microcontroller and its chip are back half a second after a watchdog reset: boot some 0.1-0.4 s, the
chip's turn-on time 35 ms (LSM6DSR data sheet, table 3) [E]."""
_DOWN_LEAST_S: Final = 0.1


class BadChipFaultError(ValueError):
    """A chip fault that cannot be."""

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(
            f"chip fault {kind!r}: {problem}; kinds: {', '.join(get_args(ChipFaultKind))}, "
            f"axis 0 to {_AXES - 1} (acceleration x y z, angular rate x y z), times in seconds from the start"
        )


@dataclass(frozen=True, slots=True)
class ChipFault:
    """One thing that goes wrong in the chip at a site, `at_s` seconds after the night's start.

    * ``stuck_axis``: `axis` repeats one value for `for_s` seconds;
    * ``restart``: nothing is measured for `for_s` seconds (0.5 when left out), then a new boot, clock from zero;
    * ``clock_jump``: the sensor's own clock is suddenly `by_s` seconds further on (negative: back).
      What is measured and when stays as it was; only a sock's time stamps tell of it.
    """

    kind: ChipFaultKind
    site: Site
    at_s: float
    axis: int = 0
    for_s: float | None = None
    by_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be. Raises `BadChipFaultError`."""
        if self.kind not in get_args(ChipFaultKind):
            raise BadChipFaultError(self.kind, "there is no such kind")
        if not (self.at_s >= 0 and (self.for_s is None or self.for_s > 0)):
            raise BadChipFaultError(self.kind, f"at_s is {self.at_s:g} and for_s is {self.for_s}")
        if self.kind == "restart" and self.end_s - self.at_s < _DOWN_LEAST_S:
            raise BadChipFaultError(self.kind, f"no chip is back within {self.for_s:g} s")
        if not 0 <= self.axis < _AXES:
            raise BadChipFaultError(self.kind, f"axis is {self.axis}")

    @property
    def end_s(self) -> float:
        """Seconds from the start at which it is over; infinite for an axis that stays stuck."""
        lasting_s = _DOWN_S if self.kind == "restart" else math.inf
        return self.at_s + (lasting_s if self.for_s is None else self.for_s)


def hold_axis(counts: Counts, axis: int, value: int | None = None) -> int | None:
    """Let an axis of `counts` (n, axes) repeat `value`, or its first one, in place; returns what it repeats."""
    if counts.shape[0] == 0 or axis >= counts.shape[1]:
        return value
    held = int(counts[0, axis]) if value is None else value
    counts[:, axis] = held
    return held
