"""What the target's tile format admits, what is encoded anew and how, and what is refused with the ways out."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from caches import look_at_tiles, write_v2
from export_caches import coloured, mask_of, pixels_of, ragged, square, wkt
from import_caches import SCHEME, block, encoded, laid, overlay, put, write_cache
from PIL import Image

import tilepack
from tilepack.cache import TileFormat
from tilepack.formats.sniff import sniff
from tilepack.keys import TileKey

AREA = ragged(square(SCHEME, 5, 9, 13, 3), 7)
HERE = range(9, 12), range(13, 16)
WHITE = tilepack.PixelOptions(background=(255, 255, 255))
LOSSY = tilepack.PixelOptions(allow_lossy=True)


def in_area(tile):
    return mask_of(SCHEME, [AREA], tile)


def smooth(tile: TileKey, width: int, height: int) -> np.ndarray:
    noise = np.random.default_rng([*tile])
    image = Image.fromarray(noise.integers(0, 256, (5, 5, 3)).astype(np.uint8))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def photograph(quality: int, subsampling: int, shade: int = 0):
    """Give a drawer of JPEGs of one quality."""

    def draw(tile: TileKey, width: int, height: int):
        out = io.BytesIO()
        pixels = smooth(tile._replace(level=tile.level + shade), width, height)
        Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=subsampling)
        return out.getvalue(), pixels_of(out.getvalue())

    return draw


def opaque(tile: TileKey, width: int, height: int):
    """Draw an RGB PNG of many colours."""
    pixels = smooth(tile._replace(level=tile.level + 30), width, height)
    return encoded(pixels), pixels_of(encoded(pixels))


def dot(tile: TileKey, width: int, height: int):
    """Draw an RGBA tile that shows a soft square and no more."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[20:40, 20:40] = (250, 20, 130, 128)
    return encoded(pixels), pixels


def model_of(data: bytes) -> tuple[object, int]:
    """Give the quantisation tables of a JPEG, and how its first component is sampled."""
    with Image.open(io.BytesIO(data)) as image:
        return image.quantization, image.layer[0][1:3]


def caches(folder: Path, ours, said: TileFormat, theirs, tile_format: TileFormat) -> tuple[Path, Path]:
    for name in ("here", "there"):
        (folder / name).mkdir()
    source = write_cache("v2", folder / "here", ours, said)
    return source, write_cache("v2", folder / "there", theirs, tile_format)


# JPEG


def test_cutting_into_jpeg_needs_a_background_and_the_error_names_the_ways_out(tmp_path):
    source, target = caches(
        tmp_path,
        block(photograph(80, 0), 5, *HERE),
        TileFormat.JPEG,
        block(photograph(60, 2, 1), 5, *HERE),
        TileFormat.JPEG,
    )
    before = look_at_tiles(target)
    with pytest.raises(tilepack.UnsupportedError) as caught:
        tilepack.import_cache(source, target, area=wkt(AREA))
    for way in ("--background", "MIXED", "--whole-tiles", "export"):
        assert way in str(caught.value)
    assert look_at_tiles(target) == before
    tilepack.import_cache(source, target, area=wkt(AREA), pixels=tilepack.PixelOptions(whole_tiles=True))
    brought = look_at_tiles(source)
    assert {tile for tile, data in look_at_tiles(target).items() if data == brought[tile]} >= {
        tile for tile in brought if in_area(tile).any()
    }


def test_composed_jpeg_is_encoded_once_with_the_target_s_tables(tmp_path):
    ours, theirs = block(photograph(80, 0), 5, *HERE), block(photograph(60, 2, 1), 5, *HERE)
    del theirs[TileKey(5, 9, 13)]
    source, target = caches(tmp_path, ours, TileFormat.JPEG, theirs, TileFormat.JPEG)
    result = tilepack.import_cache(source, target, area=wkt(AREA), pixels=WHITE)
    after, composed = look_at_tiles(target), 0
    for tile, data in after.items():
        inside = in_area(tile)
        if inside.all():
            assert data == ours[tile][0]
        elif not inside.any():
            assert data == theirs[tile][0]
        else:
            composed += 1
            model = theirs[tile][0] if tile in theirs else ours[tile][0]
            assert model_of(data) == model_of(model)
            under = theirs[tile][1] if tile in theirs else np.full((64, 64, 4), 255, np.uint8)
            wanted = put(ours[tile][1], under, inside)
            once = io.BytesIO()
            with Image.open(io.BytesIO(model)) as image:
                sampling = 2 if image.layer[0][1] == 2 else 0
                Image.fromarray(wanted[..., :3]).save(once, "JPEG", qtables=image.quantization, subsampling=sampling)
            np.testing.assert_array_equal(pixels_of(data), pixels_of(once.getvalue()))
    assert composed == result.counts.blended == result.notes["jpeg_encoded"] > 3


def test_no_jpeg_is_encoded_again_where_no_pixel_changes(tmp_path):
    theirs = block(photograph(70, 2), 5, *HERE)
    source, target = caches(tmp_path, theirs, TileFormat.JPEG, theirs, TileFormat.JPEG)
    nothing = {tile: (encoded(np.zeros((64, 64, 4), np.uint8)), None) for tile in theirs}
    (tmp_path / "clear").mkdir()
    clear = write_cache("v2", tmp_path / "clear", nothing)
    for origin, wish in (
        (source, {"area": wkt(AREA), "pixels": WHITE}),
        (source, {"area": wkt(AREA), "pixels": WHITE, "mode": "OVERWRITE"}),
        (clear, {"pixels": LOSSY}),
    ):
        result = tilepack.import_cache(origin, target, **wish)
        assert result.unchanged_bundles == 1
        assert not result.notes.get("jpeg_encoded")
        assert look_at_tiles(target) == {tile: data for tile, (data, _) in theirs.items()}


def test_png_goes_into_jpeg_only_when_that_is_allowed(tmp_path):
    theirs = block(photograph(70, 2), 5, range(9, 11), range(13, 15))
    source, target = caches(tmp_path, block(opaque, 5, *HERE), TileFormat.PNG24, theirs, TileFormat.JPEG)
    with pytest.raises(tilepack.UnsupportedError, match=r"holds JPEG tiles, the source PNG24.*--allow-lossy.*MIXED"):
        tilepack.import_cache(source, target)
    result = tilepack.import_cache(source, target, pixels=LOSSY)
    assert (result.notes["transcoded"], result.notes["jpeg_encoded"], result.counts.blended) == (9, 9, 9)
    after = look_at_tiles(target)
    assert {sniff(data).name for data in after.values()} == {"JPEG"}
    for tile in theirs:
        assert model_of(after[tile]) == model_of(theirs[tile][0])
    default = io.BytesIO()
    Image.new("RGB", (64, 64)).save(default, "JPEG", quality=75)
    assert model_of(after[TileKey(5, 11, 15)])[0] == model_of(default.getvalue())[0]


def test_png_tiles_of_a_mixed_source_are_named_one_by_one(tmp_path):
    ours = block(photograph(80, 0), 5, *HERE) | block(opaque, 5, range(9, 10), range(13, 15))
    source, target = caches(tmp_path, ours, TileFormat.MIXED, block(photograph(70, 2), 5, *HERE), TileFormat.JPEG)
    before = look_at_tiles(target)
    with pytest.raises(tilepack.TileError, match=r"2 tiles cannot be(.|\n)*5/9/13: .*--allow-lossy(.|\n)*5/9/14"):
        tilepack.import_cache(source, target)
    assert look_at_tiles(target) == before
    result = tilepack.import_cache(source, target, pixels=tilepack.PixelOptions(skip_errors=True))
    assert list(result.skipped) == [TileKey(5, 9, 13), TileKey(5, 9, 14)]
    after = look_at_tiles(target)
    for tile, (data, _) in ours.items():
        assert after[tile] == (before[tile] if tile in result.skipped else data)
    assert result.tiles == 7


def test_what_is_invisible_is_not_painted_into_jpeg(tmp_path):
    """A tile that shows nothing becomes no tile of plain background, as it would not elsewhere."""
    ours = block(dot, 5, *HERE)
    ours[TileKey(5, 9, 13)] = (encoded(np.zeros((64, 64, 4), np.uint8)), None)
    source, target = caches(
        tmp_path, ours, TileFormat.PNG32, block(photograph(70, 2), 5, range(10, 11), range(13, 14)), TileFormat.JPEG
    )
    options = tilepack.PixelOptions(allow_lossy=True, background=(0, 255, 0))
    result = tilepack.import_cache(source, target, pixels=options)
    assert result.counts.dropped == 1
    assert TileKey(5, 9, 13) not in look_at_tiles(target)
    kept = tilepack.PixelOptions(allow_lossy=True, background=(0, 255, 0), keep_blank=True)
    tilepack.import_cache(source, target, pixels=kept)
    shown = pixels_of(look_at_tiles(target)[TileKey(5, 9, 13)]).astype(int)
    assert np.abs(shown - (0, 255, 0, 255)).max() <= 2


# MIXED


def test_recompress_makes_opaque_composed_tiles_jpeg(tmp_path):
    theirs = block(photograph(60, 2), 5, *HERE)
    theirs[TileKey(5, 9, 13)] = dot(TileKey(5, 9, 13), 64, 64)
    theirs[TileKey(5, 9, 14)] = opaque(TileKey(5, 9, 14), 64, 64)
    source, target = caches(tmp_path, block(dot, 5, *HERE), TileFormat.PNG32, theirs, TileFormat.MIXED)
    plain = shutil.copytree(target, tmp_path / "plain")
    tilepack.import_cache(source, plain)
    result = tilepack.import_cache(source, target, pixels=tilepack.PixelOptions(recompress=True))
    after, before = look_at_tiles(target), look_at_tiles(plain)
    assert {sniff(data).name for data in before.values()} == {"PNG24", "PNG32"}
    assert result.notes["jpeg_encoded"] == 8
    for tile, data in after.items():
        if tile == TileKey(5, 9, 13):
            assert sniff(data).name == "PNG32"
            continue
        assert sniff(data).name == "JPEG"
        if tile != TileKey(5, 9, 14):
            assert model_of(data) == model_of(theirs[tile][0])
        assert np.abs(pixels_of(data).astype(int) - pixels_of(before[tile])).mean() < 8


def test_tiles_laid_on_jpeg_in_mixed_lose_nothing(tmp_path):
    ours, theirs = block(overlay, 5, *HERE), block(photograph(60, 2), 5, *HERE)
    source, target = caches(tmp_path, ours, TileFormat.PNG32, theirs, TileFormat.MIXED)
    tilepack.import_cache(source, target)
    everywhere = np.ones((64, 64), np.bool_)
    for tile, data in look_at_tiles(target).items():
        np.testing.assert_array_equal(pixels_of(data), laid(ours[tile][1], theirs[tile][1], everywhere))


# PNG8


def test_whole_tiles_of_many_colours_go_into_png8_only_when_that_is_allowed(tmp_path):
    theirs = block(coloured(3, 4), 5, range(10, 11), range(13, 16))
    source, target = caches(tmp_path, block(opaque, 5, *HERE), TileFormat.PNG24, theirs, TileFormat.PNG8)
    before = look_at_tiles(target)
    with pytest.raises(tilepack.TileError, match=r"9 tiles cannot be brought in(.|\n)*--allow-lossy"):
        tilepack.import_cache(source, target)
    assert look_at_tiles(target) == before
    result = tilepack.import_cache(source, target, pixels=LOSSY)
    assert result.notes["quantised"] == result.notes["transcoded"] == 9
    assert {sniff(data).name for data in look_at_tiles(target).values()} == {"PNG8"}


def test_few_colours_go_into_png8_without_a_loss(tmp_path):
    def flat(tile: TileKey, width: int, height: int):
        pixels = np.asarray(Image.fromarray(smooth(tile, width, height)).quantize(200).convert("RGB"))
        return encoded(pixels), pixels_of(encoded(pixels))

    ours = block(flat, 5, *HERE)
    theirs = block(coloured(3, 4), 5, range(10, 11), range(13, 16))
    source, target = caches(tmp_path, ours, TileFormat.PNG24, theirs, TileFormat.PNG8)
    result = tilepack.import_cache(source, target)
    assert (result.notes["transcoded"], result.notes.get("quantised", 0)) == (9, 0)
    for tile, data in look_at_tiles(target).items():
        assert sniff(data).name == "PNG8"
        np.testing.assert_array_equal(pixels_of(data), ours[tile][1])


# LERC


def elevation(tile: TileKey, width: int, height: int):
    return b"Lerc2 " + bytes(tile) * 9 + b"\0" * 70, None


def test_elevation_stays_among_elevation(tmp_path):
    source, target = caches(
        tmp_path, block(elevation, 5, *HERE), TileFormat.LERC, block(dot, 5, *HERE), TileFormat.MIXED
    )
    for one, other in ((source, target), (target, source)):
        with pytest.raises(tilepack.UnsupportedError, match="images and other data cannot stand in one cache"):
            tilepack.import_cache(one, other)


@pytest.mark.parametrize("layout", ["v2", "exploded", "tpkx"])
def test_elevation_moves_whole(tmp_path, layout):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    ours = block(elevation, 5, *HERE)
    theirs = {tile: (b"CntZImage " + data, None) for tile, (data, _) in block(elevation, 5, *HERE).items()}
    source = write_cache(layout, tmp_path / "here", ours, TileFormat.LERC)
    target = write_cache(layout, tmp_path / "there", theirs, TileFormat.LERC)
    with pytest.raises(tilepack.UnsupportedError, match=r"LERC.*cannot be cut.*--strict"):
        tilepack.import_cache(source, target, area=wkt(AREA), pixels=tilepack.PixelOptions(strict=True))
    result = tilepack.import_cache(source, target, area=wkt(AREA))
    assert any("move whole" in warning for warning in result.plan.warnings)
    met = {tile for tile in ours if in_area(tile).any()}
    after = look_at_tiles(target) if layout != "exploded" else dict(tilepack_tiles(target))
    for tile in ours:
        assert after[tile] in ({ours[tile][0]} if tile in met else {ours[tile][0], theirs[tile][0]})
    assert result.counts.blended == 0


def tilepack_tiles(path: Path):
    with tilepack.open(path) as cache:
        return [(tile, cache.read(tile)) for tile, _ in tilepack.list_tiles(cache)]


def test_other_data_in_an_image_cache_is_named(tmp_path):
    ours = block(dot, 5, *HERE) | {TileKey(5, 9, 13): elevation(TileKey(5, 9, 13), 64, 64)}
    (tmp_path / "there").mkdir()
    write_v2(tmp_path / "here", SCHEME, {tile: data for tile, (data, _) in ours.items()}, tile_format=TileFormat.PNG32)
    target = write_cache("v2", tmp_path / "there", block(opaque, 5, *HERE), TileFormat.MIXED)
    with pytest.raises(tilepack.TileError, match=r"1 tile (.|\n)*5/9/13: a LERC tile can neither move into MIXED"):
        tilepack.import_cache(tmp_path / "here", target)
