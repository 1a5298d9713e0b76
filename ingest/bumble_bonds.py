"""Bonds over a Bumble host: keys in a file of mode 0600, pairing by passkey, encryption before anything is read.

Stock Bumble takes any pairing that a peer begins and keeps any key that comes of it, also one that no person
vouched for. Here nothing pairs but what `BumbleBonds.pair` was asked to, and only a key drawn by passkey entry
with LE Secure Connections is kept, under the very address that was asked for.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, cast

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bumble import core, hci, smp
from bumble.device import Connection, Device
from bumble.keys import KeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate

from ingest.bond_file import BondFile, StoredBond
from ingest.bonds import Bond
from ingest.bumble_backend import BumbleClient
from ingest.errors import LookAlike, NotBonded, PairingFailed, Unencrypted, WrongPasskey

__all__ = ["BumbleBonds", "KeptKeys"]

_log = logging.getLogger(__name__)

_NO_KEY: Final = (
    hci.HCI_ErrorCode.PIN_OR_KEY_MISSING_ERROR,
    hci.HCI_ErrorCode.AUTHENTICATION_FAILURE_ERROR,
    hci.HCI_ErrorCode.CONNECTION_TERMINATED_DUE_TO_MIC_FAILURE_ERROR,
)
"""How a link ends when one end does not hold the key: it says so, or cannot be understood (Core 5.4, Vol 1 Part F)."""
_WRONG: Final = (smp.ErrorCode.CONFIRM_VALUE_FAILED, smp.ErrorCode.PASSKEY_ENTRY_FAILED)
_ENCRYPT_S: Final = 5.0
"""Real seconds: encryption takes six packets; a peer that leaves it unanswered will not encrypt."""


class KeptKeys(KeyStore):
    """The host's key store: keeps only what was asked for, and only if it is worth its name."""

    def __init__(self, file: BondFile) -> None:
        self._file = file
        self.expected: str | None = None
        """address whose pairing a person has asked for"""

    async def get(self, name: str) -> PairingKeys | None:
        """The key of an address."""
        kept = self._file.get(_bare(name))
        if kept is None:
            return None
        key = PairingKeys.Key(value=kept.key, authenticated=kept.authenticated)
        return PairingKeys(address_type=hci.AddressType(kept.address_type), ltk=key)

    async def get_all(self) -> list[tuple[str, PairingKeys]]:
        """All keys, by address."""
        every = [(address, await self.get(address)) for address in self._file.addresses()]
        return [(address, keys) for address, keys in every if keys is not None]

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Keep the key of a pairing that has just ended, if a person asked for it and typed the passkey."""
        address = _bare(name)
        if address != self.expected or keys.ltk is None or not keys.ltk.authenticated:
            _log.warning("%s: a pairing that nobody asked for, or without a passkey, is not kept", address)
            return
        kind = int(keys.address_type if keys.address_type is not None else hci.AddressType.RANDOM_DEVICE)
        await asyncio.to_thread(self._file.put, address, StoredBond(keys.ltk.value, kind, authenticated=True))

    async def delete(self, name: str) -> None:
        """Forget the key of an address."""
        await asyncio.to_thread(self._file.remove, _bare(name))


class _Typed(PairingDelegate):
    """Types the passkey that a person has read off the label, and refuses whatever a peer begins."""

    def __init__(self, passkey: int | None) -> None:
        super().__init__(PairingDelegate.IoCapability.KEYBOARD_INPUT_ONLY)
        self._passkey = passkey

    async def accept(self) -> bool:
        return False

    async def get_number(self) -> int | None:
        return self._passkey


class BumbleBonds:
    """`ingest.bonds.Bonds` on one Bumble host."""

    def __init__(self, device: Device, keys: KeyStore) -> None:
        """Take over the host's security; `keys` is a `KeptKeys`, or a simulation's store of keys given in advance."""
        self._device, self._keys = device, keys
        self._passkey: int | None = None
        self._pairing = asyncio.Lock()
        device.keystore = keys
        device.pairing_config_factory = self._configure

    def _configure(self, _: Connection) -> PairingConfig:
        return PairingConfig(
            sc=True,
            mitm=True,
            bonding=True,
            delegate=_Typed(self._passkey),
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )

    async def bond(self, address: str) -> Bond | None:
        """See `ingest.bonds.Bonds`."""
        keys = await self._keys.get(address)
        if keys is None or keys.ltk is None:
            return None
        return Bond(address, secure=keys.ltk.authenticated)

    async def secure(self, client: BleakClient, sensor: str) -> None:
        """See `ingest.bonds.Bonds`."""
        backend = cast("BumbleClient", client._backend)  # noqa: SLF001 - bleak has no public way to its backend
        address = client.address.upper()
        if await self.bond(address) is None:
            raise NotBonded(sensor, address)
        try:
            async with asyncio.timeout(_ENCRYPT_S):
                await backend.encrypt()
        except TimeoutError:
            raise Unencrypted(sensor, address) from None
        except BleakError as error:
            if self.refuses(error) or backend.ended_by in _NO_KEY:
                raise LookAlike(sensor, address) from error
            raise
        if not backend.encrypted:
            raise Unencrypted(sensor, address)

    async def carries(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> int | None:
        """See `ingest.bonds.Bonds`."""
        del client, characteristic
        return None

    def refuses(self, error: Exception) -> bool:
        """See `ingest.bonds.Bonds`."""
        cause = error.__cause__
        return isinstance(cause, hci.HCI_Error) and cause.error_code in _NO_KEY

    async def pair(self, device: BLEDevice, passkey: int) -> None:
        """See `ingest.bonds.Bonds`."""
        async with self._pairing:
            address, self._passkey = device.address.upper(), passkey
            self._expect(address)
            try:
                await self._pair(device, address)
            finally:
                self._passkey = None
                self._expect(None)
        bond = await self.bond(address)
        if bond is None or not bond.secure:
            raise PairingFailed(address, "what answered did not ask for the passkey, so it may be anybody")

    async def _pair(self, device: BLEDevice, address: str) -> None:
        host = self._device
        connection = await host.connect(cast("hci.Address", device.details))
        try:
            await host.pair(connection)
        except core.ProtocolError as error:
            raise _failure(address, error.error_code) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise PairingFailed(
                address, "the link ended meanwhile; bring the sock closer and try again"
            ) from None
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise PairingFailed(address, str(error)) from error
        finally:
            if host.lookup_connection(connection.handle) is connection:
                await connection.disconnect()

    def _expect(self, address: str | None) -> None:
        if isinstance(self._keys, KeptKeys):
            self._keys.expected = address

    async def forget(self, address: str) -> None:
        """See `ingest.bonds.Bonds`."""
        await self._keys.delete(address)


def _failure(address: str, code: int | None) -> WrongPasskey | PairingFailed:
    if code in _WRONG:
        return WrongPasskey(address)
    if code == smp.ErrorCode.PAIRING_NOT_SUPPORTED:
        why = "it takes no pairing now: it is paired with another gateway (hold its button for 10 s), or three wrong "
        return PairingFailed(address, why + "passkeys were tried (switch it off and on)")
    name = "unknown" if code is None else smp.ErrorCode(code).name.lower().replace("_", " ")
    return PairingFailed(address, f"the sock ended it: {name}")


def _bare(name: str) -> str:
    """Bumble names public addresses with a suffix."""
    return name.split("/", maxsplit=1)[0].upper()
