"""The thumbnail shows the whole extent from few tiles, whatever the tiles are."""

import io
import struct
import zlib

import pytest
from PIL import Image

from tilepack.errors import BundleError
from tilepack.extent import Extent
from tilepack.formats.sniff import PNG_SIGNATURE
from tilepack.keys import TileKey, TileRange
from tilepack.pixels.thumbnail import draw_thumbnail
from tilepack.scheme import LevelOfDetail, TilingScheme
from tilepack.spatial import SpatialReference

WHITE, RED, GREEN, BLUE = (255, 255, 255), (200, 0, 0), (0, 160, 0), (0, 0, 220)

SIDE = 1024.0
"""Map units of the square world in these tests; level 0 shows it in one tile."""

WORLD = Extent(xmin=0, ymin=0, xmax=SIDE, ymax=SIDE)
SMALL = Extent(xmin=0, ymin=SIDE - 150, xmax=200, ymax=SIDE)


def scheme(*, tile=(256, 256), levels=range(12), origin=(0.0, SIDE)) -> TilingScheme:
    return TilingScheme(
        origin_x=origin[0],
        origin_y=origin[1],
        tile_width=tile[0],
        tile_height=tile[1],
        levels=tuple(LevelOfDetail(level=n, resolution=4 / 2**n, scale=1000 / 2**n) for n in levels),
        spatial_reference=SpatialReference(wkid=2056),
    )


def rectangle(level: int, rows: tuple[int, int], columns: tuple[int, int]) -> tuple[int, TileRange]:
    return level, TileRange(
        level=level, row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1]
    )


def full(level: int) -> tuple[int, TileRange]:
    return rectangle(level, (0, 2**level), (0, 2**level))


def encoded(image: Image.Image, image_format="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def plain(colour, mode="RGB", size=(256, 256), image_format="PNG") -> bytes:
    return encoded(Image.new(mode, size, colour), image_format)


class Source:
    """Tiles from a function, and a list of those asked for."""

    def __init__(self, data):
        self.data = data
        self.asked = []

    def __call__(self, tile: TileKey) -> bytes | None:
        self.asked.append(tile)
        return self.data(tile) if callable(self.data) else self.data


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def test_thumbnail_is_an_rgb_png_without_metadata():
    data = draw_thumbnail(Source(plain(RED)), scheme(), WORLD, [full(0)])
    image = opened(data)
    assert (image.format, image.mode, image.size, image.info) == ("PNG", "RGB", (200, 133), {})
    assert data[33 + 4 : 33 + 8] == b"IDAT"


def test_thumbnail_centres_the_extent_on_white_and_keeps_its_aspect():
    image = opened(draw_thumbnail(Source(plain(RED)), scheme(), WORLD, [full(0)]))
    columns = [image.getpixel((x, 66)) for x in range(200)]
    assert columns == [WHITE] * 34 + [RED] * 133 + [WHITE] * 33
    assert {image.getpixel((100, y)) for y in range(133)} == {RED}


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("tile", [(256, 256), (128, 256), (100, 60)])
def test_thumbnail_has_no_seams_whatever_the_level_and_tile_size(level, tile):
    grid = scheme(tile=tile)
    box = grid.tiles_in(WORLD, level)
    image = opened(draw_thumbnail(Source(plain(BLUE, size=tile)), grid, WORLD, [(level, box)]))
    assert sorted(image.getcolors()) == [(67 * 133, WHITE), (133 * 133, BLUE)]


def test_thumbnail_puts_each_tile_where_it_belongs():
    colours = {(0, 0): RED, (0, 1): GREEN, (1, 0): BLUE}

    def tile(key):
        colour = colours.get((key.row, key.column))
        return colour and plain(colour)

    extent = Extent(xmin=0, ymin=0, xmax=SIDE, ymax=SIDE)
    image = opened(draw_thumbnail(Source(tile), scheme(), extent, [full(1)], size=(100, 100)))
    assert [image.getpixel(xy) for xy in ((20, 20), (80, 20), (20, 80), (80, 80))] == [RED, GREEN, BLUE, WHITE]


def test_thumbnail_shows_a_fractional_part_of_a_tile():
    picture = Image.new("RGB", (256, 256), RED)
    picture.paste(BLUE, (128, 0, 256, 256))
    extent = Extent(xmin=256, ymin=100, xmax=768, ymax=500)  # red left of x = 512, blue right of it
    image = opened(draw_thumbnail(Source(encoded(picture)), scheme(), extent, [full(0)], size=(64, 50)))
    assert image.getpixel((5, 25)) == RED
    assert image.getpixel((58, 25)) == BLUE


def test_thumbnail_reads_the_coarsest_level_that_has_a_pixel_for_each():
    source = Source(plain(RED))
    draw_thumbnail(source, scheme(), WORLD, [full(n) for n in range(6)], size=(300, 300))
    assert {tile.level for tile in source.asked} == {1}
    assert len(source.asked) == 4


def test_thumbnail_reads_the_finest_level_when_all_are_coarse():
    source = Source(plain(RED))
    draw_thumbnail(source, scheme(), WORLD, [full(0), full(1)], size=(3000, 3000))
    assert {tile.level for tile in source.asked} == {1}


@pytest.mark.parametrize("level", [3, 4, 7, 11])
def test_thumbnail_reads_few_tiles_when_there_is_only_a_fine_level(level):
    source = Source(plain(GREEN))
    image = opened(draw_thumbnail(source, scheme(), WORLD, [full(level)]))
    assert len(source.asked) <= 64
    assert image.getpixel((100, 66)) == GREEN


def test_thumbnail_prefers_a_fine_level_when_the_coarse_one_shows_a_dot():
    source = Source(plain(GREEN))
    extent = Extent(xmin=0, ymin=SIDE - 20, xmax=20, ymax=SIDE)
    draw_thumbnail(source, scheme(), extent, [full(0), (11, scheme().tiles_in(extent, 11))])
    assert {tile.level for tile in source.asked} == {11}


def test_thumbnail_reads_only_where_tiles_are_said_to_be():
    source = Source(plain(GREEN))
    parts = [rectangle(11, (0, 128), (0, 128)), rectangle(11, (1920, 2048), (1920, 2048))]
    draw_thumbnail(source, scheme(), WORLD, parts)
    assert 0 < len(source.asked) <= 64
    assert all(any(tile in part for _, part in parts) for tile in source.asked)


def test_thumbnail_composes_transparent_pixels_on_white():
    data = plain((200, 0, 0, 0), "RGBA")
    assert opened(draw_thumbnail(Source(data), scheme(), WORLD, [full(0)])).getcolors() == [(200 * 133, WHITE)]
    half = plain((0, 0, 0, 128), "RGBA")
    grey = opened(draw_thumbnail(Source(half), scheme(), WORLD, [full(0)])).getpixel((100, 66))
    assert grey == (127, 127, 127)


def test_thumbnail_honours_a_transparent_palette_entry():
    image = Image.new("P", (256, 256), 1)
    image.putpalette([0, 0, 0, *RED])
    data = encoded(image, transparency=b"\xff\x00")
    assert opened(draw_thumbnail(Source(data), scheme(), WORLD, [full(0)])).getcolors() == [(200 * 133, WHITE)]


@pytest.mark.parametrize(
    ("mode", "colour", "image_format", "seen"),
    [
        ("L", 77, "PNG", (77, 77, 77)),
        ("LA", (77, 255), "PNG", (77, 77, 77)),
        ("I;16", 0x4D00, "PNG", (77, 77, 77)),
        ("1", 1, "PNG", WHITE),
        ("L", 77, "JPEG", (77, 77, 77)),
        ("RGB", (77, 77, 77), "JPEG", (77, 77, 77)),
        ("RGB", (77, 77, 77), "GIF", (77, 77, 77)),
    ],
)
def test_thumbnail_draws_tiles_of_every_image_kind(mode, colour, image_format, seen):
    data = plain(colour, mode, image_format=image_format)
    image = opened(draw_thumbnail(Source(data), scheme(), WORLD, [full(0)]))
    assert image.getpixel((100, 66)) == seen


def bomb(width: int, height: int) -> bytes:
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return PNG_SIGNATURE + ihdr + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"no tile",
        b"\x1f\x8b\x08\x00vector",
        b"Lerc2 " + struct.pack("<iI2i", 4, 0, 256, 256),
        plain(RED, size=(255, 256)),
        plain(RED)[:60],
        plain(RED, image_format="JPEG")[:400],
        plain(RED)[4:],
        bomb(100_000, 100_000),
        bomb(256, 256),
    ],
)
def test_thumbnail_leaves_bad_tiles_white(data):
    image = opened(draw_thumbnail(Source(data), scheme(), WORLD, [full(1)]))
    assert image.getcolors() == [(200 * 133, WHITE)]


def test_thumbnail_decodes_no_bomb_even_when_the_scheme_agrees_with_it():
    grid = scheme(tile=(20_000, 20_000))
    image = opened(draw_thumbnail(Source(bomb(20_000, 20_000)), grid, WORLD, [full(0)]))
    assert image.getcolors() == [(200 * 133, WHITE)]


def test_thumbnail_draws_another_level_when_none_of_the_best_can_be_shown():
    source = Source(lambda tile: plain(RED) if tile.level in {2, 5} else b"damaged")
    image = opened(draw_thumbnail(source, scheme(), WORLD, [full(level) for level in range(6)]))
    assert image.getpixel((100, 66)) == RED
    assert [level for level in range(6) if any(tile.level == level for tile in source.asked)] == [0, 1, 2]


def test_thumbnail_tries_coarser_levels_last():
    source = Source(lambda tile: plain(RED) if tile.level == 0 else b"damaged")
    image = opened(draw_thumbnail(source, scheme(), SMALL, [full(0), full(1), full(2)]))
    assert image.getpixel((100, 66)) == RED


def test_thumbnail_gives_up_when_no_level_can_be_shown():
    source = Source(b"no picture")
    image = opened(draw_thumbnail(source, scheme(), WORLD, [full(level) for level in range(12)]))
    assert image.getcolors() == [(200 * 133, WHITE)]
    assert len({tile.level for tile in source.asked}) == 4


def test_thumbnail_leaves_a_tile_white_when_its_bundle_is_broken():
    def read(tile):
        if tile.column:
            raise BundleError("tile lies past the end")
        return plain(RED)

    image = opened(draw_thumbnail(Source(read), scheme(), WORLD, [full(1)]))
    assert image.getpixel((60, 66)) == RED
    assert image.getpixel((140, 66)) == WHITE


@pytest.mark.parametrize(
    "extent",
    [
        Extent(xmin=5, ymin=5, xmax=5, ymax=5),
        Extent(xmin=5, ymin=5, xmax=9, ymax=5),
        Extent(xmin=-900, ymin=5, xmax=-800, ymax=50),
        Extent(xmin=-1.7e308, ymin=-1.7e308, xmax=1.7e308, ymax=1.7e308),
    ],
)
def test_thumbnail_is_white_when_nothing_of_the_extent_can_be_shown(extent):
    image = opened(draw_thumbnail(Source(plain(RED)), scheme(), extent, [full(0), full(3)]))
    assert image.getcolors() == [(200 * 133, WHITE)]


def test_thumbnail_shows_a_dot_when_the_extent_dwarfs_the_tiles():
    extent = Extent(xmin=-1e7, ymin=-1e7, xmax=1e7, ymax=1e7)
    image = opened(draw_thumbnail(Source(plain(RED)), scheme(), extent, [full(0), full(9)]))
    assert sorted(image.getcolors()) == [(1, RED), (200 * 133 - 1, WHITE)]


def test_thumbnail_shows_an_extent_smaller_than_a_pixel():
    extent = Extent(xmin=500, ymin=500, xmax=500.001, ymax=500.001)
    image = opened(draw_thumbnail(Source(plain(RED)), scheme(), extent, [full(0)]))
    assert image.getpixel((100, 66)) == RED


def test_thumbnail_of_no_tiles_is_white_and_of_no_size_an_error():
    assert opened(draw_thumbnail(Source(None), scheme(), WORLD, [])).getcolors() == [(200 * 133, WHITE)]
    with pytest.raises(ValueError, match="0 x 5"):
        draw_thumbnail(Source(None), scheme(), WORLD, [], size=(0, 5))


def test_thumbnail_is_the_same_twice():
    source = Source(lambda tile: plain((tile.row * 40, tile.column * 40, 90)))
    first, second = (draw_thumbnail(source, scheme(), WORLD, [full(2)]) for _ in range(2))
    assert first == second
