"""What the documents of two caches say differently, in sentences: "here" is the first cache, "there" the second.

A *difference* makes another cache of it; a *note* does not. Differences are

* the grid: tile size, spatial reference, origin (apart by more than a pixel), and the resolutions of the levels;
* what both say, and say differently, of tile format, quality, antialiasing, of the bands and the error of LERC, of the
  scales to show the map at, and of title (unless it is the name), tags and the other words for people.

Notes are

* how it is stored and described: storage format, conf.xml or root.json, the numbers of the levels, ``missing.*`` and
  ``blank.*``;
* what only one of them says, for no layout has a place for everything;
* name, creator and dpi, which place no tile and are made anew with each copy; declared extents, first and last level:
  what these speak of is compared itself, and a conversion measures them anew.

Where only some levels or an area are compared, what speaks of the whole is a note: resolutions, scales to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tilepack.cache import CacheInfo, ItemDescription, TileFormat
from tilepack.extent import Extent
from tilepack.scheme import LevelOfDetail, TilingScheme, same_resolution
from tilepack.wording import listed

_NAMED: Final = 5
"""Levels named one by one."""

_LONGEST: Final = 80
"""Characters of a text that are shown."""

_SAID: Final = ("tile_format", "quality", "antialiasing")
_SAID_OF_LERC: Final = ("band_count", "lerc_error")
_OF_THE_WHOLE: Final = ("visible_scales",)
_DESCRIBED: Final = ("title", "tags", "summary", "description", "attribution", "license")
_NAMES: Final = {
    "quality": "JPEG quality",
    "band_count": "bands",
    "lerc_error": "error of LERC",
    "visible_scales": "scales to show it at",
    "license": "licence",
}


def grid_differences(a: TilingScheme, b: TilingScheme) -> list[str]:
    """Say what keeps the tiles of two schemes from being compared; none are left where they lie on one grid.

    Levels count only where both have them; one common resolution is enough.

    Raises:
        MetadataError: Only the texts of the spatial references could tell, and one cannot be read.
    """
    common = [lod for lod in a.levels if find_level(b, lod.resolution) is not None]
    levels = common or a.levels
    sentences = a.with_levels(levels).differences(b.with_levels(levels))
    return sentences if common else [*sentences, "no level has the same resolution here and there"]


def find_level(scheme: TilingScheme, resolution: float, wish: int | None = None) -> LevelOfDetail | None:
    """Give a scheme's level of a resolution, if there is one; of several the one of the wished number."""
    found = [lod for lod in scheme.levels if same_resolution(lod.resolution, resolution)]
    return next((lod for lod in found if lod.level == wish), found[0] if found else None)


def compare_metadata(a: CacheInfo, b: CacheInfo, *, whole: bool) -> tuple[list[str], list[str]]:
    """Compare what two caches of one grid say.

    Args:
        a: The first.
        b: The second.
        whole: Whether they are compared as wholes, and not by some levels or an area.

    Returns:
        Differences and notes, as the module's docstring parts them.
    """
    differences: list[str] = []
    notes: list[str] = []
    (differences if whole else notes).extend(_levels_of_one(a.scheme, b.scheme))
    is_lerc = TileFormat.LERC in {a.tile_format, b.tile_format}
    for names, first, second, matters in (
        (_SAID, a, b, True),
        (_SAID_OF_LERC if is_lerc else (), a, b, True),
        (_OF_THE_WHOLE, a, b, whole),
        (_DESCRIBED, _described(a), _described(b), True),
    ):
        for name in names:
            here, there = getattr(first, name) or None, getattr(second, name) or None
            if here != there:
                is_difference = matters and here is not None and there is not None
                (differences if is_difference else notes).append(_sentence(_NAMES.get(name, name), here, there))
    return differences, [*notes, *_notes(a, b)]


def _described(info: CacheInfo) -> ItemDescription:
    """Give what is written for people. A title that is the name was made of it, for packages need one."""
    description = info.description
    return replace(description, title="") if description.title == info.name else description


def _levels_of_one(a: TilingScheme, b: TilingScheme) -> Iterator[str]:
    """Name the levels that only one of two schemes has; where they share none, ``grid_differences`` says so."""
    if all(find_level(b, lod.resolution) is None for lod in a.levels):
        return
    for scheme, other, where in ((a, b, "there"), (b, a, "here")):
        alone = [lod for lod in scheme.levels if find_level(other, lod.resolution) is None]
        if alone:
            named = listed((f"{lod.level} (resolution {lod.resolution:.10g})" for lod in alone), _NAMED)
            noun, verb = ("level", "has") if len(alone) == 1 else ("levels", "have")
            yield f"{noun} {named} {verb} no counterpart {where}"


def _notes(a: CacheInfo, b: CacheInfo) -> Iterator[str]:
    if a.storage_format is not b.storage_format:
        yield _sentence("storage format", a.storage_format, b.storage_format)
    is_web = a.storage_format.is_web or b.storage_format.is_web
    if a.ready_to_serve is not b.ready_to_serve and not is_web:
        yield _sentence("described by", *("root.json" if info.ready_to_serve else "conf.xml" for info in (a, b)))
    pairs = [(lod.level, find_level(b.scheme, lod.resolution, lod.level)) for lod in a.scheme.levels]
    renumbered = [f"{here} here is {lod.level} there" for here, lod in pairs if lod is not None and lod.level != here]
    if renumbered:
        yield f"levels are numbered differently: {listed(renumbered, _NAMED)}"
    if a.name != b.name:
        yield _sentence("name", a.name, b.name)
    if a.description.creator != b.description.creator:
        yield _sentence("creator", a.description.creator, b.description.creator)
    if a.scheme.dpi != b.scheme.dpi:
        yield _sentence("dpi", a.scheme.dpi, b.scheme.dpi)
    if not _are_alike(a.extent, b.extent, min(lod.resolution for lod in a.scheme.levels)):
        yield _sentence("declared extent", a.extent, b.extent)
    first, second = ((info.min_level, info.max_level) for info in (a, b))
    if first != second:
        yield _sentence("levels said to hold tiles", _range_of(first), _range_of(second))


def _are_alike(a: Extent | None, b: Extent | None, slack: float) -> bool:
    """Tell whether two extents are the same, give or take the finest pixel."""
    if a is None or b is None:
        return a is b
    return a.holds(b, slack) and b.holds(a, slack)


def _range_of(levels: tuple[int | None, int | None]) -> str:
    return "" if levels == (None, None) else "-".join("?" if level is None else str(level) for level in levels)


def _sentence(name: str, here: object, there: object) -> str:
    return f"{name.replace('_', ' ')}: {_shown(here)} here, {_shown(there)} there"


def _shown(value: object) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "on"
    if isinstance(value, tuple):
        return _cut(", ".join(_shown(each) for each in value))
    return _cut(f"{value:.10g}" if isinstance(value, float) else str(value))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + " ..."
