"""`lullwatch export`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["export"]


def export(journal: Path, *, out: Path = Path("lullwatch-export"), infant: str | None = None) -> int:
    """Write an infant's night from a journal as EDF+ with its events and states.

    Writes NAME.edf with its sidecars, NAME_events.tsv and NAME_states.tsv.

    Example: lullwatch export journal-2026-11-22.sqlite --out recordings

    Parameters
    ----------
    journal
        A journal (.sqlite).
    out
        Folder for the files; made if missing.
    infant
        Only this infant.
    """
    from lullwatch.console import say
    from lullwatch.export import export as write

    for path in write(journal, out, infant=infant):
        say(f"written: {path}")
    return 0
