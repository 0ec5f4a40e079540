"""What is asked of a transfer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tilepack.cache import ItemDescription, StorageFormat
from tilepack.extent import Extent
from tilepack.pixels.blend import BlendMode
from tilepack.selection import LevelSelection

if TYPE_CHECKING:
    from tilepack.aoi import AreaOfInterest
    from tilepack.aoi_levels import AreasByLevel

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelOptions:
    """What happens at an area's edge, and to tiles that cannot be read."""

    background: Colour | None = None
    """Keep JPEG, and paint the outside so; None makes it transparent, and a JPEG cache MIXED."""
    whole_tiles: bool = False
    """Keep the tiles that the edge crosses uncut."""
    keep_blank: bool = False
    """Write tiles though no visible pixel is left of them."""
    drop_blank: bool = False
    """Leave out all tiles of a new target in which nothing is visible, not only those that were cut."""
    skip_errors: bool = False
    """Leave out tiles that cannot be decoded, and go on."""
    strict: bool = False
    """Refuse tiles that cannot be cut (LERC), which otherwise move whole."""
    allow_lossy: bool = False
    """Let whole tiles go through JPEG, or lose colours for PNG8, where a target that exists takes nothing else."""
    recompress: bool = False
    """In MIXED targets that exist, make composed tiles JPEG where they are opaque."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOptions:
    """How tiles come into a target that exists."""

    mode: BlendMode = BlendMode.MERGE
    """MERGE lays the source's pixels over the target's, OVERWRITE puts them in their place, inside the area."""
    delete_missing: bool = False
    """Under OVERWRITE, tiles that the source has not are transparent ones, and so go from the target."""
    only_missing: bool = False
    """Take only tiles that the target has not: gaps are filled, and no tile that is there is touched."""
    force: bool = False
    """Pass over the lock files of other programs in the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """What is asked for."""

    target: Path
    storage_format: StorageFormat | None = None
    """None: what the suffix says, for folders COMPACT_V2."""
    levels: LevelSelection = field(default_factory=LevelSelection)
    update: UpdateOptions | None = None
    """The target exists, and takes the tiles in; None makes a new one."""
    replace: bool = False
    """The target may exist; the new one takes its place when it is whole."""
    dedupe: bool = False
    """Store equal tiles once where the target can, but need not (MBTiles)."""
    quality: int | None = None
    """Encode JPEG tiles of a new target anew at this quality, 1 to 100, where that makes them smaller."""
    ready_to_serve: bool | None = None
    """Describe a folder by root.json; None: as the source is."""
    areas: AreasByLevel | None = None
    """Areas of interest, in the source's spatial reference; they cut."""
    extent: Extent | None = None
    """Takes the tiles that it meets with more than an edge, map units; cuts nothing."""
    box: AreaOfInterest | None = None
    """Likewise, for a rectangle in degrees."""
    pixels: PixelOptions = field(default_factory=PixelOptions)
    description: ItemDescription | None = None
    """What the target says instead of the source, where it says something."""
    thumbnail: bytes | None = None
    """PNG; None draws one from the tiles."""

    @property
    def bounds(self) -> tuple[object, ...]:
        """What tells apart requests for other areas or rectangles, for fingerprints; an area wins over the others."""
        if self.areas is not None:
            return self.areas.fingerprint, False, False
        return None, self.extent and self.extent.as_tuple(), self.box and self.box.fingerprint
