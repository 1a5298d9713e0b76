"""What can go wrong between a sensor and the gateway, one class per cause."""

from __future__ import annotations

from ingest.sock_codec import Result

__all__ = [
    "AlreadyHeard",
    "BadNotification",
    "CommandRefused",
    "DriverRefused",
    "Impossible",
    "IngestError",
    "LinkLost",
    "LinkSilent",
    "LookAlike",
    "MtuTooSmall",
    "NeedsPerson",
    "NoTimeYet",
    "NotBonded",
    "NotHeard",
    "NotOurSensor",
    "OutOfSlots",
    "PairingFailed",
    "PairingRequired",
    "PeerRefused",
    "Unencrypted",
    "WeakBond",
    "WrongFirmware",
    "WrongPasskey",
]


class IngestError(Exception):
    """Base of everything that `ingest` raises about a sensor."""


class BadNotification(IngestError):
    """Bytes from a sensor of another maker that are not what its protocol says."""

    def __init__(self, maker: str, where: str, raw: bytes, expected: str) -> None:
        super().__init__(
            f"{maker} {where}: {len(raw)} bytes beginning {bytes(raw[:8]).hex(' ') or '(none)'}, expected {expected}; "
            "the notification is left out. If this goes on, update the sensor's firmware"
        )


class NotHeard(IngestError):
    """A search has heard nothing of a sensor."""

    def __init__(self, sensor: str) -> None:
        super().__init__(f"{sensor}: not heard; it is searched for again. Is it charged and near?")


class LinkLost(IngestError):
    """The connection ended."""

    def __init__(self, sensor: str, during: str) -> None:
        super().__init__(
            f"{sensor}: the radio link ended {during}; it is built anew by itself. "
            "If this goes on, bring gateway and sensor closer together"
        )


class LinkSilent(IngestError):
    """Connected, but no data."""

    def __init__(self, sensor: str, silent_s: float) -> None:
        super().__init__(
            f"{sensor}: connected, but no data for {silent_s:.1f} s; the link is dropped and built anew"
        )


class AlreadyHeard(IngestError):
    """A second subscription in one connection."""

    def __init__(self, sensor: str, uuid: str) -> None:
        super().__init__(
            f"{sensor}: {uuid} is subscribed already in this connection; each connection subscribes once"
        )


class NotOurSensor(IngestError):
    """Something answers at this address that has not the services of the sensor that is configured."""

    def __init__(self, sensor: str, missing: str) -> None:
        super().__init__(
            f"{sensor}: the device at this address has no {missing}; "
            "check the address in the settings, or update the sensor's firmware"
        )


class MtuTooSmall(IngestError):
    """Data notifications would be cut off."""

    def __init__(self, sensor: str, got: int, needed: int) -> None:
        super().__init__(
            f"{sensor}: the link carries {got} bytes at once, {needed} are needed; "
            "use a Bluetooth adapter of version 4.2 or newer"
        )


class CommandRefused(IngestError):
    """The sock answered a command with something else than ok."""

    def __init__(self, sensor: str, command: str, result: Result) -> None:
        super().__init__(f"{sensor}: the sock refused {command}: {result.name.lower().replace('_', ' ')}")
        self.result = result


class NeedsPerson(IngestError):
    """No new attempt heals this: a person must do something."""

    kind = "link"
    """of technical trouble"""
    why = ""
    """in few words, without addresses"""


class WrongFirmware(NeedsPerson):
    """The sock speaks another version of the profile than this gateway."""

    kind = "firmware"
    why = "another version of the profile"

    def __init__(self, sensor: str, cause: Exception) -> None:
        super().__init__(f"{sensor}: {cause}")


class OutOfSlots(NeedsPerson):
    """The adapter holds as many connections as it can."""

    kind = "slots"
    why = "the adapter holds no more connections"

    def __init__(self, sensor: str) -> None:
        super().__init__(
            f"{sensor}: the Bluetooth adapter holds no more connections; most hold five to seven. "
            "Take another adapter, or give some of the sensors a gateway of their own"
        )


class PeerRefused(NeedsPerson):
    """The gateway does not talk to what answers at a sensor's address."""

    kind = "security"
    why = "refused"


class NotBonded(PeerRefused):
    """The gateway has no key for a sock that is configured."""

    why = "not paired"

    def __init__(self, sensor: str, address: str) -> None:
        super().__init__(
            f"{sensor}: the sock at {address} is configured but not paired with this gateway; "
            f"pair it with the number on its label: lullwatch sensors --pair {address}"
        )


class WeakBond(PeerRefused):
    """There is a bond, but one that a stranger may have made."""

    why = "paired without its passkey"

    def __init__(self, sensor: str, address: str) -> None:
        super().__init__(
            f"{sensor}: the bond with {address} was made without a passkey or without LE Secure Connections; "
            f"make it anew: lullwatch sensors --pair {address}"
        )


class LookAlike(PeerRefused):
    """Something answers at the address of a bonded sock and does not hold its key."""

    why = "does not hold the key"

    def __init__(self, sensor: str, address: str) -> None:
        super().__init__(
            f"{sensor}: what answers at {address} does not hold this sock's key: another device under its address, "
            f"or the sock was reset; nothing of it is taken. If you reset it: lullwatch sensors --pair {address}"
        )


class PairingRequired(PeerRefused):
    """The sock does not know this gateway any more."""

    why = "asks to be paired"

    def __init__(self, sensor: str, address: str) -> None:
        super().__init__(
            f"{sensor}: the sock at {address} asks to be paired; "
            f"pair it with the number on its label: lullwatch sensors --pair {address}"
        )


class Unencrypted(PeerRefused):
    """A peer that will not encrypt."""

    why = "not encrypted"

    def __init__(self, sensor: str, address: str) -> None:
        super().__init__(
            f"{sensor}: the link to {address} could not be encrypted; nothing of it is taken. "
            "A sock always encrypts: look whether another device uses its address, or update its firmware"
        )


class WrongPasskey(IngestError):
    """The sock did not accept the passkey."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address}: the passkey is not the one of this sock; it is on its label. After three wrong ones "
            "a sock takes no more until it was switched off and on"
        )


class PairingFailed(IngestError):
    """No bond came about."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"{address}: not paired: {why}")


class DriverRefused(IngestError):
    """A sensor of another maker will not stream."""

    def __init__(self, sensor: str, what: str, why: str) -> None:
        super().__init__(f"{sensor}: the sensor refused {what}: {why}")


class Impossible(IngestError):
    """A data packet whose check sum fits, and that cannot be."""

    def __init__(self, sensor: str, boot: int, seq: int) -> None:
        super().__init__(
            f"{sensor}: packet {seq} of boot {boot:#010x} cannot have been sent now; it is left out, and what it was "
            "is fetched. If this goes on, update the sock's firmware"
        )


class NoTimeYet(IngestError):
    """A back-filled packet of a start of the sensor from which no live packet was ever seen."""

    def __init__(self, sensor: str, boot: int) -> None:
        super().__init__(
            f"{sensor}: nothing ties the clock of boot {boot:#010x} to this night's time; "
            "a live packet of that boot must come first"
        )
