"""Recordings of every kind that is read, and what an import makes of them: one that `lullwatch replay` takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import available_timezones

from dsp.records import NS, Site, Stretch
from store.bids_read import BidsRecording, motion_files, read_night
from store.edf import read_at_rest
from store.errors import BadRecording
from store.events_tsv import EventLine, StateLine
from store.recording import Annotation, AtRest
from store.sealing import read_sealed
from store.tabular import read_table
from store.wearables import SUFFIXES, read_wearable

from .errors import AlreadyThere, SensorsApart, SitesDoNotFit, UnknownFormat, UnknownZone
from .export import export_recording, landing

__all__ = ["Found", "ReadAs", "import_files", "recordings_in", "size_of"]

_TABLES = (".csv", ".parquet")
_KNOWN = ", ".join(
    (
        "EDF+ (.edf)",
        "Motion-BIDS (a folder, or *_motion.tsv)",
        f"tables ({' '.join(_TABLES)})",
        f"wearables ({' '.join(SUFFIXES)})",
        "sealed nights (.npz)",
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """A recording that was read: the name for files made of it, its samples, and what its tables told."""

    name: str
    recording: AtRest
    events: tuple[EventLine, ...] = ()
    states: tuple[StateLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What a file may not say of itself."""

    site: Site | None = None
    infant: str = "infant"
    zone: str = "UTC"


_AS_IT_IS = ReadAs()

_APART_NS = 86_400 * NS
"""Sensors that were worn together are never this far apart: one was off for a night, or a clock is wrong."""


def _silent(_: float) -> None:
    pass


def size_of(path: Path) -> int:
    """Bytes that reading a file or a dataset goes through, as `recordings_in` tells its progress."""
    if path.is_dir():
        return sum(file.stat().st_size for night in motion_files(path) for file in night)
    return path.stat().st_size if path.exists() else 0


def recordings_in(
    path: Path, read_as: ReadAs = _AS_IT_IS, *, on_progress: Callable[[float], None] = _silent
) -> list[Found]:
    """Every recording in a file or a dataset; `on_progress` is called with bytes read since the last call.

    Raises:
        UnknownFormat: for a file of another kind.
        store.errors.StoreError: when it cannot be read; the message names place and remedy.
    """
    suffix = path.suffix.lower()
    if path.is_dir() or path.name.endswith("_motion.tsv"):
        nights = motion_files(path)
        read = [
            read_night(night, site=read_as.site, zone=read_as.zone, on_progress=on_progress)
            for night in nights
        ]
        return [_of_bids(night) for night in read]
    if suffix == ".npz":
        found = [Found(f"{path.stem}_{r.infant}", r) for r in read_sealed(path)]
    else:
        found = [Found(path.stem, _single(path, suffix, read_as))]
    on_progress(size_of(path))
    return found


def _single(path: Path, suffix: str, read_as: ReadAs) -> AtRest:
    site, infant, zone = read_as.site, read_as.infant, read_as.zone
    if suffix == ".edf":
        return read_at_rest(path, infant=infant, zone=zone)
    if suffix in _TABLES:
        return read_table(path, site=site, infant=infant, zone=zone)
    if suffix in SUFFIXES:
        return read_wearable(path, site=site, infant=infant, zone=zone)
    if not path.exists():
        raise BadRecording(path, "there is no such file", "Check the name.")
    raise UnknownFormat(path, _KNOWN)


def _of_bids(night: BidsRecording) -> Found:
    t0_ns = night.recording.t0_ns
    told = [Annotation(t0_ns + e.onset_ns, e.duration_ns, str(e.label)) for e in night.events]
    told += [Annotation(t0_ns + s.onset_ns, s.duration_ns, f"state {s.state}") for s in night.states]
    told.sort(key=lambda a: (a.onset_ns, a.text))
    recording = replace(night.recording, annotations=(*night.recording.annotations, *told))
    return Found(night.name, recording, night.events, night.states)


def import_files(
    paths: Sequence[Path],
    folder: Path,
    *,
    sites: Sequence[Site] = (),
    name: str | None = None,
    read_as: ReadAs = _AS_IT_IS,
    on_progress: Callable[[float], None] = _silent,
) -> tuple[list[Path], list[str]]:
    """Make EDF+ recordings with their tables of files of any kind that is read.

    Each recording in the files becomes one. Files with a site each become one together, by their clocks. Nothing
    is written unless all of it was read.

    Args:
        paths: files, or folders of datasets.
        folder: where the recordings go; made if missing.
        sites: where each file's sensor sat, in the order of the files; none for files that say it.
        name: of the recording, where only one is made; by default that of the (first) file.
        read_as: what the files may not say of themselves.
        on_progress: called with the bytes read since the last call.

    Returns:
        The files that were made, and remarks on what could not be taken as it was.

    Raises:
        SitesDoNotFit: when there are sites, but not one of their own for each file.
        SensorsApart: when sensors that are to become one recording were not worn together.
        AlreadyThere: when a recording of this name is in the folder.
        UnknownZone, UnknownFormat, CannotWrite, store.errors.StoreError: when something cannot be read or written.
    """
    if sites and (len(sites) != len(paths) or len(set(sites)) != len(sites)):
        raise SitesDoNotFit(len(paths), sites)
    if read_as.zone not in available_timezones():
        raise UnknownZone(read_as.zone)
    found: list[Found] = []
    for number, path in enumerate(paths):
        as_this = replace(read_as, site=sites[number]) if sites else read_as
        read = recordings_in(path, as_this, on_progress=on_progress)
        if not all(one.recording.stretches for one in read):
            raise BadRecording(path, "no movement signals in it", "Check that this is the right file.")
        found += read
    if len(sites) > 1:
        found = [_together(found)]
    if name is not None and len(found) == 1:
        found = [replace(found[0], name=name)]
    for one in found:
        if (folder / f"{one.name}.edf").exists():
            raise AlreadyThere(folder / f"{one.name}.edf")
    written: list[Path] = []
    for one in found:
        with landing(folder, one.name) as landed:
            recording = one.recording.recording()
            made = export_recording(recording, landed, one.name, lines=(one.events, one.states))
        written += [folder / path.name for path in made]
    return written, [remark for one in found for remark in one.recording.remarks]


def _check_one_night(stretches: Sequence[Stretch]) -> None:
    end_ns = min(s.t0_ns for s in stretches)
    for stretch in sorted(stretches, key=lambda s: s.t0_ns):
        if stretch.t0_ns - end_ns > _APART_NS:
            raise SensorsApart((stretch.t0_ns - end_ns) / NS / 86_400)
        end_ns = max(end_ns, stretch.end_ns)


def _together(found: Sequence[Found]) -> Found:
    """Single sensors as one recording, each placed by its own clock; side by side where one knows no date."""
    starts = [f.recording.start_utc_ns for f in found]
    known = [start for start in starts if start is not None]
    dated = len(known) == len(starts)
    begin_ns = min(known) if dated else 0
    remarks = [remark for f in found for remark in f.recording.remarks]
    if not dated:
        remarks.append("a file knows no date: all sensors are taken to begin together")
    shifts = [start - begin_ns if dated and start is not None else 0 for start in starts]
    stretches = [
        replace(stretch, t0s_ns=stretch.t0s_ns + shift - f.recording.t0_ns)
        for f, shift in zip(found, shifts, strict=True)
        for stretch in f.recording.stretches
    ]
    _check_one_night(stretches)
    recording = replace(
        found[0].recording,
        start_utc_ns=begin_ns if dated else None,
        t0_ns=0,
        stretches=tuple(sorted(stretches, key=lambda s: (s.t0_ns, s.site))),
        annotations=(),
        remarks=tuple(remarks),
    )
    return Found(found[0].name, recording)
