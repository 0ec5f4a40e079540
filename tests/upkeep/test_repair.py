"""Repair mends what it says, lists the rest, and changes no sound tile: one broken cache for every rule of verify."""

from __future__ import annotations

from pathlib import Path

import broken_caches
import pytest
from caches import look_at_files, look_at_tiles
from hostile_builders import LAYOUTS, TILES, files_of, write_cache

import tilepack
from tilepack.inspect.rules import RULES, Severity
from tilepack.keys import TileKey
from tilepack.upkeep.mending import MENDING, Mending

SOUND = {TileKey(*key): data for key, data in TILES.items()}
CASES = [case for case in broken_caches.CASES if case not in broken_caches.WEB_CASES]
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])

UNMENDED_TILE = {"tile-unknown", "tile-no-image", "tile-format", "tile-size", "tile-truncated", "tile-undecodable"}
"""Codes of tiles whose bytes are others than those of the sound cache, and stay so."""

HOPELESS = {"cache-malformed", "cache-unsupported", "package-malformed", "package-member-twice"}
"""Codes of what cannot be opened."""

UNREADABLE_FILES = {"file-unreadable", "row-twice", "tile-twice", "tile-too-large"}
"""Codes of exploded caches that no new target is made of."""


def is_of_other_bytes(case: broken_caches.Broken) -> bool:
    """Tell whether the damaged tile stays one that nobody can mend."""
    return case.code in UNMENDED_TILE or case.title.endswith("rent")


def tiles_of(cache: Path) -> dict[TileKey, bytes]:
    """Read every tile of every bundle that can be read."""
    found = {}
    with tilepack.open(cache) as reader:
        for level in reader.levels():
            try:
                for bundle in reader.bundles(level):
                    try:
                        found |= dict(reader.tiles(bundle))
                    except tilepack.TilepackError:
                        continue
            except tilepack.TilepackError:
                continue
    return found


def bytes_of(cache: Path) -> dict[str, bytes]:
    """Give the bytes of a package, or of all files of a folder."""
    return {cache.name: cache.read_bytes()} if cache.is_file() else look_at_files(cache)


def counts(case: broken_caches.Broken, cache: Path) -> dict[str, int]:
    return dict(tilepack.verify(cache, deep=case.deep).counts)


def touches(finding: tilepack.Finding, tile: TileKey) -> bool:
    return finding.place.startswith(f"tile {tile} ")


def assert_mended(case: broken_caches.Broken, plan: tilepack.RepairPlan, before: dict, after: dict) -> None:
    """What is said to be mended is gone, what is there is said to be left, and everything found is one of them."""
    assert set(after) <= set(plan.left_counts)
    for code, number in plan.mended_counts.items():
        assert after.get(code, 0) <= plan.left_counts.get(code, 0), code
        assert number <= before[code]
    for code, number in before.items():
        assert plan.mended_counts.get(code, 0) + plan.left_counts.get(code, 0) >= number, code
    assert plan.is_left == any(RULES[code].severity is not Severity.NOTE for code in plan.left_counts)
    assert case.code in {*plan.mended_counts, *plan.left_counts}


@EVERY_CASE
def test_every_breach_is_mended_in_place_or_left(case, tmp_path):
    cache = case.make(tmp_path)
    before, files = counts(case, cache), bytes_of(cache)
    planned = tilepack.plan_repair(cache, deep=case.deep)
    result = tilepack.repair(cache, deep=case.deep, jobs=2)
    plan = result.plan
    assert plan.as_json() == planned.as_json()
    after = counts(case, cache)
    assert_mended(case, plan, before, after)
    assert {code: number for code, number in plan.left_counts.items() if code in before} == {
        code: max(number, plan.left_counts.get(code, 0)) for code, number in after.items()
    }
    assert result.mended_bundles == len(plan.bundles)
    if not plan.changes:
        assert bytes_of(cache) == files
    if case.code in HOPELESS:
        return
    for tile, data in tiles_of(cache).items():
        if tile in SOUND and not (tile == (1, 0, 0) and is_of_other_bytes(case)):
            assert data == SOUND[tile], tile
    # Once more there is nothing to do.
    again = tilepack.repair(cache, deep=case.deep).plan
    assert not again.changes
    assert again.left_counts == plan.left_counts


@EVERY_CASE
def test_every_breach_is_mended_in_a_new_target_or_left(case, tmp_path):
    cache = case.make(tmp_path)
    before, files = counts(case, cache), bytes_of(cache)
    target = tmp_path / f"target{cache.suffix}"
    if case.code in UNREADABLE_FILES and "encrypted" not in case.name:
        with pytest.raises(tilepack.TileError):
            tilepack.repair(cache, target)
        assert not target.exists()
        return
    plan = tilepack.repair(cache, target, deep=case.deep, jobs=2).plan
    if case.code in HOPELESS:
        assert not target.exists()
        assert case.code in plan.left_counts
        return
    assert bytes_of(cache) == files
    assert_mended(case, plan, before, counts(case, target))
    lost = [finding for finding in plan.left if finding.severity is Severity.ERROR]
    made = look_at_tiles(target)
    for tile, data in SOUND.items():
        if tile in made:
            assert made[tile] == data or (tile == (1, 0, 0) and is_of_other_bytes(case)), tile
        elif case.code not in ("cache-empty", "level-declared-empty"):
            named = any(touches(finding, tile) or "tile" not in finding.code for finding in lost)
            assert named or case.code in ("tile-empty", "file-misplaced"), f"{tile} is lost, and nobody said so"


@pytest.mark.parametrize("case", broken_caches.WEB_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("target", [None, "new.tpkx"])
def test_web_tiles_are_not_repaired(case, target, tmp_path):
    source = case.make(tmp_path)
    with pytest.raises(tilepack.UnsupportedError, match="import --overwrite puts sound tiles in its place"):
        tilepack.repair(source, target and tmp_path / target)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sound_cache_stays_as_it_is(layout, tmp_path):
    cache = write_cache(tmp_path, layout, files_of(layout))
    before = look_at_files(cache)
    result = tilepack.repair(cache)
    assert not result.plan.mended_counts
    assert not result.plan.is_left
    assert look_at_files(cache) == before
    made = tilepack.repair(cache, tmp_path / f"new{cache.suffix}").transfer
    assert made is not None
    assert made.tiles == len(TILES)
    assert look_at_tiles(tmp_path / f"new{cache.suffix}") == SOUND


# Remedies


def mended_in_place() -> set[str]:
    """Give the codes of which repair mends at least one broken cache in place, by the table."""
    return {code for code, mending in MENDING.items() if mending not in (Mending.NEVER, Mending.ANEW)}


def test_there_is_a_rule_for_every_breach_and_no_other():
    assert MENDING.keys() == RULES.keys()


@pytest.mark.parametrize("code", RULES)
def test_remedies_name_repair_where_it_mends(code):
    says = "tilepack repair" in RULES[code].remedy
    assert says == (code in mended_in_place() and code != "tile-in-header")


def test_what_remedies_say_of_repair_is_shown_by_a_broken_cache(tmp_path):
    mended = set()
    for number, case in enumerate(broken_caches.CASES):
        if "tilepack repair" in RULES[case.code].remedy:
            (tmp_path / str(number)).mkdir()
            plan = tilepack.plan_repair(case.make(tmp_path / str(number)))
            mended |= set(plan.mended_counts)
    assert mended >= {code for code, rule in RULES.items() if "tilepack repair" in rule.remedy}


@pytest.mark.parametrize(
    "case", [case for case in broken_caches.CASES if case.code == "bundle-dead-space"], ids=lambda case: case.name
)
def test_what_remedies_say_of_compact_is_so(case, tmp_path):
    cache = case.make(tmp_path)
    tilepack.compact(cache)
    assert tilepack.verify(cache).counts == {}


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if "tilepack convert" in rule.remedy])
def test_what_remedies_say_of_convert_is_so(code, tmp_path):
    cases = [case for case in broken_caches.CASES if case.code == code]
    assert cases
    for number, case in enumerate(cases):
        (tmp_path / str(number)).mkdir()
        cache = case.make(tmp_path / str(number))
        target = tmp_path / f"target{number}{cache.suffix}"
        tilepack.convert(cache, target)
        assert code not in tilepack.verify(target).counts
