"""What a simulated night is to contain: an immutable description, readable from TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeVar, get_args

from dsp.records import Site, State
from firmware_sim.faults import ChipFault, ChipFaultKind
from firmware_sim.generators import GENERATORS, Option, check_option
from firmware_sim.imu import ChipChoice
from firmware_sim.life import Background, Between, Habit, usual_background
from firmware_sim.movement import Infant
from firmware_sim.toml_tables import Table
from firmware_sim.wearing import Worn, WornKind

__all__ = ["DEFAULT_SITES", "Background", "Phase", "Placed", "Scenario", "scenario_from_toml"]

DEFAULT_SITES: Final = (Site.LA, Site.RA, Site.TR)
_AGE_MAX_DAYS: Final = 730
"""Bodies, sleep and breathing are modelled to 18 months; to two years they are carried on."""
_LONGEST_MIN: Final = 24 * 60.0
_NOT_MOVEMENTS: Final = ("posture_change", "fidget")
"""What happens by itself without being a movement that can be placed."""
_PHASES: Final = (State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP)
_TRAITS: Final = tuple(f.name for f in fields(Infant) if f.name not in ("age_days", "body"))

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Phase:
    """The infant is in one state for so many minutes."""

    state: State
    minutes: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A movement that must happen: at a time, or (None) at a drawn one in a state that suits it."""

    kind: str
    at_s: float | None = None
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One night (or hour) to be simulated; with phases given, they decide its length."""

    name: str
    duration_s: float
    age_days: int
    phases: tuple[Phase, ...] = ()
    """drawn from the age when empty; the last one lasts to the end"""
    placed: tuple[Placed, ...] = ()
    background: Background | None = None
    """what happens by itself; None: the usual of the age"""
    traits: Mapping[str, float] = field(default_factory=dict)
    """habits of the infant that are given and not drawn, by the name they have in `Infant`"""
    chip: ChipChoice = field(default_factory=ChipChoice)
    sites: tuple[Site, ...] = DEFAULT_SITES
    worn: tuple[Worn, ...] = ()
    """how sensors sit, where they do not sit firmly all night"""
    faults: tuple[ChipFault, ...] = ()
    about: str = ""
    """one line on what is to be seen here"""

    @property
    def life(self) -> Background:
        """What happens by itself."""
        return usual_background(self.age_days) if self.background is None else self.background

    def lasting(self, duration_s: float) -> Scenario:
        """The same scenario cut or drawn out to another length."""
        return replace(self, duration_s=duration_s)


def scenario_from_toml(text: str) -> Scenario:
    """Read a scenario; docs/scenarios.md lists the keys.

    Raises:
        tomllib.TOMLDecodeError: not TOML.
        BadTableError: a key that is missing or means nothing, or a value that cannot be; it names both the
            place and what is allowed there.
    """
    top = Table("", tomllib.loads(text))
    name, about = _name(top), top.text("about", "")
    duration_s = 60.0 * top.number("duration_min", low=0.1, high=_LONGEST_MIN)
    age_days = int(top.number("age_days", high=_AGE_MAX_DAYS))
    sensors = top.table("sensors")
    scenario = Scenario(
        name=name,
        duration_s=duration_s,
        age_days=age_days,
        phases=tuple(_phase(row) for row in top.tables("phase")),
        placed=tuple(_placed(row, duration_s) for row in top.tables("movement")),
        background=_background(top.table("background"), age_days) if "background" in top else None,
        traits=_traits(top.table("traits")),
        sites=_sites(sensors),
        chip=_chip(sensors),
        worn=tuple(_worn(row, duration_s) for row in top.tables("wearing")),
        faults=tuple(_fault(row, duration_s) for row in top.tables("fault")),
        about=about,
    )
    top.done()
    return scenario


def _name(top: Table) -> str:
    name = top.text("name")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        top.refuse(f"name becomes the beginning of file names: use letters, digits, _ and -, not {name!r}")
    return name


def _phase(row: Table) -> Phase:
    phase = Phase(State(row.choice("state", _PHASES)), row.number("minutes", low=0.1))
    row.done()
    return phase


def _placed(row: Table, duration_s: float) -> Placed:
    kind, at_s = row.choice("kind", sorted(GENERATORS)), row.time_s("at", until_s=duration_s)
    options = row.rest()
    for name, value in options.items():
        _checked(row, kind, name, value)
    return Placed(kind, at_s, options)


def _worn(row: Table, duration_s: float) -> Worn:
    kind, site = row.choice("kind", get_args(WornKind)), _site(row)
    span = {
        name: at_s
        for name, key in (("from_s", "from"), ("to_s", "to"))
        if (at_s := row.time_s(key, until_s=duration_s)) is not None
    }
    row.done()
    return _built(row, lambda: Worn(kind, site, **span))  # type: ignore[arg-type]  # checked by choice


def _fault(row: Table, duration_s: float) -> ChipFault:
    kind, site = row.choice("kind", get_args(ChipFaultKind)), _site(row)
    at_s, for_s = row.time_s("at", until_s=duration_s), row.time_s("for", until_s=duration_s)
    if at_s is None:
        row.refuse("at_min (or at_s) is missing")
    axis = int(row.number("axis", 0, high=5))
    by_s = row.number("by_s", 0.0, low=-duration_s, high=duration_s)
    row.done()
    return _built(row, lambda: ChipFault(kind, site, at_s, axis=axis, for_s=for_s, by_s=by_s))  # type: ignore[arg-type]  # checked by choice


def _site(row: Table) -> Site:
    return Site(row.choice("site", tuple(Site)))


def _sites(table: Table) -> tuple[Site, ...]:
    named = table.take("sites", list(DEFAULT_SITES))
    known = tuple(Site)
    if not isinstance(named, list) or not named or any(site not in known for site in named):
        table.refuse(f"sites must be a list out of {', '.join(known)}, not {named!r}")
    return tuple(Site(site) for site in dict.fromkeys(named))


def _chip(table: Table) -> ChipChoice:
    usual = ChipChoice()
    part = table.text("chip", usual.part)
    rate_hz = table.number("rate_hz", usual.rate_hz)
    acc_range_g = table.number("acc_range_g", usual.acc_range_g)
    gyro_range_dps = table.number("gyro_range_dps", usual.gyro_range_dps)
    table.done()
    return _built(table, lambda: ChipChoice(part, rate_hz, acc_range_g, gyro_range_dps))


def _traits(table: Table) -> dict[str, float]:
    wrong = [name for name in table.rest_names() if name not in _TRAITS]
    if wrong:
        table.refuse(f"{wrong[0]!r} is no habit of an infant; there are {', '.join(_TRAITS)}")
    return {name: table.number(name, low=-float("inf")) for name in table.rest_names()}


def _background(table: Table, age_days: int) -> Background:
    usual = usual_background(age_days)
    rates = {
        state: _rates(table.table(state)) if state in table else dict(usual.rates(State(state)))
        for state in ("awake", "active_sleep", "quiet_sleep")
    }
    startles = table.flag("newborn_startles", default=usual.newborn_startles)
    care = table.flag("care", default=usual.care)
    habits = table.table("habits")
    told = {kind: _habits(habits.table(kind), kind) for kind in habits.rest_names()}
    table.done()
    return Background(
        rates["awake"],
        rates["active_sleep"],
        rates["quiet_sleep"],
        newborn_startles=startles,
        care=care,
        habits=told,
    )


def _rates(table: Table) -> dict[str, float]:
    known = (*sorted(GENERATORS), *_NOT_MOVEMENTS)
    for kind in table.rest_names():
        if kind not in known:
            table.refuse(f"{kind!r} is no movement; there are {', '.join(known)}")
    return {kind: table.number(kind) for kind in table.rest_names()}


def _habits(table: Table, kind: str) -> dict[str, Habit]:
    if kind not in GENERATORS:
        table.refuse(f"{kind!r} is no movement; there are {', '.join(sorted(GENERATORS))}")
    return {name: _habit(table, kind, name, value) for name, value in table.rest().items()}


def _habit(table: Table, kind: str, name: str, value: Any) -> Habit:  # noqa: ANN401 - whatever TOML holds
    if isinstance(value, dict):
        ends = Table(f"{table.where}[{name}]", value)
        low, high = ends.number("from", low=-float("inf")), ends.number("to", low=-float("inf"))
        ends.done()
        tried: tuple[Option, ...] = (low, high)
    else:
        tried = tuple(value) if isinstance(value, list) else (value,)
    for one in tried:
        _checked(table, kind, name, one)
    if isinstance(value, dict):
        return Between(low, high)
    return tried if isinstance(value, list) else tried[0]


def _checked(table: Table, kind: str, name: str, value: object) -> None:
    _built(table, lambda: check_option(kind, name, value))


def _built(table: Table, build: Callable[[], _T]) -> _T:
    """What `build` makes; what it refuses is told together with the place in the file."""
    try:
        return build()
    except ValueError as error:
        table.refuse(str(error), error)
