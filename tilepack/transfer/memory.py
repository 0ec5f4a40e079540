"""What a target remembers of the imports that only take what changed: ``tilepack.state``.

It lies in the cache's folder, or beside a package as ``NAME.state``, and goes where the target goes: a target that is
made anew remembers nothing, and takes everything. JSON, a member for each job::

    {"tilepack": 1, "target": {"storageFormat": "COMPACT_V2"}, "jobs": {"5c0f...": {"job": "91aa...",
        "storageFormat": "COMPACT_V2", "levels": {"5": {"R0000C0000.bundle": [131156, 171..., 29...]}}}}}

with what each file of the source looked like from outside (bytes, time, and the CRC-32 of its content where that is
known). Sources are named by a digest: a cache's folder may be served to the world, and paths are nobody's business.

In a folder the memory is written with the documents, before the journal ends: whatever kills a run, its bundles are
either in the journal or in the memory. A package is one rename, so its memory is told of it beforehand (``next``), by
the file that will bear the name; nobody merges tiles twice because the power failed between two steps.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from tilepack.cache import StorageFormat
from tilepack.disk.durable import remove, rename, sync_folder
from tilepack.disk.files import explained
from tilepack.disk.journal import PARTIAL, STATE
from tilepack.disk.tree import Stamp
from tilepack.errors import TransferError

_VERSION: Final = 1
_LARGEST: Final = 64 << 20
"""Bytes of a memory: 60 for each bundle of each job."""
_MOST_VALUES: Final = 4 << 20
"""Lists, objects and commas of one: four for each bundle of each job."""


class Seen(NamedTuple):
    """A file as the last run took it."""

    stamp: Stamp
    content: int | None
    """CRC-32 of all its bytes; None where nobody read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMemory:
    """What the last run of one job took."""

    job: str
    """Fingerprint of what was asked for."""
    storage_format: StorageFormat
    """The source's."""
    levels: Mapping[int, Mapping[str, Seen]]
    """By the source's LevelID, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMemory:
    """What a target remembers."""

    storage_format: StorageFormat | None = None
    """The target's."""
    jobs: Mapping[str, JobMemory] = field(default_factory=dict)
    """By what ``job_key`` gives."""

    def with_job(self, key: str, job: JobMemory, storage_format: StorageFormat) -> TargetMemory:
        """Give a memory that knows of a run more."""
        return TargetMemory(storage_format=storage_format, jobs={**self.jobs, key: job})


def job_key(source: str, name: str | None) -> str:
    """Tell a job apart from others into the same target.

    Args:
        source: Where the source is.
        name: Of the job, where several take from one source.
    """
    place = os.path.normcase(os.path.realpath(source))
    return hashlib.sha256(f"{name or ''}\0{place}".encode(errors="surrogateescape")).hexdigest()[:32]


def memory_path(target: Path) -> Path:
    """Tell where a target's memory lies.

    Args:
        target: The folder or package that was opened.
    """
    if target.is_dir():
        return target / STATE
    whole = Path(os.path.realpath(target))
    return whole.with_name(f"{whole.name}.state")


def recall(target: Path) -> TargetMemory:
    """Read what a target remembers; nothing, where there is no memory or a package is not the one that it is of.

    Raises:
        TransferError: The memory cannot be read, or is none of tilepack's.
    """
    path = memory_path(target)
    if not os.path.lexists(path):
        return TargetMemory()
    with explained("read", path):
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise _malformed(path)
        data = path.read_bytes()
    if sum(map(data.count, (b"[", b"{", b","))) > _MOST_VALUES:
        raise _malformed(path)
    try:
        content = json.loads(data)
        for part in (content, content.get("next")):
            if part is not None and _is_of(part["target"], target):
                return _read(part, content["tilepack"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise _malformed(path) from None
    return TargetMemory()


def format_memory(memory: TargetMemory) -> bytes:
    """Give the memory of a folder as a document."""
    return _dump({"tilepack": _VERSION, **_part(memory, {})})


def remember_ahead(target: Path, before: TargetMemory, after: TargetMemory) -> None:
    """Write what a package will remember once the file that grows beside it has taken its place.

    Args:
        target: The package.
        before: What it remembers until then.
        after: What it remembers then.

    Raises:
        TransferError: It cannot be written.
    """
    whole = Path(os.path.realpath(target))
    growing = whole.with_name(whole.name + PARTIAL)
    with explained("look at the new package", growing):
        file = growing.stat().st_ino
    now = _part(before, _outside(target))
    _write(memory_path(target), _dump({"tilepack": _VERSION, **now, "next": _part(after, {"file": file})}))


def remember(target: Path, memory: TargetMemory) -> None:
    """Write what a package remembers.

    Raises:
        TransferError: It cannot be written.
    """
    _write(memory_path(target), _dump({"tilepack": _VERSION, **_part(memory, _outside(target))}))


def _outside(target: Path) -> dict[str, int]:
    """Tell what a package looks like from outside."""
    with explained("look at the target", target):
        status = target.stat()
    return {"size": status.st_size, "time": status.st_mtime_ns}


def _is_of(said: Mapping[str, Any], target: Path) -> bool:
    """Tell whether a target is the one that a memory is of; a folder has it within, and is."""
    if target.is_dir():
        return True
    with explained("look at the target", target):
        status = target.stat()
    if said.get("file") is not None:
        return bool(said["file"] == status.st_ino)
    return (said.get("size"), said.get("time")) == (status.st_size, status.st_mtime_ns)


def _part(memory: TargetMemory, outside: Mapping[str, int]) -> dict[str, Any]:
    jobs = {
        key: {
            "job": job.job,
            "storageFormat": str(job.storage_format),
            "levels": {
                str(level): {name: [*seen.stamp, seen.content] for name, seen in files.items()}
                for level, files in job.levels.items()
            },
        }
        for key, job in memory.jobs.items()
    }
    storage_format = None if memory.storage_format is None else str(memory.storage_format)
    return {"target": {"storageFormat": storage_format, **outside}, "jobs": jobs}


def _read(content: Mapping[str, Any], version: object) -> TargetMemory:
    """Read a memory; whatever is wrong with it raises what the reader catches."""
    if version != _VERSION:
        raise ValueError
    said = content["target"]["storageFormat"]
    return TargetMemory(
        storage_format=None if said is None else StorageFormat(said),
        jobs={key: _read_job(job) for key, job in content["jobs"].items()},
    )


def _read_job(content: Mapping[str, Any]) -> JobMemory:
    levels = {
        int(level): {name: Seen(Stamp(size, mark), crc) for name, (size, mark, crc) in files.items()}
        for level, files in content["levels"].items()
    }
    return JobMemory(job=str(content["job"]), storage_format=StorageFormat(content["storageFormat"]), levels=levels)


def _dump(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + PARTIAL)
    remove(partial)  # what lies there may be a link to elsewhere
    with explained("write", partial), partial.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    rename(partial, path)
    sync_folder(path.parent)


def _malformed(path: Path) -> TransferError:
    return TransferError(
        f"{path}: is no memory of tilepack's; remove it, and the next import takes every bundle as if it were new"
    )
