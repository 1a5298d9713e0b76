"""Driver of Movesense sensors: six axes over the GATT SensorData Protocol.

Bytes are read in `ingest.movesense_gsp`; here is the order of things: ask who is there, subscribe, put parts together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import numpy as np

from dsp.records import Scale
from ingest.driver import Reading
from ingest.errors import BadNotification, DriverRefused
from ingest.gatt_session import CALL_S, GattSession, within
from ingest.movesense_gsp import (
    COMMAND_UUID,
    DATA_UUID,
    SERVICE_UUID,
    Assembler,
    Part,
    Result,
    decode_hello,
    decode_imu6,
    decode_notification,
    encode_get,
    encode_hello,
    encode_subscribe,
    encode_unsubscribe,
    imu6_path,
)

__all__ = ["MovesenseDriver"]

_log = logging.getLogger(__name__)

_OK: Final = frozenset((200, 201, 202))
_HELLO_REF, _IMU_REF, _BATTERY_REF = 1, 2, 3
_BATTERY_PATH: Final = "/System/Energy/Level"
_SAMPLE_BYTES: Final = 24
_MS_WRAP: Final = 1 << 32
_RANGE_G, _RANGE_DPS = 8.0, 2000.0
_WHY: Final = {
    404: "it does not have six axes at this rate; choose another rate",
    423: "it is busy with its log; stop the log with the maker's app",
    429: "it has too many open requests; take the battery out and put it back",
    507: "others hold all its subscriptions; close the maker's app",
}


class MovesenseDriver:
    """One connection to a Movesense sensor.

    Args:
        rate_hz: one of `movesense_gsp.RATES_HZ`; a packet of 52 Hz goes out in one piece, of 104 Hz in two.
    """

    service = SERVICE_UUID
    scale = Scale(_RANGE_G / 32_768, _RANGE_DPS / 32_768)

    def __init__(self, rate_hz: int = 52) -> None:
        self.battery: int | None = None
        self._path = imu6_path(rate_hz)
        self._rate_hz = float(rate_hz)
        self._samples = 8 if rate_hz >= 104 else 4
        self._parts = Assembler()
        self._answers: dict[int, asyncio.Future[Result]] = {}
        self._take: Callable[[Reading], None] = lambda _: None
        self._last_ms: int | None = None
        self._clock_ms = 0

    async def begin(self, session: GattSession, take: Callable[[Reading], None]) -> None:
        """Start the stream; see `ingest.driver.Driver.begin`."""
        self._take = take
        await session.notify(DATA_UUID, self._heard)
        hello = decode_hello(await self._ask(session, _HELLO_REF, encode_hello(_HELLO_REF)))
        _log.info("%s: Movesense %s, %s %s", session.sensor, hello.product, hello.app, hello.version)
        battery = await self._ask(session, _BATTERY_REF, encode_get(_BATTERY_REF, _BATTERY_PATH, hello))
        self.battery = battery.data[0] if battery.status in _OK and battery.data else None
        answer = await self._ask(session, _IMU_REF, encode_subscribe(_IMU_REF, self._path))
        if answer.status not in _OK:
            why = _WHY.get(answer.status, f"status {answer.status}; update the sensor's firmware")
            raise DriverRefused(session.sensor, self._path, why)

    async def end(self, session: GattSession) -> None:
        """Stop the stream."""
        await session.write(COMMAND_UUID, encode_unsubscribe(_IMU_REF))

    async def _ask(self, session: GattSession, ref: int, command: bytes) -> Result:
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._answers[ref] = answer
        try:
            await session.write(COMMAND_UUID, command)
            return await within(CALL_S, asyncio.shield(answer))
        finally:
            del self._answers[ref]

    def _heard(self, raw: bytes) -> None:
        try:
            found = decode_notification(raw)
            if isinstance(found, Result):
                self._answered(found)
            elif found.ref == _IMU_REF:
                self._value(found)
        except BadNotification as error:
            _log.warning("%s", error)

    def _answered(self, result: Result) -> None:
        waiting = self._answers.get(result.ref)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    def _value(self, part: Part) -> None:
        data = self._parts.take(part, 4 + self._samples * _SAMPLE_BYTES)
        if data is None:
            return
        samples = decode_imu6(data)
        first_s = self._seconds(samples.first_ms)
        self._take(Reading(first_s, self._rate_hz, samples.acc_g, np.asarray(samples.gyro_dps)))

    def _seconds(self, ms: int) -> float:
        """The sensor's clock without its wrap; one that goes back has restarted."""
        if self._last_ms is not None:
            step = (ms - self._last_ms) % _MS_WRAP
            self._clock_ms += step if step < _MS_WRAP // 2 else step - _MS_WRAP
        else:
            self._clock_ms = ms
        self._last_ms = ms
        return self._clock_ms / 1000.0
