"""What is meant by a path: settings, a folder of nights, or one night."""

from __future__ import annotations

from pathlib import Path

import pytest

from lullwatch.__main__ import main
from lullwatch.errors import BadSettings, NothingRecorded
from lullwatch.report.job import shelf_of
from lullwatch.where import is_settings, journal_folder, meant_folder
from tests.test_shelf import NIGHTS, night


@pytest.fixture
def myhome(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Settings whose name has no ending, as `init myhome` makes them; there is no night yet."""
    path = tmp_path / "myhome"
    words = ["--simulated", "7", "--person", "a1", "--journal-dir", str(tmp_path / "nights"), "--no-ask"]
    assert main(["init", str(path), *words]) == 0
    assert f"lullwatch serve {path} --invite a1" in capsys.readouterr().out
    return path


def test_what_init_prints_as_next_works_whatever_the_file_is_called(
    myhome: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(myhome), "--invite", "a1"]) == 0
    assert "a1 may look as caregiver" in capsys.readouterr().out
    night(tmp_path / "nights", NIGHTS[0], 0, 3)
    assert main(["backup", str(tmp_path / "usb"), "--journals", str(myhome)]) == 0
    with shelf_of(myhome) as shelf:
        assert [path.name for path in shelf.nights()] == [NIGHTS[0]]
    main(["summary", str(myhome)])
    assert f"{tmp_path / 'nights'} holds nothing of infant kid" in capsys.readouterr().err  # it looked there
    for folder in (tmp_path / "nights").glob("*"):
        folder.unlink()
    (tmp_path / "nights").rmdir()
    assert main(["restore", str(tmp_path / "usb"), "--to", str(myhome)]) == 0
    assert (tmp_path / "nights" / NIGHTS[0]).exists()
    assert meant_folder(myhome) == journal_folder(myhome) == tmp_path / "nights"


def test_a_night_is_a_night_also_when_it_was_set_aside(tmp_path: Path) -> None:
    path = night(tmp_path, NIGHTS[0], 0, 1)
    aside = path.rename(tmp_path / f"{NIGHTS[0]}.damaged-1")
    (tmp_path / "empty.sqlite").touch()
    assert not any(is_settings(p) for p in (aside, tmp_path, tmp_path / "missing", tmp_path / "empty.sqlite"))
    assert is_settings(tmp_path / "missing.toml")
    assert meant_folder(aside) == aside


def test_what_is_neither_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(BadSettings, match=r"photo\.jpg.*UTF-8"):
        journal_folder(tmp_path / "photo.jpg")
    with pytest.raises(NothingRecorded, match="missing"):
        journal_folder(tmp_path / "missing")


def test_where_nights_are_to_lie_in_a_file_nobody_is_let_in_and_the_file_is_named(
    myhome: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nights").touch()
    for words in (["--invite", "a1"], ["--people"]):
        assert main(["serve", str(myhome), *words]) == 2
        assert f"{tmp_path / 'nights'} is a folder this user may write to" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["forget", "a", "--yes"], ["backup", "copies"]])
def test_of_a_folder_that_is_another_user_s_it_is_not_said_that_nothing_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    nights = tmp_path / "nights"
    nights.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != nights)  # root may look anywhere
    assert main([*words, "--journals", str(nights)]) == 2
    assert "may not look into it" in capsys.readouterr().err
