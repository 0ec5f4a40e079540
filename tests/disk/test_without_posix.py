"""What Windows lacks is never missed: with those functions gone, all layouts are written to the same bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONVERT = """
import os, sys
if sys.argv[1] == "lacking":
    for name in ("pread", "pwrite", "preadv", "posix_fallocate", "sync", "O_NONBLOCK"):
        delattr(os, name)
    os.supports_dir_fd.clear()
import tilepack
from tilepack.disk import files
assert files._POSITIONED is (sys.argv[1] != "lacking")
source, folder = sys.argv[2:]
for name, storage_format in (("a.tpk", None), ("a.tpkx", None), ("v1", "compact"), ("v2", None), ("ex", "exploded")):
    tilepack.convert(source, f"{folder}/{name}", storage_format=storage_format)
    tilepack.convert(f"{folder}/{name}", f"{folder}/{name}_back.tpkx")
with tilepack.open(f"{folder}/v2") as cache:
    assert tilepack.probe(cache, deep=True).tiles
"""


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("source", ["relief_v2", "relief_v1", "relief.tpk", "degrees_exploded"])
def test_conversions_give_the_same_bytes_without_what_windows_lacks(tmp_path, source):
    for system in ("whole", "lacking"):
        (tmp_path / system).mkdir()
        command = [sys.executable, "-W", "error", "-c", CONVERT, system, ROOT / "fixtures" / source, tmp_path / system]
        subprocess.run(command, check=True)
    assert digests(tmp_path / "lacking") == digests(tmp_path / "whole")
    assert len(digests(tmp_path / "whole")) > 10
