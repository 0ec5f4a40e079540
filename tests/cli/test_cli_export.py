"""Laws of ``tilepack export``."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
import zipfile

import numpy as np
import pyogrio
import pytest
import shapely
from command_line import TILES, draw_tile, run, write_exploded
from PIL import Image
from pyproj import Transformer

import tilepack

CORNER = 20037508.342787


def read_tiles(path):
    with tilepack.open(path) as cache:
        return {tuple(tile): cache.read(tile) for tile, _ in tilepack.list_tiles(cache)}


def tile_box(level, row, column, grown=0.0):
    """Give a tile's rectangle in map units."""
    side = 2 * CORNER / 2**level
    west, north = column * side - CORNER, CORNER - row * side
    return shapely.box(west - grown, north - side - grown, west + side + grown, north + grown)


def half_of(tile):
    """Give the western half of a tile, map units."""
    west, south, east, north = tile_box(*tile).bounds
    return shapely.box(west, south, (west + east) / 2, north)


def wkt(shape):
    return f"SRID=3857;{shape.wkt}"


def dtype_of(values):
    return np.int32 if isinstance(values[0], int) else object


def write_layer(path, shapes, *, layer=None, crs="EPSG:3857", driver=None, **columns):
    """Write polygons with columns into a layer of a file, by pyogrio alone."""
    names, data = list(columns), [np.array(values, dtype=dtype_of(values)) for values in columns.values()]
    more = {"layer": layer} if layer else {}
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes)),
        data,
        names,
        geometry_type="Polygon",
        crs=crs,
        driver=driver,
        append=path.exists(),
        **more,
    )


def alpha(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))[..., 3]


def is_cut_to_the_west(data):
    mask = alpha(data) > 0
    return bool(mask[:, :128].all() and not mask[:, 128:].any())


WEST_TILE, EAST_TILE = (4, 5, 6), (4, 5, 7)
FINE = (9, 127, 200)


# Areas and the options that belong to them


def test_each_area_takes_the_options_that_follow_it(tpkx, tmp_path):
    path = tmp_path / "Gebiete.gpkg"
    write_layer(path, [half_of(WEST_TILE), half_of(EAST_TILE)], layer="eins", name=["a", "b"])
    write_layer(path, [half_of(FINE)], layer="zwei", name=["c"])
    words = ["--aoi", f"4={path}", "--aoi-layer", "eins", "--aoi-where", "name = 'a'"]
    words += ["--aoi", f"9={path}", "--aoi-layer", "zwei", "--levels", "4,9"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert result.exit_code == 0, result.stderr
    tiles = read_tiles(tmp_path / "made")
    assert set(tiles) == {WEST_TILE, FINE}
    assert all(map(is_cut_to_the_west, tiles.values()))


def test_areas_may_follow_in_any_order_and_with_equals_signs(tpkx, tmp_path):
    path = tmp_path / "areas.gpkg"
    write_layer(path, [half_of(WEST_TILE)], layer="one", name=["a"])
    write_layer(path, [half_of(FINE)], layer="two", name=["c"])
    words = [f"--aoi=9={path}", "--aoi-layer=two", "-n", f"--aoi=4={path}", "--levels=4,9", "--aoi-layer=one", "--json"]
    plan = json.loads(run("export", *words, tpkx, tmp_path / "made").stdout)
    assert [(level["level"], level["tilesToCut"]) for level in plan["byLevel"]] == [(4, 1), (9, 1)]


def test_an_area_gets_its_own_spatial_reference(tpkx, tmp_path):
    to_degrees = Transformer.from_crs(3857, 4326, always_xy=True).transform
    in_degrees = shapely.transform(half_of(WEST_TILE), lambda xy: np.column_stack(to_degrees(*xy.T)))
    words = ["--aoi", f"9={half_of(FINE).wkt}", "--aoi-crs", "EPSG:3857"]
    words += ["--aoi", in_degrees.wkt, "--aoi-crs", "4326", "--levels", "4,9"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert set(read_tiles(tmp_path / "made")) == {WEST_TILE, FINE}


def test_an_area_without_levels_is_for_all_that_no_other_names(tpkx, tmp_path):
    words = ["--aoi", f"9={wkt(half_of(FINE))}", "--aoi", wkt(half_of(EAST_TILE)), "--levels", "4,9"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert set(read_tiles(tmp_path / "made")) == {EAST_TILE, FINE}


def test_a_level_that_no_area_is_for_fails_with_a_sentence(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made", "--aoi", f"4={wkt(half_of(WEST_TILE))}")
    assert result.exit_code == 1
    assert "has no area of interest" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "layer", "driver"),
    [
        ("Städte & Dörfer.shp", None, "ESRI Shapefile"),
        ("Städte und Dörfer.gpkg", "größer als", "GPKG"),
        ("Städte.gdb", "Gebiete", "OpenFileGDB"),
        ("Städte.geojson", None, "GeoJSON"),
    ],
)
def test_areas_come_from_any_vector_file(tpkx, tmp_path, name, layer, driver):
    folder = tmp_path / "ein Ordner mit Ümläuten"
    folder.mkdir()
    path = folder / name
    write_layer(path, [half_of(WEST_TILE), half_of(EAST_TILE)], layer=layer, driver=driver, id=[1, 2])
    words = ["--aoi", path, *(["--aoi-layer", layer] if layer else []), "--aoi-where", "id = 1", "--levels", "4"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert result.exit_code == 0, result.stderr
    assert set(read_tiles(tmp_path / "made")) == {WEST_TILE}


def test_a_layer_may_stand_behind_the_name_of_a_geodatabase(tpkx, tmp_path):
    path = tmp_path / "Areas.gdb"
    write_layer(path, [half_of(WEST_TILE)], layer="west", driver="OpenFileGDB", id=[1])
    write_layer(path, [half_of(EAST_TILE)], layer="east", driver="OpenFileGDB", id=[1])
    words = ["--aoi", path / "east", "--levels", "4"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert set(read_tiles(tmp_path / "made")) == {EAST_TILE}


def test_an_area_wins_over_an_extent_with_a_warning(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--extent", "0,0,1,1", "--levels", "4"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert "the area counts" in result.stderr
    assert set(read_tiles(tmp_path / "made")) == {WEST_TILE}


def test_extents_with_negative_numbers_are_taken_as_they_are_typed(tpkx, tmp_path):
    west, south, east, north = tile_box(*WEST_TILE, grown=-1000).bounds
    degrees = Transformer.from_crs(3857, 4326, always_xy=True).transform_bounds(west, south, east, north)
    assert west < 0
    for number, words in enumerate(
        (
            ["--extent", f"{west},{south},{east},{north}"],
            [f"--extent={west}, {south}, {east}, {north}"],
            ["--bbox", ",".join(map(str, degrees))],
            [f"--bbox={','.join(map(str, degrees))}"],
        )
    ):
        target = tmp_path / str(number)
        assert run("export", tpkx, target, *words, "--levels", "4").exit_code == 0
        assert read_tiles(target) == {WEST_TILE: read_tiles(tpkx)[WEST_TILE]}


# Usage


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["made", "--aoi-layer", "x", "--aoi", "y.gpkg"], "--aoi-layer"),
        (["made", "--aoi-where", "x = 1"], "--aoi-where"),
        (["made", "--aoi-crs", "4326"], "--aoi-crs"),
        (["made", "--aoi", "y.gpkg", "--aoi-crs", "1", "--aoi-crs", "2"], "--aoi-crs"),
        (["made", "--aoi", "5-3=y.gpkg"], "--aoi"),
        (["made", "--aoi", " "], "--aoi"),
        (["made", "--aoi"], "--aoi"),
        (["made", "--extent", "1,2,3"], "--extent"),
        (["made", "--extent", "1,2,3,4,5"], "--extent"),
        (["made", "--extent", "a,b,c,d"], "--extent"),
        (["made", "--extent", "nan,0,1,1"], "--extent"),
        (["made", "--extent", "0,0,inf,1"], "--extent"),
        (["made", "--extent", "3,2,1,4"], "--extent"),
        (["made", "--bbox", "1,2,3"], "--bbox"),
        (["made", "--bbox", "-200,0,10,10"], "--bbox"),
        (["made", "--bbox", "0,10,10,0"], "--bbox"),
        (["made", "--bbox", "0,0,10,nan"], "--bbox"),
        (["made", "--bbox", "0,0,1,1", "--extent", "0,0,1,1"], "--extent / --bbox"),
        (["made", "--background", "rot"], "--background"),
        (["made", "--background", "1,2"], "--background"),
        (["made", "--background", "1,2,256"], "--background"),
        (["made", "--background", "#11223344"], "--background"),
        (["made", "--background", ""], "--background"),
        (["made", "--levels", "1", "--scales", "5000"], "--levels / --scales"),
        (["made", "--levels", "3-1"], "--levels"),
        (["made", "--storage-format", "zip"], "--storage-format"),
        (["made", "--jobs", "0"], "--jobs"),
        (["made", "-q", "-v"], "--quiet / --verbose"),
        (["made.tpk", "--storage-format", "exploded"], "TARGET"),
        (["made.tpk", "--ready-to-serve"], "TARGET"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_option(tpkx, tmp_path, words, named):
    result = run("export", tpkx, tmp_path / words[0], *words[1:])
    assert result.exit_code == 2
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_export_fails_with_a_sentence_when_there_is_no_source(tmp_path):
    result = run("export", tmp_path / "nichts da", tmp_path / "made")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"tilepack: {tmp_path / 'nichts da'}: ")


def test_an_area_that_is_not_there_fails_with_a_sentence(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made", "--aoi", "nowhere.gpkg")
    assert result.exit_code == 1
    assert result.stderr == "tilepack: nowhere.gpkg: there is no such file, and it is neither WKT nor GeoJSON\n"


# Pixels


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    """A JPEG cache of one level, two tiles."""
    from caches import picture, web_mercator, write_v2

    from tilepack.keys import TileKey

    folder = tmp_path_factory.mktemp("jpeg") / "Fotos"
    tiles = {TileKey(*tile): picture(TileKey(*tile), "jpg") for tile in (WEST_TILE, EAST_TILE)}
    write_v2(folder, web_mercator(), tiles, tile_format=tilepack.TileFormat.JPEG)
    return folder


@pytest.mark.parametrize("colour", ["#ff8000", "255,128,0", "255, 128, 0", "rgb(255,128,0)"])
def test_background_keeps_jpeg_and_paints_the_outside(jpeg, tmp_path, colour):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--background", colour]
    result = run("export", jpeg, tmp_path / "made", *words)
    assert "COMPACT_V2 folder of JPEG tiles" in result.stdout
    assert "1 tile encoded as JPEG once more" in result.stdout
    (data,) = read_tiles(tmp_path / "made").values()
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image)[:, 144:].astype(int) - (255, 128, 0)).max() < 8


def test_background_takes_names(jpeg, tmp_path):
    run("export", jpeg, tmp_path / "made", "--aoi", wkt(half_of(WEST_TILE)), "--background", "Navy")
    (data,) = read_tiles(tmp_path / "made").values()
    with Image.open(io.BytesIO(data)) as image:
        assert np.abs(np.asarray(image)[:, 144:].astype(int) - (0, 0, 128)).max() < 8


def test_a_cut_jpeg_cache_becomes_mixed_and_says_so(jpeg, tmp_path):
    result = run("export", jpeg, tmp_path / "made", "--aoi", wkt(half_of(WEST_TILE)))
    assert "of MIXED tiles" in result.stdout
    assert "the new cache is MIXED" in result.stderr


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        (["--background", "red"], "without --aoi nothing is cut, and --background changes nothing"),
        (["--keep-blank", "--strict"], "without --aoi nothing is cut, and --keep-blank, --strict changes nothing"),
        (["--aoi", wkt(half_of(WEST_TILE)), "--background", "red"], "--background is for JPEG; in PNG tiles"),
    ],
)
def test_options_without_effect_are_warned_of(tpkx, tmp_path, words, warning):
    result = run("export", tpkx, tmp_path / "made", "--levels", "4", *words)
    assert result.exit_code == 0
    assert warning in result.stderr
    shown = json.loads(run("export", tpkx, tmp_path / "other", "--levels", "4", "-n", "--json", *words).stdout)
    assert any(warning in each for each in shown["warnings"])


def test_whole_tiles_are_not_cut(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--whole-tiles", "--levels", "4"]
    assert run("export", tpkx, tmp_path / "made", *words).exit_code == 0
    assert read_tiles(tmp_path / "made") == {WEST_TILE: read_tiles(tpkx)[WEST_TILE]}


def test_blank_tiles_are_dropped_unless_kept(tmp_path):
    image = Image.new("RGBA", (256, 256), (9, 9, 9, 255))
    image.paste((0, 0, 0, 0), (0, 0, 128, 256))
    out = io.BytesIO()
    image.save(out, "PNG")
    source = write_exploded(tmp_path / "source", {WEST_TILE: out.getvalue(), EAST_TILE: draw_tile(*EAST_TILE)})
    area = wkt(half_of(WEST_TILE).union(half_of(EAST_TILE)))
    result = run("export", source, tmp_path / "a", "--aoi", area)
    assert result.stdout.splitlines()[4] == "  1 blended, 1 dropped"
    assert set(read_tiles(tmp_path / "a")) == {EAST_TILE}
    run("export", source, tmp_path / "b", "--aoi", area, "--keep-blank")
    assert set(read_tiles(tmp_path / "b")) == {WEST_TILE, EAST_TILE}


def usa_area():
    """Give an area whose edge crosses the coarse tiles, of which two are damaged."""
    return "SRID=4326;POLYGON((-130 20, -60 20, -90 60, -130 20))"


def test_damaged_tiles_end_in_one_error_that_names_them(samples, tmp_path):
    result = run("export", samples / "Usa.tpkx", tmp_path / "made", "--aoi", usa_area())
    assert result.exit_code == 1
    assert "2 tiles on the area's edge cannot be cut" in result.stderr
    assert all(f"  {tile}: " in result.stderr for tile in ("0/0/0", "1/0/0"))
    assert not list(tmp_path.iterdir())


def test_damaged_tiles_are_skipped_with_exit_code_3(samples, tmp_path):
    result = run("export", samples / "Usa.tpkx", tmp_path / "made", "--aoi", usa_area(), "--skip-errors")
    assert result.exit_code == 3
    assert "2 skipped" in result.stdout
    assert [line.split(":")[1] for line in result.stderr.splitlines() if "skipped" in line] == [
        " 0/0/0 was skipped",
        " 1/0/0 was skipped",
    ]
    assert {(0, 0, 0), (1, 0, 0)}.isdisjoint(read_tiles(tmp_path / "made"))


def test_json_names_the_tiles_that_were_skipped(samples, tmp_path):
    words = ["--aoi", usa_area(), "--skip-errors", "--json", "-q"]
    result = run("export", samples / "Usa.tpkx", tmp_path / "made", *words)
    assert (result.exit_code, result.stderr) == (3, "")
    shown = json.loads(result.stdout)
    assert list(shown["skipped"]) == ["0/0/0", "1/0/0"]
    assert shown["tilesSkipped"] == 2


def test_no_more_than_20_skipped_tiles_are_listed(tmp_path):
    from caches import payload, web_mercator, write_v2

    from tilepack.keys import TileKey

    tiles = {TileKey(9, 100 + number, 100): payload(TileKey(9, 100 + number, 100)) for number in range(25)}
    write_v2(tmp_path / "bad", web_mercator(), tiles)
    side = shapely.union_all([half_of(tuple(tile)) for tile in tiles])
    result = run("export", tmp_path / "bad", tmp_path / "made", "--aoi", wkt(side), "--skip-errors")
    assert result.exit_code == 3
    assert result.stderr.count("was skipped") == 20
    assert "warning: 5 more tiles skipped\n" in result.stderr


# What is shown


def test_result_counts_tiles_by_what_became_of_them(tpkx, tmp_path):
    area = shapely.union_all([half_of(WEST_TILE), tile_box(*EAST_TILE), tile_box(*FINE, grown=1)])
    words = ["--aoi", f"4={wkt(area)}", "--aoi", f"9={wkt(tile_box(*FINE, grown=100))}", "--levels", "4,9"]
    shown = json.loads(run("export", tpkx, tmp_path / "made", *words, "--json").stdout)
    kinds = ("Copied", "Repacked", "Blended", "Dropped", "Unchanged", "Deleted")
    assert shown["tiles"] == len(read_tiles(tmp_path / "made"))
    assert sum(shown[f"tiles{kind}"] for kind in kinds[:3]) == shown["tiles"]
    assert shown["tilesBlended"] >= 1
    assert shown["skipped"] == {}


def test_json_holds_all_that_the_library_tells(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "--json"]
    shown = json.loads(run("export", tpkx, tmp_path / "a", *words).stdout)
    told = tilepack.export_cache(tpkx, tmp_path / "b", area=wkt(half_of(WEST_TILE)), levels="4").as_json()
    for document in (shown, told):
        del document["seconds"], document["target"]
    assert told.items() <= shown.items()


def test_figures_that_are_0_are_not_shown(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made.tpkx", "--levels", "4,9", "--title", "T", "--tags", "a")
    assert result.stderr == ""
    assert result.stdout.splitlines()[4:] == ["  5 copied"]


def test_dry_run_writes_nothing_and_shows_each_level(tpkx, tmp_path):
    words = ["--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "--dry-run"]
    result = run("export", tpkx, tmp_path / "made", *words)
    assert result.exit_code == 0
    assert not list(tmp_path.iterdir())
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"would make {tmp_path / 'made'}", "  COMPACT_V2 folder of PNG tiles, level 4"]
    assert lines[4].split()[:6] == ["4", "0", "0", "1", "0", "1"]
    assert lines[6] == "2 tiles left out"
    assert lines[7].startswith("estimate: ")


def test_dry_run_json_tells_the_estimate(tpkx, tmp_path):
    shown = json.loads(run("export", tpkx, tmp_path / "made", "--json", "-n").stdout)
    plan = tilepack.plan_export(tpkx, tmp_path / "made")
    assert shown.pop("estimate") == {"tileBytes": plan.tile_bytes, "seconds": 0.0}
    assert shown == plan.as_json()


def test_estimate_grows_with_tiles_to_cut_and_shrinks_with_jobs(jpeg, tmp_path):
    area = wkt(half_of(WEST_TILE).union(half_of(EAST_TILE)))
    mixed = tilepack.plan_export(jpeg, tmp_path / "made", area=area)
    painted = tilepack.plan_export(
        jpeg, tmp_path / "made", area=area, pixels=tilepack.PixelOptions(background=(0, 0, 0))
    )
    assert painted.estimate().tile_bytes < painted.tile_bytes < mixed.estimate().tile_bytes
    assert mixed.estimate(2).seconds < mixed.estimate(1).seconds


def test_quiet_says_nothing(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made.tpk", "--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_verbose_says_more(tpkx, tmp_path):
    result = run("export", tpkx, tmp_path / "made", "--aoi", wkt(half_of(WEST_TILE)), "--levels", "4", "-v")
    assert "COMPACT_V2 folder: 1 bundle blended, 1 tile, " in result.stderr


def test_export_replaces_a_target_only_when_told_to(tpkx, tmp_path):
    target = tmp_path / "made.tpk"
    target.write_bytes(b"mine")
    assert run("export", tpkx, target).exit_code == 1
    assert target.read_bytes() == b"mine"
    assert run("export", tpkx, target, "-n", "--replace").stdout.startswith("would replace ")
    assert run("export", tpkx, target, "--replace").exit_code == 0
    assert set(read_tiles(target)) == set(TILES)


# Descriptions

DESCRIBED = ["--title", "Müller & Söhne <Nord>", "--tags", "Straßen, Wege,,Straßen", "--description", 'Ein "Plan"']
DESCRIBED += ["--attribution", "© Müller"]


def members(path):
    with zipfile.ZipFile(path) as package:
        return {name.rpartition("/")[2]: package.read(name) for name in package.namelist()}


def test_descriptions_reach_every_document_of_a_tpkx(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made.tpkx", *DESCRIBED)
    assert (result.exit_code, result.stderr) == (0, "")
    held = members(tmp_path / "made.tpkx")
    item, root = json.loads(held["iteminfo.json"]), json.loads(held["root.json"])
    assert item["title"] == "Müller & Söhne <Nord>"
    assert item["tags"] == ["Straßen", "Wege"]
    assert item["description"] == root["serviceDescription"] == 'Ein "Plan"'
    assert item["accessInformation"] == root["copyrightText"] == "© Müller"


def test_descriptions_reach_every_document_of_a_tpk(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made.tpk", *DESCRIBED)
    assert (result.exit_code, result.stderr) == (0, "")
    held = members(tmp_path / "made.tpk")
    item = ET.fromstring(held["iteminfo.xml"])
    assert item.findtext("title") == "Müller & Söhne <Nord>"
    assert item.findtext("tags") == "Straßen, Wege"
    assert item.findtext("description") == 'Ein "Plan"'
    assert item.findtext("accessinformation") == "© Müller"
    package = ET.fromstring(held["item.pkinfo"])
    assert package.findtext("ID") == item.findtext("guid")
    assert package.findtext("name") == item.findtext("name")
    service = json.loads(held["mapserver.json"])["contents"]
    assert service["description"] == 'Ein "Plan"'
    assert service["copyrightText"] == "© Müller"
    assert service["documentInfo"]["Title"] == "Müller & Söhne <Nord>"
    assert service["documentInfo"]["Keywords"] == "Straßen, Wege"


@pytest.mark.parametrize("suffix", ["tpk", "tpkx"])
def test_descriptions_are_read_again_and_may_be_changed_one_by_one(exploded, tmp_path, suffix):
    run("export", exploded, tmp_path / f"a.{suffix}", *DESCRIBED)
    run("export", tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}", "--title", "Neu")
    with tilepack.open(tmp_path / f"b.{suffix}") as cache:
        about = cache.info.description
    assert (about.title, about.tags) == ("Neu", ("Straßen", "Wege"))
    assert (about.description, about.attribution) == ('Ein "Plan"', "© Müller")


def test_packages_without_title_or_tags_are_warned_of(exploded, tmp_path):
    both = run("export", exploded, tmp_path / "a.tpkx").stderr
    assert "has no title but its name" in both
    assert "portals refuse" in both
    assert "title" not in run("export", exploded, tmp_path / "b.tpkx", "--title", "T").stderr
    assert run("export", exploded, tmp_path / "c").stderr == ""


def test_folders_with_conf_xml_say_that_they_carry_no_descriptions(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made", "--title", "T")
    assert result.exit_code == 0
    assert "a folder with conf.xml has no place for them" in result.stderr


def test_folders_ready_to_serve_carry_descriptions(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made", "--ready-to-serve", *DESCRIBED)
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads((tmp_path / "made" / "iteminfo.json").read_bytes())["title"] == "Müller & Söhne <Nord>"


@pytest.mark.parametrize("suffix", ["tpk", "tpkx"])
@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("L", "JPEG"), ("CMYK", "JPEG")]
)
def test_thumbnail_is_made_to_fit(exploded, tmp_path, suffix, mode, kind):
    Image.new("RGB", (900, 300), (200, 0, 0)).convert(mode).save(tmp_path / "Bild ä.x", kind)
    target = tmp_path / f"made.{suffix}"
    assert run("export", exploded, target, "--thumbnail", tmp_path / "Bild ä.x", *DESCRIBED).exit_code == 0
    with Image.open(io.BytesIO(members(target)["thumbnail.png"])) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (200, 133), "RGB")
        assert image.getpixel((0, 0)) == (255, 255, 255)
        middle = image.getpixel((100, 66))
    assert len(set(middle)) == 1 if mode == "L" else middle[0] > middle[1] + 100


@pytest.mark.parametrize("data", [None, b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(30), b"\xff\xd8\xff\xe0"])
def test_a_thumbnail_that_cannot_be_read_fails_with_a_sentence(exploded, tmp_path, data):
    path = tmp_path / "picture.png"
    if data is not None:
        path.write_bytes(data)
    result = run("export", exploded, tmp_path / "made.tpkx", "--thumbnail", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"tilepack: {path}: cannot be read as a thumbnail: ")
    assert not (tmp_path / "made.tpkx").exists()


def test_a_truncated_thumbnail_fails_with_a_sentence(exploded, tmp_path):
    path = tmp_path / "picture.jpg"
    Image.effect_noise((300, 300), 80).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:2000])
    result = run("export", exploded, tmp_path / "made.tpkx", "--thumbnail", path)
    assert result.exit_code == 1
    assert "cannot be read as a thumbnail" in result.stderr
