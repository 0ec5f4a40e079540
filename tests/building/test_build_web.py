"""Web tiles built from rasters: those of a cache built from them, under the zooms of the web."""

from __future__ import annotations

import pytest
from caches import read_all
from seeded_rasters import noise, on_the_grid, write_raster

import tilepack


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    return write_raster(tmp_path_factory.mktemp("raster") / "r.tif", noise(3, 300, 300), on_the_grid(40_000, 30_000, 9))


WEB = [("t.mbtiles", None), ("t.pmtiles", None), ("t.zip", None), ("tiles", "xyz")]


@pytest.mark.parametrize(("name", "storage_format"), WEB)
def test_tiles_are_those_of_a_cache_built_alike(raster, tmp_path, name, storage_format):
    folder = tmp_path / "made"
    folder.mkdir()
    tilepack.build(raster, tmp_path / "t.tpkx", levels="5-9")
    result = tilepack.build(raster, folder / name, storage_format=storage_format, levels="5-9", name="Ortho")
    assert read_all(folder / name) == read_all(tmp_path / "t.tpkx")
    assert result.tiles == len(read_all(folder / name))
    assert [path.name for path in folder.iterdir()] == [name]
    with tilepack.open(folder / name) as reader:
        assert reader.info.name == "Ortho"
        assert reader.info.storage_format is result.plan.kind.storage_format
    with pytest.raises(tilepack.CacheExistsError):
        tilepack.build(raster, folder / name, storage_format=storage_format, levels="5-9")
    tilepack.build(raster, folder / name, storage_format=storage_format, levels="9", replace=True)
    assert {key.level for key in read_all(folder / name)} == {9}


@pytest.mark.parametrize(("name", "storage_format"), WEB)
def test_what_is_built_is_merged_into_web_tiles_too(raster, tmp_path, name, storage_format):
    tilepack.build(raster, tmp_path / name, storage_format=storage_format, levels="8-9")
    before = read_all(tmp_path / name)
    result = tilepack.build_into(raster, tmp_path / name)
    assert read_all(tmp_path / name) == before
    assert result.joined.counts.unchanged == len(before)


def test_other_grids_are_refused_before_anything_is_drawn(raster, tmp_path):
    with pytest.raises(tilepack.TilingSchemeError, match="web mercator alone"):
        tilepack.plan_build(raster, tmp_path / "t.mbtiles", scheme="wgs84")
    assert not list(tmp_path.iterdir())
