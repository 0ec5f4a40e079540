"""Each store keeps the contract of contract.py."""

from __future__ import annotations

import zipfile
from pathlib import Path

from caches import (
    Tiles,
    by_bundle,
    ready_files,
    tpk_files,
    web_mercator,
    write_exploded,
    write_files,
    write_v1,
    write_v2,
    write_zip,
)
from contract import StoreContract

from tilepack.cache import StorageFormat


class TestCompactV1(StoreContract):
    storage_format = StorageFormat.COMPACT

    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v1(folder / "cache", web_mercator(), tiles)
        return folder / "cache"


class TestCompactV1WithEmptiesAtZero(TestCompactV1):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v1(folder / "cache", web_mercator(), tiles, empties="zero")
        return folder / "cache"


class TestCompactV1WithEmptiesBelowTheHeader(TestCompactV1):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v1(folder / "cache", web_mercator(), tiles, empties="below")
        return folder / "cache"


class TestCompactV1WithEmptiesAtTheFirstPlaceholder(TestCompactV1):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v1(folder / "cache", web_mercator(), tiles, empties="first")
        return folder / "cache"


class TestCompactV1WithDeadSpace(TestCompactV1):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v1(folder / "cache", web_mercator(), tiles, dead=(5, 0, 4096, 3))
        return folder / "cache"


class TestCompactV2AsInThePaper(StoreContract):
    storage_format = StorageFormat.COMPACT_V2

    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v2(folder / "cache", web_mercator(), tiles, dialect="paper", empty=0)
        return folder / "cache"


class TestCompactV2AsArcGISWritesIt(TestCompactV2AsInThePaper):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v2(folder / "cache", web_mercator(), tiles, dialect="arcgis", empty=4)
        return folder / "cache"


class TestCompactV2WithDeadSpace(TestCompactV2AsInThePaper):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_v2(folder / "cache", web_mercator(), tiles, dead=(136540, 1, 0, 77))
        return folder / "cache"


class TestExploded(StoreContract):
    storage_format = StorageFormat.EXPLODED
    stored_order = False

    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_exploded(folder / "cache", web_mercator(), tiles)
        return folder / "cache"


class TestReadyToServe(StoreContract):
    storage_format = StorageFormat.COMPACT_V2

    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_files(folder / "cache", ready_files(web_mercator(), tiles))
        return folder / "cache"

    def test_folder_with_root_json_is_known_as_ready_to_serve(self, store):
        assert store.info.ready_to_serve


class TestTpkx(StoreContract):
    storage_format = StorageFormat.COMPACT_V2

    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_zip(folder / "island.tpkx", ready_files(web_mercator(), tiles))
        return folder / "island.tpkx"


class TestDeflatedTpkx(TestTpkx):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        files = ready_files(web_mercator(), tiles)
        write_zip(folder / "island.tpkx", files, compression=zipfile.ZIP_DEFLATED)
        return folder / "island.tpkx"


class TestTpkxUnderAnotherSuffix(TestTpkx):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_zip(folder / "island.tpkx.renamed", ready_files(web_mercator(), tiles))
        return folder / "island.tpkx.renamed"


class TestTpk(StoreContract):
    storage_format = StorageFormat.COMPACT

    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_zip(folder / "island.tpk", tpk_files(web_mercator(), tiles))
        return folder / "island.tpk"


class TestDeflatedTpk(TestTpk):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_zip(folder / "island.tpk", tpk_files(web_mercator(), tiles), compression=zipfile.ZIP_DEFLATED)
        return folder / "island.tpk"


class TestTpkPackedByHand(TestTpk):
    """A root folder of any name, directory entries, and what macOS leaves behind."""

    def make(self, folder: Path, tiles: Tiles) -> Path:
        root = "Holiday Maps/v101/TPK Root Name"
        files = tpk_files(web_mercator(), tiles, root=root)
        levels = sorted({f"{root}/_alllayers/L{bundle.level:02d}/" for bundle in by_bundle(tiles)})
        junk = {
            ".DS_Store": b"\0\0\0\1Bud1",
            f"{root}/.DS_Store": b"\0\0\0\1Bud1",
            f"{root}/_alllayers/L05/.DS_Store": b"\0\0\0\1Bud1",
            "__MACOSX/Holiday Maps/v101/TPK Root Name/._conf.xml": b"\0\5\26\7",
            "v101/TPK Root Name.lyr": b"\xd0\xcf\x11\xe0",
        }
        entries = ["Holiday Maps/", "Holiday Maps/v101/", f"{root}/", f"{root}/_alllayers/", *levels]
        write_zip(folder / "by hand.tpk", files | junk, folders=entries)
        return folder / "by hand.tpk"


class TestUnpackedTpk(TestTpk):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_files(folder / "island", tpk_files(web_mercator(), tiles))
        return folder / "island"
