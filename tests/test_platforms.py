"""What runs where: nothing that only Linux has is imported outside one module."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
INGEST = sorted((ROOT / "ingest").glob("*.py"))
LINUX_ONLY = ("dbus_fast", "fcntl", "resource", "pwd", "grp", "termios", "bleak.backends.bluezdbus")
THE_ONE = "bluez_agent"
NEEDS_BUMBLE = ("bumble_answers", "bumble_backend", "bumble_bonds", "bumble_radio", "bumble_scanner")


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module}
    return found


def is_one_of(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_what_only_linux_has_is_imported_by_one_module_of_ingest() -> None:
    linux = {p.stem for p in INGEST if any(is_one_of(m, LINUX_ONLY) for m in imports_of(p))}
    assert linux == {THE_ONE}


def test_that_module_is_imported_where_linux_was_asked_for_first_and_nowhere_else() -> None:
    users = [p for p in INGEST if f"ingest.{THE_ONE}" in imports_of(p)]
    assert [p.stem for p in users] == ["this_computer"]
    text = users[0].read_text(encoding="utf-8")
    assert text.index('platform.system() == "Linux"') < text.index(f"from ingest.{THE_ONE} import")


def test_everything_else_loads_where_linux_is_not() -> None:
    modules = [p.stem for p in INGEST if p.stem not in (THE_ONE, "__init__", *NEEDS_BUMBLE)]
    code = (
        "import sys\n"
        f"for name in {LINUX_ONLY!r}: sys.modules[name] = None\n"
        "sys.modules['bumble'] = None\n"
        f"for name in {modules!r}: __import__('ingest.' + name)\n"
        "print(len(sys.modules))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert len(modules) > 25
