"""Files that commands write beside caches: a tile, a picture."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import tilepack

_OTHER_PICTURES: Final = (".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".svg", ".pdf")


def is_named_otherwise(out: Path) -> bool:
    """Tell whether a name promises another kind of picture than PNG."""
    return out.suffix.lower() in _OTHER_PICTURES


def check_free(out: Path, source: Path, *, replace: bool) -> None:
    """Make sure, before the work, that a file may be written.

    Args:
        out: The file.
        source: What it is made from, which it must not be.
        replace: Whether it may exist.

    Raises:
        CacheExistsError: It exists and is not to be replaced.
        TransferError: It is the source or a folder, or there is no folder to write it into.
    """
    if not out.exists():
        if not out.parent.is_dir():
            raise tilepack.TransferError(f"{out.parent}: there is no such folder; make it first")
        return
    if out.is_dir():
        raise tilepack.TransferError(f"{out}: is a folder; name the file to write")
    if not replace:
        raise tilepack.CacheExistsError(f"{out}: exists already; choose another name, or give --replace")
    if out.samefile(source):
        raise tilepack.TransferError(f"{out}: is the source itself; choose another file")


def write_file(out: Path, data: bytes, source: Path, *, replace: bool) -> None:
    """Write a file whole, or not at all: beside its name first.

    Args:
        out: The file.
        data: What is to be in it.
        source: What it is made from, which it must not be.
        replace: Whether it may exist.

    Raises:
        CacheExistsError: It exists and is not to be replaced.
        TransferError: It is the source, or cannot be written.
    """
    check_free(out, source, replace=replace)
    try:
        if out.exists() and not out.is_file():  # a device or a pipe keeps its place
            out.write_bytes(data)
            return
        whole = out.resolve()  # where a link leads, so that the link stays
        partial = whole.with_name(f"{whole.name}.{os.getpid()}.partial")  # a name that nobody else writes to
        partial.touch(exist_ok=False)
        try:
            partial.write_bytes(data)
            partial.replace(whole)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
    except OSError as error:
        raise tilepack.TransferError(f"{out}: cannot be written: {error.strerror}") from error
