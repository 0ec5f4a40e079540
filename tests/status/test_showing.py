"""Laws of status pictures and pages of caches: what was counted is what is drawn, and files are whole or not there."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
import shapely
from page_reading import assert_loads_nothing, pictures_of, read_page, words
from PIL import Image
from status_caches import LEVEL, SCHEMES, count_tiles, inside_area, inside_extent, write_cache

import tilepack
from tilepack.keys import PACKET_SIZE, TileKey, TileRange
from tilepack.status.picture import AREA, CLASSES, CompletenessMap, classify, completeness_png
from tilepack.status.showing import completeness_maps

WINDOW = (100, 160, 100, 150)
"""Rows and columns of tiles on LEVEL, in four bundles: one whole, one empty, two in part."""

EVERY = {TileKey(LEVEL, row, column) for row in range(*WINDOW[:2]) for column in range(*WINDOW[2:])}
HELD = {
    tile for tile in EVERY if (tile.row < 128 or tile.column >= 128) and (tile.row < 128 <= tile.column or tile.row % 3)
}
COARSE = {TileKey(3, 3, 4)}


def window_extent(scheme, rows=WINDOW[:2], columns=WINDOW[2:]):
    tiles = TileRange(level=LEVEL, row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])
    return scheme.range_extent(tiles)


@pytest.fixture(scope="module", params=SCHEMES)
def cache(request, tmp_path_factory):
    scheme = SCHEMES[request.param]
    folder = tmp_path_factory.mktemp("cache") / "Städte [1]"
    return scheme, write_cache(folder, scheme, HELD | COARSE, extent=window_extent(scheme))


@pytest.fixture
def mercator(tmp_path):
    scheme = SCHEMES["web mercator"]
    return write_cache(tmp_path / "Städte [1]", scheme, HELD | COARSE, extent=window_extent(scheme))


def pixels_of(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def drawn_by_hand(scheme, counts, boxes, **more):
    """Draw bundles counted tile by tile."""
    bundles = sorted(counts)
    extents = [scheme.range_extent(boxes(bundle.tiles())).as_tuple() for bundle in bundles]
    return completeness_png(
        CompletenessMap(
            level=LEVEL,
            scale=scheme.level(LEVEL).scale,
            extents=np.array(extents),
            expected=np.array([counts[bundle][0] for bundle in bundles]),
            built=np.array([counts[bundle][1] for bundle in bundles]),
            names=[f"R{bundle.row:04x}C{bundle.column:04x}" for bundle in bundles],
            **more,
        )
    )


def test_pictures_show_what_is_counted_tile_by_tile(cache):
    scheme, folder = cache
    extent = window_extent(scheme)
    counts = count_tiles(HELD, inside_extent(scheme, extent, LEVEL, WINDOW), LEVEL, WINDOW)
    declared = scheme.tiles_in(extent, LEVEL)
    pictures = tilepack.status_pictures(tilepack.status_of(folder))
    assert sorted(pictures) == [3, LEVEL]
    by_hand = drawn_by_hand(scheme, counts, declared.intersection)
    np.testing.assert_array_equal(pixels_of(pictures[LEVEL]), pixels_of(by_hand))
    assert sorted(classify(*np.array(list(counts.values())).T[[1, 0]]).tolist()) == [0, 3, 3, 5]


def test_the_area_is_drawn_over_its_bundles(cache):
    scheme, folder = cache
    extent = window_extent(scheme, (110, 140), (110, 140))
    area = shapely.box(*extent.as_tuple())
    counts = count_tiles(HELD, inside_area(scheme, [area], LEVEL, WINDOW), LEVEL, WINDOW)
    declared = scheme.tiles_in(window_extent(scheme), LEVEL)
    report = tilepack.status_of(folder, area=f"SRID={scheme.spatial_reference.wkid};{area.wkt}", levels=[LEVEL])
    edges = completeness_maps(report)[0].edges
    assert shapely.unary_union(shapely.linestrings(edges.reshape(-1, 2, 2))).equals(area.exterior)
    (picture,) = tilepack.status_pictures(report).values()
    by_hand = drawn_by_hand(scheme, counts, declared.intersection, edges=edges)
    np.testing.assert_array_equal(pixels_of(picture), pixels_of(by_hand))
    assert (pixels_of(picture) == AREA).all(axis=2).sum() > 100


def lines_of(folder, **options):
    """Give the rectangle around the edges that are drawn on LEVEL; None where there are none."""
    found = completeness_maps(tilepack.status_of(folder, levels=[LEVEL], **options))[0].edges
    return None if found is None else (*found.reshape(-1, 2).min(axis=0), *found.reshape(-1, 2).max(axis=0))


def test_rectangles_are_drawn_where_bundles_lie_beyond_them(cache):
    scheme, folder = cache
    assert lines_of(folder) is None
    inner = window_extent(scheme, (110, 140), (110, 140)).as_tuple()
    assert lines_of(folder, extent=inner) == inner
    assert lines_of(folder, extent=window_extent(scheme).as_tuple()) is None
    wide = scheme.range_extent(TileRange(level=LEVEL, row_start=0, row_stop=256, column_start=0, column_stop=256))
    assert lines_of(folder, extent=wide.as_tuple()) is None


def test_a_declared_extent_that_tiles_lie_beyond_is_drawn(tmp_path):
    scheme = SCHEMES["web mercator"]
    extent = window_extent(scheme, (110, 120), (110, 120))
    folder = write_cache(tmp_path / "cache", scheme, HELD, extent=extent)
    assert lines_of(folder) == extent.as_tuple()
    (level,) = completeness_maps(tilepack.status_of(folder, levels=[LEVEL]))
    assert level.outside == len(HELD) - int(level.built.sum()) > 0


def test_a_rectangle_in_degrees_is_drawn(mercator):
    edges = lines_of(mercator, bbox=(-30.0, -20.0, 20.0, 30.0))
    one = 20037508.342789244 / 180
    assert edges[::2] == pytest.approx((-30 * one, 20 * one))


def test_each_level_has_its_own_area(mercator, tmp_path):
    scheme = SCHEMES["web mercator"]
    tilepack.report_status(mercator, tmp_path)
    report = tilepack.status_of(mercator, area=tilepack.Area(source=tmp_path / "Status.gdb/TaskStatus"))
    coarse, fine = completeness_maps(report)
    assert not np.array_equal(coarse.edges, fine.edges)
    width = scheme.tile_width * scheme.level(LEVEL).resolution * PACKET_SIZE
    assert np.ptp(fine.edges[:, ::2]) < width
    assert report.bounded_by == str(tmp_path / "Status.gdb/TaskStatus")


# The page


def test_the_page_tells_what_is_counted_and_loads_nothing(cache):
    scheme, folder = cache
    report = tilepack.status_of(folder, levels=[3, LEVEL], bbox=(-170.0, -80.0, 179.0, 80.0))
    root = read_page(tilepack.status_page(report))
    assert_loads_nothing(root)
    assert words(root.find(".//h1")) == "Städte [1]"
    assert words(root.xpath("//p[@class='place']")[0]) == str(folder)
    facts = dict(zip(map(words, root.iter("dt")), map(words, root.iter("dd")), strict=True))
    assert facts["Expected within"] == "-170, -80, 179, 80 in degrees"
    assert facts["Spatial reference"].startswith(f"WKID {scheme.spatial_reference.wkid}")
    assert facts["Stored as"] == "COMPACT_V2, tiles MIXED"
    assert facts["Counted"].startswith(f"{report.taken:%Y-%m-%d %H:%M} UTC")
    rows = [[words(cell) for cell in row] for row in root.xpath("//table[@class='levels']/tbody/tr")]
    assert [(int(row[0]), row[3], row[4]) for row in rows] == [
        (level.level, f"{level.built:,}", f"{level.expected:,}") for level in report.levels
    ]
    assert [words(item) for item in root.xpath("//section[@class='warnings']//li")] == list(report.warnings)
    assert len(pictures_of(root)) == 2


@pytest.mark.parametrize("name", ["Usa.tpkx", "canyonlands.tpk", "states_filled.tpk", "mixed_v2_cache"])
def test_real_caches_have_pictures_and_pages(samples, name):
    report = tilepack.status_of(samples / name)
    pictures = tilepack.status_pictures(report)
    assert sorted(pictures) == [level.level for level in report.levels]
    colours = np.concatenate([pixels_of(png).reshape(-1, 3) for png in pictures.values()])
    assert (colours == CLASSES[5][1]).all(axis=1).any()
    root = read_page(tilepack.status_page(report))
    assert_loads_nothing(root)
    built, expected = sum(level.built for level in report.levels), sum(level.expected for level in report.levels)
    assert f"{built:,} of {expected:,} tile" in words(root.find(".//header"))


def test_what_bounds_it_is_named(mercator, tmp_path):
    cases = {
        "city.gpkg": {"area": [tilepack.Area(source="city.gpkg")]},
        "0-8=city.gpkg, layer roads, where kind = 1; GeoJSON": {
            "area": [tilepack.Area(source="0-8=city.gpkg", layer="roads", where="kind = 1"), {"type": "Polygon"}]
        },
        "POLYGON ((0 0, 1 1, ": {"area": "POLYGON ((0 0,\n1 1, " + "2 2, " * 100},
        "1, 2, 3, 4 in map units": {"extent": (1, 2, 3, 4)},
    }
    from tilepack.status import taking

    with tilepack.open(mercator) as reader:
        for text, options in cases.items():
            found = taking._describe_bounds(reader, options, tilepack.Extent(xmin=1, ymin=2, xmax=3, ymax=4))
            assert found.startswith(text)
            assert len(found) <= 120
            assert "\n" not in found
        assert found == text
    assert tilepack.status_of(mercator).bounded_by.endswith(", as the cache declares")
    (mercator / "conf.cdi").unlink()
    assert tilepack.status_of(mercator).bounded_by.endswith(", around all its tiles")
    for each in (mercator / "_alllayers").iterdir():
        shutil.rmtree(each)
    assert tilepack.status_of(mercator).bounded_by.startswith("nothing")


def test_reports_without_rows_of_bundles_cannot_be_drawn(mercator):
    report = tilepack.status_of(mercator, bundles=False)
    for draw in (tilepack.status_pictures, tilepack.status_page):
        with pytest.raises(ValueError, match="without rows of bundles cannot be drawn"):
            draw(report)
