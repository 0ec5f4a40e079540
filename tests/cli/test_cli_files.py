"""Laws of the files that commands write beside caches: whole or not at all, and named as what they are."""

from __future__ import annotations

import os

import pytest
from command_line import run, run_apart

COMMANDS = [["tile", 9, 127, 200], ["preview"]]


def words(command: list[object], source: object, out: object) -> list[object]:
    return [command[0], source, *command[1:], "-o", out]


def filling() -> None:
    """Let no file grow beyond 100 bytes, as on a disk that is full."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


@pytest.mark.skipif(os.name == "nt", reason="needs limits on the size of files")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_nothing_half_is_left_when_the_disk_is_full(tpkx, tmp_path, command):
    out, old = tmp_path / "new" / "a.png", tmp_path / "old" / "b.png"
    for place in (out, old):
        place.parent.mkdir()
    old.write_bytes(b"as it was")
    for place, more in ((out, []), (old, ["--replace"])):
        done = run_apart(*words(command, tpkx, place), *more, preexec_fn=filling)
        assert done.returncode == 1
        assert done.stderr.decode().startswith(f"tilepack: {place}: cannot be written: ")
    assert list(out.parent.iterdir()) == []
    assert [path.read_bytes() for path in old.parent.iterdir()] == [b"as it was"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_folder_that_is_not_there_is_named(tpkx, tmp_path, command):
    result = run(*words(command, tpkx, tmp_path / "none" / "a.png"))
    assert result.exit_code == 1
    assert result.stderr == f"tilepack: {tmp_path / 'none'}: there is no such folder; make it first\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_folder_is_no_file_to_write(tpkx, tmp_path, command):
    result = run(*words(command, tpkx, tmp_path), "--replace")
    assert result.exit_code == 1
    assert result.stderr == f"tilepack: {tmp_path}: is a folder; name the file to write\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_link_stays_and_what_it_leads_to_is_replaced(tpkx, tmp_path, command):
    whole, link = tmp_path / "whole.png", tmp_path / "link.png"
    whole.write_bytes(b"old")
    try:
        link.symlink_to(whole)
    except OSError:
        pytest.skip("links are not for everybody here")
    assert run(*words(command, tpkx, link), "--replace").exit_code == 0
    assert link.is_symlink()
    assert whole.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs a device")  # noqa: PTH110
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_device_stays_one(tpkx, command):
    assert run(*words(command, tpkx, "/dev/null"), "--replace").exit_code == 0
    assert not os.path.isfile("/dev/null")  # noqa: PTH113


@pytest.mark.parametrize("name", ["a.jpg", "a.TIF"])
def test_a_picture_is_not_named_as_another_kind(tpkx, tmp_path, name):
    result = run("preview", tpkx, "-o", tmp_path / name, width=200)
    assert result.exit_code == 2
    assert "the picture is a PNG; let its name end in .png" in result.stderr
    assert list(tmp_path.glob("a*")) == []
