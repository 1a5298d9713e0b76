"""What the monitor stands in: the computer's own radio and clock, or a made-up home to try everything out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dsp.clock import Clock
from dsp.records import NS, ClockRow
from ingest.finder import Finder
from ingest.this_computer import held, own_bonds
from store.journal import Journal

from . import system_clock
from .errors import LullwatchError
from .gateway import Gateway, Radio, Sensor, Wearer
from .settings import GatewaySettings, InfantSettings, SimulatedSettings, today
from .system_clock import MADE_UP

__all__ = [
    "MakeRadio",
    "OtherNights",
    "RowClock",
    "SimulationMissing",
    "Surroundings",
    "own_radio",
    "surroundings",
]

_log = logging.getLogger(__name__)

MakeRadio = Callable[[], AbstractAsyncContextManager[Radio]]
"""Makes the way to the sensors on the event loop."""

_AFTER_NS = 2 * NS
"""Data time after the last simulated sample, for the packets that are still on the air."""
_STRIDE_NS = 60 * NS
"""Data time that passes at once when the simulated night is over."""


class SimulationMissing(LullwatchError):
    """What a simulated home is made of is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(f"[simulated] needs {library}; install the extra: pip install 'lullwatch[sim]'")


class OtherNights(LullwatchError):
    """Made-up nights would mix with real ones."""

    def __init__(self, folder: Path, *, made_up: bool) -> None:
        there, wanted = ("made-up", "real") if made_up else ("real", "made-up")
        super().__init__(
            f"{folder} holds {there} nights, and a {wanted} one is to be recorded; give another journal_dir"
        )


class RowClock(Clock, Protocol):
    """Data time, and how it stands to UTC."""

    def row(self, zone: str) -> ClockRow:
        """The tie between data time and UTC at this moment."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Radio, clock and wearers of one run of the monitor."""

    radio: Radio
    clock: RowClock
    wearers: Sequence[Wearer]
    live: Callable[[Gateway], Awaitable[None]] | None = None
    """lets made-up time pass while the gateway runs; None where time passes by itself"""


@asynccontextmanager
async def own_radio() -> AsyncIterator[Radio]:
    """The computer's own Bluetooth."""
    finder = Finder(held=held)
    yield Radio(finder.find, rssi=finder.rssi, bonds=own_bonds())


@asynccontextmanager
async def surroundings(
    settings: GatewaySettings, journal: Journal, radio: MakeRadio = own_radio
) -> AsyncIterator[Surroundings]:
    """What the settings ask for; `journal` is gone on with."""
    if settings.simulated is not None:
        async with _simulated(settings, settings.simulated, journal) as made_up:
            yield made_up
        return
    rows = journal.clock_rows()
    if rows and rows[-1].boot == MADE_UP:
        raise OtherNights(journal.path.parent, made_up=True)
    clock = system_clock.resume(rows[-1] if rows else None, journal.newest_ns)
    async with radio() as way:
        yield Surroundings(way, clock, [_wearer(infant) for infant in settings.infants])


def _wearer(infant: InfantSettings) -> Wearer:
    sensors = tuple(Sensor(s.site, s.name, s.address, s.kind) for s in infant.sensors)
    return Wearer(infant.id, sensors, infant.age_days(today()))


@asynccontextmanager
async def _simulated(
    settings: GatewaySettings, wanted: SimulatedSettings, journal: Journal
) -> AsyncIterator[Surroundings]:
    try:
        from firmware_sim.night import make_night

        from .home import SimulatedHome, sock_address
        from .simulate import read_scenario
        from .simulated_clock import SimulatedClock
    except ModuleNotFoundError as error:
        raise SimulationMissing(error.name or "a library") from error
    if any(row.boot != MADE_UP for row in journal.clock_rows()):
        raise OtherNights(journal.path.parent, made_up=False)
    infant = settings.infants[0]
    night = make_night(
        read_scenario(wanted.scenario),
        seed=wanted.seed,
        infant=infant.id,
        sites=[s.site for s in infant.sensors],
    )
    clock = SimulatedClock.resume(journal)
    _log.warning(
        "SIMULATED: a made-up infant, %s of seed %d; nobody is watched", wanted.scenario, wanted.seed
    )

    async with SimulatedHome(night, clock) as home:

        async def live(gateway: Gateway) -> None:
            if clock.now_ns() < night.end_ns + _AFTER_NS:
                await home.live(gateway, night.end_ns + _AFTER_NS, pace=wanted.pace)
            _log.warning("the simulated night is over; nothing more comes, and time passes as it does")
            while True:
                await home.live(gateway, clock.now_ns() + _STRIDE_NS, pace=1.0)

        sensors = tuple(Sensor(s.site, s.name, sock_address(s.site)) for s in infant.sensors)
        age_days = infant.age_days(today())
        wearer = Wearer(infant.id, sensors, night.scenario.age_days if age_days is None else age_days)
        yield Surroundings(home.radio(), clock, [wearer], live)
