"""Whatever calls itself PMTiles is read, or refused in one sentence, soon and in little memory."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest
from caches import payload, read_thoroughly
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.tile import Compression, Entry, TileType, serialize_directory
from refusing import assert_refused
from web_caches import pack_leaves, pack_pmtiles, write_pmtiles

import tilepack
from tilepack.formats.hilbert import first_number
from tilepack.keys import TileKey

TILES = {TileKey(3, row, column): payload(TileKey(3, row, column), size=90) for row in range(8) for column in range(8)}
BODY = b"\x89PNG" + bytes(96)
SECONDS = 10.0


def varints(*numbers: int) -> bytes:
    out = bytearray()
    for number in numbers:
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7  # noqa: PLW2901
        out.append(number)
    return gzip.compress(bytes(out))


def one(*entries: tuple[int, int, int, int], **fields: object) -> bytes:
    """Pack a file whose root directory has (number, offset, length, run)."""
    return pack_pmtiles(serialize_directory([Entry(*entry) for entry in entries]), b"", BODY, **fields)


def leading(root: list[Entry], leaf: list[Entry]) -> bytes:
    packed = serialize_directory(leaf)
    pointers = [Entry(entry.tile_id, entry.offset, len(packed), 0) for entry in root]
    return pack_pmtiles(serialize_directory(pointers), packed, BODY)


def sound() -> bytes:
    return pack_leaves(TILES)


def patched(at: int, data: bytes) -> bytes:
    file = bytearray(sound())
    file[at : at + len(data)] = data
    return bytes(file)


def cyclic() -> bytes:
    """Pack a leaf directory that leads to itself: its own length is found by trying."""
    for length in range(20, 60):
        leaf = serialize_directory([Entry(0, 0, length, 0)])
        if len(leaf) == length:
            return pack_pmtiles(serialize_directory([Entry(0, 0, length, 0)]), leaf, BODY)
    raise AssertionError


CASES = {
    "empty": (b"", "does not begin as PMTiles does"),
    "text": (b"Not found", "does not begin as PMTiles does"),
    "header cut": (sound()[:100], "ends within its header"),
    "half": (sound()[:400], "it is truncated"),
    "version 2": (b"PM\x02\x00" + bytes(200), "version 1 or 2"),
    "version 4": (patched(7, b"\x04"), "version 4"),
    "unknown compression": (patched(97, b"\x09"), "its header is damaged"),
    "brotli directories": (patched(97, b"\x03"), "neither plain nor gzipped"),
    "gzipped pictures": (one((0, 0, 100, 1), tile_compression=Compression.GZIP), "compressed once more"),
    "brotli vector tiles": (
        one((0, 0, 100, 1), tile_compression=Compression.BROTLI, tile_type=TileType.MVT),
        "compressed once more",
    ),
    "unknown tile type": (patched(99, b"\x63"), "its header is damaged"),
    "root outside": (patched(8, (1 << 40).to_bytes(8, "little")), "it is truncated"),
    "root beyond 64 bits": (patched(8, b"\xff" * 16), "it is truncated"),
    "root of no bytes beyond 64 bits": (patched(8, b"\xff" * 8 + bytes(8)), "it is truncated"),
    "tiles outside": (patched(64, (1 << 62).to_bytes(8, "little")), "it is truncated"),
    "directory that is none": (pack_pmtiles(b"no gzip at all", b"", BODY), "does not unpack"),
    "directory cut": (pack_pmtiles(serialize_directory([Entry(0, 0, 9, 1)])[:-9], b"", BODY), "is cut short"),
    "directory that swells": (pack_pmtiles(gzip.compress(bytes(64 << 20)), b"", BODY), "more than 8388608 bytes"),
    "absurd count": (pack_pmtiles(varints(1 << 60, 1, 1), b"", BODY), "entries, and has 2 numbers"),
    "endless number": (pack_pmtiles(gzip.compress(b"\x01" + b"\x80" * 40 + b"\x01"), b"", BODY), "beyond 63 bits"),
    "ends within a number": (pack_pmtiles(gzip.compress(b"\x01\x80"), b"", BODY), "ends within a number"),
    "first entry behind none": (pack_pmtiles(varints(1, 0, 1, 5, 0), b"", BODY), "lies behind one before it"),
    "tile twice": (pack_pmtiles(varints(2, 3, 0, 1, 1, 9, 9, 1, 1), b"", BODY), "not in the order"),
    "runs that overlap": (one((0, 0, 9, 5), (3, 9, 9, 1)), "not in the order"),
    "numbers that wrap": (
        pack_pmtiles(varints(2, (1 << 63) - 1, (1 << 63) - 1, 1, 1, 9, 9, 1, 1), b"", BODY),
        "not in the order",
    ),
    "run without end": (one((0, 0, 9, (1 << 62) - 2)), "beyond zoom 30"),
    "run over a whole zoom": (one((0, 0, 9, 1 << 44)), "nobody has so many"),
    "long runs in many zooms": (
        one(*((first_number(zoom) + (at << 30), 0, 9, 1 << 30) for zoom in range(17, 31) for at in range(16))),
        "more equal tiles of zoom",
    ),
    "long run of which the header knows nothing": (
        one((first_number(15), 0, 9, 1 << 30), addressed_tiles_count=12),
        "than its header counts",
    ),
    "many runs in few bytes": (
        one(*((first_number(22) + (at << 20), 0, 9, 1 << 20) for at in range(1 << 14))),
        "than a file of its size has",
    ),
    "zoom beyond 30": (one(((4**31 - 1) // 3, 0, 9, 1)), "beyond zoom 30"),
    "tile without bytes": (one((0, 0, 0, 1)), "has no bytes"),
    "tile outside": (one((0, 50, 51, 1)), "beyond the end of their section"),
    "offset beyond 63 bits": (
        pack_pmtiles(varints(1, 0, 1, 9, (1 << 63) - 1), b"", BODY),
        "has no bytes, or none that could be",
    ),
    "leaf outside": (pack_pmtiles(serialize_directory([Entry(0, 900, 9, 0)]), b"", BODY), "outside its section"),
    "leaf of other tiles": (leading([Entry(5, 0, 0, 0)], [Entry(3, 0, 9, 1)]), "it is not for"),
    "leaf of later tiles": (
        leading([Entry(0, 0, 0, 0), Entry(5, 0, 0, 0)], [Entry(0, 0, 9, 9)]),
        "it is not for",
    ),
    "empty leaf": (leading([Entry(0, 0, 0, 0)], []), "is empty"),
    "cyclic leaf": (cyclic(), "lead to one another"),
}


def read_all(path: Path) -> None:
    with tilepack.open(path) as reader:
        if sum(len(reader.bundles(level)) for level in reader.levels()) > 40:
            return  # a changed run may be long, and true
    read_thoroughly(path)


@pytest.mark.parametrize("name", CASES)
def test_hostile_file_is_refused_in_one_sentence(tmp_path, name):
    data, words = CASES[name]
    source = tmp_path / "map.pmtiles"
    source.write_bytes(data)
    assert_refused(source, words, read_all, seconds=SECONDS, mebibytes=300)
    assert tilepack.verify(source).errors


def test_verify_finds_nothing_in_a_sound_file(tmp_path):
    findings = tilepack.verify(write_pmtiles(tmp_path / "map.pmtiles", TILES))
    assert not findings.errors
    assert (findings.tiles, findings.bundles) == (64, 1)


def test_metadata_that_is_none_is_a_warning(tmp_path):
    (tmp_path / "map.pmtiles").write_bytes(one((0, 0, 100, 1), metadata=b"no gzip"))
    with tilepack.open(tmp_path / "map.pmtiles") as reader:
        assert "read without metadata" in reader.warnings[0]
        assert reader.read(TileKey(0, 0, 0)) == BODY


@given(st.integers(0, len(sound()) - 1), st.binary(min_size=1, max_size=4))
def test_any_change_is_read_or_refused(tmp_path_factory, at, data):
    source = tmp_path_factory.mktemp("changed") / "map.pmtiles"
    source.write_bytes(patched(at, data))
    try:
        read_all(source)
    except tilepack.TilepackError as error:
        assert str(error).startswith(str(source))  # noqa: PT017


@pytest.mark.parametrize("said", [0, 1 << 30])
def test_world_of_one_tile_is_counted_by_its_run(tmp_path, said):
    source = tmp_path / "ocean.pmtiles"
    source.write_bytes(one((first_number(15), 0, len(BODY), 1 << 30), addressed_tiles_count=said))
    assert source.stat().st_size < 300
    begun = time.process_time()
    tracemalloc.start()
    try:
        (level,) = [found for found in tilepack.levels_of(source) if found.tiles]
        assert (level.level, level.tiles, level.bundles) == (15, 1 << 30, 1 << 16)
        with tilepack.open(source) as reader:
            assert tilepack.probe(reader).sampled_tiles == 16 << 16
            report = tilepack.probe(reader, deep=True)
            assert report.levels[0].tile_formats == {"unknown": 1 << 30}
            assert "16/0/0" not in "".join(report.warnings)
            assert sum(summary.tile_bytes or 0 for summary in tilepack.list_bundles(reader)) == len(BODY) << 30
            first = next(reader.tiles(reader.bundles(15)[777]))
            assert first == (first[0], BODY)
            assert reader.read(TileKey(15, 32767, 32767)) == BODY
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < SECONDS * 2


def test_disk_that_is_too_small_for_a_world_of_one_tile_is_found_out_before_it_is_begun(tmp_path, monkeypatch):
    source = tmp_path / "ocean.pmtiles"
    source.write_bytes(one((first_number(15), 0, len(BODY), 1 << 30)))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=50_000_000_000))
    with pytest.raises(tilepack.TransferError, match=r"the target needs 115,968,311,296; make room"):
        tilepack.plan_convert(source, tmp_path / "ocean.tpkx")


def test_run_across_the_end_of_a_zoom_is_read(tmp_path):
    zooms = range(9)
    tiles = {TileKey(zoom, at >> zoom, at & 2**zoom - 1): BODY for zoom in zooms for at in range(4**zoom)}
    source = write_pmtiles(tmp_path / "blank.pmtiles", tiles)  # the package itself makes one run of it
    with tilepack.open(source) as reader:
        assert reader.levels() == list(zooms)
        assert dict(item for zoom in zooms for key in reader.bundles(zoom) for item in reader.tiles(key)) == tiles
        assert [level.tiles for level in tilepack.probe(reader).levels] == [4**zoom for zoom in zooms]
    assert tilepack.verify(source).tiles == len(tiles)
