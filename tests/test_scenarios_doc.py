"""docs/scenarios.md against the program: its file can be read, its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

from firmware_sim.generators import GENERATORS, options_of
from firmware_sim.population import MECHANISMS, POPULATIONS, draw_night
from firmware_sim.scenario import scenario_from_toml
from firmware_sim.scenarios import SCENARIOS

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "scenarios.md").read_text(encoding="utf-8")

KINDS = "Kinds of movement"


def row(name: str, heading: str) -> str:
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    (line,) = (line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
    return line


def test_the_file_that_is_shown_can_be_read() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    scenario = scenario_from_toml(shown)
    assert (len(scenario.phases), len(scenario.placed), len(scenario.worn), len(scenario.faults)) == (
        2,
        2,
        1,
        1,
    )


def test_every_kind_and_option_is_in_the_table() -> None:
    for kind in GENERATORS:
        assert all(f"`{name}`" in row(kind, KINDS) for name in options_of(kind)), kind
        assert re.match(r"\| `\w+` \| [^|]{10,} \| `\w+`.* \| [^|]{3,} \| ", row(kind, KINDS)), kind


def test_every_scenario_is_in_the_table() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.about in row(name, "Named scenarios")


def test_every_population_and_what_can_be_left_out_is_named() -> None:
    assert all(row(name, "Populations") for name in POPULATIONS)
    for name in MECHANISMS - set(GENERATORS):
        assert re.search(rf"[` ]{name}[` ]", TEXT), name
        assert draw_night(1, hours=1.0, without=frozenset({name}))
