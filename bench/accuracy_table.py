"""What the accuracy bench is asked for, and whether it is met; and the peer beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accuracy_nights import AlarmTally, Scored

from dsp.records import Label
from lullwatch.scoring_intervals import Rate, Share, Spread, rate, share
from lullwatch.scoring_pool import Score
from lullwatch.scoring_report import said_rate, said_share, said_spread, wider

__all__ = ["Figure", "Goal", "figures_of", "goals", "peer_table", "said_goals"]

MET, NOT_SHOWN, NOT_MET, NOT_RUN, NO_EVENTS = "met", "met, not shown", "NOT MET", "not run", "no events"
"""Met: by the figure and its interval's bad end. Met, not shown: by the figure alone. No events: nothing to count."""
SHIFTED_LOSS = 0.10
"""The shifted population loses no more than ten points."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a set of nights."""

    value: float | None
    low: float | None
    high: float | None
    said: str
    more_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Goal:
    """A target, the figure it speaks of, and what the interval says of it."""

    what: str
    plan: str
    wanted: str
    said: str
    verdict: str


def _of_share(value: Share) -> Figure:
    bounds = wider(value)
    return Figure(value.value, bounds and bounds[0], bounds and bounds[1], said_share(value))


def _of_rate(value: Rate) -> Figure:
    low = value.exact and value.exact[0]
    said = said_rate(value)
    said += "" if value.at_most is None else f", at most {value.at_most:.3g} (one-sided)"
    return Figure(value.per_24h, low, value.at_most, said, more_is_better=False)


def _median_of(value: Spread) -> Figure:
    bounds = value.infants
    return Figure(value.median, bounds and bounds[0], bounds and bounds[1], said_spread(value), False)


def figures_of(score: Score) -> dict[str, Figure]:
    """The figures that targets speak of, by name."""
    series, jerks = score.labels[Label.SPASM_LIKE_CLUSTER], score.labels[Label.SLEEP_JERK_TRAIN]
    rhythmic, stiff = score.labels[Label.RHYTHMIC_JERKING], score.labels[Label.STIFFENING]
    found = {
        "series of 5 or more visible, found": _of_share(series.large),
        "series of 5 or more, visible or not, found": _of_share(series.large_seen_or_not),
        "series, false per 24 h": _of_rate(series.by_profile["tight"].false),
        "series, precision": _of_share(series.by_profile["tight"].precision),
        "series, count within 20 %": _of_share(series.count_in_20),
        "series, told after the third ended (s)": _median_of(series.delay),
        "single movements in found series, recall": _of_share(score.singles.recall_in_found),
        "jerk trains, found": _of_share(jerks.by_profile["tight"].sensitivity),
        "jerk trains, precision": _of_share(jerks.by_profile["tight"].precision),
        "rhythmic jerking, told in 30 s": _of_share(rhythmic.in_time),
        "rhythmic jerking, false per 24 h": _of_rate(rhythmic.by_profile["tight"].false),
        "stiffening, told in 30 s": _of_share(stiff.in_time),
        "stiffening, false per 24 h": _of_rate(stiff.by_profile["tight"].false),
        "urgent per 24 h": _of_rate(score.urgent.all),
        "urgent without a reason per 24 h": _of_rate(score.urgent.false),
        "of these on a true pattern, held or too short to ring": _of_rate(score.urgent.false_lesser),
        "reasons that rang": _of_share(score.urgent.rung),
    }
    if score.states is not None:
        found["sleep or awake, agreement"] = _of_share(score.states.sleep_wake)
    return found


_WANTED = (
    ("series of 5 or more visible, found", "validation", 0.90),
    ("series, false per 24 h", "no_clusters", 0.05),
    ("single movements in found series, recall", "validation", 0.75),
    ("series, count within 20 %", "validation", 0.50),
    ("series, told after the third ended (s)", "validation", 2.0),
    ("jerk trains, found", "validation", 0.90),
    ("jerk trains, precision", "validation", 0.90),
    ("urgent per 24 h", "jerk_nights", 0.1),
    ("rhythmic jerking, told in 30 s", "rare", 0.90),
    ("rhythmic jerking, false per 24 h", "validation", 0.2),
    ("rhythmic jerking, false per 24 h", "no_clusters", 0.2),
    ("stiffening, told in 30 s", "rare", 0.90),
    ("stiffening, false per 24 h", "validation", 0.2),
    ("stiffening, false per 24 h", "no_clusters", 0.2),
    ("sleep or awake, agreement", "validation", 0.90),
)
"""The targets. "Count within 20 %" is read as: of the typical series, so that half of them at least must be.
Delays: 2 s from the third movement's end to the subscriber are the target; radio and broker are not in here."""


def goals(scores: dict[str, Score]) -> list[Goal]:
    """Every target with its figure; the shifted population is held against the validation nights."""
    figures = {plan: figures_of(score) for plan, score in scores.items()}
    rows = [_goal(what, plan, limit, figures.get(plan, {}).get(what)) for what, plan, limit in _WANTED]
    if "validation" in figures and "shifted" in figures:
        rows += [
            _loss(what, whole, figures["shifted"].get(what))
            for what, whole in figures["validation"].items()
            if whole.more_is_better and any(what == row[0] for row in _WANTED)
        ]
    return rows


def _goal(what: str, plan: str, limit: float, figure: Figure | None) -> Goal:
    better = figure is None or figure.more_is_better
    wanted = f"{'>=' if better else '<='} {limit:g}"
    if figure is None:
        return Goal(what, plan, f"{limit:g}", "-", NOT_RUN)
    if figure.value is None:
        return Goal(what, plan, wanted, "-", NO_EVENTS)
    far = figure.low if better else figure.high
    met = figure.value >= limit if better else figure.value <= limit
    shown = far is not None and (far >= limit if better else far <= limit)
    return Goal(what, plan, wanted, figure.said, _verdict(met, shown))


def _loss(what: str, whole: Figure, shifted: Figure | None) -> Goal:
    wanted = f"loss <= {SHIFTED_LOSS:g}"
    if shifted is None or shifted.value is None or whole.value is None:
        return Goal(what, "shifted", wanted, "-", NO_EVENTS)
    loss = whole.value - shifted.value
    shown = shifted.low is not None and whole.value - shifted.low <= SHIFTED_LOSS
    said = f"{loss:+.3f}: {shifted.said}"
    return Goal(what, "shifted", wanted, said, _verdict(loss <= SHIFTED_LOSS, shown))


def _verdict(met: bool, shown: bool) -> str:
    if not met:
        return NOT_MET
    return MET if shown else NOT_SHOWN


def said_goals(rows: Sequence[Goal], scores: dict[str, Score]) -> str:
    """The table of targets."""
    nights = ", ".join(f"{name} {s.nights} x {s.hours / s.nights:.3g} h" for name, s in scores.items())
    widths = [max(len(getattr(r, f)) for r in rows) for f in ("what", "plan", "wanted", "verdict")]
    lines = [
        f"  {r.verdict:<{widths[3]}}  {r.what:<{widths[0]}}  {r.plan:<{widths[1]}}  {r.wanted:<{widths[2]}}  {r.said}"
        for r in rows
    ]
    return "\n".join([f"Targets on simulated nights ({nights})", *lines, ""])


def peer_table(rows: Sequence[Scored]) -> str:
    """What would ring here beside the alarms of OpenSeizureDetector's algorithm on the same nights."""
    both = {"urgent alerts": [r.ours for r in rows], "OpenSeizureDetector": [r.peer for r in rows]}
    lines = [
        "Alarms beside a peer: true events during which an alarm stood, and alarms without a reason to ring"
    ]
    labels = [label for label in rows[0].ours.truth if any(r.ours.truth[label] for r in rows)]
    lines += [f"  {'':<36}" + "".join(f"{name:<44}" for name in both)]
    infants, hours = [r.tally.infant for r in rows], [r.tally.hours for r in rows]
    for label in labels:
        cells = [
            said_share(share(infants, [t.touched[label] for t in ts], [t.truth[label] for t in ts]))
            for ts in both.values()
        ]
        lines.append(f"  {label:<36}" + "".join(f"{cell:<44}" for cell in cells))
    false = [said_rate(rate(infants, [t.false for t in ts], hours)) for ts in both.values()]
    lines.append(f"  {'without a reason, per 24 h':<36}" + "".join(f"{cell:<44}" for cell in false))
    stood = [_stood(ts, sum(hours)) for ts in both.values()]
    lines.append(f"  {'time in alarm':<36}" + "".join(f"{cell:<44}" for cell in stood))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _stood(rows: Sequence[AlarmTally], hours: float) -> str:
    return f"{100 * sum(t.alarm_s for t in rows) / (3600 * hours):.3g} %"
