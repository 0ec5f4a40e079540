"""What open stores have in common: those of ArcGIS, that documents describe, and any at all."""

from __future__ import annotations

import posixpath
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Self, cast

from tilepack.disk.tree import FolderTree, Tree
from tilepack.stores.base import TileReader
from tilepack.stores.documents import Described


class OpenStore(ABC):
    """An open store: closed as a context, and shown by notebooks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _repr_html_(self) -> str:
        """Show the cache in a notebook: a small picture and the main facts."""
        from tilepack.stores.notebook import describe_in_html  # noqa: PLC0415  pictures only where one is shown

        return describe_in_html(cast(TileReader, self))  # whoever inherits from this reads tiles

    @abstractmethod
    def close(self) -> None:
        """Close every file."""


class StoreReader(OpenStore):
    """An open store of ArcGIS': what its documents say, and where its levels lie."""

    def __init__(self, tree: Tree, described: Described, folders: Mapping[int, str]) -> None:
        """Take over an open tree whose documents were read.

        Args:
            tree: The folder or package.
            described: What its documents say.
            folders: Path in the tree of each level's folder.
        """
        self.place = tree.place
        self.home: Path | None = (
            tree.root / posixpath.dirname(described.document) if isinstance(tree, FolderTree) else None
        )
        self.info = described.info
        self.warnings = described.warnings
        self.declared = described.declared
        self.substitutes = described.substitutes
        self.tree = tree
        """The folder or package."""
        self.document = described.document
        """Path in it of conf.xml or root.json."""
        self.tiles_folder = described.tiles_folder
        """Path in it of the folder that holds the levels."""
        self.folders = dict(folders)
        """Path in it of each level's folder."""

    def levels(self) -> list[int]:
        """Give the LevelIDs that have a folder, ascending."""
        return sorted(self.folders)

    def close(self) -> None:
        """Close every file."""
        self.tree.close()
