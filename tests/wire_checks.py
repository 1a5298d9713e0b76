"""Every payload made in the tests is held to the JSON Schema that is published for its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from alerts import payloads, wire
from alerts.wire_schema import KINDS, file_name

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schema"
_KIND_OF = {struct: kind for kind, struct in KINDS.items()}


@lru_cache
def validator(kind: str) -> Any:
    """What checks payloads of a kind against the published file."""
    schema = json.loads((FOLDER / file_name(kind)).read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(autouse=True, scope="session")
def payloads_are_what_the_schema_says() -> Any:
    """Looks at each payload as it is made; one that its schema refuses fails the test that made it."""
    made = payloads.body_of

    def checked(kind: type[wire.Payload], fields: Mapping[str, Any]) -> bytes:
        payload = made(kind, fields)
        validator(_KIND_OF[kind]).validate(json.loads(payload))
        return payload

    with pytest.MonkeyPatch.context() as patch:
        for module in ("alerts.payloads", "alerts.tonight"):
            patch.setattr(f"{module}.body_of", checked)
        yield
