"""p12/resources/styles/root.json: the style by which the vector tiles of a .vtpk are drawn, and the layers it names.

::

    version   8
    sources   {esri: {type "vector", url "../../"}}, relative to the style
    sprite, glyphs      where symbols and letters are, of styles that draw any
    layers    [{id, type, source, source-layer, filter, paint, ...}, ...]
    metadata  anything, under keys with a prefix of one's own

A .vtpk has no list of the layers in its tiles, as MBTiles has in ``vector_layers``; those that a style draws are the
next best, without their fields. Styles written here repeat the list in their metadata, so that it comes back whole.
Sources: Mapbox' style specification, version 8; the styles of ArcGIS' vector tile services; the MBTiles 1.3
specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tilepack.cache import CacheInfo
from tilepack.metadata.json_documents import JsonNode, parse_json
from tilepack.metadata.vector_root_json import STYLES
from tilepack.metadata.writing import json_document

STYLE_PATH: Final = f"{STYLES}/root.json"
"""Where a new package's style lies, beside p12/root.json."""

_LAYERS_KEY: Final = "tilepack:vector_layers"

_DRAWN: Final = (
    ("fill", "Polygon", {"fill-color": "#d9d3c3", "fill-outline-color": "#8c8674"}),
    ("line", "LineString", {"line-color": "#5b7083", "line-width": 1}),
    ("circle", "Point", {"circle-color": "#a3423c", "circle-radius": 3}),
)
"""How each layer is drawn: type of style layer, type of geometry, paint."""


def style_path(info: CacheInfo) -> tuple[str, ...]:
    """Give the steps from p12/root.json to the style, as the document says."""
    folder = JsonNode(info.service, "root.json").text("defaultStyles") or STYLES
    return (*(step for step in folder.split("/") if step not in ("", ".")), "root.json")


def read_vector_layers(data: bytes, *, place: str) -> list[dict[str, Any]]:
    """Read which layers of the tiles a style draws, as MBTiles would list them.

    Raises:
        MetadataError: It is no JSON object, or too large.
    """
    style = parse_json(data, place=place)
    own = style.get("metadata")
    kept = own.get(_LAYERS_KEY) if isinstance(own, dict) else None
    if isinstance(kept, list) and kept and all(_name(layer) for layer in kept):
        return kept
    drawn = style.get("layers")
    names = (layer.get("source-layer") for layer in drawn if isinstance(layer, dict)) if isinstance(drawn, list) else ()
    return [{"id": name, "fields": {}} for name in dict.fromkeys(name for name in names if isinstance(name, str))]


def _name(layer: object) -> str:
    name = layer.get("id") if isinstance(layer, dict) else None
    return name if isinstance(name, str) else ""


def format_style(info: CacheInfo) -> bytes:
    """Print a style that draws every known layer plainly: areas, lines and points, no labels.

    Args:
        info: What the package says; its ``vector_layers`` are the layers known, where there are any.
    """
    listed = info.web.get("vector_layers")
    layers = [layer for layer in listed if _name(layer)] if isinstance(listed, list) else []
    background = {"id": "background", "type": "background", "paint": {"background-color": "#f7f5f0"}}
    return json_document(
        {
            "version": 8,
            "name": info.name,
            "metadata": {_LAYERS_KEY: layers} if layers else {},
            "sources": {"esri": {"type": "vector", "url": "../../"}},
            "layers": [background, *_style_layers([_name(layer) for layer in layers])],
        }
    )


def _style_layers(names: list[str]) -> Iterator[dict[str, Any]]:
    for kind, geometry, paint in _DRAWN:  # points over lines over areas
        for name in dict.fromkeys(names):
            yield {
                "id": f"{name}/{kind}",
                "type": kind,
                "source": "esri",
                "source-layer": name,
                "filter": ["==", "$type", geometry],
                "paint": paint,
            }
