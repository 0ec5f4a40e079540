"""The tools that bring tiles into a cache from its source, or delete them. Maps are drawn by nobody here.

A source is another cache or package: the one that the services file names with the service (services.py), or
``in_datasource``. Tiles are taken whole, as ArcGIS makes them whole: an area of interest chooses tiles and cuts none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilepack.arcpy import parameters
from tilepack.arcpy.environment import located, output_path, threads
from tilepack.arcpy.extents import extent_options
from tilepack.arcpy.messages import ExecuteError, current, lasting
from tilepack.arcpy.outputs import DATA_FRAME, made_folders, tell
from tilepack.arcpy.result import tool
from tilepack.arcpy.services import find_service
from tilepack.arcpy.services_file import SERVICES_FILE
from tilepack.errors import UnsupportedError
from tilepack.wording import counted

_MODES = ("RECREATE_ALL_TILES", "RECREATE_EMPTY_TILES", "DELETE_TILES")
_SCHEMES = {"ARCGISONLINE_SCHEME": "arcgis-online", "WGS84_V2_SCHEME": "wgs84"}
_ELEVATION = ("ARCGISONLINE_ELEVATION_SCHEME", "WGS84_V2_ELEVATION_SCHEME")


@tool
def ManageMapServerCacheTiles(
    input_service: object,
    scales: object = None,
    update_mode: object = "RECREATE_ALL_TILES",
    num_of_caching_service_instances: object = None,
    area_of_interest: object = None,
    update_extent: object = None,
    wait_for_job_completion: object = "WAIT",
    portal_url: object = None,
) -> str:
    """Bring tiles into a service's cache from the source that is named with it, or delete tiles.

    Args:
        input_service: The service, or the path of its cache or package.
        scales: Scale denominators; none for all levels that hold tiles.
        update_mode: RECREATE_ALL_TILES puts the source's tiles in the place of the cache's, RECREATE_EMPTY_TILES brings
            in those that the cache has not, DELETE_TILES deletes tiles and keeps folders.
        num_of_caching_service_instances: Means nothing here.
        area_of_interest: Tiles that it meets, to delete those wholly inside; wins over the extent.
        update_extent: A rectangle in map units.
        wait_for_job_completion: WAIT or DO_NOT_WAIT; the tool is done when it comes back.
        portal_url: Means nothing here.

    Returns:
        A result whose output is the service.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    service = find_service(input_service)
    mode = parameters.literal("update_mode", update_mode, *_MODES, default=_MODES[0])
    waits = parameters.literal(
        "wait_for_job_completion",
        wait_for_job_completion,
        "WAIT",
        "DO_NOT_WAIT",
        default="WAIT",
        yes="WAIT",
        no="DO_NOT_WAIT",
    )
    parameters.instances(num_of_caching_service_instances)
    if waits == "DO_NOT_WAIT":
        parameters.meaningless("wait_for_job_completion", waits, "tools are done when they come back")
    parameters.meaningless("portal_url", portal_url, "there is no portal")
    asked: dict[str, Any] = {"scales": parameters.scales(scales), "area": parameters.area(area_of_interest)}
    asked |= extent_options("update_extent", update_extent, service.cache)
    if mode == "DELETE_TILES":
        _delete(service.cache, asked)
        return str(input_service)
    if service.source is None:
        raise ExecuteError(
            f"{mode} takes tiles from a source, for no map is drawn here, and none is named with {input_service}; name "
            f'one in the services file ({SERVICES_FILE}): source = "path of a cache or package"'
        )
    _recreate(service.source, service.cache, mode, asked)
    return str(input_service)


@tool
def ManageTileCache(
    in_cache_location: object,
    manage_mode: object = "RECREATE_ALL_TILES",
    in_cache_name: object = None,
    in_datasource: object = None,
    tiling_scheme: object = "ARCGISONLINE_SCHEME",
    import_tiling_scheme: object = None,
    scales: object = None,
    area_of_interest: object = None,
    max_cell_size: object = None,
    min_cached_scale: object = None,
    max_cached_scale: object = None,
) -> str:
    """Bring tiles into a cache from another cache or package, or delete tiles.

    A cache that is not there yet is created, as ``<location>/<name>/Layers``.

    Args:
        in_cache_location: A cache, or the folder that it is in under a name.
        manage_mode: RECREATE_ALL_TILES, RECREATE_EMPTY_TILES or DELETE_TILES.
        in_cache_name: The cache's name in the folder.
        in_datasource: The cache or package to take tiles from.
        tiling_scheme: Of a new cache: ARCGISONLINE_SCHEME, WGS84_V2_SCHEME or IMPORT_SCHEME.
        import_tiling_scheme: With IMPORT_SCHEME, a tiling scheme file, conf.xml, cache or map service.
        scales: Scale denominators; none for all levels that hold tiles.
        area_of_interest: Tiles that it meets, to delete those wholly inside.
        max_cell_size: Means nothing here.
        min_cached_scale: The coarsest scale; those beyond are passed over, also when they are listed.
        max_cached_scale: The finest scale; likewise.

    Returns:
        A result whose output is the cache.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    from tilepack.stores.layouts import safe_name

    mode = parameters.literal("manage_mode", manage_mode, *_MODES, default=_MODES[0])
    scheme = _scheme(tiling_scheme, import_tiling_scheme)
    parameters.meaningless("max_cell_size", max_cell_size, "levels come from the source as they are")
    given = parameters.need("in_cache_location", in_cache_location)
    place = located(given) or output_path(given)
    if parameters.is_given(in_cache_name):
        place /= safe_name(str(in_cache_name))
    asked: dict[str, Any] = {"scales": parameters.scales(scales), "area": parameters.area(area_of_interest)}
    limits = [
        parameters.number("min_cached_scale", min_cached_scale),
        parameters.number("max_cached_scale", max_cached_scale),
    ]
    if mode == "DELETE_TILES":
        cache = find_service(place).cache
        asked["scales"] = _within(cache, asked["scales"], limits)
        _delete(cache, asked)
        return str(place)
    source = find_service(in_datasource, "in_datasource").cache
    asked["scales"] = _within(source, asked["scales"], limits)
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        _recreate(source, find_service(place).cache, mode, asked)
        return str(place)
    with made_folders(place.parent, place.name) as folder:
        return _create(source, folder / DATA_FRAME, scheme, asked)


def _scheme(tiling_scheme: object, import_tiling_scheme: object) -> str:
    word = parameters.literal(
        "tiling_scheme", tiling_scheme, *_SCHEMES, "IMPORT_SCHEME", *_ELEVATION, default="ARCGISONLINE_SCHEME"
    )
    if word in _ELEVATION:
        raise UnsupportedError(f"tiling_scheme is {word}: no cache of elevations is created here; import into one")
    if word != "IMPORT_SCHEME":
        return _SCHEMES[word]
    text = parameters.need("import_tiling_scheme", import_tiling_scheme)
    return str(located(text) or text)


def _within(source: Path, scales: list[float] | None, limits: list[float | None]) -> list[float] | None:
    """Leave out scales beyond the coarsest and the finest one, give or take what tells levels apart."""
    coarsest, finest = limits
    if coarsest is None and finest is None:
        return scales
    from tilepack.scheme import SCALE_TOLERANCE
    from tilepack.stores.open import open_cache

    with open_cache(source) as reader:
        held = {level for level in reader.levels() if len(reader.bundles(level))}
        listed = [lod.scale for lod in reader.info.scheme.levels if lod.level in held] if scales is None else scales
    kept = [
        scale
        for scale in listed
        if (coarsest is None or scale <= coarsest * (1 + SCALE_TOLERANCE))
        and (finest is None or scale >= finest * (1 - SCALE_TOLERANCE))
    ]
    if not kept:
        raise ExecuteError(
            f"no scale lies between min_cached_scale {coarsest or 'none'} and max_cached_scale {finest or 'none'}; "
            f"there are {', '.join(f'{scale:.10g}' for scale in listed)}"
        )
    return kept


def _create(source: Path, target: Path, scheme: str, asked: dict[str, Any]) -> str:
    """Create a cache and fill it; when that fails, nothing stays."""
    from tilepack.disk.durable import remove
    from tilepack.stores.open import open_cache
    from tilepack.transfer.creating import create_cache
    from tilepack.transfer.importing import import_cache
    from tilepack.transfer.request import PixelOptions

    with open_cache(source) as reader:
        info = reader.info
    create_cache(target, scheme=scheme, tile_format=info.tile_format, quality=info.quality or None)
    try:
        pixels = PixelOptions(whole_tiles=True)
        result = import_cache(source, target, **asked, mode="OVERWRITE", pixels=pixels, jobs=threads())
    except BaseException:
        remove(target)
        raise
    current.say(f"Created {target}")
    tell(result, "Created", target)
    return str(target)


def _recreate(source: Path, cache: Path, mode: str, asked: dict[str, Any]) -> None:
    from tilepack.transfer.importing import import_cache
    from tilepack.transfer.request import PixelOptions

    result = import_cache(
        source,
        cache,
        **asked,
        mode="OVERWRITE",
        only_missing=mode == "RECREATE_EMPTY_TILES",
        pixels=PixelOptions(whole_tiles=True),
        jobs=threads(),
    )
    tell(result, "Recreated", cache)


def _delete(cache: Path, asked: dict[str, Any]) -> None:
    from tilepack.upkeep.deleting import delete_tiles

    is_bounded = any(value is not None for value in asked.values())
    result = delete_tiles(cache, **asked, all_tiles=not is_bounded, jobs=threads())
    for warning in result.plan.warnings:
        current.warn(warning)
    current.say(f"Deleted {counted(result.deleted, 'tile')} of {cache} in {lasting(result.seconds)}")
