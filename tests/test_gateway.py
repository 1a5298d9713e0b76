"""The gateway on the virtual radio: stopping, failing, and a clock that is set in the night."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.mqtt import BrokerAddress
from dsp.records import NS, ClockRow
from firmware_sim.night import Night, make_night
from firmware_sim.scenarios import named_scenario
from firmware_sim.sim_clock import SimClock
from lullwatch.caregiving import Household
from lullwatch.gateway import Gateway
from lullwatch.home import SimulatedHome
from store.errors import JournalFull
from store.journal import Journal
from tests.caregiving_rig import ANNA, Phone
from tests.servers_fixtures import Broker

CLOCK = ClockRow(0, 1_767_290_400 * NS, "boot", "UTC")


@pytest.fixture(scope="module")
def night() -> Night:
    return make_night(named_scenario("kicking_hour").lasting(200), seed=1003, infant="kid")


def gateway(home: SimulatedHome, journal: Journal, clock: SimClock, **options: Any) -> Gateway:
    name = options.pop("name", "gw")
    return Gateway(
        name=name,
        journal=journal,
        clock=clock,
        clock_row=CLOCK,
        wearers=[home.wearer()],
        radio=home.radio(),
        **options,
    )


async def test_after_a_stop_the_next_start_goes_on_and_no_packet_is_there_twice(
    night: Night, tmp_path: Path
) -> None:
    clock = SimClock()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:
            for until_s in (70, 140):
                async with gateway(home, journal, clock) as live:
                    await home.live(live, until_s * NS)
            sent = {number for sock in home.socks.values() for number in sock.sent}
        packets = [(p.boot, p.seq) for p in journal.packets("kid")]
        assert len(packets) == len(set(packets))
        assert set(packets) == sent
        assert len(journal.configs()) == 1
        assert journal.newest_snapshot("kid") is not None


async def test_a_clock_that_is_set_in_the_night_is_journalled_once(night: Night, tmp_path: Path) -> None:
    clock = SimClock()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:

            def read() -> ClockRow:
                set_by_ns = 3600 * NS if clock.now_ns() > 90 * NS else 0
                return replace(CLOCK, t_ns=clock.now_ns(), utc_ns=CLOCK.utc_ns + clock.now_ns() + set_by_ns)

            async with gateway(home, journal, clock, read_clock=read) as live:
                await home.live(live, 190 * NS)
        offsets = [row.utc_ns - row.t_ns - CLOCK.utc_ns for row in journal.clock_rows()]
        assert offsets == [0, 3600 * NS]
        said = [(a.version, a.cleared) for a in journal.alerts() if a.pattern == "clock"]
        assert said == [(1, False), (2, True)]


async def test_a_full_disk_reaches_people_past_the_journal_and_rings_when_nobody_watches_for_five_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = make_night(named_scenario("kicking_hour").lasting(460), seed=1003, infant="kid")
    clock, phone = SimClock(), Phone()
    commit = Journal.commit

    def full(journal: Journal, *rows: Any) -> Any:
        if 20 * NS < clock.now_ns() < 430 * NS:
            raise JournalFull(journal.path)
        return commit(journal, *rows)

    monkeypatch.setattr(Journal, "commit", full)
    people = Household(people=(ANNA,), channels={"ntfy": phone})
    with Journal.open(tmp_path / "j.sqlite") as journal:
        async with (
            SimulatedHome(lasting, clock) as home,
            gateway(home, journal, clock, household=people) as live,
        ):
            await home.live(live, 410 * NS)
            meanwhile = [(n.alert.pattern, n.send.rings, n.alert.facts.get("unwritten")) for n in phone.got]
            assert meanwhile == [("disk", False, 1), ("blind", True, 1)]
            await home.live(live, 450 * NS)
        over = {(a.pattern, a.facts["detail"]) for a in journal.alerts() if a.cleared}
        assert over == {("disk", ""), ("blind", "journal")}


async def test_a_service_that_fails_is_offline_and_not_stopped(
    night: Night, mosquitto: Broker, tmp_path: Path
) -> None:
    class BrokenError(Exception):
        pass

    clock = SimClock()
    with (
        Journal.open(tmp_path / "j.sqlite") as journal,
        mosquitto.sub(f"lullwatch/{mosquitto.topic}/status") as sub,
    ):
        address = BrokerAddress(mosquitto.host, mosquitto.port)
        async with SimulatedHome(night, clock) as home:
            failing = gateway(home, journal, clock, name=mosquitto.topic, broker=address)

            async def fail() -> None:
                async with failing:
                    await home.live(failing, 10 * NS)
                    await failing.announced()
                    raise BrokenError

            with pytest.raises(BrokenError):
                await fail()
        states = [json.loads(m.payload)["state"] for m in sub.take(2)]
    assert states == ["online", "offline"]
