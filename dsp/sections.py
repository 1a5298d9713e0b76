"""Second-order sections: their coefficients, and the loop that runs them.

Both are SciPy's. What the detector is set to by default was designed once and stands here in full, and the loop is
taken from its own compiled module, because all of `scipy.signal` takes two thirds of the time a start has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.grid import GRID_HZ

__all__ = ["alone", "design", "designed", "run"]

Floats = NDArray[np.float64]
_LOOP: Final = "_sosfilt"
"""Of the compiled module, and of the loop in it."""

_Rows = tuple[tuple[float, ...], ...]

_DESIGNED: Final[dict[tuple[str, float, float], tuple[_Rows, _Rows]]] = {
    ("lowpass", 0.0, 0.4): (
        (
            (
                0.0001551484234756991,
                0.0003102968469513982,
                0.0001551484234756991,
                1.0,
                -1.9644605802052324,
                0.9650811738991353,
            ),
        ),
        ((0.9998448515765272, -0.9649260254756624),),
    ),
    ("bandpass", 2.0, 20.0): (
        (
            (
                0.17508764367210083,
                0.35017528734420167,
                0.17508764367210083,
                1.0,
                -0.47338545635197216,
                0.2607010831459818,
            ),
            (1.0, -2.0, 1.0, 1.0, -1.8256698996865246, 0.8425510982273042),
        ),
        (
            (0.7144546832600693, -0.05681700446331295),
            (-0.889542326932168, 0.8895423269321683),
        ),
    ),
    ("lowpass", 0.0, 15.0): (
        (
            (
                0.13110643991662593,
                0.26221287983325187,
                0.13110643991662593,
                1.0,
                -0.7477891782585034,
                0.27221493792500717,
            ),
        ),
        ((0.868893560083374, -0.14110849800838124),),
    ),
    ("lowpass", 0.0, 6.0): (
        (
            (
                0.02785976611713602,
                0.05571953223427204,
                0.02785976611713602,
                1.0,
                -1.475480443592646,
                0.5869195080611902,
            ),
        ),
        ((0.9721402338828631, -0.5590597419440537),),
    ),
}
"""By kind and edges in Hz: sections, and their steady state for an input of one, as `designed` gives them."""


@lru_cache(maxsize=32)
def design(kind: str, low: float, high: float) -> tuple[Floats, Floats]:
    """A Butterworth filter of order 2 at the rate of the grid.

    Args:
        kind: `lowpass` or `bandpass`.
        low: lower edge, Hz; a low-pass has none.
        high: upper edge, Hz.

    Returns:
        Sections, shape (sections, 6), and their steady state for an input of one, shape (sections, 2).
    """
    known = _DESIGNED.get((kind, low, high))
    return designed(kind, low, high) if known is None else (np.array(known[0]), np.array(known[1]))


def designed(kind: str, low: float, high: float) -> tuple[Floats, Floats]:
    """The same, designed by SciPy now."""
    from scipy.signal import butter, sosfilt_zi

    if kind == "lowpass":
        sos = butter(2, high, btype="lowpass", fs=GRID_HZ, output="sos")
    else:
        sos = butter(2, (low, high), btype="bandpass", fs=GRID_HZ, output="sos")
    return sos, np.asarray(sosfilt_zi(sos))


def run(sos: Floats, x: Floats, state: Floats) -> tuple[Floats, Floats]:
    """Filter a block: `scipy.signal.sosfilt(sos, x, zi=state)` bit by bit.

    Args:
        sos: shape (sections, 6).
        x: shape (channels, n).
        state: shape (sections, channels, 2).

    Returns:
        What comes out, shape (channels, n), and the state behind it.
    """
    y = np.array(x, dtype=np.float64, order="C")
    inside = np.ascontiguousarray(state.transpose(1, 0, 2))
    _loop()(sos, y, inside)
    return y, inside.transpose(1, 0, 2)


@cache
def _loop() -> Callable[[Floats, Floats, Floats], None]:
    return alone() or _in_its_package()


def alone() -> Callable[[Floats, Floats, Floats], None] | None:
    """The loop from its compiled module, without the package around it; None where SciPy has another."""
    scipy = find_spec("scipy")
    folders = [] if scipy is None else list(scipy.submodule_search_locations or ())
    named = PathFinder.find_spec(_LOOP, [f"{folder}/signal" for folder in folders])
    if named is None or named.loader is None:
        return None
    try:
        module = module_from_spec(named)
        named.loader.exec_module(module)
    except ImportError:
        return None
    loop: Callable[[Floats, Floats, Floats], None] | None = getattr(module, _LOOP, None)
    return loop if loop is not None and _filters_in_place(loop) else None


def _filters_in_place(loop: Callable[[Floats, Floats, Floats], None]) -> bool:
    """Whether a loop is called as ours and does what ours does: no SciPy owes anybody a private one.

    Asked with numbers that no order of adding can change.
    """
    sos = np.array([[1.0, 2.0, 3.0, 1.0, -0.5, 0.25]])
    y, state = np.array([[1.0, 0.0, 0.0]]), np.zeros((1, 1, 2))
    try:
        loop(sos, y, state)
    except (TypeError, ValueError):
        return False
    return y.tolist() == [[1.0, 2.5, 4.0]] and state.tolist() == [[[1.375, -1.0]]]


def _in_its_package() -> Callable[[Floats, Floats, Floats], None]:
    from scipy.signal import sosfilt

    def loop(sos: Floats, y: Floats, state: Floats) -> None:
        """In place, as the compiled one."""
        y[:], after = sosfilt(sos, y, axis=-1, zi=state.transpose(1, 0, 2))
        state[:] = np.asarray(after).transpose(1, 0, 2)

    return loop
