"""Who gets through the door of the pages, and who does not."""

from __future__ import annotations

import asyncio
import logging
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from alerts.people import Person
from lullwatch.errors import SecretTooOpen
from lullwatch.web.access import SESSION_S, Access, AccessDamaged
from lullwatch.web.app import STATIC, make_app
from lullwatch.web.gate import PUBLIC
from lullwatch.web.login import PER_MINUTE_ALL, PER_MINUTE_EACH, Limiter
from lullwatch.web.session import Role
from lullwatch.web.site import Site, monitor_asker
from store.shelf import Shelf
from tests.browsing_rig import CAREGIVER, INFANT, RESEARCHER, VIEWER, Answer, Browser, pages, running, urgent

LOGIN_MARK = 'action="/login"'


def addresses(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Every address of an application with each method it knows; parameters filled in."""
    for route in routes:
        if isinstance(route, WebSocketRoute):
            yield "WS", filled(route.path)
        elif isinstance(route, Mount):
            yield from (
                ("GET", f"{route.path}/{p.relative_to(STATIC)}") for p in STATIC.rglob("*") if p.is_file()
            )
        elif isinstance(route, Route):
            for method in route.methods or ():
                yield method, filled(route.path)


def filled(path: str) -> str:
    parts = [("1" if ":int" in part else INFANT) if "{" in part else part for part in path.split("/")]
    return "/".join(parts)


async def test_an_unauthenticated_request_gets_nothing_but_the_login_page_on_every_route(
    tmp_path: Path,
) -> None:
    async with pages(tmp_path) as rig:
        every = list(addresses(make_app(rig.site).routes))
        assert len(every) > 20
        assert ("WS", f"/live/{INFANT}") in every
        stranger = await rig.browser()
        for method, path in [*every, ("GET", "/no-such-page"), ("PUT", "/"), ("OPTIONS", "/"), ("GET", "//")]:
            if method == "WS":
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await stranger.client.ws_connect(path, headers={"Origin": rig.url})
                assert refused.value.status == 403
                continue
            if path in PUBLIC:
                continue
            answer = await stranger.ask(method, path)
            assert answer.status == 401, (method, path)
            assert LOGIN_MARK in answer.text or method == "HEAD"
            assert "Set-Cookie" not in answer.headers


async def test_a_stranger_is_shown_the_login_page_whatever_goes_wrong(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        stranger = await rig.browser()
        for method, path, status, more in (
            ("DELETE", "/login", 405, {}),
            ("POST", "/icon.svg", 405, {}),
            ("POST", "/login", 413, {"data": {"token": "x" * 70_000}}),
            ("POST", "/login", 403, {"data": {"token": "x"}, "headers": {"Origin": "http://evil.example"}}),
        ):  # fmt: skip
            answer = await stranger.ask(method, path, **more)
            assert (answer.status, LOGIN_MARK in answer.text) == (status, True), (method, path)
            assert "csrf" not in answer.text


@pytest.mark.parametrize(("language", "nothing", "broken"), [
    ("en", "There is nothing at this address.", "This page could not be made"),
    ("de", "Unter dieser Adresse gibt es nichts.", "Diese Seite kam nicht zustande"),
])  # fmt: skip
async def test_who_is_logged_in_is_told_on_a_page_of_theirs_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, nothing: str, broken: str
) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(RESEARCHER, language)
        csrf = await browser.csrf()
        posted = {"data": {"csrf": csrf}}
        for method, path, status, more in (
            ("GET", "/no-such-page", 404, {}), ("GET", "/static/no.js", 404, {}), ("GET", "/icon-4000.png", 404, {}),
            ("GET", "/events/x", 404, {}), ("GET", "/events/x/clip.zip", 404, {}), ("GET", "/review/x", 404, {}),
            ("GET", "/diary/x", 403, {}), ("GET", "/logout", 405, {}), ("POST", "/nights", 405, posted),
            ("POST", "/logout", 413, {"data": {"csrf": "x" * 70_000}}), ("POST", "/logout", 403, {}),
            ("POST", "/logout", 403, posted | {"headers": {"Origin": "http://evil.example"}}),
        ):  # fmt: skip
            answer = await browser.ask(method, path, **more)
            assert answer.status == status, (method, path)
            assert f'lang="{language}"' in answer.text, (method, path)
            assert 'href="/nights"' in answer.text
            assert 'role="alert"' in answer.text
            assert answer.headers["Content-Security-Policy"]
        assert nothing in (await browser.get("/no-such-page")).text
        assert "GET" in (await browser.post("/nights", **posted)).headers["Allow"]

        def fails(_: object) -> None:
            message = "something with a secret in it"
            raise RuntimeError(message)

        monkeypatch.setattr("lullwatch.web.nights_page.index_of", fails)
        answer = await browser.get("/nights")
        assert answer.status == 500
        assert broken in answer.text
        assert "secret" not in answer.text
        assert answer.headers["Content-Security-Policy"]


async def test_what_is_public_is_the_login_page_and_what_it_is_made_of(tmp_path: Path) -> None:
    assert {"/login", "/static/page.css", "/static/login.js"} < PUBLIC
    assert all(not p.startswith("/night") for p in PUBLIC)
    async with pages(tmp_path, monitor=False) as rig:
        stranger = await rig.browser()
        for path in PUBLIC:
            assert (await stranger.get(path)).status == 200


async def test_every_answer_has_its_security_headers_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        for browser in (await rig.browser(), await rig.browser(CAREGIVER)):
            for path in ("/", "/login", "/static/night.js", "/nights"):
                answer = await browser.get(path)
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
                assert "unsafe" not in answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")
                assert "Server" not in answer.headers
                text = answer.text
                assert "http://" not in text.replace("http://www.w3.org", "")
                assert "<script>" not in text
                assert "style=" not in text


async def test_a_session_cookie_can_be_read_by_no_script_and_sent_by_no_other_site(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser()
        answer = await browser.post("/login", data={"token": rig.token(VIEWER)})
        cookie = answer.headers["Set-Cookie"].lower()
        assert all(
            part in cookie for part in ("httponly", "samesite=strict", "path=/", f"max-age={SESSION_S}")
        )
        assert "secure" not in cookie
    async with pages(tmp_path, monitor=False, secure=True) as rig:
        answer = await (await rig.browser()).post("/login", data={"token": rig.token(VIEWER)})
        assert answer.headers["Set-Cookie"].startswith("__Host-lullwatch=")
        assert "secure" in answer.headers["Set-Cookie"].lower()


async def test_a_form_without_its_value_or_from_another_page_is_refused(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        csrf = await browser.csrf()
        sent = {"infant": INFANT, "csrf": csrf}
        assert (await browser.post("/act/ack", data={"infant": INFANT})).status == 403
        assert (
            await browser.post("/act/ack", data=sent, headers={"Origin": "http://evil.example"})
        ).status == 403
        assert (await browser.post("/act/ack", data=sent, headers={"Origin": "null"})).status == 403
        assert (
            await browser.post("/act/ack", data=sent, headers={"Sec-Fetch-Site": "cross-site"})
        ).status == 403
        assert (await browser.post("/act/ack", data=sent, headers={"Origin": rig.url})).status == 409
        assert (await browser.post("/logout", data={})).status == 403
        another = await rig.browser(VIEWER)
        assert (await another.post("/logout", data={"csrf": csrf})).status == 403
        assert (await another.post("/login", data={"token": rig.token(RESEARCHER)})).status == 303
        assert (await another.get("/review")).status == 200
        stranger = await rig.browser()
        token = {"token": rig.token(VIEWER)}
        assert (
            await stranger.post("/login", data=token, headers={"Origin": "http://evil.example"})
        ).status == 403


async def test_a_websocket_of_another_page_is_refused_with_a_session_too(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        browser = await rig.browser(CAREGIVER)
        for headers in ({"Origin": "http://evil.example"}, {}):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await browser.client.ws_connect(f"/live/{INFANT}", headers=headers)
        async with browser.client.ws_connect(f"/live/{INFANT}", headers={"Origin": rig.url}) as socket:
            assert (await socket.receive_json())["whole"] is True


async def test_a_name_that_is_not_ours_is_refused_so_that_no_other_site_s_name_leads_here(
    tmp_path: Path,
) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser()
        port = rig.serving.port
        for host, status in (
            ("evil.example", 421), (f"evil.example:{port}", 421), ("localhost.evil.example", 421), ("", 421),
            (f"localhost:{port}", 200), (f"127.0.0.1:{port}", 200), (f"[::1]:{port}", 200), ("192.168.1.20", 200),
        ):  # fmt: skip
            assert (await browser.get("/login", headers={"Host": host})).status == status, host


async def test_viewers_and_researchers_change_nothing(tmp_path: Path) -> None:
    async with pages(tmp_path) as rig:
        for person in (VIEWER, RESEARCHER):
            browser = await rig.browser(person)
            text = (await browser.get("/")).text
            assert "/act/" not in text
            csrf = await browser.csrf()
            for what in ("ack", "false-alarm", "mute", "pause", "film"):
                answer = await browser.post(f"/act/{what}", data={"infant": INFANT, "csrf": csrf})
                assert answer.status == 403


async def write(browser: Browser) -> Answer:
    """A note of the diary."""
    note = {
        "infant": INFANT,
        "kind": "note",
        "text": "x",
        "at": time.strftime("%Y-%m-%dT%H:%M", time.gmtime()),
    }
    return await browser.post("/diary", data={**note, "csrf": await browser.csrf()})


async def test_a_caregiver_does_nothing_for_an_infant_who_is_not_theirs(tmp_path: Path) -> None:
    async with pages(tmp_path, people=[Person(CAREGIVER, infants=("b",)), Person("ben")]) as rig:
        await rig.ring(urgent(rig.now_ns))
        browser = await rig.browser(CAREGIVER)
        for what, form in (
            ("ack", {}), ("ack", {"alert": "al1"}), ("false-alarm", {"alert": "al1"}), ("film", {}),
            ("mute", {"pattern": "stiffening", "minutes": "30"}), ("mute", {"minutes": "0"}),
            ("pause", {"minutes": "60"}), ("pause", {"minutes": "0"}), ("pause", {"infant": "", "minutes": "60"}),
        ):  # fmt: skip
            refused = await browser.act(what, **form)
            assert (refused.status, "anna is not asked about" in refused.text) == (409, True), (what, form)
        noted = await write(browser)
        assert (noted.status, "is not asked about" in noted.text) == (409, True)
        assert rig.gateway is not None
        assert rig.gateway.armer.is_armed(INFANT)
        assert [a.id for a in rig.gateway.care.machine.open_alerts(INFANT)] == ["al1"]


async def test_who_no_longer_stands_among_the_people_only_looks(tmp_path: Path) -> None:
    async with pages(tmp_path, people=[Person("ben")]) as rig:
        await rig.ring(urgent(rig.now_ns))
        browser = await rig.browser(CAREGIVER)
        assert "/act/" not in (await browser.get("/")).text
        assert (await browser.act("ack")).status == 403
        assert (await write(browser)).status == 403
        assert rig.gateway is not None
        assert [a.id for a in rig.gateway.care.machine.open_alerts(INFANT)] == ["al1"]


@asynccontextmanager
async def silence(folder: Path) -> AsyncIterator[None]:
    """A monitor that hears and does not answer."""
    heard, over = asyncio.Event(), asyncio.Event()

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_unix_server(listen, folder / "control.sock")
    yield
    assert heard.is_set()
    over.set()
    await asyncio.sleep(0.05)
    server.close()
    await server.wait_closed()


async def test_of_what_a_silent_monitor_may_still_do_nobody_says_that_it_was_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lullwatch.web.site.ASK_TIMEOUT_S", 0.2)
    async with running(tmp_path):
        pass
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        async with silence(tmp_path):
            for answer in (
                await browser.act("mute", pattern="stiffening", minutes="30"),
                await write(browser),
            ):
                assert answer.status == 409
                assert "may still do it" in answer.text
                assert not [
                    said for said in ("not done", "not written", "nothing was changed") if said in answer.text
                ]


async def test_nor_does_a_caregiver_while_no_monitor_runs(tmp_path: Path) -> None:
    people = [Person(CAREGIVER, infants=("b",))]
    async with running(tmp_path, people):
        pass
    async with pages(tmp_path, monitor=False, people=people) as rig:
        browser = await rig.browser(CAREGIVER)
        noted = await write(browser)
        assert (noted.status, "anna is not asked about this infant" in noted.text) == (409, True)


async def test_tries_to_log_in_are_limited(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser()
        found = [
            (await browser.post("/login", data={"token": f"anna:{n}"})).status
            for n in range(PER_MINUTE_EACH + 1)
        ]
        assert found == [401] * PER_MINUTE_EACH + [429]
        right = await browser.post("/login", data={"token": rig.token(CAREGIVER)})
        assert right.status == 429


async def test_a_home_logs_in_with_as_many_phones_as_it_has(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser()
        wrong = [(await browser.post("/login", data={"token": "anna:0"})).status for _ in "ab"]
        right = [await rig.browser(CAREGIVER) for _ in range(PER_MINUTE_EACH + 2)]
        assert [(await phone.get("/")).status for phone in right] == [200] * len(right)
        left = PER_MINUTE_EACH - len(wrong)
        wrong = [(await browser.post("/login", data={"token": "anna:0"})).status for _ in range(left + 1)]
        assert wrong == [401] * left + [429], "who guesses is not helped by those who know"


def test_the_limit_is_for_a_minute_each_and_for_all_together() -> None:
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    assert [limiter.is_too_many("a") for _ in range(PER_MINUTE_EACH + 1)] == [False] * PER_MINUTE_EACH + [
        True
    ]
    assert not limiter.is_too_many("b")
    now[0] = 60.0
    assert not limiter.is_too_many("a")
    for n in range(PER_MINUTE_ALL - 1):
        assert not limiter.is_too_many(f"other-{n}")
    assert limiter.is_too_many("one-more")


async def test_a_request_that_is_too_long_is_refused(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        answer = await (await rig.browser()).post("/login", data={"token": "x" * 70_000})
        assert answer.status == 413


async def test_no_secret_is_logged_and_no_address_carries_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        cookie = browser.cookie
        csrf = await browser.csrf()
        await browser.get("/nights?token=somethingsecret")
        await (await rig.browser()).post("/login", data={"token": "anna:wrongsecret"})
    said = caplog.text
    assert "/nights" in said
    for secret in (rig.token(CAREGIVER), cookie, csrf, "somethingsecret", "wrongsecret"):
        assert secret not in said


async def test_someone_who_is_shut_out_is_out_at_once_on_every_device(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(VIEWER)
        assert (await browser.get("/nights")).status == 200
        Access(rig.site.access.path).shut_out(VIEWER)  # as another process does
        assert (await browser.get("/nights")).status == 401


async def test_logging_out_ends_the_session_itself(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(VIEWER)
        cookie = {"Cookie": f"lullwatch={browser.cookie}"}
        await browser.post("/logout", data={"csrf": await browser.csrf()})
        assert (await (await rig.browser()).get("/", headers=cookie)).status == 401


async def test_a_session_outlives_a_restart_of_the_pages(tmp_path: Path) -> None:
    access = Access(tmp_path / "page-access.json")
    cookie = access.log_in(access.invite("anna", Role.CAREGIVER))
    assert cookie is not None
    found = Access(tmp_path / "page-access.json").session(cookie)
    assert found is not None
    assert (found.person, found.role) == ("anna", Role.CAREGIVER)


def test_a_session_ends_after_a_month(tmp_path: Path) -> None:
    now = [1_000_000.0]
    access = Access(tmp_path / "access.json", now_s=lambda: now[0])
    cookie = access.log_in(access.invite("anna", Role.VIEWER)) or ""
    now[0] += SESSION_S - 1
    assert access.session(cookie) is not None
    now[0] += 2
    assert access.session(cookie) is None


def test_a_token_is_typed_with_or_without_its_hyphens_and_in_capitals(tmp_path: Path) -> None:
    access = Access(tmp_path / "access.json")
    token = access.invite("anna", Role.VIEWER)
    person, _, secret = token.partition(":")
    assert access.log_in(f" {person}:{secret.replace('-', '')} ") is not None
    assert access.log_in(token.upper()) is not None
    for wrong in (secret, f"ben:{secret}", f"{person}:", "", ":", token[:-1], f"{person}:{secret}x"):
        assert access.log_in(wrong) is None


def test_a_new_token_ends_the_old_one_and_its_sessions(tmp_path: Path) -> None:
    access = Access(tmp_path / "access.json")
    old = access.invite("anna", Role.VIEWER)
    cookie = access.log_in(old) or ""
    new = access.invite("anna", Role.CAREGIVER)
    assert (access.log_in(old), access.session(cookie)) == (None, None)
    assert access.log_in(new) is not None


def test_the_file_of_access_holds_no_token_no_cookie_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    access = Access(tmp_path / "access.json")
    token = access.invite("anna", Role.VIEWER)
    cookie = access.log_in(token) or ""
    text = access.path.read_text()
    assert stat.S_IMODE(access.path.stat().st_mode) == 0o600
    assert cookie not in text
    assert token.partition(":")[2] not in text
    assert token.partition(":")[2].replace("-", "") not in text
    access.path.chmod(0o644)
    with pytest.raises(SecretTooOpen, match="chmod 600"):
        Access(access.path).people  # noqa: B018 - reads the file


@pytest.mark.parametrize("text", ["", "{", "[]", '{"people": {"a": {"role": "king"}}, "visits": {}}', "\xff"])
def test_a_damaged_file_of_access_is_named_with_a_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "access.json"
    path.touch(mode=0o600)
    path.write_text(text, encoding="latin-1")
    with pytest.raises(AccessDamaged, match=r"access\.json.*--invite"):
        Access(path).people  # noqa: B018 - reads the file


async def test_logging_in_does_not_hold_other_pages_up(tmp_path: Path) -> None:
    """Each try costs a hash; it is made in a thread, one at a time."""
    async with pages(tmp_path, monitor=False) as rig:
        strangers = [await rig.browser() for _ in range(4)]
        tries = [asyncio.create_task(s.post("/login", data={"token": "anna:x"})) for s in strangers]
        assert (await strangers[0].get("/login")).status == 200
        assert {(await t).status for t in tries} == {401}


def test_a_site_knows_nobody_before_somebody_is_invited(tmp_path: Path) -> None:
    access = Access(tmp_path / "nowhere" / "access.json")
    assert access.people == {}
    assert access.log_in("anna:x") is None
    assert make_app(Site(tmp_path, Shelf(tmp_path), access, monitor_asker(tmp_path))).routes
