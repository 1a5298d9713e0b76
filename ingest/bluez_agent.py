"""Pairing and bonds on Linux, where BlueZ keeps the keys. The one module here that needs Linux.

BlueZ pairs only with the help of an agent, a program that it asks for the passkey over D-Bus; without one pairing
fails, and what needs it hangs. It does not tell how a bond came about, so a bond that was made here, with a passkey
that was asked for, is marked as trusted: BlueZ keeps the mark with the key and drops it with the key. Nor does it
tell whether a link is encrypted: the kernel does.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

from bleak import BleakClient, BleakScanner
from bleak.backends.bluezdbus.utils import get_dbus_authenticator
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError
from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio.message_bus import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method

from ingest.bonds import Bond
from ingest.errors import NotBonded, PairingFailed, Unencrypted, WrongPasskey

__all__ = ["BlueZBonds", "encrypted"]

_log = logging.getLogger(__name__)

_BLUEZ: Final = "org.bluez"
_DEVICE: Final = "org.bluez.Device1"
_AGENT_PATH: Final = "/lullwatch/agent"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_ATT_HEADER: Final = 3
"""bytes of a notification that are not its value (Core 5.4, Vol 3 Part F 3.4.7.1)"""
_REJECTED: Final = "org.bluez.Error.Rejected"
_WRONG: Final = "org.bluez.Error.AuthenticationFailed"
_CALL_S: Final = 10.0
"""Real seconds for one question to BlueZ."""
_PAIR_S: Final = 35.0
"""Real seconds: the Security Manager gives up after 30 (Core 5.4, Vol 3 Part H 3.4) and says so."""
_ENCRYPT_S: Final = 3.0
"""Real seconds: the kernel encrypts while it connects, so this is only for its telling so."""
_POLL_S: Final = 0.05
_HEAR_S: Final = 20.0
"""Real seconds to hear a sock: it advertises four times a second."""

# From the kernel's include/net/bluetooth/hci_sock.h; Python may have been built without these.
_AF_BLUETOOTH: Final = 31
_BTPROTO_HCI: Final = 1
_HCIGETCONNLIST: Final = 0x800448D4
_LIST_HEAD: Final = struct.Struct("<HH")
_LIST_ENTRY: Final = struct.Struct("<H6sBBHI")
"""handle, address, type, outgoing, state, link mode"""
_ENTRIES_MAX: Final = 64
_ADAPTERS_MAX: Final = 8
_LE_LINK: Final = 0x80
_LM_ENCRYPT: Final = 0x0004


_Nothing = Annotated[None, DBusSignature("")]


class _Agent(ServiceInterface):
    """Types the passkey of one device, and refuses everything else that BlueZ may ask."""

    def __init__(self, path: str, passkey: int) -> None:
        super().__init__("org.bluez.Agent1")
        self._path, self._passkey = path, passkey
        self.asked = False
        """whether the peer wanted the passkey: only then did a person vouch for it"""

    @dbus_method("RequestPasskey")
    def request_passkey(self, device: DBusObjectPath) -> DBusUInt32:
        if device != self._path:
            raise DBusError(_REJECTED, "another device is being paired")
        self.asked = True
        return self._passkey

    @dbus_method("RequestConfirmation")
    def request_confirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> _Nothing:
        del device, passkey
        raise DBusError(_REJECTED, "a sock has a passkey on its label")

    @dbus_method("RequestAuthorization")
    def request_authorization(self, device: DBusObjectPath) -> _Nothing:
        del device
        raise DBusError(_REJECTED, "a sock has a passkey on its label")

    @dbus_method("RequestPinCode")
    def request_pin_code(self, device: DBusObjectPath) -> DBusStr:
        raise DBusError(_REJECTED, f"{device}: pairing of old")

    @dbus_method("Cancel")
    def cancel(self) -> _Nothing:
        _log.debug("the system ended the pairing")

    @dbus_method("Release")
    def release(self) -> _Nothing:
        _log.debug("the system has let the agent go")


@dataclass(frozen=True, slots=True)
class _Known:
    """A device that BlueZ knows."""

    path: str
    adapter: str
    paired: bool
    trusted: bool
    connected: bool


class BlueZBonds:
    """`ingest.bonds.Bonds` on BlueZ."""

    def __init__(self) -> None:
        self._pairing = asyncio.Lock()

    async def bond(self, address: str) -> Bond | None:
        """See `ingest.bonds.Bonds`."""
        async with _bus() as bus:
            known = await _known(bus, address)
        paired = [device for device in known if device.paired]
        return Bond(address, secure=all(device.trusted for device in paired)) if paired else None

    async def secure(self, client: BleakClient, sensor: str) -> None:
        """See `ingest.bonds.Bonds`. BlueZ has encrypted, with the key of the bond, before it says "connected"."""
        address = client.address.upper()
        if await self.bond(address) is None:
            raise NotBonded(sensor, address)
        try:
            async with asyncio.timeout(_ENCRYPT_S):
                while not encrypted(address):  # noqa: ASYNC110 - the kernel tells nobody
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise Unencrypted(sensor, address) from None

    async def carries(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> int | None:
        """See `ingest.bonds.Bonds`.

        bleak has the number from when it first heard of the characteristic; of a bonded sock that is before it
        was connected, and the number 20. It is BlueZ's to know, where it tells (5.62 and newer).
        """
        del client
        path = characteristic.obj[0]
        try:
            async with _bus() as bus:
                [told] = await _call(
                    bus, path, _PROPERTIES, "Get", "ss", "org.bluez.GattCharacteristic1", "MTU"
                )
        except BleakDBusError as error:
            _log.debug("%s: %s", path, error)
            return None
        return int(told.value) - _ATT_HEADER

    def refuses(self, error: Exception) -> bool:
        """See `ingest.bonds.Bonds`."""
        return isinstance(error, BleakDBusError) and error.dbus_error == _WRONG

    async def pair(self, device: BLEDevice, passkey: int) -> None:
        """See `ingest.bonds.Bonds`."""
        address = device.address.upper()
        async with self._pairing, _bus() as bus:
            path = await _heard(bus, address)
            agent = _Agent(path, passkey)
            bus.export(_AGENT_PATH, agent)
            await _call(
                bus,
                "/org/bluez",
                "org.bluez.AgentManager1",
                "RegisterAgent",
                "os",
                _AGENT_PATH,
                "KeyboardOnly",
            )
            try:
                await _vouched(bus, agent, path, address)
            except BaseException:
                # a bond that is left is not marked, so that it counts for nothing
                with _only_logged(address):
                    await self._drop(bus, address)
                raise
            finally:
                with _only_logged(address):  # the agent ends with the line to the bus
                    await _call(
                        bus, "/org/bluez", "org.bluez.AgentManager1", "UnregisterAgent", "o", _AGENT_PATH
                    )
            await _call(bus, path, _DEVICE, "Disconnect")

    async def forget(self, address: str) -> None:
        """See `ingest.bonds.Bonds`."""
        async with _bus() as bus:
            await self._drop(bus, address)

    async def _drop(self, bus: MessageBus, address: str) -> None:
        for device in await _known(bus, address):
            await _call(bus, device.adapter, "org.bluez.Adapter1", "RemoveDevice", "o", device.path)


async def _heard(bus: MessageBus, address: str) -> str:
    """Path of a device; one that was forgotten just now, or long ago, must be heard anew."""
    if not await _known(bus, address):
        await BleakScanner.find_device_by_address(address, timeout=_HEAR_S)
    known = await _known(bus, address)
    if not known:
        raise PairingFailed(
            address, "it is not heard; is it charged, near, and not connected to another device?"
        )
    return known[0].path


async def _vouched(bus: MessageBus, agent: _Agent, path: str, address: str) -> None:
    """Pair, and mark the bond as one that a person typed a passkey for."""
    try:
        await _call(bus, path, _DEVICE, "Pair", limit_s=_PAIR_S)
    except BleakDBusError as error:
        if error.dbus_error == _WRONG:
            raise WrongPasskey(address) from error
        raise PairingFailed(address, error.dbus_error_details or error.dbus_error) from error
    if not agent.asked:
        raise PairingFailed(address, "what answered did not ask for the passkey, so it may be anybody")
    await _call(bus, path, _PROPERTIES, "Set", "ssv", _DEVICE, "Trusted", Variant("b", True))


def encrypted(address: str) -> bool:
    """Whether the kernel has a Bluetooth LE link to this address and encrypts it.

    Raises:
        OSError: this process may not ask.
    """
    reversed_address = bytes.fromhex(address.replace(":", ""))[::-1]
    with socket.socket(_AF_BLUETOOTH, socket.SOCK_RAW, _BTPROTO_HCI) as asking:
        for adapter in range(_ADAPTERS_MAX):
            for peer, kind, mode in _links(asking, adapter):
                if peer == reversed_address and kind == _LE_LINK:
                    return bool(mode & _LM_ENCRYPT)
    return False


def _links(asking: socket.socket, adapter: int) -> list[tuple[bytes, int, int]]:
    """Address, type and mode of all links of an adapter; none where there is no such adapter."""
    room = bytearray(_LIST_HEAD.size + _ENTRIES_MAX * _LIST_ENTRY.size)
    _LIST_HEAD.pack_into(room, 0, adapter, _ENTRIES_MAX)
    try:
        fcntl.ioctl(asking, _HCIGETCONNLIST, room)
    except OSError as error:
        _log.debug("adapter %d: %s", adapter, error)
        return []
    _, count = _LIST_HEAD.unpack_from(room)
    entries = (_LIST_ENTRY.unpack_from(room, _LIST_HEAD.size + n * _LIST_ENTRY.size) for n in range(count))
    return [(peer, kind, mode) for _, peer, kind, _, _, mode in entries]


@contextmanager
def _only_logged(address: str) -> Iterator[None]:
    """What cannot be tidied up hides nothing of how the pairing went."""
    try:
        yield
    except (BleakDBusError, OSError, EOFError, TimeoutError) as error:
        _log.warning("%s: BlueZ did not tidy up after the pairing: %s", address, error)


@asynccontextmanager
async def _bus() -> AsyncIterator[MessageBus]:
    """A line to the system's message bus of its own: what hangs on it ends with it, the agent too."""
    bus = MessageBus(bus_type=BusType.SYSTEM, auth=get_dbus_authenticator())
    async with asyncio.timeout(_CALL_S):
        await bus.connect()
    try:
        yield bus
    finally:
        bus.disconnect()


async def _call(
    bus: MessageBus,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    *body: object,
    limit_s: float = _CALL_S,
) -> list[Any]:
    """What BlueZ answers. Raises `BleakDBusError`, OSError, TimeoutError."""
    asked = Message(
        destination=_BLUEZ,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )
    async with asyncio.timeout(limit_s):
        reply = await bus.call(asked)
    if reply is None:
        raise EOFError("the message bus went away")
    if reply.message_type is MessageType.ERROR:
        raise BleakDBusError(reply.error_name or "", reply.body)
    return list(reply.body)


async def _known(bus: MessageBus, address: str) -> list[_Known]:
    """Devices with this address, one for each adapter that knows it."""
    [objects] = await _call(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    found = []
    for path, interfaces in objects.items():
        told: Mapping[str, Variant] = interfaces.get(_DEVICE, {})
        if told and str(told["Address"].value).upper() == address:
            said = {name: bool(told[name].value) for name in ("Paired", "Trusted", "Connected")}
            found.append(
                _Known(path, str(told["Adapter"].value), said["Paired"], said["Trusted"], said["Connected"])
            )
    return found
