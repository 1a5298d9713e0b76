"""The accuracy bench, tried on nights too short to prove anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """bench/ is a folder of scripts that find each other there."""
    monkeypatch.syspath_prepend(str(BENCH))
    import accuracy

    yield accuracy
    for name in ("accuracy", "accuracy_nights", "accuracy_table", "beside", "evidence", "osd"):
        sys.modules.pop(name, None)


def test_a_plan_may_have_a_number_of_nights_of_its_own(
    bench: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = bench.chosen(bench.parsed(["--nights", "24,no_clusters=150,rare=999"]))
    nights = {plan.name: plan.nights for plan in plans}
    assert (nights["validation"], nights["no_clusters"], nights["rare"]) == (24, 150, 30)
    for wrong in ("", "0", "24,nosuch=3", "24,rare", "24,rare=x"):
        with pytest.raises(SystemExit):
            bench.parsed(["--nights", wrong])
        assert "24,no_clusters=150" in capsys.readouterr().err


TINY = ["--only", "validation,no_clusters", "--nights", "1", "--hours", "0.06", "--jobs", "0"]


def test_two_tiny_nights_are_run_scored_printed_and_kept(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(bench.evidence, "write", lambda tier, **_: written.append(tier))
    assert bench.main([*TINY, "--keep", str(tmp_path)]) == 0
    first = capsys.readouterr().out
    assert "Targets on simulated nights (validation 1 x 0.06 h, no_clusters 1 x 0.06 h)" in first
    assert "OpenSeizureDetector" in first
    assert "leave one mechanism out: not run" in first
    assert written == [], "a part is no evidence"
    kept = sorted(p.name for p in tmp_path.rglob("*.zz"))
    assert kept == ["general_2000_0.06h.zz", "no_clusters_2300_0.06h.zz"]
    monkeypatch.setattr("accuracy_nights.make_night", lambda *_, **__: pytest.fail("made twice"))
    assert bench.main([*TINY, "--keep", str(tmp_path)]) == 0
    assert capsys.readouterr().out == first, "a run taken up again says the same"


def test_other_settings_never_meet_kept_nights_and_a_wrong_one_is_named(
    bench: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"cluster_weak": 7.5, "version": "trial"}))
    (plan,) = bench.chosen(bench.parsed(["--settings", str(path), "--only", "shifted"]))
    assert plan.settings.cluster_weak == 7.5
    assert plan.settings.digest != bench.Settings().digest
    path.write_text(json.dumps({"cluster_week": 7.5}))
    with pytest.raises(SystemExit, match="cluster_week"):
        bench.chosen(bench.parsed(["--settings", str(path)]))


def test_a_fold_runs_the_validation_nights_under_settings_made_without_a_mechanism(
    bench: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "two_legged_kicks.json").write_text("{}")
    plans = bench.chosen(bench.parsed(["--folds", str(tmp_path)]))
    (fold,) = [p for p in plans if p.name.startswith("fold")]
    assert (fold.name, fold.population, fold.first_seed) == ("fold two_legged_kicks", "general", 2000)
    (tmp_path / "tap_dancing.json").write_text("{}")
    with pytest.raises(SystemExit, match="tap_dancing"):
        bench.chosen(bench.parsed(["--folds", str(tmp_path)]))


def test_folds_told_beside_the_first_settings_are_what_they_are_alone(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folds"
    folder.mkdir()
    (folder / "startle.json").write_text(json.dumps({"spasm_bias": 1.5}))
    words = ["--only", "validation,fold startle", "--nights", "1", "--hours", "0.3", "--folds", str(folder)]
    plans = bench.chosen(bench.parsed(words))
    assert plans[0].beside == (plans[1].settings,)
    alone, _ = bench.run([replace(plans[1], beside=())], jobs=0, folder=tmp_path / "alone")
    both, _ = bench.run([plans[0]], jobs=0, folder=tmp_path / "both")
    monkeypatch.setattr("accuracy_nights.make_night", lambda *_, **__: pytest.fail("made twice"))
    beside, _ = bench.run([plans[1]], jobs=0, folder=tmp_path / "both")
    singles = [done["fold startle"][0].tally.singles for done in (alone, beside)]
    assert singles[0] == singles[1] != both["validation"][0].tally.singles


def test_no_plan_touches_a_development_seed_and_none_shares_a_night(bench: ModuleType) -> None:
    seeds = [job.seed for plan in bench.PLANS for job in plan.jobs()]
    assert min(seeds) >= 2000
    assert len(seeds) == len(set(seeds))
    assert {job.seed // 1000 for plan in bench.PLANS for job in plan.jobs() if plan.name == "shifted"} == {4}


def test_development_nights_may_begin_at_any_seed_for_setting_and_at_no_other(
    bench: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = bench.chosen(bench.parsed(["--development", "--first", "1530"]))
    assert {next(plan.jobs()).seed for plan in plans} == {1530}
    for words in (["--first", "1530"], ["--development", "--first", "2000"]):
        assert bench.main(words) == 2
        assert "1000 to 1999" in capsys.readouterr().out


def test_what_the_detector_is_set_by_lies_on_development_seeds_alone(bench: ModuleType) -> None:
    plans = bench.chosen(bench.parsed(["--development"]))
    seeds = [job.seed for plan in plans for job in plan.jobs()]
    assert min(seeds) >= 1000
    assert max(seeds) < 2000
    # Settings made without a mechanism run on the same nights as those with all of them.
    own = [job.seed for plan in plans if plan.settings == plans[0].settings for job in plan.jobs()]
    assert len(own) == len(set(own))


def test_nights_without_a_series_suffice_to_show_one_in_twenty_days(bench: ModuleType) -> None:
    from lullwatch.scoring_intervals import rate

    (plan,) = [p for p in bench.PLANS if p.name == "no_clusters"]
    of_none = rate([str(i) for i in range(plan.nights)], [0] * plan.nights, [plan.hours] * plan.nights)
    assert of_none.at_most is not None
    assert of_none.at_most <= 0.05


def test_a_night_that_fails_is_named_and_the_others_go_on(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bench.scored

    def broken(job: object, *rest: object) -> object:
        if getattr(job, "plan", "") == "validation":
            raise RuntimeError("torn")
        return real(job, *rest)

    monkeypatch.setattr(bench, "scored", broken)
    assert bench.main([*TINY, "--keep", str(tmp_path)]) == 1
    assert "validation seed 2000: RuntimeError: torn" in capsys.readouterr().out


def test_the_bench_runs_as_make_calls_it_in_a_process_of_its_own(tmp_path: Path) -> None:
    words = ["--only", "rare", "--nights", "1", "--hours", "0.06", "--jobs", "1", "--keep", str(tmp_path)]
    line = [sys.executable, str(BENCH / "accuracy.py"), *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=BENCH.parent)
    assert done.returncode == 0, done.stderr
    assert "==== rare" in done.stdout
    assert [p.name for p in tmp_path.rglob("*.zz")] == [
        "general_clonic-3_stiffening-3_tonic_clonic-1_2700_0.06h.zz"
    ]


def test_only_the_newest_sources_are_kept(bench: ModuleType, tmp_path: Path) -> None:
    for i in range(6):
        (tmp_path / f"{i:010d}").mkdir()
        os.utime(tmp_path / f"{i:010d}", (i, i))
    (tmp_path / "mine").mkdir()
    bench.prune(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{i:010d}" for i in range(2, 6)] + ["mine"]


def test_every_fold_is_told_and_the_worst_beside_the_mean(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("two_legged_kicks", "startle"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"version": name}))
    words = ["--only", "validation,fold two_legged_kicks,fold startle", *TINY[2:]]
    assert bench.main([*words, "--folds", str(tmp_path), "--keep", str(tmp_path / "keep")]) == 0
    (line,) = [
        x for x in capsys.readouterr().out.splitlines() if "series, false per 24 h" in x and "mean" in x
    ]
    assert "all 0  mean 0  worst 0 (startle)" in line
    assert "two_legged_kicks 0" in line


@pytest.mark.parametrize(
    ("found", "told", "verdict"),
    [(60, 60, "met"), (10, 10, "met, not shown"), (10, 5, "NOT MET"), (0, 0, "no events")],
)
def test_a_target_is_met_only_when_the_bad_end_of_its_interval_says_so(
    bench: ModuleType, found: int, told: int, verdict: str
) -> None:
    from lullwatch.scoring import tally
    from tests.scoring_makers import night, series

    truth = [series(100, "t", n=5) if i < found else [] for i in range(max(found, 1))]
    nights = [night(rows, rows if i < told else [], infant=str(i)) for i, rows in enumerate(truth)]
    scores = {"validation": bench.pool((tally(n) for n in nights), window_s=0.5)}
    goals = {(g.what, g.plan): g for g in bench.goals({**scores, "shifted": scores["validation"]})}
    assert goals["series of 5 or more visible, found", "validation"].verdict == verdict
    assert goals["series, false per 24 h", "no_clusters"].verdict == "not run"
    shifted = "no events" if not found else "met" if found == 60 else "met, not shown"
    assert goals["series of 5 or more visible, found", "shifted"].verdict == shifted


def test_evidence_names_goals_plans_seeds_and_settings(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: dict[str, object] = {}
    monkeypatch.setattr(bench.evidence, "write", lambda tier, **facts: got.update(facts, tier=tier))
    plans = bench.chosen(bench.parsed([*TINY, "--only", "validation"]))
    done, failed = bench.run(plans, jobs=0, folder=tmp_path)
    bench.write(bench.summed(done), done, "make accuracy")
    assert failed == []
    figures = json.loads(json.dumps(got["figures"]))
    assert got["tier"] == "accuracy"
    assert figures["plans"]["validation"]["seeds"] == [2000, 2000]
    assert figures["plans"]["validation"]["series, false per 24 h"]["value"] == 0.0
    assert figures["settings"] == bench.Settings().tag
    assert {goal["verdict"] for goal in figures["goals"]} >= {"not run", "no events"}
