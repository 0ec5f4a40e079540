"""The caches in fixtures/ are what its scripts make, in every layout, and small."""

from __future__ import annotations

import io
import re
from pathlib import Path

import build
import numpy as np
import pytest
from caches import look_at_files, look_at_tiles
from PIL import Image
from relief import render_tile

import tilepack
from tilepack.cache import StorageFormat

FIXTURES = Path(build.__file__).parent
NAMES = [name for name, *_ in build.PRODUCTS]

EVERY_PRODUCT = pytest.mark.parametrize("name", NAMES)

NUMBER = re.compile(rb"-?[0-9]+\.[0-9]+(?:e-?[0-9]+)?")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fixtures")
    assert [place.name for place in build.build(folder)] == NAMES
    return folder


@pytest.fixture(scope="module")
def encodes_alike() -> bool:
    """Whether Pillow encodes here as it did when the fixtures were built."""
    for key, data in look_at_tiles(FIXTURES / "relief_v2").items():
        sheet = build.RELIEF
        drawn = render_tile(sheet.scheme, key, extent=sheet.extent, kind=sheet.tile_format, quality=sheet.quality)
        if drawn != data:
            return False
    return True


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


@EVERY_PRODUCT
def test_fixture_has_the_same_bytes_when_it_is_built_again(rebuilt, encodes_alike, name):
    if not encodes_alike:
        pytest.skip("this Pillow encodes otherwise than that which built the fixtures; pixels are compared instead")
    before, after = look_at_files(FIXTURES / name), look_at_files(rebuilt / name)
    assert sorted(before) == sorted(after)
    for path, data in before.items():
        if path.endswith((".json", ".xml", ".cdi")):  # degrees may differ in the last digit: PROJ has versions
            assert NUMBER.sub(b"#", after[path]) == NUMBER.sub(b"#", data)
            numbers = [[float(number) for number in NUMBER.findall(text)] for text in (after[path], data)]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-9)
        else:
            assert after[path] == data, path


@EVERY_PRODUCT
def test_fixture_has_the_same_pixels_when_it_is_built_again(rebuilt, name):
    before, after = look_at_tiles(FIXTURES / name), look_at_tiles(rebuilt / name)
    assert sorted(before) == sorted(after)
    for key, data in before.items():
        if after[key] == data:
            continue
        apart = np.abs(pixels(after[key]) - pixels(data))
        assert apart.max() == 0 if data.startswith(b"\x89PNG") else apart.mean() < 1


@EVERY_PRODUCT
def test_fixture_is_sound(name):
    with tilepack.open(FIXTURES / name) as reader:
        report = tilepack.probe(reader, deep=True)
    assert report.warnings == ()
    assert report.tiles
    assert report.dead_bytes == 0


def test_fixtures_are_small():
    sizes = {name: sum(map(len, look_at_files(FIXTURES / name).values())) for name in NAMES}
    assert sum(sizes.values()) < 3_000_000, sizes
    assert max(sizes.values()) < 1_100_000, sizes


def test_fixtures_have_every_storage_format():
    found = set()
    for name in NAMES:
        with tilepack.open(FIXTURES / name) as reader:
            found.add((reader.info.storage_format, (FIXTURES / name).is_file()))
    assert found == {
        (StorageFormat.COMPACT, False),
        (StorageFormat.COMPACT, True),
        (StorageFormat.COMPACT_V2, False),
        (StorageFormat.COMPACT_V2, True),
        (StorageFormat.EXPLODED, False),
    }


def test_mixed_fixture_holds_tiles_of_both_kinds():
    with tilepack.open(FIXTURES / "relief_v2") as reader:
        assert set(tilepack.probe(reader, deep=True).tile_formats) == {"JPEG", "PNG32"}


@pytest.mark.parametrize("name", ["relief_v2", "relief_v1", "relief_exploded", "relief.tpkx", "national_v2"])
def test_fixture_has_transparent_pixels(name):
    assert any((pixels(data)[..., 3] == 0).any() for data in look_at_tiles(FIXTURES / name).values())


def test_national_fixture_has_oblong_tiles_and_levels_that_are_no_powers_of_two():
    with tilepack.open(FIXTURES / "national_v2") as reader:
        scheme = reader.info.scheme
    assert (scheme.tile_width, scheme.tile_height) == (512, 384)
    assert scheme.level(3).resolution / scheme.level(4).resolution == pytest.approx(1.5)
