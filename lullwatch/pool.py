"""Many tasks on all cores, or on a Dask cluster: each result as it is there, what failed tried again, nothing lost.

A task that raises is tried again; one that ends its process (most often for want of memory) is tried again in a
process of its own, so that it cannot take others with it twice. What fails each time is handed back with its reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any, Final, Generic, TypeVar

from .errors import LullwatchError

__all__ = ["BadCluster", "DaskMissing", "Done", "on_cores", "on_dask"]

_KILLED: Final = "KilledWorker"
"""Dask's word for a task that was there each time a worker died."""
_TRIES: Final = 2
"""A file on a network that hiccups is there a moment later; what fails twice fails always."""

_CONNECT_S: Final = 10.0
"""A scheduler that does not answer within this is not there."""

_ENDED: Final = "its process was ended each time, most likely for want of memory (a night needs 500 MB)"

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class DaskMissing(LullwatchError):
    """The package is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "--dask needs dask.distributed. Run: pip install 'lullwatch[dask]', here and on every worker"
        )


class BadCluster(LullwatchError):
    """No scheduler answers."""

    def __init__(self, address: str, what: str) -> None:
        super().__init__(
            f"Dask at {address}: {what}. Start one with `dask scheduler` and `dask worker {address}`, where every "
            "computer sees the same folders and has the same lullwatch"
        )


@dataclass(frozen=True, slots=True)
class Done(Generic[_Task, _Result]):
    """A task that came to its end."""

    task: _Task
    result: _Result | None
    """None when it failed"""
    error: str = ""
    """why it failed each time; empty when it did not"""


def on_cores(
    work: Callable[[_Task], _Result], tasks: Sequence[_Task], *, jobs: int | None = None
) -> Iterator[Done[_Task, _Result]]:
    """Results as they are there, in whatever order.

    Args:
        work: a function of a module, so that other processes find it.
        tasks: its arguments.
        jobs: processes; one for each core when None. With 1 everything happens in this process.
    """
    jobs = min(jobs or os.cpu_count() or 1, max(len(tasks), 1))
    if jobs == 1:
        yield from (_here(work, task) for task in tasks)
        return
    left = list(tasks)
    while left:
        left = yield from _round(work, left, jobs)
        # what was begun, and one more that had been handed over: whatever ended its process is among these
        suspects, left = left[: jobs + 1], left[jobs + 1 :]
        for task in suspects:
            yield from _alone(work, task)


def _alone(work: Callable[[_Task], _Result], task: _Task) -> Iterator[Done[_Task, _Result]]:
    left = [task]
    for _ in range(_TRIES):  # it may not have been the one, or not have begun
        left = yield from _round(work, left, 1)
    if left:
        yield Done(task, None, _ENDED)


def _round(
    work: Callable[[_Task], _Result], tasks: Sequence[_Task], jobs: int
) -> Generator[Done[_Task, _Result], None, list[_Task]]:
    """Everything once in a pool of its own; returns, in order, what a process that ended by itself left."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    ended: set[int] = set()
    try:
        waiting: dict[Future[Done[_Task, _Result]], int] = {
            pool.submit(_here, work, task): place for place, task in enumerate(tasks)
        }
        for future in as_completed(waiting):
            try:
                yield future.result()
            except BrokenProcessPool:
                ended.add(waiting[future])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [tasks[place] for place in sorted(ended)]


def _here(work: Callable[[_Task], _Result], task: _Task) -> Done[_Task, _Result]:
    said = ""
    for _ in range(_TRIES):
        try:
            return Done(task, work(task))
        except Exception as error:  # noqa: BLE001 - one task that fails is handed back and must not end the others
            said = _named(error)
    return Done(task, None, said)


def on_dask(
    work: Callable[[_Task], _Result], tasks: Sequence[_Task], *, address: str
) -> Iterator[Done[_Task, _Result]]:
    """The same on a cluster; a worker that dies is replaced by another one, as Dask does it.

    Raises:
        DaskMissing: the package is not installed.
        BadCluster: nobody answers at `address`.
    """
    if find_spec("distributed") is None:
        raise DaskMissing
    dask: Any = import_module("distributed")
    try:
        client = dask.Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise BadCluster(address, f"{type(error).__name__}: {error}") from error
    with client:
        killed: list[_Task] = []
        waiting: dict[Any, _Task] = {client.submit(_here, work, t, pure=False): t for t in tasks}
        for future in dask.as_completed(list(waiting)):
            task = waiting.pop(future)
            if future.status != "finished" and type(future.exception()).__name__ == _KILLED:
                killed.append(task)
            else:
                yield _outcome(task, future)
            future.release()
        for task in killed:  # whoever worked beside the one that ended its worker is innocent: each alone
            yield _outcome(task, client.submit(_here, work, task, pure=False))


def _outcome(task: _Task, future: Any) -> Done[_Task, Any]:  # noqa: ANN401 - Dask's future has no types
    error = future.exception()  # waits
    done: Done[_Task, Any] = future.result() if error is None else Done(task, None, _named(error))
    return done


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
