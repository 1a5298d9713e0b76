"""The clock that rooms are handed. `dsp` itself never reads one; it only owns the word, being the ground."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """Data time and waiting on it. A simulated night hands in a clock that runs at any pace."""

    def now_ns(self) -> int:
        """Data time in nanoseconds: never steps back, knows no time zone."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` of data time have passed."""
        ...
