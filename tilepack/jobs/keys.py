"""What a job may say: its keys, named as the options of the command line without hyphens in front, and their values."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from PIL import ImageColor

from tilepack import aoi_given
from tilepack.aoi_given import Area, Bounds, require_box
from tilepack.areas.reading import is_area_text
from tilepack.errors import TilepackError
from tilepack.selection import LevelSelection
from tilepack.stores.targets import parse_storage_format

Read = Callable[[Any, Path], Any]
"""Reads a value as the file has it, variables put in; paths are relative to the folder that is given with it. Raises
ValueError, with a sentence that goes on from ``KEY ``, where it is none."""


def read_text(value: Any, _: Path) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str):
        raise ValueError(f"is {_kind(value)}; write text in quotes")  # noqa: TRY004  whoever reads a file catches one
    if not value.strip():
        raise ValueError("is empty; write something, or leave it out")
    if "\0" in value:
        raise ValueError("holds a character that no name has")
    return value


def read_path(value: Any, folder: Path) -> Path:
    """Read a path, relative to the file."""
    return folder / _at_home(read_text(value, folder))


def _at_home(text: str) -> str:
    """Put the home folder in the place of ``~``, as shells do; nothing where nobody knows one."""
    return os.path.expanduser(text)  # noqa: PTH111  Path's own fails there


def read_flag(value: Any, _: Path) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"is {_kind(value)}; write true or false")  # noqa: TRY004
    return value


def read_texts(value: Any, folder: Path) -> tuple[str, ...]:
    """Read a list of texts, or one with commas between."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, list):
        raise ValueError(f"is {_kind(value)}; write a list of texts")  # noqa: TRY004
    return tuple(read_text(each, folder) for each in value)


def read_levels(value: Any, _: Path) -> str | list[int]:
    """Read ``"0-7,9"``, one LevelID or a list of them."""
    if type(value) is int:
        value = [value]
    if isinstance(value, list) and all(type(each) is int and each >= 0 for each in value) and value:
        return [int(each) for each in value]
    if not isinstance(value, str):
        raise ValueError(f'is {_kind(value)}; write levels as "0-7,9" or [0, 1, 2]')  # noqa: TRY004
    LevelSelection.of(levels=value)
    return value


def read_scales(value: Any, _: Path) -> str | list[float]:
    """Read ``"500000,250000"``, one scale denominator or a list of them."""
    if _is_number(value):
        value = [value]
    if not isinstance(value, str | list) or (isinstance(value, list) and not all(map(_is_number, value))):
        raise ValueError("is no list of numbers; write scales as [500000, 250000]")
    if not value:
        raise ValueError("is empty; write scales as [500000, 250000], or leave it out")
    LevelSelection.of(scales=value)
    return value


def read_rectangle(value: Any, _: Path) -> Bounds:
    """Read four numbers."""
    if isinstance(value, str):
        try:
            value = [float(part) for part in value.split(",")]
        except ValueError:
            value = None
    if not isinstance(value, list) or len(value) != 4 or not all(_is_number(each) for each in value):
        raise ValueError("is no rectangle; write four numbers, as [-10, 40, 5, 50]")
    first, second, third, fourth = map(float, value)
    return first, second, third, fourth


def read_extent(value: Any, folder: Path) -> Bounds:
    """Read a rectangle in map units."""
    bounds = read_rectangle(value, folder)
    aoi_given.read_extent(bounds)
    return bounds


def read_box(value: Any, folder: Path) -> Bounds:
    """Read a rectangle in degrees."""
    bounds = read_rectangle(value, folder)
    require_box(bounds)
    return bounds


def read_colour(value: Any, _: Path) -> tuple[int, int, int]:
    """Read ``"#rrggbb"``, a colour's name, or three numbers."""
    if isinstance(value, str):
        try:
            value = list(map(int, value.split(","))) if "," in value else list(ImageColor.getrgb(value.strip()))
        except ValueError:
            value = None
    if not (
        isinstance(value, list) and len(value) == 3 and all(type(part) is int and 0 <= part < 256 for part in value)
    ):
        raise ValueError('is no colour; write "#rrggbb", a name or [r, g, b]')
    return value[0], value[1], value[2]


def read_quality(value: Any, _: Path) -> int:
    """Read the quality of JPEG."""
    if type(value) is not int or not 1 <= value <= 100:
        raise ValueError("is no quality; write a whole number from 1 to 100")
    return int(value)


def read_format(value: Any, folder: Path) -> str:
    """Read a storage format."""
    return str(parse_storage_format(read_text(value, folder)))


def read_report_format(value: Any, folder: Path) -> str:
    """Read the format of a report."""
    text = read_text(value, folder).lower()
    if text not in ("gdb", "gpkg", "geojson", "csv"):
        raise ValueError(f"is {text!r}; there are gdb, gpkg, geojson and csv")
    return text


AREA_KEYS: Final[Mapping[str, Read]] = {
    "source": read_text,
    "layer": read_text,
    "where": read_text,
    "crs": lambda value, folder: value if type(value) is int else read_text(value, folder),
    "levels": read_levels,
    "scales": read_scales,
}


def read_area(said: Mapping[str, Any], folder: Path) -> Area:
    """Make an area of interest of what was read of its keys.

    Raises:
        ValueError: It has no source, or is for levels in two ways.
    """
    if "source" not in said:
        raise ValueError("has no source; name a vector file, or give WKT or GeoJSON")
    text = said["source"]
    whole = Area(source=folder / text if _is_there(folder / text) else text)  # it may be a file's name with a "=" in it
    ranges, rest = whole.split()
    front = None if ranges is None else ",".join(f"{first}-{last}" for first, last in ranges)
    scales = whole.named_scales()
    if "scales" in said:
        scales = LevelSelection.of(scales=said["scales"]).scales
    levels = said.get("levels", front)
    if len({"levels", "scales"} & said.keys()) + (rest != whole.source) > 1:
        raise ValueError("is for levels or scales in two ways; choose one of them")
    placed = _placed(str(rest), folder)
    if levels is not None:
        placed = f"{levels if isinstance(levels, str) else ','.join(map(str, levels))}={placed}"
    return Area(source=placed, layer=said.get("layer"), where=said.get("where"), crs=said.get("crs"), scales=scales)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a text too long for a name
        return False


def _placed(text: str, folder: Path) -> str:
    """Give a path relative to the file in full; WKT and GeoJSON as they are."""
    return text if is_area_text(text) else str(folder / _at_home(text))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _kind(value: Any) -> str:
    """Name what a value is."""
    for kind, name in ((bool, "true or false"), (str, "text"), (list, "a list"), (dict, "a table")):
        if isinstance(value, kind):
            return name
    return "a number" if isinstance(value, int | float) else "a date or a time"


def explain(error: Exception) -> str:
    """Give the sentence of whatever a reader of values raised, to go on from the key's name."""
    text = str(error)
    if isinstance(error, TilepackError):
        return f": {text}"
    return text if text.startswith(":") else f" {text}"


AREAS: Final = "areas"
"""The key whose value is a list of tables, read apart."""

_SELECTION: Final[Mapping[str, Read]] = {
    "levels": read_levels,
    "scales": read_scales,
    AREAS: read_text,
    "extent": read_extent,
    "bbox": read_box,
}
_PIXELS: Final[Mapping[str, Read]] = {
    "background": read_colour,
    **dict.fromkeys(
        ("whole-tiles", "keep-blank", "skip-errors", "strict", "allow-lossy", "recompress", "delete-missing", "force"),
        read_flag,
    ),
}
_DESCRIPTION: Final[Mapping[str, Read]] = {
    "title": read_text,
    "tags": read_texts,
    "description": read_text,
    "attribution": read_text,
    "thumbnail": read_path,
}
_WAYS: Final[Mapping[str, Read]] = {"source": read_path, "target": read_path}

COMMON: Final = ("name", "do", "needs")

KINDS: Final[Mapping[str, Mapping[str, Read]]] = {
    "export": {
        **_WAYS,
        **_SELECTION,
        **_PIXELS,
        **_DESCRIPTION,
        "storage-format": read_format,
        **dict.fromkeys(("merge", "overwrite", "replace", "ready-to-serve", "drop-blank", "dedupe"), read_flag),
    },
    "import": {
        **_WAYS,
        **_SELECTION,
        **_PIXELS,
        **_DESCRIPTION,
        **dict.fromkeys(("merge", "overwrite", "changed", "only-missing"), read_flag),
    },
    "convert": {
        **_WAYS,
        "levels": read_levels,
        "scales": read_scales,
        "storage-format": read_format,
        "quality": read_quality,
        **dict.fromkeys(("replace", "ready-to-serve", "drop-blank", "dedupe"), read_flag),
    },
    "status": {
        **_WAYS,
        **_SELECTION,
        "format": read_report_format,
        **dict.fromkeys(("all", "deep", "force"), read_flag),
    },
    "delete": {
        "target": read_path,
        **_SELECTION,
        "background": read_colour,
        **dict.fromkeys(("all", "pixels", "keep-blank", "skip-errors", "force"), read_flag),
    },
    "verify": {"source": read_path, "levels": read_levels, "deep": read_flag},
}
"""What each kind of job may say beside its name, kind and needs."""

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "export": ("source", "target"),
    "import": ("source", "target"),
    "convert": ("source", "target"),
    "status": ("source",),
    "delete": ("target",),
    "verify": ("source",),
}
"""What it has to say."""
