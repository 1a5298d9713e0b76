"""What reviewers said of events: how far two of them agree, and their labels as a table for other programs.

Only a reviewer's label of an EEG becomes a tag of HED-SCORE, for these tags assert a diagnosis; names of patterns, and
whatever the program said, stand in columns of their own and are never tags.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from dsp.records import Label
from store.bids import BIDS_VERSION, TASK
from store.shelf import Shelf
from store.tables import seconds, write_table

from .agreement import Agreement, agreement
from .errors import FolderHoldsFiles, NothingReviewed
from .event_index import EventIndex, Listed, Said
from .opinions import BASES, CLINICAL, FURTHER

__all__ = ["HED_VERSION", "Pair", "export_review", "hed_of", "pairs"]

HED_VERSION: Final = "score_2.1.0"
"""The library schema with the standard one it is written for."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reviewers, and how far they agree on the events that both have labelled."""

    first: str
    second: str
    agreement: Agreement


def pairs(reviewed: Iterable[Said]) -> tuple[Pair, ...]:
    """Every two reviewers with at least one event in common."""
    by_rater: dict[str, dict[str, str]] = {}
    for said in reviewed:
        by_rater.setdefault(said.by, {})[said.event_id] = said.label
    found = []
    for first, second in combinations(sorted(by_rater), 2):
        one, other = by_rater[first], by_rater[second]
        common = [event for event in one if event in other]
        if common:
            labels = tuple(one[event] for event in common), tuple(other[event] for event in common)
            found.append(Pair(first, second, _figured(*labels)))
    return tuple(found)


@lru_cache(maxsize=64)
def _figured(first: tuple[str, ...], second: tuple[str, ...]) -> Agreement:
    """The figure of these labels; kept, for a page asks again after every label of somebody else."""
    return agreement(first, second)


def hed_of(said: Said) -> str:
    """The tag that a reviewer's label is; empty for a name of a pattern and for whatever rests on no EEG."""
    return CLINICAL.get(said.label, "") if said.basis in ("eeg", "video_eeg") else ""


def export_review(
    shelf: Shelf,
    folder: Path,
    *,
    infant: str | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> list[Path]:
    """Write what reviewers said as BIDS tables of events, one for each infant and night; returns them.

    Infants are `sub-01` … in the order of their ids, nights with a label `ses-01` … by time: no id, no date and no
    device stands in them. Every reviewer's label is a row of its own; they are not merged.

    Raises:
        FolderHoldsFiles: there is something in the folder already.
        NothingReviewed: nobody has labelled an event.
        store.errors.JournalError: a night cannot be read.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FolderHoldsFiles(folder)
    index = EventIndex(shelf)
    index.refresh()
    nights: dict[tuple[str, str], list[tuple[Listed, Said]]] = {}
    for said in index.reviewed():
        listed = index.find(said.event_id)
        if listed is not None and infant in (None, listed.infant):
            nights.setdefault((listed.infant, listed.night), []).append((listed, said))
    if not nights:
        raise NothingReviewed(shelf.folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "dataset_description.json", _DESCRIPTION)
    (folder / "README").write_text(_README, encoding="utf-8")
    begun = {path.name: place for place, path in enumerate(shelf.nights())}
    raters = {by: f"rater-{n}" for n, by in enumerate(sorted({s.by for s in index.reviewed()}), start=1)}
    paths = []
    for number, one in enumerate(sorted({name for name, _ in nights}), start=1):
        own = sorted((night for name, night in nights if name == one), key=begun.__getitem__)
        for session, night in enumerate(own, start=1):
            stem = f"sub-{number:02}_ses-{session:02}_task-{TASK}_desc-review"
            path = folder / f"sub-{number:02}" / f"ses-{session:02}" / "motion" / f"{stem}_events.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_night(shelf, path, night, nights[one, night], raters)
            paths.append(path)
            on_progress(1.0)
    return paths


def _write_night(
    shelf: Shelf, path: Path, night: str, rows: Sequence[tuple[Listed, Said]], raters: dict[str, str]
) -> None:
    with shelf.opened(night) as journal:
        first_ns = journal.first_sample_ns(rows[0][0].infant)
        t0_ns = first_ns if first_ns is not None else (journal.begun_ns or 0)
    cells = [
        [
            seconds(listed.onset_ns - t0_ns), seconds(listed.end_ns - listed.onset_ns), said.label, hed_of(said),
            raters[said.by], said.basis, str(int(said.blind)), listed.label.wire, listed.id,
        ]
        for listed, said in rows
    ]  # fmt: skip
    zero = "the first sample of the night" if first_ns is not None else "the beginning of the night"
    write_table(path, _COLUMNS, cells, {"TimeZero": zero})


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


_LEVELS: Final = {
    **{str(label): label.wire for label in Label},
    **{word: word.replace("_", " ") for word in FURTHER},
    **{word: f"asserted by a reviewer of an EEG: {tag}" for word, tag in CLINICAL.items()},
}

_COLUMNS: Final[dict[str, dict[str, Any]]] = {
    "onset": {"Description": "start of the movement, from the time that TimeZero names", "Units": "s"},
    "duration": {"Description": "from onset to the last end that is known", "Units": "s"},
    "trial_type": {
        "Description": "what the reviewer says it looks like or, of an EEG, is",
        "Levels": _LEVELS,
    },
    "HED": {
        "Description": "tag of HED-SCORE of a reviewer's label of an EEG; n/a for every name of a pattern"
    },
    "rater": {
        "Description": "who said it; rows of different raters stand beside each other and are not merged"
    },
    "basis": {"Description": "what the reviewer looked at", "Levels": {basis: basis for basis in BASES}},
    "blind": {"Description": "1 when the program's label was hidden meanwhile"},
    "program_label": {
        "Description": "what the program said it looks like: a name of a pattern, no diagnosis"
    },
    "event_id": {"Description": "stable identity of the event"},
}

_DESCRIPTION: Final[dict[str, Any]] = {
    "Name": "Labels of reviewers for nights recorded with lullwatch",
    "BIDSVersion": BIDS_VERSION,
    "HEDVersion": HED_VERSION,
    "DatasetType": "derivative",
    "GeneratedBy": [{"Name": "lullwatch", "Version": version("lullwatch")}],
}

_README: Final = """Labels that reviewers gave to events of nights recorded with lullwatch.

Unvalidated research data. Names of patterns say what a movement looks like, never a cause, and are no diagnosis; only
labels that a reviewer gave of an EEG assert one, and only these carry a tag of HED-SCORE.

Each reviewer's label is a row of its own. The rows of two reviewers on one event have the same event_id.
"""
