"""What a report has rows for, on which levels, and what stands in them."""

from __future__ import annotations

import os

import numpy as np
import pytest
import shapely
from caches import web_mercator
from layouts import LAYOUTS, SAMPLES, convert_to
from pyogrio import raw
from status_caches import LEVEL, SCHEMES, rows_of, write_cache

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import BundleKey, TileKey, TileRange

SCHEME = SCHEMES["web mercator"]
CORE = [TileKey(LEVEL, row, column) for row in range(120, 137) for column in range(120, 137)]
SOME = [tile for number, tile in enumerate(CORE) if number % 5 not in (1, 3)]


def extent_of(scheme, level, rows, columns):
    return scheme.range_extent(
        TileRange(level=level, row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])
    )


@pytest.fixture(scope="module")
def island(tmp_path_factory):
    """Three of five tiles in four bundles; the declared extent takes in two more bundles, which are not there."""
    extent = extent_of(SCHEME, LEVEL, (120, 137), (120, 256))
    return write_cache(tmp_path_factory.mktemp("cache") / "Island", SCHEME, SOME, extent=extent)


# Layouts


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_give_the_same_counts_and_looked_at_deep_the_same_bytes(layout, island, tmp_path):
    box = extent_of(SCHEME, LEVEL, (124, 133), (122, 130)).as_tuple()
    wanted = tilepack.status_of(island, extent=box, levels=[LEVEL])
    report = tilepack.status_of(convert_to(layout, island, tmp_path), extent=box, levels=[LEVEL], deep=True)
    assert rows_of(report) == rows_of(wanted)
    assert report.levels == wanted.levels
    assert report.bundles.tile_bytes.tolist() == wanted.bundles.tile_bytes.tolist()
    assert report.bundles.slack.tolist() == [0] * 4
    assert wanted.levels[0].built > 0
    assert np.isnat(report.bundles.newest).all() == layout.startswith("tp")


def test_bundles_of_v1_do_not_tell_their_slack_unless_looked_at_deep(tmp_path):
    cache = write_cache(tmp_path / "cache", SCHEME, CORE, storage=StorageFormat.COMPACT, dead=(5, 0, 4096))
    shallow, deep = (tilepack.status_of(cache, deep=deep) for deep in (False, True))
    assert shallow.bundles.slack.tolist() == [-1] * 4
    assert deep.bundles.slack.tolist() == [4101] * 4
    assert (shallow.bundles.tile_bytes - deep.bundles.tile_bytes).tolist() == [4101] * 4
    assert shallow.as_json()["bundles"][0]["slack"] is None
    assert deep.levels[0].tile_bytes == sum(
        20 + tile.row % 7 + len(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") + 13 for tile in CORE
    )


def test_slack_is_the_dead_space_of_a_v2_bundle(tmp_path):
    cache = write_cache(tmp_path / "cache", SCHEME, CORE, dead=(7, 1))
    assert tilepack.status_of(cache).bundles.slack.tolist() == [8] * 4


@pytest.mark.parametrize("storage", [storage for storage in StorageFormat if not storage.is_web])
def test_newest_time_is_that_of_the_bundles_newest_file_in_utc(storage, tmp_path):
    cache = write_cache(tmp_path / "cache", SCHEME, CORE, storage=storage)
    for path in cache.rglob("*.*"):
        os.utime(path, (1_000_000_000.75,) * 2)
    newest = max((cache / "_alllayers").rglob("[RC]*.*"))  # of the last bundle, and a .bundlx where there is one
    os.utime(newest, (1_234_567_890.25,) * 2)
    rows = tilepack.status_of(cache).as_json()["bundles"]
    assert [row["newestTime"] for row in rows] == ["2001-09-09T01:46:40Z"] * 3 + ["2009-02-13T23:31:30Z"]


# Rows


def test_bundles_that_are_not_there_have_rows_too(tmp_path):
    extent = extent_of(SCHEME, LEVEL, (0, 256), (0, 256))
    cache = write_cache(tmp_path / "cache", SCHEME, [TileKey(LEVEL, 3, 200)], extent=extent)
    report = tilepack.status_of(cache)
    assert rows_of(report) == {
        BundleKey(LEVEL, 0, 0): (16384, 0, 0),
        BundleKey(LEVEL, 0, 128): (16384, 1, 0),
        BundleKey(LEVEL, 128, 0): (16384, 0, 0),
        BundleKey(LEVEL, 128, 128): (16384, 0, 0),
    }
    assert report.bundles.status.tolist() == ["SUBMITTED", "INPROGRESS", "SUBMITTED", "SUBMITTED"]
    assert report.bundles.percent.tolist() == [0, 100 / 16384, 0, 0]
    missing = report.as_json()["bundles"][0]
    assert missing["newestTime"] is None
    assert (missing["tilesSize"], missing["slack"]) == (0, 0)


def test_bundle_beyond_the_declared_extent_has_a_row_around_its_tiles_where_nothing_else_bounds_the_report(tmp_path):
    extent = extent_of(SCHEME, LEVEL, (0, 4), (0, 4))
    held = [TileKey(LEVEL, 1, 1), TileKey(LEVEL, 130, 7), TileKey(LEVEL, 131, 9)]
    cache = write_cache(tmp_path / "cache", SCHEME, held, extent=extent)
    rows = tilepack.status_of(cache).bundles
    assert rows_of(tilepack.status_of(cache))[BundleKey(LEVEL, 128, 0)] == (0, 0, 2)
    assert rows.boxes.tolist() == [[0, 4, 0, 4], [130, 132, 7, 10]]
    assert rows.status.tolist() == ["INPROGRESS", "DONE"]
    assert rows.percent.tolist() == [6.25, 100.0]
    assert len(tilepack.status_of(cache, extent=extent.as_tuple()).bundles) == 1


def test_polygons_lie_where_their_tiles_do(island):
    rows = tilepack.status_of(island).bundles
    for number, extent in enumerate(rows.extents(SCHEME).tolist()):
        top, bottom, left, right = rows.boxes[number].tolist()
        assert tuple(extent) == pytest.approx(extent_of(SCHEME, LEVEL, (top, bottom), (left, right)).as_tuple())


def test_without_rows_levels_are_the_same_and_no_number_of_bundles_is_too_many(tmp_path):
    scheme = web_mercator()
    extent = tilepack.Extent(xmin=-2.0e7, ymin=-2.0e7, xmax=2.0e7, ymax=2.0e7)
    cache = write_cache(tmp_path / "cache", scheme, [TileKey(19, 5000, 5000), TileKey(3, 1, 1)], extent=extent)
    report = tilepack.status_of(cache, bundles=False)
    assert report.bundles is None
    fine = report.levels[1]
    assert (fine.level, fine.built, fine.bundles) == (19, 1, 1)
    assert fine.expected > 2e11
    assert fine.expected_bundles > 1.6e7
    assert 0 < fine.percent < 1e-9
    with pytest.raises(tilepack.UnsupportedError, match=r"would have 16,\d\d\d,\d\d\d rows.*at most 10,000,000"):
        tilepack.status_of(cache, all_rows=True)


def test_more_than_a_hundred_thousand_rows_come_only_when_all_are_wanted(tmp_path):
    scheme = web_mercator()
    cache = write_cache(tmp_path / "cache", scheme, [TileKey(16, 128, 128)])
    extent = extent_of(scheme, 16, (0, 128 * 316), (0, 128 * 317)).as_tuple()
    with pytest.raises(tilepack.UnsupportedError, match=r"would have 100,172 rows.*\(--all\)"):
        tilepack.status_of(cache, extent=extent)
    report = tilepack.status_of(cache, extent=extent, all_rows=True)
    assert len(report.bundles) == 100_172
    assert int(report.bundles.built.sum()) == 1


def test_cache_that_declares_nothing_is_measured(tmp_path):
    cache = write_cache(tmp_path / "cache", SCHEME, SOME)
    (cache / "conf.cdi").unlink()
    report = tilepack.status_of(cache)
    assert report.extent == extent_of(SCHEME, LEVEL, (120, 137), (120, 137))
    assert sum(level.expected for level in report.levels) == len(CORE)
    empty = write_cache(tmp_path / "empty", SCHEME, [])
    assert tilepack.status_of(empty).levels == ()
    assert len(tilepack.status_of(empty, levels="3").bundles) == 0


# Levels and areas


def test_levels_are_those_that_hold_tiles_unless_others_are_named(tmp_path):
    held = [TileKey(3, 1, 1), TileKey(LEVEL, 3, 3)]
    cache = write_cache(tmp_path / "cache", SCHEME, held, extent=extent_of(SCHEME, 3, (0, 8), (0, 8)))
    assert [level.level for level in tilepack.status_of(cache).levels] == [3, LEVEL]
    assert [level.level for level in tilepack.status_of(cache, levels="0-9").levels] == [3, LEVEL]
    named = tilepack.status_of(cache, levels="2,3")
    assert [(level.level, level.expected, level.built) for level in named.levels] == [(2, 16, 0), (3, 64, 1)]
    assert named.warnings == ("level 2 holds no tiles",)
    assert [level.level for level in tilepack.status_of(cache, scales=[5e8 / 8]).levels] == [3]
    with pytest.raises(tilepack.TilingSchemeError, match="level 11 is not in the tiling scheme; it has 0-"):
        tilepack.status_of(cache, levels="11")


def test_coarse_level_of_whose_tile_the_extent_holds_no_pixel_centre_expects_nothing(tmp_path):
    held = [TileKey(0, 0, 0), *CORE]
    extent = extent_of(SCHEME, LEVEL, (121, 125), (121, 125))
    cache = write_cache(tmp_path / "cache", SCHEME, held, extent=extent)
    coarse = tilepack.status_of(cache).levels[0]
    assert (coarse.expected, coarse.built, coarse.outside, coarse.percent) == (0, 0, 1, 100.0)


def test_area_whose_rows_have_a_level_bounds_each_level_by_its_own(tmp_path, island):
    path = tmp_path / "area.gpkg"
    boxes = [extent_of(SCHEME, LEVEL, (121, 123), (121, 124)), extent_of(SCHEME, 7, (60, 64), (60, 65))]
    raw.write(
        path,
        geometry=np.array([shapely.to_wkb(shapely.box(*box.as_tuple())) for box in boxes], dtype=object),
        field_data=[np.array([LEVEL, 7])],
        fields=["LevelID"],
        geometry_type="Polygon",
        crs="EPSG:3857",
        driver="GPKG",
    )
    report = tilepack.status_of(island, area=path)
    assert [(level.level, level.expected) for level in report.levels] == [(7, 20), (LEVEL, 6)]


def test_area_apart_from_the_cache_is_reported_as_missing_with_a_warning(island):
    west = extent_of(SCHEME, LEVEL, (20, 22), (20, 22))
    area = tilepack.Area(source=shapely.box(*west.as_tuple()).wkt, crs=3857)
    report = tilepack.status_of(island, area=area, levels=[LEVEL])
    assert rows_of(report) == {BundleKey(LEVEL, 0, 0): (4, 0, 39)}
    assert any("the area of interest misses" in warning for warning in report.warnings)


def test_area_in_which_no_pixel_lies_comes_with_a_warning(island):
    middle = extent_of(SCHEME, LEVEL, (121, 122), (121, 122))
    area = tilepack.Area(source=shapely.Point(middle.xmin, middle.ymin).buffer(1.0).wkt, crs=3857)
    report = tilepack.status_of(island, area=area, levels=[LEVEL])
    assert len(report.bundles) == 0
    assert any("no tile is expected" in warning for warning in report.warnings)


def test_rectangle_in_degrees_bounds_by_pixel_centres_too(island):
    report = tilepack.status_of(island, bbox=(-10.0, -10.0, 10.0, 10.0), levels=[LEVEL])
    assert report.levels[0].expected == 16 * 16  # 10 degrees are 7.11 tiles, on either side
    with pytest.raises(tilepack.AreaOfInterestError, match="extent and bbox were both given"):
        tilepack.status_of(island, bbox=(0, 0, 1, 1), extent=(0, 0, 1, 1))


def test_area_too_large_to_look_at_is_refused_by_its_number(tmp_path):
    scheme = web_mercator()
    cache = write_cache(tmp_path / "cache", scheme, [TileKey(23, 128, 128)])
    area = tilepack.Area(source=shapely.Point(0, 0).buffer(1.9e7).wkt, crs=3857)
    with pytest.raises(tilepack.AreaOfInterestError, match=r"bundles lie in the area's box on level 23, too many"):
        tilepack.status_of(cache, area=area)


def test_damaged_bundle_is_named(island, tmp_path):
    cache = write_cache(tmp_path / "cache", SCHEME, CORE)
    path = cache / f"_alllayers/L{LEVEL:02d}/R0080C0080.bundle"
    path.write_bytes(path.read_bytes()[:70_000])
    with pytest.raises(tilepack.BundleError, match="R0080C0080"):
        tilepack.status_of(cache)


# Real caches


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_hold_what_a_count_of_their_tiles_gives(name, samples):
    with tilepack.open(samples / name) as reader:
        tiles = dict(tilepack.list_tiles(reader))
    report = tilepack.status_of(samples / name, deep=True)
    assert sum(level.built + level.outside for level in report.levels) == len(tiles)
    if not any(level.outside for level in report.levels):
        assert sum(level.tile_bytes for level in report.levels) == sum(tiles.values())


def test_every_tile_that_arcgis_made_for_an_extent_is_expected_and_no_other(samples):
    report = tilepack.status_of(samples / "Usa.tpkx")
    assert [(level.expected, level.built, level.outside) for level in report.levels] == [
        (count, count, 0) for count in (1, 1, 4, 9, 30, 99)
    ]


def test_dead_space_of_esris_sample_is_its_slack(samples):
    report = tilepack.status_of(samples / "esri_compact_v2_cache")
    assert report.bundles.slack.tolist() == [0, 0, 136_540]
    assert {level.status for level in report.levels} == {tilepack.BuildStatus.DONE}


# Hostile claims


@pytest.mark.parametrize(
    ("extent", "is_vast"),
    [
        ((-1e308, -1e308, 1e308, 1e308), True),
        ((1e300, 1e300, 1.1e300, 1.1e300), False),
        ((-1e300, -1e300, -1e299, -1e299), False),
        ((0, 0, 0, 0), False),
    ],
)
def test_extents_beyond_any_map_give_levels_and_rows_or_a_sentence(extent, is_vast, island):
    (level,) = tilepack.status_of(island, extent=extent, bundles=False).levels
    assert 0 <= level.percent <= 100
    assert level.expected < 2**63
    if not is_vast:
        assert len(tilepack.status_of(island, extent=extent).bundles) == 0
        return
    with pytest.raises(tilepack.UnsupportedError, match="at most 10,000,000 can be made"):
        tilepack.status_of(island, extent=extent, all_rows=True)


@pytest.mark.parametrize("extent", [(float("nan"), 0, 1, 1), (5, 5, 1, 1), (0, 0, float("inf"), 1)])
def test_extents_that_are_none_are_refused(extent, island):
    with pytest.raises(tilepack.AreaOfInterestError, match="write an extent as xmin, ymin, xmax, ymax"):
        tilepack.status_of(island, extent=extent)
