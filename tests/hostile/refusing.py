"""Refusing a hostile file of web tiles: in one sentence that names it, soon, in little memory, nothing left behind."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import tilepack


def assert_refused(source: Path, words: str, read: Callable[[Path], None], *, seconds: float, mebibytes: int) -> None:
    """Read and convert a file that is alone in its folder.

    Args:
        source: The file.
        words: Part of the sentence.
        read: Reads all of it.
        seconds: Processor time for both: what else the machine does counts not.
        mebibytes: Memory that both may take.
    """
    begun = time.process_time()
    tracemalloc.start()
    try:
        for work in (read, lambda path: tilepack.convert(path, source.with_name("target.tpkx"))):
            with pytest.raises(tilepack.TilepackError) as caught:
                work(source)
            message = str(caught.value)
            assert words in message
            assert message.startswith(str(source))
            assert "\n" not in message
        assert tracemalloc.get_traced_memory()[1] < mebibytes << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < seconds
    assert list(source.parent.iterdir()) == [source]
