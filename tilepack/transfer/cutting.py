"""Cutting tiles to an area while a bundle is written: in parallel, and yet in stored order."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tilepack.aoi_levels import AreasByLevel
from tilepack.cache import TileFormat
from tilepack.errors import TileError, UnsupportedError
from tilepack.keys import BundleKey, TileKey
from tilepack.pixels.compose import clip_tile
from tilepack.pixels.outcome import Outcome, TileResult
from tilepack.scheme import TilingScheme
from tilepack.stores.base import Piece, RawBundle
from tilepack.transfer.choice import Flags
from tilepack.transfer.ordered import in_order
from tilepack.transfer.request import PixelOptions

_LISTED: Final = 20
"""Bad tiles named one by one in an error."""


@dataclass(slots=True)
class CutTally:
    """What became of the tiles that an area's edge crosses. Safe to share among threads."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Number of tiles by outcome."""
    notes: Counter[str] = field(default_factory=Counter)
    """Number of tiles to which something worth telling happened, by the names of ``TileNotes``."""
    bad: dict[TileKey, str] = field(default_factory=dict)
    """Tiles that could not be cut, with the reason."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, result: TileResult) -> None:
        """Count a tile."""
        with self.lock:
            self.outcomes[result.outcome] += 1
            for name in result.notes.__slots__:
                if getattr(result.notes, name):
                    self.notes[name] += 1

    def error(self, place: str, fault: str = "on the area's edge cannot be cut; mend them") -> TileError:
        """Make the one error that names the bad tiles.

        Args:
            place: The source.
            fault: What is the matter with them, and what to do.
        """
        bad = sorted(self.bad.items())
        lines = [f"{tile}: {reason}" for tile, reason in bad[:_LISTED]]
        more = [f"and {len(bad) - _LISTED} more"] if len(bad) > _LISTED else []
        tiles = "1 tile" if len(bad) == 1 else f"{len(bad)} tiles"
        return TileError(
            f"{place}: {tiles} {fault}, or leave them out by --skip-errors:\n  " + "\n  ".join(lines + more)
        )


class TileCutter:
    """Cuts tiles to areas."""

    def __init__(
        self, areas: AreasByLevel, scheme: TilingScheme, tile_format: TileFormat, options: PixelOptions, pool: Executor
    ) -> None:
        """Keep what all tiles share.

        Args:
            areas: The areas of interest.
            scheme: The source's grid.
            tile_format: The target's.
            options: What happens at the edge.
            pool: Where tiles are cut.
        """
        self.tally = CutTally()
        self._areas = areas
        self._scheme = scheme
        self._format = tile_format
        self._options = options
        self._pool = pool

    @property
    def has_failed(self) -> bool:
        """Whether a bad tile was met that must not be left out: from then on tiles are only checked."""
        return bool(self.tally.bad) and not self._options.skip_errors

    def clip(self, tile: TileKey, data: bytes) -> TileResult:
        """Cut a tile, without counting it.

        Raises:
            TileError: It cannot be decoded.
            UnsupportedError: It is no image that could be cut.
        """
        return clip_tile(
            data,
            self._areas.mask(tile),
            self._format,
            width=self._scheme.tile_width,
            height=self._scheme.tile_height,
            background=self._options.background,
            keep_blank=self._options.keep_blank,
        )

    def cut(self, tile: TileKey, data: bytes) -> bytes | None:
        """Cut a tile and count it; None when nothing of it is left, or it is bad."""
        try:
            result = self.clip(tile, data)
        except (TileError, UnsupportedError) as error:
            with self.tally.lock:
                self.tally.bad[tile] = str(error)
            return None
        self.tally.add(result)
        return None if result.outcome is Outcome.DROPPED else result.data

    def stream(self, pieces: Iterable[Piece], bundle: BundleKey, crossed: Flags) -> Iterator[Piece]:
        """Yield pieces in their order, tiles cut that an edge crosses; what nothing is left of is left out.

        Args:
            pieces: Tiles with their data, and runs of others.
            bundle: Their bundle.
            crossed: Tiles to cut, by row-major position, shape (16384,); none of them is part of a run.
        """
        for _, made in in_order(self._jobs(pieces, bundle, crossed), self._pool):
            if made is not None and not self.has_failed:
                yield made

    def _jobs(
        self, pieces: Iterable[Piece], bundle: BundleKey, crossed: Flags
    ) -> Iterator[tuple[None, Piece | Callable[[], Piece | None] | None]]:
        for piece in pieces:
            if isinstance(piece, RawBundle) or not crossed[bundle.position(piece[0])]:
                yield None, piece
            else:
                yield None, partial(self._cut_piece, *piece)

    def _cut_piece(self, tile: TileKey, data: bytes) -> tuple[TileKey, bytes] | None:
        made = self.cut(tile, data)
        return None if made is None else (tile, made)
