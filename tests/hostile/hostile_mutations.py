"""Bytes, changed where it hurts: the same seed always gives the same change."""

import random
from collections.abc import Iterator, Sequence

NUMBERS = [0, 1, 4, 60, 127, 128, 255, 1 << 15, (1 << 16) - 1, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]
NUMBERS += [65596, 65848, 81952, 131072, 131136, 131140, 131388, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
WORDS = [
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"<",
    b"]]>",
    b"&amp;",
    b"&x;",
    b"\0",
    b"\xff\xfe",
    b"9" * 30,
]
WORDS += [
    b"0",
    b"1e15",
    b"1e-15",
    b"8192",
    b"../",
    b"/",
    b"\\",
    b"PK\1\2",
    b"PK\5\6",
    b"\x89PNG",
    b"<!DOCTYPE a [",
    b"true",
]


def hot_spots(data: bytes) -> Iterator[range]:
    """Give the places where a change does most: heads and tails, index entries that are used, tiles, digits."""
    yield range(len(data))
    yield range(min(64, len(data)))
    yield range(max(0, len(data) - 1500), len(data))
    for at in (64, 65596, 131136):
        if len(data) > at:
            yield range(at, min(len(data), at + 300))
    header = data.find(b"PK\3\4", 30)
    if header > 0:
        yield range(header, min(len(data), header + 60))


def mutate(data: bytes, choose: random.Random, donors: Sequence[bytes]) -> bytes:
    """Change some bytes: flip, overwrite by telling numbers or words, cut out, double, or take from elsewhere."""
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 1, 2, 3, 6))):
        places = choose.choice(list(hot_spots(bytes(changed))))
        at = choose.choice(places) if places else 0
        kind = choose.randrange(8)
        if kind == 0 and changed:
            changed[min(at, len(changed) - 1)] ^= 1 << choose.randrange(8)
        elif kind == 1:
            width = choose.choice((1, 2, 4, 5, 8))
            number = choose.choice(NUMBERS) + choose.choice((-1, 0, 0, 0, 1))
            changed[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")
        elif kind == 2:
            word = choose.choice(WORDS)
            changed[at : at + choose.choice((0, len(word)))] = word
        elif kind == 3:
            del changed[at:]
        elif kind == 4:
            del changed[at : at + choose.choice((1, 4, 40, 4000))]
        elif kind == 5:
            changed[at:at] = changed[at : at + choose.choice((1, 4, 40, 4000))]
        elif kind == 6:
            donor = choose.choice(donors)
            start = choose.randrange(len(donor))
            part = donor[start : start + choose.choice((1, 8, 64, 4000))]
            changed[at : at + choose.choice((0, len(part)))] = part
        else:
            digits = (
                [index for index in range(len(changed)) if 48 <= changed[index] < 58] if len(changed) < 5000 else []
            )
            if digits:
                changed[choose.choice(digits)] = choose.choice(b"0123456789.-eE ")
    return bytes(changed)
