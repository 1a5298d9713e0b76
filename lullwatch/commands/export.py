"""`lullwatch export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from lullwatch import export as engine

__all__ = ["export"]

_Journals = Annotated[list[Path], Parameter(consume_multiple=True)]
_Kind = Annotated[Literal["edf", "bids", "csv", "parquet"], Parameter(name="--format")]
_Flag = Annotated[bool, Parameter(negative="")]
_NOTES_HELP = "Pass on the wording of notes, which may name somebody. By default in EDF+ only."
_Notes = Annotated[
    bool | None, Parameter(help=_NOTES_HELP)
]  # in the docstring its name would begin a section


def export(
    journals: _Journals,
    /,
    *,
    out: Path = Path("lullwatch-export"),
    kind: _Kind = "edf",
    infant: str | None = None,
    alias: str | None = None,
    notes: _Notes = None,
    consent_note: str = "",
    deidentified: _Flag = False,
    consent: Path | None = None,
    seal: _Flag = False,
) -> int:
    """Write nights from journals as EDF+, as a Motion-BIDS dataset, as CSV or as Parquet; or seal them.

    EDF+ is NAME.edf with its sidecars, CSV and Parquet are NAME_samples; each has NAME_events.tsv and NAME_states.tsv
    beside it. BIDS is one dataset of all nights, in an empty folder. All but EDF+ need the extra `tables`. No name and
    no birth date are written; age in days stands in a dataset only.

    Example: lullwatch export journal-2026-11-22.sqlite --out recordings

    Parameters
    ----------
    journals
        Journals (.sqlite), one for each night.
    out
        Folder for the files; made if missing.
    kind
        What to write.
    infant
        Only this infant.
    alias
        Id that stands in the files instead of the infant's.

    consent_note
        What the family agreed to; stands in the README.
    deidentified
        For research: random ids, moved dates, no wording of notes, age in weeks. Says what was taken away.
    consent
        With --deidentified: a text file that says, without any name, what the family agreed to.
    seal
        Write nothing into --out. Put a verified copy of the samples beside each journal that replay reads at once.
    """
    from lullwatch import export as engine
    from lullwatch.console import progress, say
    from store.cursors import Cursors

    journals = [path for path in journals if not Cursors.is_beside(path)] or journals
    if seal:
        return _seal(journals)
    _check_meant(deidentified=deidentified, consent=consent, named=bool(alias or notes or consent_note))
    if deidentified:
        return _deidentified(journals, out, engine.Kind(kind), infant, consent)
    wishes = engine.Wishes(infant, alias, notes, consent_note)
    with progress("exporting", total=None) as bar:
        if kind == "bids":
            paths = engine.export_dataset(journals, out, wishes=wishes, on_progress=bar.advance)
        else:
            paths = [
                path
                for journal in journals
                for path in engine.export(
                    journal, out, kind=engine.Kind(kind), wishes=wishes, on_progress=bar.advance
                )
            ]
    for path in paths:
        say(f"written: {path}")
    return 0


def _check_meant(*, deidentified: bool, consent: Path | None, named: bool) -> None:
    """Whoever thinks of research gets no files with ids and dates by leaving out a word. Raises NotSaid."""
    from lullwatch.errors import NotSaid

    if consent is not None and not deidentified:
        raise NotSaid("whether ids and dates are to be taken away", "--deidentified with --consent")
    if deidentified and named:
        raise NotSaid(
            "whether the files are for research",
            "either --deidentified, or --alias, --notes and --consent-note",
        )


def _deidentified(
    journals: list[Path], out: Path, kind: engine.Kind, infant: str | None, consent: Path | None
) -> int:
    from lullwatch.console import progress, say
    from lullwatch.deidentify import export_deidentified
    from lullwatch.errors import NotSaid
    from lullwatch.export import infants_of

    if consent is None:
        raise NotSaid("what the family agreed to", "--consent FILE")
    if infant is None and len(known := infants_of(journals)) > 1:
        what = f"whose family agreed, for these nights hold {' and '.join(known)}"
        raise NotSaid(what, "--infant, and each child an export and a consent of its own")
    with progress("exporting", total=None) as bar:
        paths, away = export_deidentified(
            journals, out, consent=consent, kind=kind, infant=infant, on_progress=bar.advance
        )
    for path in paths:
        say(f"written: {path}")
    for line in away.lines:
        say(f"taken away: {line}" if not line.startswith("not ") else line)
    return 0


def _seal(journals: list[Path]) -> int:
    from time import perf_counter

    from lullwatch.console import progress, say
    from store.sealing import read_sealed, seal

    for journal in journals:
        with progress(f"sealing {journal.name}", total=1.0) as bar:
            sealed = seal(journal, on_progress=bar.advance)
        began = perf_counter()
        read_sealed(sealed.path)
        took_s = perf_counter() - began
        say(f"sealed: {sealed.path}")
        say(f"{sealed.segments} packets, every bit as in the journal; read back in {took_s:.2f} s")
    return 0
