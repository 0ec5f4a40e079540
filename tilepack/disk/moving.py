"""Moving a finished file or folder to its place, also from one disk to another."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tilepack.disk.durable import remove, sync_tree
from tilepack.disk.files import explained
from tilepack.disk.staging import Staging


def move_into_place(source: Path, target: Path) -> None:
    """Move a file or folder to a name that is free; nothing stands under that name before all of it does.

    Args:
        source: What is moved; it is gone afterwards.
        target: Its new name, in a folder that exists.

    Raises:
        CacheExistsError: Something stands there already.
        TransferError: Another writer is at work there, or the system refuses; the source stays then.
    """
    staging = Staging(target, replace=False)
    try:
        try:
            source.rename(staging.partial)
        except OSError:  # another disk: the copy grows beside the target
            _copy(source, staging.partial)
        staging.publish()
    except BaseException:
        if not os.path.lexists(source) and os.path.lexists(staging.partial):
            staging.partial.rename(source)
        staging.discard()
        raise
    remove(source)


def _copy(source: Path, partial: Path) -> None:
    with explained(f"copy {source.name}", partial):
        if source.is_dir():
            shutil.copytree(source, partial, symlinks=True)
            sync_tree(partial)
            return
        shutil.copyfile(source, partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
