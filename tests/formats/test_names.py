"""Names of levels, bundles, rows and tiles mean the same both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilepack.formats.names import (
    bundle_name,
    is_hexadecimal_level,
    level_folder,
    parse_bundle_name,
    parse_level_folder,
    parse_row_folder,
    parse_tile_file,
    row_folder,
    tile_file,
)
from tilepack.keys import BundleKey, TileKey

corners = st.integers(0, (1 << 25) - 1).map(lambda number: number * 128)


@given(row=corners, column=corners)
def test_bundle_name_comes_back(row, column):
    assert parse_bundle_name(f"{bundle_name(BundleKey(3, row, column))}.bundle") == (row, column)


@pytest.mark.parametrize(
    ("row", "column", "name"),
    [
        (0, 0, "R0000C0000"),
        (0x180, 0x80, "R0180C0080"),
        (0xE380, 0x12680, "Re380C12680"),
        (0xFF80, 0x10000, "Rff80C10000"),
    ],
)
def test_bundle_name_has_at_least_four_lower_case_digits(row, column, name):
    assert bundle_name(BundleKey(17, row, column)) == name


@pytest.mark.parametrize(
    ("name", "corner"),
    [
        ("R0180C0080.BUNDLE", (0x180, 0x80)),
        ("r0180c0080.bundle", (0x180, 0x80)),
        ("RE380C12680.BUNDLE", (0xE380, 0x12680)),
        ("RC080CC100.BUNDLE", (0xC080, 0xC100)),
        ("R000180C0080.bundle", (0x180, 0x80)),
    ],
)
def test_bundle_name_of_one_case_is_read_where_it_has_one_meaning(name, corner):
    assert parse_bundle_name(name) == corner


@pytest.mark.parametrize("name", ["R0001C0000.bundle", "R0000C0040.bundle", "R0000C007f.bundle"])
def test_bundle_name_off_the_grid_is_refused(name):
    with pytest.raises(ValueError, match="128"):
        parse_bundle_name(name)


def test_bundle_name_with_two_meanings_is_refused():
    # Where the case was lost either c may separate.
    with pytest.raises(ValueError, match="128"):
        parse_bundle_name("r00000c00000c00000.bundle")


@pytest.mark.parametrize(
    "name",
    ["", "bundle", "R0000C0000", "R0000C0000.bundlx", "R000C0000.bundle", "R0000C000.bundle", "R00g0C0000.bundle",
     "xR0000C0000.bundle", "R0000C0000.bundle.lck", "R-080C0000.bundle", "R0000C0000.bundle\n"],
)  # fmt: skip
def test_other_names_are_no_bundles(name):
    assert parse_bundle_name(name) is None


@given(name=st.text(max_size=24))
def test_any_text_is_a_bundle_name_or_none(name):
    try:
        found = parse_bundle_name(name)
    except ValueError:
        return
    assert found is None or all(part % 128 == 0 for part in found)


@given(level=st.integers(0, 255))
def test_level_folder_comes_back(level):
    assert parse_level_folder(level_folder(level)) == level


@pytest.mark.parametrize(("level", "name"), [(0, "L00"), (9, "L09"), (10, "L10"), (23, "L23"), (100, "L100")])
def test_level_folder_counts_in_decimal(level, name):
    assert level_folder(level) == name


@pytest.mark.parametrize(("name", "level"), [("L09", 9), ("L0a", 10), ("L0f", 15), ("L10", 16), ("l1c", 28)])
def test_level_folder_counts_in_hex_when_told(name, level):
    assert parse_level_folder(name, hexadecimal=True) == level


@pytest.mark.parametrize(("name", "only_hex"), [("L09", False), ("L0a", True), ("L10", False), ("Layers", False)])
def test_level_folder_with_a_letter_can_only_be_hex(name, only_hex):
    assert is_hexadecimal_level(name) is only_hex


@pytest.mark.parametrize("name", ["", "L", "L1", "Lxx", "L-1", "L001x", "_alllayers", "L\uff11\uff12"])
def test_other_names_are_no_levels(name):
    assert parse_level_folder(name) is None


@given(row=st.integers(0, (1 << 32) - 1), column=st.integers(0, (1 << 32) - 1))
def test_names_of_exploded_tiles_come_back(row, column):
    assert parse_row_folder(row_folder(row)) == row
    assert parse_tile_file(tile_file(TileKey(0, row, column), ".png")) == column


def test_names_of_exploded_tiles_have_eight_digits():
    assert row_folder(0x29F) == "R0000029f"
    assert tile_file(TileKey(4, 0x29F, 0x280), ".jpg") == "C00000280.jpg"


@pytest.mark.parametrize("name", ["C00000280.JPG", "c00000280.jpeg", "C280.png", "C00000280.Lerc"])
def test_tile_files_are_read_in_other_spellings(name):
    assert parse_tile_file(name) == 0x280


@pytest.mark.parametrize(
    "name", ["C00000280", "C00000280.pgw", "C00000280.png.aux.xml", "Thumbs.db", "C.png", "missing.png"]
)
def test_other_names_are_no_tiles(name):
    assert parse_tile_file(name) is None
