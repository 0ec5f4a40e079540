"""Layers, rows and columns of vector files that areas are read from, and what to say where they are not as asked."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tilepack.errors import AreaOfInterestError

LEVEL_COLUMN: Final = "levelid"
"""Column of a status report that tells which level a row is for, in small letters."""

_MOST: Final = 20
"""Names that a message lists."""


def layers_of(source: str) -> list[str]:
    """Give the names of the layers that have geometries.

    Raises:
        pyogrio.errors.DataSourceError: GDAL cannot read the file.
    """
    from pyogrio import list_layers  # type: ignore[import-untyped]  # noqa: PLC0415  loads GDAL

    return [str(name) for name, kind in list_layers(source) if kind is not None]


def only_layer(source: str, place: str) -> str:
    """Give the name of a file's one layer that has geometries.

    Raises:
        AreaOfInterestError: It has several, or none.
    """
    names = layers_of(source)
    if len(names) != 1:
        raise AreaOfInterestError(
            f"{place}: there are {len(names)} layers with geometries: {named(names)}; name one of them (--aoi-layer)"
            if names
            else f"{place}: there is no layer with geometries"
        )
    return names[0]


def named(names: list[str]) -> str:
    """List names in a message, the first of them if they are many."""
    return ", ".join(names[:_MOST]) + (", ..." if len(names) > _MOST else "") or "none"


def level_ids(values: npt.NDArray[Any], place: str) -> npt.NDArray[np.int64]:
    """Read a LevelID column.

    Raises:
        AreaOfInterestError: It holds something else than whole numbers.
    """
    try:
        numbers = values.astype(np.float64)
        whole = bool(((numbers >= 0) & (numbers < 1000) & (numbers == np.floor(numbers))).all())
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise AreaOfInterestError(
            f"{place}: LevelID holds something else than whole numbers from 0; fill it in every row, or take the "
            "column out"
        )
    return numbers.astype(np.int64)


def explained_failure(
    error: Exception,
    source: str | bytes,
    place: str,
    *,
    layer: str | int | None,
    where: str | None,
    columns: list[str],
) -> AreaOfInterestError:
    """Say why GDAL did not read a layer, in words that tell what is there instead.

    Args:
        error: What it said.
        source: The file, or the GeoJSON itself.
        place: How it is called in messages.
        layer: The layer that was asked for.
        where: The attribute filter.
        columns: Names of the layer's columns, as far as they are known.
    """
    from pyogrio.errors import DataLayerError, DataSourceError  # type: ignore[import-untyped]  # noqa: PLC0415

    if isinstance(error, DataLayerError) and isinstance(source, str) and isinstance(layer, str):
        try:
            there = layers_of(source)
        except DataSourceError:
            there = []
        if there and layer not in there:
            return AreaOfInterestError(
                f"{place}: there is no layer {layer!r}; those with geometries are {named(there)}"
            )
    if where and "SQL" in str(error):
        return AreaOfInterestError(
            f"{place}: the attribute filter {where!r} cannot be read; it is SQL, and the columns are {named(columns)}"
        )
    # pyogrio adds advice for those who call it themselves.
    said = str(error).partition("; It might help")[0].rstrip(".")
    return AreaOfInterestError(f"{place}: cannot be read as a vector layer: {said}")
