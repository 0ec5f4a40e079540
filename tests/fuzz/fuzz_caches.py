"""Targets: whole caches, of which one file is the input; and all that is done with caches.

The first three bytes of an input choose the layout, the file in it, and the work; the others are the file's bytes (of
bundles, what ``fuzz_bundles`` takes for them), or a new name of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import fuzz_bundles
import hostile_builders as small
from caches import read_thoroughly
from fuzz_target import Refusals, Target, World
from hostile_mutations import WORDS

import tilepack

_RENAMED = 128
"""Added to the second byte: what follows is a name."""
_BOX = "SRID=3857;POLYGON ((-2e7 -2e7, 1e7 1e7, 2e7 -2e7, -2e7 -2e7))"
Files = dict[str, bytes]


@cache
def _sound(layout: str) -> Files:
    return small.files_of(layout)


def make(data: bytes, folder: Path) -> Path:
    """Make the cache that an input stands for."""
    layout = small.LAYOUTS[data[0] % len(small.LAYOUTS)]
    files = dict(_sound(layout))
    names = sorted(files)
    name = names[data[1] % _RENAMED % len(names)]
    content = data[3:]
    if data[1] >= _RENAMED:
        files = _with_name(files, name, content, is_package=small.is_package(layout))
    elif name.endswith(".bundle") and f"{name[:-1]}x" in files:
        files[name], files[f"{name[:-1]}x"] = fuzz_bundles.v1_bundle(content)
    elif name.endswith(".bundle"):
        files[name] = fuzz_bundles.v2_bundle(content)
    else:
        files[name] = content
    return small.write_cache(folder, layout, files)


def _with_name(files: Files, name: str, new: bytes, *, is_package: bool) -> Files:
    """Give a file another name: any in a package, of a folder another last one."""
    text = new[:80].decode("utf-8", "replace")
    if is_package:
        return {text if path == name else path: data for path, data in files.items()}
    last = text.replace("/", "_").replace("\0", "_").strip()
    if last in ("", ".", ".."):
        del files[name]
        return files
    folder = name.rpartition("/")[0]
    files[f"{folder}/{last}" if folder else last] = files.pop(name)
    return files


def run(data: bytes, world: World) -> None:
    """Open, look, check, and do one work with a cache; see that nothing else in its folder was touched."""
    if len(data) < 3:
        return
    folder = world.fresh()
    inner = folder / "cache"
    inner.mkdir()
    try:
        source = make(data, inner)
    except OSError:
        return  # two names fell on one another, or one that this system does not take
    (folder / "beside").mkdir()
    (folder / "beside/conf.xml").write_bytes(b"not for them")
    before = _listing(folder)
    work = WORKS[data[2] % len(WORKS)]
    reading = Refusals()
    with reading.noted():
        read_thoroughly(source)
    found = tilepack.verify(source, deep=True, jobs=1)
    assert found.errors or not reading.said, f"verify finds nothing where reading says: {reading.said[0]}"
    assert _listing(folder) == before, "looking at a cache changed it"
    try:
        work(source, folder / "target")
    finally:
        _check_place(work, folder, source, before)


def _check_place(work: Callable[..., object], folder: Path, source: Path, before: dict[str, bytes | None]) -> None:
    """See that a work touched nothing but the target, or the cache itself where it is done in place."""
    after = _listing(folder)
    mine = [str((folder / "target").relative_to(folder))]
    if work in IN_PLACE:
        mine.append(str(source.relative_to(folder)))

    def others(listing: dict[str, bytes | None]) -> dict[str, bytes | None]:
        return {name: data for name, data in listing.items() if not any(name.startswith(own) for own in mine)}

    assert others(after) == others(before), "something beside the target was touched"


def _listing(folder: Path) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for parent, folders, names in os.walk(folder):
        place = Path(parent).relative_to(folder)
        found |= {str(place / name): None for name in folders}
        found |= {str(place / name): Path(parent, name).read_bytes() for name in names}
    return found


# Works


def convert_to_v1(source: Path, target: Path) -> None:
    _convert(source, target, "compact")


def convert_to_package(source: Path, target: Path) -> None:
    _convert(source, target.with_suffix(".tpkx"))


def convert_to_old_package(source: Path, target: Path) -> None:
    _convert(source, target.with_suffix(".tpk"))


def explode(source: Path, target: Path) -> None:
    _convert(source, target, "exploded")


def _convert(source: Path, target: Path, storage_format: str | None = None) -> None:
    tilepack.convert(source, target, storage_format=storage_format, jobs=1)
    assert tilepack.diff(source, target, jobs=1).has_same_tiles, "the copy has other tiles"


def export(source: Path, target: Path) -> None:
    tilepack.export_cache(source, target, area=_BOX, jobs=1)
    read_thoroughly(target)


def repair_into_new(source: Path, target: Path) -> None:
    target = target.with_suffix(source.suffix)
    result = tilepack.repair(source, target, jobs=1)
    if target.exists():  # not of a cache that nothing can be had of
        read_thoroughly(target)
        wrong = {finding.code for finding in tilepack.verify(target, jobs=1).errors}
        assert wrong <= result.plan.left_counts.keys(), "more is wrong in what was repaired than is said to be left"


def repair_in_place(source: Path, target: Path) -> None:
    tilepack.repair(source, jobs=1)


def compact(source: Path, target: Path) -> None:
    tilepack.compact(source, jobs=1)


def delete(source: Path, target: Path) -> None:
    tilepack.delete_tiles(source, area=_BOX, jobs=1)


def delete_all(source: Path, target: Path) -> None:
    tilepack.delete_cache(source)


def import_from(source: Path, target: Path) -> None:
    inner = target / "sound"
    inner.mkdir(parents=True)
    tilepack.import_cache(source, small.write_folder(inner, _sound("v2")), area=_BOX, jobs=1)
    read_thoroughly(inner)


def import_into(source: Path, target: Path) -> None:
    target.mkdir()
    tilepack.import_cache(small.write_folder(target, _sound("v2")), source, jobs=1)


def draw(source: Path, target: Path) -> None:
    tilepack.preview(source, width=64, grid=True)


def count(source: Path, target: Path) -> None:
    tilepack.status_of(source)


def compare(source: Path, target: Path) -> None:
    target.mkdir()
    tilepack.diff(source, small.write_folder(target, _sound("v1")), pixels=True, jobs=1)


def take_as_template(source: Path, target: Path) -> None:
    tilepack.create_cache(target, scheme=source)


WORKS: tuple[Callable[[Path, Path], None], ...] = (
    convert_to_v1,
    convert_to_package,
    convert_to_old_package,
    explode,
    export,
    repair_into_new,
    repair_in_place,
    compact,
    delete,
    delete_all,
    import_from,
    import_into,
    draw,
    count,
    compare,
    take_as_template,
)
IN_PLACE = (repair_in_place, compact, delete, delete_all, import_into)


def input_for(layout: str, name: str, work: Callable[[Path, Path], None], content: bytes) -> bytes:
    """Give the input that puts a content in the place of a layout's file."""
    place = sorted(_sound(layout)).index(name)
    return bytes([small.LAYOUTS.index(layout), place, WORKS.index(work)]) + content


def seeds() -> Iterator[bytes]:
    number = 0
    for place, layout in enumerate(small.LAYOUTS):
        files = _sound(layout)
        for at, name in enumerate(sorted(files)):
            content = files[name]
            if name.endswith(".bundlx"):
                continue
            if name.endswith(".bundle"):
                index = files.get(f"{name[:-1]}x")
                v1 = index is not None
                content = fuzz_bundles.v1_essence(content, index) if v1 else fuzz_bundles.v2_essence(content)
            number += 1
            yield bytes([place, at, number % len(WORKS)]) + content
            yield bytes([place, at + _RENAMED, number * 7 % len(WORKS)]) + name.rpartition("/")[2].encode()


TARGETS = (
    Target(
        name="whole cache",
        run=run,
        seeds=seeds,
        words=(
            *WORDS,
            *fuzz_bundles.NUMBERS,
            b"../neighbour",
            b"../beside",
            b".partial",
            b"tilepack.journal",
            b"CON",
            b". ",
        ),
        share=15,
        few=25,
        longest=4096,
    ),
)
