"""Vector tile packages as sources: opened, looked at, checked; broken ones end in an error that says what is wrong."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import zipfile

import pytest
from caches import payload, read_all, write_files, write_zip
from hypothesis import given
from hypothesis import strategies as st
from vector_tiles import HALF, LAYERS, VECTOR, field, mvt, root_json, varint, vtpk_files

import tilepack
from tilepack.cache import StorageFormat, TileFormat
from tilepack.formats.mvt import fault_of
from tilepack.keys import TileKey

ONE = TileKey(5, 10, 20)


@pytest.fixture
def package(tmp_path):
    write_zip(tmp_path / "Inseln.vtpk", vtpk_files())
    return tmp_path / "Inseln.vtpk"


def test_package_says_what_it_is(package):
    with tilepack.open(package) as reader:
        info = reader.info
    assert (info.name, info.tile_format, info.storage_format) == ("Inseln", TileFormat.PBF, StorageFormat.COMPACT_V2)
    assert (info.min_level, info.max_level, info.scheme.tile_width) == (0, 9, 512)
    assert (info.description.title, info.description.attribution) == ("Alle Inseln", "Amt für Inseln")
    assert info.description.tags == ("sea", "land")
    assert [layer["id"] for layer in info.web["vector_layers"]] == list(LAYERS)
    assert reader.warnings == []


def test_every_tile_is_read(package):
    assert read_all(package) == VECTOR


@pytest.mark.parametrize("inner", ["", "p12", "p12/root.json"])
def test_unpacked_package_is_a_source_too(tmp_path, inner):
    write_files(tmp_path / "Inseln", vtpk_files())
    place = tmp_path / "Inseln" / inner
    assert read_all(place) == VECTOR
    with tilepack.open(place) as reader:
        assert reader.info.description.title == "Alle Inseln"


def test_package_inside_a_folder_of_the_zip_is_found(tmp_path):
    write_zip(tmp_path / "a.zip", {f"Inseln/{path}": data for path, data in vtpk_files().items()})
    assert read_all(tmp_path / "a.zip") == VECTOR


@pytest.mark.parametrize("deep", [False, True])
def test_sound_package_is_found_sound(package, deep):
    found = tilepack.verify(package, deep=deep)
    assert found.tiles == len(VECTOR)
    assert not [finding for finding in found.found if finding.code != "extent-too-large"]


@pytest.mark.parametrize(
    ("data", "code", "deep"),
    [
        (payload(ONE), "tile-no-image", False),
        (mvt(ONE), "tile-unknown", False),
        (gzip.compress(mvt(ONE), mtime=0)[:-9], "tile-undecodable", True),
        (gzip.compress(mvt(ONE)[:-3], mtime=0), "tile-undecodable", True),
        (b"\x1f\x8b" + bytes(40), "tile-undecodable", True),
    ],
    ids=["text", "not gzipped", "cut gzip", "cut layer", "no gzip"],
)
def test_broken_tile_is_found(tmp_path, data, code, deep):
    write_zip(tmp_path / "a.vtpk", vtpk_files(VECTOR | {ONE: data}))
    found = tilepack.verify(tmp_path / "a.vtpk", deep=deep)
    assert [finding.place[:12] for finding in found.found if finding.code == code] == ["tile 5/10/20"]


def test_missing_style_is_found(tmp_path):
    files = vtpk_files()
    del files["p12/resources/styles/root.json"]
    write_zip(tmp_path / "a.vtpk", files)
    places = [
        finding.place for finding in tilepack.verify(tmp_path / "a.vtpk").found if finding.code == "document-missing"
    ]
    assert places == ["p12/resources/styles/root.json"]


@pytest.mark.parametrize("style", [b"{", b"[]", b'{"layers": 1}', b'{"layers": [1, {"source-layer": 2}]}', b""])
def test_style_that_nobody_can_read_keeps_no_tile_back(tmp_path, style):
    write_zip(tmp_path / "a.vtpk", vtpk_files() | {"p12/resources/styles/root.json": style})
    assert read_all(tmp_path / "a.vtpk") == VECTOR
    with tilepack.open(tmp_path / "a.vtpk") as reader:
        assert "vector_layers" not in reader.info.web


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"tileInfo": None, "type": "indexedVector"}, tilepack.MetadataError, "has no tileInfo"),
        ({"tiles": 7}, tilepack.MetadataError, "tiles is 7; it must be like tile"),
        ({"tiles": ["../../{z}/{y}/{x}.pbf"]}, tilepack.MetadataError, "must be a folder inside the package"),
        ({"tiles": ["https://a.b/{z}/{y}/{x}"]}, tilepack.MetadataError, "must be a folder inside the package"),
        ({"tiles": ["elsewhere/{z}/{y}/{x}.pbf"]}, tilepack.MetadataError, "there is no such folder"),
        ({"minLOD": 7, "maxLOD": 3}, tilepack.MetadataError, "minLOD is 7 and maxLOD 3"),
        ({"minScale": "much"}, tilepack.MetadataError, "minScale"),
        ({"resourceInfo": {"tileCompression": "brotli"}}, tilepack.UnsupportedError, "tileCompression is 'brotli'"),
        (
            {"resourceInfo": {"cacheInfo": {"storageInfo": {"packetSize": 64}}}},
            tilepack.MetadataError,
            "PacketSize is 64",
        ),
    ],
)
def test_document_that_cannot_be_is_refused(tmp_path, changes, error, reason):
    write_zip(tmp_path / "a.vtpk", vtpk_files(**changes))
    with pytest.raises(error, match=reason):
        tilepack.open(tmp_path / "a.vtpk")


def test_truncated_package_is_refused(package):
    whole = package.read_bytes()
    for size in (0, 30, len(whole) // 2, len(whole) - 5):
        package.write_bytes(whole[:size])
        with pytest.raises(tilepack.TilepackError):
            read_all(package)


def test_pictures_of_vector_tiles_are_refused_by_name(package, tmp_path):
    with pytest.raises(tilepack.UnsupportedError, match="holds PBF tiles, which are no images"):
        tilepack.preview(package)
    assert list(tmp_path.iterdir()) == [package]


def test_which_tiles_it_holds_is_not_changed(package, tmp_path):
    before = package.read_bytes()
    shutil.copy(package, tmp_path / "other.vtpk")
    with pytest.raises(tilepack.UnsupportedError, match="does not change which tiles those hold"):
        tilepack.import_cache(tmp_path / "other.vtpk", package)
    with pytest.raises(tilepack.UnsupportedError, match="does not change which tiles those hold"):
        tilepack.delete_tiles(package, levels="9")
    assert package.read_bytes() == before


def test_compacting_keeps_documents_and_tiles(tmp_path):
    write_files(tmp_path / "Inseln", vtpk_files())
    tilepack.compact(tmp_path / "Inseln")
    assert read_all(tmp_path / "Inseln") == VECTOR
    kept = {path: data for path, data in vtpk_files().items() if not path.endswith(".bundle")}
    assert {path: (tmp_path / "Inseln" / path).read_bytes() for path in kept} == kept


def test_repair_leaves_documents_alone_and_says_so(tmp_path):
    write_zip(tmp_path / "a.vtpk", vtpk_files(maxLOD=12), compression=zipfile.ZIP_DEFLATED)
    tilepack.repair(tmp_path / "a.vtpk")
    found = tilepack.verify(tmp_path / "a.vtpk")
    assert [finding.code for finding in found.found] == ["level-declared-empty"]  # and no member is compressed any more
    again = tilepack.plan_repair(tmp_path / "a.vtpk")
    assert [finding.remedy for finding in again.left] == [
        "documents of vector tiles are not written anew; mend p12/root.json by hand"
    ]
    assert read_all(tmp_path / "a.vtpk") == VECTOR


def test_scheme_of_a_package_is_that_of_its_document(package):
    with tilepack.open(package) as reader:
        said = json.loads(vtpk_files()["p12/root.json"])["tileInfo"]["lods"]
        assert [lod.resolution for lod in reader.info.scheme.levels] == [lod["resolution"] for lod in said]


@pytest.mark.parametrize("name", ["tilemap", "elsewhere", "../../..", None, 7])
@pytest.mark.parametrize("index", [b"", b"{", b"[]", b'{"index": [[[[[]]]]]}', b"[" * 100_000, bytes(300_000), None])
def test_index_of_the_tiles_is_passed_over(tmp_path, name, index):
    files = vtpk_files(tileMap=name)
    del files["p12/tilemap/root.json"]
    if index is not None:
        files["p12/tilemap/root.json"] = index
    write_zip(tmp_path / "a.vtpk", files)
    assert read_all(tmp_path / "a.vtpk") == VECTOR
    assert not tilepack.verify(tmp_path / "a.vtpk", deep=True).errors


def test_tiles_may_be_large_and_the_package_exported(tmp_path):
    layer = field(3, field(1, b"land") + varint(15 << 3) + b"\2" + field(4, random.Random(1).randbytes(300_000)))
    large = gzip.compress(mvt(ONE) + layer, mtime=0)
    assert len(large) > 1 << 16
    tiles = VECTOR | {ONE: large}
    write_zip(tmp_path / "a.vtpk", vtpk_files(tiles, exportTilesAllowed=True, maxExportTilesCount=100_000))
    assert read_all(tmp_path / "a.vtpk") == tiles
    assert not tilepack.verify(tmp_path / "a.vtpk", deep=True).errors
    for name in ("a.mbtiles", "a.pmtiles", "b.vtpk"):
        tilepack.convert(tmp_path / ("a.pmtiles" if name == "b.vtpk" else "a.vtpk"), tmp_path / name)
        assert read_all(tmp_path / name) == tiles


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_tiles_may_have_other_sides_and_keep_their_zooms(tmp_path, side):
    write_zip(tmp_path / "a.vtpk", vtpk_files(tileInfo=tile_info(side)))
    with tilepack.open(tmp_path / "a.vtpk") as reader:
        assert (reader.info.scheme.tile_width, reader.warnings) == (side, [])
    assert not tilepack.verify(tmp_path / "a.vtpk", deep=True).errors
    for name in ("a.mbtiles", "a.pmtiles"):
        tilepack.convert(tmp_path / "a.vtpk", tmp_path / name)
        assert read_all(tmp_path / name) == VECTOR


def test_sides_that_no_web_tile_has_are_refused_there(tmp_path):
    write_zip(tmp_path / "a.vtpk", vtpk_files(tileInfo=tile_info(4096)))
    assert read_all(tmp_path / "a.vtpk") == VECTOR
    with pytest.raises(tilepack.TilingSchemeError, match="4096 x 4096 pixels; MBTILES holds tiles of 256, 512 or 1024"):
        tilepack.convert(tmp_path / "a.vtpk", tmp_path / "a.mbtiles")


def tile_info(side: int) -> dict[str, object]:
    """Describe the grid of the web with tiles of a side."""
    widths = [2 * HALF / side / 2**zoom for zoom in range(20)]
    lods = [{"level": zoom, "resolution": width, "scale": width * 96 / 0.0254} for zoom, width in enumerate(widths)]
    return {**root_json()["tileInfo"], "rows": side, "cols": side, "lods": lods}


# Vector tiles by themselves


def test_sound_tiles_have_no_fault():
    assert [fault_of(data) for data in VECTOR.values()] == [None] * len(VECTOR)
    assert fault_of(gzip.compress(b"")) is None


@given(st.binary(max_size=60))
def test_no_bytes_make_the_walk_fail(data):
    fault = fault_of(gzip.compress(data))
    assert fault is None or "no vector tile" in fault


@given(st.data())
def test_tile_cut_short_is_seen_unless_between_fields(data):
    whole = mvt(ONE)
    size = data.draw(st.integers(1, len(whole) - 1))
    first_layer = 2 + whole[1]
    assert (fault_of(gzip.compress(whole[:size])) is None) == (size == first_layer)


def test_bomb_is_told():
    bomb = gzip.compress(bytes((1 << 26) + 9), 9)
    assert fault_of(bomb) == f"unpacks to more than {1 << 26} bytes"
