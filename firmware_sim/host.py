"""A Bumble host for a controller: what a gateway's operating system is to its Bluetooth chip."""

from __future__ import annotations

from bumble import hci
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.transport.common import TransportSink, TransportSource

from firmware_sim.air_controller import AirController

__all__ = ["GATEWAY_ADDRESS", "host_on", "power_on_host"]

GATEWAY_ADDRESS = "F0:00:00:00:00:01"
"""A static random address (Core 5.4, Vol 6 Part B 1.3.2.1: two highest bits set)."""


async def power_on_host(controller: AirController, *, address: str = GATEWAY_ADDRESS) -> Device:
    """Host on a controller of the same process, reset and ready."""
    return await host_on(controller, controller, address=address)


async def host_on(
    source: TransportSource | AirController, sink: TransportSink, *, address: str = GATEWAY_ADDRESS
) -> Device:
    """Host on the two ends of an HCI transport, such as ``unix:PATH`` opened by Bumble, reset and ready."""
    configuration = DeviceConfiguration(name="lullwatch gateway", address=hci.Address(address))
    device = Device(config=configuration, host=Host(source, sink))
    await device.power_on()
    return device
