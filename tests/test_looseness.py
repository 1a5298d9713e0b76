"""A loose sock is told when it becomes known, and once more when it ends: the later row is the last word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dsp import looseness
from dsp.bursts import Burst
from dsp.grid import GRID_HZ, GRID_NS
from dsp.looseness import LooseTracker
from dsp.records import Context, ContextKind, Site
from dsp.settings import Settings

SETTINGS = Settings()
NEEDED = SETTINGS.loose_bursts


class Legs:
    """Both legs move in turn; how fast each swings is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tracker = LooseTracker("kid")
        self.hz: Mapping[Site, float] = {}
        self.k = 0
        self._site = Site.LA
        monkeypatch.setattr(looseness, "tremor_hz", lambda *_: self.hz[self._site])

    def swing(self, times: int, la_hz: float, ra_hz: float) -> list[Context]:
        """So many movements of each."""
        self.hz = {Site.LA: la_hz, Site.RA: ra_hz}
        chains: Any = dict.fromkeys(self.hz)
        told: list[Context] = []
        for _ in range(times):
            for site in self.hz:
                self._site = site
                k0, self.k = self.k + GRID_HZ, self.k + 2 * GRID_HZ
                burst = Burst(site, k0, self.k, self.k, k0, 1.0, 1.0, 0.001)
                told += self.tracker.burst(burst, chains, SETTINGS, carried=False)
        return told


def test_it_is_told_when_it_becomes_known_and_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    legs = Legs(monkeypatch)
    assert legs.swing(NEEDED - 1, 8.0, 4.0) == []
    [begun] = legs.swing(1, 8.0, 4.0)
    assert begun == Context("kid", ContextKind.LOOSE, legs.k * GRID_NS, legs.k * GRID_NS, (Site.LA,), 0.6)
    assert legs.swing(5, 8.0, 4.0) == []
    [over] = legs.swing(40, 4.0, 4.0)
    assert (over.kind, over.sites, over.onset_ns) == (begun.kind, begun.sites, begun.onset_ns)
    assert over.end_ns > over.onset_ns


def test_the_end_of_a_recording_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    legs = Legs(monkeypatch)
    [begun] = legs.swing(NEEDED, 4.0, 8.0)
    end_ns = begun.onset_ns + 5 * GRID_NS
    [over] = legs.tracker.finish(end_ns)
    assert (over.sites, over.onset_ns, over.end_ns) == ((Site.RA,), begun.onset_ns, end_ns)
    assert legs.tracker.finish(end_ns) == []
