"""The packet of signals that goes with a report: an EDF+ clip of every event, and a table of which is which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from dsp.records import NS, Label
from lullwatch.clips import clip
from lullwatch.errors import CannotWrite, FolderHoldsFiles, NothingToReplay
from lullwatch.export import Kind, export_recording, landing
from store.shelf import Shelf

from .facts import ReportFacts, Series, local

__all__ = ["CLIPPED", "check_empty", "write_packet"]

CLIPPED: Final = (
    Label.SPASM_LIKE_CLUSTER, Label.LONG_MOVEMENT, Label.RHYTHMIC_JERKING, Label.STIFFENING, Label.SPASM_LIKE,
    Label.SLEEP_JERK_TRAIN,
)  # fmt: skip
"""Patterns whose signals a doctor looks at; hiccups or rocking would bury them."""
MARGIN_NS: Final = 60 * NS
"""Before and after each event: state and movement about it, in files that can be sent by mail."""
_COLUMNS: Final = ("file", "event_id", "onset_local", "zone", "pattern", "movements", "duration_s", "match")
_README: Final = """Clips of movement signals that go with a report of lullwatch: infant {infant}, {first} to {last}.

{header}

Each clip is EDF+ with one minute before and after the event, the table of its events and its sidecars; packet.tsv says
which is which. Times in the clips are UTC. Events whose samples are not kept any more are in packet.tsv with n/a for
the file. No name and no birth date stand in these files; notes stand as they were written: read them before you pass
the clips on.
"""

_Advance = Callable[[float], None]


def write_packet(
    shelf: Shelf, facts: ReportFacts, folder: Path, *, header: str, on_clip: _Advance = lambda _: None
) -> list[Path]:
    """Write the clips of a report's events into an empty folder; returns the files.

    Raises:
        FolderHoldsFiles: there is something in the folder already.
        CannotWrite: it cannot be written.
        store.errors.StoreError: a night cannot be read.
    """
    check_empty(folder)
    paths: list[Path] = []
    lines = ["\t".join(_COLUMNS)]
    for series in facts.shown:
        if series.event.label in CLIPPED:
            made = _clip(shelf, facts, series, folder)
            lines.append("\t".join(_line(facts, series, made)))
            paths += made
        on_clip(1.0)
    readme = _README.format(first=facts.first, last=facts.last, infant=facts.infant, header=header)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("packet.tsv", "\n".join([*lines, ""])), ("README.txt", readme)):
            (folder / name).write_text(text, encoding="utf-8")
            paths.append(folder / name)
    except OSError as error:
        raise CannotWrite(folder, error) from error
    return paths


def check_empty(folder: Path) -> None:
    """Raise FolderHoldsFiles when there is something in the folder already."""
    if folder.exists() and any(folder.iterdir()):
        raise FolderHoldsFiles(folder, "--packet")


def _clip(shelf: Shelf, facts: ReportFacts, series: Series, folder: Path) -> list[Path]:
    """The files of one event, the recording first; none where its samples are gone."""
    name = f"{local(series.onset_ns, facts.zone):%Y-%m-%d_%H%M%S}_{series.event.id}"
    try:
        recording = clip(shelf, series.event, margin_ns=MARGIN_NS)
    except NothingToReplay:
        return []
    with landing(folder, name) as landed:
        made = export_recording(recording, landed, name, kind=Kind.EDF)
    return [folder / path.name for path in made]


def _line(facts: ReportFacts, series: Series, made: list[Path]) -> tuple[str, ...]:
    event = series.event
    return (
        made[0].name if made else "n/a",
        event.id,
        f"{local(series.onset_ns, facts.zone):%Y-%m-%dT%H:%M:%S}",
        facts.zone,
        event.label.wire,
        str(event.count),
        f"{series.duration_s:.1f}",
        series.match,
    )
