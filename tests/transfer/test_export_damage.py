"""Tiles that cannot be decoded: one error that names them, nothing written; or left out, when that is asked for."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from caches import look_at_tiles, write_exploded, write_v1, write_v2
from export_caches import assert_cut, coloured, data_of, drawn, export_to, mask_of, mercator, ragged, square, wkt
from layouts import LAYOUTS

import tilepack
from tilepack.keys import TileKey
from tilepack.stores.compact_writer import CompactWriter
from tilepack.transfer import cutting

SCHEME = mercator()
BOX = square(SCHEME, 5, 8, 12, 9)
AREA = ragged(BOX)
SKIP = tilepack.PixelOptions(skip_errors=True)
EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS)


def mask(tile):
    return mask_of(SCHEME, [AREA], tile)


GOOD = drawn(SCHEME, coloured(6, 8), row=8, column=12, side=9) | drawn(
    SCHEME, coloured(6, 8), level=3, row=2, column=3, side=2
)
CROSSING = sorted(tile for tile in GOOD if mask(tile).any() and not mask(tile).all())
INSIDE = sorted(tile for tile in GOOD if mask(tile).all())
OUTSIDE = sorted(tile for tile in GOOD if not mask(tile).any())


def damaged(folder: Path, bad: list[TileKey], write=write_v2, how=lambda data: data[: len(data) // 2]) -> Path:
    tiles = {tile: how(data) if tile in bad else data for tile, data in data_of(GOOD).items()}
    write(folder / "source", SCHEME, tiles)
    return folder / "source"


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def without(bad):
    return {tile: drawn for tile, drawn in GOOD.items() if tile not in bad}


@EVERY_LAYOUT
@pytest.mark.parametrize("jobs", [1, 8])
def test_one_error_names_all_damaged_tiles_and_nothing_is_written(tmp_path, layout, jobs):
    bad = [CROSSING[0], CROSSING[7], CROSSING[-1]]
    assert {tile.level for tile in bad} == {3, 5}
    source = damaged(tmp_path, bad)
    with pytest.raises(tilepack.TileError) as caught:
        export_to(layout, source, tmp_path / "targets", area=wkt(AREA), jobs=jobs)
    lines = str(caught.value).splitlines()
    assert f"{source}: 3 tiles on the area's edge cannot be cut" in lines[0]
    assert "--skip-errors" in lines[0]
    assert [line.split(":")[0].strip() for line in lines[1:]] == [str(tile) for tile in bad]
    assert list((tmp_path / "targets").iterdir()) == []


def test_error_names_the_first_twenty_and_the_number_of_the_others(tmp_path):
    bad = CROSSING[:23]
    with pytest.raises(tilepack.TileError) as caught:
        export_to("v2", damaged(tmp_path, bad), tmp_path / "targets", area=wkt(AREA))
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert "23 tiles" in lines[0]
    assert [line.split(":")[0] for line in lines[1:-1]] == [str(tile) for tile in bad[:20]]
    assert lines[-1] == "and 3 more"


@EVERY_LAYOUT
@pytest.mark.parametrize("write", [write_v1, write_v2, write_exploded])
def test_damaged_tiles_are_left_out_when_that_is_asked_for(tmp_path, layout, write):
    bad = [CROSSING[0], CROSSING[7], CROSSING[-1]]
    source = damaged(tmp_path, bad, write)
    name, storage_format = LAYOUTS[layout]
    (tmp_path / "targets").mkdir()
    target = tmp_path / "targets" / name
    result = tilepack.export_cache(source, target, storage_format=storage_format, area=wkt(AREA), pixels=SKIP)
    assert sorted(result.skipped) == bad
    assert all(result.skipped.values())
    assert result.tiles == len(look_at_tiles(target))
    assert sorted(result.as_json()["skipped"]) == sorted(str(tile) for tile in bad)
    assert_cut(without(bad), target, mask)


@pytest.mark.parametrize(
    "how",
    [lambda _: b"\0" * 40, lambda data: data[:20], lambda _: b"<html>404</html>", lambda data: data[4:]],
    ids=["zeros", "head alone", "a page", "beheaded"],
)
def test_bytes_that_are_no_tile_at_all_are_damaged_tiles(tmp_path, how):
    bad = CROSSING[3:5]
    source = damaged(tmp_path, bad, how=how)
    with pytest.raises(tilepack.TileError, match="2 tiles"):
        export_to("v2", source, tmp_path / "targets", area=wkt(AREA))
    assert_cut(without(bad), export_to("v2", source, tmp_path / "targets", area=wkt(AREA), pixels=SKIP), mask)


@EVERY_LAYOUT
def test_damaged_tiles_wholly_inside_move_as_they_are_and_those_outside_matter_to_nobody(tmp_path, layout):
    source = damaged(tmp_path, [INSIDE[0], OUTSIDE[0]])
    found = look_at_tiles(export_to(layout, source, tmp_path / "targets", area=wkt(AREA)))
    assert found[INSIDE[0]] == look_at_tiles(source)[INSIDE[0]]
    assert OUTSIDE[0] not in found


def test_whole_tiles_need_not_decode(tmp_path):
    source = damaged(tmp_path, CROSSING[:9])
    options = tilepack.PixelOptions(whole_tiles=True)
    found = look_at_tiles(export_to("v2", source, tmp_path / "targets", area=wkt(AREA), pixels=options))
    assert found[CROSSING[0]] == look_at_tiles(source)[CROSSING[0]]


def test_after_a_bad_tile_no_bundle_is_written_and_the_crossing_tiles_are_still_checked(tmp_path, monkeypatch):
    bad = [CROSSING[0], CROSSING[-1]]
    tiles = {tile: data[: len(data) // 2] if tile in bad else data for tile, data in data_of(GOOD).items()}
    far = {TileKey(5, row, column): b"tile" for row in (8, 9) for column in (0, 1)}
    write_v2(tmp_path / "source", SCHEME, tiles | far)
    written, checked = [], []
    real, clip = CompactWriter.write_bundle, cutting.clip_tile

    def write_bundle(self, bundle, *args):
        written.append(bundle)
        real(self, bundle, *args)

    def clip_tile(data, *args, **options):
        checked.append(data)
        return clip(data, *args, **options)

    monkeypatch.setattr(CompactWriter, "write_bundle", write_bundle)
    monkeypatch.setattr(cutting, "clip_tile", clip_tile)
    with pytest.raises(tilepack.TileError, match="2 tiles"):
        export_to("v2", tmp_path / "source", tmp_path / "targets", area=wkt(AREA), jobs=1)
    assert {bundle.level for bundle in written} <= {3}  # the level of the first bad tile
    assert {tiles[tile] for tile in CROSSING} <= set(checked)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are counted in /proc")
@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
def test_failed_package_leaves_no_file_open(tmp_path, layout):
    source = damaged(tmp_path, [CROSSING[-1]])
    export_to("v2", source, tmp_path / "first", area=wkt(AREA), pixels=SKIP)  # PROJ keeps its database open
    before = open_files()
    for _ in range(3):
        with pytest.raises(tilepack.TileError, match="1 tile "):
            export_to(layout, source, tmp_path / "targets", area=wkt(AREA))
    assert open_files() <= before


@EVERY_LAYOUT
def test_empty_files_are_no_tiles(tmp_path, layout):
    write_exploded(tmp_path / "source", SCHEME, {**data_of(GOOD), CROSSING[1]: b"", INSIDE[1]: b""})
    target = export_to(layout, tmp_path / "source", tmp_path / "targets", area=wkt(AREA))
    assert_cut(without([CROSSING[1], INSIDE[1]]), target, mask)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are counted in /proc")
@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
def test_package_that_fails_while_bundles_wait_for_their_place_leaves_no_file_open(tmp_path, layout, monkeypatch):
    source = damaged(tmp_path, [])
    export_to("v2", source, tmp_path / "first", area=wkt(AREA))  # PROJ keeps its database open
    real = cutting.TileCutter.cut

    def cut(self, tile, data):
        if tile.level == 3:  # the first bundle: the other one waits until it has its place
            time.sleep(0.3)
            raise RuntimeError("a bug")
        return real(self, tile, data)

    monkeypatch.setattr(cutting.TileCutter, "cut", cut)
    before = open_files()
    with pytest.raises(RuntimeError, match="a bug"):
        export_to(layout, source, tmp_path / "targets", area=wkt(AREA), jobs=8)
    assert open_files() <= before
    assert list((tmp_path / "targets").iterdir()) == []
