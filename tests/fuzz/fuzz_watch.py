"""What every input is held to: an error of tilepack's own or none, soon, in little memory, nothing touched elsewhere.

An audit hook hears of every file that Python opens, names or removes, and of every connection and process. It stays
for the life of the process, as audit hooks do, and listens only while an input runs.
"""

# Paths are texts here: thousands are heard of.
# ruff: noqa: PTH100, PTH115, PTH117, PTH118, PTH123, PTH208

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fuzz_target import Target, World

from tilepack.errors import TilepackError

SECONDS = 2.0
"""Of processor time: what else the machine does counts not."""
MEBIBYTES = 500
LONGEST_LINE = 2000
MOST_LINES = 30

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
_FORBIDDEN += ("os.fork", "urllib.Request", "ftplib.connect")
_CHANGING = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "sqlite3.connect": ((0, None),),
}
"""Events that change a file: where among their arguments its path stands, and the folder that it starts from."""
_LOOKING = ("os.listdir", "os.scandir")
_DEVICES = ("/dev/null", "/dev/urandom")


class Breach(AssertionError):  # noqa: N818  neither an error of the input nor of tilepack's tree
    """An input was not refused as it should have been."""


class _Listener:
    """Hears what is done to files while it has a world."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.breaches: list[str] = []
        self._installed = False

    def begin(self, world: World) -> None:
        """Listen."""
        if not self._installed:
            sys.addaudithook(self._hear)
            self._installed = True
        self.breaches = []
        self.world = world

    def end(self) -> list[str]:
        """Stop, and tell what was heard."""
        self.world = None
        return self.breaches

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        world = self.world
        if world is None:
            return
        if event == "open":
            path, _, flags = given
            if isinstance(path, str | bytes | os.PathLike):
                self._judge(world, event, _whole(path, None, world), writes=bool((flags or 0) & _WRITING))
        elif event in _CHANGING:
            for at, folder in _CHANGING[event]:
                start = given[folder] if folder is not None and folder < len(given) else None
                if isinstance(given[at], str | bytes | os.PathLike):
                    self._judge(world, event, _whole(given[at], start, world), writes=True)
        elif event in _LOOKING:
            if isinstance(given[0], str | bytes | os.PathLike):
                self._judge(world, event, _whole(given[0], None, world), writes=False)
        elif event in _FORBIDDEN:
            self.breaches.append(f"{event} {given[:2]!r}"[:300])

    def _judge(self, world: World, event: str, place: str, *, writes: bool) -> None:
        if _is_below(place, world.own) or place in _DEVICES:
            return
        if writes or _is_below(place, world.neighbour):
            self.breaches.append(f"{event} of {place}"[:300])


def _whole(path: str | bytes | os.PathLike[Any], start: object, world: World) -> str:
    """Give a path in full, links followed as far as the folder that holds what is meant.

    Python tells of opening a file in an open folder, but not of which: it is taken for one of the world's own, whose
    files no name without a folder leaves.
    """
    text = os.fsdecode(os.fspath(path))
    if not os.path.isabs(text):
        begin = str(world.own)
        if isinstance(start, int) and start >= 0:
            with suppress(OSError):  # no Linux
                begin = os.readlink(f"/proc/self/fd/{start}")
        text = os.path.join(begin, text)
    folder, name = os.path.split(os.path.abspath(text))
    return os.path.join(os.path.realpath(folder), name)


def _is_below(place: str, folder: Path) -> bool:
    return place == str(folder) or place.startswith(f"{folder}{os.sep}")


_LISTENER = _Listener()


@contextmanager
def watched(world: World) -> Iterator[None]:
    """Hold what is done inside to the rules.

    Raises:
        Breach: A rule was broken; or what was raised is neither TilepackError, which is passed over, nor said in a
            sentence.
    """
    begun = time.process_time()
    _LISTENER.begin(world)
    try:
        yield
    except TilepackError as error:
        _check_sentence(error)
    finally:
        heard = _LISTENER.end()
    took = time.process_time() - begun
    if heard:
        raise Breach(f"touched what is out of bounds: {'; '.join(heard[:5])}")
    if took > SECONDS:
        raise Breach(f"took {took:.1f} s of processor time")
    if left := _open_files(world):
        raise Breach(f"left open: {', '.join(sorted(left)[:5])}")


def _open_files(world: World) -> set[str]:
    """Name the files of the world that are open, where the system lists them (Linux)."""
    found = set()
    with suppress(OSError):
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # that of the list itself
                found.add(os.readlink(f"/proc/self/fd/{number}"))
    return {place for place in found if _is_below(place, world.root)}


def _check_sentence(error: TilepackError) -> None:
    message = str(error)
    lines = message.split("\n")  # names of files may hold such, and an error of many tiles lists the first of them
    if not message or len(lines) > MOST_LINES or max(map(len, lines)) > LONGEST_LINE:
        raise Breach(f"an error is said in a sentence: not as {message[:200]!r} ({len(message)} letters)") from error
    try:
        message.encode(errors="surrogateescape")  # names of files may hold such, and only those
    except UnicodeEncodeError:
        raise Breach(f"an error that cannot be printed: {message[:200]!a}") from error


def run_watched(target: Target, data: bytes, world: World) -> None:
    """Give an input to a target.

    Raises:
        Exception: Whatever is a find.
    """
    with watched(world):
        target.run(data, world)


def limit_memory(mebibytes: int = MEBIBYTES) -> None:
    """Let the process have that much more address space than it has now, where the system can (Linux).

    Whatever asks for more meets MemoryError, which is no TilepackError.
    """
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError):
        return
    resource.setrlimit(resource.RLIMIT_AS, (now + (mebibytes << 20), resource.RLIM_INFINITY))
