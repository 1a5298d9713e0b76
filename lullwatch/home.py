"""A simulated home: an infant who moves, socks that speak Bluetooth, and a host that listens to them.

Everything runs on one stepped clock, so a night takes as long as the computer needs and not longer.
"""

from __future__ import annotations

from functools import partial

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bumble import hci

from dsp.records import Site
from firmware_sim.air import Air
from firmware_sim.host import power_on_host
from firmware_sim.night import Night
from firmware_sim.sim_clock import SimClock
from firmware_sim.sock import SockConfig, VirtualSock
from ingest.bond_file import BondFile
from ingest.bumble_backend import make_backend
from ingest.bumble_bonds import BumbleBonds, KeptKeys
from ingest.finder import Finder
from ingest.pairing import pair

from .gateway import Gateway, Radio, Sensor, Wearer

__all__ = ["SimulatedHome", "sock_address"]

_STEP_S = 0.5
"""Longest jump of the clock: everyone who waits is woken on time whatever it is, so it only paces the display."""


def sock_address(site: Site) -> str:
    """The virtual radio address of the sock at a site."""
    return f"C0:00:00:00:00:{list(Site).index(site) + 1:02X}"


class SimulatedHome:
    """Virtual socks for a simulated night, and the gateway's side of the radio.

    Use as an async context manager.
    """

    def __init__(self, night: Night, clock: SimClock) -> None:
        self.night = night
        self._clock = clock
        self.air = Air(clock)
        self.socks = {
            site: VirtualSock(
                self.air.controller(f"sock-{site}"),
                clock=clock,
                source=track,
                config=SockConfig(address=sock_address(site), seed=night.seed * 8 + i, bonded_with=None),
            )
            for i, (site, track) in enumerate(night.sensors.items())
        }

    async def __aenter__(self) -> SimulatedHome:
        self._device = await power_on_host(self.air.controller("gateway"))
        client_class, scanner_class = make_backend(self._device)
        self._client = partial(BleakClient, backend=client_class)
        self._scanner = partial(BleakScanner, backend=scanner_class)
        self._bonds = BumbleBonds(self._device, KeptKeys(BondFile(None)))
        for sock in self.socks.values():
            await sock.power_on()
            await self._pair(sock)
        return self

    async def _pair(self, sock: VirtualSock) -> None:
        """As a person does once: with the passkey on the sock's label."""
        address = sock.config.address
        device = BLEDevice(address, sock.name, hci.Address(address))
        await pair(device, sock.config.label, bonds=self._bonds, client=self._client)

    async def __aexit__(self, *_: object) -> None:
        for sock in self.socks.values():
            await sock.power_off()
        await self._device.power_off()
        self.air.close()

    def wearer(self) -> Wearer:
        """The simulated infant as a gateway's settings would name it."""
        sensors = tuple(Sensor(site, site.value.lower(), sock_address(site)) for site in self.socks)
        return Wearer(self.night.infant, sensors, self.night.scenario.age_days)

    def radio(self) -> Radio:
        """The gateway's side of the virtual radio."""
        finder = Finder(self._scanner)
        return Radio(finder.find, self._client, finder.rssi, self._bonds)

    async def live(self, gateway: Gateway, until_ns: int, *, pace: float | None = None) -> None:
        """Let time pass until `until_ns`, as fast as radio and journal can follow, at most at `pace`."""

        async def settle() -> None:
            await self.air.settle()
            if await gateway.settle():
                await self.air.settle()

        await self._clock.run(until_ns, step_s=_STEP_S, pace=pace, settle=settle)
