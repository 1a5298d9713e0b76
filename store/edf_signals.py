"""The signals of an EDF file by site: labels, units, ranges and rates made one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import edfio
import numpy as np
from scipy.signal import resample_poly

from dsp.records import Counts, Scale, Site
from store.errors import BadRecording
from store.quantities import COUNT_MAX, UNITS, quantised

__all__ = ["SiteSignals", "site_signals"]

_LABEL = re.compile(rf"({'|'.join(Site)})_(ACC|GYRO)_([xyz])", re.IGNORECASE)

_ONE_COUNT = 1.0 + 1e-6
"""An offset of the header's line up to one count is below what the sensor resolves: the stored values are kept
as they are. Ranges such as -8..8 over -32768..32767 have half a count."""

_MAX_DENOMINATOR = 2000
"""Finest ratio of two rates that the polyphase resampler is asked for: a quarter of a sample in an hour at 1 Hz."""


@dataclass(frozen=True, slots=True)
class SiteSignals:
    """All samples of one site, filling included."""

    counts: Counts
    rate_hz: float
    scale: Scale


@dataclass(frozen=True, slots=True)
class _Triple:
    """Three axes of one kind: counts shape (n, 3), and g or deg/s per count."""

    counts: Counts
    rate_hz: float
    per_count: float


def site_signals(path: Path, edf: edfio.Edf) -> tuple[dict[Site, SiteSignals], list[str]]:
    """The signals by site, in the order of `Site`, and remarks on what had to be done.

    Raises BadRecording when no site is whole, or axes are missing, of unlike rates or of unknown units.
    """
    found, remarks = _by_site(edf)
    if not found:
        labels = ", ".join(edf.labels) or "none"
        remedy = f"Name them SITE_ACC_x, SITE_GYRO_x with SITE one of {', '.join(Site)}."
        raise BadRecording(path, f"no signal that we know among its labels ({labels})", remedy)
    signals = {}
    for site in (s for s in Site if s in found):
        kinds = found.pop(site)
        triples = {kind: _triple(path, site, kind, axes) for kind, axes in kinds.items()}
        signals[site] = _joined(path, site, triples, remarks)
        # The file keeps a copy of every signal that was looked at; a night's are as large as the night.
        edf.drop_signals([s.label for axes in kinds.values() for s in axes.values()])
    return signals, remarks


def _by_site(edf: edfio.Edf) -> tuple[dict[Site, dict[str, dict[str, edfio.EdfSignal]]], list[str]]:
    found: dict[Site, dict[str, dict[str, edfio.EdfSignal]]] = {}
    remarks: list[str] = []
    for signal in edf.signals:
        match = _LABEL.fullmatch(signal.label)
        if match is None:
            remarks.append(
                f"signal {signal.label!r} was left out: it is no site's acceleration or angular rate"
            )
            continue
        site, kind, axis = match[1].upper(), match[2].upper(), match[3].lower()
        found.setdefault(Site(site), {}).setdefault(kind, {})[axis] = signal
    return found, remarks


def _triple(path: Path, site: Site, kind: str, axes: dict[str, edfio.EdfSignal]) -> _Triple:
    if set(axes) != set("xyz"):
        missing = ", ".join(f"{site}_{kind}_{axis}" for axis in sorted(set("xyz") - set(axes)))
        raise BadRecording(path, f"{missing} is missing", "All three axes of a sensor are needed.")
    signals = [axes[axis] for axis in "xyz"]
    if len({s.sampling_frequency for s in signals}) > 1:
        rates = ", ".join(f"{s.sampling_frequency:g}" for s in signals)
        raise BadRecording(
            path, f"{site}_{kind} has unlike rates ({rates} Hz)", "Export the axes at one rate."
        )
    factors = [_factor(path, kind, s) for s in signals]
    counts, per_count = _counts(path, signals, factors)
    return _Triple(counts, signals[0].sampling_frequency, per_count)


def _factor(path: Path, kind: str, signal: edfio.EdfSignal) -> float:
    unit = signal.physical_dimension.strip().lower()
    if unit not in UNITS[kind]:
        known = ", ".join(UNITS[kind])
        raise BadRecording(path, f"{signal.label} is in {unit!r}", f"Known units are {known}.")
    return UNITS[kind][unit]


def _counts(path: Path, signals: Sequence[edfio.EdfSignal], factors: Sequence[float]) -> tuple[Counts, float]:
    """The stored integers where one scale explains all three axes, else the values quantised anew to 16 bit."""
    lines = [_line(path, s) for s in signals]
    gains = {gain * factor for (gain, _), factor in zip(lines, factors, strict=True)}
    if len(gains) == 1 and all(abs(offset) <= _ONE_COUNT for _, offset in lines):
        return np.column_stack([s.digital for s in signals]), gains.pop()
    values = np.column_stack(
        [(s.digital + o) * (g * f) for s, (g, o), f in zip(signals, lines, factors, strict=True)]
    )
    per_count = (float(np.abs(values).max(initial=0.0)) or 1.0) / COUNT_MAX
    return quantised(values / per_count), per_count


def _line(path: Path, signal: edfio.EdfSignal) -> tuple[float, float]:
    """Gain and offset, so that physical = (digital + offset) * gain."""
    low, high = signal.digital_range
    physical_low, physical_high = signal.physical_range
    if high <= low or physical_high == physical_low:
        remedy = "Export it again with its physical range."
        raise BadRecording(path, f"{signal.label} has an empty range", remedy)
    gain = (physical_high - physical_low) / (high - low)
    return gain, physical_high / gain - high


def _joined(path: Path, site: Site, triples: dict[str, _Triple], remarks: list[str]) -> SiteSignals:
    if "ACC" not in triples:
        remedy = "Angular rate alone is not enough; export the acceleration too."
        raise BadRecording(path, f"{site} has no acceleration", remedy)
    acc, gyro = triples["ACC"], triples.get("GYRO")
    if gyro is None:
        return SiteSignals(acc.counts, acc.rate_hz, Scale(acc.per_count, 0.0))
    turned = gyro.counts
    if gyro.rate_hz != acc.rate_hz:
        remarks.append(f"{site}: angular rate resampled from {gyro.rate_hz:g} to {acc.rate_hz:g} Hz")
        turned = _resampled(gyro, acc.rate_hz, len(acc.counts))
    return SiteSignals(np.hstack([acc.counts, turned]), acc.rate_hz, Scale(acc.per_count, gyro.per_count))


def _resampled(gyro: _Triple, rate_hz: float, n: int) -> Counts:
    ratio = Fraction(rate_hz / gyro.rate_hz).limit_denominator(_MAX_DENOMINATOR)
    values = resample_poly(gyro.counts.astype(np.float64), ratio.numerator, ratio.denominator, padtype="line")
    short = max(n - len(values), 0)
    return quantised(np.pad(values, ((0, short), (0, 0)), mode="edge")[:n])
