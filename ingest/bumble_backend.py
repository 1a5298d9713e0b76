"""A bleak backend over a Bumble host: ordinary bleak code on a radio that Bumble drives.

Two uses. Virtual socks: the host's controller is one of `firmware_sim.air`. Real socks without BlueZ:
the host's controller is a USB dongle that Bumble opens itself (``bumble.transport.open_transport("usb:0")``),
for computers where bluetoothd is missing or not wanted.

    client_cls, scanner_cls = make_backend(device)      # device: a powered-on bumble.device.Device
    async with BleakScanner(backend=scanner_cls) as scanner: ...
    async with BleakClient(found, backend=client_cls) as client: ...

Needs Bumble, which comes with the extra ``sim``; only this module and its two `bumble_*`
neighbours import it, and nothing else in `ingest` imports them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import att, core, gatt_client, hci
from bumble.device import Connection, ConnectionParametersPreferences, Device, Peer

from ingest.bumble_answers import heed_awaited_responses
from ingest.bumble_radio import (
    AlreadyConnectedError,
    AlreadySubscribedError,
    FailedError,
    LinkDroppedError,
    NotConnectedError,
    Radio,
    TooLongError,
    uuid_text,
)
from ingest.bumble_scanner import BumbleScanner

__all__ = ["BumbleClient", "BumbleScanner", "LinkDroppedError", "NotConnectedError", "make_backend"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_ATT_MTU = 517
"""Asked for: the most an attribute value needs (Core 5.4, Vol 3 Part F 3.2.9); the peer may grant less."""

_ATT_HEADER_BYTES = 3

_CONNECTION = ConnectionParametersPreferences(
    connection_interval_min=15.0,  # ms: the sock profile's 15-50 ms; a packet comes every 154 ms
    connection_interval_max=30.0,
    supervision_timeout=4000,  # ms: a parent's body between sock and gateway must not end the link
)

_PROPERTIES: dict[int, CharacteristicPropertyName] = {
    0x01: "broadcast",
    0x02: "read",
    0x04: "write-without-response",
    0x08: "write",
    0x10: "notify",
    0x20: "indicate",
    0x40: "authenticated-signed-writes",
    0x80: "extended-properties",
}


class BumbleClient(BaseBleakClient):
    """bleak client on one Bumble host; use the subclass that `make_backend` returns."""

    _radio: Radio

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **kwargs: Any,  # noqa: ANN401 - bleak's own signature: options of other backends
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout, **kwargs
        )
        known = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._name = (known.name if known else None) or self.address
        self._target = known.details if known else hci.Address(self.address)
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._gone: asyncio.Future[None] | None = None
        self.ended_by: int | None = None
        """HCI error code that the last link ended with"""
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """Name from the advertisement, else the address."""
        return self._name

    @property
    def mtu_size(self) -> int:
        """Negotiated ATT MTU in bytes."""
        return int(self._connection.att_mtu) if self._connection else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        """Whether there is a link."""
        return self._connection is not None

    @property
    def encrypted(self) -> bool:
        """Whether there is a link and all of it is encrypted."""
        return self._connection is not None and bool(self._connection.encryption)

    async def encrypt(self) -> None:
        """Encrypt the link with the key that the host keeps for the peer. Raises BleakError."""
        if not self.encrypted:
            await self._while_linked("encryption", self._linked("encryption").encrypt())

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: ANN401, ARG002 - bleak's own signature
        """Connect, ask for a large MTU and discover everything.

        Raises:
            BleakDeviceNotFoundError: when the peer is not heard within the client's timeout.
            BleakError: when the link drops on the way.
        """
        if self.is_connected:
            raise AlreadyConnectedError(self.address)
        async with self._radio.connecting:
            self._take(await self._create_connection())
        try:
            await self._discover()
            if pair:
                await self.pair()
        except BaseException:
            await self._drop_quietly()
            raise

    async def _create_connection(self) -> Connection:
        device = self._radio.device
        try:
            return await device.connect(
                self._target,
                connection_parameters_preferences={hci.Phy.LE_1M: _CONNECTION},
                timeout=self._timeout,
            )
        except core.TimeoutError:
            raise BleakDeviceNotFoundError(
                self.address, f"{self.address} was not heard within {self._timeout:g} s"
            ) from None
        except asyncio.CancelledError:
            await self._abandon()
            if _was_cancelled():
                raise
            raise LinkDroppedError(self.address, "connect") from None
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise FailedError(self.address, "connection", error) from error

    async def _abandon(self) -> None:
        """Leave the controller without a pending attempt and without a link that nobody owns."""
        device = self._radio.device
        try:
            await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
        except hci.HCI_Error:
            _log.debug("%s: nothing to cancel any more", self.address)
        stray = device.find_connection_by_bd_addr(self._target)
        if stray is not None:
            await device.disconnect(stray, hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR)

    def _take(self, connection: Connection) -> None:
        self._connection, self.ended_by = connection, None
        self._gone = asyncio.get_running_loop().create_future()
        self._peer = Peer(connection)
        heed_awaited_responses(connection.gatt_client)
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, reason: int) -> None:
        _log.debug("%s: link ended, reason 0x%02x", self.address, reason)
        self.ended_by = reason
        self._connection = self._peer = None
        self._subscribers.clear()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _drop_quietly(self) -> None:
        self._disconnected_callback = None  # who never got connected is not told of an end
        try:
            await self.disconnect()
        except BleakError as error:
            _log.debug("%s: %s", self.address, error)

    async def disconnect(self) -> None:
        """End the link; the disconnected callback runs before this returns."""
        if self._connection is None or self._gone is None:
            return
        connection, gone = self._connection, self._gone
        await self._while_linked("disconnect", connection.disconnect(), tolerate_end=True)
        await gone

    async def pair(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, ARG002 - bleak's own signature
        """Pair (and bond, if the host's pairing configuration says so)."""
        await self._while_linked("pairing", self._linked("pairing").pair())

    async def unpair(self) -> None:
        """Forget the keys shared with the peer."""
        keystore = self._radio.device.keystore
        if keystore is not None:
            await keystore.delete(str(self._target))

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002 - bleak's own signature
        **kwargs: Any,  # noqa: ANN401, ARG002 - bleak's own signature
    ) -> bytearray:
        """Read a characteristic, long ones whole."""
        return await self._read(characteristic.handle)

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002 - bleak's own signature
        **kwargs: Any,  # noqa: ANN401, ARG002 - bleak's own signature
    ) -> bytearray:
        """Read a descriptor."""
        return await self._read(descriptor.handle)

    async def _read(self, handle: int) -> bytearray:
        return bytearray(await self._while_linked("read", self._gatt("read").read_value(handle)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic; longer than one PDU only with response."""
        allowed = self.mtu_size - _ATT_HEADER_BYTES
        if not response and len(data) > allowed:
            raise TooLongError(len(data), allowed)
        await self._write(characteristic.handle, bytes(data), response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor, with response."""
        await self._write(descriptor.handle, bytes(data), True)

    async def _write(self, handle: int, data: bytes, response: bool) -> None:
        await self._while_linked("write", self._gatt("write").write_value(handle, data, response))

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: Callable[[bytearray], None],
        **kwargs: Any,  # noqa: ANN401, ARG002 - bleak's own signature: options of other backends
    ) -> None:
        """Subscribe; notifications where the characteristic has both kinds."""

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        if characteristic.handle in self._subscribers:
            raise AlreadySubscribedError(characteristic.uuid)
        gatt = self._gatt("subscription")
        self._subscribers[characteristic.handle] = on_value
        try:
            await self._while_linked("subscription", gatt.subscribe(characteristic.obj, on_value))
        except BaseException:
            self._subscribers.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        gatt = self._gatt("unsubscription")
        self._subscribers.pop(characteristic.handle, None)
        # Without naming the subscriber Bumble removes all of the attribute and clears the descriptor.
        await self._while_linked("unsubscription", gatt.unsubscribe(characteristic.obj))

    # Discovery

    async def _discover(self) -> None:
        gatt = self._gatt("discovery")
        await self._while_linked("MTU exchange", gatt.request_mtu(_ATT_MTU))
        services = await self._while_linked("discovery", gatt.discover_services())
        collection = BleakGATTServiceCollection()
        for found in services:
            await self._while_linked("discovery", gatt.discover_characteristics((), found))
            service = BleakGATTService(found, found.handle, uuid_text(found.uuid))
            collection.add_service(service)
            for proxy in found.characteristics:
                await self._discover_characteristic(collection, service, proxy)
        self.services = collection

    async def _discover_characteristic(
        self,
        collection: BleakGATTServiceCollection,
        service: BleakGATTService,
        proxy: gatt_client.CharacteristicProxy[bytes],
    ) -> None:
        names = [name for bit, name in _PROPERTIES.items() if int(proxy.properties) & bit]
        characteristic = BleakGATTCharacteristic(
            proxy,
            proxy.handle,
            uuid_text(proxy.uuid),
            names,
            lambda: self.mtu_size - _ATT_HEADER_BYTES,
            service,
        )
        collection.add_characteristic(characteristic)
        gatt = self._gatt("discovery")
        for descriptor in await self._while_linked("discovery", gatt.discover_descriptors(proxy)):
            collection.add_descriptor(
                BleakGATTDescriptor(descriptor, descriptor.handle, uuid_text(descriptor.type), characteristic)
            )
        proxy.descriptors_discovered = True  # Bumble never sets it and would discover again at each subscribe

    # Every operation on the link

    def _linked(self, what: str) -> Connection:
        if self._connection is None:
            raise NotConnectedError(self.address, what)
        return self._connection

    def _gatt(self, what: str) -> gatt_client.Client:
        self._linked(what)
        return cast("Peer", self._peer).gatt_client

    async def _while_linked(
        self, what: str, operation: Coroutine[Any, Any, _T], *, tolerate_end: bool = False
    ) -> _T:
        """Await `operation`, but no longer than the link lives; errors become bleak's.

        Bumble cancels what waits for an answer when the link drops, and leaves waiting what queued behind it.
        """
        gone = cast("asyncio.Future[None]", self._gone)
        task = asyncio.ensure_future(operation)
        try:
            waited: set[asyncio.Future[Any]] = {task, gone}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            while not task.done():
                task.cancel()  # again at each turn: Bumble loses one that comes while a command is answered
                await asyncio.sleep(0)
        if task.cancelled():
            if tolerate_end:
                return cast("_T", None)
            raise LinkDroppedError(self.address, what)
        return self._outcome(what, task)

    def _outcome(self, what: str, task: asyncio.Task[_T]) -> _T:
        try:
            return task.result()
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise FailedError(self.address, what, error) from error


def make_backend(device: Device) -> tuple[type[BumbleClient], type[BumbleScanner]]:
    """Client and scanner classes bound to a powered-on Bumble host, to be given as ``backend=``."""
    radio = Radio(device)
    client = type("BumbleClient", (BumbleClient,), {"_radio": radio})
    scanner = type("BumbleScanner", (BumbleScanner,), {"_radio": radio})
    return client, scanner


def _was_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
