"""Whatever a cache holds, verify ends in findings; and what a reader refuses, verify finds."""

import random
import tempfile
import time
import tracemalloc
from pathlib import Path

import caches
import pytest
from hostile_builders import LAYOUTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_hostile_cases import MEMORY, READ_CASES, SECONDS, SWELLING, titles
from test_hostile_mutations import hostile_source

import tilepack
from tilepack.errors import CacheNotFoundError, TilepackError, TransferError
from tilepack.inspect.rules import RULES

NOTHING_TO_CHECK = (CacheNotFoundError, TransferError)


def check_findings(findings: tilepack.Findings, folder: Path) -> None:
    """Check that every finding is one of the table, on one line, and tells nothing of the folder it lies in."""
    assert set(findings.counts) == {finding.code for finding in findings.found}
    for finding in findings.found:
        assert (finding.severity, finding.remedy) == (RULES[finding.code].severity, RULES[finding.code].remedy)
        assert finding.message
        assert len(finding.message) < 900
        assert "\n" not in finding.message
        assert finding.place
    assert findings.tiles >= findings.decoded >= findings.blank + findings.uniform


@pytest.mark.parametrize("case", READ_CASES, ids=titles(READ_CASES))
def test_hostile_cache_gives_an_error_finding(case, tmp_path):
    source = case.make(tmp_path)
    begun, refused = time.process_time(), None
    try:
        findings = tilepack.verify(source, deep=True, jobs=2)
    except NOTHING_TO_CHECK as error:
        refused = type(error)
    if refused is not None:
        assert issubclass(refused, case.error)
        return
    assert time.process_time() - begun < SECONDS
    check_findings(findings, tmp_path)
    assert findings.errors


@pytest.mark.parametrize("case", SWELLING, ids=titles(SWELLING))
def test_hostile_cache_takes_little_memory_when_it_swells(case, tmp_path):
    source = case.make(tmp_path)
    tracemalloc.start()
    try:
        assert tilepack.verify(source, deep=True, jobs=2).errors
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**9))
def test_verify_finds_what_readers_refuse(layout, seed):
    with tempfile.TemporaryDirectory() as folder:
        try:
            source = hostile_source(Path(folder), layout, seed)
        except OSError:  # two names fell on one another
            return
        try:
            findings = tilepack.verify(source, deep=True, jobs=1)
        except NOTHING_TO_CHECK:
            with pytest.raises(TilepackError):
                caches.read_thoroughly(source)
            return
        check_findings(findings, Path(folder))
        if not findings.errors:
            caches.read_thoroughly(source)


@pytest.mark.parametrize("layout", ["v1", "v2"])
def test_verify_finds_the_very_tiles_that_were_damaged(layout, tmp_path):
    """Pixels damaged anywhere, or slots overwritten: exactly those tiles are named, whatever the storage."""
    choose = random.Random(layout)
    keys = [tilepack.TileKey(9, row, column) for row in range(20) for column in range(20)]
    tiles = {key: caches.picture(key, choose.choice(("png", "jpg"))) for key in keys}
    damaged = set(choose.sample(keys, 40))
    for key in damaged:
        data = tiles[key]
        tiles[key] = choose.choice((data[: len(data) // 2], data[:-2] + b"xx", b"xx" + data[2:], data[4:]))
    getattr(caches, f"write_{layout}")(tmp_path / "island", caches.web_mercator(), tiles)
    findings = tilepack.verify(tmp_path / "island", deep=True, jobs=2)
    named = {tuple(map(int, finding.place.split()[1].split("/"))) for finding in findings.errors}
    assert named == {tuple(key) for key in damaged}


def test_memory_stays_flat_however_many_tiles_there_are(tmp_path):
    """A bundle of 40 MB is decoded within a few: tiles come and go."""
    picture = caches.picture(tilepack.TileKey(9, 0, 0))
    keys = [tilepack.TileKey(9, row, column) for row in range(20) for column in range(20)]
    tiles = {key: picture + key.column.to_bytes(4, "big") + bytes(100_000) for key in keys}
    caches.write_v2(tmp_path / "island", caches.web_mercator(), tiles)
    tracemalloc.start()
    try:
        findings = tilepack.verify(tmp_path / "island", deep=True, jobs=2)
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()
    assert (findings.decoded, findings.found) == (400, ())
