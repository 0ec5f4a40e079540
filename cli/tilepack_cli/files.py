"""Files that commands write beside caches: a tile, a picture."""

from __future__ import annotations

from pathlib import Path

import tilepack


def check_free(out: Path, source: Path, *, replace: bool) -> None:
    """Make sure, before the work, that a file may be written.

    Args:
        out: The file.
        source: What it is made from, which it must not be.
        replace: Whether it may exist.

    Raises:
        CacheExistsError: It exists and is not to be replaced.
        TransferError: It is the source.
    """
    if not out.exists():
        return
    if not replace:
        raise tilepack.CacheExistsError(f"{out}: exists already; choose another name, or give --replace")
    if out.samefile(source):
        raise tilepack.TransferError(f"{out}: is the source itself; choose another file")


def write_file(out: Path, data: bytes, source: Path, *, replace: bool) -> None:
    """Write a file.

    Args:
        out: The file.
        data: What is to be in it.
        source: What it is made from, which it must not be.
        replace: Whether it may exist.

    Raises:
        CacheExistsError: It exists and is not to be replaced.
        TransferError: It is the source, or cannot be written.
    """
    if replace:
        check_free(out, source, replace=True)
    try:
        with out.open("wb" if replace else "xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise tilepack.CacheExistsError(f"{out}: exists already; choose another name, or give --replace") from error
    except OSError as error:
        raise tilepack.TransferError(f"{out}: cannot be written: {error.strerror}") from error
