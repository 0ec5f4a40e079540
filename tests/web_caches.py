"""Web tiles written and read without tilepack: MBTiles by sqlite3."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from caches import Tiles

from tilepack.keys import TileKey

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
