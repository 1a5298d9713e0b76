"""`lullwatch serve`: where it listens, whom it lets in, and what it refuses."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lullwatch.__main__ import main
from lullwatch.errors import BadSettings
from lullwatch.server_process import free_port
from lullwatch.settings import load
from lullwatch.web.access import Access
from lullwatch.web.app import make_app
from lullwatch.web.errors import AddressTaken, BadCertificate, NobodyInvited
from lullwatch.web.hosting import hosting_of
from lullwatch.web.serving import Serving
from lullwatch.web.session import Role
from tests.archive_maker import KID, NIGHT, make_archive

ROOT = Path(__file__).resolve().parents[1]


async def test_what_the_first_page_of_an_event_would_wait_for_is_loaded_behind_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = threading.Event()
    monkeypatch.setattr("lullwatch.web.nights_page._LATER_S", 0.0)
    monkeypatch.setattr("lullwatch.web.serving.load_detector", loaded.set)
    async with Serving(make_app(hosting_of(tmp_path).site), "127.0.0.1", 0):
        assert await asyncio.to_thread(loaded.wait, 30)


@pytest.mark.parametrize("more", [(), ("--invite", "a1", "--role", "caregiver")])
def test_a_folder_that_is_not_there_is_neither_served_nor_made(
    tmp_path: Path, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nosuch"
    assert main(["serve", "--journals", str(nowhere), *more]) == 2
    assert f"{nowhere}: no journal here" in capsys.readouterr().err
    assert not nowhere.exists()


def settings_at(folder: Path, page: str = "") -> Path:
    path = folder / "lullwatch.toml"
    path.write_text(f"""
gateway = "g"
journal_dir = "{folder / "journals"}"
[[infants]]
id = "a"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
[[people]]
id = "a1"
{page}
""")
    path.chmod(0o600)
    return path


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.lan")])
    now = datetime.now(tz=UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, private = folder / "gateway.crt", folder / "gateway.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    private.touch(mode=0o600)
    private.write_bytes(encoded)
    return cert, private


def test_a_token_is_printed_once_and_lets_its_person_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_at(tmp_path)
    assert main(["serve", str(settings), "--invite", "a1", "--role", "caregiver"]) == 0
    assert (tmp_path / "journals").stat().st_mode & 0o777 == 0o700
    token = capsys.readouterr().out.splitlines()[-1]
    access = Access(tmp_path / "journals" / "page-access.json")
    assert access.log_in(token) is not None
    assert main(["serve", str(settings), "--people"]) == 0
    assert capsys.readouterr().out == "a1\tcaregiver\n"
    assert main(["serve", str(settings), "--shut-out", "a1"]) == 0
    assert access.log_in(token) is None
    assert main(["serve", str(settings), "--shut-out", "a1"]) == 1


def test_a_caregiver_is_one_of_the_people_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_at(tmp_path)
    assert main(["serve", str(settings), "--invite", "stranger"]) == 2
    assert "one of the [[people]] of the settings: a1" in capsys.readouterr().err
    assert main(["serve", str(settings), "--invite", "rita", "--role", "researcher"]) == 0
    assert main(["serve", str(settings), "--invite", "Rita Miller", "--role", "viewer"]) == 2


def test_a_network_without_a_certificate_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"page\.host '0\.0\.0\.0'.*no certificate.*page\.cert_file"):
        load(settings_at(tmp_path, '[page]\nhost = "0.0.0.0"'))
    with pytest.raises(BadSettings, match=r"page\.host"):
        load(settings_at(tmp_path, '[page]\nhost = "192.168.1.20"\nport = 443'))
    assert load(settings_at(tmp_path)).page.host == "127.0.0.1"


def test_a_network_with_nobody_invited_is_refused(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    page = f'[page]\nhost = "0.0.0.0"\ncert_file = "{cert}"\nkey_file = "{key}"'
    hosting = hosting_of(settings_at(tmp_path, page))
    with pytest.raises(NobodyInvited, match="--invite PERSON"):
        hosting.check()
    hosting.invite("a1", Role.CAREGIVER)
    assert isinstance(hosting.check(), ssl.SSLContext)


def test_a_key_that_others_may_read_or_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    page = f'[page]\ncert_file = "{cert}"\nkey_file = "{key}"'
    hosting = hosting_of(settings_at(tmp_path, page))
    hosting.invite("a1", Role.CAREGIVER)
    key.chmod(0o640)
    with pytest.raises(Exception, match="chmod 600"):
        hosting.check()
    key.chmod(0o600)
    key.write_text("no key")
    with pytest.raises(BadCertificate, match=r"page\.cert_file"):
        hosting.check()
    key.unlink()
    with pytest.raises(BadCertificate, match=r"page\.cert_file"):
        hosting.check()


async def test_over_tls_the_pages_and_their_websocket_are_those_of_the_certificate(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    page = f'[page]\ncert_file = "{cert}"\nkey_file = "{key}"\nnames = ["gateway.lan"]'
    hosting = hosting_of(settings_at(tmp_path, page))
    token = hosting.invite("a1", Role.CAREGIVER)
    assert hosting.address == "https://gateway.lan:8080/"
    trusted = ssl.create_default_context(cafile=str(cert))
    async with Serving(make_app(hosting.site), "127.0.0.1", 0, hosting.check()) as serving:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(f"https://127.0.0.1:{serving.port}", cookie_jar=jar) as client:
            answer = await client.post("/login", data={"token": token}, ssl=trusted, allow_redirects=False)
            assert answer.status == 303
            assert "Secure" in answer.headers["Set-Cookie"]
            named = {"Host": "gateway.lan"}
            async with client.get("/login", ssl=trusted, headers=named) as answer:
                assert answer.status == 200
        async with aiohttp.ClientSession(f"http://127.0.0.1:{serving.port}") as client:
            with pytest.raises(aiohttp.ClientError):
                await client.get("/login")
    hosting.site.shelf.close()


async def test_the_end_leaves_behind_what_is_not_ready_while_a_page_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lullwatch.web.serving.STOP_S", 0.3)
    caplog.set_level(logging.INFO)
    begin_archive(tmp_path)
    hosting = hosting_of(tmp_path)
    token = hosting.invite("anna", Role.CAREGIVER)
    serving = await Serving(make_app(hosting.site), "127.0.0.1", 0).__aenter__()
    url = f"http://127.0.0.1:{serving.port}"
    async with aiohttp.ClientSession(url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        await client.post("/login", data={"token": token})
        async with client.ws_connect(f"/live/{KID}", headers={"Origin": url}) as page:
            await page.receive()
            with exclusively(tmp_path / NIGHT):  # a disk that answers nobody
                waiting = asyncio.create_task(client.get("/events"))
                second = asyncio.create_task(client.ws_connect(f"/live/{KID}", headers={"Origin": url}))
                await asyncio.sleep(0.2)
                await serving.__aexit__()
            assert (await waiting).status == 503
            with pytest.raises(aiohttp.ClientError):
                await second
            while (last := await page.receive()).type is not aiohttp.WSMsgType.CLOSE:
                assert last.type is aiohttp.WSMsgType.TEXT
            assert last.data == 1012
    hosting.site.shelf.close()
    said = [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    assert said == []
    left = [r.getMessage() for r in caplog.records if r.name == "lullwatch.web.ending"]
    assert sorted(left) == [
        f"{path} was not ready at the end; the page asks again" for path in ("/events", f"/live/{KID}")
    ]


def begin_archive(folder: Path) -> None:
    """A night at rest: one file, which can be held against readers."""
    make_archive(folder)
    with closing(sqlite3.connect(folder / NIGHT)) as db:
        db.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    hosting = hosting_of(tmp_path)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(AddressTaken, match=r"port \d+.*--port"),
    ):
        Serving(make_app(hosting.site), "127.0.0.1", taken.getsockname()[1])
    await asyncio.sleep(0)


def test_it_must_be_said_what_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == 2
    assert "--journals" in capsys.readouterr().err
    assert main(["serve", "missing.toml"]) == 2
    assert "missing.toml" in capsys.readouterr().err


def test_it_runs_until_it_is_told_to_stop_and_logs_for_programs(tmp_path: Path) -> None:
    port = free_port()
    line = [sys.executable, "-m", "lullwatch", "serve", "--journals", str(tmp_path), "--port", str(port)]
    line.append("--json-logs")
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = process.stdout.readline()  # the port is taken before anybody is listening for signals
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=30)
    assert process.returncode == 0, complained
    assert f"http://localhost:{port}/" in told + said
    (nobody,) = [entry for entry in map(json.loads, complained.splitlines()) if "log in" in entry["what"]]
    assert (nobody["level"], nobody["where"]) == ("warning", "lullwatch.web")
    assert nobody["do"].startswith("lullwatch serve SETTINGS --invite")
