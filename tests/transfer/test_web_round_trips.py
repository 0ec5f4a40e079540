"""Tiles and what is said of them come through every pair of formats of the web, and through caches, as they were."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from caches import look_at_files, look_at_tiles
from web_caches import look_in_mbtiles, look_in_pmtiles, look_in_xyz

import tilepack

FORMATS = {"web.mbtiles": look_in_mbtiles, "web.pmtiles": look_in_pmtiles}
FORMATS |= {name: lambda path: look_in_xyz(look_at_files(path)) for name in ("web.zip", "tiles")}
FORMATS |= dict.fromkeys(("cache.tpk", "cache.tpkx", "exploded"), look_at_tiles)
STORAGE = {"tiles": "xyz", "exploded": "exploded"}
WEB = ("web.mbtiles", "web.pmtiles", "web.zip", "tiles")
ITEM = tilepack.ItemDescription(
    title="Inseln",
    tags=("sea", "land"),
    summary="Few",
    description="Many <b>words</b>",
    attribution="© wir",
    license="CC",
)


@pytest.fixture(scope="module")
def first(v2_island, tmp_path_factory) -> dict[str, Path]:
    """Give the island in every format, out of one cache that says much of itself."""
    folder = tmp_path_factory.mktemp("first")
    tilepack.export_cache(v2_island, folder / "said.tpkx", description=ITEM)
    for name in FORMATS:
        tilepack.convert(folder / "said.tpkx", folder / name, storage_format=STORAGE.get(name))
    return {name: folder / name for name in FORMATS}


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(FORMATS, 2)))
def test_tiles_keep_their_bytes(first, tmp_path, island_tiles, source, target):
    tilepack.convert(first[source], tmp_path / target, storage_format=STORAGE.get(target), jobs=3)
    assert FORMATS[target](tmp_path / target) == island_tiles


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(WEB, 2)))
def test_what_is_said_comes_through(first, tmp_path, source, target):
    tilepack.convert(first[source], tmp_path / target, storage_format=STORAGE.get(target))
    tilepack.convert(tmp_path / target, tmp_path / "back.tpkx")
    with tilepack.open(first[source]) as there, tilepack.open(tmp_path / target) as here:
        assert here.info.description == there.info.description == ITEM
        assert (here.info.min_level, here.info.max_level) == (there.info.min_level, there.info.max_level) == (0, 18)
        assert here.info.extent.as_tuple() == pytest.approx(there.info.extent.as_tuple(), abs=0.02)
        assert here.info.name == there.info.name
    with tilepack.open(tmp_path / "back.tpkx") as back:
        assert replace(back.info.description, creator="") == ITEM


@pytest.mark.parametrize("name", ["web.zip", "tiles"])
def test_bytes_do_not_depend_on_threads(v2_island, tmp_path, name):
    made = []
    for jobs in (1, 4):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        tilepack.convert(v2_island, folder / name, storage_format=STORAGE.get(name), jobs=jobs)
        made.append((folder / name).read_bytes() if name.endswith(".zip") else look_at_files(folder / name))
    assert made[0] == made[1]
