"""A disk that is full, read-only or broken: defined, said, and over when the disk is well again."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from store.journal import Journal
from tests.store_examples import segment, segment_row

ROOT = Path(__file__).resolve().parents[1]


def told(how: str, folder: Path, *, own_mounts: bool = False) -> dict[str, Any]:
    """What `full_disk_child` says; with a file system of its own, in a name space that anybody may have."""
    line = [sys.executable, "-m", "tests.full_disk_child", how, str(folder)]
    if own_mounts:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        line = [shutil.which("unshare") or "unshare", *user, "--mount", *line]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_file_that_cannot_grow_costs_what_was_not_acknowledged_and_nothing_else(tmp_path: Path) -> None:
    found = told("limit", tmp_path)["limit"]
    assert found == {
        "before": 20, "meanwhile": 0, "after": 20, "refused": ["JournalFailing"], "whole": True
    }  # fmt: skip


def test_on_a_full_file_system_the_oldest_raw_data_goes_and_the_monitor_goes_on(tmp_path: Path) -> None:
    found = told("tmpfs", tmp_path, own_mounts=True)
    full = found["full"]
    assert full["refused"] == ["JournalFull"]
    assert full["while_full"] < 400
    assert (full["before"], full["after"]) == (20, 20)
    assert full["whole"]
    assert full["old_raw"][0] < full["old_raw"][1]
    assert full["old_events"] == [1, 1]
    assert "the oldest raw data goes" in full["said"][0]
    assert full["well"]
    assert found["read_only"] == {"refused": "JournalReadOnly", "events": 1}


def test_a_power_cut_that_tears_what_was_not_flushed_takes_nothing_acknowledged(tmp_path: Path) -> None:
    """Every commit flushes the log; what lies behind the last flush may be there, half there, or rubbish."""
    chance = random.Random(11)
    path, log = tmp_path / "a" / "j.sqlite", tmp_path / "a" / "j.sqlite-wal"
    path.parent.mkdir()
    with Journal.open(path) as journal:
        for acknowledged in range(1, 40):
            journal.commit([segment_row(segment(acknowledged))])
            flushed = log.stat().st_size
            torn = tmp_path / f"torn-{acknowledged}"
            torn.mkdir()
            shutil.copy(path, torn / path.name)
            rubbish = chance.randbytes(chance.choice([0, 1, 24, 4096, 9000]))
            (torn / log.name).write_bytes(log.read_bytes()[:flushed] + rubbish)
            with Journal.open(torn / path.name) as after:
                assert [s.seq for s in after.segments("kid")] == list(range(1, acknowledged + 1))
