"""One tile's way: moved, cut, laid on another, in the target's format; decoded and encoded only where it must be."""

import io

import numpy as np
import pytest
from PIL import Image

from tilepack.cache import TileFormat
from tilepack.errors import TileError, UnsupportedError
from tilepack.formats.sniff import sniff
from tilepack.pixels.blend import BlendMode, cut, merge, overwrite, paint
from tilepack.pixels.codec import decode, encode_png
from tilepack.pixels.compose import clip_tile, compose_tile
from tilepack.pixels.outcome import Outcome, TileNotes
from tilepack.pixels.png import write_png

SIDE = 32
PNG, PNG8, PNG24, PNG32 = TileFormat.PNG, TileFormat.PNG8, TileFormat.PNG24, TileFormat.PNG32
JPEG, MIXED, LERC = TileFormat.JPEG, TileFormat.MIXED, TileFormat.LERC
MERGE, OVERWRITE = BlendMode.MERGE, BlendMode.OVERWRITE
WHITE = (255, 255, 255)


def noise(seed=0, alpha=(255,)):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (SIDE, SIDE, 4)).astype(np.uint8)
    pixels[..., 3] = random.choice(alpha, (SIDE, SIDE))
    return pixels


def disc():
    y, x = np.mgrid[:SIDE, :SIDE]
    return (x - 13) ** 2 + (y - 17) ** 2 < 120


def saved(image, image_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def jpeg(seed=0, mode="RGB", **options):
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (5, 5, 3)).astype(np.uint8))
    return saved(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert(mode), "JPEG", **options)


def palette_tile(entries, seed=0, clear=None):
    random = np.random.default_rng(seed)
    palette = np.full((entries, 4), 255, np.uint8)
    palette[:, :3] = random.integers(0, 256, (entries, 3))
    if clear is not None:
        palette[clear, 3] = 0
    return write_png(
        random.permutation(np.arange(SIDE * SIDE) % entries).astype(np.uint8).reshape(SIDE, SIDE), palette=palette
    )


def decoded(data):
    return decode(data, width=SIDE, height=SIDE)


def pixels_of(data):
    return decoded(data).pixels


def clip(data, tile_format, mask=None, **options):
    return clip_tile(data, disc() if mask is None else mask, tile_format, width=SIDE, height=SIDE, **options)


def compose(source, target, mask, mode, tile_format, **options):
    return compose_tile(source, target, mask, mode, tile_format, width=SIDE, height=SIDE, **options)


NOTHING, EVERYTHING = np.zeros((SIDE, SIDE), np.bool_), np.ones((SIDE, SIDE), np.bool_)

TILES = {
    "RGB": write_png(noise(1)[..., :3]),
    "RGB with a key": write_png((noise(2)[..., :3] // 64) * 64, key=(64, 128, 0)),
    "RGBA": write_png(noise(3, (0, 90, 255))),
    "palette": palette_tile(40),
    "full palette": palette_tile(256),
    "palette with a clear entry": palette_tile(256, clear=9),
    "grey": saved(Image.fromarray(noise(4)[..., 0]), "PNG"),
    "grey with alpha": saved(Image.fromarray(noise(4)[..., :2].copy(), "LA"), "PNG"),
    "16 bit": saved(Image.fromarray(np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE) * 61), "PNG"),
    "other RGBA": write_png(noise(5, (0, 40, 255))),
    "JPEG": jpeg(),
    "other JPEG": jpeg(1),
    "grey JPEG": jpeg(mode="L"),
    "CMYK JPEG": jpeg(mode="CMYK"),
}


@pytest.mark.parametrize("tile_format", [PNG, PNG8, PNG24, PNG32, MIXED])
@pytest.mark.parametrize("name", TILES)
def test_a_clipped_tile_keeps_what_is_inside_bit_by_bit(name, tile_format):
    before = pixels_of(TILES[name])
    result = clip(TILES[name], tile_format)
    after = pixels_of(result.data)
    assert result.outcome is Outcome.COMPOSED
    assert (after[~disc(), 3] == 0).all()
    kept = disc() & (before[..., 3] > 0)
    assert np.array_equal(after[kept], before[kept])
    assert (after[disc(), 3] == before[disc(), 3]).all()
    if tile_format not in (PNG24, PNG8) or name == "RGB with a key":
        assert np.array_equal(after[disc()], before[disc()])
    assert result.notes.sixteen_to_eight == (name == "16 bit")


def test_a_clipped_palette_tile_keeps_palette_and_indices():
    for name in ("palette", "full palette", "palette with a clear entry"):
        before = decoded(TILES[name])
        result = clip(TILES[name], PNG8)
        after = decoded(result.data)
        assert sniff(result.data).name == "PNG8"
        assert np.array_equal(after.indices[disc()], before.indices[disc()])
        used = np.unique(before.indices[disc()])
        assert np.array_equal(after.palette[used], before.palette[used])
        assert not result.notes.widened_to_rgba


def test_a_palette_tile_without_room_becomes_rgba():
    mask = EVERYTHING.copy()
    mask[0] = False
    result = clip(TILES["full palette"], PNG8, mask)
    assert sniff(result.data).name == "PNG32"
    assert result.notes.widened_to_rgba


def test_png24_takes_the_key_it_had_or_a_free_one():
    kept = decoded(clip(TILES["RGB with a key"], PNG24).data)
    assert (kept.kind.name, kept.key) == ("PNG24", (64, 128, 0))
    made = decoded(clip(TILES["RGB"], PNG24).data)
    assert made.kind.name == "PNG24"
    assert made.key is not None


def test_a_clipped_jpeg_becomes_png_for_mixed():
    result = clip(TILES["JPEG"], MIXED)
    assert sniff(result.data).name == "PNG32"
    expected = pixels_of(TILES["JPEG"])
    cut(expected, disc())
    assert np.array_equal(pixels_of(result.data), expected)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_background_keeps_jpeg_its_tables_and_its_subsampling(subsampling):
    data = jpeg(quality=60, subsampling=subsampling)
    result = clip(data, JPEG, background=WHITE)
    assert decoded(result.data).jpeg == decoded(data).jpeg
    expected = pixels_of(data)
    paint(WHITE, expected, disc())
    assert np.abs(pixels_of(result.data).astype(int) - expected).mean() < 12
    assert result.notes == TileNotes(decoded=True, jpeg_encoded=True)


def test_grey_and_cmyk_jpegs_with_a_background():
    grey = clip(TILES["grey JPEG"], JPEG, background=WHITE)
    assert decoded(grey.data).jpeg.model == "L"
    assert decoded(clip(TILES["grey JPEG"], JPEG, background=(255, 0, 0)).data).jpeg.model == "YCbCr"
    inks = clip(TILES["CMYK JPEG"], JPEG, background=WHITE)
    assert decoded(inks.data).jpeg.model == "YCbCr"
    assert inks.notes.cmyk_to_rgb


def test_png_in_a_jpeg_cache_is_painted_and_transcoded():
    result = clip(TILES["RGBA"], JPEG, background=WHITE)
    assert sniff(result.data).name == "JPEG"
    assert result.notes.transcoded


def test_jpeg_cannot_be_clipped_without_a_background():
    with pytest.raises(UnsupportedError, match=r"--background.*MIXED"):
        clip(TILES["JPEG"], JPEG)
    with pytest.raises(UnsupportedError, match="--background"):
        compose(TILES["JPEG"], None, disc(), MERGE, JPEG)
    with pytest.raises(UnsupportedError, match="--background"):
        compose(TILES["RGBA"], TILES["JPEG"], disc(), OVERWRITE, JPEG)


def test_tiles_without_a_visible_pixel_are_dropped_unless_kept():
    blank = write_png(noise(1, (0,)))
    for data, mask in ((blank, disc()), (TILES["RGB"], NOTHING), (TILES["JPEG"], NOTHING)):
        assert clip(data, MIXED, mask).outcome is Outcome.DROPPED
        kept = clip(data, MIXED, mask, keep_blank=True)
        assert not pixels_of(kept.data)[..., 3].any()
    opaque_outside = noise(1)
    opaque_outside[disc(), 3] = 0
    assert clip(write_png(opaque_outside), PNG).outcome is Outcome.DROPPED
    assert compose(TILES["RGB"], None, NOTHING, MERGE, PNG).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("name", TILES)
def test_a_mask_of_everything_moves_the_bytes(name):
    result = clip(TILES[name], PNG, EVERYTHING)
    assert (result.outcome, result.data, result.notes) == (Outcome.MOVED, TILES[name], TileNotes())


@pytest.mark.parametrize("data", [b"Lerc2 " + bytes(80), b"\x1f\x8b" + bytes(20)])
def test_what_is_no_image_moves_whole_or_not_at_all(data):
    with pytest.raises(UnsupportedError, match="no pixels to cut"):
        clip(data, LERC)
    with pytest.raises(UnsupportedError, match="neither move"):
        compose(data, None, disc(), MERGE, LERC)
    with pytest.raises(UnsupportedError, match="neither move"):
        compose(data, None, None, MERGE, PNG)
    if data.startswith(b"Lerc"):
        assert compose(data, b"Lerc2 old", None, MERGE, LERC).outcome is Outcome.MOVED


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
