"""A Bumble host for a controller: what a gateway's operating system is to its Bluetooth chip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bumble import hci
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.keys import KeyStore, PairingKeys
from bumble.transport.common import TransportSink, TransportSource

from firmware_sim.air_controller import AirController
from firmware_sim.labels import GATEWAY_ADDRESS, preset_key

__all__ = ["GATEWAY_ADDRESS", "PresetKeys", "host_on", "power_on_host"]

_RANDOM: Final = hci.AddressType.RANDOM_DEVICE


class PresetKeys(KeyStore):
    """Keys of a gateway that was paired with every virtual sock before the simulation began."""

    def __init__(self, gateway: str = GATEWAY_ADDRESS) -> None:
        self._gateway = gateway
        self._forgotten: set[str] = set()

    async def get(self, name: str) -> PairingKeys | None:
        """The key that the sock of this address was given too."""
        if name in self._forgotten:
            return None
        key = PairingKeys.Key(preset_key(name, self._gateway), authenticated=True)
        return PairingKeys(address_type=_RANDOM, ltk=key)

    async def delete(self, name: str) -> None:
        """Have no key for this address any more."""
        self._forgotten.add(name)


async def power_on_host(
    controller: AirController, *, address: str = GATEWAY_ADDRESS, keys: KeyStore | None = None
) -> Device:
    """Host on a controller of the same process, reset and ready."""
    return await host_on(controller, controller, address=address, keys=keys)


async def host_on(
    source: TransportSource | AirController,
    sink: TransportSink,
    *,
    address: str = GATEWAY_ADDRESS,
    keys: KeyStore | None = None,
    before_reset: Callable[[Host], None] = lambda _: None,
) -> Device:
    """Host on the two ends of an HCI transport, such as ``unix:PATH`` opened by Bumble, reset and ready.

    Args:
        source: where the controller's packets come from.
        sink: where packets for it go.
        address: of the host.
        keys: what it is bonded with; by default every virtual sock that was not told otherwise.
        before_reset: is given the host before its first command: a controller that served a process that was
            killed may still answer that one's last.
    """
    configuration = DeviceConfiguration(name="lullwatch gateway", address=hci.Address(address))
    device = Device(config=configuration, host=Host(source, sink))
    device.keystore = keys or PresetKeys(address)
    before_reset(device.host)
    await device.power_on()
    return device
