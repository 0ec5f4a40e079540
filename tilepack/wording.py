"""Numbers and lists as sentences have them."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """Give a number with what it counts.

    >>> counted(1234, "tile"), counted(1, "tile")
    ('1,234 tiles', '1 tile')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(items: Iterable[object], most: int) -> str:
    """Name the first of some things, and count the others.

    >>> listed([1, 2, 3], 2)
    '1, 2 and 1 more'
    """
    named = list(map(str, items))
    return ", ".join(named[:most]) + (f" and {len(named) - most:,} more" if len(named) > most else "")
