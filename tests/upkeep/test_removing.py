"""Deleting a whole cache: files that hold one go like folders, and folders of web tiles are left to their owners."""

from __future__ import annotations

import pytest

import tilepack


@pytest.mark.parametrize("name", ["island.tpk", "island.tpkx", "island.mbtiles", "island.pmtiles", "island.zip"])
def test_a_file_that_holds_a_cache_goes(v2_island, tmp_path, name):
    tilepack.convert(v2_island, tmp_path / name)
    size = (tmp_path / name).stat().st_size
    gone = tilepack.delete_cache(tmp_path / name)
    assert (gone.path, gone.files, gone.file_bytes) == (tmp_path / name, 1, size)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("has_metadata", [True, False])
def test_a_folder_of_web_tiles_is_refused_and_stays(v2_island, tmp_path, has_metadata):
    web = tmp_path / "web"
    tilepack.convert(v2_island, web, storage_format="XYZ")
    if not has_metadata:
        (web / "metadata.json").unlink()
    before = sorted(web.rglob("*"))
    with pytest.raises(tilepack.UnsupportedError, match=r"web: is a folder of web tiles.*by hand"):
        tilepack.delete_cache(web)
    assert sorted(web.rglob("*")) == before


@pytest.mark.parametrize("bundles_path", [".", "./tile", "./here/and there"])
def test_the_levels_of_a_folder_that_is_ready_to_serve_go_wherever_they_lie(v2_island, tmp_path, bundles_path):
    served = tmp_path / "served"
    tilepack.convert(v2_island, served, ready_to_serve=True)
    inner = served / bundles_path
    if inner != served / "tile":
        inner.mkdir(parents=True, exist_ok=True)
        for level in sorted((served / "tile").iterdir()):
            level.rename(inner / level.name)
        (served / "tile").rmdir()
    root = served / "root.json"
    root.write_text(root.read_text("utf-8").replace('"./tile"', f'"{bundles_path}"'), "utf-8")
    tilepack.delete_cache(served)
    assert list(tmp_path.iterdir()) == []
