"""The records that cross rooms, and the words they are written in.

They live here because `dsp` is the ground: every room may import it and it imports none of them.
All times are integer nanoseconds of *data time*, a continuous timeline of the gateway that knows no
time zone and never steps back; UTC is applied at the edge, through journalled `ClockRow` rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntFlag, StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BIAS",
    "NS",
    "SELF_TEST",
    "Alert",
    "ClockRow",
    "Config",
    "Context",
    "ContextKind",
    "Counts",
    "Coverage",
    "Cutoff",
    "Delivery",
    "Epoch",
    "Event",
    "EventStatus",
    "Evidence",
    "Item",
    "Label",
    "LinkSample",
    "Note",
    "Opinion",
    "Output",
    "Packet",
    "Pin",
    "Scale",
    "Segment",
    "SegmentFlag",
    "Severity",
    "Site",
    "State",
    "StateEpoch",
    "Stretch",
    "Tick",
    "Usability",
    "Watchfulness",
    "Watching",
]

NS = 1_000_000_000
"""Nanoseconds in a second."""

SELF_TEST = "selftest"
"""Id of the infant that no child may have: what is recorded and told of it is a test."""

Counts = NDArray[np.int16]
"""Raw sensor counts, shape (n, axes): axes is 3 (acceleration) or 6 (acceleration, then angular rate)."""


class Site(StrEnum):
    """Where on the body a sensor sits."""

    LA = "LA"
    """left ankle (sock)"""
    RA = "RA"
    """right ankle (sock)"""
    TR = "TR"
    """trunk (onesie)"""
    LW = "LW"
    """left wrist"""
    RW = "RW"
    """right wrist"""
    HD = "HD"
    """head"""


class State(StrEnum):
    """Sleep state of a 30 s epoch."""

    AWAKE = "awake"
    ACTIVE_SLEEP = "active_sleep"
    QUIET_SLEEP = "quiet_sleep"
    ASLEEP = "asleep"
    """asleep, active and quiet sleep cannot be told apart"""
    UNKNOWN = "unknown"

    @property
    def is_sleep(self) -> bool:
        """Whether the infant sleeps in this state."""
        return self in (State.ACTIVE_SLEEP, State.QUIET_SLEEP, State.ASLEEP)


class Label(StrEnum):
    """Pattern names of the research exports. They name what a movement looks like, never a cause."""

    SPASM_LIKE = "spasm_like"
    SPASM_LIKE_CLUSTER = "spasm_like_cluster"
    SLEEP_JERK_TRAIN = "sleep_jerk_train"
    RHYTHMIC_JERKING = "rhythmic_jerking"
    STIFFENING = "stiffening"
    LONG_MOVEMENT = "long_movement"
    STARTLE = "startle"
    TREMOR = "tremor"
    HICCUPS = "hiccups"
    ROCKING = "rocking"
    TWITCHES = "twitches"
    MOVEMENT = "movement"

    @property
    def wire(self) -> str:
        """The name people and their systems see (MQTT, pages, reports): neutral, without any disease."""
        return _WIRE_NAMES[self]


_WIRE_NAMES: dict[Label, str] = {
    Label.SPASM_LIKE: "brief_strong_movement",
    Label.SPASM_LIKE_CLUSTER: "repeated_brief_movements",
    Label.SLEEP_JERK_TRAIN: "rhythmic_jerks_asleep",
    Label.RHYTHMIC_JERKING: "rhythmic_jerking",
    Label.STIFFENING: "stiffening",
    Label.LONG_MOVEMENT: "long_stiffening_or_jerking",
    Label.STARTLE: "startle",
    Label.TREMOR: "trembling",
    Label.HICCUPS: "hiccup_like",
    Label.ROCKING: "rocking",
    Label.TWITCHES: "small_twitches",
    Label.MOVEMENT: "movement",
}


class Severity(StrEnum):
    """How much an alert asks of a person."""

    URGENT = "urgent"
    NOTICE = "notice"
    DIARY = "diary"
    TECHNICAL = "technical"


class EventStatus(StrEnum):
    """What a row of an event's life says."""

    NEW = "new"
    UPDATE = "update"
    RELABEL = "relabel"
    END = "end"
    WITHDRAWN = "withdrawn"


class Usability(StrEnum):
    """How much of a minute could be seen."""

    USABLE = "usable"
    DEGRADED = "degraded"
    BLIND = "blind"


class SegmentFlag(IntFlag):
    """What the sensor or the link said about a stretch of samples."""

    NONE = 0
    CLIPPED = 1
    """at least one sample stood at the end of the measuring range"""
    RESTART = 2
    """the sensor started anew with this stretch"""
    BACKFILL = 4
    """fetched from the sensor's backlog, not live"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Physical units of one count: g for acceleration, degrees per second for angular rate."""

    acc_g: float
    gyro_dps: float


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One notification as its driver decoded it: counts on the sensor's own clock."""

    site: Site
    sensor: str
    boot: int
    """random id the sensor draws at each start"""
    seq: int
    """number of the packet since the sensor's start; steps of one"""
    clock: int
    """sensor clock at the first sample, in ticks, as sent (it wraps)"""
    rate_hz: float
    """nominal sampling rate"""
    scale: Scale
    counts: Counts
    flags: SegmentFlag
    arrived_ns: int
    """data time at which the gateway received it"""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Evenly spaced samples of one sensor on the gateway's timeline: what `dsp` and the journal work on.

    Sample i was taken at ``t0_ns + i * step_ns``. Two segments are equal when every field and count is.
    """

    site: Site
    sensor: str
    boot: int
    seq: int
    t0_ns: int
    step_ns: int
    counts: Counts
    scale: Scale
    flags: SegmentFlag = SegmentFlag.NONE

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.shape[0])

    @property
    def end_ns(self) -> int:
        """Time at which the sample after the last one would be taken."""
        return self.t0_ns + self.n * self.step_ns

    def _key(self) -> tuple[object, ...]:
        return (
            self.site,
            self.sensor,
            self.boot,
            self.seq,
            self.t0_ns,
            self.step_ns,
            self.scale,
            self.flags,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segment):
            return NotImplemented
        return self._key() == other._key() and np.array_equal(self.counts, other.counts)

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Many segments of one sensor start, in the order of time: a recording at rest, as columns instead of rows.

    Feeding it is feeding its segments one by one. The columns have shape (segments,) and type int64.
    """

    site: Site
    sensor: str
    boot: int
    scale: Scale
    seqs: NDArray[np.int64]
    t0s_ns: NDArray[np.int64]
    steps_ns: NDArray[np.int64]
    ns: NDArray[np.int64]
    """samples of each segment"""
    firsts: NDArray[np.int64]
    """index in `counts` of each segment's first sample"""
    flags: NDArray[np.int64]
    counts: Counts
    """may hold more than the segments' samples"""

    def __len__(self) -> int:
        return int(self.ns.size)

    @property
    def t0_ns(self) -> int:
        """Time of the first sample."""
        return int(self.t0s_ns[0])

    @property
    def end_ns(self) -> int:
        """Time at which the sample after the last one would be taken."""
        return int((self.t0s_ns + self.ns * self.steps_ns).max())

    def part(self, a: int, b: int) -> Stretch:
        """Segments a to b - 1; the counts are shared."""
        cut = slice(a, b)
        return replace(
            self, seqs=self.seqs[cut], t0s_ns=self.t0s_ns[cut], steps_ns=self.steps_ns[cut], ns=self.ns[cut],
            firsts=self.firsts[cut], flags=self.flags[cut],
        )  # fmt: skip

    def segments(self) -> Iterator[Segment]:
        """The segments as records of their own."""
        columns = (self.seqs, self.t0s_ns, self.steps_ns, self.ns, self.firsts, self.flags)
        for seq, t0_ns, step_ns, n, first, flags in zip(*(c.tolist() for c in columns), strict=True):
            yield Segment(
                self.site, self.sensor, self.boot, seq, t0_ns, step_ns, self.counts[first : first + n],
                self.scale, SegmentFlag(flags),
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """Time goes on, also when every link is silent.

    Closes what is decided together: a second of data at most, or five while deciding is behind.
    """

    t_ns: int


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Nothing of this site from before `t_ns` is waited for any longer."""

    site: Site
    t_ns: int


Item = Segment | Stretch | Tick | Cutoff
"""What the pipeline is fed. The order of the items is part of the data."""


BIAS = "bias"
"""Name of the evidence that holds before anything is measured."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One named measurement that spoke for or against a label.

    A label that hangs on several questions has the question before the name, as in `own.beat_strays`; rows of one
    question add up.
    """

    name: str
    value: float
    contribution: float
    """in log-odds for the event's label; negative speaks against it"""

    @property
    def question(self) -> str:
        """What stands before the name; empty for the label itself."""
        return self.name.rpartition(".")[0]

    @property
    def measured(self) -> str:
        """The name without its question."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the life of an event; rows with the same id are the same event, `version` counts them."""

    id: str
    version: int
    status: EventStatus
    label: Label
    infant: str
    onset_ns: int
    end_ns: int
    told_ns: int
    """data time up to which the pipeline had looked when it told this row"""
    count: int
    """brief movements or jerks in it"""
    sites: tuple[Site, ...]
    side: str
    """left, right, both or unknown"""
    state_before: State
    state_during: State
    state_after: State
    since_waking_s: float | None
    """seconds between the last seen waking and the onset; None when none was seen"""
    interval_mean_s: float | None
    """mean onset-to-onset interval of its members"""
    interval_cv: float | None
    """coefficient of variation of those intervals"""
    match: float
    """pattern match, 0 to 1; people are shown only weak or clear"""
    confidence: float
    """0 to 1: lowered by missing sites, missing angular rate, conveyed motion, unknown state"""
    conveyed: float
    """share of its duration that lies inside conveyed motion"""
    evidence: tuple[Evidence, ...]
    settings: str
    """version and digest of the detector's settings"""
    parent: str | None = None
    merged_into: str | None = None
    relabelled_from: Label | None = None
    reason: str = ""
    """why it was relabelled, merged or withdrawn; empty otherwise"""
    late: bool = False
    episode_s: float | None = None
    """of a train of sleep jerks: seconds from the onset of its episode's first train to its own end"""

    @property
    def duration_s(self) -> float:
        """Seconds from onset to the last end that is known."""
        return (self.end_ns - self.onset_ns) / NS


@dataclass(frozen=True, slots=True)
class Epoch:
    """30 s of one site: activity, noise floor and whether the sensor could be used."""

    infant: str
    site: Site
    t_ns: int
    span_ns: int
    present: float
    """share of the epoch with samples, 0 to 1"""
    worn: bool
    clipped: float
    """share of samples at the end of the range"""
    activity_g: float
    """root mean square of band-passed acceleration"""
    floor_g: float
    """adaptive noise floor of the same quantity"""
    rate_dps: float | None
    """root mean square angular rate; None without a gyro"""
    posture: tuple[float, float, float]
    """gravity direction in the sensor's frame, in g; zeros when unseen"""


@dataclass(frozen=True, slots=True)
class StateEpoch:
    """Sleep state of one 30 s epoch of one infant."""

    infant: str
    t_ns: int
    span_ns: int
    state: State
    probability: float
    breathing_hz: float | None
    breathing_regularity: float | None
    """0 (none) to 1 (a pure tone)"""
    arousal_ns: int | None
    """time of an arousal that began inside the epoch"""


class ContextKind(StrEnum):
    """Circumstances that overlap events and lower confidence; they delete nothing."""

    CONVEYED = "conveyed"
    LOOSE = "loose"
    NOT_WORN = "not_worn"


@dataclass(frozen=True, slots=True)
class Context:
    """An interval in which a circumstance held.

    A loose sensor is told when it begins, too, with an end equal to its onset; the last row told of a kind, its sites
    and an onset is the last word.
    """

    infant: str
    kind: ContextKind
    onset_ns: int
    end_ns: int
    sites: tuple[Site, ...]
    confidence: float


Output = Event | Epoch | StateEpoch | Context
"""What the pipeline tells."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A message to people, decided by the rules from events or technical trouble."""

    id: str
    version: int
    severity: Severity
    infant: str
    t_ns: int
    """data time of the decision"""
    pattern: str
    """wire name of the event, or the name of the technical trouble"""
    event_id: str | None
    onset_ns: int
    end_ns: int
    count: int
    rule: str
    """name and version of the row of the severity table that fired"""
    text: str
    """what a person reads"""
    facts: dict[str, str | float | int | None] = field(default_factory=dict)
    late: bool = False
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One step on an alert's way to a person."""

    alert_id: str
    version: int
    t_ns: int
    channel: str
    step: str
    """raised, published, received, acknowledged, failed"""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person wrote down. It is corrected by a further row, never edited."""

    infant: str
    t_ns: int
    kind: str
    text: str
    author: str
    facts: tuple[tuple[str, str | float | int | bool], ...] = ()
    """what its kind asks for, by name: a dose, a temperature"""
    id: str = ""
    """by which a later row corrects it; empty where nobody can"""
    corrects: str = ""
    """id of the note that this one stands instead of"""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person says an event looks like: stands beside the machine's label, never instead of it."""

    infant: str
    event_id: str
    t_ns: int
    """data time at which it was said"""
    by: str
    role: str
    """caregiver or reviewer"""
    label: str
    """what it looks like in their eyes: a `Label`, or a further word that their role may use"""
    text: str = ""
    basis: str = ""
    """what a reviewer looked at"""
    blind: bool = False
    """whether the machine's label was hidden meanwhile"""


class Watchfulness(StrEnum):
    """Whether somebody relies on being called."""

    ARMED = "armed"
    PAUSED = "paused"
    """for minutes, by a person: bath, feed, care"""
    DISARMED = "disarmed"
    """by the schedule or a person, until it is armed again"""


@dataclass(frozen=True, slots=True)
class Watching:
    """From `t_ns` on an infant is watched so. Recording and detecting go on whatever it says."""

    infant: str
    t_ns: int
    state: Watchfulness
    until_ns: int | None = None
    """when a pause ends by itself; None where it holds until further notice"""
    reason: str = ""
    """`bath`, `feed`, `care`; `schedule`, `no-date`; `resumed`; or empty"""
    by: str = ""
    """who asked, as an id; empty: the gateway itself"""


@dataclass(frozen=True, slots=True)
class Pin:
    """Raw data of this span is kept whatever the retention: somebody wants to come back to it."""

    infant: str
    onset_ns: int
    end_ns: int
    event_id: str
    """event it was pinned for; empty when it was the span alone"""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of one minute of one infant could be seen, and why not more."""

    infant: str
    t_ns: int
    span_ns: int
    usability: Usability
    causes: tuple[str, ...]
    seen: tuple[tuple[Site, float], ...]
    """share of the minute with samples, by site"""


@dataclass(frozen=True, slots=True)
class LinkSample:
    """State of one sensor's link at a moment."""

    site: Site
    sensor: str
    t_ns: int
    state: str
    received: int
    lost: int
    backfilled: int
    battery: int | None
    rssi: int | None
    residual_ms: float | None
    """how far the last packet's arrival lay from the clock fit"""
    latency_ms: float | None = None
    """95th percentile, since the sample before, of how long live packets were on their way beyond the shortest way"""


@dataclass(frozen=True, slots=True)
class ClockRow:
    """Ties data time to UTC: at data time `t_ns` the computer's clock showed `utc_ns`."""

    t_ns: int
    utc_ns: int
    boot: str
    """id of the gateway's boot"""
    zone: str
    """IANA name of the night's time zone"""
    monotonic_ns: int = 0
    """the gateway's boot-time clock at the same moment; ties a restart within one boot to the same timeline"""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings in force from `t_ns` on; `digest` is the hash of `text`."""

    t_ns: int
    digest: str
    text: str
