"""What a hostile case is, and how most are made: a sound cache with one thing changed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hostile_builders import Files, Member, files_of, make_zip, members_of, write_cache

from tilepack.errors import TilepackError

Make = Callable[[Path], Path]
Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """One broken cache, and the error that it has to end in."""

    name: str
    make: Make
    """Makes it in an empty folder, gives its path."""
    error: type[TilepackError] | tuple[type[TilepackError], ...]
    words: tuple[str, ...]
    """What the message must contain: the place, what was found, the remedy."""


def changed(layout: str, path: str, change: Change) -> Make:
    """Change one file of a sound cache."""

    def make(folder: Path) -> Path:
        files = files_of(layout)
        files[path] = change(files[path])
        return write_cache(folder, layout, files)

    return make


def rewritten(layout: str, rewrite: Callable[[Files], Files | None]) -> Make:
    """Change the files of a sound cache: in place, or by giving others."""

    def make(folder: Path) -> Path:
        files = files_of(layout)
        return write_cache(folder, layout, rewrite(files) or files)

    return make


def placed(layout: str, place: Callable[[Path], object]) -> Make:
    """Do something to the folder of a sound cache."""

    def make(folder: Path) -> Path:
        source = write_cache(folder, layout, files_of(layout))
        place(source)
        return source

    return make


def packed(layout: str, change: Callable[[list[Member]], bytes | None]) -> Make:
    """Change the members of a sound package, or its bytes."""

    def make(folder: Path) -> Path:
        members = members_of(files_of(layout))
        data = change(members)
        place = folder / f"source.{layout}"
        place.write_bytes(make_zip(members) if data is None else data)
        return place

    return make


def member(members: list[Member], ending: str) -> Member:
    """Give the first member whose name ends so."""
    return next(found for found in members if found.name.endswith(ending))
