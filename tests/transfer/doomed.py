"""A process that runs tilepack's command line in forks of itself, and lets things befall them.

It stays warm, so that a run takes as long as its work does. Orders come as JSON, one a line, on stdin::

    {"words": ["import", "a", "b"], "fault": ["kill", 17, ""], "after": null, "user": null}

What may befall the fork at its 17th step, ``steps`` tells; or it is killed after so many seconds. The answer is a line,
too::

    {"code": -9, "steps": 0, "writes": [], "said": ""}

with the number of steps that it took, if it came to its end, and which of them wrote bytes. The code of one that was
stopped is None; ``{"words": null}`` lets it go on, and is answered with its end.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import IO, NamedTuple

from steps import Fault, Steps
from typer.main import get_command

import tilepack
from tilepack.disk import groups
from tilepack_cli.main import app

LIBRARY = {
    "convert-in-place": tilepack.convert_in_place,
    "delete-cache": tilepack.delete_cache,
}
"""What the command line has no word for."""


COMMAND = get_command(app)
"""Made once, which takes longer than some of the work."""


def run(words: list[str]) -> int:
    """Run a command line; give its exit code."""
    if words[0] in LIBRARY:
        try:
            LIBRARY[words[0]](*words[1:])
        except tilepack.TilepackError as error:
            sys.stderr.write(f"tilepack: {error}\n")
            return 1
        return 0
    try:
        COMMAND(words, prog_name="tilepack")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


class Run(NamedTuple):
    """A fork at work."""

    process: int
    said: IO[bytes]
    """What it says on stderr."""
    counted: IO[bytes]
    """Where it tells of its steps."""

    def wait(self) -> dict[str, object]:
        """Wait until it ends, or is stopped."""
        status = os.waitpid(self.process, os.WUNTRACED)[1]
        if os.WIFSTOPPED(status):
            return {"code": None, "steps": 0, "writes": [], "said": ""}
        self.said.seek(0)
        self.counted.seek(0)
        number, writes = json.loads(self.counted.read() or "[0, []]")
        said = self.said.read().decode()
        self.said.close()
        self.counted.close()
        return {"code": os.waitstatus_to_exitcode(status), "steps": number, "writes": writes, "said": said}


def begin(words: list[str], fault: Fault, user: int | None, *, in_order: bool) -> Run:
    """Run a command line in a fork; in order, the number of its steps is the same in every run."""
    gc.freeze()  # else the fork's collector would copy all that is there
    said, counted = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  closed when it has ended
    child = os.fork()
    if child:
        return Run(child, said, counted)
    code = 70
    try:
        os.dup2(said.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if user is not None:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        if in_order:
            groups.MOST_TOGETHER = 1
        steps = Steps(fault)
        code = run(words)
        sys.stderr.flush()
        counted.write(json.dumps([steps.number, steps.with_bytes]).encode())
        counted.flush()
    except BaseException:  # noqa: BLE001  nothing of it may go on in the fork
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    """Follow orders."""
    with contextlib.redirect_stderr(io.StringIO()):
        run(["info", "nothing-of-that-name"])  # to load whatever failures use, for forks that may read nothing
    stopped: Run | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if order["words"] is None:
            assert stopped is not None
            os.kill(stopped.process, signal.SIGCONT)
            answer = stopped.wait()
        elif order["fault"][1] == 0:
            # to load whatever such a command uses, before the first fork
            answer = {"code": run(order["words"]), "steps": 0, "writes": [], "said": ""}
        else:
            work = begin(order["words"], Fault(*order["fault"]), order["user"], in_order=order["after"] is None)
            if order["after"] is not None:
                time.sleep(order["after"])
                os.kill(work.process, signal.SIGKILL)
            answer = work.wait()
            stopped = work
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    serve()
