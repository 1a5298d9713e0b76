"""What people may ask for: strict structs, and no bytes that break the decoder."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.commands import (
    COMMANDS,
    LONGEST_MUTE_MIN,
    Ack,
    BadCommand,
    Mute,
    Receipt,
    Result,
    WriteNote,
    decode,
)

NAMES = st.sampled_from([*COMMANDS, "open", ""])


def refusal(name: str, payload: bytes) -> BadCommand | None:
    try:
        decode(name, payload)
    except BadCommand as error:
        return error
    return None


@given(name=NAMES, payload=st.binary(max_size=5000))
def test_no_bytes_break_the_decoder(name: str, payload: bytes) -> None:
    said = refusal(name, payload)
    assert said is None or (said.remedy and len(str(said)) < 500)


@given(
    name=NAMES,
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["by", "id", "alert", "minutes", "patterns", "at", "kind", "text", "schema", "x"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    ),
)
def test_no_json_breaks_the_decoder(name: str, body: object) -> None:
    said = refusal(name, json.dumps(body).encode())
    assert said is None or str(said)


def test_commands_are_what_the_docs_show() -> None:
    assert decode("ack", b'{"by":"anna"}') == Ack(by="anna")
    assert decode("mute", b'{"by":"anna","patterns":["stiffening"],"minutes":30,"id":"m1"}') == Mute(
        by="anna", patterns=["stiffening"], minutes=30, id="m1"
    )
    note = decode("note", b'{"by":"anna","kind":"video","text":"filmed","at":"2026-03-14T22:10:00+01:00"}')
    assert isinstance(note, WriteNote)
    assert note.at is not None
    assert decode("receipt", b'{"alert":"alert-1","version":1,"by":"anna"}') == Receipt(
        alert="alert-1", version=1, by="anna"
    )


@pytest.mark.parametrize(
    ("name", "payload", "what"),
    [
        ("ack", b'{"alert":"alert-1"}', "by"),
        ("ack", b'{"by":"Anna Smith"}', "regex"),
        ("ack", b'{"by":"anna\\n"}', "regex"),
        ("ack", b'{"by":"anna","false_alarm":"yes"}', "bool"),
        ("ack", b'{"by":"anna","all":true}', "unknown field"),
        ("mute", b'{"by":"anna","patterns":["stiffening"],"minutes":100000}', str(LONGEST_MUTE_MIN)),
        ("mute", b'{"by":"anna","patterns":["stiffening"],"minutes":-1}', "0"),
        ("mute", b'{"by":"anna","minutes":30}', "patterns"),
        ("note", b'{"by":"anna","at":"2026-03-14T22:10:00"}', "offset"),
        ("note", b'{"by":"anna","text":"' + b"x" * 1001 + b'"}', "1000"),
        ("note", b'{"by":"anna","text":"' + b"x" * 5000 + b'"}', "bytes"),
        ("shoot", b"{}", "no such command"),
    ],
)
def test_a_wrong_command_is_refused_with_what_is_wrong(name: str, payload: bytes, what: str) -> None:
    with pytest.raises(BadCommand, match=what):
        decode(name, payload)


def test_an_answer_always_says_its_schema_and_whether_it_was_done() -> None:
    assert json.loads(Result(command="ack", ok=True).encoded()) == {"schema": 1, "ok": True, "command": "ack"}
