"""Sets the weights of single movements on development nights, with or without a mechanism; prints and writes them.

    python bench/fit.py                                     collect, fit, print the tables and the false series an hour
    python bench/fit.py --drop kicking_synchronous --out bench/folds/kicking_synchronous.json
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
from multiprocessing import get_context
from pathlib import Path

import evidence
import msgspec
import numpy as np
from accuracy_nights import sources_digest
from candidates import Candidate, collect
from tables import Fit, fit_tables

from dsp.weights import SPASM, Table, weigh
from lullwatch.console import progress

KEEP = evidence.ROOT / "build" / "fit"
GENERAL, CLUSTERLESS = 1000, 1400
CURVATURE = 0.3
"""Of 0.03 to 10 the one that told held-out development nights apart best."""


def nights(args: argparse.Namespace) -> list[tuple[int, str]]:
    general = [(GENERAL + i, "general") for i in range(args.nights)]
    return general + [(CLUSTERLESS + i, "no_clusters") for i in range(args.nights * 3 // 4)]


def collected(args: argparse.Namespace) -> dict[int, list[Candidate]]:
    """Candidates by seed, from the folder of earlier runs or made now."""
    key = repr((sources_digest(), args.hours, sorted(args.without)))
    folder = KEEP / hashlib.sha256(key.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(_one, hours=args.hours, without=frozenset(args.without), folder=folder)
    jobs = nights(args)
    with (
        ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool,
        progress("collecting", len(jobs)) as advance,
    ):
        found = {}
        for (seed, _), rows in zip(jobs, pool.map(work, jobs), strict=True):
            found[seed] = rows
            advance(1)
    return found


def _one(job: tuple[int, str], *, hours: float, without: frozenset[str], folder: Path) -> list[Candidate]:
    seed, population = job
    path = folder / f"{seed}.pickle"
    if path.exists():
        kept: list[Candidate] = pickle.loads(path.read_bytes())
        return kept
    rows = [
        c for c in collect(seed, hours=hours, population=population, without=without) if c.kind == "spasm"
    ]
    half = path.with_suffix(".half")
    half.write_bytes(pickle.dumps(rows))
    half.replace(path)
    return rows


def fitted(rows: Iterable[Candidate], drop: Sequence[str]) -> Fit:
    """Tables for spasm-like movements from candidates that are not of a dropped class."""
    used = [c for c in rows if not c.truth.startswith(tuple(drop) or ("\0",))]
    positive = np.array([c.positive for c in used])
    knots = {t.name: t.knots for t in SPASM}
    return fit_tables(knots, [c.values for c in used], positive, np.ones(len(used)), curvature=CURVATURE)


def log_odds(fit: Fit, candidate: Candidate) -> float:
    return fit.bias + sum(e.contribution for e in weigh(fit.tables, candidate.values))


def told_apart(found: dict[int, list[Candidate]], drop: Sequence[str]) -> list[str]:
    """How well held-out halves of the development nights are told apart."""
    halves = [[c for s, rows in found.items() if s % 2 == k for c in rows] for k in (0, 1)]
    scores: list[tuple[float, bool]] = []
    for k in (0, 1):
        fit = fitted(halves[1 - k], drop)
        scores += [(log_odds(fit, c), c.positive) for c in halves[k]]
    yes = np.array([s for s, p in scores if p])
    no = np.array([s for s, p in scores if not p])
    lines = [f"{yes.size} true, {no.size} other candidates"]
    for share in (0.95, 0.99, 0.995, 0.999):
        level = float(np.quantile(no, share))
        above = float(np.mean(yes > level))
        lines.append(f"log-odds {level:5.1f}: {share:.1%} of the others below, {above:.1%} of the true above")
    return lines


def code_of(tables: Sequence[Table]) -> str:
    rows = "".join(f'    Table("{t.name}", {t.knots}, {t.log_odds}),\n' for t in tables)
    return f"SPASM: tuple[Table, ...] = (\n{rows})\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--nights", type=int, default=60, help="general nights; three quarters as many without series"
    )
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--drop", nargs="*", default=[], help="true classes left out of the fit")
    parser.add_argument("--without", nargs="*", default=[], help="mechanisms that do not occur")
    parser.add_argument("--out", type=Path, help="JSON for bench/accuracy.py --settings or --folds")
    args = parser.parse_args()
    found = collected(args)
    fit = fitted((c for rows in found.values() for c in rows), args.drop)
    print(code_of(fit.tables) + f"SPASM_BIAS = {fit.bias}")
    print("\n".join(told_apart(found, args.drop)))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_bytes(
            msgspec.json.format(msgspec.json.encode({"spasm_tables": fit.tables, "spasm_bias": fit.bias}))
        )


if __name__ == "__main__":
    main()
