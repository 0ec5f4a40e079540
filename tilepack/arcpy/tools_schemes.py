"""The tools that write tiling scheme files, from which caches are created."""

from __future__ import annotations

from pathlib import Path

from tilepack.arcpy import parameters
from tilepack.arcpy.environment import env, output_path
from tilepack.arcpy.messages import ExecuteError, current
from tilepack.arcpy.result import tool
from tilepack.arcpy.schemes import read_scheme, scheme_for, spatial_reference_of
from tilepack.arcpy.tools_caches import READY, TILE_FORMATS, side_of
from tilepack.errors import CacheExistsError, UnsupportedError
from tilepack.wording import counted


@tool
def GenerateMapServerCacheTilingScheme(
    in_map: object = None,
    tile_origin: object = None,
    output_tiling_scheme: object = None,
    num_of_scales: object = None,
    scales: object = None,
    dots_per_inch: object = 96,
    tile_size: object = "256 x 256",
    ready_to_serve_format: object = None,
    output_folder: object = None,
    *,
    map_document: object = None,
    data_frame: object = None,
) -> str:
    """Write a tiling scheme file.

    ArcGIS has had two orders: up to 10.x a data frame stands behind the map, and all that follows one place later. Both
    are taken: where ``num_of_scales`` holds what is no number, the older one is meant.

    Args:
        in_map: What tells the spatial reference: a WKID, a cache, package, scheme file or map service; maps themselves
            cannot be read here.
        tile_origin: Upper left corner of the scheme; none for the standard scheme's, or that of the cache.
        output_tiling_scheme: The file to write.
        num_of_scales: How many levels.
        scales: Scale denominators; none for the standard scheme's, or the cache's.
        dots_per_inch: Pixels to the inch.
        tile_size: ``128 x 128``, ``256 x 256``, ``512 x 512`` or ``1024 x 1024``.
        ready_to_serve_format: NON_READY_TO_SERVE_FORMAT; schemes are written as XML alone.
        output_folder: Means nothing here.
        map_document: ``in_map`` by its older name.
        data_frame: Means nothing here.

    Returns:
        A result whose output is the file.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    if parameters.is_given(num_of_scales) and not str(num_of_scales).strip().isdecimal():
        data_frame, tile_origin, output_tiling_scheme = tile_origin, output_tiling_scheme, num_of_scales
        num_of_scales, scales, dots_per_inch = scales, dots_per_inch, tile_size
        tile_size, ready_to_serve_format = ready_to_serve_format, None
    parameters.meaningless("data_frame", data_frame, "there is no map")
    parameters.meaningless("output_folder", output_folder, "it belongs to READY_TO_SERVE_FORMAT")
    served = parameters.literal(
        "ready_to_serve_format", ready_to_serve_format, *READY, default=READY[1], yes=READY[0], no=READY[1]
    )
    if served == READY[0]:
        raise UnsupportedError(
            "ready_to_serve_format: tiling schemes are written as XML alone; CreateMapServerCache makes caches that "
            "are ready to serve of them"
        )
    scheme = scheme_for(
        spatial_reference_of("in_map", in_map if parameters.is_given(in_map) else map_document),
        parameters.pair("tile_origin", tile_origin),
        scales=parameters.scales(scales),
        count=parameters.whole("num_of_scales", num_of_scales),
        dpi=parameters.number("dots_per_inch", dots_per_inch, 96) or 96,
        tile_size=side_of(tile_size),
    )
    from tilepack.metadata.tiling_scheme_xml import format_tiling_scheme

    return _write(output_tiling_scheme, "output_tiling_scheme", format_tiling_scheme(scheme), len(scheme.levels))


@tool
def GenerateTileCacheTilingScheme(
    in_dataset: object = None,
    out_tiling_scheme: object = None,
    tiling_scheme_generation_method: object = "NEW",
    number_of_scales: object = None,
    predefined_tiling_scheme: object = None,
    scales: object = None,
    scales_type: object = "SCALE",
    tile_origin: object = None,
    dpi: object = 96,
    tile_size: object = "256 x 256",
    tile_format: object = "MIXED",
    tile_compression_quality: object = 75,
    storage_format: object = "COMPACT",
    lerc_error: object = None,
) -> str:
    """Write a tiling scheme file with the formats of tiles.

    Args:
        in_dataset: What tells the spatial reference: a WKID, a cache, package, scheme file or map service.
        out_tiling_scheme: The file to write.
        tiling_scheme_generation_method: NEW or PREDEFINED.
        number_of_scales: How many levels.
        predefined_tiling_scheme: With PREDEFINED, a tiling scheme file, conf.xml, cache or map service.
        scales: Scale denominators, or cell sizes; none for the standard scheme's, or the cache's.
        scales_type: SCALE, or CELL_SIZE for map units of a pixel.
        tile_origin: Upper left corner of the scheme.
        dpi: Pixels to the inch.
        tile_size: ``128 x 128``, ``256 x 256``, ``512 x 512`` or ``1024 x 1024``.
        tile_format: PNG, PNG8, PNG24, PNG32, JPEG, MIXED or LERC.
        tile_compression_quality: 0 to 100, of JPEG and MIXED.
        storage_format: COMPACT, COMPACT_V2 or EXPLODED.
        lerc_error: Largest tolerated error of LERC.

    Returns:
        A result whose output is the file.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    from tilepack.cache import StorageFormat, TileFormat
    from tilepack.metadata.tiling_scheme_xml import format_tiling_scheme

    method = parameters.literal(
        "tiling_scheme_generation_method", tiling_scheme_generation_method, "NEW", "PREDEFINED", default="NEW"
    )
    kind = parameters.literal("scales_type", scales_type, "SCALE", "CELL_SIZE", default="SCALE")
    listed = parameters.scales(scales)
    if method == "PREDEFINED":
        scheme = read_scheme("predefined_tiling_scheme", predefined_tiling_scheme)
        if listed is not None:
            scheme = scheme.with_levels(scheme.level_at_scale(scale) for scale in listed)
    else:
        resolution = parameters.number("dpi", dpi, 96) or 96
        given = spatial_reference_of("in_dataset", in_dataset)
        if kind == "CELL_SIZE" and listed is not None:
            listed = _scales_of(listed, given[0] if given[1] is None else given[1].spatial_reference.wkid, resolution)
        scheme = scheme_for(
            given,
            parameters.pair("tile_origin", tile_origin),
            scales=listed,
            count=parameters.whole("number_of_scales", number_of_scales),
            dpi=resolution,
            tile_size=side_of(tile_size),
        )
    chosen = parameters.literal("tile_format", tile_format, *TILE_FORMATS, default="MIXED")
    quality = parameters.whole("tile_compression_quality", tile_compression_quality, 75) or 0
    if not 0 <= quality <= 100:
        raise ExecuteError(f"tile_compression_quality is {quality}; it goes from 0 to 100")
    data = format_tiling_scheme(
        scheme,
        tile_format=TileFormat(chosen),
        quality=quality if chosen in ("JPEG", "MIXED") else 0,
        storage_format=StorageFormat(
            parameters.literal("storage_format", storage_format, *StorageFormat, default="COMPACT")
        ),
        lerc_error=parameters.number("lerc_error", lerc_error) if chosen == "LERC" else None,
    )
    return _write(out_tiling_scheme, "out_tiling_scheme", data, len(scheme.levels))


def _scales_of(cell_sizes: list[float], wkid: int | None, dpi: float) -> list[float]:
    """Turn map units of a pixel into scale denominators, by Esri's 39.37 inches to the metre."""
    from tilepack.spatial import SpatialReference, metres_per_unit

    metres = metres_per_unit(SpatialReference(wkid=wkid))
    return [size * metres * dpi * 39.37 for size in cell_sizes]


def _write(given: object, name: str, data: bytes, levels: int) -> str:
    """Write the file in one step."""
    from tilepack.disk.files import explained
    from tilepack.disk.staging import Staging

    path = output_path(parameters.need(name, given))
    if not path.suffix:
        path = path.with_suffix(".xml")
    staging = Staging(path, replace=bool(env.overwriteOutput), refuse=_refuse, keep_suffix=True)
    try:
        with explained("write", staging.partial):
            staging.partial.write_bytes(data)
        staging.publish()
    except BaseException:
        staging.discard()
        raise
    current.say(f"Wrote a tiling scheme of {counted(levels, 'level')} to {path}")
    return str(path)


def _refuse(target: Path, *, replace: bool) -> None:
    if target.exists() and not (replace and target.is_file()):
        raise CacheExistsError(f"{target}: exists already; choose another name, or set arcpy.env.overwriteOutput")
