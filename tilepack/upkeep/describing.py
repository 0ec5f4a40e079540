"""Putting documents right by what is there: extents, levels, storage format, documents that are missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from tilepack.cache import CacheInfo, StorageFormat
from tilepack.disk.package_tree import PackageTree
from tilepack.inspect.checks.documents import measured_extent
from tilepack.inspect.checks.package import EXPECTED
from tilepack.keys import TileRange
from tilepack.stores.reader import StoreReader
from tilepack.stores.updating import describe_change, layout_of
from tilepack.transfer.describe import Described, derive_guid, item_of, with_extent
from tilepack.transfer.request import TransferRequest

_EXTENTS = frozenset({"extent-missing", "extent-too-small"})
_LEVELS = frozenset({"level-undeclared", "level-declared-empty"})


def described_anew(reader: StoreReader, codes: Collection[str], boxes: Mapping[int, TileRange]) -> dict[str, bytes]:
    """Give the documents that say something else once they are put right, by path.

    Args:
        reader: The cache.
        codes: What is wrong with them.
        boxes: The rectangle of the tiles of each level that holds any.
    """
    if not codes:
        return {}
    said = reader.info
    known = {lod.level: boxes[lod.level] for lod in said.scheme.levels if lod.level in boxes}
    info = said
    if known and _EXTENTS.intersection(codes):
        info = _with_measured(info, known)
    if known and _LEVELS.intersection(codes):
        info = replace(
            info,
            min_level=None if info.min_level is None else min(known),
            max_level=None if info.max_level is None else max(known),
            visible_scales=None,
        )
    if "storage-format-wrong" in codes:  # what the reader says is what is there
        others = [each for each in StorageFormat if each is not said.storage_format]
        said = replace(said, storage_format=others[0])
    guid = derive_guid(info, TransferRequest(target=Path(reader.place)), Described())
    layout = layout_of(reader)
    changed = describe_change(reader.tree, layout, (said, item_of(said, guid)), (info, item_of(info, guid)))
    if "document-missing" in codes and isinstance(reader.tree, PackageTree):
        expected = {path.rpartition("/")[2] for others in EXPECTED.values() for path in others}
        missing = {name for name in expected if not reader.tree.find(name)}
        documents = layout.documents(info, item_of(info, guid))
        changed |= {path: data for path, data in documents.items() if path.rpartition("/")[2] in missing}
    return changed


def _with_measured(info: CacheInfo, boxes: Mapping[int, TileRange]) -> CacheInfo:
    """Say that a cache reaches as far as its tiles do, and as it said."""
    finest = min(boxes, key=lambda level: info.scheme.level(level).resolution)
    measured = measured_extent(info.scheme, boxes, finest)
    whole = measured if info.extent is None else info.extent.union(measured)
    initial = None if info.initial_extent == info.extent else info.initial_extent
    return replace(with_extent(info, whole), initial_extent=initial)
