"""Print XML and JSON as ArcGIS prints them.

=======  ==========================================================================================
XML      one line, single quotes around attributes, ``&quot;`` in texts, numbers by ``%.17g``:
         20037508.342787 is ``20037508.342787001``, 96 is ``96``
JSON     no white space, ASCII only, whole numbers without a point, others in their shortest form
=======  ==========================================================================================

Source: conf.xml of 10.3, 10.5 and 10.6, root.json of a package exported by ArcGIS Server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

XML_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8" ?>'

DEFAULT_SCHEMA_VERSION: Final = "10.3"
"""The first version that knows all three storage formats; what newer ones write, it reads."""

_OLDEST_SCHEMA = (10, 1)

# XML 1.0 has no way to hold these, not even as references.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\r": "&#13;"})


def xml_number(value: float) -> str:
    """Print a number as ArcGIS does in XML: 17 significant digits, no trailing zeros."""
    return f"{value:.17g}"


def xml_text(text: str) -> str:
    """Escape a text for XML; characters that XML cannot hold are left out."""
    return _FORBIDDEN.sub("", text).translate(_REFERENCES)


def xml_element(name: str, content: str, kind: str | None = None) -> str:
    """Print an element around content that is escaped already.

    Args:
        name: The element's name.
        content: What stands inside.
        kind: Type for ``xsi:type`` with its prefix (``typens:PointN``), or None for no such attribute.
    """
    attribute = "" if kind is None else f" xsi:type='{kind}'"
    return f"<{name}{attribute}>{content}</{name}>"


def xml_root(name: str, content: str, schema_version: str) -> bytes:
    """Print a whole document with Esri's namespaces on its topmost element."""
    return (
        f"{XML_DECLARATION}<{name} xsi:type='typens:{name}'"
        " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"
        " xmlns:xs='http://www.w3.org/2001/XMLSchema'"
        f" xmlns:typens='http://www.esri.com/schemas/ArcGIS/{schema_version}'>{content}</{name}>"
    ).encode()


def written_schema_version(version: str | None) -> str:
    """Give the version for the namespace: the source's own from 10.1 on, else 10.3."""
    return version if version and version_numbers(version) >= _OLDEST_SCHEMA else DEFAULT_SCHEMA_VERSION


def version_numbers(version: str) -> tuple[int, ...]:
    """Give the numbers of a version, so that 10.10 comes after 10.9; () when it is none."""
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6}){0,3}", version):
        return ()
    return tuple(int(part) for part in version.split("."))


def json_number(value: float) -> float:
    """Give a number in the type that prints shortest: int where it is whole."""
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else value


def json_document(members: Mapping[str, Any]) -> bytes:
    """Print a JSON document on one line."""
    return json.dumps(members, separators=(",", ":"), allow_nan=False).encode("ascii")
