"""The five layouts that everything is converted between."""

from __future__ import annotations

from pathlib import Path

import tilepack

LAYOUTS = {
    "v1": ("v1", "compact"),
    "v2": ("v2", "compact-v2"),
    "exploded": ("exploded", "exploded"),
    "tpk": ("cache.tpk", None),
    "tpkx": ("cache.tpkx", None),
}
"""Name of the target and storage format of each."""

SAMPLES = ("Usa.tpkx", "canyonlands.tpk", "states_filled.tpk", "esri_compact_v2_cache", "mixed_v2_cache")


def convert_to(layout: str, source: Path, folder: Path, **options: object) -> Path:
    """Convert a cache into a layout, below a folder.

    Returns:
        The target.
    """
    name, storage_format = LAYOUTS[layout]
    tilepack.convert(source, folder / name, storage_format=storage_format, **options)
    return folder / name
