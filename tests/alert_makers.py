"""Short ways to make the records that the tests of alerts are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dsp.records import NS, Coverage, Event, EventStatus, Label, Site, State, Usability

T0 = 1_000_000 * NS
"""a data time to begin at"""


def event(
    label: Label = Label.SPASM_LIKE_CLUSTER, at_s: float = 0.0, long_s: float = 30.0, **more: Any
) -> Event:
    """An event row that begins `at_s` and lasts `long_s`, told when it ended unless said otherwise."""
    onset_ns, end_ns = T0 + int(at_s * NS), T0 + int((at_s + long_s) * NS)
    made = Event(
        id=f"{label.value}-{at_s:g}",
        version=1,
        status=EventStatus.NEW,
        label=label,
        infant="inf1",
        onset_ns=onset_ns,
        end_ns=end_ns,
        told_ns=end_ns + NS,
        count=14,
        sites=(Site.LA, Site.RA, Site.TR),
        side="both",
        state_before=State.ASLEEP,
        state_during=State.AWAKE,
        state_after=State.UNKNOWN,
        since_waking_s=370.0,
        interval_mean_s=9.5,
        interval_cv=0.4,
        match=0.95,
        confidence=0.9,
        conveyed=0.0,
        evidence=(),
        settings="1-abc",
    )
    return replace(made, **more)


def later(row: Event, long_s: float, **more: Any) -> Event:
    """The next row of the same event, now `long_s` long."""
    end_ns = row.onset_ns + int(long_s * NS)
    base = replace(
        row, version=row.version + 1, status=EventStatus.UPDATE, end_ns=end_ns, told_ns=end_ns + NS
    )
    return replace(base, **more)


def minute(n: int, usability: Usability, infant: str = "inf1") -> Coverage:
    """The n-th minute of coverage."""
    return Coverage(infant, T0 + n * 60 * NS, 60 * NS, usability, (), ((Site.LA, 1.0),))
