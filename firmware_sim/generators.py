"""The register of movements: every kind a scenario may name, and the options each of them takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from firmware_sim.conveyance import carrying, patting, rocking
from firmware_sim.draw import Draw
from firmware_sim.handling import HANDLINGS, feed, handling
from firmware_sim.jerks import hiccups, spindle_twitches, startle, twitches
from firmware_sim.kicks import FORMS, PATTERNS, kicking
from firmware_sim.liveliness import in_the_way_of
from firmware_sim.movement import Infant, Movement
from firmware_sim.rhythmic import RMD_FORMS, rhythmic_movement, sandifer
from firmware_sim.seizures import clonic, stiffening, tonic_clonic
from firmware_sim.sleep_jerks import sleep_jerk_train
from firmware_sim.spasm_series import bmei, spasm_cluster
from firmware_sim.spasms import spasm
from firmware_sim.tremors import jitteriness, shuddering, sucking
from firmware_sim.vehicles import SURFACES, bouncing_chair, car, door_slam, powered_cradle, stroller
from firmware_sim.whole_body import arousal, crying, fussing, stretch, waking_stretch

__all__ = [
    "GENERATORS",
    "BadOptionError",
    "Option",
    "UnknownMovementError",
    "check_option",
    "make_movement",
    "options_of",
]

Option = float | int | str | bool

GENERATORS: Final[Mapping[str, Callable[..., Movement]]] = {
    "arousal": arousal,
    "bmei": bmei,
    "bouncing_chair": bouncing_chair,
    "car": car,
    "carrying": carrying,
    "clonic": clonic,
    "crying": crying,
    "door_slam": door_slam,
    "feed": feed,
    "fussing": fussing,
    "handling": handling,
    "hiccups": hiccups,
    "jitteriness": jitteriness,
    "kicking": kicking,
    "patting": patting,
    "powered_cradle": powered_cradle,
    "rhythmic_movement": rhythmic_movement,
    "rocking": rocking,
    "sandifer": sandifer,
    "shuddering": shuddering,
    "sleep_jerk_train": sleep_jerk_train,
    "spasm": spasm,
    "spasm_cluster": spasm_cluster,
    "spindle_twitches": spindle_twitches,
    "startle": startle,
    "stiffening": stiffening,
    "stretch": stretch,
    "stroller": stroller,
    "sucking": sucking,
    "tonic_clonic": tonic_clonic,
    "twitches": twitches,
    "waking_stretch": waking_stretch,
}
"""Every kind a scenario may place. A new generator is known once it stands here."""


_WORDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("handling", "what"): HANDLINGS,
    ("kicking", "form"): FORMS,
    ("kicking", "pattern"): PATTERNS,
    ("rhythmic_movement", "form"): RMD_FORMS,
    ("stroller", "surface"): tuple(SURFACES),
}
"""What may be said where a generator takes a word."""


_MAY_BE_0: Final = frozenset({"busy", "carry", "held_s", "startles", "until_s"})
"""Of the numbers; everything else is a size, a rate or a count of something that happens."""
_SHORTEST_S: Final = 0.1
"""A twitch; nothing that has a course is over sooner."""
_LARGEST: Final = 86_400.0
"""No movement lasts longer than a day or has more parts than one a second of it."""


class UnknownMovementError(LookupError):
    """No generator has this name."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no movement is called {kind!r}; there are {', '.join(sorted(GENERATORS))}")


class BadOptionError(ValueError):
    """An option a movement does not take, or a value of another kind."""

    def __init__(self, kind: str, name: str, problem: str) -> None:
        known = ", ".join(f"{o} ({_told(types)})" for o, types in options_of(kind).items()) or "no options"
        super().__init__(f"movement {kind}: {name!r} {problem}; it takes {known}")


@cache
def options_of(kind: str) -> Mapping[str, tuple[Any, ...]]:
    """Options that may be written down for a kind: name -> types or literal values it takes.

    Raises:
        UnknownMovementError: a kind without a generator.
    """
    if kind not in GENERATORS:
        raise UnknownMovementError(kind)
    hints = get_type_hints(GENERATORS[kind])
    names = inspect.signature(GENERATORS[kind]).parameters.values()
    offered = {
        p.name: _WORDS.get((kind, p.name)) or _plain(hints[p.name])
        for p in names
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return {name: types for name, types in offered.items() if types}


def make_movement(kind: str, draw: Draw, infant: Infant, options: Mapping[str, Option]) -> Movement:
    """One movement of a kind, as large and as slow as this infant's are.

    Raises:
        UnknownMovementError: a kind without a generator.
        BadOptionError: an option it does not take.
    """
    options_of(kind)
    for name, value in options.items():
        check_option(kind, name, value)
    return in_the_way_of(infant, GENERATORS[kind](draw, infant, **options))


def check_option(kind: str, name: str, value: object) -> None:
    """Refuse what the kind's generator would not take. Raises as `make_movement` does."""
    types = options_of(kind).get(name)
    if types is None:
        raise BadOptionError(kind, name, "is no option of it")
    if not any(_fits(value, one) for one in types):
        raise BadOptionError(kind, name, f"cannot be {value!r}")
    if isinstance(value, int | float) and not isinstance(value, bool) and not _can_be(name, value):
        raise BadOptionError(kind, name, f"cannot be {value!r}, but {_least(name)} and up to {_LARGEST:.0f}")


def _can_be(name: str, value: float) -> bool:
    if name == "duration_s":
        return _SHORTEST_S <= value <= _LARGEST
    return 0.0 < value <= _LARGEST or (value == 0.0 and name in _MAY_BE_0)


def _least(name: str) -> str:
    if name == "duration_s":
        return f"{_SHORTEST_S:g} or more"
    return "0 or more" if name in _MAY_BE_0 else "more than 0"


def _plain(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations are of any type
    """Scalar types and literal values in an annotation; None is left out, for it means drawn."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(one for part in get_args(hint) for one in _plain(part))
    if get_origin(hint) is Literal:
        return get_args(hint)
    return (hint,) if hint in (float, int, str, bool) else ()


def _fits(value: object, wanted: object) -> bool:
    if not isinstance(wanted, type):
        return value == wanted
    if isinstance(value, bool) or wanted is bool:
        return isinstance(value, bool) and wanted is bool
    return isinstance(value, int | float) if wanted is float else isinstance(value, wanted)


def _told(types: tuple[Any, ...]) -> str:
    return " or ".join(one.__name__ if isinstance(one, type) else repr(one) for one in types)
