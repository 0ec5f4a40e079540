"""The ArcGIS tools for map caches by their own names and parameters, on local caches, without ArcGIS.

>>> import tilepack.arcpy as arcpy
>>> arcpy.server.ExportMapServerCache(                              # doctest: +SKIP
...     "Rainfall.MapServer", "C:/data/temp", "CACHE_DATASET", "DO_NOT_COPY", "COMPACT", [500000, 250000], "2",
...     "C:/data/Metro.shp", "", "MERGE")

``python -m tilepack.arcpy SCRIPT.py ARGUMENTS`` runs a script in which ``import arcpy`` means this module.

Tools are reached as ``arcpy.server.X``, ``arcpy.management.X``, ``arcpy.X_server``, ``arcpy.X_management`` and
``arcpy.gp.X``. How a service's cache is found, services.py tells; where targets go, outputs.py; which settings of
``arcpy.env`` mean something, environment.py. Whatever else there is in arcpy raises an error that says so.

Source of names, orders and defaults: the tools' public help pages.
"""

from __future__ import annotations

from typing import Any

from tilepack.arcpy import management, server
from tilepack.arcpy.arguments import Exists, GetArgumentCount, GetParameter, GetParameterAsText
from tilepack.arcpy.environment import env
from tilepack.arcpy.extents import Extent
from tilepack.arcpy.geoprocessor import find_tool, gp
from tilepack.arcpy.messages import (
    AddError,
    AddMessage,
    AddWarning,
    ExecuteError,
    ExecuteWarning,
    GetMaxSeverity,
    GetMessage,
    GetMessageCount,
    GetMessages,
)
from tilepack.arcpy.refusing import refusal, refuse_modules
from tilepack.arcpy.result import Result

__all__ = [
    "AddError",
    "AddMessage",
    "AddWarning",
    "ExecuteError",
    "ExecuteWarning",
    "Exists",
    "Extent",
    "GetArgumentCount",
    "GetMaxSeverity",
    "GetMessage",
    "GetMessageCount",
    "GetMessages",
    "GetParameter",
    "GetParameterAsText",
    "Result",
    "env",
    "gp",
    "management",
    "server",
]

refuse_modules(__name__)


def __getattr__(name: str) -> Any:
    """Find a tool with its toolbox's name, as ``ExportMapServerCache_server``; all else is not here."""
    found = None if name.startswith("__") else find_tool(name, bare=False)
    if found is None:
        raise AttributeError(refusal(name))
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, *(f"{name}{suffix}" for name in server.__all__ for suffix in ("_server", "_management"))])
