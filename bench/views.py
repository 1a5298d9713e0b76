"""Sets the weights of single movements as fewer sensors, or acceleration alone, see them; prints and writes them.

    python bench/views.py                    collect, fit, print how movements are told apart, write the tables
    python bench/views.py --check 2400 20    series found and false on 20 nights from seed 2400 on, by view

Development nights are simulated once with all sensors and seen through each view. What was collected is kept under
build/views and used again while the sources stay. Each quarter of the nights is judged by tables set on the others;
the tables that are written into dsp/views.py are set on all of them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import evidence
import numpy as np
from accuracy_nights import sources_digest
from candidates import Candidate, labelled
from numpy.typing import NDArray
from tables import Fit, fit_tables

import dsp.spasms
from dsp.classify import Verdict, judge_spasm
from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import NS, Event, Label, Segment, Site
from dsp.settings import CLEAR_MATCH, Settings
from dsp.shape import Shape
from dsp.weights import SPASM, weigh
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from firmware_sim.truth import TruthEvent
from lullwatch.console import progress
from lullwatch.feeding import settled_blocks
from store.recording import standing_events

KEEP = evidence.ROOT / "build" / "views"
GENERAL, CLUSTERLESS = 1500, 1560
"""Not those that the full view is set on."""
FOLDS = 4
CURVATURE = 0.3
SITES = (Site.LA, Site.RA, Site.TR, Site.RW)
SEEN: Mapping[str, tuple[Site, ...]] = {
    "trunk_and_legs": (Site.LA, Site.RA, Site.TR),
    "trunk": (Site.TR,),
    "legs": (Site.LA, Site.RA),
    "leg": (Site.LA,),
    "arm": (Site.RW,),
}
WAYS = tuple(f"{name}{acc}" for name in SEEN for acc in ("", "_acc"))[1:]
"""Every view but the full one."""
COSTS: Mapping[str, float] = {
    "trunk_and_legs_acc": 0.6, "trunk": 0.5, "trunk_acc": 0.5, "legs": 0.6, "legs_acc": 0.6,
    "leg": 0.6, "leg_acc": 0.6, "arm": 0.3, "arm_acc": 0.4,
}  # fmt: skip
"""What each member counts less, so that about one false weak series in three nights' worth of days remains."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--nights", type=int, default=30, help="general nights; four fifths as many without series"
    )
    parser.add_argument("--hours", type=float, default=5.0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--check", nargs=2, type=int, metavar=("SEED", "NIGHTS"))
    args = parser.parse_args()
    if args.check:
        check(*args.check, hours=args.hours, jobs=args.jobs)
        return
    found = collected(args)
    fits = {}
    for way in WAYS:
        nights = [night[way] for night in found]
        fits[way] = fitted([c for rows in nights for c in rows])
        print("\n".join([way, *told_apart(nights)]), flush=True)
    write(fits)


def jobs_of(args: argparse.Namespace) -> list[tuple[int, str]]:
    general = [(GENERAL + i, "general") for i in range(args.nights)]
    return general + [(CLUSTERLESS + i, "no_clusters") for i in range(args.nights * 4 // 5)]


def collected(args: argparse.Namespace) -> list[dict[str, list[Candidate]]]:
    """Candidates by view, of every night; from the folder of earlier runs or made now."""
    folder = KEEP / hashlib.sha256(repr((sources_digest(), args.hours)).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    work, jobs = partial(_one, hours=args.hours, folder=folder), jobs_of(args)
    with (
        ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool,
        progress("collecting", total=len(jobs)) as bar,
    ):
        found = []
        for night in pool.map(work, jobs):
            found.append(night)
            bar.advance(1)
    return found


def _one(job: tuple[int, str], *, hours: float, folder: Path) -> dict[str, list[Candidate]]:
    seed, population = job
    path = folder / f"{population}-{seed}.pickle"
    if path.exists():
        kept: dict[str, list[Candidate]] = pickle.loads(path.read_bytes())
        return kept
    night, age_days = _night(seed, population, hours)
    rows = {way: list(labelled(_judged(night, age_days, way), night)) for way in WAYS}
    half = path.with_suffix(".half")
    half.write_bytes(pickle.dumps(rows))
    half.replace(path)
    return rows


def _night(seed: int, population: str, hours: float) -> tuple[Night, int]:
    scenario = draw_night(seed, hours=hours, population=population)
    return make_night(scenario, seed=seed, sites=SITES), scenario.age_days


def _seen(night: Night, way: str) -> tuple[list[Segment], tuple[Site, ...]]:
    """What a view sees of a night."""
    sites = SEEN[way.removesuffix("_acc")]
    segments = [s for s in night.segments(1024) if s.site in sites]
    if way.endswith("_acc"):
        segments = [replace(s, counts=s.counts[:, :3].copy()) for s in segments]
    return segments, sites


def _judged(night: Night, age_days: int, way: str) -> list[tuple[int, dict[str, float]]]:
    """Grid index and measurements of every movement that was judged."""
    noted: list[tuple[int, dict[str, float]]] = []

    def judging(
        shapes: Mapping[Site, Shape], together: Mapping[str, float], anchor: Site, settings: Settings
    ) -> Verdict:
        # Tables of another view may leave a measurement out: those of the full one name them all.
        verdict = judge_spasm(shapes, together, anchor, replace(settings, spasm_views=()))
        noted.append((shapes[anchor].peak_k, {e.name: e.value for e in verdict.evidence}))
        return verdict

    with (
        mock.patch.object(dsp.spasms, "may_be_spasm", return_value=True),
        mock.patch.object(dsp.spasms, "judge_spasm", judging),
    ):
        _run(night, age_days, way)
    return noted


def _run(night: Night, age_days: int, way: str) -> list[Event]:
    segments, sites = _seen(night, way)
    pipeline = Pipeline("infant", sites, age_days=age_days, kernels=compiled())
    told = [o for block in settled_blocks(segments, sites) for o in pipeline.feed_block(block)]
    return list(standing_events(o for o in [*told, *pipeline.finish()] if isinstance(o, Event)))


def fitted(rows: Sequence[Candidate]) -> Fit:
    names = {name for c in rows[:2000] for name in c.values}
    knots = {t.name: t.knots for t in SPASM if t.name in names}
    positive = np.array([c.positive for c in rows])
    return fit_tables(knots, [c.values for c in rows], positive, np.ones(len(rows)), curvature=CURVATURE)


def told_apart(nights: Sequence[Sequence[Candidate]]) -> list[str]:
    """How well single movements of left-out nights are told apart."""
    yes: list[float] = []
    no: list[float] = []
    for k in range(FOLDS):
        fit = fitted([c for i, rows in enumerate(nights) if i % FOLDS != k for c in rows])
        for c in (c for i, rows in enumerate(nights) if i % FOLDS == k for c in rows):
            score = fit.bias + sum(e.contribution for e in weigh(fit.tables, c.values))
            (yes if c.positive else no).append(score)
    lines = [f"  {len(yes)} true, {len(no)} other movements"]
    for share in (0.95, 0.99, 0.995, 0.999):
        level = float(np.quantile(no, share))
        above = float(np.mean(np.array(yes) > level))
        lines.append(
            f"  log-odds {level:5.1f}: {share:.1%} of the others below, {above:.1%} of the true above"
        )
    return lines


def write(fits: Mapping[str, Fit]) -> None:
    """Put the tables into dsp/views.py; `make format` gives them their shape."""
    path = evidence.ROOT / "dsp" / "views.py"
    head = path.read_text(encoding="utf-8").split("VIEWS: tuple")[0]
    rows = [_code(way, fit) for way, fit in fits.items()]
    path.write_text(f"{head}VIEWS: tuple[View, ...] = (\n{''.join(rows)})\n", encoding="utf-8")
    print("written: dsp/views.py")


def _code(way: str, fit: Fit) -> str:
    tables = "".join(f'Table("{t.name}", {t.knots}, {t.log_odds}),\n' for t in fit.tables)
    return f'View("{way}", ({tables}), {fit.bias}, {COSTS[way]}),\n'


def check(seed: int, nights: int, *, hours: float, jobs: int) -> None:
    """Print series of five and more found, and false ones, through every view."""
    ways = ("trunk_and_legs", *WAYS)
    work = partial(_checked, hours=hours, ways=ways)
    kinds = [(seed + i, "general" if i % 2 else "no_clusters") for i in range(nights)]
    with (
        ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool,
        progress("checking", total=nights) as bar,
    ):
        total = dict.fromkeys(ways, np.zeros(4, dtype=int))
        for night in pool.map(work, kinds):
            total = {way: total[way] + night[way] for way in ways}
            bar.advance(1)
    print(
        f"{nights} nights of {hours:g} h from seed {seed}, half of them without series; settings {Settings().tag}"
    )
    for way, (found, true, false, clear) in total.items():
        a_day = 24.0 / (nights * hours)
        print(
            f"  {way:20s} found {found} of {true}; false {false} ({false * a_day:.2f} in 24 h), {clear} of them clear"
        )


def _checked(job: tuple[int, str], *, hours: float, ways: Sequence[str]) -> dict[str, NDArray[np.int_]]:
    night, age_days = _night(*job, hours)
    members = [e.parent for e in night.truth.events if e.label is Label.SPASM_LIKE]
    true = [e for e in night.truth.events if e.label is Label.SPASM_LIKE_CLUSTER]
    five = [e for e in true if members.count(e.id) >= 5]
    out = {}
    for way in ways:
        told = [e for e in _run(night, age_days, way) if e.label is Label.SPASM_LIKE_CLUSTER]
        found = sum(any(_touch(t, e) for t in told) for e in five)
        false = [t for t in told if not any(_touch(t, e) for e in true)]
        clear = sum(t.match >= CLEAR_MATCH for t in false)
        out[way] = np.array([found, len(five), len(false), clear])
    return out


def _touch(told: Event, true: TruthEvent) -> bool:
    return told.onset_ns < true.end_ns + 5 * NS and told.end_ns > true.onset_ns - 5 * NS


if __name__ == "__main__":
    main()
