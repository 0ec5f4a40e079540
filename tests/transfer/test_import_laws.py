"""Any polygon, any tiles: twice is once, disjoint pieces come in any order, and what was cut out fits in again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import shapely
from caches import look_at_files, look_at_tiles
from export_caches import assert_cut, coloured, halves, mask_of, square, wkt
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from import_caches import SCHEME, TARGETS, aside, assert_same_pixels, block, decoded, emptied, stamp, write_cache
from layouts import LAYOUTS

import tilepack
from tilepack.cache import TileFormat

BOX = square(SCHEME, 5, 9, 13, 3)
HERE = range(9, 12), range(13, 16)
HARD = {
    "stamps": (TileFormat.PNG, stamp),
    "palette": (TileFormat.PNG8, coloured(3, 4, keyed=True)),
    "RGB with a key": (TileFormat.PNG24, coloured(2, 8, keyed=True)),
}
"""Tiles whose alphas are 0 and 255."""

# Eighths of a pixel, a little off, so that no vertex lies on a centre.
place = st.integers(-200, 200 + 3 * 64 * 8).map(lambda number: (number + 0.37) / (3 * 64 * 8))
points = st.lists(st.tuples(place, place), min_size=3, max_size=12, unique=True)
layouts = st.sampled_from(sorted(LAYOUTS))
modes = st.sampled_from(["MERGE", "OVERWRITE"])
lossless = st.sampled_from([TileFormat.PNG, TileFormat.PNG32, TileFormat.MIXED, TileFormat.PNG24])


def polygon_of(corners) -> shapely.MultiPolygon:
    origin, size = np.array((BOX.xmin, BOX.ymin)), np.array((BOX.width, BOX.height))
    area = shapely.make_valid(shapely.Polygon(origin + np.array(corners) * size).normalize())
    area = shapely.MultiPolygon([part for part in shapely.get_parts(area) if part.geom_type == "Polygon"])
    assume(area.area > 0)
    return area


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sources by kind of tile, targets by layout and tile format, made when first asked for."""
    found = {}

    def make(kind: str, tile_format: TileFormat | None = None) -> Path:
        if (kind, tile_format) not in found:
            folder = tmp_path_factory.mktemp("made")
            if tile_format is None:
                said, draw = HARD[kind]
                found[kind, None] = write_cache("v2", folder, block(draw, 5, *HERE), said)
            else:
                tiles = block(TARGETS[tile_format], 5, range(10, 13), range(14, 17))
                found[kind, tile_format] = write_cache(kind, folder, tiles, tile_format)
        return found[kind, tile_format]

    return make


@contextmanager
def copies(path: Path, number: int) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory() as folder:
        found = [Path(folder, str(each)) for each in range(number)]
        for each in found:
            each.mkdir()
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        yield [Path(copy(path, each / path.name)) for each in found]


def brought(source: Path, target: Path, **wish: object) -> tilepack.TransferResult | None:
    """Import, unless the area misses all tiles."""
    try:
        return tilepack.import_cache(source, target, **wish)
    except tilepack.AreaOfInterestError:
        return None


@settings(max_examples=18)
@given(corners=points, kind=st.sampled_from(sorted(HARD)), where=st.tuples(layouts, lossless), mode=modes)
def test_twice_is_once(made, corners, kind, where, mode):
    area = wkt(polygon_of(corners))
    with copies(made(*where), 1) as (target,):
        brought(made(kind), target, area=area, mode=mode)
        once = look_at_files(target)
        again = brought(made(kind), target, area=area, mode=mode)
        assert look_at_files(target) == once
        if again is not None:
            assert again.unchanged_bundles == len(again.plan.tasks)
            assert again.counts.blended == again.counts.repacked == again.counts.copied == 0


@settings(max_examples=12)
@given(corners=points, tile_format=lossless, layout=layouts, modes=st.tuples(modes, modes))
def test_the_order_of_disjoint_imports_does_not_matter(made, corners, tile_format, layout, modes):
    first = polygon_of(corners)
    rest = shapely.box(*BOX.as_tuple()).buffer(BOX.width / 9).difference(first)
    second = shapely.MultiPolygon([part for part in shapely.get_parts(rest) if part.geom_type == "Polygon"])
    assume(not second.is_empty)
    wishes = [{"area": wkt(first), "mode": modes[0]}, {"area": wkt(second), "mode": modes[1]}]
    with copies(made(layout, tile_format), 2) as targets:
        for wish in wishes:
            brought(made("stamps"), targets[0], **wish)
        for wish in wishes[::-1]:
            brought(made("stamps"), targets[1], **wish)
        here, there = look_at_tiles(targets[0]), look_at_tiles(targets[1])
        assert set(here) == set(there)
        # What nobody sees depends on who came first: laid over nothing a piece keeps its hidden colours.
        assert_same_pixels(decoded(here), decoded(there), hidden=False)


@settings(max_examples=12)
@given(corners=points, kind=st.sampled_from(sorted(HARD)), layout=layouts, through=layouts)
def test_a_piece_imported_into_an_empty_cache_is_the_mask(made, corners, kind, layout, through):
    area, tiles = polygon_of(corners), block(HARD[kind][1], 5, *HERE)
    with tempfile.TemporaryDirectory() as folder:
        name, storage_format = LAYOUTS[through]
        piece = Path(folder, name)
        try:
            tilepack.export_cache(made(kind), piece, storage_format=storage_format, area=wkt(area))
        except tilepack.AreaOfInterestError:
            assert not any(mask_of(SCHEME, [area], tile).any() for tile in tiles)
            return
        target = emptied(made(kind), layout, Path(folder, "there"))
        tilepack.import_cache(piece, target)
        assert look_at_tiles(target) == look_at_tiles(piece)
        assert_cut(tiles, target, lambda tile: mask_of(SCHEME, [area], tile))


@settings(max_examples=12)
@given(corners=points, kind=st.sampled_from(sorted(HARD)), layout=layouts, mode=modes)
def test_what_is_imported_into_an_empty_cache_is_what_is_exported(made, corners, kind, layout, mode):
    area = wkt(polygon_of(corners))
    with tempfile.TemporaryDirectory() as folder:
        target = emptied(made(kind), layout, Path(folder, "there"))
        if brought(made(kind), target, area=area, mode=mode) is None:
            return
        try:
            tilepack.export_cache(made(kind), Path(folder, "piece"), area=area)
        except tilepack.AreaOfInterestError:
            assert look_at_tiles(target) == {}
            return
        assert look_at_tiles(target).keys() == look_at_tiles(Path(folder, "piece")).keys()
        assert_same_pixels(decoded(look_at_tiles(target)), decoded(look_at_tiles(Path(folder, "piece"))), hidden=False)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_adjoining_pieces_make_the_whole_again(made, tmp_path, layout, seed):
    """Imported into an empty cache, and put in the place of what was painted over."""
    source, tiles = made("stamps"), block(stamp, 5, *HERE)
    pieces = []
    for number, half in enumerate(halves(BOX, seed)):
        piece = tmp_path / f"piece {number}"
        tilepack.export_cache(source, piece, area=wkt(half))
        pieces.append((piece, half))
    empty = emptied(source, layout, tmp_path / "empty")
    (tmp_path / "painted").mkdir()
    painted = write_cache(layout, tmp_path / "painted", block(aside(stamp), 5, *HERE), TileFormat.PNG)
    for piece, half in pieces:
        tilepack.import_cache(piece, empty)
        tilepack.import_cache(piece, painted, mode="OVERWRITE", area=wkt(half))
    wanted = {tile: pixels for tile, (_, pixels) in tiles.items()}
    assert_same_pixels(decoded(look_at_tiles(empty)), wanted, hidden=False)
    assert_same_pixels(decoded(look_at_tiles(painted)), wanted, hidden=False)
    for tile, (data, _) in tiles.items():
        if any(mask_of(SCHEME, [half], tile).all() for _, half in pieces):
            assert look_at_tiles(empty)[tile] == look_at_tiles(painted)[tile] == data
