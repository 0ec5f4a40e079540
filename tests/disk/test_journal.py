"""A journal is a claim: whatever stands in it, nothing outside the folder and no document in it is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from caches import look_at_files, payload, write_exploded, write_v1, write_v2
from killing import SCHEME
from zlib_ng import zlib_ng

import tilepack
from tilepack.disk.journal import JOURNAL, Digest, Journal, JournalLine
from tilepack.keys import TileKey

TILE = TileKey(0, 10, 10)
BUNDLE = "_alllayers/L00/R0000C0000.bundle"
HEAD = {"tilepack": 1, "work": "the MERGE of /a", "fingerprint": "f"}
RUBBISH = b"rubbish"
RIGHT = [len(RUBBISH), zlib_ng.crc32(RUBBISH)]

needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows lets few people make links")


def line(files: dict | None = None, gone: list | None = None, bundle: object = "b") -> dict:
    return {"bundle": bundle, "files": files or {}, "gone": gone or []}


def text(*contents: object) -> bytes:
    return b"".join(json.dumps(content).encode() + b"\n" for content in contents)


OUTSIDE = {
    "climbs": "../outside/R0000C0000.bundle",
    "climbs-inside": "_alllayers/../../outside/R0000C0000.bundle",
    "climbs-with-blanks": "_alllayers/.. /../outside/R0000C0000.bundle",
    "absolute": "/outside/R0000C0000.bundle",
    "of-a-drive": "C:/outside/R0000C0000.bundle.txt",
    "backslashes": "_alllayers\\..\\..\\outside\\R0000C0000.bundle",
    "share": "\\\\server\\outside\\R0000C0000.bundle",
    "link": "_alllayers/out/R0000C0000.bundle",
    "nothing": "",
    "the-folder": ".",
    "nul": "_alllayers/L00/\0/R0000C0000.bundle",
    "half-a-letter": "_alllayers/\ud800/R0000C0000.bundle",
    "stranger": "_alllayers/L00/letter.txt",
    "lock": "tilepack.lock",
    "journal": "tilepack.journal",
    "status": "Status.gdb/a00000001.gdbtable",
}

HOSTILE = {
    **{f"{name}-named": text(HEAD, line({path: RIGHT})) for name, path in OUTSIDE.items()},
    **{f"{name}-gone": text(HEAD, line(gone=[path])) for name, path in OUTSIDE.items()},
    **{f"{name}-gone": text(HEAD, line(gone=[name])) for name in ("conf.xml", "conf.cdi")},
    "no-json": b"dear all\n",
    "no-json-and-no-end": b"dear all",
    "no-head": text(line({BUNDLE: RIGHT})),
    "other-version": text({**HEAD, "tilepack": 2}),
    "version-of-many-digits": b'{"tilepack":' + b"9" * 5000 + b"}\n",
    "head-of-numbers": text({**HEAD, "work": 5}),
    "list": text([]),
    "deep": text(HEAD) + b'{"bundle":' + b"[" * 100_000 + b"\n",
    "numbers-for-bundle": text(HEAD, line(bundle=5)),
    "files-as-list": text(HEAD, {"bundle": "b", "files": [BUNDLE], "gone": []}),
    "gone-as-text": text(HEAD, {"bundle": "b", "files": {}, "gone": BUNDLE}),
    "gone-of-numbers": text(HEAD, line(gone=[5])),
    "digest-of-text": text(HEAD, line({BUNDLE: ["7", "1"]})),
    "digest-of-many-digits": text(HEAD, line({BUNDLE: [0, 1]})).replace(b"[0,", b"[1" + b"0" * 5000 + b","),
    "digest-too-long": text(HEAD, line({BUNDLE: [1, 2, 3]})),
    "bytes": bytes(range(256)) + b"\n",
    "latin-1": text(HEAD) + "{ü}\n".encode("latin-1"),
    "empty-line": text(HEAD) + b"\n" + text(line({BUNDLE: RIGHT})),
    "zeros-in-the-middle": text(HEAD) + bytes(100) + b"\n" + text(line({BUNDLE: RIGHT})),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("source") / "Island"
    write_v2(place, SCHEME, {tile: payload(tile, "jpg") for tile in (TILE, TileKey(0, 20, 20))})
    return place


@pytest.fixture(scope="module")
def master(tmp_path_factory) -> Path:
    """A cache, what stands outside it, and everything that a hostile journal may speak of, complete."""
    place = tmp_path_factory.mktemp("master")
    write_v1(place / "cache", SCHEME, {TILE: payload(TILE, "jpg", 50)})
    (place / "outside").mkdir()
    for name in ("R0000C0000.bundle", "R0000C0000.bundle.partial"):
        (place / "outside" / name).write_bytes(RUBBISH)
    for name in ("conf.xml", "conf.cdi", "_alllayers/L00/letter.txt"):
        (place / "cache" / f"{name}.partial").write_bytes(b"a stranger's")
    (place / "cache/_alllayers/L00/letter.txt").write_bytes(b"dear all")
    if os.name != "nt":
        (place / "cache/_alllayers/out").symlink_to("../../outside")
    return place


@pytest.fixture
def place(tmp_path, master) -> Path:
    shutil.copytree(master, tmp_path / "place", symlinks=True)
    return tmp_path / "place"


def import_into(cache: Path, source: Path) -> str:
    """Import where that has to be refused; give the message."""
    with pytest.raises(tilepack.TransferError) as caught:
        tilepack.import_cache(source, cache)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 900
    return message


@needs_links
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_journal_is_refused_and_nothing_is_touched(place, source, data):
    (place / "cache" / JOURNAL).write_bytes(data)
    before = look_at_files(place)
    message = import_into(place / "cache", source)
    assert f"{JOURNAL}: line " in message
    assert "move the file away" in message
    assert look_at_files(place) == before


def as_folder(path: Path) -> None:
    path.mkdir()


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


def as_link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(text(HEAD))
    path.symlink_to("elsewhere")


def as_sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 34)


@needs_links
@pytest.mark.parametrize("make", [as_folder, as_pipe, as_link, as_sparse_file])
def test_what_is_no_journal_is_refused(place, source, make: Callable[[Path], None]):
    make(place / "cache" / JOURNAL)
    assert "line 1 is none of a journal of tilepack's; move the file away" in import_into(place / "cache", source)
    assert not (place / "cache/tilepack.lock").exists()


@pytest.mark.parametrize("name", [BUNDLE, "conf.xml"])
@pytest.mark.parametrize("numbers", [[7, 1], [10**30, -1]], ids=["others", "huge"])
def test_a_file_whose_bytes_are_not_the_lines_gets_no_name(place, source, name, numbers):
    (place / "cache" / JOURNAL).write_bytes(text(HEAD, line({name: numbers})))
    (place / "cache" / f"{name}.partial").write_bytes(RUBBISH)
    before = (place / "cache" / name).read_bytes()
    assert "the MERGE of /a" in import_into(place / "cache", source)
    assert (place / "cache" / name).read_bytes() == before


@needs_links
def test_a_file_behind_a_link_to_itself_is_none(place, source):
    (place / "cache/Status.gdb").mkdir()
    (place / "cache/Status.gdb/loop").symlink_to("loop")
    path = "Status.gdb/loop/R0000C0000.bundle"
    (place / "cache" / JOURNAL).write_bytes(text(HEAD, line({path: RIGHT}, [path])))
    assert "the MERGE of /a" in import_into(place / "cache", source)


def test_work_is_shown_without_what_steers_terminals(place, source):
    work = "\x1b[2J\nlong" + "x" * 10_000
    (place / "cache" / JOURNAL).write_bytes(text({**HEAD, "work": work}, line({BUNDLE: [1, 1]})))
    message = import_into(place / "cache", source)
    assert "\x1b" not in message


@pytest.mark.parametrize("data", [b"", b"{", b'{"tilepack":1,"wo', bytes(50), b'{"tilep' + bytes(9) + b"\n"])
def test_a_journal_cut_short_in_its_first_line_is_of_a_run_that_did_nothing(place, source, data):
    (place / "cache" / JOURNAL).write_bytes(data)
    tilepack.import_cache(source, place / "cache")
    assert not (place / "cache" / JOURNAL).exists()


@needs_links
@pytest.mark.parametrize("write", [write_v1, write_v2, write_exploded])
def test_nothing_is_written_through_links(tmp_path, source, write):
    """Neither into a row that is one, nor into what lies where a file is to grow, nor over a lock."""
    write(tmp_path / "cache", SCHEME, {TILE: payload(TILE, "jpg", 50)})
    (tmp_path / "letter").write_bytes(b"dear all")
    for path in (BUNDLE, "_alllayers/L00/R0000C0000.bundlx", "conf.cdi", "_alllayers/L00/R0000000a/C0000000a.jpg"):
        if (tmp_path / "cache" / path).exists():
            (tmp_path / "cache" / f"{path}.partial").symlink_to(tmp_path / "letter")
    tilepack.import_cache(source, tmp_path / "cache", mode="OVERWRITE")
    assert (tmp_path / "letter").read_bytes() == b"dear all"
    assert not list((tmp_path / "cache").rglob("*.partial"))


@needs_links
def test_a_row_that_lies_elsewhere_is_refused(tmp_path, source):
    cache = tmp_path / "cache"
    write_exploded(cache, SCHEME, {TILE: payload(TILE, "jpg", 50)})
    (cache / "_alllayers/L00/R0000000a").rename(tmp_path / "row")
    (cache / "_alllayers/L00/R0000000a").symlink_to(tmp_path / "row")
    before = look_at_files(tmp_path)
    for options in ({}, {"mode": "OVERWRITE"}):
        with pytest.raises(tilepack.TransferError, match=r"R0000000a: is a link to .*row, outside the cache"):
            tilepack.import_cache(source, cache, **options)
    assert look_at_files(tmp_path) == before


def test_a_line_that_could_not_be_written_leaves_the_journal_as_it_was(tmp_path, monkeypatch):
    journal = Journal.begin(tmp_path, "f", "work")
    first = JournalLine("a", {BUNDLE: Digest(1, 2)}, ())
    journal.add([first])
    before = (tmp_path / JOURNAL).read_bytes()
    write = os.pwrite

    def half(descriptor: int, data: bytes, position: int) -> int:
        write(descriptor, data[: len(data) // 2], position)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half)
        with pytest.raises(tilepack.TransferError, match="make room"):
            journal.add([JournalLine("b", {}, (BUNDLE,))])
    assert (tmp_path / JOURNAL).read_bytes() == before
    journal.add([JournalLine("c", {}, (BUNDLE,))])
    again = Journal.open(tmp_path)
    assert again.lines == {"a": first, "c": JournalLine("c", {}, (BUNDLE,))}
    assert (again.fingerprint, again.work) == ("f", "work")
