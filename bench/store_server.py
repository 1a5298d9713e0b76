"""A real InfluxDB in a process of its own, for bench/store_rates.py: prints where it is, ends when its input ends.

Compaction begins seconds after the last write instead of hours, so that the size on disk can be told.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lullwatch import local_influx

# ruff: noqa: SLF001 - the bench looks inside: the engine itself is measured, without the door in front of it

SOON = '  cache-snapshot-write-cold-duration = "5s"\n  compact-full-write-cold-duration = "5s"\n'


def main() -> int:
    plain = local_influx._influx_configuration
    local_influx._influx_configuration = lambda folder, port: plain(folder, port).replace(
        "[http]\n", f"{SOON}[http]\n", 1
    )
    with local_influx.LocalInflux(Path(sys.argv[1])) as server:
        for bucket in sys.argv[2:]:
            server.create_bucket(bucket)
        assert server._process is not None
        pid = server._process.pid
        where = {
            "url": server.url,
            "engine": f"http://127.0.0.1:{server._port}",
            "token": server.token,
            "pid": pid,
        }
        print(json.dumps(where), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
