"""Tiles of every kind, and the calls that clip and compose them."""

import io

import numpy as np
from PIL import Image

from tilepack.cache import TileFormat
from tilepack.pixels.blend import BlendMode
from tilepack.pixels.codec import decode
from tilepack.pixels.compose import clip_tile, compose_tile
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
