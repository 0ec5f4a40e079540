"""The bar says what is being done, and no more of it than is."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from tilepack_cli import progress


@pytest.fixture
def shown(monkeypatch):
    """Give a function that tells what a terminal of 90 columns has shown so far, line by line."""
    console = Console(file=io.StringIO(), force_terminal=True, width=90)
    monkeypatch.setattr(progress, "messages", lambda: console)
    monkeypatch.setattr(progress, "_EVERY", 0.0)

    def read() -> list[str]:
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
        return [
            " ".join(line.replace("━", " ").replace("╸", " ").replace("╺", " ").split()) for line in text.split("\r")
        ]

    return read


def test_file_that_is_written_anew_has_a_bar_of_its_own(shown):
    with progress.Moving(quiet=False) as moving:
        moving.expect(10, 1000)
        moving.moved(10, 1000)
        moving._progress.refresh()
        assert shown()[-1].startswith("finishing 100% 1.0 KiB/1.0 KiB")
        for done in range(4):
            moving.writing("state.mbtiles", done, 4)
            moving._progress.refresh()
            assert shown()[-1].startswith(f"writing state.mbtiles {done * 25}%")
            assert " B" not in shown()[-1]
