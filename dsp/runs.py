"""Jerks without a pause between them: what all frames of such a run said together, and how clonic they look.

Benign jerks of sleep come in trains of some seconds with pauses between them; their contractions are brief and
distal, and a train neither grows for seconds nor slows down. Clonic jerks go on; their contractions last longer
(which moves the limb slowly, shows the way there and the way back as two strokes, and carries the trunk along),
they grow at their beginning and slow down. None of this is sure of itself, so that it is added up.

References:
    Jerks of 40 to 300 ms, contractions of 250 ms and more, trains of several seconds, slowing: the sources of
    `docs/detector.md`. Slowing is Student's t of an ordinary least squares slope.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from dsp.bursts import Pulse
from dsp.classify import Verdict
from dsp.grid import GRID_HZ
from dsp.records import Evidence, Site
from dsp.settings import Settings
from dsp.value import PASSING
from dsp.weights import Table, weigh

__all__ = ["Run", "both_clear", "judge_own", "judge_run", "judge_train"]

_LEAST_FOR_TREND = 12
_LEAST_FOR_GROWTH = 6
_BEATS = 60
"""Newest jerks whose beat is looked at: long enough to be sure of it, short enough for a pace that changes."""
_KEEP = 2000
"""Jerks of one run: half an hour of them."""

_TRAIN_S = 20.0
"""Trains of sleep last 2 to 20 s; what ended by itself within that counts as one."""

_TONIGHT_S = 43200.0
"""Who jerks in sleep does so again and again: trains of the last twelve hours are remembered."""

_MOST_TRAINS = 64
"""More of them say nothing new."""

_TRAIN_LEAST = 0.5
"""Log-odds of being a train of sleep from which a short run counts as one: of trains 19 in 20 do, of pats, rides and
fussing one in three hundred."""

_OWN_LEAST = -1.5
"""Log-odds of being the infant's own jerks from which a short run counts as a train: pats and rides do not."""

_YOUNG_DAYS = 75
"""Newborns have no generalised clonic seizures [F42]: at what age it matters whether both sides jerk."""

_YOUNGEST_DAYS = 10

_SIDED = (-0.5, 4.0)
"""Where the logarithm of one leg's jerks over the other's ends."""

_SURE_T = 4.0
"""Beyond this Student's t intervals grow beyond doubt, if they also grow by `slowing_ratio`."""

_SHAPE = (
    "trunk_to_lead", "swing_hz", "even_intervals", "coupled", "frame_log_odds", "height_spread", "time_in_jerks",
    "rotation_to_acceleration", "swing_peaked", "swing_repeats", "rhythm_repeats", "legs_alike", "trunk_alike",
    "trunk_turned", "trunk_leads",
)  # fmt: skip
"""Measurements of frames whose mean tells how a run's jerks are."""


@dataclass(slots=True)
class _Looked:
    """What was worked out last, which is asked for several times before the next jerk comes."""

    jerks: tuple[int, int, int] | None = None
    """how many, the first and the last: of one run these tell which they all are"""
    settings: Settings | None = None
    trend: dict[str, float] = field(default_factory=dict)
    """what their times and heights said"""
    verdicts: dict[int, tuple[Sequence[Table], float, dict[str, float], Verdict]] = field(
        default_factory=dict
    )
    """answers by question, with what was asked"""


@dataclass(slots=True)
class Run:
    """Jerks of the leading site since the last pause, and how all of the event's frames were."""

    ks: list[int] = field(default_factory=list)
    log_heights: list[float] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    trains: list[int] = field(default_factory=list)
    """grid indices at which short runs of the infant's own jerks ended by themselves"""
    trains_before: int = 0
    """how many of these there had been in the twelve hours before this run began"""
    lifted: bool = False
    """whether it was told as rhythmic jerking: what is left of that when it ends is no train"""
    age_days: int | None = None
    legs_g: dict[Site, float] = field(default_factory=dict)
    """sum of each leg's jerks since the last pause"""
    lead: Site | None = None
    until_k: int = -(10**9)
    """grid index of the last jerk of any frame"""
    awake: float = 0.0
    """1 when the infant counted as awake before, 0 asleep, a half when that was not known"""
    conveyed: float = 0.0
    """share of the run in which the world moved the infant, as it had begun to before"""
    looked: _Looked = field(default_factory=_Looked, compare=False, repr=False, metadata=PASSING)

    @property
    def unbroken_s(self) -> float:
        """From the first jerk after the last pause to the newest."""
        return (self.ks[-1] - self.ks[0]) / GRID_HZ if self.ks else 0.0

    @property
    def trunk_seen(self) -> bool:
        """Whether any of its frames told how the trunk takes part."""
        return "trunk_alike" in self.counts

    def following(self, awake: float, age_days: int | None, settings: Settings) -> Run:
        """The run of the next event, which remembers the trains before it."""
        self._pause(settings)
        return Run(trains=self.trains, awake=awake, age_days=age_days)

    def _begin(self, k: int) -> None:
        """The first jerk is at grid index k: it is now that trains of the night before are forgotten."""
        self.trains = [t for t in self.trains if t >= k - _TONIGHT_S * GRID_HZ]
        self.trains_before = len(self.trains)

    def _pause(self, settings: Settings) -> None:
        short = len(self.ks) >= _LEAST_FOR_GROWTH and self.ks[-1] - self.ks[0] <= _TRAIN_S * GRID_HZ
        if short and not self.lifted and self._was_train(settings):
            self.trains = [*self.trains, self.ks[-1]][-_MOST_TRAINS:]
        self.ks, self.log_heights, self.legs_g = [], [], {}

    def _was_train(self, settings: Settings) -> bool:
        """Whether what ended counts as one of tonight's trains: by the table of trains where the trunk is seen."""
        if self.trunk_seen:
            return judge_train(self, settings).log_odds >= _TRAIN_LEAST
        return judge_own(self, settings).log_odds >= _OWN_LEAST

    def take(
        self,
        fresh: Sequence[Pulse],
        other: Sequence[Pulse],
        frame: Sequence[Evidence],
        settings: Settings,
    ) -> None:
        """Go on by the jerks that became known, and by the frame that they lie in.

        Args:
            fresh: pulses of the leading site, none of them taken before.
            other: pulses of the other leg since then, where a leg leads and both are worn.
            frame: what was measured of the frame.
            settings: how long a pause ends the run.
        """
        if fresh and not self.ks:
            self._begin(fresh[0].k)
        for pulse in fresh:
            if self.ks and pulse.k - self.ks[-1] > settings.run_pause_s * GRID_HZ:
                self._pause(settings)
            self.ks.append(pulse.k)
            self.log_heights.append(math.log(max(pulse.peak_g, 1e-4)))
        for pulse in (*fresh, *other):
            self.legs_g[pulse.site] = self.legs_g.get(pulse.site, 0.0) + pulse.peak_g
        del self.ks[:-_KEEP]
        del self.log_heights[:-_KEEP]
        for row in frame:
            if row.name in _SHAPE:
                self.sums[row.name] = self.sums.get(row.name, 0.0) + row.value
                self.counts[row.name] = self.counts.get(row.name, 0) + 1

    def values(self, settings: Settings) -> dict[str, float]:
        """What speaks for or against clonic jerks, by name."""
        out = {f"mean_{name}": self.sums[name] / self.counts[name] for name in self.sums}
        out["awake_before"] = self.awake
        out["unbroken_s"] = self.unbroken_s
        out["trains_tonight"] = math.log1p(self.trains_before)
        if self.age_days is not None:
            out["age"] = math.log(max(self.age_days, _YOUNGEST_DAYS))
        if self.age_days is not None and self.age_days < _YOUNG_DAYS and self.lead is not None:
            out["one_sided_young"] = self._sided(self.lead)
        out["conveyed_before"] = self.conveyed
        return out | self._trend(settings)

    def _trend(self, settings: Settings) -> dict[str, float]:
        """What the jerks' times and heights say, worked out once for as long as no jerk comes."""
        looked, ks = self.looked, self.ks
        jerks = (len(ks), ks[0], ks[-1]) if ks else None
        if looked.jerks != jerks or looked.settings is not settings:
            looked.jerks, looked.settings, looked.trend = jerks, settings, {}
            if len(ks) >= _LEAST_FOR_GROWTH:
                looked.trend["growth"] = _growth(self.log_heights)
                looked.trend["beat_strays"] = _strays(ks[-_BEATS:])
            if len(ks) >= _LEAST_FOR_TREND:
                looked.trend["slowing_t"] = _slowing(ks, settings)
        return looked.trend

    def _sided(self, lead: Site) -> float:
        own, all_g = self.legs_g.get(lead, 0.0), sum(self.legs_g.values())
        ratio = math.log(max(own, 1e-4) / max(all_g - own, 1e-4))
        return min(max(ratio, _SIDED[0]), _SIDED[1])


def judge_run(run: Run, settings: Settings) -> Verdict:
    """How much a run looks like clonic jerks and not like a train of sleep, in log-odds."""
    return _judged(run, settings.run_tables, settings.run_bias, settings)


def judge_train(run: Run, settings: Settings) -> Verdict:
    """How much a run looks like a train of sleep and not like anything else that pulses, in log-odds."""
    return _judged(run, settings.train_tables, settings.train_bias, settings)


def judge_own(run: Run, settings: Settings) -> Verdict:
    """How much a run looks like jerks of the infant's limbs and not like anything else that pulses, in log-odds."""
    return _judged(run, settings.own_tables, settings.own_bias, settings)


def both_clear(own: float, clonic: float) -> bool:
    """Whether rhythmic jerking is clear of both other explanations, and of the two together.

    Args:
        own: by how much `judge_own` lies above its limit.
        clonic: by how much `judge_run` lies above its own.
    """
    return min(own, clonic) > 0.0 and math.exp(-own) + math.exp(-clonic) <= 1.0


def _judged(run: Run, tables: Sequence[Table], bias: float, settings: Settings) -> Verdict:
    asked = (tables, bias, run.values(settings))
    known = run.looked.verdicts.get(id(tables))
    if known is not None and known[0] is tables and known[1:3] == asked[1:]:
        return known[3]
    verdict = Verdict(bias, weigh(tables, asked[2]))
    run.looked.verdicts[id(tables)] = (*asked, verdict)
    return verdict


def _strays(ks: Sequence[int]) -> float:
    """How far the middle interval strays from the beat, in natural logarithm: machines and pats keep theirs."""
    gaps: list[float] = np.log(np.diff(np.asarray(ks, dtype=np.float64))).tolist()
    middle = median(gaps)
    return median([abs(gap - middle) for gap in gaps])


def _growth(log_heights: Sequence[float]) -> float:
    """Natural logarithm of how much stronger the jerks after the first few are than these."""
    n = min(4, len(log_heights) // 3)
    first, then = log_heights[:n], log_heights[n : 3 * n]
    return sum(then) / len(then) - sum(first) / len(first)


def _slowing(ks: Sequence[int], settings: Settings) -> float:
    """Student's t of the slope of the intervals' logarithm against time; doubtful growth counts as little."""
    at = np.asarray(ks, dtype=np.float64) / GRID_HZ
    x, y = at[1:], np.log(np.diff(at))
    dx = x - x.mean()
    sxx = float(np.sum(dx * dx))
    if sxx <= 0.0:
        return 0.0
    slope = float(np.sum(dx * y)) / sxx
    rest = y - y.mean() - slope * dx
    error = math.sqrt(max(float(np.sum(rest * rest)), 1e-9) / (x.size - 2) / sxx)
    grown = math.exp(min(slope * float(x[-1] - x[0]), 5.0))
    long = float(x[-1] - x[0]) >= settings.slowing_least_s
    t = slope / error
    return t if long and grown > settings.slowing_ratio else min(t, _SURE_T / 2)
