"""Reading web tiles that are files, in folders of columns (or rows), in folders of zooms: a folder, or a ZIP of one.

Which number is which, a ``scheme`` in metadata.json says, or a tilemapresource.xml (gdal2tiles), or the bounds; else
rows are taken to count from the top. A path may say it, too: ``tiles/{z}/{x}/{-y}``. Listings are kept for one strip of
128 folders at a time, so that memory stays flat however many tiles there are.
"""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import StorageFormat
from tilepack.disk.tree import FolderTree, Tree, below, find_entry
from tilepack.errors import CacheNotFoundError, MetadataError, TileError
from tilepack.formats.bundle import LARGEST_TILE
from tilepack.formats.xyz_names import TileOrder, from_path_numbers, parse_number, parse_tile_name, to_path_numbers
from tilepack.keys import PACKET_SIZE, TILES_PER_BUNDLE, BundleKey, TileKey, TileRange
from tilepack.metadata.json_documents import parse_json
from tilepack.metadata.web_mercator import LAST_ZOOM, from_web_degrees, web_scheme
from tilepack.metadata.web_metadata import WebMetadata, parse_web_metadata
from tilepack.stores.base import OpenBundle
from tilepack.stores.documents import OpeningWarning
from tilepack.stores.leaving import LeavingFiles
from tilepack.stores.web.reader import Sizes, WebReader
from tilepack.stores.windows import Window

METADATA_JSON: Final = "metadata.json"
_TILEMAP: Final = "tilemapresource.xml"

_START: Final = 4096
"""Bytes of a tile that tell what it is."""


class _File(NamedTuple):
    """A tile's file."""

    outer: int
    """Number of its folder."""
    inner: int
    """Its own number."""
    path: str


def find_tiles(tree: Tree) -> str | None:
    """Find the folder that holds folders of zooms: the tree's root, or the only folder in it; None where none does."""
    for folder in ("", *(entry.name for entry in tree.entries("") if entry.is_folder)):
        for zoom, path in _numbered(tree, folder):
            if zoom <= LAST_ZOOM and next(_numbered(tree, path), None) is not None:
                return folder
    return None


def _numbered(tree: Tree, folder: str) -> Iterator[tuple[int, str]]:
    """Yield the folders in a folder whose names are numbers."""
    for name, is_folder in tree.entries(folder):
        number = parse_number(name) if is_folder else None
        if number is not None:
            yield number, below(folder, name)


class XyzReader(WebReader):
    """A folder or ZIP of web tiles, open for reading."""

    def __init__(self, tree: Tree, folder: str, name: str, order: TileOrder | None = None) -> None:
        """Take over an open tree.

        Args:
            tree: The folder or ZIP.
            folder: Path in it of the folder that holds the zooms.
            name: What to call the cache where the metadata does not.
            order: Which number is which; None finds out.

        Raises:
            CacheNotFoundError: There is no tile.
            TileError: A folder or tile is there twice, or lies outside its zoom.
        """
        super().__init__(tree.place)
        self.home = tree.root if isinstance(tree, FolderTree) else None
        self.tree = tree
        """The folder or ZIP."""
        self.folder = folder
        """Path in it of the folder that holds the zooms."""
        self.document: str | None = None
        """Path in it of metadata.json, if there is one."""
        self._leaving = LeavingFiles(tree)
        self._lock = threading.Lock()
        self._strip: tuple[int, int] | None = None
        self._listed: dict[int, list[_File]] = {}
        self._windows: dict[int, list[BundleKey]] = {}
        self._zooms = self._zoom_folders(folder)
        every = {zoom: self._folders_of(zoom, path) for zoom, path in self._zooms.items()}
        self._outer = {zoom: found for zoom, found in every.items() if any(map(self._files, found.values()))}
        if not self._outer:
            raise CacheNotFoundError(f"{self.place}: holds folders as web tiles do, but no tile in them")
        said = self._said(folder)
        self.order = order or self._find_order(said, folder)
        self._describe(said, StorageFormat.XYZ, name, self._starts(), METADATA_JSON)

    def _by_number(self, folder: str) -> dict[int, str]:
        """Give the folders in a folder whose names are numbers, by those."""
        found: dict[int, str] = {}
        for number, path in _numbered(self.tree, folder):
            if number in found:
                raise TileError(f"{self.place}/{path}: means the same as {found[number]}; move one away")
            found[number] = path
        return found

    def _zoom_folders(self, folder: str) -> dict[int, str]:
        """Give the folders of zooms by number."""
        return {zoom: path for zoom, path in sorted(self._by_number(folder).items()) if zoom <= LAST_ZOOM}

    def _folders_of(self, zoom: int, path: str) -> dict[int, str]:
        """Give the folders below a zoom by number."""
        found = self._by_number(path)
        last = (1 << zoom) - 1
        for number, folder in found.items():
            if number > last:
                raise TileError(f"{self.place}/{folder}: lies outside zoom {zoom}, which ends at {last}; move it away")
        return found

    def _files(self, folder: str, leaving: frozenset[str] | None = None) -> list[tuple[int, str]]:
        """Give the tiles in a folder by number.

        Args:
            folder: Its path.
            leaving: Files that are about to go; None asks for them where a tile is there twice.
        """
        found: dict[int, str] = {}
        for name, is_folder in self.tree.entries(folder):
            number = None if is_folder else parse_tile_name(name)
            if number is None:
                continue
            if number in found:
                if leaving is None:
                    return self._files(folder, self._leaving.paths())
                other = found.pop(number)
                stays = [file for file in (other, name) if f"{folder}/{file}" not in leaving]
                if len(stays) != 1:
                    raise TileError(f"{self.place}/{folder}: {other} and {name} are the same tile; keep one")
                name = stays[0]  # noqa: PLW2901
            found[number] = name
        return sorted(found.items())

    def _said(self, folder: str) -> WebMetadata:
        path = self.document = find_entry(self.tree, folder, METADATA_JSON)
        if path is None:
            return WebMetadata()
        place = f"{self.place}/{path}"
        members: dict[str, Any] = {}
        try:
            members = dict(parse_json(self.tree.read_document(path), place=place).members)
        except MetadataError as error:
            self.warnings.append(OpeningWarning("document-malformed", f"{error}; read without it"))
        return parse_web_metadata(members, place=place)

    def _find_order(self, said: WebMetadata, folder: str) -> TileOrder:
        """Find out which number is which."""
        scheme = said.rest.pop("scheme", None)
        if isinstance(scheme, str) and scheme.lower() in TileOrder.__members__.values():
            return TileOrder(scheme.lower())
        if find_entry(self.tree, folder, _TILEMAP) is not None:
            return TileOrder.TMS
        fitting = self._fitting(said)
        if len(fitting) == 1:
            return fitting[0]
        guess = (fitting or list(TileOrder))[0]
        self.warnings.append(
            OpeningWarning(
                "order-guessed",
                f"nothing says which number is which: taken as {guess}; if tiles land elsewhere, write the path as "
                f"{posixpath.basename(self.place)}/{{z}}/{{x}}/{{-y}} or /{{z}}/{{y}}/{{x}}",
            )
        )
        return guess

    def _fitting(self, said: WebMetadata) -> list[TileOrder]:
        """Give the orders under which the finest zoom's tiles lie where the bounds are."""
        if said.degrees is None:
            return []
        zoom = max(self._outer)
        met = web_scheme(256, zoom).tiles_in(from_web_degrees(said.degrees), zoom)
        outer = self._outer[zoom]
        ends = [(number, self._files(outer[number])) for number in (min(outer), max(outer))]
        corners = [(number, inner) for number, files in ends if files for inner in (files[0][0], files[-1][0])]
        return [
            order
            for order in TileOrder
            if all(_meets(met, TileKey(zoom, *from_path_numbers(order, zoom, *corner))) for corner in corners)
        ]

    def _starts(self) -> Iterator[bytes]:
        for outer in self._outer.values():
            for folder in (outer[min(outer)], outer[max(outer)]):
                for _, name in self._files(folder)[:1]:
                    yield self._data(below(folder, name))[:_START]

    def _data(self, path: str) -> bytes:
        with self.tree.open(path) as file:
            if file.size > LARGEST_TILE:
                raise TileError(
                    f"{self.place}/{path}: has {file.size} bytes; a tile has at most {LARGEST_TILE}, remove it"
                )
            return file.read(file.size, 0)

    def levels(self) -> list[int]:
        """Give the zooms that hold tiles, ascending."""
        return sorted(self._outer)

    def _strip_of(self, level: int, first: int) -> dict[int, list[_File]]:
        """List 128 folders, apart by the first number of the windows in them; the last strip is kept."""
        with self._lock:
            if self._strip == (level, first):
                return self._listed
            listed: dict[int, list[_File]] = {}
            folders = self._outer[level]
            for outer in range(first, first + PACKET_SIZE):
                if outer not in folders:
                    continue
                for inner, name in self._files(folders[outer]):
                    if inner >= 1 << level:
                        raise TileError(
                            f"{self.place}/{folders[outer]}/{name}: lies outside zoom {level}; move it away"
                        )
                    tile = TileKey(level, *from_path_numbers(self.order, level, outer, inner))
                    window = (tile.column if self.order is TileOrder.ZYX else tile.row) & -PACKET_SIZE
                    listed.setdefault(window, []).append(_File(outer, inner, below(folders[outer], name)))
            self._strip, self._listed = (level, first), listed
            return listed

    def bundles(self, level: int) -> Sequence[BundleKey]:
        """Give the windows that hold any, by row, then column.

        Raises:
            TileError: A tile is there twice, or lies outside its zoom.
        """
        if level not in self._outer:
            return []
        if level not in self._windows:
            strips = sorted({outer & -PACKET_SIZE for outer in self._outer[level]})
            found = [(first, window) for first in strips for window in self._strip_of(level, first)]
            by_rows = self.order is TileOrder.ZYX
            self._windows[level] = sorted(
                BundleKey(level, first, window) if by_rows else BundleKey(level, window, first)
                for first, window in found
            )
        return list(self._windows[level])

    def path_of(self, tile: TileKey, suffix: str) -> str:
        """Give the path of a tile that is not there yet, in the folders that there are.

        Args:
            tile: The tile.
            suffix: ``.png`` or the like.
        """
        outer, inner = to_path_numbers(self.order, *tile)
        level = self._zooms.get(tile.level) or below(self.folder, str(tile.level))
        return f"{self._outer.get(tile.level, {}).get(outer) or f'{level}/{outer}'}/{inner}{suffix}"

    def zoom_folders(self) -> list[str]:
        """Give the paths of the folders of the zooms."""
        return sorted(self._zooms.values())

    def files(self, bundle: BundleKey) -> dict[int, str]:
        """Give the paths of a window's tiles by row-major position.

        Raises:
            TileError: A tile is there twice, or lies outside its zoom.
        """
        if bundle.level not in self._outer:
            return {}
        first, window = bundle.column, bundle.row
        if self.order is TileOrder.ZYX:
            first, window = window, first
        files = self._strip_of(bundle.level, first).get(window, [])
        zoom, order = bundle.level, self.order
        return {bundle.position(TileKey(zoom, *from_path_numbers(order, zoom, *file[:2]))): file.path for file in files}

    def _measure(self, bundle: BundleKey) -> Sizes:
        sizes = np.zeros(TILES_PER_BUNDLE, np.int64)
        for position, path in self.files(bundle).items():
            sizes[position] = self.tree.size(path)
        return sizes

    def newest(self, bundle: BundleKey) -> float | None:
        """Give the time, seconds since 1970, at which the newest of a window's tiles was changed; None in a ZIP.

        Raises:
            TransferError: A file vanished.
        """
        times = [self.tree.modified(path) for path in self.files(bundle).values()]
        return max((time for time in times if time is not None), default=None)

    def tiles(self, bundle: BundleKey, wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[TileKey, bytes]]:
        """Yield tiles and their data, row by row.

        Args:
            bundle: Which window.
            wanted: Only these, shape (16384,), row-major; None for all.

        Raises:
            TileError: A tile's file is larger than a tile can be.
            TransferError: A file cannot be read.
        """
        for position, path in sorted(self.files(bundle).items()):
            if wanted is None or wanted[position]:
                data = self._data(path)
                if data:
                    yield bundle.tile(position), data

    def reading(self, bundle: BundleKey) -> OpenBundle:
        """Open a window to read its tiles in any order.

        Raises:
            TileError: A tile is there twice, or lies outside its zoom.
        """
        files = self.files(bundle)
        return Window(lambda position: self._data(files[position]) or None if position in files else None)

    def read(self, tile: TileKey) -> bytes | None:
        """Give a tile's data, or None when there is no such tile.

        Raises:
            TileError: Its file is larger than a tile can be.
            TransferError: It cannot be read.
        """
        if tile.level not in self._outer or max(tile.row, tile.column) >= 1 << tile.level:
            return None
        outer, inner = to_path_numbers(self.order, *tile)
        folder = self._outer[tile.level].get(outer)
        if folder is None:
            return None
        name = dict(self._files(folder)).get(inner)
        return None if name is None else self._data(below(folder, name)) or None

    def close(self) -> None:
        """Close the folder or ZIP."""
        self.tree.close()


def _meets(tiles: TileRange, tile: TileKey) -> bool:
    """Tell whether a tile lies in a rectangle, or beside it: bounds were rounded."""
    beside = tiles.row_start - 1 <= tile.row <= tiles.row_stop
    return beside and tiles.column_start - 1 <= tile.column <= tiles.column_stop
