"""Debian packages without root: with the real apt once, and with a stand-in where apt must fail."""

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lullwatch import debian

ROOT = Path(__file__).resolve().parents[1]
Apt = Callable[[str], Path]

AS_A_PLAIN_USER = """
import os, sys
from lullwatch import debian
import subprocess, selectors, encodings.idna
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.environ["HOME"] = sys.argv[-1]
sys.exit(debian.main(sys.argv[1:]))
"""


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    """Puts an apt-get made of shell lines first on the PATH; it writes down how it was called."""
    programs = tmp_path / "programs"
    programs.mkdir()

    def install(body: str) -> Path:
        calls = tmp_path / "calls"
        calls.touch()
        (programs / "apt-get").write_text(f'#!/bin/sh\nlast="$*"\necho "$last" >> {calls}\n{body}\n')
        (programs / "dpkg-deb").write_text('#!/bin/sh\nmkdir -p "$3/usr/bin"\ntouch "$3/usr/bin/thing"\n')
        for program in programs.iterdir():
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
        return calls

    return install


WORKING = """
case "$last" in
  *--simulate*) echo "Inst thing (1.0 Debian:12 [all])"; echo "Inst libthing1 (1.0 Debian:12 [all])"
    echo "Inst libc6 [2.36] (2.37 Debian:12 [all])"; echo "Conf thing (1.0 Debian:12 [all])" ;;
  *" download "*) touch thing_1.0_all.deb libthing1_1.0_all.deb ;;
esac
"""


def test_the_real_apt_serves_a_plain_user_who_may_install_nothing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        mine = Path(folder) / "mine"
        line = [sys.executable, "-c", AS_A_PLAIN_USER, "libcjson1", str(mine)]
        done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert list(mine.glob("usr/lib/*/libcjson.so.1"))
        assert debian.library_folders(mine) != ()


def test_the_script_runs_without_the_project_being_importable(tmp_path: Path) -> None:
    script = ROOT / "lullwatch" / "debian.py"
    done = subprocess.run(
        [sys.executable, "-I", str(script)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: debian.py PACKAGE... FOLDER")


def test_what_a_package_needs_comes_with_it_but_never_a_second_c_library(apt: Apt, tmp_path: Path) -> None:
    calls = apt(WORKING)
    debian.fetch(["thing"], tmp_path / "d")
    [download] = [line for line in calls.read_text().splitlines() if " download " in line]
    assert download.endswith("download libthing1 thing")
    assert (tmp_path / "d" / "usr" / "bin" / "thing").exists()


def test_a_whole_system_is_fetched_as_if_nothing_were_installed_here(apt: Apt, tmp_path: Path) -> None:
    calls = apt(WORKING.replace("touch thing_1.0_all.deb", "touch libc6_2.37_all.deb thing_1.0_all.deb"))
    debian.fetch(["thing"], tmp_path / "d", whole=True)
    lines = calls.read_text().splitlines()
    assert all("Dir::State::status=" in line for line in lines)
    assert lines[-1].endswith("download libc6 libthing1 thing")


def test_apt_is_given_folders_of_its_own(apt: Apt, tmp_path: Path) -> None:
    calls = apt(WORKING)
    debian.fetch(["thing"], tmp_path / "d")
    for line in calls.read_text().splitlines():
        assert f"Dir::State={tmp_path / 'd'}" in line
        assert f"Dir::Cache={tmp_path / 'd'}" in line


def test_fetching_twice_asks_apt_once(apt: Apt, tmp_path: Path) -> None:
    calls = apt(WORKING)
    debian.fetch(["thing"], tmp_path / "d")
    before = calls.read_text()
    debian.fetch(["thing"], tmp_path / "d")
    assert calls.read_text() == before


def test_a_failed_fetch_leaves_no_stamp_and_is_tried_again(apt: Apt, tmp_path: Path) -> None:
    apt("exit 100")
    with pytest.raises(debian.FetchFailedError):
        debian.fetch(["thing"], tmp_path / "d")
    apt(WORKING)
    debian.fetch(["thing"], tmp_path / "d")
    assert (tmp_path / "d" / "usr" / "bin" / "thing").exists()


def test_old_lists_are_renewed_once_before_giving_up(apt: Apt, tmp_path: Path) -> None:
    calls = apt('case "$last" in *" download "*) echo "E: 404 Not Found" >&2; exit 100;; esac')
    lists = tmp_path / "d" / ".apt" / "state" / "lists"
    lists.mkdir(parents=True)
    (lists / "somewhere_Packages.lz4").touch()
    with pytest.raises(debian.FetchFailedError, match="404"):
        debian.fetch(["thing"], tmp_path / "d")
    assert sum(line.endswith(" update") for line in calls.read_text().splitlines()) == 1


def test_without_network_the_remedy_is_the_command_to_type(apt: Apt, tmp_path: Path) -> None:
    apt('echo "E: Failed to fetch http://mirror.invalid/debian  Could not resolve" >&2; exit 100')
    with pytest.raises(debian.FetchFailedError, match="sudo apt-get install thing") as caught:
        debian.fetch(["thing"], tmp_path / "d")
    assert "mirror.invalid" not in str(caught.value)


def test_an_archive_that_does_not_unpack_leaves_no_stamp(apt: Apt, tmp_path: Path) -> None:
    apt(WORKING)
    (tmp_path / "programs" / "dpkg-deb").write_text('#!/bin/sh\necho "no space left" >&2\nexit 2\n')
    with pytest.raises(debian.UnpackError, match="no space left"):
        debian.fetch(["thing"], tmp_path / "d")
    assert list((tmp_path / "d").glob(".stamps/*")) == []


def test_a_package_nobody_offers_is_named(apt: Apt, tmp_path: Path) -> None:
    apt('echo "E: Unable to locate package thing" >&2; exit 100')
    with pytest.raises(debian.PackageUnknownError, match="thing"):
        debian.fetch(["thing"], tmp_path / "d")


def test_another_distribution_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.main(["thing", str(tmp_path / "d")]) == 1
    assert "Install thing with this system's own package manager" in capsys.readouterr().err


def test_a_folder_locked_by_another_process_is_an_error_after_a_while(apt: Apt, tmp_path: Path) -> None:
    apt(WORKING)
    folder = tmp_path / "d"
    folder.mkdir()
    with (folder / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(debian.CacheBusyError, match="locked by another process"):
            debian.fetch(["thing"], folder, lock_wait_s=0.0)


def test_a_folder_that_cannot_be_made_is_an_error_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert debian.main(["thing", str(tmp_path / "file" / "d")]) == 1
    assert "file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["-o", "Thing", "a/b", "../x", "a b", ""])
def test_only_package_names_reach_apt(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name"):
        debian.fetch([name], tmp_path)
