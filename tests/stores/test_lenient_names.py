"""Caches as people have them: other names, in other folders."""

from __future__ import annotations

import shutil

import pytest
from caches import (
    exploded_files,
    payload,
    read_all,
    ready_files,
    web_mercator,
    write_exploded,
    write_files,
    write_v1,
    write_v2,
)
from few_tiles import FEW

import tilepack
from tilepack.keys import TileKey

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


@pytest.mark.parametrize("recased", [str.upper, str.lower], ids=["upper", "lower"])
@pytest.mark.parametrize("write", [write_v1, write_v2, write_exploded])
def test_names_are_found_in_any_case(tmp_path, write, recased):
    write(tmp_path / "cache", web_mercator(), FEW)
    for place in sorted((tmp_path / "cache").rglob("*"), reverse=True):
        place.rename(place.with_name(recased(place.name)))
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
