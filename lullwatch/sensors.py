"""Setting up: which sensors are in range, and which of them are configured."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from dsp.records import Site
from ingest.bonds import Bonds, SystemBonds
from ingest.errors import IngestError, PairingFailed, WrongPasskey
from ingest.finder import Finder
from ingest.gatt_session import RADIO_TROUBLE
from ingest.pairing import BadPasskey, check_passkey, pair
from ingest.sensor_kind import Kind
from ingest.survey import Seen, blink, listen, look_closer, moved
from ingest.this_computer import own_bonds

from .assigning import assign
from .console import ask, complain, say, say_json
from .errors import NoRadio, NotPaired
from .settings import GatewaySettings, load

__all__ = ["Listed", "Radio", "Wear", "lines_of", "listed", "run"]

_BLINK_S = 10
_WIGGLE_S = 5.0
_FIND_S = 20.0
"""Real seconds to hear one sensor: it advertises four times a second."""
_CLEARLY = 0.6
"""Share of all motion that one of the socks must have for it to be the one that was shaken."""


@dataclass(frozen=True, slots=True)
class Radio:
    """The radio to use; bleak's own by default."""

    scanner: Callable[..., BleakScanner] = BleakScanner
    client: Callable[..., BleakClient] = BleakClient
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    bonds: Bonds | None = None
    """keys of paired socks; None: the system's own business"""


@dataclass(frozen=True, slots=True)
class Wear:
    """Which sensor is to be worn where, and the settings file that is to say so."""

    settings: Path
    address: str
    site: Site
    infant: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A sensor in range, or one that is configured and is not."""

    address: str
    name: str
    kind: str
    rssi: int | None
    battery: int | None
    firmware: str
    infant: str = ""
    site: str = ""
    trouble: str = ""


def run(
    *,
    settings: Path | None,
    seconds: float,
    closer: bool,
    everything: bool,
    blink_address: str | None,
    wiggled: Sequence[str],
    as_json: bool,
    pair_address: str | None = None,
    wear: Wear | None = None,
    read_passkey: Callable[[str], str] = ask,
    radio: Radio | None = None,
) -> int:
    """The command; 0 when every configured sensor was heard, 1 when one was not.

    Raises:
        BadSettings: the settings cannot be read, or what is to be worn cannot be written into them.
        NotPaired: the passkey was wrong, or no bond came about.
        NoRadio: there is no Bluetooth adapter, or it does not answer.
    """
    use, known = radio or Radio(bonds=own_bonds()), None if settings is None else load(settings)
    try:
        if pair_address is not None:
            asyncio.run(_pair(pair_address, use, read_passkey))
        if wear is not None:
            say(assign(wear.settings, wear.address, wear.site, infant=wear.infant, kind=wear.kind))
        if pair_address is not None or wear is not None:
            return 0
        if blink_address is not None:
            return asyncio.run(_blink(blink_address, use))
        if wiggled:
            return asyncio.run(_wiggle(wiggled, use, _shake))
        found = asyncio.run(listed(use, known, seconds=seconds, closer=closer, everything=everything))
    except (BadPasskey, WrongPasskey, PairingFailed) as error:
        raise NotPaired(str(error)) from error
    except (*RADIO_TROUBLE, IngestError) as error:
        raise NoRadio(_why(error)) from error
    if as_json:
        say_json(found)
    else:
        for line in lines_of(found):
            say(line)
    return 1 if any(one.rssi is None for one in found) else 0


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "this computer runs no Bluetooth service"
    return str(error) or type(error).__name__


async def listed(
    radio: Radio,
    settings: GatewaySettings | None,
    *,
    seconds: float,
    closer: bool = False,
    everything: bool = False,
) -> list[Listed]:
    """Sensors in range, the strongest first, then those that are configured and were not heard."""
    worn = _worn(settings)
    heard = await listen(seconds, radio.scanner, radio.sleep)
    kept = [s for s in heard if everything or s.kind is not None or s.address in worn]
    if closer:
        find = Finder(radio.scanner).find
        kept = [await look_closer(s, _soon(find), radio.client) if s.kind else s for s in kept]
    found = [_of(s, worn) for s in kept]
    missing = [worn[a] for a in worn if a not in {s.address for s in heard}]
    return [*found, *missing]


def _worn(settings: GatewaySettings | None) -> dict[str, Listed]:
    """What is configured, by address, as if it had not been heard."""
    return {
        s.address.upper(): Listed(
            s.address.upper(), s.name, s.kind.value, None, None, "", infant.id, s.site.value, "not heard"
        )
        for infant in (settings.infants if settings else [])
        for s in infant.sensors
    }


def _of(seen: Seen, worn: dict[str, Listed]) -> Listed:
    kind = "" if seen.kind is None else seen.kind.value
    line = Listed(seen.address, seen.name, kind, seen.rssi, seen.battery, seen.firmware, trouble=seen.trouble)
    known = worn.get(seen.address)
    if known is None:
        return line
    wrong = f"configured as {known.kind}" if kind and kind != known.kind else seen.trouble
    return replace(line, kind=kind or known.kind, infant=known.infant, site=known.site, trouble=wrong)


def lines_of(found: Sequence[Listed]) -> list[str]:
    """A table for people."""
    if not found:
        return ["No sensor was heard. Is it charged, near, and not connected to another device?"]
    rows = [("address", "kind", "signal", "battery", "firmware", "infant", "site", "name", "")]
    for one in found:
        signal = "-" if one.rssi is None else f"{one.rssi} dBm"
        battery = "-" if one.battery is None else f"{one.battery} %"
        rows.append(
            (one.address, one.kind or "?", signal, battery, one.firmware or "-", one.infant or "-",
             one.site or "-", one.name or "-", one.trouble)
        )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


async def _pair(address: str, radio: Radio, read_passkey: Callable[[str], str]) -> None:
    passkey = check_passkey(read_passkey(f"The six digits on the label of {address}: "))
    device = await _soon(Finder(radio.scanner).find)(address)
    bonds = SystemBonds() if radio.bonds is None else radio.bonds
    firmware = await pair(device, passkey, bonds=bonds, client=radio.client)
    say(f"{address.upper()} is paired; its firmware is {firmware}.")


async def _blink(address: str, radio: Radio) -> int:
    await blink(address, _BLINK_S, _soon(Finder(radio.scanner).find), radio.client, radio.bonds)
    say(f"{address} blinks for {_BLINK_S} s.")
    return 0


async def _wiggle(addresses: Sequence[str], radio: Radio, wait: Callable[[], Awaitable[None]]) -> int:
    shares = await moved(addresses, wait, _soon(Finder(radio.scanner).find), radio.client, radio.bonds)
    for address, share in sorted(shares.items(), key=lambda item: -item[1]):
        say(f"{address}  {share:4.0%} of the motion")
    most = max(shares, key=lambda a: shares[a])
    if shares[most] < _CLEARLY:
        complain("none of them moved clearly more than the others; shake one, and hold the others still")
        return 1
    say(f"You shook {most}.")
    return 0


async def _shake() -> None:
    say(f"Shake one sock for {_WIGGLE_S:.0f} s, and leave the others still ...")
    await asyncio.sleep(_WIGGLE_S)


def _soon(find: Callable[[str], Awaitable[BLEDevice]]) -> Callable[[str], Awaitable[BLEDevice]]:
    async def found(address: str) -> BLEDevice:
        async with asyncio.timeout(_FIND_S):
            return await find(address)

    return found
