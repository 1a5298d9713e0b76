"""The monitor of a soak: as `tests.crash_child` runs it, and on SIGUSR1 it says what each of its tasks waits for.

python bench/soak_child.py CONFIG.json
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lullwatch import monitor
from tests.crash_child import main

_run = monitor._run  # noqa: SLF001 - the one place where the monitor's loop can be listened to


async def _listening(*args: object) -> None:
    loop = asyncio.get_running_loop()

    def say(_number: int, _frame: FrameType | None) -> None:
        for task in asyncio.all_tasks(loop):
            task.print_stack(limit=6, file=sys.stderr)
        faulthandler.dump_traceback(sys.stderr, all_threads=True)

    signal.signal(signal.SIGUSR1, say)
    await _run(*args)  # type: ignore[arg-type]


if __name__ == "__main__":
    monitor._run = _listening  # type: ignore[assignment]  # noqa: SLF001 - see above
    main(sys.argv[1])
    sys.stdout.flush()
    os._exit(0)
