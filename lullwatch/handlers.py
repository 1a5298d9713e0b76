"""What the running monitor answers on its control socket: commands of people, pauses, how everything stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from dsp.records import NS, Watching

from .arming import NotPaused
from .control import ARM, COMMAND, PAUSE, STATUS, TROUBLE, Handler
from .self_test_job import ASK as SELF_TEST_ASK
from .self_test_job import BY

if TYPE_CHECKING:
    from .gateway import Gateway

__all__ = ["ARM", "COMMAND", "PAUSE", "STATUS", "TROUBLE", "handlers_of"]

_TOLD_FROM_OUTSIDE = ("database", "service")
"""Kinds of trouble that another process of this gateway may tell; what the monitor sees itself, it tells itself."""


def handlers_of(gateway: Gateway) -> dict[str, Handler]:
    """The handlers of one gateway, by the request's `ask`."""
    return {
        SELF_TEST_ASK: partial(_self_test, gateway),
        COMMAND: partial(_command, gateway),
        PAUSE: partial(_pause, gateway),
        ARM: partial(_arm, gateway),
        STATUS: partial(_status, gateway),
        TROUBLE: partial(_trouble, gateway),
    }


async def _self_test(gateway: Gateway, _asked: object) -> dict[str, object]:
    return dict(msgspec.to_builtins(await asyncio.shield(gateway.self_test.begin(BY))))


async def _command(gateway: Gateway, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = json.dumps(asked.get("payload", {})).encode()
    answer = await gateway.care.on_command(
        str(asked.get("infant", "")), str(asked.get("name", "")), payload, channel="page"
    )
    # only a good receipt is answered with nothing
    return dict(json.loads(answer)) if answer else {"schema": 1, "command": "receipt", "ok": True}


async def _pause(gateway: Gateway, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    minutes = asked.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool):
        return _refused("minutes is no whole number", "pause for 1 to 60, or 0 to resume")
    try:
        rows = await gateway.armer.pause(
            str(asked.get("infant", "")),
            minutes,
            reason=str(asked.get("reason", "")),
            by=str(asked.get("by", "")),
        )
    except NotPaused as error:
        return _refused(str(error), error.remedy)
    return {"ok": True, "infants": {row.infant: _watching(gateway, row) for row in rows}}


async def _arm(gateway: Gateway, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(asked.get("armed"), bool):
        return _refused("armed is neither true nor false", "give armed = true or false")
    try:
        rows = await gateway.armer.arm(
            str(asked.get("infant", "")), armed=bool(asked["armed"]), by=str(asked.get("by", ""))
        )
    except NotPaused as error:
        return _refused(str(error), error.remedy)
    return {"ok": True, "infants": {row.infant: _watching(gateway, row) for row in rows}}


async def _status(gateway: Gateway, _asked: object) -> Mapping[str, Any]:
    stands = gateway.stands()
    infants: dict[str, dict[str, Any]] = {
        infant: {"watching": _watching(gateway, gateway.armer.state(infant)), "links": []}
        for infant in stands.infants
    }
    for infant, sample in stands.links:
        link = msgspec.to_builtins(sample) | {"at": _utc(gateway, sample.t_ns)}
        infants[infant]["links"].append(link)
    return {
        "ok": True,
        "gateway": stands.name,
        "at": _utc(gateway, stands.now_ns),
        "t_ns": stands.now_ns,
        "committed_ns": stands.committed_ns,
        "broker": stands.broker,
        "infants": infants,
        "troubles": [msgspec.to_builtins(t) | {"since": _utc(gateway, t.since_ns)} for t in stands.troubles],
        "alerts": [{"id": a.id, "infant": a.infant, "severity": a.severity.value} for a in stands.alerts],
    }


async def _trouble(gateway: Gateway, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = str(asked.get("kind", ""))
    if kind not in _TOLD_FROM_OUTSIDE:
        return _refused(
            f"no trouble of the kind {kind[:32]} is told here", f"one of: {' '.join(_TOLD_FROM_OUTSIDE)}"
        )
    gateway.on_trouble(kind, str(asked.get("why", ""))[:500])
    return {"ok": True}


def _refused(why: str, remedy: str) -> dict[str, Any]:
    return {"ok": False, "why": why, "remedy": remedy}


def _watching(gateway: Gateway, row: Watching) -> dict[str, Any]:
    until = None if row.until_ns is None else _utc(gateway, row.until_ns)
    return {"state": row.state.value, "until": until, "reason": row.reason, "by": row.by}


def _utc(gateway: Gateway, t_ns: int) -> str:
    moment = datetime.fromtimestamp(gateway.utc.utc_ns(t_ns) / NS, tz=UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
