"""Limits of the severity table may be set, within what keeps their meaning; each alert says by which table."""

from __future__ import annotations

import msgspec
import pytest

from alerts.limits import DEFAULT_LIMITS, Limits, table_of
from alerts.rules import RuleState, decide
from alerts.severity import TABLE, judge
from dsp.records import Label, Severity
from tests.alert_makers import event


def test_without_changes_it_is_the_table_itself() -> None:
    assert table_of(DEFAULT_LIMITS) is TABLE
    assert TABLE.tag == "1"


def test_the_defaults_are_the_numbers_of_the_table() -> None:
    rows = {row.id: row.when for row in TABLE.rows}
    limits = DEFAULT_LIMITS
    assert rows["jerking-10s"].over_s == limits.jerking_s
    assert rows["stiffening-10s"].from_s == limits.stiffening_s
    assert rows["stiffening-3-in-30min"].times == limits.stiffening_times
    assert rows["stiffening-3-in-30min"].within_s == 60 * limits.stiffening_within_min
    assert rows["series-weak-twice"].within_s == 3600 * limits.weak_series_within_h
    assert rows["train-long"].episode_over_s == 60 * limits.train_min
    assert rows["train-late-for-age"].from_age_days == limits.train_age_days
    assert (TABLE.late_limit_s, TABLE.blind_s) == (60 * limits.late_min, 60 * limits.blind_min)


def test_a_changed_limit_decides_and_stands_in_the_alert() -> None:
    table = table_of(Limits(jerking_s=15))
    jerking = event(Label.RHYTHMIC_JERKING, long_s=12)
    assert judge(jerking, (), table)[1] is Severity.DIARY
    [alert] = decide(RuleState(), event(Label.RHYTHMIC_JERKING, long_s=16), table)[1]
    assert alert.rule.startswith("jerking-10s@1-")
    assert table.tag != table_of(Limits(jerking_s=16)).tag


@pytest.mark.parametrize(
    "text",
    [
        "jerking_s = 60",
        "stiffening_times = 10",
        "blind_min = 60",
        "late_min = 0",
        "train_age_days = 400",
        "rows = []",
    ],
)
def test_no_limit_can_be_set_so_far_that_something_urgent_is_not_heard(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(text, type=Limits)


def test_no_window_is_longer_than_the_memory_of_the_rules() -> None:
    widest = table_of(Limits(weak_series_within_h=24, stiffening_within_min=60))
    assert all(row.when.within_s <= widest.memory_s for row in widest.rows)
