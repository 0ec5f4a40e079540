"""Options that choose and cut by area: ``--aoi`` with what belongs to it, ``--extent``, ``--bbox``.

``--aoi-layer``, ``--aoi-where`` and ``--aoi-crs`` belong to the ``--aoi`` before them. Each option's values come as a
list of their own; which belong together, the order of the options tells, which the command remembers in its context.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypedDict

import typer

import tilepack

_ORDER: Final = "tilepack_cli.order"
_AREA: Final = "aoi"
_BELONGING: Final = {"aoi_layer": "layer", "aoi_where": "where", "aoi_crs": "crs"}

Bounds = tuple[float, float, float, float]


def remember_order(ctx: typer.Context, parameters: Iterable[Any]) -> None:
    """Keep the order of a command line's options, each as often as it was given."""
    ctx.meta[_ORDER] = [parameter.name for parameter in parameters]


def gather_areas(ctx: typer.Context, values: Mapping[str, Sequence[str] | None]) -> list[tilepack.Area]:
    """Give each ``--aoi`` with the options that follow it.

    Args:
        ctx: Of the command; knows the order.
        values: The values of ``aoi``, ``aoi_layer``, ``aoi_where`` and ``aoi_crs``, each in their order.

    Raises:
        typer.BadParameter: An option has no ``--aoi`` before it or is given to it twice, or an area's levels are none.
    """
    left = {name: iter(given or ()) for name, given in values.items()}
    found: list[dict[str, str]] = []
    for name in ctx.meta[_ORDER]:
        if name == _AREA:
            found.append({"source": _at_home(next(left[name]))})
        elif name in _BELONGING:
            option, member = f"--{name.replace('_', '-')}", _BELONGING[name]
            if not found:
                raise typer.BadParameter(
                    "stands before any --aoi; write it behind the one it is for", param_hint=option
                )
            if member in found[-1]:
                raise typer.BadParameter("was given twice for one --aoi", param_hint=option)
            found[-1][member] = next(left[name])
    areas = [
        tilepack.Area(source=each["source"], layer=each.get("layer"), where=each.get("where"), crs=each.get("crs"))
        for each in found
    ]
    for area in areas:
        _check(area)
    return areas


def _at_home(area: str) -> str:
    """Put the home folder in the place of ``~`` behind ``0-8=``, where shells leave it."""
    levels, sign, path = area.partition("=~")
    if not sign or path[:1] not in ("/", os.sep):
        return area
    return f"{levels}={os.path.expanduser(f'~{path}')}"  # noqa: PTH111  Path's own fails where nobody knows a home


def _check(area: tilepack.Area) -> None:
    try:
        _, what = area.split()
    except tilepack.AreaOfInterestError as error:
        raise typer.BadParameter(str(error), param_hint="--aoi") from error
    if not str(what).strip() or str(what).endswith("="):
        raise typer.BadParameter("is empty; name a file, or give WKT or GeoJSON", param_hint="--aoi")


class GivenRectangles(TypedDict):
    """A rectangle as the library takes it; at most one of the two is given."""

    extent: Bounds | None
    bbox: Bounds | None


class GivenBounds(GivenRectangles):
    """Areas or a rectangle, as the library takes them."""

    area: list[tilepack.Area] | None


def read_bounds(
    ctx: typer.Context, areas: Mapping[str, Sequence[str] | None], extent: str | None, bbox: str | None
) -> GivenBounds:
    """Read what bounds a command's work.

    Args:
        ctx: Of the command; knows the order of its options.
        areas: As ``gather_areas`` takes them.
        extent: Of ``--extent``.
        bbox: Of ``--bbox``.

    Raises:
        typer.BadParameter: One of them means nothing, or both rectangles are given.
    """
    rectangles = read_rectangles(extent, bbox)
    return {"area": gather_areas(ctx, areas) or None, **rectangles}


def read_rectangles(extent: str | None, bbox: str | None) -> GivenRectangles:
    """Read the one rectangle that is given, if any.

    Raises:
        typer.BadParameter: Both are given, or one means nothing.
    """
    if extent is not None and bbox is not None:
        raise typer.BadParameter("choose a rectangle by one of them", param_hint="--extent / --bbox")
    return {"extent": read_extent(extent), "bbox": read_bbox(bbox)}


def read_extent(text: str | None) -> Bounds | None:
    """Read ``XMIN,YMIN,XMAX,YMAX``.

    Raises:
        typer.BadParameter: It is something else, or has no surface.
    """
    if text is None:
        return None
    xmin, ymin, xmax, ymax = bounds = _numbers(text, "--extent", "XMIN,YMIN,XMAX,YMAX")
    if not (xmin < xmax and ymin < ymax):
        raise typer.BadParameter(f"{text!r} has no surface; write it as XMIN,YMIN,XMAX,YMAX", param_hint="--extent")
    return bounds


def read_bbox(text: str | None) -> Bounds | None:
    """Read ``W,S,E,N`` in degrees.

    Raises:
        typer.BadParameter: It is something else, or has no surface.
    """
    if text is None:
        return None
    west, south, east, north = bounds = _numbers(text, "--bbox", "W,S,E,N")
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south < north <= 90 and west != east):
        raise typer.BadParameter(f"{text!r} is no rectangle in degrees; write it as W,S,E,N", param_hint="--bbox")
    return bounds


def _numbers(text: str, option: str, names: str) -> Bounds:
    try:
        first, second, third, fourth = numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not four numbers {names}; write decimals with a point", param_hint=option
        ) from None
    if not all(map(math.isfinite, numbers)):
        raise typer.BadParameter(f"{text!r} is not four finite numbers {names}", param_hint=option)
    return first, second, third, fourth


Aoi = Annotated[
    list[str] | None,
    typer.Option(
        "--aoi",
        metavar="AREA",
        show_default=False,
        help="Keep to this area: a vector file or a layer in one (x.gdb/layer), WKT or GeoJSON. With levels or "
        "scales in front, as 0-8=x.gpkg or 1:500000,1:250000=x.gpkg, for those; without, for all others; rows with a "
        "LevelID are for that level alone. May be given several times.",
    ),
]

AoiLayer = Annotated[
    list[str] | None,
    typer.Option(
        "--aoi-layer", metavar="LAYER", show_default=False, help="Layer in the file of the --aoi before this."
    ),
]

AoiWhere = Annotated[
    list[str] | None,
    typer.Option(
        "--aoi-where",
        metavar="SQL",
        show_default=False,
        help="Take of the --aoi before this the rows for which it is so.",
    ),
]

AoiCrs = Annotated[
    list[str] | None,
    typer.Option(
        "--aoi-crs",
        metavar="CRS",
        show_default=False,
        help="Spatial reference of the --aoi before this, as EPSG:2056; GeoJSON and files that name theirs need none.",
    ),
]

ExtentText = Annotated[
    str | None,
    typer.Option(
        "--extent",
        metavar="XMIN,YMIN,XMAX,YMAX",
        help="Take the tiles that meet this rectangle, map units; cuts nothing.",
    ),
]

Bbox = Annotated[
    str | None,
    typer.Option(
        "--bbox",
        metavar="W,S,E,N",
        help="Likewise, WGS84 degrees; W beyond E crosses the antimeridian.",
    ),
]
