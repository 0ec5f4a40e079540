"""ZIP records that the standard library reads back; the large ones never touch a disk."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilepack.formats.stored_zip import Member, dos_time, format_directory, format_local_header, local_header_size

MOMENT = dos_time(1_600_000_000)
GIB = 1 << 30


def pack(files: dict[str, bytes], moment=MOMENT) -> bytes:
    out, members = b"", []
    for name, data in files.items():
        member = Member(name, len(out), len(data), zlib.crc32(data))
        members.append(member)
        out += format_local_header(member, moment) + data
    return out + format_directory(members, len(out), moment)


def entries_of(directory: bytes, offset: int) -> list[zipfile.ZipInfo]:
    """Have the standard library read a directory whose members lie far away, in a file that is only pretended."""

    class Far(io.BytesIO):
        def seek(self, position: int, whence: int = 0) -> int:
            if whence == 2:
                return super().seek(position, 2) + offset
            return super().seek(position - offset, whence)

        def tell(self) -> int:
            return super().tell() + offset

    with zipfile.ZipFile(Far(directory)) as package:
        return package.infolist()


@given(files=st.dictionaries(st.from_regex(r"[a-zé/]{0,9}[a-zé]", fullmatch=True), st.binary(max_size=99), max_size=5))
def test_package_is_read_back_by_the_standard_library(files):
    with zipfile.ZipFile(io.BytesIO(pack(files))) as package:
        assert package.testzip() is None
        assert {name: package.read(name) for name in package.namelist()} == files


def test_header_size_is_what_the_header_has():
    for name in ("a", "tile/L00/R0000C0000.bundle", "größe"):
        for size in (0, 5, 5 * GIB):
            assert local_header_size(name, size) == len(format_local_header(Member(name, 0, size, 0), MOMENT))


def test_members_are_stored_without_data_descriptors():
    with zipfile.ZipFile(io.BytesIO(pack({"a": b"1", "b/": b"", "b/c": b"2"}))) as package:
        for member in package.infolist():
            assert (member.compress_type, member.flag_bits) == (zipfile.ZIP_STORED, 0)


def test_members_have_the_attributes_of_dos():
    with zipfile.ZipFile(io.BytesIO(pack({"b/": b"", "b/c": b"2"}))) as package:
        assert [(member.create_system, member.external_attr) for member in package.infolist()] == [(0, 0x10), (0, 0x20)]


def test_versions_needed_are_those_of_what_a_member_is():
    with zipfile.ZipFile(io.BytesIO(pack({"b/": b"", "b/c": b"2"}))) as package:
        assert [member.extract_version for member in package.infolist()] == [20, 10]


def test_name_beyond_ascii_says_that_it_is_utf_8():
    with zipfile.ZipFile(io.BytesIO(pack({"größe": b"", "size": b""}))) as package:
        assert {member.filename: member.flag_bits for member in package.infolist()} == {"größe": 0x800, "size": 0}


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (None, (1980, 1, 1, 0, 0, 0)),
        (0, (1980, 1, 1, 0, 0, 0)),
        (315532800, (1980, 1, 1, 0, 0, 0)),
        (1_600_000_001, (2020, 9, 13, 12, 26, 40)),
        (1 << 40, (2107, 1, 1, 0, 0, 0)),
    ],
)
def test_time_of_members_is_utc_within_what_a_zip_knows(epoch, expected):
    with zipfile.ZipFile(io.BytesIO(pack({"a": b""}, dos_time(epoch)))) as package:
        found = package.infolist()[0].date_time
    assert found[0] == expected[0]
    if epoch != 1 << 40:
        assert found == expected


def test_member_of_4_gib_stands_in_a_zip64_field():
    size = 5 * GIB
    directory = format_directory([Member("big", 0, size, 7), Member("next", size + 53, 3, 8)], size + 99, MOMENT)
    found = entries_of(directory, size + 99)
    assert [(member.filename, member.file_size, member.header_offset) for member in found] == [
        ("big", size, 0),
        ("next", 3, size + 53),
    ]
    assert [member.extract_version for member in found] == [45, 45]


@pytest.mark.parametrize("size", [0xFFFFFFFE, 0xFFFFFFFF, 0x100000000])
def test_zip64_field_comes_exactly_where_it_is_needed(size):
    head = format_local_header(Member("a", 0, size, 0), MOMENT)
    stored, extra = struct.unpack_from("<I", head, 18)[0], struct.unpack_from("<H", head, 28)[0]
    assert (stored, extra) == ((size, 0) if size < 0xFFFFFFFF else (0xFFFFFFFF, 20))
    assert entries_of(format_directory([Member("a", 0, size, 0)], size + 31, MOMENT), size + 31)[0].file_size == size


def test_small_package_has_no_zip64_records():
    assert b"PK\6\6" not in pack({"a": b"1"})


@pytest.mark.parametrize("count", [65534, 65535, 70000])
def test_directory_of_many_members_is_read_back(count):
    members = [Member(f"{number:05d}", 0, 0, 0) for number in range(count)]
    directory = format_directory(members, 0, MOMENT)
    assert (b"PK\6\6" in directory[-200:]) is (count >= 65535)
    with zipfile.ZipFile(io.BytesIO(directory)) as package:
        assert len(package.infolist()) == count
