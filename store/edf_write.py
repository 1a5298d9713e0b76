"""A recording as EDF+C files whose digital values are the sensors' counts.

References:
    Kemp B, Olivan J (2003) European data format 'plus' (EDF+), Clinical Neurophysiology 114:1755-1761.
"""

from __future__ import annotations

import datetime
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import edfio
import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Note
from store.clock_table import ClockFacts, Placed, write_clock_table
from store.notes import wording
from store.placing import Track, file_start, runs_of, track_of
from store.recording import FILLING, Gap, Recording, gaps_of, standing_events

__all__ = ["GAP", "run_path", "write_recording"]

_NOTE_CHARS = 120
"""Every data record has room for the longest annotation: one of 3,000 characters would nearly double a night."""

GAP = "gap"
"""first word of the annotation of a gap; site and cause follow"""

_COUNT_MIN, _COUNT_MAX = -32768, 32767
_AXES = ("x", "y", "z")


def run_path(path: Path, number: int) -> Path:
    """File name of the run of this number (from 1) of a recording."""
    return path if number == 1 else path.with_name(f"{path.stem}_run-{number}{path.suffix}")


def write_recording(recording: Recording, path: Path) -> list[Path]:
    """Write a recording as one EDF+C file per run, each with its sidecars; returns the EDF+ files.

    A new run begins after more than 60 s without any sample, and where the range or the axes of a site change.
    Raises ValueError for a recording without samples.
    """
    if not recording.segments:
        raise ValueError("a recording without samples has nothing to write")
    paths = []
    for number, run in enumerate(runs_of(recording.segments), start=1):
        paths.append(run_path(path, number))
        _write_run(replace(recording, segments=run), paths[-1])
    return paths


def _write_run(run: Recording, path: Path) -> None:
    file_t0_ns = file_start(run)
    tracks = [track_of(run, site, file_t0_ns) for site in run.sites]
    record_s = _record_duration([t.rate_hz for t in tracks])
    records = math.ceil(max(t.end_s for t in tracks) / record_s - 1e-9)
    signals = [signal for track in tracks for signal in _signals(track, records * record_s)]
    start = _local_start(run, file_t0_ns)
    edf = edfio.Edf(
        signals,
        patient=edfio.Patient(),
        recording=edfio.Recording(startdate=_written_date(start), equipment_code="lullwatch"),
        starttime=start.time() if start else None,
        data_record_duration=record_s,
        annotations=_annotations(run, tracks, file_t0_ns, records, record_s),
    )
    facts = ClockFacts(run.infant, run.zone, run.start_utc_ns, run.t0_ns, file_t0_ns)
    placed = [Placed(s, int(i)) for t in tracks for s, i in zip(t.segments, t.places, strict=True)]
    write_clock_table(path, facts, sorted(placed, key=lambda p: (p.segment.t0_ns, p.segment.site)))
    edf.write(path)


_FIRST_YEAR = 1985
"""EDF has two digits for the year and begins here; an earlier date is one that was moved so as not to be known."""


def _written_date(start: datetime.datetime | None) -> datetime.date | None:
    return start.date() if start is not None and start.year >= _FIRST_YEAR else None


def _local_start(run: Recording, file_t0_ns: int) -> datetime.datetime | None:
    if run.start_utc_ns is None:
        return None
    seconds = (run.start_utc_ns + file_t0_ns - run.t0_ns) // NS
    utc = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return utc.astimezone(ZoneInfo(run.zone)).replace(tzinfo=None)


def _record_duration(rates_hz: Sequence[float]) -> int:
    for seconds in (1, 5):
        if all(abs(rate * seconds - round(rate * seconds)) < 1e-6 for rate in rates_hz):
            return seconds
    return 10


def _signals(track: Track, duration_s: float) -> Iterator[edfio.EdfSignal]:
    total = round(duration_s * track.rate_hz)
    counts = np.concatenate([s.counts for s in track.segments])
    filled = counts[_source_of_slots(track, total)]
    scale = track.segments[0].scale
    for axis in range(filled.shape[1]):
        kind, unit, per_count = ("ACC", "g", scale.acc_g) if axis < 3 else ("GYRO", "deg/s", scale.gyro_dps)
        yield edfio.EdfSignal.from_digital(
            np.ascontiguousarray(filled[:, axis]),
            track.rate_hz,
            label=f"{track.site}_{kind}_{_AXES[axis % 3]}",
            physical_dimension=unit,
            physical_range=(_eight_chars(_COUNT_MIN * per_count), _eight_chars(_COUNT_MAX * per_count)),
            digital_range=(_COUNT_MIN, _COUNT_MAX),
        )


def _source_of_slots(track: Track, total: int) -> NDArray[np.int64]:
    """Which sample stands in each slot; a slot without one repeats the last sample before it."""
    slots = track.slots()
    source = np.zeros(total, dtype=np.int64)
    source[slots] = np.arange(len(slots))
    return np.maximum.accumulate(source)


def _eight_chars(value: float) -> float:
    """The nearest number that an EDF header's eight characters hold without an exponent."""
    for digits in range(6, 0, -1):
        rounded = round(value, digits)
        if len(f"{rounded:.{digits}f}".rstrip("0")) <= 8:
            return rounded
    return float(round(value))


def _annotations(
    run: Recording, tracks: Sequence[Track], start_ns: int, records: int, record_s: int
) -> list[edfio.EdfAnnotation]:
    end_ns = start_ns + records * record_s * NS
    gaps = [*gaps_of(run), *_edges(tracks, start_ns, end_ns)]
    spans = [(g.onset_ns, g.end_ns, f"{GAP} {g.site} {g.cause}") for g in gaps]
    spans += [(e.onset_ns, e.end_ns, str(e.label)) for e in standing_events(run.events)]
    spans += [(s.t_ns, s.t_ns + s.span_ns, f"state {s.state}") for s in run.states]
    spans += [span for note in run.notes for span in _note_spans(note, end_ns, record_s)]
    spans += [(a.onset_ns, a.onset_ns + a.duration_ns, a.text) for a in run.annotations if _is_told(a.text)]
    inside = [s for s in dict.fromkeys(spans) if s[1] >= start_ns and s[0] < end_ns]
    return [_annotation(onset, end, text, start_ns) for onset, end, text in sorted(inside)]


def _note_spans(note: Note, end_ns: int, record_s: int) -> list[tuple[int, int, str]]:
    """A note; a long one in numbered parts, each in a data record of its own as far as there are any."""
    said = _printable(wording(note))
    parts = textwrap.wrap(said, _NOTE_CHARS)
    if len(parts) < 2:
        return [(note.t_ns, note.t_ns, f"note {note.kind}: {said}")]
    spans, width = [], len(str(len(parts)))
    for number, part in enumerate(parts):
        t_ns = max(min(note.t_ns + number * record_s * NS, end_ns - 1000), note.t_ns)
        spans.append((t_ns, t_ns, f"note {note.kind} {number + 1:0{width}}/{len(parts)}: {part}"))
    return spans


def _is_told(text: str) -> bool:
    """Whether an annotation that was read goes on; where samples are missing is seen anew."""
    return text.partition(" ")[0] != GAP


def _edges(tracks: Sequence[Track], start_ns: int, end_ns: int) -> Iterator[Gap]:
    """What is filled before a site's first sample and after its last."""
    for track in tracks:
        first_ns, last_ns = track.segments[0].t0_ns, max(s.end_ns for s in track.segments)
        step_ns = track.segments[0].step_ns
        if first_ns - start_ns >= step_ns:
            yield Gap(track.site, start_ns, first_ns, FILLING)
        if end_ns - last_ns >= step_ns:
            yield Gap(track.site, last_ns, end_ns, FILLING)


def _annotation(onset_ns: int, end_ns: int, text: str, file_t0_ns: int) -> edfio.EdfAnnotation:
    # An onset before the file's start is allowed by EDF+; readers show it at its negative time.
    onset_s = round((onset_ns - file_t0_ns) / NS, 6)
    return edfio.EdfAnnotation(onset_s, round((end_ns - onset_ns) / NS, 6), _printable(text))


def _printable(text: str) -> str:
    # The bytes below 32 are EDF+'s own separators; a note may hold them, an annotation may not.
    return "".join(max(c, " ") for c in text)
