"""Checking the jobs of a file before one of them begins: what contradicts itself, what is missing, and their order."""

from __future__ import annotations

import graphlib
import heapq
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from tilepack.areas.reading import area_file, is_area_text
from tilepack.cache import StorageFormat
from tilepack.errors import AreaOfInterestError, TilepackError
from tilepack.jobs.keys import AREAS
from tilepack.jobs.reading import Job, Problems
from tilepack.stores.targets import target_kind

_ONE_OF: Final = (
    ("levels", "scales"),
    ("extent", "bbox"),
    ("merge", "overwrite", "replace"),
    ("overwrite", "only-missing"),
)
"""Keys of which one job has at most one."""
_CHOOSING: Final = ("levels", "scales", AREAS, "extent", "bbox")


def put_in_order(jobs: Sequence[Job], problems: Problems) -> list[Job]:
    """Give the jobs as the file has them, each behind those that it needs.

    Names that are there twice, needs that nobody meets and circles are added to the problems.
    """
    by_name: dict[str, Job] = {}
    for job in jobs:
        first = by_name.setdefault(job.name, job)
        if first is not job:
            problems.add(
                job.line_of("name"), f"job {job.name} is there already, in line {first.line}; name it otherwise"
            )
    graph: dict[str, set[str]] = {}
    for job in by_name.values():
        unknown = [name for name in job.needs if name not in by_name]
        for name in unknown:
            problems.add(job.line_of("needs"), f"job {job.name} needs {name[:80]!r}, and there is no job of that name")
        graph[job.name] = set(job.needs) - set(unknown)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = error.args[1][::-1]
        line = by_name[circle[0]].line_of("needs")
        problems.add(line, f"jobs need one another in a circle: {' needs '.join(circle)}; take one need out")
        return list(by_name.values())
    return _sorted(list(by_name.values()), graph)


def _sorted(jobs: list[Job], graph: dict[str, set[str]]) -> list[Job]:
    """Sort so that of those that may go next the first in the file does."""
    place = {job.name: number for number, job in enumerate(jobs)}
    left = {name: len(needs) for name, needs in graph.items()}
    users: dict[str, list[str]] = {}
    for name, needs in graph.items():
        for need in needs:
            users.setdefault(need, []).append(name)
    ready = [place[name] for name, count in left.items() if not count]
    heapq.heapify(ready)
    found: list[Job] = []
    while ready:
        job = jobs[heapq.heappop(ready)]
        found.append(job)
        for user in users.get(job.name, ()):
            left[user] -= 1
            if not left[user]:
                heapq.heappush(ready, place[user])
    return found


def check_sense(job: Job, problems: Problems) -> None:
    """Add what of a job contradicts itself."""
    said = {key for key, value in job.options.items() if value is not False}
    for keys in _ONE_OF:
        given = [key for key in keys if key in said]
        if len(given) > 1:
            problems.add(job.line_of(given[1]), f"job {job.name} has {' and '.join(given)}; choose one of them")
    if "delete-missing" in said and "overwrite" not in said:
        problems.add(job.line_of("delete-missing"), f"job {job.name} has delete-missing, which belongs to overwrite")
    check = _CHECKS.get(job.do)
    if check is not None:
        check(job, said, problems)
    source, target = job.options.get("source"), job.options.get("target")
    if source is not None and target is not None and os.path.realpath(source) == os.path.realpath(target):
        problems.add(job.line_of("target"), f"job {job.name} has one path as source and target; choose another target")


def _check_delete(job: Job, said: Collection[str], problems: Problems) -> None:
    chosen = [key for key in _CHOOSING if key in said]
    if "all" not in said and not chosen:
        problems.add(job.line, f"job {job.name} says nothing of which tiles to delete; say all = true for all")
    if "all" in said and chosen:
        problems.add(job.line_of("all"), f"job {job.name} has all and {chosen[0]}; choose one of them")
    if "pixels" in said and AREAS not in said:
        problems.add(job.line_of("pixels"), f"job {job.name} has pixels, which belongs to areas")
    for key in ("background", "keep-blank", "skip-errors"):
        if key in said and "pixels" not in said:
            problems.add(job.line_of(key), f"job {job.name} has {key}, which belongs to pixels")


def _check_status(job: Job, said: Collection[str], problems: Problems) -> None:
    useless = sorted({*_CHOOSING, "format", "deep"} & set(said))
    if useless and "target" not in said:
        problems.add(
            job.line_of(useless[0]),
            f"job {job.name} has {useless[0]}, but no target: the Status.gdb of the cache itself is of the whole "
            f"cache; name a folder as target, or leave it out",
        )


def _check_new_target(job: Job, said: Collection[str], problems: Problems) -> None:
    if "target" not in said:
        return
    wished = job.options.get("storage-format")
    try:
        target_kind(
            job.options["target"],
            None if wished is None else StorageFormat(wished),
            ready_to_serve="ready-to-serve" in said,
        )
    except TilepackError as error:
        problems.add(job.line_of("storage-format", "target"), str(error))


_CHECKS: Final = {
    "delete": _check_delete,
    "status": _check_status,
    "export": _check_new_target,
    "convert": _check_new_target,
}


def check_files(jobs: Sequence[Job], problems: Problems, *, done: Collection[str] = ()) -> None:
    """Add what jobs need and is not there, nor is made by a job before them.

    Args:
        jobs: Those that are to be run, in order.
        problems: Where to add it.
        done: Names of those that a killed run has done; what they need and make is nobody's concern any more.
    """
    made: set[Path] = set()
    for job in jobs:
        target = job.options.get("target")
        if job.name not in done:
            _check_files_of(job, made, problems)
        if target is not None:
            made.add(Path(os.path.realpath(target)))


def _check_files_of(job: Job, made: Collection[Path], problems: Problems) -> None:
    source, target = job.options.get("source"), job.options.get("target")
    if source is not None and not _is_there(source, made):
        problems.add(job.line_of("source"), f"{source}: there is nothing of that name; check the source's path")
    picture = job.options.get("thumbnail")
    if picture is not None and not _is_there(picture, made):
        problems.add(job.line_of("thumbnail"), f"{picture}: there is no such picture; check its path")
    for line, area in zip(job.area_lines, job.options.get(AREAS, ()), strict=True):
        _, text = area.split()
        if not is_area_text(str(text)) and not _is_area_there(str(text), made):
            problems.add(line, f"{text}: there is no such file for an area; check its path")
    objection = None if target is None else _objection(job, target, made)
    if objection is not None:
        problems.add(job.line_of("target"), f"{target}: {objection}")


def _objection(job: Job, target: Path, made: Collection[Path]) -> str | None:
    """Say what speaks against a target."""
    is_there = _is_there(target, made)
    if job.do in ("import", "delete"):
        return None if is_there else "there is nothing of that name; check the target's path"
    if job.do == "status":
        return None if is_there and not target.is_file() else "there is no such folder for reports; make it first"
    if not _is_there(target.parent, made):
        return "there is no folder for it to stand in; make that first"
    if is_there and not any(job.options.get(key) for key in ("merge", "overwrite", "replace")):
        ways = "replace = true" if job.do == "convert" else "replace, merge or overwrite = true"
        return f"exists already; say {ways}, or choose another target"
    return None


def _is_there(path: Path, made: Collection[Path]) -> bool:
    try:
        return path.exists() or _is_made(path, made)
    except (OSError, ValueError):
        return False


def _is_made(path: Path, made: Collection[Path]) -> bool:
    whole = Path(os.path.realpath(path))
    return any(place in made for place in (whole, *whole.parents))


def _is_area_there(text: str, made: Collection[Path]) -> bool:
    try:
        area_file(text)
    except AreaOfInterestError:
        return _is_there(Path(text), made)
    return True
