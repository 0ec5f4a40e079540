"""Folders in which things are missing, twice there, or not what their names say."""

import os
from collections.abc import Iterator
from pathlib import Path

from hostile_builders import Files, conf_xml, files_of, write_folder
from hostile_case import Case, placed, rewritten

from tilepack.errors import (
    BundleError,
    CacheNotFoundError,
    MetadataError,
    TileError,
    TilepackError,
    TransferError,
    UnsupportedError,
)

LEVEL = "_alllayers/L01"
ROW = f"{LEVEL}/R00000000"
TILE = f"{ROW}/C00000000.png"
HAS_PIPES = hasattr(os, "mkfifo")
HAS_LINKS = os.name != "nt"
READS_ALL = os.name == "nt" or os.geteuid() == 0
"""Whether no file can be made unreadable to whoever runs the tests."""


def as_pipe(path: str):
    def place(source: Path) -> None:
        (source / path).unlink(missing_ok=True)
        os.mkfifo(source / path)

    return place


def as_folder(path: str):
    def place(source: Path) -> None:
        (source / path).unlink()
        (source / path).mkdir()

    return place


def as_link(path: str, to: str):
    def place(source: Path) -> None:
        place = source / path
        if place.is_dir():
            place.rename(source / "moved away")
        else:
            place.unlink(missing_ok=True)
        place.symlink_to(to)

    return place


def without(beginning: str):
    def rewrite(files: Files) -> Files:
        return {path: data for path, data in files.items() if not path.startswith(beginning)}

    return rewrite


def missing() -> Iterator[Case]:
    def nothing(folder: Path) -> Path:
        return folder / "nothing"

    def empty(folder: Path) -> Path:
        (folder / "source").mkdir()
        return folder / "source"

    yield Case("path-of-nothing", nothing, CacheNotFoundError, ("nothing", "check the path"))
    yield Case("empty-folder", empty, CacheNotFoundError, ("source", "conf.xml", "root.json", "give the cache's own"))
    for layout in ("v1", "v2", "exploded"):
        yield Case(
            f"{layout}-without-alllayers",
            rewritten(layout, without("_alllayers")),
            MetadataError,
            ("source", "_alllayers is missing", "put"),
        )
    yield Case(
        "v2-without-conf",
        rewritten("v2", without("conf")),
        CacheNotFoundError,
        ("conf.xml", "give the cache's own folder"),
    )
    yield Case("ready-without-tile", rewritten("ready", without("tile")), MetadataError, ("root.json", "./tile"))
    yield Case(
        "text-file",
        lambda folder: write_folder(folder, {"notes.txt": b"x"}) / "notes.txt",
        CacheNotFoundError,
        ("notes.txt", "give a cache folder"),
    )
    yield Case(
        "one-bundle",
        lambda folder: write_folder(folder, files_of("v2")) / f"{LEVEL}/R0000C0000.bundle",
        CacheNotFoundError,
        ("R0000C0000.bundle", "give the folder"),
    )


def misplaced() -> Iterator[Case]:
    def several(files: Files) -> Files:
        return {f"{name}/{path}": data for name in ("a", "b") for path, data in files.items()}

    def layers(files: Files) -> Files:
        return {
            path.replace("_alllayers", name): data
            for path, data in files.items()
            for name in (("Roads", "Rivers") if "_alllayers" in path else ("",))
        }

    def vector(files: Files) -> Files:
        root = b'{"type": "indexedVector", "tileInfo": {"format": "pbf", "rows": 512}}'
        return {"root.json": root} | without("root")(files)

    yield Case(
        "several-caches",
        rewritten("v2", several),
        CacheNotFoundError,
        ("source", "several", "a/conf.xml", "b/conf.xml"),
    )
    yield Case(
        "multilayer-cache", rewritten("exploded", layers), UnsupportedError, ("source", "multilayer", "Rivers, Roads")
    )
    yield Case("vector-folder", rewritten("ready", vector), MetadataError, ("root.json", "tileInfo has no origin"))
    yield Case(
        "two-folders-of-one-level",
        rewritten("v2", lambda files: files | {"_alllayers/l01/x": b""}),
        MetadataError,
        ("L01", "l01", "level 1", "move one away"),
    )
    yield Case(
        "exploded-two-folders-of-one-row",
        rewritten("exploded", lambda files: files | {f"{LEVEL}/R0/C00000000.png": b"x"}),
        TileError,
        (f"{LEVEL}/R00000000", "R0", "same row", "move one away"),
    )
    yield Case(
        "exploded-two-files-of-one-tile",
        rewritten("exploded", lambda files: files | {TILE.replace("png", "jpg"): b"\xff\xd8\xff"}),
        TileError,
        (ROW, "C00000000.jpg and C00000000.png", "same tile", "keep"),
    )
    yield Case(
        "exploded-tile-above-16-mib",
        rewritten("exploded", lambda files: files | {TILE: bytes(1 << 24)}),
        TileError,
        (TILE, "16777216 bytes", "at most 16777215"),
    )
    yield Case("exploded-in-package", exploded_package, UnsupportedError, ("source.tpk", "exploded", "unpack it"))


def exploded_package(folder: Path) -> Path:
    from hostile_builders import make_zip, members_of

    files = {f"v101/Small/{path}": data for path, data in files_of("exploded").items()}
    (folder / "source.tpk").write_bytes(make_zip(members_of(files)))
    return folder / "source.tpk"


def strange() -> Iterator[Case]:
    for layout in ("v1", "v2"):
        bundle = f"{LEVEL}/R0000C0000.bundle"
        yield Case(
            f"{layout}-folder-named-as-bundle", placed(layout, as_folder(bundle)), BundleError, (bundle, "folder")
        )
    yield Case(
        "v1-folder-named-as-bundlx",
        placed("v1", as_folder(f"{LEVEL}/R0000C0000.bundlx")),
        BundleError,
        ("R0000C0000.bundlx", "no plain file", "remove it"),
    )
    yield Case(
        "exploded-folder-named-as-tile",
        placed("exploded", as_folder(TILE)),
        TileError,
        (TILE, "no plain file", "remove"),
    )
    yield Case(
        "folder-named-as-conf",
        placed("v2", as_folder("conf.xml")),
        CacheNotFoundError,
        ("source", "conf.xml", "give the cache's own folder"),
    )


def piped() -> Iterator[Case]:
    pipes = (
        ("v1", f"{LEVEL}/R0000C0000.bundle", BundleError),
        ("v1", f"{LEVEL}/R0000C0000.bundlx", BundleError),
        ("v2", f"{LEVEL}/R0000C0000.bundle", BundleError),
        ("exploded", TILE, TileError),
        ("v2", "conf.xml", BundleError),
        ("v2", "conf.cdi", BundleError),
        ("ready", "root.json", BundleError),
        ("v2", "_alllayers/missing.png", BundleError),
    )
    for layout, path, error in pipes:
        yield Case(
            f"{layout}-pipe-as-{path.rsplit('/', 1)[-1]}",
            placed(layout, as_pipe(path)),
            error,
            (path, "no plain file", "remove"),
        )
    for name in ("source.tpk", "source.tpkx", "source.zip", "source", "source.json"):

        def pipe(folder: Path, name: str = name) -> Path:
            os.mkfifo(folder / name)
            return folder / name

        yield Case(f"pipe-named-{name}", pipe, TilepackError, (name, "no plain file"))


def linked() -> Iterator[Case]:
    cycles = {"itself": "L01", "its-folder": ".", "the-cache": "..", "above": "../.."}
    for name, to in cycles.items():
        yield Case(
            f"v2-level-linked-to-{name}",
            placed("v2", as_link(LEVEL, to)),
            TransferError if name == "itself" else MetadataError,
            (LEVEL, "link"),
        )
    yield Case(
        "exploded-row-linked-to-itself",
        placed("exploded", as_link(ROW, "R00000000")),
        TransferError,
        (ROW, "link"),
    )
    yield Case(
        "v2-alllayers-linked-to-itself",
        placed("v2", as_link("_alllayers", "_alllayers")),
        TransferError,
        ("_alllayers", "link"),
    )
    yield Case(
        "v2-bundle-linked-to-nothing",
        placed("v2", as_link(f"{LEVEL}/R0000C0000.bundle", "nothing")),
        TransferError,
        (f"{LEVEL}/R0000C0000.bundle", "cannot open"),
    )
    yield Case(
        "v2-conf-linked-to-device",
        placed("v2", as_link("conf.xml", "/dev/zero")),
        BundleError,
        ("conf.xml", "no plain file", "remove"),
    )


def unreadable() -> Iterator[Case]:
    for layout, path in (("v2", f"{LEVEL}/R0000C0000.bundle"), ("v2", "conf.xml"), ("exploded", TILE), ("v2", LEVEL)):
        yield Case(
            f"{layout}-unreadable-{path.rsplit('/', 1)[-1]}",
            placed(layout, lambda source, path=path: (source / path).chmod(0)),
            TransferError,
            (path, "cannot"),
        )


def declared() -> Iterator[Case]:
    yield Case(
        "v2-said-to-be-exploded-and-empty-row",
        rewritten("exploded", lambda files: files | {"conf.xml": conf_xml("v2"), TILE: bytes(1 << 24)}),
        TileError,
        (TILE, "at most"),
    )


CASES = [
    *missing(),
    *misplaced(),
    *strange(),
    *declared(),
    *(piped() if HAS_PIPES else ()),
    *(linked() if HAS_LINKS else ()),
    *(() if READS_ALL else unreadable()),
]
