"""Converting a cache folder in place: the new one grows beside, then takes the old one's name.

What a kill leaves, of a cache ``Layers``:

=======================================  ============================================================================
while the new one grows                  ``Layers`` as it was, and ``Layers.partial...``, which the next run clears away
once they have changed names             ``Layers``, the new one, and what is left of the old one, ``Layers.partial``,
                                         which the next run clears away
where names cannot be changed in one     ``Layers.replaced``, the old cache, and ``Layers.partial``, the new one, both
step (Windows), between two renames      whole: the next run puts the old one back and starts anew; or rename either
after them                               ``Layers``, the new one, and what is left of ``Layers.replaced``
=======================================  ============================================================================
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tilepack.cache import StorageFormat
from tilepack.disk.durable import is_there
from tilepack.disk.files import explained
from tilepack.disk.journal import JOURNAL
from tilepack.disk.locking import FOLDER_LOCK, refuse_foreign_locks
from tilepack.disk.staging import STATUS_FOLDERS, Staging, is_left_behind
from tilepack.errors import CacheExistsError, TransferError, UnsupportedError
from tilepack.stores.open import open_cache
from tilepack.stores.targets import parse_storage_format
from tilepack.transfer.convert import convert
from tilepack.transfer.counting import Progress
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.result import TransferResult


def convert_in_place(
    cache: str | Path,
    storage_format: StorageFormat | str,
    *,
    jobs: int | None = None,
    planned: Callable[[TransferPlan], None] | None = None,
    progress: Progress | None = None,
) -> TransferResult:
    """Convert a cache folder into another storage format under its own name; every tile keeps its bytes.

    Both need room on the disk at once. A Status.gdb is kept: it counts the same tiles.

    Args:
        cache: A cache folder, or its conf.xml or root.json.
        storage_format: COMPACT, COMPACT_V2 or EXPLODED.
        jobs: Threads; None for as many as there are processors.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with tiles and bytes moved since the last call, from any thread.

    Raises:
        UnsupportedError: It is a package, or a link.
        CacheExistsError: It is of that storage format already, or holds what is no part of a cache.
        TransferError: Another writer is at work, an import was stopped here, or the disk is full.
        TilepackError: The cache cannot be read; it is as it was then.
    """
    wanted = parse_storage_format(storage_format)
    if not is_there(Path(cache)):
        _settle_left(Path(cache))
    with open_cache(cache) as reader:
        home, is_served, here = reader.home, reader.info.ready_to_serve, reader.info.storage_format
    if home is None:
        raise UnsupportedError(f"{cache}: is a package; convert it into a new one instead")
    if home.is_symlink():
        raise UnsupportedError(f"{home}: is a link; give the cache where it lies, {os.path.realpath(home)}")
    _settle_left(home)
    if here is wanted:
        raise CacheExistsError(f"{home}: is {here} already; choose another storage format")
    if is_there(home / JOURNAL):
        raise TransferError(f"{home}: an import was stopped here; run it again to its end first")
    refuse_foreign_locks([home], home / FOLDER_LOCK)
    staging = Staging(home, replace=True)
    try:
        result = convert(
            home,
            staging.partial,
            storage_format=wanted,
            ready_to_serve=is_served and wanted is StorageFormat.COMPACT_V2,
            jobs=jobs,
            planned=planned,
            progress=progress,
        )
        _keep_status(home, staging.partial)
        staging.publish()
    except BaseException:
        staging.discard()
        raise
    return result


def _settle_left(home: Path) -> None:
    """Clear away what a killed run left; the old cache goes back, where it was killed between the two renames."""
    if is_left_behind(home):
        Staging(home, replace=True).release()


def _keep_status(home: Path, partial: Path) -> None:
    for name in STATUS_FOLDERS:
        status = home / name
        if status.is_dir():
            with explained("copy", status):
                shutil.copytree(status, partial / name)
