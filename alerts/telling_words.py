"""What a message says beyond the text of its alert: that it comes again, who answered, what a mute kept silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from alerts.catalogue import Catalogue
from alerts.severity import Table
from alerts.telling import Kind, Standing
from alerts.words import late_sentence
from dsp.records import Alert, Severity

__all__ = ["WHILE_MUTED", "is_old", "said_late", "text_of", "while_muted"]

WHILE_MUTED = "while_muted"
"""Pattern of the alert that tells together what a mute kept silent."""


def text_of(words: Catalogue, kind: Kind, alert: Alert, standing: Standing) -> tuple[str, str]:
    """Title and text of a message."""
    own, _, _ = alert.text.partition("\n")
    by = standing.acknowledged_by
    if kind is Kind.REPEAT:
        return words.text("telling.again", title=own), alert.text
    if kind is Kind.ANSWERED:
        title = words.text("telling.answered", by=by, title=own)
        return title, f"{title}\n{words.text('telling.answered_text', by=by)}\n{words.always}"
    if kind is Kind.FALSE_ALARM:
        title = words.text("telling.false_alarm", title=own)
        return title, f"{title}\n{words.text('telling.false_alarm_text', by=by)}\n{words.always}"
    return own, alert.text


def is_old(kind: Kind, alert: Alert, standing: Standing) -> bool:
    """Whether a message says what happened so long ago that it has to say when."""
    says_what = kind in (Kind.ALERT, Kind.REPEAT, Kind.UPDATE)
    return says_what and standing.past and alert.event_id is not None


def said_late(text: str, words: Catalogue, ago_ns: int) -> str:
    """The text with the sentence that it is late, where a late alert has it: before what was recorded."""
    lines = text.split("\n")
    begins = words.recorded.split("{")[0]
    place = next((n for n, line in enumerate(lines) if line.startswith(begins)), 1)
    lines.insert(place, late_sentence(words, ago_ns, None))
    return "\n".join(lines)


def while_muted(
    words: Catalogue,
    infant: str,
    alerts: Sequence[Alert],
    t_ns: int,
    *,
    clock: Callable[[int], str],
    table: Table,
) -> Alert:
    """The alert that tells what a mute kept silent. No counts stand in it: each alert's own record has them.

    Args:
        words: the texts.
        infant: whose.
        alerts: newest version of each that was kept silent and is over.
        t_ns: now.
        clock: a data time as a local time of day.
        table: the severity table in force.
    """
    ordered = sorted(alerts, key=lambda a: (a.onset_ns, a.id))
    title = words.text("telling.muted")
    lines = [
        words.text("telling.muted_line", time=clock(a.onset_ns), title=a.text.partition("\n")[0])
        for a in ordered
    ]
    urgent = any(a.severity is Severity.URGENT for a in ordered)
    ids = " ".join(a.id for a in ordered)
    look = [words.look, words.emergency] if urgent else []
    return Alert(
        id=f"alert-muted-{sha256(f'{infant}|{t_ns}|{ids}'.encode()).hexdigest()[:12]}",
        version=1,
        severity=Severity.NOTICE,
        infant=infant,
        t_ns=t_ns,
        pattern=WHILE_MUTED,
        event_id=None,
        onset_ns=min(a.onset_ns for a in ordered),
        end_ns=max(a.end_ns for a in ordered),
        count=0,
        rule=f"while-muted@{table.tag}",
        text="\n".join((title, *look, *lines, words.text("telling.muted_text"), words.always)),
        facts={"title": title, "announce": "push", "reach": "all" if urgent else "first", "muted": ids},
    )
