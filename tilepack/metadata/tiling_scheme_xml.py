"""Tiling scheme files: what ArcGIS' tools that make a cache take its grid and formats from.

::

    CacheInfo
      TileCacheInfo           the grid: as in conf.xml
      [TileImageInfo]         tile format and quality: as in conf.xml
      [CacheStorageInfo]      storage format: as in conf.xml

A tiling scheme file is a conf.xml that need not lie in a cache. What of that is sure:

=========================================================================  ===========================================
the scheme files that come with ArcGIS are CacheInfo documents, with       seen (versions 9.3 and 10.0 of the ArcGIS
TileImageInfo and without CacheStorageInfo                                 Online and of the WGS84 scheme)
a conf.xml is taken as a predefined scheme file                            documented (Generate Tile Cache Tiling
                                                                           Scheme: "usually named conf.xml")
what that tool writes holds CacheStorageInfo, in conf.xml's own elements   not seen; it has a parameter for it
what Generate Map Server Cache Tiling Scheme writes, which has no          not seen; read with or without
parameters for formats
its "ready to serve" output is JSON after the tile package specification   documented, not seen
=========================================================================  ===========================================

Where a scheme file leaves out how tiles are stored, that means nothing (in the conf.xml of a cache it means EXPLODED).
"""

from __future__ import annotations

from dataclasses import replace

from tilepack.cache import DEFAULT_QUALITY, DEFAULT_TILE_FORMAT, CacheInfo, StorageFormat, TileFormat
from tilepack.metadata.conf_xml import format_conf_xml, read_cache_info, read_scheme_xml
from tilepack.metadata.xml_documents import parse_xml
from tilepack.scheme import TilingScheme


def parse_tiling_scheme(data: bytes, *, place: str, name: str) -> CacheInfo:
    """Read a tiling scheme file.

    Args:
        data: The document's bytes.
        place: Its path, for messages.
        name: Name of the cache that is to be; the document has none.

    Returns:
        What a cache of this scheme would say. Where the document names no storage format it is COMPACT_V2; where it
        names no tile format, MIXED of quality 75.

    Raises:
        MetadataError: The document is malformed, incomplete, or claims the impossible.
        UnsupportedError: It names a tile or storage format that tilepack does not know.
    """
    root = parse_xml(data, place=place, root="CacheInfo")
    if root.child("TileImageInfo") is None:
        return CacheInfo(
            name=name,
            scheme=read_scheme_xml(root.need("TileCacheInfo")),
            storage_format=StorageFormat.COMPACT_V2,
            tile_format=DEFAULT_TILE_FORMAT,
            quality=DEFAULT_QUALITY,
        )
    info = read_cache_info(root, name=name)
    storage = root.child("CacheStorageInfo")
    if storage is None or not storage.text("StorageFormat"):
        info = replace(info, storage_format=StorageFormat.COMPACT_V2)
    return info


def format_tiling_scheme(
    scheme: TilingScheme,
    *,
    tile_format: TileFormat = DEFAULT_TILE_FORMAT,
    quality: int = DEFAULT_QUALITY,
    storage_format: StorageFormat = StorageFormat.COMPACT_V2,
    lerc_error: float | None = None,
) -> bytes:
    """Print a tiling scheme file: a whole conf.xml, which is one for sure.

    Args:
        scheme: The grid.
        tile_format: What the tiles are to be.
        quality: JPEG quality 0 to 100; 0 for formats without one.
        storage_format: How they are to be stored.
        lerc_error: Largest tolerated error of LERC, value units.
    """
    return format_conf_xml(
        CacheInfo(
            name="",
            scheme=scheme,
            storage_format=storage_format,
            tile_format=tile_format,
            quality=quality,
            lerc_error=lerc_error,
        )
    )
