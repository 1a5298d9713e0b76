"""One connection to a sock, from connecting to its end. A new one is made for every attempt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from ingest.errors import CommandRefused, LinkLost, MtuTooSmall, NotOurSock
from ingest.sock_codec import (
    CONTROL_UUID,
    DATA_MAX_BYTES,
    DATA_UUID,
    SERVICE_UUID,
    STATUS_UUID,
    Answer,
    BadPacket,
    Command,
    Result,
    SockStatus,
    decode_answer,
    decode_status,
    encode_command,
)

__all__ = ["CONNECT_S", "TROUBLE", "SockSession"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

TROUBLE: Final = (
    BleakError,
    OSError,
    EOFError,
    TimeoutError,
    BadPacket,
    NotOurSock,
    MtuTooSmall,
    CommandRefused,
)
"""What a Bluetooth stack raises when something is wrong with a link (OSError and EOFError: D-Bus is gone)."""

CONNECT_S: Final = 20.0
"""Real seconds: a sock that advertises four times a second is there within one, a busy adapter takes ten."""
_CALL_S: Final = 10.0
"""Real seconds for one read, write or subscription: ATT itself gives up after 30, which is a third of an alert's
worth of blindness."""
_END_S: Final = 5.0
"""Real seconds for a disconnect: it takes up to 2.8 on Linux; beyond that the client is dropped all the same."""
_TOKENS: Final = 256


class SockSession:
    """Talks to one sock over one client. What arrives after its end is not passed on.

    `lost` is done as soon as the link has ended.
    """

    def __init__(
        self,
        sensor: str,
        device: BLEDevice,
        client: Callable[..., BleakClient],
        *,
        on_data: Callable[[bytearray], None],
        on_status: Callable[[SockStatus], None],
    ) -> None:
        self._sensor = sensor
        self._on_data = on_data
        self._on_status = on_status
        self._client = client(device, disconnected_callback=self._on_disconnected, timeout=CONNECT_S)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._token = 0
        self._open = True
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> SockStatus:
        """Connect, see that it is a sock that can stream, and read its status.

        Raises:
            NotOurSock, MtuTooSmall, UnknownVersion, BleakError, OSError, EOFError, TimeoutError.
        """
        await _within(CONNECT_S, self._client.connect())
        data = self._characteristic(DATA_UUID)
        carries = max(data.max_write_without_response_size, self._client.mtu_size - 3)
        if carries < DATA_MAX_BYTES:
            raise MtuTooSmall(self._sensor, carries, DATA_MAX_BYTES)
        return decode_status(await _within(_CALL_S, self._client.read_gatt_char(STATUS_UUID)))

    async def subscribe(self) -> None:
        """Listen to answers, status and data, in this order: data comes when all is ready for it."""
        for uuid, callback in (
            (CONTROL_UUID, self._take_answer),
            (STATUS_UUID, self._take_status),
            (DATA_UUID, self._take_data),
        ):
            await _within(_CALL_S, self._client.start_notify(self._characteristic(uuid), callback))

    async def command(self, command: Command) -> Answer:
        """Write a command and wait for its answer.

        Raises:
            CommandRefused: the answer is not ok. LinkLost, BleakError, OSError, EOFError, TimeoutError.
        """
        token = self._token = (self._token + 1) % _TOKENS
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[token] = answer
        try:
            raw = encode_command(command, token)
            await _within(_CALL_S, self._client.write_gatt_char(CONTROL_UUID, raw, response=True))
            ends: set[asyncio.Future[Any]] = {answer, self.lost}
            await _within(_CALL_S, asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED))
        finally:
            del self._answers[token]
        if not answer.done():
            raise LinkLost(self._sensor, f"during {type(command).__name__}")
        if answer.result().result is not Result.OK:
            raise CommandRefused(self._sensor, type(command).__name__, answer.result().result)
        return answer.result()

    async def close(self) -> None:
        """End the link if there is one, and pass on nothing more."""
        self._open = False
        try:
            await _within(_END_S, self._client.disconnect())
        except TROUBLE as error:
            _log.info("%s: disconnecting failed, the client is dropped: %r", self._sensor, error)

    def _characteristic(self, uuid: str) -> BleakGATTCharacteristic:
        service = self._client.services.get_service(SERVICE_UUID)
        if service is None:
            raise NotOurSock(self._sensor, f"service {SERVICE_UUID}")
        found = service.get_characteristic(uuid)
        if found is None:
            raise NotOurSock(self._sensor, f"characteristic {uuid}")
        return found

    def _on_disconnected(self, _client: BleakClient) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def _take_answer(self, _: BleakGATTCharacteristic, raw: bytearray) -> None:
        try:
            answer = decode_answer(raw)
        except BadPacket as error:
            _log.warning("%s: %s", self._sensor, error)
            return
        waiting = self._answers.get(answer.token)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _take_status(self, _: BleakGATTCharacteristic, raw: bytearray) -> None:
        try:
            status = decode_status(raw)
        except BadPacket as error:
            _log.warning("%s: %s", self._sensor, error)
            return
        if self._open:
            self._on_status(status)

    def _take_data(self, _: BleakGATTCharacteristic, raw: bytearray) -> None:
        if self._open:
            self._on_data(raw)


async def _within(seconds: float, call: Awaitable[_T]) -> _T:
    # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the result.
    async with asyncio.timeout(seconds):
        return await call
