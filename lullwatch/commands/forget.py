"""`lullwatch forget`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["forget"]


def forget(
    infant: str,
    *,
    journals: Path | None = None,
    yes: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Take an infant out of every journal for good; stop the monitor first. Other infants keep theirs.

    It cannot reach copies elsewhere and lists what to look for.

    Example: lullwatch forget a --journals lullwatch.toml

    Parameters
    ----------
    infant
        Id of the infant, as in the settings.
    journals
        The settings file or the folder of the journals; by default lullwatch.toml here, else ~/.local/share/lullwatch.
    yes
        Do not ask.
    as_json
        Print the result as JSON.
    """
    import sys

    from lullwatch.console import say, say_json
    from lullwatch.errors import NotConfirmed, NotKnown
    from lullwatch.where import journal_folder
    from store.forgetting import forget as take_out
    from store.forgetting import holding

    folder = journal_folder(journals)
    nights = holding(folder, infant)
    if not nights:
        raise NotKnown(folder, infant)
    if not yes:
        say(f"{len(nights)} nights in {folder} know infant {infant}: {nights[0].name} to {nights[-1].name}")
        say("Everything of this infant in them goes for good. To confirm, type the id again:")
        if sys.stdin.readline().strip() != infant:
            raise NotConfirmed(infant)
    done = take_out(folder, infant)
    if as_json:
        say_json(
            {"nights": [n.name for n in nights], "rows": done.rows, "deleted": [str(f) for f in done.files]}
        )
        return 0
    say(f"taken out: {done.rows:,} rows of {len(nights)} nights; deleted whole: {len(done.files)} files")
    say("Every file in the folder was searched: none speaks of this infant any more.")
    say("Not reached from here, look for the id there yourself:")
    for place in _ELSEWHERE:
        say(f"  {place.format(infant=infant)}")
    return 0


_ELSEWHERE = (
    "InfluxDB: points with the tag infant={infant}, in every bucket (docs/influxdb.md shows how to delete them)",
    "backups made with `lullwatch backup`, and whatever copies this computer's disk",
    "exports and replays: EDF+, Motion-BIDS, tables and pictures in other folders",
    "the MQTT broker and Home Assistant: retained topics lullwatch/+/{infant}/#, histories, phones' push messages",
    "the settings file, which still names the infant and its sensors",
)
