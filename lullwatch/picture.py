"""The picture of a night: states, events, movement and coverage on one time axis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dsp.records import NS, Coverage, Epoch, Event, Label, Site, State, StateEpoch, Usability

from .coverage import sentence
from .detector import Told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HEADER", "draw_night"]

HEADER = "Unvalidated research data; sensor labels are pattern names, not diagnoses."
"""Goes on every export (clinical wording rules)."""

_STATE_ROWS = (State.AWAKE, State.ACTIVE_SLEEP, State.ASLEEP, State.QUIET_SLEEP, State.UNKNOWN)
_SHOWN = tuple(label for label in Label if label is not Label.MOVEMENT)
# Neutral and readable with any colour vision: no red and green that could be read as bad and good.
_STRONG = {Label.SPASM_LIKE_CLUSTER, Label.RHYTHMIC_JERKING, Label.LONG_MOVEMENT, Label.STIFFENING}
_INK, _SOFT, _MARK, _PALE = "#1f2a44", "#8a94a6", "#b3541e", "#d9dee7"
_COVERAGE = {Usability.USABLE: _SOFT, Usability.DEGRADED: "#d8b365", Usability.BLIND: "#000000"}


class _Axis:
    """Data time as hours from the start, or as local time of day when UTC is known."""

    def __init__(self, *, t0_ns: int, start_utc_ns: int | None, zone: str) -> None:
        self._t0_ns = t0_ns
        self._start = None if start_utc_ns is None else datetime.fromtimestamp(start_utc_ns / NS, tz=UTC)
        self._zone = ZoneInfo(zone)

    def minutes(self, t_ns: int) -> float:
        return (t_ns - self._t0_ns) / (60 * NS)

    def label(self, minutes: float, _position: int | None = None) -> str:
        if self._start is None:
            return f"{int(minutes) // 60}:{int(minutes) % 60:02d}"
        return f"{(self._start + timedelta(minutes=minutes)).astimezone(self._zone):%H:%M}"


def draw_night(
    path: Path,
    told: Told,
    *,
    title: str,
    t0_ns: int,
    start_utc_ns: int | None = None,
    zone: str = "UTC",
) -> None:
    """Draw what a detector told as a PNG.

    Args:
        path: the file to write.
        told: everything the detector told, closed by `finish`.
        title: one line; ids, never names.
        t0_ns: data time at the left edge.
        start_utc_ns: UTC at `t0_ns`, if known; without it the axis counts from the start.
        zone: IANA time zone for the axis.
    """
    axis = _Axis(t0_ns=t0_ns, start_utc_ns=start_utc_ns, zone=zone)
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(12, 7.2), layout="constrained")
        FigureCanvasAgg(figure)
        rows = figure.subplots(4, 1, sharex=True, height_ratios=[1.3, 2.2, 2.2, 0.35])
        _draw_states(rows[0], told.states, axis)
        _draw_events(rows[1], told.final_events, axis)
        _draw_activity(rows[2], told.epochs, axis)
        _draw_coverage(rows[3], told.minutes, axis)
        rows[3].xaxis.set_major_formatter(axis.label)
        rows[3].set_xlabel("hours:minutes" if start_utc_ns is None else f"time of day, {zone}")
        if told.minutes:
            last = told.minutes[-1]
            rows[3].set_xlim(axis.minutes(told.minutes[0].t_ns), axis.minutes(last.t_ns + last.span_ns))
        figure.suptitle(f"{title} · {sentence(told.minutes)}\n{HEADER}", fontsize=10, color=_INK)
        figure.savefig(path, dpi=110, metadata={"Software": None})


def _draw_states(ax: Axes, states: list[StateEpoch], axis: _Axis) -> None:
    for state_epoch in states:
        row = len(_STATE_ROWS) - 1 - _STATE_ROWS.index(state_epoch.state)
        x = axis.minutes(state_epoch.t_ns)
        width = state_epoch.span_ns / (60 * NS)
        ax.broken_barh(
            [(x, width)], (row + 0.1, 0.8), facecolors=_INK, alpha=0.25 + 0.7 * state_epoch.probability
        )
    ax.set_yticks(
        [i + 0.5 for i in range(len(_STATE_ROWS))], [s.replace("_", " ") for s in reversed(_STATE_ROWS)]
    )
    ax.set_ylim(0, len(_STATE_ROWS))
    ax.set_ylabel("state")


def _draw_events(ax: Axes, events: list[Event], axis: _Axis) -> None:
    present = [label for label in _SHOWN if any(e.label is label for e in events)]
    for row, label in enumerate(reversed(present)):
        own = [e for e in events if e.label is label]
        spans = [(axis.minutes(e.onset_ns), max(e.duration_s / 60, 0.15)) for e in own]
        ax.broken_barh(spans, (row + 0.15, 0.7), facecolors=_MARK if label in _STRONG else _INK)
        for event in own:
            if event.count > 1:
                ax.text(
                    axis.minutes(event.end_ns) + 0.3, row + 0.5, f"{event.count}", va="center", color=_INK
                )
    others = [axis.minutes(e.onset_ns) for e in events if e.label is Label.MOVEMENT]
    ax.plot(others, np.full(len(others), -0.5), "|", color=_SOFT, markersize=6)
    names = ["other movement", *(label.wire.replace("_", " ") for label in reversed(present))]
    ax.set_yticks([i - 0.5 for i in range(len(names))], names)
    ax.set_ylim(-1, max(1, len(present)))
    ax.grid(axis="x", color=_PALE)
    ax.set_ylabel("events (with counts)")


def _draw_activity(ax: Axes, epochs: list[Epoch], axis: _Axis) -> None:
    for site, style in zip(Site, ("-", "--", ":", "-.", "-", "--"), strict=True):
        own = [e for e in epochs if e.site is site and e.present > 0]
        if own:
            x = [axis.minutes(e.t_ns) for e in own]
            ax.step(x, [e.activity_g for e in own], style, where="post", label=site.value, color=_INK, lw=0.9)
    ax.set_yscale("symlog", linthresh=0.001)
    ax.set_ylabel("movement (g, RMS of 30 s)")
    if epochs:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 0.98), ncols=6, frameon=False)


def _draw_coverage(ax: Axes, coverage: list[Coverage], axis: _Axis) -> None:
    for row in coverage:
        span = [(axis.minutes(row.t_ns), row.span_ns / (60 * NS))]
        ax.broken_barh(span, (0, 1), facecolors=_COVERAGE[row.usability])
    ax.set_yticks([0.5], ["recorded"])
    ax.set_ylim(0, 1)
