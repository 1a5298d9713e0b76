"""The inner loops of stages and looks, compiled where there is a compiler.

The stages have their own vectorised way, which needs no compiler and serves live use; the loops of
`dsp.sample_kernels`, `dsp.walk_kernels` and `dsp.look_kernels` give the same bytes (additions and products in the
same order, no fused or reordered arithmetic) and serve replay, where numba is installed (extra `fast`). They are
plain functions: run undecorated they are slow and say what is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

from dsp import look_kernels, sample_kernels, walk_kernels

__all__ = ["PLAIN", "Kernels", "compiled"]


@dataclass(frozen=True, slots=True)
class Kernels:
    """The loops in one form: plain, or compiled."""

    take_in: Callable[..., None] = sample_kernels.take_in
    resample: Callable[..., None] = sample_kernels.resample
    filter_block: Callable[..., None] = sample_kernels.filter_block
    filter_hops: Callable[..., None] = sample_kernels.filter_hops
    hop_sums: Callable[..., None] = sample_kernels.hop_sums
    running_medians: Callable[..., tuple[int, int]] = walk_kernels.running_medians
    walk: Callable[..., tuple[int, int]] = walk_kernels.walk
    window_numbers: Callable[..., None] = look_kernels.window_numbers
    turn_level: Callable[..., None] = look_kernels.turn_level
    turn_numbers: Callable[..., None] = look_kernels.turn_numbers
    envelope_sum: Callable[..., tuple[float, int, int, float]] = look_kernels.envelope_sum
    seen_numbers: Callable[..., tuple[int, float]] = look_kernels.seen_numbers
    tenth_sums: Callable[..., None] = look_kernels.tenth_sums
    squares: Callable[..., tuple[float, float]] = look_kernels.squares


PLAIN = Kernels()
"""Undecorated: to compare with."""


@lru_cache(maxsize=1)
def compiled() -> Kernels | None:
    """The loops compiled, or None where numba is not installed; the first call on a machine takes some seconds."""
    try:
        from numba import njit
    except ImportError:
        return None
    # Neither fastmath nor contraction: the bytes must be those of the vectorised stages.
    jit: Any = njit(cache=True, error_model="numpy", nogil=True)
    found: dict[str, Any] = {}
    for module in (sample_kernels, walk_kernels, look_kernels):
        found |= _calling_one_another(module, jit)
    return Kernels(**{field.name: found[field.name] for field in fields(Kernels)})


def _calling_one_another(module: ModuleType, jit: Callable[..., Any]) -> dict[str, Any]:
    """A module's functions compiled, by name: each finds the compiled others where it looks for them."""
    names: dict[str, Any] = dict(vars(module))
    for name, function in vars(module).items():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            names[name] = jit(FunctionType(function.__code__, names, name))
    return names
