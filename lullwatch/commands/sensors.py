"""`lullwatch sensors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from lullwatch.errors import NotAnAddress, NotATime, NotSaid

if TYPE_CHECKING:
    from lullwatch.sensors import Wear

__all__ = ["sensors"]

_LISTEN_MAX_S: Final = 600.0
"""Whoever waits ten minutes for a sensor that advertises four times a second has mistyped."""


def sensors(
    *,
    settings: Path | None = None,
    seconds: float = 8.0,
    closer: bool = False,
    everything: bool = False,
    blink: str | None = None,
    wiggle: list[str] | None = None,
    pair: str | None = None,
    assign: str | None = None,
    site: Literal["LA", "RA", "TR", "LW", "RW", "HD"] | None = None,
    infant: str | None = None,
    kind: Literal["sock", "movesense", "polar", "osd"] | None = None,
    json: bool = False,
) -> int:
    """List sensors in range: signal strength, battery, firmware, and which are configured; pair, assign.

    Stop the monitor first: a sensor that it is connected to does not advertise.

    Example: lullwatch sensors --settings lullwatch.toml --closer

    Example: lullwatch sensors --settings lullwatch.toml --pair C0:00:00:00:00:01 --site LA

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
    pair
        Bond with the sock with this address, once and for all. The six digits on its label are asked for, or read
        as a line from standard input.
    assign
        Write into the settings file that the sensor with this address is worn at `--site`; with `--pair` it is not
        needed. Two sensors that were mixed up change places.
    site
        Where: LA and RA left and right ankle, TR trunk, LW and RW wrists, HD head.
    infant
        Who wears it, where more than one is configured.
    kind
        Whose sensor it is, where it is no sock.
    json
        Print for machines.
    """
    from lullwatch.sensors import run

    _check(seconds, [a for a in (blink, pair, assign) if a is not None], wiggle)
    return run(
        settings=settings,
        seconds=seconds,
        closer=closer,
        everything=everything,
        blink_address=blink,
        wiggled=wiggle or [],
        as_json=json,
        pair_address=pair,
        wear=_wear(settings, assign, pair, site, infant, kind),
    )


def _check(seconds: float, addresses: list[str], wiggled: list[str] | None) -> None:
    from lullwatch.settings import is_address

    if not 0 < seconds <= _LISTEN_MAX_S:
        raise NotATime(seconds, _LISTEN_MAX_S)
    for address in [*addresses, *(wiggled or [])]:
        if not is_address(address):
            raise NotAnAddress(address)
    if wiggled and len({address.upper() for address in wiggled}) < 2:
        raise NotSaid("which socks are to be told apart", "--wiggle ADDRESS for each of two or more")


def _wear(
    settings: Path | None,
    assigned: str | None,
    paired: str | None,
    site: str | None,
    infant: str | None,
    kind: str | None,
) -> Wear | None:
    if site is None and (infant or kind or assigned):
        raise NotSaid("where", "--site, such as --site LA")
    if site is None:
        return None
    address = assigned or paired
    if address is None:
        raise NotSaid("which sensor", "--assign ADDRESS or --pair ADDRESS")
    if settings is None:
        raise NotSaid("which settings file it is to be written into", "--settings FILE")
    from dsp.records import Site
    from ingest.sensor_kind import Kind
    from lullwatch.sensors import Wear

    return Wear(settings, address, Site(site), infant, None if kind is None else Kind(kind))
