"""What lies in the folders of a compact cache, and whether it is named as ArcGIS names it.

Readers stop at the first name that they cannot take; here the walk goes on with the others.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tilepack.disk.journal import Journal
from tilepack.disk.tree import Entry, FolderTree, Tree, below
from tilepack.errors import TilepackError, TransferError
from tilepack.formats.names import (
    bundle_name,
    level_folder,
    parse_bundle_name,
    parse_level_folder,
    parse_row_folder,
    parse_tile_file,
)
from tilepack.inspect.findings import Collector
from tilepack.keys import BundleKey

_LOCKS: Final = (".lock", ".lck")
"""``*.lock`` marks a bundle that ArcGIS is making; MapProxy writes ``*.lck``."""

_SUBSTITUTES: Final = ("missing.", "blank.")
"""What servers show for tiles that do not exist lies beside the levels."""


class BundleFiles(NamedTuple):
    """Where a bundle lies."""

    bundle: BundleKey
    path: str
    """Path in the tree of the ``.bundle``."""
    bundlx: str | None
    """Path of the ``.bundlx``, None where there is none."""


def entries_of(found: Collector, tree: Tree, folder: str) -> list[Entry]:
    """List a folder; one that cannot be listed is a finding."""
    try:
        return tree.entries(folder)
    except TilepackError as error:
        found.add_unreadable(folder, error)
        return []


def files_that_go(tree: Tree) -> frozenset[str]:
    """Give the files that a run, at work or stopped, is about to remove: its journal says so, and readers heed it."""
    if not isinstance(tree, FolderTree):
        return frozenset()
    try:
        journal = Journal.open(Path(tree.place))
    except TransferError:  # whoever writes next says what is wrong with it
        return frozenset()
    return frozenset() if journal is None else journal.gone()


def check_level_folders(found: Collector, tree: Tree, folders: Mapping[int, str]) -> None:
    """Check the names of the levels' folders, and what lies beside them."""
    for level, path in sorted(folders.items()):
        name = posixpath.basename(path)
        if name != level_folder(level):
            found.add("level-name", path, f"is level {level}, which ArcGIS calls {level_folder(level)}")
    for parent in sorted({posixpath.dirname(path) for path in folders.values()}):
        if not parent:  # the documents lie there, too, and whatever people keep beside them
            continue
        for name, is_folder in entries_of(found, tree, parent):
            if below(parent, name) not in folders.values() and not name.lower().startswith(_SUBSTITUTES):
                add_stray(found, parent, name, is_folder=is_folder)


def add_stray(found: Collector, folder: str, name: str, *, is_folder: bool) -> None:
    """Add what lies where it has no use."""
    path = below(folder, name)
    if name.lower().endswith(_LOCKS):
        found.add("lock-left", path, "is a lock of a program that writes the cache, or that did not get to its end")
        return
    lower = name.lower()
    if is_folder:
        is_misplaced = parse_row_folder(name) is not None or parse_level_folder(name) is not None
    else:
        is_misplaced = parse_tile_file(name) is not None or lower.endswith((".bundle", ".bundlx"))
    if is_misplaced:
        found.add("file-misplaced", path, "has the name of tiles, and lies where no reader looks for them")
    else:
        found.add("file-stray", path, f"is a {'folder' if is_folder else 'file'} that no cache has there")


def list_bundles_of(found: Collector, tree: Tree, level: int, folder: str, *, is_v1: bool) -> list[BundleFiles]:
    """List the bundles of a level by row and column; whatever else lies in its folder is a finding.

    Of two files of one bundle both are listed, so that both are checked.
    """
    entries = entries_of(found, tree, folder)
    indexes = _list_indexes(found, folder, entries) if is_v1 else {}
    named: list[tuple[BundleKey, bool, str]] = []
    claimed: set[str] = set()
    for name, is_folder in entries:
        path = below(folder, name)
        if is_v1 and not is_folder and name.lower().endswith(".bundlx"):
            continue
        claimed.add(name[:-1].lower())
        try:
            corner = parse_bundle_name(name)
        except ValueError as error:
            found.add("bundle-name", path, str(error))
            continue
        if corner is None and not name.lower().endswith(".bundle"):
            add_stray(found, folder, name, is_folder=is_folder)
        elif corner is None:
            found.add("bundle-name", path, "is no name of a bundle")
        elif is_folder:
            found.add("bundle-name", path, "is a folder, and named as a bundle")
        else:
            bundle = BundleKey(level, *corner)
            named.append((bundle, name != f"{bundle_name(bundle)}.bundle", path))
    named.sort()  # of two files of one bundle the one with its own name comes first
    _check_bundle_names(found, named)
    orphans = sorted(indexes.keys() - claimed)
    leaving = files_that_go(tree) if orphans else frozenset()
    for key in (key for key in orphans if indexes[key] not in leaving):
        found.add("bundlx-orphan", indexes[key], "is an index, and the bundle with its tiles is missing")
    return [BundleFiles(bundle, path, indexes.get(posixpath.basename(path)[:-1].lower())) for bundle, _, path in named]


def _check_bundle_names(found: Collector, named: Iterable[tuple[BundleKey, bool, str]]) -> None:
    """Check that every bundle is there once, under the name that ArcGIS gives it."""
    first: dict[BundleKey, str] = {}
    for bundle, is_odd, path in named:
        if bundle in first:
            found.add("bundle-twice", path, f"is the same bundle as {first[bundle]}")
        elif is_odd:
            found.add("bundle-name-case", path, f"is bundle {bundle}, which ArcGIS calls {bundle_name(bundle)}.bundle")
        first.setdefault(bundle, path)


def _list_indexes(found: Collector, folder: str, entries: Iterable[Entry]) -> dict[str, str]:
    """Give the paths of V1 indexes by their names in lower case, without the last letter."""
    indexes: dict[str, str] = {}
    for name, is_folder in entries:
        if is_folder or not name.lower().endswith(".bundlx"):
            continue
        path, key = below(folder, name), name[:-1].lower()
        if key in indexes:
            found.add("bundle-twice", path, f"is the index of the same bundle as {indexes[key]}")
        indexes.setdefault(key, path)
    return indexes
