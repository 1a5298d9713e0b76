"""What the monitor stands in: made-up nights and real ones never share a folder; a made-up day goes on anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Site, Tick
from lullwatch.errors import BadScenario, BadSettings
from lullwatch.gateway import Radio
from lullwatch.settings import (
    GatewaySettings,
    InfantSettings,
    SensorSettings,
    SimulatedSettings,
    with_simulated,
)
from lullwatch.simulated_clock import SimulatedClock
from lullwatch.surroundings import OtherNights, surroundings
from store.journal import Journal
from store.rows import FedRow


def settings(**simulated: object) -> GatewaySettings:
    infant = InfantSettings(id="kid", sensors=[SensorSettings(site=Site.LA, address="C0:00:00:00:00:01")])
    made_up = SimulatedSettings(**simulated) if simulated else None  # type: ignore[arg-type]
    return GatewaySettings(gateway="gw", journal_dir="unused", infants=[infant], simulated=made_up)


@asynccontextmanager
async def radio() -> AsyncIterator[Radio]:
    async def find(_: str) -> None:
        raise AssertionError

    yield Radio(find)  # type: ignore[arg-type] # nothing is looked for


async def test_made_up_nights_are_not_written_into_a_folder_of_real_ones_nor_the_other_way_round(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path / "real.sqlite") as real, Journal.open(tmp_path / "made.sqlite") as made:
        real.commit([ClockRow(0, 0, "some-boot", "UTC")])
        made.commit([ClockRow(0, 0, "simulated", "UTC")])
        with pytest.raises(OtherNights, match="holds real nights"):
            async with surroundings(settings(seed=1), real, radio):
                pass
        with pytest.raises(OtherNights, match="holds made-up nights"):
            async with surroundings(settings(), made, radio):
                pass
        async with surroundings(settings(), real, radio) as around:
            assert around.live is None
            assert around.clock.row("UTC").t_ns > 0


async def test_a_scenario_that_there_is_not_is_named(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "n.sqlite") as journal:
        for name in ("party", str(tmp_path / "none.toml")):
            with pytest.raises(BadScenario, match=name):
                async with surroundings(settings(scenario=name), journal):
                    pass


def test_a_made_up_day_goes_on_where_its_journal_ends(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "n.sqlite") as journal:
        journal.commit([ClockRow(0, 1000 * NS, "simulated", "UTC"), FedRow("kid", Tick(60 * NS))])
        row = SimulatedClock.resume(journal).row("UTC")
    assert (row.t_ns, row.utc_ns, row.boot) == (61 * NS, 1061 * NS, "simulated")


def test_only_one_infant_can_be_made_up(tmp_path: Path) -> None:
    one = settings()
    two = GatewaySettings(
        gateway="gw", journal_dir="x", infants=[*one.infants, InfantSettings(id="b", sensors=[])]
    )
    assert with_simulated(tmp_path, one, seed=3, pace=60).simulated == SimulatedSettings(seed=3, pace=60)
    with pytest.raises(BadSettings, match="there are more"):
        with_simulated(tmp_path, two, seed=3, pace=60)
    with pytest.raises(BadSettings, match="--simulated"):
        with_simulated(tmp_path, one, seed=3, pace=1e6)
