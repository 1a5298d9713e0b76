"""`lullwatch simulate`: what it writes reads back whole, and what it refuses it refuses in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsp.records import Site
from lullwatch.__main__ import main
from store.edf import read_recording
from store.tables import read_rows

RESTARTING = """
name = "restarting"
duration_min = 3
age_days = 120
[[phase]]
state = "awake"
minutes = 3
[sensors]
sites = ["LA", "RA"]
[[fault]]
kind = "restart"
site = "RA"
at_min = 1
for_s = 5
[[wearing]]
kind = "swapped"
site = "LA"
from_s = 60
to_s = 120
[[wearing]]
kind = "slips"
site = "RA"
from_s = 30
"""
SHORT = 'name = "short"\nduration_min = 1\nage_days = 100\n'


@pytest.fixture(scope="module")
def restarting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    (folder / "r.toml").write_text(RESTARTING)
    assert main(["simulate", str(folder / "r.toml"), "--seed", "3", "--out", str(folder)]) == 0
    return folder


def test_a_chip_that_restarts_is_read_back_as_two_runs_at_its_own_rate(restarting: Path) -> None:
    segments = read_recording(restarting / "restarting_seed-3.edf").segments
    boots = {site: {s.boot for s in segments if s.site == site} for site in (Site.LA, Site.RA)}
    assert [len(boots[Site.LA]), len(boots[Site.RA])] == [1, 2]
    assert all(s.step_ns != round(1e9 / 104) for s in segments)


def test_the_truth_says_which_socks_slipped_or_were_exchanged(restarting: Path) -> None:
    columns = ("onset", "duration", "kind", "true_class", "sites")
    rows = read_rows(restarting / "restarting_seed-3_truth_contexts.tsv", columns, lambda row: row)
    assert [tuple(row.values()) for row in rows] == [
        ("30.000000", "150.000000", "slips", "slipping_sock", "RA"),
        ("60.000000", "60.000000", "swapped", "swapped_socks", "LA,RA"),
    ]


def test_nothing_but_whole_files_is_left(restarting: Path) -> None:
    ends = {path.name.removeprefix("restarting_seed-3") for path in restarting.iterdir()} - {"r.toml"}
    tables = {
        f"_truth_{what}.{end}"
        for what in ("events", "states", "contexts", "unseen")
        for end in ("tsv", "json")
    }
    assert ends == tables | {".edf", "_clock.tsv", "_clock.json"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("durationn = 3", "'durationn' means nothing here; keys are name, about, duration_min"),
        ("durationn = 3", "background"),
        (
            '[[movement]]\nkind = "spasm"\nat_s = -5',
            "[[movement]] 1: at_s must be a number from 0 to 60, not -5",
        ),
        ('[[movement]]\nkind = "spasm"\nduration_s = -3', "'duration_s' cannot be -3, but 0.1 or more"),
        ('[[movement]]\nkind = "spasm_cluster"\ncount = 0', "'count' cannot be 0, but more than 0"),
        (
            '[[movement]]\nkind = "kicking"\nheld_s = inf',
            "'held_s' cannot be inf, but 0 or more and up to 86400",
        ),
        ("[background.awake]\nkicking = inf", "kicking must be a number of 0 or more, not inf"),
        ('[traits]\nkick_g = "a"', "kick_g must be a number, not 'a'"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_the_place_and_what_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, said: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SHORT + more)
    assert main(["simulate", str(path), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", ".hidden", "two words"])
def test_a_name_that_would_lead_out_of_the_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SHORT.replace("short", name))
    assert main(["simulate", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "name becomes the beginning of file names" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--population", "1", "--hours", "0.02", "--jobs", "1")])
def test_a_folder_that_cannot_be_is_told_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    (tmp_path / "short.toml").write_text(SHORT)
    (tmp_path / "file").touch()
    scenario = () if words else (str(tmp_path / "short.toml"),)
    assert main(["simulate", *scenario, *words, "--out", str(tmp_path / "file")]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "file") in said
    assert "--out" in said


def test_a_seed_below_0_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "hiccup_bout", "--seed", "-1", "--out", str(tmp_path)]) == 2
    assert "the seed is -1; use a whole number of 0 or more" in capsys.readouterr().err
