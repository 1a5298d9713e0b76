"""JSON Schema of every payload, made from the structs that receivers and senders agree on.

``python -m alerts.wire_schema docs/schema`` writes one file for each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from alerts import commands, wire

__all__ = ["FOLDER", "KINDS", "file_name", "main", "schema_of", "text_of"]

FOLDER = "docs/schema"
KINDS: dict[str, type[msgspec.Struct]] = {
    "status": wire.StatusBody,
    "alert": wire.AlertBody,
    "event": wire.EventBody,
    "state": wire.StateBody,
    "coverage": wire.CoverageBody,
    "link": wire.LinkBody,
    "tonight": wire.TonightBody,
    "summary": wire.SummaryBody,
    **{f"set-{name}" if name != "receipt" else name: kind for name, kind in commands.COMMANDS.items()},
    "result": commands.Result,
}
"""By the last part of the topic; commands with `set-` before it."""


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a kind of payload."""
    struct = KINDS[kind]
    made = msgspec.json.schema(struct)
    name = made["$ref"].rsplit("/", 1)[1]
    definitions = dict(made["$defs"])
    top = definitions.pop(name)
    rest = {"$defs": definitions} if definitions else {}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:lullwatch:mqtt:{kind}:{wire.SCHEMA}",
    }
    return {**head, **top, **rest}


def file_name(kind: str) -> str:
    """Where the schema of a kind stands in its folder."""
    return f"{kind}.v{wire.SCHEMA}.json"


def text_of(kind: str) -> str:
    """What stands in the file."""
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"


def main(words: list[str]) -> int:
    """Write every schema into the folder that is named."""
    if len(words) != 1:
        sys.stderr.write(f"usage: python -m alerts.wire_schema {FOLDER}\n")
        return 2
    folder = Path(words[0])
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (folder / file_name(kind)).write_text(text_of(kind), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
