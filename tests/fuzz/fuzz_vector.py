"""Targets: packages of vector tiles, one of whose documents is the input."""

from __future__ import annotations

import json
from collections.abc import Iterator

import hostile_builders as small
from caches import read_thoroughly, v2_files
from fuzz_target import Refusals, Target, World
from vector_tiles import ITEM, root_json, style_json, vector_tile

import tilepack
from tilepack.formats.mvt import fault_of
from tilepack.keys import TileKey

TILES = {key: vector_tile(key) for key in (TileKey(0, 0, 0), TileKey(5, 10, 20), TileKey(5, 10, 21))}
BUNDLES = {f"p12/tile/{path}": data for path, data in v2_files(TILES).items()}
TILE_MAP = b'{"index": [1, [1, 0, 1, [1, 1, 1, 1]], 0, 1]}'
DOCUMENTS = {
    "p12/root.json": json.dumps(root_json()).encode(),
    "p12/resources/styles/root.json": json.dumps(style_json()).encode(),
    "p12/tilemap/root.json": TILE_MAP,
    "p12/resources/info/root.json": b'{"resourceInfo": ["../styles/root.json"]}',
    "esriinfo/iteminfo.xml": ITEM,
}
NAMES = tuple(DOCUMENTS)


def read_package(data: bytes, world: World) -> None:
    """Read a package, one of whose documents the first byte chooses and the others are; convert what can be read."""
    if not data:
        return
    files = {**BUNDLES, **DOCUMENTS, NAMES[data[0] % len(NAMES)]: data[1:]}
    folder = world.fresh()
    place = folder / "a.vtpk"
    place.write_bytes(small.make_zip(small.members_of(files)))
    reading = Refusals()
    with reading.noted():
        read_thoroughly(place)
    found = tilepack.verify(place, deep=True, jobs=1)
    assert found.errors or not reading.said, f"verify finds nothing where reading says: {reading.said[0]}"
    reading.raise_first()
    target = folder / "a.pmtiles"
    try:
        tilepack.convert(place, target, jobs=1)
    finally:
        names = {path.name for path in folder.iterdir()}
        assert names <= {"a.vtpk", "a.pmtiles"}, f"something was left: {names}"
    read_thoroughly(target)
    back = folder / "b.vtpk"
    tilepack.convert(target, back, jobs=1)
    with tilepack.open(place) as one, tilepack.open(back) as other:
        assert _contents(one) == _contents(other), "tiles have changed on their way"


def _contents(reader: tilepack.TileReader) -> list[bytes]:
    return [data for level in reader.levels() for key in reader.bundles(level) for _, data in reader.tiles(key)]


def walk_tile(data: bytes, world: World) -> None:
    """Walk a tile's outermost fields."""
    fault = fault_of(data)
    assert fault is None or (fault and "\n" not in fault)


def documents() -> Iterator[bytes]:
    for number, data in enumerate(DOCUMENTS.values()):
        yield bytes([number]) + data
    for changes in (
        {"tiles": ["tile/{z}/{y}/{x}.pbf", "b"]},
        {"tileMap": None, "minLOD": None, "maxLOD": None},
        {"type": None, "defaultStyles": "elsewhere/styles"},
        {"fullExtent": None, "initialExtent": None},
    ):
        yield b"\0" + json.dumps(root_json(**changes)).encode()


WORDS = (
    *(b'"tiles"', b"{z}", b"../..", b'"tileMap"', b'"lods"', b'"resolution"', b'"origin"', b'"defaultStyles"', b"/"),
    *(b'"packetSize": 64', b'"tileCompression"', b'"brotli"', b'"source-layer"', b'"layers"', b'"minLOD"', b"1e400"),
    *(b"null", b"-1", b"NaN", b'"latestWkid"', b"4326", b'"rows"', b"[[[[", b'"tilepack:vector_layers"', b"<!DOCTYPE"),
)

TARGETS = (
    Target(name="documents of vector tile packages", run=read_package, seeds=documents, words=WORDS, share=12, few=25),
    Target(name="vector tile", run=walk_tile, seeds=TILES.values, share=40, longest=512),
)
