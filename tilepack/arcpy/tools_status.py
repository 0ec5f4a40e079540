"""The tool that reports how far a cache is built, and keeps the cache's own Status.gdb."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tilepack.arcpy import parameters
from tilepack.arcpy.environment import env, located, output_path
from tilepack.arcpy.extents import extent_options
from tilepack.arcpy.messages import current, lasting
from tilepack.arcpy.outputs import made_folders
from tilepack.arcpy.result import tool
from tilepack.arcpy.services import Service, find_service
from tilepack.wording import counted

if TYPE_CHECKING:
    from tilepack.status.keeping import WrittenStatus


@tool
def ManageMapServerCacheStatus(
    input_service: object,
    manage_mode: object,
    scales: object = None,
    num_of_caching_service_instances: object = None,
    report_folder: object = None,
    area_of_interest: object = None,
    report_extent: object = None,
) -> str:
    """Delete, rebuild or report the status of a service's cache.

    A Status.gdb that ArcGIS wrote is touched only where ``arcpy.env.overwriteOutput`` is set, and kept then as
    Status.gdb.arcgis; a report that is there already is replaced only then.

    Args:
        input_service: The service, or the path of a cache or package.
        manage_mode: DELETE_CACHE_STATUS, REBUILD_CACHE_STATUS or REPORT_BUNDLE_STATUS.
        scales: Of a report, scale denominators; none for all levels that hold tiles.
        num_of_caching_service_instances: Means nothing here.
        report_folder: Where a report's Status.gdb is written; it is made where its parent exists.
        area_of_interest: Bounds a report; wins over the extent.
        report_extent: Bounds a report: a rectangle in map units.

    Returns:
        A result whose output is the service.

    Raises:
        ExecuteError: Whatever it is that cannot be done.
    """
    from tilepack.status.keeping import delete_status, rebuild_status

    service = find_service(input_service)
    mode = parameters.literal(
        "manage_mode", manage_mode, "DELETE_CACHE_STATUS", "REBUILD_CACHE_STATUS", "REPORT_BUNDLE_STATUS"
    )
    parameters.instances(num_of_caching_service_instances)
    force = bool(env.overwriteOutput)
    if mode == "REPORT_BUNDLE_STATUS":
        _report(service, scales, report_folder, area_of_interest, report_extent, force=force)
        return str(input_service)
    for name, value in (
        ("scales", parameters.scales(scales)),
        ("report_folder", report_folder),
        ("area_of_interest", area_of_interest),
        ("report_extent", report_extent),
    ):
        parameters.meaningless(name, value, f"it belongs to REPORT_BUNDLE_STATUS, not to {mode}")
    if mode == "DELETE_CACHE_STATUS":
        gone = delete_status(service.cache, force=force)
        if gone is None:
            current.say(f"{service.cache}: there was no Status.gdb to delete")
        elif gone.kept:
            current.say(f"{gone.path}: was ArcGIS' own, and is called {gone.kept.name} now")
        else:
            current.say(f"Deleted {gone.path}")
        return str(input_service)
    begun = time.monotonic()
    _tell(rebuild_status(service.cache, force=force), "Rebuilt", time.monotonic() - begun)
    return str(input_service)


def _report(
    service: Service, scales: object, report_folder: object, area: object, extent: object, *, force: bool
) -> None:
    from tilepack.status.keeping import report_status

    text = parameters.need("report_folder", report_folder)
    folder = located(text) or output_path(text)
    bounds = extent_options("report_extent", extent, service.cache)
    given = parameters.scales(scales)
    asked = parameters.area(area)
    begun = time.monotonic()
    with made_folders(folder):
        written = report_status(service.cache, folder, force=force, scales=given, area=asked, **bounds)
    _tell(written, "Reported", time.monotonic() - begun)


def _tell(written: WrittenStatus, verb: str, seconds: float) -> None:
    report = written.report
    for warning in report.warnings:
        current.warn(warning)
    rows = 0 if report.bundles is None else len(report.bundles)
    current.say(
        f"{verb} the status of {counted(rows, 'bundle')} on {counted(len(report.levels), 'level')} in "
        f"{written.paths[0]}, {lasting(seconds)}"
    )
    for level in report.levels:
        current.say(
            f"Level {level.level}, 1:{level.scale:,.10g}: {level.built:,} of {counted(level.expected, 'tile')} built, "
            f"{level.percent:.4g} %"
        )
    if written.kept:
        current.say(f"ArcGIS' own Status.gdb is called {written.kept.name} now")
