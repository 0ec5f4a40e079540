"""Reading a compact cache of which some bundles are malformed: those give what can be had of them.

Which bundles there are is told beforehand: a reader stops at the first name that it cannot take, and whoever looks for
faults has listed them all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from tilepack.formats import bundle_v1
from tilepack.formats.bundle import occupied
from tilepack.keys import BundleKey
from tilepack.stores.base import BundleSummary, RawBundle
from tilepack.stores.compact import CompactReader
from tilepack.stores.compact_bundle import CompactBundle
from tilepack.stores.documents import Described
from tilepack.stores.salvage import SalvagedBundle, find_salvaged

Listing = Mapping[BundleKey, tuple[str, str | None]]
"""Paths in the tree of each bundle, and of its index (V1)."""


class SalvagingReader(CompactReader):
    """A compact cache, open for reading what can be had of it. Safe to share among threads."""

    def __init__(self, reader: CompactReader, listing: Listing, damaged: Collection[BundleKey]) -> None:
        """Take over an open cache.

        Args:
            reader: The cache; it is closed with this one.
            listing: Its bundles; others are passed over.
            damaged: Those that are malformed.
        """
        described = Described(
            reader.info, reader.document, reader.tiles_folder, reader.declared, reader.warnings, reader.substitutes
        )
        super().__init__(reader.tree, described, reader.folders)
        self._damaged = frozenset(damaged)
        for level in reader.folders:
            self._listings[level] = {}
        for bundle in sorted(listing):
            self._listings[bundle.level][bundle] = listing[bundle]

    def salvaged(self, bundle: BundleKey) -> SalvagedBundle:
        """Open a bundle for what can be had of it; it closes as a context.

        Raises:
            BundleError: Its header or index are none.
        """
        path, index = self._found(bundle)
        return find_salvaged(self.tree, bundle, path, index, is_v1=self._is_v1)

    def _open(self, bundle: BundleKey) -> CompactBundle:
        return self.salvaged(bundle) if bundle in self._damaged else super()._open(bundle)

    def summary(self, bundle: BundleKey) -> BundleSummary:
        """Give what the index alone tells; of a malformed bundle what can be had of it.

        Raises:
            BundleError: The bundle is malformed beyond that.
        """
        if bundle not in self._damaged:
            return super().summary(bundle)
        with self.salvaged(bundle) as opened:
            sizes = opened.sizes()
            return BundleSummary(
                bundle=bundle,
                tiles=int(np.count_nonzero(sizes)),
                tile_bytes=int(sizes.sum()),
                file_bytes=opened.data.size + (bundle_v1.BUNDLX_SIZE if self._is_v1 else 0),
                slot_bytes=None,
                movable=False,
                occupied=occupied(sizes > 0, bundle),
                fingerprint=opened.fingerprint,
            )

    def raw(self, bundle: BundleKey) -> RawBundle | None:
        """Give a bundle for moving it whole; None for a malformed one.

        Raises:
            BundleError: The bundle is malformed, and nobody knew.
        """
        return None if bundle in self._damaged else super().raw(bundle)
