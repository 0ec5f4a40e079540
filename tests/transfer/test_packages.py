"""Packages as ArcGIS wants them: which members there are, how they are packed, what their documents say."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from caches import describe, look_at_files, payload, picture, tile_box, web_mercator, write_files, write_v2
from layouts import convert_to
from lxml import etree
from PIL import Image

import tilepack
from tilepack.cache import StorageFormat
from tilepack.keys import TileKey
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.scheme import LevelOfDetail
from tilepack.stores.compact import CompactReader
from tilepack.transfer.result import NOT_IN_THUMBNAIL

TILES = {TileKey(level, 10 << level - 5, 6 << level - 5): picture(TileKey(level, 0, level)) for level in (5, 6, 8)}
MAPSERVER = "servicedescriptions/mapserver/mapserver.json"
GUID = re.compile(rb"[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}")


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "Island"
    write_v2(folder, web_mercator(), TILES)
    return folder


@pytest.fixture(scope="module")
def tpk(source, tmp_path_factory) -> Path:
    return convert_to("tpk", source, tmp_path_factory.mktemp("tpk"))


@pytest.fixture(scope="module")
def tpkx(source, tmp_path_factory) -> Path:
    return convert_to("tpkx", source, tmp_path_factory.mktemp("tpkx"))


@pytest.fixture(scope="module", params=["tpk", "tpkx"])
def package(request) -> Path:
    return request.getfixturevalue(request.param)


def members(package: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(package) as opened:
        return opened.infolist()


# As a ZIP file


def test_members_are_all_stored(package):
    assert {member.compress_type for member in members(package)} == {zipfile.ZIP_STORED}


def test_members_have_no_data_descriptors_and_plain_names(package):
    assert {member.flag_bits for member in members(package)} == {0}


def test_members_have_the_crc_of_their_bytes(package):
    with zipfile.ZipFile(package) as opened:
        assert opened.testzip() is None


def test_members_have_the_attributes_of_dos(package):
    found = {(member.create_system, member.external_attr, member.is_dir()) for member in members(package)}
    assert found == {(0, 0x20, False), (0, 0x10, True)}


def test_every_folder_has_its_entry(package):
    names = [member.filename for member in members(package)]
    above = {"/".join(name.split("/")[:depth]) + "/" for name in names for depth in range(1, name.count("/") + 1)}
    folders = {name for name in names if name.endswith("/")}
    assert {folder for folder in above if any(part in folder for part in ("tile/", "_alllayers/"))} <= folders


def test_every_member_is_there_once(package):
    names = [member.filename for member in members(package)]
    assert len(names) == len(set(names))


def test_tpkx_lists_its_documents_first(tpkx):
    assert [member.filename for member in members(tpkx)] == [
        "iteminfo.json",
        "root.json",
        "thumbnail.png",
        "tile/",
        "tile/L05/",
        "tile/L05/R0000C0000.bundle",
        "tile/L06/",
        "tile/L06/R0000C0000.bundle",
        "tile/L08/",
        "tile/L08/R0000C0000.bundle",
    ]


def test_tpk_lists_its_documents_first(tpk):
    names = [member.filename for member in members(tpk)]
    assert names[:8] == [
        "esriinfo/item.pkinfo",
        "esriinfo/iteminfo.xml",
        "esriinfo/thumbnail/thumbnail.png",
        "servicedescriptions/mapserver/mapserver.json",
        "v101/Island/conf.cdi",
        "v101/Island/conf.properties",
        "v101/Island/conf.xml",
        "v101/",
    ]
    assert [name for name in names if ".bundl" in name] == [
        f"v101/Island/_alllayers/L{level:02d}/R0000C0000.{suffix}"
        for level in (5, 6, 8)
        for suffix in ("bundle", "bundlx")
    ]


def test_members_lie_one_behind_the_other_without_gaps(package):
    end = 0
    for member in sorted(members(package), key=lambda member: member.header_offset):
        assert member.header_offset == end
        end += 30 + len(member.filename.encode()) + member.file_size
    with zipfile.ZipFile(package) as opened:
        assert opened.start_dir == end


@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
def test_name_beyond_ascii_comes_back(tmp_path, layout):
    write_v2(tmp_path / "Größe: 1/2?".replace("/", "_"), web_mercator(), TILES)
    package = convert_to(layout, next(tmp_path.iterdir()), tmp_path)
    with tilepack.open(package) as reader:
        assert reader.info.name == "Größe: 1_2?"
    assert all(not set(name) & set('<>:"\\|?*') for name in look_at_files(package))


# Same input, same bytes


@pytest.mark.parametrize("layout", ["tpk", "tpkx"])
@pytest.mark.parametrize("jobs", [1, 8])
def test_same_input_gives_the_same_bytes_whatever_the_threads(request, exploded_island, tmp_path, layout, jobs):
    first = convert_to(layout, exploded_island, tmp_path).read_bytes()
    (tmp_path / "again").mkdir()
    assert convert_to(layout, exploded_island, tmp_path / "again", jobs=jobs).read_bytes() == first


@pytest.mark.parametrize("layout", ["v1", "v2", "exploded"])
def test_same_input_gives_the_same_folder_whatever_the_threads(exploded_island, tmp_path, layout):
    (tmp_path / "again").mkdir()
    first = look_at_files(convert_to(layout, exploded_island, tmp_path, jobs=1))
    assert look_at_files(convert_to(layout, exploded_island, tmp_path / "again", jobs=8)) == first


def test_no_time_is_told_without_source_date_epoch(tmp_path, source, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    found = members(convert_to("tpkx", source, tmp_path))
    assert {member.date_time for member in found} == {(1980, 1, 1, 0, 0, 0)}


def test_source_date_epoch_is_the_time_of_members_and_documents(tmp_path, source, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    tpkx, tpk = convert_to("tpkx", source, tmp_path), convert_to("tpk", source, tmp_path)
    assert {member.date_time for package in (tpkx, tpk) for member in members(package)} == {(2020, 9, 13, 12, 26, 40)}
    assert json.loads(look_at_files(tpkx)["iteminfo.json"])["created"] == 1_600_000_000_000
    assert b"<created>2020-09-13T12:26:40Z</created>" in look_at_files(tpk)["esriinfo/item.pkinfo"]


# GUID


def test_guid_is_the_same_in_both_documents_of_a_tpk(tpk):
    files = look_at_files(tpk)
    found = {GUID.search(files[f"esriinfo/{name}"]).group() for name in ("item.pkinfo", "iteminfo.xml")}
    assert len(found) == 1


def test_guid_does_not_change_with_the_time(tmp_path, source, tpkx, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    again = convert_to("tpkx", source, tmp_path)
    first, second = (json.loads(look_at_files(place)["iteminfo.json"])["guid"] for place in (tpkx, again))
    assert first == second


def test_guid_changes_with_the_tiles(tmp_path, tpkx):
    write_v2(tmp_path / "Island", web_mercator(), TILES | {TileKey(8, 81, 48): b"one more"})
    other = convert_to("tpkx", tmp_path / "Island", tmp_path)
    first, second = (json.loads(look_at_files(place)["iteminfo.json"])["guid"] for place in (tpkx, other))
    assert first != second


# Documents


def test_root_json_says_what_is_in_a_tpkx(tpkx):
    root = json.loads(look_at_files(tpkx)["root.json"])
    assert (root["minLOD"], root["maxLOD"]) == (5, 8)
    assert root["tileBundlesPath"] == "./tile"
    assert root["storageInfo"] == {"storageFormat": "esriMapCacheStorageModeCompactV2", "packetSize": 128}
    assert root["tileImageInfo"]["format"] == "MIXED"
    assert (root["spatialReference"]["wkid"], root["spatialReference"]["latestWkid"]) == (102100, 3857)
    assert len(root["tileInfo"]["lods"]) == 24


def test_levels_of_a_tpkx_are_printed_literally(tpkx):
    text = look_at_files(tpkx)["root.json"].decode()
    for literal in ("156543.033928", "78271.5169639999", "591657527.591555", "9.55462853563415", "0.298582141647617"):
        assert re.search(rf"[:\s]{re.escape(literal)}[,\s}}]", text), literal


@pytest.mark.parametrize("layout", ["v1", "v2", "exploded", "tpk", "tpkx"])
def test_recomputed_levels_of_web_mercator_become_literal_ones(tmp_path, layout):
    scheme = web_mercator()
    computed = replace(
        scheme,
        levels=tuple(
            LevelOfDetail(level=n, resolution=156543.03393 / 2**n, scale=156543.03393 / 2**n * 96 * 39.37)
            for n in range(24)
        ),
    )
    assert computed.levels != scheme.levels
    write_v2(tmp_path / "source", computed, TILES)
    with tilepack.open(convert_to(layout, tmp_path / "source", tmp_path)) as reader:
        assert reader.info.scheme.levels == scheme.levels


def test_service_description_of_a_tpk_has_the_real_extent(tpk):
    contents = json.loads(look_at_files(tpk)[MAPSERVER])["contents"]
    box = tile_box(web_mercator(), TILES)
    for name in ("fullExtent", "initialExtent"):
        assert {edge: contents[name][edge] for edge in box.as_json()} == pytest.approx(box.as_json())


def test_all_documents_declare_the_same_extent(package):
    with tilepack.open(package) as reader:
        assert len(reader.declared) == 3
        assert tilepack.probe(reader, deep=True).warnings == ()


def test_conf_xml_of_a_tpk_keeps_every_level(tpk):
    conf = etree.fromstring(look_at_files(tpk)["v101/Island/conf.xml"])
    assert [int(node.text) for node in conf.iter("LevelID")] == list(range(24))


@pytest.mark.parametrize(("layout", "name"), [("tpk", "esriinfo/thumbnail/thumbnail.png"), ("tpkx", "thumbnail.png")])
def test_thumbnail_is_drawn_from_the_tiles(tmp_path, source, layout, name):
    with Image.open(io.BytesIO(look_at_files(convert_to(layout, source, tmp_path))[name])) as image:
        assert (image.format, image.size) == ("PNG", (200, 133))
        assert len(image.convert("RGB").getcolors(1 << 16)) > 10


def test_thumbnail_is_white_when_no_tile_can_be_drawn(tmp_path):
    write_v2(tmp_path / "Island", web_mercator(), {TileKey(5, 1, 1): payload(TileKey(5, 1, 1))})
    package = convert_to("tpkx", tmp_path / "Island", tmp_path)
    with Image.open(io.BytesIO(look_at_files(package)["thumbnail.png"])) as image:
        assert image.convert("RGB").getcolors() == [(200 * 133, (255, 255, 255))]


def test_tiles_that_the_thumbnail_lacks_are_told(tmp_path, source, monkeypatch):
    def cut_meanwhile(self, tile):
        raise tilepack.BundleError(f"{self.place}: ends before {tile}")

    whole = tilepack.convert(source, tmp_path / "whole.tpkx")
    monkeypatch.setattr(CompactReader, "read", cut_meanwhile)
    torn = tilepack.convert(source, tmp_path / "torn.tpkx")
    assert NOT_IN_THUMBNAIL not in whole.notes
    assert torn.notes[NOT_IN_THUMBNAIL] == len(TILES)  # one in each level that was tried
    assert torn.tiles == whole.tiles == len(TILES)


def test_description_goes_from_package_to_package(tmp_path, tpkx):
    files = look_at_files(tpkx)
    item = json.loads(files["iteminfo.json"]) | {
        "title": "An island",
        "tags": ["island", "relief"],
        "summary": "Short",
        "description": "Long",
        "accessInformation": "Nobody",
    }
    write_files(tmp_path / "ready", files | {"iteminfo.json": json.dumps(item).encode()})
    there = convert_to("tpk", tmp_path / "ready", tmp_path)
    with tilepack.open(tmp_path / "ready") as before, tilepack.open(there) as after:
        assert before.info.description.title == "An island"
        assert after.info.description == before.info.description
    (tmp_path / "back").mkdir()
    with (
        tilepack.open(tmp_path / "ready") as before,
        tilepack.open(convert_to("tpkx", there, tmp_path / "back")) as back,
    ):
        assert back.info.description == before.info.description


def test_package_of_one_level_comes_with_a_warning(tmp_path):
    write_v2(tmp_path / "Island", web_mercator(), {TileKey(5, 1, 1): b"tile"})
    plan = tilepack.plan_convert(tmp_path / "Island", tmp_path / "island.tpkx")
    assert any("level 5 alone" in warning for warning in plan.warnings)


def test_package_of_too_many_bundles_for_arcgis_online_comes_with_a_warning(tmp_path):
    corners = {TileKey(16, row, column): b"tile" for row in (0, 65535) for column in (0, 65535)}
    write_v2(tmp_path / "Island", web_mercator(), corners)
    plan = tilepack.plan_convert(tmp_path / "Island", tmp_path / "island.tpk")
    assert any("262144 bundles" in warning for warning in plan.warnings)


def test_empty_cache_becomes_an_empty_package(tmp_path):
    info = describe(web_mercator(), StorageFormat.COMPACT_V2)
    write_files(tmp_path / "Island", {"conf.xml": format_conf_xml(info)})
    (tmp_path / "Island/_alllayers").mkdir()
    for layout in ("tpk", "tpkx", "v1", "v2", "exploded"):
        place = convert_to(layout, tmp_path / "Island", tmp_path)
        with tilepack.open(place) as reader:
            assert reader.levels() == []
            assert "there is no tile in it" in tilepack.probe(reader).warnings
