"""Deflated members are unpacked into the system's folder for such files, and errors name that, not the package."""

import errno
import os
import tempfile
import zipfile

import pytest

from tilepack.disk.package_tree import PackageTree
from tilepack.errors import TransferError


@pytest.fixture
def deflated(tmp_path):
    """Give a package with one deflated member, open, and the folder in which it is unpacked."""
    package = tmp_path / "island.tpkx"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("tile/L00/R0000C0000.bundle", bytes(100_000))
    tree = PackageTree(package)
    yield tree
    tree.close()


def test_a_folder_to_unpack_in_that_is_not_there_is_named(deflated, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(TransferError) as caught:
        deflated.open("tile/L00/R0000C0000.bundle")
    assert str(caught.value) == f"{tmp_path / 'gone'}: cannot make a file: No such file or directory"


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="this system writes in another way")
def test_a_full_disk_to_unpack_on_is_named(deflated, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(TransferError) as caught:
        deflated.open("tile/L00/R0000C0000.bundle")
    assert str(caught.value) == (
        f"{tmp_path}, unpacking {tmp_path}/island.tpkx/tile/L00/R0000C0000.bundle: cannot write: "
        f"No space left on device; make room on the disk, and start again"
    )
