"""The soak itself: short, killed once, and that it would notice what it is there to notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from firmware_sim.sock_script import SockFaultKind
from tests.servers_fixtures import Broker

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    """bench/ is a folder of scripts that find each other there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        import soak  # type: ignore[import-not-found, unused-ignore]  # found by the path above

        yield soak


async def test_a_short_soak_in_which_monitor_and_broker_are_killed_finds_nothing_wrong(
    bench: ModuleType, own_mosquitto: Broker, tmp_path: Path
) -> None:
    plan = bench.Plan(hours=0.05, pace=15.0, seed=3, kills=1, kills_until=0.4, broker_kills=1)
    found = await bench.soak(tmp_path, own_mosquitto.server, plan)
    assert found.problems == []
    assert found.statuses == (-9, 0)
    assert found.packets_kept > 300
    assert found.faults


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "make soak"),
        (["--keep", "here"], "make soak"),
        (["--hours", "8", "--broker-kills", "2"], "python bench/soak.py --hours 8 --broker-kills 2"),
    ],
)
def test_the_evidence_names_the_command_of_its_own_run(
    bench: ModuleType, words: list[str], said: str
) -> None:
    assert bench.command_of(bench.parser().parse_args(words)) == said


def test_a_day_has_every_fault_of_a_sock_many_times(bench: ModuleType) -> None:
    from soak_plan import fault_script  # type: ignore[import-not-found, unused-ignore]  # found by the path above

    kinds = [fault.kind for fault in fault_script(bench.Plan())]
    assert set(kinds) == set(get_args(SockFaultKind))
    assert all(kinds.count(kind) >= 8 for kind in set(kinds) - {"forget"})
    assert kinds.count("forget") == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"holes": 1}, "holes"),
        ({"ledger_h": 20.0}, "holds 20.00 h of 24"),
        ({"unexplained": ("alert-1",)}, "alert-1"),
        ({"odd_lines": ("Traceback",)}, "exceptions"),
        ({"growth": 0.021}, "2.1%"),
        ({"growth": None}, "too short"),
        ({"urgent": 0}, "nothing rang"),
        ({"statuses": (-9, 1)}, "ended with"),
        ({"statuses": (1, 0)}, "ended with"),
    ],
)
def test_what_may_not_be_is_said(bench: ModuleType, wrong: dict[str, Any], said: str) -> None:
    well = bench.Findings(24.0, 20.0, 1, ledger_h=24.0, growth=0.01, urgent=1, statuses=(-9, 0))
    assert well.problems == []
    (problem,) = replace(well, **wrong).problems
    assert said in problem
