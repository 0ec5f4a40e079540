"""Comparing any two caches: the oracle is two dictionaries of all tiles, read without tilepack."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from caches import look_at_tiles, ready_files, web_mercator, write_exploded, write_files, write_v1, write_v2
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import SAMPLES, convert_to

import tilepack
from tilepack.keys import TileKey
from tilepack.scheme import TilingScheme


def write_ready(folder: Path, scheme: TilingScheme, tiles: dict[TileKey, bytes]) -> None:
    write_files(folder, ready_files(scheme, tiles))


WRITERS = (write_v1, write_v2, write_exploded, write_ready)

near = st.sampled_from((0, 1, 2, 126, 127, 128, 129, 255, 256))
keys = st.builds(TileKey, st.integers(9, 11), near, near)
data = st.sampled_from((b"a", b"b", b"ab", b"ba", b"x" * 700, b"x" * 699 + b"y"))
tile_sets = st.dictionaries(keys, data, min_size=1, max_size=9)
changes = st.dictionaries(keys, st.one_of(st.none(), data), max_size=5)


def changed(tiles, change):
    """Give tiles with some added, replaced or gone; one is left."""
    found = {key: value for key, value in (tiles | change).items() if value is not None}
    return found or tiles


def shifted(tiles, by):
    return {key._replace(level=key.level + by): value for key, value in tiles.items()}


def expect(a, b):
    """Compare dictionaries: tiles only in one, differing, same."""
    both = set(a) & set(b)
    same = {key for key in both if a[key] == b[key]}
    return set(a) - set(b), set(b) - set(a), both - same, same


def assert_counts(counts, sets):
    assert (counts.only_a, counts.only_b, counts.differing, counts.same) == tuple(map(len, sets))


def assert_found(found: tilepack.CacheDifference, a, b, by=0):
    """Check a comparison of caches, the levels of the second by so much higher, against that of dictionaries."""
    sets = only_a, only_b, differing, _ = expect(a, b)
    assert_counts(found.counts, sets)
    assert set(found.only_a) == only_a
    assert set(found.only_b) == set(shifted(dict.fromkeys(only_b, b""), by))
    assert {tile.tile for tile in found.differing} == differing
    for tile in found.differing:
        assert (tile.bytes_a, tile.bytes_b) == (len(a[tile.tile]), len(b[tile.tile]))
    for level in found.levels:
        assert level.level_b == level.level_a + by
        assert_counts(level.counts, [{key for key in each if key.level == level.level_a} for each in sets])
    apart = Counter(key.bundle for key in only_a | only_b | differing)
    assert [bundle.bundle for bundle in found.bundles] == sorted(apart)
    for bundle in found.bundles:
        assert_counts(bundle.counts, [{key for key in each if key.bundle == bundle.bundle} for each in sets])
    assert found.has_same_tiles == found.is_same == (a == b)
    assert found.counts.tiles == len(set(a) | set(b))
    assert not found.damage


@settings(max_examples=40)
@given(a=tile_sets, change=changes, writers=st.tuples(st.sampled_from(WRITERS), st.sampled_from(WRITERS)))
def test_any_two_caches_differ_as_their_tiles_do(a, change, writers):
    b = changed(a, change)
    with tempfile.TemporaryDirectory() as folder:
        here, there = Path(folder, "a"), Path(folder, "b")
        writers[0](here, web_mercator(), a)
        writers[1](there, web_mercator(), b)
        found, mirrored = tilepack.diff(here, there, jobs=2), tilepack.diff(there, here, jobs=1)
        assert_found(found, a, b)
        assert_found(mirrored, b, a)
        assert (mirrored.only_a, mirrored.only_b) == (found.only_b, found.only_a)
        assert tilepack.diff(here, here).is_same
        assert_found(tilepack.diff(here, there, pixels=True), a, b)  # none of these decodes


@settings(max_examples=10)
@given(a=tile_sets, change=changes, by=st.sampled_from((-3, 1, 2)))
def test_levels_are_matched_by_resolution_when_their_numbers_differ(a, change, by):
    b = changed(a, change)
    with tempfile.TemporaryDirectory() as folder:
        here, there = Path(folder, "a"), Path(folder, "b")
        scheme = web_mercator().with_levels(web_mercator().levels[4:])
        write_v2(here, scheme, a)
        renumbered = scheme.with_levels(replace(lod, level=lod.level + by) for lod in scheme.levels)
        write_exploded(there, renumbered, shifted(b, by))
        found = tilepack.diff(here, there)
        assert_found(found, a, b, by)
        assert found.metadata == ()
        assert f"levels are numbered differently: 4 here is {4 + by} there" in " ".join(found.notes)


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample_is_the_same_after_any_conversion(sample, samples, tmp_path):
    place = samples / sample
    tiles = len(look_at_tiles(place))
    for layout in ("v1", "v2", "tpkx", "exploded", "tpk"):
        place = convert_to(layout, place, tmp_path)
        found = tilepack.diff(samples / sample, place)
        assert found.is_same, found.metadata
        assert found.counts == tilepack.DifferenceCounts(same=tiles)


@pytest.mark.parametrize(
    "name",
    ["relief_v1", "relief_v2", "relief_exploded", "relief.tpk", "relief.tpkx", "national_v2", "degrees_exploded"],
)
def test_fixture_is_the_same_after_any_conversion(name, request, tmp_path):
    source = place = request.config.rootpath / "fixtures" / name
    tiles = len(look_at_tiles(place))
    for layout in ("v1", "v2", "tpkx", "exploded"):
        place = convert_to(layout, place, tmp_path)
        assert tilepack.diff(source, place).is_same
        assert tilepack.diff(place, source, pixels=True).counts == tilepack.DifferenceCounts(same=tiles)


def test_samples_differ_as_their_tiles_do(samples):
    here, there = samples / "Usa.tpkx", samples / "states_filled.tpk"
    a, b = look_at_tiles(here), look_at_tiles(there)
    found = tilepack.diff(here, there)
    assert_counts(found.counts, expect(a, b))
    assert {tile.tile for tile in found.differing} == expect(a, b)[2]
    assert not found.is_same


def test_findings_do_not_depend_on_the_number_of_threads(samples):
    here, there = samples / "Usa.tpkx", samples / "states_filled.tpk"
    alone = tilepack.diff(here, there, pixels=True, jobs=1)
    assert alone == tilepack.diff(here, there, pixels=True, jobs=7)
    assert alone.counts.recoded == 6  # six tiles show the same, encoded otherwise


def test_caches_stay_as_they_were(v1_island, exploded_island):
    before = [{path: path.stat().st_mtime_ns for path in place.rglob("*")} for place in (v1_island, exploded_island)]
    assert tilepack.diff(v1_island, exploded_island).is_same
    assert before == [
        {path: path.stat().st_mtime_ns for path in place.rglob("*")} for place in (v1_island, exploded_island)
    ]
