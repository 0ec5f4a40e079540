"""What repairing does about each rule of ``verify``, and what it leaves.

In place only that is touched which is wrong, and everything else stays byte by byte. Into a new target the cache is
packed and described anew, which puts more things right: names, strays, an extent that is too large.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Mending(Enum):
    """When the breach of a rule is mended."""

    NEVER = "never"
    """It would take guessing, or something that is not there any more."""
    ALWAYS = "always"
    """In place, and in a new target."""
    ANEW = "anew"
    """In a new target; in place it stays."""
    SETTLED = "settled"
    """Where the witnesses settle it: see ``tilepack.stores.salvage``."""
    DESCRIBED = "described"
    """By writing documents; in place, as long as they are sound and agree."""


MENDING: Final[dict[str, Mending]] = {
    # The cache as a whole
    "cache-malformed": Mending.NEVER,
    "cache-unsupported": Mending.NEVER,
    "cache-empty": Mending.NEVER,
    "file-unreadable": Mending.NEVER,
    "file-misplaced": Mending.NEVER,
    "file-stray": Mending.ANEW,
    "lock-left": Mending.ANEW,
    # Packages
    "package-malformed": Mending.NEVER,
    "package-member-twice": Mending.NEVER,
    "store-damaged": Mending.NEVER,
    "order-guessed": Mending.NEVER,
    "package-member-damaged": Mending.NEVER,
    "package-member-deflated": Mending.ALWAYS,
    "package-junk": Mending.ANEW,
    # Documents
    "document-missing": Mending.DESCRIBED,
    "document-malformed": Mending.NEVER,
    "storage-format-wrong": Mending.DESCRIBED,
    "spatial-reference-missing": Mending.NEVER,
    "spatial-reference-differs": Mending.NEVER,
    "extent-missing": Mending.DESCRIBED,
    "extent-too-small": Mending.DESCRIBED,
    "extent-too-large": Mending.ANEW,
    "extents-differ": Mending.ANEW,
    # Levels
    "level-not-in-scheme": Mending.NEVER,
    "level-undeclared": Mending.DESCRIBED,
    "level-declared-empty": Mending.DESCRIBED,
    "level-name": Mending.ANEW,
    # Bundles
    "bundle-name": Mending.NEVER,
    "bundle-name-case": Mending.ANEW,
    "bundle-twice": Mending.NEVER,
    "bundle-truncated": Mending.SETTLED,
    "bundle-header": Mending.NEVER,
    "bundle-renamed": Mending.NEVER,
    "bundle-overlap": Mending.SETTLED,
    "bundle-dead-space": Mending.SETTLED,
    "bundlx-missing": Mending.NEVER,
    "bundlx-malformed": Mending.NEVER,
    "bundlx-orphan": Mending.NEVER,
    "header-file-size": Mending.SETTLED,
    "header-largest-tile": Mending.SETTLED,
    "header-slack": Mending.SETTLED,
    # Rows and tiles
    "row-twice": Mending.NEVER,
    "tile-twice": Mending.NEVER,
    "tile-name": Mending.ANEW,
    "tile-extension": Mending.ANEW,
    "tile-in-header": Mending.SETTLED,
    "tile-beyond-end": Mending.SETTLED,
    "tile-length": Mending.SETTLED,
    "tile-too-large": Mending.NEVER,
    "tile-empty": Mending.SETTLED,
    "tile-beheaded-png": Mending.SETTLED,
    "tile-unknown": Mending.NEVER,
    "tile-no-image": Mending.NEVER,
    "tile-format": Mending.NEVER,
    "tile-size": Mending.NEVER,
    "tile-truncated": Mending.NEVER,
    "tile-undecodable": Mending.NEVER,
}
"""By code."""

BLOCKS_DOCUMENTS: Final = frozenset({"document-malformed", "spatial-reference-differs"})
"""Breaches after which no document is written in place: what is in them, or what is meant, would be lost."""

BLOCKS_PACKAGE: Final = frozenset({"package-member-damaged", "file-unreadable"})
"""Breaches after which a package is not written anew in place: a new checksum would vouch for damaged bytes."""
