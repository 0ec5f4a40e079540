"""Finding the folders of levels in a cache."""

from __future__ import annotations

import re
from typing import Final

from tilepack.disk.tree import Tree, below
from tilepack.errors import MetadataError
from tilepack.formats.names import is_hexadecimal_level, parse_level_folder

ALL_LAYERS: Final = "_alllayers"
"""Folder beside conf.xml that holds the levels of a fused cache."""


_VERSION: Final = re.compile(r"[vV][0-9]+")


def is_version_folder(name: str) -> bool:
    """Tell whether a folder of a .tpk is the one that holds its cache: ``v101``, ``v10``."""
    return bool(_VERSION.fullmatch(name))


def find_level_folders(tree: Tree, folder: str) -> dict[int, str]:
    """Find the level folders in a folder.

    Folders such as ``L0a`` say that all are counted in hex digits, which some exploded caches do.

    Returns:
        Path in the tree of each level's folder, by LevelID.

    Raises:
        MetadataError: Two folders mean the same level.
        CacheNotFoundError: The folder does not exist.
    """
    names = [entry.name for entry in tree.entries(folder) if entry.is_folder]
    hexadecimal = any(is_hexadecimal_level(name) for name in names)
    found: dict[int, str] = {}
    for name in names:
        level = parse_level_folder(name, hexadecimal=hexadecimal)
        if level is None:
            continue
        if tree.leads_back(below(folder, name)):
            raise MetadataError(
                f"{tree.place}/{below(folder, name)}: is a link back to a folder that it lies in; remove it or put the "
                f"level's folder back"
            )
        if level in found:
            raise MetadataError(
                f"{tree.place}/{folder}: folders {found[level].rsplit('/')[-1]} and {name} are both level {level}; "
                f"move one away"
            )
        found[level] = below(folder, name)
    return found


def find_layer_folders(tree: Tree, folder: str) -> list[str]:
    """Name the folders beside conf.xml that hold levels themselves: the layers of a 9.x multilayer cache."""
    return [
        entry.name
        for entry in tree.entries(folder)
        if entry.is_folder
        and any(
            inner.is_folder and parse_level_folder(inner.name) is not None
            for inner in tree.entries(below(folder, entry.name))
        )
    ]
