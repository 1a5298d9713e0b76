"""What can go wrong between a sensor and the gateway, one class per cause."""

from __future__ import annotations

from ingest.sock_codec import Result

__all__ = [
    "BadNotification",
    "CommandRefused",
    "DriverRefused",
    "IngestError",
    "LinkLost",
    "LinkSilent",
    "MtuTooSmall",
    "NoTimeYet",
    "NotOurSensor",
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


class DriverRefused(IngestError):
    """A sensor of another maker will not stream."""

    def __init__(self, sensor: str, what: str, why: str) -> None:
        super().__init__(f"{sensor}: the sensor refused {what}: {why}")


class NoTimeYet(IngestError):
    """A back-filled packet of a start of the sensor from which no live packet was ever seen."""

    def __init__(self, sensor: str, boot: int) -> None:
        super().__init__(
            f"{sensor}: nothing ties the clock of boot {boot:#010x} to this night's time; "
            "a live packet of that boot must come first"
        )
