"""Setting up: sensors are heard, looked at closer, made to blink, and told apart by a wiggle."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError

from dsp.records import Site
from firmware_sim.movesense import VirtualMovesense
from firmware_sim.sock import ArraySource, SockConfig, VirtualSock
from ingest.bond_file import BondFile
from ingest.bumble_bonds import BumbleBonds, KeptKeys
from ingest.finder import Finder
from ingest.survey import blink, moved
from lullwatch import sensors
from lullwatch.commands.sensors import sensors as command
from lullwatch.errors import NoRadio, NotAnAddress, NotATime, NotSaid
from lullwatch.sensors import Listed, Radio, lines_of, listed, run
from lullwatch.settings import GatewaySettings, load
from tests.radio_rig import Rig, noise, radio_rig

LISTEN_S = 3.0


def radio_of(rig: Rig) -> Radio:
    scanner = partial(BleakScanner, backend=rig.scanner_cls)
    return Radio(scanner, partial(BleakClient, backend=rig.client_cls), rig.clock.sleep, rig.bonds)


def settings_of(**addresses: str) -> GatewaySettings:
    sensors = [{"site": site, "address": address} for site, address in addresses.items()]
    raw = {"gateway": "home", "journal_dir": "j", "infants": [{"id": "a", "sensors": sensors}]}
    return msgspec.convert(raw, GatewaySettings)


async def test_sensors_in_range_are_listed_with_who_wears_them_and_what_is_missing() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock("LA")
        away = "F0:00:00:00:01:77"
        settings = settings_of(LA=sock.config.address, RA=away)
        found = await rig.drive(listed(radio_of(rig), settings, seconds=LISTEN_S))
        by_address = {one.address: one for one in found}
        here = by_address[sock.config.address]
        assert (here.kind, here.infant, here.site, here.trouble) == ("sock", "a", "LA", "")
        assert here.rssi is not None
        assert by_address[away].rssi is None
        assert by_address[away].trouble == "not heard"
        table = "\n".join(lines_of(found))
        assert "not heard" in table
        assert sock.config.address in table


async def test_a_closer_look_reads_battery_and_firmware() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock("LA", battery_percent=42.0)
        found = await rig.drive(listed(radio_of(rig), None, seconds=LISTEN_S, closer=True))
        assert [(one.address, one.battery) for one in found] == [(sock.config.address, 42)]
        assert found[0].firmware


async def test_other_makers_are_recognised_and_a_wrong_kind_is_named() -> None:
    async with radio_rig() as rig:
        address = "F0:00:00:00:02:01"
        sensor = VirtualMovesense(
            rig.air.controller("ms"), clock=rig.clock, source=noise(60, rate_hz=52), address=address
        )
        await sensor.power_on()
        found = await rig.drive(listed(radio_of(rig), settings_of(LA=address), seconds=LISTEN_S))
        await sensor.power_off()
        assert [(one.kind, one.trouble) for one in found] == [("movesense", "configured as sock")]


async def test_a_sock_is_made_to_blink() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock("LA")
        radio = radio_of(rig)
        await rig.drive(blink(sock.config.address, 10, Finder(radio.scanner).find, radio.client, rig.bonds))
        assert sock.identified_s == 10


async def test_the_sock_that_was_shaken_is_told_from_the_one_that_lay_still() -> None:
    async with radio_rig() as rig:
        still = ArraySource.from_counts(np.full((3000, 6), 100, dtype=np.int16))
        shaken = await rig.sock("LA")
        quiet = VirtualSock(
            rig.air.controller("RA"),
            clock=rig.clock,
            source=still,
            config=SockConfig(address="F0:00:00:00:01:09", seed=9),
        )
        await quiet.power_on()
        rig.socks.append(quiet)
        radio = radio_of(rig)
        addresses = [shaken.config.address, quiet.config.address]
        work = moved(
            addresses, lambda: rig.clock.sleep(5.0), Finder(radio.scanner).find, radio.client, rig.bonds
        )
        shares = await rig.drive(work)
        assert shares[shaken.config.address] > 0.9


def test_without_an_adapter_it_says_what_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(**_: object) -> BleakScanner:
        raise BleakError("no adapter")

    with pytest.raises(NoRadio, match="plugged in"):
        run(
            settings=None, seconds=0.1, closer=False, everything=False, blink_address=None, wiggled=[],
            as_json=False, radio=Radio(broken),
        )  # fmt: skip


def test_nothing_heard_says_what_to_try() -> None:
    assert "charged" in lines_of([])[0]


def test_the_example_settings_name_a_kind_that_exists() -> None:
    settings = load(Path(__file__).parents[1] / "deploy" / "lullwatch.example.toml")
    assert {s.site for s in settings.infants[0].sensors} == {Site.LA, Site.RA, Site.TR}
    assert lines_of([Listed("A", "n", "sock", -50, 80, "1.0")])[1].startswith("A")


async def test_a_sock_out_of_its_box_is_paired_with_the_digits_on_its_label(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with radio_rig() as rig:
        sock = await rig.sock("LA", bonded_with=None)
        bonds = BumbleBonds(rig.device, KeptKeys(BondFile(None)))
        radio = replace(radio_of(rig), bonds=bonds)
        digits = f"{sock.config.label:06d}"
        await rig.drive(sensors._pair(sock.config.address, radio, lambda _: f"{digits[:3]} {digits[3:]}"))
        bond = await bonds.bond(sock.config.address)
        assert bond is not None
        assert bond.secure
        assert "is paired" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"assign": "C0:00:00:00:00:01"}, "--site"),
        ({"infant": "a"}, "--site"),
        ({"site": "LA"}, "--assign"),
        ({"site": "LA", "assign": "C0:00:00:00:00:01"}, "--settings"),
        ({"wiggle": ["C0:00:00:00:00:01"]}, "--wiggle"),
        ({"wiggle": ["C0:00:00:00:00:0a", "C0:00:00:00:00:0A"]}, "--wiggle"),
    ],
)
def test_what_was_not_said_is_asked_for(given: dict[str, Any], missing: str) -> None:
    with pytest.raises(NotSaid, match=missing):
        command(**given)


@pytest.mark.parametrize("option", ["pair", "blink", "assign"])
@pytest.mark.parametrize("given", ["", "left sock", "C0:00:00:00:00:01\n", "../../keys"])
def test_what_can_be_no_address_is_refused_before_anybody_is_asked_for_digits(
    option: str, given: str
) -> None:
    with pytest.raises(NotAnAddress, match="such as C0:00:00:00:00:01"):
        command(**{option: given})  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_nobody_listens_for_no_time_or_for_ever(seconds: float) -> None:
    with pytest.raises(NotATime, match="more than 0 and at most 600"):
        command(seconds=seconds)


def test_the_command_writes_who_wears_a_sensor_without_a_radio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lullwatch.toml"
    path.write_text((Path(__file__).parents[1] / "deploy" / "lullwatch.example.toml").read_text())
    assert command(settings=path, assign="C0:00:00:00:00:0A", site="RA") == 0
    assert "is worn as RA now" in capsys.readouterr().out
