"""Targets: rasters whose place on Earth is the input; what can be built of them must lie where they do, or be refused.

The first 48 bytes are the six numbers that lead from pixels to coordinates, what follows names the coordinate system.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from xml.sax.saxutils import escape

import numpy as np
from fuzz_target import Target, World

import tilepack

SIDE = 8
MOST_WINDOWS, MOST_TILES = 4, 64
_SIX = struct.Struct("<6d")

try:
    import rasterio
except ImportError:  # pragma: no cover  the extra is not installed
    rasterio = None


def build_raster(data: bytes, world: World) -> None:
    """Plan a build of a raster, and build it where that is little work."""
    if len(data) < _SIX.size or rasterio is None:
        return
    numbers = _SIX.unpack_from(data)
    crs = data[_SIX.size :].decode("utf-8", "replace")
    if not crs.isprintable() or "/" in crs or "\\" in crs:  # no XML could hold it, or GDAL would take it for a path
        return
    folder = world.fresh()
    (folder / "pixels.raw").write_bytes(np.arange(SIDE * SIDE, dtype=np.uint8).tobytes())
    raster = folder / "a.vrt"
    raster.write_text(
        f'<VRTDataset rasterXSize="{SIDE}" rasterYSize="{SIDE}"><SRS>{escape(crs)}</SRS>'
        f"<GeoTransform>{', '.join(repr(number) for number in numbers)}</GeoTransform>"
        f'<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="1">pixels.raw</SourceFilename><PixelOffset>1</PixelOffset>'
        f"<LineOffset>{SIDE}</LineOffset></VRTRasterBand></VRTDataset>",
        "utf-8",
    )
    target = folder / "a.tpkx"
    plan = tilepack.plan_build(raster, target)
    if plan.windows > MOST_WINDOWS or plan.tiles > MOST_TILES:
        return
    try:
        result = tilepack.build(raster, target, jobs=1)
    finally:
        names = {path.name for path in folder.iterdir()}
        assert names <= {"a.vrt", "pixels.raw", "a.tpkx"}, f"something was left: {names}"
    assert 0 < result.tiles <= plan.tiles
    assert not tilepack.verify(target, deep=True, jobs=1).errors


def places() -> Iterator[bytes]:
    for numbers, crs in (
        ((1e6, 1000.0, 0.0, 6e6, 0.0, -1000.0), "EPSG:3857"),
        ((11.0, 0.01, 0.0, 48.0, 0.0, -0.01), "EPSG:4326"),
        ((-180.0, 45.0, 0.0, 90.0, 0.0, -22.5), "EPSG:4326"),
        ((480_000.0, 31.0, 4.0, 5_300_000.0, 4.0, -33.0), "EPSG:32633"),
        ((179.99, 0.01, 0.0, -17.0, 0.0, -0.01), "EPSG:4326"),
        ((0.0, 1000.0, 0.0, 0.0, 0.0, -1000.0), "+proj=laea +lat_0=90 +lon_0=0 +datum=WGS84 +units=m"),
        ((2_600_000.0, 10.0, 0.0, 1_200_000.0, 0.0, -10.0), "EPSG:2056"),
        ((0.0, 1.0, 0.0, 0.0, 0.0, 1.0), ""),
        ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0), "EPSG:3857"),
    ):
        yield _SIX.pack(*numbers) + crs.encode()


_NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-300, 1e300, float("nan"), float("inf"), 1e9, -1e9, 0.25, 2**52, 20037508.342787)
WORDS = (
    *(struct.pack("<d", number) for number in _NUMBERS),
    *(b"EPSG:", b"4326", b"3857", b"32761", b"2056", b"27700", b"4978", b"5703", b"ESRI:102001", b"+proj=", b"merc "),
    *(b"+units=us-ft", b"+lon_0=180", b"LOCAL_CS", b"GEOGCS[", b'PROJCS["a"', b"+proj=ob_tran", b"+to_meter=1e30"),
)

TARGETS = (
    Target(name="places of rasters", run=build_raster, seeds=places, words=WORDS, share=12, longest=200, few=40),
)
