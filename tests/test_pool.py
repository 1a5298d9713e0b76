"""Tasks on all cores and on a real Dask cluster: what fails is tried again, what fails always is named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from lullwatch.__main__ import main
from lullwatch.pool import BadCluster, DaskMissing, on_cores, on_dask
from lullwatch.server_process import LOOPBACK, free_port
from lullwatch.simulate import write_night
from tests.servers_fixtures import until


def work(task: tuple[str, str]) -> str:
    """Do as the task says; the second word is a file that remembers how often."""
    what, memory = task
    path = Path(memory)
    tries = len(path.read_text()) if path.exists() else 0
    path.write_text("x" * (tries + 1))
    if what == "hiccup" and tries == 0:
        message = "the network share was away"
        raise OSError(message)
    if what == "poison":
        message = "no such night"
        raise ValueError(message)
    if what == "dies" or (what == "dies once" and tries == 0):
        os._exit(9)
    return what.upper()


def tasks(folder: Path, *words: str) -> list[tuple[str, str]]:
    return [(word, str(folder / f"{i}")) for i, word in enumerate(words)]


def test_in_one_process_what_fails_is_tried_again_and_what_fails_twice_is_named(tmp_path: Path) -> None:
    done = list(on_cores(work, tasks(tmp_path, "fine", "hiccup", "poison"), jobs=1))
    assert [d.result for d in done] == ["FINE", "HICCUP", None]
    assert [d.error for d in done] == ["", "", "ValueError: no such night"]


def test_a_task_that_kills_its_process_ends_no_other(tmp_path: Path) -> None:
    words = ("fine", "dies", "fine", "dies once", "fine")
    done = {d.task: d for d in on_cores(work, tasks(tmp_path, *words), jobs=2)}
    assert len(done) == 5
    failed = [d for d in done.values() if d.error]
    assert [d.task[0] for d in failed] == ["dies"]
    assert "memory" in failed[0].error


def test_nothing_to_do_is_done(tmp_path: Path) -> None:
    assert list(on_cores(work, [], jobs=4)) == []


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A scheduler and a worker as processes of their own."""
    address = f"tcp://{LOOPBACK}:{free_port()}"
    root = Path(__file__).resolve().parents[1]
    words = [sys.executable, "-W", "ignore", "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": root}
    scheduler = ["distributed.cli.dask_scheduler", "--host", address, "--no-dashboard", "--no-show"]
    worker = ["distributed.cli.dask_worker", address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard"]
    processes = [subprocess.Popen([*words, *line], **quiet) for line in (scheduler, worker)]
    yield address
    for process in reversed(processes):
        process.terminate()
    for process in processes:
        process.wait(20)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_on_a_cluster_tasks_come_back_and_the_poisoned_ones_are_named(cluster: str, tmp_path: Path) -> None:
    def reached() -> bool:
        try:
            next(on_dask(len, [()], address=cluster))
        except BadCluster:
            return False
        return True

    until(reached, timeout_s=60)
    words = ("fine", "hiccup", "poison", "dies once", "dies", "fine")
    done = {d.task: d for d in on_dask(work, tasks(tmp_path, *words), address=cluster)}
    assert len(done) == 6
    assert sorted(d.task[0] for d in done.values() if d.error) == ["dies", "poison"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_folder_of_nights_is_replayed_on_a_cluster_and_the_poisoned_one_ends_with_status_1(
    cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = tmp_path / "nights"
    scenario = scenario_from_toml('name = "short"\nduration_min = 1\nage_days = 120\n')
    for seed in (1, 2):
        write_night(make_night(scenario, seed=seed, infant=f"s{seed}"), nights)
    (nights / "noise.edf").write_bytes(b"no recording" * 50)
    words = ["replay", str(nights), "-o", str(tmp_path / "out"), "--dask", cluster]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "2 nights" in said.out
    assert "noise.edf" in said.err
    assert len(list((tmp_path / "out").glob("*_told.jsonl"))) == 2


def test_no_scheduler_and_no_package_are_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lullwatch.pool._CONNECT_S", 0.5)
    with pytest.raises(BadCluster, match="dask scheduler"):
        list(on_dask(work, [("fine", "")], address=f"tcp://{LOOPBACK}:{free_port()}"))
    monkeypatch.setattr("lullwatch.pool.find_spec", lambda _: None)
    with pytest.raises(DaskMissing, match=r"lullwatch\[dask\]"):
        list(on_dask(work, [("fine", "")], address="tcp://nowhere:1"))
