"""What this module says to those who ask it for the rest of arcpy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_SENTENCE = (
    "is no part of tilepack.arcpy, which is for the tools that export, import, create, delete, convert and report map "
    "caches offline; whatever else a script needs of arcpy, it needs ArcGIS for"
)


def refusal(name: str) -> str:
    """Say that something is not offered, and what is."""
    return f"arcpy.{name} {_SENTENCE}"


class Refuser(MetaPathFinder):
    """Stands behind all other finders, and answers for modules of arcpy that nobody found."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse modules of the package.

        Raises:
            ImportError: It is one.
        """
        del path, target
        if fullname.startswith(f"{self.package}."):
            raise ImportError(refusal(fullname[len(self.package) + 1 :]), name=fullname)
        return None


def refuse_modules(package: str) -> None:
    """Let ``import arcpy.da`` and ``from arcpy import da`` end in a sentence; said twice, it counts once."""
    if not any(isinstance(finder, Refuser) and finder.package == package for finder in sys.meta_path):
        sys.meta_path.append(Refuser(package))
