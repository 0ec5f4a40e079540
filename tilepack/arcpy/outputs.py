"""Where tools put what they make: folders made on the way, staging folders, words about what was done.

Where ArcGIS puts exported tiles below the folder it is given is not documented in full. tilepack's choice::

    <target>/<service>/Layers/conf.xml, ...     a cache dataset
    <target>/<service>.tpk, .tpkx               a tile package
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tilepack.arcpy.environment import env, located
from tilepack.arcpy.messages import ExecuteError, current, lasting
from tilepack.disk.files import explained
from tilepack.wording import counted

if TYPE_CHECKING:
    from tilepack.transfer.result import TransferResult

DATA_FRAME = "Layers"
"""Folder of the cache itself in that of a service: ArcGIS' name for a data frame nobody named."""


@contextmanager
def made_folders(folder: Path, *inner: str) -> Iterator[Path]:
    """Make a folder whose parent exists, and others in it; what was made goes again when the work fails.

    Raises:
        ExecuteError: Neither the folder nor its parent exists, or a file is in the way.
    """
    if not (folder.is_dir() or folder.absolute().parent.is_dir()):
        raise ExecuteError(f"{folder}: neither that folder nor the one around it exists; make it first")
    made: list[Path] = []
    try:
        for place in (folder, *(folder.joinpath(*inner[: depth + 1]) for depth in range(len(inner)))):
            if not place.is_dir():
                with explained("make the folder", place):
                    place.mkdir()
                made.append(place)
        yield folder.joinpath(*inner)
    except BaseException:
        for place in reversed(made):
            with suppress(OSError):  # not empty: somebody else's
                place.rmdir()
        raise


@contextmanager
def staging_folder() -> Iterator[Path]:
    """Give a folder for what is built elsewhere and then moved; it goes at the end, with all that is left in it."""
    wished = env.scratchFolder or env.scratchWorkspace
    around = located(str(wished)) if wished else None
    with explained("make a staging folder", around or tempfile.gettempdir()):
        folder = tempfile.TemporaryDirectory(
            prefix="tilepack-",
            dir=around if around is not None and around.is_dir() else None,
            ignore_cleanup_errors=True,
        )
    with folder as name:
        yield Path(name)


def tell(result: TransferResult, verb: str, where: Path) -> None:
    """Say what a transfer did: ``Exported 1,234 tiles of levels 5-8 to ... in 12.3 s``."""
    for warning in result.plan.warnings:
        current.warn(warning)
    for tile, reason in list(result.skipped.items())[:20]:
        current.warn(f"{tile} was left out: {reason}")
    levels = sorted({task.bundle.level for task in result.plan.tasks})
    of = f" of level {levels[0]}" if len(levels) == 1 else f" of levels {spans(levels)}" if levels else ""
    current.say(f"{verb} {counted(result.tiles, 'tile')}{of} to {where} in {lasting(result.seconds)}")
    counts = result.counts
    parts = {
        "moved untouched": counts.copied + counts.repacked,
        "cut or blended": counts.blended,
        "dropped, nothing being left of them": counts.dropped,
        "there already": counts.unchanged,
        "deleted": counts.deleted,
    }
    said = ", ".join(f"{number:,} {what}" for what, number in parts.items() if number)
    if said:
        current.say(f"Of these tiles: {said}")


def spans(levels: list[int]) -> str:
    """Name levels in runs.

    >>> spans([0, 1, 2, 5])
    '0-2, 5'
    """
    runs: list[list[int]] = []
    for level in levels:
        if runs and runs[-1][-1] == level - 1:
            runs[-1].append(level)
        else:
            runs.append([level])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
