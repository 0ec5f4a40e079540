"""One tile's way: cut to a mask, laid on another, in the format that the target's cache asks for.

=============  ==========================================  ===========================================================
tile format    moves as bytes                              composed
=============  ==========================================  ===========================================================
PNG            PNG of any kind                             palette up to 256 colours, else RGB if opaque, else RGBA
PNG8           PNG with a palette                          palette; more colours than 256 are quantised
PNG24          RGB PNG                                     RGB, a free colour for what is transparent; else RGBA
PNG32          PNG of any kind                             RGBA
MIXED          PNG of any kind, JPEG                       RGB if opaque, else RGBA; or JPEG (recompress) if opaque
JPEG           JPEG                                        JPEG, with a target's tables, else a source's
WEBP           PNG of any kind, JPEG, WebP                 as MIXED: what cannot move becomes PNG
=============  ==========================================  ===========================================================

A tile is decoded only where its bytes cannot move, and encoded only where a pixel changes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from tilepack.cache import TileFormat
from tilepack.errors import TileError, UnsupportedError
from tilepack.pixels.blend import BlendMode, Colour, Mask, Pixels, cut, is_blank, is_opaque, merge, overwrite, paint
from tilepack.pixels.codec import Decoded, Encoded, admits, decode, encode_png, identify
from tilepack.pixels.jpeg import write_jpeg
from tilepack.pixels.outcome import Outcome, TileNotes, TileResult
from tilepack.pixels.palette import Indexed, cut_indexed
from tilepack.pixels.png import write_png

_DEFAULT_QUALITY = 75

_NEEDS_BACKGROUND = (
    "JPEG cannot hold transparent pixels, and this tile would have some: give a --background colour, or write into a "
    "MIXED cache"
)


def clip_tile(
    data: bytes,
    mask: Mask,
    tile_format: TileFormat,
    *,
    width: int,
    height: int,
    background: Colour | None = None,
    keep_blank: bool = False,
) -> TileResult:
    """Cut a tile for a new target; what is inside stays as it is, pixel for pixel, unless it is painted on JPEG.

    Args:
        data: The source's tile.
        mask: bool (height, width), True inside.
        tile_format: The new target's: a JPEG source's is MIXED unless there is a background.
        width: Pixels of a tile.
        height: Likewise.
        background: The colour of the outside, and of what is transparent, in JPEG; no other format takes it.
        keep_blank: Whether a tile with no visible pixel is written too.

    Returns:
        MOVED where the mask leaves all, else COMPOSED or DROPPED.

    Raises:
        TileError: The tile is malformed.
        UnsupportedError: It is no image, or a JPEG target has no background.
        ValueError: The mask is of another shape or type.
    """
    _check_mask(mask, width, height)
    if mask.all():
        return TileResult(Outcome.MOVED, data)
    kind = identify(data)
    if not kind.is_image:
        raise UnsupportedError(f"a {kind.name} tile has no pixels to cut: it moves whole, or not at all")
    wishes = _Wishes(tile_format=tile_format, background=background, allow_lossy=True, keep_blank=keep_blank)
    if tile_format is TileFormat.JPEG and background is None:
        raise UnsupportedError(_NEEDS_BACKGROUND)
    if not keep_blank and not mask.any():
        return TileResult(Outcome.DROPPED)
    return _clip(decode(data, width=width, height=height), mask, wishes, is_new=True)


def compose_tile(
    source_data: bytes,
    target_data: bytes | None,
    mask: Mask | None,
    mode: BlendMode,
    tile_format: TileFormat,
    *,
    width: int,
    height: int,
    recompress: bool = False,
    allow_lossy: bool = False,
    background: Colour | None = None,
    quality: int = _DEFAULT_QUALITY,
    keep_blank: bool = False,
) -> TileResult:
    """Bring a source's tile into a target that exists.

    Args:
        source_data: The source's tile.
        target_data: The target's, None where there is none.
        mask: bool (height, width), True inside; None for everywhere.
        mode: MERGE or OVERWRITE.
        tile_format: The target's.
        width: Pixels of a tile.
        height: Likewise.
        recompress: In MIXED, whether composed tiles become JPEG where they are opaque.
        allow_lossy: Whether a whole tile may go through JPEG, or lose colours for PNG8, because the target does not
            admit its bytes.
        background: What lies under transparent pixels in JPEG; no other format takes it.
        quality: Of a JPEG that neither target nor source give tables for; 1 to 100, 0 for 75.
        keep_blank: Whether a tile with no visible pixel is written too.

    Returns:
        UNCHANGED also where the very bytes come out that the target has.

    Raises:
        TileError: A tile is malformed; a note tells if it is the target's.
        UnsupportedError: One that has to be decoded is no image, or a JPEG would become transparent.
        ValueError: The mask is of another shape or type.
    """
    if mask is not None:
        _check_mask(mask, width, height)
        if not mask.any():
            return TileResult(Outcome.UNCHANGED)
        if mask.all():
            mask = None
    kind = identify(source_data)
    replaces = target_data is None or mode is BlendMode.OVERWRITE or kind.is_opaque or not kind.is_image
    takes_place = mask is None and replaces
    if takes_place and admits(tile_format, kind):
        return _move(source_data, target_data, TileNotes())
    if not (kind.is_image and tile_format.is_image):
        raise UnsupportedError(f"a {kind.name} tile can neither move into {tile_format} tiles nor be cut: leave it out")
    wishes = _Wishes(
        tile_format=tile_format,
        background=background,
        recompress=recompress,
        allow_lossy=allow_lossy,
        quality=quality,
        keep_blank=keep_blank,
    )
    source = decode(source_data, width=width, height=height)
    if target_data is not None and not takes_place:
        result = _lay(source, source_data, target_data, wishes, mask=mask, mode=mode)
    elif mask is not None:
        result = _clip(source, mask, wishes, is_new=False)
    else:
        result = _transcode(source, target_data, wishes)
    return _unless_same(result, target_data)


def trim_tile(
    data: bytes,
    mask: Mask,
    tile_format: TileFormat,
    *,
    width: int,
    height: int,
    background: Colour | None = None,
    keep_blank: bool = False,
) -> TileResult:
    """Cut what lies inside a mask out of a tile of a target that exists.

    The arguments, and what is raised, are those of ``clip_tile``.

    Returns:
        UNCHANGED where nothing of it shows inside, else COMPOSED or DROPPED.
    """
    _check_mask(mask, width, height)
    tile = decode(data, width=width, height=height)
    if is_blank(tile.pixels, mask):
        return TileResult(Outcome.UNCHANGED, notes=TileNotes(decoded=True))
    wishes = _Wishes(tile_format=tile_format, background=background, allow_lossy=True, keep_blank=keep_blank)
    return _unless_same(_clip(tile, ~mask, wishes, is_new=True), data)


def shrink_tile(data: bytes, *, width: int, height: int, quality: int) -> TileResult:
    """Encode a JPEG tile anew, unless that makes it no smaller.

    Args:
        data: The tile.
        width: Pixels of a tile.
        height: Likewise.
        quality: 1 to 100 in the scale of libjpeg.

    Returns:
        COMPOSED, or MOVED where the old bytes are as few; grey stays grey, CMYK becomes YCbCr.

    Raises:
        TileError: It is malformed, or no JPEG.
        UnsupportedError: It is no image that is decoded.
    """
    tile = decode(data, width=width, height=height)
    if tile.jpeg is None:
        raise TileError(f"the tile is {tile.kind.name}, no JPEG: leave it as it is")
    encoded = write_jpeg(tile.pixels, like=replace(tile.jpeg, tables=()), quality=quality)
    if len(encoded) >= len(data):
        return TileResult(Outcome.MOVED, data, TileNotes(decoded=True))
    inks = tile.jpeg.model in {"CMYK", "YCCK"}
    notes = TileNotes(decoded=True, jpeg_encoded=True, cmyk_to_rgb=inks, profile_dropped=tile.has_profile)
    return TileResult(Outcome.COMPOSED, encoded, notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """The options, as in compose_tile."""

    tile_format: TileFormat
    background: Colour | None
    recompress: bool = False
    allow_lossy: bool
    quality: int = _DEFAULT_QUALITY
    keep_blank: bool


def _check_mask(mask: Mask, width: int, height: int) -> None:
    if mask.dtype != np.bool_ or mask.shape != (height, width):
        raise ValueError(f"a mask of {width} x {height} pixels is bool, not {mask.dtype} of shape {mask.shape}")


def _move(source_data: bytes, target_data: bytes | None, notes: TileNotes) -> TileResult:
    if source_data == target_data:
        return TileResult(Outcome.UNCHANGED, None, notes)
    return TileResult(Outcome.MOVED, source_data, notes)


def _unless_same(result: TileResult, before: bytes | None) -> TileResult:
    """Leave a tile alone that would be written as the very bytes it has."""
    is_same = result.outcome is Outcome.COMPOSED and result.data == before
    return TileResult(Outcome.UNCHANGED, notes=TileNotes(decoded=True)) if is_same else result


def _clip(source: Decoded, mask: Mask, wishes: _Wishes, *, is_new: bool) -> TileResult:
    """Cut a tile for a place where none is; a new target may hold what an existing one does not admit."""
    if not wishes.keep_blank and is_blank(source.pixels, mask):
        return TileResult(Outcome.DROPPED, notes=TileNotes(decoded=True))
    if wishes.tile_format is TileFormat.PNG8 and source.palette is not None and source.indices is not None:
        indexed = cut_indexed(Indexed(source.palette, source.indices), mask)
        if indexed is not None:
            notes = TileNotes(decoded=True, profile_dropped=source.has_profile)
            return TileResult(Outcome.COMPOSED, write_png(indexed.indices, palette=indexed.palette), notes)
    admitted = admits(wishes.tile_format, source.kind)
    if wishes.tile_format is not TileFormat.JPEG:
        cut(source.pixels, mask)
    elif not (admitted or wishes.allow_lossy):
        return TileResult(Outcome.REFUSED, notes=TileNotes(decoded=True))
    elif wishes.background is None:
        raise UnsupportedError(_NEEDS_BACKGROUND)
    else:
        paint(wishes.background, source.pixels, mask)
    may_quantise = not (is_new or admitted) and wishes.allow_lossy
    encoded, notes = _encode(source.pixels, source, None, wishes, may_quantise=may_quantise)
    is_palette_lost = encoded.widened_to_rgba and wishes.tile_format is TileFormat.PNG8
    if is_palette_lost and not (is_new or admitted):
        return TileResult(Outcome.REFUSED, notes=TileNotes(decoded=True))
    return TileResult(Outcome.COMPOSED, encoded.data, replace(notes, transcoded=not admitted))


def _transcode(source: Decoded, target_data: bytes | None, wishes: _Wishes) -> TileResult:
    """Put a whole tile in the place of another, or of none, whose format does not admit its bytes."""
    target = None
    if target_data is not None:
        # What was there gives its tables, and may be the same; if it is damaged, it is well replaced.
        with suppress(TileError, UnsupportedError):
            target = decode(target_data, width=source.pixels.shape[1], height=source.pixels.shape[0])
    if wishes.tile_format is TileFormat.JPEG:
        if not wishes.keep_blank and is_blank(source.pixels):  # before it is painted, which would make it visible
            return TileResult(Outcome.DROPPED, notes=TileNotes(decoded=True))
        if not wishes.allow_lossy:
            return TileResult(Outcome.REFUSED, notes=TileNotes(decoded=True))
    result = _finish(source.pixels, source, target, wishes, may_quantise=wishes.allow_lossy)
    if result.notes.widened_to_rgba and wishes.tile_format is TileFormat.PNG8:
        return TileResult(Outcome.REFUSED, notes=TileNotes(decoded=True))
    if result.outcome is Outcome.COMPOSED:
        return replace(result, notes=replace(result.notes, transcoded=True))
    return result


def _lay(
    source: Decoded, source_data: bytes, target_data: bytes, wishes: _Wishes, *, mask: Mask | None, mode: BlendMode
) -> TileResult:
    """Lay one tile on another; of a source's tile that shows nothing, or hides all, the target's is not decoded."""
    if mode is BlendMode.MERGE:
        if is_blank(source.pixels, mask):
            return TileResult(Outcome.UNCHANGED, notes=TileNotes(decoded=True))
        if mask is None and is_opaque(source.pixels):
            if admits(wishes.tile_format, source.kind):
                return _move(source_data, target_data, TileNotes(decoded=True))
            return _transcode(source, target_data, wishes)
    try:
        target = decode(target_data, width=source.pixels.shape[1], height=source.pixels.shape[0])
    except (TileError, UnsupportedError) as error:
        error.add_note("this is the target's tile")
        raise
    pixels = target.pixels.copy()
    kernel = merge if mode is BlendMode.MERGE else overwrite
    if not kernel(source.pixels, pixels, mask):
        return TileResult(Outcome.UNCHANGED, notes=TileNotes(decoded=True))
    return _finish(pixels, source, target, wishes, may_quantise=True)


def _finish(
    pixels: Pixels, source: Decoded, target: Decoded | None, wishes: _Wishes, *, may_quantise: bool
) -> TileResult:
    """Encode what a target's tile becomes, unless it stays what it was or nothing is left of it."""
    if wishes.tile_format is TileFormat.JPEG and not is_opaque(pixels):
        if wishes.background is None:
            raise UnsupportedError(_NEEDS_BACKGROUND)
        paint(wishes.background, pixels)
    if target is not None and np.array_equal(pixels, target.pixels):
        return TileResult(Outcome.UNCHANGED, notes=TileNotes(decoded=True))
    if not wishes.keep_blank and is_blank(pixels):
        return TileResult(Outcome.DROPPED, notes=TileNotes(decoded=True))
    encoded, notes = _encode(pixels, source, target, wishes, may_quantise=may_quantise)
    return TileResult(Outcome.COMPOSED, encoded.data, notes)


def _encode(
    pixels: Pixels, source: Decoded, target: Decoded | None, wishes: _Wishes, *, may_quantise: bool
) -> tuple[Encoded, TileNotes]:
    """Encode pixels as the tile format wants them, after the model of the target's tile, else the source's."""
    models = [tile for tile in (target, source) if tile is not None]
    notes = TileNotes(
        decoded=True,
        sixteen_to_eight=any(tile.is_sixteen_bit for tile in models),
        profile_dropped=any(tile.has_profile for tile in models),
    )
    may_be_jpeg = wishes.tile_format in (TileFormat.MIXED, TileFormat.WEBP)
    recompress = wishes.recompress and may_be_jpeg and is_opaque(pixels)
    if wishes.tile_format is TileFormat.JPEG or recompress:
        like = next((tile.jpeg for tile in models if tile.jpeg is not None), None)
        encoded = Encoded(write_jpeg(pixels, like=like, quality=wishes.quality))
        if like is not None and like.tables:
            inks = like.model in {"CMYK", "YCCK"}
            notes = replace(notes, subsampling_replaced=like.subsampling is None, cmyk_to_rgb=inks)
        return encoded, replace(notes, jpeg_encoded=True)
    key = next((tile.key for tile in models if tile.key is not None), None)
    encoded = encode_png(pixels, wishes.tile_format, key=key, may_quantise=may_quantise)
    return encoded, replace(notes, quantised=encoded.quantised, widened_to_rgba=encoded.widened_to_rgba)
