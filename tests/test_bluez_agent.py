"""What is asked of BlueZ, with a stand-in for the message bus. (Against real BlueZ: make test-bluez.)"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from dbus_fast import Message, MessageType, Variant

from ingest import bluez_agent
from ingest.bluez_agent import BlueZBonds, encrypted
from ingest.errors import NotBonded, PairingFailed, Unencrypted, WrongPasskey

ADDRESS = "F0:00:00:00:01:02"
PATH = "/org/bluez/hci0/dev_F0_00_00_00_01_02"
ADAPTER = "/org/bluez/hci0"
DEVICE = BLEDevice(ADDRESS, None, {"path": PATH})


class FakeBlueZ:
    """Knows one device, and does as the test says when it is to pair."""

    def __init__(self) -> None:
        self.known = True
        self.paired = self.trusted = False
        self.asks = True
        self.fails_with = ""
        self.agent: Any = None
        self.asked: list[str] = []
        self.mtu = 517

    def export(self, _path: str, agent: object) -> None:
        self.agent = agent

    async def call(self, message: Message) -> Any:
        self.asked.append(str(message.member))
        answer: Callable[[Message], Any] = getattr(self, f"on_{str(message.member).lower()}", lambda _: [])
        try:
            return SimpleNamespace(message_type=MessageType.METHOD_RETURN, body=answer(message))
        except LookupError as error:
            return SimpleNamespace(message_type=MessageType.ERROR, error_name=str(error.args[0]), body=["no"])

    def on_getmanagedobjects(self, _: Message) -> list[Any]:
        said = {"Paired": self.paired, "Trusted": self.trusted, "Connected": False}
        told = {name: Variant("b", value) for name, value in said.items()}
        told |= {"Address": Variant("s", ADDRESS.lower()), "Adapter": Variant("o", ADAPTER)}
        return [
            {PATH: {"org.bluez.Device1": told}, ADAPTER: {"org.bluez.Adapter1": {}}} if self.known else {}
        ]

    def on_pair(self, _: Message) -> list[Any]:
        if self.asks:
            self.typed = type(self.agent).request_passkey.__wrapped__(self.agent, PATH)
        if self.fails_with:
            raise LookupError(self.fails_with)
        self.paired = True
        return []

    def on_set(self, message: Message) -> list[Any]:
        assert message.body[:2] == ["org.bluez.Device1", "Trusted"]
        self.trusted = True
        return []

    def on_removedevice(self, _: Message) -> list[Any]:
        self.known = False
        return []

    def on_get(self, _: Message) -> list[Any]:
        return [Variant("q", self.mtu)]


@pytest.fixture
def bluez(monkeypatch: pytest.MonkeyPatch) -> FakeBlueZ:
    fake = FakeBlueZ()

    @asynccontextmanager
    async def bus() -> AsyncIterator[FakeBlueZ]:
        yield fake

    monkeypatch.setattr(bluez_agent, "_bus", bus)
    return fake


async def test_a_bond_made_with_a_passkey_is_marked_and_counts(bluez: FakeBlueZ) -> None:
    bonds = BlueZBonds()
    assert await bonds.bond(ADDRESS) is None
    await bonds.pair(DEVICE, 42137)
    assert bluez.typed == 42137
    bond = await bonds.bond(ADDRESS)
    assert bond is not None
    assert bond.secure
    assert bluez.asked[-3:] == ["UnregisterAgent", "Disconnect", "GetManagedObjects"]


async def test_a_bond_that_asked_nobody_is_dropped(bluez: FakeBlueZ) -> None:
    bluez.asks = False
    with pytest.raises(PairingFailed, match="may be anybody"):
        await BlueZBonds().pair(DEVICE, 1)
    assert not bluez.known
    assert bluez.asked[-1] == "UnregisterAgent"


async def test_a_wrong_passkey_and_other_failures_are_told_apart(bluez: FakeBlueZ) -> None:
    bluez.fails_with = "org.bluez.Error.AuthenticationFailed"
    with pytest.raises(WrongPasskey):
        await BlueZBonds().pair(DEVICE, 1)
    bluez.known, bluez.fails_with = True, "org.bluez.Error.ConnectionAttemptFailed"
    with pytest.raises(PairingFailed):
        await BlueZBonds().pair(DEVICE, 1)


async def test_what_cannot_be_tidied_up_does_not_hide_that_the_passkey_was_wrong(
    bluez: FakeBlueZ, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def hung(*_: object) -> None:
        raise TimeoutError("BlueZ hangs")

    bluez.fails_with = "org.bluez.Error.AuthenticationFailed"
    monkeypatch.setattr(BlueZBonds, "_drop", hung)
    with pytest.raises(WrongPasskey):
        await BlueZBonds().pair(DEVICE, 1)
    assert "BlueZ hangs" in caplog.text


async def test_a_bond_made_by_hand_is_not_worth_its_name(bluez: FakeBlueZ) -> None:
    bluez.paired = True
    bond = await BlueZBonds().bond(ADDRESS)
    assert bond is not None
    assert not bond.secure


async def test_the_size_of_a_notification_is_what_bluez_says_now(bluez: FakeBlueZ) -> None:
    data: Any = SimpleNamespace(obj=("/a/path", {"MTU": 23}))
    client: Any = None
    assert await BlueZBonds().carries(client, data) == 514


def links(monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    def ioctl(_socket: object, _request: int, room: bytearray) -> int:
        adapter, _ = struct.unpack_from("<HH", room)
        if adapter != 1:
            raise OSError(19, "No such device")
        reversed_address = bytes.fromhex(ADDRESS.replace(":", ""))[::-1]
        struct.pack_into("<HH", room, 0, adapter, 1)
        struct.pack_into("<H6sBBHI", room, 4, 64, reversed_address, 0x80, 1, 1, mode)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    monkeypatch.setattr(socket, "socket", lambda *_: nullcontext())


@pytest.mark.parametrize(("mode", "is_encrypted"), [(0x0001, False), (0x0005, True)])
def test_the_kernel_says_whether_a_link_is_encrypted(
    mode: int, is_encrypted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    links(monkeypatch, mode)
    assert encrypted(ADDRESS) is is_encrypted
    assert not encrypted("F0:00:00:00:01:03")


async def test_nothing_is_read_over_a_link_that_is_not_encrypted(
    bluez: FakeBlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = SimpleNamespace(address=ADDRESS, is_connected=True)
    with pytest.raises(NotBonded):
        await BlueZBonds().secure(client, "la")
    bluez.paired = True
    monkeypatch.setattr(bluez_agent, "_ENCRYPT_S", 0.1)
    monkeypatch.setattr(bluez_agent, "encrypted", lambda _: False)
    with pytest.raises(Unencrypted):
        await BlueZBonds().secure(client, "la")
    monkeypatch.setattr(bluez_agent, "encrypted", lambda _: True)
    await BlueZBonds().secure(client, "la")
