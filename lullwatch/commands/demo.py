"""`lullwatch demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["demo"]


def demo(*, out: Path = Path("lullwatch-demo"), seed: int = 1, pace: float | None = None) -> int:
    """Run a simulated hour end to end: virtual socks, radio, journal, detector, broker, database.

    Uses a real Mosquitto and InfluxDB where they are found or can be fetched without root, and says which.

    Example: lullwatch demo --seed 7 --pace 60

    Parameters
    ----------
    out
        Folder for the journal, the recording and the picture; an earlier demo in it is replaced.
    seed
        Of the simulated infant: one seed, one night.
    pace
        Simulated seconds per real second at most; by default as fast as this computer can.
    """
    from lullwatch.console import progress, say
    from lullwatch.demo import Show, closing_words, run_demo

    if out.exists() and not (out / "journal-demo.sqlite").exists() and any(out.iterdir()):
        from lullwatch.errors import FolderInUse

        raise FolderInUse(out)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with progress("simulated hour", total=64 * 60.0) as bar:
        result = run_demo(out, Show(bar.note, bar.advance), seed=seed, pace=pace)
    say(closing_words(result, out))
    return 0 if result.packets_kept == result.packets_sent else 1
