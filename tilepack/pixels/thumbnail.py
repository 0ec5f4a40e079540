"""The small picture of a cache that packages carry, drawn from its own tiles.

Pillow alone does the arithmetic, for its resampling is in whole numbers: the same tiles give the same bytes anywhere.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from tilepack.errors import BundleError, TileError
from tilepack.extent import Extent
from tilepack.formats.sniff import sniff
from tilepack.keys import TileKey, TileRange
from tilepack.scheme import TilingScheme

ReadTile = Callable[[TileKey], bytes | None]

_MOST_TILES = 64
"""Tiles decoded for one picture."""

_MOST_TILE_PIXELS = 1 << 24
"""A tile of more pixels (4096 x 4096) is not decoded: no cache has such, bombs do."""

_MOST_LEVELS = 4
"""Levels tried for one picture, while none of the tiles looked at can be shown."""

_COARSE_PIXELS = 16
"""A level that shows the extent with fewer pixels than this says less than a sample of a fine one."""

_ROUNDING = 1e-6
"""Part of a pixel by which floating point may miss a whole one."""

_WHITE = (255, 255, 255)


def draw_thumbnail(
    read: ReadTile,
    scheme: TilingScheme,
    extent: Extent,
    tiles: Sequence[tuple[int, TileRange]],
    *,
    size: tuple[int, int] = (200, 133),
) -> bytes:
    """Draw a small picture of the whole extent, centred on white, its aspect kept.

    The coarsest level that has a pixel for every pixel of the picture is drawn, else the finest. Where that takes
    more than 64 tiles, a coarser level is drawn larger, or 64 tiles spread over the extent stand for their
    neighbourhoods. Tiles that are missing, damaged, no images (LERC, vector) or of another size than the scheme's
    stay white; where all that were looked at do, another level is drawn, finer ones first.

    Args:
        read: Gives a tile's data, or None where there is no tile. A tile or bundle error counts as no tile.
        scheme: The cache's grid.
        extent: What the picture shows, map units of the scheme.
        tiles: Where tiles are: LevelIDs with rectangles of tiles; several may be of one level.
        size: Width and height of the picture, pixels.

    Returns:
        A PNG: 8-bit RGB without metadata.

    Raises:
        ValueError: The size has no pixels.
        TilingSchemeError: A level is not in the scheme.
    """
    if min(size) < 1:
        raise ValueError(f"a thumbnail has pixels, not {size[0]} x {size[1]}")
    picture = Image.new("RGB", size, _WHITE)
    units_per_pixel = max(extent.width / size[0], extent.height / size[1])
    if 0 < units_per_pixel < math.inf:
        for window in _in_turn(_windows(scheme, extent, tiles), units_per_pixel)[:_MOST_LEVELS]:
            if _draw(picture, read, scheme, extent, window, units_per_pixel=units_per_pixel):
                break
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """What one level has to show of the extent."""

    resolution: float
    """Map units of one pixel."""
    shown: Extent
    """The part of the extent for which the level may have tiles."""
    box: TileRange
    """The rectangle of tiles that covers it."""
    parts: tuple[TileRange, ...]
    """The rectangles within the box in which tiles exist."""


def _windows(scheme: TilingScheme, extent: Extent, tiles: Iterable[tuple[int, TileRange]]) -> list[_Window]:
    """Gather, coarsest level first, what the levels have to show."""
    ranges: dict[int, list[TileRange]] = {}
    for level, part in tiles:
        if part.count:
            ranges.setdefault(level, []).append(part)
    windows = []
    for level, parts in ranges.items():
        resolution = scheme.level(level).resolution
        whole = TileRange.around(level, parts)
        if whole is None:
            continue
        try:
            shown = extent.intersection(scheme.range_extent(whole))
        except (ValueError, OverflowError):  # absurd numbers of rows: outside what floats can place
            continue
        box = scheme.tiles_in(shown, level).intersection(whole) if shown else None
        if shown and box:
            inside = tuple(common for part in parts if (common := part.intersection(box)))
            windows.append(_Window(resolution=resolution, shown=shown, box=box, parts=inside))
    return sorted(windows, key=lambda window: -window.resolution)


def _choose(windows: Sequence[_Window], units_per_pixel: float) -> _Window | None:
    """Choose the level that says most at the least cost. Windows come coarsest first."""
    cheap = [window for window in windows if window.box.count <= _MOST_TILES]
    for window in cheap:
        if window.resolution <= units_per_pixel:
            return window
    costly = [window for window in windows if window.box.count > _MOST_TILES]
    if cheap and costly:
        shown = cheap[-1].shown
        pixels = max(shown.width, shown.height) / cheap[-1].resolution
        return cheap[-1] if pixels >= _COARSE_PIXELS else costly[0]
    return cheap[-1] if cheap else next(iter(costly), None)


def _in_turn(windows: Sequence[_Window], units_per_pixel: float) -> list[_Window]:
    """Give the levels in the order in which to try them: the best, those finer than it, those coarser."""
    best = _choose(windows, units_per_pixel)
    if best is None:
        return []
    at = windows.index(best)
    return [*windows[at:], *reversed(windows[:at])]


def _draw(
    picture: Image.Image,
    read: ReadTile,
    scheme: TilingScheme,
    extent: Extent,
    window: _Window,
    *,
    units_per_pixel: float,
) -> bool:
    """Assemble what a level shows on a canvas of up to six pixels for one, and shrink that into the picture.

    Returns:
        Whether there was a tile to show.
    """
    found = False
    stride = _stride(window.box)
    if stride == 1:
        # Each tile takes whole pixels of the canvas, so that no seams come between them.
        shrink = max(1, round(units_per_pixel / window.resolution / 4))
        width, height = max(1, scheme.tile_width // shrink), max(1, scheme.tile_height // shrink)
    else:
        width = height = 1  # what stands for a neighbourhood is its mean colour
    # Where the shown part lies, in canvas pixels from the upper left corner of the box of tiles.
    unit_x = stride * scheme.tile_width * window.resolution / width
    unit_y = stride * scheme.tile_height * window.resolution / height
    left = (window.shown.xmin - scheme.origin_x) / unit_x - window.box.column_start / stride * width
    upper = (scheme.origin_y - window.shown.ymax) / unit_y - window.box.row_start / stride * height
    right, lower = left + window.shown.width / unit_x, upper + window.shown.height / unit_y
    # The canvas ends where the shown part does: the filter looks past the edges of its box, and would take in white.
    first_x, first_y = max(0, math.floor(left + _ROUNDING)), max(0, math.floor(upper + _ROUNDING))
    canvas_width = max(1, math.ceil(right - _ROUNDING) - first_x)
    canvas_height = max(1, math.ceil(lower - _ROUNDING) - first_y)
    canvas = Image.new("RGB", (canvas_width, canvas_height), _WHITE)
    for row, column, tile in _cells(read, scheme, window, stride):
        cell = tile if tile.size == (width, height) else tile.resize((width, height), Image.Resampling.BOX)
        canvas.paste(cell, (column * width - first_x, row * height - first_y))
        found = True
    box = (
        max(0.0, left - first_x),
        max(0.0, upper - first_y),
        min(float(canvas_width), right - first_x),
        min(float(canvas_height), lower - first_y),
    )
    if box[0] < box[2] and box[1] < box[3]:
        place = _place(picture.size, extent, window.shown, units_per_pixel)
        filter_ = Image.Resampling.LANCZOS if stride == 1 else Image.Resampling.BICUBIC
        picture.paste(canvas.resize((place[2] - place[0], place[3] - place[1]), filter_, box=box), place)
    return found


def _cells(
    read: ReadTile, scheme: TilingScheme, window: _Window, stride: int
) -> Iterator[tuple[int, int, Image.Image]]:
    """Yield row, column and decoded tile of each neighbourhood that has one; both count neighbourhoods."""
    for row in range(-(-(window.box.row_stop - window.box.row_start) // stride)):
        for column in range(-(-(window.box.column_stop - window.box.column_start) // stride)):
            data = _read_first(read, _candidates(window, row * stride, column * stride, stride))
            tile = _decode(data, scheme.tile_width, scheme.tile_height) if data else None
            if tile:
                yield row, column, tile


def _place(size: tuple[int, int], extent: Extent, shown: Extent, units_per_pixel: float) -> tuple[int, int, int, int]:
    """Give the pixels (left, upper, right, lower) of the picture that what is shown takes; at least one."""

    def along(start: float, stop: float, whole: float, pixels: int) -> tuple[int, int]:
        offset = (pixels - whole / units_per_pixel) / 2
        # Half up at both ends; round() goes to even and would lose a pixel of what is centred.
        first = min(pixels - 1, max(0, math.floor(offset + start / units_per_pixel + 0.5)))
        return first, min(pixels, max(first + 1, math.floor(offset + stop / units_per_pixel + 0.5)))

    left, right = along(shown.xmin - extent.xmin, shown.xmax - extent.xmin, extent.width, size[0])
    upper, lower = along(extent.ymax - shown.ymax, extent.ymax - shown.ymin, extent.height, size[1])
    return left, upper, right, lower


def _stride(box: TileRange) -> int:
    """Give the least number of rows and columns for which one tile has to stand."""
    rows, columns = box.row_stop - box.row_start, box.column_stop - box.column_start
    stride = max(1, math.isqrt((rows * columns - 1) // _MOST_TILES))
    while -(-rows // stride) * -(-columns // stride) > _MOST_TILES:
        stride += 1 + stride // 8
    return stride


def _candidates(window: _Window, row: int, column: int, stride: int) -> list[TileKey]:
    """Name up to nine tiles of a neighbourhood, the middle one first; row and column count from the box's first."""
    neighbourhood = TileRange(
        level=window.box.level,
        row_start=window.box.row_start + row,
        row_stop=window.box.row_start + row + stride,
        column_start=window.box.column_start + column,
        column_stop=window.box.column_start + column + stride,
    )
    for part in window.parts:
        common = part.intersection(neighbourhood)
        if common:
            rows = _spread(common.row_start, common.row_stop)
            columns = _spread(common.column_start, common.column_stop)
            names = [TileKey(common.level, row, column) for row in rows for column in columns]
            return list(dict.fromkeys(names))
    return []


def _spread(start: int, stop: int) -> tuple[int, int, int]:
    """Give the middle and the two quarters of a range."""
    length = stop - start
    return start + length // 2, start + length // 4, start + length * 3 // 4


def _read_first(read: ReadTile, names: Iterable[TileKey]) -> bytes | None:
    """Read the first tile that exists."""
    for name in names:
        try:
            data = read(name)
        except (BundleError, TileError):  # a picture with a gap is better than no package
            continue
        if data:
            return data
    return None


def _decode(data: bytes, width: int, height: int) -> Image.Image | None:
    """Decode a tile and lay it on white; None where it is no image of the size that the scheme says."""
    kind = sniff(data)
    if kind is None or not kind.is_image or (kind.width, kind.height) != (width, height):
        return None
    if width * height > _MOST_TILE_PIXELS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Only the decoder for these bytes: Pillow would try every other one on what is damaged.
            with Image.open(BytesIO(data), formats=["PNG" if kind.is_png else kind.name]) as image:
                # The decoder's own idea of the size must be the one that was checked, before it allocates.
                return _on_white(image) if image.size == (width, height) else None
    except Exception:  # noqa: BLE001 - damaged data raises nearly anything out of Pillow's decoders
        return None


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey; Pillow would clip it to 255
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    ground = Image.new("RGBA", image.size, (*_WHITE, 255))
    return Image.alpha_composite(ground, image).convert("RGB")
