"""Checking exploded caches: folders of rows, and a file per tile in each."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Final

from tilepack.disk.tree import Tree, below
from tilepack.errors import TilepackError
from tilepack.formats.bundle import LARGEST_TILE
from tilepack.formats.names import parse_row_folder, parse_tile_file, row_folder, tile_file
from tilepack.inspect.checks.names import add_stray, entries_of, files_that_go
from tilepack.inspect.checks.tiles import HEAD, TileChecks, place_of
from tilepack.inspect.findings import Collector
from tilepack.keys import BundleKey, TileKey, TileRange

_LIKE: Final = {".jpeg": ".jpg"}
"""Extensions that mean the same as those that ArcGIS writes."""


def list_rows(found: Collector, tree: Tree, folder: str) -> list[tuple[int, str]]:
    """List the folders of a level's rows with their paths; whatever else lies there is a finding.

    Of two folders of one row both are listed, so that both are checked.
    """
    named: list[tuple[int, bool, str]] = []
    for name, is_folder in entries_of(found, tree, folder):
        row = parse_row_folder(name) if is_folder else None
        if row is None:
            add_stray(found, folder, name, is_folder=is_folder)
        else:
            named.append((row, name != row_folder(row), below(folder, name)))
    named.sort()  # of two folders of one row the one with its own name comes first
    first: dict[int, str] = {}
    for row, is_odd, path in named:
        if row in first:
            found.add("row-twice", path, f"is the same row as {first[row]}")
        elif is_odd:
            found.add("tile-name", path, f"is row {row}, which ArcGIS calls {row_folder(row)}")
        first.setdefault(row, path)
    return [(row, path) for row, _, path in named]


class RowChecks:
    """Checks the rows of one level."""

    def __init__(self, found: Collector, tree: Tree, level: int, checks: TileChecks) -> None:
        """Get ready.

        Args:
            found: Takes the findings.
            tree: Holds the cache.
            level: LevelID.
            checks: Checks the tiles.
        """
        self._found = found
        self._tree = tree
        self._level = level
        self._checks = checks
        self._windows: set[BundleKey] = set()
        self._head = memoryview(bytearray(HEAD))

    def check(self, row: int, folder: str, part: Callable[[float], None]) -> TileRange | None:
        """Check the tiles of one row.

        Args:
            row: The row.
            folder: Its folder in the tree.
            part: Called with the part that is done, 0 to 1.

        Returns:
            The rectangle of its tiles, empty files left out; None where there are none.
        """
        columns: dict[int, str] = {}
        held: list[int] = []
        leaving: frozenset[str] | None = None
        entries = entries_of(self._found, self._tree, folder)
        for number, (name, is_folder) in enumerate(entries):
            column = None if is_folder else parse_tile_file(name)
            if column is None:
                self._add_other(folder, name, is_folder=is_folder)
                continue
            path, tile = below(folder, name), TileKey(self._level, row, column)
            if column in columns:
                leaving = files_that_go(self._tree) if leaving is None else leaving
                if path in leaving:
                    continue
                if below(folder, columns[column]) not in leaving:
                    self._found.add("tile-twice", path, f"is the same tile as {columns[column]}")
            columns.setdefault(column, name)
            if self._check_file(tile, path):
                held.append(column)
            if self._checks.deep:
                part(number / len(entries))
        if not columns:
            return None
        windows = {TileKey(self._level, row, column).bundle for column in columns}
        self._found.bundles += len(windows - self._windows)
        self._windows |= windows
        if not held:
            return None
        return TileRange(
            level=self._level,
            row_start=row,
            row_stop=row + 1,
            column_start=min(held),
            column_stop=max(held) + 1,
        )

    def _add_other(self, folder: str, name: str, *, is_folder: bool) -> None:
        if is_folder and parse_tile_file(name) is not None:
            self._found.add("file-unreadable", below(folder, name), "is a folder, and named as a tile")
        else:
            add_stray(self._found, folder, name, is_folder=is_folder)

    def _check_file(self, tile: TileKey, path: str) -> bool:
        """Check one tile's file; tell whether there is anything in it."""
        stem, suffix = posixpath.splitext(posixpath.basename(path))
        if stem + suffix != tile_file(tile, suffix.lower()):
            self._found.add("tile-name", path, f"is tile {tile}, which ArcGIS calls {tile_file(tile, suffix.lower())}")
        data = b""
        try:
            if self._checks.deep:
                with self._tree.open(path) as file:
                    size = file.size
                    data = file.read(size, 0) if size <= LARGEST_TILE else b""
            else:
                size = self._tree.read_start(path, self._head)
        except TilepackError as error:
            self._found.tiles += 1
            self._found.add_unreadable(path, error)
            return True
        self._found.tile_bytes += size
        if not 0 < size <= LARGEST_TILE:
            self._found.tiles += 1
            code = "tile-too-large" if size else "tile-empty"
            self._found.add(code, place_of(tile, path), f"has {size} bytes; a tile has 1 to {LARGEST_TILE}")
            return size > 0
        verdict = self._checks.check_head(tile, path, data[:HEAD] if data else self._head[:size].tobytes())
        said = _LIKE.get(suffix.lower(), suffix.lower())
        if verdict.suffix is not None and said != verdict.suffix:
            self._found.add(
                "tile-extension", place_of(tile, path), f"is named {suffix}; its bytes are {verdict.suffix}"
            )
        if verdict.is_decodable and data:
            self._checks.check_pixels(tile, path, data)
        return True
