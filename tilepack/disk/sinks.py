"""What a new file is written through, wherever it lies: in a folder, or as a member of a package."""

from __future__ import annotations

from typing import Protocol

from zlib_ng import zlib_ng


class Sink(Protocol):
    """A file being written, or a member of a package: bytes at positions, then closed once."""

    place: str
    """What to call it in messages."""
    alignment: int
    """Position within the file on disk of the sink's first byte."""
    needs_crc: bool
    """Whether ``close`` wants the CRC-32 of all the bytes."""

    def write(self, data: bytes | bytearray | memoryview, position: int) -> None:
        """Write all the bytes at a position of the sink."""

    def close(self, crc: int = 0) -> None:
        """End the sink; its bytes are complete."""

    def abandon(self) -> None:
        """Close the sink, its bytes being incomplete: what holds it is about to be thrown away."""


def write_at_once(sink: Sink, data: bytes) -> None:
    """Write all the bytes of a new sink, and end it.

    Raises:
        TransferError: The disk is full, or failed.
    """
    try:
        sink.write(data, 0)
        sink.close(zlib_ng.crc32(data) if sink.needs_crc else 0)
    except BaseException:
        sink.abandon()
        raise
