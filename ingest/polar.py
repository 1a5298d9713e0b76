"""Driver of Polar's optical sensors (Verity Sense, OH1): acceleration, and angular rate where there is.

Bytes are read in `ingest.polar_pmd`; here is the order of things: what is there, at which settings, start, and laying
the two streams side by side. They tick apart; angular rate is taken where acceleration was, on the straight line
between its samples: at 52 Hz that costs a tenth of a movement of 8 Hz and nothing of a slow one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Scale
from ingest.driver import Reading
from ingest.errors import BadNotification, DriverRefused
from ingest.gatt_session import CALL_S, GattSession, within
from ingest.polar_pmd import (
    CONTROL_UUID,
    DATA_UUID,
    SERVICE_UUID,
    Answer,
    Frame,
    Measurement,
    Setting,
    Status,
    decode_control,
    decode_data,
    decode_features,
    decode_settings,
    encode_get_settings,
    encode_start,
    encode_stop,
    settings_to_start,
)

__all__ = ["PolarDriver"]

_log = logging.getLogger(__name__)

_WANTED: Final = {
    Measurement.ACC: {Setting.SAMPLE_RATE: 52, Setting.RESOLUTION: 16, Setting.RANGE: 8, Setting.CHANNELS: 3},
    Measurement.GYRO: {
        Setting.SAMPLE_RATE: 52,
        Setting.RESOLUTION: 16,
        Setting.RANGE: 2000,
        Setting.CHANNELS: 3,
    },
}
_RANGE_G, _RANGE_DPS = 8.0, 2000.0
_TRUE_RATE: Final = 0.05
"""A span between two frames that gives a rate further off its nominal holds a lost frame."""
_HELD_MAX: Final = 8
"""Frames of acceleration that wait for the angular rate beside them; then it is gone, and they go on without."""
_ANSWERS_MAX: Final = 16
"""Answers that wait to be asked for: the longest has a few parts, and what nobody asked for must not pile up."""
_KEPT_S: Final = 10.0
_WHY: Final = {
    Status.IN_CHARGER: "it lies in its charger; take it out",
    Status.ALREADY_IN_STATE: "another app has it; close that app",
    Status.INVALID_STATE: "it is busy; end the recording in the maker's app",
    Status.BAD_MTU: "the link carries too little at once; use a Bluetooth adapter of version 4.2 or newer",
}


class PolarDriver:
    """One connection to a Polar sensor."""

    service = SERVICE_UUID
    scale = Scale(_RANGE_G / 32_768, _RANGE_DPS / 32_768)

    def __init__(self) -> None:
        self.battery: int | None = None
        self._session: GattSession | None = None
        self._take: Callable[[Reading], None] = lambda _: None
        self._answers: asyncio.Queue[Answer] = asyncio.Queue(_ANSWERS_MAX)
        self._streams: dict[Measurement, _Stream] = {}
        self._held: list[Reading] = []

    async def begin(self, session: GattSession, take: Callable[[Reading], None]) -> None:
        """Start the streams; see `ingest.driver.Driver.begin`."""
        self._take, self._session = take, session
        features = decode_features(bytes(await session.read(CONTROL_UUID)))
        if Measurement.ACC not in features:
            raise DriverRefused(session.sensor, "acceleration", "it has no such sensor; use another model")
        await session.notify(CONTROL_UUID, self._controlled)
        await session.notify(DATA_UUID, self._heard)
        for measurement in (Measurement.GYRO, Measurement.ACC):
            if measurement in features:
                await self._start(session, measurement)

    async def end(self, session: GattSession) -> None:
        """Stop the streams: a sensor left streaming stays on until its battery is empty."""
        for measurement in list(self._streams):
            await self._ask(session, encode_stop(measurement))

    async def _start(self, session: GattSession, measurement: Measurement) -> None:
        name = measurement.name.lower()
        offered = await self._ask(session, encode_get_settings(measurement))
        self._check(session, offered, f"the settings of {name}")
        settings = settings_to_start(decode_settings(offered.parameters), _WANTED[measurement])
        self._streams[measurement] = _Stream(float(settings.get(Setting.SAMPLE_RATE, 52)))
        started = await self._ask(session, encode_start(measurement, settings))
        self._check(session, started, name)
        for factor in decode_settings(started.parameters).get(Setting.FACTOR, ()):
            self._streams[measurement].factor = float(factor)

    def _check(self, session: GattSession, answer: Answer, what: str) -> None:
        if answer.status is not Status.OK:
            why = _WHY.get(
                answer.status, f"{answer.status.name.lower().replace('_', ' ')}; update its firmware"
            )
            raise DriverRefused(session.sensor, what, why)

    async def _ask(self, session: GattSession, command: bytes) -> Answer:
        """The whole answer, of as many indications as it takes."""
        await session.write(CONTROL_UUID, command)
        answer = await within(CALL_S, self._answers.get())
        while answer.more:
            further = await within(CALL_S, self._answers.get())
            answer = replace(further, parameters=answer.parameters + further.parameters)
        return answer

    def _controlled(self, raw: bytes) -> None:
        try:
            found = decode_control(raw)
        except BadNotification as error:
            _log.warning("%s", error)
            return
        if isinstance(found, Answer):
            if self._answers.full():
                self._answers.get_nowait()
            self._answers.put_nowait(found)
        elif self._session is not None:
            _log.warning("%s: the sensor ended its streams by itself; it is asked anew", self._session.sensor)
            self._session.give_up()

    def _heard(self, raw: bytes) -> None:
        try:
            measurement = (
                Measurement(raw[0]) if raw[:1] and raw[0] in Measurement._value2member_map_ else None
            )
            stream = self._streams.get(measurement) if measurement is not None else None
            frame = decode_data(raw, factor=stream.factor if stream else 1.0)
        except BadNotification as error:
            _log.warning("%s", error)
            return
        if stream is None:
            return
        first_s, rate_hz = stream.placed(frame)
        if frame.measurement is Measurement.GYRO:
            stream.keep(first_s, rate_hz, frame.values)
        else:
            self._held.append(Reading(first_s, rate_hz, frame.values))
        self._pass_on()

    def _pass_on(self) -> None:
        """Hand on acceleration that has the angular rate beside it, or has waited long enough."""
        gyro = self._streams.get(Measurement.GYRO)
        while self._held:
            reading = self._held[0]
            times = reading.first_s + np.arange(len(reading.acc_g)) / reading.rate_hz
            turned = None if gyro is None else gyro.at(times)
            if (
                gyro is not None
                and turned is None
                and len(self._held) <= _HELD_MAX
                and not gyro.passed(times[-1])
            ):
                return
            del self._held[0]
            self._take(Reading(reading.first_s, reading.rate_hz, reading.acc_g, turned))


class _Stream:
    """One measurement: its factor, when its frames lie, and what it gave lately."""

    def __init__(self, rate_hz: float) -> None:
        self.factor = 1.0
        self._rate_hz = rate_hz
        self._last_ns: int | None = None
        self._times: NDArray[np.float64] = np.zeros(0)
        self._values: NDArray[np.float64] = np.zeros((0, 3))

    def placed(self, frame: Frame) -> tuple[float, float]:
        """Time of a frame's first sample on the sensor's clock, and its rate as measured from the frame before."""
        n, rate_hz = len(frame.values), self._rate_hz
        if self._last_ns is not None and frame.last_ns > self._last_ns:
            true_hz = n * NS / (frame.last_ns - self._last_ns)
            if abs(true_hz / rate_hz - 1.0) < _TRUE_RATE:
                rate_hz = true_hz
        self._last_ns = frame.last_ns
        return frame.last_ns / NS - (n - 1) / rate_hz, self._rate_hz

    def keep(self, first_s: float, rate_hz: float, values: NDArray[np.float64]) -> None:
        """Keep what came, as long as acceleration may want it."""
        times = first_s + np.arange(len(values)) / rate_hz
        if self._times.size and times[0] <= self._times[-1]:
            self._times, self._values = np.zeros(0), np.zeros((0, 3))
        fresh = self._times > times[-1] - _KEPT_S
        self._times = np.concatenate([self._times[fresh], times])
        self._values = np.concatenate([self._values[fresh], values])

    def at(self, times: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Values at these times; None where there are none around them."""
        if (
            not self._times.size
            or times[0] < self._times[0] - 1.0 / self._rate_hz
            or times[-1] > self._times[-1]
        ):
            return None
        inside = self._times[(self._times >= times[0]) & (self._times <= times[-1])]
        if inside.size < 0.8 * times.size:
            return None
        return np.stack([np.interp(times, self._times, self._values[:, axis]) for axis in range(3)], axis=1)

    def passed(self, t_s: float) -> bool:
        """Whether it has come beyond a time, so that nothing more of it is to be waited for."""
        return bool(self._times.size and self._times[-1] > t_s)
