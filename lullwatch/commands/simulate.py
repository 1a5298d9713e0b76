"""`lullwatch simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["simulate"]

_Count = Annotated[int | None, Parameter(name="--population")]
_Listing = Annotated[bool, Parameter(name="--list", negative="")]


def simulate(
    scenario: str | None = None,
    *,
    out: Path = Path("lullwatch-simulated"),
    seed: int = 1,
    population: _Count = None,
    kind: str = "general",
    hours: float = 10.0,
    without: tuple[str, ...] = (),
    jobs: int | None = None,
    onto: Path | None = None,
    movement: str = "kicking",
    at: float = 60.0,
    option: tuple[str, ...] = (),
    age_days: int | None = None,
    listing: _Listing = False,
) -> int:
    """Write a simulated recording (EDF+) and its truth, or a whole population, or a movement onto a recording.

    Writes NAME_seed-SEED.edf with its _clock.tsv and, with the same beginning, _truth_events.tsv, _truth_states.tsv,
    _truth_contexts.tsv and _truth_unseen.tsv. A population has an index besides, population.tsv; run again, the same
    command makes only the nights that are missing.

    Example: lullwatch simulate demo_hour --seed 7 --out recordings

    Example: lullwatch simulate --population 200 --seed 7 --hours 10 --out nights

    Example: lullwatch simulate --onto somebody.edf --movement kicking --option count=8 --at 60 --out added

    Example: lullwatch simulate --list

    Parameters
    ----------
    scenario
        A named scenario (see --list) or a TOML file; demo_hour if not given.
    out
        Folder for the files; made if missing.
    seed
        One seed, one night, bit for bit. A population has the seeds from here on, one a night.
    population
        Draw so many infants and their nights instead of a scenario.
    kind
        What the population is drawn from: general, no_clusters or shifted.
    hours
        Length of each night of a population.
    without
        What never occurs in a population; give it again for more (see docs/scenarios.md).
    jobs
        Processes at once for a population; one for each core if not given.
    onto
        Add one movement to this EDF+ recording instead; all its other samples stay as they are.
    movement
        Kind of what is added (see docs/scenarios.md).
    at
        Seconds from the recording's start at which it is added.
    option
        NAME=VALUE of the movement; give it again for more.
    age_days
        Age of the infant whose movement is added; 180 if not given.
    listing
        Only list the named scenarios.
    """
    from lullwatch.errors import CannotWrite, ScenarioAndPopulation

    if listing:
        return _list()
    try:
        if onto is not None:
            return _onto(onto, out, movement, option, at, seed, age_days)
        if population is not None:
            if scenario is not None:
                raise ScenarioAndPopulation(scenario)
            return _population(population, seed, hours, kind, frozenset(without), out, jobs)
        return _scenario(scenario or "demo_hour", out, seed)
    except OSError as error:
        raise CannotWrite(out, error) from error


def _list() -> int:
    from lullwatch.console import say
    from lullwatch.simulate import scenario_lines

    for line in scenario_lines():
        say(line)
    return 0


def _scenario(scenario: str, out: Path, seed: int) -> int:
    from lullwatch.console import progress, say
    from lullwatch.simulate import simulate as write

    with progress(f"simulating {scenario}", total=None):
        files = write(scenario, out, seed=seed)
    for path in files:
        say(f"written: {path}")
    return 0


def _population(
    count: int, seed: int, hours: float, kind: str, without: frozenset[str], out: Path, jobs: int | None
) -> int:
    from lullwatch.console import progress, say
    from lullwatch.populations import INDEX, Order, simulate_population

    order = Order(count, seed, hours, kind, without)
    with progress(f"simulating {count} nights", total=count) as bar:
        made = simulate_population(order, out, jobs=jobs, on_night=lambda file: bar.advance(1, file))
    say(f"written: {made} nights, {count - made} were there; index: {out / INDEX}")
    return 0


def _onto(
    path: Path,
    out: Path,
    movement: str,
    option: tuple[str, ...],
    at_s: float,
    seed: int,
    age_days: int | None,
) -> int:
    from lullwatch.console import say
    from lullwatch.onto import AGE_DAYS, write_onto

    age = AGE_DAYS if age_days is None else age_days
    for file in write_onto(path, out, movement, option, at_s=at_s, seed=seed, age_days=age):
        say(f"written: {file}")
    return 0
