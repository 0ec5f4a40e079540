"""Telling whether a cache is sound: the walk over documents, levels, bundles and tiles.

Unlike a reader, which refuses what is wrong, the walk goes on: every fault is a finding of its own, by the table of
``tilepack.inspect.rules``. Memory stays flat: of each bundle the index and the first bytes of its tiles are held, of
the tiles that are being decoded a few dozen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tilepack.cache import StorageFormat
from tilepack.disk.package_tree import PackageTree
from tilepack.errors import BundleError, MetadataError, UnsupportedError
from tilepack.inspect.checks.bundles import check_bundle
from tilepack.inspect.checks.documents import check_documents, check_extents, check_levels, widen
from tilepack.inspect.checks.names import BundleFiles, check_level_folders, list_bundles_of
from tilepack.inspect.checks.package import check_members, check_names
from tilepack.inspect.checks.tile_files import RowChecks, list_rows
from tilepack.inspect.checks.tiles import TileChecks
from tilepack.inspect.checks.windows import check_store, check_window, list_windows
from tilepack.inspect.findings import Collector, Findings
from tilepack.keys import TileRange
from tilepack.selection import LevelSelection
from tilepack.stores.base import TileReader
from tilepack.stores.open import is_zip, open_cache
from tilepack.stores.reader import StoreReader

Progress = Callable[[float, int], None]
"""Called with how much of how much is done; the first number has fractions."""


def verify(
    source: str | Path,
    *,
    deep: bool = False,
    levels: str | Iterable[int] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Check whether a cache or package is sound.

    Documents are compared with one another and with what is there; of every bundle header, index, lengths and the first
    bytes of each tile are checked. Nothing is changed.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        deep: Decode every tile too, compare the members of packages with their checksums, and have SQLite check
            databases. Vector tiles are unpacked, and their outermost fields walked through; LERC is not decoded.
        levels: Only these, ``"0-7,9"`` or LevelIDs; None for all.
        jobs: Threads that decode; None for one per processor.
        progress: Called with how much of how much is done: bundles, or rows of an exploded cache; the first number has
            fractions.

    Returns:
        What was found. A cache that cannot be opened gives an error among them.

    Raises:
        CacheNotFoundError: There is no cache.
        TilingSchemeError: A level that was named does not exist.
        TransferError: The system refuses to read the source, or it vanished.
    """
    selection = LevelSelection.of(levels=levels)
    found = Collector(str(source))
    reader = open_to_check(found, Path(source))
    if reader is None:
        return found.findings(str(source), deep=deep)
    with reader:
        walk = _Walk(found, reader, deep=deep, jobs=jobs or os.cpu_count() or 1, progress=progress)
        if isinstance(reader, StoreReader):
            walk.run(selection, reader)
        else:
            walk.run_windows(selection)
    return found.findings(reader.place, deep=deep)


def open_to_check(found: Collector, place: Path) -> TileReader | None:
    """Open a cache that may be broken; None, and findings, where it cannot be opened.

    Raises:
        CacheNotFoundError: There is no cache.
        TransferError: The system refuses to read it.
    """
    if place.is_file() and is_zip(place):
        check_names(found, place)
    try:
        return open_cache(place)
    except (MetadataError, BundleError, UnsupportedError) as error:
        if not found.has_errors:  # else what is wrong with it is told already
            found.add_error(_code_of(error, place), place.name, error)
        return None


def _code_of(error: Exception, place: Path) -> str:
    if isinstance(error, UnsupportedError):
        return "cache-unsupported"
    return "package-malformed" if isinstance(error, BundleError) and place.is_file() else "cache-malformed"


class _Walk:
    """One check of one open cache."""

    def __init__(
        self, found: Collector, reader: TileReader, *, deep: bool, jobs: int, progress: Progress | None
    ) -> None:
        self._found = found
        self._reader = reader
        self._deep = deep
        self._jobs = jobs
        self._progress = progress
        self._done = self._total = 0
        self._boxes: dict[int, TileRange] = {}

    def run(self, selection: LevelSelection, reader: StoreReader) -> None:
        """Look at everything that is selected of what is stored in ArcGIS' way."""
        found, tree = self._found, reader.tree
        chosen, _ = selection.choose(reader.info.scheme, reader.levels())
        chosen = [level for level in chosen if level in reader.folders]
        found.levels = chosen
        check_documents(found, self._reader)
        if isinstance(tree, PackageTree):
            check_members(found, tree, deep=self._deep)
        check_level_folders(found, tree, reader.folders)
        with TileChecks(found, reader.info, deep=self._deep, jobs=self._jobs) as checks:
            if reader.info.storage_format is StorageFormat.EXPLODED:
                self._check_rows(reader, chosen, checks)
            else:
                self._check_bundles(reader, chosen, checks)
            checks.finish()
        self._conclude(is_all=set(chosen) == set(reader.folders))

    def run_windows(self, selection: LevelSelection) -> None:
        """Look at everything that is selected of web tiles."""
        found, reader = self._found, self._reader
        chosen, _ = selection.choose(reader.info.scheme, reader.levels())
        found.levels = chosen
        check_documents(found, reader)
        if self._deep:
            check_store(found, reader)
        listed = {level: list_windows(found, reader, level) for level in chosen}
        self._total = sum(map(len, listed.values()))
        with TileChecks(found, reader.info, deep=self._deep, jobs=self._jobs) as checks:
            for windows in listed.values():
                for window in windows:
                    self._count(check_window(found, reader, window, checks, self._part))
            checks.finish()
        self._conclude(is_all=set(chosen) == set(reader.levels()))

    def _conclude(self, *, is_all: bool) -> None:
        """Compare what was seen with what is said."""
        found, reader = self._found, self._reader
        check_levels(found, reader.info, self._boxes, is_all=is_all)
        check_extents(found, reader, self._boxes)
        if is_all and not found.tiles and not found.has_errors:
            found.add("cache-empty", "levels", "no level holds a tile")

    def _check_bundles(self, reader: StoreReader, levels: Iterable[int], checks: TileChecks) -> None:
        is_v1 = reader.info.storage_format is StorageFormat.COMPACT
        listed: dict[int, list[BundleFiles]] = {
            level: list_bundles_of(self._found, reader.tree, level, reader.folders[level], is_v1=is_v1)
            for level in levels
        }
        self._total = sum(map(len, listed.values()))
        for bundles in listed.values():
            for files in bundles:
                tiles = check_bundle(self._found, reader.tree, files, checks, is_v1=is_v1, part=self._part)
                self._count(tiles)

    def _check_rows(self, reader: StoreReader, levels: Iterable[int], checks: TileChecks) -> None:
        listed = {level: list_rows(self._found, reader.tree, reader.folders[level]) for level in levels}
        self._total = sum(map(len, listed.values()))
        for level, rows in listed.items():
            row_checks = RowChecks(self._found, reader.tree, level, checks)
            for row, folder in rows:
                self._count(row_checks.check(row, folder, self._part))

    def _count(self, tiles: TileRange | None) -> None:
        """Count one bundle or row as done, and its tiles into their level's rectangle."""
        widen(self._boxes, tiles)
        self._done += 1
        self._part(0.0)

    def _part(self, part: float) -> None:
        if self._progress is not None:
            self._progress(self._done + part, self._total)
