"""Small sound caches in every layout, made with nothing but struct, zipfile's format and text.

Nothing of tilepack is used here: what its writers get wrong must not come out right by its readers.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Tile = tuple[int, int, int]
"""Level, row, column."""

SIDE = 16
ORIGIN = 20037508.342787
RESOLUTIONS = {0: 2504688.542848654, 1: 1252344.271424327, 8: 9783.939620502555}
V1_FIRST = 60 + 4 * 16384
V2_FIRST = 64 + 8 * 16384


def png(seed: int, *, alpha: bool = False) -> bytes:
    """Make a PNG of 16 x 16 pixels in one colour."""
    pixel = bytes([seed * 37 % 256, seed * 91 % 256, seed * 13 % 256]) + (b"\x80" if alpha else b"")
    rows = (b"\0" + pixel * SIDE) * SIDE
    chunks = [
        (b"IHDR", struct.pack(">2I5B", SIDE, SIDE, 8, 6 if alpha else 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


TILES: dict[Tile, bytes] = {
    tile: png(number, alpha=number % 2 == 0)
    for number, tile in enumerate(
        [(0, 0, 0), (1, 0, 0), (1, 1, 1), (1, 0, 1), (8, 130, 129), (8, 128, 130), (8, 255, 128), (8, 130, 127)]
    )
}
"""Every layout holds these; level 8 has two bundles."""


def bundles_of(tiles: Mapping[Tile, bytes] = TILES) -> dict[Tile, dict[Tile, bytes]]:
    """Sort tiles by the level, row and column of their bundle's corner."""
    found: dict[Tile, dict[Tile, bytes]] = {}
    for (level, row, column), data in tiles.items():
        found.setdefault((level, row & -128, column & -128), {})[level, row, column] = data
    return found


def bundle_path(corner: Tile, suffix: str = ".bundle") -> str:
    return f"L{corner[0]:02d}/R{corner[1]:04x}C{corner[2]:04x}{suffix}"


def v1_bundle(corner: Tile, tiles: Mapping[Tile, bytes]) -> tuple[bytes, bytes]:
    """Make a V1 pair: .bundle and .bundlx."""
    offsets = [60 + 4 * at for at in range(16384)]
    body = bytearray(V1_FIRST - 60)
    for (_, row, column), data in tiles.items():
        offsets[(column - corner[2]) * 128 + row - corner[1]] = 60 + len(body)
        body += struct.pack("<I", len(data)) + data
    largest = max(map(len, tiles.values()))
    rectangle = (corner[1], corner[1] + 127, corner[2], corner[2] + 127)
    head = struct.pack("<4I3Q5I", 3, 16384, largest, 5, 4 * len(tiles), 60 + len(body), 40, 16, *rectangle)
    index = b"".join(offset.to_bytes(5, "little") for offset in offsets)
    return head + body, struct.pack("<4I", 3, 16, 16384, 5) + index + struct.pack("<4I", 0, 16, 16, 0)


def v2_bundle(corner: Tile, tiles: Mapping[Tile, bytes], *, paper: bool = True) -> bytes:
    """Make a V2 bundle in one of the two header dialects."""
    entries = [0 if paper else 4] * 16384
    body = bytearray()
    for (_, row, column), data in tiles.items():
        entries[(row - corner[1]) * 128 + column - corner[2]] = V2_FIRST + len(body) + 4 | len(data) << 40
        body += struct.pack("<I", len(data)) + data
    largest = max(map(len, tiles.values())) if paper else 131092
    legacy = (3, 16 if paper else 0, 16384, 5, 131072)
    head = struct.pack("<4I3Q6I", 3, 16384 if paper else 0, largest, 5, 0, V2_FIRST + len(body), 40, 131092, *legacy)
    return head + struct.pack("<16384Q", *entries) + bytes(body)


STORAGE = {"v1": "Compact", "v2": "CompactV2", "exploded": "Exploded"}


def lods_xml(levels: Iterable[tuple[Any, Any]] = tuple(RESOLUTIONS.items())) -> str:
    return "".join(
        f"<LODInfo><LevelID>{level}</LevelID><Scale>1000</Scale><Resolution>{resolution}</Resolution></LODInfo>"
        for level, resolution in levels
    )


def conf_xml(kind: str = "v2", **parts: str) -> bytes:
    """Make a conf.xml; a part given replaces the usual one."""
    used = {
        "before": "",
        "cols": f"{SIDE}",
        "rows": f"{SIDE}",
        "x": f"-{ORIGIN}",
        "y": f"{ORIGIN}",
        "lods": lods_xml(),
        "tile_format": "PNG",
        "storage": f"esriMapCacheStorageMode{STORAGE[kind]}",
        "packet": "0" if kind == "exploded" else "128",
        "extra": "",
    } | parts
    return (
        (
            '<?xml version="1.0" encoding="utf-8"?>{before}'
            '<CacheInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><TileCacheInfo><SpatialReference>'
            "<WKID>102100</WKID><LatestWKID>3857</LatestWKID></SpatialReference>"
            "<TileOrigin><X>{x}</X><Y>{y}</Y></TileOrigin><TileCols>{cols}</TileCols><TileRows>{rows}</TileRows>"
            "<DPI>96</DPI><LODInfos>{lods}</LODInfos></TileCacheInfo><TileImageInfo>"
            "<CacheTileFormat>{tile_format}</CacheTileFormat><CompressionQuality>0</CompressionQuality>"
            "<Antialiasing>false</Antialiasing></TileImageInfo><CacheStorageInfo><StorageFormat>{storage}</StorageFormat>"
            "<PacketSize>{packet}</PacketSize></CacheStorageInfo>{extra}</CacheInfo>"
        )
        .format(**used)
        .encode()
    )


CONF_CDI = (
    f"<EnvelopeN><XMin>-{ORIGIN}</XMin><YMin>-{ORIGIN}</YMin><XMax>{ORIGIN}</XMax><YMax>{ORIGIN}</YMax></EnvelopeN>"
).encode()


def root_members(**changes: Any) -> dict[str, Any]:
    """Give the members of a root.json."""
    reference = {"wkid": 102100, "latestWkid": 3857}
    box = {"xmin": -ORIGIN, "ymin": -ORIGIN, "xmax": ORIGIN, "ymax": ORIGIN, "spatialReference": reference}
    return {
        "tileImageInfo": {"format": "PNG", "compressionQuality": 0},
        "name": "Small",
        "version": 1.0,
        "tileBundlesPath": "./tile",
        "spatialReference": reference,
        "minLOD": 0,
        "maxLOD": 8,
        "tileInfo": {
            "rows": SIDE,
            "cols": SIDE,
            "dpi": 96,
            "origin": {"x": -ORIGIN, "y": ORIGIN},
            "spatialReference": reference,
            "lods": [
                {"level": level, "resolution": resolution, "scale": 1000} for level, resolution in RESOLUTIONS.items()
            ],
        },
        "storageInfo": {"storageFormat": "esriMapCacheStorageModeCompactV2", "packetSize": 128},
        "initialExtent": box,
        "fullExtent": box,
    } | changes


def root_json(**changes: Any) -> bytes:
    return json.dumps(root_members(**changes)).encode()


ITEMINFO_JSON = json.dumps(
    {"name": "Small", "title": "Small", "tags": ["a"], "extent": [[-180, -85], [180, 85]]}
).encode()

Files = dict[str, bytes]
LAYOUTS = ("v1", "v2", "v2-arcgis", "exploded", "ready", "tpk", "tpkx")


def files_of(layout: str) -> Files:
    """Give the files of a sound cache, path -> bytes, as they lie in a folder or in a package."""
    return dict(_files_of(layout))


@cache
def _files_of(layout: str) -> Files:
    if layout == "tpk":
        documents = {f"v101/Small/{path}": data for path, data in files_of("v1").items()}
        item = b"<ESRI_ItemInformation><name>Small</name><title>Small</title></ESRI_ItemInformation>"
        service = json.dumps({"name": "MapServer", "contents": {"mapName": "Small"}}).encode()
        return {
            "esriinfo/iteminfo.xml": item,
            "servicedescriptions/mapserver/mapserver.json": service,
            **documents,
        }
    files: Files = {}
    if layout in ("ready", "tpkx"):
        files |= {"root.json": root_json(), "iteminfo.json": ITEMINFO_JSON}
        top = "tile"
    else:
        files |= {"conf.xml": conf_xml(layout[:2] if layout != "exploded" else layout), "conf.cdi": CONF_CDI}
        top = "_alllayers"
    if layout == "exploded":
        for (level, row, column), data in TILES.items():
            files[f"{top}/L{level:02d}/R{row:08x}/C{column:08x}.png"] = data
        return files
    for corner, tiles in bundles_of().items():
        path = f"{top}/{bundle_path(corner)}"
        if layout == "v1":
            files[path], files[path[:-1] + "x"] = v1_bundle(corner, tiles)
            continue
        files[path] = v2_bundle(corner, tiles, paper=layout == "v2")
    return files


def is_package(layout: str) -> bool:
    return layout in ("tpk", "tpkx")


@dataclass(slots=True)
class Member:
    """A ZIP member whose headers may lie; None means the truth."""

    name: str
    data: bytes
    packed: bytes | None = None
    """What stands in the package; by default the data, compressed where the method says so."""
    method: int = 0
    flags: int = 0
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    local_name: str | None = None
    local_signature: bytes = b"PK\3\4"
    attributes: int = 0
    extra: bytes = b""


def make_zip(
    members: Iterable[Member], *, count: int | None = None, size: int | None = None, offset: int | None = None
) -> bytes:
    """Make a ZIP, byte by byte."""
    body, directory, number = bytearray(), bytearray(), 0
    for member in members:
        number += 1
        packed = member.data if member.packed is None else member.packed
        if member.method == 8 and member.packed is None:
            packer = zlib.compressobj(1, zlib.DEFLATED, -15)
            packed = packer.compress(member.data) + packer.flush()
        full = len(member.data) if member.size is None else member.size
        small = len(packed) if member.packed_size is None else member.packed_size
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        name, local = member.name.encode(), (member.local_name or member.name).encode()
        start = len(body) if member.offset is None else member.offset
        common = (20, member.flags, member.method, 0, 33, crc, small, full)
        body += struct.pack("<4s5H3I2H", member.local_signature, *common, len(local), 0) + local + packed
        directory += (
            struct.pack(
                "<4s6H3I5H2I",
                b"PK\1\2",
                0x314,
                *common,
                len(name),
                len(member.extra),
                0,
                0,
                0,
                member.attributes,
                start,
            )
            + name
            + member.extra
        )
    number = number if count is None else count
    size = len(directory) if size is None else size
    offset = len(body) if offset is None else offset
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, number & 0xFFFF, number & 0xFFFF, size, offset, 0)
    return bytes(body + directory + end)


def deflated_zeros(mebibytes: int) -> bytes:
    """Deflate that many MiB of zeros without ever having them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packer.compress(bytes(1 << 20))
    packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * mebibytes + packer.flush()


def members_of(files: Files) -> list[Member]:
    """Turn files into stored members."""
    return [Member(path, data) for path, data in files.items()]


def write_folder(folder: Path, files: Files) -> Path:
    """Write files below a folder."""
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder


def write_cache(folder: Path, layout: str, files: Files) -> Path:
    """Write the files of a layout as what they are, a folder or a package; give its path."""
    if is_package(layout):
        place = folder / f"source.{layout}"
        place.write_bytes(make_zip(members_of(files)))
        return place
    return write_folder(folder / "source", files)


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """Replace bytes at a position."""
    return data[:at] + new + data[at + len(new) :]
