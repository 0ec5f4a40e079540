"""GenerateMapServerCacheTilingScheme and GenerateTileCacheTilingScheme: files that caches are created from."""

from __future__ import annotations

import pytest
from arcpy_world import SCALES, everything

import tilepack
from tilepack import arcpy
from tilepack.metadata.tiling_scheme_xml import parse_tiling_scheme

TEXT = "500000,250000,125000,64000"
ORDERS = {
    "newer": ("{cache}", "-14000000 6000000", "{out}", "4", TEXT, "96", "256 x 256"),
    "older": ("{cache}", "Layers", "-14000000 6000000", "{out}", "4", TEXT, "96", "256 x 256"),
}


def read(path):
    return parse_tiling_scheme(path.read_bytes(), place=str(path), name="")


@pytest.mark.parametrize("order", ORDERS)
def test_both_orders_of_parameters_are_taken(world, order):
    out = world.out / "grid.xml"
    given = [text.format(cache=world.cache, out=out) for text in ORDERS[order]]
    result = arcpy.server.GenerateMapServerCacheTilingScheme(*given)
    scheme = read(out).scheme
    assert [lod.scale for lod in scheme.levels] == SCALES
    assert (scheme.origin_x, scheme.origin_y, scheme.tile_width, scheme.dpi) == (-14000000, 6000000, 256, 96)
    assert result.getOutput(0) == str(out)


def test_parameters_by_their_names_of_both_times(world):
    for number, names in enumerate((("in_map",), ("map_document", "data_frame"))):
        out = world.out / f"{number}.xml"
        arcpy.GenerateMapServerCacheTilingScheme_server(
            **dict.fromkeys(names, "3857"),
            tile_origin="",
            output_tiling_scheme=str(out),
            num_of_scales=5,
            scales="",
            dots_per_inch=96,
            tile_size="512 x 512",
        )
        scheme = read(out).scheme
        assert [lod.scale for lod in scheme.levels][:2] == [591657527.591555, 295828763.795777]
        assert (len(scheme.levels), scheme.tile_width) == (5, 512)


def test_scheme_takes_other_spatial_references(world):
    out = world.out / "swiss.xml"
    arcpy.server.GenerateMapServerCacheTilingScheme("EPSG:2056", "2420000 1350000", str(out), 2, [50000, 25000])
    scheme = read(out).scheme
    assert scheme.spatial_reference.wkid == 2056
    assert scheme.levels[0].resolution == pytest.approx(50000 / (96 * 39.37))


def test_new_scheme_is_what_a_cache_can_be_created_from(world):
    out = world.out / "grid.xml"
    arcpy.management.GenerateTileCacheTilingScheme(
        str(world.cache), str(out), "NEW", 4, "", SCALES, "SCALE", "", 96, "256 x 256", "JPEG", 60, "EXPLODED"
    )
    info = read(out)
    assert (info.tile_format, info.quality, info.storage_format) == ("JPEG", 60, "EXPLODED")
    tilepack.create_cache(world.out / "new", scheme=out)
    with tilepack.open(world.out / "new") as made, tilepack.open(world.cache) as old:
        assert made.info.scheme.origin_x == old.info.scheme.origin_x
        assert [lod.scale for lod in made.info.scheme.levels] == SCALES


def test_defaults_are_those_of_the_tool(world):
    arcpy.management.GenerateTileCacheTilingScheme(4326, str(world.out / "grid"), number_of_scales=3)
    info = read(world.out / "grid.xml")
    assert (info.tile_format, info.quality, info.storage_format) == ("MIXED", 75, "COMPACT")
    assert [lod.resolution for lod in info.scheme.levels] == [0.703125, 0.3515625, 0.17578125]


def test_cell_sizes_are_map_units_of_a_pixel(world):
    out = world.out / "grid.xml"
    arcpy.management.GenerateTileCacheTilingScheme(
        3857, str(out), scales=[100, 50], scales_type="CELL_SIZE", tile_origin="0 0"
    )
    assert [lod.resolution for lod in read(out).scheme.levels] == pytest.approx([100, 50], rel=1e-12)


def test_predefined_scheme_keeps_its_levels(world):
    out = world.out / "grid.xml"
    arcpy.management.GenerateTileCacheTilingScheme(
        "", str(out), "PREDEFINED", "", str(world.cache / "conf.xml"), [250000, 64000]
    )
    assert [lod.level for lod in read(out).scheme.levels] == [2, 4]


def test_file_is_written_over_only_where_outputs_may_be_overwritten(world):
    out = str(world.out / "grid.xml")
    arcpy.management.GenerateTileCacheTilingScheme(4326, out, number_of_scales=3)
    with pytest.raises(arcpy.ExecuteError, match="overwriteOutput"):
        arcpy.management.GenerateTileCacheTilingScheme(4326, out, number_of_scales=2)
    arcpy.env.overwriteOutput = True
    arcpy.management.GenerateTileCacheTilingScheme(4326, out, number_of_scales=2)
    assert len(read(world.out / "grid.xml").scheme.levels) == 2


WRONG = {
    "map": ({"in_map": "C:/data/Portland.mxd"}, "maps cannot be read here; give a WKID"),
    "nothing": ({"in_map": "C:/data/Portland.tif"}, "a WKID will do too"),
    "no map": ({"in_map": ""}, "in_map is required"),
    "no file": ({"output_tiling_scheme": ""}, "output_tiling_scheme is required"),
    "count": ({"num_of_scales": 3}, "num_of_scales is 3, and 4 scales are listed"),
    "origin": ({"tile_origin": "here"}, "tile_origin is 'here'"),
    "size": ({"tile_size": "0 x 0"}, "tile_size is"),
    "dpi": ({"dots_per_inch": "many"}, "dots_per_inch is 'many'"),
    "json": ({"ready_to_serve_format": "READY_TO_SERVE_FORMAT"}, "written as XML alone"),
    "twice": ({"scales": [5000, 5000], "num_of_scales": 2}, "a scale is given twice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_writes_nothing(world, case):
    changes, sentence = WRONG[case]
    given = {
        "in_map": 3857,
        "tile_origin": "-14000000 6000000",
        "output_tiling_scheme": str(world.out / "grid.xml"),
        "num_of_scales": 4,
        "scales": TEXT,
    }
    before = everything(world.root)
    with pytest.raises(arcpy.ExecuteError, match=sentence):
        arcpy.server.GenerateMapServerCacheTilingScheme(**given | changes)
    assert everything(world.root) == before
