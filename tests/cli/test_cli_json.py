"""JSON is written as it is made."""

from __future__ import annotations

import io
import json
import sys

from tilepack_cli.consoles import write_json


class Pieces(io.StringIO):
    """Takes note of the longest text that was ever written at once."""

    longest = 0

    def write(self, text: str) -> int:
        self.longest = max(self.longest, len(text))
        return super().write(text)


def test_no_piece_grows_with_the_number_of_rows(monkeypatch):
    """The text of a hundred thousand rows would take more memory than the rows."""
    rows = {"bundles": [{"row": 128 * number, "name": f"R{128 * number:04x}C0000"} for number in range(1000)]}
    out = Pieces()
    monkeypatch.setattr(sys, "stdout", out)
    write_json(rows)
    assert out.longest < 100
    assert out.getvalue() == json.dumps(rows, indent=2) + "\n"
