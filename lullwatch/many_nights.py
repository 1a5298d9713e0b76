"""A folder of nights through the detector: on all cores or a Dask cluster, taken up again where it was broken off.

A night is a task. Its tables appear in the folder all at once, then a line in `nights.jsonl` says that it is done,
with what and in what time. A second run does what is missing, what failed, and what was done with other settings or
from another file.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from dsp.settings import Settings

from .errors import LullwatchError
from .nights import load
from .pool import Done, on_cores, on_dask
from .replay import replay, write_results

__all__ = ["INDEX", "Order", "Outcome", "TwoOfOneName", "replay_all"]

INDEX: Final = "nights.jsonl"
_PART: Final = ".part-"


class TwoOfOneName(LullwatchError):
    """Two files would write the same tables."""

    def __init__(self, first: Path, second: Path) -> None:
        super().__init__(
            f"{first} and {second} have the same name, and so would their results. Rename one, or replay the folders "
            "one by one with --out"
        )


@dataclass(frozen=True, slots=True)
class Order:
    """One file to be replayed, and how."""

    file: str
    out: str
    settings: Settings = field(default_factory=Settings)
    age_days: int | None = None
    picture: bool = False
    infant: str | None = None

    @property
    def digest(self) -> str:
        """What must be as it was for a night to count as done."""
        stat = Path(self.file).stat()
        facts = (stat.st_size, stat.st_mtime_ns, self.settings.tag, self.age_days, self.infant)
        return " ".join(map(str, facts))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A line of the index: what became of one file."""

    file: str
    digest: str = ""
    nights: tuple[str, ...] = ()
    """names of its tables; one file may hold several infants"""
    hours: float = 0.0
    events: int = 0
    seconds: float = 0.0
    """what it took"""
    error: str = ""
    """why it could not be done; empty when it was"""


def replay_all(
    orders: Sequence[Order],
    *,
    jobs: int | None = None,
    dask: str | None = None,
    on_night: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Replay what is not done yet.

    Args:
        orders: the files, all into one folder, which is made if missing.
        jobs: processes at once; one for each core when None.
        dask: address of a Dask scheduler, used instead of processes of this computer.
        on_night: told of each file as it is there, also at once of those that were done.

    Returns:
        What became of each file, in the order of `orders`.

    Raises:
        TwoOfOneName: two files have the same name.
        lullwatch.pool.DaskMissing, lullwatch.pool.BadCluster: as `pool.on_dask`.
    """
    if not orders:
        return []
    out = Path(orders[0].out)
    out.mkdir(parents=True, exist_ok=True)
    _check_names(orders)
    _sweep(out)
    done = {order.file: kept for order in orders if (kept := _kept(order, out)) is not None}
    for outcome in done.values():
        on_night(outcome)
    todo = [order for order in orders if order.file not in done]
    results = on_cores(_one, todo, jobs=jobs) if dask is None else on_dask(_one, todo, address=dask)
    with (out / INDEX).open("ab") as index:
        for outcome in _outcomes(results, [*done.values()]):
            index.write(msgspec.json.encode(outcome) + b"\n")
            index.flush()
            done[outcome.file] = outcome
            on_night(outcome)
    return [done[order.file] for order in orders]


def _outcomes(results: Iterator[Done[Order, Outcome]], known: Sequence[Outcome]) -> Iterator[Outcome]:
    taken = {name: outcome.file for outcome in known for name in outcome.nights}
    for done in results:
        outcome = done.result or Outcome(done.task.file, error=done.error)
        doubled = [name for name in outcome.nights if taken.setdefault(name, outcome.file) != outcome.file]
        yield (
            outcome
            if not doubled
            else Outcome(
                outcome.file,
                error=f"its tables {doubled[0]}_* are those of {taken[doubled[0]]} too; rename one of them",
            )
        )


def _one(order: Order) -> Outcome:
    """Replay one file; its tables are in the folder when this returns, all of them."""
    began_s = time.perf_counter()
    out, digest = Path(order.out), order.digest
    part = out / f"{_PART}{Path(order.file).stem}-{os.getpid()}"
    names, hours, events = [], 0.0, 0
    try:
        for night in load(Path(order.file), infant=order.infant):
            replayed = replay(night, age_days=order.age_days, settings=order.settings)
            write_results(replayed, part, picture=order.picture)
            names.append(night.name)
            hours += night.duration_s / 3600
            events += len(replayed.told.final_events)
        for path in sorted(part.iterdir()):
            path.replace(out / path.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    seconds = time.perf_counter() - began_s
    return Outcome(order.file, digest, tuple(names), hours, events, seconds)


def _kept(order: Order, out: Path) -> Outcome | None:
    """The newest line of the index about a file, if all that it speaks of is still so."""
    found = _index(out).get(order.file)
    if found is None or found.error or not Path(order.file).exists() or found.digest != order.digest:
        return None
    return found if all((out / f"{name}_told.jsonl").exists() for name in found.nights) else None


def _index(out: Path) -> dict[str, Outcome]:
    path = out / INDEX
    found: dict[str, Outcome] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            outcome = msgspec.json.decode(line, type=Outcome)
        except msgspec.MsgspecError:
            continue  # a line that a power cut left half-written: its night is done again
        found[outcome.file] = outcome
    return found


def _check_names(orders: Sequence[Order]) -> None:
    by_name: dict[str, str] = {}
    for order in orders:
        first = by_name.setdefault(Path(order.file).stem, order.file)
        if first != order.file:
            raise TwoOfOneName(Path(first), Path(order.file))


def _sweep(out: Path) -> None:
    """Take away what was being written when somebody or something interrupted it."""
    for part in out.glob(f"{_PART}*"):
        shutil.rmtree(part, ignore_errors=True)
