"""Cutting beside GDAL: the same area, by ``tilepack export`` and by gdalwarp; which pixels are seen, in which colours.

    python benchmarks/cutline.py FOLDER

draws a relief cache of PNG32 tiles in FOLDER, levels 6 to 11, cuts it by a star with a hole and compares level 11 pixel
by pixel with what gdalwarp (GDAL's programs have to be there) makes of the same cache. No time is measured.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import pyproj
import shapely

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))

from build import RELIEF, draw_exploded

import tilepack

LEVEL = 11
CURVED = "EPSG:3035"
"""In which straight edges are curves on a web map."""
Pixels = npt.NDArray[np.uint8]


def star(points: int = 17, seed: int = 1) -> shapely.Polygon:
    """Draw a star with a hole over the island, a bit larger than its sheet in places; in web mercator."""
    noise = np.random.default_rng(seed)
    box = RELIEF.extent
    angle = np.sort(noise.uniform(0, 2 * np.pi, points))
    radius = noise.uniform(0.35, 0.6, points)
    middle = np.array(((box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2))
    ring = middle + np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None] * (box.width, box.height)
    return shapely.Polygon(ring).difference(shapely.Polygon(middle + (ring - middle) * 0.15))


def write_area(path: Path, crs: str) -> Path:
    """Write the star, its corners brought to a spatial reference."""
    way = pyproj.Transformer.from_crs("EPSG:3857", crs, always_xy=True)
    shape = shapely.transform(star(), lambda points: np.column_stack(way.transform(points[:, 0], points[:, 1])))
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array([shape])), [], [], driver="FlatGeobuf", geometry_type="Polygon", crs=crs
    )
    return path


def cut_by_gdal(cache: Path, area: Path, out: Path) -> tuple[Pixels, float, float]:
    """Cut level 11 by gdalwarp; give its pixels, and its upper left corner in map units."""
    import rasterio

    resolution = str(RELIEF.scheme.level(LEVEL).resolution)
    words = ["-q", "-cutline", area, "-crop_to_cutline", "-tap", "-tr", resolution, resolution, "-overwrite"]
    subprocess.run(["gdalwarp", *map(str, words), str(cache / "conf.xml"), str(out)], check=True)
    with rasterio.open(out) as data:
        return np.moveaxis(data.read(), 0, -1), data.bounds.left, data.bounds.top


def cut_by_tilepack(cache: Path, area: Path, out: Path, like: tuple[Pixels, float, float]) -> tuple[Pixels, int, int]:
    """Cut all levels by tilepack; give level 11 where GDAL's lies, its tiles that kept their bytes, and all of it."""
    tilepack.export_cache(cache, out, area=area, replace=True)
    pixels, left, top = like
    box = left, top - len(pixels) * _resolution(), left + pixels.shape[1] * _resolution(), top
    picture = tilepack.preview(out, level=LEVEL, width=None, extent=box, transparent=True).pixels
    with tilepack.open(cache) as before, tilepack.open(out) as after:
        tiles = [(tile, data) for bundle in after.bundles(LEVEL) for tile, data in after.tiles(bundle)]
        kept = sum(before.read(tile) == data for tile, data in tiles)
    return picture, kept, len(tiles)


def _resolution() -> float:
    return RELIEF.scheme.level(LEVEL).resolution


def main() -> None:
    """Draw, cut twice by each, and say what differs."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    cache = folder / "relief_png"
    if not cache.exists():
        drawn = folder / "drawn"
        sheet = replace(
            RELIEF,
            scheme=RELIEF.scheme.with_levels(
                lod for lod in RELIEF.scheme.levels if lod.level <= LEVEL
            ),  # GDAL shows the finest
            levels=range(6, LEVEL + 1),
            tile_format=tilepack.TileFormat.PNG32,
            quality=0,
        )
        draw_exploded(sheet, drawn)
        tilepack.convert(drawn, cache)
        shutil.rmtree(drawn)
    print(subprocess.run(["gdalwarp", "--version"], check=True, capture_output=True, text=True).stdout.strip())
    for crs in ("EPSG:3857", CURVED):
        area = write_area(folder / f"star_{crs[5:]}.fgb", crs)
        theirs = cut_by_gdal(cache, area, folder / "cut.tif")
        ours, kept, tiles = cut_by_tilepack(cache, area, folder / "cut", theirs)
        one, other = ours[..., 3] > 0, theirs[0][..., 3] > 0
        both = one & other
        colours = int((ours[both] != theirs[0][both]).any(axis=1).sum())
        print(
            f"{crs}: {both.sum():,} pixels seen in both, {colours:,} of them in other colours; "
            f"{(one & ~other).sum():,} in tilepack's alone, {(other & ~one).sum():,} in GDAL's; "
            f"{kept} of {tiles} tiles kept their bytes"
        )


if __name__ == "__main__":
    main()
