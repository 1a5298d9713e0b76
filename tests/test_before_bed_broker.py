"""Before bed: whether the broker passes on what it confirms, against brokers with access lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from amqtt.broker import Broker as Amqtt
from amqtt.contexts import Action
from amqtt.plugins.base import BaseTopicPlugin
from amqtt.session import Session

from lullwatch.before_bed_people import broker
from lullwatch.findings import Finding, Word
from lullwatch.programs import Found
from lullwatch.server_process import free_port
from lullwatch.settings import GatewaySettings, parse
from tests.servers_fixtures import Broker
from tests.shipped_broker import ShippedMosquitto

SETTINGS = """
gateway = "{gateway}"
journal_dir = "nights"
[[infants]]
id = "kid"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
[mqtt]
host = "127.0.0.1"
port = {port}
"""


@pytest.fixture(scope="module")
def shipped(mosquitto_program: Found, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedMosquitto]:
    with ShippedMosquitto(tmp_path_factory.mktemp("shipped") / "m", mosquitto_program) as server:
        yield server


def settings(gateway: str, port: int, more: str) -> GatewaySettings:
    return parse(Path("x.toml"), SETTINGS.format(gateway=gateway, port=port) + more)


async def look(server: ShippedMosquitto, gateway: str, user: str = "gateway") -> Finding:
    password = server.folder / f"{user}-password"
    password.write_text(f"secret-{user}")
    password.chmod(0o600)
    more = f'username = "{user}"\npassword_file = "{password}"\nca_file = "{server.certs / "ca.crt"}"\n'
    (found,) = await broker(settings(gateway, server.port, more))
    return found


async def test_the_shipped_access_list_passes_and_nothing_is_kept(shipped: ShippedMosquitto) -> None:
    found = await look(shipped, "home")
    assert (found.word, found.remedy) == (Word.OK, "")
    with Broker(shipped, "home").sub("lullwatch/home/#", *shipped.as_user("gateway")) as late:
        assert late.nothing_for(0.5)


@pytest.mark.parametrize(("gateway", "user"), [("other", "gateway"), ("home", "dashboard")])
async def test_an_access_list_that_drops_what_the_broker_confirms_fails_and_is_named(
    shipped: ShippedMosquitto, gateway: str, user: str
) -> None:
    found = await look(shipped, gateway, user)
    assert found.word is Word.FAIL
    assert f"drops what we say on lullwatch/{gateway}/check" in found.what
    assert f"lullwatch/{gateway}/# in its access list: deploy/mosquitto/acl" in found.remedy


class NoCommands(BaseTopicPlugin):  # type: ignore[misc]  # amqtt says no types
    """An access list of a broker that says so when it refuses a subscription."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        del session
        return action is not Action.SUBSCRIBE or "/set/" not in str(topic)


@asynccontextmanager
async def refusing() -> AsyncIterator[int]:
    port = free_port()
    plugins = {
        "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
        f"{__name__}.NoCommands": {},
    }
    listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
    server = Amqtt({"listeners": listeners, "plugins": plugins})
    await server.start()
    try:
        yield port
    finally:
        await server.shutdown()


async def test_a_subscription_that_the_broker_refuses_fails_and_is_named() -> None:
    async with refusing() as port:
        (found,) = await broker(settings("home", port, "tls = false\n"))
    assert found.word is Word.FAIL
    assert found.what.endswith("does not let us read lullwatch/home/+/set/+")
    assert "access list" in found.remedy
