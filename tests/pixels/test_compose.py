"""One tile's way: moved, cut, laid on another, in the target's format; decoded and encoded only where it must be."""

import numpy as np
import pytest
from tiles_to_compose import (
    EVERYTHING,
    JPEG,
    MERGE,
    MIXED,
    OVERWRITE,
    PNG,
    PNG8,
    PNG24,
    PNG32,
    SIDE,
    TILES,
    WHITE,
    clip,
    compose,
    decoded,
    disc,
    jpeg,
    noise,
    palette_tile,
    pixels_of,
)

from tilepack.errors import TileError, UnsupportedError
from tilepack.formats.sniff import sniff
from tilepack.pixels.blend import BlendMode, merge, overwrite
from tilepack.pixels.codec import encode_png
from tilepack.pixels.outcome import Outcome, TileNotes
from tilepack.pixels.png import write_png

DAMAGED = TILES["RGB"][:200]


@pytest.mark.parametrize(
    ("source", "target", "mask", "mode", "tile_format"),
    [
        ("JPEG", "JPEG", None, MERGE, JPEG),
        ("JPEG", "RGBA", EVERYTHING, MERGE, MIXED),
        ("RGB", "JPEG", None, MERGE, MIXED),
        ("RGBA", None, None, MERGE, PNG),
        ("RGBA", "RGB", None, OVERWRITE, PNG32),
        ("palette", "full palette", None, OVERWRITE, PNG8),
    ],
)
def test_bytes_move_undecoded_where_they_replace_all(source, target, mask, mode, tile_format):
    """The targets are damaged, and half of each source is missing: nobody looks."""
    data = TILES[source][:400]
    result = compose(data, target and TILES[target][:60], mask, mode, tile_format)
    assert (result.outcome, result.data, result.notes) == (Outcome.MOVED, data, TileNotes())


def test_bytes_move_where_a_tile_proves_opaque():
    data = write_png(noise(5))
    result = compose(data, DAMAGED, None, MERGE, PNG)
    assert (result.outcome, result.data) == (Outcome.MOVED, data)
    assert result.notes.decoded


def test_equal_bytes_are_no_change():
    assert compose(TILES["JPEG"], TILES["JPEG"], None, MERGE, JPEG).outcome is Outcome.UNCHANGED
    assert compose(TILES["RGBA"], TILES["RGBA"], None, OVERWRITE, PNG).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("tile_format", [PNG, PNG32, MIXED])
@pytest.mark.parametrize("target", ["RGB", "other RGBA", "palette", "grey", "other JPEG"])
@pytest.mark.parametrize("source", ["RGBA", "palette with a clear entry", "JPEG"])
@pytest.mark.parametrize("mode", [MERGE, OVERWRITE])
def test_composed_tiles_are_exact(source, target, mode, tile_format):
    expected = pixels_of(TILES[target])
    kernel = merge if mode is MERGE else overwrite
    kernel(pixels_of(TILES[source]), expected, disc())
    result = compose(TILES[source], TILES[target], disc(), mode, tile_format)
    assert result.outcome is Outcome.COMPOSED
    assert np.array_equal(pixels_of(result.data), expected)
    assert not result.notes.transcoded


def test_pieces_put_together_again_are_the_original():
    for name in ("RGB", "RGBA", "palette", "grey", "JPEG"):
        data = TILES[name]
        inner, outer = clip(data, MIXED).data, clip(data, MIXED, ~disc()).data
        whole = compose(outer, inner, ~disc(), MERGE, MIXED)
        visible = pixels_of(data)[..., 3] > 0  # MERGE says nothing of what is under alpha 0
        assert np.array_equal(pixels_of(whole.data)[..., 3], pixels_of(data)[..., 3])
        assert np.array_equal(pixels_of(whole.data)[visible], pixels_of(data)[visible])
        whole = compose(outer, inner, ~disc(), OVERWRITE, MIXED)
        assert np.array_equal(pixels_of(whole.data), pixels_of(data))


def test_a_transparent_source_changes_nothing_under_merge():
    clear = noise(6, (0,))
    half = noise(7)
    half[disc(), 3] = 0
    for data in (write_png(clear), write_png(half)):
        result = compose(data, DAMAGED, disc(), MERGE, PNG)
        assert (result.outcome, result.data) == (Outcome.UNCHANGED, None)


def test_a_jpeg_is_never_encoded_again_when_no_pixel_changed():
    data = TILES["JPEG"]
    same = write_png(pixels_of(data))
    for mode in BlendMode:
        assert compose(same, data, disc(), mode, JPEG).outcome is Outcome.UNCHANGED
    assert compose(same, data, None, OVERWRITE, JPEG, allow_lossy=True).outcome is Outcome.UNCHANGED


def test_a_composed_jpeg_has_the_tables_of_the_target():
    source, target = jpeg(1, quality=90, subsampling=0), jpeg(2, quality=50, subsampling=2)
    result = compose(source, target, disc(), MERGE, JPEG)
    assert decoded(result.data).jpeg == decoded(target).jpeg
    assert result.notes == TileNotes(decoded=True, jpeg_encoded=True)


def test_recompress_makes_opaque_mixed_tiles_jpeg():
    source, target = jpeg(1, quality=90, subsampling=0), jpeg(2, quality=50, subsampling=2)
    assert decoded(compose(source, target, disc(), MERGE, MIXED).data).kind.name == "PNG24"
    assert decoded(compose(source, target, disc(), MERGE, MIXED, recompress=True).data).jpeg == decoded(target).jpeg
    over_png = compose(source, TILES["RGB"], disc(), MERGE, MIXED, recompress=True)
    assert decoded(over_png.data).jpeg == decoded(source).jpeg
    neither = compose(TILES["palette"], TILES["RGB"], disc(), MERGE, MIXED, recompress=True, quality=33)
    assert decoded(neither.data).jpeg.tables == decoded(jpeg(quality=33)).jpeg.tables
    still_clear = compose(source, TILES["RGBA"], disc(), MERGE, MIXED, recompress=True)
    assert decoded(still_clear.data).kind.name == "PNG32"


def test_what_is_not_admitted_is_transcoded_and_counted():
    for tile_format, name in ((PNG, "PNG24"), (PNG32, "PNG32"), (PNG24, "PNG24")):
        result = compose(TILES["JPEG"], None, None, MERGE, tile_format)
        assert sniff(result.data).name == name
        assert result.notes == TileNotes(decoded=True, transcoded=True)
        assert np.array_equal(pixels_of(result.data), pixels_of(TILES["JPEG"]))


@pytest.mark.parametrize("target", [None, "JPEG"])
def test_jpeg_is_made_of_png_only_by_leave(target):
    data = target and TILES[target]
    refused = compose(TILES["RGB"], data, None, MERGE, JPEG)
    assert (refused.outcome, refused.data) == (Outcome.REFUSED, None)
    result = compose(TILES["RGB"], data, None, MERGE, JPEG, allow_lossy=True, quality=40)
    assert sniff(result.data).name == "JPEG"
    assert result.notes == TileNotes(decoded=True, transcoded=True, jpeg_encoded=True)
    model = jpeg() if target else jpeg(quality=40)
    assert decoded(result.data).jpeg.tables == decoded(model).jpeg.tables


def test_transparent_png_becomes_jpeg_only_on_a_background():
    with pytest.raises(UnsupportedError, match="--background"):
        compose(TILES["RGBA"], None, None, MERGE, JPEG, allow_lossy=True)
    result = compose(TILES["RGBA"], None, None, MERGE, JPEG, allow_lossy=True, background=WHITE)
    assert sniff(result.data).name == "JPEG"
    masked = compose(TILES["RGBA"], None, disc(), MERGE, JPEG, background=WHITE)
    assert masked.outcome is Outcome.REFUSED


def test_png8_is_made_of_more_colours_only_by_leave():
    few = write_png(pixels_of(TILES["palette"]))
    exact = compose(few, None, None, MERGE, PNG8)
    assert sniff(exact.data).name == "PNG8"
    assert exact.notes == TileNotes(decoded=True, transcoded=True)
    for mask in (None, disc()):
        assert compose(TILES["RGBA"], None, mask, OVERWRITE, PNG8).outcome is Outcome.REFUSED
        result = compose(TILES["RGBA"], None, mask, OVERWRITE, PNG8, allow_lossy=True)
        assert sniff(result.data).name == "PNG8"
        assert result.notes == TileNotes(decoded=True, transcoded=True, quantised=True)


def test_composed_png8_is_exact_or_quantised_and_counted():
    few = compose(palette_tile(40, 1), palette_tile(50, 2), disc(), MERGE, PNG8)
    assert not few.notes.quantised
    expected = pixels_of(palette_tile(50, 2))
    merge(pixels_of(palette_tile(40, 1)), expected, disc())
    assert np.array_equal(pixels_of(few.data), expected)
    many = compose(palette_tile(256, 1), palette_tile(256, 2), disc(), MERGE, PNG8)
    assert many.notes.quantised
    assert sniff(many.data).name == "PNG8"


def test_sixteen_bits_are_counted_where_they_are_lost():
    assert compose(TILES["16 bit"], TILES["RGB"], disc(), MERGE, PNG).notes.sixteen_to_eight
    assert compose(TILES["RGB"], TILES["16 bit"], disc(), MERGE, PNG).notes.sixteen_to_eight
    assert not compose(TILES["16 bit"], TILES["RGB"], None, MERGE, PNG).notes.sixteen_to_eight


def test_overwriting_with_nothing_drops_the_tile():
    clear = write_png(noise(6, (0,)))
    target = np.zeros((SIDE, SIDE, 4), np.uint8)
    target[disc()] = 255
    assert compose(clear, write_png(target), disc(), OVERWRITE, PNG).outcome is Outcome.DROPPED
    kept = compose(clear, write_png(target), disc(), OVERWRITE, PNG, keep_blank=True)
    assert kept.outcome is Outcome.COMPOSED


@pytest.mark.parametrize("mode", BlendMode)
def test_importing_twice_is_importing_once_for_hard_alphas(mode):
    source, target = write_png(noise(8, (0, 255))), encode_png(noise(9, (0, 255)), PNG).data
    for tile_format in (PNG, PNG32, MIXED):
        once = compose(source, target, disc(), mode, tile_format)
        assert compose(source, once.data, disc(), mode, tile_format).outcome is Outcome.UNCHANGED


def test_damaged_tiles_are_told_apart():
    with pytest.raises(TileError) as source:
        compose(DAMAGED, TILES["RGB"], disc(), MERGE, PNG)
    assert not hasattr(source.value, "__notes__")
    with pytest.raises(TileError) as target:
        compose(TILES["RGB"], DAMAGED, disc(), MERGE, PNG)
    assert target.value.__notes__ == ["this is the target's tile"]


def test_a_damaged_target_does_not_hinder_what_replaces_it():
    result = compose(TILES["JPEG"], DAMAGED, None, OVERWRITE, PNG24)
    assert np.array_equal(pixels_of(result.data), pixels_of(TILES["JPEG"]))


@pytest.mark.parametrize("mask", [np.ones((SIDE, SIDE + 1), np.bool_), np.ones((SIDE, SIDE), np.uint8)])
def test_masks_of_another_shape_or_type_are_refused(mask):
    with pytest.raises(ValueError, match="a mask of 32 x 32"):
        clip(TILES["RGB"], PNG, mask)
    with pytest.raises(ValueError, match="a mask of 32 x 32"):
        compose(TILES["RGB"], None, mask, MERGE, PNG)
