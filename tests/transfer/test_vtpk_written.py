"""Vector tile packages on their way to and from formats of the web: every tile keeps its bytes."""

from __future__ import annotations

import json
import zipfile

import pytest
from caches import feet, read_all, write_zip
from vector_tiles import LAYERS, VECTOR, look_at_json, look_in_vtpk, mvt, root_json, vtpk_files
from web_caches import look_at_header, look_at_metadata, look_in_mbtiles, look_in_pmtiles, look_in_xyz, write_mbtiles

import tilepack
from tilepack.keys import TileKey

KNOWN = [{"id": "land", "fields": {"name": "String"}, "minzoom": 0}, {"id": "roads", "fields": {}}]
SAID = {
    "name": "Straßen",
    "format": "pbf",
    "attribution": "© Amt",
    "description": "all of them",
    "tags": "a,b",
    "json": json.dumps({"vector_layers": KNOWN}),
}


@pytest.fixture
def package(tmp_path):
    write_zip(tmp_path / "Inseln.vtpk", vtpk_files())
    return tmp_path / "Inseln.vtpk"


@pytest.fixture
def mbtiles(tmp_path):
    return write_mbtiles(tmp_path / "source.mbtiles", VECTOR, metadata=SAID)


def warnings_of(source, target) -> str:
    return "\n".join(tilepack.plan_convert(source, target).warnings)


# Out of packages


def test_package_becomes_mbtiles(package, tmp_path):
    tilepack.convert(package, tmp_path / "a.mbtiles")
    assert look_in_mbtiles(tmp_path / "a.mbtiles") == VECTOR
    said = look_at_metadata(tmp_path / "a.mbtiles")
    assert (said["name"], said["format"], said["attribution"]) == ("Alle Inseln", "pbf", "Amt für Inseln")
    assert (said["minzoom"], said["maxzoom"]) == ("0", "9")
    assert said["bounds"].startswith("-180")
    assert json.loads(said["json"]) == {"vector_layers": [{"id": name, "fields": {}} for name in LAYERS]}


def test_package_becomes_pmtiles(package, tmp_path):
    tilepack.convert(package, tmp_path / "a.pmtiles")
    assert look_in_pmtiles(tmp_path / "a.pmtiles") == VECTOR
    header, metadata = look_at_header(tmp_path / "a.pmtiles")
    assert (header["min_zoom"], header["max_zoom"]) == (0, 9)
    assert [layer["id"] for layer in metadata["vector_layers"]] == list(LAYERS)


def test_package_becomes_a_folder_of_web_tiles(package, tmp_path):
    tilepack.convert(package, tmp_path / "a", storage_format="xyz")
    files = {path.relative_to(tmp_path / "a").as_posix(): path.read_bytes() for path in (tmp_path / "a").rglob("*.pbf")}
    assert look_in_xyz(files) == VECTOR


def test_levels_may_be_chosen(package, tmp_path):
    tilepack.export_cache(package, tmp_path / "a.mbtiles", levels="5")
    assert look_in_mbtiles(tmp_path / "a.mbtiles") == {key: data for key, data in VECTOR.items() if key.level == 5}


def test_what_stays_behind_is_said(package, tmp_path):
    said = warnings_of(package, tmp_path / "a.mbtiles")
    assert "styles, sprites and fonts stay behind" in said
    assert "the package is indexed" in said
    assert "vector_layers" not in said


def test_lack_of_layers_is_said(tmp_path):
    files = vtpk_files(tileMap=None)
    del files["p12/resources/styles/root.json"]
    write_zip(tmp_path / "a.vtpk", files)
    said = warnings_of(tmp_path / "a.vtpk", tmp_path / "a.mbtiles")
    assert "nothing in the source names the layers" in said
    assert "indexed" not in said


def test_other_projections_are_refused_for_the_web(tmp_path):
    wkid = feet().spatial_reference.wkid
    tile_info = {**root_json()["tileInfo"], "spatialReference": {"wkid": wkid}}
    write_zip(tmp_path / "a.vtpk", vtpk_files(tileInfo=tile_info, fullExtent=None, initialExtent=None))
    assert read_all(tmp_path / "a.vtpk") == VECTOR
    with pytest.raises(tilepack.TilingSchemeError, match="holds web mercator alone"):
        tilepack.convert(tmp_path / "a.vtpk", tmp_path / "a.mbtiles")
    assert not (tmp_path / "a.mbtiles").exists()


@pytest.mark.parametrize("target", ["a.tpkx", "a.tpk", "folder"])
def test_caches_of_images_take_no_vector_tiles(package, tmp_path, target):
    with pytest.raises(tilepack.UnsupportedError, match="holds vector tiles"):
        tilepack.convert(package, tmp_path / target)
    assert not (tmp_path / target).exists()


def test_package_becomes_no_other_package(package, tmp_path):
    with pytest.raises(tilepack.UnsupportedError, match="is a vector tile package already"):
        tilepack.convert(package, tmp_path / "b.vtpk")
    assert not (tmp_path / "b.vtpk").exists()


def test_tiles_at_the_edge_of_an_area_move_whole(package, tmp_path):
    tilepack.export_cache(package, tmp_path / "a.mbtiles", aoi="POLYGON((46 51, 46 60, 60 60, 46 51))", levels="5")
    held = look_in_mbtiles(tmp_path / "a.mbtiles")
    assert held
    assert held.items() <= VECTOR.items()


# Into packages


def test_there_and_back_every_tile_keeps_its_bytes(mbtiles, tmp_path):
    tilepack.convert(mbtiles, tmp_path / "a.vtpk")
    assert look_in_vtpk(tmp_path / "a.vtpk") == VECTOR
    assert read_all(tmp_path / "a.vtpk") == VECTOR
    tilepack.convert(tmp_path / "a.vtpk", tmp_path / "b.pmtiles")
    assert look_in_pmtiles(tmp_path / "b.pmtiles") == VECTOR
    tilepack.convert(tmp_path / "b.pmtiles", tmp_path / "c.vtpk")
    assert look_in_vtpk(tmp_path / "c.vtpk") == VECTOR
    tilepack.convert(tmp_path / "c.vtpk", tmp_path / "d.mbtiles")
    said = look_at_metadata(tmp_path / "d.mbtiles")
    assert {name: said[name] for name in SAID if name != "json"} == {key: SAID[key] for key in SAID if key != "json"}
    assert json.loads(said["json"])["vector_layers"] == KNOWN


def test_package_holds_what_arcgis_packages_hold(mbtiles, tmp_path):
    tilepack.convert(mbtiles, tmp_path / "a.vtpk")
    with zipfile.ZipFile(tmp_path / "a.vtpk") as package:
        names = [name for name in package.namelist() if not name.endswith((".bundle", "/"))]
        item = package.read("esriinfo/iteminfo.xml").decode()
    assert set(names) == {
        *("esriinfo/item.pkinfo", "esriinfo/iteminfo.xml", "esriinfo/thumbnail/thumbnail.png"),
        *("p12/root.json", "p12/resources/info/root.json", "p12/resources/styles/root.json"),
    }
    assert "<type>Vector Tile Package</type>" in item
    assert "<accessinformation>© Amt</accessinformation>" in item


def test_document_has_the_members_of_the_reference(mbtiles, tmp_path):
    tilepack.convert(mbtiles, tmp_path / "a.vtpk")
    said, theirs = look_at_json(tmp_path / "a.vtpk", "p12/root.json"), root_json(tileMap=None)
    assert set(said) == set(theirs)
    assert set(said["tileInfo"]) == set(theirs["tileInfo"])
    for name in ("type", "capabilities", "tiles", "defaultStyles", "resourceInfo", "minLOD", "maxLOD", "maxzoom"):
        assert said[name] == theirs[name]
    assert (said["copyrightText"], said["tileInfo"]["format"], said["tileInfo"]["rows"]) == ("© Amt", "pbf", 512)
    for ours, esri in zip(said["tileInfo"]["lods"], theirs["tileInfo"]["lods"], strict=False):
        assert ours["level"] == esri["level"]
        assert ours["resolution"] == pytest.approx(esri["resolution"], rel=1e-9)
        assert ours["scale"] == pytest.approx(esri["scale"], rel=1e-9)


def test_style_draws_every_layer(mbtiles, tmp_path):
    tilepack.convert(mbtiles, tmp_path / "a.vtpk")
    style = look_at_json(tmp_path / "a.vtpk", "p12/resources/styles/root.json")
    assert style["version"] == 8
    assert style["sources"] == {"esri": {"type": "vector", "url": "../../"}}
    drawn = {(layer["source-layer"], layer["type"]) for layer in style["layers"] if "source-layer" in layer}
    assert drawn == {(name, kind) for name in LAYERS for kind in ("fill", "line", "circle")}
    assert len({layer["id"] for layer in style["layers"]}) == len(style["layers"])


def test_made_package_is_found_sound(mbtiles, tmp_path):
    tilepack.convert(mbtiles, tmp_path / "a.vtpk")
    found = tilepack.verify(tmp_path / "a.vtpk", deep=True)
    assert [finding for finding in found.found if finding.code != "extent-too-large"] == []
    assert found.decoded == len(VECTOR)


def test_the_same_source_gives_the_same_package(mbtiles, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("a", "b"):
        tilepack.convert(mbtiles, tmp_path / f"{name}.vtpk")
    assert (tmp_path / "a.vtpk").read_bytes() == (tmp_path / "b.vtpk").read_bytes()


def test_layers_that_nobody_names_are_drawn_by_nothing(tmp_path):
    source = write_mbtiles(tmp_path / "source.mbtiles", VECTOR, metadata={"name": "a", "format": "pbf"})
    assert "its style draws none of the tiles" in warnings_of(source, tmp_path / "a.vtpk")
    tilepack.convert(source, tmp_path / "a.vtpk")
    style = look_at_json(tmp_path / "a.vtpk", "p12/resources/styles/root.json")
    assert [layer["type"] for layer in style["layers"]] == ["background"]


@pytest.mark.parametrize("layers", [7, [7], [{"id": 7}], {"id": "a"}, [{"fields": {}}]])
def test_layers_that_are_none_do_no_harm(tmp_path, layers):
    said = {"name": "a", "format": "pbf", "json": json.dumps({"vector_layers": layers})}
    source = write_mbtiles(tmp_path / "source.mbtiles", VECTOR, metadata=said)
    tilepack.convert(source, tmp_path / "a.vtpk")
    assert look_in_vtpk(tmp_path / "a.vtpk") == VECTOR


def test_tile_that_is_not_gzipped_is_named(tmp_path):
    bad = TileKey(5, 10, 20)
    source = write_mbtiles(tmp_path / "source.mbtiles", VECTOR | {bad: mvt(bad)}, metadata=SAID)
    with pytest.raises(tilepack.TileError, match=r"(?s)5/10/20.*gzipped vector tiles"):
        tilepack.convert(source, tmp_path / "a.vtpk")
    assert not (tmp_path / "a.vtpk").exists()


def test_empty_package_is_not_created(tmp_path):
    with pytest.raises(tilepack.UnsupportedError, match="convert makes one of MBTiles"):
        tilepack.create_cache(tmp_path / "a.vtpk")
    assert not (tmp_path / "a.vtpk").exists()
