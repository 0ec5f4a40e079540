"""Exporting: the levels and tiles asked for into a new target, cut at pixel resolution to an area of interest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

from tilepack.aoi import AreaOfInterest
from tilepack.aoi_levels import AreasByLevel, LevelRanges, split_levels
from tilepack.areas.reading import CrsLike
from tilepack.cache import ItemDescription, StorageFormat
from tilepack.errors import AreaOfInterestError
from tilepack.extent import Extent
from tilepack.scheme import TilingScheme
from tilepack.selection import LevelSelection
from tilepack.stores.base import TileReader
from tilepack.stores.open import open_cache
from tilepack.stores.targets import parse_storage_format
from tilepack.transfer.counting import Progress
from tilepack.transfer.describe import description_warnings
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.planning import plan_transfer
from tilepack.transfer.request import PixelOptions, TransferRequest
from tilepack.transfer.run import TransferResult, run_transfer

_DEGREES: Final = "EPSG:4326"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area of interest as it is given, before it is read."""

    source: str | Path | Mapping[str, Any]
    """Path of a vector file, or of a layer in one (``x.gdb/layer``); WKT; or GeoJSON, as text or parsed. A text may
    begin with the LevelIDs it is for: ``0-8,10=country.gpkg``. An area without is for all that no other names."""
    layer: str | None = None
    """Layer of a file that has several."""
    where: str | None = None
    """Attribute filter, in SQL."""
    crs: CrsLike | None = None
    """Spatial reference of the coordinates; needed where the source names none."""

    def split(self) -> tuple[LevelRanges | None, str | Path | Mapping[str, Any]]:
        """Part the levels that the area is for, None for all others, from what it is.

        Raises:
            AreaOfInterestError: What stands before the ``=`` means no levels.
        """
        return split_levels(self.source) if isinstance(self.source, str) else (None, self.source)


AreaLike = str | Path | Mapping[str, Any] | Area
Bounds = tuple[float, float, float, float]


class ExportOptions(TypedDict, total=False):
    """What ``export_cache`` and ``plan_export`` take beside source and target."""

    storage_format: StorageFormat | str | None
    """For folders: COMPACT, COMPACT_V2 (the default) or EXPLODED."""
    levels: str | Iterable[int] | None
    """LevelIDs, as ``"0-7,9"`` or numbers; None for all that hold tiles."""
    scales: str | Iterable[float] | None
    """Scale denominators instead of levels."""
    area: AreaLike | Sequence[AreaLike] | None
    """Area of interest, or several for ranges of levels; it cuts, and wins over extents."""
    extent: Bounds | None
    """xmin, ymin, xmax, ymax in map units; takes the tiles that it meets with more than an edge, and cuts nothing."""
    bbox: Bounds | None
    """West, south, east, north in WGS84 degrees, likewise; west beyond east crosses the antimeridian."""
    replace: bool
    """The target may exist; it is replaced when the new one is whole."""
    ready_to_serve: bool | None
    """Describe a folder by root.json instead of conf.xml; None: as the source is."""
    pixels: PixelOptions
    """What happens at the area's edge."""
    description: ItemDescription | None
    """What the target says instead of the source, where it says something."""
    thumbnail: bytes | None
    """PNG; None draws one from the tiles."""


def export_cache(
    source: str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    looking: Callable[[int], None] | None = None,
    planned: Callable[[TransferPlan], None] | None = None,
    progress: Progress | None = None,
    **options: Unpack[ExportOptions],
) -> TransferResult:
    """Export part of a cache or package into a new one, cut at pixel resolution to an area of interest.

    A pixel is inside when its centre is, by the even-odd rule. Tiles wholly inside move as bytes, tiles wholly outside
    are left out, and only those that the area's edge crosses are decoded.

    Args:
        source: A cache folder, its conf.xml or root.json, a .tpk or a .tpkx.
        target: What to make: ``.tpk`` (COMPACT), ``.tpkx`` (COMPACT_V2), else a cache folder.
        jobs: Threads; None for as many as there are processors. The bytes written do not depend on it.
        looking: Called with the number of bundles looked at so far, while the plan is made.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        progress: Called with tiles and bytes moved since the last call, from any thread.
        **options: See ``ExportOptions``.

    Raises:
        TilepackError: Whatever it is that cannot be done; nothing stands under the target's name then.
    """
    with open_cache(source) as reader:
        plan = _plan(reader, Path(target), options, looking)
        if planned is not None:
            planned(plan)
        return run_transfer(plan, reader, jobs=jobs, progress=progress)


def plan_export(
    source: str | Path,
    target: str | Path,
    *,
    looking: Callable[[int], None] | None = None,
    **options: Unpack[ExportOptions],
) -> TransferPlan:
    """Plan what ``export_cache`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    with open_cache(source) as reader:
        return _plan(reader, Path(target), options, looking)


def _plan(
    reader: TileReader, target: Path, options: ExportOptions, looking: Callable[[int], None] | None
) -> TransferPlan:
    plan = plan_transfer(reader, _request(reader, target, options), looking)
    return replace(plan, warnings=(*plan.warnings, *description_warnings(plan.kind, plan.info, plan.request)))


def _request(reader: TileReader, target: Path, options: ExportOptions) -> TransferRequest:
    scheme = reader.info.scheme
    area, extent, bbox = options.get("area"), options.get("extent"), options.get("bbox")
    if extent is not None and bbox is not None:
        raise AreaOfInterestError("extent and bbox were both given; choose by one of them")
    areas = None if area is None else read_areas(area, scheme)
    if areas is not None and (extent or bbox):
        areas.warnings.append("area of interest and extent were both given; the area counts")
    storage_format = options.get("storage_format")
    return TransferRequest(
        target=target,
        storage_format=None if storage_format is None else parse_storage_format(storage_format),
        levels=LevelSelection.of(options.get("levels"), options.get("scales")),
        replace=options.get("replace", False),
        ready_to_serve=options.get("ready_to_serve"),
        areas=areas,
        extent=None if extent is None else _extent(extent),
        box=None if bbox is None else _box(bbox, scheme),
        pixels=options.get("pixels", PixelOptions()),
        description=options.get("description"),
        thumbnail=options.get("thumbnail"),
    )


def read_areas(area: AreaLike | Sequence[AreaLike], scheme: TilingScheme) -> AreasByLevel:
    """Read one area of interest, or several for ranges of levels, into a cache's spatial reference.

    Raises:
        AreaOfInterestError: An area cannot be read or reprojected.
    """
    given = [area] if isinstance(area, str | Path | Mapping | Area) else list(area)
    read: list[tuple[LevelRanges | None, AreaOfInterest]] = []
    for each in given:
        asked = each if isinstance(each, Area) else Area(source=each)
        ranges, source = asked.split()
        read.append((ranges, AreaOfInterest.read(source, scheme, layer=asked.layer, where=asked.where, crs=asked.crs)))
    return AreasByLevel(read)


def _extent(bounds: Bounds) -> Extent:
    xmin, ymin, xmax, ymax = bounds
    try:
        return Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    except ValueError as error:
        raise AreaOfInterestError(f"{error}; write an extent as xmin, ymin, xmax, ymax") from error


def _box(bounds: Bounds, scheme: TilingScheme) -> AreaOfInterest:
    """Read a rectangle in degrees; one that crosses the antimeridian goes on beyond 180."""
    west, south, east, north = bounds
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90 and west != east):
        raise AreaOfInterestError(
            f"{west}, {south}, {east}, {north} is no rectangle in degrees; write it as west, south, east, north"
        )
    east += 360 if east < west else 0
    ring = ", ".join(
        f"{x!r} {y!r}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
    )
    return AreaOfInterest.read(f"POLYGON (({ring}))", scheme, crs=_DEGREES)
