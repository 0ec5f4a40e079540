"""Six tiles in one bundle, and what a cache's report warns of."""

from __future__ import annotations

from pathlib import Path

from caches import payload

import tilepack
from tilepack.keys import TileKey

FEW = {TileKey(5, row, column): payload(TileKey(5, row, column)) for row in (10, 11) for column in (6, 7, 8)}
"""Six tiles in one bundle."""


def warnings_of(path: Path) -> str:
    with tilepack.open(path) as reader:
        return "\n".join(tilepack.probe(reader).warnings)
