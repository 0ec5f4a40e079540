"""convert --quality: JPEG tiles are encoded anew where that makes them smaller, all others keep their bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from caches import look_at_tiles, picture, read_all, web_mercator, write_v2
from PIL import Image

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey


def jpeg(seed: int, quality: int, mode: str = "RGB") -> bytes:
    """Encode a smooth picture with a little noise."""
    noise = np.random.default_rng(seed).normal(0, 6, (256, 256, 3))
    ramp = np.add.outer(np.arange(256), np.arange(256))[..., None] / 2 + noise
    out = io.BytesIO()
    Image.fromarray(ramp.clip(0, 255).astype(np.uint8)).convert(mode).save(out, "JPEG", quality=quality)
    return out.getvalue()


FINE = {TileKey(5, row, column): jpeg(row * 9 + column, 95) for row in range(3) for column in range(3)}
GREY = {TileKey(5, 4, 4): jpeg(77, 95, "L"), TileKey(5, 4, 5): jpeg(78, 95, "CMYK")}
COARSE = {TileKey(6, 2, 2): jpeg(80, 5)}
PNG = {TileKey(6, 3, 3): picture(TileKey(6, 3, 3), "png")}


@pytest.mark.parametrize("target", ["small", "small.tpk", "small.tpkx", "small.mbtiles"])
@pytest.mark.parametrize("jobs", [1, 4])
def test_jpeg_becomes_what_pillow_makes_of_its_pixels_and_all_else_stays(tmp_path, target, jobs):
    write_v2(tmp_path / "source", web_mercator(), FINE | GREY | COARSE | PNG, tile_format=TileFormat.MIXED)
    result = tilepack.convert(tmp_path / "source", tmp_path / target, quality=50, jobs=jobs)
    made = read_all(tmp_path / target)
    assert {key: made[key] for key in COARSE | PNG} == COARSE | PNG
    for key, data in (FINE | GREY).items():
        assert len(made[key]) < len(data) / 2
        image, before = Image.open(io.BytesIO(made[key])), Image.open(io.BytesIO(data))
        assert image.mode == ("L" if before.mode == "L" else "RGB")
        wanted = io.BytesIO()
        before.convert(image.mode).save(wanted, "JPEG", quality=50)
        assert image.quantization == Image.open(wanted).quantization
        pixels = np.asarray(image.convert("RGB"), np.int16)
        if before.mode != "CMYK":  # whose inks other readers turn into colours otherwise
            assert made[key] == wanted.getvalue()
        assert np.abs(pixels - np.asarray(before.convert("RGB"), np.int16)).mean() < 8
    assert (result.tiles, result.counts.blended) == (len(made), len(FINE | GREY))
    assert result.notes["jpeg_encoded"] == len(FINE | GREY)
    assert result.notes["cmyk_to_rgb"] == 1
    if not target.endswith(".mbtiles"):
        with tilepack.open(tmp_path / target) as reader:
            assert reader.info.quality == 50


def test_without_jpeg_nothing_changes_and_that_is_said(tmp_path):
    write_v2(tmp_path / "source", web_mercator(), PNG, tile_format=TileFormat.PNG)
    result = tilepack.convert(tmp_path / "source", tmp_path / "made.tpkx", quality=50)
    assert look_at_tiles(tmp_path / "made.tpkx") == PNG
    assert any("--quality is for JPEG" in text for text in result.plan.warnings)


def test_damaged_jpeg_is_named_and_nothing_is_left(tmp_path):
    key = next(iter(FINE))
    cut = FINE | {key: FINE[key][:2000]}
    write_v2(tmp_path / "source", web_mercator(), cut, tile_format=TileFormat.JPEG)
    with pytest.raises(tilepack.TileError, match=f"1 tile cannot be decoded; mend them.*\n  {key}: "):
        tilepack.convert(tmp_path / "source", tmp_path / "made.tpkx", quality=50)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    tilepack.convert(tmp_path / "source", tmp_path / "made.tpkx")
    assert look_at_tiles(tmp_path / "made.tpkx") == cut


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_that_is_none_is_refused(tmp_path, quality):
    write_v2(tmp_path / "source", web_mercator(), PNG)
    with pytest.raises(tilepack.TransferError, match="it goes from 1 to 100"):
        tilepack.convert(tmp_path / "source", tmp_path / "made.tpkx", quality=quality)
