"""Log lines say what, where and what to do; for programs as one object a line."""

from __future__ import annotations

import ast
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.severity import TABLE
from lullwatch.json_logs import to_do, to_do_about

LINES = """
import logging
from lullwatch.json_logs import begin_log
begin_log(as_json={as_json})
logging.getLogger("alerts.mqtt").warning("the broker refuses %s", "the password\\nreally")
logging.getLogger("lullwatch.monitor").info("journal %s", "x")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("lullwatch.monitor").exception("broke")
"""


def logged(*, as_json: bool) -> list[str]:
    code = LINES.format(as_json=as_json)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def test_each_line_is_an_object_with_what_where_and_what_to_do() -> None:
    refused, informed, broke = map(json.loads, logged(as_json=True))
    assert (refused["where"], refused["level"]) == ("alerts.mqtt", "warning")
    assert refused["what"] == "the broker refuses the password\nreally"
    assert "docs/mqtt.md" in refused["do"]
    assert refused["at"].endswith("Z")
    assert "do" not in informed
    assert "ZeroDivisionError" in broke["trace"]


def test_people_get_the_same_in_a_line() -> None:
    lines = logged(as_json=False)
    assert "WARNING alerts.mqtt: the broker refuses the password" in lines[0]
    assert "To do: look at [mqtt]" in lines[1]
    assert lines[2].endswith("INFO lullwatch.monitor: journal x")


@pytest.mark.parametrize(
    ("name", "level", "given", "said"),
    [
        ("ingest.sensor_link", logging.WARNING, None, "charged"),
        ("store.journal", logging.ERROR, None, "disk"),
        ("ingest.sensor_link", logging.INFO, None, ""),
        ("nobody.knows", logging.ERROR, None, ""),
        ("nobody.knows", logging.INFO, "turn it round", "turn it round"),
    ],
)
def test_what_to_do_comes_from_the_part_that_warns(
    name: str, level: int, given: str | None, said: str
) -> None:
    record = logging.LogRecord(name, level, "", 0, "x", (), None)
    if given is not None:
        record.do = given
    assert said in to_do(record)
    assert bool(to_do(record)) == bool(said)


ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("lullwatch", "alerts", "ingest", "store", "dsp")
WARNS = ("warning", "error", "exception", "critical")


def loggers_of(tree: ast.Module, module: str) -> dict[str, str]:
    """Names of loggers, by the variable that holds them."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        if ast.unparse(node.value.func) == "logging.getLogger":
            (given,) = node.value.args
            name = str(given.value) if isinstance(given, ast.Constant) else module
            found |= {ast.unparse(target): name for target in node.targets}
    return found


def loggers_that_warn() -> Iterator[tuple[str, str]]:
    """Every logger whose code holds a warning or worse, and where."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            loggers = loggers_of(tree, module)
            for node in ast.walk(tree):
                if not isinstance(node, ast.Attribute) or node.attr not in WARNS:
                    continue
                if (name := loggers.get(ast.unparse(node.value))) is not None:
                    yield name, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_whatever_part_warns_says_what_to_do() -> None:
    found = list(loggers_that_warn())
    assert {"lullwatch.gateway", "alerts.mqtt", "ingest.link", "store.influx"} <= {name for name, _ in found}
    silent = [
        f"{name} at {place}" for name, place in found
        if not to_do(logging.LogRecord(name, logging.WARNING, "", 0, "x", (), None))
    ]  # fmt: skip
    assert silent == []


def test_whatever_technical_trouble_is_logged_it_says_what_to_do() -> None:
    assert [row.kind for row in TABLE.technical if not to_do_about(row.kind)] == []
    assert to_do_about("nothing of ours") == ""
