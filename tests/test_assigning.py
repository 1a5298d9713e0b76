"""Which sensor is worn where is written into a person's settings file, and nothing else in it changes."""

from __future__ import annotations

import difflib
import stat
from pathlib import Path

import pytest

from dsp.records import Site
from ingest.sensor_kind import Kind
from lullwatch.assigning import assign
from lullwatch.errors import BadSettings
from lullwatch.settings import load

EXAMPLE = Path(__file__).parents[1] / "deploy" / "lullwatch.example.toml"
LEFT, RIGHT, TRUNK = (f"C0:00:00:00:00:0{n}" for n in (1, 2, 3))
NEW = "C0:00:00:00:00:0A"
TWINS = """gateway = "g"
journal_dir = "j"
[[infants]]
id = "a"
[[infants.sensors]]
site = 'LA'   # the one with the patch
address = 'C0:00:00:00:00:01'
[[infants]]
id = "b"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:02"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lullwatch.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    path.chmod(0o640)
    return path


def worn(path: Path, infant: int = 0) -> dict[str, str]:
    return {one.site.value: one.address for one in load(path).infants[infant].sensors}


def changed(path: Path, was: str) -> list[str]:
    lines = difflib.unified_diff(
        was.splitlines(), path.read_text(encoding="utf-8").splitlines(), n=0, lineterm=""
    )
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_a_new_sock_takes_the_place_of_the_one_at_its_site_and_one_line_changes(file: Path) -> None:
    was = file.read_text(encoding="utf-8")
    said = assign(file, NEW, Site.LA)
    assert worn(file) == {"LA": NEW, "RA": RIGHT, "TR": TRUNK}
    assert changed(file, was) == [f'-address = "{LEFT}"', f'+address = "{NEW}"']
    assert f"in place of {LEFT}" in said


def test_left_and_right_that_were_mixed_up_change_places(file: Path) -> None:
    said = assign(file, RIGHT, Site.LA)
    assert worn(file) == {"LA": RIGHT, "RA": LEFT, "TR": TRUNK}
    assert "changed places" in said


def test_a_site_that_was_not_worn_gets_a_table_behind_the_others(file: Path) -> None:
    was = file.read_text(encoding="utf-8")
    assign(file, NEW, Site.LW, kind=Kind.POLAR)
    assert worn(file)["LW"] == NEW
    added = ["+[[infants.sensors]]", '+site = "LW"', f'+address = "{NEW}"', '+kind = "polar"']
    assert changed(file, was) == added


def test_a_sensor_moves_to_a_site_that_nobody_wears(file: Path) -> None:
    assign(file, TRUNK, Site.HD)
    assert worn(file) == {"LA": LEFT, "RA": RIGHT, "HD": TRUNK}


def test_comments_and_rights_of_the_file_stay(file: Path) -> None:
    assign(file, NEW, Site.LA)
    comments = [
        line.partition("#")[2] for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if "#" in line
    ]
    kept = file.read_text(encoding="utf-8")
    assert all(comment in kept for comment in comments)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_what_stands_there_already_is_not_written_again(file: Path) -> None:
    before = file.stat()
    assert "already" in assign(file, LEFT, Site.LA)
    assert file.stat().st_ino == before.st_ino


def test_of_twins_it_must_be_said_who_wears_it(tmp_path: Path) -> None:
    path = tmp_path / "twins.toml"
    path.write_text(TWINS)
    with pytest.raises(BadSettings, match="one of: a, b"):
        assign(path, NEW, Site.RA)
    assign(path, NEW, Site.RA, infant="b")
    assign(path, "C0:00:00:00:00:0B", Site.LA, infant="a")
    assert worn(path, 0) == {"LA": "C0:00:00:00:00:0B"}
    assert worn(path, 1) == {"LA": RIGHT, "RA": NEW}
    assert "# the one with the patch" in path.read_text()


def test_a_sensor_of_the_other_twin_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "twins.toml"
    path.write_text(TWINS)
    with pytest.raises(BadSettings, match="another infant's"):
        assign(path, RIGHT, Site.RA, infant="a")


def test_a_file_in_another_form_is_left_alone_and_says_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "inline.toml"
    text = 'gateway = "g"\njournal_dir = "j"\n'
    text += 'infants = [{id = "a", sensors = [{site = "LA", address = "C0:00:00:00:00:01"}]}]\n'
    path.write_text(text)
    with pytest.raises(BadSettings, match="by hand"):
        assign(path, NEW, Site.RA)
    assert path.read_text() == text


def test_an_address_in_small_letters_is_the_same_address(file: Path) -> None:
    assert "already" in assign(file, LEFT.lower(), Site.LA)


def test_a_sensor_whose_id_another_has_is_not_written_into_a_file_that_would_then_be_refused(
    file: Path,
) -> None:
    text = file.read_text(encoding="utf-8").replace('site = "TR"\n', 'site = "TR"\nsensor = "lw"\n')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings, match="sensor lw of infant a stands there twice"):
        assign(file, NEW, Site.LW)
    assert file.read_text(encoding="utf-8") == text


def test_a_file_with_the_mark_that_some_editors_write_keeps_it(file: Path) -> None:
    file.write_text("\ufeff" + file.read_text(encoding="utf-8"), encoding="utf-8")
    assign(file, NEW, Site.LA)
    assert worn(file)["LA"] == NEW
    assert file.read_text(encoding="utf-8").startswith("\ufeff#")
