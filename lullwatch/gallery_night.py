"""One page with a whole drawn night: states, breathing rate, movement, and what the truth tables say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dsp.records import NS, Site, State
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from firmware_sim.track import SensorTrack

__all__ = ["breathing_rates", "draw_whole_night", "movement_g"]

_SEED: Final = 11
_HOURS: Final = 10.0
_EPOCH_S: Final = 30.0
_BAND_HZ: Final = (0.25, 1.1)
"""Where breathing is looked for [E, table 2a]."""
_STILL_G: Final = 0.012
"""RMS of an epoch below which the breath is what moves the trunk most."""
_CLEAR: Final = 0.35
"""Share of the band's power within a tenth of a hertz of its peak from which there is a rate to speak of."""
_NEAR_HZ: Final = 0.1
_NARROWEST_H: Final = 0.018
"""Two dots wide: what lasts seconds would not show on ten hours."""
_LINE: Final = {Site.LA: "#0a5fa5", Site.RA: "#c4570c", Site.TR: "#1b7f4d"}
_STATES: Final = (State.QUIET_SLEEP, State.ACTIVE_SLEEP, State.AWAKE)
_STATE_INK: Final = {State.QUIET_SLEEP: "#1f2a44", State.ACTIVE_SLEEP: "#5f79b5", State.AWAKE: "#e2b04a"}
_EVENT_INK: Final = "#b3541e"

_Floats = NDArray[np.float64]


def draw_whole_night(path: Path, save: Callable[[Figure, Path], None]) -> None:
    """Draw a night of the general population as one page."""
    scenario = draw_night(_SEED, hours=_HOURS)
    night = make_night(scenario, seed=_SEED)
    with mpl.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(13, 8.6), layout="constrained")
        FigureCanvasAgg(figure)
        rows = figure.subplots(4, 1, sharex=True, height_ratios=[0.8, 1.5, 2.2, 3.4])
        _draw_states(rows[0], night)
        _draw_breathing(rows[1], night)
        _draw_movement(rows[2], night)
        _draw_truth(rows[3], night)
        rows[3].set_xlim(0.0, scenario.duration_s / 3600.0)
        rows[3].set_xlabel("h")
        figure.suptitle(
            f"A drawn night · {scenario.age_days} days old · general population, seed {_SEED}", fontsize=11
        )
        save(figure, path)


def _hours(night: Night, t_ns: float) -> float:
    return (t_ns - night.start_ns) / NS / 3600.0


def _all_hours(night: Night, t_ns: _Floats) -> _Floats:
    return np.asarray((t_ns - night.start_ns) / NS / 3600.0, np.float64)


def _draw_states(ax: Axes, night: Night) -> None:
    for bout in night.bouts:
        row = _STATES.index(bout.state)
        span = (bout.start_s / 3600.0, (bout.end_s - bout.start_s) / 3600.0)
        ax.broken_barh([span], (row + 0.1, 0.8), facecolors=_STATE_INK[bout.state])
    ax.set_yticks([i + 0.5 for i in range(len(_STATES))], [str(s).replace("_", " ") for s in _STATES])
    ax.set_ylabel("true state")


def _epochs(track: SensorTrack) -> tuple[_Floats, _Floats]:
    """Acceleration in g, shape (epochs, samples, 3), and each epoch's middle in data time, ns."""
    size = round(_EPOCH_S * NS / track.step_ns)
    n = track.n // size
    acc = track.counts[: n * size, :3].astype(np.float64).reshape(n, size, 3) * track.scale.acc_g
    return acc, np.asarray(track.t0_ns + (np.arange(n) + 0.5) * size * track.step_ns, np.float64)


def movement_g(acc_g: _Floats) -> _Floats:
    """RMS of each epoch's acceleration about its mean, shape (epochs,), g."""
    return np.asarray(np.sqrt(acc_g.var(axis=1).sum(axis=1)), np.float64)


def breathing_rates(acc_g: _Floats) -> _Floats:
    """Breaths a minute of each epoch from the trunk's tilt; NaN where it moves or no rate stands out."""
    size = acc_g.shape[1]
    hz = np.fft.rfftfreq(4 * size, _EPOCH_S / size)
    inside = (hz >= _BAND_HZ[0]) & (hz <= _BAND_HZ[1])
    window = np.hanning(size)[None, :, None]
    centred = (acc_g - acc_g.mean(axis=1, keepdims=True)) * window
    power = (np.abs(np.fft.rfft(centred, n=4 * size, axis=1)) ** 2).sum(axis=2)[:, inside]
    at = power.argmax(axis=1)
    peak = hz[inside][at]
    near = np.abs(hz[inside][None, :] - peak[:, None]) <= _NEAR_HZ
    share = (power * near).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-30)
    seen = (movement_g(acc_g) < _STILL_G) & (share > _CLEAR) & (at > 0)
    return np.where(seen, 60.0 * peak, np.nan)


def _draw_breathing(ax: Axes, night: Night) -> None:
    acc, t_ns = _epochs(night.sensors[Site.TR])
    ax.plot(_all_hours(night, t_ns), breathing_rates(acc), ".", ms=2.5, color=_LINE[Site.TR])
    ax.set_ylabel("breaths/min\nseen at TR")


def _draw_movement(ax: Axes, night: Night) -> None:
    for site, colour in _LINE.items():
        acc, t_ns = _epochs(night.sensors[site])
        ax.plot(_all_hours(night, t_ns), movement_g(acc), lw=0.6, color=colour, label=str(site))
    ax.set_yscale("log")
    ax.set_ylabel("RMS of 30 s, g")
    ax.legend(loc="upper right", ncols=3, frameon=False)


def _draw_truth(ax: Axes, night: Night) -> None:
    tops = [event for event in night.truth.events if event.parent is None]
    rows: dict[str, list[tuple[float, float]]] = {}
    for event in tops:
        span = (
            _hours(night, event.onset_ns),
            max((event.end_ns - event.onset_ns) / NS / 3600.0, _NARROWEST_H),
        )
        rows.setdefault(event.true_class, []).append(span)
    for row, (name, spans) in enumerate(sorted(rows.items(), key=lambda item: len(item[1]))):
        ax.broken_barh(spans, (row + 0.12, 0.76), facecolors=_EVENT_INK)
        ax.text(
            1.003, row + 0.5, f"{len(spans)}", transform=ax.get_yaxis_transform(), va="center", fontsize=6.5
        )
        rows[name] = spans
    names = sorted(rows, key=lambda name: len(rows[name]))
    for context in night.truth.contexts:
        ax.axvspan(_hours(night, context.onset_ns), _hours(night, context.end_ns), color="#d9dee7", zorder=0)
    ax.set_yticks([i + 0.5 for i in range(len(names))], names, fontsize=6.5)
    ax.set_ylim(0.0, max(len(names), 1))
    ax.set_ylabel("truth (grey: context intervals), counts at the right")
