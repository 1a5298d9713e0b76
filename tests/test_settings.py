from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import tomllib
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from alerts.mqtt import BrokerAddress
from dsp.records import NS, ClockRow
from lullwatch.caregiving import Household
from lullwatch.errors import BadSettings, LullwatchError, SecretTooOpen
from lullwatch.gateway import Gateway, Radio
from lullwatch.housekeeping import sink_of
from lullwatch.monitor import _household, _time_of
from lullwatch.mqtt_access import broker_address
from lullwatch.phones import Phones
from lullwatch.settings import BrokerSettings, GatewaySettings, PageSettings, load, read_secret, today
from lullwatch.settings_check import WrongSetting, check
from lullwatch.surroundings import _wearer
from store.journal import Journal

EXAMPLE = Path(__file__).resolve().parents[1] / "deploy" / "lullwatch.example.toml"
GOOD = EXAMPLE.read_text(encoding="utf-8")
FULL = re.sub(r"^# (?=[a-z_]+ = |\[)", "", GOOD, flags=re.MULTILINE)
"""every setting that the example shows, in force"""


def written(folder: Path, text: str) -> Path:
    path = folder / "lullwatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_that_we_ship_can_be_read() -> None:
    example = load(EXAMPLE)
    assert [s.name for s in example.infants[0].sensors] == ["la", "ra", "tr"]
    assert example.mqtt is not None
    assert example.mqtt.tls


def test_the_example_shows_every_table_and_every_setting_outside_of_one() -> None:
    shown = set(re.findall(r"^(?:\[+([a-z_]+)\]+|([a-z_]+) = )", FULL, flags=re.MULTILINE))
    assert set(GatewaySettings.__struct_fields__) <= {table or name for table, name in shown}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('gateway = "home"', 'gateway = "Our Home"', "gateway"),
        ('zone = "Europe/Berlin"', 'zone = "Berlin"', "Berlin"),
        ('site = "RA"', 'site = "LA"', "one site"),
        ('site = "RA"', 'site = "XX"', "site"),
        ("C0:00:00:00:00:02", "C0:00:00:00:00:01", "C0:00:00:00:00:01"),
        ("C0:00:00:00:00:02", "next to the cot", "address"),
        ("port = 8883", "port = 99999", "port"),
        ("tls = true", "tsl = true", "tsl"),
        ("[[infants]]", "[[infant]]", "infant"),
        ('id = "a"', 'id = "selftest"', "selftest"),
        ('id = "a"', 'id = "gateway"', "gateway"),
        ("tls = true", "tls = false", "allow_unencrypted"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file_and_a_remedy(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(BadSettings) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_a_broker_on_this_computer_may_go_unencrypted(tmp_path: Path, host: str) -> None:
    text = GOOD.replace("tls = true", "tls = false").replace("broker.lan", host)
    assert load(written(tmp_path, text)).mqtt is not None


@pytest.mark.parametrize("host", ["192.168.1.7", "::2", "localhost.example", "127.0.0.1.example", "0.0.0.0"])
def test_an_unencrypted_broker_elsewhere_is_refused_until_it_is_said_in_so_many_words(
    tmp_path: Path, host: str
) -> None:
    text = GOOD.replace("tls = true", "tls = false").replace("broker.lan", host)
    with pytest.raises(BadSettings, match="not this computer"):
        load(written(tmp_path, text))
    allowed = text.replace("tls = false", "tls = false\nallow_unencrypted = true")
    assert load(written(tmp_path, allowed)).mqtt is not None


def test_only_the_age_in_days_is_known_of_a_birth_week(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("# birth_week = 2026-05-04", "birth_week = 2026-05-04"))
    infant = load(path).infants[0]
    assert infant.age_days(date(2026, 5, 14)) == 10
    assert infant.age_days(date(2026, 5, 1)) == 0


def test_a_week_of_birth_that_lies_ahead_is_refused_but_not_by_a_clock_that_is_behind(tmp_path: Path) -> None:
    day = today()
    path = written(tmp_path, GOOD.replace("# birth_week = 2026-05-04", f"birth_week = {day + timedelta(6)}"))
    assert load(path).infants[0].age_days(day) == 0  # any day of the week, also one to come
    ahead = day + timedelta(3650)
    path = written(tmp_path, GOOD.replace("# birth_week = 2026-05-04", f"birth_week = {ahead}"))
    with pytest.raises(BadSettings, match=rf"\.toml:\d+: birth_week {ahead} lies ahead") as refused:
        load(path)
    line = path.read_text().splitlines()[int(refused.value.line or 0) - 1]
    assert line.startswith(f"birth_week = {ahead} ")
    assert "any day of the week of birth" in refused.value.remedy
    # as seen by a computer whose clock is years behind whoever wrote the file
    written_s = datetime(ahead.year + 1, 1, 1, tzinfo=UTC).timestamp()
    os.utime(path, (written_s, written_s))
    assert load(path).infants[0].age_days(day) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('gateway = "home"', "gateway = 3", ["lower-case letters", "expected a text in quotes"]),
        ('gateway = "home"', 'gateway = "Our Home"', ['gateway = "home"']),
        ('gateway = "home"', 'gateway = "home', ["no TOML", "quotation mark is missing"]),
        ('summary_at = "07:00"', "summary_at = 07:00", ["Texts stand in quotes"]),
        ('summary_at = "07:00"', "summary_at = '07:00", ["quotation mark is missing"]),
        ('zone = "Europe/Berlin"', 'gateway = "x"', ["gateway stands there twice. Leave one"]),
        ("[influx]", "[mqtt]", ["the table mqtt stands there twice. Join"]),
        ("[journal]", "[journal", ["bracket ] is missing"]),
        ('zone = "Europe/Berlin"', 'zone: "Europe/Berlin"', ["A setting is written with ="]),
        ('username = "gateway"', 'username = "home\\me"', ["Write \\ twice"]),
        (
            'username = "gateway"',
            "username = 3",
            ["mqtt.username: expected a text in quotes, got a whole number"],
        ),
        (
            'username = "gateway"',
            'bucket = "x"',
            ["no setting 'bucket' in mqtt. Remove it, or move it to the table"],
        ),
        ('site = "RA"', 'site = "XX"', ["infants 1.sensors 2.site", '"LA" (left ankle)']),
        ('site = "RA"', 'site = "LA"', ["two sensors on one site"]),
        ("port = 8883", "port = 99999", ["mqtt.port", "from 1 to 65535"]),
        ("tls = true", "tsl = true", ["no setting 'tsl' in mqtt", "Did you mean tls?"]),
        ("tls = true", "tls = false", ["allow_unencrypted"]),
        ('zone = "Europe/Berlin"', 'zone = "Europe"', ["Europe/Berlin"]),
        ('url = "http://127.0.0.1:8086"', 'url = "http://influx.lan"', ["Use https:"]),
        ("raw_days = 30", "raw_days = 0", ["raw_days = 30"]),
    ],
)
def test_what_is_wrong_is_named_with_its_line_what_was_expected_and_how_to_mend_it(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    line = next(n for n, line in enumerate(GOOD.splitlines(), 1) if old in line)
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(BadSettings) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}:")
    for words in said:
        assert words in str(caught.value)


def test_what_is_missing_is_named_with_the_line_of_its_table(tmp_path: Path) -> None:
    text = GOOD.replace('site = "TR"\n', "", 1)
    line = [n for n, line in enumerate(text.splitlines(), 1) if line == "[[infants.sensors]]"][2]
    with pytest.raises(BadSettings, match=rf":{line}: site is missing in infants 1.sensors 3\. Such as site"):
        load(written(tmp_path, text))


def test_the_second_of_two_infants_is_found(tmp_path: Path) -> None:
    second = '\n[[infants]]\nid = "b"\n[[infants.sensors]]\nsite = "LA"\naddress = "next to the cot"\n'
    text = GOOD.replace("[journal]", f"{second}[journal]", 1)
    line = text.splitlines().index('address = "next to the cot"') + 1
    with pytest.raises(BadSettings, match=f":{line}: infants 2.sensors 1.address"):
        load(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "x=" + "[" * 3000,
        "",
        "\x00",
        'gateway = "a"\n[gateway]',
        "[[infants]]\n" * 3,
        "infants = [[[1]]]",
        "\ufeffgateway=1",
    ],
)
def test_no_strange_file_leads_to_a_traceback(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSettings):
        load(written(tmp_path, text))


@pytest.mark.parametrize("folder", ["", " ", "~nobody-of-this-name/x", "a\\u0000b"])
def test_a_folder_for_journals_that_is_none_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(BadSettings, match="journal_dir"):
        load(written(tmp_path, GOOD.replace("~/.local/share/lullwatch", folder)))


def test_an_id_may_not_end_in_a_line_break(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="gateway"):
        load(written(tmp_path, GOOD.replace('gateway = "home"', 'gateway = "home\\n"')))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('armed = "18:30"', "armed"),
        ('armed = "18:30-18:30"', "begins and ends"),
        ('armed = "18:30-08:00"\ndays = ["monday"]', "days"),
        ('armed = "18:30-08:00"\ndays = []', "days"),
        ('armed = "18:30-08:00"\ninfants = ["zoe"]', "zoe"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        load(written(tmp_path, f"{GOOD}\n[[schedule]]\n{table}\n"))


_VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.dates(), st.datetimes(), st.times(),
    st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3),
)  # fmt: skip


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return value.isoformat() if isinstance(value, date | time) else str(value)


_NASTY_TEXTS = (
    "", " ", ".", "..", "~", "~nobody-of-this-name/x", "a\0b", "/dev/null/x", "x" * 300, "broker..lan", "-x", "[::1",
    "::1", "127.0.0.1", "0.0.0.0", "localhost", "a.b:1883", "mqtt://x", "é", "ß.lan", "\u2024.lan", "xn--a", "a_b",
    "http://", "http://x", "http://x:0", "http://x:abc", "http://x:99999", "https://[::1", "https://[::1]:8/x", "http://a..b/",
    "http://x/\u00e9", "http://x/ y", "https://u:p@x", "http://127.0.0.1:8086", "http://localhost", "file:///etc/passwd",
    "00:00-00:00", "23:59-00:00", "07:00", "en", "de", "mon", "a", "b", "mqtt", "UTC", "Europe", "posixrules", "../x",
    "kicking_hour", "112", "+49 112",
)  # fmt: skip
"""Texts that something or other, somewhere, takes for what it is not."""
_NASTY = st.sampled_from(_NASTY_TEXTS)
_LIVELY = st.one_of(_NASTY, st.integers(-1, 70_000), st.booleans(), st.lists(_NASTY, max_size=2))


class Still:
    """A clock that nothing waits for."""

    def now_ns(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


def used(read: GatewaySettings, journal: Journal) -> None:
    """Make of settings what the monitor makes of them up to its first look at the network.

    Raises:
        LullwatchError: with words for a person: a file with a secret is not there.
    """
    with contextlib.suppress(LullwatchError):
        assert read.mqtt is None or broker_address(read.mqtt)
    with contextlib.suppress(LullwatchError):
        assert read.influx is None or sink_of(read.influx, read.gateway)
    phones = None
    with contextlib.suppress(LullwatchError):
        phones = Phones(read)
    bare = phones or Phones(msgspec.structs.replace(read, push=[]))
    _built(read, _household(read, bare), journal)
    _addressed(read)


_BUILT: set[bytes] = set()
"""of what gateways were made: that files and pages change makes no other"""


def _built(read: GatewaySettings, household: Household, journal: Journal) -> None:
    plain = msgspec.structs.replace(
        read, journal_dir="", influx=None, push=[], page=PageSettings(), ack_page=None, simulated=None,
        mqtt=None if read.mqtt is None else BrokerSettings(host=read.mqtt.host),
    )  # fmt: skip
    if (known := msgspec.json.encode(plain)) in _BUILT:
        return
    _BUILT.add(known)
    broker = None if read.mqtt is None else BrokerAddress(read.mqtt.host, read.mqtt.port, read.mqtt.username)
    Gateway(
        name=read.gateway,
        journal=journal,
        clock=Still(),
        clock_row=ClockRow(0, 1_767_290_400 * NS, "boot", read.zone),
        wearers=[_wearer(infant) for infant in read.infants],
        radio=Radio(find=_nobody),
        broker=broker,
        wording=read.wording,
        summary_at=_time_of(read.summary_at),
        self_test_at=_time_of(read.self_test_at),
        household=household,
        home_assistant=True,
    )


def _addressed(read: GatewaySettings) -> None:
    """As the libraries do that are given an address, before they look it up."""
    if read.mqtt is not None:
        paho.Client(CallbackAPIVersion.VERSION2).connect_async(read.mqtt.host, read.mqtt.port)
    hosts = [read.page.host, *(place.host for place in (read.mqtt, read.ack_page) if place is not None)]
    for host in hosts:
        host.encode("idna")
    urls = [read.watch.ping_url]
    urls += [None if read.influx is None else read.influx.url]
    urls += [None if read.ack_page is None else read.ack_page.reachable_url]
    for url in filter(None, urls):
        request = urllib.request.Request(url)
        connection = http.client.HTTPConnection(request.host)
        connection.putrequest("GET", request.selector, skip_host=True)
        request.host.encode("idna")


async def _nobody(_: str) -> Any:
    raise AssertionError


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    with Journal.open(tmp_path_factory.mktemp("nights") / "j.sqlite") as opened:
        yield opened


@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_value_any_setting_gets_it_is_settings_that_can_be_used_or_a_clear_error(
    tmp_path: Path, journal: Journal, data: st.DataObject
) -> None:
    lines = FULL.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, is_setting, _ = lines[at].partition(" = ")
        value = data.draw(_LIVELY | _VALUES)
        lines[at] = f"{key} = {_toml(value)}" if is_setting else data.draw(st.text(max_size=20))
    path = written(tmp_path, "\n".join(lines).replace("\r", " ").encode(errors="replace").decode())
    with contextlib.suppress(BadSettings):
        used(load(path), journal)


def texts_in(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every table or list that holds a text, and where in it."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, str):
            yield tree, key
        elif isinstance(value, dict | list):
            yield from texts_in(value)


def test_each_text_that_could_be_taken_for_something_else_is_tried_in_each_setting(journal: Journal) -> None:
    """One at a time, so that nothing else in the file is refused before it."""
    tree = tomllib.loads(FULL)
    taken: Counter[str] = Counter()
    for table, key in list(texts_in(tree)):
        good = table[key]
        for value in _NASTY_TEXTS:
            table[key] = value
            with contextlib.suppress(msgspec.ValidationError, WrongSetting):
                read = msgspec.convert(tree, GatewaySettings)
                check(read)
                taken[str(key)] += 1
                used(read, journal)
        table[key] = good
    assert taken.total() > 200
    assert {"host", "ping_url", "url", "password_file", "zone", "journal_dir"} <= set(taken)


@given(st.text(max_size=200))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_leads_to_anything_but_settings_or_a_clear_error(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, GOOD[: len(GOOD) // 2] + text.replace("\r", "\n"))
    with contextlib.suppress(LullwatchError):
        load(path)


def test_a_secret_others_may_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LULLWATCH_MQTT_PASSWORD", raising=False)
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    path.chmod(0o644)
    with pytest.raises(SecretTooOpen, match="chmod 600"):
        read_secret("LULLWATCH_MQTT_PASSWORD", str(path))
    path.chmod(0o600)
    assert read_secret("LULLWATCH_MQTT_PASSWORD", str(path)) == "s3cret"


def test_a_secret_that_is_no_text_is_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LULLWATCH_MQTT_PASSWORD", raising=False)
    path = tmp_path / "password"
    path.write_bytes(b"s3cret\xff")
    path.chmod(0o600)
    with pytest.raises(BadSettings, match="no text in UTF-8") as caught:
        read_secret("LULLWATCH_MQTT_PASSWORD", str(path))
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LULLWATCH_MQTT_PASSWORD", "from the environment")
    assert read_secret("LULLWATCH_MQTT_PASSWORD", "/does/not/exist") == "from the environment"
    monkeypatch.delenv("LULLWATCH_MQTT_PASSWORD")
    assert read_secret("LULLWATCH_MQTT_PASSWORD", None) is None
    with pytest.raises(BadSettings, match="LULLWATCH_MQTT_PASSWORD"):
        read_secret("LULLWATCH_MQTT_PASSWORD", "/does/not/exist")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('url = "http://influx.lan:8086"', "is not this computer"),
        ('url = "influx.lan"', "no address of a server"),
        ('url = "https://me:secret@influx.lan"', "without a user in it"),
        ('url = "http://[::1"', "influx.url"),
        ('url = "https://influx.lan"\nraw = "some"', "raw"),
        ('url = "https://influx.lan"\nraw_hz = 500', "raw_hz"),
    ],
)
def test_an_influx_address_that_would_give_the_token_away_or_cannot_be_is_refused(
    tmp_path: Path, lines: str, said: str
) -> None:
    path = written(tmp_path, GOOD[: GOOD.index("[influx]")] + f"[influx]\n{lines}\n")
    with pytest.raises(BadSettings, match=said) as found:
        load(path)
    assert "secret@" not in str(found.value)


@pytest.mark.parametrize(
    "lines",
    [
        'url = "http://127.0.0.1:8086"',
        'url = "http://localhost:8086"',
        'url = "http://[::1]:8086"',
        'url = "https://influx.lan:8086"\nraw = "thinned"\nraw_hz = 5',
        'url = "http://influx.lan:8086"\nallow_unencrypted = true',
    ],
)
def test_an_influx_address_that_keeps_the_token_is_taken(tmp_path: Path, lines: str) -> None:
    text = GOOD[: GOOD.index("[influx]")] + f"[influx]\n{lines}\n"
    assert load(written(tmp_path, text)).influx is not None


_ADDRESSES = """
[mqtt]
host = "{host}"
[ack_page]
reachable_url = "{reachable}"
host = "{listen}"
[watch]
ping_url = "{ping}"
"""


def with_addresses(
    *,
    host: str = "broker.lan",
    reachable: str = "http://192.168.1.20:8090",
    listen: str = "0.0.0.0",
    ping: str = "https://hc.example/x",
) -> str:
    table = _ADDRESSES.format(host=host, reachable=reachable, listen=listen, ping=ping)
    return GOOD[: GOOD.index("[mqtt]")] + table


@pytest.mark.parametrize(
    ("setting", "given", "key"),
    [
        *(("host", h, "mqtt.host") for h in ("", "broker..lan", "mqtt://x", "broker.lan:1883", "a b", "-x", "x" * 64)),
        *(("listen", h, "ack_page.host") for h in ("", "a..b", "http://x", "0.0.0.0:8090")),
        *(("ping", u, "ping_url") for u in ("hc.example", "ftp://hc.example", "http://host:abc/x", "http://h:99999/x",
                                            "http://a..b/x", "http:///x", "https://u:p@hc.example/x", "http://[::1",
                                            "http://hc.example/ x", "http://hc.example/é", "http://hc.example:0/")),
        *(("reachable", u, "reachable_url") for u in ("http://x:abc", "http://x:99999", "http://a..b", "x:8090")),
    ],
)  # fmt: skip
def test_an_address_that_can_be_none_is_refused_with_its_line(
    tmp_path: Path, setting: str, given: str, key: str
) -> None:
    text = with_addresses(**{setting: given})
    line = next(n for n, line in enumerate(text.splitlines(), 1) if line.endswith(f'"{given}"'))
    path = written(tmp_path, text)
    with pytest.raises(BadSettings) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}:")
    assert key in str(caught.value)
    assert "u:p@" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"host": "192.168.1.2"}, {"host": "fd00::2"}, {"host": "mosquitto_1"}, {"host": "broker.lan."},
        {"host": "brökér.lan"}, {"listen": "::"}, {"listen": "gateway"}, {"reachable": "https://x.example"},
        {"ping": "http://[fd00::1]:8000/ping/3?x=1"}, {"ping": "https://hc.example"},
    ],
)  # fmt: skip
def test_an_address_that_can_be_is_taken(tmp_path: Path, change: dict[str, str]) -> None:
    assert load(written(tmp_path, with_addresses(**change))).watch.ping_url


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999", "https://influx.lan:99999", "http://127.0.0.1:x", "http://127.0.0.1/a b", "https://x/?db=y"],
)  # fmt: skip
def test_an_influx_address_that_nothing_could_ask_is_refused(tmp_path: Path, url: str) -> None:
    path = written(tmp_path, GOOD[: GOOD.index("[influx]")] + f'[influx]\nurl = "{url}"\n')
    with pytest.raises(BadSettings, match=r"influx\.url"):
        load(path)


_SECOND = """
[[infants]]
id = "b"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:11"
"""
_ANNA = """
[[push]]
name = "p"
[[people]]
id = "anna"
channels = ["p"]
infants = ["a"]
"""


def test_an_infant_of_whom_nobody_is_told_is_refused(tmp_path: Path) -> None:
    alone = GOOD[: GOOD.index("[mqtt]")] + _SECOND + _ANNA
    line = alone.splitlines().index('id = "b"') + 1
    with pytest.raises(BadSettings, match=rf":{line}: nobody is told of infant b\."):
        load(written(tmp_path, alone))
    for mended in (
        alone.replace('["a"]', '["a", "b"]'),
        alone.replace('infants = ["a"]', ""),
        f"{alone}[[people]]\nid = 'ben'\nchannels = ['p']\n",
        f"{alone}[mqtt]\nhost = 'broker.lan'\n",  # whoever reads the topic is told
    ):
        assert len(load(written(tmp_path, mended)).infants) == 2


def test_two_sensors_of_one_infant_may_not_share_an_id_and_those_of_two_infants_may(tmp_path: Path) -> None:
    doubled = GOOD.replace('site = "RA"\n', 'site = "RA"\nsensor = "la"\n')
    line = doubled.splitlines().index('sensor = "la"') + 1
    with pytest.raises(BadSettings, match=rf":{line}: sensor la of infant a stands there twice"):
        load(written(tmp_path, doubled))
    swapped = doubled.replace('site = "LA"', 'sensor = "ra"\nsite = "LA"')
    assert [s.name for s in load(written(tmp_path, swapped)).infants[0].sensors] == ["ra", "la", "tr"]
    assert (
        load(written(tmp_path, GOOD.replace("[radio]", _SECOND + "[radio]"))).infants[1].sensors[0].name
        == "la"
    )


def test_a_week_of_birth_in_quotes_is_said_to_be_a_date_without_them(tmp_path: Path) -> None:
    text = GOOD.replace("# birth_week = 2026-05-04", 'birth_week = "2026-05-04"')
    with pytest.raises(
        BadSettings, match="expected a date such as 2026-05-04, got a text in quotes"
    ) as caught:
        load(written(tmp_path, text))
    assert "null" not in str(caught.value)


def test_a_file_with_the_mark_that_some_editors_write_is_read_and_its_lines_are_counted_alike(
    tmp_path: Path,
) -> None:
    assert load(written(tmp_path, "\ufeff" + GOOD)) == load(EXAMPLE)
    with pytest.raises(BadSettings, match=r":1:1: this is no TOML"):
        load(written(tmp_path, "\ufeff\ufeff" + GOOD))
