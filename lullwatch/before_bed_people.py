"""Before the night: the ways to people and to the database, and how long certificates are valid."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alerts.payloads import Topics
from alerts.people import MQTT

from .aside import aside
from .certificates import NoCertificate, file_expires, server_expires
from .errors import LullwatchError, NoMonitor
from .findings import FAIL, OK, WARN, Finding
from .settings import GatewaySettings, InfluxSettings, PersonSettings, PushSettings, read_secret

if TYPE_CHECKING:
    import aiomqtt

    from .self_test import Outcome

__all__ = ["TEST_S", "broker", "certificates", "channels", "database", "page", "watch"]

TIMEOUT_S: Final = 8.0
COMES_BACK_S: Final = 5.0
"""A broker passes a message on within milliseconds."""
TEST_S: Final = 240.0
"""A self-test detects on made-up movements first; then every channel has its time."""
_OWN_SERVERS: Final = ("ntfy", "ntfys", "gotify", "gotifys", "json", "jsons", "bark", "barks")
"""Schemes of apprise whose address names a server."""
_CLOUDS: Final = {
    "ntfy": "ntfy.sh", "ntfys": "ntfy.sh", "pover": "api.pushover.net", "tgram": "api.telegram.org",
    "pushsafer": "www.pushsafer.com", "psafers": "www.pushsafer.com",
}  # fmt: skip
"""Schemes whose server is always the same; of ntfy when the address is a topic alone."""
SOON_DAYS: Final = 21
"""Time to have a certificate renewed."""


async def broker(settings: GatewaySettings) -> list[Finding]:
    """Whether the broker lets us in, lets us read, and passes on what we say."""
    if settings.mqtt is None:
        return [Finding("broker", OK, "none is configured")]
    import aiomqtt

    from .mqtt_access import broker_address

    where, topics = f"{settings.mqtt.host}:{settings.mqtt.port}", Topics(settings.gateway)
    try:
        address = broker_address(settings.mqtt)
        async with aiomqtt.Client(
            address.host, address.port, username=address.username, password=address.password,
            tls_context=address.tls, identifier=f"lullwatch-{settings.gateway}-check", timeout=TIMEOUT_S,
        ) as client:  # fmt: skip
            wrong = await _not_passed_on(client, topics)
    except LullwatchError as error:
        return [Finding("broker", FAIL, str(error), "")]
    except (aiomqtt.MqttError, OSError) as error:
        remedy = "is it running, and are name and password right? docs/mqtt.md"
        return [Finding("broker", FAIL, f"{where}: {error}", remedy)]
    if wrong:
        remedy = (
            f"let us read and write lullwatch/{topics.gateway}/# in its access list: deploy/mosquitto/acl"
        )
        return [Finding("broker", FAIL, f"{where} lets us in, but {wrong}", remedy)]
    return [Finding("broker", OK, f"{where} lets us in, and passes on what we say")]


async def _not_passed_on(client: aiomqtt.Client, topics: Topics) -> str:
    """What the broker's access list stops, in words; empty where it stops nothing."""
    from alerts.mqtt import QOS, subscribed

    if refused := await subscribed(client, [topics.check, topics.status, *topics.inbound]):
        return f"does not let us read {' '.join(refused)}"
    # Mosquitto confirms what its access list forbids, and drops it: only what comes back was passed on
    await client.publish(topics.check, b"{}", qos=QOS)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(COMES_BACK_S):
            async for message in client.messages:
                if str(message.topic) == topics.check:
                    return ""
    return f"drops what we say on {topics.check}, so that no alert gets through"


def watch(settings: GatewaySettings) -> list[Finding]:
    """Whether the address of `[watch]` can be reached; it is not asked for, for that would say that all is well."""
    if settings.watch.ping_url is None:
        return []
    url = urllib.parse.urlsplit(settings.watch.ping_url)
    host, tls = url.hostname or "", url.scheme == "https"
    if url.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
        return [Finding("watch", OK, f"{host} is asked over a proxy; whether it answers shows the log")]
    try:
        with socket.create_connection((host, url.port or (443 if tls else 80)), timeout=TIMEOUT_S) as line:
            if tls:
                ssl.create_default_context().wrap_socket(line, server_hostname=host).close()
    except (OSError, ValueError) as error:  # the address may hold a token, so only the computer is named
        why = getattr(error, "strerror", None) or type(error).__name__
        remedy = "look at [watch] ping_url and the line to the internet"
        return [Finding("watch", FAIL, f"{host} does not answer ({why}): whoever watches will ring", remedy)]
    return [Finding("watch", OK, f"{host} can be reached; it is asked every minute while everything runs")]


def database(settings: GatewaySettings) -> list[Finding]:
    """Whether the database knows every bucket and takes our token for it; nothing is written."""
    influx = settings.influx
    if influx is None:
        return [Finding("database", OK, "none is configured")]
    raw = influx.bucket if influx.raw == "off" else influx.raw_bucket
    buckets = dict.fromkeys(name or influx.bucket for name in (influx.bucket, influx.feature_bucket, raw))
    try:
        token = read_secret("LULLWATCH_INFLUX_TOKEN", influx.token_file) or ""
        wrong = [f for bucket in buckets for f in _of_bucket(influx, bucket, token)]
    except LullwatchError as error:
        return [Finding("database", FAIL, str(error))]
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "reason", error)
        remedy = "is it running? What is recorded waits in the journal: docs/influxdb.md"
        return [Finding("database", FAIL, f"{influx.url} does not answer: {why}", remedy)]
    takes = Finding("database", OK, f"{influx.url} takes our token for {', '.join(buckets)}")
    return list(dict.fromkeys(wrong)) or [takes]


def _of_bucket(influx: InfluxSettings, bucket: str, token: str) -> Iterator[Finding]:
    """What is wrong with one bucket."""
    asked = urllib.parse.urlencode({"org": influx.org, "bucket": bucket, "precision": "ns"})
    status = _asked_to_write_nothing(f"{influx.url.rstrip('/')}/api/v2/write?{asked}", token)
    said = {
        401: (
            "the token is refused",
            "give one that may write to the bucket: token_file, or LULLWATCH_INFLUX_TOKEN",
        ),
        403: (f"the token may not write to {bucket}", "give one that may write to the bucket"),
        404: (f"there is no bucket {bucket} of {influx.org}", "make it: docs/influxdb.md"),
    }.get(status)
    if said is not None:
        yield Finding("database", FAIL, f"{influx.url}: {said[0]}", said[1])
    elif status >= 500:
        yield Finding("database", FAIL, f"{influx.url} answers {status}", "look at its own log")


def _asked_to_write_nothing(url: str, token: str) -> int:
    headers = {"Authorization": f"Token {token}", "Content-Type": "text/plain; charset=utf-8"}
    request = urllib.request.Request(url, data=b"", headers=headers, method="POST")  # noqa: S310 - settings allow http(s) only
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code  # 400 comes behind the door: there was nothing in it


async def channels(
    settings: GatewaySettings, *, send_test: bool, path: Path, status: dict[str, Any] | None
) -> list[Finding]:
    """Every person's ways: reachable without anything being sent; with `send_test` a test rings at everybody."""
    if send_test:
        return await _tested(path, status)
    if not settings.people:
        return _nobody(settings)
    services = {service.name: service for service in settings.push}
    ways = [(person, channel) for person in settings.people for channel in person.channels]
    return list(await asyncio.gather(*(aside(_way, settings, p, c, services) for p, c in ways)))


def _nobody(settings: GatewaySettings) -> list[Finding]:
    if settings.mqtt is not None:
        return [Finding("people", OK, "nobody is named: whoever reads the broker's topics is told")]
    remedy = "add [[people]] with a phone ([[push]]) or a broker ([mqtt]): docs/alerts.md"
    return [Finding("people", FAIL, "nobody can be told: neither a broker nor a phone is configured", remedy)]


def _way(
    settings: GatewaySettings, person: PersonSettings, channel: str, services: dict[str, PushSettings]
) -> Finding:
    name = f"person {person.id}"
    if channel == MQTT:
        if settings.mqtt is None:
            return Finding(
                name, FAIL, "is told over mqtt, but there is no [mqtt]", "add [mqtt], or a [[push]] service"
            )
        return Finding(name, OK, "over mqtt: see broker")
    from .push_channels import address_of, push_channels

    try:
        push_channels([services[channel]])
        server = _server_of(address_of(services[channel]))
    except LullwatchError as error:
        return Finding(name, FAIL, f"over {channel}: {error}")
    if server is None:
        return Finding(name, OK, f"over {channel}: its address is understood; try it with --send-test")
    host, port = server
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        remedy = "is this computer on the internet? docs/phones.md"
        return Finding(
            name, FAIL, f"over {channel}: its service does not answer ({error.strerror or error})", remedy
        )
    return Finding(name, OK, f"over {channel}: its service answers")


def _server_of(address: str) -> tuple[str, int] | None:
    """Host and port that an address of apprise leads to; None where only apprise knows."""
    url = urllib.parse.urlsplit(address)
    scheme = url.scheme.lower()
    if scheme in _CLOUDS and (scheme not in _OWN_SERVERS or url.path.strip("/") == ""):
        return _CLOUDS[scheme], 443
    if scheme not in _OWN_SERVERS or not url.hostname:
        return None
    return url.hostname, url.port or (443 if scheme in ("ntfys", "gotifys", "jsons", "barks") else 80)


async def _tested(path: Path, status: dict[str, Any] | None) -> list[Finding]:
    if status is None:
        remedy = "start it (lullwatch up), then run this again: the test takes the whole way of an alert"
        return [Finding("people", FAIL, "a test needs the running monitor", remedy)]
    from .self_test_job import outcome_of

    try:
        outcome = await aside(outcome_of, path)
    except NoMonitor as error:
        return [Finding("people", FAIL, str(error))]
    return list(_of_test(outcome))


def _of_test(outcome: Outcome) -> Iterator[Finding]:
    if outcome.result != "passed":
        yield Finding(
            "people",
            FAIL,
            f"the test: {outcome.result} {outcome.why}".strip(),
            "lullwatch self-test SETTINGS",
        )
    for way in outcome.ways:
        name = f"person {way.person}"
        if way.ok:
            yield Finding(name, OK, f"over {way.channel}: took the test; did it ring?")
        else:
            yield Finding(name, FAIL, f"over {way.channel}: {way.why}", "docs/phones.md, docs/mqtt.md")
    if not outcome.ways and outcome.result == "passed":
        yield Finding("people", OK, "the test was published; did it ring?")


def certificates(settings: GatewaySettings) -> list[Finding]:
    """How long every certificate on the way is valid."""
    found = []
    mqtt, influx = settings.mqtt, settings.influx
    if mqtt is not None and mqtt.tls:
        found.append(_of_server("broker's", mqtt.host, mqtt.port))
        found += [
            _of_file(what, f) for what, f in (("broker's CA", mqtt.ca_file), ("our own", mqtt.cert_file)) if f
        ]
    if influx is not None and influx.url.startswith("https:"):
        url = urllib.parse.urlsplit(influx.url)
        found.append(_of_server("database's", url.hostname or "", url.port or 443))
    return found or [Finding("certificates", OK, "none is used on the way to broker and database")]


def page(settings: GatewaySettings, path: Path) -> list[Finding]:
    """The pages' certificate, and whether anybody may look."""
    found = []
    if settings.page.cert_file:
        found.append(_of_file("pages'", settings.page.cert_file))
    try:
        from .web.hosting import hosting_of

        hosting = hosting_of(path)
        if settings.page.cert_file:
            hosting.check()
        invited = len(hosting.site.access.people)
    except ModuleNotFoundError as error:
        return [
            *found,
            Finding(
                "page", WARN, f"cannot be served: {error.name} is missing", "pip install 'lullwatch[web]'"
            ),
        ]
    except LullwatchError as error:
        return [*found, Finding("page", FAIL, str(error))]
    if not invited:
        return [
            *found,
            Finding("page", WARN, "nobody may look yet", f"lullwatch serve {path} --invite PERSON"),
        ]
    return [*found, Finding("page", OK, f"{hosting.address}, {invited} may look")]


def _of_file(whose: str, file: str) -> Finding:
    try:
        return _dated(whose, file_expires(Path(file).expanduser()))
    except NoCertificate as error:
        return Finding("certificate", FAIL, f"{whose}: {error}", "give it in PEM form, readable by this user")


def _of_server(whose: str, host: str, port: int) -> Finding:
    try:
        return _dated(whose, server_expires(host, port, timeout_s=TIMEOUT_S))
    except NoCertificate as error:
        return Finding("certificate", FAIL, f"{whose}: {error}", "is it running, with TLS?")


def _dated(whose: str, ends: datetime) -> Finding:
    days = (ends.timestamp() - time.time()) / 86_400
    said = f"{whose} is valid until {ends.astimezone(UTC):%Y-%m-%d}"
    if days < 0:
        return Finding("certificate", FAIL, f"{whose} has ended on {ends:%Y-%m-%d}", "renew it")
    return Finding(
        "certificate", WARN if days < SOON_DAYS else OK, said, "renew it soon" if days < SOON_DAYS else ""
    )
