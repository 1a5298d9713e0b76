"""Mutes: which patterns of which infant stay silent until when, and what no mute ever hides."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.proof import COMMAND, proof_of
from alerts.severity import Table
from dsp.records import NS, Alert, Delivery, Label, Severity

__all__ = ["MUTABLE", "Mute", "Mutes", "breaks_through"]

MUTABLE = frozenset(label.wire for label in Label if label is not Label.LONG_MOVEMENT)
"""Patterns that a mute may name. A minute of stiffening or jerking is never kept silent."""


@dataclass(frozen=True, slots=True)
class Mute:
    """One pattern of one infant, silent until an end that was set when it began."""

    by: str
    since_ns: int
    until_ns: int


def breaks_through(alert: Alert, table: Table) -> bool:
    """Whether the alert is worse than what a person may have had in mind who muted its pattern."""
    return (
        alert.severity is Severity.TECHNICAL
        or alert.pattern not in MUTABLE
        or alert.count > table.mute_most_count
        or (alert.end_ns - alert.onset_ns) / NS >= table.mute_most_s
    )


class Mutes:
    """All mutes, as the commands in the journal say. A newer one of a pattern replaces the older."""

    def __init__(self) -> None:
        self._by_pattern: dict[tuple[str, str], Mute] = {}

    def fold(self, row: Delivery) -> None:
        """Take a row of the journal; those that are no carried out mutes change nothing."""
        said = proof_of(row)
        if row.step != COMMAND or said.asked != "mute" or not said.ok or said.minutes is None:
            return
        until_ns = row.t_ns + said.minutes * 60 * NS
        patterns = said.patterns or tuple(p for infant, p in self._by_pattern if infant == said.infant)
        for pattern in patterns:
            self._by_pattern[said.infant, pattern] = Mute(said.by, row.t_ns, until_ns)

    def over(self, alert: Alert, now_ns: int, table: Table) -> Mute | None:
        """The mute that keeps this alert silent now, if there is one."""
        mute = self._by_pattern.get((alert.infant, alert.pattern))
        if mute is None or now_ns >= mute.until_ns or breaks_through(alert, table):
            return None
        return mute

    def standing(self, infant: str, now_ns: int) -> dict[str, Mute]:
        """Mutes of the infant that have not ended, by pattern."""
        return {p: m for (i, p), m in self._by_pattern.items() if i == infant and now_ns < m.until_ns}
