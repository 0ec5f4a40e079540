"""What all new targets have in common."""

from __future__ import annotations

from tilepack.cache import CacheInfo
from tilepack.disk.container import Container, FolderContainer
from tilepack.keys import BundleKey
from tilepack.stores.base import PackageItem
from tilepack.stores.layouts import Layout


class StoreWriter:
    """A new target: the container that is filled, and where things lie in it."""

    def __init__(self, container: Container, layout: Layout) -> None:
        """Fill a container.

        Args:
            container: A new folder or package.
            layout: Where things lie in it, and which documents there are.
        """
        self._container = container
        self._layout = layout

    def write_substitute(self, name: str, data: bytes) -> bool:
        """Write a ``missing.*`` or ``blank.*`` beside the levels of a folder; packages have no place for it."""
        if not isinstance(self._container, FolderContainer):
            return False
        self._container.write_document(f"{self._layout.tiles_folder}/{name}", data)
        return True

    def commit(self, info: CacheInfo, item: PackageItem) -> None:
        """Write the documents, and let the target appear under its name."""
        self._container.make_folder(self._layout.tiles_folder)  # a cache without tiles has its folder all the same
        documents = self._layout.documents(info, item)
        for path, data in documents.items():
            self._container.write_document(path, data)
        self._container.commit(list(documents))

    def abort(self) -> None:
        """Throw away what was written."""
        self._container.abort()


class UnreservedWriter:
    """A new target whose tiles lie as they come, and that has no place beside them."""

    def reserve(self, bundle: BundleKey, slot_bytes: int | None) -> None:
        """Tiles need no place beforehand."""

    def cancel(self, bundle: BundleKey) -> None:
        """Tiles need no place beforehand."""

    def write_substitute(self, name: str, data: bytes) -> bool:
        """Say that there is no place for a ``missing.*`` or ``blank.*``."""
        del name, data
        return False
