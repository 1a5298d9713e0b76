"""What `lullwatch self-test` asks of the running monitor, and how its answer is put into words."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from .control import ask
from .errors import NoMonitor
from .self_test import WAIT_S, Outcome
from .settings import load

__all__ = ["ASK", "BY", "outcome_of", "told"]

ASK = "self-test"
BY = "command-line"
_PATIENCE_S = WAIT_S + 120.0
"""The movements are detected on in seconds, on a slow computer in a minute; then the channels have their time."""


def outcome_of(settings: Path) -> Outcome:
    """Have the monitor that runs with these settings test itself.

    Raises:
        BadSettings: the settings cannot be read.
        NoMonitor: it does not run, or does not answer.
    """
    folder = Path(load(settings).journal_dir).expanduser()
    answer = asyncio.run(ask(folder, ASK, timeout_s=_PATIENCE_S))
    try:
        return msgspec.convert(answer, Outcome)
    except msgspec.ValidationError as error:
        raise NoMonitor(folder, f"it answered {answer.get('error', error)}") from error


def told(settings: Path, outcome: Outcome) -> list[str]:
    """The outcome in words, in the language of the settings."""
    read = load(settings)
    words, began = read.wording.catalogue, datetime.fromisoformat(outcome.at).astimezone(ZoneInfo(read.zone))
    lines = [words.text(f"self_test.{outcome.result}", time=f"{began:%H:%M}", why=outcome.why)]
    for way in outcome.ways:
        key = "self_test.reached" if way.ok else "self_test.not_reached"
        seconds = "" if way.after_s is None else f"{way.after_s:.1f}"
        lines.append(words.text(key, person=way.person, channel=way.channel, seconds=seconds, why=way.why))
    return lines
