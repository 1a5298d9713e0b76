"""A drawn population as a folder of recordings: many nights in parallel, none of them ever half-written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from firmware_sim.night import make_night
from firmware_sim.population import (
    UnknownMechanismError,
    UnknownPopulationError,
    draw_night,
)
from store.errors import BadTable
from store.tables import read_rows, write_table

from .errors import BadPopulation, NightNotMade, OtherPopulation
from .pool import on_cores
from .simulate import PART, whole, write_night

__all__ = ["INDEX", "Order", "simulate_population"]

INDEX: Final = "population.tsv"
_COLUMNS: Final[dict[str, dict[str, Any]]] = {
    "file": {"Description": "the recording; its truth has the same beginning"},
    "seed": {"Description": "the night's seed; it alone gives the same night again"},
    "age_days": {"Description": "age of the infant", "Units": "d"},
    "hours": {"Description": "length of the night", "Units": "h"},
    "population": {"Description": "what the infant and its night were drawn from"},
}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be simulated: `count` nights of the seeds from `seed` on."""

    count: int
    seed: int
    hours: float
    population: str
    without: frozenset[str] = frozenset()

    @property
    def seeds(self) -> range:
        """One seed a night."""
        return range(self.seed, self.seed + self.count)

    @property
    def facts(self) -> dict[str, Any]:
        """What all nights of a folder must have in common."""
        return {"Population": self.population, "Hours": self.hours, "Without": sorted(self.without)}


@dataclass(frozen=True, slots=True)
class _Row:
    """One finished night."""

    file: str
    seed: int
    age_days: int
    hours: float
    population: str


def simulate_population(
    order: Order, folder: Path, *, jobs: int | None = None, on_night: Callable[[str], None] = lambda _: None
) -> int:
    """Write the nights that `folder` does not hold yet, and an index of all it holds.

    Args:
        order: Which nights.
        folder: Made if missing. Holding nights of the same kind, it is gone on with.
        jobs: Processes at once; one for each core when None.
        on_night: Called with the file's name whenever a night is there, also at once for those that were.

    Returns:
        How many nights were made.

    Raises:
        BadPopulation: no such population or mechanism, or a length that cannot be.
        OtherPopulation: the folder holds nights drawn in another way.
        NightNotMade: a night failed each time it was tried; what is in the folder is whole.
    """
    _check(order, jobs)
    folder.mkdir(parents=True, exist_ok=True)
    rows = _begun(order, folder)
    _sweep(folder)
    missing = [seed for seed in order.seeds if seed not in rows]
    for seed in order.seeds:
        if seed in rows:
            on_night(rows[seed].file)
    try:
        for row in _made(order, folder, missing, jobs or os.cpu_count() or 1):
            rows[row.seed] = row
            _write_index(order, folder, rows)
            on_night(row.file)
    finally:
        _sweep(folder)
    return len(missing)


def _check(order: Order, jobs: int | None) -> None:
    if jobs is not None and jobs < 1:
        raise BadPopulation("--jobs must be 1 or more")
    if order.count < 1 or order.seed < 0 or not 0.0 < order.hours <= 24.0:
        raise BadPopulation("there must be one night or more, a seed of 0 or more and up to 24 hours a night")
    try:
        draw_night(order.seed, hours=order.hours, population=order.population, without=order.without)
    except (UnknownPopulationError, UnknownMechanismError) as error:
        raise BadPopulation(str(error)) from error


def _begun(order: Order, folder: Path) -> dict[int, _Row]:
    """Finished nights of a folder by seed; begins its index when there is none."""
    index = folder / INDEX
    if not index.exists():
        _write_index(order, folder, {})
        return {}
    found = msgspec.json.decode(index.with_suffix(".json").read_bytes(), type=dict[str, Any])
    if {name: found.get(name) for name in order.facts} != order.facts:
        raise OtherPopulation(folder, {name: found.get(name) for name in order.facts}, order.facts)
    try:
        rows = read_rows(index, tuple(_COLUMNS), _row)
    except BadTable as error:
        raise BadPopulation(str(error)) from error
    return {row.seed: row for row in rows if (folder / row.file).exists()}


def _row(cells: dict[str, str]) -> _Row:
    return _Row(
        cells["file"], int(cells["seed"]), int(cells["age_days"]), float(cells["hours"]), cells["population"]
    )


def _write_index(order: Order, folder: Path, rows: dict[int, _Row]) -> None:
    lines = [
        [row.file, str(row.seed), str(row.age_days), f"{row.hours:g}", row.population]
        for _, row in sorted(rows.items())
    ]
    with whole(folder, "index") as part:
        write_table(part / INDEX, _COLUMNS, lines, order.facts)


def _made(order: Order, folder: Path, seeds: list[int], jobs: int) -> Iterator[_Row]:
    """Nights as they are finished, in whatever order."""
    for done in on_cores(partial(_make, order, folder), seeds, jobs=jobs):
        if done.result is None:
            raise NightNotMade(folder, done.task, done.error)
        yield done.result


def _make(order: Order, folder: Path, seed: int) -> _Row:
    plan = draw_night(seed, hours=order.hours, population=order.population, without=order.without)
    night = make_night(plan, seed=seed, infant=f"sim-{seed}")
    file = write_night(night, folder)[0]
    return _Row(file.name, seed, plan.age_days, order.hours, order.population)


def _sweep(folder: Path) -> None:
    """Take away what was being written when somebody or something interrupted it."""
    for part in folder.glob(f"{PART}*"):
        shutil.rmtree(part, ignore_errors=True)
