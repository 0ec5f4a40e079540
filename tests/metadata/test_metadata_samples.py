"""Documents that ArcGIS wrote come back byte for byte, or value for value where they are not printed alike."""

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from tilepack.cache import StorageFormat, TileFormat
from tilepack.metadata.conf_cdi import format_conf_cdi, parse_conf_cdi
from tilepack.metadata.conf_properties import format_conf_properties, parse_conf_properties
from tilepack.metadata.conf_xml import format_conf_xml, parse_conf_xml
from tilepack.metadata.iteminfo_json import format_iteminfo_json, parse_iteminfo_json
from tilepack.metadata.iteminfo_xml import format_item_pkinfo, format_iteminfo_xml, parse_iteminfo_xml
from tilepack.metadata.mapserver_json import format_mapserver_json, parse_levels, parse_mapserver_json
from tilepack.metadata.root_json import format_root_json, parse_root_json
from tilepack.metadata.standard import arcgis_online_scheme, with_literal_levels

MAPSERVER = "servicedescriptions/mapserver/mapserver.json"


def member(package: Path, name: str) -> bytes:
    with ZipFile(package) as archive:
        return archive.read(name)


def caches(samples: Path) -> dict[str, tuple[bytes, bytes]]:
    """Give conf.xml and conf.cdi of every sample that has them."""
    documents = {
        name: tuple(member(samples / name, f"v101/Layers/conf.{end}") for end in ("xml", "cdi"))
        for name in ("canyonlands.tpk", "states_filled.tpk")
    }
    for name, conf in (("mixed_v2_cache", "Conf.xml"), ("esri_compact_v2_cache", "conf.xml")):
        documents[name] = ((samples / name / conf).read_bytes(), (samples / name / "conf.cdi").read_bytes())
    return documents  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["canyonlands.tpk", "states_filled.tpk", "mixed_v2_cache"])
def test_conf_xml_and_conf_cdi_of_arcgis_come_back_byte_for_byte(samples, name):
    conf, cdi = caches(samples)[name]
    info = parse_conf_xml(conf, place=name, name=name)
    extent, reference = parse_conf_cdi(cdi, place=name)
    assert reference == info.scheme.spatial_reference
    assert format_conf_xml(info) == conf
    assert format_conf_cdi(replace(info, extent=extent)) == cdi


def test_levels_of_arcgis_are_literal_already(samples):
    for name, (conf, _) in caches(samples).items():
        scheme = parse_conf_xml(conf, place=name, name=name).scheme
        assert with_literal_levels(scheme) is scheme or with_literal_levels(scheme) == scheme


def test_cache_of_the_compact_v2_paper_is_read(samples):
    conf, cdi = caches(samples)["esri_compact_v2_cache"]
    info = parse_conf_xml(conf, place="p", name="n")
    assert (info.storage_format, info.tile_format, info.quality) == (StorageFormat.COMPACT_V2, TileFormat.JPEG, 75)
    assert (len(info.scheme.levels), info.scheme.spatial_reference.wkid, info.schema_version) == (20, 3857, "10.0")
    extent, reference = parse_conf_cdi(cdi, place="p")
    assert reference is None
    assert extent is not None
    assert extent.xmax == 20037507.229594339
    again = parse_conf_xml(format_conf_xml(info), place="p", name="n")
    assert again.scheme.levels == info.scheme.levels
    assert again.scheme.spatial_reference.agrees_with(info.scheme.spatial_reference)


def test_conf_properties_of_arcgis_comes_back_byte_for_byte(samples):
    data = (samples / "mixed_v2_cache" / "conf.properties").read_bytes()
    conf, _ = caches(samples)["mixed_v2_cache"]
    info = parse_conf_xml(conf, place="p", name="n")
    content_type = parse_conf_properties(data, place="p")
    assert content_type == "Map"
    assert format_conf_properties(replace(info, content_type=content_type)) == data


@pytest.mark.parametrize("name", ["canyonlands.tpk", "states_filled.tpk"])
def test_item_documents_of_arcgis_come_back_byte_for_byte(samples, name):
    data = member(samples / name, "esriinfo/iteminfo.xml")
    item = parse_iteminfo_xml(data, place="p")
    conf, _ = caches(samples)[name]
    info = replace(parse_conf_xml(conf, place="p", name=item.name), description=item.description)
    assert format_iteminfo_xml(info, guid=item.guid, degrees=item.extent) == data
    assert format_item_pkinfo(info, guid=item.guid) == member(samples / name, "esriinfo/item.pkinfo")


def test_mapserver_json_of_arcgis_comes_back_with_its_members_in_order(samples):
    data = member(samples / "canyonlands.tpk", MAPSERVER)
    conf, _ = caches(samples)["canyonlands.tpk"]
    read = parse_mapserver_json(data, place="p")
    info = replace(
        parse_conf_xml(conf, place="p", name=read.name),
        description=read.description,
        extent=read.extent,
        initial_extent=read.initial_extent,
        service=read.service,
        min_level=10,
        max_level=11,
    )
    assert parse_levels(data, place="p").levels == info.scheme.levels
    given, written = json.loads(data), json.loads(format_mapserver_json(info, degrees=None))
    assert list(given["contents"]) == list(written["contents"])
    # Said otherwise in conf.xml (the quality), or trimmed (a blank before the copyright).
    differing = {key for key, value in given["contents"].items() if written["contents"][key] != value}
    assert differing == {"tileInfo", "copyrightText"}
    assert written["resources"] == given["resources"]


def test_mapserver_json_without_levels_is_read_for_the_rest(samples):
    data = member(samples / "states_filled.tpk", MAPSERVER)
    read = parse_mapserver_json(data, place="p")
    assert read.name == "Layers"
    assert read.extent is not None
    assert read.initial_extent is not None
    assert read.extent.holds(read.initial_extent)


def test_root_json_of_arcgis_comes_back_with_all_it_says(samples):
    data = member(samples / "Usa.tpkx", "root.json")
    root = parse_root_json(data, place="p", name="n")
    assert root.bundles_path == "./tile"
    assert root.info.scheme.levels == arcgis_online_scheme().levels
    assert (root.info.min_level, root.info.max_level, root.info.tile_format) == (0, 5, TileFormat.PNG)
    given, written = json.loads(data), json.loads(format_root_json(root.info))
    assert list(given) == list(written)
    # One storage grid is carried, tileInfo's; the other members repeat a coarser one.
    for members in (given, written):
        members["spatialReference"].pop("xyUnits")
        for extent in ("initialExtent", "fullExtent"):
            members[extent]["spatialReference"].pop("xyUnits")
    assert given == written


def test_iteminfo_json_of_arcgis_comes_back_but_for_its_empty_tags(samples):
    data = member(samples / "Usa.tpkx", "iteminfo.json")
    item = parse_iteminfo_json(data, place="p")
    root = parse_root_json(member(samples / "Usa.tpkx", "root.json"), place="p", name="n")
    info = replace(root.info, description=item.description)
    written = json.loads(format_iteminfo_json(info, guid=item.guid, degrees=item.extent))
    assert written == json.loads(data) | {"tags": []}
    assert list(written) == list(json.loads(data))
