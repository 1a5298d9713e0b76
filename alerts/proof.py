"""The proof of delivery: every step of an alert's way to a person as a row of the journal, and back.

A row says in `step` what happened, and in `detail` (JSON) to whom. The whole state of the escalation is what these
rows and the alerts' own rows say: that is why a restart in the middle resumes.
"""

from __future__ import annotations

import msgspec

from alerts.telling import Kind, Send
from dsp.records import Delivery

__all__ = [
    "ACKNOWLEDGED",
    "COMMAND",
    "FAILED",
    "MUTED",
    "PUBLISHED",
    "RAISED",
    "RECEIVED",
    "SHOWN",
    "Proof",
    "acknowledged_row",
    "command_row",
    "muted_row",
    "outcome_row",
    "proof_of",
    "raised_row",
    "received_row",
    "shown_row",
]

RAISED, PUBLISHED, FAILED = "raised", "published", "failed"
"""It was decided to tell somebody, written down before the channel is asked; the channel took it; it could not."""
RECEIVED, ACKNOWLEDGED = "received", "acknowledged"
"""A device said that it is there; a person answered."""
MUTED, SHOWN = "muted", "shown"
"""A mute keeps it silent; it was told after the mute had ended."""
COMMAND = "command"
"""Somebody asked for something: `alert_id` is `command-<infant>-<id>`."""


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the detail of a delivery row says. Fields that do not belong to a step are empty."""

    to: str = ""
    """id of the person told"""
    kind: Kind | None = None
    n: int = 0
    """the step of the message, see `Send.step`"""
    rings: bool = False
    why: str = ""
    """of a failure, or of a refused command"""
    by: str = ""
    """who answered or asked"""
    false_alarm: bool = False
    until_ns: int | None = None
    """data time at which a mute ends"""
    shown_in: str = ""
    """id of the alert that told what a mute had kept silent"""
    asked: str = ""
    """name of the command"""
    infant: str = ""
    patterns: tuple[str, ...] = ()
    minutes: int | None = None
    ok: bool | None = None


_NOTHING = Proof()


def proof_of(row: Delivery) -> Proof:
    """What the row's detail says; an empty proof where it is plain text, such as a topic."""
    if not row.detail.startswith("{"):
        return _NOTHING
    try:
        return msgspec.json.decode(row.detail, type=Proof)
    except msgspec.MsgspecError:
        return _NOTHING


def raised_row(send: Send, t_ns: int) -> Delivery:
    """It was decided to send this."""
    return _about(send, RAISED, t_ns)


def outcome_row(send: Send, t_ns: int, why_not: str = "") -> Delivery:
    """The channel took it, or why it could not."""
    return _about(send, FAILED if why_not else PUBLISHED, t_ns, why_not)


def received_row(alert_id: str, version: int, t_ns: int, *, channel: str, by: str) -> Delivery:
    """A device of this person has it."""
    return _row(alert_id, version, t_ns, channel, RECEIVED, Proof(by=by))


def acknowledged_row(
    alert_id: str, version: int, t_ns: int, *, channel: str, by: str, false_alarm: bool = False
) -> Delivery:
    """This person answered."""
    return _row(alert_id, version, t_ns, channel, ACKNOWLEDGED, Proof(by=by, false_alarm=false_alarm))


def muted_row(alert_id: str, version: int, t_ns: int, *, until_ns: int, by: str) -> Delivery:
    """A mute keeps it silent."""
    return _row(alert_id, version, t_ns, "", MUTED, Proof(until_ns=until_ns, by=by))


def shown_row(alert_id: str, version: int, t_ns: int, *, shown_in: str) -> Delivery:
    """It was told after a mute, in another alert."""
    return _row(alert_id, version, t_ns, "", SHOWN, Proof(shown_in=shown_in))


def command_row(command_id: str, t_ns: int, *, channel: str, said: Proof) -> Delivery:
    """Somebody asked for something and was answered; holds no text that a person wrote."""
    alert_id = f"command-{said.infant or 'gateway'}-{command_id}"
    return _row(alert_id, 1, t_ns, channel, COMMAND, said)


def _about(send: Send, step: str, t_ns: int, why: str = "") -> Delivery:
    proof = Proof(to=send.person, kind=send.kind, n=send.step, rings=send.rings, why=why)
    return _row(send.alert_id, send.version, t_ns, send.channel, step, proof)


def _row(alert_id: str, version: int, t_ns: int, channel: str, step: str, proof: Proof) -> Delivery:
    return Delivery(alert_id, version, t_ns, channel, step, msgspec.json.encode(proof).decode())
