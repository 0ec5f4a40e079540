"""An open cache as notebooks show it: a small picture beside the main facts.

This lies here and not beside the previews, which stand a floor above the stores: a reader must not know who looks at
it. The thumbnail that packages carry lies below, and suits better: it decodes 64 tiles at most, whatever the cache is
like, for nobody who writes a reader's name in a notebook means to wait.
"""

from __future__ import annotations

import base64
import html
from typing import Final

from tilepack.errors import TilepackError
from tilepack.keys import TileRange
from tilepack.pixels.thumbnail import draw_thumbnail
from tilepack.stores.base import TileReader
from tilepack.stores.extents import Occupied, tile_box

_SIZE: Final = (300, 200)
"""Of the picture, pixels."""

_MOST_BUNDLES: Final = 64
"""Bundles whose indexes are read for one picture."""


def describe_in_html(reader: TileReader) -> str:
    """Describe an open cache by a fragment of HTML without scripts or links; what a file says in it is escaped.

    Never raises for what is wrong with the cache, nor for a reader that was closed: there is no picture then.
    """
    try:
        picture = _draw(reader)
    except (TilepackError, OSError, ValueError):
        picture = None
    shown = (
        f'<img alt="the cache in small" width="{_SIZE[0]}" height="{_SIZE[1]}" style="border:1px solid #8888" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
        if picture
        else ""
    )
    rows = "".join(
        f'<tr><th style="text-align:left">{name}</th><td style="text-align:left">{escaped(value)}</td></tr>'
        for name, value in _facts(reader)
    )
    table = f'<table style="flex:1 1 24em">{rows}</table>'
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">{shown}{table}</div>'


def _facts(reader: TileReader) -> list[tuple[str, str]]:
    info, scheme = reader.info, reader.info.scheme
    levels = reader.levels()
    facts = [
        ("cache", reader.place),
        ("name", info.description.title or info.name),
        ("storage", str(info.storage_format)),
        ("tiles", f"{info.tile_format}, {scheme.tile_width} x {scheme.tile_height} pixels"),
        ("spatial reference", str(scheme.spatial_reference)),
        ("levels", f"{levels[0]} to {levels[-1]}, {len(levels)} in all" if levels else "none"),
    ]
    return facts + ([("extent", str(info.extent))] if info.extent else [])


def escaped(text: str) -> str:
    """Escape text out of a file; signs that no page can hold are shown as question marks."""
    return html.escape("".join(sign if sign.isprintable() else "?" for sign in text))


def _draw(reader: TileReader) -> bytes | None:
    scheme = reader.info.scheme
    extent = reader.info.extent
    held = set(reader.levels())
    looked = 0
    ranges: list[tuple[int, TileRange]] = []
    for lod in sorted((lod for lod in scheme.levels if lod.level in held), key=lambda lod: -lod.resolution):
        found: list[Occupied] = []
        for bundle in reader.bundles(lod.level)[: _MOST_BUNDLES - looked]:
            summary = reader.summary(bundle)
            looked += 1
            if summary.tiles:
                found.append((bundle, summary.occupied))
        ranges += [(lod.level, tiles) for _, tiles in found]
        extent = extent or tile_box(scheme, found)
        # What is finer than the picture costs time alone.
        enough = bool(found) and extent is not None and lod.resolution <= max(extent.width, extent.height) / _SIZE[0]
        if enough or looked >= _MOST_BUNDLES:
            break
    return draw_thumbnail(reader.read, scheme, extent, ranges, size=_SIZE) if ranges and extent else None
