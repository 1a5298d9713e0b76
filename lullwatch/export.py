"""A night from a journal as files that others can read."""

from __future__ import annotations

from pathlib import Path

from store.edf import write_recording
from store.events_tsv import event_lines, state_lines, write_events, write_states
from store.journal import Journal
from store.recording import Recording, from_journal

from .errors import NothingToReplay

__all__ = ["export", "export_recording"]


def export(journal: Path, folder: Path, *, infant: str | None = None) -> list[Path]:
    """Write every infant of a journal, or one of them, into `folder`; returns the files.

    Raises:
        NothingToReplay: when the journal holds no samples of the infant.
        store.errors.JournalError: when it cannot be read.
    """
    paths: list[Path] = []
    with Journal.read_only(journal) as source:
        for name in source.infants() if infant is None else [infant]:
            recording = from_journal(source, name)
            if not recording.segments:
                raise NothingToReplay(journal, f"no movement signals of infant {name} in it")
            paths += export_recording(recording, folder, f"{journal.stem}_{name}")
    return paths


def export_recording(recording: Recording, folder: Path, name: str) -> list[Path]:
    """Write one recording as EDF+ with its tables."""
    folder.mkdir(parents=True, exist_ok=True)
    events, states = folder / f"{name}_events.tsv", folder / f"{name}_states.tsv"
    paths = write_recording(recording, folder / f"{name}.edf")
    write_events(events, event_lines(recording.events, recording.t0_ns))
    write_states(states, state_lines(recording.states, recording.t0_ns))
    return [*paths, events, states]
