"""What XML and JSON documents share: limits, numbers, and how messages show what was found.

What every document of a cache has to get through:

=======================  ============================================================================
size                     at most 16 MiB; 200,000 tags and attributes of XML, 500,000 values of JSON
XML                      no DOCTYPE at all (so no entities), no network, libxml2's own limits left on
JSON                     UTF-8 or UTF-16 with or without a mark, an object on top, no NaN, no number beyond
                         the range of a double, nested no deeper than 100
numbers                  plain decimal notation; a text may stand for a number, a whole 128.0 for 128
names                    compared without regard to case; of XML only the local name counts
=======================  ============================================================================

Sources: the spellings seen in conf.xml of 9.2 to 10.6 and in Esri's tile package specification beside real packages.
Whatever does not get through is a `MetadataError` that begins with the place, the path as the caller shows it.
"""

from __future__ import annotations

import math
import re
from typing import Final

from tilepack.errors import MetadataError

MAX_BYTES: Final = 16 << 20
"""Largest document that is read. Real ones have kilobytes; legends with pictures reach a few megabytes. A letter beyond
the first 65,536 makes four bytes of each other one, and a text is held several times while it is read."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400
"""Characters; 1.8e308 written out without an exponent has 309."""


def shown(value: object) -> str:
    """Give a value as an error message shows it: quoted, on one line, cut to 60 characters."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


REMEDY: Final = "mend it, or take it from a backup"

_FOR_PROGRAMMERS: Final = re.compile(r"\s*\(<string>, line \d+\)|[,;]? ?(use XML_PARSE_HUGE option|use sys\.set_int.*)")


def reason_of(error: Exception) -> str:
    """Give what a parser says, on one line, without what only its programmer can use."""
    return _FOR_PROGRAMMERS.sub("", " ".join(str(error).split()))[:200]


def read_number(value: object, *, place: str, label: str) -> float:
    """Read a finite number that a document gives as number or text.

    Args:
        value: What the document holds: int, float or str; anything else is refused.
        place: The document's path, for messages.
        label: What the number is called there, for messages.

    Raises:
        MetadataError: It is no finite number.
    """
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    elif isinstance(value, str) and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value.strip()):
        number = float(value)
    if not math.isfinite(number):
        raise MetadataError(f"{place}: {label} is {shown(value)}; it must be a finite number")
    return number


def read_integer(value: object, *, place: str, label: str) -> int:
    """Read a whole number that a document gives as number or text; 128.0 is 128.

    Raises:
        MetadataError: It is no whole number.
    """
    number = read_number(value, place=place, label=label)
    if not number.is_integer():
        raise MetadataError(f"{place}: {label} is {shown(value)}; it must be a whole number")
    return int(number)


def check_size(data: bytes, place: str, *, marks: bytes, most: int) -> None:
    """Refuse a document that is empty, or larger than any of a cache.

    Args:
        data: Its bytes.
        place: Its path, for messages.
        marks: Bytes that each begin a part of it.
        most: Most parts that it may have.

    Raises:
        MetadataError: It is.
    """
    if len(data) > MAX_BYTES:
        raise MetadataError(
            f"{place}: the document has {len(data):,} bytes; documents of caches have at most {MAX_BYTES:,}, "
            "so this is another kind of file"
        )
    count = sum(data.count(mark) for mark in marks)
    if count > most:
        raise MetadataError(
            f"{place}: the document has about {count:,} parts; documents of caches have at most {most:,}, "
            "so this is another kind of file"
        )
    if not data.strip(b"\0 \t\r\n"):
        raise MetadataError(f"{place}: the document is empty; restore it from the source it was copied from")
