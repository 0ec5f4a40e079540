"""What of a source is not as the last run of the same job took it.

Bundles are looked at from outside: names, sizes, times. Only where a size is the same and a time is not, the content
decides. What is asked for is part of the job: another area, other levels or options make it another job, and all of it
is done.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tilepack.errors import TilingSchemeError
from tilepack.keys import BundleKey
from tilepack.stores.base import TileReader
from tilepack.stores.sightings import Sightings, bundle_seen, content_of, count_bundles, names_of, sight
from tilepack.transfer.memory import JobMemory, Seen, TargetMemory, job_key
from tilepack.transfer.request import TransferRequest, UpdateOptions

_TICK: Final = 20_000_000
"""Nanoseconds that file systems may leave between two times that they tell apart; those that take longer (FAT, two
seconds) are no home for caches that are written while they are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What of a source is not as the last run took it."""

    key: str
    """Tells the job apart from others into the same target."""
    job: str
    """Fingerprint of what is asked for."""
    now: Mapping[int, Sightings]
    """What the levels look like from outside, before a bundle was opened."""
    known: Mapping[int, Mapping[str, int]]
    """CRC-32 of the content of files that are as they were."""
    changed: frozenset[BundleKey] | None
    """Bundles that differ, those that are no more among them; None for all."""
    as_before: int
    """Number of bundles that do not."""
    from_outside: bool = False
    """Whether no bundle was opened to tell: all look as they did."""

    def takes(self, bundle: BundleKey) -> bool:
        """Tell whether there may be something to do about a bundle."""
        return self.changed is None or bundle in self.changed

    def version(self, reader: TileReader, bundle: BundleKey) -> str:
        """Tell apart the states of a bundle of the source, for the journal."""
        seen = self.now.get(bundle.level, {})
        stamps = [seen[name] for name in names_of(reader, bundle) if name in seen]
        return " ".join(f"{stamp.size}.{stamp.mark}" for stamp in stamps)


def job_of(reader: TileReader, target: TileReader, request: TransferRequest) -> str:
    """Sum up what is asked for, but for what the source's bundles hold."""
    update = replace(request.update or UpdateOptions(), force=False)
    wish = (
        os.path.realpath(reader.place),
        reader.info.scheme,
        reader.info.tile_format,
        target.info.scheme,
        target.info.tile_format,
        request.levels,
        update,
        *request.bounds,
        request.pixels,
        request.description,
        hashlib.sha256(request.thumbnail or b"").hexdigest(),
    )
    return hashlib.sha256(repr(wish).encode(errors="surrogateescape")).hexdigest()


def look(reader: TileReader, request: TransferRequest) -> dict[int, Sightings]:
    """Look from outside at the bundles of each level that may be asked for.

    Raises:
        TilingSchemeError: A level that was named does not exist.
        UnsupportedError: The source has no files to look at.
        TransferError: A folder cannot be listed.
    """
    levels: Iterable[int]
    try:
        levels, _ = request.levels.choose(reader.info.scheme, reader.levels())
    except TilingSchemeError as error:
        raise TilingSchemeError(f"{reader.place}: {error}") from error
    return {level: sight(reader, level) for level in levels}


def is_as_before(now: Mapping[int, Sightings], then: JobMemory) -> bool:
    """Tell whether all looks as it did."""
    if now.keys() != then.levels.keys():
        return False
    return all(seen == {name: was.stamp for name, was in then.levels[level].items()} for level, seen in now.items())


def find_changes(
    reader: TileReader, target: TileReader, request: TransferRequest, memory: TargetMemory, name: str | None
) -> Changes:
    """Find what of a source differs.

    Args:
        reader: The source.
        target: The target, open for reading.
        request: What is asked for.
        memory: What the target remembers.
        name: Of the job, where several take from one source.

    Raises:
        TilepackError: The source cannot be looked at, or a bundle of which only the time differs not be read.
    """
    key, job = job_key(reader.place, name), job_of(reader, target, request)
    now = _look_at_rest(reader, request)
    then = memory.jobs.get(key)
    total = sum(map(count_bundles, now.values()))
    if then is None or then.job != job or then.storage_format is not reader.info.storage_format:
        return Changes(key=key, job=job, now=now, known={}, changed=None, as_before=0)
    changed: set[BundleKey | None] = set()
    known: dict[int, dict[str, int]] = {}
    for level in now.keys() | then.levels.keys():
        seen, before = now.get(level, {}), then.levels.get(level, {})
        changed |= {bundle_seen(level, gone) for gone in before.keys() - seen.keys()}
        for file, stamp in seen.items():
            was = before.get(file)
            same = was is not None and was.stamp == stamp
            if was is not None and not same and was.stamp.size == stamp.size and was.content is not None:
                same = content_of(reader, level, file) == was.content
            if was is None or not same:
                changed.add(bundle_seen(level, file))
            elif was.content is not None:
                known.setdefault(level, {})[file] = was.content
    bundles = frozenset(bundle for bundle in changed if bundle is not None)
    there = {bundle for bundle in bundles if _is_there(reader, bundle, now)}
    return Changes(key=key, job=job, now=now, known=known, changed=bundles, as_before=total - len(there))


def _is_there(reader: TileReader, bundle: BundleKey, now: Mapping[int, Sightings]) -> bool:
    return any(name in now.get(bundle.level, {}) for name in names_of(reader, bundle))


def _look_at_rest(reader: TileReader, request: TransferRequest) -> dict[int, Sightings]:
    """Look at bundles that nobody changed within the last tick of a clock: who changes one later gives it another time.

    Clocks of file servers may be ahead; nobody waits longer than two ticks.
    """
    now = look(reader, request)
    is_package = Path(reader.place).is_file()
    newest = max((stamp.mark for seen in now.values() for stamp in seen.values()), default=0)
    if is_package or time.time_ns() - newest > _TICK:
        return now
    time.sleep(2 * _TICK / 1e9)
    return look(reader, request)


class Notes:
    """Notes for the next run what a run takes. Shared by all threads."""

    def __init__(self, reader: TileReader, changes: Changes) -> None:
        """Begin with what is as it was.

        Args:
            reader: The source.
            changes: What of it differs.
        """
        self._reader = reader
        self._changes = changes
        self._contents = {level: dict(files) for level, files in changes.known.items()}
        self._lock = threading.Lock()

    def read(self, bundle: BundleKey) -> None:
        """Note the content of a bundle that is about to be taken.

        Raises:
            BundleError: A member of a package is damaged.
            TransferError: It cannot be read.
        """
        for name in names_of(self._reader, bundle):
            content = content_of(self._reader, bundle.level, name)
            if content is not None:
                with self._lock:
                    self._contents.setdefault(bundle.level, {})[name] = content

    def job(self) -> JobMemory:
        """Give what is to be remembered.

        Of files that were changed while they were taken no content is: they count as changed next time, whatever is in
        them.
        """
        changes = self._changes
        levels: dict[int, dict[str, Seen]] = {}
        for level, seen in changes.now.items():
            contents = self._contents.get(level, {})
            later = sight(self._reader, level) if contents else {}
            levels[level] = {
                name: Seen(stamp, contents.get(name) if later.get(name) == stamp else None)
                for name, stamp in seen.items()
            }
        return JobMemory(job=changes.job, storage_format=self._reader.info.storage_format, levels=levels)
