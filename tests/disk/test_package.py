"""Members whose size is known last: they lie in the order announced, whatever the order in which they are done."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from zlib_ng import zlib_ng

from tilepack.disk.package import PackageContainer

NAMES = [f"tile/{number}" for number in range(40)]


def write(container, name, data):
    sink = container.create(name, None)
    sink.write(data, 0)
    sink.close(zlib_ng.crc32(data))


def test_members_of_unknown_size_lie_in_the_order_announced(tmp_path):
    container = PackageContainer(tmp_path / "a.tpkx", replace=False, created=None)
    for name in NAMES:
        container.reserve(name, None)
    for name in reversed(NAMES[1:]):
        write(container, name, name.encode() * 1000)
    container.cancel(NAMES[0])
    container.commit([])
    with zipfile.ZipFile(tmp_path / "a.tpkx") as package:
        assert package.testzip() is None
        assert [name for name in package.namelist() if not name.endswith("/")] == NAMES[1:]
        assert package.read(NAMES[7]) == NAMES[7].encode() * 1000


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors as Linux shows them")
def test_members_that_wait_share_one_descriptor(tmp_path):
    container = PackageContainer(tmp_path / "a.tpkx", replace=False, created=None)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  descriptors, not files
    for name in NAMES:
        container.reserve(name, None)
    for name in NAMES[1:]:
        write(container, name, b"waits")
    assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208
    container.abort()
    assert list(tmp_path.iterdir()) == []
