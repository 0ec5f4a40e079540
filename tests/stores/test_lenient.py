"""Caches as people have them: other names, other versions, members missing, documents that contradict one another."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import caches
import pytest
from caches import (
    SLOTS,
    conf_files,
    describe,
    exploded_files,
    feet,
    payload,
    read_all,
    ready_files,
    tile_box,
    tpk_files,
    v2_files,
    web_mercator,
    write_exploded,
    write_files,
    write_v1,
    write_v2,
    write_zip,
)

import tilepack
from tilepack.cache import StorageFormat
from tilepack.extent import Extent
from tilepack.keys import BundleKey, TileKey
from tilepack.metadata.conf_cdi import format_conf_cdi
from tilepack.metadata.mapserver_json import format_mapserver_json
from tilepack.spatial import SpatialReference

FEW = {TileKey(5, row, column): payload(TileKey(5, row, column)) for row in (10, 11) for column in (6, 7, 8)}
"""Six tiles in one bundle."""


def warnings_of(path: Path) -> str:
    with tilepack.open(path) as reader:
        return "\n".join(tilepack.probe(reader).warnings)


# Names


@pytest.mark.parametrize(
    ("row", "column", "name"),
    [
        (0, 0, "R0000C0000"),
        (0x0180, 0xFF80, "R0180Cff80"),
        (0xE380, 0x12680, "Re380C12680"),
        (0xABCD80, 0xC0FFEE80, "Rabcd80Cc0ffee80"),
    ],
)
def test_bundle_is_found_under_its_name_of_any_length(tmp_path, row, column, name):
    tile = TileKey(18, row + 3, column + 9)
    write_v2(tmp_path / "cache", web_mercator(), {tile: b"\x89PNG tile"})
    assert (tmp_path / f"cache/_alllayers/L18/{name}.bundle").is_file()
    assert read_all(tmp_path / "cache") == {tile: b"\x89PNG tile"}


def test_bundle_name_padded_with_more_zeros_is_found(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    level = tmp_path / "_alllayers/L05"
    (level / "R0000C0000.bundle").rename(level / "R000000C000000.bundle")
    assert read_all(tmp_path) == FEW


@pytest.mark.parametrize("write", [write_v1, write_v2, write_exploded])
def test_names_are_found_in_upper_case(tmp_path, write):
    write(tmp_path / "cache", web_mercator(), FEW)
    for place in sorted((tmp_path / "cache").rglob("*"), reverse=True):
        place.rename(place.with_name(place.name.upper()))
    assert read_all(tmp_path / "cache") == FEW


@pytest.mark.parametrize("write", [write_v1, write_v2, write_exploded])
def test_names_are_found_in_lower_case(tmp_path, write):
    write(tmp_path / "cache", web_mercator(), FEW)
    for place in sorted((tmp_path / "cache").rglob("*"), reverse=True):
        place.rename(place.with_name(place.name.lower()))
    assert read_all(tmp_path / "cache") == FEW


@pytest.mark.parametrize("name", ["Conf.xml", "CONF.XML", "conf.XML"])
def test_conf_xml_is_found_in_any_case(tmp_path, name):
    write_v2(tmp_path / "cache", web_mercator(), FEW)
    (tmp_path / "cache/conf.xml").rename(tmp_path / "cache" / name)
    assert read_all(tmp_path / "cache") == FEW


@pytest.mark.parametrize("name", ["_allLayers", "_AllLayers", "_ALLLAYERS"])
def test_folder_of_levels_is_found_in_any_case(tmp_path, name):
    write_v1(tmp_path / "cache", web_mercator(), FEW)
    (tmp_path / "cache/_alllayers").rename(tmp_path / "cache" / name)
    assert read_all(tmp_path / "cache") == FEW


def test_level_folders_in_hex_are_counted_in_hex(tmp_path):
    tiles = {TileKey(level, 3, 4): payload(TileKey(level, 3, 4)) for level in (9, 10, 11, 16, 19)}
    write_exploded(tmp_path, web_mercator(), {})
    files = {
        path.replace(f"L{tile.level:02d}", f"L{tile.level:02x}"): data
        for (path, data), tile in zip(exploded_files(tiles).items(), tiles, strict=True)
    }
    assert "L10/R00000003/C00000004.png" in files  # level 16
    write_files(tmp_path / "_alllayers", files)
    assert read_all(tmp_path) == tiles


def test_level_folders_in_decimal_are_counted_in_decimal(tmp_path):
    tiles = {TileKey(level, 3, 4): payload(TileKey(level, 3, 4)) for level in (9, 10, 16)}
    write_exploded(tmp_path, web_mercator(), tiles)
    assert read_all(tmp_path) == tiles


def test_files_that_are_no_tiles_are_passed_over(tmp_path):
    write_exploded(tmp_path, web_mercator(), FEW)
    junk = ("Thumbs.db", "L05/.DS_Store", "L05/R0000000a/Thumbs.db", "L05/R0000000a/C00000006.pgw", "Status.gdb/a0001")
    write_files(tmp_path / "_alllayers", dict.fromkeys(junk, b"junk"))
    assert read_all(tmp_path) == FEW


def test_locks_beside_bundles_are_passed_over(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    junk = ("R0000C0000.lck", "R0000C0000.bundle.lck", "R0000C0000.lock", "free.lck")
    write_files(tmp_path / "_alllayers/L05", dict.fromkeys(junk, b""))
    assert read_all(tmp_path) == FEW


# Where a cache is


@pytest.mark.parametrize("inside", ["", "conf.xml", "conf.cdi", "_alllayers"])
def test_cache_is_found_by_its_folder_and_by_what_lies_in_it(tmp_path, inside):
    write_v2(tmp_path / "Layers", web_mercator(), FEW)
    assert read_all(tmp_path / "Layers" / inside) == FEW


@pytest.mark.parametrize("depth", [1, 2])
def test_cache_is_found_from_above(tmp_path, depth):
    write_v2(tmp_path / "service/Layers", web_mercator(), FEW)
    assert read_all((tmp_path / "service/Layers").parents[depth - 1]) == FEW


def test_two_caches_below_a_folder_are_refused_by_name(tmp_path):
    write_v2(tmp_path / "First", web_mercator(), FEW)
    write_v2(tmp_path / "Second", web_mercator(), FEW)
    with pytest.raises(tilepack.CacheNotFoundError, match=r"First/conf\.xml, Second/conf\.xml"):
        tilepack.open(tmp_path)


@pytest.mark.parametrize("inside", ["", "v101", "v101/Layers", "v101/Layers/conf.xml"])
def test_unpacked_tpk_is_read_with_its_descriptions(tmp_path, inside):
    write_v2(tmp_path / "Island", web_mercator(), FEW)
    tilepack.convert(tmp_path / "Island", tmp_path / "island.tpk")
    shutil.unpack_archive(tmp_path / "island.tpk", tmp_path / "unpacked", "zip")
    (tmp_path / "unpacked/v101/Island").rename(tmp_path / "unpacked/v101/Layers")
    with tilepack.open(tmp_path / "unpacked" / inside) as reader:
        assert reader.info.name == "Island"
        assert {name for name, _ in reader.declared} == {"conf.cdi", "mapserver.json", "iteminfo.xml (degrees)"}
    assert read_all(tmp_path / "unpacked" / inside) == FEW


@pytest.mark.parametrize("inside", ["Island", "Roads 9.3", "v1.2"])
def test_cache_is_named_alike_however_its_path_is_written(tmp_path, monkeypatch, inside):
    write_v2(tmp_path / inside, web_mercator(), FEW)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / inside)
    for path in (".", "conf.xml", "_alllayers", f"../{inside}", "../other/..//" + inside, tmp_path / inside):
        with tilepack.open(path) as reader:
            assert reader.info.name == inside


def test_unpacked_tpk_is_read_with_its_descriptions_from_within(tmp_path, monkeypatch):
    write_v2(tmp_path / "Island", web_mercator(), FEW)
    tilepack.convert(tmp_path / "Island", tmp_path / "island.tpk")
    shutil.unpack_archive(tmp_path / "island.tpk", tmp_path / "unpacked", "zip")
    monkeypatch.chdir(tmp_path / "unpacked/v101/Island")
    with tilepack.open(".") as reader:
        assert "iteminfo.xml (degrees)" in {name for name, _ in reader.declared}


def test_ready_to_serve_folder_is_found_by_root_json(tmp_path):
    write_files(tmp_path / "cache", ready_files(web_mercator(), FEW))
    assert read_all(tmp_path / "cache/root.json") == FEW


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


# Contradictions


def test_probe_warns_when_no_document_declares_an_extent(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    (tmp_path / "conf.cdi").unlink()
    assert "no document declares an extent" in warnings_of(tmp_path)


def test_probe_warns_when_the_tiles_lie_elsewhere(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    info = replace(describe(web_mercator(), StorageFormat.COMPACT_V2), extent=Extent(xmin=0, ymin=0, xmax=9, ymax=9))
    (tmp_path / "conf.cdi").write_bytes(format_conf_cdi(info))
    assert "conf.cdi declares the extent 0, 0, 9, 9, but the tiles of level 5 lie at" in warnings_of(tmp_path)


def test_probe_warns_when_two_documents_declare_other_extents(tmp_path):
    box = tile_box(web_mercator(), FEW)
    info = replace(describe(web_mercator(), StorageFormat.COMPACT), extent=replace(box, xmax=box.xmax + 1e6))
    service = {"servicedescriptions/mapserver/mapserver.json": format_mapserver_json(info, degrees=None)}
    write_zip(tmp_path / "island.tpk", tpk_files(web_mercator(), FEW) | service)
    assert "conf.cdi declares the extent" in warnings_of(tmp_path / "island.tpk")
    assert "mapserver.json declares" in warnings_of(tmp_path / "island.tpk")


def test_probe_warns_when_other_levels_hold_tiles_than_said(tmp_path):
    files = ready_files(web_mercator(), FEW)
    root = json.loads(files["root.json"]) | {"minLOD": 3, "maxLOD": 6}
    write_files(tmp_path, files | {"root.json": json.dumps(root).encode()})
    assert "levels 3 to 6 are said to hold tiles, but 5 to 5 do" in warnings_of(tmp_path)


def test_probe_warns_when_tiles_are_of_another_format_or_size_than_said(tmp_path):
    tiles = {tile: caches.picture(tile, "jpg", (128, 256)) for tile in FEW}
    write_v2(tmp_path, web_mercator(), tiles, tile_format=tilepack.TileFormat.PNG32)
    found = warnings_of(tmp_path)
    assert "the tile format is said to be PNG32, but 6 of the 6 tiles looked at are JPEG" in found
    assert "tiles are said to have 256 x 256 pixels, but 6 of the 6 tiles looked at are 128 x 256" in found


def test_probe_warns_of_a_level_that_the_scheme_lacks(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    write_files(tmp_path / "_alllayers", v2_files({TileKey(77, 0, 0): b"lost"}))
    assert "level 77, which the tiling scheme does not have" in warnings_of(tmp_path)


def test_probe_finds_nothing_amiss_in_a_sound_cache(tmp_path):
    write_v2(tmp_path, web_mercator(), {tile: caches.picture(tile) for tile in FEW})
    assert warnings_of(tmp_path) == ""


def test_probe_measures_dead_space_exactly_when_it_looks_deep(tmp_path):
    for write, name in ((write_v1, "v1"), (write_v2, "v2")):
        write(tmp_path / name, web_mercator(), FEW, dead=(100, 0, 23))
        with tilepack.open(tmp_path / name) as reader:
            assert tilepack.probe(reader, deep=True).dead_bytes == 123


def test_probe_looks_at_no_more_tiles_than_asked(tmp_path):
    tiles = {TileKey(9, row, column): payload(TileKey(9, row, column)) for row in range(8) for column in range(8)}
    write_v2(tmp_path, web_mercator(), tiles)
    with tilepack.open(tmp_path) as reader:
        assert tilepack.probe(reader).sampled_tiles == 16
        assert tilepack.probe(reader, deep=True).sampled_tiles == 64
        assert tilepack.probe(reader, sample=0).sampled_tiles == 0


def test_empty_bundle_counts_as_no_tiles(tmp_path):
    write_v2(tmp_path, web_mercator(), FEW)
    empty = BundleKey(6, 0, 0)
    write_files(tmp_path / "_alllayers", {f"L06/{str(empty).split('/')[1]}.bundle": caches.pack_v2([])})
    with tilepack.open(tmp_path) as reader:
        assert reader.summary(empty).tiles == 0
        assert reader.index(empty).tolist() == [0] * SLOTS
        assert list(reader.tiles(empty)) == []
        assert reader.raw(empty) is not None
    assert read_all(tmp_path) == FEW
