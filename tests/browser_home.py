"""A home for a browser to look at: the real monitor on virtual socks, the real pages, a real broker, real Chromium."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from lullwatch.control import NAME as CONTROL
from lullwatch.programs import CHROMIUM, Missing, obtain
from lullwatch.server_process import tied
from lullwatch.web.hosting import hosting_of
from lullwatch.web.session import Role

ROOT = Path(__file__).resolve().parents[1]
INFANT = "inf1"
SERIES_AT_S = 75
SCENARIO = f"""
name = "short"
duration_min = 40
age_days = 150
[[phase]]
state = "awake"
minutes = 40
[[movement]]
kind = "spasm_cluster"
at_s = {SERIES_AT_S}
count = 9
gap_s = 9.0
subtle = false
busy = 0.0
[background]
newborn_startles = false
care = false
"""
"""A series after a good minute, and nothing else to look at."""
START_S = 60.0
"""For a program to be there; on a machine with others at work an import takes seconds."""
PHONE = {"width": 412, "height": 915}
DESKTOP = {"width": 1280, "height": 900}
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
"""Chromium as root wants no sandbox of its own; and it asks nobody for anything."""


@dataclass
class Watched:
    """A page and what it did besides what was asked of it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def strangers(self) -> list[str]:
        """Addresses on any other computer than this one."""
        known = ("localhost", "127.0.0.1", "")
        return [u for u in (*self.requests, *self.sockets) if (urlsplit(u).hostname or "") not in known]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Running:
    """A command that runs until it is told to stop, as a context manager; it may be started again.

    Args:
        words: of the command.
        log: what it says goes there.
        is_up: whether it does its work.
    """

    def __init__(self, words: Sequence[str], log: Path, is_up: Callable[[], bool]) -> None:
        self._line = [sys.executable, "-m", "lullwatch", *words]
        self._log = log
        self._is_up = is_up
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it is up."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(tied(self._line), cwd=ROOT, stdout=out, stderr=out)
        deadline_s = time.monotonic() + START_S
        while not self._is_up():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline_s, self._log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """As the system stops it."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass
class Home:
    """A running home."""

    folder: Path
    port: int
    gateway: str
    tokens: dict[str, str]
    """by role"""

    @property
    def settings(self) -> Path:
        return self.folder / "lullwatch.toml"

    @property
    def journals(self) -> Path:
        return self.folder / "journals"

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @cached_property
    def monitor(self) -> Running:
        """The monitor, once it answers."""
        words = ("monitor", str(self.settings))
        return Running(words, self.folder / "monitor.log", lambda: stands(self))

    @cached_property
    def pages(self) -> Running:
        """The pages, once they listen."""
        return Running(("serve", str(self.settings)), self.folder / "serve.log", lambda: listens(self))


def listens(home: Home) -> bool:
    """Whether the pages listen."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", home.port), timeout=1):
        return True
    return False


def stands(home: Home) -> bool:
    """Whether the monitor answers on its socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2)
        line.connect(str(home.journals / CONTROL))
        line.sendall(b'{"ask": "status"}\n')
        return bool(line.recv(1))
    return False


def make_home(
    folder: Path, *, broker: tuple[str, int] | None, gateway: str, language: str = "en", pace: float = 30.0
) -> Home:
    """Write the settings and invite somebody of every role; nothing runs yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journals").mkdir(exist_ok=True)
    (folder / "short.toml").write_text(SCENARIO, encoding="utf-8")
    home = Home(folder, free_port(), gateway, {})
    sensors = "".join(
        f'[[infants.sensors]]\nsite = "{site}"\naddress = "C0:00:00:00:00:0{n}"\n'
        for n, site in enumerate(("LA", "RA", "TR"), start=1)
    )
    mqtt = ""
    if broker is not None:
        mqtt = f'[mqtt]\nhost = "{broker[0]}"\nport = {broker[1]}\ntls = false\nhome_assistant = false\n'
    home.settings.write_text(
        f'gateway = "{gateway}"\njournal_dir = "{home.journals}"\nzone = "Europe/Berlin"\nlanguage = "{language}"\n'
        f'[[infants]]\nid = "{INFANT}"\n{sensors}{mqtt}[[people]]\nid = "anna"\n'
        f"[page]\nport = {home.port}\n"
        f'[simulated]\nscenario = "{folder / "short.toml"}"\nseed = 3\npace = {pace}\n',
        encoding="utf-8",
    )
    for person, role in (("anna", "caregiver"), ("vera", "viewer"), ("rosa", "researcher")):
        home.tokens[role] = hosting_of(home.settings).invite(person, Role(role))
    return home


@contextmanager
def chromium(playwright: Playwright | None = None) -> Iterator[Browser]:
    """A browser without a window. One that cannot be had fails, with the command that installs it."""
    found = obtain(CHROMIUM)
    assert not isinstance(found, Missing), str(found)
    with sync_playwright() if playwright is None else _given(playwright) as driver:
        browser = driver.chromium.launch(
            executable_path=str(found.path), args=list(_QUIET), env={**os.environ, **found.environment()}
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _given(playwright: Playwright) -> Iterator[Playwright]:
    yield playwright


def context_of(
    browser: Browser, *, size: dict[str, int] = PHONE, language: str = "en-GB", scale: float = 2.0
) -> BrowserContext:
    """A browser of its own for one person."""
    is_phone = size["width"] < 600
    return browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, device_scale_factor=scale if is_phone else 1,
        is_mobile=is_phone, has_touch=is_phone, locale=language, timezone_id="Europe/Berlin",
        accept_downloads=True,
    )  # fmt: skip


def watched(context: BrowserContext) -> Watched:
    """A page of which everything is written down that it asks for and complains about."""
    seen = Watched(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("websocket", lambda opened: seen.sockets.append(opened.url))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("console", lambda said: _complain(seen, said))
    return seen


def _complain(seen: Watched, said: ConsoleMessage) -> None:
    if said.type in ("error", "warning"):
        seen.complaints.append(f"{said.text} {said.location.get('url', '')}")


def log_in(seen: Watched, home: Home, role: str = "caregiver") -> None:
    """As a person does."""
    seen.page.goto(f"{home.address}/login")
    seen.page.locator("input[type=password], input[name=token]").first.fill(home.tokens[role])
    seen.page.locator("form button").first.click()
    seen.page.wait_for_selector("main")
