"""Memory that stays flat over nights: what is large is given back to the computer as soon as it is freed."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

__all__ = ["give_back_what_is_freed"]

# The numbers of glibc's <malloc.h>.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

_LARGE_BYTES: Final = 128 * 1024
"""What glibc itself begins with. Left alone it raises this with every larger block that is freed, to 32 MB; from then
on snapshots and columns of data lie among small things that stay, and their holes are never given back."""


def give_back_what_is_freed() -> bool:
    """Hold glibc's allocator to its first limits, for the whole process; call it before threads are started.

    Returns:
        Whether it took them; other C libraries have no such limits, and nothing is done there.

    References:
        glibc manual, 3.2.3.7 "Malloc Tunable Parameters" (a limit that is set is no longer adjusted).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    limits = ((_M_MMAP_THRESHOLD, _LARGE_BYTES), (_M_TRIM_THRESHOLD, _LARGE_BYTES), (_M_ARENA_MAX, 1))
    taken = [bool(mallopt(what, value)) for what, value in limits]
    return all(taken)
