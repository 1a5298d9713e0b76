"""The night page against a monitor that runs: what it shows, what it is told, what can be done on it."""

from __future__ import annotations

import json
import re
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alerts.people import Person
from alerts.words import LANGUAGES, catalogue
from dsp.records import NS, Watchfulness
from lullwatch.json_logs import to_do
from lullwatch.web.live import WAITING, Viewer
from lullwatch.web.night_page import live_of
from lullwatch.web.night_view import NO_DATA_S
from lullwatch.web.session import Role
from tests.browsing_rig import (
    CAREGIVER,
    INFANT,
    RECORDED,
    RESEARCHER,
    VIEWER,
    evening,
    links,
    pages,
    running,
    samples,
    until,
    urgent,
)
from tests.wording import faults


async def hear(
    socket: aiohttp.ClientWebSocketResponse, wanted: str, timeout_s: float = 10.0
) -> dict[str, Any]:
    """The next message in which a text stands."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        text = (await socket.receive(timeout=timeout_s)).data
        if isinstance(text, str) and wanted in text:
            return dict(json.loads(text))
    raise AssertionError(wanted)


async def test_the_page_shows_the_night_without_any_script(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        await rig.tell(*evening(rig.now_ns))
        await rig.ring(urgent(rig.now_ns))
        browser = await rig.browser(CAREGIVER)
        text = (await browser.get("/")).text
        assert 'class="tile attention"' in text
        assert "Urgent alerts that nobody has answered: 1" in text
        assert "Look at your baby now." in text
        assert "lang=" not in text.partition("<body>")[2]
        german = (
            await (await rig.browser(VIEWER, "de")).get("/")
        ).text  # an alert stays in its own language, and says so
        assert '<p class="first" lang="en">Look at your baby now.</p>' in german
        assert re.search(r'class="age">[0-9]+ s<', text)
        assert RECORDED.search(text)  # every count stands beside what could be seen
        assert "repeated brief movements" in text
        assert 'class="state awake"' in text
        assert 'class="use blind"' in text
        assert "battery 84 of 100" in text
        assert text.count('class="trace"') == 2
        forms = re.findall(r'name="csrf" value="([^"]*)"', text)
        assert set(forms) == {await browser.csrf()}
        assert 'capture="environment"' in text


async def test_the_page_speaks_the_language_the_browser_asks_for(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        await rig.tell(*evening(rig.now_ns))
        for asked, language in (
            ("de-AT,en;q=0.5", "de"),
            ("fr,de;q=0.3,en;q=0.8", "en"),
            ("fr", "en"),
            ("", "en"),
        ):
            browser = await rig.browser(VIEWER, asked)
            text = (await browser.get("/")).text
            assert f'<html lang="{language}">' in text
            assert catalogue(language).text("page.timeline") in text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_no_page_says_a_forbidden_word_or_a_research_label(tmp_path: Path, language: str) -> None:
    async with pages(tmp_path) as rig:
        await rig.tell(*evening(rig.now_ns))
        browser = await rig.browser(CAREGIVER, language)
        for path in ("/", "/nights", "/offline", "/login"):
            words = re.sub(r"<[^>]*>", " ", (await browser.get(path)).text)
            assert faults(words.replace("lullwatch serve", ""), language) == []
            assert "spasm" not in words


async def test_what_is_committed_reaches_an_open_page_by_itself(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        now_ns = rig.now_ns
        await rig.tell(*evening(now_ns))
        browser = await rig.browser(VIEWER)
        async with rig.live(browser) as socket:
            whole = await socket.receive_json()
            assert whole["whole"] is True
            assert set(whole["parts"]) >= {
                "tile",
                "alerts",
                "timeline",
                "counts",
                "care",
                "sensor-LA",
                "sensor-RA",
            }
            assert {site: len(values) > 30 for site, (_, values) in whole["traces"].items()} == {
                "LA": True,
                "RA": True,
            }
            t0_ns = rig.now_ns - NS
            await rig.tell(*samples(t0_ns, seq=2, n=26))
            traces = (await hear(socket, '"traces"'))["traces"]
            first, values = traces["LA"]
            assert first == t0_ns // 50_000_000
            assert max(values) > 1000  # thousandths of g: the made samples are noise over the whole range
            await rig.ring(urgent(rig.now_ns))
            told = await hear(socket, "Look at your baby now.")
            assert "Urgent alerts that nobody has answered: 1" in told["parts"]["tile"]
            await rig.tell(*links(rig.now_ns, "searching", battery=9))
            told = await hear(socket, "searching")
            assert 'class="battery low"' in told["parts"]["sensor-LA"]


async def test_an_acknowledgement_on_the_page_is_journalled_and_stops_it_for_everyone(tmp_path: Path) -> None:
    async with pages(tmp_path, people=[Person(CAREGIVER)]) as rig:
        await rig.tell(*evening(rig.now_ns))
        await rig.ring(urgent(rig.now_ns))
        browser = await rig.browser(CAREGIVER)
        async with rig.live(browser) as socket:
            await hear(socket, "Look at your baby now.")
            done = await browser.act("ack", alert="al1")
            assert (done.status, done.json()["ok"], done.json()["text"]) == (200, True, "Done.")
            told = await hear(socket, '"alerts":""')
            assert "nobody has answered" not in told["parts"]["tile"]
        assert rig.gateway is not None
        assert rig.gateway.care.machine.open_alerts() == []
        assert "al1" not in (await browser.get("/")).text


async def test_a_false_alarm_and_the_moment_of_filming_are_written_down(tmp_path: Path) -> None:
    async with pages(tmp_path, people=[Person(CAREGIVER)]) as rig:
        await rig.tell(*evening(rig.now_ns))
        await rig.ring(urgent(rig.now_ns))
        browser = await rig.browser(CAREGIVER)
        before_ns = rig.now_ns
        assert (await browser.act("film")).status == 200
        assert (await browser.act("false-alarm", alert="al1")).status == 200
        with rig.site.shelf.opened(rig.site.shelf.nights()[-1].name) as journal:
            film, alarm = journal.notes(INFANT)
        assert (film.kind, film.author, dict(film.facts)) == (
            "video",
            CAREGIVER,
            {"reference": "filmed with this phone"},
        )
        assert before_ns <= film.t_ns <= rig.now_ns
        assert (alarm.kind, alarm.author, alarm.text) == ("false_alarm", CAREGIVER, "al1")


async def test_a_mute_and_a_pause_say_when_they_end_and_can_be_ended(tmp_path: Path) -> None:
    async with pages(tmp_path, people=[Person(CAREGIVER)]) as rig:
        await rig.tell(*evening(rig.now_ns))
        browser = await rig.browser(CAREGIVER)
        muted = await browser.act("mute", pattern="stiffening", minutes="30")
        assert re.fullmatch(r"Muted until \d\d:\d\d\.", muted.json()["text"])
        paused = await browser.act("pause", reason="bath", minutes="20")
        assert re.fullmatch(r"Paused until \d\d:\d\d\.", paused.json()["text"])
        text = (await browser.get("/")).text
        assert re.search(r"stiffening: muted until \d\d:\d\d \(by anna\)", text)
        assert re.search(r"Paused \(bath\) until \d\d:\d\d; it goes on by itself", text)
        assert rig.gateway is not None
        assert rig.gateway.armer.state(INFANT).state is Watchfulness.PAUSED
        assert (await browser.act("pause", minutes="0")).json()["text"] == "Done."
        assert (await browser.act("mute", pattern="stiffening", minutes="0")).json()["text"] == "Done."
        text = (await browser.get("/")).text
        assert "muted until" not in text
        assert "Paused (" not in text
        refused = await browser.act("mute", pattern="long_stiffening_or_jerking", minutes="30")
        assert (refused.status, refused.json()["ok"]) == (409, False)
        assert "never muted" in refused.json()["text"]
        for minutes in ("61", "", "x", "-1", "99999999999"):
            assert (await browser.act("pause", reason="bath", minutes=minutes)).status == 409


async def test_without_a_script_a_button_leads_to_a_page_that_says_what_was_done(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        browser = await rig.browser(CAREGIVER)
        done = await browser.post(
            "/act/pause", data={"infant": INFANT, "minutes": "10", "csrf": await browser.csrf()}
        )
        assert done.status == 200
        assert "Paused until" in done.text
        assert (await browser.post("/act/nothing", data={"csrf": await browser.csrf()})).status == 404


async def test_a_monitor_that_is_away_is_said_and_nothing_is_pretended(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER, "de")
        text = (await browser.get("/")).text
        assert 'class="tile off"' in text
        done = await browser.act("ack", alert="al1")
        assert done.status == 409
        assert "läuft nicht" in done.json()["text"]


async def test_an_open_page_survives_the_monitor_s_restart(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig, AsyncExitStack() as stack:
        async with running(tmp_path) as rig.gateway:
            await rig.tell(*evening(rig.now_ns))
            browser = await rig.browser(CAREGIVER)
            socket = await stack.enter_async_context(rig.live(browser))
            assert (await socket.receive_json())["whole"] is True
        async with running(tmp_path) as rig.gateway:
            await rig.tell(*samples(rig.now_ns - NS, seq=9, n=26))
            assert "LA" in (await hear(socket, '"traces"'))["traces"]


async def test_the_tile_says_that_nothing_is_recorded_once_data_is_a_minute_old(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        rows = [*links(rig.now_ns), *samples(rig.now_ns - (NO_DATA_S + 5) * NS)]
        await rig.tell(*rows)
        browser = await rig.browser(VIEWER)
        text = (await browser.get("/")).text
        assert 'class="tile off"' in text
        assert 'data-word-off="Not recording"' in text
        await rig.tell(*samples(rig.now_ns - 2 * NS, seq=2))

        async def recording() -> bool:
            return 'class="tile recording"' in (await browser.get("/")).text

        await until(recording)


async def test_a_page_whose_session_ends_is_closed_and_asked_to_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lullwatch.web.night_page.ASK_AGAIN_S", 0.0)
    async with pages(tmp_path) as rig:
        await rig.tell(*evening(rig.now_ns))
        browser = await rig.browser(VIEWER)
        async with rig.live(browser) as socket:
            await socket.receive_json()
            rig.site.access.shut_out(VIEWER)
            await rig.tell(*samples(rig.now_ns - NS, seq=2, n=26))
            while (message := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.data == 4401


@pytest.mark.parametrize(
    ("error", "said", "remedy"),
    [
        (OSError(24, "Too many open files"), "the journal cannot be read", "look at the disk"),
        (ValueError("a row nobody thought of"), "open pages are told nothing", "report it"),
    ],
)
async def test_an_open_page_hears_again_whatever_kept_it_from_being_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    said: str,
    remedy: str,
) -> None:
    monkeypatch.setattr("lullwatch.web.live.BEAT_S", 0.01)
    async with pages(tmp_path) as rig:
        await rig.tell(*evening(rig.now_ns))
        browser = await rig.browser(VIEWER)
        async with rig.live(browser) as socket:
            await socket.receive_json()
            failing = 3

            def look(*args: Any, **more: Any) -> Any:
                nonlocal failing
                failing -= 1
                if failing >= 0:
                    raise error
                return whole(*args, **more)

            whole = live_of(rig.site)._follower.look
            monkeypatch.setattr(live_of(rig.site)._follower, "look", look)
            assert (await hear(socket, '"whole"'))["parts"]["tile"]
    (told,) = [r for r in caplog.records if r.name == "lullwatch.web.live"]
    assert said in told.getMessage()
    assert remedy in to_do(told)


async def test_nobody_looks_at_the_journal_while_no_page_is_open(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        await rig.tell(*evening(rig.now_ns))
        live = live_of(rig.site)
        browser = await rig.browser(RESEARCHER)
        async with rig.live(browser) as socket:
            await socket.receive_json()
            assert live.viewers == 1

        async def nobody() -> bool:
            return live.viewers == 0 and (live._following is None or live._following.done())

        await until(nobody)


async def test_the_evening_before_anything_is_recorded_has_a_page_too(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        text = (await browser.get("/")).text
        assert "Nothing is recorded yet" in text
        assert "No night is recorded yet" in (await browser.get("/nights")).text
        assert (await browser.get("/nights/2026-11-21/a")).status == 404
        assert (await browser.get("/nights/x/a")).status == 404


async def test_a_night_that_is_over_is_listed_with_its_coverage_and_drawn(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        await rig.tell(*evening(rig.now_ns))
        browser = await rig.browser(VIEWER)
        listed = (await browser.get("/nights")).text
        assert RECORDED.search(listed)
        (path,) = re.findall(r'href="(/nights/\d{4}-\d\d-\d\d/a)"', listed)
        night = (await browser.get(path)).text
        assert 'class="use blind"' in night
        assert "repeated brief movements" in night


async def test_a_phone_can_keep_the_page_as_an_icon(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(VIEWER)
        manifest = (await browser.get("/manifest.webmanifest")).json()
        assert (manifest["display"], manifest["start_url"]) == ("standalone", "/")
        for icon in manifest["icons"]:
            answer = await browser.get(icon["src"])
            assert (answer.status, answer.headers["Content-Type"]) == (200, icon["type"])
        worker = await browser.get("/sw.js")
        assert worker.headers["Content-Type"].startswith("text/javascript")
        assert "KEPT_VERSION" not in worker.text
        assert (await browser.get("/icon-4000.png")).status == 404


def test_a_phone_that_takes_nothing_gets_everything_anew() -> None:
    viewer = Viewer(INFANT, catalogue("en"), Role.VIEWER, is_new=False)
    for n in range(WAITING):
        viewer.offer(str(n))
    assert not viewer.is_new
    viewer.offer("one too many")
    assert viewer.is_new
    assert len(viewer._waiting) == 0
