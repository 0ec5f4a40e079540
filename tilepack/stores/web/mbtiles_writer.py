"""Writing MBTiles: rows in the order in which tiles come, the index beside them, one transaction, one rename.

Pages of 64 KiB hold several tiles each, and SQLite chains no small ones for them; a database that nobody sees before it
is whole needs neither journal nor syncs on the way.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tilepack.cache import CacheInfo
from tilepack.disk.durable import EarlySync, sync_files
from tilepack.disk.staging import Staging
from tilepack.errors import TileError, TransferError
from tilepack.keys import BundleKey, TileKey
from tilepack.metadata.web_metadata import as_texts, web_members
from tilepack.stores.base import PackageItem, Piece, single_tiles
from tilepack.stores.web.kinds import TileKinds
from tilepack.stores.web.remembering import WrittenTiles
from tilepack.stores.writer import UnreservedWriter

_SETTINGS: Final = (
    "page_size=65536",  # before all that writes a page
    "journal_mode=off",
    "synchronous=off",
    "locking_mode=exclusive",
    "cache_size=-24000",  # KiB: the index's pages that rows of one window go to
    "application_id=0x4d504258",  # MPBX, as the specification asks
)
_METADATA: Final = (
    "create table metadata (name text, value text)",
    "create unique index metadata_index on metadata (name)",
)
_FLAT: Final = (
    "create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)",
    "create unique index tile_index on tiles (zoom_level, tile_column, tile_row)",
)

_DEDUPED: Final = (
    "create table images (tile_id integer primary key, tile_data blob)",
    "create table map (zoom_level integer, tile_column integer, tile_row integer, tile_id integer)",
    "create unique index map_index on map (zoom_level, tile_column, tile_row)",
    (
        "create view tiles as select map.zoom_level as zoom_level, map.tile_column as tile_column, map.tile_row as "
        "tile_row, images.tile_data as tile_data from map join images on images.tile_id = map.tile_id"
    ),
)
"""As MapBox' own writers store equal tiles once."""


class MbtilesWriter(UnreservedWriter):
    """A new MBTiles file. Its tiles come from one thread at a time."""

    def __init__(self, target: Path, *, replace: bool, dedupe: bool = False) -> None:
        """Take the target's name.

        Args:
            target: The file.
            replace: Whether it may exist.
            dedupe: Store equal tiles once, behind a view.

        Raises:
            CacheExistsError: The target exists and is not to be replaced.
            TransferError: Another writer is at work, or the file cannot be made.
        """
        self._staging = Staging(target, replace=replace)
        self.place = str(target)
        self._kinds = TileKinds()
        self._known = WrittenTiles(self._read) if dedupe else None
        self._contents = 0
        self._lock = threading.Lock()
        try:
            with self._explained():
                self._database = sqlite3.connect(self._staging.partial, isolation_level=None, check_same_thread=False)
                for setting in _SETTINGS:
                    self._database.execute(f"pragma {setting}")
                self._database.execute("begin")
                self._early = EarlySync(self._staging.partial)
                for statement in (*_METADATA, *(_DEDUPED if dedupe else _FLAT)):
                    self._database.execute(statement)
        except BaseException:
            self.abort()
            raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise TileError(f"{self.place}: a tile came twice ({error}); keep the one that is right") from error
        except sqlite3.Error as error:
            room = "; make room on the disk, and start again" if "full" in str(error) else ""
            raise TransferError(f"{self.place}: cannot write: {error}{room}") from error

    def write_bundle(self, bundle: BundleKey, tiles: Iterable[Piece], slot_bytes: int | None) -> None:
        """Write tiles, in the order given.

        Raises:
            TileError: A tile came twice.
            TransferError: The disk is full, or failed.
        """
        del slot_bytes
        with self._lock, self._explained():
            table = "tiles" if self._known is None else "map"
            rows = self._rows(bundle, single_tiles(tiles))
            self._database.executemany(f"insert into {table} values (?, ?, ?, ?)", rows)  # noqa: S608

    def _rows(
        self, bundle: BundleKey, tiles: Iterable[tuple[TileKey, bytes]]
    ) -> Iterator[tuple[int, int, int, bytes | int]]:
        last = (1 << bundle.level) - 1
        for (level, row, column), data in tiles:
            self._kinds.add(data)
            self._early.wrote(len(data))
            yield level, column, last - row, data if self._known is None else self._name(self._known, data)

    def _name(self, known: WrittenTiles, data: bytes) -> int:
        """Give the number of an image, storing it if there is none like it."""
        found = known.find(data)
        if found is None:
            found = self._contents = self._contents + 1
            self._database.execute("insert into images values (?, ?)", (found, data))
            known.add(data, found)
        return found

    def _read(self, name: int, size: int) -> bytes:
        """Give an image that was stored."""
        del size
        data: bytes = self._database.execute("select tile_data from images where tile_id = ?", (name,)).fetchone()[0]
        return data

    def commit(self, info: CacheInfo, item: PackageItem) -> None:
        """Write the metadata, and let the file appear under its name."""
        del item
        members = as_texts(web_members(info, self._kinds.usual()))
        with self._explained():
            self._database.executemany("insert into metadata values (?, ?)", members.items())
            self._database.execute("commit")
            self._database.close()
        self._early.close()
        sync_files([self._staging.partial])
        self._staging.publish()

    def abort(self) -> None:
        """Throw away what was written."""
        with contextlib.suppress(AttributeError, sqlite3.Error):
            self._database.close()
        with contextlib.suppress(AttributeError):  # it failed before
            self._early.close()
        self._staging.discard()
