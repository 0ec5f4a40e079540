"""Packages beyond what plain ZIP can say: larger than 4 GiB, made of holes, and of more than 65,535 members."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from caches import payload, read_all, ready_files, web_mercator, write_zip
from packed_bundles import SLOTS, V2_FIRST

import tilepack
from tilepack.disk import container as container_module
from tilepack.disk.files import PositionedFile
from tilepack.disk.package import PackageContainer
from tilepack.keys import TileKey

FEW = {TileKey(5, row, column): payload(TileKey(5, row, column)) for row in (10, 11) for column in (6, 7, 8)}
GIB = 1 << 30


def test_package_whose_members_all_have_zip64_fields_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "island.tpkx", "w") as package:
        for name, data in ready_files(web_mercator(), FEW).items():
            with package.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert read_all(tmp_path / "island.tpkx") == FEW


def test_package_behind_other_bytes_is_read(tmp_path):
    """Self-extracting archives are such: offsets count from where the ZIP begins."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, data in ready_files(web_mercator(), FEW).items():
            package.writestr(name, data)
    (tmp_path / "island.tpkx").write_bytes(b"#!" + bytes(998) + out.getvalue())
    assert read_all(tmp_path / "island.tpkx") == FEW


def test_package_with_a_comment_is_read(tmp_path):
    write_zip(tmp_path / "island.tpkx", ready_files(web_mercator(), FEW))
    with zipfile.ZipFile(tmp_path / "island.tpkx", "a") as package:
        package.comment = b"packed by hand"
    assert read_all(tmp_path / "island.tpkx") == FEW


def test_package_with_members_behind_4_gib_is_read(tmp_path):
    """A V2 bundle of 5 GiB whose only tile lies at its end, then another; written record by record."""
    far, last = TileKey(5, 1, 2), TileKey(6, 3, 4)
    size = 5 * GIB
    entries = [4] * SLOTS
    entries[130] = size - 8 | 8 << 40
    words = (3, 0, 131092, 5, 0, size, 40, 131092, 3, 0, SLOTS, 5, 131072)
    bundle_head = struct.pack("<4I3Q6I", *words) + struct.pack(f"<{SLOTS}Q", *entries)
    entries = [4] * SLOTS
    entries[3 * 128 + 4] = V2_FIRST + 4 | 9 << 40
    words = (3, 0, 131092, 5, 0, V2_FIRST + 13, 40, 131092, 3, 0, SLOTS, 5, 131072)
    small = struct.pack("<4I3Q6I", *words) + struct.pack(f"<{SLOTS}Q", *entries) + b"\x09\0\0\0last tile"
    root = ready_files(web_mercator(), {far: b"far away", last: b"last tile"})["root.json"]

    def local(name: bytes, length: int) -> bytes:
        extra = struct.pack("<2H2Q", 1, 16, length, length)
        return struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 33, 0, *[0xFFFFFFFF] * 2, len(name), 20) + name + extra

    def central(name: bytes, length: int, offset: int) -> bytes:
        extra = struct.pack("<2H3Q", 1, 24, length, length, offset)
        fixed = (b"PK\1\2", 45, 45, 0, 0, 0, 33, 0, *[0xFFFFFFFF] * 2, len(name), 28, 0, 0, 0, 0, 0xFFFFFFFF)
        return struct.pack("<4s6H3I5H2I", *fixed) + name + extra

    directory, end = b"", 0
    with (tmp_path / "huge.tpkx").open("wb") as package:
        for name, parts in (
            (b"root.json", {0: root}),
            (b"tile/L05/R0000C0000.bundle", {0: bundle_head, size - 12: b"\x08\0\0\0far away"}),
            (b"tile/L06/R0000C0000.bundle", {0: small}),
        ):
            length = max(at + len(data) for at, data in parts.items())
            directory += central(name, length, end)
            package.seek(end)
            head = local(name, length)
            package.write(head)
            for at, data in parts.items():
                package.seek(end + len(head) + at)
                package.write(data)
            end += len(head) + length
        package.write(directory)
        package.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 3, 3, len(directory), end))
        package.write(struct.pack("<4sIQI", b"PK\6\7", 0, end + len(directory), 1))
        package.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 3, 3, len(directory), 0xFFFFFFFF, 0))
    with tilepack.open(tmp_path / "huge.tpkx") as reader:
        assert (reader.read(far), reader.read(last)) == (b"far away", b"last tile")


def test_package_of_more_members_than_16_bits_count_is_read(tmp_path):
    """What is beyond is counted in Zip64 records; these here were written by struct."""
    files = {name.encode(): data for name, data in ready_files(web_mercator(), FEW).items()}
    files |= {b"more/%05x" % number: b"" for number in range(1 << 16)}
    body, directory = io.BytesIO(), io.BytesIO()
    for name, data in files.items():
        fields = (0, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
        directory.write(struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, *fields[1:], *[0] * 4, body.tell()) + name)
        body.write(struct.pack("<4s5H3I2H", b"PK\3\4", 20, *fields[1:]) + name + data)
    size, end, count = directory.tell(), body.tell(), len(files)
    body.write(directory.getvalue())
    body.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, end))
    body.write(struct.pack("<4sIQI", b"PK\6\7", 0, end + size, 1))
    body.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, size, end, 0))
    (tmp_path / "many.tpkx").write_bytes(body.getvalue())
    assert read_all(tmp_path / "many.tpkx") == FEW


def test_package_written_beyond_4_gib_is_read_by_the_standard_library(tmp_path, monkeypatch):
    monkeypatch.setattr(PositionedFile, "allocate", lambda *_: None)  # leave the holes empty
    package = PackageContainer(tmp_path / "huge.tpkx", replace=False, created=None)
    package.reserve("tile/L00/huge", 5 * GIB)
    package.reserve("tile/L01/next", 9)
    sink = package.create("tile/L00/huge", 5 * GIB)
    sink.write(b"begin", 0)
    sink.write(b"end", 5 * GIB - 3)
    sink.close(0)
    sink = package.create("tile/L01/next", 9)
    sink.write(b"next tile", 0)
    sink.close(0x5F9DCDEA)
    package.write_document("root.json", b"{}")
    package.commit(["root.json"])
    with zipfile.ZipFile(tmp_path / "huge.tpkx") as written:
        assert written.namelist() == ["root.json", "tile/", "tile/L00/", "tile/L00/huge", "tile/L01/", "tile/L01/next"]
        assert written.getinfo("tile/L00/huge").file_size == 5 * GIB
        assert written.getinfo("tile/L01/next").header_offset > 5 * GIB
        assert written.read("root.json") == b"{}"
        with written.open("tile/L00/huge") as member:
            assert member.read(5) == b"begin"


def test_member_that_outgrows_its_place_is_refused(tmp_path):
    package = PackageContainer(tmp_path / "island.tpkx", replace=False, created=None)
    package.reserve("first", 4)
    package.reserve("second", 4)
    sink = package.create("first", 4)
    with pytest.raises(tilepack.TransferError, match="outgrows"):
        sink.write(b"too long", 0)
    package.abort()
    assert list(tmp_path.iterdir()) == []


def test_member_that_never_came_keeps_the_package_from_appearing(tmp_path):
    package = PackageContainer(tmp_path / "island.tpkx", replace=False, created=None)
    package.reserve("first", 4)
    with pytest.raises(tilepack.TransferError, match="never written"):
        package.commit([])
    package.abort()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["soon", "-5", "1.5"])
def test_source_date_epoch_must_count_seconds(monkeypatch, value):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(tilepack.TransferError, match="SOURCE_DATE_EPOCH"):
        container_module.creation_time()
