"""Whatever bytes are changed in a sound cache, it is read, or ends in an error of tilepack's own."""

import os
import random
import tempfile
from pathlib import Path

import pytest
from caches import read_thoroughly
from hostile_builders import (
    LAYOUTS,
    SIDE,
    Files,
    bundle_path,
    conf_xml,
    files_of,
    is_package,
    lods_xml,
    make_zip,
    members_of,
    png,
    v2_bundle,
    write_folder,
)
from hostile_mutations import mutate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_hostile_cases import TARGETS, names_below, tiles_of

import tilepack
from tilepack.errors import TilepackError
from tilepack.extent import Extent
from tilepack.spatial import SpatialReference, to_degrees

EXAMPLES = int(os.environ.get("TILEPACK_HOSTILE_EXAMPLES", "120"))
"""Inputs per layout; a longer campaign sets more."""

RESOLUTIONS = (1e-15, 1e-9, 1e-3, 0.5, 1.0, 156543.033928, 1e9, 1e15)
COORDINATES = (0.0, -1e15, 1e15, -20037508.342787, 20037508.342787, 1e9, -5e14, 0.1)
SIDES = (SIDE, SIDE, SIDE, 1, 3, 255, 8192)
ROWS = (0, 0, 128, 1 << 10, 1 << 20, 1 << 31, (1 << 32) - 1)


def rename(path: str, choose: random.Random) -> str:
    """Change a sign in a file's own name."""
    folder, _, name = path.rpartition("/")
    at = choose.randrange(len(name))
    name = name[:at] + choose.choice(["", *"0128fFcCrRlLxX. _"]) + name[at + 1 :]
    return f"{folder}/{name}".lstrip("/") if name.strip(".") else path


def hostile_source(folder: Path, layout: str, seed: int) -> Path:
    """Make a mutated cache; the same seed gives the same one."""
    choose = random.Random(f"{layout} {seed}")
    files: Files = files_of(layout)
    donors = [data for data in files.values() if data]
    whole = is_package(layout) and choose.random() < 0.5
    for _ in range(0 if whole else choose.choice((1, 1, 2))):
        path = choose.choice(list(files))
        if choose.random() < 0.15:
            files[rename(path, choose)] = files.pop(path)
        elif choose.random() < 0.05:
            del files[path]
        else:
            files[path] = mutate(files[path], choose, donors)
        if not files:
            break
    if not is_package(layout):
        return write_folder(folder / "source", files)
    members = members_of(files)
    for member in members:
        member.method = choose.choice((0, 0, 0, 8))
    data = make_zip(members)
    place = folder / f"source.{layout}"
    place.write_bytes(mutate(data, choose, donors) if whole else data)
    return place


def attempt(layout: str, seed: int, folder: Path) -> str:
    """Read and convert a mutated cache; give what came of it."""
    (folder / "hostile").mkdir()
    try:
        source = hostile_source(folder / "hostile", layout, seed)
    except OSError:  # two names fell on one another
        return "impossible"
    return read_and_convert(source, seed, folder)


def attempt_extreme(seed: int, folder: Path) -> str:
    """Read and convert a cache with an absurd grid; give what came of it."""
    return read_and_convert(extreme_source(folder / "hostile", seed), seed, folder)


def read_and_convert(source: Path, seed: int, folder: Path) -> str:
    (folder / "targets").mkdir()
    before = names_below(folder)
    outcome = "read"
    try:
        read_thoroughly(source)
    except TilepackError as error:
        assert_sentence(error)
        outcome = type(error).__name__
    name, storage_format = random.Random(seed).choice(list(TARGETS.items()))
    target = folder / "targets" / name
    try:
        tilepack.convert(source, target, storage_format=storage_format)
    except TilepackError as error:
        assert_sentence(error)
        assert names_below(folder) == before
        return outcome
    assert outcome == "read", "what cannot be read was converted"
    assert tiles_of(target) == tiles_of(source)
    assert {path for path in names_below(folder) if not path.startswith(str(target))} == before
    return outcome


def extreme_source(folder: Path, seed: int) -> Path:
    """Make a cache whose grid is sound, as far as each number goes, and absurd as a whole; seldom empty bundles too."""
    choose = random.Random(seed)
    resolutions = sorted(choose.choice(RESOLUTIONS) * choose.choice((1, 1, choose.random())) for _ in range(3))
    levels = sorted(choose.sample(range(100), 3))
    data = conf_xml(
        "v2",
        x=str(choose.choice(COORDINATES)),
        y=str(choose.choice(COORDINATES)),
        cols=str(choose.choice(SIDES)),
        rows=str(choose.choice(SIDES)),
        lods=lods_xml(zip(levels, reversed(resolutions), strict=True)),
    )
    files: Files = {"conf.xml": data}
    for level in levels:
        for _ in range(choose.randrange(3)):
            row, column = (choose.choice(ROWS) & -128 for _ in range(2))
            tiles = {
                (level, row + choose.randrange(128), column + choose.randrange(128)): png(7)
                for _ in range(choose.randrange(1, 4))
            }
            files[f"_alllayers/{bundle_path((level, row, column))}"] = v2_bundle((level, row, column), tiles)
    (folder / "source/_alllayers").mkdir(parents=True)
    return write_folder(folder / "source", files)


def assert_sentence(error: TilepackError) -> None:
    message = str(error)
    assert message
    assert "\n" not in message
    assert len(message) < 2000


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 30))
def test_mutated_cache_is_read_or_refused(layout, seed):
    with tempfile.TemporaryDirectory() as folder:
        attempt(layout, seed, Path(folder))


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 30))
def test_cache_with_an_absurd_grid_is_converted_or_refused(seed):
    with tempfile.TemporaryDirectory() as folder:
        attempt_extreme(seed, Path(folder))


@pytest.mark.parametrize(
    ("wkid", "corners"),
    [
        (4326, (180.1, 90.0, 180.2, 90.5)),
        (4326, (-190.0, -95.0, -185.0, -91.0)),
        (3857, (20037508.4, 0, 20037508.5, 1)),
    ],
)
def test_to_degrees_gives_an_edge_when_the_extent_lies_wholly_beyond(wkid, corners):
    xmin, ymin, xmax, ymax = corners  # a longer campaign once found such, as an error of another kind
    degrees = to_degrees(Extent(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax), SpatialReference(wkid=wkid))
    assert degrees is None or max(abs(degrees.xmin), abs(degrees.xmax)) <= 180
