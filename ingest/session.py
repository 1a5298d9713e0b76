"""One connection to a sock, from connecting to its end. A new one is made for every attempt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from bleak import BleakClient
from bleak.backends.device import BLEDevice

from ingest.bonds import Bonds, asks_for_pairing, require_bond
from ingest.errors import (
    CommandRefused,
    LinkLost,
    LookAlike,
    MtuTooSmall,
    NotOurSensor,
    PairingRequired,
    WrongFirmware,
)
from ingest.gatt_session import CALL_S, RADIO_TROUBLE, GattSession, within
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
    UnknownVersion,
    decode_answer,
    decode_status,
    encode_command,
)

__all__ = ["TROUBLE", "SockSession"]

_log = logging.getLogger(__name__)

TROUBLE: Final = (*RADIO_TROUBLE, BadPacket, NotOurSensor, MtuTooSmall, CommandRefused)
"""What may go wrong with a link that a new one can heal."""
_TOKENS: Final = 256


class SockSession(GattSession):
    """Talks to one sock over one client."""

    def __init__(
        self,
        sensor: str,
        device: BLEDevice,
        client: Callable[..., BleakClient],
        *,
        bonds: Bonds,
        on_data: Callable[[bytes], None],
        on_status: Callable[[SockStatus], None],
        on_connected: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(sensor, device, client, service=SERVICE_UUID)
        self._bonds = bonds
        self._address = device.address.upper()
        self._on_connected = on_connected
        self._on_data = on_data
        self._on_status = on_status
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._token = 0

    async def open(self) -> SockStatus:
        """Connect under the bond, see that it is a sock that can stream, and read its status.

        Raises:
            NotBonded, WeakBond: nobody is connected to then.
            LookAlike, Unencrypted, PairingRequired: nothing is read from it then.
            NotOurSensor, MtuTooSmall, WrongFirmware, OutOfSlots, BleakError, OSError, EOFError, TimeoutError.
        """
        await within(CALL_S, require_bond(self._bonds, self.sensor, self._address))
        await self._connect_bonded()
        self._on_connected()
        await within(CALL_S, self._bonds.secure(self._client, self.sensor))
        data = self.characteristic(DATA_UUID)
        carries = await within(CALL_S, self._bonds.carries(self._client, data)) or self.carries(data)
        if carries < DATA_MAX_BYTES:
            raise MtuTooSmall(self.sensor, carries, DATA_MAX_BYTES)
        raw = await self._read_protected()
        try:
            return decode_status(raw)
        except UnknownVersion as error:
            raise WrongFirmware(self.sensor, error) from error

    async def _connect_bonded(self) -> None:
        try:
            await self.connect()
        except RADIO_TROUBLE as error:
            if self._bonds.refuses(error):
                raise LookAlike(self.sensor, self._address) from error
            raise

    async def _read_protected(self) -> bytearray:
        try:
            return await self.read(STATUS_UUID)
        except RADIO_TROUBLE as error:
            if asks_for_pairing(error):
                raise PairingRequired(self.sensor, self._address) from error
            raise

    async def subscribe(self) -> None:
        """Listen to answers, status and data, in this order: data comes when all is ready for it."""
        await self.notify(CONTROL_UUID, self._take_answer)
        await self.notify(STATUS_UUID, self._take_status)
        await self.notify(DATA_UUID, self._on_data)

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
            await self.write(CONTROL_UUID, raw)
            ends: set[asyncio.Future[Any]] = {answer, self.lost}
            await within(CALL_S, asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED))
        finally:
            del self._answers[token]
        if not answer.done():
            raise LinkLost(self.sensor, f"during {type(command).__name__}")
        if answer.result().result is not Result.OK:
            raise CommandRefused(self.sensor, type(command).__name__, answer.result().result)
        return answer.result()

    def _take_answer(self, raw: bytes) -> None:
        try:
            answer = decode_answer(raw)
        except BadPacket as error:
            _log.warning("%s: %s", self.sensor, error)
            return
        waiting = self._answers.get(answer.token)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _take_status(self, raw: bytes) -> None:
        try:
            status = decode_status(raw)
        except BadPacket as error:
            _log.warning("%s: %s", self.sensor, error)
            return
        self._on_status(status)
