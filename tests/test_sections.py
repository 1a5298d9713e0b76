"""Sections of the filters against SciPy's: the same bits, without its time to load."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import sosfilt

from dsp import sections

DESIGNS = list(sections._DESIGNED)
WHAT_IS_LOADED = """
import sys
import numpy as np
from dsp.filters import Bank
from dsp.settings import Settings
bank = Bank.of(Settings())
for section in (bank.gravity, bank.band, bank.rate, bank.envelope):
    section.run(np.ones((3, 20)), fresh=True)
print("scipy.signal" in sys.modules)
"""


@pytest.mark.parametrize("kind", DESIGNS)
def test_what_stands_in_full_is_what_scipy_designs(kind: tuple[str, float, float]) -> None:
    for stands, made in zip(sections.design(*kind), sections.designed(*kind), strict=True):
        np.testing.assert_allclose(stands, made, rtol=1e-13, atol=1e-15)


def test_another_edge_is_designed_when_it_is_asked_for() -> None:
    sos, unit = sections.design("bandpass", 2.5, 20.0)
    assert sos.shape == (2, 6)
    assert unit.shape == (2, 2)


@pytest.mark.parametrize("loop", [sections.alone(), sections._in_its_package()])
@pytest.mark.parametrize("kind", DESIGNS)
def test_blocks_come_out_as_from_scipy_bit_by_bit(
    kind: tuple[str, float, float], loop: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loop is not None, "SciPy keeps its loop elsewhere: starts take a second longer"
    monkeypatch.setattr(sections, "_loop", lambda: loop)
    x = np.random.default_rng(3).normal(0.0, 1.0, (3, 400))
    sos, unit = sections.design(*kind)
    state = unit[:, None, :] * x[None, :, :1]
    whole, after = sosfilt(sos, x, axis=-1, zi=state)
    first, between = sections.run(sos, x[:, :150], state)
    rest, behind = sections.run(sos, x[:, 150:], between)
    assert np.array_equal(np.concatenate([first, rest], axis=1), whole)
    assert np.array_equal(behind, after)


def test_filters_run_without_the_package_that_takes_long_to_load() -> None:
    done = subprocess.run([sys.executable, "-c", WHAT_IS_LOADED], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def _takes_fewer(_sos: object, _y: object) -> None: ...


def _gives_back(sos: object, y: object, state: object) -> object:
    return sosfilt(sos, y, zi=np.asarray(state).transpose(1, 0, 2))


@pytest.mark.parametrize("other", [_takes_fewer, _gives_back])
def test_a_loop_that_is_called_otherwise_or_works_otherwise_is_not_used(
    other: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = sys.modules["scipy.signal._sosfilt"]
    monkeypatch.setattr(ours, "_sosfilt", other)
    assert sections.alone() is None
