"""The shipped Mosquitto: who may do what, what survives a power cut, and what the gateway says when it is refused."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from alerts.mqtt import BrokerAddress
from lullwatch.errors import BadSettings, SecretTooOpen
from lullwatch.mqtt_access import broker_address
from lullwatch.programs import Found
from lullwatch.settings import BrokerSettings
from tests.servers_fixtures import PATIENCE_S, Broker
from tests.shipped_broker import USERS, ShippedMosquitto, issued, written
from tests.test_mqtt import ids, running, so, taken

# paho leaves the socket of a refused connection to the garbage collector
UNCLOSED = pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket.*:pytest.PytestUnraisableExceptionWarning")
QUEUED = 1200
"""more than Mosquitto keeps by default"""


@pytest.fixture(scope="module")
def shipped(mosquitto_program: Found, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedMosquitto]:
    with ShippedMosquitto(tmp_path_factory.mktemp("shipped") / "m", mosquitto_program) as server:
        yield server


def address(server: ShippedMosquitto, user: str = "gateway", password: str | None = None) -> BrokerAddress:
    tls = ssl.create_default_context(cafile=str(server.certs / "ca.crt"))
    return BrokerAddress(server.host, server.port, user, password or f"secret-{user}", tls)


MAY_READ = {
    "status": {"gateway", "caregiver", "homeassistant", "dashboard"},
    "a/alert": {"gateway", "caregiver", "homeassistant"},
    "a/tonight": {"gateway", "caregiver", "homeassistant", "dashboard"},
    "a/state": {"gateway", "caregiver", "homeassistant", "dashboard"},
    "a/event": {"gateway", "caregiver", "homeassistant"},
    "a/result/ack": {"gateway", "caregiver", "homeassistant"},
    "a/set/note": {"gateway"},
    "a/receipt": {"gateway"},
}
MAY_WRITE = {
    "a/set/ack": {"gateway", "caregiver", "homeassistant"},
    "a/receipt": {"gateway", "caregiver", "homeassistant"},
    "a/alert": {"gateway"},
    "a/event": {"gateway"},
    "status": {"gateway"},
    "a/result/ack": {"gateway"},
}


def test_everyone_reads_what_the_list_says_and_nothing_else(shipped: ShippedMosquitto) -> None:
    broker = Broker(shipped, "home")
    subs = {user: broker.sub("lullwatch/#", *shipped.as_user(user)) for user in USERS}
    for topic in MAY_READ:
        broker.pub(f"lullwatch/home/{topic}", topic, *shipped.as_user("gateway"))
    broker.pub("lullwatch/home/status", "last", *shipped.as_user("gateway"))
    got: dict[str, set[str]] = {topic: set() for topic in MAY_READ}
    for user, sub in subs.items():
        while (message := sub.next()).payload != "last":
            got[message.payload].add(user)
        sub.close()
    assert got == MAY_READ


@pytest.mark.parametrize("topic", MAY_WRITE)
def test_everyone_writes_what_the_list_says_and_nothing_else(shipped: ShippedMosquitto, topic: str) -> None:
    broker = Broker(shipped, "home")
    with broker.sub(f"lullwatch/home/{topic}", *shipped.as_user("gateway")) as sub:
        for user in USERS:
            broker.pub(f"lullwatch/home/{topic}", user, *shipped.as_user(user))
        broker.pub(f"lullwatch/home/{topic}", "last", *shipped.as_user("gateway"))
        got = set()
        while (message := sub.next()).payload != "last":
            got.add(message.payload)
    assert got == MAY_WRITE[topic]


def test_nobody_reads_or_writes_another_gateway(shipped: ShippedMosquitto) -> None:
    broker = Broker(shipped, "other")
    with broker.sub("lullwatch/#", *shipped.as_user("gateway")) as sub:
        broker.pub("lullwatch/other/a/alert", "x", *shipped.as_user("gateway"))
        assert sub.nothing_for(0.5)


@pytest.mark.parametrize("options", [[], ["-u", "gateway", "-P", "wrong"], ["-u", "nobody", "-P", "x"]])
def test_without_the_right_password_nobody_comes_in(shipped: ShippedMosquitto, options: list[str]) -> None:
    authority = ["--cafile", str(shipped.certs / "ca.crt")]
    with pytest.raises(subprocess.CalledProcessError):
        Broker(shipped, "home").pub("lullwatch/home/a/set/ack", "{}", *authority, *options)


def test_without_encryption_nobody_comes_in(shipped: ShippedMosquitto) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        Broker(shipped, "home").pub("lullwatch/home/status", "x", "-u", "gateway", "-P", "secret-gateway")


async def test_the_gateway_works_under_the_shipped_list_without_any_trouble(
    shipped: ShippedMosquitto,
) -> None:
    told: list[str] = []

    async def on_command(infant: str, name: str, payload: bytes) -> bytes:
        return b'{"ok":true}'

    broker = Broker(shipped, "home")
    async with running(
        broker,
        "home",
        address=address(shipped),
        infants=["a"],
        on_command=on_command,
        heard={"homeassistant/status": lambda _: None},
        on_trouble=lambda _, why: told.append(why),
    ) as gateway:
        await gateway.until_connected()
        phone = shipped.as_user("caregiver")
        with await asyncio.to_thread(broker.sub, "lullwatch/home/a/+", *phone) as sub:
            await gateway.alert(1, infant="a")
            assert ids(await taken(sub, 1)) == ["a1"]
        with await asyncio.to_thread(broker.sub, "lullwatch/home/a/result/+", *phone) as sub:
            await asyncio.to_thread(broker.pub, "lullwatch/home/a/set/ack", "{}", *phone)
            assert [r.payload for r in await taken(sub, 1)] == ['{"ok":true}']
    assert told == []


async def test_a_user_whom_the_list_does_not_let_write_is_told_though_the_broker_confirms(
    shipped: ShippedMosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.mqtt.CONFIRM_TIMEOUT_S", 1.0)
    told: list[str] = []
    broker = Broker(shipped, "home")
    async with running(
        broker, "home", address=address(shipped, "dashboard"), on_trouble=lambda _, why: told.append(why)
    ) as gateway:
        await gateway.alert(1, infant="a")
        await so(lambda: told != [])
    assert "does not pass them on" in told[0]
    assert "access list" in told[0]


async def test_a_gateway_that_may_not_read_its_own_status_is_told(
    mosquitto_program: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.mqtt.CONFIRM_TIMEOUT_S", 1.0)
    server = ShippedMosquitto(tmp_path / "m", mosquitto_program)
    server.start()
    server.stop()
    (server.folder / "acl").write_text("user gateway\ntopic write lullwatch/home/#\n")
    told: list[str] = []
    with server:
        async with running(
            Broker(server, "home"),
            "home",
            address=address(server),
            on_trouble=lambda _, why: told.append(why),
        ):
            await so(lambda: told != [])
    assert "lullwatch/home/status" in told[0]


def queue_up(server: ShippedMosquitto, n: int) -> None:
    """Publish alerts as the gateway does, each confirmed."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="filler")
    client.username_pw_set("gateway", "secret-gateway")
    client.tls_set_context(ssl.create_default_context(cafile=str(server.certs / "ca.crt")))
    client.connect(server.host, server.port)
    client.loop_start()
    sent = [client.publish("lullwatch/home/a/alert", json.dumps({"id": f"a{i}"}), qos=1) for i in range(n)]
    for one in sent:
        one.wait_for_publish(PATIENCE_S)
    client.publish("lullwatch/home/a/state", '{"state":"asleep"}', qos=1, retain=True).wait_for_publish(
        PATIENCE_S
    )
    client.disconnect()
    client.loop_stop()


def test_more_than_a_thousand_alerts_for_an_absent_phone_survive_a_power_cut(
    mosquitto_program: Found, tmp_path: Path
) -> None:
    with ShippedMosquitto(tmp_path / "m", mosquitto_program) as server:
        broker = Broker(server, "home")
        phone = server.as_user("caregiver")
        broker.sub("lullwatch/home/a/alert", *phone, session="phone").close()
        queue_up(server, QUEUED)
        saved = server.folder / "data" / "mosquitto.db"
        queued = time.time()
        while not (saved.exists() and saved.stat().st_mtime > queued + 0.5):
            assert time.time() < queued + PATIENCE_S, "the broker saved nothing"
            time.sleep(0.1)
        server.kill()
        server.start()
        with broker.sub("lullwatch/home/a/alert", *phone, session="phone") as sub:
            assert ids(sub.take(QUEUED)) == [f"a{i}" for i in range(QUEUED)]
        with broker.sub("lullwatch/home/a/state", *phone) as sub:
            assert sub.next().retained


WRONG = {
    "expired": ("has expired", "renew it"),
    "not-yet": ("not valid yet", "clock"),
    "stranger": ("does not trust", "mqtt.ca_file"),
    "password": ("refuses user 'gateway'", "mqtt.password_file"),
    "plain": ("does not speak TLS", "mqtt.port"),
    "nobody": ("not running", "mqtt.port"),
}


@UNCLOSED
@pytest.mark.parametrize("wrong", WRONG)
async def test_what_keeps_the_gateway_out_is_told_once_with_its_remedy_and_it_keeps_trying(
    wrong: str, mosquitto_program: Found, mosquitto: Broker, tmp_path: Path
) -> None:
    server = ShippedMosquitto(tmp_path / "m", mosquitto_program)
    server.start()
    place = address(server, password="wrong" if wrong == "password" else None)
    if wrong in ("expired", "not-yet", "stranger"):
        authority = issued("home CA")
        days = {"expired": (-30, -1), "not-yet": (2, 30)}.get(wrong, (-1, 30))
        server.stop()
        certificate, key = written(tmp_path, "server", issued("127.0.0.1", authority, days=days))
        (server.certs / "server.crt").write_bytes(certificate.read_bytes())
        (server.certs / "server.key").write_bytes(key.read_bytes())
        if wrong != "stranger":
            (server.certs / "ca.crt").write_bytes(written(tmp_path, "ca", authority)[0].read_bytes())
        server.start()
        place = address(server)
    elif wrong == "plain":
        place = BrokerAddress("127.0.0.1", mosquitto.port, "gateway", "x", place.tls)
    elif wrong == "nobody":
        server.stop()
    told: list[tuple[str, str]] = []
    try:
        async with running(
            Broker(server, "home"),
            "home",
            address=place,
            on_trouble=lambda kind, why: told.append((kind, why)),
        ) as gateway:
            await so(lambda: told != [] and len(gateway.clock.slept_s) >= 3)
    finally:
        server.stop()
    [(kind, why)] = told
    assert kind == "broker"
    assert all(part in why for part in WRONG[wrong]), why
    assert "secret-" not in why


@UNCLOSED
async def test_trouble_ends_when_the_password_is_mended(mosquitto_program: Found, tmp_path: Path) -> None:
    told: list[str] = []
    server = ShippedMosquitto(tmp_path / "m", mosquitto_program)
    with server:
        async with running(
            Broker(server, "home"),
            "home",
            address=address(server, password="new"),
            on_trouble=lambda _, why: told.append(why),
        ) as gateway:
            await so(lambda: len(told) == 1)
            due = asyncio.create_task(gateway.alert(1, infant="a"))
            server._add_user("gateway", "new")
            # Read anew and not started anew: a broker that is away for a moment would be a trouble of its own.
            server.read_anew()
            await due
            await so(lambda: len(told) == 2)
    assert told[1] == ""


def settings_for(server: ShippedMosquitto, **more: str | None) -> BrokerSettings:
    given = {"ca_file": str(server.certs / "ca.crt"), **more}
    return BrokerSettings(host="127.0.0.1", port=server.port, **given)


@UNCLOSED
async def test_a_client_certificate_stands_for_a_password(
    mosquitto_program: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.mqtt.CONFIRM_TIMEOUT_S", 1.0)
    with ShippedMosquitto(tmp_path / "m", mosquitto_program, client_certificates=True) as server:
        certs = server.certs
        own = {"cert_file": str(certs / "gateway.crt"), "key_file": str(certs / "gateway.key")}
        stranger = written(tmp_path, "stranger", issued("gateway"))
        expired = written(tmp_path, "expired", issued("gateway", _authority(server), days=(-30, -1)))
        for place, expected in (
            (settings_for(server, **own), ""),
            (settings_for(server), "asks for a client certificate"),
            (settings_for(server, cert_file=str(stranger[0]), key_file=str(stranger[1])), "mqtt.cert_file"),
            (settings_for(server, cert_file=str(expired[0]), key_file=str(expired[1])), "mqtt.cert_file"),
        ):
            told: list[str] = []
            async with running(
                Broker(server, "home"),
                "home",
                address=broker_address(place),
                on_trouble=lambda _, why, told=told: told.append(why),
            ) as gateway:
                if expected:
                    await so(lambda told=told: told != [])
                    assert expected in told[0]
                else:
                    await gateway.alert(1, infant="a")
                    assert told == []


def _authority(server: ShippedMosquitto) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    certificate = x509.load_pem_x509_certificate((server.certs / "ca.crt").read_bytes())
    return certificate, load_pem_private_key((server.certs / "ca.key").read_bytes(), None)


def test_a_key_that_others_may_read_is_refused(shipped: ShippedMosquitto, tmp_path: Path) -> None:
    certificate, key = written(tmp_path, "gw", issued("gateway"))
    key.chmod(0o644)
    with pytest.raises(SecretTooOpen, match="chmod 600"):
        broker_address(settings_for(shipped, cert_file=str(certificate), key_file=str(key)))


@pytest.mark.parametrize("field", ["ca_file", "cert_file"])
def test_a_certificate_file_that_is_none_is_named_with_a_remedy(
    shipped: ShippedMosquitto, tmp_path: Path, field: str
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    broken.chmod(0o600)
    with pytest.raises(BadSettings, match=r"broken\.pem.*PEM"):
        broker_address(settings_for(shipped, **{field: str(broken)}))
