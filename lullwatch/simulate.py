"""Simulated recordings as files: the night as EDF+, the truth as tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Scenario, scenario_from_toml
from firmware_sim.scenarios import SCENARIOS, named_scenario
from firmware_sim.truth import Truth, TruthContext, TruthEvent, Unseen
from store.edf import write_recording
from store.events_tsv import EventLine, StateLine, write_events, write_states
from store.recording import Recording, settled
from store.tables import seconds, write_table

from .errors import BadScenario

__all__ = ["PART", "read_scenario", "scenario_lines", "simulate", "write_night", "write_truth"]

PART: Final = ".part-"
"""A folder of this name holds files that are being written; nothing in it is whole."""
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
    "kind": {"Description": "conveyed (moved from outside), loose, not_worn"},
    "true_class": {"Description": "what it really was"},
    **_SITES,
}
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
    except (OSError, ValueError, LookupError, TypeError) as error:
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

    They are NAME_seed-SEED.edf and, with the same beginning, _truth_events.tsv, _truth_states.tsv,
    _truth_contexts.tsv and _truth_unseen.tsv, each with a JSON sidecar.
    """
    stem = f"{night.scenario.name}_seed-{night.seed}"
    part = folder / f"{PART}{stem}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        written = _write_files(night, part / stem)
        return [_moved(path, folder) for path in written]
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _moved(path: Path, folder: Path) -> Path:
    """Into the folder, a table's sidecar before it."""
    sidecar = path.with_suffix(".json")
    if sidecar.exists():
        sidecar.replace(folder / sidecar.name)
    return path.replace(folder / path.name)


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
    write_events(events, [_event_line(event, t0_ns) for event in truth.events])
    write_states(states, [StateLine(s.t_ns - t0_ns, s.span_ns, s.state) for s in truth.states])
    write_table(contexts, _CONTEXT_COLUMNS, [_context_row(row, t0_ns) for row in truth.contexts])
    write_table(unseen, _UNSEEN_COLUMNS, [_unseen_row(row, t0_ns) for row in truth.unseen])
    return [events, states, contexts, unseen]


def _context_row(row: TruthContext, t0_ns: int) -> list[str]:
    sites = ",".join(row.sites)
    return [
        seconds(row.onset_ns - t0_ns),
        seconds(row.end_ns - row.onset_ns),
        row.kind,
        row.true_class,
        sites,
    ]


def _unseen_row(row: Unseen, t0_ns: int) -> list[str]:
    return [seconds(row.onset_ns - t0_ns), seconds(row.end_ns - row.onset_ns), row.cause, row.site]


def _event_line(event: TruthEvent, t0_ns: int) -> EventLine:
    return EventLine(
        onset_ns=event.onset_ns - t0_ns,
        duration_ns=event.end_ns - event.onset_ns,
        label=event.label,
        count=event.count,
        side=event.side,
        state=event.state,
        event_id=event.id,
        parent=event.parent or "",
        true_class=event.true_class,
    )
