"""A small world for scripts: caches laid out like arcgiscache, with the scales that scripts are wont to name."""

from __future__ import annotations

import functools
from pathlib import Path

import caches
import numpy as np
import pyogrio
import shapely

from tilepack.extent import Extent
from tilepack.keys import TileKey
from tilepack.metadata.custom_scheme import custom_scheme
from tilepack.scheme import TilingScheme

SCALES = [500000, 250000, 125000, 64000]
"""Of levels 1 to 4; level 0 (1:1,000,000) and level 5 (1:32,000) hold no tiles."""

CONNECTION = "C:\\Users\\<someone>\\AppData\\Roaming\\ArcCatalog\\arcgis on Somewhere_6080 (publisher)\\"
"""A connection as scripts write it."""

SIDES = {1: 2, 2: 3, 3: 4, 4: 6}


def scheme() -> TilingScheme:
    """Give six levels in web mercator, in tiles of 64 pixels so that they are quick."""
    return custom_scheme(3857, (-14000000, 6000000), [1000000, *SCALES, 32000], tile_size=64)


def tiles(*, kind: str = "png", levels: tuple[int, ...] = (1, 2, 3, 4)) -> dict[TileKey, bytes]:
    """Give squares of tiles, each level's from row and column 0."""
    sides = [(level, range(SIDES[level])) for level in levels]
    return {
        (key := TileKey(level, row, column)): _picture(key, kind)
        for level, side in sides
        for row in side
        for column in side
    }


@functools.cache
def _picture(key: TileKey, kind: str) -> bytes:
    return caches.picture(key, kind, (64, 64))


def rainfall(folder: Path, *, write=caches.write_v1, kind: str = "png", levels: tuple[int, ...] = (1, 2, 3, 4)) -> Path:
    """Write the cache of a service: ``<folder>/Layers``."""
    write(folder / "Layers", scheme(), tiles(kind=kind, levels=levels))
    return folder / "Layers"


def middle() -> Extent:
    """Give an extent whose edges cut tiles on level 4."""
    side = scheme().tile_extent(TileKey(4, 0, 0)).width
    return Extent(
        xmin=-14000000 + 1.5 * side, ymin=6000000 - 3.5 * side, xmax=-14000000 + 3.5 * side, ymax=6000000 - 1.5 * side
    )


def area_file(path: Path, extent: Extent | None = None) -> Path:
    """Write an extent as a layer of polygons."""
    polygon = shapely.box(*(extent or middle()).as_tuple())
    drivers = {".shp": "ESRI Shapefile", ".gpkg": "GPKG", ".geojson": "GeoJSON"}
    path.parent.mkdir(parents=True, exist_ok=True)
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(np.array([polygon])),
        field_data=[np.array([1])],
        fields=["number"],
        crs="EPSG:3857",
        geometry_type="Polygon",
        driver=drivers[path.suffix],
    )
    return path


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Give all files below a folder with their bytes and times, to see that nothing was written."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else (b"", 0)
        for path in folder.rglob("*")
    }
