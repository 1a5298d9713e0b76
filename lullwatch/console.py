"""The one place that prints: results to standard output, progress and trouble to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

__all__ = ["Progress", "ask", "ask_secret", "ask_with_default", "complain", "progress", "say", "say_json"]


def say(text: str = "") -> None:
    """A line of the command's result."""
    print(text, flush=True)


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever msgspec can encode
    """The command's result for machines."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), flush=True)


def ask(question: str) -> str:
    """What a person types, or what another program sends as a line; the question goes to standard error."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def ask_with_default(question: str, default: str) -> str:
    """The same with what an empty answer means. Raises EOFError when nobody answers any more."""
    print(f"{question} [{default}]: ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip() or default


def ask_secret(question: str) -> str:
    """What a person types unseen."""
    from getpass import getpass

    return getpass(f"{question}: ").strip() if sys.stdin.isatty() else ask(f"{question}: ")


def complain(text: str) -> None:
    """A line about trouble, with its remedy."""
    print(f"lullwatch: {text}", file=sys.stderr, flush=True)


class Progress:
    """A bar on a terminal; elsewhere only the notes."""

    def __init__(self, bar: Any, task: Any) -> None:  # noqa: ANN401 - rich is imported only when needed
        self._bar = bar
        self._task = task

    def advance(self, amount: float, note: str = "") -> None:
        """Move the bar on."""
        self._bar.update(self._task, advance=amount, note=note)

    def expect(self, total: float) -> None:
        """How much there is to do, where it was not known at the beginning."""
        self._bar.update(self._task, total=total)

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress(title: str, *, total: float | None) -> Iterator[Progress]:
    """A progress bar on standard error for long work; `total` in the caller's unit, None when nobody can tell."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        yield Progress(bar, bar.add_task(title, total=total, note=""))
