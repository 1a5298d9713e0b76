"""The monitor on real hardware: settings in, a gateway that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import time
from contextlib import ExitStack
from datetime import time as clock_time
from functools import partial
from pathlib import Path

from alerts.mqtt import BrokerAddress
from ingest.finder import Finder
from store.influx import InfluxSink, Raw
from store.journal import Journal, night_name

from . import system_clock
from .copier import Copier
from .gateway import Gateway, Radio, Sensor, Wearer
from .settings import BrokerSettings, GatewaySettings, InfantSettings, InfluxSettings, read_secret, today

__all__ = ["run"]

_log = logging.getLogger(__name__)

_LINGER_S = 1.0
"""What the database gets may wait so long for company: one request a second and not one with every commit."""


def run(settings: GatewaySettings) -> None:
    """Listen to the configured sensors until SIGINT or SIGTERM.

    Raises:
        store.errors.JournalError: when the journal cannot be used.
        lullwatch.errors.LullwatchError: when a secret cannot be read.
    """
    folder = Path(settings.journal_dir).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / night_name(time.time_ns(), settings.zone)
    broker = None if settings.mqtt is None else _broker(settings.mqtt)
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.open(path))
        if settings.influx is not None:
            stack.enter_context(Copier(path, _sink(settings.influx, settings.gateway)))
        _log.info("journal %s", path)
        asyncio.run(_run(settings, journal, broker))


async def _run(settings: GatewaySettings, journal: Journal, broker: BrokerAddress | None) -> None:
    rows = journal.clock_rows()
    clock = system_clock.resume(rows[-1] if rows else None, journal.newest_ns)
    finder = Finder()
    gateway = Gateway(
        name=settings.gateway,
        journal=journal,
        clock=clock,
        clock_row=clock.row(settings.zone),
        wearers=[_wearer(infant) for infant in settings.infants],
        radio=Radio(finder.find, rssi=finder.rssi),
        broker=broker,
        read_clock=lambda: clock.row(settings.zone),
        wording=settings.wording,
        summary_at=clock_time.fromisoformat(settings.summary_at),
    )
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with gateway:
        failing = asyncio.create_task(gateway.wait())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({failing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if failing.done():
            failing.result()
        failing.cancel()


def _wearer(infant: InfantSettings) -> Wearer:
    sensors = tuple(Sensor(s.site, s.name, s.address) for s in infant.sensors)
    return Wearer(infant.id, sensors, infant.age_days(today()))


def _broker(mqtt: BrokerSettings) -> BrokerAddress:
    tls = ssl.create_default_context(cafile=mqtt.ca_file) if mqtt.tls else None
    password = read_secret("LULLWATCH_MQTT_PASSWORD", mqtt.password_file)
    return BrokerAddress(mqtt.host, mqtt.port, mqtt.username, password, tls)


def _sink(influx: InfluxSettings, gateway: str) -> partial[InfluxSink]:
    token = read_secret("LULLWATCH_INFLUX_TOKEN", influx.token_file) or ""
    return partial(
        InfluxSink,
        url=influx.url,
        token=token,
        org=influx.org,
        bucket=influx.bucket,
        feature_bucket=influx.feature_bucket,
        raw_bucket=influx.raw_bucket,
        raw=Raw(influx.raw),
        raw_hz=influx.raw_hz,
        linger_s=_LINGER_S,
        gateway=gateway,
    )
