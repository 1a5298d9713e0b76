"""Which recorded pattern asks how much of a person: one readable, versioned table, and how a row is matched.

The rows say why. Where two rows match, the more severe one holds; what seems harmless never lowers by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsp.records import NS, Event, EventStatus, Label, Severity
from dsp.settings import CLEAR_MATCH

__all__ = ["RANK", "TABLE", "Condition", "Past", "Row", "Table", "TechnicalRow", "judge"]

RANK = {Severity.DIARY: 0, Severity.TECHNICAL: 1, Severity.NOTICE: 2, Severity.URGENT: 3}
"""Order of the severities; TECHNICAL stands apart and is ranked only so that sorting is total."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of an event. Fields left at their default ask for nothing; all that are set must hold."""

    labels: tuple[Label, ...] = ()
    """empty: any label"""
    over_s: float | None = None
    """lasts longer than this"""
    from_s: float | None = None
    """lasts at least this long"""
    episode_over_s: float | None = None
    """its episode lasts longer than this, and no event of it was told for that yet"""
    clear: bool = False
    """its pattern match is clear"""
    times: int = 1
    """so many events of these labels, this one among them, with onsets within `within_s` of each other"""
    within_s: float = 0.0
    one_sided: bool = False
    alone: bool = False
    """has ended and is part of no series"""
    from_age_days: int | None = None
    """the infant is known to be at least so old"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    id: str
    when: Condition
    severity: Severity
    reason: str
    conveyed: Severity | None = None
    """severity instead, where the event lies wholly inside conveyed motion; None: the same"""


@dataclass(frozen=True, slots=True)
class TechnicalRow:
    """One kind of technical trouble."""

    kind: str
    rings: bool
    """rings once; otherwise it is shown silently"""
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """The whole severity table with its limits."""

    version: int
    rows: tuple[Row, ...]
    technical: tuple[TechnicalRow, ...]
    clear_match: float = CLEAR_MATCH
    """pattern match from which on it is called clear"""
    conveyed_share: float = 0.999
    """share of an event inside conveyed motion from which on it lies wholly inside; rounding aside this is 1"""
    late_limit_s: float = 3600.0
    """an urgent pattern found later than this after its end no longer rings"""
    late_mark_s: float = 300.0
    """a first message this long after the end of the event is marked as late"""
    five_minutes_s: float = 300.0
    """a long movement of this length meets an emergency criterion by itself"""
    updates_apart_s: float = 30.0
    """a series that only grows is told again no sooner than this: one alert with updates, not one for every jerk"""
    blind_s: float = 300.0
    """blind, or deciding behind, for longer than this is an alarm"""
    mute_most_count: int = 30
    """a series of more brief movements than this is heard through any mute: it is larger than most are"""
    mute_most_s: float = 300.0
    """what goes on for so long is heard through any mute: it meets an emergency criterion by itself"""
    memory_s: float = 24 * 3600.0
    """how long an event is remembered; no `within_s` may be longer"""
    changed: str = ""
    """digest of the limits that the settings changed; empty: none"""

    @property
    def tag(self) -> str:
        """What stands in each alert: the version, and the digest of what was changed."""
        return f"{self.version}-{self.changed}" if self.changed else str(self.version)

    def technical_row(self, kind: str) -> TechnicalRow:
        """The row of a kind of trouble; a kind the table does not know is shown silently."""
        for row in self.technical:
            if row.kind == kind:
                return row
        return TechnicalRow(kind, rings=False, reason="unknown to this table: shown, never hidden")


@dataclass(frozen=True, slots=True)
class Past:
    """What `judge` needs to know of an earlier event."""

    id: str
    label: Label
    onset_ns: int
    told_by: str = ""
    """id of the row it was told by last; empty: not told"""


_U, _N, _D = Severity.URGENT, Severity.NOTICE, Severity.DIARY
_CLUSTER = (Label.SPASM_LIKE_CLUSTER,)
_STIFF = (Label.STIFFENING,)
_TRAIN = (Label.SLEEP_JERK_TRAIN,)

TABLE = Table(
    version=1,
    rows=(
        Row(
            "long-movement",
            Condition((Label.LONG_MOVEMENT,)),
            _U,
            "a minute of stiffening or jerking: the 5-minute emergency criterion may be near",
            conveyed=_N,
        ),
        Row(
            "jerking-10s",
            Condition((Label.RHYTHMIC_JERKING,), over_s=10.0),
            _U,
            "rhythmic jerking that goes on; rhythm, and sleep, are no reason to wait",
            conveyed=_N,
        ),
        Row(
            "series-clear",
            Condition(_CLUSTER, clear=True),
            _U,
            "repeated brief movements that match clearly: to be seen and filmed while they go on",
            conveyed=_N,
        ),
        Row(
            "series-weak-twice",
            Condition(_CLUSTER, times=2, within_s=86400.0),
            _U,
            "series recur, typically several a day: the second within a day makes the weak match count",
            conveyed=_N,
        ),
        Row(
            "stiffening-10s",
            Condition(_STIFF, from_s=10.0),
            _U,
            "stretching takes 2 to 8 s; a posture held for 10 s is to be looked at",
            conveyed=_N,
        ),
        Row(
            "stiffening-3-in-30min",
            Condition(_STIFF, times=3, within_s=1800.0),
            _U,
            "stiffening in series",
            conveyed=_N,
        ),
        Row(
            "brief-alone",
            Condition((Label.SPASM_LIKE,), alone=True),
            _N,
            "one in five comes outside a series",
        ),
        Row(
            "series-weak",
            Condition(_CLUSTER),
            _N,
            "a first series with a weak match: to be known, not to ring",
        ),
        Row("stiffening", Condition(_STIFF), _N, "a single short stiffening"),
        Row(
            "train-one-sided",
            Condition(_TRAIN, one_sided=True, alone=True),
            _N,
            "jerks asleep are mostly two-sided; one side, known when they are over, is worth mentioning to a doctor",
        ),
        Row(
            "train-long",
            Condition(_TRAIN, episode_over_s=1200.0),
            _N,
            "episodes of jerks asleep last seconds to 20 minutes",
        ),
        Row(
            "train-late-for-age",
            Condition(_TRAIN, from_age_days=183),
            _N,
            "jerks asleep that go on past six months of age are worth mentioning to a doctor",
        ),
        Row("rest", Condition(), _D, "everything else is recorded and shown on the page and in the report"),
    ),
    technical=(
        TechnicalRow("blind", rings=True, reason="nobody watches while the sensors see nothing"),
        TechnicalRow("behind", rings=True, reason="what is told so late brings nobody to the cot in time"),
        TechnicalRow("battery", rings=False, reason="less than the night is left"),
        TechnicalRow(
            "link", rings=False, reason="a sensor's radio link is lost; blind rings when all see nothing"
        ),
        TechnicalRow("sensor", rings=False, reason="a sensor is off or sits loose"),
        TechnicalRow("security", rings=False, reason="what answers for a sensor is not shown to be it"),
        TechnicalRow("firmware", rings=False, reason="a sensor speaks another version of the profile"),
        TechnicalRow("slots", rings=False, reason="the adapter holds no connection for one more sensor"),
        TechnicalRow("clock", rings=False, reason="times may be wrong"),
        TechnicalRow("disk", rings=False, reason="recording ends when the disk is full"),
        TechnicalRow("broker", rings=False, reason="messages wait in the journal"),
        TechnicalRow("database", rings=False, reason="copies wait in the journal"),
        TechnicalRow(
            "service", rings=False, reason="the pages keep ending; that the monitor does is rung past it"
        ),
        TechnicalRow("self_test", rings=False, reason="a test alert did not come through"),
    ),
)


def judge(
    event: Event, past: Iterable[Past], table: Table = TABLE, *, age_days: int | None = None
) -> tuple[Row, Severity]:
    """The most severe row that matches an event, the earlier one of equals, and its severity.

    Args:
        event: the newest row of the event.
        past: other events of the infant that stand, this one may be among them.
        table: the severity table.
        age_days: age of the infant, None when unknown.
    """
    others = tuple(p for p in past if p.id != event.id)
    conveyed = event.conveyed >= table.conveyed_share
    best: tuple[Row, Severity] | None = None
    for row in table.rows:
        if not _holds(row, event, others, table, age_days):
            continue
        severity = row.conveyed if conveyed and row.conveyed is not None else row.severity
        if best is None or RANK[severity] > RANK[best[1]]:
            best = (row, severity)
    if best is None:
        msg = f"table {table.version} has no row for {event.label.value}; its last row must match everything"
        raise LookupError(msg)
    return best


def _holds(row: Row, event: Event, others: tuple[Past, ...], table: Table, age_days: int | None) -> bool:
    when = row.when
    if when.labels and event.label not in when.labels:
        return False
    return (
        (when.over_s is None or event.duration_s > when.over_s)
        and (when.from_s is None or event.duration_s >= when.from_s)
        and (when.episode_over_s is None or _goes_on(row, when.episode_over_s, event, others))
        and (not when.clear or event.match >= table.clear_match)
        and (not when.one_sided or event.side in ("left", "right"))
        and _stands_alone(when, event)
        and (when.from_age_days is None or (age_days is not None and age_days >= when.from_age_days))
        and (when.times <= 1 or _recurs(when, event, others))
    )


def _goes_on(row: Row, over_s: float, event: Event, others: tuple[Past, ...]) -> bool:
    """Whether the event's episode is longer than that, and none of its other events was told for it."""
    long_s = event.duration_s if event.episode_s is None else event.episode_s
    begun_ns = event.end_ns - round(long_s * NS)
    return long_s > over_s and not any(p.told_by == row.id and p.onset_ns >= begun_ns for p in others)


def _stands_alone(when: Condition, event: Event) -> bool:
    return not when.alone or (event.status is EventStatus.END and event.parent is None)


def _recurs(when: Condition, event: Event, others: tuple[Past, ...]) -> bool:
    """Whether some window of `within_s` around the event holds `times` onsets, its own among them."""
    span_ns = int(when.within_s * NS)
    onsets = sorted([event.onset_ns, *(p.onset_ns for p in others if p.label in when.labels)])
    return any(
        last - first <= span_ns and first <= event.onset_ns <= last
        for first, last in zip(onsets, onsets[when.times - 1 :], strict=False)
    )
