"""What lies beyond the 32 bits of older formats: bundles and packages of more than 4 GiB, packages of 65,536 members.

What is written is looked at by others too: by Python's own zipfile, by GDAL's ESRIC driver, and by MapProxy.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from mapproxy.cache.compact import CompactCacheV1, CompactCacheV2
from mapproxy.cache.tile import Tile
from measure import Cost, cost, run
from PIL import Image
from vast import LEVEL, MIDDLE, TILES, area, describe, write_huge, write_many

import tilepack
from tilepack.keys import TileKey

_MANY = 4_100
_TIMES = 16
_MANY_V1 = 33_000
_LIMIT = 1 << 32
_SIZE = 340_000
"""Bytes of each tile of the huge bundle."""


class Done(NamedTuple):
    """A command, what it took, and what was looked at afterwards."""

    work: str
    cost: Cost
    seen: str

    def as_markdown(self) -> str:
        """Give the line for benchmarks/SCALE.md."""
        cost = self.cost
        return f"| {self.work} | {cost.seconds:.1f} | {cost.busy:.1f} | {cost.peak / 1e6:.0f} | {self.seen} |"


def huge_bundle(folder: Path) -> Iterator[Done]:
    """Work on a full bundle of 5.2 GiB, and on what becomes of it."""
    home = _fresh(folder / "huge")
    v2, v1, back, package = home / "v2", home / "v1", home / "back", home / "huge.tpkx"
    write_huge(v2, size=_SIZE)
    yield Done("info --deep, V2", cost("info", "--json", "--deep", v2), _read(v2, CompactCacheV2))
    yield Done("status show --deep, V2", cost("status", "show", "--json", "--deep", v2), "")
    yield Done("verify, V2", cost("verify", "--json", v2), "no error")
    yield Done("V2 -> V1", cost("convert", "-q", v2, v1, "--storage-format", "compact"), _read(v1, CompactCacheV1))
    yield Done("verify, V1", cost("verify", "--json", v1), "no error")
    yield Done("diff V2, V1", cost("diff", "--json", v2, v1), "the same")
    yield Done("V1 -> V2", cost("convert", "-q", v1, back), _same_bundle(v2, back))
    shutil.rmtree(v1)
    some = ["--aoi", area(1), "--aoi-crs", "EPSG:3857"]
    yield Done("delete --aoi, V2", cost("delete", "-q", back, *some), f"{_file_of(back).stat().st_size:,} bytes left")
    yield Done("import, V2", cost("import", "-q", v2, back), _same_tiles(v2, back))
    shutil.rmtree(back)
    yield Done(
        "V2 -> .tpkx", cost("convert", "-q", v2, package), _look(package, [TileKey(LEVEL, MIDDLE + 127, MIDDLE + 127)])
    )
    yield Done("verify --deep, .tpkx", cost("verify", "--json", "--deep", package), "no error")
    yield Done(
        "export --aoi, .tpkx -> .tpkx",
        cost("export", "-q", package, home / "cut.tpkx", *some),
        _look(home / "cut.tpkx", []),
    )
    shutil.rmtree(home)


def many_bundles(folder: Path) -> Iterator[Done]:
    """Work on packages of so many bundles that their members, or their bytes, are too many for plain ZIP."""
    home = _fresh(folder / "many")
    every = _MANY * _TIMES
    for count in (_MANY, every):
        v2, package = home / f"v2_{count}", home / f"{count}.tpkx"
        write_many(v2, count)
        there = f"{count:,} bundles"
        yield Done(f"info, {there}", cost("info", "--json", v2), "")
        yield Done(f"status show --bundles, {there}", cost("status", "show", "--json", "--bundles", v2), "")
        yield Done(f"verify, {there}", cost("verify", "--json", v2), "no error")
        last = max(bundle for bundle in _bundles(v2))
        tile = TileKey(LEVEL, last.row + (count - 1) // 128 % 128, last.column + (count - 1) % 128)
        yield Done(f"V2 -> .tpkx, {there}", cost("convert", "-q", v2, package), _look(package, [tile]))
        yield Done(f"info, .tpkx of {there}", cost("info", "--json", package), "")
        yield Done(f"verify, .tpkx of {there}", cost("verify", "--json", package), "no error")
        shutil.rmtree(v2)
        package.unlink()
    v2, package = home / "v2", home / "many.tpk"
    write_many(v2, _MANY_V1)
    yield Done(f"V2 -> .tpk, {_MANY_V1:,} bundles", cost("convert", "-q", v2, package), _look(package, []))
    yield Done("diff V2, .tpk", cost("diff", "--json", v2, package), "the same")
    shutil.rmtree(home)


def _fresh(home: Path) -> Path:
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(parents=True)
    return home


def _file_of(cache: Path) -> Path:
    return next(cache.glob("_alllayers/*/*.bundle"))


def _bundles(cache: Path) -> list[tilepack.BundleKey]:
    with tilepack.open(cache) as reader:
        return list(reader.bundles(LEVEL))


def _read(cache: Path, rival: type[CompactCacheV1 | CompactCacheV2]) -> str:
    """Read the first tile, one just beyond 4 GiB and the last one, by MapProxy too; they must be whole."""
    at_limit = _LIMIT // (4 + _SIZE) + 1
    other = rival(str(cache / "_alllayers"))
    with tilepack.open(cache) as reader:
        for at in (0, at_limit, 16383):
            key = TileKey(LEVEL, MIDDLE + at // 128, MIDDLE + at % 128)
            tile = Tile((key.column, key.row, key.level))
            by_mapproxy = tile.image_result.image.read() if other.load_tile(tile) else b""
            data = TILES[at % len(TILES)].ljust(_SIZE, b"\0")
            if not data == reader.read(key) == by_mapproxy:
                raise RuntimeError(f"{cache}: tile {key} is another one")
    size = _file_of(cache).stat().st_size / 2**30
    return f"{size:.2f} GiB; tiles at both ends and behind 4 GiB, by MapProxy too"


def _same_bundle(here: Path, there: Path) -> str:
    run("cmp", _file_of(here), _file_of(there))
    return "the bytes of the first"


def _same_tiles(here: Path, there: Path) -> str:
    cost("diff", "-q", here, there)
    return "the tiles of the first, by diff"


def _look(package: Path, tiles: list[TileKey]) -> str:
    """Look at a package by zipfile, every byte of it, and at tiles by GDAL."""
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
        if archive.testzip() is not None:
            raise RuntimeError(f"{package}: a member's checksum is wrong")
    seen = f"{package.stat().st_size / 2**30:.2f} GiB, {len(names):,} members, all checksums right by zipfile"
    for tile in tiles:
        _look_by_gdal(package, tile)
        seen += f", tile {tile} by GDAL"
    return seen


def _look_by_gdal(package: Path, tile: TileKey) -> None:
    """Compare a tile with what GDAL sees at its place."""
    scheme = describe(1).scheme
    extent, resolution = scheme.tile_extent(tile), scheme.level(LEVEL).resolution
    with tilepack.open(package) as reader, rasterio.open(package) as dataset:
        left, top = (extent.xmin - dataset.bounds.left) / resolution, (dataset.bounds.top - extent.ymax) / resolution
        pixels = dataset.read(window=rasterio.windows.Window(round(left), round(top), 256, 256))
        data = reader.read(tile)
    if data is None:
        raise RuntimeError(f"{package}: there is no tile {tile}")
    with Image.open(io.BytesIO(data)) as image:
        expected = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    if not np.array_equal(pixels[:3], expected):
        raise RuntimeError(f"{package}: GDAL sees another tile {tile}")
