"""Targets that exist, and of which bundles are replaced: folders, in place, one bundle after the other.

Packages are next door: they are written anew beside the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import CacheInfo, TileFormat
from tilepack.disk.container import Container
from tilepack.disk.journal import STATE
from tilepack.disk.tree import Tree, find_entry
from tilepack.disk.update import FolderUpdate
from tilepack.formats.names import bundle_name, is_hexadecimal_level, level_folder, row_folder, tile_file
from tilepack.formats.sniff import sniff
from tilepack.keys import BundleKey
from tilepack.stores.base import NO_ITEM, PackageItem, Piece, RawBundle, single_tiles
from tilepack.stores.compact import CompactReader
from tilepack.stores.compact_writer import CompactWriter
from tilepack.stores.exploded import ExplodedReader
from tilepack.stores.exploded_writer import suffix_of
from tilepack.stores.layouts import Layout, existing_layout, vector_layout
from tilepack.stores.reader import StoreReader

Agreed = Callable[[], bool]
"""Asked when the new bundle is ready, whether the old one may go."""


AgreedOn = Callable[[NDArray[np.uint8]], bool]
"""Likewise, of a bundle moved whole; is told the first four bytes of each of its tiles, shape (tiles, 4)."""


class TileUpdater(Protocol):
    """A target that exists, open to have bundles replaced. Different bundles may be replaced by different threads."""

    @property
    def is_begun(self) -> bool:
        """Whether the target is another one already, should the work end here."""

    def is_done(self, bundle: BundleKey) -> bool:
        """Tell whether a run that was stopped has replaced a bundle."""

    def keep(self, bundle: BundleKey) -> None:
        """Let a bundle that was announced stay as it is."""

    def write(self, bundle: BundleKey, pieces: Iterable[Piece], gone: NDArray[np.bool_], agreed: Agreed) -> bool:
        """Replace a bundle.

        Args:
            bundle: The bundle.
            pieces: What is written; of exploded caches only what becomes another.
            gone: Tiles that there shall be no more, shape (16384,), filled in by the time all pieces are there; what is
                not written of a compact bundle is gone anyhow.
            agreed: Asked when all is ready.

        Returns:
            Whether it is replaced, at the latest by ``commit``.
        """

    def remove(self, bundle: BundleKey, gone: NDArray[np.bool_]) -> None:
        """Remove a bundle: no tile of it is left."""

    def settle(self) -> None:
        """Wait until all bundles of a folder that were replaced are there for whoever opens it."""

    def commit(self, documents: Mapping[str, bytes]) -> None:
        """Write the documents that say something new, and end the work."""

    def abort(self) -> None:
        """Throw away what is not complete."""


@runtime_checkable
class SupportsRawUpdate(Protocol):
    """A target that exists, and whose bundles may be replaced by whole ones."""

    def replace_whole(self, raw: RawBundle, moved: Callable[[int], None], agreed: AgreedOn) -> bool:
        """Replace a bundle by another one, order and dead space kept.

        Args:
            raw: The other bundle, under the target's name for it.
            moved: Called with the bytes of each piece once it is written.
            agreed: Asked when all is ready.

        Returns:
            Whether it was replaced.
        """


@runtime_checkable
class SupportsDescription(Protocol):
    """A target that exists, and that says in its own way what it is: it has no documents of ArcGIS'."""

    def describe(self, info: CacheInfo) -> None:
        """Take over what it says of itself from ``commit`` on."""


def describe_change(
    tree: Tree, layout: Layout, before: tuple[CacheInfo, PackageItem], after: tuple[CacheInfo, PackageItem]
) -> dict[str, bytes]:
    """Give the documents that say something else than they did, by path; all others stay byte by byte.

    Args:
        tree: The target.
        layout: How it is laid out.
        before: What it says.
        after: What it is to say.
    """
    old, new = layout.documents(*before), layout.documents(*after)
    changed = {path: data for path, data in new.items() if data and data != old.get(path)}
    return {_as_there(tree, path): data for path, data in changed.items()}


def _as_there(tree: Tree, path: str) -> str:
    """Spell a path as the tree does, whatever its case; where there is none, as it is."""
    folder, _, name = path.rpartition("/")
    here = ""
    for part in folder.split("/") if folder else ():
        found = find_entry(tree, here, part, is_folder=True)
        if found is None:
            return path
        here = found
    return find_entry(tree, here, name) or (f"{here}/{name}" if here else name)


def layout_of(reader: StoreReader) -> Layout:
    """Tell how an open cache is laid out."""
    if reader.info.tile_format is TileFormat.PBF:
        return vector_layout(reader.tiles_folder)
    return existing_layout(reader.document, reader.tiles_folder, ready_to_serve=reader.info.ready_to_serve)


def open_folder_update(
    reader: CompactReader | ExplodedReader,
    *,
    fingerprint: str,
    work: str,
    force: bool,
    versions: Mapping[str, str] | None = None,
) -> FolderUpdate:
    """Take a cache folder to replace bundles of it, and take up what a killed run left there.

    What was read of the cache before may be out of date by then: open it anew for ``folder_updater``.

    Args:
        reader: The cache, open for reading.
        fingerprint: Of the work; a run that was stopped is only taken up by the same.
        work: What is done, for people.
        force: Whether lock files of other programs are passed over.
        versions: What is brought into bundles, by name; a stopped run has done those where it brought in the same.

    Raises:
        TransferError: Another writer is at work, or the folder cannot be written to, or another work was stopped, or a
            level lies elsewhere.
    """
    folders = sorted(reader.folders.values())
    documents = layout_of(reader).documents(reader.info, NO_ITEM)
    return FolderUpdate(
        Path(reader.place),
        folders,
        [*(_as_there(reader.tree, path) for path in documents), STATE],
        fingerprint=fingerprint,
        work=work,
        force=force,
        versions=versions,
    )


def folder_updater(reader: CompactReader | ExplodedReader, folder: FolderUpdate) -> TileUpdater:
    """Replace bundles of a cache in a folder that was taken."""
    return _ExplodedUpdater(reader, folder) if isinstance(reader, ExplodedReader) else _CompactUpdater(reader, folder)


def _level_folder(reader: CompactReader | ExplodedReader, level: int) -> str:
    """Give the path of a level's folder, also where there is none yet, counted as the others are."""
    there = reader.folders.get(level)
    if there is not None:
        return there
    hexadecimal = any(is_hexadecimal_level(path.rpartition("/")[2]) for path in reader.folders.values())
    name = f"L{level:02x}" if hexadecimal else level_folder(level)
    return f"{reader.tiles_folder}/{name}" if reader.tiles_folder else name


class FolderUpdater:
    """What folders of all formats have in common."""

    def __init__(self, folder: FolderUpdate) -> None:
        """Replace bundles of a folder that was taken."""
        self._folder = folder

    @property
    def is_begun(self) -> bool:
        """Whether the target is another one already, should the work end here."""
        return self._folder.is_begun

    def is_done(self, bundle: BundleKey) -> bool:
        """Tell whether a run that was stopped has replaced a bundle."""
        return self._folder.is_done(str(bundle))

    def keep(self, bundle: BundleKey) -> None:
        """Stays as it is without doing."""

    def settle(self) -> None:
        """Wait until all that was replaced has its name."""
        self._folder.settle()

    def commit(self, documents: Mapping[str, bytes]) -> None:
        """Write documents, and end the work."""
        for path, data in documents.items():
            self._folder.write_document(path, data)
        self._folder.commit(list(documents))

    def abort(self) -> None:
        """Throw away what is not complete."""
        self._folder.abort()


class InPlaceWriter(CompactWriter):
    """Writes each bundle under the names that its files have, whatever their case."""

    def __init__(self, reader: CompactReader, container: Container) -> None:
        super().__init__(container, reader.info.storage_format, layout_of(reader))
        self._reader = reader

    def _path(self, bundle: BundleKey, suffix: str = ".bundle") -> str:
        for path in self._reader.files(bundle):
            if path.lower().endswith(suffix):
                return path
        there = next((path[: path.rfind(".")] for path in self._reader.files(bundle)), None)
        return f"{there or f'{_level_folder(self._reader, bundle.level)}/{bundle_name(bundle)}'}{suffix}"

    def files(self, bundle: BundleKey) -> list[str]:
        """Give the paths of a bundle's files, that of its index last."""
        suffixes = (".bundle", ".bundlx") if self._is_v1 else (".bundle",)
        return [self._path(bundle, suffix) for suffix in suffixes]


class _CompactUpdater(FolderUpdater):
    """A folder of bundles."""

    def __init__(self, reader: CompactReader, folder: FolderUpdate) -> None:
        super().__init__(folder)
        self._writer = InPlaceWriter(reader, folder)
        self._reader = reader

    def write(self, bundle: BundleKey, pieces: Iterable[Piece], gone: NDArray[np.bool_], agreed: Agreed) -> bool:
        del gone
        self._writer.write_bundle(bundle, pieces, None)
        return self._publish(bundle, agreed)

    def replace_whole(self, raw: RawBundle, moved: Callable[[int], None], agreed: AgreedOn) -> bool:
        """Replace a bundle by another one, order and dead space kept."""
        heads = self._writer.write_raw(raw, moved)
        return self._publish(raw.bundle, lambda: agreed(heads))

    def _publish(self, bundle: BundleKey, agreed: Agreed) -> bool:
        files = self._writer.files(bundle)
        if not agreed():
            self._folder.give_up(files)
            return False
        self._folder.publish(str(bundle), files)
        return True

    def remove(self, bundle: BundleKey, gone: NDArray[np.bool_]) -> None:
        del gone
        # The bundle first: an index alone is nothing to a reader, a bundle without one is damaged.
        self._folder.publish(str(bundle), [], self._reader.files(bundle))


class _ExplodedUpdater(FolderUpdater):
    """A folder of tiles."""

    def __init__(self, reader: ExplodedReader, folder: FolderUpdate) -> None:
        super().__init__(folder)
        self._reader = reader
        self._suffix = suffix_of(reader.info.tile_format)

    def write(self, bundle: BundleKey, pieces: Iterable[Piece], gone: NDArray[np.bool_], agreed: Agreed) -> bool:
        there = self._reader.files(bundle)
        removed: list[str] = []
        written: list[str] = []
        for tile, data in single_tiles(pieces):
            old = there.get(bundle.position(tile))
            kind = sniff(data)
            name = tile_file(tile, kind.suffix if kind else self._suffix)
            folder = old.rpartition("/")[0] if old else self._row_folder(tile.level, tile.row)
            path = f"{folder}/{name}"
            if old is not None and old.lower() == path.lower():
                path = old
            elif old is not None:  # it was JPEG and is PNG now
                removed.append(old)
            self._folder.write_document(path, data)
            written.append(path)
        removed += [there[position] for position in np.flatnonzero(gone).tolist()]
        if not agreed():
            self._folder.give_up(written)
            return False
        self._folder.publish(str(bundle), written, removed)
        return True

    def _row_folder(self, level: int, row: int) -> str:
        there = self._reader.row_folder(level, row)
        return there or f"{_level_folder(self._reader, level)}/{row_folder(row)}"

    def remove(self, bundle: BundleKey, gone: NDArray[np.bool_]) -> None:
        self.write(bundle, (), gone, lambda: True)
