"""A newcomer's path on the command line alone: init, check, up, a night at sixty times, an answer, the summary.

Every program is a process of its own with a clean home; the broker is a real one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from lullwatch.server_process import free_port
from tests.servers_fixtures import Broker, Subscriber, until

SCENARIO = """
name = "short"
duration_min = 5
age_days = 200
[[phase]]
state = "awake"
minutes = 5
[[movement]]
kind = "spasm_cluster"
at_min = 1.5
count = 8
gap_s = 6.0
subtle = false
"""
PATIENCE_S = 90.0
"""The whole path takes a quarter of it on an idle computer."""
BACK_WANTED_S = 3.0
"""From the kill of a part until it is up again, on a gateway that does nothing else."""
BACK_SEEN_S = 1.9
"""Of either on a computer with four times as much to do, all of which went first."""


class Account:
    """A clean account: a home of its own, and the command line."""

    def __init__(self, home: Path) -> None:
        self.home = home
        known = {k: v for k, v in os.environ.items() if not k.startswith(("LULLWATCH_", "XDG_"))}
        self.environment = {**known, "HOME": str(home), "TZ": "Europe/Berlin", "COLUMNS": "200"}

    def lullwatch(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "lullwatch", *words], cwd=self.home, env=self.environment, capture_output=True,
            text=True, timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout

    @contextmanager
    def up(self, settings: str) -> Iterator[subprocess.Popen[bytes]]:
        path = os.pathsep.join([str(Path(__file__).parents[1]), self.environment.get("PYTHONPATH", "")])
        log = (self.home / "up.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "lullwatch", "up", settings, "--json-logs"], cwd=self.home,
            env={**self.environment, "PYTHONPATH": path}, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            log.close()

    @property
    def log(self) -> list[dict[str, Any]]:
        lines = (self.home / "up.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def numbers(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return str(answer.read().decode())


def urgent_series(subscriber: Subscriber) -> dict[str, Any]:
    while True:
        told = json.loads(subscriber.next(timeout_s=PATIENCE_S).payload)
        if told["severity"] == "urgent" and told["rings"]:
            return dict(told)


PARTS = {"monitor": "lullwatch.monitor", "serve": "lullwatch.web"}
"""What logs in the process of each from its start on."""


def process_of(account: Account, part: str) -> int:
    """The newest one."""
    return next(line["pid"] for line in reversed(account.log) if line["where"] == PARTS[part])


def ups(account: Account, part: str) -> int:
    """How often it came up."""
    return sum(line["what"].startswith(f"{part} is up after ") for line in account.log)


def drawing_s(account: Account, pid: int) -> float:
    """How long a process drew its made-up infant, which a monitor of real socks does not; 0 where it drew none."""
    at = {line["where"]: datetime.fromisoformat(line["at"]) for line in account.log if line["pid"] == pid}
    if "lullwatch.surroundings" not in at:
        return 0.0
    return (at["lullwatch.surroundings"] - at["lullwatch.monitor"]).total_seconds()


def kill_and_wait(account: Account, part: str) -> None:
    """Kill a part as the kernel does where memory runs out; see that it is back in time, and say how long it took."""
    before = ups(account, part)
    began_s = time.monotonic()
    os.kill(process_of(account, part), signal.SIGKILL)
    until(lambda: ups(account, part) > before, timeout_s=PATIENCE_S)
    back_s = time.monotonic() - began_s - drawing_s(account, process_of(account, part))
    said = f"{part} was back {back_s:.1f} s after it was killed; {BACK_WANTED_S:.0f} s are wanted"
    print(said)  # noqa: T201 - pytest -rP shows it
    assert back_s < 5 * BACK_SEEN_S, said


def test_from_a_clean_account_to_the_summary_of_a_night(mosquitto: Broker, tmp_path: Path) -> None:
    account, metrics = Account(tmp_path), free_port()
    (tmp_path / "short.toml").write_text(SCENARIO)
    said = account.lullwatch(
        "init", "home.toml", "--gateway", mosquitto.topic, "--infant", "kid", "--birth-week", "2026-05-04",
        "--person", "a1", "--broker", f"{mosquitto.host}:{mosquitto.port}", "--broker-plain",
        "--simulated", "7", "--scenario", str(tmp_path / "short.toml"), "--pace", "60",
        "--journal-dir", "~/nights", "--page-port", str(free_port()), "--metrics-port", str(metrics),
    )  # fmt: skip
    assert "lullwatch check home.toml" in said
    assert (tmp_path / "home.toml").stat().st_mode & 0o777 == 0o600

    found = {
        f["name"]: f["word"]
        for f in json.loads(account.lullwatch("check", "home.toml", "--json"))["findings"]
    }
    assert found["broker"] == "ok"
    assert found["person a1"] == "ok"
    assert found["adapter"] == "warn"  # nobody is watched: it is made up, and says so

    alerts = f"lullwatch/{mosquitto.topic}/kid/alert"
    results = f"lullwatch/{mosquitto.topic}/kid/result/ack"
    with (
        mosquitto.sub(alerts) as phone,
        mosquitto.sub(results) as answers,
        account.up("home.toml") as process,
    ):
        until(lambda: ups(account, "monitor") == ups(account, "serve") == 1, timeout_s=PATIENCE_S)
        kill_and_wait(account, "serve")
        told = urgent_series(phone)
        assert told["pattern"] == "repeated_brief_movements"
        assert 'lullwatch_alerts_open{severity="urgent"} 1' in numbers(metrics)
        ack = json.dumps({"by": "a1", "alert": told["id"], "id": "n1"})
        mosquitto.pub(f"lullwatch/{mosquitto.topic}/kid/set/ack", ack)
        assert json.loads(answers.next(timeout_s=PATIENCE_S).payload)["ok"]
        assert "kid: paused until" in account.lullwatch(
            "pause", "home.toml", "--minutes", "30", "--reason", "bath"
        )

        kill_and_wait(account, "monitor")
        stands = json.loads(account.lullwatch("status", "home.toml", "--json"))
        assert stands["infants"]["kid"]["watching"]["reason"] == "bath"
        assert told["id"] not in [alert["id"] for alert in stands["alerts"]]

        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
    started = [line for line in account.log if "started anew" in line["what"]]
    assert [line["what"].split()[0] for line in started] == ["serve", "monitor"]
    assert all(line["do"] for line in started)
    summary = account.lullwatch("summary", "home.toml")
    assert "Answered:" in summary
    assert "by a1" in summary
