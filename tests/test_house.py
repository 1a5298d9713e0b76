"""The one rule of the house: an import points down the list, never up, and never into a forbidden room."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("lullwatch", "firmware_sim", "alerts", "ingest", "store", "dsp")
STRANGERS = {("ingest", "store"), ("alerts", "firmware_sim"), ("firmware_sim", "alerts")}
CODEC = "ingest.sock_codec"
GROUND = {"numpy", "scipy", "dsp"}
STDLIB_FORBIDDEN_IN_DSP = {
    "time",
    "os",
    "pathlib",
    "io",
    "socket",
    "random",
    "asyncio",
    "threading",
    "sqlite3",
}


def imports_of(path: Path) -> list[str]:
    """Full dotted names imported by a module, relative imports resolved."""
    names: list[str] = []
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names += [f"{module}.{alias.name}" for alias in node.names]
    return names


def faults_of(path: Path) -> list[str]:
    room = path.relative_to(ROOT).parts[0]
    faults = []
    for name in imports_of(path):
        target = name.split(".")[0]
        if target not in ROOMS or target == room:
            continue
        allowed = ROOMS.index(target) > ROOMS.index(room) and (room, target) not in STRANGERS
        if room == "firmware_sim" and target == "ingest":
            allowed = name.startswith(CODEC)
        if not allowed:
            faults.append(f"{path.relative_to(ROOT)} imports {name}")
    return faults


def test_every_import_points_down_the_house() -> None:
    files = [f for room in ROOMS for f in (ROOT / room).rglob("*.py")]
    assert len(files) > len(ROOMS)
    assert [fault for f in files for fault in faults_of(f)] == []


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("dsp", "import store"),
        ("store", "from ingest.link import Link"),
        ("ingest", "from store import journal"),
        ("alerts", "import firmware_sim.night"),
        ("firmware_sim", "from ingest import link"),
        ("ingest", "from lullwatch.settings import Settings"),
    ],
)
def test_an_import_that_points_up_is_found(
    room: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / room).mkdir()
    bad = tmp_path / room / "bad.py"
    bad.write_text(line + "\n")
    assert faults_of(bad) != []


def test_the_ground_imports_numbers_and_itself_only() -> None:
    import sys

    faults = []
    for path in (ROOT / "dsp").rglob("*.py"):
        allowed = GROUND | (sys.stdlib_module_names - STDLIB_FORBIDDEN_IN_DSP)
        if path.name == "kernels.py":
            allowed = allowed | {"numba"}
        faults += [f"{path.name} imports {n}" for n in imports_of(path) if n.split(".")[0] not in allowed]
    assert faults == []


def test_the_codec_imports_no_bleak() -> None:
    assert [n for n in imports_of(ROOT / "ingest" / "sock_codec.py") if n.startswith("bleak")] == []
