"""Real people, other sensors, other rates: the pipeline must survive them, see them, and not cry wolf."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsp.records import Label, Segment, Severity, Usability
from lullwatch.feeding import settled_blocks
from lullwatch.nights import Night, load
from lullwatch.replay import Replayed, replay, write_results
from tests.public_recordings import lower_back_walk, shoulder_exercises

DATA = Path(os.environ.get("LULLWATCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
FILES = (
    "adult_feet_gait",
    "adult_feet_stair_down",
    "adult_feet_stair_up",
    "adult_lower_back_walk",
    "child_left_ankle",
    "parkinson_wrist",
    "shoulder_exercise_wrist",
)
NO_URGENT = ("adult_feet_gait", "adult_feet_stair_down", "adult_feet_stair_up", "child_left_ankle")


def recording(name: str) -> Path:
    path = DATA / f"{name}.edf"
    if not path.exists():
        pytest.skip(f"{path.name} is not in {DATA}; set LULLWATCH_DATA to the folder with the recordings")
    return path


def night_of(segment: Segment) -> Night:
    sites = (segment.site,)
    blocks = settled_blocks([segment], sites)
    return Night("public", "public", sites, segment.t0_ns, segment.end_ns, None, "UTC", blocks)


def check(replayed: Replayed) -> None:
    told = replayed.told
    assert told.final_events, "no movement was found in a recording full of it"
    assert not [e for e in told.final_events if e.label is Label.SPASM_LIKE_CLUSTER]
    whole_minutes = int(replayed.night.duration_s // 60)
    assert len(told.coverage) >= whole_minutes
    assert sum(c.usability is Usability.USABLE for c in told.coverage) >= whole_minutes - 1
    assert all(e.evidence for e in told.final_events)


@pytest.mark.parametrize("name", FILES)
def test_a_recording_of_people_yields_movement_and_coverage_and_no_cluster(name: str, tmp_path: Path) -> None:
    (night,) = load(recording(name))
    replayed = replay(night)
    check(replayed)
    paths = write_results(replayed, tmp_path)
    assert {p.name.removeprefix(name) for p in paths} >= {"_events.tsv", "_summary.txt", "_night.png"}
    assert all(p.stat().st_size > 0 for p in paths)


@pytest.mark.parametrize("name", NO_URGENT)
def test_walking_stairs_and_a_playing_child_ring_nobody(name: str) -> None:
    (night,) = load(recording(name))
    assert [a for a in replay(night).told.alerts if a.severity is Severity.URGENT] == []


def test_shoulder_exercises_from_a_public_wheel_are_movement_and_no_cluster() -> None:
    check(replay(night_of(shoulder_exercises())))


def test_walking_from_a_public_wheel_is_movement_and_rings_nobody() -> None:
    replayed = replay(night_of(lower_back_walk()))
    check(replayed)
    assert [a for a in replayed.told.alerts if a.severity is Severity.URGENT] == []
