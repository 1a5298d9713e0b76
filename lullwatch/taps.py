"""Three taps on a sensor in view of a camera: where the record shows them, so that clip and record lie side by side.

A tap is over in 20 ms, so that it stands in two or three samples and swings back; a kick takes a tenth of a second
and more. Three of them at an even beat with quiet in between are done by a hand, and by nothing that an infant does.
"""

from __future__ import annotations

import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from dsp.records import NS, Site

from .errors import NotAClip, NoTaps
from .waveforms import Waveform

__all__ = ["NEAR_S", "Taps", "clicks_in", "offset_ns", "taps_in"]

Floats = NDArray[np.float64]

NEAR_S: Final = 120.0
"""How far from the noted time is looked: a clock on the wall or a phone may be a minute off."""
_MEDIAN: Final = 5
"""Samples over which a median takes away what lasts longer than two of them: 29 ms at 104 Hz."""
_BEAT_S: Final = (0.2, 1.5)
"""Between two taps: faster nobody taps on purpose, slower is no rhythm."""
_EVEN: Final = 0.35
"""Share by which the two gaps may differ; people who tap three times keep within a fifth."""
_LEAST_G: Final = 0.15
"""A finger on a sock gives 0.5 g and more; weaker ones drown in a kicking foot."""
_STANDS_OUT: Final = 6.0
"""Times the usual sharpness nearby that a tap has at least."""
_ABOVE_REST: Final = 1.5
"""Times by which the weakest tap must exceed the sharpest thing right around the three."""
_ALIKE: Final = 5.0
"""Times by which the strongest of the three may exceed the weakest."""
_CLEAR: Final = 1.5
"""Times by which the best three must exceed any other three, else it is not said which they were."""
_APART_S: Final = 0.08
"""Within which a tap swings on."""
_QUIET_S: Final = 1.5
_CANDIDATES: Final = 40
_AUDIO_STEP_S: Final = 0.005
_KINDS: Final[dict[int, str]] = {2: "<i2", 4: "<i4"}
"""numpy's types by bytes in a sample"""


@dataclass(frozen=True, slots=True)
class Taps:
    """Three taps, and how sure it is that they are the ones."""

    site: Site | None
    times_ns: tuple[int, int, int]
    """data time, or time since the clip began"""
    strength: float
    """of the weakest: g above what is slower, or share of the loudest click of a clip"""
    clear: float
    """how many times better than any other three"""

    @property
    def gaps_ns(self) -> tuple[int, int]:
        """Between them."""
        a, b, c = self.times_ns
        return b - a, c - b


def taps_in(
    waves: Iterable[Waveform], near_ns: int, *, beat: Taps | None = None, within_s: float = NEAR_S
) -> Taps:
    """The three taps that stand out most near a time.

    Args:
        waves: what the sensors measured around it.
        near_ns: data time that somebody noted.
        beat: taps of the clip's sound; then only three with the same gaps are meant.
        within_s: how far from the noted time is looked.

    Raises:
        NoTaps: there are none, or two sets of three that could be meant.
    """
    found: list[Taps] = []
    for seen in waves:
        inside = np.abs(seen.times_ns - near_ns) <= within_s * NS
        times, sharp = _sharpness(seen.times_ns[inside], seen.acc_g[inside])
        found += _threes(seen.site, times, sharp, _LEAST_G, beat)
    return _best(found, "in the record near that time")


def clicks_in(clip: Path) -> Taps:
    """The three taps in a clip's sound, times since its beginning.

    Args:
        clip: WAV with 16 or 32 bits; `ffmpeg -i clip.mp4 clip.wav` makes one of a video.

    Raises:
        NotAClip: it cannot be read.
        NoTaps: as `taps_in`.
    """
    rate_hz, sound = _read(clip)
    step = max(1, round(rate_hz * _AUDIO_STEP_S))
    loud = np.abs(np.diff(sound, prepend=sound[:1]))  # what is fast weighs more: a click, not a voice
    hops = loud[: loud.size // step * step].reshape(-1, step).max(axis=1)
    if not hops.size or not hops.max() > 0:
        raise NoTaps("in the clip's sound", "it is silent")
    times = (np.arange(hops.size) * step * NS / rate_hz).astype(np.int64)
    return _best(list(_threes(None, times, hops / hops.max(), 0.05, None)), "in the clip's sound")


def offset_ns(record: Taps, first_in_clip_ns: int) -> int:
    """Data time at which the clip begins."""
    return record.times_ns[0] - first_in_clip_ns


def _sharpness(times: NDArray[np.int64], acc_g: Floats) -> tuple[NDArray[np.int64], Floats]:
    """How far each sample stands out of those right around it, g."""
    known = ~np.isnan(acc_g[:, 0])
    times, acc_g = times[known], acc_g[known]
    if times.size < 2 * _MEDIAN:
        return times, np.zeros(times.size)
    slow = np.stack([median_filter(acc_g[:, axis], _MEDIAN, mode="nearest") for axis in range(3)], axis=1)
    return times, np.linalg.norm(acc_g - slow, axis=1)


def _threes(
    site: Site | None, times: NDArray[np.int64], sharp: Floats, least: float, beat: Taps | None
) -> Iterable[Taps]:
    """Every three peaks at an even beat with quiet in between, and how well each stands out."""
    peaks = _peaks(times, sharp, least)
    for three in combinations(peaks, 3):
        at = [int(times[i]) for i in three]
        if not _is_beat(at, beat):
            continue
        height = sharp[list(three)]
        if height.max() > _ALIKE * height.min():
            continue
        around = _around(times, sharp, at)
        if height.min() < _STANDS_OUT * float(np.median(around)) or height.min() < _ABOVE_REST * _rest(
            around
        ):
            continue
        evenness = 1.0 - abs((at[1] - at[0]) - (at[2] - at[1])) / (at[2] - at[0])
        strength = float(height.min())
        yield Taps(site, (at[0], at[1], at[2]), strength, strength * evenness / (_rest(around) + least / 10))


def _peaks(times: NDArray[np.int64], sharp: Floats, least: float) -> list[int]:
    """The sharpest samples, each the highest of what swings on around it, in the order of time."""
    taken: list[int] = []
    for i in np.argsort(sharp)[::-1]:
        if sharp[i] < least or len(taken) >= _CANDIDATES:
            break
        if all(abs(int(times[i]) - int(times[j])) > _APART_S * NS for j in taken):
            taken.append(int(i))
    return sorted(taken)


def _is_beat(at: Sequence[int], beat: Taps | None) -> bool:
    first, second = (at[1] - at[0]) / NS, (at[2] - at[1]) / NS
    if not all(_BEAT_S[0] <= gap <= _BEAT_S[1] for gap in (first, second)):
        return False
    if beat is not None:
        meant = [gap / NS for gap in beat.gaps_ns]
        return max(abs(first - meant[0]), abs(second - meant[1])) <= _AUDIO_STEP_S * 6
    return abs(first - second) <= _EVEN * max(first, second)


def _around(times: NDArray[np.int64], sharp: Floats, at: Sequence[int]) -> Floats:
    """Sharpness right before, between and after three taps, without them."""
    near = (times >= at[0] - _QUIET_S * NS) & (times <= at[2] + _QUIET_S * NS)
    for t_ns in at:
        near &= np.abs(times - t_ns) > _APART_S * NS
    found: Floats = sharp[near]
    return found if found.size else np.zeros(1)


def _rest(around: Floats) -> float:
    """The sharpest thing that is no tap."""
    return float(np.quantile(around, 0.995))


def _best(found: list[Taps], where: str) -> Taps:
    ranked = sorted(found, key=lambda taps: taps.clear, reverse=True)
    if not ranked:
        raise NoTaps(where, "nothing there looks like three taps at an even beat")
    best = ranked[0]
    # The same three felt at another site are no rivals.
    rivals = [t for t in ranked[1:] if abs(t.times_ns[0] - best.times_ns[0]) > _APART_S * NS]
    clear = best.clear / rivals[0].clear if rivals else float("inf")
    if clear < _CLEAR:
        raise NoTaps(where, "there are two sets of three that could be meant")
    return Taps(best.site, best.times_ns, best.strength, clear)


def _read(clip: Path) -> tuple[int, Floats]:
    try:
        with wave.open(str(clip), "rb") as file:
            kind = _KINDS.get(file.getsampwidth())
            if kind is None:
                raise NotAClip(clip, f"samples of {8 * file.getsampwidth()} bits")
            channels, rate_hz = file.getnchannels(), file.getframerate()
            if rate_hz < 1:
                raise NotAClip(clip, "no samples in a second")
            raw = np.frombuffer(file.readframes(file.getnframes()), np.dtype(kind)).astype(np.float64)
    except (OSError, EOFError, wave.Error, ValueError) as error:
        raise NotAClip(clip, str(error) or "it ends early") from error
    mono: Floats = raw[: raw.size // channels * channels].reshape(-1, channels).mean(axis=1)
    return rate_hz, mono
