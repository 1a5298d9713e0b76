"""What `lullwatch report` is asked for: whose nights, which of them, in which language, written as what."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from dsp.records import SELF_TEST, Label
from lullwatch.errors import BadReportName, BadSpan, CannotWrite, NothingRecorded, WhichInfant
from lullwatch.watch import watches_in
from lullwatch.waveforms import waveforms
from lullwatch.where import meant_folder
from store.shelf import Shelf

from .content import Shown
from .document import Document
from .facts import ReportFacts, Series
from .gathering import gather, recorded_nights
from .wave_figure import window_of

__all__ = ["Asked", "check_name", "collected", "shelf_of", "written"]

_WAVES_SHOWN: Final = 4
"""As many as fit on the second page beside what has to be said there."""
_OTHER_WAVES: Final = 1
"""At least so many of them of another pattern, where there is one: a doctor compares."""
_RANK: Final = {
    label: place
    for place, label in enumerate(
        (Label.SPASM_LIKE_CLUSTER, Label.LONG_MOVEMENT, Label.RHYTHMIC_JERKING, Label.STIFFENING,
         Label.SLEEP_JERK_TRAIN, Label.SPASM_LIKE)
    )
}  # fmt: skip

_Advance = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants a report of."""

    infant: str | None = None
    first: date | None = None
    """date of an evening; None: the first night that is there"""
    last: date | None = None
    """None: the last"""


def shelf_of(source: Path) -> Shelf:
    """The nights of settings, of a folder or of one journal.

    Raises:
        BadSettings: the settings cannot be read.
        NothingRecorded: there is no journal.
    """
    folder = meant_folder(source)
    if folder.is_dir():
        return Shelf(folder)
    if not folder.exists():
        raise NothingRecorded(folder)
    return Shelf(folder.parent, only=folder.name)


def collected(
    shelf: Shelf,
    asked: Asked,
    *,
    on_total: _Advance = lambda _: None,
    on_night: _Advance = lambda _: None,
) -> tuple[ReportFacts, list[Shown]]:
    """Read the nights, and the waveforms that are to be shown.

    Raises:
        BadSpan, WhichInfant, NothingRecorded, NoSuchSpan: nothing can be made of what was asked for.
        store.errors.JournalError: a night cannot be read.
    """
    nights = recorded_nights(shelf)
    if not nights:
        raise NothingRecorded(shelf.folder)
    first, last = asked.first or nights[0], asked.last or nights[-1]
    if first > last:
        raise BadSpan(first, last)
    on_total((last - first).days + 1)
    facts = gather(shelf, _infant(shelf, asked.infant), first, last, on_night=on_night)
    return facts, _clearest(shelf, facts)


def _infant(shelf: Shelf, wanted: str | None) -> str:
    """Whose report it is; one report is of one infant."""
    if wanted is not None:
        return wanted
    with shelf.opened(shelf.nights()[-1].name) as journal:
        known = sorted({*journal.infants(), *watches_in(journal)} - {SELF_TEST})
    if len(known) != 1:
        raise WhichInfant(shelf.folder, known)
    return known[0]


def _clearest(shelf: Shelf, facts: ReportFacts) -> list[Shown]:
    """The events whose waveforms say most, as far as their samples are still kept; by time."""
    ranked = sorted(facts.shown, key=_clearness)
    series = [s for s in ranked if s.event.label is Label.SPASM_LIKE_CLUSTER]
    others = [s for s in ranked if s.event.label in _RANK and s.event.label is not Label.SPASM_LIKE_CLUSTER]
    found = _with_waves(shelf, facts.infant, others, _OTHER_WAVES)
    found += _with_waves(shelf, facts.infant, series, _WAVES_SHOWN - len(found))
    taken = {one.series.event.id for one in found}
    left = [s for s in others if s.event.id not in taken]
    found += _with_waves(shelf, facts.infant, left, _WAVES_SHOWN - len(found))
    return sorted(found, key=lambda one: one.series.onset_ns)


def _clearness(series: Series) -> tuple[float, ...]:
    event = series.event
    return (
        _RANK.get(event.label, len(_RANK)),
        -event.match * (1 - event.conveyed),
        -event.count,
        event.onset_ns,
    )


def _with_waves(shelf: Shelf, infant: str, ranked: Sequence[Series], most: int) -> list[Shown]:
    found: list[Shown] = []
    for series in ranked:
        if len(found) >= most:
            break
        waves = waveforms(shelf, infant, *window_of(series.event, series.members))
        if waves:
            found.append(Shown(series, waves))
    return found


def check_name(path: Path) -> None:
    """Raise BadReportName for a name that ends neither in `.pdf` nor in `.html`."""
    if path.suffix not in (".pdf", ".html"):
        raise BadReportName(path)


def written(made_of: Document, path: Path) -> None:
    """Write a report as `.pdf` or `.html`; a file that is there is replaced only when the new one is whole.

    Raises:
        BadReportName: see `check_name`.
        ReportExtraMissing: what makes a PDF is not installed.
        CannotWrite: the folder cannot be written.
    """
    check_name(path)
    if path.suffix == ".html":
        from .html import as_html

        data = as_html(made_of).encode()
    else:
        from .pdf import as_pdf

        data = as_pdf(made_of)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(partial).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(partial).unlink()
            raise
    except OSError as error:
        raise CannotWrite(path.parent, error) from error
