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
    from tilepack.scheme import LevelOfDetail, TilingScheme
    from tilepack.selection import LevelSelection
    from tilepack.spatial import SpatialReference
    from tilepack.status.keeping import DeletedStatus, WrittenStatus, delete_status, rebuild_status, report_status
    from tilepack.status.report import StatusReport
    from tilepack.status.rows import BuildStatus, BundleRows, LevelStatus
    from tilepack.status.taking import StatusOptions, status_of
    from tilepack.stores.base import BundleSummary, TileReader
    from tilepack.stores.open import open_cache as open  # noqa: A004  as in tilepack.open(path)
    from tilepack.stores.targets import TargetKind, target_kind
    from tilepack.transfer.convert import convert, plan_convert
    from tilepack.transfer.creating import CreateOptions, CreationPlan, create_cache, plan_create
    from tilepack.transfer.export import ExportOptions, export_cache, plan_export
    from tilepack.transfer.importing import ImportOptions, import_cache, plan_import
    from tilepack.transfer.plan import BundleTask, TransferPlan
    from tilepack.transfer.request import PixelOptions
    from tilepack.transfer.result import TileCounts, TransferResult

_HOMES = {
    "Area": "aoi_given",
    "AreaOfInterestError": "errors",
    "BuildStatus": "status.rows",
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
    "CreateOptions": "transfer.creating",
    "CreationPlan": "transfer.creating",
    "DeletedStatus": "status.keeping",
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
    "LevelDifference": "inspect.difference",
    "LevelOfDetail": "scheme",
    "LevelReport": "inspect.report",
    "LevelSelection": "selection",
    "LevelStatus": "status.rows",
    "MetadataError": "errors",
    "PixelOptions": "transfer.request",
    "Preview": "inspect.preview",
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
    "convert": "transfer.convert",
    "create_cache": "transfer.creating",
    "custom_scheme": "metadata.custom_scheme",
    "delete_status": "status.keeping",
    "diff": "inspect.diff",
    "export_cache": "transfer.export",
    "import_cache": "transfer.importing",
    "levels_of": "inspect.levels",
    "list_bundles": "inspect.listing",
    "list_tiles": "inspect.listing",
    "open": "stores.open",
    "plan_convert": "transfer.convert",
    "plan_create": "transfer.creating",
    "plan_export": "transfer.export",
    "plan_import": "transfer.importing",
    "preview": "inspect.preview",
    "probe": "inspect.probe",
    "rebuild_status": "status.keeping",
    "report_status": "status.keeping",
    "run_jobs": "jobs.running",
    "status_of": "status.taking",
    "target_kind": "stores.targets",
    "verify": "inspect.verify",
}

__all__ = [
    "Area",
    "AreaOfInterestError",
    "BuildStatus",
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
    "CreateOptions",
    "CreationPlan",
    "DeletedStatus",
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
    "LevelDifference",
    "LevelOfDetail",
    "LevelReport",
    "LevelSelection",
    "LevelStatus",
    "MetadataError",
    "PixelOptions",
    "Preview",
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
    "convert",
    "create_cache",
    "custom_scheme",
    "delete_status",
    "diff",
    "export_cache",
    "import_cache",
    "levels_of",
    "list_bundles",
    "list_tiles",
    "open",
    "plan_convert",
    "plan_create",
    "plan_export",
    "plan_import",
    "preview",
    "probe",
    "rebuild_status",
    "report_status",
    "run_jobs",
    "status_of",
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
