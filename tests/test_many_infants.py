"""Twins on one gateway, and an adapter that holds fewer connections than there are sensors."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dsp.records import Site
from firmware_sim.sock_script import SockFault
from lullwatch.errors import BadSettings
from lullwatch.settings import load
from tests.radio_rig import noise
from tests.ward import Lived, Ward, Worn

SECONDS = 75.0
SITES = (Site.LA, Site.RA, Site.TR)
DIES_AT_S = 30.0


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Two infants with three socks each on an adapter for five; then the battery of one sock ends."""
    worn = [
        Worn(infant, site, noise(SECONDS + 10, seed=seed * 3 + at))
        for seed, infant in enumerate(("one", "other"))
        for at, site in enumerate(SITES)
    ]

    async def live() -> Lived:
        ward = Ward(worn, slots=5)
        path = tmp_path_factory.mktemp("twins") / "night.sqlite"
        return await ward.live(path, SECONDS, [SockFault("one TR", "battery", at_s=DIES_AT_S)])

    return asyncio.run(live())


def test_what_each_of_two_infants_does_is_kept_under_its_own_name(twins: Lived) -> None:
    streamed = [key for key, packets in twins.kept.items() if len(packets) > 100]
    assert len(streamed) >= 5
    assert {infant for infant, _ in streamed} == {"one", "other"}
    for key, packets in twins.kept.items():
        assert len(packets) == len(set(packets))
        assert set(packets) <= set(twins.sent[key])
    assert {len({m.t_ns for m in minutes}) for minutes in twins.coverage.values()} == {2}


def test_a_sensor_for_which_the_adapter_has_no_connection_is_told_and_the_others_are_not_disturbed(
    twins: Lived,
) -> None:
    told = [infant for infant in ("one", "other") if "slots" in twins.troubles(infant)]
    assert len(told) == 1
    alive = [key for key in twins.sent if key != ("one", Site.TR)]
    undisturbed = [key for key in alive if twins.states(*key).count("searching") == 1]
    assert len(undisturbed) == 4


def test_when_a_connection_is_free_again_the_waiting_sensor_has_it_and_the_trouble_is_over(
    twins: Lived,
) -> None:
    assert all("slots" not in twins.standing(infant) for infant in ("one", "other"))
    assert all(len(packets) > 50 for packets in twins.kept.values())


def test_more_sensors_than_the_adapter_holds_are_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "lullwatch.toml"
    infants = "".join(
        f'[[infants]]\nid = "a{i}"\nsensors = ['
        + ", ".join(f'{{ site = "{s}", address = "F0:00:00:00:0{i}:0{j}" }}' for j, s in enumerate(SITES))
        + "]\n"
        for i in range(3)
    )
    path.write_text(f'gateway = "ward"\njournal_dir = "{tmp_path}"\n{infants}', encoding="utf-8")
    with pytest.raises(
        BadSettings, match=r"9 sensors are configured, but the Bluetooth adapter holds 7.*connections = 9"
    ):
        load(path)
    path.write_text(path.read_text(encoding="utf-8") + "[radio]\nconnections = 9\n", encoding="utf-8")
    assert load(path).radio.connections == 9
