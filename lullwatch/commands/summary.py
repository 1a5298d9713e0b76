"""`lullwatch summary`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["summary"]


def summary(
    source: Path,
    *,
    night: str | None = None,
    infant: str | None = None,
    language: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Tell a night in ten lines: what could be seen, alerts that nobody answered first, counts with their coverage.

    The running service sends the same by itself in the morning (summary_at in the settings).

    Example: lullwatch summary lullwatch.toml

    Example: lullwatch summary lullwatch.toml --night 2026-11-21 --json

    Parameters
    ----------
    source
        The settings file, or a journal (.sqlite), or a folder of journals.
    night
        Date of the evening, as in 2026-11-21; by default the night that goes on or was the last.
    infant
        Only this infant.
    language
        Of the text (en or de); by default as the settings say, else English.
    as_json
        Print everything as JSON instead of text.
    """
    from msgspec import to_builtins

    from lullwatch.console import say, say_json
    from lullwatch.summary import morning_lines, summary_body
    from lullwatch.summary_job import nights_of, wording_of

    words = wording_of(source, language)
    nights = nights_of(source, night, infant)
    if as_json:
        say_json(to_builtins([summary_body(facts, words) for facts in nights]))
        return 0
    for facts in nights:
        say("\n".join(morning_lines(facts, words)))
        say()
    return 0
