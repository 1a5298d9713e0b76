"""Tables of events and states: the same bytes each time, and what is wrong in one is named by its line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, EventStatus, Evidence, Label, Site, State, StateEpoch
from store.errors import BadTable
from store.events_tsv import (
    EventLine,
    StateLine,
    event_lines,
    read_events,
    read_states,
    state_lines,
    write_events,
    write_states,
)
from store.tables import seconds
from tests.store_examples import event

LINE = EventLine(
    onset_ns=12_345_678_000,
    duration_ns=1_500_000_000,
    label=Label.SLEEP_JERK_TRAIN,
    count=17,
    side="left",
    state=State.QUIET_SLEEP,
    confidence=0.625,
    sites=(Site.LA, Site.TR),
    event_id="a1b2",
    evidence=(Evidence("interval_cv", 0.21, 0.9), Evidence("both_sides", 1.0, -0.25)),
)


def test_the_table_begins_with_the_promised_columns(tmp_path: Path) -> None:
    write_events(tmp_path / "n_events.tsv", [LINE])
    header, row = (tmp_path / "n_events.tsv").read_text().splitlines()
    assert header.startswith("onset\tduration\tlabel\tcount\tside\tstate\tconfidence\tsites\tevent_id\t")
    assert row.startswith(
        "12.345678\t1.500000\tsleep_jerk_train\t17\tleft\tquiet_sleep\t0.625\tLA,TR\ta1b2\t"
    )
    assert row.endswith("\tinterval_cv=0.21@0.9;both_sides=1@-0.25")


def test_the_sidecar_describes_every_column_and_carries_the_facts(tmp_path: Path) -> None:
    write_events(tmp_path / "n_events.tsv", [LINE], {"Settings": "1:abc"})
    described = json.loads((tmp_path / "n_events.json").read_text())
    header = (tmp_path / "n_events.tsv").read_text().splitlines()[0].split("\t")
    assert described.pop("Settings") == "1:abc"
    assert list(described) == header
    assert all(column["Description"] for column in described.values())
    assert set(described["label"]["Levels"]) == set(Label)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    bare = EventLine(0, 0, Label.MOVEMENT)
    write_events(tmp_path / "e.tsv", [LINE, bare])
    assert read_events(tmp_path / "e.tsv") == [LINE, bare]


def test_the_truth_has_a_column_of_its_own(tmp_path: Path) -> None:
    true = replace(LINE, true_class="patting")
    write_events(tmp_path / "truth.tsv", [true, LINE])
    assert read_events(tmp_path / "truth.tsv") == [true, LINE]
    write_events(tmp_path / "told.tsv", [LINE])
    assert "true_class" not in (tmp_path / "told.tsv").read_text()


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    told = [event("b", onset_ns=9 * NS), event("a", onset_ns=9 * NS), event("c", onset_ns=NS)]
    for name, order in (("one", told), ("two", told[::-1])):
        write_events(tmp_path / f"{name}.tsv", event_lines(order, 0))
    assert (tmp_path / "one.tsv").read_bytes() == (tmp_path / "two.tsv").read_bytes()
    assert [line.event_id for line in event_lines(told, 0)] == ["c", "a", "b"]


def test_only_the_last_word_on_each_event_stands(tmp_path: Path) -> None:
    told = [
        event("a"),
        event("a", 2, count=9),
        event("gone"),
        event("gone", 2, status=EventStatus.WITHDRAWN),
        event("joined", merged_into="a"),
    ]
    assert [(line.event_id, line.count) for line in event_lines(told, 0)] == [("a", 9)]


def test_onsets_are_counted_from_the_recording_s_start() -> None:
    assert event_lines([event(onset_ns=100 * NS)], 60 * NS)[0].onset_ns == 40 * NS


def test_states_are_written_once_per_epoch_and_read_back(tmp_path: Path) -> None:
    first = StateEpoch("kid", 90 * NS, 30 * NS, State.UNKNOWN, 0.5, None, None, None)
    later = replace(first, state=State.QUIET_SLEEP, probability=0.875, breathing_hz=0.6)
    earlier = replace(first, t_ns=60 * NS)
    lines = state_lines([first, later, earlier], 60 * NS)
    assert [(line.onset_ns, line.state) for line in lines] == [
        (0, State.UNKNOWN),
        (30 * NS, State.QUIET_SLEEP),
    ]
    write_states(tmp_path / "n_states.tsv", lines)
    assert read_states(tmp_path / "n_states.tsv") == lines


def test_a_truth_of_states_needs_no_probability(tmp_path: Path) -> None:
    lines = [StateLine(0, 30 * NS, State.AWAKE)]
    write_states(tmp_path / "s.tsv", lines)
    assert read_states(tmp_path / "s.tsv") == lines


@given(st.integers(-(10**18), 10**18))
def test_seconds_are_exact_to_the_microsecond(time_ns: int) -> None:
    whole, _, fraction = seconds(time_ns).partition(".")
    assert len(fraction) == 6
    micros = int(whole) * 1_000_000 + (-1 if whole.startswith("-") else 1) * int(fraction)
    assert abs(micros * 1000 - time_ns) <= 500


def test_there_is_no_negative_zero() -> None:
    assert seconds(-400) == "0.000000"
    assert seconds(-1_500_000_000) == "-1.500000"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1.0\t2.0\tepilepsy", "line 3: 'epilepsy' is not a valid Label"),
        ("1.0\t2.0", "line 3: 2 cells under 3 columns"),
        ("soon\t2.0\tmovement", "line 3: could not convert string to float: 'soon'"),
        ("n/a\t2.0\tmovement", "line 3: 'onset' is n/a but must be known"),
        ("inf\t2.0\tmovement", "line 3: inf is no time"),
        ("1.0\t-2.0\tmovement", "line 3: the duration is negative"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "e.tsv"
    path.write_text(f"onset\tduration\tlabel\n0.0\t1.0\tmovement\n{line}\n")
    with pytest.raises(BadTable, match=rf"e\.tsv, {complaint}"):
        read_events(path)


@pytest.mark.parametrize("content", ["", "onset\tlabel\n"])
def test_a_missing_column_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "e.tsv"
    path.write_text(content)
    with pytest.raises(BadTable, match=r"line 1: no column .*duration"):
        read_events(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match=r"gone\.tsv"):
        read_events(tmp_path / "gone.tsv")


def test_a_line_break_never_gets_into_a_cell(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line break"):
        write_events(tmp_path / "e.tsv", [replace(LINE, true_class="two\nlines")])
    assert not (tmp_path / "e.tsv").exists()


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_otherwise_than_by_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("t") / "e.tsv"
    path.write_text("onset\tduration\tlabel\n" + text, encoding="utf-8", errors="replace")
    try:
        read_events(path)
    except BadTable as error:
        assert "line " in str(error)  # noqa: PT017 - a text that happens to be a table is as good an answer


def test_the_document_names_the_columns_in_their_order(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "recordings.md").read_text(encoding="utf-8")
    write_events(tmp_path / "n_events.tsv", [replace(LINE, true_class="patting")])
    write_states(tmp_path / "n_states.tsv", [StateLine(0, 30 * NS, State.AWAKE)])
    for table in ("n_events.tsv", "n_states.tsv"):
        header = (tmp_path / table).read_text().splitlines()[0].split("\t")
        paragraph = text.split(f"**`NAME_{table[2:]}`**")[1].split("\n\n")[0]
        named = [word for quoted in re.findall(r"`([^`]+)`", paragraph) for word in quoted.split()]
        assert named[: len(header)] == header
