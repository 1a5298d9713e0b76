"""Taking one infant out of a folder of nights, so that no byte of any file speaks of it any more."""

from __future__ import annotations

import json
import mmap
import os
import re
import sqlite3
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from dsp import records
from store.aside import DAMAGED
from store.cursors import Cursors
from store.database import claimed_for, connect, durable, flush_folder, transaction, translated
from store.errors import JournalReadOnly, StillThere
from store.journal import Journal
from store.private_files import opened_private
from store.rows import TABLES
from store.schema import MIGRATIONS
from store.sealing import sealed_path, unseal
from store.shelf import NIGHT_STEM, is_night

__all__ = ["Forgotten", "forget", "going_whole", "holding", "is_begun", "trace_of"]

_OWN: Final = ("snapshot", "carried")

_WORDS: Final = tuple(
    word
    for kind in vars(records).values()
    if isinstance(kind, type)
    for word in (
        *getattr(kind, "__dataclass_fields__", ()),
        *map(str, kind if issubclass(kind, Enum) else ()),
    )
)
"""Names of fields and values of records, which stand in rows."""

_OF_INFANT: Final = rb"""\binfant(?:=['"]?|\\*"\s*:\s*\\*")ID(?![a-z0-9-])"""
"""How a refused line, message or record names its infant: as a tag, in JSON that may stand in a text, in words."""

_EVERYWHERE: Final = (
    "SQLite format 3",
    "sqlite_autoindex_",
    "quarantine cursor reason",
    *MIGRATIONS,
    *_WORDS,
)
"""What stands in files of nights whoever was there."""

_SHORT_ID: Final = 4
"""Shorter ids stand in any file by chance and are looked for as they are written in records only."""

_SOUGHT_IDS: Final = 4
"""Ids of each night that are looked for: each costs another walk through every byte, and what leaves one leaves all."""

_LOG: Final = "(?:-wal|-shm|-journal)?"
_SET_ASIDE: Final = re.compile(
    rf"{NIGHT_STEM}(?:(?:\.cursors)?(?:\.sqlite{re.escape(DAMAGED)}\d+|\.part){_LOG}|_sealed\.partial)"
)
"""Names of damaged nights, and of what a copying or sealing left that was ended: whoever was there is in them."""

_SETTINGS: Final = "*.toml"
"""Names of settings files, which a person writes: no command but that person takes an infant out of them."""

_EXPORT: Final = NIGHT_STEM + r"_ID(?:_[a-z0-9-]+)*\.(?:edf|tsv|jsonl?|csv|parquet|txt|png)"
"""Names of what `lullwatch export` and `replay` write of one infant of a night."""


_BEGUN: Final = "forgetting-ID.json"
"""Name of the file that says what is being forgotten until no byte is left: whatever ends it, the next run goes on."""


@dataclass(slots=True)
class Forgotten:
    """What was taken away."""

    rows: int = 0
    files: list[Path] = field(default_factory=list)
    """deleted whole: nobody else was in them, or they were damaged copies or sealed copies of a night"""
    settings: list[Path] = field(default_factory=list)
    """settings files that lie in the folder and still speak of the infant"""


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a forgetting has set out to do; it stands in a file until it is done."""

    nights: frozenset[str]
    needles: frozenset[str]
    alerts: frozenset[str]

    def __or__(self, other: _Begun) -> _Begun:
        return _Begun(self.nights | other.nights, self.needles | other.needles, self.alerts | other.alerts)


def is_begun(folder: Path, infant: str) -> bool:
    """Whether forgetting the infant was begun here and not ended."""
    return _begun_path(folder, infant).exists()


def holding(folder: Path, infant: str) -> list[Path]:
    """Nights that know the infant, or were to forget it by a run that did not end."""
    begun = _begun(folder, infant).nights
    found = []
    for path in sorted(p for p in folder.glob("journal-*.sqlite") if is_night(p)):
        if path.name in begun:
            found.append(path)
            continue
        with Journal.read_only(path) as journal:
            known = {*journal.infants(), *(_infant_of(config.text) for config in journal.configs())}
            told = journal.events(infant) or journal.notes(infant) or journal.opinions(infant)
            if infant in known or told or journal.watchings(infant):
                found.append(path)
    return found


def going_whole(folder: Path, infant: str) -> list[Path]:
    """Files beside the nights that forgetting deletes: set aside, half made, or written of this infant alone."""
    export = re.compile(_EXPORT.replace("ID", re.escape(infant)))
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and (_SET_ASIDE.fullmatch(path.name) or export.fullmatch(path.name))
    ]


def forget(folder: Path, infant: str) -> Forgotten:
    """Take the infant out of every night; those of others keep theirs. No monitor may run on the folder.

    Raises:
        JournalInUse: a monitor writes one of the nights; nothing was taken away.
        StillThere: after all this some file other than settings still speaks of the infant; it names the file.
        JournalError: a file cannot be read or written; run it again.
    """
    nights = holding(folder, infant)
    done = Forgotten()
    with ExitStack() as claims:
        for path in nights:
            claims.enter_context(claimed_for(path))
        begun = _begin(folder, infant, nights)
        for path in going_whole(folder, infant):
            _delete(path, done)
        for path in nights:
            _forget_in(path, infant, begun.alerts, done)
    needles = [needle.encode() for needle in sorted(begun.needles)]
    for path in trace_of(folder, needles):
        if not path.match(_SETTINGS) and path != _begun_path(folder, infant):
            raise StillThere(path, infant)
    _begun_path(folder, infant).unlink()
    done.settings = [
        path
        for path in sorted(folder.rglob(_SETTINGS))
        if path.is_file() and (_contains(path, needles) or _is_set_in(path, infant))
    ]
    return done


def trace_of(folder: Path, needles: Iterable[bytes]) -> list[Path]:
    """Files of which some byte sequence still speaks of the infant."""
    wanted = list(needles)
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _contains(path, wanted)]


def _begun_path(folder: Path, infant: str) -> Path:
    return folder / _BEGUN.replace("ID", infant)


def _begun(folder: Path, infant: str) -> _Begun:
    """What an earlier run had set out to do; nothing where there was none."""
    try:
        kept = json.loads(_begun_path(folder, infant).read_text(encoding="utf-8"))
        return _Begun(*(frozenset(map(str, kept[name])) for name in ("nights", "needles", "alerts")))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return _Begun(frozenset(), frozenset(), frozenset())


def _begin(folder: Path, infant: str, nights: Sequence[Path]) -> _Begun:
    """Write down what is to go, before anything does."""
    begun = _begun(folder, infant) | _Begun(
        frozenset(path.name for path in nights),
        frozenset(_needles(nights, infant)),
        frozenset(_alerts_of(nights, infant)),
    )
    path = _begun_path(folder, infant)
    part = path.with_suffix(".part")
    with translated(path):
        try:
            with open(part, "w", encoding="utf-8", opener=opened_private) as file:
                json.dump({name: sorted(getattr(begun, name)) for name in begun.__dataclass_fields__}, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            flush_folder(folder)
        except OSError as error:
            raise JournalReadOnly(path, error.strerror or str(error)) from error
    return begun


def _needles(nights: Sequence[Path], infant: str) -> list[str]:
    """What no file may hold afterwards: the id, and the ids of everything told of the infant."""
    ids = {f'"infant":{json.dumps(infant)}'}
    if len(infant) >= _SHORT_ID and not _is_said_otherwise(nights, infant):
        ids.add(infant)
    for path in nights:
        with Journal.read_only(path) as journal:
            told = [event.id for event in journal.events(infant)] + [a.id for a in journal.alerts(infant)]
            ids |= set(told[-_SOUGHT_IDS:])
    return sorted(ids)


def _is_said_otherwise(nights: Sequence[Path], infant: str) -> bool:
    """Whether the id is part of another infant's, of somebody's settings or of a word that every night's file holds."""
    if infant.replace("-", "").isdigit() or any(infant in words for words in _EVERYWHERE):
        return True
    for path in nights:
        with Journal.read_only(path) as journal:
            others = {*journal.infants(), *(note.infant for note in journal.notes())} - {infant}
            texts = [config.text for config in journal.configs() if _infant_of(config.text) != infant]
        if any(infant in text for text in (*others, *texts)):
            return True
    return False


def _contains(path: Path, needles: list[bytes]) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(needle) >= 0 for needle in needles)


def _is_set_in(settings: Path, infant: str) -> bool:
    """Whether settings name the infant: also an id that is too short to be looked for among other bytes."""
    text = settings.read_bytes().decode("utf-8-sig", errors="replace")
    try:
        return infant in _ids_in(tomllib.loads(text))
    except (ValueError, RecursionError):  # nor can the monitor read it; a person can
        return re.search(rf"""["']{re.escape(infant)}["']""", text) is not None


def _ids_in(value: object) -> Iterator[object]:
    """Ids under `infants`, wherever it stands: in tables of their own, or named as those that a person is told of."""
    if isinstance(value, dict):
        ids = value.get("infants")
        for each in ids if isinstance(ids, list) else ():
            yield each.get("id") if isinstance(each, dict) else each
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from _ids_in(inner)


def _alerts_of(nights: Sequence[Path], infant: str) -> set[str]:
    """Ids of the infant's alerts in all nights: what became of one may stand in the next night's file."""
    found: set[str] = set()
    for path in nights:
        with Journal.read_only(path) as journal:
            found |= {alert.id for alert in journal.alerts(infant)}
            found |= {alert.id for alert in journal.alerts("") if _is_of_link(alert.facts, infant)}
    return found


def _forget_in(path: Path, infant: str, alerts: Set[str], done: Forgotten) -> None:
    if sealed_path(path).exists():
        unseal(path)
        done.files.append(sealed_path(path))
    with translated(path), closing(connect(path, "rw")) as db:
        durable(db)
        db.execute("PRAGMA secure_delete = ON")
        rows = _rows_of(db, infant, alerts)
        # first, for a letter is found by the row it is of
        _forget_letters(path, {n for numbers in rows.values() for n in numbers}, infant)
        with transaction(db):
            for name, numbers in rows.items():
                db.executemany(f"DELETE FROM {name} WHERE row = ?", ((n,) for n in numbers))  # noqa: S608 - names are constants
        done.rows += sum(len(numbers) for numbers in rows.values())
        empty = not any(
            db.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()  # noqa: S608 - names are constants
            for name in _tables(db)
            if name not in ("clock", "link")
        )
        if not empty:
            # Written anew from the rows that are left, the file holds nothing of the others, in no free page.
            db.execute("VACUUM")
            _empty_log(db, path, infant)
    if empty:
        for file in (path, Cursors.path_beside(path)):
            _delete(file, done)


def _tables(db: sqlite3.Connection) -> list[str]:
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return [name for name in (*TABLES, *_OWN) if name in there]


def _rows_of(db: sqlite3.Connection, infant: str, alerts: Set[str]) -> dict[str, list[int]]:
    """Numbers of the infant's rows by table, of those too that name it only through an alert or their text."""
    found: dict[str, list[int]] = {}
    for name in _tables(db):
        if name == "alert":
            found[name] = [
                row
                for row, whose, body in db.execute("SELECT row, infant, body FROM alert")
                if whose == infant or (not whose and _is_of_link(json.loads(body).get("facts") or {}, infant))
            ]
            continue
        if name in _OWN or TABLES[name].has_infant:
            wanted, values = "infant = ?", (infant,)
        elif name == "delivery":
            found[name] = [
                row
                for row, about, body in db.execute("SELECT row, id, body FROM delivery")
                if about in alerts or _is_about(about, body, infant)
            ]
            continue
        elif name == "config":
            found[name] = [
                row for row, text in db.execute("SELECT row, body FROM config") if _names(text, infant)
            ]
            continue
        else:
            continue
        found[name] = [row for (row,) in db.execute(f"SELECT row FROM {name} WHERE {wanted}", values)]  # noqa: S608 - names are constants
    return found


def _is_about(about: str, body: str, infant: str) -> bool:
    """Whether a step is of no alert but of a command or a summary for the infant."""
    dated = rf"summary-{re.escape(infant)}-\d{{4}}-\d\d-\d\d"
    return _infant_of(json.loads(body)["detail"]) == infant or re.fullmatch(dated, about) is not None


def _is_of_link(facts: Mapping[str, object], infant: str) -> bool:
    """Whether trouble of the gateway is of the infant's link, as earlier versions told it."""
    return any(str(facts.get(name, "")).startswith(f"link {infant} ") for name in ("detail", "why"))


def _names(body: str, infant: str) -> bool:
    return _infant_of(json.loads(body)["text"]) == infant


def _infant_of(text: str) -> str:
    try:
        settings = json.loads(text)
    except json.JSONDecodeError:
        return ""
    return str(settings.get("infant", "")) if isinstance(settings, dict) else ""


def _forget_letters(path: Path, rows: set[int], infant: str) -> None:
    beside = Cursors.path_beside(path)
    if not beside.exists():
        return
    with translated(beside), closing(sqlite3.connect(beside, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON")
        about = re.compile(_OF_INFANT.replace(b"ID", re.escape(infant).encode()))
        letters = db.execute("SELECT rowid, row, reason, body FROM quarantine").fetchall()
        mine = [
            (n,)
            for n, row, reason, body in letters
            if row in rows or about.search(body) or about.search(reason.encode())
        ]
        db.executemany("DELETE FROM quarantine WHERE rowid = ?", mine)
        db.execute("VACUUM")
        _empty_log(db, beside, infant)


def _empty_log(db: sqlite3.Connection, path: Path, infant: str) -> None:
    """Pages of before stand in the log until it is emptied, which somebody who reads can hold up."""
    ((busy, *_),) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        raise StillThere(Path(f"{path}-wal"), infant)


def _delete(path: Path, done: Forgotten) -> None:
    locks = [path.with_suffix(".lock")] if is_night(path) else []
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), *locks):
        if name.is_file():
            name.unlink()
            if name.suffix != ".lock":
                done.files.append(name)
