"""What people write is kept as letters and line breaks: nothing in it steers a screen, a file or a phone."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["HiddenCharacter", "plain_words", "shown"]

_BREAKS: Final = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
"""Breaks of a line as word processors and phones paste them."""
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Turn the order of what follows: a text that is read otherwise than it is written."""


class HiddenCharacter(Exception):
    """A text holds a character that nobody sees; `remedy` says what to do."""

    remedy = "write the words anew, in letters and numbers"

    def __init__(self, name: str, character: str) -> None:
        super().__init__(f"{name} holds a hidden control character (U+{ord(character):04X})")


def plain_words(name: str, text: str) -> str:
    """A text as it is kept: breaks of a line are one kind, tabs are spaces.

    Raises:
        HiddenCharacter: any other control character stands in it; `name` is what the text is called.
    """
    clean = _BREAKS.sub("\n", text).replace("\t", " ")
    hidden = next((c for c in clean if _is_hidden(c)), None)
    if hidden is not None:
        raise HiddenCharacter(name, hidden)
    return clean


def shown(text: str) -> str:
    """A text of a row that an earlier program wrote, as it may be shown: what is hidden in it is made to be seen."""
    clean = _BREAKS.sub("\n", text).replace("\t", " ")
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_hidden(c) else c for c in clean)


def _is_hidden(character: str) -> bool:
    return character in _TURNING or (character != "\n" and unicodedata.category(character) in ("Cc", "Cs"))
