"""Small exploded caches of flat tiles on level 4, and an area across them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from command_line import draw_tile
from PIL import Image

import tilepack
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.standard import arcgis_online_scheme

CORNER = 20037508.342787
SIDE = 2 * CORNER / 16
FOUR = [(4, 5, 6), (4, 5, 7), (4, 6, 6), (4, 6, 7)]
AREA = (
    f"SRID=3857;POLYGON(({6.4 * SIDE - CORNER} {CORNER - 5.4 * SIDE}, {7.4 * SIDE - CORNER} {CORNER - 5.4 * SIDE}, "
    f"{7.4 * SIDE - CORNER} {CORNER - 6.6 * SIDE}, {6.4 * SIDE - CORNER} {CORNER - 5.4 * SIDE}))"
)
LEFT = f"{6 * SIDE - CORNER},{CORNER - 7 * SIDE},{7 * SIDE - CORNER},{CORNER - 5 * SIDE}"


def flat(*colour: int, kind: str = "PNG") -> bytes:
    """Draw a tile of one colour."""
    out = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", (256, 256), colour).save(out, kind)
    return out.getvalue()


def photo(*tile: int) -> bytes:
    """Draw an RGB tile of more colours than a palette has."""
    noise = np.random.default_rng(tile).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    return out.getvalue()


def write(folder: Path, tiles: dict[tuple[int, int, int], bytes], tile_format: str = "PNG") -> Path:
    """Write an exploded cache file by file."""
    info = tilepack.CacheInfo(
        name=folder.name,
        scheme=arcgis_online_scheme(),
        storage_format=tilepack.StorageFormat.EXPLODED,
        tile_format=tilepack.TileFormat(tile_format),
    )
    folder.mkdir(parents=True)
    (folder / "conf.xml").write_bytes(format_conf_xml(info))
    (folder / "_alllayers").mkdir()
    for (level, row, column), data in tiles.items():
        suffix = ".jpg" if data.startswith(b"\xff\xd8") else ".png"
        place = folder / "_alllayers" / f"L{level:02d}" / f"R{row:08x}" / f"C{column:08x}{suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder


def tiles_of(path: Path) -> dict[tuple[int, int, int], bytes]:
    """Give every tile's data, read by tilepack."""
    with tilepack.open(path) as cache:
        return {tuple(tile): cache.read(tile) for tile, _ in tilepack.list_tiles(cache)}


def pixels(data: bytes) -> np.ndarray:
    """Decode by Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def new_cache(folder: Path) -> Path:
    """Write four tiles: a red one, a soft one, a clear one and a drawn one."""
    drawn = (flat(255, 0, 0), flat(0, 0, 255, 128), flat(9, 9, 9, 0), draw_tile(4, 6, 7))
    return write(folder / "neue Kacheln [2]", dict(zip(FOUR, drawn, strict=True)))


def old_cache(folder: Path) -> Path:
    """Write green tiles in the same places, and one more."""
    return write(folder / "Städte & Dörfer", dict.fromkeys([*FOUR, (4, 5, 8)], flat(0, 255, 0)))
