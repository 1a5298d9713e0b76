"""Nights from journals as files that others can read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from dsp.records import NS, SELF_TEST
from store.bids import BidsNight
from store.edf import write_recording
from store.events_tsv import EventLine, StateLine, event_lines, state_lines, write_events, write_states
from store.journal import Journal
from store.recording import Recording, from_journal

from .errors import CannotWrite, FolderHoldsFiles, NothingToReplay
from .watch import newest_watch

__all__ = [
    "Kind",
    "Wishes",
    "export",
    "export_dataset",
    "export_nights",
    "export_recording",
    "infants_of",
    "landing",
    "nights_of",
    "writing",
]


class Kind(StrEnum):
    """What a night is written as."""

    EDF = "edf"
    BIDS = "bids"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What of a night is passed on, and under which name."""

    infant: str | None = None
    """only this one"""
    alias: str | None = None
    """id that stands in the files instead of the one on the gateway"""
    notes: bool | None = None
    """whether the wording of notes is passed on; None: where the format is for oneself (EDF+), not in a dataset"""
    consent_note: str = ""
    """what the family agreed to"""


_NO_WISHES = Wishes()
_Advance = Callable[[float], None]


def _silent(_: float) -> None:
    pass


def infants_of(journals: Sequence[Path]) -> list[str]:
    """Everybody in some nights. Raises JournalError."""
    found: set[str] = set()
    for path in journals:
        with Journal.read_only(path) as journal:
            found |= set(journal.infants())
    return sorted(found - {SELF_TEST})


def nights_of(journals: Sequence[Path], wishes: Wishes = _NO_WISHES) -> Iterator[tuple[str, BidsNight]]:
    """Every infant of every journal, or one of them: the name its files get, and the night.

    Raises:
        NothingToReplay: when a journal holds no samples of the infant.
        store.errors.JournalError: when one cannot be read.
    """
    for path in journals:
        with Journal.read_only(path) as journal:
            for infant in journal.infants() if wishes.infant is None else [wishes.infant]:
                recording = from_journal(journal, infant)
                if not recording.segments:
                    raise NothingToReplay(path, f"no movement signals of infant {infant} in it")
                _, watch = newest_watch(journal, infant)
                name = wishes.alias or infant
                night = BidsNight(replace(recording, infant=name), watch.age_days if watch else None)
                yield f"{path.stem}_{name}", night


def export(
    journal: Path,
    folder: Path,
    *,
    kind: Kind = Kind.EDF,
    wishes: Wishes = _NO_WISHES,
    on_progress: _Advance = _silent,
) -> list[Path]:
    """Write every infant of a journal, or one of them, into `folder` as EDF+, CSV or Parquet; returns the files.

    Raises:
        NothingToReplay: when the journal holds no samples of the infant.
        CannotWrite: when the folder cannot be written.
        store.errors.StoreError: when the journal cannot be read, or a library is missing.
    """
    paths: list[Path] = []
    for name, night in nights_of([journal], wishes):
        recording = night.recording if wishes.notes is not False else replace(night.recording, notes=())
        with landing(folder, name) as landed:
            paths += export_recording(recording, landed, name, kind=kind, on_progress=on_progress)
        _write_readme(folder, wishes)
    return [folder / path.name for path in paths]


def export_dataset(
    journals: Sequence[Path],
    folder: Path,
    *,
    wishes: Wishes = _NO_WISHES,
    on_progress: _Advance = _silent,
) -> list[Path]:
    """Write nights of one or more journals as one Motion-BIDS dataset; returns its motion files.

    Raises:
        FolderHoldsFiles: when there is something in the folder already.
        NothingToReplay, CannotWrite, store.errors.StoreError: as `export`.
    """
    return export_nights((night for _, night in nights_of(journals, wishes)), folder, wishes, on_progress)


def export_nights(
    nights: Iterable[BidsNight], folder: Path, wishes: Wishes = _NO_WISHES, on_progress: _Advance = _silent
) -> list[Path]:
    """Write nights as one Motion-BIDS dataset; as `export_dataset`."""
    from store.bids_write import write_dataset

    if folder.exists() and any(folder.iterdir()):
        raise FolderHoldsFiles(folder)
    given = list(nights)
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as partial:
            paths = write_dataset(
                Path(partial) / "dataset",
                given,
                consent_note=wishes.consent_note,
                with_notes=bool(wishes.notes),
                on_progress=on_progress,
            )
            if folder.exists():
                folder.rmdir()
            shutil.move(Path(partial) / "dataset", folder)
    return [folder / path.relative_to(Path(partial) / "dataset") for path in paths]


def export_recording(
    recording: Recording,
    folder: Path,
    name: str,
    *,
    kind: Kind = Kind.EDF,
    lines: tuple[Sequence[EventLine], Sequence[StateLine]] | None = None,
    on_progress: _Advance = _silent,
) -> list[Path]:
    """Write one recording with its tables; `lines` are events and states that were read from a table."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind is Kind.EDF:
        paths = write_recording(recording, folder / f"{name}.edf")
        on_progress((recording.end_ns - recording.t0_ns) / NS)
    else:
        from store.tabular import write_samples

        target = folder / f"{name}_samples.{kind}"
        paths = write_samples(recording.at_rest(), target, on_progress=on_progress)[:1]
    if lines is None:
        told = (
            event_lines(recording.events, recording.t0_ns),
            state_lines(recording.states, recording.t0_ns),
        )
    events, states = folder / f"{name}_events.tsv", folder / f"{name}_states.tsv"
    write_events(events, told[0] if lines is None else lines[0])
    write_states(states, told[1] if lines is None else lines[1])
    return [*paths, events, states]


@contextmanager
def landing(folder: Path, name: str) -> Iterator[Path]:
    """A folder whose files land in `folder` together, when all are whole; earlier ones of this recording go then.

    Raises:
        CannotWrite: when the folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as partial:
            yield Path(partial)
            made = sorted(Path(partial).iterdir())
            for old in _earlier(folder, name, made):
                old.unlink()
            for path in made:
                path.replace(folder / path.name)


def _earlier(folder: Path, name: str, made: Sequence[Path]) -> list[Path]:
    """Further runs of an earlier EDF+ export of the same name: beside a new one they would be read as part of it."""
    if not any(path.suffix == ".edf" for path in made):
        return []
    return [path for path in folder.glob(f"{name}_run-*") if path.name not in {p.name for p in made}]


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say `CannotWrite` for what goes wrong with a folder."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(folder, error) from error


_README = """Exported by lullwatch: nights of infants in bed, from motion sensors in socks and onesie.
The format of each file is described in docs/recordings.md of lullwatch.

The events were told apart by a program. They name what a movement looks like, never a cause, and are no diagnosis.

No name and no birth date stand in these files. Notes are what people wrote: read them before you pass them on.

Consent: {consent}
"""

_NO_CONSENT = "not stated. Whoever passes these files on adds here what the family agreed to."


def _write_readme(folder: Path, wishes: Wishes) -> None:
    with writing(folder):
        text = _README.format(consent=" ".join(wishes.consent_note.split()) or _NO_CONSENT)
        (folder / "README.txt").write_text(text, encoding="utf-8")
