"""Laws of rights: what may not be written is left alone, and what is written anew keeps who may read and write it."""

from __future__ import annotations

import os
from pathlib import Path

import caches
import pytest

import tilepack
from tilepack.keys import TileKey

TILES = {key: caches.picture(key) for key in (TileKey(3, row, column) for row in (3, 4) for column in (3, 4))}
FILES = ["cache.tpk", "cache.tpkx", "map.mbtiles", "map.pmtiles", "map.zip"]
FOLDERS = ["compact", "compact-v2", "exploded", "xyz"]

WITH_MODES = pytest.mark.skipif(os.name == "nt", reason="needs modes of files")


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "source"
    caches.write_v2(folder, caches.web_mercator(), TILES)
    return folder


def halved(source: Path, target: Path, storage_format: str | None = None) -> Path:
    """Convert, and take half of the tiles away, so that an import has something to do."""
    tilepack.convert(source, target, storage_format=storage_format)
    tilepack.delete_tiles(target, extent=(-3e7, -3e7, -1, 3e7))
    return target


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("work", ["import", "delete"])
def test_file_that_is_read_only_is_left_as_it_is(source, tmp_path, monkeypatch, name, work):
    target = halved(source, tmp_path / name)
    before = target.read_bytes()
    target.chmod(0o444)
    if os.access(target, os.W_OK):  # the system lets root write anything
        may = os.access
        monkeypatch.setattr(os, "access", lambda path, how: Path(path) != target and may(path, how))
    with pytest.raises(tilepack.TransferError, match="is read-only; let it be written, or choose another target"):
        tilepack.import_cache(source, target) if work == "import" else tilepack.delete_tiles(target, all_tiles=True)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


@WITH_MODES
@pytest.mark.parametrize("name", FILES)
def test_file_written_anew_keeps_who_may_read_it(source, tmp_path, name):
    target = halved(source, tmp_path / name)
    for mode in (0o664, 0o600):
        target.chmod(mode)
        before = target.read_bytes()
        tilepack.import_cache(source, target, mode="OVERWRITE") if mode == 0o664 else tilepack.delete_tiles(
            target, all_tiles=True
        )
        assert target.read_bytes() != before
        assert target.stat().st_mode & 0o777 == mode


@WITH_MODES
@pytest.mark.parametrize("storage_format", FOLDERS)
def test_files_of_a_folder_keep_who_may_read_them(source, tmp_path, storage_format):
    target = halved(source, tmp_path / "cache", storage_format)
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    for path in before:
        path.chmod(0o660)
    tilepack.import_cache(source, target)
    changed = [path for path, data in before.items() if path.read_bytes() != data]
    assert changed or storage_format in ("exploded", "xyz")  # where a tile that comes is a file of its own
    assert {path.stat().st_mode & 0o777 for path in before} == {0o660}
