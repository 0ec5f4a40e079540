"""Remembering tiles that were written, so that equal ones are stored once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zlib_ng import zlib_ng

_MOST: Final = 1 << 17
"""Tiles of one generation: 20 MB of memory for two."""


class WrittenTiles:
    """Knows tiles that were written by checksum and size; equal bytes are made sure of.

    Memory stays flat: of the tiles that came once, some hundred thousand are remembered, the last ones; those that came
    again are not forgotten before as many others have.
    """

    def __init__(self, read: Callable[[int, int], bytes]) -> None:
        """Begin with none.

        Args:
            read: Gives a tile that was written, by what it is remembered as, and its bytes.
        """
        self._read = read
        self._new: dict[tuple[int, int], int] = {}
        self._old: dict[tuple[int, int], int] = {}

    def find(self, data: bytes) -> int | None:
        """Give what an equal tile is remembered as; None where none is known."""
        key = zlib_ng.crc32(data), len(data)
        found = self._new.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self._keep(key, found)
        return found if found is not None and self._read(found, len(data)) == data else None

    def add(self, data: bytes, name: int) -> None:
        """Remember a tile that was written, unless another of its checksum and size is."""
        self._keep((zlib_ng.crc32(data), len(data)), name)

    def _keep(self, key: tuple[int, int], name: int) -> None:
        if len(self._new) >= _MOST:
            self._old, self._new = self._new, {}
        self._new.setdefault(key, name)
