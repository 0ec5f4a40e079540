"""Writing reports to where they were asked for, and keeping a cache's own Status.gdb.

ArcGIS has one ``Status.gdb`` in each cache's folder. tilepack's may stand in its place; that of ArcGIS is touched only
by force, and then kept as ``Status.gdb.arcgis``. Reports of parts of a cache never land in its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Unpack

from tilepack.disk.durable import is_there, rename
from tilepack.disk.files import explained
from tilepack.disk.staging import Staging, is_left_behind
from tilepack.errors import CacheExistsError, UnsupportedError
from tilepack.status.gdb import GEODATABASE, GEOPACKAGE, is_ours, write_geodatabase
from tilepack.status.publishing import publishing, refuse_file, refuse_inside
from tilepack.status.report import StatusReport
from tilepack.status.taking import StatusOptions, take_status
from tilepack.status.texts import write_bundles_csv, write_geojson, write_levels_csv
from tilepack.stores.base import TileReader
from tilepack.stores.documents import STATUS_GDB
from tilepack.stores.open import open_cache

_KEPT: Final = "Status.gdb.arcgis"

_FORMATS: Final[Mapping[str, Mapping[str, Callable[[StatusReport, Path], None]]]] = {
    "gdb": {STATUS_GDB: lambda report, path: write_geodatabase(report, path, GEODATABASE)},
    "gpkg": {"Status.gpkg": lambda report, path: write_geodatabase(report, path, GEOPACKAGE)},
    "geojson": {"Status.geojson": write_geojson},
    "csv": {"TaskStatus.csv": write_bundles_csv, "LevelStatus.csv": write_levels_csv},
}
"""What files a format has, and who writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenStatus:
    """A report, and where it was written."""

    report: StatusReport
    paths: tuple[Path, ...]
    """What was made."""
    kept: Path | None = None
    """What ArcGIS' own Status.gdb is called now, where it had to make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedStatus:
    """What became of a Status.gdb."""

    path: Path
    """Where it was."""
    kept: Path | None = None
    """What it is called now, where it was ArcGIS' own; else it is gone."""


def report_status(
    source: str | Path,
    report_folder: str | Path,
    *,
    format: str = "gdb",  # noqa: A002  as ``--format``
    force: bool = False,
    looking: Callable[[int], None] | None = None,
    **options: Unpack[StatusOptions],
) -> WrittenStatus:
    """Write the status of a cache, or of part of it, into a folder: REPORT_BUNDLE_STATUS.

    Args:
        source: A cache, package or web tiles: whatever ``tilepack.open`` opens.
        report_folder: Where to write; it exists, and is neither the cache's folder nor in it.
        format: ``gdb`` (Status.gdb), ``gpkg`` (Status.gpkg), ``geojson`` (Status.geojson) or ``csv`` (TaskStatus.csv
            and LevelStatus.csv).
        force: Replace what is there already; ArcGIS' own Status.gdb is kept as Status.gdb.arcgis.
        looking: Called with the number of bundles looked at so far.
        **options: See ``StatusOptions``.

    Raises:
        CacheExistsError: There is a report already, and no force.
        TransferError: The folder is the cache's, or cannot be written to; what was there before is still there then.
        UnsupportedError: There is no such format, or there are more than 100,000 rows and not all are wanted.
        TilepackError: The cache, a level or an area cannot be read.
    """
    folder = Path(report_folder)
    if format not in _FORMATS:
        raise UnsupportedError(f"format {format!r} is unknown; there are {', '.join(_FORMATS)}")
    with open_cache(source) as reader:
        refuse_inside(reader, folder)
        for name in _FORMATS[format]:
            _refuse(folder / name, replace=force)
        report = take_status(reader, options, looking=looking)
    return _publish(report, folder, format, replace=force)


def rebuild_status(
    cache: str | Path,
    *,
    force: bool = False,
    all_rows: bool = False,
    looking: Callable[[int], None] | None = None,
) -> WrittenStatus:
    """Make the Status.gdb in a cache's folder anew, for the whole cache: REBUILD_CACHE_STATUS.

    Args:
        cache: A cache folder, or its conf.xml or root.json.
        force: Make one also where ArcGIS' own stands, which is kept as Status.gdb.arcgis.
        all_rows: Make more than 100,000 rows if it takes so many.
        looking: Called with the number of bundles looked at so far.

    Raises:
        CacheExistsError: ArcGIS' own Status.gdb is there, and no force.
        UnsupportedError: It is a package, or there are more than 100,000 rows and not all are wanted.
        TilepackError: The cache cannot be read, or its folder not written to; a Status.gdb stays as it was then.
    """
    with open_cache(cache) as reader:
        home = _home(reader)
        _refuse_foreign(home / STATUS_GDB, force=force)
        report = take_status(reader, {"all_rows": all_rows}, looking=looking)
    return _publish(report, home, "gdb", replace=True)


def delete_status(cache: str | Path, *, force: bool = False) -> DeletedStatus | None:
    """Remove the Status.gdb from a cache's folder: DELETE_CACHE_STATUS.

    Args:
        cache: A cache folder, or its conf.xml or root.json.
        force: Take ArcGIS' own away too: it is kept as Status.gdb.arcgis.

    Returns:
        What became of it; None where there was none.

    Raises:
        CacheExistsError: It is ArcGIS' own, and no force.
        UnsupportedError: It is a package.
        TilepackError: The cache cannot be read, or its folder not written to.
    """
    with open_cache(cache) as reader:
        path = _home(reader) / STATUS_GDB
    if not is_there(path):
        if not is_left_behind(path, keep_suffix=True):
            return None
        Staging(path, replace=True, refuse=_refuse, keep_suffix=True).release()  # what a killed run left goes, too
        if not is_there(path):
            return DeletedStatus(path=path)
    _refuse_foreign(path, force=force)
    if not is_ours(path):
        return DeletedStatus(path=path, kept=_step_aside(path))
    staging = Staging(path, replace=True, refuse=_refuse, keep_suffix=True)
    try:
        rename(path, staging.partial)  # so that no half of it is ever there
    finally:
        staging.discard()
    return DeletedStatus(path=path)


def _home(reader: TileReader) -> Path:
    """Give the folder that a cache's own Status.gdb lies in.

    Raises:
        UnsupportedError: It is one file, as packages are.
    """
    if reader.home is None:
        raise UnsupportedError(
            f"{reader.place}: is one file, and no Status.gdb is kept in those; write a report of it elsewhere "
            "(status report)"
        )
    return reader.home


def _refuse(target: Path, *, replace: bool) -> None:
    """Refuse to write over a report.

    Raises:
        CacheExistsError: There is one, and it is not to be replaced; or it is ArcGIS' and cannot be kept.
    """
    if target.name != STATUS_GDB or not replace:
        refuse_file(target, replace=replace)
    else:
        _refuse_foreign(target, force=True)


def _refuse_foreign(path: Path, *, force: bool) -> None:
    """Refuse to touch a Status.gdb that tilepack did not write, or that another program has open.

    Raises:
        CacheExistsError: It is such a one, and no force; or its other name is taken.
    """
    if not is_there(path):
        return
    kept = path.with_name(_KEPT)
    if not is_ours(path):
        if not force:
            raise CacheExistsError(
                f"{path}: was not written by tilepack; leave it to ArcGIS, or take its place by force (--force), "
                f"which keeps it as {_KEPT}"
            )
        if is_there(kept):
            raise CacheExistsError(
                f"{kept}: is there from an earlier time; move it away, {STATUS_GDB} is to be kept so"
            )
    elif not force:
        with explained("list the folder", path):
            locks = [entry.name for entry in path.glob("*.lock")] if path.is_dir() else []
        if locks:
            raise CacheExistsError(
                f"{path}: is open in another program, which left {locks[0]} in it; close it there, or go on by force "
                "(--force)"
            )


def _step_aside(path: Path) -> Path:
    kept = path.with_name(_KEPT)
    rename(path, kept)
    return kept


def _publish(report: StatusReport, folder: Path, format: str, *, replace: bool) -> WrittenStatus:  # noqa: A002
    """Write a report beside what is there, and give it its names once it is whole."""
    files = {folder / name: partial(write, report) for name, write in _FORMATS[format].items()}
    gdb = folder / STATUS_GDB
    kept: Path | None = None
    try:
        with publishing(files, replace=replace, refuse=_refuse):
            if format == "gdb" and is_there(gdb) and not is_ours(gdb):
                kept = _step_aside(gdb)
    except BaseException:
        if kept is not None and not is_there(gdb):
            rename(kept, gdb)
        raise
    return WrittenStatus(report=report, paths=tuple(files), kept=kept)
