"""Answers of a Bluetooth controller that nobody waits for any more.

Bumble sends one HCI command at a time and takes the next answer for the answer to it, whatever it answers. A command
that was given up on the way, or was sent by a process that was killed meanwhile, is answered all the same: the next
command would get that answer, the one after it the next, and every one of them would fail.
"""

from __future__ import annotations

import logging
from typing import Any

from bumble import hci
from bumble.host import Host

__all__ = ["heed_awaited_answers"]

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
