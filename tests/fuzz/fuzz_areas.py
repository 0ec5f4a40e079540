"""Targets: areas of interest, as text and as vector files. GDAL and GEOS read them; what they crash on is theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import numpy as np
from export_caches import WORLD, scheme_of
from fuzz_target import Target, World

from tilepack.aoi import AreaOfInterest
from tilepack.aoi_given import Area, read_areas
from tilepack.keys import TileKey, TileRange
from tilepack.metadata.standard import wgs84_scheme
from tilepack.scheme import TilingScheme

SUFFIXES = (".geojson", ".gpkg", ".shp", ".kml", ".gml", ".fgb", ".csv", ".json", ".gpx", ".dxf", ".vrt", "")
"""Kinds of files; the first byte of an input chooses among them, and GDAL among its drivers by what follows."""


@cache
def scheme() -> TilingScheme:
    return scheme_of(3857, (-WORLD, WORLD), 2 * WORLD / 256, 256)


def read_text(data: bytes, world: World) -> None:
    """Read an area as text and use it; the text may be the name of a file, which there is none of."""
    text = data.decode("utf-8", "surrogateescape")
    if "/vsi" in text.lower() or text.lstrip()[:1] not in {"{", *"PpMmGgCcLlTtSs"}:
        return  # a path; those are the other target's
    use(AreaOfInterest.read(text, scheme()))


def read_text_in_degrees(data: bytes, world: World) -> None:
    """Read an area that is reprojected, its edges followed."""
    text = data.decode("utf-8", "surrogateescape")
    if text.lstrip()[:1] in {"{", *"PpMm"}:
        use(AreaOfInterest.read(text, scheme(), crs="EPSG:4326"))
        use(AreaOfInterest.read(text, wgs84_scheme(), crs="EPSG:2056"))


def use(area: AreaOfInterest) -> None:
    """Ask an area what exports ask."""
    levels = area.scheme.levels
    for level in (levels[0].level, levels[-1].level):
        met = area.tiles(level)
        some = TileRange(
            level=level,
            row_start=met.row_start,
            row_stop=min(met.row_stop, met.row_start + 3),
            column_start=met.column_start,
            column_stop=min(met.column_stop, met.column_start + 3),
        )
        if not some.count:
            continue
        cover = area.coverage(some)
        area.bundle_coverage(some)
        shown = area.tiles_with_pixels(some)
        mask = area.mask(TileKey(level, some.row_start, some.column_start))
        assert mask.any() == shown[0, 0]
        assert not (mask.any() and cover[0, 0] == 0)
        assert not (cover[0, 0] == 2 and not mask.all())
    assert np.isfinite(area.edges).all()


def read_file(data: bytes, world: World) -> None:
    """Read an area out of a file, for each of its levels where it names them."""
    if not data or b"/vsi" in data.lower() or b"http" in data.lower() or b"<SrcDataSource" in data:
        return  # GDAL goes where such files tell it to; that is their use
    place = world.fresh() / f"a{SUFFIXES[data[0] % len(SUFFIXES)]}"
    place.write_bytes(data[1:])
    for areas in (place, Area(source=place, crs="EPSG:4326")):
        read_areas(areas, scheme())


# Seeds


SQUARE = (
    "((0 0, 4000000 0, 4000000 4000000, 0 4000000, 0 0), "
    "(1000000 1000000, 2000000 1000000, 1500000 2000000, 1000000 1000000))"
)


def texts() -> Iterator[bytes]:
    yield f"SRID=3857;POLYGON {SQUARE}".encode()
    yield f"SRID=3857;MULTIPOLYGON ({SQUARE}, ((5e6 5e6, 6e6 5e6, 6e6 6e6, 5e6 5e6)))".encode()
    yield b"SRID=4326;POLYGON ((0 0, 9 9, 9 0, 0 9, 0 0))"
    yield b"SRID=4326;GEOMETRYCOLLECTION (POLYGON ((170 -10, 190 -10, 190 10, 170 10, 170 -10)))"
    yield b"SRID=3857;CURVEPOLYGON (CIRCULARSTRING (0 0, 4e6 4e6, 8e6 0, 4e6 -4e6, 0 0))"
    yield b"SRID=2056;POLYGON Z ((2600000 1200000 5, 2700000 1200000 5, 2600000 1300000 5, 2600000 1200000 5))"
    yield from geojsons()


def geojsons() -> Iterator[bytes]:
    ring = [[0, 0], [30, 0], [30, 30], [0, 30], [0, 0]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    crossed = {"type": "MultiPolygon", "coordinates": [[[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]], [ring]]}
    features = [
        {"type": "Feature", "properties": {"LevelID": level, "name": "a"}, "geometry": geometry}
        for level, geometry in enumerate((polygon, crossed, None))
    ]
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    for document in (
        polygon,
        crossed,
        features[0],
        {"type": "FeatureCollection", "features": features},
        {"type": "FeatureCollection", "crs": named, "features": features[:1]},
        {"type": "GeometryCollection", "geometries": [polygon, crossed]},
    ):
        yield json.dumps(document).encode()


def files() -> Iterator[bytes]:
    for document in geojsons():
        yield bytes([0]) + document
    ring = "0,0 30,0 30,30 0,30 0,0"
    yield (
        bytes([3])
        + (
            '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><Polygon><outerBoundaryIs>'
            f"<LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
        )
        .replace("http://www.opengis.net/kml/2.2", "a")
        .encode()
    )
    yield bytes([6]) + b'WKT,LevelID\n"POLYGON ((0 0, 9 0, 9 9, 0 0))",1\n'
    yield bytes([1]) + b"SQLite format 3\0" + bytes(84)
    yield bytes([2]) + bytes([0, 0, 0x27, 0x0A]) + bytes(96)
    yield bytes([5]) + b"fgb\3fgb\0" + bytes(40)


WORDS = (
    b"POLYGON",
    b"MULTIPOLYGON",
    b"EMPTY",
    b"GEOMETRYCOLLECTION",
    b"SRID=3857;",
    b"NaN",
    b"inf",
    b"1e400",
    b"1e300",
    b"-0",
)
WORDS += (
    b'"crs":',
    b"urn:ogc:def:crs:EPSG::3857",
    b'"coordinates":',
    b"180",
    b"-180",
    b"360",
    b"90",
    b"1e12",
    b"1e-300",
    b", ",
)
WORDS += (
    b"[" * 120,
    b'"LevelID":',
    b'"properties":',
    b'"geometry":null',
    b"CURVEPOLYGON",
    b"COMPOUNDCURVE",
    b"POINT",
    b"((",
    b"))",
)

TARGETS = (
    Target(name="area as text", run=read_text, seeds=texts, words=WORDS, share=12, longest=1024),
    Target(name="area in degrees", run=read_text_in_degrees, seeds=texts, words=WORDS, share=6, longest=1024, few=20),
    Target(name="area in a file", run=read_file, seeds=files, words=WORDS, share=5, longest=2048, few=30),
)
