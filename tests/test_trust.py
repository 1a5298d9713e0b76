"""What the sensors of the moment allow to be relied on."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pytest

from dsp.chain import ROW, Chain
from dsp.records import Event, EventStatus, Label, Output, Site, State
from dsp.settings import Settings
from dsp.trust import trusted

SITES = (Site.LA, Site.RA, Site.TR)
HOPS = 100


def chains(*, silent: Collection[Site] = (), clipped: Site | None = None) -> dict[Site, Chain]:
    found = {}
    for site in SITES:
        chain = Chain.of(site, Settings())
        rows = np.zeros((HOPS, len(ROW)))
        rows[:, ROW.index("present")] = 0.0 if site in silent else 1.0
        rows[40, ROW.index("clipped")] = 0.2 if site is clipped else 0.0
        chain.hops.extend(0, rows)
        found[site] = chain
    return found


def event() -> Event:
    return Event(
        "e", 1, EventStatus.NEW, Label.MOVEMENT, "infant", 9 * 10**9, 12 * 10**9, 13 * 10**9, 1, SITES, "both",
        State.AWAKE, State.AWAKE, State.AWAKE, None, None, None, 1.0, 1.0, 0.0, (), "s",
    )  # fmt: skip


def confidence(of: dict[Site, Chain], loose: tuple[Site, ...] = ()) -> float:
    told: list[Output] = [event()]
    (found,) = trusted(told, HOPS - 1, of, loose)
    assert isinstance(found, Event)
    return found.confidence


def test_all_sensors_well_change_nothing() -> None:
    assert confidence(chains()) == 1.0


def test_a_silent_ankle_and_more_so_a_silent_trunk_lower_confidence() -> None:
    ankle = confidence(chains(silent=(Site.LA,)))
    assert ankle == pytest.approx(0.75)
    assert confidence(chains(silent=(Site.TR,))) < ankle


def test_a_loose_sock_and_a_clipped_movement_lower_confidence() -> None:
    assert confidence(chains(), loose=(Site.RA,)) == pytest.approx(0.85)
    assert confidence(chains(clipped=Site.RA)) == pytest.approx(0.9)


def test_nothing_seen_leaves_little_but_not_nothing() -> None:
    assert 0.0 < confidence(chains(silent=SITES)) < 0.3
