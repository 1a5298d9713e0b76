"""What the rules remember, and what they are told besides events: small frozen values, ready for a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from alerts.catalogue import Catalogue
from alerts.severity import Table
from alerts.words import Seen
from dsp.records import ClockRow, Label, Severity

__all__ = ["Arming", "Known", "OpenTrouble", "RuleState", "Sent", "Setting", "Trouble"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What stays the same while one fact is decided."""

    table: Table
    now_ns: int
    clock: ClockRow | None
    age_days: int | None
    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class Trouble:
    """Technical trouble began, or ended."""

    kind: str
    """a kind of the severity table, such as `battery`"""
    t_ns: int
    cleared: bool = False
    infant: str = ""
    """empty when it concerns the whole gateway"""
    detail: str = ""
    """which sensor, disk or server, in ids"""
    why: str = ""
    """for the facts of the alert, in English"""


@dataclass(frozen=True, slots=True)
class Arming:
    """Somebody began (or ended) to rely on the alerts: put to bed, taken out. Coverage counts from here."""

    infant: str
    t_ns: int
    armed: bool


@dataclass(frozen=True, slots=True)
class Known:
    """An event as the rules remember it."""

    id: str
    label: Label
    onset_ns: int
    end_ns: int
    count: int
    parent: str | None
    gone: bool = False
    """withdrawn, or merged into another"""
    alert: str | None = None
    """id of the alert that tells it"""


@dataclass(frozen=True, slots=True)
class Sent:
    """An alert as it was last told."""

    id: str
    version: int
    severity: Severity
    rule: str
    event: str
    """id of the event it tells now: a series takes over the alert of its first member"""
    essence: str
    """what its last version said, in short: when it stays the same, no further version is sent"""
    late: bool = False
    five_minutes: bool = False
    told_ns: int = 0
    """when its last version was decided"""


@dataclass(frozen=True, slots=True)
class OpenTrouble:
    """Technical trouble that has been told and not yet ended."""

    kind: str
    infant: str
    detail: str
    alert: str
    version: int
    since_ns: int


@dataclass(frozen=True, slots=True)
class RuleState:
    """Everything the rules remember of one infant (and of the gateway)."""

    events: tuple[Known, ...] = ()
    sent: tuple[Sent, ...] = ()
    troubles: tuple[OpenTrouble, ...] = ()
    blind_since_ns: int | None = None
    seen: Seen = field(default_factory=Seen)
    armed: bool = True
    """until somebody says otherwise, somebody relies on it"""

    def event(self, event_id: str | None) -> Known | None:
        """The event of this id, if it is remembered."""
        return next((e for e in self.events if e.id == event_id), None)

    def alert(self, alert_id: str | None) -> Sent | None:
        """The alert of this id, if it is remembered."""
        return next((a for a in self.sent if a.id == alert_id), None)

    def with_event(self, known: Known) -> RuleState:
        """With this event in place of the one of the same id."""
        return replace(self, events=(*(e for e in self.events if e.id != known.id), known))

    def with_alert(self, sent: Sent) -> RuleState:
        """With this alert in place of the one of the same id."""
        return replace(self, sent=(*(a for a in self.sent if a.id != sent.id), sent))

    def of_before(self) -> RuleState:
        """What a detector that begins anew goes on with: what happened and was told, nothing of how it is watched."""
        return RuleState(self.events, self.sent, self.troubles)

    def since(self, t_ns: int) -> RuleState:
        """Without the events that ended before `t_ns`, and without alerts that tell none of the others."""
        if all(e.end_ns >= t_ns for e in self.events):
            return self
        events = tuple(e for e in self.events if e.end_ns >= t_ns)
        told = {e.alert for e in events}
        return replace(self, events=events, sent=tuple(a for a in self.sent if a.id in told))
