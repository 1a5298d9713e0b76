"""Push through apprise to a real HTTP server on the loopback that stands for the service."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alerts.push import BadPushAddress, NoPushSupport, PushChannel
from alerts.rules import RuleState, Trouble, decide
from alerts.telling import ChannelFailed, Kind, Notification, Send, Standing
from dsp.records import Alert, Severity
from lullwatch.errors import BadPush, SecretTooOpen
from lullwatch.push_channels import push_channels
from lullwatch.settings import PushSettings
from tests.alert_makers import T0, event

SECRET = "tk-5up3r53cr3t"


class Service:
    """Takes what a push service would, and answers as told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.requests.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(service.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.at = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def headers(self) -> dict[str, str]:
        return self.requests[-1][1]

    @property
    def last(self) -> Any:
        return self.requests[-1][2]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def urgent() -> Alert:
    _, [alert] = decide(RuleState(), event())
    assert alert.severity is Severity.URGENT
    return alert


def message(
    alert: Alert | None = None,
    *,
    rings: bool = True,
    kind: Kind = Kind.ALERT,
    standing: Standing | None = None,
) -> Notification:
    alert = alert or urgent()
    send = Send("anna", "phone", alert.id, alert.version, kind, 1, rings)
    title = alert.text.partition("\n")[0]
    return Notification(send=send, alert=alert, title=title, text=alert.text, standing=standing or Standing())


async def test_an_urgent_message_reaches_ntfy_at_its_highest_priority_with_the_whole_text(
    service: Service,
) -> None:
    await PushChannel("phone", f"ntfy://{service.at}/a-topic").send(message())
    assert service.last["topic"] == "a-topic"
    assert service.headers["X-Priority"] == "max"
    assert service.last["title"] == "Repeated brief movements recorded"
    assert service.last["message"].startswith("Look at your baby now.")


async def test_what_the_title_does_not_say_is_not_left_out(service: Service) -> None:
    channel = PushChannel("phone", f"ntfy://{service.at}/a-topic")
    told = message(rings=False)
    await channel.send(replace(told, title=f"Still open: {told.title}"))
    assert service.last["message"].startswith("Look at your baby now.")
    night = "Night from 14 to 15 March, infant kid: 6 h of 10 h recorded."
    await channel.send(replace(told, title="Summary of the night", text=f"{night}\nUrgent alerts: 0."))
    assert service.last["message"].splitlines() == [night, "Urgent alerts: 0."]


async def test_a_silent_message_is_silent_there_whatever_the_address_says(service: Service) -> None:
    channel = PushChannel("phone", f"ntfy://{service.at}/a-topic?priority=max")
    await channel.send(message(rings=False))
    assert service.headers["X-Priority"] == "low"


async def test_the_acknowledge_link_opens_at_a_touch_and_stands_where_no_service_cuts_it_off(
    service: Service,
) -> None:
    link = "http://gateway.lan:8090/a/x.y"
    channel = PushChannel("phone", f"ntfy://{service.at}/a-topic", link_of=lambda _: link)
    await channel.send(message())
    assert service.headers["X-Click"] == link
    assert service.last["message"].splitlines()[:2] == ["Look at your baby now.", link]


@pytest.mark.parametrize(
    "no_answer",
    [{"standing": Standing(open=False)}, {"alert": decide(RuleState(), Trouble("disk", T0))[1][0]}],
)
async def test_what_asks_for_no_answer_carries_no_link(service: Service, no_answer: dict[str, Any]) -> None:
    channel = PushChannel("phone", f"ntfy://{service.at}/a-topic", link_of=lambda _: "http://link")
    await channel.send(message(rings=False, **no_answer))
    assert "http://link" not in json.dumps(service.last)


@pytest.mark.parametrize(
    ("kind", "rings", "said"),
    [(Kind.ALERT, True, "failure"), (Kind.ANSWERED, False, "success"), (Kind.FALSE_ALARM, False, "success")],
)
async def test_a_json_endpoint_learns_what_sort_of_message_it_is(
    service: Service, kind: Kind, rings: bool, said: str
) -> None:
    await PushChannel("hook", f"json://{service.at}/hook").send(message(kind=kind, rings=rings))
    path, _, body = service.requests[-1]
    assert (path, body["type"], body["title"]) == ("/hook", said, "Repeated brief movements recorded")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "make a new one"), (403, "make a new one"), (404, "check the channel's address"), (429, "see its limits"),
     (500, "see whether the service works")],
)  # fmt: skip
async def test_a_refusal_names_channel_and_remedy_and_no_secret(
    service: Service, status: int, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.status = status
    channel = PushChannel("phone", f"ntfy://anna:{SECRET}@{service.at}/{SECRET}")
    with pytest.raises(ChannelFailed, match=f"channel phone: .*{status}.*{remedy}") as failed:
        await channel.send(message())
    assert SECRET not in str(failed.value) + repr(channel) + caplog.text


async def test_a_service_that_is_away_is_said_to_be(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.close()
    with pytest.raises(ChannelFailed, match="does not answer: check the network"):
        await PushChannel("phone", f"ntfy://{service.at}/{SECRET}").send(message())
    assert SECRET not in caplog.text


@pytest.mark.parametrize("address", [f"nosuch://{SECRET}", f"tgram://{SECRET}", "", "not an address"])
def test_a_wrong_address_is_refused_at_the_start_and_not_shown(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BadPushAddress, match=r"phone.*docs/phones\.md") as refused:
        PushChannel("phone", address)
    assert SECRET not in str(refused.value) + caplog.text


@pytest.mark.parametrize(
    ("address", "rings", "has"),
    [
        ("pover://user@token", True, "priority=emergency"),
        ("pover://user@token", False, "priority=low"),
        ("tgram://123456789:ABCdefghijkl12345678901234567890abc/1234", True, "silent=no"),
        ("tgram://123456789:ABCdefghijkl12345678901234567890abc/1234", False, "silent=yes"),
        ("gotify://host/token", True, "priority=emergency"),
        ("bark://host/key", True, "level=critical"),
    ],
)
def test_each_service_is_asked_in_its_own_words(address: str, rings: bool, has: str) -> None:
    assert has in PushChannel("phone", address)._service(rings=rings, link="").url(privacy=True)


def test_without_apprise_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(NoPushSupport, match=r"pip install 'lullwatch\[push\]'"):
        PushChannel("phone", "json://127.0.0.1")


def test_addresses_come_from_a_file_that_only_its_owner_reads_or_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "phone"
    file.write_text(f"json://127.0.0.1/{SECRET}\n")
    file.chmod(0o644)
    with pytest.raises(SecretTooOpen, match="chmod 600"):
        push_channels([PushSettings(name="phone", address_file=str(file))])
    file.chmod(0o600)
    monkeypatch.setenv("LULLWATCH_PUSH_THE_OTHER", "json://127.0.0.1")
    made = push_channels([PushSettings(name="phone", address_file=str(file)), PushSettings(name="the-other")])
    assert list(made) == ["phone", "the-other"]
    assert SECRET not in repr(made)


def test_a_channel_without_an_address_or_with_a_wrong_one_is_told_where_to_set_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(BadPush, match=r"address_file .* or LULLWATCH_PUSH_PHONE"):
        push_channels([PushSettings(name="phone")])
    monkeypatch.setenv("LULLWATCH_PUSH_PHONE", "nosuch://x")
    with pytest.raises(BadPush, match=r"docs/phones\.md"):
        push_channels([PushSettings(name="phone")])
