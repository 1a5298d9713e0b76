"""The compiled loops, the same loops undecorated and the vectorised stages: the same bytes."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from dsp.chain import HOP, Chain
from dsp.kernels import PLAIN, Kernels, compiled
from dsp.records import NS, Scale, Segment, Site
from dsp.settings import Settings

SCALE = Scale(8 / 32768, 500 / 32768)


def moving(seconds: float, rate_hz: float, axes: int, *, t0_ns: int = 0, seed: int = 1) -> Segment:
    """Rest with bursts, some of which stand at the end of the range."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate_hz)
    loud = np.where(np.sin(np.arange(n) / rate_hz * 1.3) > 0.8, 6000.0, 12.0)
    counts = np.clip(rng.normal(0.0, 1.0, (n, axes)) * loud[:, None], -32768, 32767).astype(np.int16)
    counts[:, 2] = np.clip(counts[:, 2].astype(int) + 4096, -32768, 32767)
    return Segment(Site.TR, "s", 1, 0, t0_ns, round(NS / rate_hz), counts, SCALE)


def chain_of(kernels: Kernels | None, rate_hz: float, axes: int, *, hops: int, blocks: int) -> str:
    """Everything a chain knows after a stretch, a gap and another stretch."""
    chain = Chain.of(Site.TR, Settings())
    chain.grid.add(moving(4.0, rate_hz, axes, t0_ns=1_234_567))
    chain.grid.add(moving(3.0, rate_hz, axes, t0_ns=5 * NS, seed=2))
    chain.grid.begin(0)
    edges = np.linspace(0, hops, blocks + 1).astype(int).tolist()
    rows = [chain.advance(a, b, kernels) for a, b in pairwise(edges)]
    found = ([b for bursts, _ in rows for b in bursts], [p for _, pulses in rows for p in pulses])
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        history = (chain.history.gravity, chain.history.motion, chain.history.rate, chain.history.envelope)
        return repr((found, chain.hops.rows, history, chain.floor, chain.bank, chain.segmenter))


def fast() -> Kernels:
    kernels = compiled()
    assert kernels is not None, "the tests need the extra `fast`"
    return kernels


@pytest.mark.parametrize(("rate_hz", "axes"), [(104.0, 6), (52.0, 6), (208.0, 3), (25.0, 3)])
def test_compiled_loops_give_the_bytes_of_the_vectorised_stages(rate_hz: float, axes: int) -> None:
    hops = 8 * NS // (HOP * 10**7)
    vectorised = chain_of(None, rate_hz, axes, hops=hops, blocks=1)
    assert chain_of(fast(), rate_hz, axes, hops=hops, blocks=1) == vectorised


def test_the_undecorated_loops_give_them_too() -> None:
    assert chain_of(PLAIN, 104.0, 6, hops=10, blocks=2) == chain_of(fast(), 104.0, 6, hops=10, blocks=5)


def test_the_bytes_do_not_depend_on_the_blocks() -> None:
    assert chain_of(fast(), 104.0, 6, hops=32, blocks=32) == chain_of(None, 104.0, 6, hops=32, blocks=5)


def test_the_monitor_does_not_load_the_compiler() -> None:
    code = (
        "import sys, lullwatch.monitor, lullwatch.gateway, lullwatch.replay; sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_compiler_there_are_no_compiled_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled.cache_clear()
    try:
        assert compiled() is None
    finally:
        compiled.cache_clear()
