"""Every rule that ``verify`` knows: its code, how grave a breach is, what it means, and what to do.

Codes are stable: scripts look for them. An *error* is what keeps tiles from being read, placed or shown; a *warning*
what some clients or servers stumble over, or what two sources contradict each other in; a *note* what is sound, and may
still be worth knowing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    """Tiles cannot be read, placed or shown."""
    WARNING = "warning"
    """Readable, but some clients or servers stumble over it, or documents are wrong."""
    NOTE = "note"
    """Sound; worth knowing."""


class Rule(NamedTuple):
    """One rule."""

    severity: Severity
    meaning: str
    """What its breach is."""
    remedy: str
    """What to do about one."""


_E: Final = Severity.ERROR
_W: Final = Severity.WARNING
_N: Final = Severity.NOTE

_BACKUP: Final = "take it from a backup, or make its tiles anew"
_REPAIR: Final = "tilepack repair puts it right"
_SETTLE: Final = "tilepack repair puts it right where nothing is left to guess; else take it from a backup"
_DECLARE: Final = "declare the format that its tiles have, or make them anew"
_COMPACT: Final = "tilepack compact gets rid of it, and so does tilepack repair"
_PACK: Final = "tilepack convert packs it anew"
_DESCRIBE: Final = "tilepack convert describes what is there"

RULES: Final[dict[str, Rule]] = {
    # The cache as a whole
    "cache-malformed": Rule(_E, "a document or folder keeps the cache from being opened", _BACKUP),
    "cache-unsupported": Rule(
        _E, "the cache is of a kind that tilepack does not read", "give it in a kind that tilepack reads"
    ),
    "cache-empty": Rule(_N, "there is no tile in it", "see that it is the cache that was meant"),
    "file-unreadable": Rule(_E, "the system or the package does not give a file's bytes", _BACKUP),
    "file-misplaced": Rule(_W, "a bundle or tile lies where no reader looks for it", "move it to its own folder"),
    "file-stray": Rule(_N, "a file that belongs to no cache lies among the tiles", "remove it if nobody needs it"),
    "lock-left": Rule(
        _W, "a lock says that somebody writes the cache", "wait until it is gone; remove it if nobody does"
    ),
    # Packages
    "package-malformed": Rule(_E, "the package's directory keeps it from being opened", _BACKUP),
    "package-member-twice": Rule(_E, "two members have one name", "pack it anew with one of them"),
    "package-member-damaged": Rule(_E, "a member's bytes differ from its checksum (--deep)", _BACKUP),
    "package-member-deflated": Rule(_W, "a member is compressed; ArcGIS reads only stored ones", _REPAIR),
    "package-junk": Rule(_N, "a member is what packing programs leave behind", _PACK),
    # Databases and archives of web tiles
    "store-damaged": Rule(_E, "a database or archive contradicts itself, or places tiles where none can be", _BACKUP),
    "order-guessed": Rule(
        _W, "nothing says which numbers of a web tile's name are columns and rows", "say it by the path"
    ),
    # Documents
    "document-missing": Rule(_W, "a document that ArcGIS expects in a package is missing", _REPAIR),
    "document-malformed": Rule(_W, "a document that tiles can be read without is malformed", _BACKUP),
    "storage-format-wrong": Rule(_W, "tiles are stored otherwise than the documents say", _REPAIR),
    "spatial-reference-missing": Rule(_W, "no document names a spatial reference", "add it to the document"),
    "spatial-reference-differs": Rule(_W, "two documents name different spatial references", "mend the wrong one"),
    "extent-missing": Rule(_W, "no document declares an extent", _REPAIR),
    "extent-too-small": Rule(_W, "tiles lie outside the declared extent", _REPAIR),
    "extent-too-large": Rule(_N, "the declared extent is far larger than what the tiles fill", _DESCRIBE),
    "extents-differ": Rule(_N, "two documents declare different extents", "see which is meant; tools take the first"),
    # Levels
    "level-not-in-scheme": Rule(_E, "tiles of a level that the tiling scheme lacks", "add the level to the scheme"),
    "level-undeclared": Rule(_W, "tiles outside minLOD to maxLOD, where no client asks", _REPAIR),
    "level-declared-empty": Rule(_W, "minLOD or maxLOD names a level without tiles", _REPAIR),
    "level-name": Rule(_W, "a level's folder is not named as ArcGIS names it (L07)", "rename it"),
    # Bundles
    "bundle-name": Rule(_E, "the name is none that a bundle of 128 x 128 tiles has", "give it its own name"),
    "bundle-name-case": Rule(_W, "the name is not spelt as ArcGIS spells it (R0080C0100)", "rename it"),
    "bundle-twice": Rule(_E, "two files are the same bundle", "move away the one that is wrong"),
    "bundle-truncated": Rule(_E, "the file is shorter than its header says", _SETTLE),
    "bundle-header": Rule(_E, "the header is none of a bundle of its kind", _BACKUP),
    "bundle-renamed": Rule(_E, "the header's rows and columns are not those of the name", "give it back its own name"),
    "bundle-overlap": Rule(_E, "two tiles claim the same bytes", _SETTLE),
    "bundle-dead-space": Rule(_N, "bytes that belong to no tile", _COMPACT),
    "bundlx-missing": Rule(_E, "a V1 bundle without its index", _BACKUP),
    "bundlx-malformed": Rule(_E, "a V1 index of another size, or that begins otherwise", _BACKUP),
    "bundlx-orphan": Rule(_E, "a V1 index without its bundle", _BACKUP),
    "header-file-size": Rule(_W, "the header says another file size than the file has", _REPAIR),
    "header-largest-tile": Rule(_W, "the header's largest tile is not that of the bundle", _REPAIR),
    "header-slack": Rule(_W, "the header's slack is not what its tiles leave", _REPAIR),
    # Rows and tiles
    "row-twice": Rule(_E, "two folders are the same row", "put their tiles into one"),
    "tile-twice": Rule(_E, "two files are the same tile", "keep the one that is right"),
    "tile-name": Rule(_W, "a row's folder or tile's file is not named as ArcGIS names it", "rename it"),
    "tile-extension": Rule(_W, "a file's extension is not that of its bytes", "rename it"),
    "tile-in-header": Rule(_E, "a tile is said to start inside the header", _BACKUP),
    "tile-beyond-end": Rule(_E, "a tile is said to end behind the bundle", _SETTLE),
    "tile-length": Rule(_E, "index and length prefix contradict each other", _SETTLE),
    "tile-too-large": Rule(_E, "a file is larger than a tile can be", "put the tile back"),
    "tile-empty": Rule(_W, "a tile of no bytes", "tilepack repair takes it out: servers take it for a broken picture"),
    "tile-beheaded-png": Rule(_E, "its length prefix was written over a PNG's first bytes", _SETTLE),
    "tile-unknown": Rule(_E, "the first bytes are those of no tile", _BACKUP),
    "tile-no-image": Rule(_E, "raster or vector data among images, or an image among rasters", _BACKUP),
    "tile-format": Rule(_W, "an image of another format than the cache declares", _DECLARE),
    "tile-size": Rule(_E, "an image of other width or height than the scheme's tiles", _BACKUP),
    "tile-truncated": Rule(_E, "an image without its end (--deep)", _BACKUP),
    "tile-undecodable": Rule(
        _E, "an image that does not decode, or a vector tile that does not unpack (--deep)", _BACKUP
    ),
}
"""By code."""
