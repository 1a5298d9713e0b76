"""Before bed: every finding against the real thing where there is one, in a word, with what to do."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import structs

from dsp.records import NS, ClockRow, Watchfulness, Watching
from ingest.bond_file import BondFile, StoredBond
from ingest.bumble_bonds import BumbleBonds, KeptKeys
from ingest.pairing import pair
from ingest.sensor_kind import Kind
from lullwatch import before_bed, before_bed_people, before_bed_place, certificates
from lullwatch.__main__ import main
from lullwatch.aside import aside
from lullwatch.before_bed import Looks, look_at_everything
from lullwatch.before_bed_sensors import Heard, adapter_and_sensors, heard_over
from lullwatch.control import Control
from lullwatch.errors import NoRadio
from lullwatch.findings import Finding, Word, exit_status
from lullwatch.server_process import free_port
from lullwatch.settings import GatewaySettings, parse
from store.journal import Journal
from tests.radio_rig import radio_rig
from tests.servers_fixtures import Broker, Influx
from tests.test_sensors import radio_of, settings_of

ROOT = Path(__file__).parents[1]
SETTINGS = """
gateway = "gw"
journal_dir = "{folder}"
[[infants]]
id = "kid"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
[[infants.sensors]]
site = "RA"
address = "C0:00:00:00:00:02"
"""


def settings(folder: Path, more: str = "") -> GatewaySettings:
    return parse(folder / "x.toml", SETTINGS.format(folder=folder / "nights") + more)


def words_of(findings: Sequence[Finding]) -> dict[str, str]:
    return {f.name: f.word.value for f in findings}


async def all_well(read: GatewaySettings) -> Sequence[Heard]:
    sensors = [(i.id, s) for i in read.infants for s in i.sensors]
    return [Heard(infant, s.site.value, s.address, -60, 90) for infant, s in sensors]


async def look(folder: Path, more: str = "", **changes: Any) -> list[Finding]:
    path = folder / "x.toml"
    more += "" if "[page]" in more else f"[page]\nport = {free_port()}\n"
    path.write_text(SETTINGS.format(folder=folder / "nights") + more)
    return await look_at_everything(Looks(path, settings(folder, more), **{"on_radio": all_well, **changes}))


async def test_where_all_is_well_the_night_can_begin(
    mosquitto: Broker, influx: Influx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LULLWATCH_INFLUX_TOKEN", influx.token)
    more = f'[[people]]\nid = "a1"\n[mqtt]\nhost = "{mosquitto.host}"\nport = {mosquitto.port}\ntls = false\n'
    more += f'[influx]\nurl = "{influx.url}"\norg = "{influx.org}"\nbucket = "{influx.bucket}"\n'
    found = await look(tmp_path, more)
    words = words_of(found)
    assert exit_status(found) == 0
    assert {
        "adapter",
        "sensor LA",
        "sensor RA",
        "clock",
        "disk",
        "journal",
        "broker",
        "database",
        "person a1",
    } <= set(words)
    assert {name for name, word in words.items() if word != "ok"} <= {"page", "clock"}
    assert influx.query("SHOW MEASUREMENTS") == []  # it was only asked whether it would


async def test_what_is_away_is_found_side_by_side_and_each_line_says_what_to_do(
    influx: Influx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LULLWATCH_INFLUX_TOKEN", "admin:wrong")

    async def nobody(_: GatewaySettings) -> Sequence[Heard]:
        raise NoRadio("this computer runs no Bluetooth service")

    more = f'[[people]]\nid = "a1"\n[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\ntls = false\n'
    more += f'[influx]\nurl = "{influx.url}"\norg = "{influx.org}"\nbucket = "{influx.bucket}"\n'
    found = await look(tmp_path, more, on_radio=nobody)
    failing = {f.name: f for f in found if f.word is Word.FAIL}
    assert set(failing) == {"adapter", "broker", "database"}
    assert all(f.remedy for f in failing.values())
    assert "token is refused" in failing["database"].what
    assert exit_status(found) == 1


async def test_a_bucket_that_is_not_there_is_named(
    influx: Influx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LULLWATCH_INFLUX_TOKEN", influx.token)
    found = await look(
        tmp_path, f'[influx]\nurl = "{influx.url}"\norg = "{influx.org}"\nbucket = "elsewhere"\n'
    )
    (database,) = (f for f in found if f.name == "database")
    assert (database.word, "no bucket elsewhere" in database.what) == (Word.FAIL, True)


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ('raw_bucket = "raws"', {"raws"}),
        ('feature_bucket = "features"', {"features"}),
        ('raw_bucket = "raws"\nfeature_bucket = "features"', {"raws", "features"}),
        ('raw_bucket = "raws"\nraw = "off"', set()),
    ],
)
def test_every_bucket_that_is_written_to_is_looked_at(
    influx: Influx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, missing: set[str]
) -> None:
    monkeypatch.setenv("LULLWATCH_INFLUX_TOKEN", influx.token)
    table = f'[influx]\nurl = "{influx.url}"\norg = "{influx.org}"\nbucket = "{influx.bucket}"\n{more}\n'
    found = before_bed_people.database(settings(tmp_path, table))
    assert {f.word for f in found} == {Word.FAIL if missing else Word.OK}
    if missing:
        assert {f.what for f in found} == {
            f"{influx.url}: there is no bucket {b} of {influx.org}" for b in missing
        }


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b""])
def test_what_answers_in_the_databases_place_and_is_none_is_said(tmp_path: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def serve() -> None:
            line, _ = other.accept()
            with line:
                line.recv(4096)
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        (found,) = before_bed_people.database(settings(tmp_path, f'[influx]\nurl = "{url}"\n'))
        thread.join()
    assert found.word is Word.FAIL
    assert f"{url} does not answer" in found.what


async def test_a_look_that_hangs_or_breaks_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(_: GatewaySettings) -> Sequence[Heard]:
        await asyncio.sleep(60)
        return []

    def breaks(_: Path) -> list[Finding]:
        raise ZeroDivisionError

    monkeypatch.setattr(before_bed, "RADIO_TIMEOUT_S", 0.2)
    monkeypatch.setattr(before_bed_place, "journal", breaks)
    words = words_of(await look(tmp_path, on_radio=hangs))
    assert (words["sensors"], words["journal"], words["disk"]) == ("fail", "fail", "ok")


HANGS = """
import asyncio, time
from lullwatch.aside import aside

asyncio.run(asyncio.wait_for(aside(time.sleep, 600), 0.1))
"""


def test_who_gave_up_on_a_look_that_hangs_can_end() -> None:
    line = [sys.executable, "-c", HANGS]
    ended = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "TimeoutError" in ended.stderr


async def test_work_that_is_done_aside_gives_and_raises_what_it_would() -> None:
    assert await aside(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await aside(divmod, 7, 0)


@pytest.mark.parametrize(
    ("rssi", "battery", "word"),
    [(None, None, "fail"), (-60, 90, "ok"), (-60, 39, "warn"), (-60, 14, "fail"), (-60, None, "warn")],
)
async def test_a_sensor_has_to_be_heard_and_charged(
    tmp_path: Path, rssi: int | None, battery: int | None, word: str
) -> None:
    async def heard(_: GatewaySettings) -> Sequence[Heard]:
        return [Heard("kid", "LA", "C0:00:00:00:00:01", rssi, battery)]

    adapter, sensor = await adapter_and_sensors(settings(tmp_path), None, heard)
    assert (adapter.word, sensor.word) == (Word.OK, word)
    assert bool(sensor.remedy) == (word != "ok")


async def test_a_sock_that_this_computer_is_not_bonded_with_fails_though_its_battery_can_be_read() -> None:
    async with radio_rig() as rig:
        socks = [await rig.sock(site, bonded_with=None) for site in ("LA", "RA", "TR")]
        paired, unpaired, unvouched = (sock.config.address for sock in socks)
        kept = BondFile(None)
        radio = replace(radio_of(rig), bonds=BumbleBonds(rig.device, KeptKeys(kept)))
        assert radio.bonds is not None
        label, device = socks[0].config.label, await rig.find(paired)
        await rig.drive(pair(device, label, bonds=radio.bonds, client=radio.client))
        kept.put(unvouched, StoredBond(bytes(16), 1, authenticated=False))
        worn = settings_of(LA=paired, RA=unpaired, TR=unvouched)
        heard = await rig.drive(heard_over(radio, worn))
    assert [one.battery is not None for one in heard if one.site == "RA"] == [True]
    found = await sensors_as(heard, worn)
    assert found["sensor LA"].word is Word.OK
    assert (found["sensor RA"].word, found["sensor TR"].word) == (Word.FAIL, Word.FAIL)
    assert found["sensor RA"].what.endswith("not paired")
    assert found["sensor RA"].remedy.endswith(f"lullwatch sensors --pair {unpaired}")
    assert found["sensor TR"].what.endswith("paired without its passkey")


async def test_a_sensor_of_another_kind_than_is_configured_fails_though_its_battery_can_be_read() -> None:
    async with radio_rig() as rig:
        sock = await rig.sock("LA")
        [infant] = settings_of(LA=sock.config.address).infants
        [sensor] = infant.sensors
        other = structs.replace(infant, sensors=[structs.replace(sensor, kind=Kind.MOVESENSE)])
        worn = structs.replace(settings_of(LA=sock.config.address), infants=[other])
        heard = await rig.drive(heard_over(radio_of(rig), worn))
    assert heard[0].battery is not None
    found = (await sensors_as(heard, worn))["sensor LA"]
    assert (found.word, "of kind sock" in found.what) == (Word.FAIL, True)
    assert 'kind = "sock"' in found.remedy


async def sensors_as(heard: Sequence[Heard], worn: GatewaySettings) -> dict[str, Finding]:
    async def on_radio(_: GatewaySettings) -> Sequence[Heard]:
        return heard

    return {f.name: f for f in await adapter_and_sensors(worn, None, on_radio)}


async def test_a_sensor_that_the_monitor_refuses_wants_to_be_paired_and_not_to_be_charged(
    tmp_path: Path,
) -> None:
    links = [{"sensor": "la", "state": "refused", "battery": None}, {"sensor": "ra", "state": "backing_off"}]
    status = {"ok": True, "infants": {"kid": {"links": links}}}
    found = {f.name: f for f in await adapter_and_sensors(settings(tmp_path), status, None)}
    assert (found["sensor LA"].word, found["sensor RA"].word) == (Word.FAIL, Word.FAIL)
    assert found["sensor LA"].what.endswith("refused")
    assert found["sensor LA"].remedy == "pair it anew: docs/sensors.md"
    assert "charged" in found["sensor RA"].remedy


async def test_a_running_monitor_is_asked_instead_of_its_radio_being_taken(tmp_path: Path) -> None:
    link = {"sensor": "la", "site": "LA", "state": "streaming", "battery": 80}
    status = {
        "ok": True, "troubles": [{"kind": "disk", "infant": "", "detail": "", "since": "2026-01-01T00:00:00Z"}],
        "infants": {"kid": {"watching": {"state": "paused", "until": "2026-01-01T01:00:00Z"}, "links": [link]}},
    }  # fmt: skip

    async def answers(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return status

    (tmp_path / "nights").mkdir()
    async with Control(tmp_path / "nights", {"status": answers}):
        found = await look(tmp_path, on_radio=None)
    words = words_of(found)
    assert (words["adapter"], words["sensor LA"], words["sensor RA"]) == ("ok", "ok", "fail")
    monitor = [f.what for f in found if f.name == "monitor"]
    assert any("disk" in what for what in monitor)
    assert any("paused until" in what for what in monitor)


@pytest.mark.parametrize(("kind", "word"), [("blind", "fail"), ("disk", "warn")])
async def test_trouble_that_rings_is_no_warning_before_the_night(
    tmp_path: Path, kind: str, word: str
) -> None:
    trouble = {"kind": kind, "infant": "kid", "detail": "", "since": "2026-01-01T00:00:00Z"}

    async def answers(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ok": True, "troubles": [trouble], "infants": {}}

    (tmp_path / "nights").mkdir()
    async with Control(tmp_path / "nights", {"status": answers}):
        [monitor] = [f for f in await look(tmp_path, on_radio=None) if f.name == "monitor"]
    assert monitor.word.value == word


async def test_a_monitor_that_writes_and_does_not_answer_is_none_that_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "nights").mkdir(mode=0o700)
    with Journal.open(tmp_path / "nights" / "journal-2026-03-16.sqlite") as journal:
        journal.commit([ClockRow(NS, time.time_ns(), "boot", "UTC")])
        [monitor] = [f for f in await look(tmp_path) if f.name == "monitor"]
        assert (monitor.word, "does not answer" in monitor.what) == (Word.WARN, True)
    [monitor] = [f for f in await look(tmp_path) if f.name == "monitor"]
    assert "does not answer" not in monitor.what


@pytest.mark.parametrize(
    ("said", "more", "warned"),
    [
        ([Watchfulness.DISARMED], "", True),
        ([Watchfulness.DISARMED, Watchfulness.ARMED], "", False),
        ([Watchfulness.DISARMED], '[[schedule]]\narmed = "00:00-12:00"\n', False),
        ([], "", False),
    ],
)
async def test_who_was_disarmed_by_hand_and_starts_so_the_next_evening_is_said(
    tmp_path: Path, said: list[Watchfulness], more: str, warned: bool
) -> None:
    day_ns = 25 * 3600 * NS
    by_hand = [Watching("kid", n * NS, state, by="command-line") for n, state in enumerate(said, start=2)]
    (tmp_path / "nights").mkdir(mode=0o700)
    with Journal.open(tmp_path / "nights" / "journal-2026-03-16.sqlite") as journal:
        journal.commit([ClockRow(NS, time.time_ns() - day_ns, "another boot", "UTC"), *by_hand])
    [monitor] = [f for f in await look(tmp_path, more) if f.name == "monitor"]
    assert (monitor.word is Word.WARN) == ("will start disarmed" in monitor.what) == warned
    assert ("lullwatch arm" in monitor.remedy) == warned
    with Journal.read_only(tmp_path / "nights" / "journal-2026-03-16.sqlite") as journal:
        assert list(journal.watchings()) == by_hand


# this computer


def test_a_clock_behind_what_was_recorded_fails_and_a_made_up_night_ahead_does_not(tmp_path: Path) -> None:
    ahead_ns = time.time_ns() + 7200 * NS
    with Journal.open(tmp_path / "journal-2026-01-01.sqlite") as journal:
        journal.commit([ClockRow(0, ahead_ns, "boot", "UTC")])
    (clock,) = before_bed_place.clock(tmp_path)
    assert (clock.word, "2.0 h behind" in clock.what) == (Word.FAIL, True)
    with Journal.open(tmp_path / "journal-2026-01-01.sqlite") as journal:
        journal.commit([ClockRow(1, ahead_ns, "simulated", "UTC")])
    (clock,) = before_bed_place.clock(tmp_path)
    assert clock.word is not Word.FAIL


@pytest.mark.parametrize(("mode", "word"), [(0o600, "ok"), (0o640, "warn"), (0o604, "warn")])
def test_a_week_of_birth_is_for_the_owner_of_the_settings_alone(tmp_path: Path, mode: int, word: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(
        SETTINGS.format(folder=tmp_path).replace('id = "kid"', 'id = "kid"\nbirth_week = 2026-05-04')
    )
    path.chmod(mode)
    (found,) = before_bed_place.settings_file(path, parse(path, path.read_text()))
    assert (found.name, found.word.value) == ("settings", word)
    assert ("chmod 600" in found.remedy) == (word == "warn")
    assert before_bed_place.settings_file(path, settings(tmp_path)) == []


def test_a_folder_for_nights_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    (found,) = before_bed_place.journal(tmp_path / "home" / "nights")
    assert found.word.value == "ok"
    assert (tmp_path / "home" / "nights").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("free_mb", "word"), [(10_000, "ok"), (1_100, "warn"), (600, "fail"), (10, "fail")])
def test_the_disk_has_to_have_room_for_nights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mb: int, word: str
) -> None:
    usage = type("Usage", (), {"free": free_mb * 1_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    (disk,) = before_bed_place.disk(settings(tmp_path), tmp_path / "nights" / "deep", nights=7)
    assert disk.word == word


def test_a_folder_that_cannot_be_written_and_a_damaged_night_are_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (journal,) = before_bed_place.journal(tmp_path / "file" / "nights")
    assert (journal.word, bool(journal.remedy)) == (Word.FAIL, True)
    (tmp_path / "journal-2026-01-01.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    (journal,) = before_bed_place.journal(tmp_path)
    assert journal.word is not Word.OK
    assert sorted(p.name for p in tmp_path.glob(".probe*")) == []


# people


@contextmanager
def service() -> Iterator[tuple[int, list[bytes]]]:
    """A push service on this computer that keeps what it gets."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], got
        server.shutdown()


PERSON = '[[people]]\nid = "a1"\nchannels = ["phone"]\n[[push]]\nname = "phone"\n'


async def test_a_phones_service_is_reached_without_anything_being_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service() as (port, got):
        monkeypatch.setenv("LULLWATCH_PUSH_PHONE", f"json://127.0.0.1:{port}/")
        assert words_of(await look(tmp_path, PERSON))["person a1"] == "ok"
        assert got == []
    monkeypatch.setenv("LULLWATCH_PUSH_PHONE", f"json://127.0.0.1:{free_port()}/")
    assert words_of(await look(tmp_path, PERSON))["person a1"] == "fail"
    monkeypatch.setenv("LULLWATCH_PUSH_PHONE", "carrier-pigeon://coop")
    assert words_of(await look(tmp_path, PERSON))["person a1"] == "fail"
    monkeypatch.delenv("LULLWATCH_PUSH_PHONE")
    assert words_of(await look(tmp_path, PERSON))["person a1"] == "fail"


async def test_nobody_who_can_be_told_fails(tmp_path: Path) -> None:
    assert words_of(await look(tmp_path))["people"] == "fail"


async def test_a_test_needs_the_running_monitor_and_tells_who_took_it(tmp_path: Path) -> None:
    found = await look(tmp_path, send_test=True)
    assert [f.word for f in found if f.name == "people"] == [Word.FAIL]
    ways = [
        {"person": "a1", "channel": "mqtt", "ok": True, "after_s": 0.4, "why": ""},
        {"person": "b2", "channel": "phone", "ok": False, "after_s": None, "why": "no answer"},
    ]

    async def tested(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"result": "failed", "why": "b2", "at": "2026-01-01T00:00:00+00:00", "by": "x", "ways": ways}

    async def answers(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ok": True, "infants": {}, "troubles": []}

    async with Control(tmp_path / "nights", {"status": answers, "self-test": tested}):
        words = words_of(await look(tmp_path, send_test=True))
    assert (words["person a1"], words["person b2"]) == ("ok", "fail")


# certificates


def certificate(folder: Path, days: float) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "pair.pem"
    form = serialization.Encoding.PEM
    secret = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(form) + secret)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(("days", "word"), [(300, "ok"), (10, "warn"), (-1, "fail")])
async def test_a_certificate_that_ends_is_said_in_time_of_a_file_and_of_a_server(
    tmp_path: Path, days: float, word: str
) -> None:
    path = certificate(tmp_path, days)
    assert abs(certificates.file_expires(path) - datetime.now(UTC) - timedelta(days=days)) < timedelta(
        seconds=60
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        read = structs.replace(
            settings(tmp_path, f'[mqtt]\nhost = "localhost"\nport = {port}\nca_file = "{path}"\n')
        )
        from lullwatch.before_bed_people import certificates as look_at

        found = await asyncio.to_thread(look_at, read)
    assert [f.word.value for f in found] == [word, word]


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff\xfe"]
)
def test_what_is_no_certificate_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.pem"
    path.write_bytes(content)
    with pytest.raises(certificates.NoCertificate):
        certificates.file_expires(path)
    with pytest.raises(certificates.NoCertificate):
        certificates.server_expires("127.0.0.1", free_port(), timeout_s=1)


# the command


def test_the_command_prints_lines_or_json_and_ends_as_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(SETTINGS.format(folder=tmp_path / "nights") + "[simulated]\n")
    assert main(["check", str(path)]) == 1  # nobody can be told
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("fail  people") for line in lines)
    assert all(line.split()[0] in ("ok", "warn", "fail") for line in lines)
    assert "ok    scenario      demo_hour, 64 minutes of a made-up infant" in lines
    assert main(["check", str(path), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["status"] == 1
    assert {"name", "word", "what", "remedy"} == set(said["findings"][0])
    path.write_text("gateway = 1")
    assert main(["check", str(path)]) == 2
    assert capsys.readouterr().out == ""
    assert main(["check", str(path), "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["findings"][0]["word"]) == (2, "fail")
    assert "x.toml" in said["findings"][0]["what"]


@pytest.mark.parametrize("scenario", ["no_such", "no_such.toml", "empty.toml"])
def test_a_scenario_that_there_is_not_fails_with_a_line(
    tmp_path: Path, scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.toml").touch()
    name = str(tmp_path / scenario) if scenario.endswith("toml") else scenario
    path = tmp_path / "x.toml"
    text = SETTINGS.format(folder=tmp_path / "nights") + '[[people]]\nid = "a1"\n[simulated]\n'
    path.write_text(f'{text}scenario = "{name}"\n')
    assert main(["check", str(path)]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if " scenario " in line]
    assert line.startswith(f"fail  scenario      scenario {name}: ")
    assert line.endswith("lullwatch simulate --list names those there are")


def test_a_folder_that_others_can_read_is_said_before_the_start_closes_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    [found] = before_bed_place.journal(tmp_path)
    assert (found.word, f"others on this computer can read {tmp_path}" in found.what) == (Word.WARN, True)
    assert f"chmod -R go-rwx {tmp_path}" in found.remedy
    tmp_path.chmod(0o700)
    assert [f.word for f in before_bed_place.journal(tmp_path)] == [Word.OK]


# what the monitor serves and asks for by itself


@pytest.mark.parametrize(
    "table", ['[ack_page]\nreachable_url = "http://x:1"\nhost = "127.0.0.1"', "[metrics]"]
)
def test_a_port_that_is_taken_is_found_before_the_night_and_not_while_the_monitor_has_it(
    tmp_path: Path, table: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = settings(tmp_path, f"{table}\nport = {port}\n")
        (found,) = before_bed_place.ports(taken, None)
        assert (found.word, bool(found.remedy), str(port) in found.what) == (Word.FAIL, True, True)
        assert before_bed_place.ports(taken, {"ok": True}) == []
    (found,) = before_bed_place.ports(taken, None)
    assert found.word is Word.OK
    assert before_bed_place.ports(settings(tmp_path), None) == []


def test_pages_that_cannot_be_served_are_found_before_the_night(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = settings(tmp_path, f"[page]\nport = {port}\n")
        (found,) = before_bed_place.ports(taken, None)
        assert (found.name, found.word, str(port) in found.what) == ("page", Word.FAIL, True)
        assert before_bed_place.ports(taken, {"ok": True}) == []
    assert before_bed_place.ports(taken, None) == []


def test_pages_of_ours_that_run_without_the_monitor_are_no_others(tmp_path: Path) -> None:
    class Ours(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"name": "lullwatch"}' if self.path == "/manifest.webmanifest" else b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ours) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        own = settings(tmp_path, f"[page]\nport = {server.server_port}\n")
        assert before_bed_place.ports(own, None) == []


@pytest.mark.parametrize("host", ["192.0.2.7", "gateway.invalid"])
def test_an_address_that_this_computer_has_not_is_found_before_the_night(tmp_path: Path, host: str) -> None:
    more = f'[ack_page]\nreachable_url = "http://x:1"\nhost = "{host}"\n'
    (found,) = before_bed_place.ports(settings(tmp_path, more), None)
    assert (found.name, found.word) == ("ack page", Word.FAIL)


def test_whoever_watches_the_watcher_is_looked_for_and_not_told_that_all_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib.request.getproxies", dict)

    def watched(scheme: str, port: int) -> Finding:
        more = f'[watch]\nping_url = "{scheme}://127.0.0.1:{port}/ping/secret"\n'
        (found,) = before_bed_people.watch(settings(tmp_path, more))
        assert "secret" not in found.what
        return found

    with service() as (port, got):
        assert watched("http", port).word is Word.OK
        refused = watched("https", port)
        assert (refused.word, bool(refused.remedy)) == (Word.FAIL, True)
        assert got == []
    assert watched("http", port).word is Word.FAIL
    assert before_bed_people.watch(settings(tmp_path)) == []
