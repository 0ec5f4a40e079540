"""The tools that export and import tiles, and their desktop twins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilepack.arcpy import parameters
from tilepack.arcpy.environment import env, located, output_path, threads
from tilepack.arcpy.extents import extent_options
from tilepack.arcpy.messages import ExecuteError, current
from tilepack.arcpy.outputs import DATA_FRAME, made_folders, staging_folder, tell
from tilepack.arcpy.result import tool
from tilepack.arcpy.services import Service, find_service

if TYPE_CHECKING:
    from tilepack.cache import ItemDescription

FORMATS = ("COMPACT", "COMPACT_V2", "EXPLODED")
_SUFFIXES = {"COMPACT": ".tpk", "COMPACT_V2": ".tpkx"}


@tool
def ExportMapServerCache(
    input_service: object,
    target_cache_path: object,
    export_cache_type: object = "CACHE_DATASET",
    copy_data_from_server: object = "DO_NOT_COPY",
    storage_format_type: object = "COMPACT",
    scales: object = None,
    num_of_caching_service_instances: object = None,
    area_of_interest: object = None,
    export_extent: object = None,
    overwrite: object = "MERGE",
) -> str:
    """Export tiles of a service into ``<target>/<service>/Layers``, ``<target>/<service>.tpk`` or ``.tpkx``.

    Where the target is there already, tiles are merged into it, or overwritten in it.

    Args:
        input_service: The service, or the path of a cache or package.
        target_cache_path: The folder; it is made where its parent exists.
        export_cache_type: CACHE_DATASET or TILE_PACKAGE.
        copy_data_from_server: COPY_DATA builds the target in a staging folder and moves it, else DO_NOT_COPY.
        storage_format_type: COMPACT (.tpk), COMPACT_V2 (.tpkx) or EXPLODED.
        scales: Scale denominators; none for all levels that hold tiles.
        num_of_caching_service_instances: Means nothing here.
        area_of_interest: Clips at pixel resolution; wins over the extent.
        export_extent: A rectangle in map units; whole tiles.
        overwrite: MERGE or OVERWRITE.

    Returns:
        A result whose output is the cache folder or package.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    service = find_service(input_service)
    folder = output_path(parameters.need("target_cache_path", target_cache_path))
    kind = parameters.literal(
        "export_cache_type", export_cache_type, "CACHE_DATASET", "TILE_PACKAGE", default="CACHE_DATASET"
    )
    copies = parameters.literal(
        "copy_data_from_server",
        copy_data_from_server,
        "COPY_DATA",
        "DO_NOT_COPY",
        default="DO_NOT_COPY",
        yes="COPY_DATA",
        no="DO_NOT_COPY",
    )
    storage_format = parameters.literal("storage_format_type", storage_format_type, *FORMATS, default="COMPACT")
    parameters.instances(num_of_caching_service_instances)
    asked: dict[str, Any] = {
        "scales": parameters.scales(scales),
        "area": parameters.area(area_of_interest),
        **extent_options("export_extent", export_extent, service.cache),
    }
    mode = _mode(overwrite)
    if kind == "TILE_PACKAGE":
        _refuse_exploded(storage_format)
        return _export(service, folder, (), service.name + _SUFFIXES[storage_format], None, mode, asked, copies)
    return _export(service, folder, (service.name,), DATA_FRAME, storage_format, mode, asked, copies)


@tool
def ExportTileCache(
    in_cache_source: object,
    in_target_cache_folder: object,
    in_target_cache_name: object,
    export_cache_type: object = "TILE_CACHE",
    storage_format_type: object = "COMPACT_V2",
    scales: object = None,
    area_of_interest: object = None,
) -> str:
    """Export tiles of a cache into ``<folder>/<name>/Layers``, ``<folder>/<name>.tpk`` or ``.tpkx``.

    What is there already is replaced only where ``arcpy.env.overwriteOutput`` is set.

    Args:
        in_cache_source: A cache or package.
        in_target_cache_folder: The folder; it is made where its parent exists.
        in_target_cache_name: Name of the cache or package.
        export_cache_type: TILE_CACHE, TILE_PACKAGE (.tpk, COMPACT) or TILE_PACKAGE_TPKX (.tpkx, COMPACT_V2).
        storage_format_type: COMPACT, COMPACT_V2 or EXPLODED; of packages their kind tells.
        scales: Scale denominators; none for all levels that hold tiles.
        area_of_interest: Clips at pixel resolution.

    Returns:
        A result whose output is the cache folder or package.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    from tilepack.stores.layouts import safe_name

    source = find_service(in_cache_source, "in_cache_source")
    folder = output_path(parameters.need("in_target_cache_folder", in_target_cache_folder))
    given = parameters.need("in_target_cache_name", in_target_cache_name)
    kind = parameters.literal(
        "export_cache_type",
        export_cache_type,
        "TILE_CACHE",
        "TILE_PACKAGE",
        "TILE_PACKAGE_TPKX",
        default="TILE_CACHE",
    )
    storage_format = parameters.literal("storage_format_type", storage_format_type, *FORMATS, default="COMPACT_V2")
    asked: dict[str, Any] = {"scales": parameters.scales(scales), "area": parameters.area(area_of_interest)}
    name = safe_name(given.removesuffix(".tpkx").removesuffix(".tpk") if kind != "TILE_CACHE" else given)
    if kind == "TILE_CACHE":
        return _export(source, folder, (name,), DATA_FRAME, storage_format, None, asked)
    _refuse_exploded(storage_format)
    suffix = ".tpk" if kind == "TILE_PACKAGE" else ".tpkx"
    return _export(source, folder, (), name + suffix, None, None, asked)


def _mode(overwrite: object) -> str:
    return parameters.literal(
        "overwrite", overwrite, "MERGE", "OVERWRITE", default="MERGE", yes="OVERWRITE", no="MERGE"
    )


def _refuse_exploded(storage_format: str) -> None:
    if storage_format == "EXPLODED":
        raise ExecuteError(
            "storage_format_type is EXPLODED, and packages are COMPACT or COMPACT_V2; take one of these, or export "
            "a cache"
        )


def _export(
    service: Service,
    folder: Path,
    inner: tuple[str, ...],
    name: str,
    storage_format: str | None,
    mode: str | None,
    asked: dict[str, Any],
    copies: str = "DO_NOT_COPY",
) -> str:
    """Export into a folder.

    Args:
        service: The source.
        folder: The folder that was given.
        inner: Folders in it to make.
        name: Name in these of the target.
        storage_format: Of a cache folder; None for packages.
        mode: What happens where the target is there already: MERGE, OVERWRITE, or None for an error.
        asked: Selection of levels and tiles.
        copies: COPY_DATA for a staging folder in between.
    """
    from tilepack.stores.layouts import safe_name
    from tilepack.transfer.export import export_cache

    inner = tuple(safe_name(each) for each in inner)
    suffix = Path(name).suffix if storage_format is None else ""
    name = safe_name(name.removesuffix(suffix)) + suffix
    replaces = mode is None and bool(env.overwriteOutput)
    asked = {**asked, "storage_format": storage_format, "jobs": threads()}
    with made_folders(folder, *inner) as place:
        target = place / name
        if storage_format is None and not target.exists():
            asked["description"] = _description(service)
        if copies == "COPY_DATA":
            _export_by_copy(service, target, mode, asked)
        else:
            result = export_cache(service.cache, target, **asked, into_existing=mode, replace=replaces)
            tell(result, "Exported", target)
    return str(target)


def _description(service: Service) -> ItemDescription | None:
    """Give a package the service's name for a title, where the source has none: portals refuse packages without."""
    from tilepack.cache import ItemDescription
    from tilepack.stores.open import open_cache

    with open_cache(service.cache) as reader:
        has_title = bool(reader.info.description.title)
    return None if has_title else ItemDescription(title=service.name)


def _export_by_copy(service: Service, target: Path, mode: str | None, asked: dict[str, Any]) -> None:
    """Build the target in a staging folder, then move it; what is to go into one that exists comes from there too."""
    from tilepack.disk.moving import move_into_place
    from tilepack.transfer.export import export_cache
    from tilepack.transfer.importing import import_cache
    from tilepack.transfer.request import PixelOptions

    with staging_folder() as staging:
        if not target.exists():
            result = export_cache(service.cache, staging / target.name, **asked)
            tell(result, "Exported", target)
            move_into_place(staging / target.name, target)
            current.say(f"COPY_DATA: was built in {staging}, and moved")
            return
        # Whole tiles, blank ones too: what they come to is decided over the tiles of the target.
        uncut = PixelOptions(whole_tiles=True, keep_blank=True)
        staged = {name: value for name, value in asked.items() if name != "storage_format"}
        export_cache(service.cache, staging / DATA_FRAME, **staged, pixels=uncut)
        result = import_cache(staging / DATA_FRAME, target, **staged, mode=mode or "MERGE")
        tell(result, "Exported", target)
        current.say(f"COPY_DATA: went through {staging}")


@tool
def ImportMapServerCache(
    input_service: object,
    source_cache_type: object = "CACHE_DATASET",
    source_cache_dataset: object = None,
    source_tile_package: object = None,
    upload_data_to_server: object = "DO_NOT_UPLOAD",
    scales: object = None,
    num_of_caching_service_instances: object = None,
    area_of_interest: object = None,
    import_extent: object = None,
    overwrite: object = "MERGE",
) -> str:
    """Import tiles into the cache of a service; both need the same tiling scheme, storage formats may differ.

    Args:
        input_service: The service, or the path of its cache or package.
        source_cache_type: CACHE_DATASET or TILE_PACKAGE.
        source_cache_dataset: The source's folder: the cache's own, or one around it.
        source_tile_package: The source's package.
        upload_data_to_server: UPLOAD_DATA or DO_NOT_UPLOAD; means nothing here.
        scales: Scale denominators; none for all levels that hold tiles.
        num_of_caching_service_instances: Means nothing here.
        area_of_interest: Clips at pixel resolution; wins over the extent.
        import_extent: A rectangle in map units; whole tiles.
        overwrite: MERGE or OVERWRITE.

    Returns:
        A result whose output is the service.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    service = find_service(input_service)
    kind = parameters.literal(
        "source_cache_type", source_cache_type, "CACHE_DATASET", "TILE_PACKAGE", default="CACHE_DATASET"
    )
    upload = parameters.literal(
        "upload_data_to_server",
        upload_data_to_server,
        "UPLOAD_DATA",
        "DO_NOT_UPLOAD",
        default="DO_NOT_UPLOAD",
        yes="UPLOAD_DATA",
        no="DO_NOT_UPLOAD",
    )
    if kind == "CACHE_DATASET":
        source = _source("source_cache_dataset", source_cache_dataset)
    else:
        source = _source("source_tile_package", source_tile_package)
    parameters.instances(num_of_caching_service_instances)
    if upload == "UPLOAD_DATA":
        parameters.meaningless("upload_data_to_server", upload, "there is no server, the source is read where it lies")
    asked = extent_options("import_extent", import_extent, source, common=service.cache)
    _import(source, service.cache, scales, area_of_interest, overwrite, dict(asked))
    return str(input_service)


@tool
def ImportTileCache(
    in_cache_target: object,
    in_cache_source: object,
    scales: object = None,
    area_of_interest: object = None,
    overwrite: object = "MERGE",
) -> str:
    """Import tiles into a cache; both need the same tiling scheme, storage formats may differ.

    Args:
        in_cache_target: A cache or package that exists.
        in_cache_source: A cache or package.
        scales: Scale denominators; none for all levels that hold tiles.
        area_of_interest: Clips at pixel resolution.
        overwrite: MERGE or OVERWRITE.

    Returns:
        A result whose output is the target.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    target = find_service(in_cache_target, "in_cache_target")
    source = find_service(in_cache_source, "in_cache_source")
    _import(source.cache, target.cache, scales, area_of_interest, overwrite, {})
    return str(in_cache_target)


def _source(name: str, value: object) -> Path:
    text = parameters.need(name, value)
    return located(text) or Path(text)


def _import(source: Path, target: Path, scales: object, area: object, overwrite: object, asked: dict[str, Any]) -> None:
    from tilepack.transfer.importing import import_cache

    result = import_cache(
        source,
        target,
        **asked,
        mode=_mode(overwrite),
        scales=parameters.scales(scales),
        area=parameters.area(area),
        jobs=threads(),
    )
    tell(result, "Imported", target)
