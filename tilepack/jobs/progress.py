"""What a run of a file of jobs has done so far, so that a killed one is taken up; and who is running it.

``NAME.progress`` holds a JSON object a line, one for each job that is done: its name, and a digest of what it says and
of what its source looked like. It goes when a run comes to its end, well or not: only a run that was stopped leaves it.
``NAME.progress.lock`` keeps a second scheduler out. Both lie beside the file of jobs, or beside the log where that
folder cannot be written to.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tilepack.areas.reading import area_file, is_area_text
from tilepack.disk.durable import remove
from tilepack.disk.files import explained
from tilepack.disk.locking import WriterLock
from tilepack.errors import AreaOfInterestError, TilepackError, TransferError, UnsupportedError
from tilepack.jobs.keys import AREAS
from tilepack.jobs.reading import Job
from tilepack.stores.open import open_cache
from tilepack.stores.sightings import sight

_LARGEST: Final = 1 << 20
"""Bytes of such a file: a thousand jobs take a tenth of that."""


class Progress:
    """The right to run a file of jobs, and what of it is done."""

    def __init__(self, path: Path, log: Path | None) -> None:
        """Take the file, and read what a run that was stopped had done.

        Args:
            path: The file of jobs.
            log: The log, whose folder will do where that of the file cannot be written to.

        Raises:
            TransferError: The file is being run by somebody else, there is nowhere to write, or something of others
                stands there.
        """
        self._path = _home(path, log) / f"{path.name}.progress"
        self._lock = WriterLock(self._path.with_name(f"{self._path.name}.lock"), self._path)
        try:
            self._done = self._read()
        except BaseException:
            self._lock.release()
            raise

    def _read(self) -> dict[str, str]:
        done: dict[str, str] = {}
        with explained("read", self._path):
            if not os.path.lexists(self._path):
                return done
            if self._path.is_symlink() or not self._path.is_file() or self._path.stat().st_size > _LARGEST:
                raise TransferError(f"{self._path}: is none of tilepack's, which notes here what is done; remove it")
            lines = self._path.read_bytes().splitlines()
        for line in lines:
            # What cannot be read says nothing: the job is done once more.
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                said = json.loads(line)
                done[str(said["job"])] = str(said["digest"])
        return done

    def is_done(self, job: Job) -> bool:
        """Tell whether a run that was stopped has done a job, and its source and target are as they were."""
        if job.name not in self._done:
            return False
        target = job.options.get("target")
        there = target is None or os.path.lexists(target)
        return there and self._done[job.name] == digest(job)

    def add(self, job: Job, digest: str) -> None:
        """Note that a job is done.

        Args:
            job: The job.
            digest: Of it, taken before it was done.

        Raises:
            TransferError: That cannot be written.
        """
        text = json.dumps({"job": job.name, "digest": digest}) + "\n"
        with explained("write", self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def end(self) -> None:
        """Forget it: the run came to its end."""
        remove(self._path)

    def release(self) -> None:
        """Let others run the file."""
        self._lock.release()


def digest(job: Job) -> str:
    """Sum up what a job says, and what its source, its areas and its picture look like."""
    said = sorted((key, repr(value)) for key, value in job.options.items())
    source = job.options.get("source")
    looks = None if source is None else _looks(Path(source))
    seen = [_seen(path) for path in _files(job)]
    return hashlib.sha256(repr((job.do, said, looks, seen)).encode(errors="surrogateescape")).hexdigest()


def _files(job: Job) -> Iterator[Path]:
    """Yield the files that a job reads beside its source."""
    for area in job.options.get(AREAS, ()):
        _, text = area.split()
        if not is_area_text(str(text)):
            with contextlib.suppress(AreaOfInterestError):  # it went meanwhile: so the job says, if it is done
                file = area_file(str(text))
                yield from sorted(file.iterdir()) if file.is_dir() else [file]
    if "thumbnail" in job.options:
        yield job.options["thumbnail"]


def _seen(path: Path) -> tuple[int, int] | None:
    """Tell what a file looks like from outside."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _looks(source: Path) -> str:
    """Sum up what a source looks like from outside; of what cannot be opened, that."""
    try:
        with open_cache(source) as reader:
            seen = [(level, sorted(sight(reader, level).items())) for level in reader.levels()]
    except UnsupportedError:
        return str(_seen(source))
    except (TilepackError, OSError) as error:
        return str(error)
    return hashlib.sha256(repr(seen).encode(errors="surrogateescape")).hexdigest()


def _home(path: Path, log: Path | None) -> Path:
    """Give the folder to write into."""
    folders = [path.absolute().parent, *([] if log is None else [log.absolute().parent])]
    for folder in folders:
        if os.access(folder, os.W_OK):
            return folder
    raise TransferError(
        f"{folders[0]}: nothing can be written beside {path.name}, and a run has to note what it did; name a log in a "
        f"folder that can be written to (--log), or copy the file elsewhere"
    )
