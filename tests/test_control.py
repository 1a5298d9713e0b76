"""The control socket beside the journals, wherever they lie. What it is asked stands in test_handlers.py."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lullwatch.control import NAME, Control, ask
from lullwatch.errors import NoMonitor


def open_files() -> set[str]:
    names = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists the others
            names.add(str(entry.readlink()))
    return names


async def echo(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"heard": asked["word"]}


@pytest.mark.parametrize("length", [0, 60, 90, 99, 100, 101, 107, 108, 109, 134, 600])
async def test_a_monitor_is_reached_however_long_the_path_of_its_folder_is(
    tmp_path: Path, length: int
) -> None:
    folder = tmp_path
    while (missing := length - len(os.fsencode(folder / NAME))) > 0:
        folder /= "n" * max(1, min(missing - 1, 200))
    folder.mkdir(parents=True, exist_ok=True)
    async with Control(folder, {"echo": echo}):
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600
        assert await ask(folder, "echo", timeout_s=5, word="here") == {"heard": "here"}
    assert not (folder / NAME).exists()
    async with Control(folder, {"echo": echo}):  # also a second time, over what a crash left
        (folder / NAME).unlink()
        (folder / NAME).write_text("left", encoding="utf-8")
    with pytest.raises(NoMonitor, match=str(folder)):
        await ask(folder, "echo", timeout_s=5, word="gone")
    assert str(folder) not in open_files()
