"""Answers of a Bluetooth controller, or of a peer, that nobody waits for any more.

Bumble sends one HCI command at a time and takes the next answer for the answer to it, whatever it answers. A command
that was given up on the way, or was sent by a process that was killed meanwhile, is answered all the same: the next
command would get that answer, the one after it the next, and every one of them would fail. The answer to a GATT request
that was given up in the same instant finds a future that is cancelled, and fails in the midst of the host's reading.
"""

from __future__ import annotations

import logging
from typing import Any

from bumble import att, hci
from bumble.gatt_client import Client
from bumble.host import Host

__all__ = ["heed_awaited_answers", "heed_awaited_responses"]

_log = logging.getLogger(__name__)


def heed_awaited_answers(host: Host) -> None:
    """From here on the host takes an answer only for the command that it names and that somebody waits for."""
    take = host.on_command_processed

    def take_if_awaited(event: hci.HCI_Command_Complete_Event[Any] | hci.HCI_Command_Status_Event) -> None:
        command, response = host.pending_command, host.pending_response
        if command is None or response is None or response.done() or command.op_code != event.command_opcode:
            _log.debug("nobody waits for the answer to HCI command 0x%04X any more", event.command_opcode)
            return
        take(event)

    host.on_command_processed = take_if_awaited  # type: ignore[method-assign]


def heed_awaited_responses(client: Client) -> None:
    """From here on the client takes a response only while somebody waits for one."""
    take = client.on_gatt_pdu

    def take_if_awaited(att_pdu: att.ATT_PDU) -> None:
        waiting = client.pending_response
        if att_pdu.op_code in att.ATT_RESPONSES and waiting is not None and waiting.done():
            _log.debug("nobody waits for %s any more", att_pdu.name)
            return
        take(att_pdu)

    client.on_gatt_pdu = take_if_awaited  # type: ignore[method-assign]
