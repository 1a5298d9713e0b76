"""Simulated recordings as files: the night as EDF+, the truth as tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Final

from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Scenario, scenario_from_toml
from firmware_sim.scenarios import SCENARIOS, named_scenario
from firmware_sim.truth import Misplaced, Truth, TruthContext, Unseen
from store.edf import write_recording
from store.events_tsv import write_events, write_states
from store.recording import Recording, settled
from store.tables import seconds, write_table

from .errors import BadScenario
from .scoring_truth import truth_lines, truth_state_lines

__all__ = ["PART", "read_scenario", "scenario_lines", "simulate", "whole", "write_night", "write_truth"]

PART: Final = ".part-"
"""A folder of this name holds files that are being written; nothing in it is whole."""
_ORDER: Final = (".json", ".tsv", ".edf")
"""A table never stands without its sidecar, a recording never without its tables."""
_START_UTC_NS: Final = 1_767_290_400_000_000_000
"""2026-01-01 18:00 UTC: simulated nights carry a date, so that what reads them can show a time of day."""
_SEGMENT_SAMPLES: Final = 104
"""A second each: a night as packets would be 700,000 objects and a gigabyte."""
_SPAN: Final = {
    "onset": {"Description": "start, from the recording's start", "Units": "s"},
    "duration": {"Description": "length", "Units": "s"},
}
_SITES: Final = {"sites": {"Description": "sensors it holds for, comma between them"}}
_CONTEXT_COLUMNS: Final = {
    **_SPAN,
    "kind": {
        "Description": "conveyed (moved from outside), loose, not_worn, slips (and stays where it came to), swapped"
    },
    "true_class": {"Description": "what it really was"},
    **_SITES,
}
_MISPLACED: Final = {"slips": "slipping_sock", "swapped": "swapped_socks"}
_UNSEEN_COLUMNS: Final = {
    **_SPAN,
    "cause": {
        "Description": "why a sensor saw nothing of the infant: off the body, restart, or not yet started"
    },
    **_SITES,
}


def scenario_lines() -> list[str]:
    """Every named scenario with its age, its length and what is to be seen, one line each."""
    width = max(map(len, SCENARIOS))
    return [
        f"{name:{width}}  {s.age_days:3d} days  {s.duration_s / 60.0:3.0f} min  {s.about}"
        for name, s in SCENARIOS.items()
    ]


def read_scenario(name: str) -> Scenario:
    """A scenario by its name, or from a TOML file.

    Raises:
        BadScenario: naming the file and the place in it, or the names there are.
    """
    path = Path(name)
    try:
        if path.suffix == ".toml":
            return scenario_from_toml(path.read_text(encoding="utf-8"))
        return named_scenario(name)
    except OSError as error:
        raise BadScenario(name, error.strerror or str(error)) from error
    except (ValueError, LookupError, TypeError) as error:
        raise BadScenario(name, str(error)) from error


def simulate(scenario: str, folder: Path, *, seed: int) -> list[Path]:
    """Write a night and its truth into `folder`; returns the files.

    Raises:
        BadScenario: when there is no such scenario.
    """
    plan = read_scenario(scenario)
    try:
        night = make_night(plan, seed=seed, infant="sim")
    except (LookupError, TypeError, ValueError) as error:
        raise BadScenario(scenario, str(error)) from error
    return write_night(night, folder)


def write_night(night: Night, folder: Path) -> list[Path]:
    """Write a night and its truth into `folder`, whole or not at all; returns the files.

    They are NAME_seed-SEED.edf with its _clock.tsv and, with the same beginning, _truth_events.tsv, _truth_states.tsv,
    _truth_contexts.tsv and _truth_unseen.tsv, each with a JSON sidecar.
    """
    stem = f"{night.scenario.name}_seed-{night.seed}"
    with whole(folder, stem) as part:
        written = _write_files(night, part / stem)
    return [folder / path.name for path in written]


@contextmanager
def whole(folder: Path, stem: str) -> Iterator[Path]:
    """A folder to write into; what is in it afterwards moves to `folder`, where half a file never lies.

    A recording comes last, after all that says something of it; further runs of an earlier one of its name go.
    """
    part = folder / f"{PART}{stem}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        for old in folder.glob(f"{escape(stem)}_run-*"):
            old.unlink()
        for path in sorted(part.iterdir(), key=lambda path: _ORDER.index(path.suffix)):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_files(night: Night, stem: Path) -> list[Path]:
    recording = Recording(
        infant=night.infant,
        zone="UTC",
        start_utc_ns=_START_UTC_NS,
        t0_ns=night.start_ns,
        segments=settled(night.segments(_SEGMENT_SAMPLES)),
    )
    paths = write_recording(recording, stem.with_name(f"{stem.name}.edf"))
    return [*paths, *write_truth(night.truth, night.start_ns, stem)]


def write_truth(truth: Truth, t0_ns: int, stem: Path) -> list[Path]:
    """Write the four tables of a truth beside `stem`, onsets counted from `t0_ns`; returns the tables."""
    events, states, contexts, unseen = (
        stem.with_name(f"{stem.name}_truth_{what}.tsv") for what in ("events", "states", "contexts", "unseen")
    )
    write_events(events, truth_lines(truth, t0_ns))
    write_states(states, truth_state_lines(truth, t0_ns))
    write_table(contexts, _CONTEXT_COLUMNS, _context_rows(truth, t0_ns))
    write_table(unseen, _UNSEEN_COLUMNS, [_unseen_row(row, t0_ns) for row in truth.unseen])
    return [events, states, contexts, unseen]


def _context_rows(truth: Truth, t0_ns: int) -> list[list[str]]:
    told = [(row, row.true_class) for row in truth.contexts]
    sat = [(row, _MISPLACED[row.kind]) for row in truth.misplaced]
    rows: list[tuple[TruthContext | Misplaced, str]] = sorted([*told, *sat], key=lambda row: row[0].onset_ns)
    return [
        [
            seconds(row.onset_ns - t0_ns),
            seconds(row.end_ns - row.onset_ns),
            row.kind,
            true_class,
            ",".join(row.sites),
        ]
        for row, true_class in rows
    ]


def _unseen_row(row: Unseen, t0_ns: int) -> list[str]:
    return [seconds(row.onset_ns - t0_ns), seconds(row.end_ns - row.onset_ns), row.cause, row.site]
