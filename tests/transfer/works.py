"""All that tilepack does to a target, as works which things befall."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from broken_caches import beheaded
from caches import v1_files, v2_files, write_files, write_v2
from export_caches import WORLD
from hostile_builders import V1_FIRST, V2_FIRST, files_of, is_package, write_cache
from killing import (
    FORMATS,
    SCHEME,
    WEB,
    Doomed,
    new_tiles,
    old_tiles,
    read_status,
    read_tiles,
    scheme_for,
    side_of,
    tree_of,
    write_target,
)
from layouts import LAYOUTS
from work import Work, verdicts

import tilepack

_TILE = 2 * WORLD / 256
"""Width of a tile of level 0, in map units."""

AREA = "SRID=3857;POLYGON((-195e5 195e5, 19e6 19e6, 4e6 4e6, -19e6 -19e6, -195e5 195e5))"


def _box(west: float, north: float, east: float, south: float) -> str:
    """Give a rectangle as WKT's rings, from columns and rows of level 0."""
    x = [column * _TILE - WORLD for column in (west, east)]
    y = [WORLD - row * _TILE for row in (north, south)]
    corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])]
    return "((" + ", ".join(f"{east} {north}" for east, north in corners) + "))"


HOLES = ", ".join([_box(10, 10, 11.5, 12), _box(200, 10, 202, 12), _box(1.5, 1.5, 1.75, 3), _box(150, 150, 151, 151)])
DELETION = f"SRID=3857;MULTIPOLYGON({HOLES})"
"""Half of a bundle, with tiles on the edge; all of one; tiles on the edge alone; all of one on another level."""


# Targets


def wasteful(place: Path) -> None:
    """Write a cache with dead space in each bundle but one."""
    kind = {"v1": "v1", "cache.tpk": "v1"}.get(place.name, "v2")
    plain = place if place.name in LAYOUTS else place.with_name(kind)
    write_target(plain)
    pack = v1_files if kind == "v1" else v2_files
    tiles = {tile: data for tile, data in old_tiles().items() if (tile.level, tile.row) != (1, 300)}
    write_files(plain / "_alllayers", pack(tiles, dead=[500, 0, 70_000]))
    if plain != place:
        tilepack.convert(plain, place)
        shutil.rmtree(plain)


def broken(place: Path) -> None:
    """Write a cache of which something can be mended in each bundle, and in its documents."""
    layout = {"cache.tpk": "tpk", "cache.tpkx": "tpkx"}.get(place.name, place.name)
    files = files_of(layout)
    for path, data in list(files.items()):
        if path.endswith(".bundle"):
            files[path] = beheaded(data, V1_FIRST if path[:-1] + "x" in files else V2_FIRST)
        elif path.endswith("0.png"):
            files[path] = data[4:] + b"what"
    if layout == "exploded":
        files["_alllayers/L01/R00000000/C00000009.png"] = b""
    if not is_package(layout):
        del files["conf.cdi"]
    write_cache(place.parent, layout, files).rename(place)


def with_status(place: Path) -> None:
    """Write a cache that got more tiles since its Status.gdb was made."""
    tiles = old_tiles()
    write_v2(place, SCHEME, {tile: data for tile, data in tiles.items() if tile.level == 0})
    tilepack.rebuild_status(place)
    write_v2(place, SCHEME, tiles)


def with_status_of_arcgis(place: Path) -> None:
    write_target(place)
    write_files(place / "Status.gdb", {"gdb": b"mine", "a00000001.gdbtable": random.Random(1).randbytes(5000)})


def with_report(place: Path) -> None:
    """Make a folder with a report of another cache."""
    with_status(place.with_name("v2"))
    place.mkdir()
    (place.with_name("v2") / "Status.gdb").rename(place / "Status.gdb")
    shutil.rmtree(place.with_name("v2"))


def raster(place: Path) -> None:
    """Write a picture of hills for two levels with data, a part of it without."""
    import rasterio
    from rasterio.transform import from_origin

    side = 500
    down, right = np.mgrid[:side, :side]
    bands = np.stack([down // 2, right // 2, (down * right) // side // 2]).astype(np.uint8)
    bands[:, 300:, 300:] = 0
    with rasterio.open(
        place, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8", nodata=0,
        crs="EPSG:3857", transform=from_origin(-1e6, 6e6, 9784, 9784),
    ) as made:  # fmt: skip
        made.write(bands)


def nothing(place: Path) -> None:
    """Leave the place empty."""


class Recipe(NamedTuple):
    """How a work is made."""

    target: str
    words: tuple[str, ...]
    unit: str = "bundle"
    write: Callable[[Path], None] = write_target
    """Writes what is there before."""
    source: str = "Glass"
    write_source: Callable[[Path], None] | None = None
    """Writes another source than that of imports."""


def _import(target: str, *options: str) -> Recipe:
    unit = "tile" if target in ("exploded", "xyz") else "whole" if "." in target else "bundle"
    return Recipe(target, ("import", "{source}", "{target}", *options), unit)


def _make(command: str, target: str, *options: str, write: Callable[[Path], None] = nothing) -> Recipe:
    storage_format = FORMATS[target]
    chosen = ("--storage-format", storage_format) if storage_format else ()
    return Recipe(target, (command, "{source}", "{target}", *chosen, *options), "whole", write)


def _change(target: str, *words: str, write: Callable[[Path], None] = write_target) -> Recipe:
    return _import(target)._replace(words=words, write=write)


def _replaced(target: str, old: str) -> Recipe:
    """Replace a cache of another layout."""

    def write(place: Path) -> None:
        write_target(place.with_name(old))
        if old != target:
            place.with_name(old).rename(place)

    return _make("convert", target, "--replace", write=write)


def _in_place(target: str, new: str) -> Recipe:
    def write(place: Path) -> None:
        write_target(place)
        write_files(place / "Status.gdb", {"gdb": b"mine"})

    return Recipe(target, ("convert-in-place", "{target}", new), "whole", write)


PAIR = ("--overwrite", "--delete-missing")
SAID = ("--title", "Glass", "--tags", "a,b")
ANEW = ("repair", "{source}", "{target}")
OVER = ("--scheme", "wgs84", "--replace")

WORKS: Mapping[str, Recipe] = {
    "import into COMPACT": _import("v1"),
    "import into COMPACT, OVERWRITE": _import("v1", *PAIR),
    "import into COMPACT_V2": _import("v2"),
    "import into COMPACT_V2, OVERWRITE": _import("v2", *PAIR),
    "import into EXPLODED": _import("exploded"),
    "import into EXPLODED, OVERWRITE": _import("exploded", *PAIR),
    "import into a folder ready to serve": _import("served", *SAID),
    "import of descriptions and a level": _import("served", "--levels", "1", *SAID),
    "import into .tpk": _import("cache.tpk", "--title", "Glass"),
    "import into .tpkx": _import("cache.tpkx"),
    "import into .tpkx, OVERWRITE": _import("cache.tpkx", *PAIR),
    "export to COMPACT": _make("export", "v1", "--aoi", AREA),
    "export to COMPACT_V2": _make("export", "v2", "--aoi", AREA),
    "export to EXPLODED": _make("export", "exploded", "--aoi", AREA),
    "export to .tpk": _make("export", "cache.tpk", "--aoi", AREA),
    "export to .tpkx": _make("export", "cache.tpkx", "--aoi", AREA),
    **{f"import into {name}": _import(name) for name in WEB},
    **{f"export to {name}": _make("export", name, "--aoi", AREA) for name in WEB},
    "convert to COMPACT": _make("convert", "v1"),
    "convert to COMPACT_V2": _make("convert", "v2"),
    "convert to EXPLODED": _make("convert", "exploded"),
    "convert to .tpk": _make("convert", "cache.tpk"),
    "convert to .tpkx": _make("convert", "cache.tpkx"),
    "convert over COMPACT": _replaced("v2", "v1"),
    "convert over EXPLODED": _replaced("v1", "exploded"),
    "convert over .tpkx": _replaced("cache.tpkx", "cache.tpkx"),
    "convert COMPACT in place": _in_place("v1", "exploded"),
    "convert EXPLODED in place": _in_place("exploded", "compact-v2"),
    "create over COMPACT_V2": Recipe("v2", ("create", "{target}", *OVER), "whole"),
    "create over .tpkx": Recipe("cache.tpkx", ("create", "{target}", *OVER), "whole"),
    "delete from COMPACT": _change("v1", "delete", "{target}", "--aoi", DELETION),
    "delete from COMPACT_V2": _change("v2", "delete", "{target}", "--aoi", DELETION),
    "delete from EXPLODED": _change("exploded", "delete", "{target}", "--aoi", DELETION),
    "delete from .tpkx": _change("cache.tpkx", "delete", "{target}", "--aoi", DELETION),
    "delete pixels from COMPACT": _change("v1", "delete", "{target}", "--aoi", DELETION, "--pixels"),
    "delete pixels from EXPLODED": _change("exploded", "delete", "{target}", "--aoi", DELETION, "--pixels"),
    "delete pixels from .tpk": _change("cache.tpk", "delete", "{target}", "--aoi", DELETION, "--pixels"),
    "delete a cache folder": Recipe("v1", ("delete-cache", "{target}"), "whole"),
    "delete a package": Recipe("cache.tpkx", ("delete-cache", "{target}"), "whole"),
    "compact COMPACT": _change("v1", "compact", "{target}", write=wasteful),
    "compact COMPACT_V2": _change("v2", "compact", "{target}", write=wasteful),
    "compact .tpk": _change("cache.tpk", "compact", "{target}", write=wasteful),
    "compact .tpkx": _change("cache.tpkx", "compact", "{target}", write=wasteful),
    "repair COMPACT": _change("v1", "repair", "{target}", write=broken),
    "repair COMPACT_V2": _change("v2", "repair", "{target}", write=broken),
    "repair EXPLODED": _change("exploded", "repair", "{target}", write=broken),
    "repair .tpk": _change("cache.tpk", "repair", "{target}", write=broken),
    "repair .tpkx": _change("cache.tpkx", "repair", "{target}", write=broken),
    "repair into a new COMPACT": Recipe("new", ANEW, "whole", nothing, "v1", broken),
    "repair into a new .tpkx": Recipe("new.tpkx", ANEW, "whole", nothing, "cache.tpkx", broken),
    "build COMPACT_V2": Recipe("v2", ("build", "{source}", "{target}"), "whole", nothing, "Hills.tif", raster),
    "build .tpk": Recipe("cache.tpk", ("build", "{source}", "{target}"), "whole", nothing, "Hills.tif", raster),
    "status rebuild, the first": Recipe("v2", ("status", "rebuild", "{target}"), "status"),
    "status rebuild": Recipe("v2", ("status", "rebuild", "{target}"), "status", with_status),
    "status rebuild beside ArcGIS'": Recipe(
        "v2", ("status", "rebuild", "{target}", "--force"), "status", with_status_of_arcgis
    ),
    "status report": Recipe(
        "reports", ("status", "report", "{source}", "--report-folder", "{target}", "--force"), "status", with_report
    ),
    "status delete": Recipe("v2", ("status", "delete", "{target}"), "status", with_status),
}
"""By what is done."""


def prepare(name: str, folder: Path, doomed: Doomed) -> Work:
    """Make source and target of a work, below a folder that is its own, and run it once to see what has to be."""
    recipe = WORKS[name]
    source, before = folder / "source" / recipe.source, folder / "before"
    before.mkdir(parents=True)
    if recipe.write_source is None:
        side = side_of(recipe.target)
        write_v2(source, scheme_for(side), new_tiles(side), tile_format=tilepack.TileFormat.PNG32)
    else:
        source.parent.mkdir()
        recipe.write_source(source)
    recipe.write(before / recipe.target)
    work = Work(
        name=name,
        words=recipe.words,
        target=recipe.target,
        unit=recipe.unit,
        folder=folder / "targets",
        before=before,
        source=source,
    )
    work.begin()
    excused, old = _look(work)
    if name not in doomed.loaded:
        assert work.run(doomed, step=0).code == 0
        doomed.loaded.add(name)
        work.begin()
    end = work.run(doomed)
    assert end.code == 0, end.said
    assert end.steps
    errors, new = _look(work)
    assert errors <= excused
    return replace(
        work,
        excused=excused,
        old=old,
        new=new,
        tree=tree_of(work.folder),
        steps=end.steps,
        writes=tuple(end.writes),
    )


def _look(work: Work) -> tuple[frozenset[str], dict]:
    """Give what is wrong with the target, and what it holds."""
    if work.unit == "status":
        return frozenset(), read_status(work.place)
    return (verdicts(work.place), read_tiles(work.place)) if work.place.exists() else (frozenset(), {})
