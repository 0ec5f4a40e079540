"""Vector tile packages written and read without tilepack: protocol buffers by hand, JSON, and the standard library."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
from pathlib import Path

from caches import Tiles, look_in_v2, v2_files

from tilepack.keys import TileKey

LAYERS = ("land", "roads")
HALF = 20037508.342787
CORNER = {"x": -HALF, "y": HALF}
WEB = {"wkid": 102100, "latestWkid": 3857}


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes) -> bytes:
    """Give a field of wire type 2: key, length, bytes."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def mvt(tile: TileKey) -> bytes:
    """Give a vector tile of two layers, each with one point that depends on where the tile is; not gzipped."""
    zigzag = [value << 1 for value in (tile.row * 37 % 4096, tile.column * 53 % 4096)]
    point = b"".join(map(varint, (9, *zigzag)))  # MoveTo, one pair
    feature = varint(3 << 3) + varint(1) + field(4, point)
    return b"".join(
        field(
            3, field(1, name.encode()) + field(2, feature) + varint(5 << 3) + varint(4096) + varint(15 << 3 | 0) + b"\2"
        )
        for name in LAYERS
    )


def vector_tile(tile: TileKey) -> bytes:
    """Give it gzipped, as packages and MBTiles hold it."""
    return gzip.compress(mvt(tile), mtime=0)


def vector_tiles() -> dict[TileKey, bytes]:
    """Give a few tiles on levels 0 to 9, over two bundles at the last."""
    keys = [TileKey(0, 0, 0), TileKey(1, 0, 1), TileKey(1, 1, 0)]
    keys += [TileKey(5, 10 + row, 20 + column) for row in range(3) for column in range(4)]
    keys += [TileKey(9, 126 + row, 300 + column) for row in range(5) for column in range(3)]
    return {key: vector_tile(key) for key in keys}


VECTOR = vector_tiles()


def root_json(**changes: object) -> dict[str, object]:
    """Give what ArcGIS Pro's root.json says, changed; None takes a member out."""
    extent = {"xmin": -HALF, "ymin": -HALF, "xmax": HALF, "ymax": HALF, "spatialReference": WEB}
    said: dict[str, object] = {
        "currentVersion": 11.1,
        "name": "Inseln",
        "copyrightText": "Amt für Inseln",
        "capabilities": "TilesOnly",
        "type": "indexedVector",
        "tileMap": "tilemap",
        "defaultStyles": "resources/styles",
        "tiles": ["tile/{z}/{y}/{x}.pbf"],
        "exportTilesAllowed": False,
        "initialExtent": extent,
        "fullExtent": extent,
        "minScale": 295828763.7957775,
        "maxScale": 564.248588,
        "tileInfo": {
            "rows": 512,
            "cols": 512,
            "dpi": 96,
            "format": "pbf",
            "origin": CORNER,
            "spatialReference": WEB,
            "lods": [
                {"level": z, "resolution": 78271.516964 / 2**z, "scale": 295828763.7957775 / 2**z} for z in range(20)
            ],
        },
        "maxzoom": 9,
        "minLOD": 0,
        "maxLOD": 9,
        "resourceInfo": {
            "styleVersion": 8,
            "tileCompression": "gzip",
            "cacheInfo": {"storageInfo": {"packetSize": 128, "storageFormat": "compactV2"}},
        },
    }
    return {key: value for key, value in (said | changes).items() if value is not None}


def style_json() -> dict[str, object]:
    drawn = [{"id": f"{name} drawn", "type": "line", "source": "esri", "source-layer": name} for name in LAYERS]
    return {"version": 8, "sources": {"esri": {"type": "vector", "url": "../../"}}, "layers": drawn}


ITEM = (
    "<?xml version='1.0' encoding='utf-8'?><ESRI_ItemInformation Culture='en-US'><name>Inseln</name>"
    "<title>Alle Inseln</title><tags>sea, land</tags><type>Vector Tile Package</type>"
    "<accessinformation>Amt für Inseln</accessinformation></ESRI_ItemInformation>"
).encode()


def vtpk_files(tiles: Tiles = VECTOR, /, **changes: object) -> dict[str, bytes]:
    """Give the members of a package as ArcGIS Pro lays it out."""
    documents = {
        "root": root_json(**changes),
        "tilemap/root": {"index": [1, 1, 1, 1]},
        "resources/styles/root": style_json(),
        "resources/info/root": {"resourceInfo": ["../styles/root.json"]},
    }
    return {
        "esriinfo/iteminfo.xml": ITEM,
        **{f"p12/{path}.json": json.dumps(said).encode() for path, said in documents.items()},
        **{f"p12/tile/{path}": data for path, data in v2_files(tiles).items()},
    }


def look_in_vtpk(path: Path) -> dict[TileKey, bytes]:
    """Give every tile of a package, by zipfile and struct."""
    found: dict[TileKey, bytes] = {}
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        assert {member.compress_type for member in package.infolist()} == {zipfile.ZIP_STORED}
        for name in package.namelist():
            folder, _, last = name.rpartition("/")
            if last.endswith(".bundle"):
                level = int(folder.rpartition("/L")[2])
                row, column = int(last[1:5], 16), int(last[6:10], 16)
                data = package.read(name)
                assert struct.unpack_from("<I", data) == (3,)
                found |= {TileKey(level, row + r, column + c): tile for (r, c), tile in look_in_v2(data).items()}
    return found


def look_at_json(path: Path, name: str) -> dict[str, object]:
    with zipfile.ZipFile(path) as package:
        said: dict[str, object] = json.loads(package.read(name))
        return said
