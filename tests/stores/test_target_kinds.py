"""What a target becomes by its name, and which names are refused because they were meant for another."""

from __future__ import annotations

from pathlib import Path

import pytest

import tilepack
from tilepack.cache import StorageFormat
from tilepack.stores.targets import target_kind

MISSPELT = [
    ("karte.tpkz", ".tpk or .tpkx"),
    ("karte.tpx", ".tpkx"),
    ("karte.TPKS", ".tpk or .tpkx"),
    ("karte.mbtile", ".mbtiles"),
    ("karte.pmtile", ".pmtiles"),
    ("karte.vtpkx", ".vtpk"),
]


@pytest.mark.parametrize(("name", "meant"), MISSPELT)
def test_a_suffix_that_is_nearly_a_file_s_is_refused(name, meant):
    with pytest.raises(tilepack.TransferError, match="no file ends in") as caught:
        target_kind(Path(name))
    assert f"write {meant}, or" in str(caught.value)


@pytest.mark.parametrize(("name", "meant"), MISSPELT)
def test_such_a_folder_is_made_when_its_storage_format_is_said(name, meant):
    assert meant
    kind = target_kind(Path(name), StorageFormat.EXPLODED)
    assert (kind.is_package, kind.storage_format) == (False, StorageFormat.EXPLODED)


@pytest.mark.parametrize("name", ["karte", "karte v1.2", "karte.tiles", "karte.d", "karte.2026", "karte.tif", ".tpk"])
def test_other_names_are_folders(name):
    assert not target_kind(Path(name)).is_package


@pytest.mark.parametrize("name", ["a.tpk", "a.TPKX", "a.vtpk", "a.mbtiles", "a.PMTiles", "a.zip"])
def test_files_are_known_by_their_suffix(name):
    assert target_kind(Path(name)).is_package
