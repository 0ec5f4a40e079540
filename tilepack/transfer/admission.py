"""Which tiles a new target admits as they are, which become others on the way, and which it cannot hold."""

from __future__ import annotations

from typing import Final

from tilepack.cache import StorageFormat, TileFormat
from tilepack.errors import UnsupportedError
from tilepack.stores.base import TileReader
from tilepack.stores.targets import TargetKind
from tilepack.stores.web.mbtiles import MbtilesReader
from tilepack.transfer.request import TransferRequest

_WITH_JPEG: Final = (TileFormat.JPEG, TileFormat.MIXED, TileFormat.WEBP)
"""Formats of a source whose tiles may be JPEG, or become it."""


def refuse_formats(reader: TileReader, kind: TargetKind) -> None:
    """Refuse tiles that a target cannot hold, whatever they show.

    Raises:
        UnsupportedError: It cannot.
    """
    tile_format = reader.info.tile_format
    if tile_format is TileFormat.LERC and kind.storage_format.is_web:
        raise UnsupportedError(
            f"{reader.place}: holds LERC tiles, which {kind.storage_format} has no name for; make a cache or package "
            f"of ArcGIS' instead"
        )
    if kind.is_vector:
        _refuse_for_vtpk(reader)
    elif tile_format is TileFormat.PBF and not kind.storage_format.is_web:
        raise UnsupportedError(
            f"{reader.place}: holds vector tiles, and caches of ArcGIS' hold images; make MBTiles, PMTiles, a folder "
            f"of web tiles or a .vtpk of them"
        )


def _refuse_for_vtpk(reader: TileReader) -> None:
    info = reader.info
    if info.tile_format is not TileFormat.PBF:
        raise UnsupportedError(
            f"{reader.place}: holds {info.tile_format} tiles, and a .vtpk vector tiles alone; make a .tpkx of them"
        )
    if not info.storage_format.is_web:
        raise UnsupportedError(
            f"{reader.place}: is a vector tile package already; its styles, sprites and fonts would be lost in another "
            f"one: copy the file, or make MBTiles or PMTiles of its tiles"
        )


def refuse_vector_target(target: TileReader) -> None:
    """Refuse to change which tiles a vector tile package holds.

    Raises:
        UnsupportedError: It is one.
    """
    if target.info.tile_format is TileFormat.PBF and not target.info.storage_format.is_web:
        raise UnsupportedError(
            f"{target.place}: is a vector tile package; tilepack does not change which tiles those hold, for their "
            f"index (tilemap) would contradict them: make MBTiles of it, change that, and make a new .vtpk"
        )


def left_out_tables(reader: TileReader) -> list[str]:
    """Say in a sentence which tables of a database find no place in a new target."""
    tables = reader.foreign_tables() if isinstance(reader, MbtilesReader) else []
    return [f"tables beside the tiles stay behind: {', '.join(tables)}"] if tables else []


def vector_warnings(reader: TileReader, kind: TargetKind) -> list[str]:
    """Say in sentences what whoever opens vector tiles should know of a new target."""
    info = reader.info
    found: list[str] = []
    if info.tile_format is not TileFormat.PBF:
        return found
    if "vector_layers" not in info.web:
        lack = "its style draws none of the tiles" if kind.is_vector else "MBTiles' specification asks for them"
        found.append(f"nothing in the source names the layers of its vector tiles (vector_layers); {lack}")
    elif kind.is_vector:
        found.append("the package's style draws every layer plainly, without labels and symbols")
    if not info.storage_format.is_web:
        found.append("styles, sprites and fonts stay behind: there is no place for them")
        if info.service.get("tileMap"):
            found.append(
                "the package is indexed: where it holds no finer tile, ArcGIS draws a coarser one larger; most other "
                "readers show nothing there"
            )
    return found


def useless_wishes(reader: TileReader, request: TransferRequest, kind: TargetKind) -> list[str]:
    """Say in sentences what was asked for in vain."""
    found = []
    if request.dedupe and kind.storage_format not in (StorageFormat.MBTILES, StorageFormat.PMTILES):
        found.append(f"{kind.storage_format} stores equal tiles each by itself, and --dedupe changes nothing")
    if request.quality is not None and reader.info.tile_format not in _WITH_JPEG:
        found.append(f"--quality is for JPEG; {reader.info.tile_format} tiles stay as they are")
    return found


def is_looked_at(reader: TileReader, kind: TargetKind) -> bool:
    """Tell whether each tile is looked at on its way: sources of the web do not say of every one what it is."""
    return reader.info.storage_format.is_web and not kind.storage_format.is_web


def new_tile_format(
    reader: TileReader, kind: TargetKind, *, cuts: bool, background: bool
) -> tuple[TileFormat, list[str]]:
    """Give the tile format of a new target, as far as it is known before a tile is read.

    Args:
        reader: The source.
        kind: What the target is.
        cuts: Whether tiles are cut.
        background: Whether what is cut off is painted.

    Returns:
        The format, and what its user should know of it, in sentences.
    """
    tile_format = reader.info.tile_format
    if tile_format is TileFormat.WEBP and is_looked_at(reader, kind):
        return TileFormat.MIXED, [
            "WebP tiles become JPEG, or PNG where anything is transparent: ArcGIS' clients read no WebP"
        ]
    if tile_format is TileFormat.WEBP and cuts:
        return TileFormat.MIXED, ["cut tiles become PNG; all others stay the WebP that they are"]
    if tile_format is TileFormat.JPEG and cuts and not background:
        return TileFormat.MIXED, ["cut tiles become PNG, for JPEG knows no transparency: the new cache is MIXED"]
    return tile_format, []


def uncuttable(reader: TileReader, request: TransferRequest) -> list[str]:
    """Say that tiles move whole that cannot be cut, if there are such.

    Raises:
        UnsupportedError: There are, and ``strict`` forbids it.
    """
    tile_format = reader.info.tile_format
    if tile_format.is_image or request.pixels.whole_tiles:
        return []
    if request.pixels.strict:
        raise UnsupportedError(
            f"{reader.place}: holds {tile_format} tiles, which are no images and cannot be cut; take --whole-tiles, or "
            f"leave out --strict"
        )
    return [f"{tile_format} tiles are no images: those that the area's edge crosses move whole"]
