"""Gives memory back to the system: a page needs much of it for a moment, and `serve` runs for weeks."""

from __future__ import annotations

import ctypes
from typing import Final

__all__ = ["give_back"]

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE: Final = 256 * 1024
"""Bytes from which a piece has pages of its own, which go back when it is freed: samples and whole pages do, small
rows do not. By itself glibc raises this to the largest piece that was ever freed, and keeps them all."""
_SPARE: Final = 1024 * 1024
"""Bytes that are kept at hand at the end of the heap."""
_ARENAS: Final = 1
"""Heaps for all threads together: the interpreter lets one of them run at a time anyway."""


def give_back() -> bool:
    """Let glibc keep little of what is freed; whether it could be asked. Other C libraries do it by themselves."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    asked = ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _SPARE), (_M_ARENA_MAX, _ARENAS))
    done = [mallopt(option, value) == 1 for option, value in asked]
    return all(done)
