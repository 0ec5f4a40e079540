"""Laws of status pictures and pages as files: under which names, what is refused, and what a failure leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_reading import pictures_of, read_page
from status_caches import LEVEL, SCHEMES, write_cache

import tilepack
from tilepack.keys import TileKey
from tilepack.status import showing

TILES = [TileKey(3, 3, 4), TileKey(LEVEL, 120, 125), TileKey(LEVEL, 130, 125)]


@pytest.fixture
def cache(tmp_path) -> Path:
    return write_cache(tmp_path / "Städte [1]", SCHEMES["web mercator"], TILES)


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "Bericht über alles"
    made.mkdir()
    return made


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_level_is_one_picture_and_several_are_several(cache, folder):
    several = tilepack.draw_status(cache, png=folder / "größe.png")
    assert several.paths == (folder / "größe-L03.png", folder / "größe-L08.png")
    assert [path.read_bytes() for path in several.paths] == list(tilepack.status_pictures(several.report).values())
    one = tilepack.draw_status(cache, png=str(folder / "größe.png"), levels=[LEVEL])
    assert one.paths == (folder / "größe.png",)
    assert names_in(folder) == ["größe-L03.png", "größe-L08.png", "größe.png"]
    assert (folder / "größe.png").read_bytes() == (folder / "größe-L08.png").read_bytes()


def test_pictures_and_page_come_together(cache, folder):
    written = tilepack.draw_status(cache, png=folder / "a.PNG", html=folder / "a.htm", levels="3", deep=True)
    assert written.paths == (folder / "a.PNG", folder / "a.htm")
    assert written.kept is None
    assert (folder / "a.htm").read_bytes() == tilepack.status_page(written.report).encode("utf-8")
    assert len(pictures_of(read_page((folder / "a.htm").read_text("utf-8")))) == 1


@pytest.mark.parametrize("there", ["a-L08.png", "a.html"])
def test_what_is_there_is_kept_unless_forced(cache, folder, there):
    (folder / there).write_bytes(b"mine")
    with pytest.raises(tilepack.CacheExistsError, match=r"exists already.*\(--force\)"):
        tilepack.draw_status(cache, png=folder / "a.png", html=folder / "a.html")
    assert names_in(folder) == [there]
    assert (folder / there).read_bytes() == b"mine"
    tilepack.draw_status(cache, png=folder / "a.png", html=folder / "a.html", force=True)
    assert names_in(folder) == ["a-L03.png", "a-L08.png", "a.html"]
    assert (folder / there).read_bytes() != b"mine"


def test_a_page_that_is_there_is_refused_before_anything_is_counted(cache, folder):
    (folder / "a.html").touch()

    def looking(_: int) -> None:
        raise AssertionError

    with pytest.raises(tilepack.CacheExistsError):
        tilepack.draw_status(cache, html=folder / "a.html", looking=looking)


@pytest.mark.parametrize("name", ["a-L03.png", "a.html"])
def test_folders_are_never_replaced(cache, folder, name):
    (folder / name).mkdir()
    (folder / name / "letter.txt").touch()
    with pytest.raises(tilepack.CacheExistsError, match="is a folder, which no report replaces"):
        tilepack.draw_status(cache, png=folder / "a.png", html=folder / "a.html", force=True)
    assert (folder / name / "letter.txt").exists()
    assert names_in(folder) == [name]


@pytest.mark.parametrize(("format_name", "name"), [("gpkg", "Status.gpkg"), ("csv", "LevelStatus.csv")])
def test_neither_are_they_by_reports_that_are_files(cache, folder, format_name, name):
    (folder / name).mkdir()
    with pytest.raises(tilepack.CacheExistsError, match="is a folder, which no report replaces"):
        tilepack.report_status(cache, folder, format=format_name, force=True)
    assert names_in(folder) == [name]


@pytest.mark.parametrize("kind", ["png", "html"])
@pytest.mark.parametrize("inner", ["", "_alllayers"])
def test_nothing_lands_in_the_caches_folder(cache, kind, inner):
    before = sorted(cache.rglob("*"))
    with pytest.raises(tilepack.TransferError, match="is the cache's own folder, or lies in it"):
        tilepack.draw_status(cache, **{kind: cache / inner / f"a.{kind}"}, force=True)
    assert sorted(cache.rglob("*")) == before


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"png": "a.jpg"}, r"a\.jpg: ends in \.jpg; choose a name in \.png$"),
        ({"html": "a"}, r"a: ends in no suffix; choose a name in \.html or \.htm$"),
        ({"html": "cache.tpkx"}, r"ends in \.tpkx"),
    ],
)
def test_other_suffixes_are_refused(cache, asked, message):
    with pytest.raises(tilepack.UnsupportedError, match=message):
        tilepack.draw_status(cache, **asked)


def test_the_folder_is_there_before(cache, tmp_path):
    with pytest.raises(tilepack.TransferError, match="there is no such folder; make it first"):
        tilepack.draw_status(cache, png=tmp_path / "none/a.png")


def test_of_a_cache_without_tiles_there_is_a_page_and_no_picture(tmp_path, folder):
    empty = write_cache(tmp_path / "empty", SCHEMES["degrees"], [])
    written = tilepack.draw_status(empty, html=folder / "a.html")
    assert "There is no level to tell of." in written.paths[0].read_text("utf-8")
    with pytest.raises(tilepack.CacheNotFoundError, match="holds no tile on the levels asked for"):
        tilepack.draw_status(empty, png=folder / "a.png")
    assert names_in(folder) == ["a.html"]


def test_a_failure_in_the_middle_leaves_all_as_it_was(cache, folder, monkeypatch):
    tilepack.draw_status(cache, png=folder / "a.png", html=folder / "a.html")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    def fail(_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(showing, "status_page", fail)
    with pytest.raises(tilepack.TransferError, match=r"cannot write the page: No space left on device; make room"):
        tilepack.draw_status(cache, png=folder / "a.png", html=folder / "a.html", force=True)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
