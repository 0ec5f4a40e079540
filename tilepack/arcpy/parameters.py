"""Reading parameters as scripts write them: literals in any case, Booleans, numbers in texts, lists joined by ``;``.

None, ``""`` and ``"#"`` stand for the default everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tilepack.arcpy.environment import candidates, located
from tilepack.arcpy.features import area_of_features, is_feature_set
from tilepack.arcpy.messages import ExecuteError, current

_YES = {"true", "1", "yes", "checked"}
_NO = {"false", "0", "no", "unchecked"}
_WKT = re.compile(r"\s*(SRID\s*=\s*\d+\s*;\s*)?(MULTI|CURVE)?(POLYGON|SURFACE|GEOMETRYCOLLECTION)\b", re.IGNORECASE)
_WITH_LAYERS = (".gdb", ".gpkg", ".sqlite")


def is_given(value: object) -> bool:
    """Tell whether a parameter says something, rather than that the default is to be taken."""
    return not (value is None or (isinstance(value, str) and value.strip() in ("", "#")))


def need(name: str, value: object) -> str:
    """Give a parameter that must be there, as text.

    Raises:
        ExecuteError: It is not.
    """
    if not is_given(value):
        raise ExecuteError(f"{name} is required, and was left out")
    return str(value).strip()


def literal(name: str, value: object, *choices: str, default: str | None = None, yes: str = "", no: str = "") -> str:
    """Read one of a few words, in any case, with spaces or hyphens for underscores.

    Args:
        name: The parameter, for the message.
        value: What was given.
        choices: The words that there are.
        default: What is meant where nothing is given; None: something has to be.
        yes: The word that True stands for, of a Boolean parameter.
        no: The word that False stands for.

    Raises:
        ExecuteError: It is none of them.
    """
    if not is_given(value):
        if default is None:
            raise ExecuteError(f"{name} is required, and was left out; it takes {_either(choices)}")
        return default
    text = str(value).strip()
    word = re.sub(r"[\s-]+", "_", text).upper()
    if word in choices:
        return word
    if yes and text.lower() in _YES:
        return yes
    if no and text.lower() in _NO:
        return no
    raise ExecuteError(f"{name} is {text!r}; it takes {_either(choices)}")


def _either(choices: Sequence[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def scales(value: object) -> list[float] | None:
    """Read scale denominators: a list, one number, or a text joined by ``;`` or ``,``. None: all there are.

    Of each part of a text the first word counts: value tables put descriptions behind.

    Raises:
        ExecuteError: Something in it is no scale.
    """
    if not is_given(value):
        return None
    if isinstance(value, str):
        found = [_scale(part) for part in re.split("[;,]", value) if part.strip(" '\"")]
    elif isinstance(value, Iterable) and not isinstance(value, Mapping):
        found = [scale for each in value for scale in (scales(each) or () if isinstance(each, str) else [_scale(each)])]
    else:
        found = [_scale(value)]
    return found or None


def _scale(part: object) -> float:
    words = str(part).strip(" '\"").split()
    try:
        scale = float(words[0].strip("'\"").removeprefix("1:")) if words else 0.0
    except ValueError:
        scale = 0.0
    if not 0 < scale < float("inf"):
        raise ExecuteError(f"scale {part!r} cannot be read; write denominators, as 500000;250000")
    return scale


def number(name: str, value: object, default: float | None = None) -> float | None:
    """Read a number, which may come as text.

    Raises:
        ExecuteError: It is none.
    """
    if not is_given(value):
        return default
    try:
        found = float(str(value))
    except ValueError:
        found = float("nan")
    if not abs(found) < float("inf"):
        raise ExecuteError(f"{name} is {value!r}; it takes a number")
    return found


def whole(name: str, value: object, default: int | None = None) -> int | None:
    """Read a whole number, which may come as text.

    Raises:
        ExecuteError: It is none.
    """
    found = number(name, value, default)
    if found is None or found == int(found):
        return None if found is None else int(found)
    raise ExecuteError(f"{name} is {value!r}; it takes a whole number")


def pair(name: str, value: object) -> tuple[float, float] | None:
    """Read a point: ``"x y"``, two numbers, or an object with X and Y.

    Raises:
        ExecuteError: It is none.
    """
    if not is_given(value):
        return None
    if hasattr(value, "X") and hasattr(value, "Y"):
        value = (value.X, value.Y)
    parts = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
    if isinstance(parts, Sequence) and len(parts) == 2:
        x, y = (number(name, part) for part in parts)
        if x is not None and y is not None:
            return x, y
    raise ExecuteError(f"{name} is {value!r}; write a point as two numbers, x y")


def instances(value: object) -> None:
    """Note a number of service instances, which means nothing without a server.

    Raises:
        ExecuteError: It is no whole number.
    """
    if whole("num_of_caching_service_instances", value) is not None:
        meaningless("num_of_caching_service_instances", value, "set arcpy.env.parallelProcessingFactor for threads")


def meaningless(name: str, value: object, because: str) -> None:
    """Note in the messages that a parameter was taken, and changes nothing."""
    if is_given(value):
        current.say(f"{name} {value} changes nothing here: {because}")


def area(value: object) -> Any:
    """Read an area of interest.

    Args:
        value: A path; a feature collection (Esri's or GeoJSON, parsed or as text); WKT; an object that gives one of
            these as ``JSON`` or ``__geo_interface__``; or a list of them or of (scales, area).

    Returns:
        What the library takes as ``area``; None where nothing was given.

    Raises:
        AreaOfInterestError: It is a feature set that means no area.
    """
    if not is_given(value):
        return None
    if isinstance(value, list | tuple):
        return [(scales(each[0]), area(each[1])) if _is_scaled(each) else area(each) for each in value] or None
    if not isinstance(value, str | Path | Mapping):
        own = next((getattr(value, name) for name in ("JSON", "__geo_interface__") if hasattr(value, name)), None)
        value = str(value) if own is None else own
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value  # the library says what is wrong with it
    if isinstance(value, Mapping):
        return area_of_features(value) if is_feature_set(value) else value
    text = str(value)
    return text if _WKT.match(text) else _of_file(text)


def _is_scaled(each: object) -> bool:
    return isinstance(each, list | tuple) and len(each) == 2 and not isinstance(each[0], str | Mapping)


def _of_file(text: str) -> str | Path:
    found = located(text)
    if found is not None:
        return found
    for path in candidates(text):  # a layer of a geodatabase is no file of its own: x.gdb/[dataset/]layer
        for above in list(path.parents)[:2]:
            if above.suffix.lower() in _WITH_LAYERS and above.exists():
                return path
    return text
