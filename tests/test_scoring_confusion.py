from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dsp.records import Label
from lullwatch.scoring_confusion import confusion, false_sources
from tests.scoring_makers import CLUSTER, TRAIN, line, series


def test_a_train_told_as_jerking_stands_in_its_cell() -> None:
    truth = [line(TRAIN, 100, 30, "a")]
    told = [line(Label.RHYTHMIC_JERKING, 101, 28, "x")]
    assert confusion(truth, told) == {("sleep_jerk_train", "rhythmic_jerking"): 1}


def test_of_two_told_events_the_one_that_shares_more_time_counts() -> None:
    truth = [line(TRAIN, 100, 30, "a")]
    told = [line(Label.TWITCHES, 98, 5, "x"), line(Label.RHYTHMIC_JERKING, 104, 26, "y")]
    assert confusion(truth, told) == {("sleep_jerk_train", "rhythmic_jerking"): 1}


def test_what_is_missed_and_what_is_made_up_meet_nothing() -> None:
    found = confusion([line(TRAIN, 100, 30)], [line(CLUSTER, 2000, 30)])
    assert found == {("sleep_jerk_train", "nothing"): 1, ("nothing", "spasm_like_cluster"): 1}


def test_members_stand_behind_their_series() -> None:
    truth = series(100, "a")
    assert confusion(truth, series(100, "x")) == {("spasm_like_cluster", "spasm_like_cluster"): 1}


def test_members_told_without_their_series_speak_for_it() -> None:
    truth = series(100, "a")
    assert confusion(truth, series(100, "x")[1:]) == {("spasm_like_cluster", "spasm_like"): 1}


def test_a_kick_within_a_series_told_as_a_series_is_inside() -> None:
    truth = [*series(100, "a"), line(Label.MOVEMENT, 115, 2.0)]
    found = confusion(truth, series(100, "x"))
    assert found == {("spasm_like_cluster", "spasm_like_cluster"): 1, ("movement", "inside"): 1}


def test_what_lay_under_a_false_event_is_named_even_where_it_was_told_rightly_too() -> None:
    truth = [line(Label.MOVEMENT, 100, 30, true_class="kicking")]
    told = [line(Label.MOVEMENT, 100, 30, "x"), line(CLUSTER, 105, 20, "y"), line(CLUSTER, 2000, 20, "z")]
    assert confusion(truth, told)["movement", "movement"] == 1
    assert false_sources(truth, told) == {
        ("spasm_like_cluster", "kicking"): 1,
        ("spasm_like_cluster", "nothing"): 1,
    }


@pytest.mark.parametrize("seed", ["0", "1", "2", "3", "4", "5"])
def test_columns_stand_in_the_same_order_in_every_process(seed: str) -> None:
    words = "from lullwatch.scoring_report import _used; print(*_used(['movement'], ['nothing', 'inside', 'movement']))"
    said = subprocess.run(
        [sys.executable, "-c", words], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert said.stdout.split() == ["movement", "inside", "nothing"]
