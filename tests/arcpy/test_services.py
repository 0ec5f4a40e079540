"""Finding the cache of a service: strings, the cache directory, the services file."""

from __future__ import annotations

import arcpy_world
import pytest
from arcpy_world import CONNECTION

import tilepack
from tilepack import arcpy
from tilepack.arcpy.services import find_service, service_name

STRINGS = [
    ("GIS Servers/arcgis on MYSERVER (admin)/USA.MapServer", None, "USA"),
    ("GIS Servers\\arcgis on MYSERVER (admin)\\Basemaps\\USA.MapServer", "Basemaps", "USA"),
    (CONNECTION + "USA.MapService", None, "USA"),
    (CONNECTION + "Basemaps\\USA.ImageServer", "Basemaps", "USA"),
    ("C:/connections/publisher.ags/USA.MapServer", None, "USA"),
    ("C:\\connections\\publisher.ags\\Basemaps\\USA.mapserver", "Basemaps", "USA"),
    ("Basemaps/USA.MapServer", "Basemaps", "USA"),
    ("Basemaps\\USA.MapServer", "Basemaps", "USA"),
    ("USA.MapServer", None, "USA"),
    ("USA", None, "USA"),
    ("https://server.com/arcgis/rest/services/Basemaps/USA/MapServer", "Basemaps", "USA"),
    ("https://server.com/arcgis/rest/services/USA/ImageServer?f=json", None, "USA"),
    ("Two Words.MapServer", None, "Two Words"),
]


@pytest.mark.parametrize(("text", "folder", "name"), STRINGS)
def test_strings_of_services_are_read(text, folder, name):
    found = service_name(text)
    assert (found.folder, found.name, found.is_folder_sure) == (folder, name, True)


@pytest.mark.parametrize(
    "text", ["", "/", "../USA.MapServer", "x/../USA.MapServer", "/data/USA", "a.tpkx", "C:\\data\\USA"]
)
def test_what_is_no_service_is_none(text):
    assert service_name(text) is None


@pytest.mark.parametrize("place", ["Basemaps_USA", "Basemaps/USA", "basemaps_usa", "BASEMAPS/usa"])
@pytest.mark.parametrize("text", ["Basemaps/USA.MapServer", CONNECTION + "Basemaps\\USA.ImageServer"])
def test_services_in_folders_lie_in_either_place(world, place, text):
    cache = arcpy_world.rainfall(world.directory / place, levels=(1,))
    found = find_service(text)
    assert (found.cache, found.name) == (cache, "Basemaps_USA")


def test_service_of_a_folder_is_never_one_of_the_root(world):
    with pytest.raises(tilepack.CacheNotFoundError):
        find_service("Basemaps/Rainfall.MapServer")


def test_word_before_the_service_may_be_a_connection_by_any_name(world):
    assert find_service("C:\\project\\Temp_Pub_Connection\\Rainfall.MapServer").cache == world.cache
    other = arcpy_world.rainfall(world.directory / "Temp_Pub_Connection_Rainfall", levels=(1,))
    assert find_service("C:\\project\\Temp_Pub_Connection\\Rainfall.MapServer").cache == other


def test_folder_of_services_is_not_taken_for_a_service(world):
    arcpy_world.rainfall(world.directory / "Basemaps" / "USA", levels=(1,))
    with pytest.raises(tilepack.CacheNotFoundError, match="Basemaps"):
        find_service("Basemaps.MapServer")


@pytest.mark.parametrize("suffix", [".tpk", ".tpkx"])
def test_packages_lie_there_too(world, suffix):
    tilepack.convert(world.cache, world.directory / f"Snow{suffix}")
    found = find_service("Snow.MapServer")
    assert (found.cache, found.name) == (world.directory / f"Snow{suffix}", "Snow")


def test_path_of_a_cache_comes_first_and_names_the_service_by_its_folder(world):
    for path in (world.cache, world.cache.parent, world.cache / "conf.xml", world.cache / "_alllayers"):
        found = find_service(str(path))
        assert (found.cache, found.name) == (world.cache, "Rainfall")
    tilepack.convert(world.cache, world.out / "Usa.tpkx")
    assert find_service(str(world.out / "Usa.tpkx")).name == "Usa"
    tilepack.convert(world.cache, world.out / "Plain")
    assert find_service(str(world.out / "Plain")).name == "Plain"
    arcpy.env.workspace = str(world.out)
    assert find_service("Usa.tpkx").cache == world.out / "Usa.tpkx"


def test_unknown_service_names_the_places_searched(world):
    with pytest.raises(arcpy.ExecuteError) as caught:
        arcpy.server.DeleteMapServerCache("Basemaps/Snow.MapServer")
    for place in ("Basemaps_Snow", "Basemaps/Snow", "TILEPACK_SERVICES is not set"):
        assert place.replace("/", __import__("os").sep) in caught.value.message


def test_without_any_directory_the_variables_are_named(monkeypatch, tmp_path):
    with pytest.raises(arcpy.ExecuteError, match="TILEPACK_SERVICES and TILEPACK_CACHE_DIR are not set"):
        arcpy.server.DeleteMapServerCache("Snow.MapServer")
    monkeypatch.setenv("TILEPACK_CACHE_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(arcpy.ExecuteError, match="there is no such folder; TILEPACK_CACHE_DIR"):
        arcpy.server.DeleteMapServerCache("Snow.MapServer")


def test_folder_without_a_cache_says_so(world):
    (world.directory / "Empty").mkdir()
    with pytest.raises(tilepack.CacheNotFoundError, match=r"holds neither conf\.xml nor root\.json"):
        find_service("Empty.MapServer")
    with pytest.raises(tilepack.CacheNotFoundError, match=r"holds neither conf\.xml nor root\.json"):
        find_service(str(world.directory / "Empty"))


@pytest.mark.parametrize("key", ["Basemaps/USA", "basemaps_usa", "Basemaps\\\\USA.MapServer"])
def test_services_file_says_where_caches_and_sources_are(world, monkeypatch, key):
    cache = arcpy_world.rainfall(world.root / "caches" / "x", levels=(1,))
    listed = world.root / "services.toml"
    listed.write_text(f'["{key}"]\ncache = "caches/x"\nsource = "nightly/USA.tpkx"\n', "utf-8")
    monkeypatch.setenv("TILEPACK_SERVICES", str(listed))
    found = find_service("GIS Servers/arcgis on S (admin)/Basemaps/USA.MapServer")
    assert (found.cache, found.source, found.name) == (cache, world.root / "nightly" / "USA.tpkx", "Basemaps_USA")


def test_services_file_takes_a_path_alone(world, monkeypatch):
    listed = world.root / "services.toml"
    listed.write_text('Snow = "arcgiscache/Rainfall"\n')
    monkeypatch.setenv("TILEPACK_SERVICES", str(listed))
    assert find_service("Snow.MapServer").cache == world.cache


WRONG_FILES = {
    "no TOML": ("[[", "is no TOML"),
    "no text": (b"\xff\xfe\0\0", "is no TOML"),
    "no cache": ('[Snow]\nsource = "x"', "Snow: says no cache"),
    "unknown": ('[Snow]\ncache = "x"\ncash = "y"', "cash means nothing there"),
    "number": ("[Snow]\ncache = 5", "are paths, in quotes"),
    "list": ("Snow = [1]", "says no cache"),
    "nowhere": ('Snow = "no/such/folder"', "Snow: .*there is nothing of that name"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_wrong_services_file_is_an_error_that_names_it(world, monkeypatch, case):
    text, sentence = WRONG_FILES[case]
    listed = world.root / "services.toml"
    listed.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setenv("TILEPACK_SERVICES", str(listed))
    with pytest.raises(arcpy.ExecuteError, match=sentence) as caught:
        arcpy.server.DeleteMapServerCache("Snow.MapServer")
    assert "services.toml" in caught.value.message
    monkeypatch.setenv("TILEPACK_SERVICES", str(world.root / "none.toml"))
    with pytest.raises(arcpy.ExecuteError, match="there is no such file; TILEPACK_SERVICES"):
        arcpy.server.DeleteMapServerCache("Snow.MapServer")
