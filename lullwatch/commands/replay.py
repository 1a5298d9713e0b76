"""`lullwatch replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

__all__ = ["replay"]


def replay(
    file: Path | None = None,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("lullwatch-replay"),
    infant: str | None = None,
    as_arrived: bool = False,
    age_days: int | None = None,
    pace: str = "max",
    jobs: int | None = None,
    dask: str | None = None,
    influx: str | None = None,
    database: str = "lullwatch",
    events_database: str = "",
    night: str | None = None,
    token_file: str | None = None,
    allow_unencrypted: bool = False,
    picture: bool | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Run the detector over recorded nights and write what it tells.

    Writes NAME_events.tsv with its JSON sidecar, NAME_states.tsv, NAME_told.jsonl, NAME_summary.txt and
    NAME_night.png into the folder given by --out. A folder of nights is done on all cores; broken off, the
    same command goes on where it was. Nights that cannot be done are listed at the end, with status 1.

    Example: lullwatch replay night.edf --out results

    Example: lullwatch replay nights/ -o results --jobs 4

    Example: lullwatch replay --influx https://influx.lan:8086 --infant a

    Parameters
    ----------
    file
        A journal (.sqlite), a recording (EDF+, Motion-BIDS, CSV, Parquet, sealed .npz), or a folder of nights.
        Files of wearables are made recordings first, with lullwatch import.
    out
        Folder for the results; made if missing.
    infant
        Only this infant of a journal or database.
    as_arrived
        Feed a journal in the order its rows arrived: tells again, byte for byte, what was told live.
    age_days
        Age of the infant in days, if known.
    pace
        How fast a single night is fed: max, or seconds of data in a second, such as 1x or 10x. What is told
        is shown as it is told, and is the same at any pace.
    jobs
        Nights of a folder done at once; one for each core by default.
    dask
        Address of a Dask scheduler that does the nights of a folder instead, such as tcp://10.0.0.1:8786. Its
        workers must see the same folders.
    influx
        Address of an InfluxDB to read a night's raw data from, instead of a file.
    database
        Its database or bucket; NAME/POLICY for a retention policy of its own.
    events_database
        Where the events are, if they have a database of their own: it knows how the detector was set that night.
    night
        Date of the evening of the night to read from the database; the newest by default.
    token_file
        File with mode 0600 that holds the token (or set LULLWATCH_INFLUX_TOKEN).
    allow_unencrypted
        Send the token to another computer although the address begins with http.
    picture
        Draw the picture of the night; by default for a single file only.
    as_json
        Print the final events, or what became of each file of a folder, as JSON.
    """
    from lullwatch import replaying

    if influx is not None:
        place = replaying.Database(influx, database, token_file, events_database, allow_unencrypted)
        nights = place.nights(infant=infant, night=night)
    elif file is None:
        raise replaying.NothingGiven
    elif file.is_dir() and not as_arrived:
        options: dict[str, Any] = {"infant": infant, "age_days": age_days, "picture": bool(picture)}
        return replaying.folder(file, out, jobs=jobs, dask=dask, as_json=as_json, **options)
    else:
        nights = replaying.of_file(file, infant=infant, as_arrived=as_arrived)
    return replaying.one_by_one(
        nights, out, age_days=age_days, pace=pace, picture=picture is not False, as_json=as_json
    )
