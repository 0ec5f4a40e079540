"""Folders and ZIPs of web tiles keep the contract of contract.py, in whatever order their names count."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from caches import Tiles, look_at_files, payload, read_all, write_files, write_zip
from contract import StoreContract
from web_caches import look_in_xyz, xyz_files

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import BundleKey, TileKey

SAID = {"xyz": b'{"scheme": "xyz"}', "tms": b'{"scheme": "TMS"}', "zyx": b'{"scheme": "zyx"}'}
EAST = {TileKey(6, row, column): payload(TileKey(6, row, column)) for row in range(10, 14) for column in range(30, 38)}
BOUNDS = {"bounds": "-11.25, 70.6126, 33.75, 77.157"}


class TestXyz(StoreContract):
    storage_format = StorageFormat.XYZ
    documents = frozenset({"metadata.json"})
    stored_order = False
    order = "xyz"

    def look(self, place: Path) -> Tiles:
        return look_in_xyz(look_at_files(place), self.order)

    def names(self, bundle: BundleKey, tiles: Sequence[TileKey]) -> list[str]:  # noqa: ARG002
        return [name.rpartition(".")[0] + ".*" for name in xyz_files(dict.fromkeys(tiles, b""), self.order)]

    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_files(folder / "Insel Ü", xyz_files(tiles, self.order) | {"metadata.json": SAID[self.order]})
        return folder / "Insel Ü"


class TestTms(TestXyz):
    order = "tms"


class TestZyx(TestXyz):
    order = "zyx"


class TestZip(TestXyz):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        write_zip(folder / "island.zip", xyz_files(tiles, self.order) | {"metadata.json": SAID[self.order]})
        return folder / "island.zip"


class TestDeflatedZipWithAFolderAround(TestTms):
    def make(self, folder: Path, tiles: Tiles) -> Path:
        files = xyz_files(tiles, self.order) | {"metadata.json": SAID[self.order]}
        files = {f"tiles/{name}": data for name, data in files.items()}
        write_zip(folder / "island.zip", files, compression=zipfile.ZIP_DEFLATED)
        return folder / "island.zip"


@pytest.mark.parametrize("order", ["xyz", "tms", "zyx"])
@pytest.mark.parametrize("how", ["bounds", "pattern", "scheme", "pattern of a zip"])
def test_order_is_found_or_given(tmp_path, order, how):
    files = xyz_files(EAST, order)
    place: str | Path = tmp_path / "tiles"
    pattern = {"xyz": "{z}/{x}/{y}", "tms": "{z}/{x}/{-y}.png", "zyx": "{z}/{y}/{x}"}[order]
    if how == "bounds":
        files["metadata.json"] = json.dumps(BOUNDS).encode()
    elif how == "scheme":
        files["metadata.json"] = SAID[order]
    elif how == "pattern":
        place = f"{place}/{pattern}"
    if how == "pattern of a zip":
        write_zip(tmp_path / "tiles.zip", files)
        place = f"{tmp_path / 'tiles.zip'}/{pattern}"
    else:
        write_files(tmp_path / "tiles", files)
    assert read_all(place) == EAST
    with tilepack.open(place) as reader:
        assert reader.warnings == []


def test_tilemapresource_means_tms(tmp_path):
    write_files(tmp_path / "tiles", xyz_files(EAST, "tms") | {"tilemapresource.xml": b"<TileMap/>"})
    assert read_all(tmp_path / "tiles") == EAST


def test_guess_is_said_with_the_way_to_put_it_right(tmp_path):
    write_files(tmp_path / "tiles", xyz_files(EAST))
    with tilepack.open(tmp_path / "tiles") as reader:
        assert "tiles/{z}/{x}/{-y}" in reader.warnings[0]
        assert "taken as xyz" in tilepack.probe(reader).warnings[0]
    assert read_all(tmp_path / "tiles") == EAST
    assert "order-guessed" in tilepack.verify(tmp_path / "tiles").counts


@pytest.mark.parametrize("source", ["v1_island", "v2_island", "exploded_island"])
@pytest.mark.parametrize("jobs", [1, 8])
def test_tiles_of_every_store_keep_their_bytes(request, tmp_path, island_tiles, source, jobs):
    tilepack.convert(request.getfixturevalue(source), tmp_path / "tiles", storage_format="xyz", jobs=jobs)
    files = look_at_files(tmp_path / "tiles")
    assert look_in_xyz(files) == island_tiles
    assert {name.rpartition(".")[2] for name in files} == {"png", "jpg", "json"}
    said = json.loads(files["metadata.json"])
    assert (said["scheme"], said["name"], said["minzoom"], said["maxzoom"]) == ("xyz", "Island", 0, 18)
    assert read_all(tmp_path / "tiles") == island_tiles


@pytest.mark.parametrize("target", ["back", "back.tpkx", "back.mbtiles", "back.pmtiles"])
def test_tiles_of_a_folder_keep_their_bytes(tmp_path, island_tiles, target):
    write_files(tmp_path / "tiles", xyz_files(island_tiles, "tms") | {"metadata.json": SAID["tms"]})
    tilepack.convert(tmp_path / "tiles", tmp_path / target)
    assert read_all(tmp_path / target) == island_tiles


def test_folder_is_replaced_but_nobody_else_s(tmp_path, v2_island, exploded_island):
    tilepack.convert(v2_island, tmp_path / "tiles", storage_format="xyz", levels="0-5")
    tilepack.convert(exploded_island, tmp_path / "tiles", storage_format="xyz", levels="9", replace=True)
    assert {tile.level for tile in read_all(tmp_path / "tiles")} == {9}
    (tmp_path / "tiles" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(tilepack.CacheExistsError, match=r"holiday\.jpg"):
        tilepack.convert(v2_island, tmp_path / "tiles", storage_format="xyz", replace=True)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"3/1/1.png": b"x", "3/1/01.png": b"y"}, "are the same tile"),
        ({"3/1/1.png": b"x", "3/1/1.jpg": b"y"}, "are the same tile"),
        ({"3/1/1.png": b"x", "3/01/2.png": b"y"}, "means the same as"),
        ({"3/1/1.png": b"x", "03/1/2.png": b"y"}, "means the same as"),
        ({"3/8/1.png": b"x"}, "outside zoom 3"),
        ({"3/1/8.png": b"x"}, "outside zoom 3"),
        ({"3/1/1.png": bytes(1 << 24)}, "a tile has at most"),
        ({"3/1/readme.txt": b"x"}, "no tile in them"),
        ({"31/1/1.png": b"x"}, "holds neither conf.xml nor root.json"),
        ({"a/b/c.png": b"x"}, "holds neither conf.xml nor root.json"),
    ],
)
def test_folder_that_cannot_be_is_refused(tmp_path, files, sentence):
    write_files(tmp_path / "tiles", files)
    with pytest.raises(tilepack.TilepackError, match=sentence):
        read_all(tmp_path / "tiles")
