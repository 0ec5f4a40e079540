"""Exports appear whole or not at all, with the same bytes whatever the threads, and decode no more than they must."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely
from caches import look_at_files, look_at_tiles, v1_files, v2_files, write_exploded, write_v1, write_v2
from export_caches import (
    assert_cut,
    coloured,
    data_of,
    export_to,
    mask_of,
    png_of,
    scheme_of,
    wkt,
)
from interrupting import assert_stops
from layouts import LAYOUTS

import tilepack
from tilepack.keys import TileKey
from tilepack.pixels.compose import clip_tile
from tilepack.transfer.plan import Action

EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS)

# Bundles are four tiles of level 2 wide, and 128 of level 7: the whole world of 1024 is 8 bundles a side.
SCHEME = scheme_of(3857, (0, 0), 4096, tile=16)
SIDE = SCHEME.level(5).resolution * 16 * 128
"""A bundle's width on level 5, map units."""


def corners():
    """Tiles of five bundles on level 5 and one on level 2: wholly inside, cut, cut to nothing, outside, and mixed."""
    keys = [TileKey(5, row, column) for row in (3, 40, 41) for column in (9, 10, 80)]  # inside
    keys += [TileKey(5, row, 128 + column) for row in (5, 60) for column in (2, 30, 64, 100)]  # cut, and some inside
    keys += [TileKey(5, 128 + row, 40) for row in (0, 1)]  # outside but for a few pixels, which are transparent
    keys += [TileKey(5, 130, 200), TileKey(5, 131, 300)]  # outside
    keys += [TileKey(5, row, 256 + column) for row in (4, 5) for column in (0, 1)]  # whole ones inside, others outside
    keys += [TileKey(2, row, column) for row in (0, 3, 10) for column in (1, 5, 24)]
    random.Random(3).shuffle(keys)
    return keys


def area():
    """A shape over the bundles: its east side runs through the second one's column 64, its south side through 128."""
    tile = SIDE / 128
    main = shapely.Polygon(
        [
            (-3, 5),
            (SIDE + 64.43 * tile, 7),
            (SIDE + 64.57 * tile, -SIDE + 3),
            (40.2 * tile, -SIDE - 0.13 * tile),
            (-5, -SIDE),
        ]
    )
    return main.union(shapely.box(2 * SIDE - tile * 0.001, -6 * tile, 2 * SIDE + tile, 3))


def tiles_of():
    draw = coloured(6, 8)
    clear = draw(TileKey(0, 0, 0), 16, 16)[1] * np.array([1, 1, 1, 0], np.uint8)
    found = {key: draw(key, 16, 16) for key in corners()}
    for key in found:
        if key.level == 5 and key.row in (128, 129):
            found[key] = png_of(clear, 6, 8), clear
    return found


AREA, TILES = area(), tiles_of()
WRITERS = {"v1": write_v1, "v2": write_v2, "exploded": write_exploded}


def mask(tile):
    return mask_of(SCHEME, [AREA], tile)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    for name, write in WRITERS.items():
        style = {} if name == "exploded" else {"dead": (7, 0, 99)}
        write(folder / name, SCHEME, data_of(TILES), **style)
    return folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "targets").mkdir()
    return tmp_path / "targets"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# The same bytes


@EVERY_LAYOUT
@pytest.mark.parametrize("source", WRITERS)
def test_bytes_do_not_depend_on_the_threads_nor_on_the_day(sources, tmp_path, source, layout):
    first, *others = [
        look_at_files(export_to(layout, sources / source, tmp_path / str(number), area=wkt(AREA), jobs=jobs))
        for number, jobs in enumerate((1, 8, 8))
    ]
    assert all(other == first for other in others)
    packages = [path.read_bytes() for path in sorted(tmp_path.glob("*/cache.tpk*"))]
    assert len(set(packages)) <= 1


def test_order_in_a_package_does_not_depend_on_which_tile_takes_longest(sources, tmp_path, monkeypatch):
    expected = export_to("tpkx", sources / "v2", tmp_path / "expected", area=wkt(AREA), jobs=1).read_bytes()
    sleepy = random.Random(1)

    def slow(*args, **options):
        time.sleep(sleepy.random() / 50)
        return clip_tile(*args, **options)

    monkeypatch.setattr("tilepack.transfer.cutting.clip_tile", slow)
    assert export_to("tpkx", sources / "v2", tmp_path / "slow", area=wkt(AREA), jobs=8).read_bytes() == expected


@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
def test_bundles_that_are_cut_follow_behind_the_others_in_a_package(sources, tmp_path, layout):
    target = export_to(layout, sources / "v2", tmp_path, area=wkt(AREA))
    with zipfile.ZipFile(target) as package:
        assert package.testzip() is None
        found = [member.filename.split("/")[-1] for member in sorted(package.infolist(), key=lambda m: m.header_offset)]
    bundles = [name.split(".")[0] for name in found if name.endswith(".bundle")]
    assert bundles == ["R0000C0000", "R0000C0100", "R0000C0000", "R0000C0080"]


# Each bundle's work


@EVERY_LAYOUT
@pytest.mark.parametrize("source", WRITERS)
def test_pixels_inside_stay_and_bundles_of_which_nothing_is_left_are_not_written(sources, tmp_path, source, layout):
    target = export_to(layout, sources / source, tmp_path, area=wkt(AREA))
    assert_cut(TILES, target, mask)
    paths = look_at_files(target)
    if layout == "exploded":
        assert not any("R00000080" in path or "R00000081" in path for path in paths)
    else:
        bundles = sorted("/".join(path.split("/")[-2:]) for path in paths if path.endswith(".bundle"))
        assert bundles == [
            "L02/R0000C0000.bundle",
            "L05/R0000C0000.bundle",
            "L05/R0000C0080.bundle",
            "L05/R0000C0100.bundle",
        ]


def test_plan_copies_what_lies_wholly_inside_and_blends_only_what_is_crossed(sources, folder):
    plan = tilepack.plan_export(sources / "v2", folder / "new", area=wkt(AREA))
    actions = {(task.bundle.level, task.bundle.row, task.bundle.column): task.action for task in plan.tasks}
    assert actions == {
        (2, 0, 0): Action.BLEND,
        (5, 0, 0): Action.COPY,
        (5, 0, 128): Action.BLEND,
        (5, 0, 256): Action.REPACK,
        (5, 128, 0): Action.BLEND,
    }
    crossed = [tile for tile in TILES if mask(tile).any() and not mask(tile).all()]
    assert len(crossed) <= plan.tiles_to_cut <= len(crossed) + 3
    assert names(folder) == []


def test_result_counts_tiles_of_each_kind(sources, folder):
    result = tilepack.export_cache(sources / "v2", folder / "new", area=wkt(AREA))
    there = look_at_tiles(folder / "new")
    assert result.tiles == len(there)
    assert result.counts.blended + result.counts.dropped <= result.plan.tiles_to_cut
    assert result.counts.blended == sum(data != TILES[tile][0] for tile, data in there.items())
    assert result.counts.copied + result.counts.repacked + result.counts.blended == result.tiles
    assert result.skipped == {}
    assert result.as_json()["tilesLeftOut"] + result.plan.tiles == len(TILES)


@pytest.mark.parametrize("layout", ["v1", "v2", "tpk", "tpkx"])
@pytest.mark.parametrize("source", ["v1", "v2"])
def test_copied_bundles_keep_their_dead_space_and_repacked_ones_do_not(sources, tmp_path, source, layout):
    target = export_to(layout, sources / source, tmp_path, area=wkt(AREA))
    found = {path.split("/")[-1]: data for path, data in look_at_files(target).items() if "/L05/" in path}
    pack = v2_files if layout in ("v2", "tpkx") else v1_files
    style = {"dialect": "paper"} if layout == "v2" else {}
    fine = {tile: data for tile, data in data_of(TILES).items() if tile.level == 5 and tile.row < 128}
    copied = pack({tile: data for tile, data in fine.items() if tile.column < 128}, dead=(7, 0, 99), **style)
    repacked = pack({tile: data for tile, data in fine.items() if tile.column == 256}, **style)
    for path, data in (copied | repacked).items():
        assert found[path.split("/")[-1]] == data, path


# Whole or not at all


def slowed(source: Path, target: Path, storage_format: str | None, *, then: str) -> str:
    """A script that exports, slowly, and says when it cuts."""
    text = wkt(AREA).source
    return textwrap.dedent(f"""
        import os, signal, time, tilepack, tilepack.transfer.cutting as cutting
        signal.signal(signal.SIGINT, signal.default_int_handler)  # started in the background, Ctrl-C is ignored
        real = cutting.clip_tile
        def slow(*args, **options):
            os.write(1, b"ready\\n")  # at once: two threads come here
            time.sleep(0.4)
            return real(*args, **options)
        cutting.clip_tile = slow
        try:
            area = tilepack.Area(source={text!r}, crs=3857)
            tilepack.export_cache(
                {str(source)!r}, {str(target)!r}, storage_format={storage_format!r}, area=area, jobs=2
            )
        except KeyboardInterrupt:
            {then}
    """)


@EVERY_LAYOUT
def test_killed_export_leaves_nothing_under_the_name_and_the_next_one_clears_up(sources, folder, layout):
    name, storage_format = LAYOUTS[layout]
    script = slowed(sources / "v2", folder / name, storage_format, then="pass")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout.readline().strip() == b"ready"
        child.kill()
    assert names(folder) == [f"{name}.partial", f"{name}.partial.lock"]
    with pytest.raises(tilepack.CacheNotFoundError):
        tilepack.open(folder / name)
    assert_cut(TILES, export_to(layout, sources / "v2", folder, area=wkt(AREA)), mask)
    assert names(folder) == [name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("layout", ["v2", "tpkx"])
def test_interrupted_export_leaves_nothing(sources, folder, layout):
    name, storage_format = LAYOUTS[layout]
    script = slowed(sources / "v2", folder / name, storage_format, then='print("stopped", flush=True)')
    assert_stops(script)
    assert names(folder) == []


@EVERY_LAYOUT
def test_full_disk_leaves_nothing(sources, folder, layout, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(tilepack.TransferError, match="No space left on device"):
        export_to(layout, sources / "exploded", folder, area=wkt(AREA))
    monkeypatch.undo()
    assert names(folder) == []


@EVERY_LAYOUT
def test_existing_target_is_refused_and_replaced_when_that_is_asked_for(sources, folder, layout):
    tilepack.convert(sources / "v1", folder / LAYOUTS[layout][0], storage_format=LAYOUTS[layout][1], levels="2")
    with pytest.raises(tilepack.CacheExistsError):
        export_to(layout, sources / "v2", folder, area=wkt(AREA))
    assert_cut(TILES, export_to(layout, sources / "v2", folder, area=wkt(AREA), replace=True), mask)
    assert len(names(folder)) == 1


def test_two_exports_have_packages_of_two_identities(sources, folder):
    guids = {
        tilepack.plan_export(sources / "v2", folder / "a.tpkx", area=wkt(each), pixels=pixels).guid
        for each in (AREA, AREA.buffer(-0.01))
        for pixels in (tilepack.PixelOptions(), tilepack.PixelOptions(keep_blank=True))
    }
    assert len(guids) == 4
