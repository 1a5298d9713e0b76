"""What a soak came to: memory, log, ledger, alerts, packets; and what of it may not be."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from soak_plan import INFANT, Plan

from alerts.proof import ACKNOWLEDGED, PUBLISHED, proof_of
from dsp.records import NS, Alert, Delivery, Severity, Usability
from lullwatch.coverage import holes_in
from store.journal import Journal
from store.recording import newest_of
from store.shelf import Shelf

__all__ = ["Findings", "Life", "look_at", "resident_mb"]

CHAIN = ("ann", "ben")
GROWTH_MOST = 0.02
WARM_UP_S = 3600.0
"""Memory is compared from an hour after a start on: until then caches and windows fill."""
LONG_H = 6.0
"""From so many hours on a soak that shows nothing of memory or alerts has not done its work."""
_ODD = re.compile(
    r"Traceback|Exception in|exception was never retrieved|had failed|Error:|CRITICAL", re.ASCII
)
_AT_ENDS = 3
"""Readings at either end of a life whose middle one counts."""


@dataclass(slots=True)
class Life:
    """One process of the monitor."""

    began_s: float
    """data time"""
    ended_s: float = 0.0
    status: int | None = None
    rss_mb: list[tuple[float, float]] = field(default_factory=list)
    """(data seconds since the soak began, megabytes)"""


@dataclass(slots=True)
class Findings:
    """Figures, and what is wrong."""

    hours: float
    pace: float
    kills: int
    broker_kills: int = 0
    nights: int = 0
    packets_made: int = 0
    packets_kept: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    minutes: Mapping[str, int] = field(default_factory=dict)
    ledger_h: float = 0.0
    holes: int = 0
    urgent: int = 0
    acknowledged: int = 0
    to_the_end_of_the_chain: int = 0
    unexplained: tuple[str, ...] = ()
    events: int = 0
    alerts: int = 0
    log_lines: int = 0
    odd_lines: tuple[str, ...] = ()
    last_life_h: float = 0.0
    rss_after_an_hour_mb: float = 0.0
    rss_at_the_end_mb: float = 0.0
    rss_most_mb: float = 0.0
    growth: float | None = None
    rss_mb: tuple[tuple[float, float], ...] = ()
    """(hours since the soak began, megabytes) of the last life"""
    statuses: tuple[int | None, ...] = ()

    def figures(self) -> dict[str, Any]:
        """For the evidence file."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"problems": self.problems}

    @property
    def problems(self) -> list[str]:
        """What may not be."""
        said = []
        if self.holes:
            said.append(f"the ledger has {self.holes} holes or overlaps")
        if self.ledger_h < self.hours - 0.1:
            said.append(f"the ledger holds {self.ledger_h:.2f} h of {self.hours:g}")
        if self.unexplained:
            said.append(f"urgent alerts neither answered nor at the end of the chain: {self.unexplained}")
        if self.odd_lines:
            said.append(f"the log speaks of exceptions: {self.odd_lines[:3]}")
        if self.growth is not None and self.growth > GROWTH_MOST:
            said.append(f"memory grew by {self.growth:.1%} after the first hour")
        if self.hours >= LONG_H and self.growth is None:
            said.append("the last life was too short to say whether memory grew")
        if self.hours >= LONG_H and not self.urgent:
            said.append("nothing rang, so that no chain was tried")
        if self.statuses and (self.statuses[-1] != 0 or any(s != -9 for s in self.statuses[:-1])):
            said.append(f"processes ended with {self.statuses}")
        return said


def resident_mb(pid: int) -> float:
    """Memory of a process without what it shares with others and only read: anonymous pages."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return float(line.split()[1]) / 1024
    return float("nan")


def look_at(folder: Path, plan: Plan, lives: Sequence[Life], *, faults: Mapping[str, int]) -> Findings:
    """Look at everything a soak has left in its folder."""
    found = Findings(
        plan.hours,
        plan.pace,
        kills=len(lives) - 1,
        broker_kills=plan.broker_kills,
        faults=dict(sorted(faults.items())),
    )
    found.statuses = tuple(life.status for life in lives)
    _memory(found, lives[-1])
    log = (folder / "child.log").read_text(encoding="utf-8", errors="replace").splitlines()
    found.log_lines, found.odd_lines = len(log), tuple(line for line in log if _ODD.search(line))
    _journals(found, folder / "journals")
    made = json.loads((folder / "ledger.json").read_bytes())
    found.packets_made = sum(len(packets) for packets in made.values())
    return found


def _memory(found: Findings, life: Life) -> None:
    found.last_life_h = round((life.ended_s - life.began_s) / 3600, 2)
    found.rss_most_mb = round(max((mb for _, mb in life.rss_mb), default=0.0), 1)
    found.rss_mb = tuple((round(at_s / 3600, 2), round(mb, 1)) for at_s, mb in life.rss_mb)
    warm = [mb for at_s, mb in life.rss_mb if at_s >= life.began_s + WARM_UP_S]
    if len(warm) < 2 * _AT_ENDS:
        return
    first, last = median(warm[:_AT_ENDS]), median(warm[-_AT_ENDS:])
    found.rss_after_an_hour_mb, found.rss_at_the_end_mb = round(first, 1), round(last, 1)
    found.growth = round(last / first - 1.0, 4)


def _journals(found: Findings, folder: Path) -> None:
    coverage, alerts, steps = [], {}, []
    for journal in _nights(folder):
        found.nights += 1
        coverage += journal.coverage(INFANT)
        alerts |= {alert.id: alert for alert in journal.alerts(INFANT)}
        steps += journal.deliveries()
        found.events += len({event.id for event in journal.events(INFANT)})
        found.packets_kept += sum(1 for _ in journal.packets(INFANT))
    minutes = newest_of(coverage, key=lambda c: c.t_ns)
    found.holes = len(holes_in(minutes))
    found.ledger_h = round(sum(c.span_ns for c in minutes) / (3600 * NS), 3)
    found.minutes = {u.value: sum(c.usability is u for c in minutes) for u in Usability}
    found.alerts = len(alerts)
    _chains(found, [a for a in alerts.values() if a.severity is Severity.URGENT], steps)


def _chains(found: Findings, urgent: Sequence[Alert], steps: Sequence[Delivery]) -> None:
    unexplained = []
    for alert in urgent:
        own = [step for step in steps if step.alert_id == alert.id]
        told = {proof_of(step).to for step in own if step.step == PUBLISHED}
        if any(step.step == ACKNOWLEDGED for step in own):
            found.acknowledged += 1
        elif told >= set(CHAIN):
            found.to_the_end_of_the_chain += 1
        else:
            unexplained.append(f"{alert.id} {alert.pattern} {dict(Counter(s.step for s in own))}")
    found.urgent, found.unexplained = len(urgent), tuple(unexplained)


def _nights(folder: Path) -> Iterator[Journal]:
    with Shelf(folder) as shelf:
        for path in shelf.nights():
            with shelf.opened(path.name) as journal:
                yield journal
