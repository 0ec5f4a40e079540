"""Options and arguments that several commands share, each under one name and with one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

import tilepack


def check_levels(text: str | None) -> str | None:
    """Refuse what means no levels, while it still is a matter of the command line alone."""
    if text is not None:
        try:
            tilepack.LevelSelection.of(levels=text)
        except tilepack.TilingSchemeError as error:
            raise typer.BadParameter(str(error)) from error
    return text


def check_scales(text: str | None) -> str | None:
    """Refuse what means no scales, likewise."""
    if text is not None:
        try:
            tilepack.LevelSelection.of(scales=text)
        except tilepack.TilingSchemeError as error:
            raise typer.BadParameter(str(error)) from error
    return text


_STORAGE_FORMATS: Final = ("compact", "compact-v2", "exploded", "xyz")
_TILE_FORMATS: Final = ("PNG", "PNG8", "PNG24", "PNG32", "JPEG", "MIXED", "LERC")
"""Those that a cache can be made of; of WebP and vector tiles there are others' alone."""


def _storage_format(text: str | None) -> str | None:
    """Take compact-v2, COMPACT_V2 and the like."""
    if text is None:
        return None
    name = text.strip().lower().replace("_", "-")
    if name not in _STORAGE_FORMATS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(_STORAGE_FORMATS)}")
    return name.upper().replace("-", "_")


def _tile_format(text: str | None) -> str | None:
    """Take mixed, MIXED and the like."""
    if text is not None and text.strip().upper() not in _TILE_FORMATS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(_TILE_FORMATS)}")
    return text


def refuse_contradictions(levels: str | None, scales: str | None) -> None:
    """Refuse levels chosen in two ways."""
    if levels is not None and scales is not None:
        raise typer.BadParameter("choose levels by one of them", param_hint="--levels / --scales")


Source = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="Cache folder, its conf.xml or root.json; .tpk, .tpkx, .vtpk, .mbtiles, .pmtiles; folder or .zip of web "
        "tiles.",
    ),
]

Target = Annotated[
    Path,
    typer.Argument(
        metavar="TARGET",
        show_default=False,
        help="What to make: a name in .tpk, .tpkx, .vtpk (vector tiles), .mbtiles, .pmtiles or .zip (web tiles), else "
        "a cache folder.",
    ),
]

StorageFormatName = Annotated[
    str | None,
    typer.Option(
        "--storage-format",
        metavar="FORMAT",
        callback=_storage_format,
        help="Of a folder: compact, compact-v2 (if not given), exploded or xyz.",
    ),
]

TileFormatName = Annotated[
    str | None,
    typer.Option(
        "--tile-format",
        metavar="FORMAT",
        callback=_tile_format,
        help="PNG, PNG8, PNG24, PNG32, JPEG, MIXED or LERC; the scheme's, else MIXED, if not given.",
    ),
]

Quality = Annotated[
    int | None,
    typer.Option(
        "--quality", min=0, max=100, metavar="Q", help="Of JPEG and MIXED; the scheme's, else 75, if not given."
    ),
]

Replace = Annotated[bool, typer.Option("--replace", help="Replace TARGET if it exists, once the new one is whole.")]

ReadyToServe = Annotated[
    bool, typer.Option("--ready-to-serve", help="Describe the folder by root.json instead of conf.xml.")
]

Levels = Annotated[
    str | None,
    typer.Option(
        "--levels", metavar="LEVELS", callback=check_levels, help="Take these levels, as 0-7,9; all if not given."
    ),
]

Scales = Annotated[
    str | None,
    typer.Option(
        "--scales", metavar="SCALES", callback=check_scales, help="Take the levels of these scales, as 500000,250000."
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]

DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done, and do nothing.")]

Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, metavar="N", help="Work with N threads; one per processor if not given."),
]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors and what was asked for.")]

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more; show where in the program an error arose.")]
