"""How well the detector tells patterns apart, on nights it was not set on; writes docs/evidence/accuracy.json.

    python bench/accuracy.py                    everything: hours of computing, can be broken off and taken up again
    python bench/accuracy.py --small            a few short nights, under 3 minutes: tries the harness, proves nothing
    python bench/accuracy.py --development      on seeds 1000-1999: what the detector may be set by
    python bench/accuracy.py --development --first 1530    the same from that seed on, say nights nobody has looked at
    python bench/accuracy.py --settings FILE    another detector: JSON with the settings that differ
    python bench/accuracy.py --folds FOLDER     leave one mechanism out: FOLDER/MECHANISM.json are settings that were
                                                set without the mechanism; each is run where the mechanism occurs

Nights are drawn, simulated, run and scored in memory, in parallel processes. What each figure means, and what
simulated figures do not say: docs/scoring.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median

import evidence
import msgspec
from accuracy_nights import DIGEST_LENGTH, Job, Scored, scored, settings_from, sources_digest
from accuracy_table import Figure, figures_of, goals, peer_table, said_goals
from beside import differs_in_series_alone

from dsp.settings import Settings
from firmware_sim.population import MECHANISMS
from lullwatch.console import progress
from lullwatch.scoring import SINGLE_WINDOW_S
from lullwatch.scoring_pool import Score, pool
from lullwatch.scoring_report import report

ROOT = evidence.ROOT

KEEP = ROOT / "build" / "accuracy"
KEPT_DIGESTS = 4
"""70 MB each at most; a detector's author goes back and forth between a few."""
FOLDS = ROOT / "bench" / "folds"
SPEAKS_OF = ("alerts", "dsp", "firmware_sim", "lullwatch/scoring*.py", "bench/accuracy*.py", "bench/osd.py")


@dataclass(frozen=True, slots=True)
class Plan:
    """A set of nights."""

    name: str
    first_seed: int
    nights: int
    hours: float
    population: str = ""
    scenario: str = ""
    extra: tuple[tuple[str, int], ...] = ()
    settings: Settings = field(default_factory=Settings)
    beside: tuple[Settings, ...] = ()
    """told in the same pass, for the folds"""

    def jobs(self) -> Iterator[Job]:
        for seed in range(self.first_seed, self.first_seed + self.nights):
            yield Job(
                plan=self.name,
                seed=seed,
                hours=self.hours,
                population=self.population,
                scenario=self.scenario,
                extra=self.extra,
                settings=self.settings,
                beside=self.beside,
            )


PLANS = (
    Plan("validation", 2000, 60, 10.0, population="general"),
    # 150 x 10 h = 62.5 days: none at all in them shows "at most 0.048 per 24 h" with 95 %
    Plan("no_clusters", 2300, 150, 10.0, population="no_clusters"),
    Plan("jerk_nights", 2600, 30, 8.0, scenario="jerk_night"),
    # far denser than life, so that recall of what is rare can be told; nothing false is counted on them
    Plan(
        "rare",
        2700,
        30,
        10.0,
        population="general",
        extra=(("clonic", 3), ("stiffening", 3), ("tonic_clonic", 1)),
    ),
    Plan("shifted", 4000, 60, 10.0, population="shifted"),
)
"""Seeds 1000 to 1999 are for setting the detector and are never in here."""
SETTING = range(1000, 2000)
DEVELOPMENT = {"validation": 1000, "no_clusters": 1300, "jerk_nights": 1600, "rare": 1700, "shifted": 1800}
"""First seeds of the same plans for whoever sets the detector: looking at what validation nights got wrong, and mending
it, would make development nights of them."""
SMALL = {
    "validation": (3, 1.0),
    "no_clusters": (3, 1.0),
    "jerk_nights": (1, 1.0),
    "rare": (2, 1.0),
    "shifted": (2, 1.0),
}
"""Nights and hours of each in a trial."""


def fold_plans(folder: Path, like: Plan) -> list[Plan]:
    """One plan for each MECHANISM.json: the validation nights, in which the mechanism occurs, without it in the fit."""
    plans = []
    for path in sorted(folder.glob("*.json")):
        if path.stem not in MECHANISMS:
            message = f"{path}: no mechanism is called so; there are {', '.join(sorted(MECHANISMS))}"
            raise SystemExit(message)
        plans.append(replace(like, name=f"fold {path.stem}", settings=settings_from(path)))
    return plans


def run(plans: Sequence[Plan], *, jobs: int, folder: Path) -> tuple[dict[str, list[Scored]], list[str]]:
    """Every night of every plan, and a line for each that failed.

    Args:
        plans: what to run.
        jobs: processes; 0 runs in this one.
        folder: where nights are kept between runs.
    """
    todo = [job for plan in plans for job in plan.jobs()]
    done: dict[str, list[Scored]] = {plan.name: [] for plan in plans}
    failed: list[str] = []
    with progress(f"{len(todo)} nights", total=sum(job.hours for job in todo)) as bar:
        for job, result in _finished(todo, jobs, folder):
            if isinstance(result, Scored):
                done[job.plan].append(result)
            else:
                failed.append(f"{job.plan} seed {job.seed}: {type(result).__name__}: {result}")
                bar.note(failed[-1])
            bar.advance(job.hours, f"{job.plan} {job.seed}")
    for rows in done.values():
        rows.sort(key=lambda row: row.job.seed)
    return done, failed


def _finished(todo: Sequence[Job], jobs: int, folder: Path) -> Iterator[tuple[Job, Scored | Exception]]:
    if jobs == 0:
        for job in todo:
            yield job, _tried(job, folder)
        return
    executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        waiting = {executor.submit(_tried, job, folder): job for job in todo}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _tried(job: Job, folder: Path) -> Scored | Exception:
    try:
        return scored(job, folder, SINGLE_WINDOW_S)
    except Exception as error:  # noqa: BLE001 - one night that fails is named at the end and must not end the others
        return error


def summed(done: dict[str, list[Scored]]) -> dict[str, Score]:
    return {
        name: pool((row.tally for row in rows), window_s=SINGLE_WINDOW_S)
        for name, rows in done.items()
        if rows
    }


def text(scores: dict[str, Score], done: dict[str, list[Scored]]) -> str:
    """The whole report of a run."""
    parts = [said_goals(goals(scores), scores)]
    for name in (n for n in scores if not n.startswith("fold ")):
        parts += [f"==== {name}", report(scores[name], ["tight", "szcore"]), peer_table(done[name])]
    parts.append(_fold_lines(scores))
    rows = [row for nights in done.values() for row in nights]
    made, detected = (median(x / row.job.hours * 10 for row, x in pairs) for pairs in _times(rows))
    parts.append(
        f"A night of 10 h: {made:.1f} s to simulate, {detected:.1f} s to detect (medians, when made)."
    )
    return "\n".join(parts)


def _times(rows: Sequence[Scored]) -> tuple[list[tuple[Scored, float]], list[tuple[Scored, float]]]:
    return [(row, row.made_s) for row in rows], [(row, row.detected_s) for row in rows]


def _fold_lines(scores: dict[str, Score]) -> str:
    folds = {name: score for name, score in scores.items() if name.startswith("fold ")}
    if not folds:
        return (
            "==== leave one mechanism out: not run. No settings that were set without a mechanism were found"
            f" ({FOLDS.relative_to(ROOT)}/MECHANISM.json)."
        )
    lines = ["==== leave one mechanism out: with all of them, mean of the folds, the worst, and each"]
    every = figures_of(scores["validation"]) if "validation" in scores else {}
    for key, example in figures_of(next(iter(folds.values()))).items():
        values = {name.removeprefix("fold "): figures_of(score)[key] for name, score in folds.items()}
        known = {name: f.value for name, f in values.items() if f.value is not None}
        if known:
            worst = (min if example.more_is_better else max)(known, key=lambda name: known[name])
            each = ", ".join(f"{name} {value:.3g}" for name, value in known.items())
            lines.append(
                f"  {key:<44} all {_said(every.get(key))}  mean {fmean(known.values()):.3g}"
                f"  worst {known[worst]:.3g} ({worst}); {each}"
            )
    return "\n".join(lines)


def _said(figure: Figure | None) -> str:
    return "-" if figure is None or figure.value is None else f"{figure.value:.3g}"


def prune(folder: Path) -> None:
    """Forget the nights of sources long changed: the newest few digests are kept."""
    old = sorted((p for p in folder.iterdir() if p.is_dir() and len(p.name) == DIGEST_LENGTH), key=_age)
    for path in old[:-KEPT_DIGESTS]:
        shutil.rmtree(path)


def _age(path: Path) -> float:
    return path.stat().st_mtime


def write(scores: dict[str, Score], done: dict[str, list[Scored]], command: str) -> Path:
    """The figures as evidence; everything else stays in the folder of the run."""
    figures = {
        "goals": [msgspec.to_builtins(goal) for goal in goals(scores)],
        "plans": {
            name: {
                "nights": score.nights,
                "hours": round(score.hours, 1),
                "seeds": [done[name][0].job.seed, done[name][-1].job.seed],
                **{key: msgspec.to_builtins(figure) for key, figure in figures_of(score).items()},
            }
            for name, score in scores.items()
        },
        "settings": done[next(iter(done))][0].job.settings.tag,
    }
    return evidence.write("accuracy", command=command, speaks_of=SPEAKS_OF, figures=figures)


@dataclass(frozen=True, slots=True)
class Nights:
    """At most how many nights of each plan are run."""

    said: str
    most: int
    own: dict[str, int]
    """of the plans that are named"""

    def of(self, plan: Plan) -> int:
        return min(self.own.get(plan.name, self.most), plan.nights)


def nights_from(said: str) -> Nights:
    """What `24,no_clusters=150` asks for. Raises argparse.ArgumentTypeError."""
    most, *own = said.split(",")
    named = dict(word.partition("=")[::2] for word in own)
    known = {plan.name for plan in PLANS}
    if not all(n.isdecimal() and int(n) for n in (most, *named.values())) or set(named) - known:
        wanted = "a number, then plans with one of their own, as in 24,no_clusters=150"
        message = f"{said!r}: wanted is {wanted}; there are {', '.join(sorted(known))}"
        raise argparse.ArgumentTypeError(message)
    return Nights(said, int(most), {name: int(n) for name, n in named.items()})


def chosen(arguments: argparse.Namespace) -> list[Plan]:
    """The plans that the arguments ask for."""
    settings = settings_from(arguments.settings) if arguments.settings else Settings()
    plans = [replace(plan, settings=settings) for plan in PLANS]
    if arguments.small:
        plans = [replace(p, nights=SMALL[p.name][0], hours=SMALL[p.name][1]) for p in plans]
    if arguments.nights:
        plans = [replace(p, nights=arguments.nights.of(p)) for p in plans]
    if arguments.hours:
        plans = [replace(p, hours=arguments.hours) for p in plans]
    if arguments.development:
        plans = [replace(p, first_seed=arguments.first or DEVELOPMENT[p.name]) for p in plans]
    plans += fold_plans(arguments.folds, plans[0])
    if arguments.only:
        names = arguments.only.split(",")
        if unknown := sorted(set(names) - {p.name for p in plans}):
            message = f"--only: no plan is called {', '.join(unknown)}; there are {', '.join(p.name for p in plans)}"
            raise SystemExit(message)
        plans = [p for p in plans if p.name in names]
    return _with_folds_beside(plans)


def _with_folds_beside(plans: list[Plan]) -> list[Plan]:
    """The plan whose nights the folds share also tells them under the folds' weights of series."""
    first, *rest = plans
    folds = [p.settings for p in rest if p.name.startswith("fold ")]
    beside = tuple(s for s in folds if differs_in_series_alone(first.settings, s))
    return [replace(first, beside=beside) if first.name == PLANS[0].name else first, *rest]


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="a few short nights; writes no evidence")
    parser.add_argument(
        "--development",
        action="store_true",
        help="seeds 1000-1999, to set the detector on; writes no evidence",
    )
    parser.add_argument(
        "--nights",
        type=nights_from,
        help="at most so many nights of each plan, some of their own: 24,no_clusters=150; the evidence says how many",
    )
    parser.add_argument("--first", type=int, help="first seed of every plan; of development nights alone")
    parser.add_argument("--hours", type=float, help="length of each night; writes no evidence")
    parser.add_argument("--only", help="plans with a comma between; writes no evidence")
    parser.add_argument("--settings", type=Path, help="JSON of settings that differ; writes no evidence")
    parser.add_argument("--folds", type=Path, default=FOLDS, help="settings set without a mechanism")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; 0: in this one")
    parser.add_argument("--keep", type=Path, default=KEEP, help="where nights are kept between runs")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run, print, and write evidence when it was the whole."""
    arguments = parsed(words)
    if arguments.first is not None and not (arguments.development and arguments.first in SETTING):
        print(f"--first needs --development and a seed from {SETTING.start} to {SETTING.stop - 1}")
        return 2
    folder = arguments.keep / sources_digest()
    try:
        done, failed = run(chosen(arguments), jobs=arguments.jobs, folder=folder)
    except BrokenProcessPool:
        print(
            "A process died, perhaps for want of memory. Nights that were done are kept: run again, with fewer --jobs."
        )
        return 2
    except KeyboardInterrupt:
        print("Broken off. Nights that were done are kept: run the same again to go on.")
        return 130
    scores = summed(done)
    if not scores:
        print("no night could be scored")
        return 1
    said = text(scores, done)
    print(said)
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    prune(arguments.keep)
    (folder / "report.txt").write_text(said + "\n", encoding="utf-8")
    for name, score in scores.items():
        (folder / f"score_{name.replace(' ', '-')}.json").write_bytes(msgspec.json.encode(score))
    trial = arguments.small or arguments.development or arguments.settings
    partial = trial or arguments.hours or arguments.only
    if failed:
        print(f"{len(failed)} night(s) failed, no evidence is written:", *failed, sep="\n  ")
        return 1
    if not partial:
        fewer = f" ACCURACY='--nights {arguments.nights.said}'" if arguments.nights else ""
        print(f"written: {write(scores, done, f'make accuracy{fewer}').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
