"""Targets: web tiles, as MBTiles, PMTiles, and ZIPs of files; what is read once must be read again."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import caches
import hostile_builders as small
import numpy as np
import web_caches as web
from caches import read_thoroughly
from fuzz_target import Refusals, Target, World
from pmtiles.tile import Compression, Entry, serialize_directory

import tilepack
from tilepack.formats import pmtiles
from tilepack.formats.hilbert import tile_numbers
from tilepack.keys import TileKey

TILES = {TileKey(*key): small.png(sum(key)) for key in ((0, 0, 0), (1, 0, 1), (3, 2, 5), (3, 2, 6), (8, 3, 200))}

MOST_WINDOWS, MOST_TILES = 100, 3000


def _read(place: Path) -> None:
    """Read a file in every way; what cannot be read, verify finds."""
    reading = Refusals()
    with reading.noted():
        read_thoroughly(place)
    found = tilepack.verify(place, jobs=1)
    assert found.errors or not reading.said, f"verify finds nothing where reading says: {reading.said[0]}"
    reading.raise_first()


def read_mbtiles(data: bytes, world: World) -> None:
    place = world.fresh() / "a.mbtiles"
    place.write_bytes(data)
    _read(place)


def read_pmtiles(data: bytes, world: World) -> None:
    """Read a file, unless it says to have very many equal tiles: that is work for hours, and may be true."""
    place = world.fresh() / "a.pmtiles"
    place.write_bytes(data)
    with tilepack.open(place) as reader:
        windows = [bundle for level in reader.levels() for bundle in reader.bundles(level)]
        if len(windows) > MOST_WINDOWS or sum(reader.summary(bundle).tiles for bundle in windows) > MOST_TILES:
            return
    _read(place)


def read_directory(data: bytes, world: World) -> None:
    """Read a directory of PMTiles: its entries lie in order and have bytes."""
    numbers, runs, offsets, lengths = pmtiles.parse_directory(data, pmtiles.PLAIN, place="a.pmtiles")
    assert (np.diff(numbers) > 0).all()
    assert not numbers.size or (numbers.min() >= 0 and offsets.min() >= 0 and lengths.min() >= 1)
    assert (runs >= 0).all()


def read_schema(data: bytes, world: World) -> None:
    """Read an MBTiles file whose tables are made by the input, SQL; there are rows of tiles in ``made`` for it."""
    place = world.fresh() / "a.mbtiles"
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as database:
        database.execute("create table made (zoom_level, tile_column, tile_row, tile_data)")
        rows = [(level, column, 2**level - 1 - row, data) for (level, row, column), data in TILES.items()]
        database.executemany("insert into made values (?, ?, ?, ?)", rows)
        database.set_authorizer(_allow)
        database.set_progress_handler(lambda: True, 50_000)  # the input's own work; how its views are read is the point
        try:
            database.executescript(data.decode("utf-8", "replace").replace("\0", ""))
        except sqlite3.Error:
            return
    _read(place)


def _allow(action: int, *_: object) -> int:
    """Keep the harness in its own file."""
    return sqlite3.SQLITE_DENY if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_PRAGMA) else sqlite3.SQLITE_OK


def read_zip(data: bytes, world: World) -> None:
    """Read a ZIP of web tiles whose names are the lines of an input, and the last line its metadata.json."""
    *names, metadata = data.decode("utf-8", "replace").split("\n")
    files = {name: small.png(number) for number, name in enumerate(names[:40]) if name}
    place = world.fresh() / "a.zip"
    place.write_bytes(small.make_zip(small.members_of(files | {"metadata.json": metadata.encode()})))
    _read(place)


# Seeds


def databases() -> Iterator[bytes]:
    for schema in (web.FLAT, web.WITHOUT_ROWID, web.VIEW):
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute("pragma page_size = 512")
            for statement in ("create table metadata (name text, value text)", *schema):
                database.execute(statement)
            said = {"name": "A", "format": "png", "bounds": "-180,-85,180,85", "minzoom": "0", "json": '{"a": 1}'}
            database.executemany("insert into metadata values (?, ?)", said.items())
            for (level, row, column), data in TILES.items():
                there = (level, column, 2**level - 1 - row)
                if schema is web.VIEW:
                    database.execute("insert into map values (?, ?, ?, ?)", (*there, str(level)))
                    database.execute("insert or ignore into images values (?, ?)", (data, str(level)))
                else:
                    database.execute("insert into tiles values (?, ?, ?, ?)", (*there, data))
            database.commit()
            yield database.serialize()


def schemas() -> Iterator[bytes]:
    fill = "insert into tiles select * from made;"
    for schema in (web.FLAT, web.WITHOUT_ROWID):
        yield f"{';'.join(schema)};{fill}".encode()
    yield b"create view tiles as select * from made; create table metadata (name, value);"
    yield b"create view tiles as select made.* from made, (select 1 union select 2);"
    yield (
        b"create table tiles (zoom_level, tile_column, tile_row, tile_data); insert into tiles values (3, 2, 1.5, 'x'),"
        b"(-1, 0, 0, x'00'), ('a', null, 1e400, 7); create table metadata (name, value); "
        b"insert into metadata values ('bounds', 'nan,0,0,0'), ('minzoom', 99), ('format', x'ff'), (1, 2);"
    )
    yield (
        b"create table n (i); insert into n values (1),(2),(3),(4),(5),(6),(7),(8); create view tiles as "
        b"select a.i % 3 as zoom_level, b.i as tile_column, c.i as tile_row, x'89' as tile_data "
        b"from n a, n b, n c, n d;"
    )


def _numbers() -> dict[int, bytes]:
    return web.numbered(TILES)


def directories() -> Iterator[bytes]:
    for made in _directories():
        yield pmtiles.unpack(serialize_directory(made), pmtiles.GZIP, most=1 << 20, place="")
    yield b"\0"


def _directories() -> Iterator[list[Entry]]:
    at, entries = 0, []
    for number, data in _numbers().items():
        entries.append(Entry(number, at, len(data), 1))
        at += len(data)
    yield entries
    yield [Entry(0, 0, 78, 1), Entry(1, 0, 78, 4), Entry(21, 0, 78, 1 << 10)]
    yield [Entry(0, 0, 30, 0)]
    yield []


def archives() -> Iterator[bytes]:
    body = b"".join(_numbers().values())
    plain = {"internal_compression": Compression.NONE, "metadata": b'{"name": "A", "attribution": "b"}'}
    for raw in directories():
        yield web.pack_pmtiles(raw, b"", body, **plain)
    raw = next(directories())
    pointer = pmtiles.unpack(serialize_directory([Entry(0, 0, len(raw), 0)]), pmtiles.GZIP, most=1 << 20, place="")
    yield web.pack_pmtiles(pointer, raw, body, **plain)
    yield web.pack_leaves(TILES, per_leaf=2)
    assert tile_numbers(0, np.array([0]), np.array([0]))[0] == 0


def folders() -> Iterator[bytes]:
    for order in web.ORDERS:
        names = "\n".join(web.xyz_files(TILES, order))
        yield f'{names}\n{{"scheme": "{order}", "bounds": [-180, -85, 180, 85], "minzoom": "0"}}'.encode()
    names = "\n".join(f"tiles/{name}" for name in caches_files())
    yield f"{names}\ntilemapresource.xml\n{{}}".encode()


def caches_files() -> list[str]:
    return sorted(web.xyz_files({TileKey(2, 1, 3): caches.payload(TileKey(2, 1, 3))}))


SQL = (b"create view tiles as ", b"select ", b" union all ", b"zeroblob(9e9)", b"randomblob(9)", b"load_extension('a')")
SQL += (b"with recursive n (i) as (select 0 union all select i + 1 from n) ", b"printf('%999999999d', 1)", b" limit -1")
SQL += (
    b"insert into tiles values (",
    b"x'89504e47'",
    b"1e400",
    b"null",
    b"-1",
    b"9223372036854775807",
    b"hex(tile_data)",
)
SQL += (
    b"group_concat(tile_data)",
    b"zoom_level",
    b"tile_column",
    b"tile_row",
    b"tile_data",
    b"made",
    b"readfile('/etc/hosts')",
)
VARINTS = (b"\xff" * 8 + b"\x7f", b"\xff" * 9, b"\x80", b"\0", b"\x01", b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x08")
NAMES = (
    b"0/0/0.png",
    b"../",
    b"1/",
    b"/1/1.jpg",
    b"007",
    b"\xd9\xa1",
    b"30/1073741823/0.png",
    b"{z}",
    b".webp",
    b"\\",
    b"9" * 30,
)
NAMES += (
    b'"scheme": "tms"',
    b'"bounds": "1,2,3,4"',
    b'"minzoom": 1e400',
    b'"json": "{}"',
    b'"format": "pbf"',
    b"metadata.json",
)

TARGETS = (
    Target(
        name="MBTiles", run=read_mbtiles, seeds=databases, words=(b"SQLite format 3\0",), share=12, longest=8192, few=20
    ),
    Target(name="MBTiles made by SQL", run=read_schema, seeds=schemas, words=SQL, share=10, longest=1024, few=20),
    Target(name="PMTiles", run=read_pmtiles, seeds=archives, words=VARINTS, share=20, longest=2048, few=30),
    Target(name="PMTiles directory", run=read_directory, seeds=directories, words=VARINTS, share=80, longest=512),
    Target(name="web tiles in a ZIP", run=read_zip, seeds=folders, words=NAMES, share=12, longest=1024, few=20),
)
