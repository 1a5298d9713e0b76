"""Simulated recordings as files: the night as EDF+, the truth as tables."""

from __future__ import annotations

from pathlib import Path

from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Scenario, scenario_from_toml
from firmware_sim.scenarios import named_scenario
from firmware_sim.truth import TruthEvent
from store.edf import write_recording
from store.events_tsv import EventLine, StateLine, write_events, write_states
from store.recording import Recording, settled

from .errors import BadScenario

__all__ = ["read_scenario", "simulate"]

_START_UTC_NS = 1_767_290_400_000_000_000
"""2026-01-01 18:00 UTC: simulated nights carry a date, so that what reads them can show a time of day."""


def read_scenario(name: str) -> Scenario:
    """A scenario by its name, or from a TOML file.

    Raises:
        BadScenario: naming the file or the names there are.
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
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{night.scenario.name}_seed-{seed}"
    recording = Recording(
        infant=night.infant,
        zone="UTC",
        start_utc_ns=_START_UTC_NS,
        t0_ns=night.start_ns,
        segments=settled(night.segments()),
    )
    paths = write_recording(recording, stem.with_name(f"{stem.name}.edf"))
    return [*paths, *_write_truth(night, stem)]


def _write_truth(night: Night, stem: Path) -> list[Path]:
    events = stem.with_name(f"{stem.name}_truth_events.tsv")
    states = stem.with_name(f"{stem.name}_truth_states.tsv")
    write_events(events, [_event_line(e, night.start_ns) for e in night.truth.events])
    write_states(states, [StateLine(s.t_ns - night.start_ns, s.span_ns, s.state) for s in night.truth.states])
    return [events, states]


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
