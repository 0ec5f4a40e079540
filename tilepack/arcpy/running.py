"""Running a script in which ``import arcpy`` means tilepack's."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType

from tilepack.arcpy.refusing import refuse_modules

USAGE = "usage: python -m tilepack.arcpy SCRIPT.py [ARGUMENT]...\n"
_OWN = "tilepack.arcpy"
_INTERRUPTED = 130


def take_name() -> None:
    """Let ``import arcpy`` in this process mean tilepack's, with ``arcpy.server`` and ``arcpy.management``."""
    for name in ("", ".server", ".management"):
        sys.modules[f"arcpy{name}"] = importlib.import_module(f"{_OWN}{name}")
    refuse_modules("arcpy")


def run_script(arguments: Sequence[str]) -> int:
    """Run a script as Python would: as ``__main__``, with its folder first on the path and its own arguments.

    Args:
        arguments: The script's path, and what comes behind it.

    Returns:
        The exit code: the script's own, 1 after an error, 2 where there is no script, 130 after Ctrl-C.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        (sys.stdout if arguments else sys.stderr).write(USAGE)
        return 0 if arguments else 2
    script = Path(arguments[0])
    try:
        source = script.read_bytes()
    except OSError as error:
        sys.stderr.write(f"{script}: cannot be read: {error.strerror}\n")
        return 2
    take_name()
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(script), __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = main
    sys.argv = list(arguments)
    sys.path[:0] = [os.path.dirname(os.path.realpath(script))]  # noqa: PTH120
    try:
        exec(compile(source, str(script), "exec"), main.__dict__)  # noqa: S102  which is what the user asks for
    except SystemExit as stop:
        return _code(stop)
    except KeyboardInterrupt:
        _show(*sys.exc_info())
        return _INTERRUPTED
    except BaseException:  # noqa: BLE001  whatever a script raises is shown, as Python shows it
        _show(*sys.exc_info())
        return 1
    return 0


def _code(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    sys.stderr.write(f"{stop.code}\n")
    return 1


def _show(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
    """Show an error from the script's own first line on."""
    traceback.print_exception(kind, error, None if trace is None else trace.tb_next)
