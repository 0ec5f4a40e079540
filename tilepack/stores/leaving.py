"""Tiles that are files, while a writer replaces them: one that changes its extension is there twice for a moment.

It is for longer where the writer was killed. The journal in the folder says which of the two goes. Who finds two asks
it, and lists the folder once more: things may have gone on meanwhile.
"""

from __future__ import annotations

from pathlib import Path

from tilepack.disk.journal import JOURNAL, Journal
from tilepack.disk.tree import FolderTree, Tree


class LeavingFiles:
    """The files of a tree that are about to go; the journal is read again only when it has changed."""

    def __init__(self, tree: Tree) -> None:
        """Look at nothing yet.

        Args:
            tree: A folder; nobody replaces files in a package.
        """
        self._tree = tree
        self._root = tree.root if isinstance(tree, FolderTree) else None
        self._known: tuple[object, frozenset[str]] = (None, frozenset())

    def paths(self) -> frozenset[str]:
        """Give their paths in the tree."""
        stands = None if self._root is None else self._tree.identity(JOURNAL)
        if self._known[0] != stands:
            journal = Journal.open(self._root or Path())
            self._known = stands, journal.gone() if journal else frozenset()
        return self._known[1] if stands is not None else frozenset()
