"""Where in a TOML text each key stands: the standard library reads TOML, and tells no lines.

The text is one that ``tomllib`` has read, so it is well-formed, and this only has to find its way: past strings,
comments and brackets. Source: the grammar of TOML 1.0.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Final

Path = tuple[str | int, ...]
"""Keys and places in arrays, from the document down: ``("job", 0, "levels")``."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRING: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}|\'\'\'(?:[^\']|\'{1,2}(?!\'))*\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR: Final = re.compile(r"[^,\]}#\n]+")
_DOT: Final = re.compile(r"[ \t]*\.[ \t]*")


def find_lines(text: str) -> Mapping[Path, int]:
    """Tell in which line each key, table and element of an array begins, counted from 1.

    Args:
        text: What ``tomllib`` has read without complaint.
    """
    walk = _Walk(text.replace("\r\n", "\n"))
    walk.document()
    return walk.lines


class _Walk:
    """One walk through a text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._arrays: dict[Path, int] = {}

    def document(self) -> None:
        """Walk through all of it."""
        table: Path = ()
        while self._skip() < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._header(2)
                number = self._arrays[table] = self._arrays.get(table, -1) + 1
                table = (*table, number)
                self.lines[table] = self._here()
            elif self._text[self._at] == "[":
                table = self._header(1)
            else:
                self._pair(table)

    def _skip(self) -> int:
        """Go past blanks, line ends and comments."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _here(self) -> int:
        """Give the number of the line that the walk is in."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _header(self, brackets: int) -> Path:
        """Go past a table's header; what it names lies in the last element of each array of tables above it."""
        self._at += brackets
        self._skip()
        path: Path = ()
        line = self._here()
        keys = self._keys()
        for depth, key in enumerate(keys):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self._arrays and depth < len(keys) - 1:
                path = (*path, self._arrays[path])
        self._skip()
        self._at += brackets
        return path

    def _keys(self) -> tuple[str, ...]:
        """Go past a key, which may be dotted."""
        keys = [self._key()]
        while found := _DOT.match(self._text, self._at):
            self._at = found.end()
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> str:
        found = _BARE.match(self._text, self._at)
        if found:
            self._at = found.end()
            return found[0]
        found = _STRING.match(self._text, self._at)
        if found is None:  # never, in what tomllib has read
            raise ValueError(f"line {self._here()}: no key")
        self._at = found.end()
        return str(tomllib.loads(f"key = {found[0]}")["key"])

    def _pair(self, table: Path) -> None:
        line = self._here()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._skip()
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        first = self._text[self._at : self._at + 1]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            found = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            if found is None:
                raise ValueError(f"line {self._here()}: no value")
            self._at = found.end()

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while self._skip() < len(self._text) and self._text[self._at] != "]":
            self.lines[*path, number] = self._here()
            self._value((*path, number))
            number += 1
            self._skip()
            self._at += self._text[self._at] == ","
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._skip() < len(self._text) and self._text[self._at] != "}":
            self._pair(path)
            self._skip()
            self._at += self._text[self._at] == ","
        self._at += 1
