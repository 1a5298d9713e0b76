"""One night for the accuracy bench: drawn, simulated, detected, and kept as tables; signals are thrown away.

What is kept lies in build/accuracy/<digest of the sources>/<digest of the settings>/, so that a run can be
broken off and taken up again, and a change of simulator or detector never meets an old night.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import osd
from beside import ManySpasms, measured_once

from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import NS, Event, Output, Site, StateEpoch
from dsp.settings import Settings
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from firmware_sim.scenario import Placed, Scenario
from lullwatch.feeding import settled_blocks
from lullwatch.scoring import SPAN_LABELS, Tally, tally
from lullwatch.scoring_night import NightTables, Span, from_rows, spans_of, union
from lullwatch.scoring_ringing import due_rings, rings
from lullwatch.scoring_spans import TIGHT
from lullwatch.scoring_truth import conveyed_spans, truth_lines, truth_state_lines, unseen_spans
from lullwatch.simulate import read_scenario
from store.events_tsv import state_lines

ROOT = Path(__file__).resolve().parents[1]
__all__ = [
    "DIGEST_LENGTH",
    "AlarmTally",
    "Job",
    "Kept",
    "Scored",
    "scored",
    "settings_from",
    "sources_digest",
]

SOURCES = (
    "dsp",
    "firmware_sim",
    "bench/osd.py",
    "bench/accuracy_nights.py",
    "bench/beside.py",
    "lullwatch/feeding.py",
)
"""What decides a night's tables. Scoring is not among them: nights are scored anew each time."""
DIGEST_LENGTH = 10
SEGMENT_SAMPLES = 104
"""A second each, as recordings of simulated nights have them: packets of 16 would take a gigabyte a night."""
COMPILE_S = 1800.0
"""Shorter nights are done before a compiler is; the bytes are the same either way."""
ANKLES = (Site.LA, Site.RA)


@dataclass(frozen=True, slots=True)
class Job:
    """One night to be made and scored."""

    plan: str
    seed: int
    hours: float
    population: str = ""
    """of firmware_sim.population; empty: a named scenario"""
    scenario: str = ""
    extra: tuple[tuple[str, int], ...] = ()
    """kinds and how many of each are placed besides what the population has: for what is rare"""
    without: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)
    beside: tuple[Settings, ...] = ()
    """weights of series under which the night is told in the same pass, and kept"""

    @property
    def file(self) -> str:
        left_out = "".join(f"_no-{name}" for name in sorted(self.without))
        added = "".join(f"_{kind}-{n}" for kind, n in self.extra)
        return f"{self.scenario or self.population}{added}{left_out}_{self.seed}_{self.hours:g}h.zz"


@dataclass(frozen=True, slots=True)
class Kept:
    """A night without its signals."""

    tables: NightTables
    osd: tuple[Span, ...]
    """alarms of OpenSeizureDetector's algorithm on either ankle"""
    made_s: float
    detected_s: float


@dataclass(frozen=True, slots=True)
class AlarmTally:
    """Alarms of a night, whosever they are, beside the true movements."""

    alarms: int
    false: int
    """touch no true movement that ought to ring"""
    alarm_s: float
    truth: dict[str, int]
    touched: dict[str, int]
    """true events by label during which an alarm stood"""


@dataclass(frozen=True, slots=True)
class Scored:
    """All that is said of one night."""

    job: Job
    tally: Tally
    ours: AlarmTally
    peer: AlarmTally
    made_s: float
    detected_s: float


def sources_digest() -> str:
    """Ten hexadecimal digits that change with any file that decides a night."""
    digest = sha256()
    for name in SOURCES:
        place = ROOT / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:DIGEST_LENGTH]


def scored(job: Job, folder: Path, window_s: float) -> Scored:
    """Score a night, made now or kept from an earlier run in `folder` (which names the sources' digest)."""
    kept = _kept(job, folder / job.settings.digest / job.file)
    night = kept.tables
    told = rings(night.rows or (), age_days=night.age_days)
    return Scored(
        job=job,
        tally=tally(night, window_s=window_s),
        ours=_alarm_tally(night, [r.span for r in told]),
        peer=_alarm_tally(night, list(kept.osd)),
        made_s=kept.made_s,
        detected_s=kept.detected_s,
    )


def _kept(job: Job, path: Path) -> Kept:
    if path.exists():
        return msgspec.msgpack.decode(zlib.decompress(path.read_bytes()), type=Kept)
    for settings, kept in zip((job.settings, *job.beside), _made(job), strict=True):
        _keep(kept, path.parents[1] / settings.digest / job.file)
    return _kept(job, path)


def _keep(kept: Kept, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}")
    half.write_bytes(zlib.compress(msgspec.msgpack.encode(kept), 6))
    half.replace(path)


def _made(job: Job) -> list[Kept]:
    """The night under its own settings, and under each of those beside."""
    began = time.perf_counter()
    night = make_night(_plan(job), seed=job.seed, infant="bench")
    made = time.perf_counter()
    told = _detected(night, job.settings, job.beside)
    done = time.perf_counter()
    alarms = _osd_alarms(night)
    return [Kept(_tables(job, night, outputs), alarms, made - began, done - made) for outputs in told]


def _tables(job: Job, night: Night, outputs: Sequence[Output]) -> NightTables:
    start_ns = night.start_ns
    lines, rows = from_rows((o for o in outputs if isinstance(o, Event)), start_ns)
    return NightTables(
        name=f"{job.plan}_{job.seed}",
        infant=str(job.seed),
        duration_s=night.scenario.duration_s,
        truth=truth_lines(night.truth, start_ns),
        truth_states=truth_state_lines(night.truth, start_ns),
        conveyed=conveyed_spans(night.truth, start_ns),
        unseen=unseen_spans(night.truth, start_ns),
        told=lines,
        told_states=tuple(state_lines((o for o in outputs if isinstance(o, StateEpoch)), start_ns)),
        rows=rows,
        age_days=night.scenario.age_days,
    )


def _plan(job: Job) -> Scenario:
    if job.scenario:
        return read_scenario(job.scenario).lasting(3600.0 * job.hours)
    drawn = draw_night(job.seed, hours=job.hours, population=job.population, without=job.without)
    more = [Placed(kind) for kind, n in job.extra for _ in range(n)]
    return replace(drawn, placed=(*drawn.placed, *more))


def _detected(night: Night, settings: Settings, beside: Sequence[Settings]) -> list[list[Output]]:
    sites = tuple(night.sensors)
    long = night.scenario.duration_s >= COMPILE_S
    pipeline = Pipeline(
        "bench",
        sites,
        age_days=night.scenario.age_days,
        settings=settings,
        kernels=compiled() if long else None,
    )
    many = ManySpasms.beside(beside) if beside else None
    if many is not None:
        pipeline._s.core.spasms = many  # noqa: SLF001 - the product has no use for trackers beside one another
    outputs: list[Output] = []
    with measured_once() if many is not None else nullcontext():
        for block in settled_blocks(night.segments(SEGMENT_SAMPLES), sites):
            outputs += pipeline.feed_block(block)
        outputs += pipeline.finish()
    return [outputs, *(many.instead(outputs) if many is not None else ())]


def _osd_alarms(night: Night) -> tuple[Span, ...]:
    rows = [
        a
        for site in ANKLES
        if site in night.sensors
        for a in osd.alarms_of(night.sensors[site].segments(SEGMENT_SAMPLES))
    ]
    return tuple(union(Span((a - night.start_ns) / NS, (b - night.start_ns) / NS) for a, b in rows))


def _alarm_tally(night: NightTables, alarms: list[Span]) -> AlarmTally:
    def stood(span: Span) -> bool:
        return any(
            span.touches(a, before_s=TIGHT.tolerance_start_s, after_s=TIGHT.tolerance_end_s) for a in alarms
        )

    reasons = [ring.span for ring in due_rings(night)]
    truth = {label.value: spans_of(night.truth, label) for label in SPAN_LABELS}
    near = {"before_s": TIGHT.tolerance_start_s, "after_s": TIGHT.tolerance_end_s}
    return AlarmTally(
        alarms=len(alarms),
        false=sum(not any(reason.touches(a, **near) for reason in reasons) for a in alarms),
        alarm_s=sum(s.duration_s for s in union(alarms)),
        truth={label: len(spans) for label, spans in truth.items()},
        touched={label: sum(map(stood, spans)) for label, spans in truth.items()},
    )


def settings_from(path: Path) -> Settings:
    """Settings from a JSON file that names those that differ from the default; an unknown name is an error."""
    given: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    known = asdict(Settings())
    if unknown := sorted(given.keys() - known.keys()):
        message = f"{path}: no setting is called {', '.join(unknown)}; see dsp/settings.py"
        raise SystemExit(message)
    return msgspec.convert({**known, **given}, Settings)
