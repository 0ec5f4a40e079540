"""tilepack: read, write and convert ArcGIS tile caches and packages, offline.

>>> import tilepack
>>> with tilepack.open("Usa.tpkx") as cache:            # doctest: +SKIP
...     data = cache.read(tilepack.TileKey(5, 12, 8))
>>> tilepack.convert("Usa.tpkx", "usa.tpk")             # doctest: +SKIP

Names are imported when they are first used: ``import tilepack`` alone loads neither numpy nor anything else that takes
time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tilepack._version import __version__

if TYPE_CHECKING:
    from tilepack.aoi_given import Area
    from tilepack.building.build import build, plan_build
    from tilepack.building.into import JoinedBuild, build_into, plan_build_into
    from tilepack.building.plan import BuildPlan, BuildResult, BuiltLevel
    from tilepack.building.planning import BuildOptions
    from tilepack.building.resampling import Resampling
    from tilepack.cache import CacheInfo, ItemDescription, StorageFormat, TileFormat
    from tilepack.errors import (
        AreaOfInterestError,
        BundleError,
        CacheExistsError,
        CacheNotFoundError,
        JobFileError,
        MetadataError,
        TileError,
        TilepackError,
        TilingSchemeError,
        TransferError,
        UnsupportedError,
    )
    from tilepack.extent import Extent
    from tilepack.inspect.diff import diff
    from tilepack.inspect.difference import (
        BundleDifference,
        CacheDifference,
        DifferenceCounts,
        LevelDifference,
        TileDifference,
    )
    from tilepack.inspect.findings import Finding, Findings
    from tilepack.inspect.levels import levels_of
    from tilepack.inspect.listing import list_bundles, list_tiles
    from tilepack.inspect.preview import Preview, preview
    from tilepack.inspect.probe import probe
    from tilepack.inspect.report import CacheReport, LevelReport
    from tilepack.inspect.rules import Severity
    from tilepack.inspect.verify import verify
    from tilepack.jobs.report import JobOutcome, JobsReport, JobState
    from tilepack.jobs.running import run_jobs
    from tilepack.keys import BundleKey, TileKey, TileRange
    from tilepack.metadata.custom_scheme import custom_scheme
    from tilepack.pixels.given_thumbnail import read_thumbnail
    from tilepack.scheme import LevelOfDetail, TilingScheme
    from tilepack.selection import LevelSelection
    from tilepack.spatial import SpatialReference
    from tilepack.status.keeping import DeletedStatus, WrittenStatus, delete_status, rebuild_status, report_status
    from tilepack.status.report import StatusReport
    from tilepack.status.rows import BuildStatus, BundleRows, LevelStatus
    from tilepack.status.showing import draw_status, status_page, status_pictures
    from tilepack.status.taking import StatusOptions, status_of
    from tilepack.stores.base import BundleSummary, TileReader
    from tilepack.stores.open import open_cache as open  # noqa: A004  as in tilepack.open(path)
    from tilepack.stores.targets import TargetKind, target_kind
    from tilepack.transfer.convert import ConvertOptions, convert, plan_convert
    from tilepack.transfer.creating import CreateOptions, CreationPlan, create_cache, plan_create
    from tilepack.transfer.export import ExportOptions, export_cache, plan_export
    from tilepack.transfer.importing import ImportOptions, import_cache, plan_import
    from tilepack.transfer.plan import BundleTask, TransferPlan
    from tilepack.transfer.request import PixelOptions
    from tilepack.transfer.result import TileCounts, TransferResult
    from tilepack.upkeep.compacting import CompactionPlan, CompactionResult, CompactionTask, compact, plan_compact
    from tilepack.upkeep.deleting import delete_tiles, plan_delete
    from tilepack.upkeep.deletion import DeletionPlan, DeletionResult, DeletionTask
    from tilepack.upkeep.deletion_planning import DeleteOptions
    from tilepack.upkeep.in_place import convert_in_place
    from tilepack.upkeep.removing import DeletedCache, delete_cache
    from tilepack.upkeep.repair_plan import RepairPlan, RepairResult
    from tilepack.upkeep.repairing import plan_repair, repair

_HOMES = {
    "Area": "aoi_given",
    "AreaOfInterestError": "errors",
    "BuildOptions": "building.planning",
    "BuildPlan": "building.plan",
    "BuildResult": "building.plan",
    "BuildStatus": "status.rows",
    "BuiltLevel": "building.plan",
    "BundleDifference": "inspect.difference",
    "BundleError": "errors",
    "BundleKey": "keys",
    "BundleRows": "status.rows",
    "BundleSummary": "stores.base",
    "BundleTask": "transfer.plan",
    "CacheDifference": "inspect.difference",
    "CacheExistsError": "errors",
    "CacheInfo": "cache",
    "CacheNotFoundError": "errors",
    "CacheReport": "inspect.report",
    "CompactionPlan": "upkeep.compacting",
    "CompactionResult": "upkeep.compacting",
    "CompactionTask": "upkeep.compacting",
    "ConvertOptions": "transfer.convert",
    "CreateOptions": "transfer.creating",
    "CreationPlan": "transfer.creating",
    "DeleteOptions": "upkeep.deletion_planning",
    "DeletedCache": "upkeep.removing",
    "DeletedStatus": "status.keeping",
    "DeletionPlan": "upkeep.deletion",
    "DeletionResult": "upkeep.deletion",
    "DeletionTask": "upkeep.deletion",
    "DifferenceCounts": "inspect.difference",
    "ExportOptions": "transfer.export",
    "Extent": "extent",
    "Finding": "inspect.findings",
    "Findings": "inspect.findings",
    "ImportOptions": "transfer.importing",
    "ItemDescription": "cache",
    "JobFileError": "errors",
    "JobOutcome": "jobs.report",
    "JobState": "jobs.report",
    "JobsReport": "jobs.report",
    "JoinedBuild": "building.into",
    "LevelDifference": "inspect.difference",
    "LevelOfDetail": "scheme",
    "LevelReport": "inspect.report",
    "LevelSelection": "selection",
    "LevelStatus": "status.rows",
    "MetadataError": "errors",
    "PixelOptions": "transfer.request",
    "Preview": "inspect.preview",
    "RepairPlan": "upkeep.repair_plan",
    "RepairResult": "upkeep.repair_plan",
    "Resampling": "building.resampling",
    "Severity": "inspect.rules",
    "SpatialReference": "spatial",
    "StatusOptions": "status.taking",
    "StatusReport": "status.report",
    "StorageFormat": "cache",
    "TargetKind": "stores.targets",
    "TileCounts": "transfer.result",
    "TileDifference": "inspect.difference",
    "TileError": "errors",
    "TileFormat": "cache",
    "TileKey": "keys",
    "TileRange": "keys",
    "TileReader": "stores.base",
    "TilepackError": "errors",
    "TilingScheme": "scheme",
    "TilingSchemeError": "errors",
    "TransferError": "errors",
    "TransferPlan": "transfer.plan",
    "TransferResult": "transfer.result",
    "UnsupportedError": "errors",
    "WrittenStatus": "status.keeping",
    "build": "building.build",
    "build_into": "building.into",
    "compact": "upkeep.compacting",
    "convert": "transfer.convert",
    "convert_in_place": "upkeep.in_place",
    "create_cache": "transfer.creating",
    "custom_scheme": "metadata.custom_scheme",
    "delete_cache": "upkeep.removing",
    "delete_status": "status.keeping",
    "delete_tiles": "upkeep.deleting",
    "diff": "inspect.diff",
    "draw_status": "status.showing",
    "export_cache": "transfer.export",
    "import_cache": "transfer.importing",
    "levels_of": "inspect.levels",
    "list_bundles": "inspect.listing",
    "list_tiles": "inspect.listing",
    "open": "stores.open",
    "plan_build": "building.build",
    "plan_build_into": "building.into",
    "plan_compact": "upkeep.compacting",
    "plan_convert": "transfer.convert",
    "plan_create": "transfer.creating",
    "plan_delete": "upkeep.deleting",
    "plan_export": "transfer.export",
    "plan_import": "transfer.importing",
    "plan_repair": "upkeep.repairing",
    "preview": "inspect.preview",
    "probe": "inspect.probe",
    "read_thumbnail": "pixels.given_thumbnail",
    "rebuild_status": "status.keeping",
    "repair": "upkeep.repairing",
    "report_status": "status.keeping",
    "run_jobs": "jobs.running",
    "status_of": "status.taking",
    "status_page": "status.showing",
    "status_pictures": "status.showing",
    "target_kind": "stores.targets",
    "verify": "inspect.verify",
}

__all__ = [
    "Area",
    "AreaOfInterestError",
    "BuildOptions",
    "BuildPlan",
    "BuildResult",
    "BuildStatus",
    "BuiltLevel",
    "BundleDifference",
    "BundleError",
    "BundleKey",
    "BundleRows",
    "BundleSummary",
    "BundleTask",
    "CacheDifference",
    "CacheExistsError",
    "CacheInfo",
    "CacheNotFoundError",
    "CacheReport",
    "CompactionPlan",
    "CompactionResult",
    "CompactionTask",
    "ConvertOptions",
    "CreateOptions",
    "CreationPlan",
    "DeleteOptions",
    "DeletedCache",
    "DeletedStatus",
    "DeletionPlan",
    "DeletionResult",
    "DeletionTask",
    "DifferenceCounts",
    "ExportOptions",
    "Extent",
    "Finding",
    "Findings",
    "ImportOptions",
    "ItemDescription",
    "JobFileError",
    "JobOutcome",
    "JobState",
    "JobsReport",
    "JoinedBuild",
    "LevelDifference",
    "LevelOfDetail",
    "LevelReport",
    "LevelSelection",
    "LevelStatus",
    "MetadataError",
    "PixelOptions",
    "Preview",
    "RepairPlan",
    "RepairResult",
    "Resampling",
    "Severity",
    "SpatialReference",
    "StatusOptions",
    "StatusReport",
    "StorageFormat",
    "TargetKind",
    "TileCounts",
    "TileDifference",
    "TileError",
    "TileFormat",
    "TileKey",
    "TileRange",
    "TileReader",
    "TilepackError",
    "TilingScheme",
    "TilingSchemeError",
    "TransferError",
    "TransferPlan",
    "TransferResult",
    "UnsupportedError",
    "WrittenStatus",
    "__version__",
    "build",
    "build_into",
    "compact",
    "convert",
    "convert_in_place",
    "create_cache",
    "custom_scheme",
    "delete_cache",
    "delete_status",
    "delete_tiles",
    "diff",
    "draw_status",
    "export_cache",
    "import_cache",
    "levels_of",
    "list_bundles",
    "list_tiles",
    "open",
    "plan_build",
    "plan_build_into",
    "plan_compact",
    "plan_convert",
    "plan_create",
    "plan_delete",
    "plan_export",
    "plan_import",
    "plan_repair",
    "preview",
    "probe",
    "read_thumbnail",
    "rebuild_status",
    "repair",
    "report_status",
    "run_jobs",
    "status_of",
    "status_page",
    "status_pictures",
    "target_kind",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name from where it lives."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tilepack' has no attribute {name!r}")
    value = getattr(import_module(f"tilepack.{home}"), "open_cache" if name == "open" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
