"""Bonds: a gateway talks to a sock only under a key that both drew while a person read the passkey off its label.

What keeps the keys and encrypts is the Bluetooth stack; `Bonds` is what any stack must be able to do for it.
`ingest.bumble_bonds` does it for Bumble; for a system that keeps bonds to itself there is `SystemBonds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakGATTProtocolError

from ingest.errors import NotBonded, PairingFailed, WeakBond

__all__ = ["Bond", "Bonds", "SystemBonds", "asks_for_pairing", "require_bond"]

_ASKS: Final = (0x05, 0x08, 0x0C, 0x0F)
"""ATT errors of a peer that wants pairing or encryption first: insufficient authentication, authorization, key
size, encryption (Core 5.4, Vol 3 Part F 3.4.1.1)."""


@dataclass(frozen=True, slots=True)
class Bond:
    """What a stack knows of a peer that it is bonded with."""

    address: str
    secure: bool
    """LE Secure Connections with a passkey; without, whoever listened or stood between may hold the key"""


class Bonds(Protocol):
    """What a Bluetooth stack does for security. Addresses are upper case."""

    async def bond(self, address: str) -> Bond | None:
        """The bond with this address, None without one."""
        ...

    async def secure(self, client: BleakClient, sensor: str) -> None:
        """Bring a connected link under the key of its bond; on return it is encrypted with it.

        Raises:
            LookAlike: whoever answers at the address does not hold the key.
            Unencrypted: the link cannot be encrypted.
            NotBonded: there is no bond.
            BleakError, OSError, EOFError, TimeoutError: radio trouble, which is no refusal.
        """
        ...

    async def carries(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> int | None:
        """Bytes that one notification can hold, where the stack knows it better than bleak does; else None."""
        ...

    def refuses(self, error: Exception) -> bool:
        """Whether connecting failed of this because the peer does not hold the key of the bond."""
        ...

    async def pair(self, device: BLEDevice, passkey: int) -> None:
        """Connect, bond by passkey entry with LE Secure Connections, and disconnect. Nothing else may pair meanwhile.

        Raises:
            WrongPasskey, PairingFailed, BleakError, OSError, EOFError, TimeoutError.
        """
        ...

    async def forget(self, address: str) -> None:
        """Forget the key of this address, if there is one."""
        ...


class SystemBonds:
    """For a system that pairs and encrypts by itself and tells programs nothing: macOS, Windows.

    That a sock is bonded shows there only by its serving protected values; a sock serves none without.
    """

    async def bond(self, address: str) -> Bond | None:
        """The system's business: taken to be there."""
        return Bond(address, secure=True)

    async def secure(self, client: BleakClient, sensor: str) -> None:
        """The system encrypts when a protected value is first asked for."""

    async def carries(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> int | None:
        """What bleak says is what the system says."""
        del client, characteristic
        return None

    def refuses(self, error: Exception) -> bool:
        """Nothing is known of why."""
        del error
        return False

    async def pair(self, device: BLEDevice, passkey: int) -> None:
        """Let the system pair; it asks for the passkey in a window of its own."""
        del passkey
        client = BleakClient(device)
        await client.connect()
        try:
            await client.pair()
        except NotImplementedError as error:
            remedy = "this system pairs by itself when `lullwatch monitor` first connects"
            raise PairingFailed(device.address, remedy) from error
        finally:
            await client.disconnect()

    async def forget(self, address: str) -> None:
        """Only the system's own settings can."""
        raise PairingFailed(address, "remove the sock in the Bluetooth settings of this computer")


async def require_bond(bonds: Bonds, sensor: str, address: str) -> None:
    """Nobody is connected to without a bond worth its name. Raises `NotBonded`, `WeakBond`."""
    bond = await bonds.bond(address)
    if bond is None:
        raise NotBonded(sensor, address)
    if not bond.secure:
        raise WeakBond(sensor, address)


def asks_for_pairing(error: Exception) -> bool:
    """Whether a peer refused a request because the link is not paired or not encrypted."""
    return isinstance(error, BleakGATTProtocolError) and error.args[0] in _ASKS
