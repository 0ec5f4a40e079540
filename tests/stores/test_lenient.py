"""Caches as people have them: other versions, members missing, documents spelt otherwise; names lie beside."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace

import pytest
from caches import (
    conf_files,
    describe,
    feet,
    payload,
    read_all,
    ready_files,
    tile_box,
    tpk_files,
    web_mercator,
    write_exploded,
    write_files,
    write_v1,
    write_v2,
    write_zip,
)
from few_tiles import FEW, warnings_of

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import TileKey
from tilepack.metadata.conf_cdi import format_conf_cdi
from tilepack.spatial import SpatialReference

# Offsets


def test_v2_tile_beyond_4_gib_is_read(tmp_path):
    near, far = TileKey(5, 10, 6), TileKey(5, 10, 7)
    write_v2(tmp_path, web_mercator(), {near: b"near", far: b"far away"})
    place = tmp_path / "_alllayers/L05/R0000C0000.bundle"
    offset = (6 << 30) + 12345
    with place.open("r+b") as bundle:
        bundle.seek(64 + 8 * (10 * 128 + 7))
        bundle.write((offset | len(b"far away") << 40).to_bytes(8, "little"))
        bundle.seek(offset - 4)
        bundle.write(len(b"far away").to_bytes(4, "little") + b"far away")
        bundle.seek(24)
        bundle.write((offset + len(b"far away")).to_bytes(8, "little"))
    with tilepack.open(tmp_path) as reader:
        assert reader.read(far) == b"far away"
        assert [data for _, data in reader.tiles(far.bundle)] == [b"near", b"far away"]


def test_v1_tile_beyond_4_gib_is_read(tmp_path):
    near, far = TileKey(5, 10, 6), TileKey(5, 10, 7)
    write_v1(tmp_path, web_mercator(), {near: b"near", far: b"far away"})
    offset = (6 << 30) + 12345
    with (tmp_path / "_alllayers/L05/R0000C0000.bundlx").open("r+b") as index:
        index.seek(16 + 5 * (7 * 128 + 10))
        index.write(offset.to_bytes(5, "little"))
    with (tmp_path / "_alllayers/L05/R0000C0000.bundle").open("r+b") as bundle:
        bundle.seek(offset)
        bundle.write(len(b"far away").to_bytes(4, "little") + b"far away")
        bundle.seek(24)
        bundle.write((offset + 4 + len(b"far away")).to_bytes(8, "little"))
    with tilepack.open(tmp_path) as reader:
        assert reader.read(far) == b"far away"
        assert [data for _, data in reader.tiles(far.bundle)] == [b"near", b"far away"]


# Documents


def test_cache_without_storage_info_is_exploded(tmp_path):
    write_exploded(tmp_path, web_mercator(), FEW)
    text = (tmp_path / "conf.xml").read_text("utf-8")
    start, stop = text.index("<CacheStorageInfo"), text.index("</CacheStorageInfo>") + len("</CacheStorageInfo>")
    (tmp_path / "conf.xml").write_text(text[:start] + text[stop:], "utf-8")
    with tilepack.open(tmp_path) as reader:
        assert reader.info.storage_format is StorageFormat.EXPLODED
    assert read_all(tmp_path) == FEW


@pytest.mark.parametrize(
    ("said", "write", "stored"),
    [
        (StorageFormat.EXPLODED, write_v2, StorageFormat.COMPACT_V2),
        (StorageFormat.COMPACT, write_v2, StorageFormat.COMPACT_V2),
        (StorageFormat.COMPACT_V2, write_v1, StorageFormat.COMPACT),
        (StorageFormat.COMPACT, write_exploded, StorageFormat.EXPLODED),
    ],
)
def test_files_count_where_the_documents_name_another_storage_format(tmp_path, said, write, stored):
    write(tmp_path, web_mercator(), FEW)
    write_files(tmp_path, conf_files(describe(web_mercator(), said), FEW))
    with tilepack.open(tmp_path) as reader:
        assert reader.info.storage_format is stored
        assert f"the documents say {said}, but the tiles are stored as {stored}" in "\n".join(reader.warnings)
    assert read_all(tmp_path) == FEW


def test_scheme_with_skipped_levels_and_odd_scales_is_read(tmp_path):
    tiles = {TileKey(level, 2, 3): payload(TileKey(level, 2, 3)) for level in (2, 7, 11)}
    write_v1(tmp_path, feet(), tiles)
    with tilepack.open(tmp_path) as reader:
        assert reader.levels() == [2, 7, 11]
        assert (reader.info.scheme.tile_width, reader.info.scheme.tile_height) == (512, 384)
    assert read_all(tmp_path) == tiles


def test_scheme_that_starts_at_a_fine_resolution_keeps_its_numbers(tmp_path):
    deep = replace(
        web_mercator(), levels=tuple(replace(lod, level=lod.level - 12) for lod in web_mercator().levels[12:])
    )
    tiles = {TileKey(level, 1600, 1100): payload(TileKey(level, 1600, 1100)) for level in (0, 3)}
    write_v1(tmp_path, deep, tiles)
    with tilepack.open(tmp_path) as reader:
        assert reader.info.scheme.level(0).resolution == pytest.approx(38.2185141425366)
    assert read_all(tmp_path) == tiles


@pytest.mark.parametrize(
    "reference",
    [
        SpatialReference(wkid=102100),
        SpatialReference(wkid=102100, latest_wkid=3857),
        SpatialReference(wkt=web_mercator().spatial_reference.wkt),
    ],
    ids=["wkid", "latest wkid", "wkt"],
)
def test_spatial_reference_is_known_however_it_is_named(tmp_path, reference):
    write_v2(tmp_path, replace(web_mercator(), spatial_reference=reference), FEW)
    with tilepack.open(tmp_path) as reader:
        assert reader.info.scheme.spatial_reference.agrees_with(web_mercator().spatial_reference)


def test_spatial_reference_is_taken_from_conf_cdi_when_conf_xml_names_none(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    text = (tmp_path / "conf.xml").read_text("utf-8")
    start, stop = text.index("<SpatialReference"), text.index("</SpatialReference>") + len("</SpatialReference>")
    (tmp_path / "conf.xml").write_text(text[:start] + text[stop:], "utf-8")
    with tilepack.open(tmp_path) as reader:
        assert reader.info.scheme.spatial_reference.agrees_with(web_mercator().spatial_reference)


@pytest.mark.parametrize("reference", [SpatialReference(wkt="GARBAGE[]"), SpatialReference(wkid=99999)])
def test_spatial_reference_that_nobody_can_read_in_conf_cdi_is_a_warning(tmp_path, reference):
    write_v2(tmp_path, web_mercator(), FEW)
    info = replace(describe(web_mercator(), StorageFormat.COMPACT_V2), extent=tile_box(web_mercator(), FEW))
    strange = replace(info, scheme=replace(info.scheme, spatial_reference=reference))
    (tmp_path / "conf.cdi").write_bytes(format_conf_cdi(strange))
    assert "conf.xml counts" in warnings_of(tmp_path)
    assert read_all(tmp_path) == FEW


def test_elements_that_nobody_knows_are_written_back(tmp_path):
    write_v2(tmp_path / "cache", web_mercator(), FEW)
    text = (tmp_path / "cache/conf.xml").read_text("utf-8")
    text = text.replace("</TileImageInfo>", "<Sharpness>7</Sharpness></TileImageInfo>")
    (tmp_path / "cache/conf.xml").write_text(text, "utf-8")
    tilepack.convert(tmp_path / "cache", tmp_path / "other", storage_format="compact")
    assert "<Sharpness>7</Sharpness></TileImageInfo>" in (tmp_path / "other/conf.xml").read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("latestWkid", "LatestWkid"),
        ("rows", "row"),
        ("compressionQuality", "compression"),
        ("storageInfo", "StorageInfo"),
        ("storageFormat", "storageformat"),
        ("packetSize", "packetsize"),
        ("tileBundlesPath", "TileBundlesPath"),
    ],
)
def test_root_json_is_read_in_other_spellings(tmp_path, given, spelled):
    files = ready_files(web_mercator(), FEW)
    text = files["root.json"].decode()
    assert f'"{given}"' in text
    write_files(tmp_path, files | {"root.json": text.replace(f'"{given}"', f'"{spelled}"').encode()})
    assert read_all(tmp_path) == FEW


@pytest.mark.parametrize("path", ["./tile", "tile", "tile/", "./Tile", "", None])
def test_bundles_path_is_followed_however_it_is_written(tmp_path, path):
    files = ready_files(web_mercator(), FEW)
    root = json.loads(files["root.json"])
    root["tileBundlesPath"] = path
    if path is None:
        del root["tileBundlesPath"]
    write_files(tmp_path, files | {"root.json": json.dumps(root).encode()})
    assert read_all(tmp_path) == FEW


def test_bundles_path_of_the_folder_itself_is_followed(tmp_path):
    files = ready_files(web_mercator(), FEW)
    moved = {path.removeprefix("tile/"): data for path, data in files.items()}
    root = json.loads(files["root.json"]) | {"tileBundlesPath": "."}
    write_files(tmp_path, moved | {"root.json": json.dumps(root).encode()})
    assert read_all(tmp_path) == FEW


@pytest.mark.parametrize(
    "root", ["Layers", "v101/Layers", "V101/LAYERS", "a/b/v101/My Map", "v103/Größe", "service.v101/x"]
)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_tpk_is_read_whatever_its_folders_are_called(tmp_path, root, compression):
    write_zip(tmp_path / "island.tpk", tpk_files(web_mercator(), FEW, root=root), compression=compression)
    assert read_all(tmp_path / "island.tpk") == FEW


def test_tpk_is_read_without_any_folder_around_its_conf_xml(tmp_path):
    files = tpk_files(web_mercator(), FEW, root="Layers")
    write_zip(tmp_path / "island.tpk", {path.removeprefix("Layers/"): data for path, data in files.items()})
    assert read_all(tmp_path / "island.tpk") == FEW


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_tpk_is_read_with_names_in_another_case(tmp_path, change):
    files = tpk_files(web_mercator(), FEW)
    write_zip(tmp_path / "island.tpk", {change(path): data for path, data in files.items()})
    assert read_all(tmp_path / "island.tpk") == FEW


def test_tpkx_is_read_with_a_folder_around_it(tmp_path):
    files = ready_files(web_mercator(), FEW)
    write_zip(tmp_path / "island.tpkx", {f"my island/{path}": data for path, data in files.items()})
    assert read_all(tmp_path / "island.tpkx") == FEW


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_package_is_read_with_backslashes_in_its_names(tmp_path, compression):
    files = tpk_files(web_mercator(), FEW)
    with zipfile.ZipFile(tmp_path / "island.tpk", "w", compression) as package:
        for path, data in files.items():
            member = zipfile.ZipInfo("placeholder")
            member.filename = path.replace("/", "\\")
            package.writestr(member, data, compression)
    assert read_all(tmp_path / "island.tpk") == FEW


@pytest.mark.parametrize("missing", ["iteminfo.json", "v101/Layers/conf.cdi"])
def test_package_is_read_without_the_documents_it_can_do_without(tmp_path, missing):
    files = tpk_files(web_mercator(), FEW) if missing.startswith("v101") else ready_files(web_mercator(), FEW)
    write_zip(tmp_path / "island.zip", {path: data for path, data in files.items() if path != missing})
    assert read_all(tmp_path / "island.zip") == FEW


@pytest.mark.parametrize(
    "name", ["esriinfo/iteminfo.xml", "servicedescriptions/mapserver/mapserver.json", "v101/Layers/conf.properties"]
)
def test_package_with_a_broken_description_is_read_with_a_warning(tmp_path, name):
    write_zip(tmp_path / "island.tpk", tpk_files(web_mercator(), FEW) | {name: b"\0broken"})
    assert name in warnings_of(tmp_path / "island.tpk")
    assert read_all(tmp_path / "island.tpk") == FEW


def test_multilayer_cache_is_refused_naming_its_layers(tmp_path):
    write_exploded(tmp_path, web_mercator(), FEW)
    (tmp_path / "_alllayers").rename(tmp_path / "Roads")
    shutil.copytree(tmp_path / "Roads", tmp_path / "Rivers")
    with pytest.raises(tilepack.UnsupportedError, match=r"Rivers, Roads"):
        tilepack.open(tmp_path)
