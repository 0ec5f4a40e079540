"""Taking the status of a cache: what is built of it, and what is missing. Indexes are read, and no tile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypedDict, Unpack

from tilepack.aoi import AreaOfInterest
from tilepack.aoi_given import Area, AreaLike, Bounds, GivenBounds, list_areas, read_bounds
from tilepack.errors import AreaOfInterestError, TilingSchemeError, UnsupportedError
from tilepack.extent import Extent
from tilepack.keys import TileRange
from tilepack.selection import LevelSelection
from tilepack.status.counting import StatusCounter, make_rows, sum_up
from tilepack.status.expected import Expected, ExpectedArea, ExpectedRectangle, tiles_with_centres
from tilepack.status.report import StatusReport
from tilepack.status.rows import BundleRows, LevelStatus
from tilepack.stores.base import TileReader
from tilepack.stores.extents import extent_of_tiles
from tilepack.stores.open import open_cache

MOST_ROWS: Final = 100_000
"""Rows up to which nobody needs to say that they want all of them."""

_LONGEST_NAME: Final = 120
"""Characters of what an area is called; as WKT it may be long."""

_MOST_EVER: Final = 10_000_000
"""Rows up to which they can be had at all: each takes some hundred bytes, and as much again to write."""


class StatusOptions(TypedDict, total=False):
    """What bounds a status, and how closely it looks."""

    levels: str | Iterable[int] | None
    """LevelIDs, as ``"0-7,9"`` or numbers; None for all that hold tiles, or that the area's LevelID column names."""
    scales: str | Iterable[float] | None
    """Scale denominators instead of levels."""
    area: AreaLike | Sequence[AreaLike] | None
    """Area of interest, or several for ranges of levels; wins over extents."""
    extent: Bounds | None
    """xmin, ymin, xmax, ymax in map units, instead of the extent that the cache declares."""
    bbox: Bounds | None
    """West, south, east, north in WGS84 degrees, likewise; west beyond east crosses the antimeridian."""
    all_rows: bool
    """Make more than 100,000 rows if it takes so many."""
    deep: bool
    """Read the lengths in front of V1 tiles, so that sizes are exact and slack is known there too."""


def status_of(
    source: str | Path,
    *,
    bundles: bool = True,
    looking: Callable[[int], None] | None = None,
    **options: Unpack[StatusOptions],
) -> StatusReport:
    """Count what is built of a cache or package and what is missing, by level and by bundle.

    Expected is every tile with at least one pixel centre inside the area; without one, inside the extent that is named,
    else the one that the cache declares, else the box of its tiles.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        bundles: Make a row for each bundle, also for those that are not there.
        looking: Called with the number of bundles looked at so far.
        **options: See ``StatusOptions``.

    Raises:
        UnsupportedError: There are more than 100,000 rows and not all are wanted, or more than can be had.
        TilepackError: The cache, a level or an area cannot be read.
    """
    with open_cache(source) as reader:
        return take_status(reader, options, bundles=bundles, looking=looking)


def take_status(
    reader: TileReader,
    options: StatusOptions,
    *,
    bundles: bool = True,
    looking: Callable[[int], None] | None = None,
) -> StatusReport:
    """Count as ``status_of`` does, on an open cache.

    Raises:
        UnsupportedError: There are more than 100,000 rows and not all are wanted, or more than can be had.
        TilepackError: A bundle, a level or an area cannot be read.
    """
    taken = datetime.now(UTC)
    scheme, all_rows = reader.info.scheme, options.get("all_rows", False)
    given = read_bounds(scheme, area=options.get("area"), extent=options.get("extent"), bbox=options.get("bbox"))
    selection = LevelSelection.of(options.get("levels"), options.get("scales"))
    levels, warnings = _levels(reader, given, selection)
    frame = reader.info.extent or extent_of_tiles(reader)
    is_bounded = given.areas is not None or given.extent is not None or given.box is not None
    extent = given.extent or frame
    expected = [_expected(reader, given, extent, level) for level in levels]
    if bundles:
        _refuse_many(reader.place, sum(each.bundle_count for each in expected), all_rows=all_rows)
    counter = StatusCounter(
        reader, deep=options.get("deep", False), only_expected=is_bounded, rows=bundles, looking=looking
    )
    found: list[LevelStatus] = []
    rows: list[BundleRows] = []
    for level, there in zip(levels, expected, strict=True):
        held = counter.count(level, there)
        found.append(sum_up(scheme, level, there, held))
        if bundles:
            rows.append(make_rows(scheme, level, there, held, frame if is_bounded else None))
            _refuse_many(reader.place, sum(map(len, rows)), all_rows=all_rows)
    warnings += [] if given.areas is None else given.areas.warnings
    warnings += _miss(given, levels, frame, reader.place)
    if found and not any(level.expected for level in found):
        warnings.append("no pixel of any level lies inside, so that no tile is expected")
    return StatusReport(
        place=reader.place,
        info=reader.info,
        extent=None if given.box is not None else extent,
        areas=given.areas,
        box=given.box if given.areas is None else None,
        bounded_by=_describe_bounds(reader, options, extent),
        taken=taken,
        levels=tuple(found),
        bundles=BundleRows.joined(rows) if bundles else None,
        warnings=(*reader.warnings, *warnings),
    )


def _levels(reader: TileReader, given: GivenBounds, selection: LevelSelection) -> tuple[list[int], list[str]]:
    """Choose the levels: those named, else those of the area's own LevelID column, else those that hold tiles."""
    scheme = reader.info.scheme
    own = None if given.areas is None else given.areas.named_levels()
    try:
        if selection.takes_all and own is not None:
            return sorted(scheme.level(level).level for level in own), []
        held = [level for level in reader.levels() if level in scheme.level_ids and _holds_tiles(reader, level)]
        levels, warnings = selection.choose(scheme, held)
    except TilingSchemeError as error:
        raise TilingSchemeError(f"{reader.place}: {error}") from error
    if given.areas is not None:
        given.areas.require_levels(levels)
    return levels, warnings


def _holds_tiles(reader: TileReader, level: int) -> bool:
    return any(reader.summary(bundle).tiles for bundle in reader.bundles(level))


def _area(given: GivenBounds, level: int) -> AreaOfInterest | None:
    return given.box if given.areas is None else given.areas.at(level)


def _expected(reader: TileReader, given: GivenBounds, extent: Extent | None, level: int) -> Expected:
    area = _area(given, level)
    if area is not None:
        return ExpectedArea(area, level, reader.place)
    if extent is None:
        none = TileRange(level=level, row_start=0, row_stop=0, column_start=0, column_stop=0)
        return ExpectedRectangle(none)
    return ExpectedRectangle(tiles_with_centres(reader.info.scheme, extent, level))


def _refuse_many(place: str, rows: int, *, all_rows: bool) -> None:
    """Refuse more rows than are wanted, or can be had.

    Raises:
        UnsupportedError: There are more.
    """
    if rows > _MOST_EVER:
        raise UnsupportedError(
            f"{place}: the report would have {rows:,} rows, one for each bundle; at most {_MOST_EVER:,} can be made, "
            "choose fewer levels or a smaller area"
        )
    if rows > MOST_ROWS and not all_rows:
        raise UnsupportedError(
            f"{place}: the report would have {rows:,} rows, one for each bundle; choose fewer levels or a smaller "
            "area, or say that all are wanted (--all)"
        )


def _miss(given: GivenBounds, levels: Sequence[int], frame: Extent | None, place: str) -> list[str]:
    """Warn of an area that lies apart from the cache: it may be in another spatial reference than is thought."""
    for level in levels:
        area = _area(given, level)
        if area is not None and frame is not None:
            try:
                area.require_meeting(frame, place)
            except AreaOfInterestError as error:
                return [str(error)]
    return []


def _describe_bounds(reader: TileReader, options: StatusOptions, extent: Extent | None) -> str:
    """Say what bounds a status."""
    area, bbox = options.get("area"), options.get("bbox")
    if area is not None:
        return "; ".join(_describe_area(each) for each in list_areas(area))
    if bbox is not None:
        return f"{', '.join(f'{number:.10g}' for number in bbox)} in degrees"
    if options.get("extent") is not None:
        return f"{extent} in map units"
    if extent is None:
        return "nothing: it declares no extent, and holds no tile"
    return f"{extent}, {'as the cache declares' if reader.info.extent is not None else 'around all its tiles'}"


def _describe_area(asked: Area) -> str:
    """Name an area: a file as it is, geometry by how it begins."""
    text = "GeoJSON" if isinstance(asked.source, Mapping) else " ".join(str(asked.source).split())
    text = text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 4]} ..."
    if asked.scales is not None:
        text = f"{','.join(f'1:{scale:.10g}' for scale in asked.scales)}={text}"
    text += "" if asked.layer is None else f", layer {asked.layer}"
    return text if asked.where is None else f"{text}, where {asked.where}"
