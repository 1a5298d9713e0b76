"""The battery of a virtual sock: drained by time and by every packet given to the radio."""

from __future__ import annotations

from typing import Final

from dsp.clock import Clock
from dsp.records import NS

__all__ = ["Battery"]

_HOUR_S: Final = 3600.0
_EMPTY_PERCENT: Final = 1e-9


class Battery:
    """Charge in per cent.

    Args:
        clock: data time.
        percent: charge now.
        per_h: per cent an hour by being switched on.
    """

    def __init__(self, clock: Clock, *, percent: float, per_h: float) -> None:
        self._clock = clock
        self._per_h = per_h
        self.charge(percent)

    def charge(self, percent: float) -> None:
        """Set the charge."""
        self._percent = percent
        self._since_ns = self._clock.now_ns()

    def spend(self, percent: float) -> None:
        """Use up this much beside what time takes."""
        self.charge(max(0.0, self.percent - percent))

    @property
    def percent(self) -> float:
        """Charge left, per cent."""
        hours = (self._clock.now_ns() - self._since_ns) / NS / _HOUR_S
        return max(0.0, self._percent - hours * self._per_h)

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.percent <= _EMPTY_PERCENT

    @property
    def lasts_s(self) -> float:
        """Seconds that it lasts if no packet is sent."""
        return self.percent / self._per_h * _HOUR_S if self._per_h else float("inf")
