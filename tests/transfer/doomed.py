"""A process that runs tilepack's command line in forks of itself, and lets them be killed.

It stays warm, so that a run takes as long as its work does. Orders come as JSON, one a line, on stdin::

    {"words": ["import", "a", "b"], "step": 17, "half": false, "after": null}

The fork kills itself by SIGKILL in front of its 17th step, a step being a call that changes what is on the disk, or
half way through it where bytes are written; or it is killed after so many seconds. The answer is a line, too::

    {"code": -9, "steps": 0, "writes": [], "said": ""}

with the number of steps that it took, if it came to its end, and which of them wrote bytes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable

from tilepack.disk import durable, groups
from tilepack_cli.main import main

STEPS = ("fsync", "mkdir", "posix_fallocate", "pwrite", "ftruncate", "replace", "rename", "rmdir", "unlink", "write")
_WRITING = ("pwrite", "write")


class Steps:
    """Counts the steps of this process, and ends it in front of one."""

    def __init__(self, fatal: int | None, *, half: bool) -> None:
        self.number = 0
        self.writes: list[int] = []
        self._fatal = fatal
        self._half = half
        self._lock = threading.Lock()
        for name in STEPS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        making = os.open

        def opened(path: object, flags: int, *args: object, **kwargs: object) -> int:
            if flags & os.O_CREAT:
                self._step("open")
            return making(path, flags, *args, **kwargs)

        os.open = opened
        durable._sync_file_system = self._counted("syncfs", lambda _: True)

    def _step(self, name: str, end: Callable[[], object] = lambda: None) -> None:
        with self._lock:
            self.number += 1
            if name in _WRITING:
                self.writes.append(self.number)
            if self.number == self._fatal:
                end()
                os.kill(os.getpid(), signal.SIGKILL)

    def _counted(self, name: str, real: Callable) -> Callable:
        def counted(*args: object, **kwargs: object) -> object:
            def write_half() -> None:
                if self._half and name in _WRITING:
                    real(args[0], memoryview(args[1])[: len(args[1]) // 2], *args[2:])

            self._step(name, write_half)
            # What a process wrote is there when it was killed; only a power failure asks for more.
            return None if name == "fsync" else real(*args, **kwargs)

        return counted


def run(words: list[str]) -> int:
    """Run a command line; give its exit code."""
    sys.argv = ["tilepack", *words]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def run_in_fork(words: list[str], step: int | None, after: float | None, *, half: bool) -> dict[str, object]:
    """Run a command line in a fork; tell how it ended, how many steps it took, and what it said on stderr."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as counted:
        child = os.fork()
        if not child:
            code = 70
            try:
                os.dup2(said.fileno(), 2)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                if after is None:
                    groups.MOST_TOGETHER = 1  # else the number of steps is another in every run
                steps = Steps(step, half=half)
                code = run(words)
                sys.stderr.flush()
                os.pwrite(counted.fileno(), json.dumps([steps.number, steps.writes]).encode(), 0)
            finally:
                os._exit(code)
        if after is not None:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        counted.seek(0)
        number, writes = json.loads(counted.read() or "[0, []]")
        return {"code": code, "steps": number, "writes": writes, "said": said.read().decode()}


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        if order["step"] == 0:  # to load whatever such a command uses, before the first fork
            answer = {"code": run(order["words"]), "steps": 0, "writes": [], "said": ""}
        else:
            answer = run_in_fork(order["words"], order["step"], order["after"], half=order["half"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
