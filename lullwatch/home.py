"""A simulated home: an infant who moves, socks that speak Bluetooth, and a host that listens to them.

Everything runs on one stepped clock, so a night takes as long as the computer needs and not longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient

from dsp.clock import Clock
from dsp.records import Site
from firmware_sim.air import Air
from firmware_sim.host import power_on_host
from firmware_sim.night import Night
from firmware_sim.sock import SockConfig, VirtualSock
from ingest.bumble_backend import make_backend

__all__ = ["SimulatedHome", "sock_address"]

_CLOCK_PPM = (-18.0, 7.0, 31.0, -5.0, 12.0, 22.0)
"""Errors of the socks' clocks: what a 20 ppm crystal may show, and one that is worse."""


def sock_address(site: Site) -> str:
    """The virtual radio address of the sock at a site."""
    return f"C0:00:00:00:00:{list(Site).index(site) + 1:02X}"


class SimulatedHome:
    """Virtual socks for a simulated night, and the gateway's side of the radio.

    Use as an async context manager; `find` and `client_class` are what a link needs.
    """

    client_class: type[BaseBleakClient]

    def __init__(self, night: Night, clock: Clock) -> None:
        self.night = night
        self.air = Air(clock)
        self.socks = {
            site: VirtualSock(
                self.air.controller(f"sock-{site}"),
                clock=clock,
                source=track,
                config=SockConfig(
                    address=sock_address(site), seed=night.seed * 8 + i, clock_ppm=_CLOCK_PPM[i]
                ),
            )
            for i, (site, track) in enumerate(night.sensors.items())
        }

    async def __aenter__(self) -> SimulatedHome:
        self._device = await power_on_host(self.air.controller("gateway"))
        self.client_class, scanner_class = make_backend(self._device)
        self.scanner: Callable[..., BleakScanner] = lambda **kwargs: BleakScanner(
            backend=scanner_class, **kwargs
        )
        for sock in self.socks.values():
            await sock.power_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        for sock in self.socks.values():
            await sock.power_off()
        await self._device.power_off()
        self.air.close()

    async def settle(self, *others: Callable[[], Awaitable[None]]) -> None:
        """Wait until nothing is on the air, and then for the others."""
        await self.air.settle()
        for other in others:
            await other()
