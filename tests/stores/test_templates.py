"""What a new cache can be made after is told by what is in it, and what cannot is refused in a sentence."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import build
import pytest

import tilepack
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.mapserver_json import format_mapserver_json
from tilepack.metadata.root_json import format_root_json
from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme
from tilepack.metadata.tiling_scheme_xml import format_tiling_scheme
from tilepack.stores.templates import STANDARD_SCHEMES, read_template

FIXTURES = Path(build.__file__).parent


@pytest.fixture(scope="module")
def info():
    with tilepack.open(FIXTURES / "degrees_exploded") as model:
        return model.info


@pytest.mark.parametrize("name", ["arcgis-online", "ArcGIS-Online", "wgs84", "WGS84"])
def test_standard_scheme_is_known_by_its_name(name):
    template = read_template(name)
    expected = wgs84_scheme() if name.lower() == "wgs84" else arcgis_online_scheme()
    assert template.info.scheme is expected
    assert (template.place, template.path) == (name.lower(), None)


def test_file_that_is_named_like_a_scheme_is_given_by_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("wgs84").write_bytes(format_tiling_scheme(arcgis_online_scheme()))
    assert read_template("wgs84").info.scheme is wgs84_scheme()
    for path in ("./wgs84", Path("wgs84")):
        assert read_template(path).info.scheme.differences(arcgis_online_scheme()) == []


@pytest.mark.parametrize(
    ("name", "write", "served"),
    [
        ("conf.xml", format_conf_xml, False),
        ("a scheme", format_conf_xml, False),
        ("root.json", format_root_json, True),
        ("grid.txt", format_root_json, True),
        ("service.json", lambda info: format_mapserver_json(info, degrees=None), False),
        ("Straße", lambda info: b"\xef\xbb\xbf\r\n " + format_mapserver_json(info, degrees=None), False),
        ("utf16.xml", lambda info: format_conf_xml(info).decode().replace("utf-8", "utf-16").encode("utf-16"), False),
    ],
)
def test_document_is_told_by_its_content(tmp_path, info, name, write, served):
    (tmp_path / name).write_bytes(write(info))
    template = read_template(tmp_path / name)
    assert info.scheme.differences(template.info.scheme) == []
    assert (template.info.tile_format, template.info.quality) == (info.tile_format, info.quality)
    assert (template.served, template.path) == (served, tmp_path / name)


@pytest.mark.parametrize("name", [name for name, *_ in build.PRODUCTS])
def test_cache_or_package_is_its_own_template(name):
    template = read_template(FIXTURES / name)
    with tilepack.open(FIXTURES / name) as model:
        assert template.info == model.info
    assert template.warnings == ()


def test_parent_of_a_cache_will_do_and_a_package_of_any_suffix(tmp_path):
    shutil.copytree(FIXTURES / "relief_v2", tmp_path / "service/Layers")
    shutil.copy(FIXTURES / "relief.tpkx", tmp_path / "relief.bin")
    for path in (tmp_path / "service", tmp_path / "relief.bin"):
        assert read_template(path).info.scheme.differences(arcgis_online_scheme()) == []


def test_conf_cdi_that_contradicts_conf_xml_is_warned_of(tmp_path, info):
    (tmp_path / "conf.xml").write_bytes(format_conf_xml(info))
    (tmp_path / "conf.cdi").write_bytes((FIXTURES / "relief_v2/conf.cdi").read_bytes())
    assert "conf.cdi is in WKID 3857 / 102100, conf.xml in" in read_template(tmp_path / "conf.xml").warnings[0]


@pytest.mark.parametrize("name", ["arcgis_online", "no/such", "x" * 5000, "a\0b"])
def test_unknown_name_lists_the_schemes_and_the_kinds_of_files(name):
    with pytest.raises(tilepack.TilepackError) as refused:
        read_template(name)
    if len(name) < 1000:
        assert isinstance(refused.value, tilepack.CacheNotFoundError)
        for word in (*STANDARD_SCHEMES, ".tpk", ".tpkx", "conf.xml", "tiling scheme file", "root.json", "map service"):
            assert word in str(refused.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "describes no cache; give a cache folder"),
        (b"\x89PNG\r\n", "describes no cache; give a cache folder"),
        (b" " * 1000 + b"<CacheInfo/>", "describes no cache; give a cache folder"),
        (b"[1]", "describes no cache"),
        (b"<html><body>Sign in</body></html>", "the topmost element is 'html'; it must be CacheInfo"),
        (b"{", "the document is no JSON"),
        (b"{}", "the service is not cached"),
        (b'{"tileImageInfo": {"format": "PNG"}}', "root.json has no tileInfo"),
        (b'{"error": {"code": 499, "message": "Token required"}}', "the server answered with an error"),
        (b"PK\3\4 and no more", "scheme"),
        (json.dumps({"tileInfo": {"format": "pbf"}}).encode(), "tileInfo has no origin"),
    ],
)
def test_what_is_no_scheme_is_refused_in_a_sentence_that_names_it(tmp_path, data, sentence):
    (tmp_path / "scheme").write_bytes(data)
    with pytest.raises(tilepack.TilepackError, match=sentence) as refused:
        read_template(tmp_path / "scheme")
    assert str(refused.value).startswith(f"{tmp_path / 'scheme'}: ")


def test_folder_without_a_cache_is_refused(tmp_path):
    with pytest.raises(tilepack.CacheNotFoundError, match=r"holds neither conf\.xml nor root\.json"):
        read_template(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_named_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "scheme.xml")
    with pytest.raises(tilepack.CacheNotFoundError, match="is no plain file"):
        read_template(tmp_path / "scheme.xml")


def test_address_is_asked_and_its_failure_said():
    with pytest.raises(tilepack.TransferError, match=r"^http://127.0.0.1:1/x: the server does not answer"):
        read_template("http://127.0.0.1:1/x")
