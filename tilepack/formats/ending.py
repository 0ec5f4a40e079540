"""Where an image ends, told by its own structure and not by any length beside it.

========  ================================================================================
kind      end
========  ================================================================================
PNG       behind the chunk IEND: every chunk says its own length
JPEG      behind EOI (FF D9): segments say their lengths, scans last until the next marker
WebP      where the RIFF chunk says, an odd one's filling byte included
========  ================================================================================

Nothing is decoded. Sources: ISO/IEC 15948 (PNG), ITU-T T.81 (JPEG), RFC 9649 (WebP).
"""

from __future__ import annotations

import re
from typing import Final

from tilepack.formats.sniff import PNG_SIGNATURE

_MOST_STEPS: Final = 1 << 16
"""PNG chunks or JPEG segments looked at; a hostile tile has millions."""
_CHUNK: Final = 12
"""Bytes of a PNG chunk beside its data: length, name, checksum."""
_MARKER: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""What ends a scan: a marker that is neither a stuffed byte nor a restart."""
_END_OF_IMAGE: Final = 0xD9
_START_OF_SCAN: Final = 0xDA


def end_of_image(data: bytes) -> int | None:
    """Tell where an image ends.

    Args:
        data: An image, and whatever follows it.

    Returns:
        The number of its bytes; None where it does not end in the data, or is of a kind that does not say. Never
        raises, whatever the bytes.
    """
    if data.startswith(PNG_SIGNATURE):
        return _end_of_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _end_of_jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        size = int.from_bytes(data[4:8], "little")
        end = 8 + size + size % 2
        return end if end <= len(data) else None
    return None


def _end_of_png(data: bytes) -> int | None:
    position = len(PNG_SIGNATURE)
    for _ in range(_MOST_STEPS):
        name = data[position + 4 : position + 8]
        position += _CHUNK + int.from_bytes(data[position : position + 4], "big")
        if position > len(data) or not name.isalpha():
            return None
        if name == b"IEND":
            return position
    return None


def _end_of_jpeg(data: bytes) -> int | None:
    position = 2
    for _ in range(_MOST_STEPS):
        if data[position : position + 1] != b"\xff":
            return None
        while data[position + 1 : position + 2] == b"\xff":  # fill bytes before a marker
            position += 1
        marker = data[position + 1] if position + 1 < len(data) else 0
        if marker == _END_OF_IMAGE:
            return position + 2
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:  # TEM, RSTn: no length follows
            position += 2
            continue
        if marker == 0 or position + 4 > len(data):
            return None
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _START_OF_SCAN:
            found = _MARKER.search(data, position)
            if found is None:
                return None
            position = found.start()
    return None
