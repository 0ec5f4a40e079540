"""``arcpy.management``: the tools under their names, without any suffix; the same as those of ``arcpy.server``."""

from __future__ import annotations

from tilepack.arcpy.server import (
    ConvertMapServerCacheStorageFormat,
    CreateMapServerCache,
    DeleteMapServerCache,
    ExportMapServerCache,
    ExportTileCache,
    GenerateMapServerCacheTilingScheme,
    GenerateTileCacheTilingScheme,
    ImportMapServerCache,
    ImportTileCache,
    ManageMapServerCacheStatus,
    ManageMapServerCacheTiles,
    ManageTileCache,
)

__all__ = [
    "ConvertMapServerCacheStorageFormat",
    "CreateMapServerCache",
    "DeleteMapServerCache",
    "ExportMapServerCache",
    "ExportTileCache",
    "GenerateMapServerCacheTilingScheme",
    "GenerateTileCacheTilingScheme",
    "ImportMapServerCache",
    "ImportTileCache",
    "ManageMapServerCacheStatus",
    "ManageMapServerCacheTiles",
    "ManageTileCache",
]
