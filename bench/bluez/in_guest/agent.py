"""Does in the guest what the host asks for: a line of JSON with a command for the shell, a line with what came of it.

Standard library only: it is the guest's first process, and starts before anything else can be imported.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

PORT = "agent"


def port(name: str) -> Path:
    """The virtual serial line of that name; there is no udev here that would give it one."""
    for entry in Path("/sys/class/virtio-ports").iterdir():
        if (entry / "name").read_text().strip() == name:
            return Path("/dev") / entry.name
    raise LookupError(name)


def obeyed(asked: dict[str, object]) -> dict[str, object]:
    # Output goes to a file: what is started in the background would keep a pipe open for ever.
    with Path("/tmp/said").open("w+b") as said:
        running = subprocess.Popen(
            ["/bin/sh", "-c", str(asked["sh"])],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd="/lullwatch",
            start_new_session=True,
        )
        try:
            code: int | None = running.wait(float(str(asked["timeout_s"])))
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, 9)
            running.wait()
            code = None
        said.seek(0)
        return {"code": code, "said": said.read().decode(errors="replace")}


def written(line: int, answer: bytes) -> None:
    """A serial line takes some thirty thousand bytes at once."""
    while answer:
        answer = answer[os.write(line, answer) :]


def main() -> None:
    line = os.open(port(PORT), os.O_RDWR)
    written(line, b'{"code": 0, "said": "up"}\n')
    asked = b""
    while part := os.read(line, 65536):
        asked += part
        while b"\n" in asked:
            one, _, asked = asked.partition(b"\n")
            written(line, json.dumps(obeyed(json.loads(one))).encode() + b"\n")


if __name__ == "__main__":
    main()
