"""Targets: the data of tiles. Decoded pixels must be as large as the cache says; what is written must be read again."""

from __future__ import annotations

import io
from collections.abc import Iterator

import caches
import hostile_builders as small
import numpy as np
from fuzz_target import Refusals, Target, World
from PIL import Image

from tilepack.cache import TileFormat
from tilepack.formats.ending import end_of_image
from tilepack.formats.sniff import is_beheaded_png, sniff
from tilepack.keys import TileKey
from tilepack.pixels.blend import BlendMode
from tilepack.pixels.codec import admits, decode, identify
from tilepack.pixels.compose import clip_tile, compose_tile, trim_tile
from tilepack.pixels.jpeg import write_jpeg
from tilepack.pixels.outcome import Outcome, TileResult
from tilepack.stores.salvage import restore_png

SIDE = 16
"""Pixels: a whole PNG of random colours has 1,100 bytes."""
MASK = np.add.outer(np.arange(SIDE), np.arange(SIDE)) < SIDE
FORMATS = (TileFormat.PNG, TileFormat.PNG8, TileFormat.PNG24, TileFormat.PNG32, TileFormat.JPEG, TileFormat.MIXED)
UNDER = small.png(3, alpha=True)


def look(data: bytes, world: World) -> None:
    """Tell what a tile is and where it ends, without decoding it: nothing of that raises."""
    kind = sniff(data)
    assert kind is None or kind.suffix.startswith(".")
    end = end_of_image(data)
    assert end is None or 0 < end <= len(data)
    mended = restore_png(data)
    assert mended is None or (is_beheaded_png(data) and end_of_image(mended) == len(mended))
    identify(data)


def read(data: bytes, world: World) -> None:
    """Decode a tile."""
    kind = identify(data)
    decoded = decode(data, width=SIDE, height=SIDE)
    assert decoded.pixels.shape == (SIDE, SIDE, 4)
    assert decoded.pixels.dtype == np.uint8
    if kind.is_opaque:
        assert (decoded.pixels[..., 3] == 255).all(), "a tile that is certain to be opaque is not"
    if decoded.jpeg is not None:
        decode(write_jpeg(decoded.pixels, like=decoded.jpeg), width=SIDE, height=SIDE)


def compose(data: bytes, world: World) -> None:
    """Cut a tile and lay it over another one, or under; the first byte says into which format."""
    tile_format, data = FORMATS[data[0] % len(FORMATS)] if data else FORMATS[0], data[1:]
    size = {"width": SIDE, "height": SIDE}
    ways = (
        lambda: clip_tile(data, MASK, tile_format, **size, background=(1, 2, 3)),
        lambda: compose_tile(data, UNDER, MASK, BlendMode.MERGE, tile_format, **size, background=(1, 2, 3)),
        lambda: compose_tile(data, None, None, BlendMode.OVERWRITE, tile_format, **size, allow_lossy=True),
        lambda: compose_tile(UNDER, data, MASK, BlendMode.OVERWRITE, tile_format, **size, recompress=True),
        lambda: trim_tile(data, MASK, tile_format, **size, background=(1, 2, 3), keep_blank=True),
    )
    refusals = Refusals()
    for way in ways:
        result = TileResult(Outcome.REFUSED)
        with refusals.noted():
            result = way()
        if result.data is not None and result.data not in (data, UNDER):
            decode(result.data, width=SIDE, height=SIDE)
            assert admits(tile_format, identify(result.data)) or result.notes.widened_to_rgba
    refusals.raise_first()


# Seeds


def images() -> Iterator[bytes]:
    """Give tiles of every kind that decodes, and of some that do not."""
    noise = Image.frombytes("RGBA", (SIDE, SIDE), bytes(range(256)) * 4)
    tile = TileKey(1, 2, 3)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        for compress, options in ((1, {}), (9, {"optimize": True})):
            yield _saved(
                noise.convert("L").convert("I;16") if mode == "I;16" else noise.convert(mode),
                "PNG",
                compress_level=compress,
                **options,
            )
    yield _saved(noise.convert("P"), "PNG", transparency=3)
    yield _saved(noise.convert("RGB"), "PNG", transparency=(0, 1, 2))
    yield _saved(noise.convert("L"), "PNG", transparency=7)
    for mode in ("L", "RGB", "CMYK"):
        for options in ({"quality": 30}, {"progressive": True}, {"subsampling": 2, "quality": 90}):
            yield _saved(noise.convert(mode), "JPEG", **options)
    yield _saved(noise.convert("RGB"), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0", icc_profile=bytes(200))
    yield _saved(noise.convert("RGB"), "JPEG", keep_rgb=True)
    yield _saved(noise.convert("RGB"), "JPEG", restart_marker_blocks=1)
    yield _saved(noise, "WEBP", lossless=True)
    yield _saved(noise, "WEBP", quality=20)
    yield _saved(noise.convert("RGB"), "GIF")
    yield small.png(1)
    yield (78).to_bytes(4, "little") + small.png(1)[4:]
    yield caches.picture(tile, "png", (SIDE, SIDE))
    yield from (b"Lerc2 \4\0\0\0", b"CntZImage ", b"\x1f\x8b\x08\0", b"")


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def composed_images() -> Iterator[bytes]:
    for number, data in enumerate(images()):
        yield bytes([number]) + data


WORDS = (
    b"IHDR",
    b"IDAT",
    b"IEND",
    b"PLTE",
    b"tRNS",
    b"gAMA",
    b"iCCP",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"\0\0\0\x10\0\0\0\x10",
)
WORDS += (
    b"\xff\xc0",
    b"\xff\xc2",
    b"\xff\xc3",
    b"\xff\xc9",
    b"\xff\xd8",
    b"\xff\xd9",
    b"\xff\xda",
    b"\xff\xdb",
    b"\xff\xdd",
)
WORDS += (
    b"\xff\xe0",
    b"\xff\xe1",
    b"\xff\xee\0\x0eAdobe",
    b"\xff\xff",
    b"\xff\0",
    b"\xff\xd0",
    b"\0\x10\0\x10",
    b"JFIF\0",
)
WORDS += (b"RIFF", b"WEBPVP8 ", b"WEBPVP8L", b"WEBPVP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP", b"\xff\xff\xff\xff")

TARGETS = (
    Target(name="tile, undecoded", run=look, seeds=images, words=WORDS, share=120),
    Target(name="tile, decoded", run=read, seeds=images, words=WORDS, share=100),
    Target(name="tile, composed", run=compose, seeds=composed_images, words=WORDS, share=25),
)
