"""Levels of map services: what servers answer, and what happens when they do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

import tilepack

SERVICE = {
    "singleFusedMapCache": True,
    "tileInfo": {
        "rows": 256,
        "cols": 256,
        "dpi": 96,
        "origin": {"x": 700000, "y": 440000},
        "spatialReference": {"wkid": 2263},
        "lods": [{"level": 3, "resolution": 100.0, "scale": 115200.0}, {"level": 5, "resolution": 25, "scale": 28800}],
    },
}


class _Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        if "Missing" in self.path:
            self.send_error(404)
        elif "Nonsense" in self.path:
            self.wfile.write(b"nonsense\r\n\r\n")
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(SERVICE).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/arcgis/rest/services"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("query", ["", "?f=html", "?f=pjson&token=a%26b"])
def test_levels_of_an_address_are_those_that_the_service_answers(address, query):
    levels = tilepack.levels_of(f"{address}/Roads/MapServer{query}")
    assert [(level.level, level.resolution, level.tiles) for level in levels] == [(3, 100.0, 0), (5, 25.0, 0)]
    assert "f=json" in _Handler.asked[-1]
    assert ("token=a%26b" in _Handler.asked[-1]) == ("token" in query)


def test_levels_of_a_file_are_those_that_it_says(tmp_path):
    (tmp_path / "roads.json").write_text(json.dumps(SERVICE))
    assert [level.scale for level in tilepack.levels_of(tmp_path / "roads.json")] == [115200, 28800]


def test_levels_of_an_address_say_what_the_server_answers(address):
    with pytest.raises(tilepack.TransferError, match=r"/Missing.*: the server answers 404 Not Found; see"):
        tilepack.levels_of(f"{address}/Missing")


@pytest.mark.parametrize("wrong", ["http://localhost:port/", "http://[::1/", "http://", "http://127.0.0.1:1/"])
def test_levels_of_a_wrong_address_are_refused_in_a_sentence(wrong):
    with pytest.raises(tilepack.TransferError, match="does not answer"):
        tilepack.levels_of(wrong)


def test_levels_of_an_address_are_refused_when_the_server_talks_nonsense(address):
    with pytest.raises(tilepack.TilepackError, match="Nonsense"):
        tilepack.levels_of(f"{address}/Nonsense")
