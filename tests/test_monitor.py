"""The monitor as a process of its own, with a real broker; on a computer without Bluetooth it stays up and blind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dsp.records import ClockRow
from lullwatch import monitor
from lullwatch.server_process import free_port
from lullwatch.settings import parse
from store.errors import JournalDamaged, JournalEmpty
from store.journal import Journal, night_name
from tests.servers_fixtures import Broker, Subscriber, until

SETTINGS = """
gateway = "{gateway}"
journal_dir = "{folder}"
zone = "Europe/Berlin"
[[infants]]
id = "a"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
[mqtt]
host = "{host}"
port = {port}
tls = false
"""


@contextmanager
def running(broker: Broker, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    path = folder / "lullwatch.toml"
    values = {"gateway": broker.topic, "folder": folder, "host": broker.host, "port": broker.port}
    path.write_text(SETTINGS.format(**values))
    process = subprocess.Popen(
        [sys.executable, "-m", "lullwatch", "monitor", str(path)], stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def state(subscriber: Subscriber) -> str:
    return str(json.loads(subscriber.next(timeout_s=40).payload)["state"])


def test_a_planned_stop_is_another_word_than_a_crash(mosquitto: Broker, tmp_path: Path) -> None:
    with mosquitto.sub(f"lullwatch/{mosquitto.topic}/status") as status:
        with running(mosquitto, tmp_path) as process:
            assert state(status) == "online"
            process.send_signal(signal.SIGTERM)
            assert state(status) == "stopped"
            assert process.wait(timeout=40) == 0
        with running(mosquitto, tmp_path) as process:
            assert state(status) == "online"
            process.kill()
            assert state(status) == "offline"


def test_a_monitor_that_is_left_alone_stops_nothing_as_planned_and_tells_that_nobody_watches(
    mosquitto: Broker, tmp_path: Path
) -> None:
    with (
        mosquitto.sub(f"lullwatch/{mosquitto.topic}/status") as status,
        mosquitto.sub(f"lullwatch/{mosquitto.topic}/gateway/alert") as alerts,
        running(mosquitto, tmp_path) as process,
    ):
        assert state(status) == "online"
        process.send_signal(signal.SIGHUP)
        assert state(status) == "offline"
        told = json.loads(alerts.next(timeout_s=40).payload)
        while told["pattern"] != "service":
            told = json.loads(alerts.next(timeout_s=40).payload)
        assert told["facts"]["announce"] == "ring"
        assert "nobody watches" in told["facts"]["why"]
        assert process.wait(timeout=40) == 2


STOPPED_EARLY = """
import os, signal, sys
from contextlib import asynccontextmanager
from pathlib import Path
from lullwatch.monitor import run
from lullwatch.settings import load
from lullwatch.surroundings import own_radio

@asynccontextmanager
async def radio():
    os.kill(os.getpid(), signal.SIGTERM)
    async with own_radio() as way:
        yield way

run(load(Path(sys.argv[1])), radio=radio)
"""


def test_a_stop_that_comes_while_the_radio_is_set_up_is_planned_too(
    mosquitto: Broker, tmp_path: Path
) -> None:
    path = tmp_path / "lullwatch.toml"
    values = {"gateway": mosquitto.topic, "folder": tmp_path, "host": mosquitto.host, "port": mosquitto.port}
    path.write_text(SETTINGS.format(**values))
    with mosquitto.sub(f"lullwatch/{mosquitto.topic}/status") as status:
        done = subprocess.run([sys.executable, "-c", STOPPED_EARLY, str(path)], check=False, timeout=60)
        assert done.returncode == 0
        assert [state(status), state(status)] == ["online", "stopped"]


def test_without_any_bluetooth_it_stays_up_and_time_goes_on_in_the_journal(
    mosquitto: Broker, tmp_path: Path
) -> None:
    with running(mosquitto, tmp_path) as process:
        until(lambda: list(tmp_path.glob("journal-*.sqlite")), timeout_s=40)
        (path,) = tmp_path.glob("journal-????-??-??.sqlite")

        def ticked() -> bool:
            with contextlib.suppress(JournalEmpty), Journal.read_only(path) as journal:
                return sum(1 for _ in journal.items("a")) >= 3
            return False

        until(ticked, timeout_s=40)
        assert process.poll() is None
        with Journal.read_only(path) as journal:
            (row,) = journal.clock_rows()
            assert row.zone == "Europe/Berlin"
            assert {link.state for link in journal.links("a")} <= {"searching", "backing_off", "connecting"}


ALONE = SETTINGS.partition("[mqtt]")[0]
STOPPED_AT_ONCE = STOPPED_EARLY.replace(
    "\nrun(", "\nfrom lullwatch.json_logs import begin_log\nbegin_log(as_json=True)\nrun("
)


@pytest.mark.parametrize(
    ("more", "nobody"),
    [
        ('[[people]]\nid = "a1"\n', True),
        ('[[people]]\nid = "a1"\nchannels = ["phone"]\n[[push]]\nname = "phone"\n', False),
    ],
)
def test_a_start_that_can_tell_nobody_says_so_and_what_to_do(tmp_path: Path, more: str, nobody: bool) -> None:
    path = tmp_path / "lullwatch.toml"
    path.write_text(ALONE.format(gateway="home", folder=tmp_path) + more)
    phone = {**os.environ, "LULLWATCH_PUSH_PHONE": "json://127.0.0.1:9/"}
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_AT_ONCE, str(path)],
        check=True,
        timeout=60,
        stderr=subprocess.PIPE,
        env=phone,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    said = [line for line in lines if line["what"].startswith("nobody can be told")]
    assert [(line["level"], "[[push]]" in line["do"]) for line in said] == [("error", True)] * nobody


def test_damage_that_only_reading_finds_is_mended_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = tmp_path / night_name(time.time_ns(), "Europe/Berlin")
    with Journal.open(night) as journal:
        journal.commit([ClockRow(0, time.time_ns(), "b", "Europe/Berlin")])
    values = {"gateway": "gw", "folder": tmp_path, "host": "127.0.0.1", "port": free_port()}
    settings = parse(tmp_path / "lullwatch.toml", SETTINGS.format(**values))

    async def finds_it(*_: object) -> None:
        raise JournalDamaged(night, "malformed")

    monkeypatch.setattr(monitor, "_run", finds_it)
    before = signal.getsignal(signal.SIGHUP)
    try:
        with pytest.raises(JournalDamaged):
            monitor.run(settings)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (tmp_path / f"{night.name}.damaged-1").exists()
    with Journal.read_only(night) as journal:
        assert len(journal.clock_rows()) == 1


def test_settings_that_cannot_be_read_end_it_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "lullwatch.toml"
    path.write_text("gateway = 3")
    line = [sys.executable, "-m", "lullwatch", "monitor", str(path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_ends_it_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "lullwatch.toml"
    path.write_text(
        SETTINGS.format(gateway="g", folder=tmp_path / "file" / "nights", host="127.0.0.1", port=1)
    )
    line = [sys.executable, "-m", "lullwatch", "monitor", str(path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{tmp_path}/file/nights: cannot be opened or written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("secret", ["password"])
def test_a_password_file_others_may_read_is_refused_before_anything_starts(
    tmp_path: Path, secret: str
) -> None:
    file = tmp_path / secret
    file.write_text("x")
    file.chmod(0o644)
    path = tmp_path / "lullwatch.toml"
    text = SETTINGS.format(gateway="g", folder=tmp_path, host="127.0.0.1", port=1)
    path.write_text(f'{text}\nusername = "u"\npassword_file = "{file}"\n')
    line = [sys.executable, "-m", "lullwatch", "monitor", str(path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "chmod 600" in done.stderr
    assert list(tmp_path.glob("*.sqlite")) == []
