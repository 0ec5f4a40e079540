"""Verify finds what is broken, and nothing in what is sound."""

import json
import shutil
from collections import Counter
from pathlib import Path

import broken_caches
import build
import caches
import pytest
from hostile_builders import LAYOUTS, TILES, V2_FIRST, files_of, patched, write_cache
from hostile_bundles import u32
from hostile_case import rewritten

import tilepack
from tilepack.inspect.findings import MOST_KEPT
from tilepack.inspect.rules import RULES, Severity

NAMES = [case.name for case in broken_caches.CASES]
BUNDLE = "_alllayers/L01/R0000C0000.bundle"


def codes(path: Path, **options: object) -> dict[str, int]:
    return dict(tilepack.verify(path, **options).counts)


# Broken caches


@pytest.mark.parametrize("case", broken_caches.CASES, ids=NAMES)
@pytest.mark.parametrize("deep", [False, True], ids=["structure", "deep"])
def test_broken_cache_gives_exactly_its_finding(case, deep, tmp_path):
    source = case.make(tmp_path)
    findings = tilepack.verify(source, deep=deep, jobs=2)
    if case.deep and not deep:
        assert not findings.found
        return
    assert set(findings.counts) == {case.code, *case.companions}
    found = next(finding for finding in findings.found if finding.code == case.code)
    assert case.place in found.place
    assert (found.severity, found.remedy) == (RULES[case.code].severity, RULES[case.code].remedy)
    assert found.message
    assert str(tmp_path) not in found.place + found.message
    assert bool(findings.errors) == (found.severity is Severity.ERROR)


def test_every_rule_has_a_broken_cache():
    assert {case.code for case in broken_caches.CASES} == set(RULES)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_says_what_it_is_and_what_to_do(rule):
    assert rule.meaning
    assert rule.remedy
    assert not (rule.meaning + rule.remedy).endswith(".")


# Sound caches


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("deep", [False, True])
def test_sound_cache_gives_nothing(layout, deep, tmp_path):
    findings = tilepack.verify(write_cache(tmp_path, layout, files_of(layout)), deep=deep)
    assert findings.found == ()
    assert findings.tiles == len(TILES)
    assert findings.tile_bytes == sum(map(len, TILES.values()))
    assert findings.bundles == 4
    assert findings.decoded == (len(TILES) if deep else 0)


@pytest.fixture(scope="module")
def pictures() -> dict[tilepack.TileKey, bytes]:
    drawn = {}
    for number, tile in enumerate(caches.island_tiles()):
        drawn[tile] = caches.picture(tile, "jpg" if number % 3 else "png") if number < 40 or tile.level == 18 else b""
    return {tile: data for tile, data in drawn.items() if data}


@pytest.mark.parametrize("write", [caches.write_exploded, caches.write_v1, caches.write_v2])
def test_cache_packed_without_tilepack_is_sound(write, pictures, tmp_path):
    write(tmp_path / "island", caches.web_mercator(), pictures)
    findings = tilepack.verify(tmp_path / "island", deep=True)
    # Its conf.cdi was drawn around the finest level alone.
    assert findings.counts == {"extent-too-small": 1}
    assert findings.decoded == len(pictures)


@pytest.mark.parametrize("target", ["a.tpk", "a.tpkx", "COMPACT", "COMPACT_V2", "EXPLODED", "ready"])
def test_what_tilepack_writes_gives_nothing(target, pictures, tmp_path):
    caches.write_exploded(tmp_path / "island", caches.web_mercator(), pictures)
    made = tmp_path / target
    storage_format = target if target.isupper() else None
    tilepack.convert(tmp_path / "island", made, storage_format=storage_format, ready_to_serve=target == "ready")
    findings = tilepack.verify(made, deep=True)
    assert findings.found == ()
    assert findings.decoded == findings.tiles == len(pictures)


@pytest.mark.parametrize("name", [name for name, *_ in build.PRODUCTS])
def test_drawn_cache_gives_nothing(name):
    findings = tilepack.verify(Path(build.__file__).with_name(name), deep=True)
    assert findings.found == ()
    assert findings.decoded == findings.tiles > 0


# Real caches


@pytest.mark.parametrize("deep", [False, True])
def test_usa_has_exactly_two_damaged_tiles(deep, samples):
    findings = tilepack.verify(samples / "Usa.tpkx", deep=deep)
    assert findings.tiles == 144
    assert [(finding.code, finding.place) for finding in findings.found] == [
        ("tile-beheaded-png", "tile 0/0/0 in tile/L00/R0000C0000.bundle"),
        ("tile-beheaded-png", "tile 1/0/0 in tile/L01/R0000C0000.bundle"),
    ]
    assert findings.errors == findings.found
    assert (findings.decoded, findings.blank) == ((142, 75) if deep else (0, 0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("canyonlands.tpk", {}),
        ("mixed_v2_cache", {}),
        ("states_filled.tpk", {"extents-differ": 1}),
        ("esri_compact_v2_cache", {"bundle-dead-space": 1}),
    ],
)
def test_real_cache_has_no_errors_or_warnings(name, expected, samples):
    findings = tilepack.verify(samples / name, deep=True)
    assert findings.counts == expected
    assert {finding.severity for finding in findings.found} <= {Severity.NOTE}


def test_dead_space_is_counted_in_bytes(samples):
    (note,) = tilepack.verify(samples / "esri_compact_v2_cache").found
    assert (note.place, note.message) == ("_alllayers/L02/R0000C0000.bundle", "136540 bytes belong to no tile")


# The walk


@pytest.mark.parametrize("layout", ["v1", "v2"])
def test_walk_goes_on_after_a_bundle_that_cannot_be_read(layout, tmp_path):
    def rewrite(files):
        for path in [path for path in files if path.endswith(".bundle") and "L08" not in path]:
            files[path] = b""

    findings = tilepack.verify(rewritten(layout, rewrite)(tmp_path))
    assert findings.counts == {"bundle-truncated": 2}
    assert findings.tiles == 4


def test_tiles_beside_a_damaged_entry_are_still_checked(tmp_path):
    def rewrite(files):
        data = patched(files[BUNDLE], 64, (900_000 | 90 << 40).to_bytes(8, "little"))
        files[BUNDLE] = patched(data, data.index(b"\x89PNG", V2_FIRST + 20), b"what")

    findings = tilepack.verify(rewritten("v2", rewrite)(tmp_path))
    assert set(findings.counts) == {"tile-beyond-end", "tile-unknown"}


def test_only_the_levels_named_are_looked_at(tmp_path):
    source = rewritten("v2", lambda files: files.update({BUNDLE: b""}))(tmp_path)
    assert codes(source, levels="0,8") == {}
    assert codes(source, levels=[1]) == {"bundle-truncated": 1}
    assert tilepack.verify(source, levels="0-8").levels == (0, 1, 8)
    with pytest.raises(tilepack.TilingSchemeError, match="level 5"):
        tilepack.verify(source, levels="5")


def test_verify_raises_when_there_is_nothing(tmp_path):
    with pytest.raises(tilepack.CacheNotFoundError):
        tilepack.verify(tmp_path / "nothing")


@pytest.mark.parametrize("layout", ["v1", "exploded"])
@pytest.mark.parametrize("deep", [False, True])
def test_progress_ends_with_all_of_it(layout, deep, tmp_path):
    told = []
    source = write_cache(tmp_path, layout, files_of(layout))
    tilepack.verify(source, deep=deep, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == (4 if layout == "v1" else 6)


def many(tmp_path: Path, data: bytes, number: int = 1_500) -> Path:
    tiles = {tilepack.TileKey(9, row, column): data for row in range(15) for column in range(number // 15)}
    caches.write_v2(tmp_path / "many", caches.web_mercator(), tiles)
    return tmp_path / "many"


def test_findings_are_bounded_and_all_are_counted(tmp_path):
    findings = tilepack.verify(many(tmp_path, b"what is this"))
    assert findings.counts == {"tile-unknown": 1_500}
    assert len(findings.found) == MOST_KEPT
    assert findings.as_json()["errors"] == findings.count(Severity.ERROR) == 1_500


def test_number_of_threads_changes_nothing(tmp_path):
    def rewrite(files):
        for number, path in enumerate(sorted(path for path in files if path.endswith(".png"))):
            if number % 3 == 0:
                files[path] = files[path][:-12]

    source = rewritten("exploded", rewrite)(tmp_path)
    assert tilepack.verify(source, deep=True, jobs=1) == tilepack.verify(source, deep=True, jobs=5)
    assert codes(source, deep=True) == {"tile-truncated": 3}


def test_blank_and_uniform_tiles_are_counted_and_are_no_fault(tmp_path):
    sound = caches.picture(tilepack.TileKey(9, 0, 0))
    tiles = {tilepack.TileKey(9, 0, column): sound for column in range(3)}
    for column, colour in enumerate([(9, 9, 9, 0), (0, 0, 0, 0), (7, 8, 9, 255), (7, 8, 9, 3), (0, 0, 0, 255)]):
        out = broken_caches.io.BytesIO()
        broken_caches.Image.new("RGBA", (256, 256), colour).save(out, "PNG")
        tiles[tilepack.TileKey(9, 1, column)] = out.getvalue()
    caches.write_v1(tmp_path / "island", caches.web_mercator(), tiles)
    findings = tilepack.verify(tmp_path / "island", deep=True)
    assert findings.found == ()
    assert (findings.decoded, findings.blank, findings.uniform) == (8, 2, 3)


def test_json_holds_everything(tmp_path):
    source = rewritten("v2", lambda files: files.update({BUNDLE: b"", "_alllayers/L01/x": b""}))(tmp_path)
    findings = tilepack.verify(source)
    shown = json.loads(json.dumps(findings.as_json()))
    assert (shown["errors"], shown["warnings"], shown["notes"]) == (1, 0, 1)
    assert Counter(finding["code"] for finding in shown["findings"]) == shown["counts"]
    assert set(shown["findings"][0]) == {"code", "severity", "place", "message", "remedy"}


def test_source_is_left_as_it_was(tmp_path):
    source = write_cache(tmp_path, "v1", files_of("v1"))
    tilepack.verify(source, deep=True)
    assert caches.look_at_files(source) == files_of("v1")


def test_length_prefixes_are_read_however_the_tiles_lie(tmp_path):
    """Small tiles by the dozen in one read, large ones each by its own; every damaged prefix is found."""
    tiles = {
        tilepack.TileKey(9, 0, column): caches.payload(tilepack.TileKey(9, 0, column), size=3 ** (column % 11))
        for column in range(99)
    }
    caches.write_v2(tmp_path / "island", caches.web_mercator(), tiles)
    path = next((tmp_path / "island").rglob("*.bundle"))
    data = bytearray(path.read_bytes())
    starts = [(int.from_bytes(data[64 + 8 * at : 72 + 8 * at], "little") & (1 << 40) - 1) - 4 for at in range(99)]
    for column in range(0, 99, 7):
        data[starts[column] : starts[column] + 4] = u32(1)
    path.write_bytes(data)
    places = {finding.place.split()[1] for finding in tilepack.verify(tmp_path / "island").found}
    assert places == {f"9/0/{column}" for column in range(0, 99, 7)}


def test_verify_raises_when_the_source_vanishes_in_the_middle(tmp_path):
    """A share that went away is no cache of unreadable bundles."""
    source = write_cache(tmp_path, "v2", files_of("v2"))
    with pytest.raises(tilepack.TransferError, match="cannot open"):
        tilepack.verify(source, progress=lambda *_: shutil.rmtree(source, ignore_errors=True))
