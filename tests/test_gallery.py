"""The gallery: every kind is in it, its pages are small, and nothing in it starts or stops with a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dsp.records import Site
from firmware_sim.body import draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.generators import GENERATORS
from firmware_sim.movement import draw_infant
from firmware_sim.steps import Trajectory
from lullwatch.gallery import NIGHT, look, write_gallery, write_section
from lullwatch.gallery_night import breathing_rates, movement_g
from lullwatch.gallery_plates import Plate, Sheet, all_sheets, cited

DOCS = Path(__file__).resolve().parents[1] / "docs"
PLATES = [(sheet, plate) for sheet in all_sheets() for plate in sheet.plates]
PAGE_BYTES = 160_000
GALLERY_BYTES = 1_500_000


def test_every_registered_kind_is_in_the_gallery() -> None:
    assert {plate.kind for _, plate in PLATES} == set(GENERATORS)


def test_every_kind_says_what_it_rests_on() -> None:
    assert [kind for kind in GENERATORS if not cited(kind)] == []


def test_the_rows_and_sources_are_those_of_the_description() -> None:
    assert cited("clonic").startswith("row Clonic seizure [F32")
    assert cited("hiccups").startswith("row Hiccup [F23, F24")


def test_two_kinds_are_drawn_into_files(tmp_path: Path) -> None:
    paths = write_gallery(tmp_path, kinds=("startle", "patting"))
    assert sorted(p.stem for p in paths) == ["brief-movements", "from-outside"]
    for path in paths:
        with Image.open(path) as picture:
            colours = picture.convert("RGB").getcolors(1 << 20)
            assert picture.size[0] > 900
        assert colours is not None
        assert len(colours) > 5
        assert path.stat().st_size < PAGE_BYTES


def _ids(row: tuple[Sheet, Plate]) -> str:
    return f"{row[0].name}-{row[1].kind}-{row[1].says}".replace(" ", "_")


@pytest.mark.parametrize("row", PLATES, ids=_ids)
def test_no_plate_begins_or_ends_with_a_step(row: tuple[Sheet, Plate]) -> None:
    sheet, plate = row
    seen = look(plate, sheet.span_s)
    strongest = max(float(np.abs(v).max()) for v in seen.acc_g.values())
    assert strongest > 0.0
    body, rest = (
        draw_infant(Draw(plate.seed, "infant"), plate.age_days).body,
        draw_rest(Draw(plate.seed, "rest")),
    )
    trajectory = Trajectory(seen.movement.steps, rest)
    for at_s in (seen.movement.steps.begin_s, seen.movement.steps.end_s):
        acc, _ = motion_at(body, trajectory, plate.sites[0], t0_s=at_s - 0.002, dt_s=0.0005, n=9)
        assert np.abs(np.diff(acc, axis=0)).max() < 0.05 * max(strongest, 0.02)


def test_the_section_is_put_between_its_marks_and_again_changes_nothing(tmp_path: Path) -> None:
    document = tmp_path / "scenarios.md"
    document.write_text(
        "# Scenarios\n\n<!-- gallery -->\nold\n<!-- end of gallery -->\n\nafter\n", encoding="utf-8"
    )
    write_section(document, tmp_path / "gallery")
    once = document.read_text(encoding="utf-8")
    write_section(document, tmp_path / "gallery")
    assert document.read_text(encoding="utf-8") == once
    assert "old" not in once
    assert once.startswith("# Scenarios")
    assert once.endswith("after\n")
    assert all(f"gallery/{sheet.name}.png" in once for sheet in all_sheets())


def test_a_document_without_the_mark_gets_the_section_at_its_end(tmp_path: Path) -> None:
    document = tmp_path / "scenarios.md"
    document.write_text("# Scenarios\n", encoding="utf-8")
    write_section(document, tmp_path / "gallery")
    assert "gallery/a-night.png" in document.read_text(encoding="utf-8")


def test_the_gallery_in_the_documents_is_whole_and_small() -> None:
    text = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    names = {*(sheet.name for sheet in all_sheets()), NIGHT}
    files = {path.stem: path.stat().st_size for path in (DOCS / "gallery").glob("*.png")}
    assert set(files) == names
    assert all(f"gallery/{name}.png" in text for name in names)
    assert max(files.values()) < PAGE_BYTES
    assert sum(files.values()) < GALLERY_BYTES


def test_a_steady_breath_is_read_off_the_trunk_and_a_moving_epoch_is_left_out() -> None:
    t = np.arange(3120) / 104.0
    tilt = 0.005 * np.sin(2 * np.pi * 0.5 * t)
    noise = np.random.default_rng(1).normal(0.0, 0.0005, (2, t.size, 3))
    acc = noise + np.stack([tilt, 0.3 * tilt, np.ones_like(t)], axis=1)
    acc[1, 500:900] += 0.2
    rates = breathing_rates(acc)
    assert rates[0] == pytest.approx(30.0, abs=1.0)
    assert np.isnan(rates[1])
    assert movement_g(acc)[1] > 0.05


def test_a_plate_shows_the_sites_it_names() -> None:
    plate = Plate(
        "sucking", "for comfort", {"nutritive": False, "duration_s": 20.0}, 90, sites=(Site.TR, Site.HD)
    )
    assert list(look(plate, 5.0).acc_g) == [Site.TR, Site.HD]
