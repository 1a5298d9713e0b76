"""Writing into the settings file which sensor is worn where, without touching anything else that stands in it.

The file is a person's, with comments. So single lines are changed, and the outcome is read as the monitor will read
it: unless it says exactly what was meant, nothing is written.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from dsp.records import Site
from ingest.sensor_kind import Kind

from .errors import BadSettings
from .settings import BYTE_ORDER_MARK, GatewaySettings, InfantSettings, SensorSettings, load, parse

__all__ = ["assign"]

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?")
_INFANT: Final = "infants"
_SENSOR: Final = "infants.sensors"
_BY_HAND: Final = (
    "Write it in by hand: [[infants.sensors]] with site and address; see deploy/lullwatch.example.toml"
)


@dataclass(slots=True)
class _Table:
    """Lines of one table: its header and what follows."""

    name: str
    first: int
    last: int
    """its last line with a value"""
    sensors: list[_Table] = field(default_factory=list)


def assign(
    path: Path, address: str, site: Site, *, infant: str | None = None, kind: Kind | None = None
) -> str:
    """Have the sensor with this address worn at a site; says in words what changed.

    A sensor that stands at another site of the infant moves; if another stands where it goes, the two change places.

    Args:
        path: settings file.
        address: of the sensor.
        site: where it is worn.
        infant: by whom; may be left out where only one is configured.
        kind: whose sensor it is; None keeps what stands there.

    Raises:
        BadSettings: the file cannot be read or written, or what is asked for cannot be written into it safely.
    """
    before = load(path)
    number = _which(path, before, infant)
    meant, done = _meant(path, before, number, address.upper(), site, kind)
    if meant == before.infants[number]:
        return f"{address.upper()} is worn as {site} already."
    text = path.read_text(encoding="utf-8")
    after = _edited(text, number, before.infants[number], meant)
    infants = [meant if n == number else one for n, one in enumerate(before.infants)]
    if after is None or _read(after) != msgspec.structs.replace(before, infants=infants):
        raise BadSettings(path, "this cannot be written into the file without changing its form", _BY_HAND)
    parse(path, after)  # two sensors of one id would be refused at the next start
    _replace(path, after)
    return done


def _which(path: Path, settings: GatewaySettings, infant: str | None) -> int:
    ids = [one.id for one in settings.infants]
    if infant is None and len(ids) == 1:
        return 0
    if infant not in ids:
        what = (
            "it is not said who wears the sensor" if infant is None else f"no infant {infant} is configured"
        )
        raise BadSettings(path, what, f"Give --infant, one of: {', '.join(ids)}")
    return ids.index(infant)


def _meant(
    path: Path, settings: GatewaySettings, number: int, address: str, site: Site, kind: Kind | None
) -> tuple[InfantSettings, str]:
    """The infant's sensors as they are to be, and what that is in words."""
    infant = settings.infants[number]
    others = [wearer for n, wearer in enumerate(settings.infants) if n != number]
    if any(one.address.upper() == address for wearer in others for one in wearer.sensors):
        raise BadSettings(
            path, f"{address} is another infant's", "Take it out there first; a sensor has one wearer"
        )
    here = next((one for one in infant.sensors if one.site == site), None)
    there = next((one for one in infant.sensors if one.address.upper() == address), None)
    if there is not None and there is here:
        return _with(infant, {site: _as(here, here.address, kind)}), f"{address} is worn as {site}."
    if here is not None and there is not None:
        changed = {
            site: _as(here, address, kind or there.kind),
            there.site: _as(there, here.address, here.kind),
        }
        return _with(
            infant, changed
        ), f"{address} and {here.address} changed places: {site} and {there.site}."
    if here is not None:
        done = f"{address} is worn as {site} now, in place of {here.address}."
        return _with(infant, {site: _as(here, address, kind)}), done
    if there is not None:
        moved = msgspec.structs.replace(_as(there, there.address, kind), site=site)
        return _with(infant, {there.site: moved}), f"{address} moved from {there.site} to {site}."
    new = SensorSettings(site=site, address=address, kind=kind or Kind.SOCK)
    return msgspec.structs.replace(
        infant, sensors=[*infant.sensors, new]
    ), f"{address} is worn as {site} now."


def _as(sensor: SensorSettings, address: str, kind: Kind | None) -> SensorSettings:
    return msgspec.structs.replace(sensor, address=address, kind=kind or sensor.kind)


def _with(infant: InfantSettings, changed: dict[Site, SensorSettings]) -> InfantSettings:
    return msgspec.structs.replace(infant, sensors=[changed.get(one.site, one) for one in infant.sensors])


def _edited(text: str, number: int, before: InfantSettings, meant: InfantSettings) -> str | None:
    """The text with the infant's sensors changed; None where its tables are not written as such."""
    lines = text.splitlines()
    infants = _infants(lines)
    if len(infants) <= number or len(infants[number].sensors) != len(before.sensors):
        return None
    tables = infants[number].sensors
    added = meant.sensors[len(before.sensors) :]
    for one in added:
        lines[tables[-1].last + 1 : tables[-1].last + 1] = _new_table(one)
    for table, old, new in reversed(list(zip(tables, before.sensors, meant.sensors, strict=False))):
        for key in ("kind", "address", "site"):
            if getattr(old, key) != getattr(new, key):
                _set(lines, table, key, str(getattr(new, key)))
    return "\n".join(lines) + "\n"


def _new_table(sensor: SensorSettings) -> list[str]:
    made = ["[[infants.sensors]]", f'site = "{sensor.site}"', f'address = "{sensor.address}"']
    return made if sensor.kind is Kind.SOCK else [*made, f'kind = "{sensor.kind}"']


def _infants(lines: list[str]) -> list[_Table]:
    found: list[_Table] = []
    current: _Table | None = None
    for n, line in enumerate(lines):
        header = _HEADER.match(line)
        if header:
            current = _Table(header[2].replace(" ", ""), n, n)
            if header[1] == "[[" and current.name == _INFANT:
                found.append(current)
            elif header[1] == "[[" and current.name == _SENSOR and found:
                found[-1].sensors.append(current)
        elif current is not None and line.strip() and not line.lstrip().startswith("#"):
            current.last = n
    return found


def _set(lines: list[str], table: _Table, key: str, value: str) -> None:
    known = re.compile(rf"""^(\s*{key}\s*=\s*)("[^"]*"|'[^']*')""")
    for n in range(table.first, table.last + 1):
        if known.match(lines[n]):
            lines[n] = known.sub(rf'\g<1>"{value}"', lines[n])
            return
    lines.insert(table.last + 1, f'{key} = "{value}"')


def _read(text: str) -> GatewaySettings | None:
    try:
        return msgspec.toml.decode(text.removeprefix(BYTE_ORDER_MARK), type=GatewaySettings)
    except msgspec.MsgspecError:
        return None


def _replace(path: Path, text: str) -> None:
    """Replace the file whole, with the rights it has: a power cut leaves the old or the new one."""
    target = path.resolve()
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("w", encoding="utf-8") as out:
            os.chmod(part, stat.S_IMODE(target.stat().st_mode))  # noqa: PTH101 - before anything is in it
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    except OSError as error:
        raise BadSettings(path, f"cannot be written ({error.strerror})", "Check who owns it") from error
