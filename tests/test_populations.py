"""Populations as folders: resumed where they were interrupted, never half-written, the same however many processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from lullwatch import populations
from lullwatch.__main__ import main
from lullwatch.errors import NightNotMade
from lullwatch.populations import INDEX, Order, simulate_population
from store.edf import read_recording

ROOT = Path(__file__).resolve().parents[1]
SHORT = Order(count=3, seed=1000, hours=0.02, population="general")


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert simulate_population(SHORT, folder, jobs=1) == 3
    return folder


def test_each_night_has_its_recording_its_truth_and_a_line_in_the_index(whole: Path) -> None:
    lines = (whole / INDEX).read_text().splitlines()
    assert lines[0] == "file\tseed\tage_days\thours\tpopulation"
    assert [line.split("\t")[1] for line in lines[1:]] == ["1000", "1001", "1002"]
    for line in lines[1:]:
        file = whole / line.split("\t")[0]
        assert read_recording(file).segments
        for what in ("events", "states", "contexts", "unseen"):
            assert (whole / f"{file.stem}_truth_{what}.tsv").exists()
            assert (whole / f"{file.stem}_truth_{what}.json").exists()


def test_more_processes_write_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    assert simulate_population(SHORT, tmp_path, jobs=2) == 3
    assert digests(tmp_path) == digests(whole)


def test_an_interrupted_population_is_whole_and_is_gone_on_with(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = populations.make_night

    def interrupted(plan: object, *, seed: int, infant: str) -> object:
        if seed == 1001:
            raise KeyboardInterrupt
        return real(plan, seed=seed, infant=infant)  # type: ignore[arg-type]

    monkeypatch.setattr(populations, "make_night", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulate_population(SHORT, tmp_path, jobs=1)
    assert [line.split("\t")[1] for line in (tmp_path / INDEX).read_text().splitlines()[1:]] == ["1000"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    monkeypatch.undo()
    told: list[str] = []
    assert simulate_population(SHORT, tmp_path, jobs=1, on_night=told.append) == 2
    assert len(told) == 3
    assert digests(tmp_path) == digests(whole)


def test_a_killed_command_leaves_no_file_half_written(tmp_path: Path) -> None:
    words = ["simulate", "--population", "40", "--seed", "1000", "--hours", "0.02", "--jobs", "2"]
    line = [sys.executable, "-m", "lullwatch", *words, "--out", str(tmp_path)]
    # Whatever runs the tests in the background may have told its children to ignore a Ctrl-C.
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = subprocess.Popen(
        line, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=hears
    )
    give_up = time.monotonic() + 60.0
    while len(list(tmp_path.glob("*.edf"))) < 2 and time.monotonic() < give_up:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(60) == 130
    assert not list(tmp_path.glob(".part-*"))
    listed = [row.split("\t")[0] for row in (tmp_path / INDEX).read_text().splitlines()[1:]]
    assert 0 < len(listed) < 40
    for name in listed:
        assert read_recording(tmp_path / name).segments


def test_a_population_may_grow_but_not_change(whole: Path) -> None:
    assert simulate_population(SHORT, whole, jobs=1) == 0
    for other in (
        Order(3, 1000, 0.03, "general"),
        Order(3, 1000, 0.02, "shifted"),
        Order(3, 1000, 0.02, "general", frozenset({"hiccups"})),
    ):
        with pytest.raises(populations.OtherPopulation, match="holds other nights"):
            simulate_population(other, whole, jobs=1)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--population", "0"], "one night or more"),
        (["--population", "2", "--hours", "0"], "up to 24 hours"),
        (["--population", "2", "--hours", "100"], "up to 24 hours"),
        (["--population", "2", "--kind", "nice"], "general, no_clusters, shifted"),
        (["--population", "2", "--without", "gravity"], "two_legged_kicks"),
        (["--population", "many"], "many"),
        (["quiet_night", "--population", "2"], "leave out the scenario quiet_night"),
        (["--population", "2", "--jobs", "-1"], "--jobs"),
    ],
)
def test_what_cannot_be_drawn_is_named_with_what_can(
    words: list[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *words, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr()
    assert named in told.out + told.err
    assert not (tmp_path / "out").exists()


def test_the_list_names_every_scenario_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"demo_hour", "hiccup_bout", "loose_sock"} <= {line.split()[0] for line in lines}
    assert all(len(line.split()) > 8 for line in lines)


def test_a_scenario_comes_with_its_circumstances_and_what_was_unseen(tmp_path: Path) -> None:
    scenario = tmp_path / "pushed.toml"
    scenario.write_text(
        'name = "pushed"\nduration_min = 2\nage_days = 90\n[[phase]]\nstate = "quiet_sleep"\nminutes = 2\n'
        '[[movement]]\nkind = "stroller"\nat_s = 10\nduration_s = 60\n'
        '[[wearing]]\nkind = "off"\nsite = "LA"\nfrom_s = 30\nto_s = 90\n'
    )
    assert main(["simulate", str(scenario), "--seed", "3", "--out", str(tmp_path)]) == 0
    contexts = (tmp_path / "pushed_seed-3_truth_contexts.tsv").read_text()
    assert "conveyed\tstroller\tLA,RA,TR" in contexts
    assert "30.000000\t60.000000\tnot_worn\tsensor_off\tLA" in contexts
    unseen = (tmp_path / "pushed_seed-3_truth_unseen.tsv").read_text()
    assert "30.000000\t60.000000\toff\tLA" in unseen


def test_a_wrong_scenario_file_is_named_with_the_place_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "wrong.toml"
    scenario.write_text(
        'name = "a"\nduration_min = 2\nage_days = 90\n[[movement]]\nkind = "kicking"\ncuont = 3\n'
    )
    assert main(["simulate", str(scenario), "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "wrong.toml" in told
    assert "[[movement]] 1" in told
    assert "count (int)" in told


def test_a_night_that_fails_each_time_is_named_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = populations._make

    def failing(order: Order, folder: Path, seed: int) -> object:
        if seed == 12:
            message = "no room"
            raise OSError(message)
        return make(order, folder, seed)

    monkeypatch.setattr(populations, "_make", failing)
    with pytest.raises(NightNotMade, match="seed 12: OSError: no room"):
        simulate_population(Order(2, 11, 0.02, "general"), tmp_path, jobs=1)
    assert len(list(tmp_path.glob("*.edf"))) == 1
