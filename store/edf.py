"""EDF+ recordings: ours, given back segment by segment, and other people's."""

from __future__ import annotations

import datetime
import warnings
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import edfio
import numpy as np

from dsp.records import NS, Counts, Segment, Site, Stretch
from store.clock_table import ClockTable, Kind, read_clock_table
from store.edf_signals import SiteSignals, site_signals
from store.edf_write import GAP, run_path, write_recording
from store.errors import BadRecording
from store.recording import Annotation, AtRest, Recording, at_rest

__all__ = ["read_at_rest", "read_recording", "write_recording"]

_IMPLIED_BOOT = 0
"""Other people's recordings know no starts of a sensor."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    start: datetime.datetime | None
    """by the header, on the clock of the place"""
    signals: dict[Site, SiteSignals]
    annotations: tuple[edfio.EdfAnnotation, ...]
    remarks: tuple[str, ...]


def read_recording(path: Path | str, *, infant: str = "infant", zone: str = "UTC") -> Recording:
    """Read an EDF+ file with a record for each segment; see `read_at_rest`."""
    return read_at_rest(path, infant=infant, zone=zone).recording()


def read_at_rest(path: Path | str, *, infant: str = "infant", zone: str = "UTC") -> AtRest:
    """Read an EDF+ file, and with one of ours its further runs (``NAME_run-2.edf`` and on).

    With the sidecar the segments are the very ones that were written. Without, each site has one implied
    segment per stretch between gap annotations, at the header's rate from data time 0; then `infant` and `zone`
    say what the file does not. Acceleration may be in g, mg or m/s2, angular rate in deg/s, mdps or rad/s.

    Raises:
        BadRecording: naming the file, what is wrong with it and the remedy.
        BadTable: for a line of the sidecar.
    """
    path = Path(path)
    table = read_clock_table(path)
    file = _open(path)
    if table is None:
        return _implied(file, infant, zone)
    recording = _exact(file, table)
    for number in count(2):
        further = run_path(path, number)
        if not further.exists() or (table := read_clock_table(further)) is None:
            return recording
        recording = _joined(recording, _exact(_open(further), table))
    raise AssertionError  # count() never ends


def _open(path: Path) -> _File:
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            edf = edfio.read_edf(path)
            annotations = tuple(edf.annotations)
            continuous = edf.is_continuous
    except FileNotFoundError as error:
        raise BadRecording(path, "there is no such file", "Check the name.") from error
    except (ValueError, OSError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
        remedy = "Open it in another EDF viewer; if that fails too, fetch the file again from its source."
        raise BadRecording(path, f"not a readable EDF file ({error})", remedy) from error
    if not continuous:
        remedy = "Convert it to one EDF+C file per contiguous stretch (no reader keeps EDF+D's record times)."
        raise BadRecording(path, "a discontinuous recording (EDF+D)", remedy)
    signals, remarks = site_signals(path, edf)
    return _File(path, _start(edf), signals, annotations, (*(str(w.message) for w in caught), *remarks))


def _exact(file: _File, table: ClockTable) -> AtRest:
    facts = table.facts
    return AtRest(
        infant=facts.infant,
        zone=facts.zone,
        start_utc_ns=facts.start_utc_ns,
        t0_ns=facts.t0_ns,
        stretches=tuple(_of_kind(file, table, k, kind) for k, kind in enumerate(table.kinds)),
        annotations=_annotations(file, facts.file_t0_ns),
        remarks=file.remarks,
    )


def _of_kind(file: _File, table: ClockTable, number: int, kind: Kind) -> Stretch:
    rows = np.flatnonzero(table.kind == number)
    rows = rows[np.lexsort((table.seq[rows], table.t0_ns[rows]))]
    first, ns = table.sample_index[rows], table.n[rows]
    signals = file.signals.get(kind.site)
    length = 0 if signals is None else len(signals.counts)
    wrong = np.flatnonzero((first < 0) | (ns < 0) | (first + ns > length))
    if signals is None or wrong.size:
        at = int(wrong[0]) if wrong.size else 0
        remedy = "They are not of one writing: export the recording again, or move the _clock.tsv away."
        what = (
            f"its _clock.tsv speaks of samples {first[at]}..{first[at] + ns[at]} of {kind.site}, "
            "which are not in it"
        )
        raise BadRecording(file.path, what, remedy)
    return Stretch(
        kind.site, kind.sensor, kind.boot, kind.scale, table.seq[rows], table.t0_ns[rows], table.step_ns[rows],
        ns, first, table.flags[rows], signals.counts,
    )  # fmt: skip


def _joined(first: AtRest, second: AtRest) -> AtRest:
    return replace(
        first,
        stretches=(*first.stretches, *second.stretches),
        annotations=(*first.annotations, *second.annotations),
        remarks=(*first.remarks, *second.remarks),
    )


def _implied(file: _File, infant: str, zone: str) -> AtRest:
    segments = [s for site, signals in file.signals.items() for s in _stretches(file, site, signals)]
    return AtRest(
        infant=infant,
        zone=zone,
        start_utc_ns=_start_utc_ns(file.start, zone),
        t0_ns=0,
        stretches=tuple(at_rest(segments)),
        annotations=_annotations(file, 0),
        remarks=file.remarks,
    )


def _stretches(file: _File, site: Site, signals: SiteSignals) -> list[Segment]:
    """One segment per run of samples that no gap annotation covers."""
    present = np.ones(len(signals.counts), dtype=bool)
    for gap in file.annotations:
        if gap.text.split(" ")[:2] == [GAP, str(site)]:
            first = max(round(gap.onset * signals.rate_hz), 0)
            present[first : round((gap.onset + (gap.duration or 0.0)) * signals.rate_hz)] = False
    edges = np.flatnonzero(np.diff(np.concatenate(([False], present, [False]))))
    return [
        _stretch(site, signals, seq, int(first), signals.counts[first:end])
        for seq, (first, end) in enumerate(edges.reshape(-1, 2))
    ]


def _stretch(site: Site, signals: SiteSignals, seq: int, first: int, counts: Counts) -> Segment:
    t0_ns, step_ns = round(first * NS / signals.rate_hz), round(NS / signals.rate_hz)
    return Segment(site, f"edf-{site}", _IMPLIED_BOOT, seq, t0_ns, step_ns, counts, signals.scale)


def _start(edf: edfio.Edf) -> datetime.datetime | None:
    try:
        return datetime.datetime.combine(edf.startdate, edf.starttime)
    except ValueError:  # edfio's word for a date that is anonymised or missing
        return None


def _start_utc_ns(start: datetime.datetime | None, zone: str) -> int | None:
    if start is None:
        return None
    local = start.replace(tzinfo=ZoneInfo(zone))
    return round(local.timestamp()) * NS + local.microsecond * 1000


def _annotations(file: _File, file_t0_ns: int) -> tuple[Annotation, ...]:
    return tuple(
        Annotation(file_t0_ns + round(a.onset * NS), round((a.duration or 0.0) * NS), a.text)
        for a in file.annotations
        if a.text
    )
