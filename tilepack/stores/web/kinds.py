"""Counting what tiles are by their first bytes, for metadata that has one word for all of them."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tilepack.cache import TileFormat
from tilepack.formats.sniff import sniff

FORMAT_NAMES: Final = {"JPEG": "jpg", "WEBP": "webp", "PBF": "pbf", "GIF": "gif"}
"""What metadata calls tiles that are no PNG."""


def metadata_format(tile_format: TileFormat) -> str:
    """Give the metadata's name of a tile format; png for MIXED, too."""
    return FORMAT_NAMES.get(str(tile_format), "png")


_MOST: Final = 64
"""First bytes that are told apart: real caches have two or three."""
_START: Final = 64
"""Bytes of a tile that tell what it is."""


class TileKinds:
    """Counts tiles by their first bytes, to say what most of them are."""

    def __init__(self) -> None:
        self._counts: Counter[bytes] = Counter()
        self._examples: dict[bytes, bytes] = {}

    def add(self, data: bytes) -> None:
        """Count a tile."""
        head = data[:2]
        if head not in self._counts and len(self._counts) < _MOST:
            self._examples[head] = data[:_START]
        if head in self._examples:
            self._counts[head] += 1

    @property
    def are_gzipped(self) -> bool:
        """Whether most of them are gzipped, as vector tiles are."""
        return bool(self._counts) and self._counts.most_common(1)[0][0] == b"\x1f\x8b"

    def usual(self) -> str:
        """Give the metadata's name of the format that most tiles have; png where there is none."""
        for head, _ in self._counts.most_common():
            kind = sniff(self._examples[head])
            if kind is not None:
                return FORMAT_NAMES.get(kind.name, "png")
        return "png"
