"""`lullwatch sensors`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["sensors"]


def sensors(
    *,
    settings: Path | None = None,
    seconds: float = 8.0,
    closer: bool = False,
    everything: bool = False,
    blink: str | None = None,
    wiggle: list[str] | None = None,
    json: bool = False,
) -> int:
    """List sensors in range: signal strength, battery, firmware, and which are configured.

    Stop the monitor first: a sensor that it is connected to does not advertise.

    Example: lullwatch sensors --settings lullwatch.toml --closer

    Parameters
    ----------
    settings
        Settings file: says which sensors are configured, for whom and where, and names those that are missing.
    seconds
        How long to listen.
    closer
        Connect to each known sensor and read battery and firmware.
    everything
        List devices that are no sensors of ours too.
    blink
        Make the sock with this address blink for ten seconds, so that you see which one it is.
    wiggle
        Addresses of two or more socks: shake one of them for five seconds and see which it was.
    json
        Print for machines.
    """
    from lullwatch.sensors import run

    return run(
        settings=settings,
        seconds=seconds,
        closer=closer,
        everything=everything,
        blink_address=blink,
        wiggled=wiggle or [],
        as_json=json,
    )
