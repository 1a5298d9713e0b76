"""A newcomer's path on the command line alone: init, check, up, a night at sixty times, an answer, the summary.

Every program is a process of its own with a clean home; the broker is a real one.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
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
BACK_WITHIN_S = 15.0
"""Seen: 0.4 s and 1.4 s on a computer with ten times as much to do."""


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


def monitor_of(account: Account) -> int:
    """The newest monitor's process."""
    return next(line["pid"] for line in reversed(account.log) if line["where"] == "lullwatch.monitor")


def ups(account: Account) -> list[float]:
    """How long each start of the monitor took."""
    said = (re.fullmatch(r"monitor is up after ([\d.]+) s", line["what"]) for line in account.log)
    return [float(found[1]) for found in said if found]


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
        told = urgent_series(phone)
        assert told["pattern"] == "repeated_brief_movements"
        assert 'lullwatch_alerts_open{severity="urgent"} 1' in numbers(metrics)
        ack = json.dumps({"by": "a1", "alert": told["id"], "id": "n1"})
        mosquitto.pub(f"lullwatch/{mosquitto.topic}/kid/set/ack", ack)
        assert json.loads(answers.next(timeout_s=PATIENCE_S).payload)["ok"]
        assert "kid: paused until" in account.lullwatch(
            "pause", "home.toml", "--minutes", "30", "--reason", "bath"
        )

        os.kill(monitor_of(account), signal.SIGKILL)
        until(lambda: len(ups(account)) == 2, timeout_s=PATIENCE_S)
        assert ups(account)[1] < BACK_WITHIN_S
        stands = json.loads(account.lullwatch("status", "home.toml", "--json"))
        assert stands["infants"]["kid"]["watching"]["reason"] == "bath"
        assert told["id"] not in [alert["id"] for alert in stands["alerts"]]

        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
    started = [line for line in account.log if "started anew" in line["what"]]
    assert [line["what"].split()[0] for line in started] == ["monitor"]
    assert all(line["do"] for line in started)
    summary = account.lullwatch("summary", "home.toml")
    assert "Answered:" in summary
    assert "by a1" in summary
