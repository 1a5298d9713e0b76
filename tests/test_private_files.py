"""What tells of a child's nights is its owner's alone, whatever the umask says."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow
from lullwatch.copies import back_up, restore
from lullwatch.journal_folder import make_journal_folder, open_to_others
from store.journal import Journal
from store.salvage import salvage
from store.sealing import seal
from tests.store_examples import segment, segment_row

NIGHT = "journal-2026-03-14.sqlite"


@pytest.fixture(autouse=True)
def _everybody_may_read() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def write_night(folder: Path) -> Path:
    make_journal_folder(folder)
    with Journal.begin(folder / NIGHT, [ClockRow(NS, NS, "b", "UTC")]) as journal:
        journal.commit([segment_row(segment(n), "a") for n in range(1, 5)])
        journal.advance("influx", 2)
        assert set(modes(folder)) >= {
            NIGHT,
            f"{NIGHT}-wal",
            f"{NIGHT}-shm",
            "journal-2026-03-14.cursors.sqlite",
        }
        assert set(modes(folder).values()) == {0o600}
    return folder / NIGHT


def test_a_night_its_logs_cursors_sealed_copy_backup_and_what_was_saved_are_the_owners_alone(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "nights"
    night = write_night(folder)
    seal(night)
    back_up(folder, tmp_path / "usb")
    restore(tmp_path / "usb", tmp_path / "back")
    salvage(night)
    assert len(modes(tmp_path)) > 10
    for name, mode in modes(tmp_path).items():
        assert mode == (0o700 if name in ("nights", "usb", "back") else 0o600), name


def test_a_folder_of_an_earlier_version_is_closed_at_the_start_and_strangers_files_are_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "nights"
    night = write_night(folder)
    (folder / "notes.txt").touch(mode=0o644)
    (folder / "journal-link").symlink_to(folder / "notes.txt")
    folder.chmod(0o755)
    night.chmod(0o644)
    assert open_to_others(folder) == [folder, night]
    make_journal_folder(folder, mend=False)
    assert open_to_others(folder) == [folder, night]
    make_journal_folder(folder)
    assert open_to_others(folder) == []
    assert modes(folder)["notes.txt"] == 0o644
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "2 files or folders that others could read are the owner's alone now" in caplog.text
    caplog.clear()
    make_journal_folder(folder)
    assert caplog.text == ""


def test_a_folder_for_everybodys_files_stays_open_and_the_nights_in_it_are_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / NIGHT).touch(mode=0o644)
    make_journal_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
    assert modes(tmp_path) == {NIGHT: 0o600}
