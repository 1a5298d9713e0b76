"""The acknowledge page over real HTTP: a preview answers nothing, a button does, a link dies with its alert."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.links import Links
from alerts.words import catalogue
from lullwatch import ack_page
from lullwatch.ack_page import AckPage
from tests.caregiving_rig import HandClock, until
from tests.test_push import message


class Clock:
    """Stands still unless it is told otherwise."""

    def __init__(self) -> None:
        self.t_ns = 0

    def now_ns(self) -> int:
        return self.t_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Served:
    """A page, what was asked of it, and a browser."""

    def __init__(self) -> None:
        self.open = {message().alert.id}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.refuse = False
        self.clock = Clock()
        self.links = Links("http://gateway.lan:8090", lambda alert: alert in self.open)
        self.page = AckPage(
            self.links, self._on_ack, catalogue("en"), clock=self.clock, host="127.0.0.1", port=0
        )

    async def _on_ack(self, infant: str, name: str, payload: bytes) -> bytes:
        self.asked.append((infant, name, json.loads(payload)))
        return json.dumps({"ok": not self.refuse, "why": "because"}).encode()

    def link(self) -> str:
        return self.links.made_for(message()).removeprefix("http://gateway.lan:8090")

    async def fetch(self, method: str, path: str) -> tuple[int, str, dict[str, str]]:
        def over_http() -> tuple[int, str, dict[str, str]]:
            connection = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=20)
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read().decode()
            connection.close()
            return response.status, body, dict(response.getheaders())

        return await asyncio.to_thread(over_http)

    def raw(self, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.page.port), 20) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            got = b""
            try:
                while part := connection.recv(4096):
                    got += part
            except ConnectionResetError:
                pass
            return got


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    made = Served()
    async with made.page:
        yield made


async def test_looking_at_a_link_shows_a_button_and_answers_nothing() -> None:
    async with served() as it:
        link = it.link()
        for method in ("GET", "HEAD", "GET"):
            status, body, headers = await it.fetch(method, link)
            assert status == 200
            assert ("<form" in body) is (method == "GET")
        assert it.asked == []
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_pressing_the_button_acknowledges_for_the_person_once() -> None:
    async with served() as it:
        link, other = it.link(), it.link()
        status, body, _ = await it.fetch("POST", link)
        assert (status, "stopped for everyone" in body) == (200, True)
        assert it.asked == [("inf1", "ack", {"by": "anna", "alert": message().alert.id})]
        assert [(await it.fetch(m, a))[0] for m in ("POST", "GET") for a in (link, other)] == [410] * 4
        assert len(it.asked) == 1


async def test_a_link_dies_with_its_alert() -> None:
    async with served() as it:
        link = it.link()
        it.open.clear()
        assert [(await it.fetch(m, link))[0] for m in ("GET", "POST")] == [410, 410]
        assert it.asked == []


async def test_a_refused_acknowledgement_is_said_and_the_link_still_counts() -> None:
    async with served() as it:
        link, it.refuse = it.link(), True
        assert (await it.fetch("POST", link))[0] == 409
        it.refuse = False
        assert (await it.fetch("POST", link))[0] == 200


@pytest.mark.parametrize("change", ["", "x", "short"])
async def test_a_link_with_another_secret_answers_nothing(change: str) -> None:
    async with served() as it:
        link = it.link()
        wrong = {"": link.rpartition(".")[0] + ".", "x": link + "x", "short": link[:-1]}[change]
        assert (await it.fetch("POST", wrong))[0] == 410
        assert it.asked == []


async def test_guessing_is_slowed_down_and_a_minute_later_it_answers_again() -> None:
    async with served() as it:
        link = it.link()
        statuses = [(await it.fetch("POST", f"/a/{n}.guess"))[0] for n in range(ack_page.PER_MINUTE + 3)]
        assert statuses == [410] * ack_page.PER_MINUTE + [429] * 3
        assert (await it.fetch("POST", link))[0] == 429
        it.clock.t_ns += 61_000_000_000
        assert (await it.fetch("POST", link))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("PUT", "/a/x.y", 405), ("GET", "/a/", 410)]
)
async def test_there_is_nothing_else(method: str, path: str, status: int) -> None:
    async with served() as it:
        assert (await it.fetch(method, path))[0] == status


@pytest.mark.parametrize(
    "data", [b"\0" * 100, b"GET / HTTP/1.1\r\n", b"A" * 20_000, b"\r\n\r\n", b"\xff \xfe \xfd\r\n\r\n"]
)
async def test_bytes_that_are_no_request_end_nothing_but_their_own_connection(data: bytes) -> None:
    async with served() as it:
        got = await asyncio.to_thread(it.raw, data)
        assert got == b"" or got.startswith(b"HTTP/1.1 4")
        assert (await it.fetch("GET", it.link()))[0] == 200


@settings(max_examples=40)
@given(st.binary(max_size=300))
def test_no_head_of_a_request_breaks_it(data: bytes) -> None:
    async def run() -> None:
        it = Served()
        answer = await it.page._answered(data)
        assert answer.status.value in (404, 405, 410)

    asyncio.run(run())


async def test_a_title_cannot_bring_code_into_the_page() -> None:
    async with served() as it:
        evil = message()
        object.__setattr__(evil, "title", "<script>x</script>")
        path = it.links.made_for(evil).removeprefix("http://gateway.lan:8090")
        _, body, _ = await it.fetch("GET", path)
        assert "<script>" not in body


async def test_no_token_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with served() as it:
        link, it.refuse = it.link(), True
        await it.fetch("POST", link)
        await it.fetch("GET", link)
    assert link.rpartition(".")[2] not in caplog.text


def test_only_so_many_links_are_remembered_and_the_newest_counts() -> None:
    links = Links("http://x", lambda _: True)
    made = [links.made_for(message()).rpartition("/")[2] for _ in range(1005)]
    assert links.found(made[0]) is None
    assert links.found(made[-1]) is not None


class PatientClock(HandClock):
    """Moves on only while somebody sleeps."""

    async def pass_by(self, seconds: float) -> None:
        await until(lambda: bool(self._sleepers))
        self.move(seconds)


def beside(clock: HandClock, said: list[str], host: str, port: int) -> AckPage:
    async def never(_infant: str, _name: str, _payload: bytes) -> bytes:
        raise AssertionError

    links = Links("http://gateway.lan:8090", lambda _: True)
    return AckPage(links, never, catalogue("en"), clock=clock, host=host, port=port, say=said.append)


async def test_a_page_that_cannot_listen_is_told_from_the_second_time_on_and_listens_as_soon_as_it_can() -> (
    None
):
    said: list[str] = []
    clock = PatientClock(0)
    other = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    async with beside(clock, said, "127.0.0.1", port) as page:
        assert said == []
        await clock.pass_by(5)
        await until(lambda: said == [f"the acknowledge page cannot listen on 127.0.0.1:{port}"])
        other.close()
        await other.wait_closed()
        await clock.pass_by(10)
        await until(lambda: said[-1] == "")
        _, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.close()


@pytest.mark.parametrize("host", ["192.0.2.7", "gateway.invalid", "a..b"])
async def test_an_address_that_is_gone_or_a_name_that_is_none_ends_nothing(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    clock = PatientClock(0)
    async with beside(clock, said, host, 18090):
        await clock.pass_by(5)
        await until(lambda: bool(said))
    assert said == [f"the acknowledge page cannot listen on {host}:18090"]
    assert caplog.text.count("cannot be served") == 1
