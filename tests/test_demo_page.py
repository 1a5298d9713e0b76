"""The demo's pages: there while it runs, for whoever has its token, and gone afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import aiohttp
import pytest

from lullwatch import demo_page
from lullwatch.demo_page import DemoPage
from lullwatch.server_process import accepts


async def test_the_demo_s_page_is_there_while_it_runs_and_gone_afterwards(tmp_path: Path) -> None:
    said: list[str] = []
    with DemoPage(tmp_path / "journal-demo.sqlite", said.append) as page:
        (line,) = said
        assert (
            line == f"page      http://localhost:{page.port}/ while the demo runs; log in with {page.token}"
        )
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{page.port}", cookie_jar=jar) as client:
            answer = await client.post("/login", data={"token": page.token})
            assert "Nothing is recorded yet" in await answer.text()
    assert not accepts(page.port)


def test_without_the_libraries_the_demo_says_which_extra_brings_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_page, "find_spec", lambda name: None if name == "starlette" else name)
    said: list[str] = []
    with DemoPage(tmp_path / "journal-demo.sqlite", said.append):
        pass
    assert said == ["page      none, starlette missing: pip install 'lullwatch[web]'"]


def test_a_page_that_cannot_start_does_not_hold_the_demo_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_page, "tied", lambda _: [sys.executable, "-c", "raise SystemExit(1)"])
    said: list[str] = []
    with DemoPage(tmp_path / "journal-demo.sqlite", said.append):
        pass
    assert said[0].startswith("page      none: lullwatch serve --journals")
