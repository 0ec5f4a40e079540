"""The tools that create, delete and convert the cache of a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilepack.arcpy import parameters
from tilepack.arcpy.environment import located, output_path, threads
from tilepack.arcpy.messages import ExecuteError, current
from tilepack.arcpy.outputs import DATA_FRAME, made_folders, tell
from tilepack.arcpy.result import tool
from tilepack.arcpy.schemes import read_scheme, standard_scheme_of
from tilepack.arcpy.services import CACHE_DIRECTORY, Service, ServiceName, cache_directory, find_service, service_name
from tilepack.errors import CacheNotFoundError
from tilepack.wording import counted

if TYPE_CHECKING:
    from tilepack.transfer.creating import CreationPlan

TILE_SIZES = ("128_X_128", "256_X_256", "512_X_512", "1024_X_1024")
TILE_FORMATS = ("PNG", "PNG8", "PNG24", "PNG32", "JPEG", "MIXED", "LERC")
READY = ("READY_TO_SERVE_FORMAT", "NON_READY_TO_SERVE_FORMAT")


@tool
def CreateMapServerCache(
    input_service: object,
    service_cache_directory: object = None,
    tiling_scheme_type: object = "NEW",
    scales_type: object = "STANDARD",
    num_of_scales: object = None,
    dots_per_inch: object = 96,
    tile_size: object = "256 x 256",
    predefined_tiling_scheme: object = None,
    tile_origin: object = None,
    scales: object = None,
    cache_tile_format: object = "PNG",
    tile_compression_quality: object = None,
    storage_format: object = "COMPACT",
    ready_to_serve_format: object = "NON_READY_TO_SERVE_FORMAT",
) -> str:
    """Create the cache of a service, without tiles, as ``<directory>/<service>/Layers``.

    There is no map to take a spatial reference from: a NEW scheme has that of ``tile_origin``'s standard scheme, web
    mercator where nothing is said. For any other, make a scheme file and give it as a PREDEFINED one.

    Args:
        input_service: The service's string; its cache is not there yet.
        service_cache_directory: The folder of caches; none for TILEPACK_CACHE_DIR.
        tiling_scheme_type: NEW or PREDEFINED.
        scales_type: STANDARD takes the levels of ArcGIS Online, CUSTOM the scales listed.
        num_of_scales: Of STANDARD, how many levels; none for all.
        dots_per_inch: Pixels to the inch, by which scales become resolutions.
        tile_size: ``128 x 128``, ``256 x 256``, ``512 x 512`` or ``1024 x 1024``.
        predefined_tiling_scheme: A tiling scheme file, conf.xml, cache or map service.
        tile_origin: Upper left corner of the scheme: ArcGIS Online's (the default), or -180 90 for degrees.
        scales: Scale denominators of a CUSTOM scheme, or those of a PREDEFINED one that the cache is to know.
        cache_tile_format: PNG, PNG8, PNG24, PNG32, JPEG, MIXED or LERC; PREDEFINED schemes may say theirs.
        tile_compression_quality: 0 to 100, of JPEG and MIXED.
        storage_format: COMPACT, COMPACT_V2 or EXPLODED.
        ready_to_serve_format: READY_TO_SERVE_FORMAT describes the cache by root.json, and makes it COMPACT_V2.

    Returns:
        A result whose output is the cache's folder.

    Raises:
        ExecuteError: Whatever it is that cannot be done; also where the cache is there already.
    """
    from tilepack.stores.layouts import safe_name
    from tilepack.transfer.creating import create_cache

    service = _named(input_service)
    kind = parameters.literal("tiling_scheme_type", tiling_scheme_type, "NEW", "PREDEFINED", default="NEW")
    served = parameters.literal(
        "ready_to_serve_format", ready_to_serve_format, *READY, default=READY[1], yes=READY[0], no=READY[1]
    )
    tile_format = parameters.literal("cache_tile_format", cache_tile_format, *TILE_FORMATS, default="PNG")
    quality = parameters.whole("tile_compression_quality", tile_compression_quality)
    if quality is not None and tile_format not in ("JPEG", "MIXED"):
        parameters.meaningless("tile_compression_quality", quality, f"{tile_format} tiles have none")
        quality = None
    stored = parameters.literal(
        "storage_format", storage_format, "COMPACT", "COMPACT_V2", "EXPLODED", default="COMPACT"
    )
    listed = parameters.scales(scales)
    asked: dict[str, Any] = {"scales": None}
    if kind == "PREDEFINED":
        asked["scheme"] = read_scheme("predefined_tiling_scheme", predefined_tiling_scheme)
        asked["scales"] = listed
    else:
        asked["scheme"] = standard_scheme_of(
            parameters.pair("tile_origin", tile_origin),
            scales=listed if _is_custom(scales_type, listed) else None,
            count=parameters.whole("num_of_scales", num_of_scales),
            dpi=parameters.number("dots_per_inch", dots_per_inch, 96) or 96,
            tile_size=side_of(tile_size),
        )
    is_served = served == READY[0]
    with made_folders(_directory(service_cache_directory), safe_name(service.whole)) as folder:
        target = folder / DATA_FRAME
        info = create_cache(
            target,
            **asked,
            tile_format=tile_format,
            quality=quality,
            storage_format="COMPACT_V2" if is_served else stored,
            ready_to_serve=is_served,
            planned=_warn,
        )
    current.say(
        f"Created {target}: {counted(len(info.scheme.levels), 'level')}, {info.tile_format}, {info.storage_format}"
    )
    return str(target)


def _warn(plan: CreationPlan) -> None:
    for text in plan.warnings:
        current.warn(text)


def _is_custom(scales_type: object, listed: list[float] | None) -> bool:
    kind = parameters.literal("scales_type", scales_type, "STANDARD", "CUSTOM", default="STANDARD")
    if kind == "CUSTOM" and listed is None:
        raise ExecuteError("scales_type is CUSTOM, and no scales are listed; list them, or take STANDARD")
    return kind == "CUSTOM"


def _named(value: object) -> ServiceName:
    text = parameters.need("input_service", value)
    service = service_name(text)
    if service is None:
        raise ExecuteError(f"{text} names no service; write it as folder/Service.MapServer")
    return service.spellings()[-1]


def _directory(given: object) -> Path:
    if parameters.is_given(given):
        text = str(given)
        return located(text) or output_path(text)
    directory = cache_directory()
    if directory is None:
        raise CacheNotFoundError(
            f"service_cache_directory was left out, and {CACHE_DIRECTORY} is not set; give one of them"
        )
    return directory


def side_of(tile_size: object) -> int:
    """Read a tile size: ``256 x 256``.

    Raises:
        ExecuteError: It is none of those that ArcGIS has.
    """
    text = str(tile_size).replace(" ", "") if parameters.is_given(tile_size) else "256x256"
    word = f"{text}x{text}" if text.isdecimal() else text
    chosen = parameters.literal("tile_size", word.lower().replace("x", " x "), *TILE_SIZES)
    return int(chosen.split("_")[0])


def _whose_cache(input_service: object) -> Service:
    """Find a service whose cache is to become another, or to go: a folder further up is not enough to name it by."""
    service = find_service(input_service)
    if service.root not in (service.cache, service.cache.parent):
        raise ExecuteError(
            f"{service.root}: is neither a cache nor a service's folder; if this one is meant, give {service.cache}"
        )
    return service


@tool
def DeleteMapServerCache(input_service: object, num_of_caching_service_instances: object = None) -> str:
    """Delete the cache of a service: what a cache consists of, and nothing else; links are not followed.

    Args:
        input_service: The service, or the path of its cache or package.
        num_of_caching_service_instances: Means nothing here.

    Returns:
        A result whose output is the service.

    Raises:
        ExecuteError: There is something else in the folder, and nothing was deleted; or whatever cannot be done.
    """
    from contextlib import suppress

    from tilepack.upkeep.removing import delete_cache

    service = _whose_cache(input_service)
    parameters.instances(num_of_caching_service_instances)
    gone = delete_cache(service.cache)
    for link in gone.links:
        current.warn(f"{link}: was a link and is gone; what it led to is still there")
    if gone.path != service.root:  # the service's own folder goes too, unless something else is in it
        with suppress(OSError):
            gone.path.parent.rmdir()
    current.say(f"Deleted {gone.path}: {counted(gone.files, 'file')}, {gone.file_bytes:,} bytes")
    return str(input_service)


@tool
def ConvertMapServerCacheStorageFormat(
    input_service: object, num_of_caching_service_instances: object = None, *, storage_format: object = None
) -> str:
    """Convert the cache of a service in place: EXPLODED to COMPACT_V2, anything compact to EXPLODED.

    The new one grows beside and takes the old one's name when it is whole; tilepack.upkeep.in_place says what a kill
    leaves.

    Args:
        input_service: The service, or the path of its cache.
        num_of_caching_service_instances: Means nothing here.
        storage_format: COMPACT, COMPACT_V2 or EXPLODED instead; ArcGIS has no such parameter.

    Returns:
        A result whose output is the service.

    Raises:
        ExecuteError: Whatever it is that cannot be done; the cache is as it was then.
    """
    from tilepack.cache import StorageFormat
    from tilepack.stores.open import open_cache
    from tilepack.upkeep.in_place import convert_in_place

    service = _whose_cache(input_service)
    parameters.instances(num_of_caching_service_instances)
    with open_cache(service.cache) as reader:
        here = reader.info.storage_format
    other = "COMPACT_V2" if here is StorageFormat.EXPLODED else "EXPLODED"
    wanted = parameters.literal("storage_format", storage_format, *StorageFormat, default=other)
    result = convert_in_place(service.cache, wanted, jobs=threads())
    tell(result, f"Converted from {here} to {wanted}:", service.cache)
    return str(input_service)
