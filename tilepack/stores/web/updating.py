"""Web tiles that exist, and of which some are replaced.

A folder is changed in place, as an exploded cache is. A file that holds all (MBTiles, PMTiles, a ZIP) is written anew
beside the old one and renamed over it; until then, what changes waits in a nameless file, so that the new one has its
tiles in order whatever the threads.
"""

from __future__ import annotations

import os
import posixpath
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import CacheInfo
from tilepack.disk.container import Container, creation_time
from tilepack.disk.files import nameless_file
from tilepack.disk.journal import STATE
from tilepack.disk.package import PackageContainer
from tilepack.disk.update import FolderUpdate
from tilepack.errors import UnsupportedError
from tilepack.formats.sniff import sniff
from tilepack.keys import BundleKey, TileKey
from tilepack.metadata.web_metadata import web_members
from tilepack.stores.base import NO_ITEM, Piece, SupportsOrder, TileWriter, single_tiles
from tilepack.stores.repacking import carry_over, members_but
from tilepack.stores.updating import Agreed, FolderUpdater
from tilepack.stores.web.kinds import metadata_format
from tilepack.stores.web.mbtiles import MbtilesReader
from tilepack.stores.web.mbtiles_writer import MbtilesWriter
from tilepack.stores.web.pmtiles_writer import PmtilesWriter
from tilepack.stores.web.reader import WebReader
from tilepack.stores.web.xyz import METADATA_JSON, XyzReader
from tilepack.stores.web.xyz_writer import XyzWriter, format_metadata_json

_SAME_KIND: Final = {".jpeg": ".jpg", ".mvt": ".pbf"}
"""Suffixes of tiles' files that say the same as others."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of the tiles of one window; positions are row-major."""

    positions: NDArray[np.int64]
    """Tiles that are written, ascending."""
    offsets: NDArray[np.int64]
    """Where their data waits, bytes from the start of the nameless file."""
    sizes: NDArray[np.int64]
    """Bytes of their data."""
    gone: NDArray[np.int64]
    """Tiles that there shall be no more."""


class WebFileUpdater:
    """One file of web tiles that is written anew. Different windows may be replaced by different threads."""

    is_begun = False

    def __init__(self, writer: TileWriter, reader: WebReader, tick: Callable[[int, int], None]) -> None:
        """Begin.

        Args:
            writer: The new file.
            reader: The old one, opened after the new one was begun; it is closed before that takes its place.
            tick: Called with the windows that are written and how many there are, while all is written at the end; what
                it raises ends the work.

        Raises:
            TransferError: There is no place for what changes.
        """
        self._writer = writer
        self._reader = reader
        self._tick = tick
        self._info = reader.info
        self._changes: dict[BundleKey, _Change] = {}
        self._lock = threading.Lock()
        self._end = 0
        self._waiting = nameless_file(Path(os.path.realpath(reader.place)).parent, reader.place)

    def is_done(self, bundle: BundleKey) -> bool:
        """Tell whether a run that was stopped has replaced a window: such files start anew."""
        del bundle
        return False

    def keep(self, bundle: BundleKey) -> None:
        """What is not replaced is carried over at the end."""

    def write(self, bundle: BundleKey, pieces: Iterable[Piece], gone: NDArray[np.bool_], agreed: Agreed) -> bool:
        """Replace some tiles of a window.

        Raises:
            TransferError: The disk is full, or failed.
        """
        rows: list[tuple[int, int, int]] = []
        for tile, data in single_tiles(pieces):
            with self._lock:
                offset, self._end = self._end, self._end + len(data)
            self._waiting.write(data, offset)
            rows.append((bundle.position(tile), offset, len(data)))
        if not agreed():
            return False
        positions, offsets, sizes = np.array(sorted(rows), np.int64).reshape(-1, 3).T
        with self._lock:
            self._changes[bundle] = _Change(positions, offsets, sizes, np.flatnonzero(gone))
        return True

    def remove(self, bundle: BundleKey, gone: NDArray[np.bool_]) -> None:
        """Leave tiles of a window out."""
        self.write(bundle, (), gone, lambda: True)

    def settle(self) -> None:
        """The old file is there until all is done."""

    def describe(self, info: CacheInfo) -> None:
        """Take over what the target says of itself from now on."""
        self._info = info

    def commit(self, documents: Mapping[str, bytes]) -> None:
        """Write the new file and let it take the place of the old one, unless it is the same.

        Raises:
            BundleError: The old one is damaged.
            TransferError: Reading or writing failed.
        """
        del documents
        reader, writer = self._reader, self._writer
        kind = metadata_format(reader.info.tile_format)
        if not self._changes and web_members(self._info, kind) == web_members(reader.info, kind):
            self.abort()
            return
        held = {bundle for level in reader.levels() for bundle in reader.bundles(level)}
        rank = writer.rank if isinstance(writer, SupportsOrder) else None
        windows = sorted({*held, *self._changes}, key=rank)
        for done, bundle in enumerate(windows):
            self._tick(done, len(windows))
            writer.write_bundle(bundle, self._tiles(bundle, is_held=bundle in held), None)
        if isinstance(reader, XyzReader) and isinstance(writer, XyzWriter):
            _carry_over_others(reader, writer.container)
        self._waiting.close()
        reader.close()  # Windows renames nothing over an open file
        writer.commit(self._info, NO_ITEM)

    def _tiles(self, bundle: BundleKey, *, is_held: bool) -> Iterator[tuple[TileKey, bytes]]:
        """Yield the tiles of a window as they are to be, in the order that the new file wants."""
        change = self._changes.get(bundle)
        kept = self._reader.present(bundle) if is_held else np.zeros(0, np.bool_)
        if change is not None and is_held:
            kept[change.positions] = False
            kept[change.gone] = False
        if not isinstance(self._writer, SupportsOrder):
            if is_held:
                yield from self._reader.tiles(bundle, kept)
            if change is not None:
                for at, position in enumerate(change.positions.tolist()):
                    yield bundle.tile(position), self._changed(change, at)
            return
        places = {} if change is None else {position: at for at, position in enumerate(change.positions.tolist())}
        with self._reader.reading(bundle) as opened:
            for position in self._writer.order(bundle).tolist():
                if change is not None and position in places:
                    yield bundle.tile(position), self._changed(change, places[position])
                elif is_held and kept[position]:
                    data = opened.read(position)
                    if data is not None:
                        yield bundle.tile(position), data

    def _changed(self, change: _Change, at: int) -> bytes:
        return self._waiting.read_back(int(change.sizes[at]), int(change.offsets[at]))

    def abort(self) -> None:
        """Throw the new file away."""
        self._waiting.close()
        self._writer.abort()


def begin_web_file(reader: WebReader) -> TileWriter:
    """Begin a new file of web tiles beside one that exists; of a link, beside what it leads to.

    Args:
        reader: The old one; what was read of it may be out of date afterwards.

    Raises:
        TransferError: Another writer is at work, or the file cannot be made.
        UnsupportedError: It holds tables that would be lost.
    """
    place = Path(os.path.realpath(reader.place))
    if isinstance(reader, MbtilesReader):
        foreign = reader.foreign_tables()
        if foreign:
            raise UnsupportedError(
                f"{reader.place}: holds {', '.join(foreign)} beside its tiles, which tilepack cannot carry over; "
                f"convert it into a new file, where they are left out, and change that"
            )
        return MbtilesWriter(place, replace=True, dedupe=reader.is_deduped)
    if isinstance(reader, XyzReader):
        package = PackageContainer(place, replace=True, created=creation_time())
        return XyzWriter(package, folder=reader.folder, order=reader.order)
    return PmtilesWriter(place, replace=True)


def _carry_over_others(reader: XyzReader, container: Container) -> None:
    """Copy what a ZIP holds beside its tiles and metadata.json: whatever it is, tilepack has no use for it."""
    bundles = (bundle for level in reader.levels() for bundle in reader.bundles(level))
    known = {path for bundle in bundles for path in reader.files(bundle).values()} | {reader.document or ""}
    for path in members_but(reader.tree, known):
        carry_over(reader.tree, path, container)


class XyzFolderUpdater(FolderUpdater):
    """A folder of web tiles."""

    def __init__(self, reader: XyzReader, folder: FolderUpdate) -> None:
        """Replace tiles of a folder that was taken."""
        super().__init__(folder)
        self._reader = reader
        self._info = reader.info

    def write(self, bundle: BundleKey, pieces: Iterable[Piece], gone: NDArray[np.bool_], agreed: Agreed) -> bool:
        """Replace some tiles of a window.

        Raises:
            TransferError: The disk is full, or failed.
        """
        there = self._reader.files(bundle)
        removed = [there[position] for position in np.flatnonzero(gone).tolist()]
        written: list[str] = []
        for tile, data in single_tiles(pieces):
            old = there.get(bundle.position(tile))
            kind = sniff(data)
            suffix = kind.suffix if kind else ".png"
            path = self._reader.path_of(tile, suffix)
            if old is not None:
                stem, ending = posixpath.splitext(old)
                if _SAME_KIND.get(ending.lower(), ending.lower()) == suffix:
                    path = old
                else:  # it was JPEG and is PNG now
                    path = f"{stem}{suffix}"
                    removed.append(old)
            self._folder.write_document(path, data)
            written.append(path)
        if not agreed():
            self._folder.give_up(written)
            return False
        self._folder.publish(str(bundle), written, removed)
        return True

    def remove(self, bundle: BundleKey, gone: NDArray[np.bool_]) -> None:
        """Remove tiles of a window."""
        self.write(bundle, (), gone, lambda: True)

    def describe(self, info: CacheInfo) -> None:
        """Take over what the target says of itself from now on."""
        self._info = info

    def commit(self, documents: Mapping[str, bytes]) -> None:
        """Write metadata.json where there is one that says something else now, and end the work."""
        super().commit(self._metadata() | dict(documents))

    def _metadata(self) -> dict[str, bytes]:
        path = self._reader.document
        before, after = (
            format_metadata_json(info, metadata_format(info.tile_format), self._reader.order)
            for info in (self._reader.info, self._info)
        )
        return {} if path is None or before == after else {path: after}


def open_xyz_update(
    reader: XyzReader, *, fingerprint: str, work: str, force: bool, versions: Mapping[str, str] | None = None
) -> FolderUpdate:
    """Take a folder of web tiles to replace some of them, and take up what a killed run left there.

    Args:
        reader: The folder, open for reading; what was read may be out of date afterwards.
        fingerprint: Of the work; a run that was stopped is only taken up by the same.
        work: What is done, for people.
        force: Whether lock files of other programs are passed over.
        versions: What is brought into windows, by name; a stopped run has done those where it brought in the same.

    Raises:
        TransferError: Another writer is at work, or the folder cannot be written to, or another work was stopped, or a
            zoom lies elsewhere.
    """
    return FolderUpdate(
        Path(reader.place),
        reader.zoom_folders(),
        [reader.document or METADATA_JSON, STATE],
        fingerprint=fingerprint,
        work=work,
        force=force,
        versions=versions,
    )
