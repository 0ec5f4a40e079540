"""One broken cache for every rule of verify: a small sound one with one thing changed."""

import contextlib
import io
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from caches import write_files
from hostile_builders import (
    CONF_CDI,
    ORIGIN,
    RESOLUTIONS,
    SIDE,
    V1_FIRST,
    V2_FIRST,
    Files,
    Member,
    conf_xml,
    lods_xml,
    make_zip,
    patched,
    png,
    root_json,
)
from hostile_bundles import u32, u64, v1_offset, v2_entry, v2_entry_of
from hostile_case import Make, changed, member, packed, placed, rewritten
from PIL import Image
from web_caches import write_mbtiles

from tilepack.keys import TileKey

LEVEL = "_alllayers/L01"
BUNDLE = f"{LEVEL}/R0000C0000.bundle"
BUNDLX = f"{LEVEL}/R0000C0000.bundlx"
ROW = f"{LEVEL}/R00000000"
TILE = f"{ROW}/C00000000.png"
REFERENCE = b"<WKID>102100</WKID><LatestWKID>3857</LatestWKID>"


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken cache, and what verify has to find in it."""

    code: str
    make: Make
    """Makes it in an empty folder, gives its path."""
    place: str
    """What the finding's place contains."""
    companions: frozenset[str] = frozenset()
    """Other codes that the same fault brings about."""
    deep: bool = False
    """Whether only decoding finds it."""
    title: str = ""

    @property
    def name(self) -> str:
        """What to call it: its code, and what is special about it."""
        return f"{self.code}-{self.title}" if self.title else self.code


def picture(kind: str = "JPEG", size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    """Draw something that is not of one colour."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def moved(old: str, new: str, *, kept: bool = False) -> Callable[[Files], Files]:
    """Move every path that begins so."""

    def rewrite(files: Files) -> Files:
        renamed = {new + path[len(old) :]: data for path, data in files.items() if path.startswith(old)}
        return ({path: data for path, data in files.items() if kept or not path.startswith(old)}) | renamed

    return rewrite


def added(path: str, data: bytes = b"x") -> Callable[[Files], Files]:
    return lambda files: files | {path: data}


def removed(ending: str) -> Callable[[Files], Files]:
    return lambda files: {path: data for path, data in files.items() if not path.endswith(ending)}


def beheaded(data: bytes, at: int) -> bytes:
    """Write a PNG where its slot starts, and then its length over it, as it happened to Usa.tpkx."""
    end = at + 4 + int.from_bytes(data[at : at + 4], "little")
    return data[: at + 4] + data[at + 8 : end] + b"what" + data[end:]


def box(xmin: float, ymin: float, xmax: float, ymax: float) -> bytes:
    text = f"<XMin>{xmin}</XMin><YMin>{ymin}</YMin><XMax>{xmax}</XMax><YMax>{ymax}</YMax>"
    return f"<EnvelopeN>{text}</EnvelopeN>".encode()


def whole() -> Iterator[Broken]:
    def emptied(source: Path) -> None:
        for bundle in source.rglob("*.bundle"):
            bundle.unlink()

    def as_folder(source: Path) -> None:
        (source / TILE).unlink()
        (source / TILE).mkdir()

    def encrypted(members: list[Member]) -> None:
        member(members, "L01/R0000C0000.bundle").flags = 1

    yield Broken("cache-malformed", changed("v2", "conf.xml", lambda _: b"<html/>"), "source")
    yield Broken("cache-unsupported", changed("v2", "conf.xml", lambda _: conf_xml("v2", tile_format="BMP")), "source")
    yield Broken("cache-empty", placed("v2", emptied), "levels")
    yield Broken("file-unreadable", placed("exploded", as_folder), TILE)
    yield Broken("file-unreadable", packed("tpkx", encrypted), "tile/L01/R0000C0000.bundle", title="encrypted")
    yield Broken("file-misplaced", rewritten("exploded", added(f"{LEVEL}/C00000000.png")), f"{LEVEL}/C00000000.png")
    yield Broken("file-misplaced", rewritten("v2", added("_alllayers/R0000C0000.bundle")), "_all", title="bundle")
    yield Broken("file-stray", rewritten("v2", added(f"{LEVEL}/notes.txt")), f"{LEVEL}/notes.txt")
    yield Broken("lock-left", rewritten("v2", added(f"{LEVEL}/R0000C0000.lock")), f"{LEVEL}/R0000C0000.lock")


def packages() -> Iterator[Broken]:
    def twice(members: list[Member]) -> None:
        found = member(members, "L01/R0000C0000.bundle")
        members.append(Member(found.name, found.data))

    def damaged(members: list[Member]) -> None:
        member(members, "L01/R0000C0000.bundle").crc = 1

    def deflated(members: list[Member]) -> None:
        member(members, "L01/R0000C0000.bundle").method = 8

    for layout, folder in (("tpk", "v101/Small/_alllayers"), ("tpkx", "tile")):
        path = f"{folder}/L01/R0000C0000.bundle"
        cut = packed(layout, lambda members: make_zip(members)[:-99])
        yield Broken("package-malformed", cut, f"source.{layout}", title=layout)
        yield Broken("package-member-twice", packed(layout, twice), path, title=layout)
        yield Broken("package-member-damaged", packed(layout, damaged), path, deep=True, title=layout)
        yield Broken("package-member-deflated", packed(layout, deflated), path, title=layout)
    junk = packed("tpkx", lambda members: members.append(Member("__MACOSX/tile/._L01", b"x")))
    yield Broken("package-junk", junk, "__MACOSX/tile/._L01")
    yield Broken("document-missing", rewritten("tpkx", removed("iteminfo.json")), "iteminfo.json")
    yield Broken("document-missing", rewritten("tpk", removed("mapserver.json")), "mapserver.json", title="tpk")


def documents() -> Iterator[Broken]:
    reference = b"<SpatialReference><WKID>4326</WKID></SpatialReference></EnvelopeN>"
    cdi = CONF_CDI.replace(b"</EnvelopeN>", reference)
    small = {"xmin": 0, "ymin": 0, "xmax": 1000, "ymax": 1000}
    kept = [(level, resolution) for level, resolution in RESOLUTIONS.items() if level != 8]
    yield Broken("document-malformed", changed("ready", "iteminfo.json", lambda _: b"{"), "documents")
    yield Broken("storage-format-wrong", changed("exploded", "conf.xml", lambda _: conf_xml("v2")), "documents")
    unknown = changed("v2", "conf.xml", lambda data: data.replace(REFERENCE, b""))
    yield Broken("spatial-reference-missing", unknown, "documents")
    yield Broken("spatial-reference-differs", changed("v2", "conf.cdi", lambda _: cdi), "documents")
    yield Broken("extent-missing", rewritten("v1", removed("conf.cdi")), "documents")
    far = box(-ORIGIN, ORIGIN - 9e4, -ORIGIN + 9e4, ORIGIN)
    yield Broken("extent-too-small", changed("v2", "conf.cdi", lambda _: far), "conf.cdi")
    wide = box(-ORIGIN, -5 * ORIGIN, 5 * ORIGIN, ORIGIN)
    yield Broken("extent-too-large", changed("exploded", "conf.cdi", lambda _: wide), "conf.cdi")
    differing = changed("ready", "root.json", lambda _: root_json(initialExtent=small))
    yield Broken("extents-differ", differing, "root.json initialExtent")
    short = changed("v2", "conf.xml", lambda _: conf_xml("v2", lods=lods_xml(kept)))
    yield Broken("level-not-in-scheme", short, "level 8")
    yield Broken("level-undeclared", changed("ready", "root.json", lambda _: root_json(maxLOD=1)), "level 8")
    low = rewritten("ready", lambda files: {path: data for path, data in files.items() if "L08" not in path})
    yield Broken("level-declared-empty", low, "level 8")
    yield Broken("level-name", rewritten("v2", moved(LEVEL, "_alllayers/L001")), "_alllayers/L001")


def names() -> Iterator[Broken]:
    yield Broken("bundle-name", rewritten("v2", moved(BUNDLE, f"{LEVEL}/R0001C0000.bundle")), "R0001C0000.bundle")
    pair = moved(f"{LEVEL}/R0000C0000", f"{LEVEL}/R0001C0000")
    yield Broken("bundle-name", rewritten("v1", pair), "R0001C0000.bundle", title="v1")
    lower = moved(BUNDLE, f"{LEVEL}/r0000c0000.bundle")
    yield Broken("bundle-name-case", rewritten("v2", lower), "r0000c0000.bundle")
    again = moved(f"{LEVEL}/R0000C0000", f"{LEVEL}/R00000C00000", kept=True)
    for layout in ("v1", "v2"):
        place = f"{LEVEL}/R0000"
        yield Broken("bundle-twice", rewritten(layout, again), place, title=layout)
    yield Broken("row-twice", rewritten("exploded", added(f"{LEVEL}/R1/C00000007.png", png(7))), f"{LEVEL}/R1")
    both = rewritten("exploded", added(TILE.replace("png", "jpg"), png(5)))
    yield Broken("tile-twice", both, ROW, frozenset({"tile-extension"}))
    yield Broken("tile-name", rewritten("exploded", moved(TILE, f"{ROW}/C0.png")), f"{ROW}/C0.png")
    upper = moved(f"{LEVEL}/R00000001/C00000001.png", f"{LEVEL}/R00000001/C00000001.PNG")
    yield Broken("tile-name", rewritten("exploded", upper), "C00000001.PNG", title="upper-case")
    renamed = moved(TILE, TILE.replace("png", "jpg"))
    yield Broken("tile-extension", rewritten("exploded", renamed), f"tile 1/0/0 in {ROW}/C00000000.jpg")


def headers() -> Iterator[Broken]:
    for layout, largest in (("v1", 1), ("v2", 1), ("v2-arcgis", 9)):
        first = V1_FIRST if layout == "v1" else V2_FIRST

        def broken(code: str, change, *companions: str, layout=layout) -> Broken:
            return Broken(code, changed(layout, BUNDLE, change), BUNDLE, frozenset(companions), title=layout)

        yield broken("bundle-truncated", lambda data: data[:-7])
        yield replace(
            broken("bundle-truncated", lambda data: patched(data, 24, u64(len(data) + 9))), title=f"{layout}-claim"
        )
        yield broken("bundle-header", lambda data: patched(data, 0, u32(4)))
        yield broken("header-file-size", lambda data: data + bytes(9))
        yield broken("header-largest-tile", lambda data, wrong=largest: patched(data, 8, u32(wrong)))
        yield broken("header-slack", lambda data: patched(data, 16, u64(9)))
        yield broken("bundle-dead-space", lambda data: patched(data + bytes(9), 24, u64(len(data) + 9)))
        yield broken("tile-beheaded-png", lambda data, at=first: beheaded(data, at))
        torn = broken("tile-beheaded-png", lambda data, at=first: patched(data, at + 4, data[at + 8 : at + 70]))
        yield replace(torn, title=f"{layout}-rent")
        yield broken("tile-unknown", lambda data, at=first: patched(data, at + 4, b"what"))
        yield broken("tile-no-image", lambda data, at=first: patched(data, at + 4, b"CntZImage " + bytes(30)))
    yield Broken("bundle-renamed", changed("v1", BUNDLE, lambda data: patched(data, 44, u32(128))), BUNDLE)
    yield Broken("bundlx-missing", rewritten("v1", removed("L01/R0000C0000.bundlx")), BUNDLE)
    yield Broken("bundlx-malformed", changed("v1", BUNDLX, lambda data: data[:5000]), BUNDLX)
    yield Broken("bundlx-malformed", changed("v1", BUNDLX, lambda data: bytes(len(data))), BUNDLX, title="zeros")
    yield Broken("bundlx-orphan", rewritten("v1", removed("L01/R0000C0000.bundle")), BUNDLX)


def indexes() -> Iterator[Broken]:
    def v1(code: str, at: tuple[int, bytes], title: str = "v1", place: str = "tile 1/0/0 in") -> Broken:
        return Broken(code, changed("v1", BUNDLX, lambda data: patched(data, *at)), place, title=title)

    def v2(code: str, offset: int, size: int, title: str = "v2") -> Broken:
        change = changed("v2", BUNDLE, lambda data: patched(data, *v2_entry(0, 0, offset, size)))
        dead = frozenset({"bundle-dead-space"} if code == "tile-empty" else ())
        return Broken(code, change, f"tile 1/0/0 in {BUNDLE}", dead, title=title)

    # Where two tiles share bytes, the one behind is named.
    yield Broken(
        "bundle-overlap",
        changed("v2", BUNDLE, lambda data: patched(data, *v2_entry(1, 1, *v2_entry_of(data, 0, 0)))),
        "tile 1/1/1 in",
        title="v2",
    )
    yield v1("bundle-overlap", v1_offset(1, 1, V1_FIRST), place="tile 1/1/1 in")
    longer = changed("v1", BUNDLE, lambda data: patched(data, V1_FIRST, u32(100)))
    yield Broken("bundle-overlap", longer, "tile 1/1/1 in", title="v1-length")
    yield v2("tile-in-header", 24, 60)
    yield v2("tile-beyond-end", 900_000, 90)
    yield v1("tile-beyond-end", v1_offset(0, 0, 90_000))
    too_long = changed("v1", BUNDLE, lambda data: patched(data, V1_FIRST, u32(1 << 31)))
    yield Broken("tile-beyond-end", too_long, "tile 1/0/0 in", title="v1-length")
    shorter = changed("v2", BUNDLE, lambda data: patched(data, V2_FIRST, u32(7)))
    yield Broken("tile-length", shorter, "tile 1/0/0 in")
    nothing = changed("v1", BUNDLE, lambda data: patched(data, V1_FIRST, u32(0)))
    yield Broken("tile-empty", nothing, "tile 1/0/0 in", frozenset({"bundle-dead-space"}), title="v1")


def tiles() -> Iterator[Broken]:
    def tile(code: str, data: bytes, *, deep: bool = False, title: str = "", said: str = "PNG") -> Broken:
        def rewrite(files: Files) -> None:
            files.pop(TILE)
            files[TILE if data[:1] != b"\xff" else TILE.replace("png", "jpg")] = data
            if said != "PNG":
                files["conf.xml"] = conf_xml("exploded", tile_format=said)

        return Broken(code, rewritten("exploded", rewrite), "tile 1/0/0 in", deep=deep, title=title)

    sound, jpeg = png(3), picture()
    yield tile("tile-too-large", bytes(1 << 24))
    yield tile("tile-empty", b"")
    yield tile("tile-format", jpeg)
    yield tile("tile-size", picture("PNG", (8, 16)))
    yield tile("tile-size", picture("JPEG", (16, 8)), deep=True, title="jpeg", said="MIXED")
    yield tile("tile-truncated", sound[:-12], deep=True, title="png-without-end")
    yield tile("tile-truncated", sound[:50], deep=True, title="png-cut")
    yield tile("tile-truncated", jpeg[:-2], deep=True, title="jpeg-without-end", said="MIXED")
    yield tile("tile-truncated", jpeg[:-40], deep=True, title="jpeg-cut", said="MIXED")
    yield tile("tile-undecodable", patched(sound, 45, b"\x55\x55"), deep=True)


def stores() -> Iterator[Broken]:
    def twice(folder: Path) -> Path:
        loose = ("create table tiles (zoom_level, tile_column, tile_row, tile_data)",)
        said = {"bounds": "-180,-85.051128,180,85.051128"}
        path = write_mbtiles(folder / "map.mbtiles", {TileKey(1, 0, 0): png(3)}, schema=loose, metadata=said)
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("insert into tiles select * from tiles")
        return path

    def unsaid(folder: Path) -> Path:
        write_files(
            folder / "tiles",
            {f"1/{column}/{row}.png": picture("PNG", (256, 256)) for column in (0, 1) for row in (0, 1)},
        )
        return folder / "tiles"

    yield Broken("order-guessed", unsaid, "documents", frozenset({"extent-missing"}))
    yield Broken("store-damaged", twice, "window L01/R0000C0000")


WEB_CASES = list(stores())
"""Of stores that are not ArcGIS'."""
CASES = [*WEB_CASES, *whole(), *packages(), *documents(), *names(), *headers(), *indexes(), *tiles()]
