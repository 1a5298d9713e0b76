"""What is said of a wrong setting: in which line it stands, what was expected there, and how to mend it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Said", "line_of", "said_of", "such_as"]

Place = tuple[str | int, ...]
"""Where a setting stands, from the top: `("infants", 0, "sensors", 1, "site")`"""

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=""")
_AT = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\[\.\.\.\]")
_FIELD = re.compile(r"(unknown|required) field `([^`]*)`")
_TOML_AT = re.compile(r"\s*\(at line (\d+), column (\d+)\)")
_REGEX = re.compile(r"`str` matching regex (?:'[^']*'|\"[^\"]*\")")
_TYPES = {
    "str": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list in [ ], or a table with [[ ]]",
    "object": "a table with [ ]",
    "date": "a date such as 2026-05-04",
}
_TYPE = re.compile(rf"`((?:{'|'.join(_TYPES)}|null)(?: \| (?:{'|'.join(_TYPES)}|null))*)`")
_TWICE = re.compile(r"Cannot (?:declare|mutate) .*?\(([^)]*)\)")
_TOML_SAYS = {
    "Cannot overwrite": "Leave one of the two",
    "Duplicate inline table key": "Leave one of the two",
    "Cannot declare": "Join what is below both into one table",
    "Cannot mutate": "Join what is below both into one table",
    "Expected ']'": "A bracket ] is missing",
    "Unescaped": "Write \\ twice, or put the text in single quotes",
    "Expected '='": 'A setting is written with =, such as zone = "Europe/Berlin"',
}
"""How the parser's errors begin that quotes do not mend, and what does."""
_EXAMPLES = {
    "gateway": 'gateway = "home": lower-case letters, digits and dashes, 32 at most',
    "id": 'id = "a": lower-case letters, digits and dashes, 32 at most, never a name',
    "journal_dir": 'journal_dir = "~/.local/share/lullwatch"',
    "zone": 'zone = "Europe/Berlin"',
    "language": 'language = "en" or "de"',
    "emergency_number": 'emergency_number = "112"',
    "summary_at": 'summary_at = "07:00"',
    "self_test_at": 'self_test_at = "19:30"',
    "birth_week": "birth_week = 2026-05-04, without quotes",
    "site": 'site = "LA" (left ankle), "RA", "TR" (trunk), "LW", "RW" (wrists) or "HD" (head)',
    "address": 'address = "C0:00:00:00:00:01", as `lullwatch sensors` shows it',
    "sensor": 'sensor = "la": an id of its own for each of an infant; by default the site in lower case',
    "kind": 'kind = "sock", "movesense", "polar" or "osd"',
    "host": 'host = "broker.lan", a name or an address',
    "port": "port = 8883, from 1 to 65535",
    "tls": "tls = true",
    "channels": 'channels = ["mqtt"], with names of [[push]] tables beside it',
    "after_s": "after_s = 120, half an hour (1800) at most",
    "repeat_s": "repeat_s = 60, from 20 to 600",
    "quiet": 'quiet = "22:00-07:00"',
    "armed": 'armed = "18:30-08:00"',
    "days": 'days = ["mon", "tue", "wed", "thu", "fri"]',
    "raw": 'raw = "full", "thinned" or "off"',
    "raw_hz": "raw_hz = 10, from 1 to 25",
    "raw_days": "raw_days = 30",
    "min_free_mb": "min_free_mb = 500, 10 at least",
    "ping_url": 'ping_url = "https://example.org/ping/..."',
    "reachable_url": 'reachable_url = "http://192.168.1.20:8090", without anything behind the port',
    "url": 'url = "https://influx.lan:8086"',
    "infants": "[[infants]] with id and [[infants.sensors]] tables",
    "sensors": "[[infants.sensors]] with site and address",
}
_EVERY_SETTING = "See deploy/lullwatch.example.toml for every setting"


@dataclass(frozen=True, slots=True)
class Said:
    """What is wrong, how to mend it, and where it stands; line 0 where nobody can tell."""

    what: str
    remedy: str
    line: int = 0
    column: int = 0


def said_of(text: str, error: str, known: Iterable[str] = ()) -> Said:
    """A decoder's error about `text` in words.

    Args:
        text: of the file.
        error: as msgspec or tomllib say it.
        known: every name of a setting, for one that was mistyped.
    """
    if (found := _TOML_AT.search(error)) is not None:
        said = _TOML_AT.sub("", error)
        lines, number = text.splitlines(), int(found[1])
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        return Said(_of_toml(said, line), _remedy_of_toml(said, line), number, int(found[2]))
    at = _AT.search(error)
    place, what = _place(at[1] if at else ""), _AT.sub("", error)
    field = _FIELD.search(what)
    if field is not None and field[1] == "unknown":
        return _unknown(text, place, field[2], known)
    if field is not None:
        where = _named(place) or "the file"
        return Said(f"{field[2]} is missing in {where}", such_as(field[2]), line_of(text, place))
    what = _REGEX.sub("a text of another form", what)
    what = _TYPE.sub(_types_said, what)
    name = next((step for step in reversed(place) if isinstance(step, str)), "")
    return Said(
        f"{_named(place)}: {what[:1].lower()}{what[1:]}" if place else what,
        such_as(name),
        line_of(text, place),
    )


def line_of(text: str, place: Place) -> int:
    """Line in which a setting stands, or else the table it belongs to; 0 when neither does."""
    best: tuple[int, int] = (0, 0)
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _HEADER.match(line)) is not None:
            table = _table(header[2], counts, is_array=header[1] == "[[")
            best = max(best, (_common(table, place), -number))
        elif (key := _KEY.match(line)) is not None:
            here = (*table, *(part.strip(" \"'") for part in key[1].split(".")))
            if place[: len(here)] == here:
                best = max(best, (len(here) + 1, -number))
    return -best[1] if best[0] else 0


def _table(name: str, counts: dict[Place, int], *, is_array: bool) -> Place:
    """Place of a table; tables of one list are counted within the newest table above them."""
    steps = [part.strip(" \"'") for part in name.split(".")]
    place: Place = ()
    for step in steps[:-1]:
        place = (*place, step)
        if place in counts:
            place = (*place, counts[place])
    place = (*place, steps[-1])
    if is_array:
        counts[place] = counts.get(place, -1) + 1
        for known in [k for k in counts if len(k) > len(place) and k[: len(place)] == place]:
            if known[len(place)] == counts[place]:
                del counts[known]
        place = (*place, counts[place])
    return place


def _common(table: Place, place: Place) -> int:
    """How far a table's place leads to the wanted one; 0 where it leads elsewhere."""
    return len(table) if place[: len(table)] == table else 0


def _place(path: str) -> Place:
    steps: list[str | int] = []
    for name, number in _STEP.findall(path):
        if name or number:
            steps.append(name or int(number))
    return tuple(steps)


def _named(place: Place) -> str:
    """`infants[0].sensors[1].site` as people count: the first is 1."""
    said = ""
    for step in place:
        said += f" {step + 1}" if isinstance(step, int) else f"{'.' if said else ''}{step}"
    return said


def _unknown(text: str, place: Place, name: str, known: Iterable[str]) -> Said:
    where = _named(place) or "the top of the file"
    close = difflib.get_close_matches(name, sorted(set(known)), n=1)
    remedy = "Remove it, or move it to the table it belongs to."
    if close and close[0] != name:
        remedy = f"Did you mean {close[0]}?"
    return Said(
        f"there is no setting {name!r} in {where}",
        f"{remedy} {_EVERY_SETTING}",
        line_of(text, (*place, name)),
    )


def such_as(name: str) -> str:
    """A remedy that shows how a setting is written."""
    return f"Such as {_EXAMPLES[name]}" if name in _EXAMPLES else _EVERY_SETTING


def _types_said(found: re.Match[str]) -> str:
    """A type as the decoder names it in words; that a setting may be left out needs no saying."""
    return " or ".join(_TYPES[name] for name in found[1].split(" | ") if name != "null") or "nothing"


def _of_toml(said: str, line: str) -> str:
    if (table := _TWICE.match(said)) is not None:
        return f"the table {'.'.join(re.findall(r'[A-Za-z0-9_-]+', table[1]))} stands there twice"
    if (key := _KEY.match(line)) is not None and said.startswith("Cannot overwrite"):
        return f"{key[1]} stands there twice"
    return f"this is no TOML: {said}"


def _remedy_of_toml(said: str, line: str) -> str:
    remedy = next((words for begins, words in _TOML_SAYS.items() if said.startswith(begins)), "")
    if remedy:
        return remedy
    odd = line.count('"') % 2 or line.count("'") % 2
    return "A quotation mark is missing" if odd else "Texts stand in quotes, times such as 07:00 too"
