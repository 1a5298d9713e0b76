"""The style sheet and the scripts: readable in the dark, large enough to touch, and nothing from elsewhere."""

from __future__ import annotations

import re
from itertools import product

import pytest

from lullwatch.web.app import STATIC

SHEET = (STATIC / "page.css").read_text(encoding="utf-8")
OURS = [path for path in STATIC.rglob("*") if path.is_file() and "vendor" not in path.parts]
COLOURS = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", SHEET.partition("}")[0]))
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3 (AA), for text of any size"""


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    ("text", "ground"), [*product(["text", "dim", "accent", "trouble"], ["ground", "raised"])]
)
def test_every_text_stands_out_from_what_is_behind_it(text: str, ground: str) -> None:
    light, dark = luminance(COLOURS[text]), luminance(COLOURS[ground])
    assert (light + 0.05) / (dark + 0.05) >= LEAST_CONTRAST


def test_nothing_is_bright_in_a_dark_room() -> None:
    assert luminance(COLOURS["ground"]) < 0.01
    assert max(luminance(colour) for colour in COLOURS.values()) < 0.65  # white is 1
    screen = SHEET.partition("@media print")[0]
    assert not re.search(r": *(#fff\b|white\b|#ffffff)", screen)


def test_what_is_touched_is_large_and_who_wants_no_motion_gets_none() -> None:
    touched = next(rule for rule in SHEET.split("}") if "button, .button, select" in rule)
    assert "min-height: 48px" in touched
    assert "prefers-reduced-motion" in SHEET
    assert ":focus-visible" in SHEET


@pytest.mark.parametrize("path", OURS, ids=lambda p: p.name)
def test_our_files_name_no_other_computer_and_make_no_sound(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert not re.search(r"\b(Audio|AudioContext|speechSynthesis|vibrate|eval)\b", text)
