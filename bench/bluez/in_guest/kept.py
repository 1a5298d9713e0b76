"""Says which packets the nights of a folder hold, and which events and alerts; whether the files are whole."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from dsp.records import LinkSample
from store.shelf import Shelf

__all__ = ["main"]


def main(words: Sequence[str]) -> int:
    """`kept FOLDER INFANT [whole]`; prints a line of JSON. With `whole` everything is read and the files checked."""
    folder, infant, closely = Path(words[0]), words[1], "whole" in words[2:]
    numbers: dict[tuple[str, int], list[int]] = defaultdict(list)
    alerts: list[str] = []
    whole: dict[str, str] = {}
    links: dict[str, str] = {}
    with Shelf(folder) as shelf:
        for path in shelf.nights():
            with shelf.opened(path.name) as journal:
                if closely:
                    for packet in journal.packets(infant):
                        numbers[str(packet.site), packet.boot].append(packet.seq)
                    alerts += [f"{alert.id}/{alert.version}" for alert in journal.alerts(infant)]
                    links |= {link.sensor: _told(link) for link in journal.links(infant)}
                    whole[path.name] = _checked(path)
                else:
                    for site, boot, seq in _glanced(path, infant):
                        numbers[site, boot].append(seq)
    doubled = sum(len(found) - len(set(found)) for found in numbers.values())
    runs = [(site, boot, _runs(sorted(set(found)))) for (site, boot), found in numbers.items()]
    print(json.dumps({"runs": runs, "doubled": doubled, "alerts": alerts, "whole": whole, "links": links}))
    return 0


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """First and last of each run without a hole."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _told(link: LinkSample) -> str:
    return f"{link.state} received {link.received} lost {link.lost} backfilled {link.backfilled}"


def _glanced(path: Path, infant: str) -> list[tuple[str, int, int]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as night:
        return night.execute("SELECT site, boot, seq FROM segment WHERE infant = ?", (infant,)).fetchall()


def _checked(path: Path) -> str:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as night:
        return str(night.execute("PRAGMA integrity_check").fetchone()[0])
