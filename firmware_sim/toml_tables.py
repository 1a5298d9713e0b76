"""Tables of a TOML file read strictly: every wrong key and value is named together with what is allowed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

__all__ = ["BadTableError", "Table"]

_MINUTE_S = 60.0


class BadTableError(ValueError):
    """A table of a scenario file that cannot be used."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}" if where else problem)


class Table:
    """One table: keys are taken out one by one, and none may be left over."""

    def __init__(self, where: str, rows: object) -> None:
        if not isinstance(rows, Mapping):
            raise BadTableError(where, f"this must be a table, not {rows!r}")
        self.where = where
        self._rows: dict[str, Any] = dict(rows)
        self._asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        self._asked.append(key)
        return key in self._rows

    def refuse(self, problem: str, cause: Exception | None = None) -> NoReturn:
        """Say what is wrong with this table.

        Raises:
            BadTableError: always.
        """
        raise BadTableError(self.where, problem) from cause

    def take(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - whatever TOML holds
        """A value as it stands, or the default."""
        self._asked.append(key)
        return self._rows.pop(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        """A string; it must be there when there is no default."""
        value = self._needed(key, default)
        if not isinstance(value, str):
            self.refuse(f"{key} must be a text, not {value!r}")
        return value

    def choice(self, key: str, known: Collection[str], default: str | None = None) -> str:
        """One of several words."""
        value = self.text(key, default)
        if value not in known:
            self.refuse(f"{key} is {value!r}; use one of {', '.join(known)}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            self.refuse(f"{key} must be true or false, not {value!r}")
        return value

    def number(
        self, key: str, default: float | None = None, *, low: float = 0.0, high: float = float("inf")
    ) -> float:
        """A number between two ends."""
        value = self._needed(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_in(value, low, high):
            self.refuse(f"{key} must be a number{_between(low, high)}, not {value!r}")
        return float(value)

    def time_s(self, name: str, *, until_s: float, default: float | None = None) -> float | None:
        """A time from the start, written as ``NAME_min`` or ``NAME_s``, before the end; None when neither is there."""
        in_minutes = f"{name}_min" in self
        in_seconds = f"{name}_s" in self
        if in_minutes and in_seconds:
            self.refuse(f"give {name}_min or {name}_s, not both")
        if in_minutes:
            return _MINUTE_S * self.number(f"{name}_min", high=until_s / _MINUTE_S)
        return self.number(f"{name}_s", high=until_s) if in_seconds else default

    def table(self, key: str) -> Table:
        """A table inside this one; empty when it is not there."""
        return Table(f"{self.where}[{key}]", self.take(key, {}))

    def tables(self, key: str) -> list[Table]:
        """The rows of an array of tables, numbered from 1 as a person counts them."""
        rows = self.take(key, [])
        if not isinstance(rows, list):
            self.refuse(f"{key} must be written as [[{key}]]")
        return [Table(f"{self.where}[[{key}]] {i}", row) for i, row in enumerate(rows, 1)]

    def rest_names(self) -> list[str]:
        """Keys that were not taken yet."""
        return list(self._rows)

    def rest(self) -> dict[str, Any]:
        """Everything that was not taken yet; the keys mean something to somebody else."""
        rows, self._rows = self._rows, {}
        return rows

    def done(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            BadTableError: a key that means nothing here.
        """
        if self._rows:
            wrong = ", ".join(repr(key) for key in self._rows)
            self.refuse(f"{wrong} means nothing here; keys are {', '.join(dict.fromkeys(self._asked))}")

    def _needed(self, key: str, default: object) -> object:
        value = self.take(key, default)
        if value is None:
            self.refuse(f"{key} is missing")
        return value


def _is_in(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


def _between(low: float, high: float) -> str:
    if high < float("inf"):
        return f" from {low:g} to {high:g}"
    return f" of {low:g} or more" if low > -float("inf") else ""
