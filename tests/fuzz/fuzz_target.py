"""What is fuzzed is a target: something that takes bytes, sound inputs to begin with, and words that mean much."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tilepack.errors import TilepackError

SAMPLES = os.environ.get("TILEPACK_SAMPLES")
"""Folder of real caches, whose documents and tiles are seeds too where there are any."""


class World:
    """What an input may see: a folder of its own, where all may be written, and a neighbour's, out of bounds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.own = root / "own"
        self.neighbour = root / "neighbour"
        self.own.mkdir()
        self.neighbour.mkdir()
        self._used = False

    def fresh(self) -> Path:
        """Give the input's own folder, empty."""
        if self._used:
            shutil.rmtree(self.own)
            self.own.mkdir()
        self._used = True
        return self.own


class Refusals:
    """What several attempts with one input were refused for.

    Sentences alone: an error kept in the frame that raises it would keep all that the frame holds.
    """

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note a refusal."""
        try:
            yield
        except TilepackError as error:
            self.said.append(str(error))

    def raise_first(self) -> None:
        """Refuse the input if any attempt was refused."""
        if self.said:
            raise TilepackError(self.said[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A parser, or all that is done with a small cache one of whose files is the input."""

    name: str
    run: Callable[[bytes, World], object]
    """Gives the bytes to it. Whatever it raises but TilepackError is a find; a refusal is none."""
    seeds: Callable[[], Iterable[bytes]]
    """Sound inputs, the same in every run."""
    share: int = 100
    """How many inputs of a campaign it gets, to those of the others: what is slow gets few."""
    few: int = 60
    """How many it gets in the test suite, which has to be quick."""
    words: tuple[bytes, ...] = ()
    """What to put in now and then: names, signatures."""
    longest: int = 4096
    """Bytes of an input at most; longer seeds are left out."""

    def corpus(self) -> list[bytes]:
        """Give the seeds that are short enough, each once, in a fixed order."""
        return [seed for seed in dict.fromkeys(self.seeds()) if len(seed) <= self.longest]


def sample_files(*patterns: str, most: int = 12) -> Iterable[bytes]:
    """Give some files of the real caches, where there are any: patterns as of ``Path.rglob``."""
    if SAMPLES:
        for pattern in patterns:
            for place in sorted(path for path in Path(SAMPLES).rglob(pattern) if path.is_file())[:most]:
                yield place.read_bytes()


def fixture_files(*patterns: str, most: int = 12) -> Iterable[bytes]:
    """Give some files of the fixtures, likewise."""
    for pattern in patterns:
        for place in sorted(Path(__file__).parents[2].joinpath("fixtures").rglob(pattern))[:most]:
            yield place.read_bytes()
