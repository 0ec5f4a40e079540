"""One bundle of a target and one of a source made into one: which tiles move as bytes, and what the others become."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tilepack.cache import TileFormat
from tilepack.errors import TileError, UnsupportedError
from tilepack.formats.sniff import PNG_SIGNATURE, sniff
from tilepack.keys import TILES_PER_BUNDLE, BundleKey, TileKey
from tilepack.pixels.blend import BlendMode
from tilepack.pixels.codec import admits, admits_format
from tilepack.pixels.compose import compose_tile, trim_tile
from tilepack.pixels.outcome import Outcome, TileResult
from tilepack.stores.base import OpenBundle, SupportsRawRead, TileReader
from tilepack.transfer.choice import Flags
from tilepack.transfer.cutting import CutTally
from tilepack.transfer.ordered import in_order
from tilepack.transfer.overlap import Overlap
from tilepack.transfer.request import TransferRequest, UpdateOptions

_START: Final = 512
"""Bytes of a tile that mostly tell whether it is opaque."""
_JPEG: Final = b"\xff\xd8\xff"

_LOSSY: Final = (
    "the target's tile format does not admit it, and it would lose colours or go through JPEG: take --allow-lossy"
)


Tiles = Iterator[tuple[TileKey, bytes]]
_Made = TileResult | str
"""What becomes of a tile, or why nothing can."""


def _nothing() -> Flags:
    return np.zeros(TILES_PER_BUNDLE, np.bool_)


@dataclass(slots=True)
class Splice:
    """What becomes of the tiles of one bundle, by row-major position, shape (16384,); filled in as they are decoded."""

    overlap: Overlap
    moved: Flags = field(default_factory=_nothing)
    """Tiles of the source that take their place as bytes."""
    equal: Flags = field(default_factory=_nothing)
    """Tiles of the source whose very bytes the target has already."""
    composed: Flags = field(default_factory=_nothing)
    """Tiles that are written by themselves: encoded anew, or looked at as a whole before they moved."""
    gone: Flags = field(default_factory=_nothing)
    """Tiles of the target that are no more."""
    skipped: Flags = field(default_factory=_nothing)
    """Tiles that cannot be brought in, or trimmed."""
    is_blended: bool = False
    """Whether a tile was encoded anew."""

    @property
    def kept(self) -> Flags:
        """Tiles of the target that stay as they are."""
        return self.overlap.present & ~(self.moved | self.composed | self.gone)

    @property
    def there(self) -> Flags:
        """Tiles of the source that the target has in the end."""
        return self.overlap.taken & (self.kept | self.moved | self.composed) & ~self.skipped

    @property
    def is_changed(self) -> bool:
        """Whether the target's bundle becomes another."""
        return bool((self.moved | self.composed | self.gone).any())


def admits_all(tile_format: TileFormat, heads: NDArray[np.uint8], *, is_laid: bool) -> bool:
    """Tell by their first bytes whether tiles may stand in a cache as they are, all of them.

    Args:
        tile_format: The cache's.
        heads: The first four bytes of each, shape (tiles, 4).
        is_laid: Whether they come to lie on others, and so have to be opaque.

    Returns:
        False also where more than four bytes would have to be looked at.
    """
    jpeg = (heads[:, :3] == np.frombuffer(_JPEG, np.uint8)).all(axis=1)
    png = (heads == np.frombuffer(PNG_SIGNATURE[:4], np.uint8)).all(axis=1)
    if tile_format is TileFormat.JPEG:
        return bool(jpeg.all())
    if tile_format in (TileFormat.PNG, TileFormat.PNG32):
        return not is_laid and bool(png.all())
    if tile_format is TileFormat.MIXED:
        return bool(jpeg.all() if is_laid else (jpeg | png).all())
    return False


class Splicer:
    """Makes splices. Shared by all threads."""

    def __init__(
        self, source: TileReader, target: TileReader, request: TransferRequest, tally: CutTally, pool: Executor
    ) -> None:
        """Keep what all bundles share.

        Args:
            source: The source.
            target: The target, open for reading.
            request: What is asked for.
            tally: Where tiles are counted.
            pool: Where tiles are decoded and composed.
        """
        self._source = source
        self._areas = request.areas
        self._options = request.pixels
        self._mode = (request.update or UpdateOptions()).mode
        self._info = target.info
        self._scheme = source.info.scheme
        self._tally = tally
        self._pool = pool
        # Slots of bundles move in runs; a file that is a tile is read once, and only then looked at.
        self._by_runs = isinstance(source, SupportsRawRead)
        self._is_admitted = admits_format(target.info.admitted, source.info.tile_format)

    @property
    def has_failed(self) -> bool:
        """Whether a bad tile was met that must not be left out: from then on tiles are only checked."""
        return bool(self._tally.bad) and not self._options.skip_errors

    def begin(self, overlap: Overlap, source: OpenBundle | None) -> Splice:
        """Tell which tiles move as bytes, without decoding any.

        Args:
            overlap: What the source's bundle means for the target's.
            source: The source's bundle; None where there is none.

        Raises:
            BundleError: The bundle is malformed.
        """
        splice = Splice(overlap)
        splice.gone |= overlap.deleted
        if source is None or not self._by_runs:
            return splice
        candidates = overlap.taken & ~overlap.cut
        for position in np.flatnonzero(candidates).tolist():
            if self._moves(source, position, meets=bool(overlap.present[position])):
                splice.moved[position] = True
        return splice

    def _moves(self, source: OpenBundle, position: int, *, meets: bool) -> bool:
        """Tell by a tile's first bytes whether it moves; False also means that more has to be looked at."""
        start = source.read_start(position, _START)
        tile_format = self._info.admitted
        if start.startswith(_JPEG):
            return tile_format in (TileFormat.JPEG, TileFormat.MIXED, TileFormat.WEBP)
        takes_place = not meets or self._mode is BlendMode.OVERWRITE
        kind = sniff(start)
        if kind is None or not admits(tile_format, kind):
            return False
        return takes_place or kind.is_opaque or not kind.is_image

    def drop_equal(self, splice: Splice, source: OpenBundle, target: OpenBundle, equal: Flags) -> None:
        """Take tiles out of those that move whose bytes the target has already.

        Args:
            splice: What becomes of the tiles.
            source: The source's bundle.
            target: The target's.
            equal: Tiles that have as many bytes there as here.
        """
        for position in np.flatnonzero(splice.moved & equal).tolist():
            if source.read(position) == target.read(position):
                splice.moved[position] = False
                splice.equal[position] = True

    def compose(
        self, splice: Splice, bundle: BundleKey, target: OpenBundle | None, watch: Callable[[Tiles], Tiles]
    ) -> Tiles:
        """Yield the tiles that are written anew, in the order in which the source stores them; the others are noted.

        Args:
            splice: What becomes of the tiles; filled in.
            bundle: The source's bundle.
            target: The target's, None where there is none.
            watch: Passes the source's tiles on, and counts them.
        """
        overlap = splice.overlap
        rest = overlap.taken & ~(splice.moved | splice.equal)
        found = watch(self._source.tiles(bundle, rest)) if rest.any() else iter(())
        results: Iterator[tuple[TileKey, _Made]] = in_order(self._jobs(found, splice, bundle, target), self._pool)
        for tile, result in results:
            position = bundle.position(tile)
            made = self._note(splice, position, tile, result)
            if made is not None and not self.has_failed:
                yield overlap.there.tile(position), made

    def _jobs(
        self, tiles: Tiles, splice: Splice, bundle: BundleKey, target: OpenBundle | None
    ) -> Iterator[tuple[TileKey, _Made | Callable[[], _Made]]]:
        overlap = splice.overlap
        for tile, data in tiles:
            position = bundle.position(tile)
            there = target.read(position) if target is not None and overlap.present[position] else None
            yield tile, partial(self._lay, tile, data, there, is_cut=bool(overlap.cut[position]))
        for position in np.flatnonzero(overlap.trimmed).tolist():
            there = target.read(position) if target is not None else None
            if there is not None:
                yield bundle.tile(position), partial(self._trim, bundle.tile(position), there)

    def _lay(self, tile: TileKey, data: bytes, there: bytes | None, *, is_cut: bool) -> _Made:
        """Compose a tile, or say why that cannot be."""
        options = self._options
        takes_place = not is_cut and (there is None or self._mode is BlendMode.OVERWRITE)
        if takes_place and self._is_admitted and sniff(data) is None:  # damaged, but nobody has to look into it
            return TileResult(Outcome.UNCHANGED) if data == there else TileResult(Outcome.MOVED, data)
        try:
            result = compose_tile(
                data,
                there,
                self._areas.mask(tile) if is_cut and self._areas is not None else None,
                self._mode,
                self._info.admitted,
                width=self._scheme.tile_width,
                height=self._scheme.tile_height,
                recompress=options.recompress,
                allow_lossy=options.allow_lossy,
                background=options.background,
                quality=self._info.quality,
                keep_blank=options.keep_blank,
            )
        except (TileError, UnsupportedError) as error:
            return "; ".join([str(error), *getattr(error, "__notes__", [])])
        return _LOSSY if result.outcome is Outcome.REFUSED else result

    def _trim(self, tile: TileKey, there: bytes) -> _Made:
        """Cut the inside of the area out of a target's tile."""
        if self._areas is None:
            return TileResult(Outcome.UNCHANGED)
        try:
            return trim_tile(
                there,
                self._areas.mask(tile),
                self._info.admitted,
                width=self._scheme.tile_width,
                height=self._scheme.tile_height,
                background=self._options.background,
                keep_blank=self._options.keep_blank,
            )
        except (TileError, UnsupportedError) as error:
            return f"{error}; this is the target's tile"

    def _note(self, splice: Splice, position: int, tile: TileKey, result: _Made) -> bytes | None:
        """Count a tile, and give its data where it is written."""
        if isinstance(result, str):
            splice.skipped[position] = True
            with self._tally.lock:
                self._tally.bad[tile] = result
            return None
        self._tally.add(result)
        if result.outcome is Outcome.DROPPED:
            splice.gone[position] = splice.overlap.present[position]
        elif result.outcome is not Outcome.UNCHANGED:
            splice.composed[position] = True
            splice.is_blended |= result.outcome is Outcome.COMPOSED
        return result.data
