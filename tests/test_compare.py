"""Two tellings beside each other: every difference is named, none is made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, Label
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from lullwatch.__main__ import main
from lullwatch.compare import Changed, changes_between, counted
from lullwatch.simulate import write_night
from store.events_tsv import EventLine

KICK = Label.MOVEMENT
SPASM = Label.SPASM_LIKE
SERIES = Label.SPASM_LIKE_CLUSTER


def line(label: Label, onset_s: float, duration_s: float = 2.0, event_id: str = "") -> EventLine:
    return EventLine(round(onset_s * NS), round(duration_s * NS), label, event_id=event_id)


def test_each_kind_of_change_is_told_with_its_shift() -> None:
    before = [line(SERIES, 10, 40, "a"), line(SERIES, 100, 20, "b"), line(KICK, 300), line(KICK, 400)]
    after = [line(SERIES, 10, 40, "a"), line(SERIES, 103, 20), line(KICK, 300), line(SERIES, 700, 30)]
    changes, same = changes_between("n", before, after)
    assert same == 2
    assert [(c.kind, c.before, c.after) for c in changes] == [
        (Changed.MOVED, SERIES, SERIES),
        (Changed.VANISHED, KICK, None),
        (Changed.APPEARED, None, SERIES),
    ]
    assert (changes[0].onset_moved_s, changes[0].end_moved_s) == (3.0, 3.0)


def test_an_event_that_kept_its_id_under_another_label_is_relabelled() -> None:
    before = [line(Label.SLEEP_JERK_TRAIN, 50, 8, "x")]
    after = [line(Label.RHYTHMIC_JERKING, 50, 8, "x")]
    changes, _ = changes_between("n", before, after)
    assert [(c.kind, c.before, c.after) for c in changes] == [
        (Changed.RELABELLED, Label.SLEEP_JERK_TRAIN, Label.RHYTHMIC_JERKING)
    ]
    rows = {row.label: row for row in counted([("n", before, after)], 10.0).labels}
    assert rows[Label.RHYTHMIC_JERKING].relabelled_to == 1
    assert rows[Label.SLEEP_JERK_TRAIN].before == 1


def test_a_member_is_not_taken_for_its_series() -> None:
    changes, same = changes_between("n", [line(SERIES, 10, 40)], [line(SPASM, 12, 1)])
    assert same == 0
    assert {c.kind for c in changes} == {Changed.APPEARED, Changed.VANISHED}


lines = st.lists(
    st.builds(
        line,
        st.sampled_from([SERIES, SPASM, KICK]),
        st.floats(0, 200),
        st.floats(0.5, 30),
        st.sampled_from(["", "a", "b", "c", "d"]),
    ),
    max_size=8,
    unique_by=lambda e: e.event_id or id(e),
)


@given(lines, lines)
def test_every_event_is_accounted_for_once(before: list[EventLine], after: list[EventLine]) -> None:
    changes, same = changes_between("n", before, after)
    kinds = [c.kind for c in changes]
    both = same + kinds.count(Changed.MOVED) + kinds.count(Changed.RELABELLED)
    assert both + kinds.count(Changed.VANISHED) == len(before)
    assert both + kinds.count(Changed.APPEARED) == len(after)
    assert changes_between("n", before, before) == ([], len(before))


SCENARIO = """
name = "series"
duration_min = 3
age_days = 200
[[phase]]
state = "awake"
minutes = 3
[[movement]]
kind = "spasm_cluster"
at_min = 0.6
count = 6
gap_s = 9.0
subtle = false
"""


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for seed in (1001, 1002):
        night = make_night(replace(scenario_from_toml(SCENARIO), name="series"), seed=seed, infant=f"s{seed}")
        write_night(night, folder)
    return folder


def test_two_settings_are_compared_over_a_folder_and_held_against_truth(
    nights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deaf = tmp_path / "deaf.json"
    deaf.write_text('{"burst_on_ratio": 400.0}')
    words = ["compare", "default", str(deaf), str(nights), "-o", str(tmp_path / "kept"), "--jobs", "1"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {row["label"]: row for row in found["comparison"]["labels"]}
    assert rows["spasm_like_cluster"]["before"] == 2
    assert rows["spasm_like_cluster"]["after"] == 0
    assert rows["spasm_like_cluster"]["vanished"] == 2
    assert found["truth_nights"] == 2
    ways = [
        found[key]["labels"]["spasm_like_cluster"]["by_profile"]["tight"]
        for key in ("score_before", "score_after")
    ]
    assert [way["sensitivity"]["value"] for way in ways] == [1.0, 0.0]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "vanished" in said
    assert "per 24 h" in said
    assert "Against truth (2 nights" in said


def test_stored_tables_of_another_version_are_compared_without_running_them_again(
    nights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(nights), "-o", str(tmp_path / "old"), "--jobs", "1"]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "old"), str(tmp_path / "old")]) == 0
    said = capsys.readouterr().out
    assert "2 nights" in said
    assert "which telling is right cannot be said" in said
    assert "vanished  " not in said.split("relabelled", 1)[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ('{"no_such": 1}', "no_such"),
        ('{"lateness_s": "soon"}', "lateness_s"),
        ("[1]", "table"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(
    tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    assert main(["compare", "default", str(path), str(tmp_path)]) == 2
    complaint = capsys.readouterr().err
    assert str(path) in complaint
    assert said in complaint


def test_sides_that_are_nothing_or_do_not_fit_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "default", "nonsense"]) == 2
    assert "folder" in capsys.readouterr().err
    assert main(["compare", "default", "default"]) == 2
    assert "no nights" in capsys.readouterr().err
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "x_events.tsv").write_text("onset\tduration\tlabel\n")
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "only one side" in capsys.readouterr().err
