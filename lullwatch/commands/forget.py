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
    """Take an infant out of every night for good; stop the monitor first, the pages may run on. Others keep theirs.

    It cannot reach copies elsewhere and lists what to look for. In a backup the same command does the same.

    Example: lullwatch forget a --journals lullwatch.toml

    Example: lullwatch forget a --journals /media/usb/lullwatch

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
    from store.forgetting import going_whole, holding, is_begun

    folder = journal_folder(journals)
    nights = holding(folder, infant)
    if not nights and not is_begun(folder, infant):
        raise NotKnown(folder, infant)
    if not yes:
        named = ": " + " to ".join(dict.fromkeys((nights[0].name, nights[-1].name))) if nights else ""
        say(f"Infant {infant} is in {_counted(len(nights), 'night')} in {folder}{named}")
        for path in going_whole(folder, infant):
            say(f"  deleted whole: {path.name}")
        say("Everything of this infant in there goes for good. To confirm, type the id again:")
        if sys.stdin.readline().strip() != infant:
            raise NotConfirmed(infant)
    done = take_out(folder, infant)
    if as_json:
        say_json(
            {
                "nights": [n.name for n in nights],
                "rows": done.rows,
                "deleted": [str(f) for f in done.files],
                "still_in": [str(f) for f in done.settings],
            }
        )
        return 0
    said = f"{done.rows:,} rows of {_counted(len(nights), 'night')}"
    say(f"taken out: {said}; deleted whole: {_counted(len(done.files), 'file')}")
    but = " but what is yours to change:" if done.settings else "."
    say(f"Every file in the folder was searched: none speaks of this infant any more{but}")
    for path in done.settings:
        say(f"  {path} still does: take [[infants]] {infant}, and whatever else names it, out of it yourself")
    say("Not reached from here, look for the id there yourself:")
    for place in _ELSEWHERE:
        say(f"  {place.format(infant=infant)}")
    return 0


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


_ELSEWHERE = (
    "InfluxDB: points with the tag infant={infant}, in every bucket (docs/influxdb.md shows how to delete them)",
    "backups: lullwatch forget {infant} --journals FOLDER takes the infant out of one made with `lullwatch backup`",
    "whatever else copies this computer's disk",
    "exports and replays: EDF+, Motion-BIDS, tables and pictures in other folders",
    "the MQTT broker and Home Assistant: retained topics lullwatch/+/{infant}/#, histories, phones' push messages",
    "settings files in other folders: [[infants]] {infant}",
)
