"""The command line."""

from __future__ import annotations

import os
import select
import sys

from cyclopts import App, CycloptsError

from store.errors import StoreError

from .commands.align import align
from .commands.backup import backup, restore
from .commands.check import check
from .commands.compare import compare
from .commands.demo import demo
from .commands.export import export
from .commands.forget import forget
from .commands.import_ import import_
from .commands.init import init
from .commands.monitor import monitor
from .commands.pin import pin
from .commands.replay import replay
from .commands.report import report
from .commands.review import review
from .commands.score import score
from .commands.self_test import self_test
from .commands.sensors import sensors
from .commands.serve import serve
from .commands.simulate import simulate
from .commands.summary import summary
from .commands.up import up
from .commands.watching import arm, disarm, pause, status
from .errors import LullwatchError

__all__ = ["COMMANDS", "app", "main"]

_HELP = """Listens to motion sensors in a baby's socks and onesie, keeps every sample, raises alerts.

It logs and alerts; it never diagnoses and never reassures.

Example: lullwatch demo
"""

app = App(
    name="lullwatch",
    help=_HELP,
    help_format="plaintext",
    version=lambda: _version(),
)
COMMANDS = (
    init,
    check,
    demo,
    sensors,
    up,
    monitor,
    serve,
    status,
    pause,
    arm,
    disarm,
    simulate,
    replay,
    score,
    compare,
    export,
    import_,
    summary,
    report,
    review,
    align,
    self_test,
    backup,
    restore,
    forget,
    pin,
)
"""Their modules are thin: what is heavy is imported when a command runs, so that --help is quick."""

for _command in COMMANDS:
    app.command(_command)


def _version() -> str:
    from importlib.metadata import version

    return f"lullwatch {version('lullwatch')}"


def main(words: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 when it did what was asked, 1 when it ran and found something wrong, 2 when it could not run; as from a
        shell, 130 when it was interrupted, 141 when whoever read its output had enough.
    """
    try:
        status = app(words, result_action="return_value", exit_on_error=False)
        sys.stdout.flush()
    except CycloptsError:
        return 2  # cyclopts has said what was wrong
    except (LullwatchError, StoreError) as error:
        from .console import complain

        complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        return 141
    except OSError as error:
        if error.filename is None:
            raise
        from .console import complain

        complain(
            f"{error.filename}: {error.strerror}; see that it is there, and that this user may read and write it"
        )
        return 2
    except EOFError:
        from .console import complain

        complain(
            "nobody answers any more; nothing was written. Give the answers as options instead, see --help"
        )
        return 2
    return int(status or 0)


def _nobody_reads() -> bool:
    """Whether the other end of the output has gone, as behind `| head`; nothing more is written to it then."""
    look = select.poll()
    look.register(output := sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _, event in look.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)  # what is left in the buffer is flushed once more at the end
    os.close(nowhere)
    return True


if __name__ == "__main__":
    sys.exit(main())
