"""A .tpkx made of web tiles has what Esri's own has, key by key, so that stricter clients take it."""

from __future__ import annotations

import json
import zipfile

import pytest

import tilepack

EXTRA = {"layers", "resampling"}
"""What a map's legend and server settings are in: web tiles have neither."""


def documents(path, name):
    with zipfile.ZipFile(path) as package:
        return json.loads(package.read(name))


@pytest.mark.parametrize("source", ["usa.mbtiles", "usa.pmtiles"])
def test_package_made_of_web_tiles_is_as_esri_s(tmp_path, samples, source):
    theirs, ours = samples / "Usa.tpkx", tmp_path / "usa.tpkx"
    tilepack.convert(theirs, tmp_path / source)
    tilepack.convert(tmp_path / source, ours)
    a, b = documents(theirs, "root.json"), documents(ours, "root.json")
    assert a.keys() - EXTRA <= b.keys()
    for name in ("tileInfo", "storageInfo", "tileImageInfo"):
        assert a[name].keys() <= b[name].keys(), name
    for name in ("lods", "rows", "cols", "dpi"):
        assert a["tileInfo"][name] == b["tileInfo"][name], name
    assert a["storageInfo"] == b["storageInfo"]
    assert (a["minLOD"], a["maxLOD"], a["tileBundlesPath"]) == (b["minLOD"], b["maxLOD"], b["tileBundlesPath"])
    for name in ("wkid", "latestWkid"):
        assert a["spatialReference"][name] == b["spatialReference"][name]
    assert documents(theirs, "iteminfo.json").keys() <= documents(ours, "iteminfo.json").keys()
    with zipfile.ZipFile(ours) as package:
        assert {member.compress_type for member in package.infolist()} == {zipfile.ZIP_STORED}
        names = set(package.namelist())
    with zipfile.ZipFile(theirs) as package:
        assert {name for name in package.namelist() if name.endswith(".bundle")} <= names
    assert {"iteminfo.json", "root.json", "thumbnail.png", "tile/", "tile/L00/"} <= names
