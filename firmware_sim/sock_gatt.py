"""The radio side of a virtual sock: GATT server, advertising, and what can be handed to the radio."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bumble import att, core, gatt, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host

from firmware_sim.air_controller import AirController
from firmware_sim.peripheral import no_read
from firmware_sim.sock_security import SockSecurity, protected_descriptor
from ingest.sock_codec import (
    ATT_MTU_MIN,
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    CONTROL_UUID,
    DATA_UUID,
    DEVICE_INFORMATION_UUID,
    FIRMWARE_REVISION_UUID,
    MANUFACTURER_NAME_UUID,
    MODEL_NUMBER_UUID,
    SERVICE_UUID,
    STATUS_UUID,
)

__all__ = ["SockGatt"]

_log = logging.getLogger(__name__)

_ADVERTISING_MS = 250
"""Slowest the profile allows, ms: a sock that is not found drains its battery by this."""

_RADIO_QUEUE = 64
"""Packets a sock's radio stack can buffer; what does not fit stays in memory only."""

_BACKFILL_QUEUE = 24
"""Back-fill waits while more than this is buffered, so that a new packet never waits long behind it."""

_Characteristic = gatt.Characteristic[bytes]
_Properties = gatt.Characteristic.Properties
_READABLE = att.Attribute.READABLE
_WRITEABLE = att.Attribute.WRITEABLE


class SockGatt:
    """GATT server of one sock on one virtual controller.

    Args:
        controller: made by `Air.controller`.
        security: who may read, write and subscribe.
        address: static random address, "XX:XX:XX:XX:XX:XX" with the two highest bits set.
        name: as shown in the scan response.
        firmware: gives the version text for Device Information.
        on_request: called with the bytes of each write to CONTROL.
        on_gone: called when a connection has ended.
        status: gives the bytes of STATUS.
        battery: gives the battery level in per cent.
    """

    def __init__(
        self,
        controller: AirController,
        *,
        security: SockSecurity,
        address: str,
        name: str,
        firmware: Callable[[], str],
        on_request: Callable[[bytes], None],
        on_gone: Callable[[], None],
        status: Callable[[], bytes],
        battery: Callable[[], int],
    ) -> None:
        self._controller = controller
        self._security = security
        self._on_gone = on_gone
        self._on_request = on_request
        self._status_bytes = status
        self._battery_level = battery
        self._make_characteristics()
        self.device = Device(config=_configuration(address, name), host=Host(controller, controller))
        security.guard(self.device)
        for characteristic in (self._data, self._control, self._status):
            characteristic.descriptors = (protected_descriptor(security, self.device, characteristic),)
        self.device.add_services(self._services(firmware))
        self.device.on(self.device.EVENT_CONNECTION, self._on_connection)
        self._connection: Connection | None = None
        self._subscribed: set[str] = set()

    async def power_on(self) -> None:
        """Start the radio and advertise."""
        await self.device.power_on()
        await self.device.start_advertising(auto_restart=True)

    async def power_off(self) -> None:
        """End the connection, if any, and advertising; nothing of this sock stays on the air."""
        await self.device.stop_advertising()
        await self.disconnect()
        await self.device.stop_advertising()  # the end of the connection started it anew
        await self.device.power_off()

    async def disconnect(self) -> None:
        """End the connection from the sock's side."""
        if self._connection is not None:
            await self._connection.disconnect()

    def set_in_range(self, in_range: bool) -> None:
        """Be in or out of everybody's range."""
        self._controller.air.set_in_range(self._controller.name, in_range)

    def lose_power(self) -> None:
        """The battery is empty: every link is lost without a word, and no advertisement follows."""
        self._controller.lose_power()

    async def regain_power(self) -> None:
        """There is power again: advertise."""
        self._controller.powered = True
        await self.device.start_advertising(auto_restart=True)

    def crash(self) -> None:
        """Lose every link without a word, as a processor that starts anew does."""
        self._controller.lose_all()

    @property
    def connected(self) -> bool:
        """Whether a gateway is connected."""
        return self._connection is not None

    @property
    def can_stream(self) -> bool:
        """Whether a gateway has subscribed to DATA with an MTU that does not cut packets off."""
        connection = self._connection
        return connection is not None and DATA_UUID in self._subscribed and connection.att_mtu >= ATT_MTU_MIN

    @property
    def has_room(self) -> bool:
        """Whether back-fill may be handed to the radio now."""
        return self._pending() < _BACKFILL_QUEUE

    async def notify_data(self, payload: bytes) -> bool:
        """Hand one DATA notification to the radio; False when it cannot take it."""
        if not self.can_stream or self._pending() >= _RADIO_QUEUE:
            return False
        await self._notify(self._data, payload)
        return True

    async def notify_status(self) -> None:
        """Notify STATUS and battery level to whom has subscribed."""
        if STATUS_UUID in self._subscribed:
            await self._notify(self._status, self._status_bytes())
        if BATTERY_LEVEL_UUID in self._subscribed:
            await self._notify(self._battery, bytes((self._battery_level(),)))

    async def answer(self, payload: bytes) -> None:
        """Indicate an answer on CONTROL and wait for the gateway's confirmation."""
        if self._connection is not None and CONTROL_UUID in self._subscribed:
            await self.device.indicate_subscriber(self._connection, self._control, payload)

    async def _notify(self, characteristic: _Characteristic, payload: bytes) -> None:
        if self._connection is not None:
            await self.device.notify_subscriber(self._connection, characteristic, payload)

    def _pending(self) -> int:
        queue = self._connection.data_packet_queue if self._connection else None
        return queue.pending if queue else 0

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, reason: int) -> None:
        _log.debug("sock: link ended, reason 0x%02x", reason)
        self._connection = None
        self._subscribed.clear()
        self._on_gone()

    def _make_characteristics(self) -> None:
        self._data = _Characteristic(DATA_UUID, _Properties.NOTIFY, _READABLE, b"")
        self._control = _Characteristic(
            CONTROL_UUID,
            _Properties.WRITE | _Properties.INDICATE,
            _WRITEABLE,
            att.AttributeValue(read=no_read, write=self._take_request),
        )
        self._status = _Characteristic(
            STATUS_UUID,
            _Properties.READ | _Properties.NOTIFY,
            _READABLE,
            att.AttributeValue(read=self._tell_status, write=_no_write),
        )
        self._battery = _Characteristic(
            BATTERY_LEVEL_UUID,
            _Properties.READ | _Properties.NOTIFY,
            _READABLE,
            att.AttributeValue(read=lambda _: bytes((self._battery_level(),)), write=_no_write),
        )
        for uuid, characteristic in (
            (DATA_UUID, self._data),
            (CONTROL_UUID, self._control),
            (STATUS_UUID, self._status),
            (BATTERY_LEVEL_UUID, self._battery),
        ):
            self._watch(uuid, characteristic)

    def _take_request(self, connection: Connection, value: bytes) -> None:
        self._security.permit(connection)
        self._on_request(bytes(value))

    def _tell_status(self, connection: Connection) -> bytes:
        self._security.permit(connection)
        return self._status_bytes()

    def _watch(self, uuid: str, characteristic: _Characteristic) -> None:
        def on_subscription(_bearer: object, notify: bool, indicate: bool) -> None:
            if notify or indicate:
                self._subscribed.add(uuid)
            else:
                self._subscribed.discard(uuid)

        characteristic.on(characteristic.EVENT_SUBSCRIPTION, on_subscription)

    def _services(self, firmware: Callable[[], str]) -> list[gatt.Service]:
        facts: tuple[tuple[str, Callable[[], str]], ...] = (
            (MANUFACTURER_NAME_UUID, lambda: "lullwatch"),
            (MODEL_NUMBER_UUID, lambda: "virtual sock"),
            (FIRMWARE_REVISION_UUID, firmware),
        )
        return [
            gatt.Service(SERVICE_UUID, [self._data, self._control, self._status]),
            gatt.Service(BATTERY_SERVICE_UUID, [self._battery]),
            gatt.Service(
                DEVICE_INFORMATION_UUID,
                [_Characteristic(uuid, _Properties.READ, _READABLE, _told(text)) for uuid, text in facts],
            ),
        ]


def _told(text: Callable[[], str]) -> att.AttributeValue[bytes]:
    return att.AttributeValue(read=lambda _: text().encode(), write=_no_write)


def _no_write(_: Connection, _value: bytes) -> None:
    raise att.ATT_Error(att.ATT_WRITE_NOT_PERMITTED_ERROR)


def _configuration(address: str, name: str) -> DeviceConfiguration:
    kinds = core.AdvertisingData.Type
    flags = core.AdvertisingData.Flags
    discoverable = flags.LE_GENERAL_DISCOVERABLE_MODE | flags.BR_EDR_NOT_SUPPORTED
    structures = [
        (kinds.FLAGS, bytes((discoverable,))),
        (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, core.UUID(SERVICE_UUID).to_pdu_bytes()),
    ]
    return DeviceConfiguration(
        name=name,
        address=hci.Address(address),
        advertising_data=bytes(core.AdvertisingData(structures)),
        scan_response_data=bytes(core.AdvertisingData([(kinds.COMPLETE_LOCAL_NAME, name.encode())])),
        advertising_interval_min=_ADVERTISING_MS,
        advertising_interval_max=_ADVERTISING_MS,
    )
