"""Packages whose ZIP structures lie, lead out of them, or swell."""

import struct
from collections.abc import Iterator
from pathlib import Path

from hostile_builders import Member, deflated_zeros, files_of, is_package, make_zip, members_of
from hostile_case import Case, member, packed

from tilepack.errors import BundleError, CacheNotFoundError, MetadataError, TilepackError, UnsupportedError

BUNDLE = "L01/R0000C0000.bundle"
PACKAGES = [layout for layout in ("tpk", "tpkx") if is_package(layout)]
DOCUMENT = {"tpk": "v101/Small/conf.xml", "tpkx": "root.json"}
MAKER = "get the package from its maker"


def zip64(*values: int) -> bytes:
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)


def structures() -> Iterator[Case]:
    for layout in PACKAGES:
        name = f"source.{layout}"

        def of_bytes(title: str, change, *words, layout=layout, name=name):
            return Case(
                f"{layout}-{title}",
                packed(layout, lambda members: change(make_zip(members))),
                BundleError,
                (name, *words),
            )

        yield of_bytes("of-no-bytes", lambda _: b"", "ZIP", "backup")
        yield of_bytes("of-text", lambda _: b"Not found " * 9, "ZIP", "backup")
        yield of_bytes("cut-in-half", lambda data: data[: len(data) // 2], "ZIP", "backup")
        yield of_bytes("cut-at-end-record", lambda data: data[:-22], "ZIP", "backup")
        yield of_bytes("cut-in-end-record", lambda data: data[:-9], "ZIP", "backup")
        yield of_bytes("front-missing", lambda data: data[5000:], "backup")
        yield of_bytes("directory-overwritten", lambda data: data.replace(b"PK\1\2", b"PK\1\3"), "ZIP", "backup")
        yield of_bytes("end-record-alone", lambda data: data[-22:], "ZIP", "backup")

        def of_end(title: str, *words, layout=layout, name=name, **lies: int):
            return Case(
                f"{layout}-{title}",
                packed(layout, lambda members: make_zip(members, **lies)),
                BundleError,
                (name, *words),
            )

        yield of_end("directory-count-less", "says 1 members", "backup", count=1)
        yield of_end("directory-count-more", "says 600 members", "backup", count=600)
        yield of_end("directory-size-past-start", "backup", size=(1 << 32) - 2)
        yield of_end("directory-offset-past-end", "backup", offset=(1 << 32) - 2)
        yield of_end("directory-size-zip64-without-record", "backup", size=(1 << 32) - 1)

        def without_first(data: bytes) -> bytes:
            """Let the directory begin at its second entry, and the end record agree."""
            start = data.index(b"PK\1\2")
            second = data.index(b"PK\1\2", start + 4)
            size, offset = struct.unpack_from("<2I", data, len(data) - 10)
            return data[:-10] + struct.pack("<2IH", size - (second - start), offset + second - start, 0)

        yield of_bytes("directory-begins-late", without_first, "members", "backup")


def zip64_claims() -> Iterator[Case]:
    for layout in PACKAGES:
        for title, values in {
            "sizes": ((1 << 63) - 1, (1 << 63) - 1),
            "sizes-beyond-signed": ((1 << 64) - 1, (1 << 64) - 1),
        }.items():

            def sizes(members: list[Member], values=values) -> None:
                found = member(members, BUNDLE)
                found.size = found.packed_size = 0xFFFFFFFF
                found.extra = zip64(*values)

            yield Case(f"{layout}-zip64-{title}", packed(layout, sizes), BundleError, (f"source.{layout}", "backup"))
        for offset in ((1 << 63) - 1, (1 << 64) - 1, 1 << 62, 1 << 40):

            def far(members: list[Member], offset=offset) -> None:
                found = member(members, BUNDLE)
                found.offset = 0xFFFFFFFF
                found.extra = zip64(offset)

            yield Case(
                f"{layout}-zip64-offset-{offset:x}",
                packed(layout, far),
                BundleError,
                (f"source.{layout}", BUNDLE, "backup"),
            )

        def short(members: list[Member]) -> None:
            found = member(members, BUNDLE)
            found.size = found.packed_size = 0xFFFFFFFF
            found.extra = struct.pack("<2H3s", 1, 3, b"abc")

        yield Case(f"{layout}-zip64-cut", packed(layout, short), BundleError, (f"source.{layout}", "backup"))

        def end_record(members: list[Member]) -> bytes:
            data = make_zip(members)
            record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1 << 60, 1 << 60, 1 << 60, 1 << 60)
            locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(data) - 22, 1)
            end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
            return data[:-22] + record + locator + end

        yield Case(
            f"{layout}-zip64-end-record", packed(layout, end_record), BundleError, (f"source.{layout}", "backup")
        )


def names() -> Iterator[Case]:
    for layout in PACKAGES:
        source = f"source.{layout}"
        outside = ("../x", "a/../../x", "/abs", "C:/x", "C:x", "..\\x", "\\x", "C:\\x", "a\\..\\..\\x", "..")
        for name in outside:
            yield Case(
                f"{layout}-member-{name}",
                packed(layout, lambda members, name=name: members.append(Member(name, b"x"))),
                BundleError,
                (source, repr(name), "outside", MAKER),
            )

        def nul(members: list[Member]) -> None:
            members.append(Member("a\0b", b"x"))

        def twice(members: list[Member]) -> None:
            members.append(member(members, BUNDLE))

        def both(members: list[Member]) -> None:
            members.append(Member(member(members, BUNDLE).name + "/x", b"x"))

        def other_way(members: list[Member]) -> None:
            members.insert(0, Member(member(members, BUNDLE).name + "/x", b"x"))

        yield Case(f"{layout}-member-with-nul", packed(layout, nul), BundleError, (source, MAKER))
        yield Case(
            f"{layout}-members-twice", packed(layout, again(twice)), BundleError, (source, BUNDLE, "two members")
        )
        yield Case(
            f"{layout}-file-and-folder", packed(layout, both), BundleError, (source, BUNDLE, "at once", "backup")
        )
        yield Case(f"{layout}-folder-and-file", packed(layout, other_way), BundleError, (source, BUNDLE, "at once"))


def again(change):
    """Append a member of the same name at a place of its own."""

    def apply(members: list[Member]) -> None:
        found = member(members, BUNDLE)
        members.append(Member(found.name, found.data))

    return apply


def members_that_lie() -> Iterator[Case]:
    for layout in PACKAGES:
        for ending in (BUNDLE, DOCUMENT[layout]):
            place = f"source.{layout}/{'v101/Small/_alllayers/' if layout == 'tpk' else 'tile/'}{ending}"
            place = f"source.{layout}/{ending}" if ending == DOCUMENT[layout] else place
            title = ending.rsplit(".", 1)[-1]

            def lying(
                name: str, words: tuple[str, ...], *, layout=layout, ending=ending, place=place, title=title, **lies
            ):
                error, words = lies.pop("error", BundleError), (*words, place if lies.pop("at_place", True) else ending)

                def change(members: list[Member]) -> None:
                    found = member(members, ending)
                    for key, value in lies.items():
                        setattr(found, key, value)

                return Case(f"{layout}-{title}-{name}", packed(layout, change), error, words)

            yield lying("encrypted", ("encrypted", "pack it anew"), flags=1, error=UnsupportedError)
            yield lying("strongly-encrypted", ("encrypted", "pack it anew"), flags=0x41, error=UnsupportedError)
            yield lying("deflated-encrypted", ("encrypted", "pack it anew"), flags=1, method=8, error=UnsupportedError)
            yield lying("deflated-with-strong-flag", ("pack it anew",), flags=0x40, method=8, error=TilepackError)
            yield lying("deflated-with-patch-flag", ("pack it anew",), flags=0x20, method=8, error=TilepackError)
            for method in (1, 9, 12, 14, 93, 95, 99):
                yield lying(
                    f"method-{method}", (f"method {method}", "pack it anew"), method=method, error=UnsupportedError
                )
            yield lying("stored-sizes-differ", ("sizes differ", "backup"), size=10**6)
            yield lying("stored-size-past-end", ("backup",), at_place=False, size=10**6, packed_size=10**6)
            yield lying("local-signature-wrong", ("no such member", "backup"), local_signature=b"PK\3\5")
            yield lying("local-name-differs", ("no such member", "backup"), local_name="another")
            yield lying("deflated-local-name-long", ("no such member", "backup"), method=8, local_name="x" * 40_000)
            yield lying("offset-at-start", ("backup",), at_place=False, offset=7)
            yield lying("offset-past-end", ("backup",), offset=0xFFFFFFF0)
            yield lying(
                "deflated-cut", ("deflate", MAKER) if ending == BUNDLE else ("backup",), method=8, packed_size=9
            )
            yield lying("deflated-garbage", ("unpacked", "backup"), method=8, packed=b"\xff" * 9000)
            yield lying("deflated-under-claimed", ("CRC", "backup"), method=8, packed=deflated_zeros(1024))
            yield lying("deflated-wrong-crc", ("CRC", "backup"), method=8, crc=1)
            yield lying("deflated-size-too-large", ("backup",), method=8, size=150_000)
            yield lying("deflated-size-absurd", (), method=8, size=(1 << 32) - 9, error=(BundleError, MetadataError))

        def overlapping(members: list[Member]) -> None:
            first, second = member(members, "L00/R0000C0000.bundle"), member(members, BUNDLE)
            first.packed_size = first.size = len(first.data) + 500
            second.packed_size = second.size = len(second.data)

        yield Case(
            f"{layout}-members-overlapping",
            packed(layout, overlapping),
            BundleError,
            (f"source.{layout}", "L00/R0000C0000.bundle", "share bytes", "backup"),
        )

        def pointing_elsewhere(members: list[Member]) -> None:
            sizes = [30 + len(found.name) + len(found.data) for found in members]
            first, second = (members.index(member(members, e)) for e in ("L00/R0000C0000.bundle", BUNDLE))
            members[second].offset = sum(sizes[:first])

        yield Case(
            f"{layout}-two-members-at-one-place",
            packed(layout, pointing_elsewhere),
            BundleError,
            (f"source.{layout}", BUNDLE, "share bytes", "backup"),
        )


def contents() -> Iterator[Case]:
    for layout in PACKAGES:
        source, document = f"source.{layout}", DOCUMENT[layout]

        def linked(members: list[Member], document=document) -> None:
            found = member(members, document)
            found.data, found.attributes = b"/etc/hostname", 0o120777 << 16

        def linked_bundle(members: list[Member]) -> None:
            found = member(members, BUNDLE)
            found.data, found.attributes = b"/etc/hostname", 0o120777 << 16

        def bomb(members: list[Member], document=document) -> None:
            found = member(members, document)
            found.data, found.method = b" " * (20 << 20) + found.data, 8

        def swollen(members: list[Member]) -> None:
            found = member(members, BUNDLE)
            found.method, found.size, found.packed = 8, 1 << 30, deflated_zeros(1024)

        def swollen_wholly(members: list[Member]) -> None:
            found = member(members, BUNDLE)
            found.method, found.size, found.packed = 8, 1 << 30, b"\xff" * 900_000

        def claiming(members: list[Member]) -> None:
            found = member(members, BUNDLE)
            found.method, found.size = 8, len(found.data) + 9

        yield Case(f"{layout}-document-as-link", packed(layout, linked), MetadataError, (f"{source}/{document}",))
        yield Case(
            f"{layout}-bundle-as-link", packed(layout, linked_bundle), BundleError, (BUNDLE, "truncated", "backup")
        )
        yield Case(
            f"{layout}-document-swelling", packed(layout, bomb), MetadataError, (f"{source}/{document}", "bytes")
        )
        yield Case(f"{layout}-bundle-swelling", packed(layout, swollen), BundleError, (BUNDLE, "grow", MAKER))
        yield Case(
            f"{layout}-bundle-swelling-past-deflate", packed(layout, swollen_wholly), BundleError, (BUNDLE, MAKER)
        )
        yield Case(f"{layout}-bundle-ending-early", packed(layout, claiming), BundleError, (BUNDLE, "backup"))
        yield Case(
            f"{layout}-of-nothing",
            packed(layout, lambda _: make_zip([])),
            CacheNotFoundError,
            (source, "neither"),
        )
        yield Case(
            f"{layout}-without-document",
            packed(layout, lambda members, document=document: members.remove(member(members, document))),
            CacheNotFoundError,
            (source, "conf.xml", "root.json"),
        )
        yield Case(
            f"{layout}-without-levels",
            packed(layout, lambda members: make_zip(found for found in members if "bundl" not in found.name)),
            MetadataError,
            (f"{source}/{document}", "folder"),
        )
    yield Case(
        "package-of-several-caches",
        several,
        CacheNotFoundError,
        ("source.tpk", "several", "unpack it", "v101/A", "v101/B"),
    )
    yield Case("vector-package", vector, MetadataError, ("source.tpkx", "p12/root.json", "no tileInfo"))
    yield Case("multilayer-package", layers, UnsupportedError, ("source.tpk", "multilayer", "Rivers, Roads"))


def several(folder: Path) -> Path:
    files = {f"v101/{name}/{path}": data for name in "AB" for path, data in files_of("v1").items()}
    (folder / "source.tpk").write_bytes(make_zip(members_of(files)))
    return folder / "source.tpk"


def layers(folder: Path) -> Path:
    files = {
        f"v101/Small/{path.replace('_alllayers', name)}": data
        for path, data in files_of("v1").items()
        for name in (("Roads", "Rivers") if "_alllayers" in path else ("",))
    }
    (folder / "source.tpk").write_bytes(make_zip(members_of(files)))
    return folder / "source.tpk"


def vector(folder: Path) -> Path:
    members = [Member("p12/root.json", b'{"type": "indexedVector"}'), Member("p12/tile/L00/R0000C0000.bundle", b"x")]
    (folder / "source.tpkx").write_bytes(make_zip(members))
    return folder / "source.tpkx"


CASES = [*structures(), *zip64_claims(), *names(), *members_that_lie(), *contents()]
