"""One connection to a sensor of any maker, from connecting to its end. A new one is made for every attempt."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from ingest.errors import AlreadyHeard, NotOurSensor, OutOfSlots

__all__ = ["CALL_S", "CONNECT_S", "RADIO_TROUBLE", "GattSession", "within"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

RADIO_TROUBLE: Final = (BleakError, OSError, EOFError, TimeoutError)
"""What a Bluetooth stack raises when something is wrong with a link (OSError and EOFError: D-Bus is gone)."""

CONNECT_S: Final = 20.0
"""Real seconds: a sensor that advertises four times a second is there within one, a busy adapter takes ten."""
CALL_S: Final = 10.0
"""Real seconds for one read, write or subscription: ATT itself gives up after 30, which is a third of an alert's
worth of blindness."""
_NO_SLOT: Final = (
    "CONNECTION_LIMIT_EXCEEDED",
    "MEMORY_CAPACITY_EXCEEDED",
    "LIMITED_RESOURCES",
    "LIMITED RESOURCES",
)
"""How stacks name HCI errors 0x09, 0x07 and 0x0D (Core 5.4, Vol 1 Part F). BlueZ mostly says something less."""
_END_S: Final = 5.0
"""Real seconds for a disconnect: it takes up to 2.8 on Linux; beyond that the client is dropped all the same."""


class GattSession:
    """Talks to one sensor over one client. What arrives after its end is not passed on.

    `lost` is done as soon as the link has ended.
    """

    def __init__(
        self, sensor: str, device: BLEDevice, client: Callable[..., BleakClient], *, service: str
    ) -> None:
        self.sensor = sensor
        self._service = service
        self._client = client(device, disconnected_callback=self._on_disconnected, timeout=CONNECT_S)
        self._open = True
        self._listened: set[str] = set()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Connect. Raises what is in `RADIO_TROUBLE`, or `OutOfSlots`."""
        try:
            await within(CONNECT_S, self._client.connect())
        except BleakError as error:
            if _is_out_of_slots(error):
                raise OutOfSlots(self.sensor) from error
            raise

    async def read(self, uuid: str, service: str | None = None) -> bytearray:
        """Read a characteristic. Raises what is in `RADIO_TROUBLE`, or `NotOurSensor` where there is none."""
        return await within(CALL_S, self._client.read_gatt_char(self.characteristic(uuid, service)))

    async def write(self, uuid: str, raw: bytes) -> None:
        """Write a characteristic, with response. Raises as `read` does."""
        await within(CALL_S, self._client.write_gatt_char(self.characteristic(uuid), raw, response=True))

    async def notify(self, uuid: str, take: Callable[[bytes], None]) -> None:
        """Listen to a characteristic until the session ends. Raises as `read` does.

        Once only: some stacks would then call both, and every notification would come twice (`AlreadyHeard`).
        """
        if uuid in self._listened:
            raise AlreadyHeard(self.sensor, uuid)
        self._listened.add(uuid)
        call = partial(self._pass_on, take)
        await within(CALL_S, self._client.start_notify(self.characteristic(uuid), call))

    def give_up(self) -> None:
        """The link is of no more use: whoever watches `lost` makes a new one."""
        if not self.lost.done():
            self.lost.set_result(None)

    async def close(self) -> None:
        """End the link if there is one, and pass on nothing more."""
        self._open = False
        try:
            await within(_END_S, self._client.disconnect())
        except RADIO_TROUBLE as error:
            _log.info("%s: disconnecting failed, the client is dropped: %r", self.sensor, error)

    def carries(self, characteristic: BleakGATTCharacteristic) -> int:
        """Bytes that one notification can hold."""
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # on Linux bleak does not know it, and says so at every connection
            mtu = self._client.mtu_size
        return max(characteristic.max_write_without_response_size, mtu - 3)

    def characteristic(self, uuid: str, service: str | None = None) -> BleakGATTCharacteristic:
        """A characteristic of the sensor's own service, or of another. Raises `NotOurSensor`."""
        at = self._client.services.get_service(service or self._service)
        if at is None:
            raise NotOurSensor(self.sensor, f"service {service or self._service}")
        found = at.get_characteristic(uuid)
        if found is None:
            raise NotOurSensor(self.sensor, f"characteristic {uuid}")
        return found

    def _pass_on(
        self, take: Callable[[bytes], None], _: BleakGATTCharacteristic | None, raw: bytearray
    ) -> None:
        if self._open:
            take(bytes(raw))

    def _on_disconnected(self, _client: BleakClient) -> None:
        self.give_up()


def _is_out_of_slots(error: BleakError) -> bool:
    """Whether an adapter said that it holds no more connections."""
    said = str(error).upper()
    return any(word in said for word in _NO_SLOT)


async def within(seconds: float, call: Awaitable[_T]) -> _T:
    """The result of a call that may take so long, real seconds. Raises `TimeoutError`."""
    # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the result.
    async with asyncio.timeout(seconds):
        return await call
