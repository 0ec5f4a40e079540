"""``tilepack status show`` with ``--png`` and ``--html``."""

from __future__ import annotations

import json

import pytest
from command_line import run

import tilepack


def test_pictures_and_page_are_the_library_s_and_the_table_stays(tpkx, tmp_path):
    png, html = tmp_path / "mein Bild.png", tmp_path / "Übersicht.html"
    result = run("status", "show", tpkx, "--png", png, "--html", html, width=300)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == run("status", "show", tpkx).stdout
    pictures = tilepack.status_pictures(tilepack.status_of(tpkx))
    made = {level: tmp_path / f"mein Bild-L{level:02d}.png" for level in pictures}
    assert {level: path.read_bytes() for level, path in made.items()} == pictures
    told = [line for line in result.stderr.splitlines() if line.startswith("wrote ")]
    assert told == [f"wrote {path}" for path in (*made.values(), html)]
    assert html.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert sorted(tmp_path.iterdir()) == sorted([*made.values(), html])


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--levels", "4"], {"levels": "4"}),
        (["--scales", "36978595.474472"], {"scales": "36978595.474472"}),
        (["--levels", "4", "--extent", "-9e6,0,-5e6,6e6"], {"levels": "4", "extent": (-9e6, 0, -5e6, 6e6)}),
        (["--levels", "4", "--bbox", "-60,0,-20,60"], {"levels": "4", "bbox": (-60, 0, -20, 60)}),
        (
            ["--aoi", "4=SRID=4326;POLYGON((-60 10, -20 10, -20 60, -60 10))", "--levels", "4"],
            {"levels": "4", "area": "SRID=4326;POLYGON((-60 10, -20 10, -20 60, -60 10))"},
        ),
    ],
)
def test_one_level_is_one_picture_of_what_was_asked_for(tpkx, tmp_path, words, options):
    result = run("status", "show", tpkx, "--png", tmp_path / "a.png", *words)
    assert result.exit_code == 0, result.stderr
    (picture,) = tilepack.status_pictures(tilepack.status_of(tpkx, **options)).values()
    assert (tmp_path / "a.png").read_bytes() == picture
    assert picture != next(iter(tilepack.status_pictures(tilepack.status_of(tpkx, levels="9")).values()))


def test_json_names_what_was_written_and_has_bundles_only_if_asked(tpkx, tmp_path):
    html = tmp_path / "a.html"
    shown = json.loads(run("status", "show", tpkx, "--html", html, "--json").stdout)
    assert shown == {"written": [str(html)], **json.loads(run("status", "show", tpkx, "--json").stdout)}
    both = json.loads(run("status", "show", tpkx, "--html", html, "--json", "--bundles", "--force").stdout)
    assert both == {"written": [str(html)], **tilepack.status_of(tpkx).as_json()}


def test_bundles_are_listed_only_if_asked(tpkx, tmp_path):
    words = ["status", "show", tpkx, "--html", tmp_path / "a.html", "--force", "-q"]
    assert run(*words).stdout == run("status", "show", tpkx).stdout
    listed = run(*words, "--bundles")
    assert listed.stdout == run("status", "show", tpkx, "--bundles").stdout
    assert listed.stderr == ""


def test_what_is_there_is_kept_unless_forced(tpkx, tmp_path):
    html = tmp_path / "a.html"
    html.write_bytes(b"mine")
    result = run("status", "show", tpkx, "--html", html, "--png", tmp_path / "a.png")
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert result.stdout == ""
    assert html.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [html]
    assert run("status", "show", tpkx, "--html", html, "--force").exit_code == 0
    assert html.read_bytes() != b"mine"


def test_nothing_lands_in_the_caches_folder(exploded):
    result = run("status", "show", exploded, "--html", exploded / "a.html")
    assert result.exit_code == 1
    assert "is the cache's own folder" in result.stderr
    assert not (exploded / "a.html").exists()


@pytest.mark.parametrize(
    "words", [["--png", "a.jpg"], ["--png", "a"], ["--html", "a.png"], ["--html", "-"], ["--force"], ["--png"]]
)
def test_wrong_use_is_exit_code_2_and_writes_nothing(tpkx, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert run("status", "show", tpkx, *words).exit_code == 2
    assert not list(tmp_path.iterdir())
