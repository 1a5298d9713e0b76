"""How one virtual sock is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from firmware_sim.labels import GATEWAY_ADDRESS, label_passkey
from ingest.sock_codec import PROTOCOL_VERSION

__all__ = ["SockConfig"]

_MEMORY_PACKETS: Final = 187_200
"""8 h at 104 Hz in packets of 16 samples: what the profile asks memory to hold."""


@dataclass(frozen=True, slots=True)
class SockConfig:
    """How one sock is built."""

    address: str
    seed: int = 0
    name: str = "lullwatch sock"
    clock_ppm: float = 0.0
    """how much faster the sensor clock runs than its source's crystal, or than true time where that has none"""
    clock_start_ticks: int = 0
    """sensor clock at power on; near 2^32 it soon wraps"""
    latency_s: tuple[float, float] = (0.010, 0.050)
    """span from which the time between a packet's last sample and the radio is drawn"""
    loss: float = 0.0
    """share of live and fetched data notifications that the air loses, whatever else happens"""
    memory_packets: int = _MEMORY_PACKETS
    backfill_per_s: float = 160.0
    """packets a second a fetch is served with, beside the live ones"""
    battery_percent: float = 100.0
    battery_per_h: float = 1.5
    """per cent an hour by being switched on"""
    battery_per_packet: float = 4.3e-5
    """per cent for each packet given to the radio. With the above 40 h of streaming on a coin cell's worth; a
    fetch at 160 packets a second takes another 25 % an hour while it lasts [E]"""
    firmware: tuple[int, int, int] = (1, 0, 0)
    protocol: int = PROTOCOL_VERSION
    """version of the profile its firmware speaks; a gateway refuses any but its own"""
    samples_at_power_on: bool = False
    passkey: int | None = None
    """the six digits on its label; None: what `labels.label_passkey` says of its address"""
    bonded_with: str | None = GATEWAY_ADDRESS
    """the gateway it was paired with before, by a preset key; None: it comes out of its box"""

    @property
    def label(self) -> int:
        """The passkey on its label."""
        return label_passkey(self.address) if self.passkey is None else self.passkey
