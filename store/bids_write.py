"""Nights as a Motion-BIDS dataset: nothing in it names a person, a day or a device."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dsp.records import NS, Site
from store.bids import BIDS_VERSION, LATENCY, NIGHT_COLUMNS, OURS, PHASE_NS, PLACES, TASK, BidsNight
from store.errors import ExtraMissing
from store.events_tsv import EVENT_COLUMNS, event_lines, event_row, state_lines
from store.notes import wording
from store.placing import Track, file_start, runs_of, track_of
from store.quantities import STANDARD_GRAVITY
from store.recording import Recording, gaps_of
from store.tables import NOT_KNOWN, number, seconds, write_table

__all__ = ["write_dataset"]

_FIRST_DAY = date(1900, 1, 1)
"""Where the first night of every participant is moved to: BIDS asks for years before 1925, so that nobody takes
the dates for real ones. Times of day and days between nights are kept."""

_SPARE_DIGITS = 2
"""Decimals beyond the first digit of a count, so that rounding is under a hundredth of a count."""

_CONSENT = "not stated. Whoever passes this dataset on adds here what the family agreed to."


@dataclass(frozen=True, slots=True)
class _Session:
    """One night of one participant and the names of its files."""

    subject: str
    number: int
    night: BidsNight
    shift: timedelta

    @property
    def folder(self) -> str:
        return f"sub-{self.subject}/ses-{self.number:02}"

    @property
    def stem(self) -> str:
        return f"sub-{self.subject}_ses-{self.number:02}_task-{TASK}"


def write_dataset(
    folder: Path,
    nights: Iterable[BidsNight],
    *,
    consent_note: str = "",
    with_notes: bool = False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> list[Path]:
    """Write a Motion-BIDS dataset into an empty or new folder; returns its motion files.

    Infants become `sub-01`, `sub-02` … in the order they come, nights `ses-01` … by time. Each site is a tracking
    system of its own with a row for every sample and its exact time; where there is none, cells are `n/a`. A new
    run begins after more than 60 s without any sample.

    Args:
        folder: where the dataset goes.
        nights: at least one, each with samples.
        consent_note: what the family agreed to; stands in the README.
        with_notes: whether what people wrote down is passed on, not only when they wrote; it may name somebody.
        on_progress: called with the seconds of data that were written since the last call.

    Raises:
        ExtraMissing: when polars is not installed.
        ValueError: for a recording without samples.
    """
    sessions = _sessions(list(nights))
    folder.mkdir(parents=True, exist_ok=True)
    _write_about(folder, sessions, consent_note)
    paths: list[Path] = []
    for session in sessions:
        paths += _write_session(folder, session, with_notes, on_progress)
    return paths


def _sessions(nights: Sequence[BidsNight]) -> list[_Session]:
    by_infant: dict[str, list[BidsNight]] = {}
    for night in nights:
        if not night.recording.segments:
            message = "a recording without samples has nothing to write"
            raise ValueError(message)
        by_infant.setdefault(night.recording.infant, []).append(night)
    sessions = []
    for place, of_one in enumerate(by_infant.values(), start=1):
        of_one.sort(key=lambda night: _begin(night.recording) or datetime.max)  # noqa: DTZ901 - sorts only
        first = next((begin for night in of_one if (begin := _begin(night.recording))), None)
        shift = _FIRST_DAY - first.date() if first else timedelta()
        sessions += [_Session(f"{place:02}", n, night, shift) for n, night in enumerate(of_one, start=1)]
    return sessions


def _begin(recording: Recording, t_ns: int | None = None) -> datetime | None:
    """Local time at data time `t_ns`, by default of the first sample; None where the recording knows no date."""
    if recording.start_utc_ns is None:
        return None
    t_ns = recording.segments[0].t0_ns if t_ns is None else t_ns
    micros = (recording.start_utc_ns + t_ns - recording.t0_ns) // 1000
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return utc.astimezone(ZoneInfo(recording.zone)).replace(tzinfo=None)


def _write_session(
    folder: Path, session: _Session, with_notes: bool, on_progress: Callable[[float], None]
) -> list[Path]:
    recording = session.night.recording
    motion = folder / session.folder / "motion"
    motion.mkdir(parents=True, exist_ok=True)
    runs = [replace(recording, segments=part) for part in runs_of(recording.segments)]
    first_ns = file_start(runs[0])
    scans = []
    for index, run in enumerate(runs, start=1):
        run_part = f"_run-{index}" if len(runs) > 1 else ""
        t0_ns = file_start(run)
        for site in run.sites:
            track = track_of(run, site, t0_ns)
            path = motion / f"{session.stem}_tracksys-{site}{run_part}_motion.tsv"
            _write_track(path, track, t0_ns, (t0_ns - first_ns, first_ns % PHASE_NS))
            scans.append([f"motion/{path.name}", _acquired(run, t0_ns, session.shift)])
            on_progress(track.end_s / len(run.sites))
        _write_events(motion / f"{session.stem}{run_part}_events.tsv", run, t0_ns, with_notes)
    table = folder / session.folder / f"sub-{session.subject}_ses-{session.number:02}_scans.tsv"
    write_table(table, _SCAN_COLUMNS, scans)
    return [folder / session.folder / str(name) for name, _ in scans]


def _acquired(run: Recording, t_ns: int, shift: timedelta) -> str:
    begin = _begin(run, t_ns)
    return NOT_KNOWN if begin is None else (begin + shift).isoformat(timespec="microseconds")


_SCAN_COLUMNS = {
    "filename": {"Description": "motion file, from this folder"},
    "acq_time": {
        "Description": (
            "local time of its first row; the date is moved so that the participant's first night begins on "
            f"{_FIRST_DAY.isoformat()}, the time of day is as it was"
        )
    },
}


def _write_track(path: Path, track: Track, t0_ns: int, place_ns: tuple[int, int]) -> None:
    try:
        import polars as pl
    except ImportError as error:
        raise ExtraMissing(path, "polars", "tables") from error
    counts = np.concatenate([s.counts for s in track.segments])
    slots = track.slots()
    scale = track.segments[0].scale
    factors = [scale.acc_g * STANDARD_GRAVITY] * 3 + [scale.gyro_dps] * (counts.shape[1] - 3)
    columns: dict[str, Any] = {}
    for axis, factor in enumerate(factors):
        values = np.full(int(slots[-1]) + 1, np.nan)
        values[slots] = counts[:, axis] * factor
        columns[str(axis)] = pl.Series(values, nan_to_null=True)
    frame = pl.DataFrame(columns | {"latency": _latencies(track, slots, t0_ns)})
    digits = max(math.ceil(-math.log10(factor)) for factor in factors if factor) + _SPARE_DIGITS
    frame.write_csv(
        path, separator="\t", include_header=False, null_value=NOT_KNOWN, float_precision=max(digits, 1)
    )
    _write_channels(path, track.site, counts.shape[1])
    _write_motion_json(path, track, place_ns, int(slots[-1]) + 1)


def _latencies(track: Track, slots: Any, t0_ns: int) -> Any:  # noqa: ANN401 - polars is imported where it is used
    """Seconds of each sample with nine decimals, written by integers alone; nothing where there is no sample."""
    import polars as pl

    times = np.zeros(int(slots[-1]) + 1, dtype=np.int64)
    times[slots] = np.concatenate([s.t0_ns - t0_ns + np.arange(s.n) * s.step_ns for s in track.segments])
    there = np.zeros(len(times), dtype=bool)
    there[slots] = True
    whole, rest = pl.Series(times // NS), pl.Series(times % NS)
    text = whole.cast(pl.String) + "." + rest.cast(pl.String).str.zfill(9)
    return pl.DataFrame({"text": text, "there": there}).select(
        pl.when("there").then("text").alias("latency")
    )["latency"]


_CHANNEL_COLUMNS: dict[str, dict[str, Any]] = {
    "name": {"Description": "name of the channel, in the order of the columns of the motion file"},
    "component": {"Description": "axis of the sensor"},
    "type": {"Description": "ACCEL, GYRO or LATENCY"},
    "tracked_point": {"Description": "where on the body the sensor sat"},
    "units": {"Description": "unit of the values"},
    "placement": {"Description": "what held the sensor"},
    "reference_frame": {
        "Description": "frame of the axes",
        "Levels": {
            "local": {
                "Description": "the sensor's own axes as it lay in the garment; gravity is in them",
                "SpatialAxes": NOT_KNOWN,
                "RotationOrder": NOT_KNOWN,
                "RotationRule": NOT_KNOWN,
            }
        },
    },
}


def _write_channels(path: Path, site: Site, axes: int) -> None:
    held = "onesie" if site is Site.TR else "sock" if site in (Site.LA, Site.RA) else "band"
    rows = [
        [f"{site}_{kind}_{axis}", axis, name, PLACES[site], unit, held, "local"]
        for kind, name, unit in (("ACC", "ACCEL", "m/s^2"), ("GYRO", "GYRO", "deg/s"))[: axes // 3]
        for axis in "xyz"
    ]
    rows.append([f"{site}_time", "", LATENCY, "", "s", "", ""])
    write_table(path.with_name(path.name.replace("_motion.tsv", "_channels.tsv")), _CHANNEL_COLUMNS, rows)


_NO_CHANNELS = ("ANGACCEL", "JNTANG", "MAGN", "MISC", "ORNT", "POS", "VEL")
"""types of channels that our recordings have none of; BIDS wants that said"""


def _write_motion_json(path: Path, track: Track, place_ns: tuple[int, int], rows: int) -> None:
    axes = track.segments[0].counts.shape[1]
    spanned_s = (max(s.end_ns for s in track.segments) - track.segments[0].t0_ns) / NS
    scale = track.segments[0].scale
    document: dict[str, Any] = {
        "TaskName": TASK,
        "TaskDescription": "An infant put to bed with motion sensors in its garments, asleep or awake.",
        "SamplingFrequency": track.rate_hz,
        "SamplingFrequencyEffective": round(sum(s.n for s in track.segments) / spanned_s, 6),
        "TrackingSystemName": str(track.site),
        "TrackedPointsCount": 1,
        "MotionChannelCount": axes + 1,
        "ACCELChannelCount": 3,
        "GYROChannelCount": axes - 3,
        "LATENCYChannelCount": 1,
        **{f"{kind}ChannelCount": 0 for kind in _NO_CHANNELS},
        "RecordingDuration": round(rows / track.rate_hz, 6),
        "RecordingType": "continuous",
        "MissingValues": "n/a in every column of a row without a sample",
        "SoftwareVersions": f"lullwatch {version('lullwatch')}",
        OURS: {
            "acc_g": scale.acc_g,
            "gyro_dps": scale.gyro_dps,
            "offset_ns": place_ns[0],
            "phase_ns": place_ns[1],
        },
    }
    _write_json(path.with_suffix(".json"), document)


def _write_events(path: Path, run: Recording, t0_ns: int, with_notes: bool) -> None:
    end_ns = run.end_ns
    rows = [
        row
        for onset_ns, until_ns, row in _night_rows(run, t0_ns, with_notes)
        if until_ns >= t0_ns and onset_ns < end_ns
    ]
    rows.sort(key=lambda row: (float(row["onset"]), row["trial_type"]))
    write_table(path, NIGHT_COLUMNS, [[row.get(name, "") for name in NIGHT_COLUMNS] for row in rows])


def _night_rows(run: Recording, t0_ns: int, with_notes: bool) -> Iterator[tuple[int, int, Mapping[str, str]]]:
    """Onset, end and cells of everything that is told about a night."""
    for event in event_lines(run.events, 0):
        cells = dict(
            zip(_EVENT_NAMES, event_row(replace(event, onset_ns=event.onset_ns - t0_ns)), strict=True)
        )
        yield event.onset_ns, event.onset_ns + event.duration_ns, {**cells, "trial_type": "event"}
    for state in state_lines(run.states, 0):
        cells = {
            "state": str(state.state),
            "probability": number(state.probability),
            "breathing": number(state.breathing_hz),
            "breathing_regularity": number(state.breathing_regularity),
        }
        yield _span(state.onset_ns, state.onset_ns + state.duration_ns, t0_ns, "state", cells)
    for gap in gaps_of(run):
        yield _span(gap.onset_ns, gap.end_ns, t0_ns, "gap", {"sites": str(gap.site), "text": gap.cause})
    for note in run.notes:
        text = f"{note.kind}: {wording(note)}" if with_notes else note.kind
        yield _span(note.t_ns, note.t_ns, t0_ns, "note", {"text": " ".join(text.split())})


_EVENT_NAMES = tuple(EVENT_COLUMNS)


def _span(
    onset_ns: int, end_ns: int, t0_ns: int, trial_type: str, cells: dict[str, str]
) -> tuple[int, int, dict[str, str]]:
    times = {"onset": seconds(onset_ns - t0_ns), "duration": seconds(end_ns - onset_ns)}
    return onset_ns, end_ns, {**times, "trial_type": trial_type, **cells}


def _write_about(folder: Path, sessions: Sequence[_Session], consent_note: str) -> None:
    description = {
        "Name": "Nights recorded with lullwatch",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "lullwatch", "Version": version("lullwatch")}],
    }
    _write_json(folder / "dataset_description.json", description)
    text = _README.format(consent=" ".join(consent_note.split()) or _CONSENT, day=_FIRST_DAY.isoformat())
    (folder / "README").write_text(text, encoding="utf-8")
    people = {s.subject: s for s in reversed(sessions)}
    rows = [[f"sub-{name}", number(s.night.age_days)] for name, s in sorted(people.items())]
    write_table(folder / "participants.tsv", _PERSON_COLUMNS, rows)
    for name in people:
        of_one = [s for s in sessions if s.subject == name]
        rows = [[f"ses-{s.number:02}", *_when(s)] for s in of_one]
        (folder / f"sub-{name}").mkdir(exist_ok=True)
        write_table(folder / f"sub-{name}" / f"sub-{name}_sessions.tsv", _SESSION_COLUMNS, rows)


def _when(session: _Session) -> tuple[str, str]:
    recording = session.night.recording
    acquired = _acquired(recording, recording.segments[0].t0_ns, session.shift)
    return acquired, number(session.night.age_days)


_AGE = {"Description": "age in days on the evening of the (first) night", "Units": "day"}
_PERSON_COLUMNS = {"participant_id": {"Description": "participant"}, "age_days": _AGE}
_SESSION_COLUMNS = {
    "session_id": {"Description": "night"},
    "acq_time": _SCAN_COLUMNS["acq_time"],
    "age_days": _AGE,
}

_README = """Nights recorded with lullwatch
==============================

Motion of infants in bed, from sensors in socks and onesie: acceleration in m/s^2 (gravity included) and angular
rate in deg/s, one tracking system for each site. The last channel of each file is the time of every sample in
seconds from the file's first row, on one clock for all sites of a night. Rows without a sample are n/a.

The events were told apart by a program. They name what a movement looks like, never a cause, and are no
diagnosis.

De-identification
-----------------
No name, no birth date, no device number. Dates are moved so that each participant's first night begins on
{day}; times of day are kept. Age is given in days at most.

Consent
-------
{consent}
"""


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
