"""Making a new target by its path and storage format."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilepack.cache import CacheInfo, StorageFormat
from tilepack.disk.container import FolderContainer, creation_time
from tilepack.disk.package import PackageContainer
from tilepack.errors import TransferError
from tilepack.stores.base import TileWriter
from tilepack.stores.compact_writer import CompactWriter
from tilepack.stores.exploded_writer import ExplodedWriter
from tilepack.stores.layouts import folder_layout, tpk_layout, tpkx_layout, vtpk_layout
from tilepack.stores.web.mbtiles_writer import MbtilesWriter
from tilepack.stores.web.pmtiles_writer import PmtilesWriter
from tilepack.stores.web.xyz_writer import XyzWriter

_PACKAGE_FORMATS: Final = {
    ".tpk": StorageFormat.COMPACT,
    ".tpkx": StorageFormat.COMPACT_V2,
    ".vtpk": StorageFormat.COMPACT_V2,
    ".mbtiles": StorageFormat.MBTILES,
    ".pmtiles": StorageFormat.PMTILES,
    ".zip": StorageFormat.XYZ,
}
_SUFFIXES: Final = {StorageFormat.MBTILES: ".mbtiles", StorageFormat.PMTILES: ".pmtiles"}
"""Of what is never a folder."""
_VECTOR: Final = ".vtpk"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetKind:
    """What a new target is to be."""

    storage_format: StorageFormat
    is_package: bool
    """One file, whatever its kind."""
    ready_to_serve: bool
    """Described by root.json instead of conf.xml; a .tpkx or .vtpk always is."""
    is_vector: bool = False
    """A package of vector tiles, and of nothing else."""


def parse_storage_format(text: StorageFormat | str) -> StorageFormat:
    """Read the name of a storage format: ``compact``, ``compact-v2``, ``COMPACT_V2``, ``exploded``, ``xyz``.

    Raises:
        TransferError: There is none of that name.
    """
    name = str(text).strip().upper().replace("-", "_")
    try:
        return StorageFormat(name)
    except ValueError:
        known = ", ".join(known.lower().replace("_", "-") for known in StorageFormat)
        raise TransferError(f"storage format {text!r} is unknown; there are {known}") from None


def target_kind(
    target: Path, storage_format: StorageFormat | None = None, *, ready_to_serve: bool = False
) -> TargetKind:
    """Tell what a target is to be, from its suffix and what was asked for.

    Args:
        target: Its path; ``.tpk``, ``.tpkx``, ``.vtpk``, ``.mbtiles``, ``.pmtiles`` and ``.zip`` are files, all else is
            a folder.
        storage_format: Asked for; None takes the suffix's, for folders COMPACT_V2.
        ready_to_serve: Describe a folder by root.json.

    Raises:
        TransferError: The wishes contradict one another.
    """
    suffix = target.suffix.lower()
    packaged = _PACKAGE_FORMATS.get(suffix)
    if packaged is not None:
        if storage_format not in (None, packaged):
            raise TransferError(
                f"{target}: a {suffix} holds {packaged}, not {storage_format}; leave the storage format out, or choose "
                f"another suffix"
            )
        if ready_to_serve and packaged is not StorageFormat.COMPACT_V2:
            raise TransferError(f"{target}: a {suffix} has no root.json; ready to serve are folders and .tpkx")
        return TargetKind(
            storage_format=packaged,
            is_package=True,
            ready_to_serve=packaged is StorageFormat.COMPACT_V2,
            is_vector=suffix == _VECTOR,
        )
    if storage_format is None:
        _refuse_misspelt(target, suffix)
    wanted = storage_format or StorageFormat.COMPACT_V2
    if wanted in _SUFFIXES:
        raise TransferError(f"{target}: {wanted} is one file; give it a name in {_SUFFIXES[wanted]}")
    if ready_to_serve and wanted is not StorageFormat.COMPACT_V2:
        raise TransferError(f"{target}: a folder that is ready to serve holds COMPACT_V2, not {wanted}")
    return TargetKind(storage_format=wanted, is_package=False, ready_to_serve=ready_to_serve)


def _refuse_misspelt(target: Path, suffix: str) -> None:
    """Refuse a suffix that is nearly one of a file's: who meant a package would find a folder."""
    alike = [known for known in _PACKAGE_FORMATS if known[:2] == suffix[:2]]
    meant = difflib.get_close_matches(suffix, alike, cutoff=0.8)
    if meant:
        raise TransferError(
            f"{target}: no file ends in {suffix}; write {' or '.join(meant)}, or say which storage format a folder of "
            f"that name is to have"
        )


def create_target(
    target: Path, kind: TargetKind, info: CacheInfo, *, replace: bool, dedupe: bool = False
) -> TileWriter:
    """Make a new target; nothing stands under its name until ``commit``.

    Args:
        target: Its path.
        kind: What it is to be.
        info: What it will say of itself.
        replace: Whether something may stand there already.
        dedupe: Store equal tiles once where the target can, but need not.

    Raises:
        CacheExistsError: Something stands there and is not to be replaced.
        TransferError: Another writer is at work, or the system refuses.
    """
    if kind.storage_format.is_web:
        return _create_web_target(target, kind, replace=replace, dedupe=dedupe)
    if kind.is_package:
        is_v1 = kind.storage_format is StorageFormat.COMPACT
        layout = tpk_layout(info.name) if is_v1 else vtpk_layout() if kind.is_vector else tpkx_layout()
        package = PackageContainer(target, replace=replace, created=creation_time())
        return CompactWriter(package, kind.storage_format, layout)
    layout = tpkx_layout() if kind.ready_to_serve else folder_layout()
    folder = FolderContainer(target, replace=replace)
    if kind.storage_format is StorageFormat.EXPLODED:
        return ExplodedWriter(folder, info.tile_format, layout)
    return CompactWriter(folder, kind.storage_format, layout)


def _create_web_target(target: Path, kind: TargetKind, *, replace: bool, dedupe: bool) -> TileWriter:
    if kind.storage_format is StorageFormat.MBTILES:
        return MbtilesWriter(target, replace=replace, dedupe=dedupe)
    if kind.storage_format is StorageFormat.PMTILES:
        return PmtilesWriter(target, replace=replace)
    if kind.is_package:
        return XyzWriter(PackageContainer(target, replace=replace, created=creation_time()))
    return XyzWriter(FolderContainer(target, replace=replace))
