"""Pressing Ctrl-C in the midst of work that another process does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time


def assert_stops(script: str) -> None:
    """Run a script that prints "ready" while it works and "stopped" when it heeds SIGINT, and send it one."""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        child.send_signal(signal.SIGINT)
        begun = time.monotonic()
        assert child.communicate()[0].split()[-1] == b"stopped"
        assert time.monotonic() - begun < 20
