"""A backup is whole whatever is committed meanwhile, and a restore puts back exactly that."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dsp.records import Tick
from lullwatch.__main__ import main
from lullwatch.copies import back_up, restore
from lullwatch.errors import NothingRecorded, SameFolder
from store.backup import Copied, copy_night
from store.errors import JournalDamaged, JournalFailing, JournalFull, JournalInUse, NightIsNewer
from store.journal import Journal
from store.rows import FedRow
from tests.store_examples import segment, segment_row
from tests.test_shelf import NIGHTS, night, three


def rows(path: Path) -> list[int]:
    with Journal.read_only(path) as journal:
        return [row for row, _ in journal.read(limit=100_000)]


def test_a_backup_taken_while_the_monitor_writes_is_of_one_moment(tmp_path: Path) -> None:
    path = night(tmp_path, NIGHTS[0], 0, 3)
    with Journal.open(path) as journal:
        journal.commit([segment_row(segment(i)) for i in range(6000)])
        ending = threading.Event()

        def write() -> None:
            seq = 5000
            while not ending.is_set():
                journal.commit([segment_row(segment(seq)), segment_row(segment(seq + 1))])
                seq += 2

        writer = threading.Thread(target=write)
        writer.start()
        shares: list[float] = []
        (tmp_path / "to").mkdir()
        done = copy_night(path, tmp_path / "to", on_progress=shares.append)
        ending.set()
        writer.join()
        assert journal.last_row >= done.rows >= 6004
    assert rows(done.path) == list(range(1, done.rows + 1))
    assert done.rows % 2 == 0  # two rows a commit: none was cut in half
    assert len(shares) > 1
    assert sum(shares) == pytest.approx(1.0)


def test_a_second_backup_copies_only_what_has_changed(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    three(folder)
    assert [c.was_there for c in back_up(folder, dest)] == [False] * 3
    with Journal.open(folder / NIGHTS[2]) as journal:
        journal.commit([FedRow("kid", Tick(99))])
    assert [c.was_there for c in back_up(folder, dest)] == [True, True, False]
    assert sorted(p.name for p in dest.glob("*.part*")) == []


def test_what_was_restored_is_what_was_backed_up_with_its_cursors(tmp_path: Path) -> None:
    folder, dest, back = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    folder.mkdir()
    three(folder)
    with Journal.amend(folder / NIGHTS[1]) as journal:
        journal.advance("influx", 3)
    back_up(folder, dest)
    restore(dest, back)
    assert [rows(back / name) for name in NIGHTS] == [rows(folder / name) for name in NIGHTS]
    with Journal.open(back / NIGHTS[1]) as journal:
        assert journal.cursor("influx") == 3
        assert journal.commit([FedRow("kid", Tick(7))]).rows == (5,)


def test_a_restore_takes_no_row_away_unless_told_to(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    path = night(folder, NIGHTS[0], 0, 2)
    back_up(folder, dest)
    with Journal.open(path) as journal:
        journal.commit([FedRow("kid", Tick(9))])
    with pytest.raises(NightIsNewer, match="1 rows that this copy does not"):
        restore(dest, folder)
    assert len(rows(path)) == 4
    restore(dest, folder, replace=True)
    assert len(rows(path)) == 3


def test_a_restore_under_a_running_monitor_is_refused(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    path = night(folder, NIGHTS[0], 0, 2)
    back_up(folder, dest)
    with Journal.open(path) as journal:
        journal.commit([FedRow("kid", Tick(9))])
        with pytest.raises(JournalInUse):
            restore(dest, folder, replace=True)


def test_a_damaged_copy_is_not_put_back(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    with Journal.open(night(folder, NIGHTS[0], 0, 2)) as journal:
        journal.commit([segment_row(segment(i)) for i in range(2000)])
    (copy,) = back_up(folder, dest)
    whole = bytearray(copy.path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xff" * 4096
    copy.path.write_bytes(whole)
    before = rows(folder / NIGHTS[0])
    with pytest.raises(JournalDamaged):
        restore(dest, folder, replace=True)
    assert rows(folder / NIGHTS[0]) == before


@contextmanager
def no_file_above(n_bytes: int) -> Iterator[None]:
    """Nothing longer can be written by this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [100_000, 1_000_000])
def test_a_copy_that_does_not_fit_leaves_what_was_there_as_it_was(tmp_path: Path, room: int) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    with Journal.open(night(folder, NIGHTS[0], 0, 2)) as journal:
        journal.advance("influx", 2)
        journal.set_aside("influx", 2, "400", b"x" * 200)
        back_up(folder, dest)
        journal.commit([segment_row(segment(i)) for i in range(6000)])
        journal.advance("influx", 5000)
    before = {path.name: path.read_bytes() for path in dest.iterdir()}
    with no_file_above(room), pytest.raises(JournalFailing):
        back_up(folder, dest)
    assert {path.name: path.read_bytes() for path in dest.iterdir() if path.suffix != ".lock"} == before
    there = night(tmp_path, NIGHTS[0], 0, 1)
    with no_file_above(room), pytest.raises(JournalFailing):
        restore(folder, tmp_path, replace=True)
    assert rows(there) == [1, 2]
    assert list(tmp_path.glob("*.part*")) == []
    assert len(rows(back_up(folder, dest)[0].path)) == 6003


def test_a_log_that_is_still_read_is_not_played_into_the_night_that_is_put_back(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    path = night(folder, NIGHTS[0], 0, 2)
    back_up(folder, dest)
    with Journal.read_only(path) as page:
        assert page.last_row == 3
        with Journal.open(path) as journal:
            journal.commit([segment_row(segment(i)) for i in range(500)])
        restore(dest, folder, replace=True)
        assert len(rows(path)) == 3
    with Journal.open(path) as journal:
        journal.commit([FedRow("kid", Tick(99))])
    assert rows(path) == [1, 2, 3, 4]


def test_copies_need_something_to_copy_and_another_folder(tmp_path: Path) -> None:
    with pytest.raises(NothingRecorded):
        back_up(tmp_path, tmp_path / "b")
    three(tmp_path)
    with pytest.raises(SameFolder):
        back_up(tmp_path, tmp_path)


def test_the_commands_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    three(folder)
    assert main(["backup", str(dest), "--journals", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said.count("copied     ") == 3
    assert f"Backed up: 3 nights in {dest}, each read through; 3 copied now, 0 unchanged." in said
    assert "Not in it: the settings file, passwords, and who may look at the pages." in said
    assert main(["backup", str(dest), "--journals", str(folder)]) == 0
    assert "0 copied now, 3 unchanged." in capsys.readouterr().out
    assert main(["restore", str(dest), "--to", str(tmp_path / "c"), "--json"]) == 0
    assert '"rows": 4' in capsys.readouterr().out
    (tmp_path / "c" / NIGHTS[0]).unlink()
    assert main(["restore", str(dest), "--to", str(tmp_path / "c")]) == 0
    assert f"Put back: 1 night into {tmp_path / 'c'}; 2 were there already." in capsys.readouterr().out
    assert main(["backup", str(dest), "--journals", str(tmp_path / "nowhere")]) == 2
    assert "no journal here" in capsys.readouterr().err


def test_what_fails_is_said_with_what_is_left_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    three(folder)
    (tmp_path / "file").touch()
    assert main(["backup", str(tmp_path / "file" / "b"), "--journals", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "no folder can be made there (Not a directory). Nothing was copied." in said
    assert "--out" not in said
    assert main(["restore", str(tmp_path / "nothing"), "--to", str(folder)]) == 2
    assert "there is no backup in it. Nothing was changed." in capsys.readouterr().err

    def full(night: Path, into: Path, *, on_progress: object) -> Copied:
        if night.name == NIGHTS[1]:
            raise JournalFull(into)
        return copy_night(night, into)

    monkeypatch.setattr("lullwatch.copies.copy_night", full)
    assert main(["backup", str(dest), "--journals", str(folder)]) == 2
    said = capsys.readouterr().err
    assert f"no room left for {NIGHTS[1]}; what was there of it before stays. 1 of 3 nights are done." in said
