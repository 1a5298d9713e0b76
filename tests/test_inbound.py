"""Commands from anyone: authorised by topic, limited in size, and no bytes that break the listener."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.commands import MOST_BYTES
from alerts.inbound import QUEUE_LIMIT, Arrived, Inbox
from alerts.payloads import Message, Topics
from tests.servers_fixtures import Broker
from tests.test_mqtt import running, subscribed, taken


class Heard:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.inbox = Inbox(Topics("gw"), ["a"], self)

    async def __call__(self, infant: str, name: str, payload: bytes) -> bytes:
        self.asked.append((infant, name, payload))
        if payload == b"break":
            raise RuntimeError(payload)
        return b"" if name == "receipt" else b"{}"

    def answer(self, topic: str, payload: bytes = b"{}", *, retained: bool = False) -> Message | None:
        async def run() -> Message | None:
            self.inbox.put(Arrived(topic, payload, retained))
            return await self.inbox.answer()

        return asyncio.run(run())


@pytest.mark.parametrize(
    ("topic", "asked", "answered"),
    [
        ("lullwatch/gw/a/set/ack", ("a", "ack"), "lullwatch/gw/a/result/ack"),
        ("lullwatch/gw/a/set/mute", ("a", "mute"), "lullwatch/gw/a/result/mute"),
        ("lullwatch/gw/gateway/set/test", ("", "test"), "lullwatch/gw/gateway/result/test"),
        ("lullwatch/gw/selftest/set/ack", ("selftest", "ack"), "lullwatch/gw/selftest/result/ack"),
        ("lullwatch/gw/a/receipt", ("a", "receipt"), None),
    ],
)
def test_a_command_is_for_the_infant_of_its_topic(
    topic: str, asked: tuple[str, str], answered: str | None
) -> None:
    heard = Heard()
    said = heard.answer(topic)
    assert [(i, n) for i, n, _ in heard.asked] == [asked]
    assert (None if said is None else said.topic) == answered


@pytest.mark.parametrize(
    ("topic", "more", "why"),
    [
        ("lullwatch/gw/b/set/ack", {}, "no such infant"),
        ("lullwatch/gw/a/set/explode", {}, "no such command"),
        ("lullwatch/gw/a/set/ack", {"retained": True}, "retained"),
        ("lullwatch/gw/a/set/note", {"payload": b"x" * (MOST_BYTES + 1)}, "bytes are too many"),
    ],
)
def test_what_may_not_be_asked_is_refused_on_the_result_topic_and_goes_no_further(
    topic: str, more: dict[str, Any], why: str
) -> None:
    heard = Heard()
    said = heard.answer(topic, **more)
    assert heard.asked == []
    assert said is not None
    assert said.topic == topic.replace("/set/", "/result/")
    body = json.loads(said.payload)
    assert (body["ok"], why in body["why"]) == (False, True)


@pytest.mark.parametrize("topic", ["lullwatch/gw/a/set/ack", "lullwatch/gw/a/set/note"])
def test_a_command_that_fails_is_answered_and_the_next_one_is_heard(topic: str) -> None:
    heard = Heard()
    broken = heard.answer(topic, b"break")
    assert broken is not None
    assert json.loads(broken.payload)["ok"] is False
    assert heard.answer(topic) == Message(topic.replace("/set/", "/result/"), b"{}")


@settings(max_examples=200)
@given(
    topic=st.one_of(st.text(max_size=60), st.text(max_size=20).map(lambda t: f"lullwatch/gw/{t}")),
    payload=st.binary(),
)
def test_no_topic_and_no_bytes_break_it_or_change_the_levels_of_an_answer(topic: str, payload: bytes) -> None:
    said = Heard().answer(topic, payload)
    assert said is None or (said.topic.count("/") == 4 and not set(said.topic) & set("+#\0"))


def test_too_many_at_once_are_dropped_and_a_flood_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = Heard()
    for n in range(QUEUE_LIMIT + 500):
        heard.inbox.put(Arrived("lullwatch/gw/a/set/ack", str(n).encode(), retained=False))
    assert 20 < len(caplog.records) < 40

    async def run() -> None:
        for _ in range(QUEUE_LIMIT):
            await heard.inbox.answer()

    asyncio.run(run())
    assert [p for _, _, p in heard.asked] == [str(n).encode() for n in range(QUEUE_LIMIT)]


async def test_hostile_bytes_over_a_real_broker_leave_the_gateway_listening(mosquitto: Broker) -> None:
    heard = Heard()
    base = f"lullwatch/{mosquitto.topic}/a"
    async with running(mosquitto, infants=["a"], on_command=heard) as gateway:
        await gateway.until_connected()
        with await subscribed(mosquitto, f"{base}/result/+") as sub:
            for payload in (b"\xff\xfe\0", b"break", b"{" * MOST_BYTES, b"x" * 100_000):
                await asyncio.to_thread(mosquitto.pub, f"{base}/set/note", payload)
            await asyncio.to_thread(mosquitto.pub, f"{base}/set/ack", b"last")
            answers = await taken(sub, 5)
    assert [json.loads(a.payload).get("ok") for a in answers] == [None, False, None, False, None]
    assert heard.asked[-1] == ("a", "ack", b"last")
