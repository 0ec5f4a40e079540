"""How a command ends: exit codes, and sentences instead of tracebacks.

====  =========================================================================
code  meaning
====  =========================================================================
0     done
1     failed, the reason stands on stderr; or diff found a difference
2     the command line itself is wrong (Typer's own, and contradictory options)
3     done, but for tiles that were skipped
130   stopped by Ctrl-C
143   stopped by SIGTERM
====  =========================================================================

Nobody reading on (``| head``) is no failure: what was to be done was done, and the code is 0.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Final, ParamSpec

import typer

import tilepack
from tilepack_cli.consoles import complain

P = ParamSpec("P")

FAILED: Final = 1
SKIPPED: Final = 3
INTERRUPTED: Final = 130
TERMINATED: Final = 143


class Terminated(KeyboardInterrupt):
    """SIGTERM came: clean up as for Ctrl-C."""


def reported(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command end with an exit code and a sentence, whatever happens in it.

    The command's options ``quiet`` and ``verbose`` are looked at: together they are refused, and ``verbose`` shows the
    traceback of a failure.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        if kwargs.get("quiet") and kwargs.get("verbose"):
            raise typer.BadParameter("they contradict each other; choose one", param_hint="--quiet / --verbose")
        verbose = bool(kwargs.get("verbose"))
        try:
            with _terminable():
                command(*args, **kwargs)
                sys.stdout.flush()
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt as stop:
            complain("; ".join(["stopped", *getattr(stop, "__notes__", [])]))
            raise typer.Exit(TERMINATED if isinstance(stop, Terminated) else INTERRUPTED) from None
        except tilepack.TilepackError as error:
            _fail(error, _sentences(error), verbose=verbose)
        except ModuleNotFoundError as error:
            _fail(
                error,
                f"the Python package {error.name!r}, which this needs, is not installed here; install tilepack anew, "
                f"with pip",
                verbose=verbose,
            )
        except OSError as error:
            _discard_output()
            if _nobody_reads(error):
                return
            _fail(error, _sentence_of_system(error), verbose=verbose)
        except Exception as error:  # noqa: BLE001  the last resort: whoever runs a command gets a sentence
            _fail(
                error,
                f"{type(error).__name__}: {error}\nThis is a fault of tilepack, not yours. Please report it, with what "
                f"--verbose shows.",
                verbose=verbose,
            )

    return run


def _fail(error: BaseException, message: str, *, verbose: bool) -> None:
    complain(message)
    if verbose:
        import traceback

        traceback.print_exception(error)
    raise typer.Exit(FAILED) from None


def _sentences(error: BaseException) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", [])])


def _sentence_of_system(error: OSError) -> str:
    place = "the output cannot be written" if error.filename is None else str(error.filename)
    return f"{place}: {error.strerror or error}"


def _nobody_reads(error: OSError) -> bool:
    """Tell whether whoever read our output has gone, as ``| head`` does; Windows calls that EINVAL."""
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


def _discard_output() -> None:
    """Keep the interpreter from flushing into an output that failed."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM raise, so that targets are cleaned up as after Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
