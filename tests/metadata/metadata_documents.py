"""Documents of caches as the versions of ArcGIS spell them, and values that any document must carry; made in code."""

from __future__ import annotations

import json
from typing import Any

from caches import FEET_WKT
from hypothesis import strategies as st

from tilepack.cache import CacheInfo, ItemDescription, StorageFormat, TileFormat
from tilepack.extent import Extent
from tilepack.metadata.spatial_defaults import WEB_MERCATOR_WKT
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import CoordinatePrecision, SpatialReference

DEGREES_WKT = (
    'GEOGCS["Invented_Degrees",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
METRES_WKT = FEET_WKT.replace('"Foot_US",0.3048006096012192', '"Meter",1.0')

DEFAULT_LEVELS = ((0, 591657527.591555, 156543.033928), (1, 295828763.795777, 78271.5169639999))


def levels_xml(levels: Any = DEFAULT_LEVELS) -> str:
    return "".join(
        f"<LODInfo xsi:type='typens:LODInfo'><LevelID>{level}</LevelID><Scale>{scale!r}</Scale>"
        f"<Resolution>{resolution!r}</Resolution></LODInfo>"
        for level, scale, resolution in levels
    )


def conf_xml(version: str = "10.1", **parts: str | None) -> bytes:
    """Write a conf.xml of a version. A part given replaces the usual one, None leaves it out."""
    usual: dict[str, str | None] = {
        "reference": "<SpatialReference xsi:type='typens:ProjectedCoordinateSystem'><WKID>102100</WKID>"
        "<LatestWKID>3857</LatestWKID></SpatialReference>",
        "origin": "<TileOrigin><X>-20037508.342787</X><Y>20037508.342787</Y></TileOrigin>",
        "end": None,
        "cols": "<TileCols>256</TileCols>",
        "rows": "<TileRows>256</TileRows>",
        "dpi": "<DPI>96</DPI>",
        "precise": None,
        "levels": f"<LODInfos>{levels_xml()}</LODInfos>",
        "grid_extra": None,
        "tile_format": "<CacheTileFormat>PNG32</CacheTileFormat>",
        "quality": "<CompressionQuality>0</CompressionQuality>",
        "antialiasing": "<Antialiasing>true</Antialiasing>",
        "image_extra": None,
        "storage": "<CacheStorageInfo><StorageFormat>esriMapCacheStorageModeCompact</StorageFormat>"
        "<PacketSize>128</PacketSize></CacheStorageInfo>",
        "extra": None,
    }
    assert parts.keys() <= usual.keys()
    used = {key: text or "" for key, text in (usual | parts).items()}
    grid = ("reference", "origin", "end", "cols", "rows", "dpi", "precise", "levels", "grid_extra")
    image = ("tile_format", "quality", "antialiasing", "image_extra")
    return (
        '<?xml version="1.0" encoding="utf-8" ?>'
        "<CacheInfo xsi:type='typens:CacheInfo' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
        f"xmlns:typens='http://www.esri.com/schemas/ArcGIS/{version}'>"
        f"<TileCacheInfo>{''.join(used[key] for key in grid)}</TileCacheInfo>"
        f"<TileImageInfo>{''.join(used[key] for key in image)}</TileImageInfo>"
        f"{used['storage']}{used['extra']}</CacheInfo>"
    ).encode()


def reference_xml(wkt: str, *numbers: str, kind: str = "Projected") -> str:
    text = wkt.replace('"', "&quot;")
    return (
        f"<SpatialReference xsi:type='typens:{kind}CoordinateSystem'><WKT>{text}</WKT><XOrigin>-400</XOrigin>"
        f"<YOrigin>-400</YOrigin><XYScale>1000000</XYScale>{''.join(numbers)}</SpatialReference>"
    )


def root_members(**changes: Any) -> dict[str, Any]:
    """Give the members of a root.json; a change of None leaves the member out."""
    reference = {"wkid": 102100, "latestWkid": 3857}
    members: dict[str, Any] = {
        "tileImageInfo": {"format": "JPEG", "compressionQuality": 75, "bandCount": 3, "lercError": 0},
        "name": "Island",
        "version": 1.0,
        "serviceDescription": "An island that is not there",
        "tileBundlesPath": "./tile",
        "spatialReference": reference,
        "units": "esriMeters",
        "minLOD": 0,
        "maxLOD": 1,
        "minScale": 591657527.591555,
        "maxScale": 295828763.795777,
        "resampling": True,
        "tileInfo": {
            "rows": 256,
            "cols": 512,
            "dpi": 96,
            "origin": {"x": -20037508.342787, "y": 20037508.342787},
            "spatialReference": reference,
            "lods": [
                {"level": level, "resolution": resolution, "scale": scale}
                for level, scale, resolution in DEFAULT_LEVELS
            ],
        },
        "exportTilesAllowed": False,
        "storageInfo": {"storageFormat": "esriMapCacheStorageModeCompactV2", "packetSize": 128},
        "layers": [],
        "initialExtent": {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4, "spatialReference": reference},
        "fullExtent": {"xmin": 0, "ymin": 0, "xmax": 9.5, "ymax": 9, "spatialReference": reference},
    }
    return {key: value for key, value in (members | changes).items() if value is not None}


def encoded(members: Any) -> bytes:
    return json.dumps(members).encode()


def cache_info(**changes: Any) -> CacheInfo:
    """Give a small web mercator cache in full, so that a document of it reads back as the same value."""
    fields: dict[str, Any] = {
        "name": "Island",
        "scheme": TilingScheme(
            origin_x=-20037508.342787,
            origin_y=20037508.342787,
            tile_width=256,
            tile_height=256,
            levels=tuple(
                LevelOfDetail(level=level, scale=scale, resolution=resolution)
                for level, scale, resolution in DEFAULT_LEVELS
            ),
            spatial_reference=SpatialReference(
                wkid=102100,
                latest_wkid=3857,
                wkt=WEB_MERCATOR_WKT,
                precision=CoordinatePrecision(x_origin=-20037700, y_origin=-30241100, xy_scale=10000),
            ),
        ),
        "storage_format": StorageFormat.COMPACT_V2,
        "tile_format": TileFormat.JPEG,
        "quality": 75,
    }
    return CacheInfo(**(fields | changes))


# Texts that XML and JSON both hold: no control characters, no half of a surrogate pair, no blanks at the ends.
texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=30).map(str.strip)
words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
coordinates = st.floats(-1e9, 1e9)
positives = st.floats(1e-9, 1e9)
counts = st.integers(0, 100)

precisions = st.builds(
    CoordinatePrecision,
    x_origin=coordinates,
    y_origin=coordinates,
    xy_scale=positives,
    z_origin=coordinates,
    z_scale=positives,
    m_origin=coordinates,
    m_scale=positives,
    xy_tolerance=positives,
    z_tolerance=positives,
    m_tolerance=positives,
)
references = st.one_of(
    st.builds(
        SpatialReference,
        wkid=st.just(102100),
        latest_wkid=st.just(3857),
        wkt=st.just(WEB_MERCATOR_WKT),
        precision=precisions,
    ),
    st.builds(
        SpatialReference,
        wkid=st.integers(100_001, 102_000),
        latest_wkid=st.none() | st.integers(20_000, 30_000),
        wkt=st.sampled_from([FEET_WKT, METRES_WKT]),
        precision=precisions,
    ),
    st.builds(
        SpatialReference,
        wkid=st.integers(37_001, 37_200),
        wkt=st.just(DEGREES_WKT),
        precision=precisions,
        left_longitude=st.floats(-180, 0),
    ),
)


@st.composite
def schemes(draw: st.DrawFn) -> TilingScheme:
    numbers = draw(st.lists(st.integers(0, 999), min_size=1, max_size=6, unique=True))
    return TilingScheme(
        origin_x=draw(coordinates),
        origin_y=draw(coordinates),
        tile_width=draw(st.integers(1, 8192)),
        tile_height=draw(st.integers(1, 8192)),
        dpi=draw(st.integers(1, 600) | st.floats(1, 600)),
        levels=tuple(
            LevelOfDetail(level=number, resolution=draw(positives), scale=draw(st.floats(0, 1e12)))
            for number in sorted(numbers)
        ),
        spatial_reference=draw(references),
    )


@st.composite
def extents(draw: st.DrawFn) -> Extent:
    (xmin, xmax), (ymin, ymax) = (sorted((draw(coordinates), draw(coordinates))) for _ in "xy")
    return Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)


descriptions = st.builds(
    ItemDescription,
    title=words,
    tags=st.lists(words, max_size=3).map(tuple),
    summary=texts,
    description=texts,
    attribution=texts,
    license=texts,
    creator=words,
)
infos = st.builds(
    CacheInfo,
    name=words,
    scheme=schemes(),
    storage_format=st.sampled_from([known for known in StorageFormat if not known.is_web]),
    tile_format=st.sampled_from([known for known in TileFormat if known.is_arcgis]),
    quality=counts,
)
