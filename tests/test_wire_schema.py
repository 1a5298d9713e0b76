"""The published JSON Schema: as the code is, valid itself, and refusing what is not a payload."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from alerts import commands
from alerts.payloads import status_payload
from alerts.wire_schema import FOLDER, KINDS, file_name, main, schema_of, text_of
from tests.test_payloads import messages
from tests.wire_checks import validator

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_file_is_what_the_code_says(kind: str) -> None:
    published = (ROOT / FOLDER / file_name(kind)).read_text(encoding="utf-8")
    assert published == text_of(kind), "run: make schema"


def test_nothing_else_is_published() -> None:
    assert {p.name for p in (ROOT / FOLDER).iterdir()} == {file_name(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_one_and_names_its_version(kind: str) -> None:
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:lullwatch:mqtt:{kind}:1"


@pytest.mark.parametrize("kind", ["event", "alert", "state", "coverage", "link"])
def test_a_payload_without_one_of_its_fields_is_refused(kind: str) -> None:
    body = json.loads(messages()[kind].payload)
    validator(kind).validate(body)
    for name in schema_of(kind)["required"]:
        with pytest.raises(jsonschema.ValidationError):
            validator(kind).validate({k: v for k, v in body.items() if k != name})


def test_a_status_is_one_of_three() -> None:
    validator("status").validate(json.loads(status_payload("stopped")))
    with pytest.raises(jsonschema.ValidationError):
        validator("status").validate({"schema": 1, "state": "fine"})


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("ack", {"by": "anna", "alert": "alert-1"}, {"by": "anna", "every": True}),
        (
            "mute",
            {"by": "anna", "patterns": ["stiffening"], "minutes": 60},
            {"by": "anna", "minutes": 10_000},
        ),
        ("note", {"by": "anna", "text": "slept badly"}, {"by": "anna", "text": "x" * 2001}),
        ("test", {"by": "anna"}, {}),
    ],
)
def test_schema_and_decoder_agree_on_commands(
    name: str, good: dict[str, object], bad: dict[str, object]
) -> None:
    commands.decode(name, msgspec.json.encode(good))
    validator(f"set-{name}").validate(good)
    with pytest.raises(commands.BadCommand):
        commands.decode(name, msgspec.json.encode(bad))
    with pytest.raises(jsonschema.ValidationError):
        validator(f"set-{name}").validate(bad)


def test_an_answer_is_what_its_schema_says() -> None:
    for result in (
        commands.Result(command="ack", ok=True, alerts=("a",)),
        commands.Result(command="x", ok=False, why="y"),
    ):
        validator("result").validate(json.loads(result.encoded()))


def test_the_command_writes_every_file(tmp_path: Path) -> None:
    assert main([str(tmp_path / "schema")]) == 0
    assert len(list((tmp_path / "schema").iterdir())) == len(KINDS)
    assert main([]) == 2
