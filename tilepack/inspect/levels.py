"""Levels of anything that has a tiling scheme: a cache, a package, or the description of a map service."""

from __future__ import annotations

from pathlib import Path

from tilepack.disk.tree import FolderTree
from tilepack.inspect.probe import probe
from tilepack.inspect.report import LevelReport
from tilepack.metadata.mapserver_json import parse_levels
from tilepack.stores.open import open_cache
from tilepack.stores.service import fetch_service, is_address


def levels_of(source: str | Path) -> list[LevelReport]:
    """Give the levels of a cache or package with what they hold, or those of a map service's description.

    Args:
        source: A cache folder or package; or a MapServer's JSON (``?f=json``), as a file or an http(s) address.

    Returns:
        Levels, ascending. Those of a cache's scheme that hold nothing are among them, with 0 tiles.

    Raises:
        CacheNotFoundError: There is no cache.
        MetadataError: A document is malformed, or the service is not cached.
        BundleError: A bundle is malformed.
        TransferError: The server does not answer, or with something else.
    """
    text = str(source)
    if is_address(text):
        return _levels_of_service(fetch_service(text), text)
    path = Path(source)
    if path.suffix.lower() == ".json" and path.name.lower() != "root.json" and path.is_file():
        return _levels_of_service(FolderTree(path.parent).read_document(path.name), text)
    with open_cache(path) as reader:
        measured = {level.level: level for level in probe(reader, sample=0).levels}
        declared = {lod.level: _empty_level(lod.level, lod.resolution, lod.scale) for lod in reader.info.scheme.levels}
    return [level for _, level in sorted({**declared, **measured}.items())]


def _levels_of_service(data: bytes, place: str) -> list[LevelReport]:
    return [_empty_level(lod.level, lod.resolution, lod.scale) for lod in parse_levels(data, place=place).levels]


def _empty_level(level: int, resolution: float, scale: float) -> LevelReport:
    return LevelReport(
        level=level,
        resolution=resolution,
        scale=scale,
        bundles=0,
        tiles=0,
        tile_bytes=0,
        dead_bytes=0,
        occupied=None,
        extent=None,
        tile_formats={},
    )
