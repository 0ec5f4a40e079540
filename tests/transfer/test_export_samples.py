"""Caches written by ArcGIS, cut by areas out of files that people have, and compared under GDAL's mask."""

from __future__ import annotations

import io

import numpy as np
import pyogrio
import pytest
import shapely
from caches import look_at_tiles, read_all
from export_caches import assert_cut, export_to, mask_of, pixels_of, ragged
from PIL import Image
from pyproj import Transformer

import tilepack
from tilepack.cache import TileFormat

TO_MERCATOR = Transformer.from_crs(4326, 3857, always_xy=True)


def write_layer(path, polygons, crs, **options):
    """Write polygons with numbers by GDAL."""
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(polygons),
        field_data=[np.arange(len(polygons), dtype=np.int32)],
        fields=["number"],
        crs=crs,
        geometry_type="MultiPolygon" if any(p.geom_type == "MultiPolygon" for p in polygons) else "Polygon",
        **options,
    )


def opened(source):
    with tilepack.open(source) as reader:
        return reader.info.scheme, next(extent for name, extent in reader.declared if "degrees" not in name)


def drawn(source, bad=()):
    """Every tile with its pixels; those that do not decode aside."""
    return {tile: (data, pixels_of(data)) for tile, data in look_at_tiles(source).items() if tile not in bad}


def differing(target, tiles, mask):
    """Number of pixels that are not what they were inside, or visible outside; a quarter pixel at the edge is free."""
    after, wrong = look_at_tiles(target), 0
    for tile, (_, before) in tiles.items():
        now = pixels_of(after[tile]) if tile in after else np.zeros_like(before)
        inside = mask(tile)
        wrong += int(((now[..., 3] > 0) != (inside & (before[..., 3] > 0))).sum())
        both = inside & (now[..., 3] > 0)
        assert np.array_equal(now[both], before[both]), tile
    return wrong


@pytest.mark.parametrize("layout", ["tpk", "tpkx", "exploded"])
def test_canyonlands_is_cut_by_a_shapefile_with_holes(samples, tmp_path, layout):
    scheme, box = opened(samples / "canyonlands.tpk")
    area = ragged(box, 2, reach=0.5)
    assert area.interiors
    write_layer(tmp_path / "park.shp", [area], "EPSG:3857", driver="ESRI Shapefile")
    target = export_to(layout, samples / "canyonlands.tpk", tmp_path / "targets", area=tmp_path / "park.shp")
    found = assert_cut(drawn(samples / "canyonlands.tpk"), target, lambda tile: mask_of(scheme, [area], tile))
    assert found["cut"] > 10
    with tilepack.open(target) as reader:
        assert reader.info.tile_format is TileFormat.MIXED
        assert reader.warnings == []


def test_usa_names_its_damaged_tiles_and_goes_without_them_when_that_is_asked_for(samples, tmp_path):
    scheme, box = opened(samples / "Usa.tpkx")
    areas = [ragged(box, 5), shapely.box(box.xmin, box.ymin, box.xmin + box.width / 9, box.ymin + box.height / 7)]
    write_layer(tmp_path / "states.gdb", areas, "EPSG:3857", layer="states", driver="OpenFileGDB")
    options = {"area": tmp_path / "states.gdb" / "states"}
    with pytest.raises(tilepack.TileError, match=r"2 tiles(.|\n)*0/0/0(.|\n)*1/0/0") as caught:
        export_to("tpkx", samples / "Usa.tpkx", tmp_path / "targets", **options)
    assert "first four bytes" in str(caught.value)
    assert list((tmp_path / "targets").iterdir()) == []
    skipped = tilepack.PixelOptions(skip_errors=True)
    target = export_to("tpkx", samples / "Usa.tpkx", tmp_path / "targets", **options, pixels=skipped)
    bad = {tile for tile in look_at_tiles(samples / "Usa.tpkx") if tile.level < 2}
    tiles = drawn(samples / "Usa.tpkx", bad)
    united = shapely.union_all(areas)
    assert_cut(tiles, target, lambda tile: mask_of(scheme, [united], tile))


def test_mixed_cache_is_cut_by_an_area_in_degrees(samples, tmp_path):
    scheme, box = opened(samples / "mixed_v2_cache")
    west, south, east, north = Transformer.from_crs(3857, 4326, always_xy=True).transform_bounds(*box.as_tuple())
    area = ragged(tilepack.Extent(xmin=west, ymin=south, xmax=east, ymax=north), 4)
    there = shapely.transform(area, lambda xy: np.column_stack(TO_MERCATOR.transform(*xy.T)))
    write_layer(tmp_path / "park.gpkg", [area], "EPSG:4326", driver="GPKG")
    target = export_to("v2", samples / "mixed_v2_cache", tmp_path / "targets", area=tmp_path / "park.gpkg")
    tiles = drawn(samples / "mixed_v2_cache")
    # Edges are straight in degrees and hardly bent in web mercator over 40 km: a few pixels may fall to either side.
    assert differing(target, tiles, lambda tile: mask_of(scheme, [there], tile)) < 40
    assert look_at_tiles(target)


def test_esri_s_sample_is_cut_by_an_irregular_polygon_in_degrees(samples, tmp_path):
    scheme, _ = opened(samples / "esri_compact_v2_cache")
    ring = shapely.segmentize(ragged(tilepack.Extent(xmin=-170, ymin=-75, xmax=170, ymax=75), 8), 0.02)
    there = shapely.transform(ring, lambda xy: np.column_stack(TO_MERCATOR.transform(*xy.T)))
    text = shapely.to_geojson(ragged(tilepack.Extent(xmin=-170, ymin=-75, xmax=170, ymax=75), 8))
    target = export_to("tpkx", samples / "esri_compact_v2_cache", tmp_path, area=text)
    tiles = drawn(samples / "esri_compact_v2_cache")
    assert differing(target, tiles, lambda tile: mask_of(scheme, [there], tile)) < 40
    assert len(read_all(target)) > 12


def test_states_in_palettes_stay_palettes(samples, tmp_path):
    scheme, box = opened(samples / "states_filled.tpk")
    area = ragged(box, 3)
    target = export_to("tpk", samples / "states_filled.tpk", tmp_path, area=tilepack.Area(source=area.wkt, crs=3857))
    assert_cut(drawn(samples / "states_filled.tpk"), target, lambda tile: mask_of(scheme, [area], tile))
    for data in look_at_tiles(target).values():
        with Image.open(io.BytesIO(data)) as image:
            assert image.mode == "P"
