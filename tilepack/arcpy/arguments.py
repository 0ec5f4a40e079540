"""What a script asks of its surroundings: its parameters, and whether something exists."""

from __future__ import annotations

import sys

from tilepack.arcpy.environment import located
from tilepack.arcpy.parameters import area
from tilepack.errors import TilepackError


def GetParameterAsText(index: int) -> str:
    """Give a parameter of the script, the first being 0; an empty text where there is none."""
    return sys.argv[index + 1] if 0 <= index < len(sys.argv) - 1 else ""


def GetParameter(index: int) -> str:
    """Give a parameter of the script, as text: there are no other kinds here."""
    return GetParameterAsText(index)


def GetArgumentCount() -> int:
    """Give the number of parameters of the script."""
    return len(sys.argv) - 1


def Exists(dataset: object) -> bool:
    """Tell whether there is a file, a folder, a layer of a geodatabase, or a service whose cache can be found."""
    from tilepack.arcpy.services import find_service

    text = str(dataset or "").strip()
    if not text:
        return False
    if located(text) is not None:
        return True
    found = area(text)
    if found is not None and not isinstance(found, str):
        return _has_layer(found)
    try:
        find_service(text)
    except TilepackError:
        return False
    return True


def _has_layer(path: object) -> bool:
    from pathlib import Path

    from pyogrio import list_layers  # type: ignore[import-untyped]

    layer = Path(str(path))
    for above in list(layer.parents)[:2]:
        if above.exists():
            try:
                return any(str(name).lower() == layer.name.lower() for name, _ in list_layers(above))
            except RuntimeError:
                return False
    return False
