"""Options that say what happens to pixels, on an area's edge and where a target has tiles already."""

from __future__ import annotations

from typing import Annotated

import typer

import tilepack

Background = Annotated[
    str | None,
    typer.Option(
        "--background",
        metavar="COLOUR",
        help="Keep JPEG, and paint the outside: #rrggbb, r,g,b or a name. If not given it is transparent: a new JPEG "
        "target becomes MIXED, one that exists is refused.",
    ),
]

WholeTiles = Annotated[bool, typer.Option("--whole-tiles", help="Keep the tiles on the area's edge uncut.")]

KeepBlank = Annotated[bool, typer.Option("--keep-blank", help="Write tiles of which nothing visible is left.")]

DropBlank = Annotated[bool, typer.Option("--drop-blank", help="Leave out all tiles in which nothing is visible.")]

Dedupe = Annotated[
    bool, typer.Option("--dedupe", help="Store equal tiles of MBTiles once, behind a view; PMTiles always do.")
]

NewQuality = Annotated[
    int | None,
    typer.Option(
        "--quality",
        min=1,
        max=100,
        metavar="Q",
        help="Encode JPEG tiles anew at this quality, 1 to 100, those that it makes smaller.",
    ),
]

SkipErrors = Annotated[
    bool,
    typer.Option("--skip-errors", help="Leave out damaged tiles that have to be decoded; ends with exit code 3 then."),
]

Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse tiles that cannot be cut (LERC), which else move whole.")
]

DeleteMissing = Annotated[
    bool,
    typer.Option("--delete-missing", help="When overwriting, take away inside what SOURCE has no tiles for."),
]

AllowLossy = Annotated[
    bool,
    typer.Option(
        "--allow-lossy", help="Let tiles go through JPEG, or lose colours for PNG8, where TARGET takes nothing else."
    ),
]

Recompress = Annotated[
    bool, typer.Option("--recompress", help="In a MIXED TARGET, make composed tiles JPEG where they are opaque.")
]

Force = Annotated[
    bool, typer.Option("--force", help="Write though another program's lock files (*.lock, *.lck) lie there.")
]


def read_colour(text: str | None) -> tuple[int, int, int] | None:
    """Read ``#rrggbb``, ``r,g,b`` or a colour's name.

    Raises:
        typer.BadParameter: It is none.
    """
    if text is None:
        return None
    from PIL import ImageColor

    try:
        colour = (
            tuple(map(int, text.split(","))) if "," in text and "(" not in text else ImageColor.getrgb(text.strip())
        )
    except ValueError:
        colour = ()
    if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
        raise typer.BadParameter(f"{text!r} is no colour; write #rrggbb, r,g,b or a name", param_hint="--background")
    return colour[0], colour[1], colour[2]


def name_useless(plan: tilepack.TransferPlan) -> list[str]:
    """Name the options that change nothing, because there is no edge or the tiles are others."""
    request, pixels = plan.request, plan.request.pixels
    found = []
    is_looked_at = any(task.looked_at for task in plan.tasks)
    on_edges = {
        "--background": pixels.background is not None and request.update is None,
        "--whole-tiles": pixels.whole_tiles,
        "--keep-blank": pixels.keep_blank and request.update is None,
        "--skip-errors": pixels.skip_errors and request.update is None and not is_looked_at,
        "--strict": pixels.strict,
    }
    named = [name for name, is_given in on_edges.items() if is_given]
    if request.areas is None and named:
        found.append(f"without --aoi nothing is cut, and {', '.join(named)} changes nothing")
    tile_format = plan.info.tile_format
    may_be_painted = request.areas is not None or request.update is not None
    if may_be_painted and pixels.background and tile_format is not tilepack.TileFormat.JPEG:
        found.append(f"--background is for JPEG; in {tile_format} tiles the outside is transparent")
    if request.update is None:
        given = {"--allow-lossy": pixels.allow_lossy, "--recompress": pixels.recompress}
        named = [name for name, is_given in given.items() if is_given]
        found += [f"{', '.join(named)} changes nothing in a new target"] if named else []
        return found
    if pixels.drop_blank:
        found.append("--drop-blank is for new targets; where there is a target, blank tiles change nothing by MERGE")
    if pixels.recompress and plan.info.admitted not in (tilepack.TileFormat.MIXED, tilepack.TileFormat.WEBP):
        found.append(f"--recompress is for MIXED; the target holds {tile_format} tiles")
    if pixels.allow_lossy and tile_format not in (tilepack.TileFormat.JPEG, tilepack.TileFormat.PNG8):
        found.append(f"--allow-lossy is for JPEG and PNG8; {tile_format} tiles lose nothing")
    return found
