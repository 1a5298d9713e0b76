"""Draws the figures of docs/detector.md from the settings in use: what each measurement says, and one series explained.

python bench/figures.py          (or: make figures)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import evidence
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dsp.kernels import compiled
from dsp.records import NS, Event, EventStatus, Evidence, Label, Segment
from dsp.settings import Settings
from dsp.weights import Table
from firmware_sim.night import Night, make_night
from lullwatch.detector import Detector
from lullwatch.feeding import settled_blocks
from lullwatch.picture import HEADER

FOLDER = evidence.ROOT / "docs" / "detector"
SEED = 1011
"""Of the development seeds."""
SCENE = "demo_hour"
INK, SOFT, FOR, AGAINST = "#1f2a44", "#8a94a6", "#2b6c99", "#b3541e"
COLUMNS = 5
DPI = 110


def main() -> None:
    settings = Settings()
    FOLDER.mkdir(exist_ok=True)
    sheets = (
        ("weights-brief.png", "One brief movement: for a spasm-like one, in log-odds", settings.spasm_tables),
        (
            "weights-jerks.png",
            "Six seconds of pulses: for jerks of limbs, in log-odds",
            settings.jerks_tables,
        ),
        ("weights-own.png", "A run of jerks: for the infant's own against all else", settings.own_tables),
        ("weights-train.png", "A run of jerks: for a train of sleep against all else", settings.train_tables),
        ("weights-run.png", "A run of jerks: for contractions against a train of sleep", settings.run_tables),
        ("weights-stiff.png", "A held posture: for stiffening, in log-odds", settings.stiff_tables),
    )
    for name, title, tables in sheets:
        _save(_curves(title, tables, settings.tag), FOLDER / name)
    _save(_series(settings.tag), FOLDER / "a-series.png")


def _curves(title: str, tables: Sequence[Table], tag: str) -> Figure:
    """Every table as a curve, all on one scale of log-odds."""
    rows = -(-len(tables) // COLUMNS)
    figure = Figure(figsize=(13, 0.8 + 2.0 * rows), layout="constrained")
    figure.suptitle(f"{title} (settings {tag})", color=INK, fontsize=12)
    top = max(abs(v) for t in tables for v in t.log_odds) * 1.1
    axes = np.atleast_1d(figure.subplots(rows, COLUMNS)).ravel()
    for ax, table in zip(axes, tables, strict=False):
        _curve(ax, table, top)
    for ax in axes[len(tables) :]:
        ax.set_axis_off()
    return figure


def _curve(ax: Axes, table: Table, top: float) -> None:
    knots, odds = np.asarray(table.knots), np.asarray(table.log_odds)
    beyond = 0.15 * (knots[-1] - knots[0])
    x = np.concatenate([[knots[0] - beyond], knots, [knots[-1] + beyond]])
    y = np.concatenate([[odds[0]], odds, [odds[-1]]])
    ax.axhline(0.0, color=SOFT, linewidth=0.6)
    ax.plot(x, y, color=INK, linewidth=1.4)
    ax.plot(knots, odds, "o", color=INK, markersize=3)
    ax.fill_between(x, 0, y, where=list(y > 0), color=FOR, alpha=0.25, interpolate=True)
    ax.fill_between(x, 0, y, where=list(y < 0), color=AGAINST, alpha=0.25, interpolate=True)
    ax.set_ylim(-top, top)
    ax.set_title(table.name, fontsize=9, color=INK)
    ax.tick_params(labelsize=7, colors=INK)


def _series(tag: str) -> Figure:
    """The first series told in a scene: its movement, and what spoke for and against it."""
    night = make_night(SCENE, seed=SEED)
    segments = night.segments(1024)
    event = _told(night, segments)
    figure = Figure(figsize=(13, 7), layout="constrained")
    figure.suptitle(
        f"A series of brief movements, and why it was told (settings {tag})", color=INK, fontsize=12
    )
    grid = figure.add_gridspec(1, 2, width_ratios=(1.5, 1.0))
    _draw_signal(figure.add_subplot(grid[0]), segments, event)
    _draw_evidence(figure.add_subplot(grid[1]), event.evidence)
    figure.supxlabel(HEADER, fontsize=8, color=SOFT)
    return figure


def _told(night: Night, segments: Sequence[Segment]) -> Event:
    detector = Detector("infant-1", night.sensors, age_days=night.scenario.age_days, kernels=compiled())
    told = [e for block in settled_blocks(segments, night.sensors) for e in detector.feed_block(block).events]
    told += detector.finish().events
    return next(e for e in told if e.label is Label.SPASM_LIKE_CLUSTER and e.status is EventStatus.END)


def _draw_signal(ax: Axes, segments: Sequence[Segment], event: Event) -> None:
    begin, end = event.onset_ns - 10 * NS, event.end_ns + 10 * NS
    sites = sorted({s.site for s in segments})
    for row, site in enumerate(sites):
        own = [s for s in segments if s.site is site and s.t0_ns < end and s.end_ns > begin]
        t = np.concatenate([s.t0_ns + s.step_ns * np.arange(s.n) for s in own])
        acc = np.concatenate([s.counts[:, :3] * s.scale.acc_g for s in own])
        size = np.linalg.norm(acc, axis=1)
        ax.plot((t - event.onset_ns) / NS, row + 0.8 * (size - np.median(size)), color=INK, linewidth=0.6)
    ax.set_yticks(range(len(sites)), [f"{s.value} (g x 0.8)" for s in sites])
    ax.set_xlim((begin - event.onset_ns) / NS, (end - event.onset_ns) / NS)
    ax.set_xlabel(f"s after the onset; {event.count} movements, pattern match {event.match:.2f}")


def _draw_evidence(ax: Axes, rows: Sequence[Evidence]) -> None:
    by_question = {name: n for n, name in enumerate(dict.fromkeys(e.question for e in reversed(rows)))}
    shown = sorted(
        (e for e in rows if e.contribution), key=lambda e: (by_question[e.question], e.contribution)
    )
    values = [e.contribution for e in shown]
    ax.barh(range(len(shown)), values, color=[FOR if v > 0 else AGAINST for v in values])
    ax.set_yticks(range(len(shown)), [f"{e.name} {e.value:.2f}" for e in shown], fontsize=7)
    ax.axvline(0.0, color=SOFT, linewidth=0.6)
    ax.set_xlabel("contribution, log-odds")


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI)
    print(f"written: {path.relative_to(evidence.ROOT)}")


if __name__ == "__main__":
    main()
