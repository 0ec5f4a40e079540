"""``arcpy.gp``: the tools, messages and settings once more, as members of one object."""

from __future__ import annotations

from typing import Any

from tilepack.arcpy import messages, server
from tilepack.arcpy.environment import env
from tilepack.arcpy.refusing import refusal

_SUFFIXES = ("_server", "_management")
_SETTINGS = ("workspace", "overwriteOutput", "scratchFolder", "scratchWorkspace", "parallelProcessingFactor")


def find_tool(name: str, *, bare: bool) -> Any:
    """Find a tool by a name with its toolbox: ``ExportMapServerCache_server``.

    Args:
        name: The name.
        bare: Whether the name alone will do.

    Returns:
        The tool; None where there is none of that name.
    """
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            name, bare = name[: -len(suffix)], True
            break
    return getattr(server, name) if bare and name in server.__all__ else None


class Geoprocessor:
    """Everything by its name, with or without the toolbox's."""

    AddMessage = staticmethod(messages.AddMessage)
    AddWarning = staticmethod(messages.AddWarning)
    AddError = staticmethod(messages.AddError)
    GetMessages = staticmethod(messages.GetMessages)
    GetMessage = staticmethod(messages.GetMessage)
    GetMaxSeverity = staticmethod(messages.GetMaxSeverity)

    def __getattr__(self, name: str) -> Any:
        found = find_tool(name, bare=True)
        if found is not None:
            return found
        if name in _SETTINGS:
            return getattr(env, name)
        raise AttributeError(refusal(f"gp.{name}"))

    def __setattr__(self, name: str, value: object) -> None:
        setattr(env, name, value)


gp = Geoprocessor()
"""The geoprocessor of this process."""
