"""Showing a status report: a picture of each level, and a page of HTML with all of them, as values or as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Unpack

import numpy as np

from tilepack._version import __version__
from tilepack.disk.files import explained
from tilepack.errors import CacheNotFoundError, UnsupportedError
from tilepack.pixels.mask import Floats
from tilepack.status.html import CompletenessReport, format_report
from tilepack.status.keeping import WrittenStatus
from tilepack.status.picture import CompletenessMap, completeness_png
from tilepack.status.publishing import Write, publishing, refuse_file, refuse_inside
from tilepack.status.report import StatusReport
from tilepack.status.taking import StatusOptions, take_status
from tilepack.stores.open import open_cache

_SUFFIXES: Final = {"png": (".png",), "html": (".html", ".htm")}


def status_pictures(report: StatusReport, *, width: int = 960) -> dict[int, bytes]:
    """Draw how far each level of a cache is built: a map whose cells are bundles, with what bounds it drawn over.

    Args:
        report: The report, with rows of bundles.
        width: Pixels of a map at most, 1 to 16384; maps of few bundles are smaller.

    Returns:
        A PNG for each LevelID.

    Raises:
        ValueError: The report has no rows of bundles, or the width is none.
    """
    return {level.level: completeness_png(level, width=width) for level in completeness_maps(report)}


def status_page(report: StatusReport) -> str:
    """Write a report as one page of HTML with pictures, tables and warnings, which loads nothing from anywhere.

    Args:
        report: The report, with rows of bundles.

    Returns:
        HTML; to be encoded as UTF-8.

    Raises:
        ValueError: The report has no rows of bundles.
    """
    info = report.info
    facts = (
        ("Expected within", report.bounded_by),
        ("Spatial reference", str(info.scheme.spatial_reference)),
        ("Stored as", f"{info.storage_format}, tiles {info.tile_format}"),
        ("Counted", f"{report.taken:%Y-%m-%d %H:%M} UTC, by tilepack {__version__}"),
    )
    return format_report(
        CompletenessReport(
            title=info.description.title or info.name,
            place=report.place,
            levels=completeness_maps(report),
            facts=facts,
            warnings=report.warnings,
        )
    )


def draw_status(
    source: str | Path,
    *,
    png: str | Path | None = None,
    html: str | Path | None = None,
    force: bool = False,
    looking: Callable[[int], None] | None = None,
    **options: Unpack[StatusOptions],
) -> WrittenStatus:
    """Write how far a cache is built, or part of it, as pictures, as a page, or as both.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        png: Where to draw: ``NAME.png`` of a report of one level; of others ``NAME-L05.png`` and so on, a file for
            each level. In no case in the cache's folder.
        html: The page, a name in ``.html``; likewise not in the cache's folder.
        force: Replace what is there already.
        looking: Called with the number of bundles looked at so far.
        **options: See ``StatusOptions``.

    Returns:
        The report, and what was written: pictures by LevelID, then the page.

    Raises:
        CacheExistsError: A file is there already, and no force.
        CacheNotFoundError: Pictures are wanted of a cache without tiles.
        TransferError: A file would lie in the cache's folder, or cannot be written; what was there before is still
            there then.
        UnsupportedError: A name has another suffix, or there are more than 100,000 rows and not all are wanted.
        TilepackError: The cache, a level or an area cannot be read.
    """
    picture, page = _checked(png, "png"), _checked(html, "html")
    with open_cache(source) as reader:
        for path in (picture, page):
            if path is not None:
                refuse_inside(reader, path.parent)
        if page is not None:
            refuse_file(page, replace=force)
        report = take_status(reader, options, looking=looking)
    files: dict[Path, Write] = {}
    if picture is not None:
        maps = completeness_maps(report)
        if not maps:
            raise CacheNotFoundError(f"{report.place}: holds no tile on the levels asked for; there is nothing to draw")
        for level in maps:
            name = picture.name if len(maps) == 1 else f"{picture.stem}-L{level.level:02d}{picture.suffix}"
            files[picture.with_name(name)] = partial(_write_picture, level)
    if page is not None:
        files[page] = partial(_write_page, report)
    for path in files:  # before any of them is drawn
        refuse_file(path, replace=force)
    with publishing(files, replace=force):
        pass
    return WrittenStatus(report=report, paths=tuple(files))


def completeness_maps(report: StatusReport) -> list[CompletenessMap]:
    """Give what there is to draw of each level.

    Args:
        report: The report, with rows of bundles.

    Raises:
        ValueError: It has none.
    """
    rows = report.bundles
    if rows is None:
        raise ValueError("a report without rows of bundles cannot be drawn")
    extents, names = rows.extents(report.info.scheme), rows.names()
    maps = []
    for level in report.levels:
        start, stop = np.searchsorted(rows.level, (level.level, level.level + 1)).tolist()
        part = slice(start, stop)
        maps.append(
            CompletenessMap(
                level=level.level,
                scale=level.scale,
                extents=extents[part],
                expected=rows.expected[part],
                built=rows.built[part],
                outside=level.outside,
                tile_bytes=level.tile_bytes,
                names=names[part],
                edges=_edges(report, level.level, extents[part]),
            )
        )
    return maps


def _edges(report: StatusReport, level: int, extents: Floats) -> Floats | None:
    """Give the outline of what bounds a level: an area's, or a rectangle's if bundles lie beyond it anywhere."""
    area = report.area_at(level)
    if area is not None:
        return area.edges
    if report.extent is None or not len(extents):
        return None
    xmin, ymin, xmax, ymax = report.extent.as_tuple()
    # Bundles are cut to whole tiles: a rectangle that they follow so closely would be a line around the picture.
    lod, scheme = report.info.scheme.level(level), report.info.scheme
    across, down = lod.resolution * scheme.tile_width, lod.resolution * scheme.tile_height
    beyond = extents[:, :2].min(axis=0) <= (xmin - across, ymin - down)
    beyond |= extents[:, 2:].max(axis=0) >= (xmax + across, ymax + down)
    if not beyond.any():
        return None
    corners = np.array([(xmin, ymin), (xmin, ymax), (xmax, ymax), (xmax, ymin)])
    return np.hstack((corners, np.roll(corners, -1, axis=0)))


def _checked(path: str | Path | None, kind: str) -> Path | None:
    """Give a path, if it is the name of such a file.

    Raises:
        UnsupportedError: It has another suffix.
    """
    if path is None:
        return None
    path, suffixes = Path(path), _SUFFIXES[kind]
    if path.suffix.lower() not in suffixes:
        raise UnsupportedError(
            f"{path}: ends in {path.suffix or 'no suffix'}; choose a name in {' or '.join(suffixes)}"
        )
    return path


def _write_picture(level: CompletenessMap, path: Path) -> None:
    with explained("write the picture", path):
        path.write_bytes(completeness_png(level))


def _write_page(report: StatusReport, path: Path) -> None:
    with explained("write the page", path):
        path.write_text(status_page(report), "utf-8", newline="\n")
