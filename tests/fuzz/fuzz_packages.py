"""Targets: packages as ZIP files, and what a stopped writer leaves in a folder."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import hostile_builders as small
from fuzz_target import Refusals, Target, World

import tilepack
from tilepack.disk.journal import JOURNAL, Journal, is_partial
from tilepack.disk.locking import WriterLock
from tilepack.disk.package_tree import PackageTree
from tilepack.formats.stored_zip import Member, format_directory, format_local_header

_TILE = "_alllayers/L00/R0000C0000.bundle"


def read_package(data: bytes, world: World) -> None:
    """List a package, and read every member; then open it as a cache."""
    place = world.fresh() / "a.tpkx"
    place.write_bytes(data)
    tree = PackageTree(place)
    refusals = Refusals()
    try:
        for name in tree.members():
            assert not name.startswith("/")
            assert ".." not in name.split("/")
            with refusals.noted():
                tree.is_stored(name)
                assert len(tree.read_document(name)) == tree.size(name)
        _walk(tree, "")
    finally:
        tree.close()
    refusals.raise_first()
    with tilepack.open(place) as reader:
        tilepack.probe(reader)


def _walk(tree: PackageTree, folder: str) -> None:
    for name, is_folder in tree.entries(folder):
        path = f"{folder}/{name}" if folder else name
        if is_folder:
            _walk(tree, path)
        else:
            tree.size(path)


def roll_forward(data: bytes, world: World) -> None:
    """Take up what a journal says was begun; nothing outside the folder may change, nor anything but bundles in it."""
    folder = world.fresh()
    inner, beside = folder / "cache", folder / "beside"
    for place in (inner, beside):
        _fill(place)
    kept = _content(beside)
    (inner / JOURNAL).write_bytes(data)
    try:
        journal = Journal.open(inner)
        assert journal is not None
        for line in journal.lines.values():
            journal.is_done(line.bundle)
        journal.gone()
        journal.roll_forward()
    finally:
        assert _content(beside) == kept, "a folder beside the cache was changed"
        left = _content(inner)
        assert left["private.txt"] == b"private", "what is no part of a cache was changed"
        assert left.get("conf.xml") in (b"old", b"new"), "a document is gone"


def _fill(folder: Path) -> None:
    (folder / "_alllayers/L00").mkdir(parents=True)
    (folder / _TILE).write_bytes(b"old")
    (folder / f"{_TILE}.partial").write_bytes(b"new")
    (folder / "conf.xml").write_bytes(b"old")
    (folder / "conf.xml.partial").write_bytes(b"new")
    (folder / "private.txt").write_bytes(b"private")


def _content(folder: Path) -> dict[str, bytes]:
    return {
        str(Path(parent, name).relative_to(folder)): Path(parent, name).read_bytes()
        for parent, _, names in os.walk(folder)
        for name in names
    }


def take_lock(data: bytes, world: World) -> None:
    """Take a lock in whose file something stands, and then one that somebody holds."""
    folder = world.fresh()
    place = folder / "tilepack.lock"
    place.write_bytes(data)
    lock = WriterLock(place, folder)
    lock.release()
    is_partial(data.decode("utf-8", "surrogateescape"))
    holder = WriterLock(place, folder)
    try:
        place.write_bytes(data)
        WriterLock(place, folder)
    finally:
        holder.release()


# Seeds


def zips() -> Iterator[bytes]:
    files = {name: data for name, data in small.files_of("tpkx").items() if not name.endswith(".bundle")}
    tiny = files | {"tile/L00/R0000C0000.bundle": bytes(70)}
    conf = {f"v101/Small/{name}": data for name, data in small.files_of("v2").items() if name.startswith("conf")}
    yield small.make_zip(small.members_of(tiny))
    yield small.make_zip(small.members_of(conf | {"v101/Small/_alllayers/L00/R0000C0000.bundle": bytes(70)}))
    deflated = small.members_of(files)
    for member in deflated:
        member.method = 8
    yield small.make_zip(deflated)
    yield small.make_zip([])
    yield small.make_zip(small.members_of({"a/": b"", "a/b": b"c", "\u00e9": b"d"}))
    yield _zip64({"root.json": files["root.json"]})
    yield _written({"tile/": b"", "root.json": files["root.json"]})
    whole = small.make_zip(small.members_of({"a": b"b"}))
    yield whole[:-2] + struct.pack("<H", 3) + b"abc"  # a comment


def _written(files: dict[str, bytes]) -> bytes:
    """Pack with tilepack's own writer."""
    body, members = b"", []
    for name, data in files.items():
        member = Member(name, len(body), len(data), zlib.crc32(data))
        body += format_local_header(member, (0, 33)) + data
        members.append(member)
    return body + format_directory(members, len(body), (0, 33))


def _zip64(files: dict[str, bytes]) -> bytes:
    """Pack with the Zip64 records that only large packages need."""
    plain = small.make_zip(small.members_of(files))
    at = plain.rindex(b"PK\5\6")
    count, size, offset = struct.unpack_from("<H2I", plain, at + 10)
    big = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    finder = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return plain[:at] + big + finder + end


def journals() -> Iterator[bytes]:
    head = {"tilepack": 1, "work": "the import of A", "fingerprint": "5c0f"}
    new = [3, zlib.crc32(b"new")]
    lines = [
        {"bundle": "L00/R0000C0000", "files": {_TILE: new}, "gone": []},
        {"bundle": "L00/R0000C0080", "files": {}, "gone": [_TILE]},
        {"bundle": "documents", "files": {"conf.xml": new}, "gone": []},
        {"bundle": "out", "files": {f"../beside/{_TILE}": new}, "gone": [f"../beside/{_TILE}"]},
        {"bundle": "private", "files": {"private.txt": new}, "gone": ["private.txt", "conf.xml"]},
    ]
    for chosen in (lines[:1], lines[1:2], lines[:3], lines[3:4], lines[4:], []):
        yield b"".join(json.dumps(line).encode() + b"\n" for line in [head, *chosen])
    yield json.dumps(head).encode()[:20] + bytes(9)
    yield json.dumps(head).encode() + b"\n" + json.dumps(lines[0]).encode()[:30] + bytes(40)


def holders() -> Iterator[bytes]:
    yield b"tilepack (process 17 on a-host)"
    yield "\u202eprocess \u00e9\n".encode()
    yield b""


ZIP = (
    b"PK\1\2",
    b"PK\3\4",
    b"PK\5\6",
    b"PK\6\6",
    b"PK\6\7",
    b"PK\7\x08",
    b"\xff\xff\xff\xff",
    b"\xff\xff",
    b"../neighbour/",
)
ZIP += (
    b"root.json",
    b"conf.xml",
    b"C:/",
    b"\\",
    b"\0",
    b"\1\0\x10\0",
    b"up\x0d\0",
    b"tile/L00/",
    b"iteminfo.json",
    b"p12/",
)
JSON = (
    b'"files":',
    b'"gone":',
    b'"bundle":',
    b"../beside/",
    _TILE.encode(),
    b"[3,",
    b"null",
    b"[" * 200,
    b"\0\0",
    b"\n",
)
JSON += (
    b"conf.xml",
    b"private.txt",
    b"/",
    b"\\ud800",
    b"1e400",
    b"9" * 30,
    b"_alllayers/L00/../../../beside/",
    b"root.json",
)

TARGETS = (
    Target(name="package", run=read_package, seeds=zips, words=ZIP, share=40),
    Target(name="journal", run=roll_forward, seeds=journals, words=JSON, share=25, longest=2048),
    Target(name="lock", run=take_lock, seeds=holders, words=(b"\x1b[2J", b"\n", b"\0", b"\xff"), share=2, longest=512),
)
