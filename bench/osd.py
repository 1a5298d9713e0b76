"""OpenSeizureDetector's original algorithm, written anew from its description: a peer to be beside.

It looks for movement of 3-8 Hz that lasts: 25 Hz magnitude of acceleration, 5 s at a time, the share of the
spectrum's power that lies in a region of interest, two thresholds, and a count of windows in a row.

What was read, and what each number rests on:
    * The method, its order, 25 Hz, 5 s, 125 samples, 3-8 Hz, "10 x ROI power / spectrum power":
      openseizuredetector.github.io, "Original OSD Algorithm" (pages-user/seizure-detection).
    * Defaults 100 (power), 57 (ratio), 3 and 8 Hz, 5 s windows, 5 s to warn, 10 s to alarm: the settings file of
      the phone app (OpenSeizureDetector/Android_Pebble_SD, seizure_detector_prefs.xml). 57 % of the
      spectrum's power inside the region is what a ratio of 57 comes to, see `ROI_RATIO`.
    * Units: samples are magnitudes in mg (1000 = 1 g), spectra are squared magnitudes of an unscaled FFT
      without any window, and the app divides both powers by 1000 before comparing.
    * The states and their counting: the same project's description of its alarm states; a window of movement
      adds its 5 s, "longer than" 5 s warns and "longer than" 10 s alarms, so that it is the second window
      that warns and the third that alarms; one still window steps an alarm down to a warning, the next to nothing.

No code of that project is in here; it is under the GPL and this is not.
It is made for a wrist and for adults' seizures: what it misses on an infant's ankle speaks of a different task.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from dsp.records import NS, Segment

__all__ = ["Alarm", "OsdState", "Powers", "alarms", "alarms_of", "episodes", "powers", "states"]

RATE_HZ: Final = 25
"""What the watches send."""
WINDOW_S: Final = 5.0
"""One decision each; windows do not overlap."""
WINDOW_SAMPLES: Final = 125
MG_PER_G: Final = 1000.0
ROI_HZ: Final = (3.0, 8.0)
"""AlarmFreqMin and AlarmFreqMax: where the jerks of a convulsion are looked for."""
CUTOFF_HZ: Final = 12.0
"""Nothing above it counts as spectrum."""
POWER_SCALE: Final = 1000.0
"""Powers are divided by it, so that figures stay those of the first watch."""
ROI_POWER: Final = 100.0
"""AlarmThresh, in mg^2 / 1000 of mean squared FFT magnitude: a steady tone inside the region of 25 mg (18 mg RMS)."""
ROI_RATIO: Final = 57.0
"""AlarmRatioThresh: ten times mean ROI power over spectrum power. The spectrum's sum is divided by twice the
samples (250), the region's by its 25 bins, so that 57 is passed when 57 % of the power lies inside."""
WARN_S: Final = 5.0
ALARM_S: Final = 10.0
_RATIO_DENOMINATOR: Final = 1000
"""A sensor's true rate is met to within a tenth of a sample in a window."""
_GAP_STEPS: Final = 1.5
"""Hole between two segments, in steps, at which the count of windows begins anew."""


class OsdState(IntEnum):
    """What the watch shows."""

    OK = 0
    WARNING = 1
    ALARM = 2


@dataclass(frozen=True, slots=True)
class Powers:
    """Powers of windows, one value each, in the app's units."""

    roi: NDArray[np.float64]
    spectrum: NDArray[np.float64]

    @property
    def ratio(self) -> NDArray[np.float64]:
        """Ten times region over spectrum; 0 where nothing moves at all."""
        still = self.spectrum <= 0.0
        return np.where(still, 0.0, 10.0 * self.roi / np.where(still, 1.0, self.spectrum))

    @property
    def seizure_like(self) -> NDArray[np.bool_]:
        """Both thresholds passed."""
        return (self.roi > ROI_POWER) & (self.ratio > ROI_RATIO)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One stay in a state, in seconds from the first sample."""

    onset_s: float
    """start of the first of the windows in a row that led to it"""
    told_s: float
    """end of the window with which the state was reached"""
    end_s: float
    """end of the window that lowered it"""


def _magnitudes_mg(acc_g: NDArray[np.floating], rate_hz: float) -> NDArray[np.float64]:
    """The vector's length at 25 Hz, shape (windows, 125); what does not fill a window is left out."""
    by = Fraction(RATE_HZ / rate_hz).limit_denominator(_RATIO_DENOMINATOR)
    even = signal.resample_poly(np.asarray(acc_g, np.float64), by.numerator, by.denominator, padtype="line")
    length = np.asarray(MG_PER_G * np.linalg.norm(even, axis=1), np.float64)
    whole = length.size // WINDOW_SAMPLES
    return length[: whole * WINDOW_SAMPLES].reshape(whole, WINDOW_SAMPLES)


def powers(acc_g: NDArray[np.floating], rate_hz: float) -> Powers:
    """Power inside the region and over the spectrum, window after window.

    Args:
        acc_g: Acceleration with gravity in it, shape (n, 3), g, evenly sampled and finite.
        rate_hz: Its rate.
    """
    square = np.abs(np.fft.rfft(_magnitudes_mg(acc_g, rate_hz), axis=1)) ** 2
    step_hz = 1.0 / WINDOW_S
    first, stop = (int(hz / step_hz) for hz in ROI_HZ)
    last = int(CUTOFF_HZ / step_hz)
    roi = square[:, first:stop].mean(axis=1)
    spectrum = square[:, 1 : last + 1].sum(axis=1) / (2 * WINDOW_SAMPLES)
    return Powers(roi / POWER_SCALE, spectrum / POWER_SCALE)


def states(seizure_like: Iterable[bool]) -> list[OsdState]:
    """The state after each window."""
    state, counted_s, seen = OsdState.OK, 0.0, []
    for hit in seizure_like:
        if hit:
            counted_s += WINDOW_S
            if counted_s > ALARM_S:
                state = OsdState.ALARM
            elif counted_s > WARN_S:
                state = OsdState.WARNING
        elif state is OsdState.ALARM:
            state, counted_s = OsdState.WARNING, WARN_S + 1.0
        else:
            state, counted_s = OsdState.OK, 0.0
        seen.append(state)
    return seen


def episodes(acc_g: NDArray[np.floating], rate_hz: float, level: OsdState = OsdState.ALARM) -> list[Alarm]:
    """Every stay at `level` or above.

    Args:
        acc_g: Acceleration with gravity in it, shape (n, 3), g, evenly sampled and finite.
        rate_hz: Its rate.
        level: WARNING to count warnings too.
    """
    hits = powers(acc_g, rate_hz).seizure_like.tolist()
    shown = states(hits)
    found: list[Alarm] = []
    at = 0
    for inside, group in groupby(state >= level for state in shown):
        stop = at + len(list(group))
        if inside:
            found.append(Alarm(_run_start(hits, at) * WINDOW_S, (at + 1) * WINDOW_S, (stop + 1) * WINDOW_S))
        at = stop
    end_s = len(shown) * WINDOW_S
    return [Alarm(a.onset_s, a.told_s, min(a.end_s, end_s)) for a in found]


def _run_start(hits: list[bool], at: int) -> int:
    while at > 0 and hits[at - 1]:
        at -= 1
    return at


def alarms(track_acc_g: NDArray[np.floating], rate_hz: float) -> list[tuple[float, float]]:
    """Alarms as (onset_s, end_s): from the first of the windows in a row until the state was lowered.

    Args:
        track_acc_g: Acceleration of one ankle or wrist with gravity in it, shape (n, 3), g, finite.
        rate_hz: Its rate.
    """
    return [(alarm.onset_s, alarm.end_s) for alarm in episodes(track_acc_g, rate_hz)]


def alarms_of(segments: Iterable[Segment]) -> list[tuple[int, int]]:
    """Alarms of one sensor's segments as (onset_ns, end_ns) in data time; after a gap it begins anew."""
    found = []
    for run in _runs(segments):
        acc_g = np.concatenate([s.counts[:, :3] for s in run]).astype(np.float64) * run[0].scale.acc_g
        found += [
            (run[0].t0_ns + round(onset_s * NS), run[0].t0_ns + round(end_s * NS))
            for onset_s, end_s in alarms(acc_g, NS * len(acc_g) / (run[-1].end_ns - run[0].t0_ns))
        ]
    return found


def _runs(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    run: list[Segment] = []
    for segment in sorted(segments, key=attrgetter("t0_ns")):
        if run and segment.t0_ns - run[-1].end_ns > _GAP_STEPS * segment.step_ns:
            yield run
            run = []
        run.append(segment)
    if run:
        yield run
