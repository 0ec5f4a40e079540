"""``arcpy.server``: the tools under their names, without any suffix. ``arcpy.management`` has the same."""

from __future__ import annotations

from tilepack.arcpy.tools_caches import (
    ConvertMapServerCacheStorageFormat,
    CreateMapServerCache,
    DeleteMapServerCache,
)
from tilepack.arcpy.tools_schemes import GenerateMapServerCacheTilingScheme, GenerateTileCacheTilingScheme
from tilepack.arcpy.tools_status import ManageMapServerCacheStatus
from tilepack.arcpy.tools_tiles import ManageMapServerCacheTiles, ManageTileCache
from tilepack.arcpy.tools_transfer import ExportMapServerCache, ExportTileCache, ImportMapServerCache, ImportTileCache

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
