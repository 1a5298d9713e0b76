"""Matching what was told with what was true: spans by `timescoring`, single movements one-to-one by `mir_eval`.

References:
    Dan et al. 2024, SzCORE: a framework for the validation of EEG-based seizure detection (event scoring).
    Raffel et al. 2014, mir_eval: maximum bipartite matching of events within a window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .scoring_night import Span, overlap_s, union

__all__ = ["SZCORE", "TIGHT", "Profile", "SpanScore", "pair_onsets", "score_spans"]

_GRID_HZ = 10
"""timescoring works on this grid; what is shorter than a step of it would vanish."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Declared parameters of event scoring, in seconds and shares."""

    name: str
    tolerance_start_s: float
    """told this much too early still counts"""
    tolerance_end_s: float
    """told this much too late still counts"""
    min_overlap: float
    """share of the true span, drawn out by the tolerances, that must be covered; 0: any overlap"""
    longest_s: float
    """longer events are split"""
    merge_s: float
    """events closer than this are one"""


SZCORE = Profile("szcore", 30.0, 60.0, 0.0, 300.0, 90.0)
"""timescoring's defaults, as SzCORE uses them: for comparison with what others publish."""

TIGHT = Profile("tight", 1.0, 1.0, 0.0, math.inf, 3.0)
"""What this project is judged by. SzCORE's merging within 90 s and its minute of tolerance hide false alarms between
true events; here an alarm is false unless it comes within a second of a true event. Three seconds: pauses inside a
train, on which truth and telling need not agree."""


@dataclass(frozen=True, slots=True)
class SpanScore:
    """Spans of one label in one night, scored with one profile."""

    truth: int
    """true events after merging and splitting"""
    found: int
    false: tuple[Span, ...]
    """told events that touch no true one that was found"""
    told_s: float
    """time in alarm"""
    truth_s: float
    shared_s: float
    """time told that was true"""


def score_spans(
    truth: Sequence[Span], told: Sequence[Span], duration_s: float, profile: Profile
) -> SpanScore:
    """Score told spans against true ones with `timescoring.EventScoring`.

    Spans are cut to the recording, sorted and united first (timescoring silently miscounts what is not), and
    none is shorter than a step of its grid.

    Args:
        truth: true spans, in s.
        told: told spans, in s.
        duration_s: length of the recording.
        profile: tolerances, merging, splitting.
    """
    from timescoring.annotations import Annotation
    from timescoring.scoring import EventScoring

    n = max(1, math.ceil(duration_s * _GRID_HZ))
    ref, hyp = (union(_on_grid(spans, n)) for spans in (truth, told))
    scored = EventScoring(
        *(Annotation([(s.onset_s, s.end_s) for s in spans], _GRID_HZ, n) for spans in (ref, hyp)),
        EventScoring.Parameters(
            toleranceStart=profile.tolerance_start_s,
            toleranceEnd=profile.tolerance_end_s,
            minOverlap=profile.min_overlap,
            maxEventDuration=profile.longest_s,
            minDurationBetweenEvents=profile.merge_s,
        ),
    )
    false = tuple(Span(*map(float, e)) for e in scored.hyp.events if not np.any(scored.tpMask[_slice(*e)]))
    return SpanScore(
        truth=int(scored.refTrue),
        found=int(scored.tp),
        false=false,
        told_s=sum(s.duration_s for s in hyp),
        truth_s=sum(s.duration_s for s in ref),
        shared_s=overlap_s(ref, hyp),
    )


def _on_grid(spans: Sequence[Span], n: int) -> list[Span]:
    """Spans widened to whole steps of the grid, at least one, inside the recording of `n` steps."""
    rows = []
    for span in spans:
        first = min(max(math.floor(span.onset_s * _GRID_HZ), 0), n - 1)
        last = min(max(math.ceil(span.end_s * _GRID_HZ), first + 1), n)
        rows.append(Span(first / _GRID_HZ, last / _GRID_HZ))
    return rows


def _slice(onset_s: float, end_s: float) -> slice:
    return slice(round(onset_s * _GRID_HZ), round(end_s * _GRID_HZ))


def pair_onsets(truth_s: Sequence[float], told_s: Sequence[float], window_s: float) -> list[tuple[int, int]]:
    """The largest one-to-one matching of onsets at most `window_s` apart: pairs of indices (true, told)."""
    from mir_eval.util import match_events

    if not len(truth_s) or not len(told_s):
        return []
    pairs = match_events(np.asarray(truth_s, np.float64), np.asarray(told_s, np.float64), window_s)
    return [(int(i), int(j)) for i, j in pairs]
