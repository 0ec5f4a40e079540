"""Packages that exist, and of which bundles are replaced: written anew beside the old one, then renamed over it.

What tilepack has no use for (the .lyr files of ArcGIS, for instance) goes into the new package as it is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from tilepack.disk.container import Container, creation_time
from tilepack.disk.package import PackageContainer
from tilepack.disk.tree import Tree, below
from tilepack.keys import BundleKey
from tilepack.stores.base import Piece
from tilepack.stores.compact import CompactReader
from tilepack.stores.updating import Agreed, InPlaceWriter


class PackageUpdater:
    """A package that is written anew. Different bundles may be replaced by different threads."""

    is_begun = False

    def __init__(self, container: PackageContainer, reader: CompactReader, replaced: Collection[BundleKey]) -> None:
        """Begin the new package.

        Args:
            container: The new one.
            reader: The old one, opened after the container was; it is closed before the new one takes its place.
            replaced: Bundles that may be replaced; for each of them ``keep``, ``write`` or ``remove`` is called.

        Raises:
            BundleError: A bundle is malformed.
        """
        self._reader = reader
        self._container = container
        self._writer = InPlaceWriter(reader, container)
        self.changed = False
        """Whether the new package is another one; when it is not, it is thrown away."""
        self.untouched = [
            bundle for level in reader.levels() for bundle in reader.bundles(level) if bundle not in replaced
        ]
        """Bundles that are not replaced, and for which ``keep`` has to be called, too."""
        for bundle in sorted({*self.untouched, *replaced}):
            self._writer.reserve(bundle, None if bundle in replaced else self._slot_bytes(bundle))

    def _slot_bytes(self, bundle: BundleKey) -> int | None:
        summary = self._reader.summary(bundle)
        return summary.slot_bytes if summary.movable else None

    def is_done(self, bundle: BundleKey) -> bool:
        """Tell whether a run that was stopped has replaced a bundle: packages start anew."""
        del bundle
        return False

    def keep(self, bundle: BundleKey) -> None:
        """Carry a bundle over as it is; what the package has no bundle of is not there afterwards either.

        Raises:
            BundleError: The bundle is malformed.
            TransferError: Reading or writing failed.
        """
        if not self._reader.files(bundle):
            self._writer.cancel(bundle)
            return
        raw = self._reader.raw(bundle)
        if raw is None:
            self._writer.write_bundle(bundle, self._reader.tiles(bundle), None)
            return
        with raw.data:
            self._writer.write_raw(raw)

    def write(self, bundle: BundleKey, pieces: Iterable[Piece], gone: NDArray[np.bool_], agreed: Agreed) -> bool:
        """Write a bundle; what is not among the pieces is gone."""
        del gone
        self._writer.write_bundle(bundle, pieces, None)
        self.changed = True
        return agreed()

    def remove(self, bundle: BundleKey, gone: NDArray[np.bool_]) -> None:
        """Leave a bundle out."""
        del gone
        self._writer.cancel(bundle)
        self.changed = True

    def settle(self) -> None:
        """The old package is there until all is done."""

    def commit(self, documents: Mapping[str, bytes]) -> None:
        """Carry over all else that is in the package, and let the new one take its place, unless it is the same.

        Raises:
            BundleError: A member is damaged.
            TransferError: Reading or writing failed.
        """
        if not (self.changed or documents):
            self.abort()
            return
        tree = self._reader.tree
        for folder in sorted({self._reader.tiles_folder, *self._reader.folders.values()}):
            self._container.make_folder(folder)  # also where nothing is left in it
        others = sorted({*members_but(tree, self._bundle_files()), *documents})
        for path in others:
            if path in documents:
                self._container.write_document(path, documents[path])
            else:
                carry_over(tree, path, self._container)
        self._reader.close()  # Windows renames nothing over an open file
        self._container.commit(others)

    def _bundle_files(self) -> frozenset[str]:
        reader = self._reader
        return frozenset(
            path for level in reader.levels() for bundle in reader.bundles(level) for path in reader.files(bundle)
        )

    def abort(self) -> None:
        """Throw the new package away."""
        self._container.abort()


def open_package_update(path: Path) -> PackageContainer:
    """Begin a new package beside one that exists; of a link, beside what it leads to.

    What was read of the old one before may be out of date by then: open it anew.

    Raises:
        TransferError: Another writer is at work, or the file cannot be made.
    """
    return PackageContainer(Path(os.path.realpath(path)), replace=True, created=creation_time())


def carry_over(tree: Tree, path: str, container: Container) -> None:
    """Copy a file of one package into another, as it is.

    Raises:
        BundleError: The member is damaged.
        TransferError: Reading or writing failed.
    """
    with tree.open(path) as member:
        sink = container.create(path, member.size)
        crc = 0
        for position, piece in member.pieces():
            sink.write(piece, position)
            crc = zlib_ng.crc32(piece, crc)
        sink.close(crc)


def members_but(tree: Tree, left_out: Collection[str], folder: str = "") -> Iterator[str]:
    """Yield the files of a tree, but for some."""
    for name, is_folder in tree.entries(folder):
        path = below(folder, name)
        if is_folder:
            yield from members_but(tree, left_out, path)
        elif path not in left_out:
            yield path
