"""Bonding over a whole Bluetooth stack: who is let in, who is not, and what it leaves behind."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakGATTProtocolError
from bumble import hci
from bumble.core import ProtocolError
from bumble.device import Device
from bumble.pairing import PairingConfig, PairingDelegate

from dsp.records import LinkSample, Site
from firmware_sim.host import GATEWAY_ADDRESS, power_on_host
from firmware_sim.labels import label_passkey
from firmware_sim.sock import SockConfig, VirtualSock
from firmware_sim.sock_security import SockSecurity
from ingest.bond_file import BondFile, KeysDamaged, KeysTooOpen, StoredBond
from ingest.bumble_bonds import BumbleBonds, KeptKeys
from ingest.errors import PairingFailed, WrongPasskey
from ingest.finder import Finder
from ingest.link import LinkState, SockLink
from ingest.pairing import BadPasskey, check_passkey, pair
from ingest.sock_codec import CONTROL_UUID, DATA_UUID, STATUS_UUID
from tests.radio_rig import Rig, noise, radio_rig

ATTACKER = "F0:00:00:00:66:66"
PROTECTED = (STATUS_UUID, CONTROL_UUID, DATA_UUID)


class Keeper:
    """Keeps every packet at once, and what was refused."""

    def __init__(self) -> None:
        self.kept = 0
        self.refused: list[str] = []
        self.samples: list[LinkSample] = []

    async def offer(self, *_: object) -> None:
        self.kept += 1

    def trouble(self, kind: str, why: str) -> None:
        assert kind == "security"
        self.refused.append(why)


def bonds_in(rig: Rig, path: Path | None = None) -> BumbleBonds:
    return BumbleBonds(rig.device, KeptKeys(BondFile(path)))


def device_of(sock: VirtualSock) -> BLEDevice:
    return BLEDevice(sock.config.address, sock.name, hci.Address(sock.config.address))


async def paired(rig: Rig, sock: VirtualSock, bonds: BumbleBonds, passkey: int | None = None) -> str:
    client = partial(BleakClient, backend=rig.client_cls)
    key = sock.config.label if passkey is None else passkey
    return await pair(device_of(sock), key, bonds=bonds, client=client)


@asynccontextmanager
async def listening(
    rig: Rig, sock: VirtualSock, bonds: BumbleBonds
) -> AsyncIterator[tuple[SockLink, Keeper]]:
    keeper = Keeper()
    link = SockLink(
        address=sock.config.address,
        site=Site.LA,
        sensor="la",
        sink=keeper,
        clock=rig.clock,
        find=Finder(partial(rig_scanner, rig)).find,
        client=partial(BleakClient, backend=rig.client_cls),
        bonds=bonds,
        on_trouble=keeper.trouble,
        on_sample=keeper.samples.append,
    )
    task = asyncio.create_task(link.run())
    try:
        yield link, keeper
    finally:
        task.cancel()
        await rig.drive(asyncio.wait({task}))


def rig_scanner(rig: Rig, **options: object) -> object:
    from bleak import BleakScanner

    return BleakScanner(backend=rig.scanner_cls, **options)


async def test_a_sock_out_of_its_box_is_paired_with_the_passkey_on_its_label_and_streams(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bonds.json"
    async with radio_rig() as rig:
        sock = await rig.sock(bonded_with=None)
        bonds = bonds_in(rig, path)
        assert await paired(rig, sock, bonds) == "1.0.0"
        assert sock.security.bonded_with == GATEWAY_ADDRESS
        bond = await bonds.bond(sock.config.address)
        assert bond is not None
        assert bond.secure
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with listening(rig, sock, bonds_in(rig, path)) as (link, keeper):
            await rig.run(5)
            assert link.state is LinkState.STREAMING
            assert keeper.kept > 10
            assert [s.state for s in keeper.samples[:4]] == [
                "searching",
                "connecting",
                "pairing",
                "subscribing",
            ]
    assert label_passkey(sock.config.address) == sock.config.label


async def test_a_wrong_passkey_does_not_pair_and_after_three_the_right_one_neither() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock(bonded_with=None)
        bonds = bonds_in(rig)
        for _ in range(3):
            with pytest.raises(WrongPasskey, match="three wrong ones"):
                await paired(rig, sock, bonds, (sock.config.label + 1) % 1_000_000)
        with pytest.raises(PairingFailed, match="three wrong passkeys"):
            await paired(rig, sock, bonds)
        assert sock.security.bonded_with is None
        assert await bonds.bond(sock.config.address) is None
        sock.security.forget()
        await paired(rig, sock, bonds)


async def test_a_sock_that_is_paired_pairs_with_nobody_else_until_its_button_is_held() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock(bonded_with="F0:00:00:00:00:99")
        bonds = bonds_in(rig)
        with pytest.raises(PairingFailed, match="paired with another gateway"):
            await paired(rig, sock, bonds)
        sock.security.forget()
        await paired(rig, sock, bonds)
        assert sock.security.bonded_with == GATEWAY_ADDRESS


@pytest.mark.parametrize("uuid", PROTECTED)
async def test_a_stranger_may_neither_read_nor_write_nor_subscribe(uuid: str) -> None:
    async with radio_rig() as rig:
        for bonded, code in ((GATEWAY_ADDRESS, 0x0F), (None, 0x05)):
            sock = await rig.sock(f"sock {code}", bonded_with=bonded)
            client = BleakClient(await rig.find(sock.config.address), backend=rig.client_cls)
            await client.connect()
            found = client.services.get_characteristic(uuid)
            assert found is not None
            refused = [partial(client.start_notify, found, lambda *_: None)]
            refused += [partial(client.write_gatt_char, found, b"\x01\x01", response=True)] * (
                uuid == CONTROL_UUID
            )
            refused += [partial(client.read_gatt_char, found)] * (uuid == STATUS_UUID)
            for descriptor in found.descriptors:
                refused.append(partial(client.read_gatt_descriptor, descriptor))
            for ask in refused:
                with pytest.raises(BleakGATTProtocolError) as told:
                    await ask()
                assert told.value.args[0] == code
            assert not sock.sampling
            await client.disconnect()


async def test_a_pairing_without_a_passkey_opens_nothing() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock(bonded_with=None)
        attacker = await power_on_host(rig.air.controller("attacker"), address=ATTACKER)
        attacker.pairing_config_factory = lambda _: PairingConfig(
            sc=True, mitm=False, delegate=PairingDelegate(PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT)
        )
        connection = await attacker.connect(hci.Address(sock.config.address))
        await attacker.pair(connection)
        assert connection.is_encrypted
        assert sock.security.bonded_with is None
        for ours in sock.gatt.device.connections.values():
            with pytest.raises(Exception, match="AUTHENTICATION"):
                sock.security.permit(ours)
        await connection.disconnect()
        await attacker.power_off()


async def test_a_sock_that_was_never_paired_is_not_even_connected_to() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock(bonded_with=None)
        async with listening(rig, sock, bonds_in(rig)) as (link, keeper):
            await rig.run(10)
            assert keeper.kept == 0
            assert set(keeper.refused) == {"not paired"}
            assert not sock.connected
            assert "connecting" not in {s.state for s in keeper.samples}
            assert link.state is not LinkState.STREAMING


@asynccontextmanager
async def look_alike(rig: Rig, sock: VirtualSock, key_of: str | None) -> AsyncIterator[VirtualSock]:
    """The real sock falls silent; another device advertises under its address."""
    sock.gatt.set_in_range(False)
    fake = VirtualSock(
        rig.air.controller("fake"),
        clock=rig.clock,
        source=noise(60, seed=99),
        config=SockConfig(address=sock.config.address, seed=99, bonded_with=key_of, samples_at_power_on=True),
    )
    await fake.power_on()
    try:
        yield fake
    finally:
        await fake.power_off()


async def test_a_look_alike_at_the_address_of_a_bonded_sock_is_refused_and_told_until_the_sock_is_back() -> (
    None
):
    async with radio_rig() as rig:
        sock = await rig.sock(seconds=200)
        async with listening(rig, sock, rig.bonds) as (link, keeper):
            for key_of in (None, "F0:00:00:00:00:55"):  # no key at all, and one of another bond
                keeper.refused.clear()
                async with look_alike(rig, sock, key_of):
                    await rig.run(20)
                    assert set(keeper.refused) == {"does not hold the key"}
                    assert link.state is not LinkState.STREAMING
                    assert keeper.kept == link.stream.counts.received
                sock.gatt.set_in_range(True)
                await rig.run(20)
                assert link.state is LinkState.STREAMING
                assert keeper.refused[-1] == ""
            await rig.run(5)
            assert abs(link.stream.counts.received - len(sock.sent)) <= 1


async def test_a_bond_replayed_after_the_sock_was_paired_anew_is_refused() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock(bonded_with=None)
        bonds = bonds_in(rig)
        await paired(rig, sock, bonds)
        old = await rig.device.keystore.get(sock.config.address)  # type: ignore[union-attr]
        sock.security.forget()
        await paired(rig, sock, bonds)
        new = await rig.device.keystore.get(sock.config.address)  # type: ignore[union-attr]
        assert old is not None
        assert new is not None
        assert old.ltk.value != new.ltk.value
        async with look_alike(rig, sock, None) as fake:
            fake.security.preset(GATEWAY_ADDRESS, old.ltk.value)
            async with listening(rig, sock, bonds) as (_, keeper):
                await rig.run(5)
                assert set(keeper.refused) == {"does not hold the key"}
                assert keeper.kept == 0


async def test_a_peer_that_will_not_encrypt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        return

    async with radio_rig() as rig:
        sock = await rig.sock()
        monkeypatch.setattr(rig.client_cls, "encrypt", never)
        monkeypatch.setattr(SockSecurity, "permit", lambda *_: None)
        async with listening(rig, sock, rig.bonds) as (_, keeper):
            await rig.run(5)
            assert set(keeper.refused) == {"not encrypted"}
            assert keeper.kept == 0


async def test_a_peer_that_begins_a_pairing_itself_gets_none(tmp_path: Path) -> None:
    async with radio_rig() as rig:
        sock = await rig.sock(bonded_with=None)
        bonds = bonds_in(rig, tmp_path / "bonds.json")
        connection = await rig.device.connect(hci.Address(sock.config.address))
        theirs: Device = sock.gatt.device
        await rig.air.settle()
        with pytest.raises(ProtocolError) as told:
            await theirs.pair(next(iter(theirs.connections.values())))
        assert told.value.error_name == "PAIRING_NOT_SUPPORTED"
        assert await bonds.bond(sock.config.address) is None
        assert not (tmp_path / "bonds.json").exists()
        await connection.disconnect()


async def test_a_key_for_another_address_than_was_asked_for_is_not_kept() -> None:
    file = BondFile(None)
    keys, seen = KeptKeys(file), BondFile(None)
    seen.put("AA", StoredBond(bytes(16), 1, authenticated=True))
    source = KeptKeys(seen)
    pairing = await source.get("AA")
    assert pairing is not None
    keys.expected = "BB"
    await keys.update("AA", pairing)
    assert file.addresses() == []
    keys.expected = "AA"
    await keys.update("AA", pairing)
    assert file.addresses() == ["AA"]


def test_keys_that_others_can_read_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "bonds.json"
    BondFile(path).put("AA", StoredBond(bytes(range(16)), 1, authenticated=True))
    path.chmod(0o640)
    with pytest.raises(KeysTooOpen, match="chmod 600"):
        BondFile(path)


def test_a_damaged_key_file_is_named_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "bonds.json"
    for text in (b"", b"{", b'{"version":2,"bonds":{}}', b'{"version":1,"bonds":{"A":{"key":"zz"}}}'):
        path.write_bytes(text)
        path.chmod(0o600)
        with pytest.raises(KeysDamaged, match="pair the socks anew"):
            BondFile(path)


def test_what_another_process_paired_or_forgot_is_seen_at_the_next_look(tmp_path: Path) -> None:
    ours, theirs = BondFile(tmp_path / "b.json"), BondFile(tmp_path / "b.json")
    theirs.put("AA", StoredBond(bytes(range(16)), 1, authenticated=True))
    bond = ours.get("AA")
    assert bond is not None
    assert bond.key == bytes(range(16))
    ours.put("BB", StoredBond(bytes(16), 0, authenticated=True))
    assert theirs.addresses() == ["AA", "BB"]
    theirs.remove("AA")
    assert ours.addresses() == ["BB"]


@pytest.mark.parametrize("text", ["042137", "042 137", "042-137"])
def test_a_passkey_may_be_typed_as_it_is_printed(text: str) -> None:
    assert check_passkey(text) == 42_137


@pytest.mark.parametrize("text", ["", "4213", "0421377", "04213a", "٠٤٢١٣٧"])
def test_what_is_no_passkey_is_refused(text: str) -> None:
    with pytest.raises(BadPasskey, match="six digits"):
        check_passkey(text)
