"""Before the night: the radio, and every sensor in range and charged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingest.bonds import Bonds, SystemBonds, require_bond
from ingest.errors import PeerRefused
from ingest.sensor_kind import Kind

from .findings import FAIL, OK, WARN, Finding
from .settings import GatewaySettings

if TYPE_CHECKING:
    from .sensors import Listed, Radio

__all__ = ["LISTEN_S", "Heard", "OnRadio", "adapter_and_sensors", "heard_over"]

LISTEN_S: Final = 8.0
"""A sock advertises four times a second, others every second or two."""
ENOUGH: Final = 40
"""Per cent with which a sock lasts the night with room: ten hours take a quarter of a full one."""
TOO_LITTLE: Final = 15


@dataclass(frozen=True, slots=True)
class Heard:
    """A configured sensor; `rssi` is None when it was not heard."""

    infant: str
    site: str
    address: str
    rssi: int | None
    battery: int | None
    trouble: str = ""
    """why its battery is not known"""
    other_kind: str = ""
    """what it says it is, where the settings say something else"""
    unpaired: str = ""
    """why the monitor would take nothing from it: a sock streams only under a bond worth its name"""


OnRadio = Callable[[GatewaySettings], Awaitable[Sequence[Heard]]]
"""Listens for every configured sensor. Raises NoRadio."""


async def adapter_and_sensors(
    settings: GatewaySettings, status: dict[str, Any] | None, on_radio: OnRadio | None
) -> list[Finding]:
    """The radio, and one line for each sensor."""
    if status is not None:
        adapter = Finding("adapter", OK, "in use by the running monitor")
        return [adapter, *_of_links(settings, status)]
    if settings.simulated is not None:
        made_up = "[simulated]: a made-up infant, and nobody is watched"
        return [
            Finding(
                "adapter", WARN, made_up, "take [simulated] out of the settings before anybody relies on it"
            )
        ]
    try:
        heard = await (on_radio or _own_radio)(settings)
    except Exception as error:  # noqa: BLE001 - whatever the system's Bluetooth says
        remedy = "plug in a Bluetooth adapter and switch it on: bluetoothctl power on"
        return [Finding("adapter", FAIL, _first_line(str(error) or type(error).__name__), remedy)]
    return [Finding("adapter", OK, "listens"), *map(_of_sensor, heard)]


async def _own_radio(settings: GatewaySettings) -> Sequence[Heard]:
    from ingest.this_computer import own_bonds

    from .sensors import Radio

    return await heard_over(Radio(bonds=own_bonds()), settings)


async def heard_over(radio: Radio, settings: GatewaySettings) -> Sequence[Heard]:
    """Every configured sensor as a radio hears it, and of each sock whether this computer keeps its bond."""
    from .sensors import listed

    kinds = {s.address.upper(): s.kind for infant in settings.infants for s in infant.sensors}
    found = await listed(radio, settings, seconds=LISTEN_S, closer=True)
    bonds = radio.bonds or SystemBonds()
    return [await _heard(one, kinds[one.address], bonds) for one in found if one.site]


async def _heard(one: Listed, kind: Kind, bonds: Bonds) -> Heard:
    # its battery can be read without a bond, so that it answers says nothing of whether it will stream
    unpaired = await _unpaired(bonds, one) if kind is Kind.SOCK else ""
    other = one.kind if one.kind != kind.value else ""
    return Heard(one.infant, one.site, one.address, one.rssi, one.battery, one.trouble, other, unpaired)


async def _unpaired(bonds: Bonds, one: Listed) -> str:
    try:
        await require_bond(bonds, one.site, one.address)
    except PeerRefused as error:
        return error.why
    return ""


def _of_sensor(sensor: Heard) -> Finding:
    name, who = f"sensor {sensor.site}", f"of infant {sensor.infant}, {sensor.address}"
    if sensor.rssi is None:
        remedy = "charge it, bring it near, and see that no phone is connected to it"
        return Finding(name, FAIL, f"{who}: not heard", remedy)
    if sensor.other_kind:
        said = f"{who}: it is of kind {sensor.other_kind}, the settings say another"
        remedy = f'kind = "{sensor.other_kind}" in the settings, or another address'
        return Finding(name, FAIL, said, remedy)
    if sensor.unpaired:
        remedy = f"pair it with the digits on its label: lullwatch sensors --pair {sensor.address}"
        return Finding(name, FAIL, f"{who}: {sensor.unpaired}", remedy)
    if sensor.battery is None:
        why = f" ({sensor.trouble})" if sensor.trouble else ""
        return Finding(name, WARN, f"{who}: heard, battery not known{why}", "bring it near, and look again")
    return _of_battery(name, who, sensor.battery)


def _of_battery(name: str, who: str, battery: int) -> Finding:
    said = f"{who}: battery {battery} of 100"
    if battery < TOO_LITTLE:
        return Finding(name, FAIL, said, "charge it now")
    return Finding(name, WARN if battery < ENOUGH else OK, said, "charge it" if battery < ENOUGH else "")


def _of_links(settings: GatewaySettings, status: dict[str, Any]) -> Iterator[Finding]:
    for infant in settings.infants:
        links = {
            link["sensor"]: link for link in status.get("infants", {}).get(infant.id, {}).get("links", [])
        }
        for sensor in infant.sensors:
            name, who = f"sensor {sensor.site.value}", f"of infant {infant.id}, {sensor.address}"
            link = links.get(sensor.name)
            if link is None or link["state"] != "streaming":
                state = "no report yet" if link is None else str(link["state"]).replace("_", " ")
                remedy = (
                    "pair it anew: docs/sensors.md" if state == "refused" else "is it charged, near and worn?"
                )
                yield Finding(name, FAIL, f"{who}: {state}", remedy)
            elif link["battery"] is None:
                yield Finding(name, OK, f"{who}: streaming")
            else:
                yield _of_battery(name, who, int(link["battery"]))


def _first_line(text: str) -> str:
    return text.splitlines()[0]
