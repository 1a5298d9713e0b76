"""What a gateway is told of who wears what and how sensors are reached, and what it tells of how everything stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bleak import BleakClient
from bleak.backends.device import BLEDevice

from alerts.state import OpenTrouble
from dsp.records import Alert, LinkSample, Site
from ingest.bonds import Bonds, SystemBonds
from ingest.sensor_kind import Kind

__all__ = ["Radio", "Sensor", "Stands", "Wearer"]


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor and where it is worn."""

    site: Site
    name: str
    address: str
    kind: Kind = Kind.SOCK


@dataclass(frozen=True, slots=True)
class Wearer:
    """An infant and the sensors worn."""

    infant: str
    sensors: tuple[Sensor, ...]
    age_days: int | None = None


@dataclass(frozen=True, slots=True)
class Radio:
    """How sensors are found and connected: bleak's own backend, or one over another stack."""

    find: Callable[[str], Awaitable[BLEDevice]]
    client: Callable[..., BleakClient] = BleakClient
    rssi: Callable[[str], int | None] | None = None
    bonds: Bonds = field(default_factory=SystemBonds)
    """keys of paired socks"""


@dataclass(frozen=True, slots=True)
class Stands:
    """How everything stands at a moment; times are data time."""

    name: str
    now_ns: int
    committed_ns: int
    """when the journal took something last"""
    broker: str
    """`connected`, `away`, or empty without one"""
    infants: tuple[str, ...]
    links: tuple[tuple[str, LinkSample], ...]
    """each infant's sensors as they reported last"""
    troubles: tuple[OpenTrouble, ...]
    alerts: tuple[Alert, ...]
    """that nobody has answered"""
