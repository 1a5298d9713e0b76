"""`lullwatch replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["replay"]


def replay(
    file: Path,
    *,
    out: Path = Path("lullwatch-replay"),
    infant: str | None = None,
    as_arrived: bool = False,
    age_days: int | None = None,
    picture: bool = True,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Run the detector over a recording (EDF+) or a journal and write what it tells.

    Writes NAME_events.tsv with its JSON sidecar, NAME_states.tsv, NAME_told.jsonl, NAME_summary.txt and
    NAME_night.png into the folder given by --out.

    Example: lullwatch replay night.edf --out results

    Parameters
    ----------
    file
        An EDF+ recording, or a journal (.sqlite).
    out
        Folder for the results; made if missing.
    infant
        Only this infant of a journal.
    as_arrived
        Feed a journal in the order its rows arrived: tells again, byte for byte, what was told live.
    age_days
        Age of the infant in days, if known.
    picture
        Draw the picture of the night.
    as_json
        Print the final events as JSON instead of the summary.
    """
    from lullwatch import replay as engine
    from lullwatch.console import progress, say, say_json
    from lullwatch.nights import load
    from lullwatch.summary import summary

    events = []
    for night in load(file, infant=infant, as_arrived=as_arrived):
        with progress(f"replaying {night.name}", total=night.duration_s) as bar:
            replayed = engine.replay(night, age_days=age_days, on_progress=bar.advance)
        paths = engine.write_results(replayed, out, picture=picture)
        events += replayed.told.final_events
        if not as_json:
            say(summary(night.name, night.sites, replayed.told, night.wording.catalogue))
            say("written: " + ", ".join(str(path) for path in paths))
    if as_json:
        say_json(events)
    return 0
