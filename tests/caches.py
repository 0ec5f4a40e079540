"""Seeded caches, packed and looked into by ``struct``, ``numpy`` and ``zipfile`` alone.

Nothing in here asks tilepack how bytes lie in a bundle or a package: the byte layouts are spelled out a second time, so
that its readers meet bundles that its writers did not make, and its writers are read by something else. Only the
documents (conf.xml, root.json, ...) come from tilepack.metadata, which has tests of its own.
"""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from packed_bundles import SIDE, SLOTS, V1_FIRST, pack_v1, pack_v2
from PIL import Image

import tilepack
from tilepack.cache import CacheInfo, StorageFormat, TileFormat
from tilepack.extent import Extent
from tilepack.keys import BundleKey, TileKey
from tilepack.metadata.conf_cdi import format_conf_cdi
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.iteminfo_json import format_iteminfo_json
from tilepack.metadata.root_json import format_root_json
from tilepack.metadata.standard import arcgis_online_scheme
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference

Tiles = Mapping[TileKey, bytes]

FEET_WKT = (
    'PROJCS["Invented_Plane_Feet",GEOGCS["GCS_North_American_1983",DATUM["D_North_American_1983",'
    'SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",984250.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",-74.25],PARAMETER["Scale_Factor",0.9999],'
    'PARAMETER["Latitude_Of_Origin",38.5],UNIT["Foot_US",0.3048006096012192]]'
)


# Schemes


def web_mercator() -> TilingScheme:
    """Give the ArcGIS Online scheme."""
    return arcgis_online_scheme()


def feet() -> TilingScheme:
    """Give a scheme known by WKT alone: oblong 512-pixel tiles, levels that skip numbers and are no powers of two."""
    return TilingScheme(
        origin_x=700000,
        origin_y=440000,
        tile_width=512,
        tile_height=384,
        levels=tuple(
            LevelOfDetail(level=level, resolution=scale / (96 * 12), scale=scale)
            for level, scale in ((1, 500000.0), (2, 350000.0), (4, 256000.0), (7, 128000.0), (11, 64000.0))
        ),
        spatial_reference=SpatialReference(wkt=FEET_WKT),
    )


# Tiles


def payload(tile: TileKey, kind: str = "png", size: int = 200) -> bytes:
    """Give random bytes, other ones for every tile, behind the head of a 256-pixel PNG or JPEG; they do not decode."""
    noise = random.Random(str((*tile, kind, size))).randbytes(max(1, size))
    if kind == "jpg":
        frame = struct.pack(">HHBHHB", 0xFFC0, 17, 8, 256, 256, 3) + bytes(9)
        return b"\xff\xd8" + frame + b"\xff\xda" + noise
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 256, 256, 8, 6, 0, 0, 0) + noise


def picture(tile: TileKey, kind: str = "png", size: tuple[int, int] = (256, 256)) -> bytes:
    """Give a tile that decodes: coloured blocks, other ones for every tile, a PNG's transparent in part."""
    noise = random.Random(str((*tile, kind)))
    blocks = Image.frombytes("RGBA", (8, 8), noise.randbytes(256))
    blocks.putalpha(Image.frombytes("L", (8, 8), bytes(noise.choice((0, 255, 255, 255)) for _ in range(64))))
    image = blocks.resize(size, Image.Resampling.NEAREST)
    out = io.BytesIO()
    if kind == "jpg":
        image.convert("RGB").save(out, "JPEG", quality=80, subsampling=0)  # so that every decoder sees the same
    else:
        image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def island_tiles() -> dict[TileKey, bytes]:
    """Give unique tiles of both kinds on levels 0, 5, 9 and 18: several bundles, five-digit columns, shuffled order."""
    keys = [TileKey(0, 0, 0)]
    keys += [TileKey(5, row, column) for row in range(10, 16) for column in range(6, 12)]
    keys += [TileKey(9, row, column) for row in range(120, 137) for column in range(250, 263)]  # four bundles
    keys += [TileKey(18, 0xE380 + row, 0x12680 + column) for row in (0, 5, 127) for column in (0, 64, 127)]
    order = random.Random(18)
    order.shuffle(keys)
    return {key: payload(key, order.choice(("png", "jpg")), order.randrange(1, 3000)) for key in keys}


def by_bundle(tiles: Tiles) -> dict[BundleKey, list[tuple[TileKey, bytes]]]:
    """Sort tiles into bundles, their order kept."""
    found: dict[BundleKey, list[tuple[TileKey, bytes]]] = {}
    for tile, data in tiles.items():
        corner = BundleKey(tile.level, tile.row // SIDE * SIDE, tile.column // SIDE * SIDE)
        found.setdefault(corner, []).append((tile, data))
    return found


# Caches


def describe(
    scheme: TilingScheme,
    storage_format: StorageFormat,
    *,
    tile_format: TileFormat = TileFormat.MIXED,
    extent: Extent | None = None,
    levels: tuple[int, int] | None = None,
) -> CacheInfo:
    """Say of a cache what its documents need."""
    return CacheInfo(
        name="Island",
        scheme=scheme,
        storage_format=storage_format,
        tile_format=tile_format,
        quality=75 if tile_format in (TileFormat.MIXED, TileFormat.JPEG) else 0,
        extent=extent,
        min_level=levels and levels[0],
        max_level=levels and levels[1],
    )


def tile_box(scheme: TilingScheme, tiles: Iterable[TileKey], level: int | None = None) -> Extent:
    """Give the box of the tiles of one level, the finest if none is named, by schoolbook arithmetic."""
    keys = list(tiles)
    level = max(key.level for key in keys) if level is None else level
    keys = [key for key in keys if key.level == level]
    resolution = next(lod.resolution for lod in scheme.levels if lod.level == level)
    width, height = scheme.tile_width * resolution, scheme.tile_height * resolution
    return Extent(
        xmin=scheme.origin_x + min(key.column for key in keys) * width,
        ymin=scheme.origin_y - (max(key.row for key in keys) + 1) * height,
        xmax=scheme.origin_x + (max(key.column for key in keys) + 1) * width,
        ymax=scheme.origin_y - min(key.row for key in keys) * height,
    )


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their paths below a folder."""
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def exploded_files(tiles: Tiles) -> dict[str, bytes]:
    """Name each tile's file below ``_alllayers``."""
    files = {}
    for tile, data in tiles.items():
        suffix = ".jpg" if data.startswith(b"\xff\xd8") else ".png"
        files[f"L{tile.level:02d}/R{tile.row:08x}/C{tile.column:08x}{suffix}"] = data
    return files


def v1_files(tiles: Tiles, **style: object) -> dict[str, bytes]:
    """Name each bundle's two files below ``_alllayers``; the style is that of ``pack_v1``."""
    files = {}
    for bundle, held in by_bundle(tiles).items():
        path = f"L{bundle.level:02d}/R{bundle.row:04x}C{bundle.column:04x}"
        files[f"{path}.bundle"], files[f"{path}.bundlx"] = pack_v1(bundle, held, **style)
    return files


def v2_files(tiles: Tiles, **style: object) -> dict[str, bytes]:
    """Name each bundle's file below ``_alllayers`` or ``tile``; the style is that of ``pack_v2``."""
    return {
        f"L{bundle.level:02d}/R{bundle.row:04x}C{bundle.column:04x}.bundle": pack_v2(held, **style)
        for bundle, held in by_bundle(tiles).items()
    }


def conf_files(info: CacheInfo, tiles: Tiles) -> dict[str, bytes]:
    """Give conf.xml and conf.cdi; the extent is that of the finest level where the info names none."""
    files = {"conf.xml": format_conf_xml(info)}
    if info.extent or tiles:
        extent = info.extent or tile_box(info.scheme, tiles)
        info = describe(info.scheme, info.storage_format, tile_format=info.tile_format, extent=extent)
        files["conf.cdi"] = format_conf_cdi(info)
    return files


def write_exploded(
    folder: Path, scheme: TilingScheme, tiles: Tiles, *, tile_format: TileFormat = TileFormat.MIXED
) -> None:
    """Write an exploded cache file by file."""
    info = describe(scheme, StorageFormat.EXPLODED, tile_format=tile_format)
    write_files(folder, conf_files(info, tiles))
    write_files(folder / "_alllayers", exploded_files(tiles))


def write_v1(
    folder: Path, scheme: TilingScheme, tiles: Tiles, *, tile_format: TileFormat = TileFormat.MIXED, **style: object
) -> None:
    """Write a Compact V1 cache; the style is that of ``pack_v1``."""
    info = describe(scheme, StorageFormat.COMPACT, tile_format=tile_format)
    write_files(folder, conf_files(info, tiles))
    write_files(folder / "_alllayers", v1_files(tiles, **style))


def write_v2(
    folder: Path, scheme: TilingScheme, tiles: Tiles, *, tile_format: TileFormat = TileFormat.MIXED, **style: object
) -> None:
    """Write a Compact V2 cache; the style is that of ``pack_v2``."""
    info = describe(scheme, StorageFormat.COMPACT_V2, tile_format=tile_format)
    write_files(folder, conf_files(info, tiles))
    write_files(folder / "_alllayers", v2_files(tiles, **style))


def ready_files(scheme: TilingScheme, tiles: Tiles, *, tile_format: TileFormat = TileFormat.MIXED) -> dict[str, bytes]:
    """Give the files of a folder that is ready to serve, which are also the members of a .tpkx."""
    levels = sorted({tile.level for tile in tiles})
    info = describe(
        scheme,
        StorageFormat.COMPACT_V2,
        tile_format=tile_format,
        extent=tile_box(scheme, tiles),
        levels=(levels[0], levels[-1]),
    )
    return {
        "iteminfo.json": format_iteminfo_json(info, guid="6D1F2A8C-0000-4000-8000-00000000A15E"),
        "root.json": format_root_json(info),
        **{f"tile/{path}": data for path, data in v2_files(tiles).items()},
    }


def tpk_files(scheme: TilingScheme, tiles: Tiles, *, root: str = "v101/Layers") -> dict[str, bytes]:
    """Give the members of a small .tpk: conf.xml, conf.cdi and bundles, and nothing else."""
    info = describe(scheme, StorageFormat.COMPACT)
    files = {f"{root}/{path}": data for path, data in conf_files(info, tiles).items()}
    return files | {f"{root}/_alllayers/{path}": data for path, data in v1_files(tiles).items()}


def write_zip(
    path: Path, files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_STORED, folders: Iterable[str] = ()
) -> None:
    """Pack members with the standard library, the way people pack packages by hand."""
    with zipfile.ZipFile(path, "w", compression) as package:
        for folder in folders:
            package.writestr(zipfile.ZipInfo(folder), b"")
        for name, data in files.items():
            package.writestr(name, data)


# Looking without tilepack


def look_at_files(path: Path) -> dict[str, bytes]:
    """Give every file of a folder or package by its path."""
    if path.is_file():
        with zipfile.ZipFile(path) as package:
            return {name: package.read(name) for name in package.namelist() if not name.endswith("/")}
    return {place.relative_to(path).as_posix(): place.read_bytes() for place in path.rglob("*") if place.is_file()}


def look_at_tiles(path: Path) -> dict[TileKey, bytes]:
    """Give every tile of a cache or package written in ArcGIS' way, in stored order, read by struct alone."""
    found: dict[TileKey, bytes] = {}
    files = look_at_files(path)
    for name, data in sorted(files.items()):
        parts = name.split("/")
        if name.endswith(".bundle"):
            level = int(parts[-2][1:])
            row, column = (int(part, 16) for part in parts[-1][1 : -len(".bundle")].split("C"))
            index = files.get(name[:-1] + "x")
            slots = look_in_v2(data) if index is None else look_in_v1(data, index)
            for (down, right), tile in slots.items():
                found[TileKey(level, row + down, column + right)] = tile
        elif re.search(r"/R[0-9a-f]{8}/C[0-9a-f]{8}\.", name):
            column = int(parts[-1][1:].split(".")[0], 16)
            found[TileKey(int(parts[-3][1:]), int(parts[-2][1:], 16), column)] = data
    return found


def look_in_v1(bundle: bytes, bundlx: bytes) -> dict[tuple[int, int], bytes]:
    """Give the tiles of a V1 bundle by row and column in it, as stored."""
    bytes_of_offsets = np.frombuffer(bundlx, np.uint8, 5 * SLOTS, 16).reshape(SLOTS, 5).astype(np.int64)
    offsets = (bytes_of_offsets << np.arange(0, 40, 8)).sum(axis=1)
    found = {}
    for at in np.argsort(offsets)[np.count_nonzero(offsets < V1_FIRST) :].tolist():
        offset = int(offsets[at])
        size = struct.unpack_from("<I", bundle, offset)[0]
        found[at % SIDE, at // SIDE] = bundle[offset + 4 : offset + 4 + size]
    return found


def look_in_v2(bundle: bytes) -> dict[tuple[int, int], bytes]:
    """Give the tiles of a V2 bundle by row and column in it, as stored."""
    entries = np.frombuffer(bundle, "<u8", SLOTS, 64)
    held = np.flatnonzero(entries >> np.uint64(40))
    stored = sorted((int(entries[at]) & (1 << 40) - 1, at, int(entries[at]) >> 40) for at in held.tolist())
    return {divmod(at, SIDE): bundle[offset : offset + size] for offset, at, size in stored}


def read_all(path: str | Path) -> dict[TileKey, bytes]:
    """Give every tile of a cache, read by tilepack, in stored order."""
    with tilepack.open(path) as reader:
        return {
            tile: data
            for level in reader.levels()
            for bundle in reader.bundles(level)
            for tile, data in reader.tiles(bundle)
        }


def read_thoroughly(path: str | Path) -> None:
    """Let tilepack read a cache in every way: measured, listed, bundle by bundle, and each tile by itself."""
    with tilepack.open(path) as reader:
        tilepack.probe(reader, deep=True)
        list(tilepack.list_tiles(reader))
        for level in reader.levels():
            for bundle in reader.bundles(level):
                for tile, data in reader.tiles(bundle):
                    assert reader.read(tile) == data
