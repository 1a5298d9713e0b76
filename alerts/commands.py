"""What people may ask for: strict, small structs, decoded from bytes that anyone may have sent.

A command is JSON with an id chosen by its sender: sent twice with the same id it is done once. Each is answered
with a `Result`. What a command does to alerts is `lullwatch.caregiving`'s; here stands what one may say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

__all__ = [
    "COMMANDS",
    "LONGEST_MUTE_MIN",
    "MOST_BYTES",
    "Ack",
    "BadCommand",
    "Command",
    "KeepRaw",
    "Mute",
    "Opine",
    "Receipt",
    "Result",
    "Test",
    "WriteNote",
    "decode",
]

MOST_BYTES = 4096
"""Longest payload that is looked at: a note of 1,000 letters fits in nearly any script."""
LONGEST_MUTE_MIN = 240
"""Half a night: whoever mutes at bedtime is listened for again before morning, whatever they forget."""

# the look-ahead refuses the line break that `$` lets pass
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$(?!\n)")]
_Pattern = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,63}$(?!\n)")]
_Text = Annotated[str, msgspec.Meta(max_length=1000)]
_Fact = Annotated[str, msgspec.Meta(max_length=200)] | bool | int | float
_Facts = Annotated[dict[_Pattern, _Fact], msgspec.Meta(max_length=12)]
_NoteKind = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$(?!\n)")]


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    by: _Id
    """who asks: the id of a person of the settings, or of a source allowed there"""
    id: _Id | None = None
    """the sender's id of this command: sent twice, it is done once"""
    schema: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


class Ack(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody looks after it: the alert stops for everyone."""

    alert: _Id | None = None
    """id of the alert; without it every open alert of the infant"""
    false_alarm: bool = False
    """a person says that it was none: kept beside the machine's record, told to all who were told"""


class Mute(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keep some patterns of the infant silent for a while; `minutes = 0` ends it."""

    patterns: Annotated[list[_Pattern], msgspec.Meta(max_length=16)] = []
    """wire names; empty with `minutes = 0`: all that are muted"""
    minutes: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MUTE_MIN)]


class WriteNote(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something a person saw or did."""

    kind: _NoteKind = "note"
    text: _Text = ""
    at: datetime | None = None
    """when it was, ISO 8601 with an offset; None: now"""
    facts: _Facts = {}
    """what its kind asks for: see docs/diary.md"""
    corrects: _Id | None = None
    """id of the note that this one stands instead of; the kind `struck_out` only takes it back"""


class Opine(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an event looks like to whoever says it: kept beside the machine's label, which stays as it is."""

    event: _Id
    label: _Pattern
    """a wire name, or a further word of docs/review.md"""
    role: Literal["caregiver", "reviewer"] = "caregiver"
    text: _Text = ""
    basis: Literal["", "sensors", "video", "eeg", "video_eeg"] = ""
    """what a reviewer looked at"""
    blind: bool = False
    """whether the machine's label was hidden meanwhile"""


class KeepRaw(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keep the raw data of an event, and of five minutes on both sides, for good."""

    event: _Id


class Test(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Start the self-test."""

    __test__ = False


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device says that it received, and perhaps showed, a message. Stops nothing; is proof of the way."""

    alert: _Id
    version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    by: _Id
    channel: _Id = "mqtt"
    id: _Id | None = None
    schema: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


Command = Ack | Mute | WriteNote | Opine | KeepRaw | Test | Receipt

COMMANDS: dict[str, type[Command]] = {
    "ack": Ack,
    "mute": Mute,
    "note": WriteNote,
    "opinion": Opine,
    "pin": KeepRaw,
    "test": Test,
    "receipt": Receipt,
}
"""By the last part of the topic: `set/<name>`, and `receipt`."""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a command."""

    command: str
    """`ack`, `mute`, `note`, `opinion`, `pin`, `test` or `receipt`"""
    ok: bool
    id: str | None = None
    """as given in the command"""
    why: str = ""
    """why not; or what to know about a command that was done"""
    remedy: str = ""
    alerts: tuple[str, ...] = ()
    """ids of the alerts it was about"""
    until: str = ""
    """end of a mute, ISO 8601 in UTC"""
    note: str = ""
    """id of the note that was written, by which it can be corrected"""
    schema: Annotated[int, msgspec.Meta(ge=1)] = 1

    def encoded(self) -> bytes:
        """As it is sent: JSON, `schema` and `ok` always there."""
        return msgspec.json.encode({"schema": self.schema, "ok": self.ok, **msgspec.to_builtins(self)})


class BadCommand(Exception):
    """Bytes that are no command; the message says what is wrong, `remedy` how to mend it."""

    def __init__(self, name: str, what: str) -> None:
        self.remedy = f"send one JSON object as docs/alerts.md shows for {name}"
        super().__init__(f"{name}: {what}")


def decode(name: str, payload: bytes) -> Command:
    """The command that the bytes say; strict: no field too many, none of another type.

    Raises:
        BadCommand: for anything else, whatever the bytes are.
    """
    kind = COMMANDS.get(name)
    if kind is None:
        raise BadCommand(name[:64], f"there is no such command; known: {' '.join(COMMANDS)}")
    if len(payload) > MOST_BYTES:
        raise BadCommand(name, f"{len(payload)} bytes are more than {MOST_BYTES}")
    try:
        command = msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadCommand(name, str(error)) from error
    if isinstance(command, WriteNote) and command.at is not None and command.at.tzinfo is None:
        raise BadCommand(name, f"at = {command.at.isoformat()} has no offset from UTC")
    if isinstance(command, Mute) and command.minutes and not command.patterns:
        raise BadCommand(name, "a mute names the patterns it is for")
    return command
