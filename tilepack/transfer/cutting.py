"""What is done to tiles while a bundle is written: in parallel, and yet in the order in which they come."""

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
from tilepack.formats.sniff import sniff
from tilepack.keys import BundleKey, TileKey
from tilepack.pixels.blend import BlendMode, is_blank
from tilepack.pixels.codec import decode
from tilepack.pixels.compose import clip_tile, compose_tile, shrink_tile
from tilepack.pixels.outcome import Outcome, TileNotes, TileResult
from tilepack.scheme import TilingScheme
from tilepack.stores.base import Piece, RawBundle
from tilepack.transfer.choice import Flags
from tilepack.transfer.ordered import in_order
from tilepack.transfer.request import PixelOptions
from tilepack.wording import counted

Work = Callable[[TileKey, bytes], bytes | None]
"""Gives what a tile becomes; None where nothing of it is left."""

_RIFF: Final = b"RIFF"
"""What WebP begins with, and no other tile."""
_GZIP: Final = b"\x1f\x8b"
"""What vector tiles begin with as packages hold them."""
_JPEG: Final = b"\xff\xd8"

_QUALITY: Final = 90
"""Of JPEG that was WebP: a second loss should not show."""

_SMALL: Final = 1024
"""Bytes up to which a tile's look is remembered: half of a cache may be one blank tile."""
_REMEMBERED: Final = 1024
"""Tiles whose looks are."""

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

    def error(
        self,
        place: str,
        fault: str = "on the area's edge cannot be cut; mend them, or leave them out by --skip-errors",
    ) -> TileError:
        """Make the one error that names the bad tiles.

        Args:
            place: The source.
            fault: What is the matter with them, and what to do.
        """
        bad = sorted(self.bad.items())
        lines = [f"{tile}: {reason}" for tile, reason in bad[:_LISTED]]
        more = [f"and {len(bad) - _LISTED} more"] if len(bad) > _LISTED else []
        return TileError(f"{place}: {counted(len(bad), 'tile')} {fault}:\n  " + "\n  ".join(lines + more))


class TileCutter:
    """Cuts tiles to areas, and re-encodes those that the target's readers cannot read."""

    def __init__(
        self,
        areas: AreasByLevel | None,
        scheme: TilingScheme,
        tile_format: TileFormat,
        options: PixelOptions,
        pool: Executor,
        *,
        is_from_web: bool = False,
        quality: int | None = None,
    ) -> None:
        """Keep what all tiles share.

        Args:
            areas: The areas of interest; None cuts nothing.
            scheme: The source's grid.
            tile_format: The target's.
            options: What happens at the edge.
            pool: Where tiles are cut.
            is_from_web: Whether web tiles become those of a cache of ArcGIS': WebP becomes JPEG, or PNG where anything
                is transparent, and vector tiles that are not gzipped are refused.
            quality: Of JPEG tiles that become smaller by it; None leaves them as they are.
        """
        self.tally = CutTally()
        self.heads: set[bytes] = set()
        """First two bytes of the tiles that were yielded."""
        self._looks: dict[bytes, bool] = {}
        self._areas = areas
        self._is_from_web = is_from_web
        self._quality = quality
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
        if self._areas is None:
            raise TypeError("tiles are cut to areas")
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
        return self._counted(self.clip, tile, data)

    def recode(self, tile: TileKey, data: bytes) -> TileResult:
        """Re-encode a whole tile, without counting it: JPEG where it is opaque, else PNG.

        Raises:
            TileError: It cannot be decoded.
        """
        del tile
        width, height = self._scheme.tile_width, self._scheme.tile_height
        return compose_tile(
            data,
            None,
            None,
            BlendMode.MERGE,
            TileFormat.MIXED,
            width=width,
            height=height,
            recompress=True,
            quality=self._quality or _QUALITY,
            keep_blank=not self._options.drop_blank,
        )

    def shrink(self, tile: TileKey, data: bytes) -> TileResult:
        """Encode a JPEG tile at the quality that was asked for, without counting it.

        Raises:
            TileError: It cannot be decoded.
            UnsupportedError: It is too large to be.
        """
        del tile
        if self._quality is None:
            raise TypeError("no quality was asked for")
        width, height = self._scheme.tile_width, self._scheme.tile_height
        return shrink_tile(data, width=width, height=height, quality=self._quality)

    def look(self, tile: TileKey, data: bytes) -> TileResult:
        """Leave a tile out in which nothing is visible, without counting it.

        Raises:
            TileError: It cannot be decoded.
        """
        del tile
        known = self._looks.get(data)
        if known is None:
            width, height = self._scheme.tile_width, self._scheme.tile_height
            known = is_blank(decode(data, width=width, height=height).pixels)
            if len(data) <= _SMALL and len(self._looks) < _REMEMBERED:
                self._looks[data] = known
        notes = TileNotes(decoded=True)
        return TileResult(Outcome.DROPPED, None, notes) if known else TileResult(Outcome.MOVED, data, notes)

    @staticmethod
    def refuse(tile: TileKey, data: bytes) -> TileResult:
        """Refuse a tile that is no vector tile as packages hold them.

        Raises:
            TileError: Always.
        """
        del tile
        raise TileError(f"begins with {data[:4].hex()}; a .vtpk holds gzipped vector tiles: gzip it or leave it out")

    def _counted(self, work: Callable[[TileKey, bytes], TileResult], tile: TileKey, data: bytes) -> bytes | None:
        try:
            result = work(tile, data)
        except (TileError, UnsupportedError) as error:
            with self.tally.lock:
                self.tally.bad[tile] = str(error)
            return None
        self.tally.add(result)
        return None if result.outcome is Outcome.DROPPED else result.data

    def stream(self, pieces: Iterable[Piece], bundle: BundleKey, crossed: Flags) -> Iterator[Piece]:
        """Yield pieces in their order, as the target is to have them; what nothing is left of is left out.

        Args:
            pieces: Tiles with their data, and runs of others.
            bundle: Their bundle.
            crossed: Tiles to cut, by row-major position, shape (16384,); none of them is part of a run.
        """
        for _, made in in_order(self._jobs(pieces, bundle, crossed), self._pool):
            if made is not None and not self.has_failed:
                if not isinstance(made, RawBundle):
                    self.heads.add(made[1][:2])
                yield made

    def _jobs(
        self, pieces: Iterable[Piece], bundle: BundleKey, crossed: Flags
    ) -> Iterator[tuple[None, Piece | Callable[[], Piece | None] | None]]:
        for piece in pieces:
            if isinstance(piece, RawBundle):
                yield None, piece
                continue
            tile, data = piece
            work = self.cut if crossed[bundle.position(tile)] else self._work_on(data)
            yield None, piece if work is None else partial(self._made, work, tile, data)

    def _work_on(self, data: bytes) -> Work | None:
        """Give what makes of a tile that is not cut what it is to be; None where it stays as it is."""
        if self._is_from_web and data[:4] == _RIFF:
            return partial(self._counted, self.recode)
        if self._is_from_web and self._format is TileFormat.PBF and data[:2] != _GZIP:
            return partial(self._counted, self.refuse)
        if self._quality is not None and data[:2] == _JPEG:
            return partial(self._counted, self.shrink)
        if self._options.drop_blank:
            kind = sniff(data)
            if kind is not None and kind.is_image and not kind.is_opaque:
                return partial(self._counted, self.look)
        return None

    @staticmethod
    def _made(work: Work, tile: TileKey, data: bytes) -> tuple[TileKey, bytes] | None:
        made = work(tile, data)
        return None if made is None else (tile, made)
