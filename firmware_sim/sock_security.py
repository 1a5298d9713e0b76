"""The security of a virtual sock: one bond, made with the passkey on its label, and nothing without it.

Bumble's server looks at encryption alone, and takes any encrypted link for an authenticated one; a bond made
without a passkey would pass. Here a link counts only if its key is the one of the bond.
"""

from __future__ import annotations

import logging
from typing import Final

from bumble import att, gatt, hci
from bumble.device import Connection, Device
from bumble.keys import KeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_sim.labels import preset_key

__all__ = ["SockSecurity", "protected_descriptor"]

_log = logging.getLogger(__name__)

_TRIES_MAX: Final = 3
"""Each attempt tells an attacker one bit of a passkey that stays the same; the profile allows three."""


class _OneBond(KeyStore):
    """Room for the key of one gateway."""

    def __init__(self) -> None:
        self.gateway: str | None = None
        self.keys: PairingKeys | None = None

    async def get(self, name: str) -> PairingKeys | None:
        return self.keys if name == self.gateway else None

    async def get_all(self) -> list[tuple[str, PairingKeys]]:
        return [] if self.gateway is None or self.keys is None else [(self.gateway, self.keys)]

    async def update(self, name: str, keys: PairingKeys) -> None:
        if self.gateway is None and keys.ltk is not None and keys.ltk.authenticated:
            self.gateway, self.keys = name, keys
        else:
            _log.info("sock: a pairing without its passkey is not kept")

    async def delete(self, name: str) -> None:
        if name == self.gateway:
            self.gateway = self.keys = None


class _Label(PairingDelegate):
    """A sock that can show nothing but what is printed on it."""

    def __init__(self, security: SockSecurity) -> None:
        super().__init__(PairingDelegate.IoCapability.DISPLAY_OUTPUT_ONLY)
        self._security = security

    async def accept(self) -> bool:
        return self._security.takes_pairing()

    async def generate_passkey(self) -> int:
        return self._security.passkey


class SockSecurity:
    """Who may read, write and subscribe.

    Attributes:
        passkey: on its label.
        tries: failed pairings since it was switched on.
    """

    def __init__(self, *, address: str, passkey: int, bonded_with: str | None) -> None:
        self.passkey = passkey
        self.tries = 0
        self._address = address
        self._bond = _OneBond()
        if bonded_with is not None:
            self.preset(bonded_with, preset_key(address, bonded_with))

    @property
    def bonded_with(self) -> str | None:
        """Address of the gateway that it is bonded with."""
        return self._bond.gateway

    def guard(self, device: Device) -> None:
        """Take over the security of its Bluetooth stack."""
        device.keystore = self._bond
        device.pairing_config_factory = lambda _: PairingConfig(
            sc=True,
            mitm=True,
            bonding=True,
            delegate=_Label(self),
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )
        device.on(device.EVENT_CONNECTION, self._watch)

    def preset(self, gateway: str, key: bytes) -> None:
        """Be bonded with a gateway, as after a pairing."""
        self._bond.gateway = gateway
        kind = hci.AddressType.RANDOM_DEVICE
        self._bond.keys = PairingKeys(address_type=kind, ltk=PairingKeys.Key(key, authenticated=True))

    def forget(self) -> None:
        """Its button was held: it knows no gateway any more."""
        self._bond.gateway = self._bond.keys = None
        self.tries = 0

    def takes_pairing(self) -> bool:
        """Whether a gateway may pair now: only one ever, until its button is held."""
        return self._bond.gateway is None and self.tries < _TRIES_MAX

    def permit(self, connection: Connection) -> None:
        """Let a link under the bond's key pass. Raises the ATT error that makes a host pair or encrypt."""
        if connection.encryption and str(connection.peer_address) == self._bond.gateway:
            return
        bonded = self._bond.gateway is not None
        code = (
            att.ATT_INSUFFICIENT_ENCRYPTION_ERROR
            if bonded and not connection.encryption
            else att.ATT_INSUFFICIENT_AUTHENTICATION_ERROR
        )
        raise att.ATT_Error(code)

    def _watch(self, connection: Connection) -> None:
        connection.on(connection.EVENT_PAIRING_FAILURE, self._failed)

    def _failed(self, _reason: int) -> None:
        self.tries += 1


def protected_descriptor(
    security: SockSecurity, device: Device, characteristic: gatt.Characteristic[bytes]
) -> gatt.Descriptor:
    """The descriptor by which a gateway subscribes, as well guarded as the value (Bumble's own is open)."""
    stock = device.gatt_server.make_descriptor_value(characteristic)

    def read(bearer: att.Bearer) -> bytes:
        security.permit(_connection(bearer))
        return bytes(stock.read(bearer))  # type: ignore[arg-type]  # the server's own is not awaited

    def write(bearer: att.Bearer, value: bytes) -> object:
        security.permit(_connection(bearer))
        return stock.write(bearer, value)

    return gatt.Descriptor(
        gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
        att.Attribute.READABLE | att.Attribute.WRITEABLE,
        att.AttributeValueV2(read=read, write=write),  # type: ignore[arg-type]
    )


def _connection(bearer: att.Bearer) -> Connection:
    return bearer.connection if att.is_enhanced_bearer(bearer) else bearer
