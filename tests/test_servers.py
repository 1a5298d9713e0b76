"""The servers of tests and demo: real ones, started and ended cleanly."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lullwatch.local_brokers import LocalAmqtt, LocalMosquitto, local_broker
from lullwatch.programs import Found, Missing, Program, find
from lullwatch.server_process import ServerMissingError, ServerNotAnsweringError, ServerProcess, accepts, had
from tests.servers_fixtures import Broker, Influx, until


def pub(broker: Broker, topic: str, payload: str, *more: str) -> int:
    program = broker.server.program
    line = [str(program.sibling("mosquitto_pub")), "-h", broker.host, "-p", str(broker.port), "-q", "1"]
    done = subprocess.run([*line, "-t", topic, "-m", payload, *more], env=program.environment(), check=False)
    return done.returncode


def test_what_was_found_says_program_version_and_where_from(mosquitto_program: Found) -> None:
    assert str(mosquitto_program).startswith("mosquitto 2.")
    assert mosquitto_program.origin in ("system", "cache", "fetched")


def test_what_is_missing_names_the_remedy(tmp_path: Path) -> None:
    program = Program("no-such-server", ("no-such-package",), ("-V",), r"(\d+)", "1")
    found = find(program, cache=tmp_path)
    assert isinstance(found, Missing)
    assert "sudo apt-get install no-such-package" in str(found)
    with pytest.raises(ServerMissingError, match="sudo apt-get install no-such-package"):
        had(found)


def test_a_program_of_the_wrong_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "my-server"
    other.write_text("#!/bin/sh\necho my-server version 3.1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program = Program("my-server", ("my-server",), ("-V",), r"version (\S+)", "1")
    found = find(program, cache=tmp_path / "cache")
    assert isinstance(found, Missing)
    assert "my-server 3.1" in found.why
    right = Program("my-server", ("my-server",), ("-V",), r"version (\S+)", "3")
    assert isinstance(find(right, cache=tmp_path / "cache"), Found)
    any_will_do = Program("my-server", ("my-server",), ("-V",), r"version (\S+)", "")
    assert isinstance(find(any_will_do, cache=tmp_path / "cache"), Found)


def test_an_unpacked_program_is_found_in_a_folder_of_its_own_with_libraries_a_folder_deeper(
    tmp_path: Path,
) -> None:
    own, libraries = tmp_path / "usr/lib/my-browser", tmp_path / "usr/lib/x86-linux-gnu/sound"
    own.mkdir(parents=True)
    libraries.mkdir(parents=True)
    (libraries / "libsound.so.1").touch()
    (own / "my-browser").write_text("#!/bin/sh\necho version 9.0\n")
    (own / "my-browser").chmod(0o755)
    program = Program("my-browser", ("my-browser",), ("-V",), r"version (\S+)", "", ("usr/lib/my-browser",))
    found = find(program, cache=tmp_path)
    assert isinstance(found, Found)
    assert found.origin == "cache"
    assert set(found.libraries) == {libraries, libraries.parent}


def test_a_server_without_its_tools_is_not_enough_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "my-server"
    server.write_text("#!/bin/sh\necho version 1.0\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program = Program("my-server", ("my-server",), ("-V",), r"version (\S+)", "1")
    assert isinstance(find(program, cache=tmp_path / "cache"), Found)
    found = find(program, cache=tmp_path / "cache", tools=("my-tool",))
    assert isinstance(found, Missing)
    assert "without my-tool" in found.why


def test_mosquitto_carries_a_message_to_an_independent_subscriber(mosquitto: Broker) -> None:
    with mosquitto.sub(f"{mosquitto.topic}/#") as sub:
        assert pub(mosquitto, f"{mosquitto.topic}/a", "hello") == 0
        got = sub.next()
    assert (got.topic, got.payload, got.qos, got.retained) == (f"{mosquitto.topic}/a", "hello", 1, False)


def test_mosquitto_listens_on_the_loopback_only(mosquitto: Broker) -> None:
    with Path("/proc/net/tcp").open(encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    mine = [address for address in listening if address.endswith(f":{mosquitto.port:04X}")]
    assert mine == [f"0100007F:{mosquitto.port:04X}"]


def test_a_retained_message_survives_a_planned_restart(own_mosquitto: Broker) -> None:
    assert pub(own_mosquitto, "kept", "still here", "-r") == 0
    own_mosquitto.server.stop()
    own_mosquitto.server.start()
    with own_mosquitto.sub("kept") as sub:
        got = sub.next()
    assert (got.payload, got.retained) == ("still here", True)


def test_mosquitto_with_a_password_turns_others_away(mosquitto_program: Found, tmp_path: Path) -> None:
    with LocalMosquitto(tmp_path / "m", user=("gateway", "pw"), program=mosquitto_program) as server:
        broker = Broker(server, "t")
        assert pub(broker, "t", "x") != 0
        assert pub(broker, "t", "x", "-u", "gateway", "-P", "wrong") != 0
        assert pub(broker, "t", "x", "-u", "gateway", "-P", "pw") == 0


def test_influx_keeps_its_points_over_a_kill(own_influx: Influx) -> None:
    write(own_influx, b"m v=1i 1")
    own_influx.server.kill_engine()
    own_influx.server.start_engine()
    assert [row["v"] for row in own_influx.query("SELECT v FROM m")] == [1]


def write(influx: Influx, lines: bytes) -> None:
    from influxdb_client import InfluxDBClient
    from influxdb_client.client.write_api import SYNCHRONOUS

    with InfluxDBClient(influx.url, token=influx.token, org=influx.org) as client:
        client.write_api(write_options=SYNCHRONOUS).write(influx.bucket, record=lines)


def test_amqtt_on_the_loopback_carries_a_message(mosquitto_program: Found) -> None:
    with LocalAmqtt() as server:
        stand_in = LocalMosquitto(Path("unused"), port=server.port, program=mosquitto_program)
        broker = Broker(stand_in, "t")
        with broker.sub("t/#") as sub:
            assert pub(broker, "t/a", "hello") == 0
            assert sub.next().payload == "hello"
    assert not accepts(server.port)


def test_without_mosquitto_the_demo_gets_the_throw_away_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nothing = Missing("mosquitto", "not here.", "sudo apt-get install mosquitto")
    monkeypatch.setattr("lullwatch.local_brokers.obtain", lambda program: nothing)
    assert isinstance(local_broker(tmp_path), LocalAmqtt)
    assert "sudo apt-get install mosquitto" in caplog.text
    assert "for the demo alone" in caplog.text


def test_a_server_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    line = [sys.executable, "-c", "import sys; sys.exit('my folder is gone')"]
    server = ServerProcess("thing", line, environment=dict(os.environ), log=tmp_path / "thing.log")
    with pytest.raises(ServerNotAnsweringError, match="my folder is gone"):
        server.start(lambda: False)


def test_no_server_outlives_a_starter_that_is_killed(tmp_path: Path, mosquitto_program: Found) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom lullwatch.servers import LocalMosquitto\n"
        "server = LocalMosquitto(Path(sys.argv[1]))\nserver.start()\n"
        "print(server.port, flush=True)\ntime.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[1]
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "m")], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert starter.stdout is not None
    port = int(starter.stdout.readline())
    assert accepts(port)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    until(lambda: not accepts(port))
