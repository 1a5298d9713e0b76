"""Sets the weights of single movements and of their series on development nights, with or without a mechanism.

    python bench/fit.py                                     collect, fit, print the tables and the false series an hour
    python bench/fit.py --drop kicking_synchronous --out bench/folds/kicking_synchronous.json
    python bench/fit.py --pairs 40                          with pairs of measurements weighed together as well
    python bench/fit.py --without trunk_carrying_kicks two_legged_kicks skewed_kicks --out bench/folds/kicks.json

`--drop` leaves candidates of these true classes out of the fit; `--without` draws the nights themselves without the
mechanisms. Seeds 1000 to 1999 only. What was collected is kept under build/fit and used again while the sources stay.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import evidence
import msgspec
import numpy as np
from accuracy_nights import sources_digest
from candidates import Candidate, Collected, Follower, collect
from tables import Fit, find_pairs, fit_tables

from dsp.weights import SERIES, SPASM, SPASM_PAIRS, weigh
from firmware_sim.population import draw_night
from lullwatch.console import progress

KEEP = evidence.ROOT / "build" / "fit"
GENERAL, CLUSTERLESS = 1000, 1400
CURVATURE = 0.1
"""Of 0.03 to 10 the one that told held-out development nights apart best."""
PAIR_CURVATURE = 0.1
"""Of 0.1, 0.5 and 2 the one that told a held-out quarter of the development infants apart best."""
SERIES_CURVATURE = 1.0
"""There are fewer members of series than movements."""


def nights(args: argparse.Namespace) -> list[tuple[int, str, float]]:
    """Short nights of many infants who have series, and longer ones of others: what differs most is the infant."""
    general = list(
        islice(filter(partial(_has_series, hours=args.hours), range(GENERAL, CLUSTERLESS)), args.nights)
    )
    if len(general) < args.nights:
        message = f"--nights {args.nights}: only {len(general)} infants before seed {CLUSTERLESS} have series"
        raise SystemExit(message)
    others = range(CLUSTERLESS, CLUSTERLESS + args.nights * 2 // 3)
    return [(s, "general", args.hours) for s in general] + [
        (s, "no_clusters", 1.5 * args.hours) for s in others
    ]


def _has_series(seed: int, *, hours: float) -> bool:
    return any(row.kind == "spasm_cluster" for row in draw_night(seed, hours=hours).placed)


def collected(args: argparse.Namespace) -> dict[int, Collected]:
    """What was noted by seed, from the folder of earlier runs or made now."""
    key = repr((sources_digest(), args.hours, sorted(args.without)))
    folder = KEEP / hashlib.sha256(key.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(_one, without=frozenset(args.without), folder=folder)
    jobs = nights(args)
    with (
        ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool,
        progress("collecting", total=len(jobs)) as bar,
    ):
        found = {}
        for (seed, *_), rows in zip(jobs, pool.map(work, jobs), strict=True):
            found[seed] = rows
            bar.advance(1)
    return found


def _one(job: tuple[int, str, float], *, without: frozenset[str], folder: Path) -> Collected:
    seed, population, hours = job
    path = folder / f"{seed}.pickle"
    if path.exists():
        kept: Collected = pickle.loads(path.read_bytes())
        return kept
    rows = collect(seed, hours=hours, population=population, without=without)
    half = path.with_suffix(".half")
    half.write_bytes(pickle.dumps(rows))
    half.replace(path)
    return rows


def fitted(rows: Iterable[Candidate], drop: Sequence[str], pairs: int | None) -> Fit:
    """Tables and pairs for spasm-like movements from candidates that are not of a dropped class.

    Args:
        rows: candidates.
        drop: beginnings of true classes.
        pairs: how many to look for; None for those in use.
    """
    used = [c for c in rows if not c.truth.startswith(tuple(drop) or ("\0",))]
    material = (
        {t.name: t.knots for t in SPASM},
        [c.values for c in used],
        np.array([c.positive for c in used]),
        np.ones(len(used)),
    )
    how = {"curvature": CURVATURE, "pair_curvature": PAIR_CURVATURE}
    names = [p.names for p in SPASM_PAIRS] if pairs is None else find_pairs(*material, **how, most=pairs)
    return fit_tables(*material, **how, pairs=names)


def fitted_series(rows: Iterable[Follower], drop: Sequence[str]) -> Fit:
    """Tables for how members of a series follow one another."""
    used = [f for f in rows if not f.truth.startswith(tuple(drop) or ("\0",))]
    positive = np.array([f.positive for f in used])
    knots = {t.name: t.knots for t in SERIES}
    return fit_tables(
        knots, [f.values for f in used], positive, np.ones(len(used)), curvature=SERIES_CURVATURE
    )


def log_odds(fit: Fit, candidate: Candidate) -> float:
    return fit.bias + sum(e.contribution for e in weigh(fit.tables, candidate.values, fit.pairs))


def told_apart(found: dict[int, Collected], drop: Sequence[str], pairs: int | None) -> list[str]:
    """How well held-out halves of the development nights are told apart."""
    halves = [[c for s, night in found.items() if s % 2 == k for c in night.candidates] for k in (0, 1)]
    scores: list[tuple[float, bool]] = []
    for k in (0, 1):
        fit = fitted(halves[1 - k], drop, pairs)
        scores += [(log_odds(fit, c), c.positive) for c in halves[k]]
    yes = np.array([s for s, p in scores if p])
    no = np.array([s for s, p in scores if not p])
    lines = [f"{yes.size} true, {no.size} other candidates"]
    for share in (0.95, 0.99, 0.995, 0.999):
        level = float(np.quantile(no, share))
        above = float(np.mean(yes > level))
        lines.append(f"log-odds {level:5.1f}: {share:.1%} of the others below, {above:.1%} of the true above")
    return lines


def code_of(name: str, fit: Fit) -> str:
    rows = "".join(f'    Table("{t.name}", {t.knots}, {t.log_odds}),\n' for t in fit.tables)
    lines = "".join(f"    Pair({p.names}, {p.knots}, {p.log_odds}),\n" for p in fit.pairs)
    together = f"\n{name}_PAIRS: tuple[Pair, ...] = (\n{lines})\n" if fit.pairs else ""
    return f"{name}: tuple[Table, ...] = (\n{rows})\n\n{name}_BIAS = {fit.bias}\n{together}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--nights", type=int, default=60, help="of infants with series; two thirds as many without"
    )
    parser.add_argument("--hours", type=float, default=2.0, help="of each; half as long again without series")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--drop", nargs="*", default=[], help="true classes left out of the fit")
    parser.add_argument("--without", nargs="*", default=[], help="mechanisms that do not occur")
    parser.add_argument(
        "--pairs",
        type=int,
        help="look for so many that are weighed together as well; else those in use are fitted anew",
    )
    parser.add_argument("--out", type=Path, help="JSON for bench/accuracy.py --settings or --folds")
    args = parser.parse_args()
    found = collected(args)
    fit = fitted((c for night in found.values() for c in night.candidates), args.drop, args.pairs)
    series = fitted_series((f for night in found.values() for f in night.followers), args.drop)
    print(code_of("SPASM", fit) + code_of("SERIES", series))
    print("\n".join(told_apart(found, args.drop, args.pairs)))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        found_tables = {
            "spasm_tables": fit.tables,
            "spasm_bias": fit.bias,
            "spasm_pairs": fit.pairs,
            "series_tables": series.tables,
            "series_bias": series.bias,
        }
        args.out.write_bytes(msgspec.json.format(msgspec.json.encode(found_tables)))


if __name__ == "__main__":
    main()
