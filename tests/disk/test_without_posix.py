"""What Windows lacks is never missed: with those functions gone, all layouts are written to the same bytes."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import pytest
from caches import read_all, web_mercator, write_v2
from PIL import Image

import tilepack

ROOT = Path(__file__).parents[2]

LACKING = """
import os, sys
if sys.argv[1] == "lacking":
    for name in ("pread", "pwrite", "preadv", "posix_fallocate", "sync", "O_NONBLOCK", "O_NOFOLLOW"):
        delattr(os, name)
    os.supports_dir_fd.clear()
import tilepack
from tilepack.disk import files
assert files._POSITIONED is (sys.argv[1] != "lacking")
source, folder = sys.argv[2:]
"""
CONVERT = """
for name, storage_format in (("a.tpk", None), ("a.tpkx", None), ("v1", "compact"), ("v2", None), ("ex", "exploded")):
    tilepack.convert(source, f"{folder}/{name}", storage_format=storage_format)
    tilepack.convert(f"{folder}/{name}", f"{folder}/{name}_back.tpkx")
with tilepack.open(f"{folder}/v2") as cache:
    assert tilepack.probe(cache, deep=True).tiles
"""
IMPORT = """
for name, storage_format in (("a.tpk", None), ("a.tpkx", None), ("v1", "compact"), ("v2", None), ("ex", "exploded")):
    target = f"{folder}/{name}"
    tilepack.convert(source, target, storage_format=storage_format)
    for mode, area in (("OVERWRITE", "SRID=3857;POLYGON((-3e6 4e6, -2e6 4e6, -24e5 5e6, -3e6 4e6))"), ("MERGE", None)):
        tilepack.import_cache(f"{folder}/other", target, mode=mode, area=area)
    if os.path.isdir(target):
        assert not [name for name in os.listdir(target) if name.startswith("tilepack")]
"""


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def half_seen(tile: tilepack.TileKey) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (256, 256), (tile.row, tile.column, 7, 100)).save(out, "PNG")
    return out.getvalue()


def run(script: str, system: str, source: Path, folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", LACKING + script, system, source, folder]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("source", ["relief_v2", "relief_v1", "relief.tpk", "degrees_exploded"])
def test_conversions_give_the_same_bytes_without_what_windows_lacks(tmp_path, source):
    for system in ("whole", "lacking"):
        (tmp_path / system).mkdir()
        run(CONVERT, system, ROOT / "fixtures" / source, tmp_path / system)
    assert digests(tmp_path / "lacking") == digests(tmp_path / "whole")
    assert len(digests(tmp_path / "whole")) > 10


def test_imports_give_the_same_bytes_without_what_windows_lacks(tmp_path):
    """Into all layouts, of pictures that one can partly see through."""
    for system in ("whole", "lacking"):
        tiles = {tile: half_seen(tile) for tile in read_all(ROOT / "fixtures/relief_v2")}
        write_v2(tmp_path / system / "other", web_mercator(), tiles, tile_format=tilepack.TileFormat.PNG32)
        run(IMPORT, system, ROOT / "fixtures/relief_v2", tmp_path / system)
    assert digests(tmp_path / "lacking") == digests(tmp_path / "whole")
    assert len(digests(tmp_path / "whole")) > 20
