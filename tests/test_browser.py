"""What a family sees, in a real browser: a series appears by itself, is answered, looked at, written about, printed.

The monitor (on virtual socks), the pages and the broker are the real programs; Chromium is Debian's. One walk through
all of it at a phone's size; the same pages on a desk, in German, and with axe-core's eyes.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from lullwatch.__main__ import main
from lullwatch.servers import LocalMosquitto
from tests.browser_home import (
    DESKTOP,
    INFANT,
    PHONE,
    Home,
    Watched,
    chromium,
    context_of,
    log_in,
    make_home,
    watched,
)
from tests.servers_fixtures import Broker

PATIENCE_MS = 60_000
"""The series comes after five real seconds of simulated time; others may be at work on this computer."""
NOTE = "arms out, eyes open"
PAGES = ("/", "/nights", "/diary?infant=inf1&kind=movement_seen", "/events", "/trends")
SERIES = "Repeated brief movements recorded"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def broker(_mosquitto_server: LocalMosquitto) -> Broker:
    return Broker(_mosquitto_server, "lullwatch/browser")


@pytest.fixture(scope="module")
def home(browser: Browser, broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home that lives while this module's tests look at it; its series comes soon after."""
    made = make_home(
        tmp_path_factory.mktemp("home"), broker=(broker.host, broker.port), gateway="browser", pace=16.0
    )
    with made.pages, made.monitor:
        yield made


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as open_things:
        yield open_things


def looked_at(
    home: Home,
    browser: Browser,
    stack: ExitStack,
    *,
    role: str = "caregiver",
    language: str = "en-GB",
    size: dict[str, int] = PHONE,
    before: Callable[[Page], None] = lambda _: None,
) -> Watched:
    """Somebody who has logged in; `before` is done with the page while it is still empty."""
    context = context_of(browser, size=size, language=language)
    stack.callback(context.close)
    seen = watched(context)
    before(seen.page)
    log_in(seen, home, role)
    return seen


class Line:
    """What pages are told over, which can be cut without anybody being told."""

    def __init__(self) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.told: list[str | bytes] = []
        self.dead: set[int] = set()
        """numbers of the sockets over which nothing comes any more"""
        self.is_cut = False
        """and nothing comes over any other"""

    def lay(self, page: Page) -> None:
        """Between this page and the gateway."""
        page.route_web_socket(re.compile("/live/"), self._open)

    def wait_until_told(self, page: Page) -> None:
        """Something came over it."""
        end_s = time.monotonic() + PATIENCE_MS / 1000
        while not self.told:
            assert time.monotonic() < end_s, "nothing came over the line"
            page.wait_for_timeout(50)

    def _open(self, socket: WebSocketRoute) -> None:
        number = len(self.sockets)
        self.sockets.append(socket)
        socket.connect_to_server().on_message(lambda message: self._pass(number, message))

    def _pass(self, number: int, message: str | bytes) -> None:
        if not self.is_cut and number not in self.dead:
            self.told.append(message)
            self.sockets[number].send(message)


SLEEPS = "window.sleptMs = 0; { const wall = Date.now; Date.now = () => wall() + window.sleptMs; }"
"""The clock on the wall goes on while a phone sleeps; the one that only counts stands still."""
TAKEN_UP = """() => {
  window.sleptMs += 7200 * 1000;
  document.dispatchEvent(new Event("visibilitychange"));
  return document.getElementById("tile").textContent;
}"""
LOST = "No connection to the gateway"
OF_NOW = "Age of the newest data: 0 s"


def faults_of(seen: Watched) -> str:
    """What axe-core finds on a page: contrast, names, roles; empty when nothing."""
    found = Axe().run(seen.page)
    return str(found.generate_report()) if found.violations_count else ""


def test_a_series_appears_by_itself_is_answered_looked_at_written_about_and_printed(
    home: Home, browser: Browser, broker: Broker, stack: ExitStack, tmp_path: Path
) -> None:
    acks = stack.enter_context(broker.sub(f"lullwatch/browser/{INFANT}/alert"))
    seen = looked_at(home, browser, stack)
    page = seen.page
    page.evaluate("window.neverLoadedAgain = true")

    # it comes by push: nobody loads the page again
    alert = page.locator("#alerts")
    expect(alert).to_contain_text(SERIES, timeout=PATIENCE_MS)
    expect(alert).to_contain_text("Look at your baby now.")
    assert page.evaluate("window.neverLoadedAgain")
    assert seen.sockets

    # who looks after it says so, and everybody else's phone hears it from the broker
    alert.get_by_role("button", name="I look after it").first.click()
    expect(alert).not_to_contain_text("I look after it", timeout=PATIENCE_MS)
    said = acks.next()
    while json.loads(said.payload)["acknowledged_by"] is None:
        said = acks.next()
    assert json.loads(said.payload)["acknowledged_by"] == "anna"

    # the event, with its waveforms in words for whoever cannot see them
    page.locator("a[href*='/event']").filter(has_text=re.compile("repeated", re.IGNORECASE)).first.click()
    expect(page.locator("main")).to_contain_text("repeated brief movements", ignore_case=True)
    assert faults_of(seen) == ""
    figures = page.locator("main svg[role=img]")
    assert figures.count() >= 1
    assert page.locator("main svg[role=img] title").first.text_content()

    # a note about it
    page.goto(f"{home.address}/diary?infant={INFANT}&kind=movement_seen")
    page.locator("#looked_like").fill(NOTE)
    page.locator("form:has(#looked_like) button[type=submit], form:has(#looked_like) button").last.click()
    expect(page.locator("main")).to_contain_text(NOTE, timeout=PATIENCE_MS)

    # and all of it on paper
    assert main(["report", str(home.settings), "-o", str(tmp_path / "report.pdf")]) == 0
    paper = " ".join(
        " ".join(p.extract_text() for p in pypdf.PdfReader(tmp_path / "report.pdf").pages).split()
    )
    assert NOTE in paper
    assert "repeated brief movements" in paper
    assert "anna answered" in paper
    assert "Movements that people saw and wrote down: 1." in paper

    assert seen.strangers() == []
    assert seen.complaints == []


@pytest.mark.parametrize(
    ("language", "size", "role"), [("en-GB", PHONE, "caregiver"), ("de-DE", DESKTOP, "researcher")]
)
def test_every_page_can_be_read_by_everybody(
    home: Home, browser: Browser, stack: ExitStack, language: str, size: dict[str, int], role: str
) -> None:
    seen = looked_at(home, browser, stack, role=role, language=language, size=size)
    for path in (*PAGES, *(("/review",) if role == "researcher" else ())):
        answer = seen.page.goto(home.address + path)
        assert answer is not None
        assert answer.ok, path
        expect(seen.page.locator("main")).to_be_visible()
        assert seen.page.locator("html").get_attribute("lang") == language[:2]
        assert faults_of(seen) == "", path
        seen.page.evaluate(OPEN)
        wide = seen.page.evaluate(WIDE)
        assert wide <= 0, f"{path} is wider than the screen by {wide} px"
        cut = seen.page.evaluate(CUT_OFF)
        assert cut == [], f"{path}: {cut} is cut off at the edge of its chart"
        small = seen.page.evaluate(TOO_SMALL)
        assert small == [], f"{path}: {small} are smaller than a fingertip"
    assert seen.strangers() == []
    assert seen.complaints == []


OPEN = "document.querySelectorAll('main details').forEach(e => { e.open = true; })"
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT_OFF = """() => [...document.querySelectorAll("svg.chart")].flatMap(chart => {
  const edge = chart.getBoundingClientRect();
  return [...chart.querySelectorAll("text")].filter(e => {
    const own = e.getBoundingClientRect();
    return own.left < edge.left - 1 || own.right > edge.right + 1;
  }).map(e => e.textContent);
})"""
TOO_SMALL = """() => [...document.querySelectorAll("main button, main select, main input, header a, header button")]
  .filter(e => e.offsetParent !== null && e.type !== "hidden")
  .filter(e => !e.classList.contains("visually-hidden"))
  .map(e => [e.textContent.trim().slice(0, 20) || e.name, Math.round(e.getBoundingClientRect().height)])
  .filter(([, tall]) => tall < 44)"""


def test_the_login_page_can_be_read_by_everybody_also_after_a_wrong_token(
    home: Home, browser: Browser, stack: ExitStack
) -> None:
    context = context_of(browser, language="de-DE")
    stack.callback(context.close)
    seen = watched(context)
    page = seen.page
    page.goto(f"{home.address}/login")
    assert faults_of(seen) == ""
    page.locator("#token").fill("anna:wrong")
    page.locator("form button").click()
    expect(page.locator("#wrong")).to_be_visible()
    assert page.locator("#token").get_attribute("aria-describedby") == "wrong"
    assert faults_of(seen) == ""
    assert page.evaluate(WIDE) == 0
    assert page.locator("html").get_attribute("lang") == "de"
    assert seen.strangers() == []


def test_an_open_page_counts_how_old_its_data_is_and_goes_on_when_the_monitor_is_back(
    home: Home, browser: Browser, stack: ExitStack
) -> None:
    seen = looked_at(home, browser, stack)
    tile = seen.page.locator("#tile")
    expect(tile).to_contain_text("Age of the newest data: 0 s", timeout=PATIENCE_MS)
    home.monitor.stop()
    expect(tile).to_contain_text(re.compile(r"Age of the newest data: ([3-9]|1[0-9]) s"), timeout=PATIENCE_MS)
    home.monitor.start()
    expect(tile).to_contain_text("Age of the newest data: 0 s", timeout=PATIENCE_MS)
    assert seen.strangers() == []


def test_a_page_that_slept_says_nothing_of_now_before_it_is_told_of_now(
    home: Home, browser: Browser, stack: ExitStack
) -> None:
    line = Line()

    def before(page: Page) -> None:
        line.lay(page)
        page.add_init_script(SLEEPS)

    page = looked_at(home, browser, stack, before=before).page
    tile = page.locator("#tile")
    expect(tile).to_contain_text(OF_NOW, timeout=PATIENCE_MS)
    line.wait_until_told(page)
    line.is_cut = True
    said = page.evaluate(TAKEN_UP)
    assert "Asking the gateway how it stands" in said
    assert "Age of the newest data: 120 min" in said
    expect(tile).to_contain_text(LOST)
    line.is_cut = False
    expect(tile).to_contain_text(OF_NOW, timeout=PATIENCE_MS)
    expect(tile).not_to_contain_text(LOST)

    # asleep without having been put away; what had waited in the phone comes first
    line.is_cut = True
    page.evaluate("window.sleptMs += 7200 * 1000")
    line.sockets[-1].send(line.told[-1])
    expect(tile).to_contain_text(LOST)
    expect(tile).to_contain_text("Age of the newest data: 120 min")


def test_a_line_that_died_without_a_word_is_laid_anew(home: Home, browser: Browser, stack: ExitStack) -> None:
    line = Line()
    page = looked_at(home, browser, stack, before=line.lay).page
    tile = page.locator("#tile")
    expect(tile).to_contain_text(OF_NOW, timeout=PATIENCE_MS)
    line.wait_until_told(page)  # the page itself was of now before it laid its line
    line.dead = set(range(len(line.sockets)))
    expect(tile).to_contain_text(re.compile(r"Age of the newest data: ([5-9]|1[0-9]) s"))
    expect(tile).to_contain_text(OF_NOW)
    expect(tile).not_to_contain_text(LOST)
    assert len(line.sockets) > len(line.dead)
