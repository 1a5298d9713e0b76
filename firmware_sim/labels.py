"""What stands on a virtual sock's label, and keys that stand in for a pairing of long ago.

Real socks draw their passkey and their keys at random. Here both follow from addresses, so that a sock in one
process and a gateway in another are bonded without having met: most of what is tested begins on such a night.
"""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["GATEWAY_ADDRESS", "label_passkey", "preset_key"]

GATEWAY_ADDRESS: Final = "F0:00:00:00:00:01"
"""A static random address (Core 5.4, Vol 6 Part B 1.3.2.1: two highest bits set)."""
_PASSKEYS: Final = 1_000_000


def label_passkey(address: str) -> int:
    """The six digits printed on the label of the sock with this address."""
    digest = hashlib.sha256(f"label {address.upper()}".encode()).digest()
    return int.from_bytes(digest[:8], "little") % _PASSKEYS


def preset_key(sock: str, gateway: str) -> bytes:
    """Long-term key that a sock and a gateway share if they are said to have been paired before."""
    return hashlib.sha256(f"bond {sock.upper()} {gateway.upper()}".encode()).digest()[:16]
