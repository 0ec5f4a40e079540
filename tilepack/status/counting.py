"""Counting what there is of the tiles expected on a level, bundle by bundle, and making the report's rows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tilepack.extent import Extent
from tilepack.formats.bundle import LENGTH_PREFIX
from tilepack.keys import PACKET_SIZE, TileRange
from tilepack.scheme import TilingScheme
from tilepack.status.expected import Expected, ExpectedBundles, key_of, tiles_with_centres
from tilepack.status.rows import UNKNOWN, BundleRows, Integers, LevelStatus
from tilepack.stores.base import BundleSummary, TileReader


@dataclass(slots=True)
class HeldBundles:
    """What the bundles of a level hold, one after the other, by row, then column."""

    rows: list[int] = field(default_factory=list)
    """First tile row of each; this, like slack, newest and boxes too, only where rows were asked for."""
    columns: list[int] = field(default_factory=list)
    """First tile column of each, likewise."""
    built: list[int] = field(default_factory=list)
    """Number of the tiles expected that are there."""
    outside: list[int] = field(default_factory=list)
    """Number of other tiles."""
    tile_bytes: list[int] = field(default_factory=list)
    """Bytes of the built tiles' data."""
    slack: list[int] = field(default_factory=list)
    """Bytes of slots that belong to no tile; ``UNKNOWN`` where only the tiles' own lengths would tell."""
    newest: list[float | None] = field(default_factory=list)
    """When its newest file was changed, seconds since 1970; None in packages."""
    boxes: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Rectangle around all tiles of each: first row, row behind the last, first column, column behind the last."""


class StatusCounter:
    """Looks at the bundles of a cache: at their indexes, never at tiles."""

    def __init__(
        self,
        reader: TileReader,
        *,
        deep: bool,
        only_expected: bool,
        rows: bool,
        looking: Callable[[int], None] | None,
    ) -> None:
        """Make ready.

        Args:
            reader: The cache.
            deep: Read the lengths in front of all V1 tiles.
            only_expected: Pass by bundles of which no tile is expected.
            rows: Note also what only rows of bundles tell.
            looking: Called with the number of bundles looked at so far.
        """
        self._reader = reader
        self._deep = deep
        self._only_expected = only_expected
        self._rows = rows
        self._looking = looking
        self._looked = 0

    def count(self, level: int, expected: Expected) -> HeldBundles:
        """Look at the bundles of a level.

        Raises:
            BundleError: A bundle is malformed.
            TransferError: A file cannot be read.
        """
        held = HeldBundles()
        for bundle in self._reader.bundles(level):
            if self._only_expected and not expected.meets(bundle):
                continue
            summary = self._reader.summary(bundle)
            self._looked += 1
            if self._looking is not None:
                self._looking(self._looked)
            if summary.tiles:
                self._add(held, summary, expected)
        return held

    def _add(self, held: HeldBundles, summary: BundleSummary, expected: Expected) -> None:
        bundle, tiles, slots, box = summary.bundle, summary.tiles, summary.slot_bytes, summary.occupied
        within = expected.among(bundle, box)
        in_slots = 0 if slots is None else max(0, slots - LENGTH_PREFIX * tiles)
        known = in_slots if summary.tile_bytes is None else summary.tile_bytes
        slack = UNKNOWN if summary.tile_bytes is None else 0 if slots is None else in_slots - known
        if not isinstance(within, bool) or (self._deep and summary.tile_bytes is None):
            sizes = self._reader.index(bundle)
            inside = (sizes > 0) & within
            tiles, built = int(np.count_nonzero(sizes)), int(np.count_nonzero(inside))
            known = int(sizes[inside].sum())
            if slots is not None:
                slack = max(0, slots - LENGTH_PREFIX * tiles - int(sizes.sum()))
        else:
            built = tiles if within else 0
        held.built.append(built)
        held.outside.append(tiles - built)
        held.tile_bytes.append(known if built else 0)
        if self._rows:
            held.rows.append(bundle.row)
            held.columns.append(bundle.column)
            held.slack.append(slack)
            held.newest.append(self._reader.newest(bundle))
            held.boxes.append((box.row_start, box.row_stop, box.column_start, box.column_stop))


def sum_up(scheme: TilingScheme, level: int, expected: Expected, held: HeldBundles) -> LevelStatus:
    """Make a level's row.

    Raises:
        TilingSchemeError: The level is not in the scheme.
    """
    lod = scheme.level(level)
    return LevelStatus(
        level=level,
        scale=lod.scale,
        resolution=lod.resolution,
        expected=expected.tiles,
        built=sum(held.built),
        outside=sum(held.outside),
        tile_bytes=sum(held.tile_bytes),
        bundles=len(held.built),
        expected_bundles=expected.bundle_count,
    )


def make_rows(
    scheme: TilingScheme, level: int, expected: Expected, held: HeldBundles, frame: Extent | None
) -> BundleRows:
    """Make the rows of a level's bundles: of all that are expected, there or not, and of all others that were noted.

    Args:
        scheme: The cache's grid.
        level: LevelID.
        expected: The tiles expected.
        held: What was noted of those that are there.
        frame: The extent that the cache declares, where expected tiles are bounded by something else: polygons are cut
            to it as far as they still hold what is expected. None where it is the one that bounds them.
    """
    wanted = expected.bundles()
    boxes = wanted.boxes if frame is None else _grown(wanted, tiles_with_centres(scheme, frame, level))
    rows, columns = np.array(held.rows, np.int64), np.array(held.columns, np.int64)
    keys, sought = key_of(wanted.rows, wanted.columns), key_of(rows, columns)
    at = np.searchsorted(keys, sought)
    met = np.zeros(at.size, np.bool_)
    within = at < keys.size
    met[within] = keys[at[within]] == sought[within]
    # Rows of what is expected first, then of bundles that hold nothing but other tiles.
    place = np.where(met, at, keys.size + np.cumsum(~met) - 1)

    def filled(values: list[int], missing: int = 0) -> Integers:
        column = np.full(keys.size + np.count_nonzero(~met), missing, np.int64)
        column[place] = values
        return column

    newest = np.full(keys.size + np.count_nonzero(~met), np.datetime64("NaT"), "datetime64[s]")
    times = [np.datetime64("NaT") if time is None else np.datetime64(int(time // 1), "s") for time in held.newest]
    newest[place] = np.array(times, "datetime64[s]")
    every = BundleRows(
        level=np.full(newest.size, level, np.int64),
        row=np.concatenate((wanted.rows, rows[~met])),
        column=np.concatenate((wanted.columns, columns[~met])),
        expected=np.concatenate((wanted.tiles, np.zeros(np.count_nonzero(~met), np.int64))),
        built=filled(held.built),
        outside=filled(held.outside),
        tile_bytes=filled(held.tile_bytes),
        slack=filled(held.slack),
        newest=newest,
        boxes=np.concatenate((boxes, np.array(held.boxes, np.int64).reshape(-1, 4)[~met])),
    )
    return every if met.all() else every.sorted()


def _grown(wanted: ExpectedBundles, tiles: TileRange) -> Integers:
    """Widen the boxes of expected tiles to what their bundles share with a rectangle of tiles."""
    top, bottom = np.maximum(wanted.rows, tiles.row_start), np.minimum(wanted.rows + PACKET_SIZE, tiles.row_stop)
    left = np.maximum(wanted.columns, tiles.column_start)
    right = np.minimum(wanted.columns + PACKET_SIZE, tiles.column_stop)
    both = np.stack(
        (
            np.minimum(top, wanted.boxes[:, 0]),
            np.maximum(bottom, wanted.boxes[:, 1]),
            np.minimum(left, wanted.boxes[:, 2]),
            np.maximum(right, wanted.boxes[:, 3]),
        ),
        axis=1,
    )
    shared = (top < bottom) & (left < right)
    return np.where(shared[:, None], both, wanted.boxes)
