"""What is checked of every tile, whatever holds it: its first bytes always, its pixels when asked to.

The first 40 bytes tell what a tile is, of PNG and WebP its size as well; most tiles of a cache share them, so that each
judgement is made once. Decoding is left to a pool of threads, a few tiles at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple, Self

import numpy as np

from tilepack.cache import CacheInfo
from tilepack.errors import TileError, UnsupportedError
from tilepack.formats import mvt
from tilepack.formats.sniff import TileKind, is_beheaded_png, sniff
from tilepack.inspect.findings import Collector
from tilepack.keys import TileKey
from tilepack.pixels.codec import admits, decode

HEAD: Final = 40
"""Bytes of a tile that are looked at without decoding it."""

_REMEMBERED: Final = 1_024
"""Judgements kept; a hostile cache has another head in every tile."""

_SMALL: Final = 1_024
"""Bytes up to which equal tiles are decoded once: half of a cache may be one blank tile."""

_MOST_PENDING: Final = 32
"""Tiles that wait for being decoded, however many threads there are: memory stays flat."""

_IEND: Final = b"IEND\xae\x42\x60\x82"
_START_OF_SCAN: Final = b"\xff\xda"
_END_OF_IMAGE: Final = b"\xff\xd9"


class Fault(NamedTuple):
    """A rule that a tile breaks, and how."""

    code: str
    message: str


class Verdict(NamedTuple):
    """What a tile's first bytes say."""

    suffix: str | None
    """File name extension of its kind, None where it is nobody's."""
    faults: tuple[Fault, ...]
    is_decodable: bool
    """Whether there is a point in decoding it."""


class Look(NamedTuple):
    """What a tile's pixels say."""

    faults: tuple[Fault, ...]
    is_blank: bool = False
    is_uniform: bool = False


class TileChecks:
    """Checks tiles, and adds to the findings what is wrong with them; used by one thread."""

    def __init__(self, found: Collector, info: CacheInfo, *, deep: bool, jobs: int) -> None:
        """Get ready.

        Args:
            found: Takes the findings.
            info: What the cache says its tiles are.
            deep: Decode tiles.
            jobs: Threads to decode with.
        """
        self.deep = deep
        self._found = found
        self._format = info.admitted
        self._size = (info.scheme.tile_width, info.scheme.tile_height)
        self._verdicts: dict[bytes, Verdict] = {}
        self._looks: dict[bytes, Look] = {}
        self._most_pending = min(3 * jobs, _MOST_PENDING)
        self._pool = ThreadPoolExecutor(jobs, "tilepack-verify") if deep else None
        self._pending: deque[tuple[TileKey, str, bytes, Future[Look]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def check_head(self, tile: TileKey, path: str, head: bytes) -> Verdict:
        """Check the first bytes of a tile, at most 40, and count the tile.

        Args:
            tile: The tile.
            path: The file that holds it.
            head: Its first bytes, fewer only where it has no more.
        """
        self._found.tiles += 1
        verdict = self._verdict(head)
        for fault in verdict.faults:
            self._found.add(fault.code, place_of(tile, path), fault.message)
        return verdict

    def is_sound(self, tile: TileKey, path: str, head: bytes) -> bool:
        """Tell whether nothing is wrong with a tile's first bytes, and count it then."""
        if self._verdict(head).faults:
            return False
        self.check_head(tile, path, head)
        return True

    def _verdict(self, head: bytes) -> Verdict:
        """Judge first bytes, each only once."""
        verdict = self._verdicts.get(head)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[head] = self._judge(head)
        return verdict

    def _judge(self, head: bytes) -> Verdict:
        kind = sniff(head)
        if kind is None:
            if is_beheaded_png(head):
                message = "a PNG whose first four bytes are overwritten by its length"
                return Verdict(".png", (Fault("tile-beheaded-png", message),), is_decodable=False)
            message = f"begins with {head[:8].hex(' ')}, which is neither PNG, JPEG nor any other tile"
            return Verdict(None, (Fault("tile-unknown", message),), is_decodable=False)
        faults = (*self._faults_of_kind(kind), *self._faults_of_size(kind))
        return Verdict(kind.suffix, faults, kind.is_image or kind.name == "PBF")

    def _faults_of_kind(self, kind: TileKind) -> Iterator[Fault]:
        if not admits(self._format, kind):
            as_declared = kind.is_image == self._format.is_image
            code = "tile-format" if as_declared else "tile-no-image"
            yield Fault(code, f"is {kind.name}; the cache's tile format is {self._format}")

    def _faults_of_size(self, kind: TileKind) -> Iterator[Fault]:
        size = (kind.width, kind.height)
        if kind.is_image and kind.width and kind.height and size != self._size:
            wanted = f"{self._size[0]} x {self._size[1]}"
            yield Fault("tile-size", f"has {kind.width} x {kind.height} pixels; tiles of the scheme have {wanted}")

    def check_pixels(self, tile: TileKey, path: str, data: bytes) -> None:
        """Decode a tile that ``check_head`` found decodable; findings come in the order of these calls."""
        if self._pool is None:
            return
        known = self._looks.get(data) if len(data) <= _SMALL else None
        if known is None:
            self._pending.append((tile, path, data, self._pool.submit(self._look, data)))
        else:
            done: Future[Look] = Future()
            done.set_result(known)
            self._pending.append((tile, path, data, done))
        while len(self._pending) > self._most_pending:
            self._take()

    def finish(self) -> None:
        """Wait for the tiles that are still being decoded."""
        while self._pending:
            self._take()

    def _take(self) -> None:
        tile, path, data, coming = self._pending.popleft()
        look = coming.result()
        if len(data) <= _SMALL:
            if len(self._looks) >= _REMEMBERED:
                self._looks.clear()
            self._looks[data] = look
        self._found.decoded += 1
        self._found.blank += look.is_blank
        self._found.uniform += look.is_uniform
        for fault in look.faults:
            self._found.add(fault.code, place_of(tile, path), fault.message)

    def _look(self, data: bytes) -> Look:
        """Decode a tile by what it is itself; one of the wrong size is still read to its end."""
        kind = sniff(data)
        if kind is None:
            return Look(())
        if kind.name == "PBF":
            fault = mvt.fault_of(data)
            return Look(() if fault is None else (Fault("tile-undecodable", fault),))
        # The sizes that a head tells were looked at there.
        told = sniff(data[:HEAD])
        faults = [] if told is not None and told.width else list(self._faults_of_size(kind))
        is_whole = _ends(kind, data)
        size = (kind.width, kind.height) if kind.width and kind.height else self._size
        try:
            decoded = decode(data, width=size[0] or 0, height=size[1] or 0)
        except (TileError, UnsupportedError) as error:
            reason = str(error).split(": ")[0]
            return Look((*faults, Fault("tile-undecodable" if is_whole else "tile-truncated", reason)))
        if not is_whole:
            faults.append(Fault("tile-truncated", f"the {kind.name} decodes, but its end is missing"))
        pixels = decoded.pixels
        is_blank = not pixels[..., 3].any()
        whole = pixels.reshape(-1, 4).view(np.uint32)
        return Look(tuple(faults), is_blank, not is_blank and bool((whole == whole[0]).all()))


def _ends(kind: TileKind, data: bytes) -> bool:
    """Tell whether an image's end is there; what follows it does not matter."""
    if kind.is_png:
        return _IEND in data
    if kind.name == "JPEG":
        # Within a scan FF is followed by 00 or a restart: neither marker can be part of one.
        return data.find(_END_OF_IMAGE, data.rfind(_START_OF_SCAN)) >= 0
    if kind.name == "WEBP":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return True


def place_of(tile: TileKey, path: str) -> str:
    """Give a tile's place: its name, and the file that holds it."""
    return f"tile {tile} in {path}"
