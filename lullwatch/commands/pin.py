"""`lullwatch pin`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["pin"]


def pin(
    event: str = "",
    *,
    journals: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Keep the raw data of an event for good, five minutes more on both sides; without an event, list what is kept.

    Example: lullwatch pin e-3f9a0c21b7d4 --journals lullwatch.toml

    Parameters
    ----------
    event
        Id of the event, as in the events tables and in MQTT messages.
    journals
        The settings file or the folder of the journals; by default lullwatch.toml here, else ~/.local/share/lullwatch.
    as_json
        Print the result as JSON.
    """
    from dsp.records import NS
    from lullwatch.console import say, say_json
    from lullwatch.pinning import pin as keep
    from lullwatch.pinning import pins
    from lullwatch.where import journal_folder

    folder = journal_folder(journals)
    found = keep(folder, event) if event else pins(folder)
    if as_json:
        say_json(
            [
                {
                    "night": p.night,
                    "infant": p.pin.infant,
                    "event": p.pin.event_id,
                    "onset_ns": p.pin.onset_ns,
                    "end_ns": p.pin.end_ns,
                }
                for p in found
            ]
        )
        return 0
    for pinned in found:
        minutes = (pinned.pin.end_ns - pinned.pin.onset_ns) / (60 * NS)
        say(f"{pinned.night}  {pinned.pin.event_id}  {minutes:.1f} min of raw data stay")
    if not found:
        say("nothing is pinned" if not event else "the raw data of this event is gone already")
    return 0 if found or not event else 1
