"""Every layout becomes every other one, and no tile changes a byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from caches import (
    feet,
    island_tiles,
    look_at_files,
    look_at_tiles,
    payload,
    read_all,
    web_mercator,
    write_exploded,
    write_v1,
    write_v2,
)
from layouts import LAYOUTS, SAMPLES, convert_to

import tilepack
from tilepack.keys import TileKey

PAIRS = [pytest.param((first, second), id=f"{first}-{second}") for first in LAYOUTS for second in LAYOUTS]

SEEDED = {
    "exploded island": (write_exploded, web_mercator(), {}),
    "v1 island with dead space": (write_v1, web_mercator(), {"dead": (7, 0, 4000), "empties": "zero"}),
    "v2 island as in the paper": (write_v2, web_mercator(), {"dialect": "paper", "empty": 0, "dead": (0, 99)}),
    "feet by WKT alone": (write_v1, feet(), {}),
}


def feet_tiles() -> dict[TileKey, bytes]:
    keys = [TileKey(level, row, column) for level in (2, 7, 11) for row in (126, 127, 128) for column in (3, 130)]
    return {key: payload(key, "jpg" if key.row == 127 else "png", 50 + key.column) for key in keys}


@pytest.fixture(scope="module")
def first_steps(tmp_path_factory):
    """Each source in all five layouts, made when first asked for."""
    made: dict[str, dict[str, Path]] = {}

    def steps(name: str, source: Path) -> dict[str, Path]:
        if name not in made:
            folder = tmp_path_factory.mktemp("layouts")
            made[name] = {layout: convert_to(layout, source, folder) for layout in LAYOUTS}
        return made[name]

    return steps


@pytest.fixture(scope="module")
def seeded_source(tmp_path_factory):
    """Seeded caches by name, with the tiles they were made of."""
    made: dict[str, tuple[Path, dict[TileKey, bytes]]] = {}

    def source(name: str) -> tuple[Path, dict[TileKey, bytes]]:
        if name not in made:
            write, scheme, style = SEEDED[name]
            tiles = feet_tiles() if name.startswith("feet") else island_tiles()
            folder = tmp_path_factory.mktemp("seeded") / "Island"
            write(folder, scheme, tiles, **style)
            made[name] = folder, tiles
        return made[name]

    return source


@pytest.mark.parametrize("name", SEEDED)
@pytest.mark.parametrize("pair", PAIRS)
def test_tiles_keep_their_bytes_from_layout_to_layout(name, pair, seeded_source, first_steps, tmp_path):
    source, tiles = seeded_source(name)
    middle = first_steps(name, source)[pair[0]]
    assert look_at_tiles(middle) == tiles
    target = convert_to(pair[1], middle, tmp_path)
    assert look_at_tiles(target) == tiles
    assert read_all(target) == tiles


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("pair", PAIRS)
def test_tiles_of_arcgis_keep_their_bytes_from_layout_to_layout(name, pair, samples, first_steps, tmp_path):
    tiles = look_at_tiles(samples / name)
    assert tiles
    middle = first_steps(name, samples / name)[pair[0]]
    assert look_at_tiles(middle) == tiles
    assert read_all(convert_to(pair[1], middle, tmp_path)) == tiles


@pytest.mark.parametrize("name", SAMPLES)
def test_cache_of_arcgis_says_the_same_of_itself_after_a_round_trip(name, samples, first_steps):
    with tilepack.open(samples / name) as before:
        for place in first_steps(name, samples / name).values():
            with tilepack.open(place) as after:
                assert after.info.scheme.differences(before.info.scheme) == []
                assert before.info.scheme.differences(after.info.scheme) == []
                assert [lod.level for lod in after.info.scheme.levels] == [
                    lod.level for lod in before.info.scheme.levels
                ]
                assert after.info.tile_format is before.info.tile_format
                assert after.info.quality == before.info.quality
                assert after.warnings == []


def test_tiles_of_the_esri_sample_are_the_files_beside_it(samples, first_steps):
    truth = {
        TileKey(int(place.parts[-3][1:]), int(place.parts[-2]), int(place.stem)): place.read_bytes()
        for place in (samples / "esri_sample_tiles").rglob("*.jpg")
    }
    assert len(truth) == 21
    assert read_all(samples / "esri_compact_v2_cache") == truth
    for place in first_steps("esri_compact_v2_cache", samples / "esri_compact_v2_cache").values():
        assert read_all(place) == truth


@pytest.mark.parametrize("name", ["canyonlands.tpk", "states_filled.tpk"])
def test_bundles_of_arcgis_come_back_byte_for_byte_by_way_of_v2(name, samples, first_steps, tmp_path):
    def bundles(place: Path) -> dict[tuple[str, str], bytes]:
        files = look_at_files(place)
        return {tuple(path.split("/")[-2:]): data for path, data in files.items() if ".bundl" in path}

    original = bundles(samples / name)
    assert original
    middle = first_steps(name, samples / name)["v2"]
    assert bundles(convert_to("v1", middle, tmp_path)) == original
    middle = first_steps(name, samples / name)["tpkx"]
    assert bundles(convert_to("tpk", middle, tmp_path)) == original
