"""The index of a V1 bundle that waits for its name.

tilepack's writers lay both new files of a pair beside the old ones as ``.partial``, and rename the bundle first. So
while only the index has yet to be renamed, the index that belongs to the bundle is the ``.partial`` one.
"""

from __future__ import annotations

from tilepack.disk.journal import PARTIAL
from tilepack.disk.tree import Tree


def index_beside(bundle: str) -> str:
    """Give the path of the index that a V1 bundle's path calls for."""
    return f"{bundle[: -len('.bundle')]}.bundlx"


def waiting_index(tree: Tree, bundle: str, index: str | None) -> tuple[str, object]:
    """Tell whether the index that belongs to a bundle has yet to be renamed.

    Args:
        tree: Holds the bundle.
        bundle: Its path.
        index: Path of its index, if one was listed.

    Returns:
        The path at which an index would wait, and the ``Tree.identity`` of the one that does; None while none does.
    """
    pending = (index or index_beside(bundle)) + PARTIAL
    waits = tree.identity(pending)
    if tree.identity(bundle + PARTIAL) is not None:  # a bundle is growing, and its index with it
        waits = None
    return pending, waits
