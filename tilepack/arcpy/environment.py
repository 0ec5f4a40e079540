"""``arcpy.env``: settings that scripts make. Four of them mean something here; all others are taken, and mean nothing.

============================  ==========================================================================
workspace                     where relative paths are looked for, before the current folder
overwriteOutput               outputs that exist may be replaced: reports, tile caches, scheme files; and
                              ArcGIS' own Status.gdb may step aside
scratchFolder,                where COPY_DATA builds what it then moves; the system's folder for temporary
scratchWorkspace              files where neither is set
parallelProcessingFactor      number of threads, or a percentage of the processors: ``"50%"``
============================  ==========================================================================
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from tilepack.arcpy.messages import ExecuteError

_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|[\\/]")
"""What begins an absolute path on any system: scripts from Windows are run on others too."""

_SLASHES = str.maketrans("\\", "/")


class Environment:
    """Settings by name. What was never set is None."""

    overwriteOutput: bool = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"there is no environment setting {name!r}")
        return None

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __setitem__(self, name: str, value: object) -> None:
        setattr(self, name, value)


env = Environment()
"""The settings of this process."""


def located(text: str | os.PathLike[str]) -> Path | None:
    """Find what a path as scripts write it leads to, backslashes or not; None where nothing is there.

    Relative ones are looked for below the workspace first.
    """
    for path in candidates(text):
        try:
            if path.exists():
                return path
        except (OSError, ValueError):  # no file can have such a name
            continue
    return None


def candidates(text: str | os.PathLike[str]) -> list[Path]:
    """Give the paths that a text may mean, the likeliest first."""
    written = os.fspath(text).strip()
    found = []
    for spelling in dict.fromkeys((written, written.translate(_SLASHES))):
        found += [path for path in (_in_workspace(spelling), Path(spelling)) if path is not None]
    return found


def output_path(text: str | os.PathLike[str]) -> Path:
    """Give the path that something is to be written to.

    A backslash separates on every system: nobody who writes one in a path for ArcGIS means a character of a name.
    """
    spelling = os.fspath(text).strip().translate(_SLASHES)
    return _in_workspace(spelling) or Path(spelling)


def _in_workspace(text: str) -> Path | None:
    """Give a relative path below the workspace; None where there is none, or the path is absolute."""
    workspace = env.workspace
    if not workspace or _ABSOLUTE.match(text):
        return None
    return Path(str(workspace).strip().translate(_SLASHES)) / text


def threads() -> int | None:
    """Give the number of threads that ``parallelProcessingFactor`` asks for; None: as many as there are processors.

    Raises:
        ExecuteError: It is neither a number nor a percentage.
    """
    factor = env.parallelProcessingFactor
    if factor in (None, "", "#"):
        return None
    text = str(factor).strip()
    try:
        number = float(text.removesuffix("%"))
        if not 0 <= number < 1e6:
            raise ValueError
    except ValueError:
        raise ExecuteError(f"parallelProcessingFactor is {factor!r}; write a number, or a percentage as 50%") from None
    processors = os.cpu_count() or 1
    return max(1, round(processors * number / 100) if text.endswith("%") else int(number))
