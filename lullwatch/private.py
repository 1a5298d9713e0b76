"""Files with secrets are their owner's alone."""

from __future__ import annotations

import stat
from pathlib import Path

from .errors import SecretTooOpen

__all__ = ["require_private", "shared_mode"]


def shared_mode(path: Path) -> int | None:
    """Mode of a file that group or others may do anything with; None when it is its owner's alone. Raises OSError."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode if mode & (stat.S_IRWXG | stat.S_IRWXO) else None


def require_private(path: Path) -> None:
    """Refuse a file that others may read.

    Raises:
        SecretTooOpen: they may.
        OSError: the file cannot be looked at.
    """
    if (mode := shared_mode(path)) is not None:
        raise SecretTooOpen(path, mode)
