"""Giving finished reports their names: refusing what must not be replaced, and never leaving half of one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tilepack.disk.durable import sync_tree
from tilepack.disk.files import explained
from tilepack.disk.staging import Refusal, Staging
from tilepack.errors import CacheExistsError, TransferError
from tilepack.stores.base import TileReader

Write = Callable[[Path], None]
"""Writes a file, or a folder, under the name that it is given."""


def refuse_inside(reader: TileReader, folder: Path) -> None:
    """Refuse a folder for reports that does not exist, is the cache's, or lies in it; links are resolved.

    Raises:
        TransferError: It is one of these.
    """
    with explained("look at the report folder", folder):
        if not folder.is_dir():
            raise TransferError(f"{folder}: there is no such folder; make it first")
        if reader.home is None:
            return
        whole = Path(os.path.realpath(folder))
        # Compared as files, for systems that take names in any case.
        if any(above.samefile(reader.home) for above in (whole, *whole.parents)):
            raise TransferError(
                f"{folder}: is the cache's own folder, or lies in it; reports go elsewhere, and the cache's own "
                "Status.gdb is made by status rebuild"
            )


def refuse_file(target: Path, *, replace: bool) -> None:
    """Refuse to write a file over something that is not to be replaced, or is no file.

    Raises:
        CacheExistsError: Something is there, and it is not to be replaced; or it is a folder.
    """
    if not os.path.lexists(target):
        return
    if not replace:
        raise CacheExistsError(
            f"{target}: exists already; choose another name or folder, or say that it is to be replaced (--force)"
        )
    if target.is_dir():
        raise CacheExistsError(f"{target}: is a folder, which no report replaces; choose another name")


@contextlib.contextmanager
def publishing(files: Mapping[Path, Write], *, replace: bool, refuse: Refusal = refuse_file) -> Iterator[None]:
    """Write files beside what is there, and give all of them their names at the end of the block.

    If anything goes wrong before, in the block too, nothing has come of it.

    Args:
        files: Who writes each.
        replace: Whether they may be there already.
        refuse: Refuses what is there and may not be replaced.

    Raises:
        CacheExistsError: Something is there that is not to be replaced.
        TransferError: One cannot be written.
    """
    stagings: list[Staging] = []
    try:
        for path, write in files.items():
            staging = Staging(path, replace=replace, refuse=refuse, keep_suffix=True)
            stagings.append(staging)
            write(staging.partial)
            _sync(staging.partial)
        yield
        for staging in stagings:
            staging.publish()
    except BaseException:
        for staging in stagings:
            staging.discard()
        raise


def _sync(path: Path) -> None:
    """Wait until a file, or all that is in a folder, is on the disk."""
    if path.is_dir():
        sync_tree(path)
        return
    with explained("sync", path), path.open("rb+") as file:
        os.fsync(file.fileno())
