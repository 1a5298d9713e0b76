"""A gateway's caregiving in a process of its own, to be killed: one urgent alert, told and repeated."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.caregiving_rig import Home, alert


async def live(folder: Path) -> None:
    home = Home(folder)
    async with home.living():
        home.decide(alert())
        await home.pass_time(70)
        sys.stdout.write(f"told {home.clock.now_ns()} {' '.join(home.phone.kinds())}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1])))
