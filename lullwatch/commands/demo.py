"""`lullwatch demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["demo"]

_JOURNAL = "journal-demo.sqlite"
_FILES = (
    *(f"journal-demo{kind}.sqlite{part}" for kind in ("", ".cursors") for part in ("", "-wal", "-shm")),
    *(f"demo_{table}.{kind}" for table in ("clock", "events", "states") for kind in ("tsv", "json")),
    *(
        "journal-demo.lock",
        "page-access.json",
        "control.sock",
        "demo.edf",
        "demo_told.jsonl",
        "demo_summary.txt",
        "demo_night.png",
    ),
)
"""What a demo writes; nothing else in its folder is ever removed."""
_SERVERS = {"broker": "mosquitto.conf", "influx": "influxdb.conf"}
"""Folders of the demo's servers, and the file each is known by."""


def demo(
    *, out: Path = Path("lullwatch-demo"), seed: int = 1, pace: float | None = None, page: bool = True
) -> int:
    """Run a simulated hour end to end: virtual socks, radio, journal, detector, broker, database.

    Uses a real Mosquitto and InfluxDB where they are found or can be fetched without root, and says which.

    Example: lullwatch demo --seed 7 --pace 60

    Parameters
    ----------
    out
        Folder for the journal, the recording and the picture; an earlier demo's files in it are replaced, others stay.
    seed
        Of the simulated infant: one seed, one night.
    pace
        Simulated seconds per real second at most; by default as fast as this computer can.
    page
        Serve the pages while it runs, on this computer alone; the token to log in with is printed.
    """
    from lullwatch.console import progress, say
    from lullwatch.demo import Show, closing_words, run_demo

    _make_room(out)
    with progress("simulated hour", total=64 * 60.0) as bar:
        result = run_demo(out, Show(bar.note, bar.advance), seed=seed, pace=pace, page=page)
    say(closing_words(result, out))
    return 0 if result.packets_kept == result.packets_sent else 1


def _make_room(out: Path) -> None:
    """Remove what an earlier demo wrote into the folder, or make the folder."""
    if out.exists() and not (out / _JOURNAL).exists() and any(out.iterdir()):
        from lullwatch.errors import FolderInUse

        raise FolderInUse(out)
    out.mkdir(parents=True, exist_ok=True)
    for server, known_by in _SERVERS.items():
        if (out / server / known_by).is_file() and not (out / server).is_symlink():
            shutil.rmtree(out / server)
    for name in _FILES:
        (out / name).unlink(missing_ok=True)
