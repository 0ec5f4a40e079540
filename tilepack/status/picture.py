"""Completeness as a picture: a map of a level whose cells are bundles, coloured by how much of each is built.

The colours run from light to dark in one direction, so that they are told apart whatever colours somebody sees, on
paper without colour too; what is empty is hatched besides. They are ColorBrewer's YlGnBu.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tilepack.cache import TileFormat
from tilepack.extent import Extent
from tilepack.pixels.blend import Colour, Pixels
from tilepack.pixels.codec import encode_png
from tilepack.pixels.drawing import draw_outline, fill_box, hatch_mask
from tilepack.pixels.lettering import measure_text, write_text
from tilepack.pixels.mask import Floats, Integers
from tilepack.wording import counted

WHITE: Final[Colour] = (255, 255, 255)
INK: Final[Colour] = (26, 32, 44)
PALE_INK: Final[Colour] = (90, 98, 112)
HATCH: Final[Colour] = (150, 156, 166)
GROUND: Final[Colour] = (240, 241, 244)
AREA: Final[Colour] = (196, 60, 0)

EMPTY, COMPLETE, BEYOND = 0, 5, 6

CLASSES: Final[tuple[tuple[str, Colour], ...]] = (
    ("empty", WHITE),
    ("below 25 %", (199, 233, 180)),
    ("25 to 49 %", (127, 205, 187)),
    ("50 to 74 %", (65, 182, 196)),
    ("75 to 99 %", (44, 127, 184)),
    ("complete", (37, 52, 148)),
    ("none expected", (196, 190, 180)),
)
"""Name and colour of each class; the first is hatched, the last for tiles of which none is expected."""

_LARGEST_CELL: Final = 200
"""Pixels of a bundle's side at most: a level of one bundle is no wall of colour."""

_TALLEST: Final = 960
"""Pixels of a map's height at most."""

_GAP_FROM: Final = 6
"""Pixels of a cell's side from which cells are parted by a line."""

_MARGIN: Final = 24
"""Pixels around a picture, and between its parts."""

_TITLE, _TEXT, _SMALL = 24, 14, 12
"""Sizes of letters, pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompletenessMap:
    """How much of each bundle of a level is built. All arrays have one length."""

    level: int
    """LevelID."""
    scale: float | None = None
    """Scale denominator."""
    extents: Floats
    """Float64 (n, 4): xmin, ymin, xmax, ymax of each bundle, or of the part that counts, map units."""
    expected: Integers
    """Tiles expected in each."""
    built: Integers
    """Tiles of these that are there."""
    outside: int = 0
    """Tiles that are there and not expected."""
    tile_bytes: int | None = None
    """Bytes of the level's tiles; None where that is not known."""
    names: Sequence[str] = ()
    """Names of the bundles, as ``R0080C0100``; none, or as many as bundles."""
    edges: Floats | None = field(default=None, repr=False)
    """Edges of the area that bounds what is expected: float64 (m, 4), x0, y0, x1, y1 in map units, in no order."""

    def __post_init__(self) -> None:
        count = len(self.expected)
        shapes = (self.extents.shape, self.expected.shape, self.built.shape)
        if shapes != ((count, 4), (count,), (count,)) or len(self.names) not in (0, count):
            raise ValueError(f"extents, expected and built are (n, 4), (n,) and (n,), not {shapes}")

    @property
    def percent(self) -> float:
        """How much of what is expected is built, 0 to 100."""
        expected = int(self.expected.sum())
        return 100.0 * int(self.built.sum()) / expected if expected else 100.0

    def classes(self) -> npt.NDArray[np.intp]:
        """Give the class of each bundle, an index into ``CLASSES``."""
        return classify(self.built, self.expected)


def classify(built: Integers, expected: Integers) -> npt.NDArray[np.intp]:
    """Give the class of each pair of counts: nothing is complete that lacks a tile, nor empty that has one."""
    quarter = np.clip(4 * built // np.maximum(expected, 1), 0, 3) + 1
    found = np.where(built <= 0, EMPTY, np.where(built >= expected, COMPLETE, quarter))
    return np.where(expected <= 0, BEYOND, found).astype(np.intp)


def percent_text(built: int, expected: int) -> str:
    """Write a percentage that never rounds up to 100 nor down to 0."""
    if expected <= 0 or built >= expected:
        return "100 %" if expected > 0 else "-"
    tenths = 1000 * built // expected
    if built > 0 and tenths == 0:
        return "< 0.1 %"
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def completeness_png(level: CompletenessMap, *, width: int = 960, framed: bool = True) -> bytes:
    """Draw a level's completeness as a PNG; see ``draw_completeness``."""
    return encode_png(draw_completeness(level, width=width, framed=framed), TileFormat.PNG).data


def draw_completeness(level: CompletenessMap, *, width: int = 960, framed: bool = True) -> Pixels:
    """Draw a level's completeness.

    Cells have whole pixels. Where bundles are smaller than a pixel, those in a pixel are counted together.

    Args:
        level: The level.
        width: Pixels of the map at most; it is smaller where bundles would become huge.
        framed: Put level, scale, figures and a legend above it, as for a picture that stands alone.

    Returns:
        uint8 (height, width, 4), opaque.

    Raises:
        ValueError: The map would have no width.
    """
    if width < 1:
        raise ValueError(f"a map has pixels, not {width}")
    plan = _Plan.of(level, width)
    if not framed:
        picture = _canvas(plan.width, plan.height, WHITE)
        _draw_map(picture, level, plan)
        return picture
    head = 3 * _MARGIN + _TITLE + _TEXT
    legend = _Legend.of(level, max(plan.width, 560))
    picture = _canvas(max(plan.width, legend.width) + 2 * _MARGIN, head + legend.height + plan.height + _MARGIN, WHITE)
    scale = f", scale 1:{level.scale:,.0f}" if level.scale else ""
    write_text(picture, (_MARGIN, _MARGIN + _TITLE / 2), f"Level {level.level}{scale}", _TITLE, INK)
    write_text(picture, (_MARGIN, 2 * _MARGIN + _TITLE), figures_text(level), _TEXT, PALE_INK)
    legend.draw(picture[head - _MARGIN // 2 :, _MARGIN:])
    _draw_map(picture[head + legend.height :, _MARGIN : _MARGIN + plan.width], level, plan)
    return picture


def figures_text(level: CompletenessMap) -> str:
    """Say in a line what is built of a level."""
    built, expected = int(level.built.sum()), int(level.expected.sum())
    bundles = counted(len(level.expected), "bundle")
    return f"{built:,} of {expected:,} tiles built, {percent_text(built, expected)}, in {bundles}"


def _canvas(width: int, height: int, colour: Colour) -> Pixels:
    picture = np.empty((height, width, 4), np.uint8)
    picture[...] = (*colour, 255)
    return picture


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where things lie on a map."""

    frame: Extent
    """What the map shows, map units."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    boxes: Integers
    """(n, 4): left, upper, right, lower pixel of each cell."""

    @classmethod
    def of(cls, level: CompletenessMap, width: int) -> _Plan:
        if not len(level.extents):
            return cls(Extent(xmin=0, ymin=0, xmax=1, ymax=1), 1, 1, np.empty((0, 4), np.int64))
        (xmin, ymin), (xmax, ymax) = level.extents[:, :2].min(axis=0), level.extents[:, 2:].max(axis=0)
        frame = Extent(xmin=float(xmin), ymin=float(ymin), xmax=float(xmax), ymax=float(ymax))
        sides = level.extents[:, 2:] - level.extents[:, :2]
        scale = min(
            width / max(frame.width, math.ulp(1.0)),
            _TALLEST / max(frame.height, math.ulp(1.0)),
            _LARGEST_CELL / max(float(sides.max()), math.ulp(1.0)),
        )
        across, down = (max(1, round(side * scale)) for side in (frame.width, frame.height))
        left, right = _whole_pixels(level.extents[:, 0], level.extents[:, 2], frame.xmin, scale, across)
        upper, lower = _whole_pixels(-level.extents[:, 3], -level.extents[:, 1], -frame.ymax, scale, down)
        return cls(frame, across, down, np.stack((left, upper, right, lower), axis=1))


def _whole_pixels(starts: Floats, stops: Floats, origin: float, scale: float, count: int) -> tuple[Integers, Integers]:
    """Give cells whole pixels: from nearest to nearest; what is smaller than a pixel has the one of its middle."""
    starts, stops = (starts - origin) * scale, (stops - origin) * scale
    small = stops - starts < 1
    first = np.where(small, np.floor((starts + stops) / 2), np.floor(starts + 0.5)).astype(np.int64)
    first = np.clip(first, 0, count - 1)
    last = np.where(small, 0, np.floor(stops + 0.5)).astype(np.int64)
    return first, np.clip(last, first + 1, count)


def _draw_map(picture: Pixels, level: CompletenessMap, plan: _Plan) -> None:
    """Draw the cells, the area over them, and what is written in them, on the map's part of a picture."""
    part = np.ascontiguousarray(picture[: plan.height, : plan.width])
    part[..., :3] = GROUND
    # Bundles of one pixel become one cell, counted together.
    boxes, cell = np.unique(plan.boxes, axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    built, expected = (np.zeros(len(boxes), np.int64) for _ in range(2))
    np.add.at(built, cell, level.built)
    np.add.at(expected, cell, level.expected)
    classes = classify(built, expected)
    sides = boxes[:, 2:] - boxes[:, :2]
    gap = 1 if len(boxes) and np.median(sides.min(axis=1)) >= _GAP_FROM else 0
    empty = np.zeros(part.shape[:2], np.bool_)
    for (left, upper, right, lower), kind in zip(boxes.tolist(), classes.tolist(), strict=True):
        # No line along the map's own edges.
        down, across = lower - gap * (lower < plan.height), right - gap * (right < plan.width)
        inner = slice(upper, max(upper + 1, down)), slice(left, max(left + 1, across))
        part[inner][..., :3] = CLASSES[kind][1]
        if kind == EMPTY:
            empty[inner] = True
    hatch_mask(part, empty, HATCH)
    if level.edges is not None:
        factors = (plan.width / plan.frame.width, -plan.height / plan.frame.height) * 2
        edges = (level.edges - (plan.frame.xmin, plan.frame.ymax) * 2) * factors
        draw_outline(part, edges, AREA, thickness=2, casing=1)
    names = list(level.names) if len(boxes) == len(level.expected) and len(level.names) else []
    order = np.argsort(cell)
    for number, (left, upper, right, lower) in enumerate(boxes.tolist()):
        counts = int(built[number]), int(expected[number])
        name = names[int(order[number])] if names else ""
        kind = int(classes[number])
        # Letters stand out from the stripes, and from a line that may run through them.
        halo = CLASSES[kind][1] if kind == EMPTY or level.edges is not None else None
        _write_cell(part, (left, upper, right, lower), counts, name, kind, halo=halo)
    picture[: plan.height, : plan.width] = part


def _write_cell(
    picture: Pixels,
    box: tuple[int, int, int, int],
    counts: tuple[int, int],
    name: str,
    kind: int,
    *,
    halo: Colour | None,
) -> None:
    """Write a cell's figures into it, as far as there is room."""
    left, upper, right, lower = box
    width, height = right - left, lower - upper
    ink = WHITE if kind in (COMPLETE, COMPLETE - 1) else INK
    percent = percent_text(*counts)
    middle = (left + right) / 2, (upper + lower) / 2
    detail = f"{counts[0]:,} / {counts[1]:,}"
    roomy = height >= 80 and width >= 16 + max(measure_text(name, _SMALL), measure_text(detail, _SMALL))
    if roomy:
        write_text(picture, middle, percent, _TEXT + 4, ink, align="middle", halo=halo)
        write_text(picture, (middle[0], middle[1] + 22), detail, _SMALL, ink, align="middle", halo=halo)
        write_text(picture, (middle[0], middle[1] - 22), name, _SMALL, ink, align="middle", halo=halo)
    elif height >= 22 and width >= 8 + measure_text(percent, _SMALL):
        write_text(picture, middle, percent, _SMALL, ink, align="middle", halo=halo)


@dataclass(frozen=True, slots=True)
class _Legend:
    """Swatches with what they mean and how many bundles there are of each."""

    items: tuple[tuple[int, int, int, str], ...]
    """x, y, class and text of each."""
    width: int
    height: int

    @classmethod
    def of(cls, level: CompletenessMap, width: int) -> _Legend:
        items: list[tuple[int, int, int, str]] = []
        x = y = widest = 0
        for kind, (name, number) in legend_of(level).items():
            text = f"{name}: {number:,}"
            taken = math.ceil(20 + measure_text(text, _TEXT)) + 18
            if x and x + taken > width:
                x, y = 0, y + 24
            items.append((x, y, kind, text))
            x += taken
            widest = max(widest, x)
        return cls(tuple(items), widest, y + 24 + 4)

    def draw(self, picture: Pixels) -> None:
        part = np.ascontiguousarray(picture)
        for x, y, kind, text in self.items:
            fill_box(part, (x, y, x + 14, y + 14), HATCH)
            fill_box(part, (x + 1, y + 1, x + 13, y + 13), CLASSES[kind][1])
            if kind == EMPTY:
                inside = np.zeros(part.shape[:2], np.bool_)
                inside[y + 1 : y + 13, x + 1 : x + 13] = True
                hatch_mask(part, inside, HATCH)
            write_text(part, (x + 20, y + 7), text, _TEXT, INK)
        picture[...] = part


def legend_of(level: CompletenessMap) -> dict[int, tuple[str, int]]:
    """Give name and number of bundles of each class: those of the scale always, the last where there are any."""
    numbers = np.bincount(level.classes(), minlength=len(CLASSES)).tolist()
    return {kind: (CLASSES[kind][0], numbers[kind]) for kind in range(len(CLASSES)) if kind != BEYOND or numbers[kind]}
