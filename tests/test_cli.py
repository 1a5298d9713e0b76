from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lullwatch.__main__ import COMMANDS, main

ROOT = Path(__file__).resolve().parents[1]
BUDGET_S = 0.150
"""What `lullwatch --help` may take; see docs/evidence/bench.json for what it takes."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "lullwatch", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("command", [c.__name__.replace("_", "-") for c in COMMANDS])
def test_every_command_shows_an_example_in_its_help(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"Example: lullwatch {command}" in done.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lullwatch.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'bleak', 'bumble', 'matplotlib', 'aiomqtt', 'influxdb_client', 'edfio'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_help_answers_at_once() -> None:
    def took() -> float:
        began = time.perf_counter()
        assert run("--help").returncode == 0
        return time.perf_counter() - began

    assert min(took() for _ in range(5)) < 5 * BUDGET_S


def test_whoever_reads_the_output_may_have_enough_of_it() -> None:
    line = [sys.executable, "-m", "lullwatch", "simulate", "--list"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as shown:
        assert shown.stdout is not None
        shown.stdout.close()
        _, said = shown.communicate(timeout=60)
    assert (shown.returncode, said) == (141, "")


def test_an_unknown_command_is_named_and_the_status_is_2() -> None:
    done = run("bogus")
    assert done.returncode == 2
    assert "bogus" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["replay", "missing.edf"], "missing.edf"),
        (["replay", "missing.sqlite"], "missing.sqlite"),
        (["monitor", "missing.toml"], "missing.toml"),
        (["export", "missing.sqlite"], "missing.sqlite"),
        (["simulate", "no_such_scenario"], "no_such_scenario"),
    ],
)
def test_what_cannot_be_done_is_a_line_with_the_place_and_not_a_traceback(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert named in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "name = ",
        'name = "x"',
        'name = "x"\nduration_min = 1\nage_days = 9\n[[phase]]\nstate = "flying"\nminutes = 1',
        'name = "x"\nduration_min = 1\nage_days = 9\n[[movement]]\nkind = "somersault"\nat_min = 0.5',
        'name = "x"\nduration_min = 1\nage_days = 9\n[[movement]]\nkind = "kicking"\nat_min = 0.5\nwarp = 9',
    ],
)
def test_a_scenario_that_cannot_be_simulated_is_a_line_with_its_file(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    assert main(["simulate", str(path), "--out", str(tmp_path)]) == 2
    assert "wrong.toml" in capsys.readouterr().err


def test_a_file_that_is_no_recording_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "noise.edf"
    path.write_bytes(b"not an EDF file" * 100)
    assert main(["replay", str(path)]) == 2
    assert "noise.edf" in capsys.readouterr().err


def test_the_demo_does_not_empty_a_folder_that_is_not_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert "--out" in capsys.readouterr().err


def test_a_simulated_recording_is_replayed_into_tables_a_summary_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "short.toml"
    scenario.write_text(
        'name = "short"\nduration_min = 2.5\nage_days = 120\n'
        '[[phase]]\nstate = "awake"\nminutes = 3\n[[movement]]\nkind = "kicking"\nat_min = 1\n'
    )
    assert main(["simulate", str(scenario), "--seed", "3", "--out", str(tmp_path)]) == 0
    assert main(["replay", str(tmp_path / "short_seed-3.edf"), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "recorded" in printed
    assert "not diagnoses" in printed
    written = {p.name for p in (tmp_path / "out").iterdir()}
    ends = ("events.tsv", "events.json", "states.tsv", "told.jsonl", "summary.txt", "night.png")
    assert {f"short_seed-3_{end}" for end in ends} <= written


def test_events_can_be_had_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tmp_path / "short.toml"
    scenario.write_text('name = "short"\nduration_min = 1.5\nage_days = 120\n')
    main(["simulate", str(scenario), "--out", str(tmp_path)])
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "short_seed-1.edf"), "--out", str(tmp_path), "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)
