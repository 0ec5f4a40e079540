"""Web tiles written and read without tilepack: MBTiles by sqlite3, PMTiles by the package of that name."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from caches import Tiles
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import Compression, Entry, TileType, serialize_directory, serialize_header, zxy_to_tileid
from pmtiles.writer import Writer

from tilepack.keys import TileKey

JPEG_START = b"\xff\xd8"
FLAT = (
    "create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)",
    "create unique index tile_index on tiles (zoom_level, tile_column, tile_row)",
)
WITHOUT_ROWID = (
    (
        "create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob, "
        "primary key (zoom_level, tile_column, tile_row)) without rowid"
    ),
)
VIEW = (
    "create table map (zoom_level integer, tile_column integer, tile_row integer, tile_id text)",
    "create unique index map_index on map (zoom_level, tile_column, tile_row)",
    "create table images (tile_data blob, tile_id text)",
    "create unique index images_id on images (tile_id)",
    (
        "create view tiles as select map.zoom_level as zoom_level, map.tile_column as tile_column, "
        "map.tile_row as tile_row, images.tile_data as tile_data from map join images on images.tile_id = map.tile_id"
    ),
)


def write_mbtiles(
    path: Path, tiles: Tiles, *, schema: tuple[str, ...] = FLAT, metadata: Mapping[str, str] | None = None
) -> Path:
    """Write an MBTiles file: rows counted from the bottom, one after another."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for statement in ("create table metadata (name text, value text)", *schema):
            database.execute(statement)
        said = {"name": "Island", "format": "png"} if metadata is None else metadata
        database.executemany("insert into metadata values (?, ?)", said.items())
        for (level, row, column), data in tiles.items():
            there = (level, column, 2**level - 1 - row)
            if schema is VIEW:
                name = str(hash(data))
                database.execute("insert into map values (?, ?, ?, ?)", (*there, name))
                database.execute("insert or ignore into images values (?, ?)", (data, name))
            else:
                database.execute("insert into tiles values (?, ?, ?, ?)", (*there, data))
    return path


def look_in_mbtiles(path: Path) -> dict[TileKey, bytes]:
    """Give every tile of an MBTiles file, in the order of its rows."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute("select zoom_level, tile_column, tile_row, tile_data from tiles").fetchall()
    return {TileKey(zoom, 2**zoom - 1 - row, column): data for zoom, column, row, data in rows}


def look_at_metadata(path: Path) -> dict[str, str]:
    """Give the metadata of an MBTiles file."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return dict(database.execute("select name, value from metadata").fetchall())


def numbered(tiles: Tiles) -> dict[int, bytes]:
    """Give tiles by their numbers along the curve, in order."""
    found = {zxy_to_tileid(tile.level, tile.column, tile.row): data for tile, data in tiles.items()}
    return dict(sorted(found.items()))


def header(**fields: object) -> dict[str, object]:
    """Give the fields of a header that its writer does not fill in."""
    return {
        "version": 3,
        "tile_type": TileType.PNG,
        "tile_compression": Compression.NONE,
        "min_lon_e7": -1800000000,
        "min_lat_e7": -850511287,
        "max_lon_e7": 1800000000,
        "max_lat_e7": 850511287,
        **fields,
    }


def write_pmtiles(path: Path, tiles: Tiles, *, metadata: Mapping[str, object] | None = None, **fields: object) -> Path:
    """Write a PMTiles file by the package."""
    with path.open("wb") as file:
        writer = Writer(file)
        for number, data in numbered(tiles).items():
            writer.write_tile(number, data)
        writer.finalize(header(**fields), {"name": "Island"} if metadata is None else dict(metadata))
        writer.tile_f.close()
    return path


def pack_pmtiles(
    root: bytes, leaves: bytes, data: bytes, *, metadata: bytes = gzip.compress(b"{}"), **fields: object
) -> bytes:
    """Pack a PMTiles file out of its parts; directories and metadata as they are given."""
    places = 127 + len(root)
    said = header(
        **{
            "root_offset": 127,
            "root_length": len(root),
            "metadata_offset": places,
            "metadata_length": len(metadata),
            "leaf_directory_offset": places + len(metadata),
            "leaf_directory_length": len(leaves),
            "tile_data_offset": places + len(metadata) + len(leaves),
            "tile_data_length": len(data),
            "clustered": True,
            "internal_compression": Compression.GZIP,
            "min_zoom": 0,
            "max_zoom": 30,
            **fields,
        }
    )
    return serialize_header(said) + root + metadata + leaves + data


def pack_leaves(tiles: Tiles, *, per_leaf: int = 7, deep: bool = False) -> bytes:
    """Pack a PMTiles file with small leaf directories, below one another where deep."""
    body, entries = bytearray(), []
    for number, data in numbered(tiles).items():
        entries.append(Entry(number, len(body), len(data), 1))
        body += data
    leaves = bytearray()

    def packed(entries: list[Entry]) -> list[Entry]:
        pointers = []
        for start in range(0, len(entries), per_leaf):
            leaf = serialize_directory(entries[start : start + per_leaf])
            pointers.append(Entry(entries[start].tile_id, len(leaves), len(leaf), 0))
            leaves.extend(leaf)
        return pointers

    pointers = packed(entries)
    if deep:
        pointers = packed(pointers)
    return pack_pmtiles(
        serialize_directory(pointers), bytes(leaves), bytes(body), metadata=gzip.compress(b'{"name": "Island"}')
    )


def look_in_pmtiles(path: Path) -> dict[TileKey, bytes]:
    """Give every tile of a PMTiles file, read by the package."""
    with path.open("rb") as file:
        source = MmapSource(file)
        return {TileKey(zoom, y, x): data for (zoom, x, y), data in all_tiles(source)}


def look_at_header(path: Path) -> tuple[dict[str, object], dict[str, object]]:
    """Give header and metadata of a PMTiles file."""
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        return dict(reader.header()), reader.metadata()


ORDERS = {
    "xyz": lambda tile: (tile.column, tile.row),
    "tms": lambda tile: (tile.column, 2**tile.level - 1 - tile.row),
    "zyx": lambda tile: (tile.row, tile.column),
}


def xyz_files(tiles: Tiles, order: str = "xyz") -> dict[str, bytes]:
    """Name each web tile's file."""
    files = {}
    for tile, data in tiles.items():
        outer, inner = ORDERS[order](tile)
        files[f"{tile.level}/{outer}/{inner}.{'jpg' if data.startswith(JPEG_START) else 'png'}"] = data
    return files


def look_in_xyz(files: Mapping[str, bytes], order: str = "xyz") -> dict[TileKey, bytes]:
    """Give every tile of named files."""
    found = {}
    for name, data in files.items():
        parts = name.split("/")
        if len(parts) < 3:
            continue
        zoom, outer, inner = int(parts[-3]), int(parts[-2]), int(parts[-1].split(".")[0])
        key = TileKey(zoom, outer, inner) if order == "zyx" else TileKey(zoom, inner, outer)
        found[key if order != "tms" else TileKey(zoom, 2**zoom - 1 - inner, outer)] = data
    return found
