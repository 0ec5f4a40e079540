import sys
from dataclasses import replace
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_documents import infos

from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme, with_literal_levels
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference

INCHES = 39.37


def recomputed(standard: TilingScheme, **changes) -> TilingScheme:
    """Give a standard scheme with the numbers of somebody's own arithmetic."""
    top = 2 * 20037508.342789244 / 256 if standard.spatial_reference.is_web_mercator else 180 / 256
    levels = tuple(
        LevelOfDetail(level=lod.level, resolution=top / 2**lod.level, scale=lod.scale * (1 + 2e-6))
        for lod in standard.levels
    )
    return replace(standard, levels=levels, **changes)


def test_arcgis_online_levels_follow_esris_own_rule():
    levels = arcgis_online_scheme().levels
    assert len(levels) == 24
    for lod in levels:
        assert lod.scale == pytest.approx(lod.resolution * 96 * INCHES, rel=1e-8)
        assert lod.resolution == pytest.approx(levels[0].resolution / 2**lod.level, rel=4e-10)


def test_wgs84_levels_halve_exactly():
    scheme = wgs84_scheme()
    assert len(scheme.levels) == 23
    assert (scheme.origin_x, scheme.origin_y) == (-180, 90)
    assert scheme.levels[22] == LevelOfDetail(level=22, resolution=0.703125 / 2**22, scale=295828763.7958547 / 2**22)


@pytest.mark.parametrize("standard", [arcgis_online_scheme(), wgs84_scheme()])
def test_levels_become_literal_when_recomputed(standard):
    assert with_literal_levels(recomputed(standard)) == standard


@pytest.mark.parametrize("wkid", [3857, 900913, 102113])
def test_levels_become_literal_whatever_tile_size_and_alias(wkid):
    reference = SpatialReference(wkid=wkid)
    scheme = recomputed(arcgis_online_scheme(), tile_width=512, tile_height=512, spatial_reference=reference)
    literal = with_literal_levels(scheme)
    assert literal.levels == arcgis_online_scheme().levels
    assert (literal.tile_width, literal.spatial_reference) == (512, reference)


def test_level_ids_never_change():
    scheme = recomputed(arcgis_online_scheme())
    moved = scheme.with_levels([replace(lod, level=lod.level - 10) for lod in scheme.levels[10:14]])
    literal = with_literal_levels(moved)
    assert [lod.level for lod in literal.levels] == [0, 1, 2, 3]
    assert [lod.scale for lod in literal.levels] == [lod.scale for lod in arcgis_online_scheme().levels[10:14]]


def test_missing_scales_become_literal():
    scheme = recomputed(wgs84_scheme())
    bare = scheme.with_levels([replace(lod, scale=0) for lod in scheme.levels])
    assert with_literal_levels(bare) == wgs84_scheme()


def test_numbers_of_older_arcgis_stay():
    first = LevelOfDetail(level=0, resolution=156543.03392800014, scale=591657527.591555)
    scheme = arcgis_online_scheme().with_levels([first])
    assert with_literal_levels(scheme).levels == (first,)


def test_legacy_degrees_keep_their_own_scales():
    legacy = LevelOfDetail(level=0, resolution=0.703125, scale=295497593.05875003)
    scheme = wgs84_scheme().with_levels([legacy])
    assert with_literal_levels(scheme).levels == (legacy,)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin_x": -20037508.342787 + 1.0},
        {"origin_y": 20037700.0},
        {"spatial_reference": SpatialReference(wkid=2193)},
        {"spatial_reference": SpatialReference()},
    ],
)
def test_other_grids_stay(changes):
    scheme = recomputed(arcgis_online_scheme(), **changes)
    assert with_literal_levels(scheme) is scheme


def test_other_levels_stay_beside_literal_ones():
    odd = LevelOfDetail(level=30, resolution=100.0, scale=377952.0)
    scheme = recomputed(arcgis_online_scheme())
    assert with_literal_levels(scheme.with_levels([*scheme.levels, odd])).levels[-1] == odd


@given(infos, st.booleans())
def test_literal_levels_are_settled_after_one_pass(info, standard):
    scheme = recomputed(arcgis_online_scheme()) if standard else info.scheme
    once = with_literal_levels(scheme)
    assert with_literal_levels(once) == once


def test_standard_schemes_do_without_pyproj():
    code = (
        "import sys; from tilepack.metadata.standard import *; with_literal_levels(wgs84_scheme()); "
        "sys.exit('pyproj' in sys.modules)"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0
