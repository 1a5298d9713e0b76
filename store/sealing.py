"""A night put to rest: the journal's samples in one file that is read back in a fraction of a second.

The file is a copy beside the journal, a NumPy archive (`.npz`, not compressed) with a few long arrays instead of
700,000 rows. It may be deleted at any time and made again. It counts as sealed only after every packet was
compared with the journal bit by bit; when rows come after that, the journal is read instead.
"""

from __future__ import annotations

import json
import os
import zipfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.records import Scale, Site, Stretch
from store.errors import BadRecording, NotSealed
from store.journal import Journal
from store.private_files import opened_private
from store.recording import AtRest, place_in_time
from store.rows import SegmentRow

__all__ = ["Sealed", "read_sealed", "seal", "sealed_night", "sealed_path", "unseal"]

_FORMAT = 1
"""version of the archive"""

_PROBES = 64
"""Rows, spread over the night, that must still be in the journal: raw data that is no longer kept there must not
come back from its sealed copy. Each takes some microseconds to look up."""

_PAGE_ROWS = 4096
"""Rows read from the journal between two calls of `on_progress`: some hundredths of a second."""

_REMEDY = "Delete it and seal the night again; the journal holds everything."

_COLUMNS = ("seq", "t0_ns", "step_ns", "n", "flags")
_PACKET_COLUMNS = ("row", "clock", "arrived_ns")
"""What a packet was beside its segment: not needed to replay, kept so that the copy is whole."""

_Ints = NDArray[np.int64]
_Kind = tuple[str, str, str, int, float, float, int, float]
"""infant, site, sensor, boot, g and degrees per second of a count, axes, nominal rate"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed."""

    path: Path
    segments: int
    upto_row: int


@dataclass(slots=True)
class _Heap:
    """Packets of one kind as they are gathered: integers and counts without an object for each."""

    columns: dict[str, array[int]] = field(
        default_factory=lambda: {name: array("q") for name in (*_COLUMNS, *_PACKET_COLUMNS)}
    )
    counts: bytearray = field(default_factory=bytearray)

    def add(self, row_number: int, row: SegmentRow) -> None:
        packet, segment = row.packet, row.segment
        values = (segment.seq, segment.t0_ns, segment.step_ns, segment.n, int(segment.flags))
        for name, value in zip(_COLUMNS, values, strict=True):
            self.columns[name].append(value)
        for name, value in zip(_PACKET_COLUMNS, (row_number, packet.clock, packet.arrived_ns), strict=True):
            self.columns[name].append(value)
        self.counts += np.ascontiguousarray(segment.counts, dtype="<i2").data


def sealed_path(journal: Path) -> Path:
    """Where the sealed copy of a journal lies."""
    return journal.with_name(f"{journal.stem}_sealed.npz")


def seal(path: Path, *, on_progress: Callable[[float], None] = lambda _: None) -> Sealed:
    """Seal every infant's samples of a journal; what was sealed before is replaced only when this has succeeded.

    Args:
        path: a journal; it may still be written to, rows that come after this began are not sealed.
        on_progress: called with the share of the work done since the last call; the shares add up to 1.

    Raises:
        NotSealed: when there are no samples, the file cannot be written, or it does not read back bit by bit.
        store.errors.JournalError: when the journal cannot be read.
    """
    target = sealed_path(path)
    partial = target.with_suffix(".partial")
    with Journal.read_only(path) as journal:
        upto = journal.last_row
        heaps = _gathered(journal, upto, on_progress)
        if not heaps:
            raise NotSealed(path, "no movement signals in it")
        try:
            segments = _write(partial, journal, upto, heaps)
            heaps.clear()
            _compare(partial, path, journal, upto, on_progress)
            partial.replace(target)
        except OSError as error:
            raise NotSealed(path, f"{target.name} cannot be written ({error.strerror or error})") from error
        finally:
            partial.unlink(missing_ok=True)
    return Sealed(target, segments, upto)


def unseal(path: Path) -> bool:
    """Delete the sealed copy of a journal; says whether there was one."""
    target = sealed_path(path)
    there = target.exists()
    target.unlink(missing_ok=True)
    return there


def sealed_night(journal: Journal, infant: str) -> AtRest | None:
    """The infant's samples from the sealed copy; None where there is none that holds what the journal holds.

    Raises:
        BadRecording: when the copy is damaged.
    """
    path = sealed_path(journal.path)
    if not path.exists():
        return None
    with _opened(path) as (about, archive):
        if not _is_of(journal, about):
            return None
        for number, person in enumerate(about["infants"]):
            if person["infant"] == infant:
                stretches = _stretches(path, archive, number, person)
                t0_ns = min(s.t0_ns for s in stretches)
                zone, start_utc_ns = place_in_time(journal.clock_rows(), t0_ns)
                return AtRest(infant, zone, start_utc_ns, t0_ns, stretches)
    return None


def _is_of(journal: Journal, about: dict[str, Any]) -> bool:
    """Whether the journal still holds what was sealed, and no packet besides."""
    if journal.read(about["upto_row"], limit=1, tables=("segment",)):
        return False
    found = (journal.read(row - 1, limit=1, tables=("segment",)) for row in about["probes"])
    return all(page and page[0][0] == row for page, row in zip(found, about["probes"], strict=True))


def read_sealed(path: Path | str) -> list[AtRest]:
    """Everything in a sealed file, one recording for each infant, without its journal.

    Raises:
        BadRecording: when it is none or is damaged.
    """
    path = Path(path)
    with _opened(path) as (about, archive):
        return [
            AtRest(
                p["infant"], p["zone"], p["start_utc_ns"], p["t0_ns"], _stretches(path, archive, number, p)
            )
            for number, p in enumerate(about["infants"])
        ]


def _gathered(journal: Journal, upto: int, on_progress: Callable[[float], None]) -> dict[_Kind, _Heap]:
    """Every packet in row order by kind: half of the work."""
    heaps: dict[_Kind, _Heap] = {}
    after = 0
    while page := journal.read(after, limit=_PAGE_ROWS, tables=("segment",)):
        for number, row in page:
            if number <= upto and isinstance(row, SegmentRow):
                heaps.setdefault(_kind(row), _Heap()).add(number, row)
        on_progress((min(page[-1][0], upto) - min(after, upto)) / max(upto, 1) / 2)
        after = page[-1][0]
    return heaps


def _kind(row: SegmentRow) -> _Kind:
    s = row.segment
    scale = s.scale
    return (
        row.infant, str(s.site), s.sensor, s.boot, scale.acc_g, scale.gyro_dps, s.counts.shape[1], row.packet.rate_hz
    )  # fmt: skip


def _write(path: Path, journal: Journal, upto: int, heaps: dict[_Kind, _Heap]) -> int:
    clock = journal.clock_rows()
    rows = np.sort(np.concatenate([np.array(heap.columns["row"]) for heap in heaps.values()]))
    probes = sorted({int(rows[i]) for i in np.linspace(0, len(rows) - 1, _PROBES).astype(int)})
    infants: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for number, infant in enumerate(sorted({kind[0] for kind in heaps})):
        kinds = sorted(kind for kind in heaps if kind[0] == infant)
        t0_ns = min(min(heaps[kind].columns["t0_ns"]) for kind in kinds)
        zone, start_utc_ns = place_in_time(clock, t0_ns)
        infants.append(
            {"infant": infant, "zone": zone, "start_utc_ns": start_utc_ns, "t0_ns": t0_ns}
            | {"kinds": [kind[1:] for kind in kinds]}
        )
        for place, kind in enumerate(kinds):
            arrays |= _arrays(f"{number}/{place}/", kind, heaps.pop(kind))
    about = {"format": _FORMAT, "upto_row": upto, "probes": probes, "infants": infants}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    with open(path, "wb", opener=opened_private) as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    return sum(len(a[0]) for name, a in arrays.items() if name.endswith("/segments"))


def _arrays(prefix: str, kind: _Kind, heap: _Heap) -> dict[str, NDArray[Any]]:
    """The packets of one kind by time."""
    columns = {name: np.frombuffer(values, dtype=np.int64) for name, values in heap.columns.items()}
    counts = np.frombuffer(heap.counts, dtype="<i2").reshape(-1, kind[6])
    order = np.lexsort((columns["seq"], columns["t0_ns"]))
    if not np.array_equal(order, np.arange(len(order))):
        ns = columns["n"]
        first = (np.cumsum(ns) - ns)[order]
        columns = {name: values[order] for name, values in columns.items()}
        counts = counts[_places(first, columns["n"])]
    return {
        f"{prefix}segments": np.stack([columns[name] for name in _COLUMNS]),
        f"{prefix}packets": np.stack([columns[name] for name in _PACKET_COLUMNS]),
        f"{prefix}counts": counts,
    }


def _places(firsts: _Ints, ns: _Ints) -> _Ints:
    return np.repeat(firsts - (np.cumsum(ns) - ns), ns) + np.arange(int(ns.sum()))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """What a sealed file says of itself, and its arrays."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadRecording(path, f"cannot be opened ({error.strerror})", "Check the name.") from error
    with file:
        try:
            archive = np.load(file, allow_pickle=False)
            about = json.loads(archive["about"].tobytes())
            if about["format"] > _FORMAT:
                raise BadRecording(path, "sealed by a newer version", "Install the newer version to read it.")
        except _DAMAGE as error:
            raise BadRecording(path, f"not a sealed night, or a damaged one ({error})", _REMEDY) from error
        yield about, archive


_DAMAGE = (
    OSError,
    SyntaxError,  # numpy reads an array's header as Python's
    TokenError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
    NotImplementedError,
)
"""What NumPy and zipfile raise on bytes that are not whole"""


def _stretches(path: Path, archive: Any, number: int, person: dict[str, Any]) -> tuple[Stretch, ...]:  # noqa: ANN401 - NumPy does not name its archive's type
    try:
        whole = [_stretch(archive, f"{number}/{place}/", kind) for place, kind in enumerate(person["kinds"])]
    except _DAMAGE as error:
        raise BadRecording(path, f"a damaged sealed night ({error})", _REMEDY) from error
    return tuple(
        sorted(_interleaved(whole), key=lambda s: (s.t0_ns, s.site, s.sensor, s.boot, int(s.seqs[0])))
    )


def _stretch(archive: Any, prefix: str, kind: list[Any]) -> Stretch:  # noqa: ANN401 - as above
    site, sensor, boot, acc_g, gyro_dps, _, _ = kind
    seqs, t0s_ns, steps_ns, ns, flags = archive[f"{prefix}segments"]
    counts = archive[f"{prefix}counts"]
    if int(ns.sum()) != len(counts):
        message = "its tables do not fit together"
        raise ValueError(message)
    return Stretch(
        Site(site), sensor, boot, Scale(acc_g, gyro_dps), seqs=seqs, t0s_ns=t0s_ns, steps_ns=steps_ns, ns=ns,
        firsts=np.cumsum(ns) - ns, flags=flags, counts=counts,
    )  # fmt: skip


def _interleaved(whole: list[Stretch]) -> Iterator[Stretch]:
    """The stretches of each site cut where another one's samples lie between: as they follow each other in time."""
    for site in dict.fromkeys(s.site for s in whole):
        of_site = [s for s in whole if s.site is site]
        if len(of_site) == 1:
            yield of_site[0]
            continue
        owner = np.concatenate([np.full(len(s), i) for i, s in enumerate(of_site)])
        place = np.concatenate([np.arange(len(s)) for s in of_site])
        names = {name: i for i, name in enumerate(sorted({s.sensor for s in of_site}))}
        sensors = np.concatenate([np.full(len(s), names[s.sensor]) for s in of_site])
        boots = np.concatenate([np.full(len(s), s.boot, dtype=np.int64) for s in of_site])
        seqs, t0s_ns = (np.concatenate([getattr(s, name) for s in of_site]) for name in ("seqs", "t0s_ns"))
        order = np.lexsort((seqs, boots, sensors, t0s_ns))
        edges = [0, *(np.flatnonzero(np.diff(owner[order])) + 1).tolist(), len(order)]
        for a, b in pairwise(edges):
            first = int(place[order[a]])
            yield of_site[int(owner[order[a]])].part(first, first + b - a)


def _compare(
    sealed: Path, path: Path, journal: Journal, upto: int, on_progress: Callable[[float], None]
) -> None:
    """Raise NotSealed unless the file on the disk holds every packet of the journal, bit for bit, and no other."""
    heaps = _gathered(journal, upto, on_progress)
    with _opened(sealed) as (about, archive):
        for number, person in enumerate(about["infants"]):
            for place, rest in enumerate(person["kinds"]):
                heap = heaps.pop((person["infant"], *rest), None)
                if heap is None or not _same(archive, f"{number}/{place}/", heap):
                    raise NotSealed(path, f"{sealed.name} does not read back bit by bit")
    if heaps:
        raise NotSealed(path, f"{sealed.name} does not hold every packet")


def _same(archive: Any, prefix: str, heap: _Heap) -> bool:  # noqa: ANN401 - as above
    """Whether an archive's arrays, put back into the order of the rows, are what was gathered."""
    try:
        segments, packets, counts = (archive[prefix + name] for name in ("segments", "packets", "counts"))
    except _DAMAGE:
        return False
    order = np.argsort(packets[0])
    found = dict(zip((*_COLUMNS, *_PACKET_COLUMNS), (*segments, *packets), strict=True))
    for name, values in heap.columns.items():
        if not np.array_equal(found[name][order], np.frombuffer(values, dtype=np.int64)):
            return False
    ns = found["n"]
    back = counts[_places((np.cumsum(ns) - ns)[order], ns[order])]
    return bool(np.array_equal(back.reshape(-1), np.frombuffer(heap.counts, dtype="<i2")))
