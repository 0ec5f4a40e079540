"""Previews: what a cache looks like, as one picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilepack.aoi_given import AreaLike, Bounds, read_areas, read_bounds
from tilepack.cache import TileFormat
from tilepack.errors import AreaOfInterestError, BundleError, CacheNotFoundError, TileError, UnsupportedError
from tilepack.extent import Extent
from tilepack.inspect.overlays import draw_area, draw_grid, name_cells
from tilepack.inspect.probe import probe
from tilepack.inspect.stitching import Stitched, stitch
from tilepack.keys import PACKET_SIZE
from tilepack.pixels.blend import Pixels
from tilepack.pixels.codec import encode_png
from tilepack.pixels.drawing import lay_on_checkerboard
from tilepack.pixels.mosaic import Axis, snapped
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.stores.base import TileReader
from tilepack.stores.open import open_cache

LARGEST_SIDE: Final = 16384
"""Pixels of a picture's longer side."""

LARGEST_PICTURE: Final = 1 << 25
"""Pixels of a picture: 33,554,432, which take 128 MiB, and as much again some times over while the PNG is made."""

_ROUNDING: Final = 1e-6
"""Relative difference up to which a level's pixels are as fine as the picture's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preview:
    """A picture of part of a cache. Notebooks show it."""

    pixels: Pixels
    """uint8 (height, width, 4): red, green, blue, straight alpha; row 0 on top."""
    extent: Extent
    """What it shows, map units."""
    level: int
    """LevelID of the tiles that it was made of."""
    level_resolution: float
    """Map units of a pixel of that level."""
    tiles: int
    """Tiles that it shows."""
    damaged: int
    """Tiles that cannot be shown, which are hatched; those of bundles that cannot be read are not counted."""
    notes: tuple[str, ...]
    """What to know of it: sentences."""

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[0])

    @property
    def resolution(self) -> float:
        """Map units of a pixel of the picture."""
        return self.extent.width / self.width

    def png(self) -> bytes:
        """Give it as a PNG: palette, RGB or RGBA, the smallest that holds every pixel as it is."""
        return encode_png(self.pixels, TileFormat.PNG).data

    def as_json(self) -> dict[str, object]:
        """Give all but the pixels as JSON's values."""
        return {
            "width": self.width,
            "height": self.height,
            "extent": self.extent.as_json(),
            "resolution": self.resolution,
            "level": self.level,
            "levelResolution": self.level_resolution,
            "tiles": self.tiles,
            "damagedTiles": self.damaged,
            "notes": list(self.notes),
        }

    def _repr_png_(self) -> bytes:
        return self.png()


def preview(
    source: str | Path,
    *,
    level: int | None = None,
    extent: Bounds | None = None,
    bbox: Bounds | None = None,
    width: int | None = 1024,
    grid: bool = False,
    area: AreaLike | Sequence[AreaLike] | None = None,
    transparent: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Preview:
    """Draw part of a cache or package as one picture.

    Each pixel is the mean of what the level shows in its place, colours counted by their alpha; where a pixel of the
    picture is one of the level, it is that pixel. Tiles that are damaged are hatched, counted and named in the notes.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        level: LevelID; None for the coarsest whose pixels are at least as fine as the picture's, or the finest, of
            those that hold tiles there.
        extent: xmin, ymin, xmax, ymax in map units. Without it and ``bbox``: the extent that the cache declares, or
            that of its tiles where it declares none or one that holds no tile.
        bbox: West, south, east, north in WGS84 degrees; what is shown is the rectangle in map units around it.
        width: Pixels, 1 to 16,384; the height follows. None for one pixel for each of the level's; the extent then
            grows to whole pixels, and without ``level`` the finest is taken.
        grid: Draw the lines of bundles and tiles, with their names where there is room.
        area: Area of interest, or several for ranges of levels, drawn as an outline; it cuts nothing.
        transparent: Leave transparent what is so, instead of laying it on a checkerboard.
        progress: Called with the number of tiles laid since the last call.

    Raises:
        AreaOfInterestError: Extent, box or area cannot be read, no tile lies there, or the picture would be too large.
        TilingSchemeError: There is no such level.
        UnsupportedError: Its tiles are no images (LERC, vector tiles).
        TilepackError: The cache cannot be read.
    """
    with open_cache(source) as reader:
        scheme = reader.info.scheme
        _refuse_what_is_no_image(reader)
        bounds = read_bounds(scheme, extent=extent, bbox=bbox)
        areas = None if area is None else read_areas(area, scheme)
        notes = []
        if bbox is not None and bbox[0] > bbox[2]:
            notes.append("the box crosses the antimeridian; the picture shows all that lies between its two parts")
        asked = bounds.box.extent if bounds.box is not None else bounds.extent
        shown, lod, more = _choose(reader, asked, level, width)
        notes += more
        if areas is not None:
            areas.require_levels([lod.level])  # before anything is drawn
        shown, columns, rows = _place(scheme, shown, lod, width)
        made = stitch(reader, lod.level, columns, rows, progress)
        if made.unsupported and not made.tiles:
            raise UnsupportedError(f"{reader.place}: {made.unsupported}")
        notes += _damage(made)
    if not transparent:
        lay_on_checkerboard(made.pixels)
    if grid:
        notes += draw_grid(made.pixels, scheme, columns, rows)
    if areas is not None:
        notes += [*areas.warnings, *draw_area(made.pixels, shown, areas.at(lod.level))]
    if grid:
        name_cells(made.pixels, scheme, lod.level, columns, rows)
    return Preview(
        pixels=made.pixels,
        extent=shown,
        level=lod.level,
        level_resolution=lod.resolution,
        tiles=made.tiles,
        damaged=made.damaged,
        notes=tuple(notes),
    )


def _refuse_what_is_no_image(reader: TileReader) -> None:
    if not reader.info.tile_format.is_image:
        raise UnsupportedError(
            f"{reader.place}: holds {reader.info.tile_format} tiles, which are no images; nothing can be drawn"
        )


def _choose(
    reader: TileReader, asked: Extent | None, level: int | None, width: int | None
) -> tuple[Extent, LevelOfDetail, list[str]]:
    """Choose what to show of which level, and say what was not to be expected."""
    scheme = reader.info.scheme
    named = None if level is None else scheme.level(level)
    declared = asked or reader.info.extent
    if declared is not None and min(declared.width, declared.height) > 0:
        held = _level_there(reader, declared, named, width)
        if held is not None:
            return declared, held, []
        if asked is not None and named is not None:
            return asked, named, [f"level {named.level} holds no tile there"]
    elif asked is not None:
        raise AreaOfInterestError(f"extent {asked} has no surface; write it as xmin, ymin, xmax, ymax")
    measured = probe(reader, sample=0).extent
    if measured is None:
        raise CacheNotFoundError(f"{reader.place}: holds no tile on any level of its tiling scheme; nothing to draw")
    if asked is not None:
        raise AreaOfInterestError(f"no tile lies in the extent {asked}; the tiles of {reader.place} lie at {measured}")
    notes = []
    if declared is not None:
        what = "no tile" if named is None else f"no tile of level {named.level}"
        notes.append(f"{what} lies in the extent that is declared, {declared}; the picture shows where tiles lie")
    held = _level_there(reader, measured, named, width)
    if held is None:
        held = named or scheme.levels[-1]
        notes.append(f"level {held.level} holds no tile there")
    return measured, held, notes


def _level_there(
    reader: TileReader, extent: Extent, named: LevelOfDetail | None, width: int | None
) -> LevelOfDetail | None:
    """Give the level that serves a picture best among those that hold tiles there, None when none does."""
    if named is not None:
        return named if _holds_tiles(reader, extent, named.level) else None
    held = set(reader.levels())
    coarsest_first = sorted(
        (lod for lod in reader.info.scheme.levels if lod.level in held), key=lambda lod: -lod.resolution
    )
    finest_needed = 0.0 if width is None else extent.width / max(1, width) * (1 + _ROUNDING)
    fine = [lod for lod in coarsest_first if lod.resolution <= finest_needed]
    in_turn: Iterable[LevelOfDetail] = [*fine, *(lod for lod in reversed(coarsest_first) if lod not in fine)]
    return next((lod for lod in in_turn if _holds_tiles(reader, extent, lod.level)), None)


def _holds_tiles(reader: TileReader, extent: Extent, level: int) -> bool:
    try:
        met = reader.info.scheme.tiles_in(extent, level)
    except (ValueError, OverflowError) as error:
        raise AreaOfInterestError(
            f"extent {extent} lies where no map is; write it in map units of the cache"
        ) from error
    for bundle in reader.bundles(level):
        common = bundle.tiles().intersection(met)
        if common is None:
            continue
        try:
            present = reader.present(bundle).reshape(PACKET_SIZE, PACKET_SIZE)
        except (BundleError, TileError):
            return True  # there was something, and the picture shows that it is broken
        rows = slice(common.row_start - bundle.row, common.row_stop - bundle.row)
        if present[rows, common.column_start - bundle.column : common.column_stop - bundle.column].any():
            return True
    return False


def _place(scheme: TilingScheme, extent: Extent, lod: LevelOfDetail, width: int | None) -> tuple[Extent, Axis, Axis]:
    """Place a picture in its level: the extent that it shows, and its pixels across and down."""
    resolution = lod.resolution
    left, right = (snapped((x - scheme.origin_x) / resolution) for x in (extent.xmin, extent.xmax))
    upper, lower = (snapped((scheme.origin_y - y) / resolution) for y in (extent.ymax, extent.ymin))
    if width is None:
        left, right, upper, lower = math.floor(left), math.ceil(right), math.floor(upper), math.ceil(lower)
        across, down = int(right - left), int(lower - upper)
        extent = Extent(
            xmin=scheme.origin_x + left * resolution,
            ymin=scheme.origin_y - lower * resolution,
            xmax=scheme.origin_x + right * resolution,
            ymax=scheme.origin_y - upper * resolution,
        )
    else:
        across = width
        down = max(1, math.floor(width * (lower - upper) / (right - left) + 0.5)) if right > left else 0
    if across < 1 or down < 1:
        raise AreaOfInterestError(
            f"a picture of {across} x {down} pixels cannot be made; widths are 1 to {LARGEST_SIDE:,}"
        )
    if max(across, down) > LARGEST_SIDE or across * down > LARGEST_PICTURE:
        raise AreaOfInterestError(
            f"the picture would have {across:,} x {down:,} pixels; the most are {LARGEST_SIDE:,} a side and "
            f"{LARGEST_PICTURE:,} in all, so give a smaller width or extent, or a coarser level"
        )
    return extent, Axis.between(left, right, across), Axis.between(upper, lower, down)


def _damage(made: Stitched) -> list[str]:
    """Say what cannot be shown."""
    if not made.reasons:
        return []
    notes = []
    if made.damaged:
        some = f"{made.damaged:,} tile is" if made.damaged == 1 else f"{made.damaged:,} tiles are"
        notes.append(f"{some} damaged and hatched")
    return notes + made.reasons
