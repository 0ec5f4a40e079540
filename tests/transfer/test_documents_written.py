"""What the documents of a new target say, and what is said of it beforehand."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest
from caches import payload, web_mercator, write_exploded

import tilepack
from tilepack.keys import TileKey
from tilepack.metadata.conf_xml import parse_conf_xml
from tilepack.metadata.standard import arcgis_online_scheme, with_literal_levels
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference
from tilepack.stores.layouts import safe_name

TILES = {key: payload(key) for key in (TileKey(0, 0, 0), TileKey(1, 0, 1), TileKey(2, 1, 2))}
STATE_PLANE = TilingScheme(
    origin_x=700000,
    origin_y=440000,
    tile_width=512,
    tile_height=512,
    levels=tuple(LevelOfDetail(level=n, resolution=s / 1152, scale=s) for n, s in enumerate((5e5, 2.5e5, 1e5))),
    spatial_reference=SpatialReference(wkid=102718, latest_wkid=2263),
)


def root_json(package):
    with zipfile.ZipFile(package) as members:
        return json.loads(members.read("root.json"))


@pytest.fixture
def source(tmp_path):
    return write_exploded(tmp_path / "source", web_mercator(), TILES) or tmp_path / "source"


@pytest.fixture
def shown_farther(tmp_path, source):
    """A package whose map may be shown closer than its finest level."""
    tilepack.convert(source, tmp_path / "plain.tpkx")
    target = tmp_path / "farther.tpkx"
    with zipfile.ZipFile(tmp_path / "plain.tpkx") as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "root.json":
                data = json.dumps({**json.loads(data), "maxScale": 9027.977411}).encode()
            new.writestr(name, data)
    return target


def test_visible_scales_stay_when_all_levels_are_taken(tmp_path, shown_farther):
    tilepack.convert(shown_farther, tmp_path / "all.tpkx")
    assert root_json(tmp_path / "all.tpkx")["maxScale"] == 9027.977411


def test_visible_scales_are_those_of_the_levels_when_some_are_taken(tmp_path, shown_farther):
    tilepack.convert(shown_farther, tmp_path / "some.tpkx", levels="0-1")
    assert root_json(tmp_path / "some.tpkx")["maxScale"] == arcgis_online_scheme().level(1).scale


def test_conf_xml_says_where_a_grid_ends_that_does_not_lie_around_zero(tmp_path):
    write_exploded(tmp_path / "source", STATE_PLANE, TILES)
    tilepack.convert(tmp_path / "source", tmp_path / "v2")
    info = parse_conf_xml((tmp_path / "v2" / "conf.xml").read_bytes(), place="conf.xml", name="v2")
    with tilepack.open(tmp_path / "v2") as cache:
        extent = cache.info.extent
    assert extent is not None
    assert info.scheme.end == (extent.xmax, extent.ymin)


def test_conf_xml_of_web_mercator_says_no_end(tmp_path, source):
    tilepack.convert(source, tmp_path / "v2")
    assert b"TileEnd" not in (tmp_path / "v2" / "conf.xml").read_bytes()


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        (SpatialReference(), "no document names a spatial reference"),
        (SpatialReference(wkid=99999), "its spatial reference (WKID 99999) is none that is known here"),
    ],
)
def test_convert_warns_of_a_spatial_reference_that_means_nothing(tmp_path, reference, sentence):
    write_exploded(tmp_path / "source", replace(web_mercator(), spatial_reference=reference), TILES)
    plan = tilepack.plan_convert(tmp_path / "source", tmp_path / "x.tpkx")
    assert any(sentence in warning for warning in plan.warnings)


def test_info_warns_when_no_document_names_a_spatial_reference(tmp_path):
    write_exploded(tmp_path / "source", replace(web_mercator(), spatial_reference=SpatialReference()), TILES)
    with tilepack.open(tmp_path / "source") as cache:
        assert "no document names a spatial reference" in tilepack.probe(cache).warnings


def test_error_about_a_level_names_the_source(tmp_path, source):
    with pytest.raises(tilepack.TilingSchemeError, match=f"^{source}: level 77 is not in the tiling scheme"):
        tilepack.plan_convert(source, tmp_path / "x", levels="77")


def test_disk_is_too_small_when_indexes_do_not_fit_on_it(tmp_path, source, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300_000))
    with pytest.raises(tilepack.TransferError, match="the target needs 39"):  # three indexes of 131,136 bytes
        tilepack.plan_convert(source, tmp_path / "x")
    tilepack.plan_convert(source, tmp_path / "x", storage_format="EXPLODED")


@pytest.mark.parametrize(
    ("name", "safe"), [("NUL", "_NUL"), ("com1.map", "_com1.map"), ("a/b:c", "a_b_c"), (". ", "Layers")]
)
def test_safe_name_is_a_folder_s_name_on_every_system(name, safe):
    assert safe_name(name) == safe


def test_ladder_becomes_literal_as_a_whole_when_half_of_it_is_recomputed():
    halved = tuple(
        replace(lod, resolution=156543.03392800014 / 2**lod.level) for lod in arcgis_online_scheme().levels[:12]
    )
    assert (
        with_literal_levels(replace(arcgis_online_scheme(), levels=halved)).levels == arcgis_online_scheme().levels[:12]
    )
