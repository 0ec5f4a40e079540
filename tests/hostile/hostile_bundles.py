"""Bundles that are cut short, contradict their index, or lie in their header."""

import struct
from collections.abc import Iterator

from hostile_builders import V1_FIRST, V2_FIRST, Files, patched
from hostile_case import Case, changed, rewritten

from tilepack.errors import BundleError

LEVELS = {"v1": "_alllayers", "v2": "_alllayers", "v2-arcgis": "_alllayers", "ready": "tile", "tpkx": "tile"}
LEVELS["tpk"] = "v101/Small/_alllayers"
BUNDLE = "L01/R0000C0000.bundle"
BUNDLX = "L01/R0000C0000.bundlx"
V1, V2 = ("v1", "tpk"), ("v2", "v2-arcgis", "ready", "tpkx")
BACKUP = "backup"
TILE_BYTES = 78
"""Bytes of a tile's data at least; the real ones are some more."""


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def v1_offset(row: int, column: int, offset: int) -> tuple[int, bytes]:
    """Say where in a .bundlx an offset stands, and its bytes."""
    return 16 + 5 * (column * 128 + row), offset.to_bytes(5, "little")


def v1_offset_of(index: bytes, row: int, column: int) -> int:
    at = v1_offset(row, column, 0)[0]
    return int.from_bytes(index[at : at + 5], "little")


def v2_entry(row: int, column: int, offset: int, size: int) -> tuple[int, bytes]:
    """Say where in a V2 bundle an index entry stands, and its bytes."""
    return 64 + 8 * (row * 128 + column), u64(offset | size << 40)


def v2_entry_of(data: bytes, row: int, column: int) -> tuple[int, int]:
    (entry,) = struct.unpack_from("<Q", data, 64 + 8 * (row * 128 + column))
    return entry & (1 << 40) - 1, entry >> 40


def both_kinds() -> Iterator[Case]:
    for layout in (*V1, *V2):
        path = f"{LEVELS[layout]}/{BUNDLE}"
        first = V1_FIRST if layout in V1 else V2_FIRST

        def case(name: str, change, *words, layout=layout, path=path):
            return Case(f"{layout}-{name}", changed(layout, path, change), BundleError, (path, *words))

        yield case("bundle-of-no-bytes", lambda _: b"", "truncated", "0 bytes", BACKUP)
        yield case("bundle-cut-in-header", lambda data: data[:33], "truncated", "33", BACKUP)
        yield case("bundle-cut-in-index", lambda data: data[:40_000], "truncated", BACKUP)
        yield case("bundle-cut-behind-index", lambda data, at=first: data[:at], "truncated", BACKUP)
        yield case("bundle-cut-in-tile", lambda data: data[:-7], "truncated", BACKUP)
        yield case("header-version-4", lambda data: patched(data, 0, u32(4)), "version 4", "expected", BACKUP)
        yield case("header-records-99", lambda data: patched(data, 4, u32(99)), "99 records", BACKUP)
        yield case("header-offsets-of-8", lambda data: patched(data, 12, u32(8)), "offsets of 8 bytes", BACKUP)
        yield case("header-user-header-at-48", lambda data: patched(data, 32, u64(48)), "at 48", BACKUP)
        yield case("header-user-header-size", lambda data: patched(data, 40, u32(20)), "20", BACKUP)
        yield case("header-file-too-large", lambda data: patched(data, 24, u64(1 << 50)), "truncated", BACKUP)
        yield case("header-file-too-small", lambda data, at=first: patched(data, 24, u64(at + 9)), "header", BACKUP)
        yield case("header-file-of-0", lambda data: patched(data, 24, u64(0)), "header", BACKUP)
        yield case("bundle-of-zeros", lambda data: bytes(len(data)), "version 0", BACKUP)
        yield case("bundle-of-text", lambda _: b"A page not found. " * 9_000, "expected", BACKUP)


def v1_only() -> Iterator[Case]:
    for layout in V1:
        path, index = (f"{LEVELS[layout]}/{name}" for name in (BUNDLE, BUNDLX))

        def in_index(name: str, change, *words, layout=layout, index=index, path=path):
            return Case(f"{layout}-{name}", changed(layout, index, change), BundleError, (path, *words))

        def in_bundle(name: str, change, *words, layout=layout, path=path):
            return Case(f"{layout}-{name}", changed(layout, path, change), BundleError, (path, *words))

        def of_index(name: str, change, *words, layout=layout, index=index):
            return Case(f"{layout}-{name}", changed(layout, index, change), BundleError, (index, *words))

        yield of_index("bundlx-of-no-bytes", lambda _: b"", "0 bytes", "81952", BACKUP)
        yield of_index("bundlx-cut", lambda data: data[:5000], "5000 bytes", "81952", BACKUP)
        yield of_index("bundlx-oversized", lambda data: data + b"\0", "81953 bytes", "81952", BACKUP)
        yield of_index("bundlx-of-zeros", lambda data: bytes(len(data)), "3, 16, 16384, 5", BACKUP)

        def without(files: Files, index=index) -> None:
            del files[index]

        yield Case(f"{layout}-bundlx-missing", rewritten(layout, without), BundleError, (path, ".bundlx", BACKUP))
        yield in_index(
            "offset-past-end",
            lambda data: patched(data, *v1_offset(0, 0, 90_000)),
            "1/0/0",
            "90000",
            "header",
            BACKUP,
        )
        yield in_index("offset-largest", lambda data: patched(data, *v1_offset(0, 0, (1 << 40) - 1)), "1/0/0", BACKUP)
        yield in_index(
            "tiles-identical",
            lambda data: patched(data, *v1_offset(0, 0, v1_offset_of(data, 1, 1))),
            "1/0/0",
            "1/1/1",
            "same bytes",
            BACKUP,
        )
        yield in_index(
            "tiles-overlap",
            lambda data: patched(data, *v1_offset(1, 1, v1_offset_of(data, 0, 0) + 30)),
            "1/0/0",
            "1/1/1",
            "same bytes",
            BACKUP,
        )
        yield in_bundle(
            "length-past-next-tile",
            lambda data: patched(data, V1_FIRST, u32(200)),
            "1/0/0",
            "1/1/1",
            "same bytes",
            BACKUP,
        )
        yield in_bundle("length-past-end", lambda data: patched(data, V1_FIRST, u32(1 << 31)), "1/0/0", BACKUP)
        yield in_bundle("header-rows", lambda data: patched(data, 44, u32(128)), "rows 128 to 127", "name")
        yield in_bundle("header-columns", lambda data: patched(data, 52, u32(7)), "columns 7 to 127", "name")

    def last_too_long(files: Files) -> None:
        at = v1_offset_of(files[f"_alllayers/{BUNDLX}"], 0, 1)
        files[f"_alllayers/{BUNDLE}"] = patched(files[f"_alllayers/{BUNDLE}"], at, u32(5000))

    yield Case(
        "v1-last-length-past-end",
        rewritten("v1", last_too_long),
        BundleError,
        (f"_alllayers/{BUNDLE}", "1/0/1", "header", BACKUP),
    )

    def two_indexes(files: Files) -> None:
        files["_alllayers/L01/r0000c0000.BUNDLX"] = files[f"_alllayers/{BUNDLX}"]

    yield Case("v1-two-bundlx-of-one-name", rewritten("v1", two_indexes), BundleError, ("BUNDLX", "move one away"))


def v2_only() -> Iterator[Case]:
    for layout in V2:
        path = f"{LEVELS[layout]}/{BUNDLE}"

        def case(name: str, change, *words, layout=layout, path=path):
            return Case(f"{layout}-{name}", changed(layout, path, change), BundleError, (path, *words))

        def entry(row: int, column: int, offset: int, size: int):
            return lambda data: patched(data, *v2_entry(row, column, offset, size))

        yield case("header-index-size", lambda data: patched(data, 60, u32(65536)), "index of 65536", BACKUP)
        yield case("offset-past-end", entry(0, 0, 900_000, 90), "1/0/0", "900090", "header", BACKUP)
        yield case("offset-largest", entry(0, 0, (1 << 40) - 1, 90), "1/0/0", "header", BACKUP)
        yield case("size-past-end", entry(0, 1, V2_FIRST + 4, 70_000), "1/0/1", BACKUP)
        yield case("size-largest", entry(0, 0, V2_FIRST + 4, (1 << 24) - 1), "1/0/0", "header", BACKUP)
        yield case("offset-in-header", entry(0, 0, 24, 60), "1/0/0", "byte 20", "inside the header", BACKUP)
        yield case("offset-0-with-size", entry(0, 0, 0, 60), "1/0/0", "inside the header", BACKUP)
        yield case("offset-in-index", entry(0, 0, 70_000, 60), "1/0/0", "inside the header", BACKUP)
        yield case(
            "tiles-identical",
            lambda data: patched(data, *v2_entry(1, 1, *v2_entry_of(data, 0, 0))),
            "1/0/0",
            "1/1/1",
            "same bytes",
            BACKUP,
        )
        yield case(
            "tiles-overlap",
            lambda data: patched(data, *v2_entry(1, 1, v2_entry_of(data, 0, 0)[0] + 20, 20)),
            "1/0/0",
            "1/1/1",
            "same bytes",
            BACKUP,
        )
        yield case(
            "length-contradicts-index",
            lambda data: patched(data, V2_FIRST, u32(TILE_BYTES - 1)),
            "1/0/0",
            f"{TILE_BYTES - 1} by the length",
            BACKUP,
        )
        yield case("all-entries-largest", lambda data: data[:64] + b"\xff" * 131072 + data[V2_FIRST:], "header", BACKUP)


def named(layout: str, name: str, words: tuple[str, ...], *, kept: bool = False) -> Case:
    """Give a bundle of level 1 another name, or a second one."""
    old, new = f"{LEVELS[layout]}/{BUNDLE}", f"{LEVELS[layout]}/L01/{name}.bundle"

    def rewrite(files: Files) -> None:
        files[new] = files[old] if kept else files.pop(old)

    return Case(f"{layout}-named-{name}", rewritten(layout, rewrite), BundleError, (new, *words))


def names() -> Iterator[Case]:
    for layout in ("v1", "v2", "tpk", "tpkx"):
        yield named(layout, "R0001C0000", ("128", "own name"))
        yield named(layout, "R0000C00ff", ("128", "own name"))
        yield named(layout, "R123456780C00000000", ("4294967295", "own name"))
        yield named(layout, "RfffffffffffffffC000000000000080", ("128", "own name"))
        yield named(layout, "r0000c0000", ("same bundle", "R0000C0000", "move one away"), kept=True)
        yield named(layout, "R00000C00000", ("same bundle", "R0000C0000", "move one away"), kept=True)
    yield named("v2", "rcccccccccc00", ("128", "own name"))
    yield Case(
        "v1-bundle-under-the-name-of-another",
        rewritten("v1", lambda files: files.update(_moved(files))),
        BundleError,
        ("R0080C0080.bundle", "rows 0 to 127", "own name"),
    )
    yield Case(
        "v1-bundle-among-v2",
        rewritten("v2", lambda files: files.update({f"_alllayers/{BUNDLE}": b"\3\0\0\0" + bytes(200_000)})),
        BundleError,
        (BUNDLE, "no Compact V2 bundle", BACKUP),
    )


def _moved(files: Files) -> Files:
    return {
        f"_alllayers/L01/R0080C0080.{suffix}": files[f"_alllayers/L01/R0000C0000.{suffix}"]
        for suffix in ("bundle", "bundlx")
    }


CASES = [*both_kinds(), *v1_only(), *v2_only(), *names()]
