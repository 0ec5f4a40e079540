"""The members of a package that is being written, in few bytes each: web tiles come by the million."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator, Sequence

import numpy as np

from tilepack.formats.stored_zip import Member


class MemberTable:
    """Members, in the order in which they were added: their names, and some fifty bytes beside. Threads may add."""

    def __init__(self) -> None:
        """Begin without any."""
        self._names = bytearray()
        self._ends, self._offsets, self._sizes = array("Q"), array("Q"), array("Q")
        self._crcs = array("I")
        self._lock = threading.Lock()

    def add(self, member: Member) -> None:
        """Add one; nobody looks whether its name is there already."""
        with self._lock:
            self._names += member.name.encode()
            self._ends.append(len(self._names))
            self._offsets.append(member.offset)
            self._sizes.append(member.size)
            self._crcs.append(member.crc)

    def __len__(self) -> int:
        """Give their number."""
        return len(self._ends)

    def __getitem__(self, number: int) -> Member:
        """Give one by its number, from 0."""
        start = self._ends[number - 1] if number else 0
        name = self._names[start : self._ends[number]].decode()
        return Member(name, self._offsets[number], self._sizes[number], self._crcs[number])

    def folders(self) -> Iterator[Member]:
        """Yield those that are entries of folders."""
        slash = ord("/")
        for number, end in enumerate(self._ends):
            if self._names[end - 1] == slash:
                yield self[number]

    def in_order(self, first: Sequence[str]) -> Iterator[Member]:
        """Yield all: some by their names, then the others as they lie in the package.

        Args:
            first: Names of those that come first.

        Raises:
            KeyError: There is none of such a name.
        """
        order = np.argsort(np.frombuffer(self._offsets, np.uint64), kind="stable").tolist() if len(self) else []
        sought = set(first)
        looked_at = order if sought else []
        found = {member.name: member for member in map(self.__getitem__, looked_at) if member.name in sought}
        yield from (found[name] for name in first)
        yield from (member for member in map(self.__getitem__, order) if member.name not in sought)
