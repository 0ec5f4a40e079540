"""Laws of running jobs: order, what a failure stops, plans that do nothing, locks, logs, kills, and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import caches
import pytest
import shapely
from command_line import environment, run
from PIL import Image

import tilepack
from tilepack.jobs.progress import Progress
from tilepack.keys import TileKey

ROOT = Path(__file__).parents[2]
TILES = {key: caches.picture(key, "jpg") for key in (TileKey(3, 1, 1), TileKey(4, 2, 3), TileKey(5, 4, 6))}


@pytest.fixture
def place(tmp_path) -> Path:
    caches.write_v2(tmp_path / "Süd [1]", caches.web_mercator(), TILES)
    return tmp_path / "jobs.toml"


def job(name: str, do: str = "export", *lines: str, **keys: object) -> str:
    said = {"source": "Süd [1]", **({"target": f"{name}.tpkx", "replace": True} if do == "export" else {}), **keys}
    said = {key.replace("_", "-"): value for key, value in said.items() if value is not None}
    return "\n".join(
        [
            "[[job]]",
            f'name = "{name}"',
            f'do = "{do}"',
            *(f"{key} = {json.dumps(value)}" for key, value in said.items()),
            *lines,
            "",
        ]
    )


def write(place: Path, *jobs: str) -> Path:
    place.write_text("\n".join(jobs), encoding="utf-8")
    return place


def states(report) -> dict[str, str]:
    return {outcome.name: str(outcome.state) for outcome in report.jobs}


def broken(place: Path) -> Path:
    """Write a cache that can be opened, and of which no bundle can."""
    folder = place.parent / "Broken"
    caches.write_v2(folder, caches.web_mercator(), TILES)
    for bundle in folder.rglob("*.bundle"):
        bundle.write_bytes(b"?" * 100)
    return folder


def test_each_kind_does_what_the_library_does(place, tmp_path):
    (tmp_path / "reports").mkdir()
    Image.new("RGB", (200, 133), "red").save(tmp_path / "Bild ä.png")
    write(
        place,
        job("cut", levels="3-4", title="Cut", tags=["a", "b"], thumbnail="Bild ä.png"),
        job("put", "import", needs="cut", target="cut.tpkx", levels=[5], overwrite=True),
        job(
            "turn",
            "convert",
            needs=["put"],
            source="cut.tpkx",
            target="Turned",
            storage_format="exploded",
            scales=[18489297.737236],
        ),
        job("told", "status", source="cut.tpkx", target="reports", format="geojson"),
        job("own", "status", source="Turned", needs="turn"),
        job("sound", "verify", source="cut.tpkx", deep=True),
    )
    report = tilepack.run_jobs(place, jobs=1)
    assert states(report) == dict.fromkeys(("cut", "put", "turn", "told", "own", "sound"), "done")
    assert caches.read_all(tmp_path / "cut.tpkx") == TILES
    with tilepack.open(tmp_path / "cut.tpkx") as cache:
        assert (cache.info.description.title, cache.info.description.tags) == ("Cut", ("a", "b"))
    with zipfile.ZipFile(tmp_path / "cut.tpkx") as package, package.open("thumbnail.png") as picture:
        assert Image.open(picture).convert("RGB").getcolors() == [(200 * 133, (255, 0, 0))]
    assert [key.level for key in caches.read_all(tmp_path / "Turned")] == [5]
    assert (tmp_path / "reports/Status.geojson").is_file()
    assert (tmp_path / "Turned/Status.gdb").is_dir()
    assert report.jobs[0].figures["tiles"] == 2
    json.dumps(report.as_json())
    assert not list(tmp_path.glob("*.progress*"))


def test_delete_is_told_in_the_words_of_the_library(place, tmp_path):
    write(place, job("cut"), job("gone", "delete", source=None, target="cut.tpkx", levels="3", needs="cut"))
    assert states(tilepack.run_jobs(place)) == {"cut": "done", "gone": "done"}
    assert {key.level for key in caches.read_all(tmp_path / "cut.tpkx")} == {4, 5}


def test_jobs_run_in_the_files_order_behind_what_they_need(place):
    write(place, job("a", needs=["d"]), job("b"), job("c", needs=["b"]), job("d", needs=["c"]), job("e"))
    begun = []
    report = tilepack.run_jobs(place, begun=lambda name, _: begun.append(name))
    assert begun == [outcome.name for outcome in report.jobs] == ["b", "c", "d", "a", "e"]


def test_failure_stops_those_that_need_it_and_no_other(place):
    broken(place)
    write(
        place,
        job("bad", source="Broken"),
        job("user", needs=["bad"]),
        job("users-user", needs=["user", "good"]),
        job("good"),
        job("ill", "verify", source="Broken"),
    )
    report = tilepack.run_jobs(place)
    assert states(report) == {
        "bad": "failed",
        "user": "stopped",
        "good": "done",
        "users-user": "stopped",
        "ill": "failed",
    }
    assert "Broken" in report.jobs[0].message
    assert report.has_failed
    assert not list(place.parent.glob("*.progress*"))
    assert not (place.parent / "user.tpkx").exists()


def test_fault_of_ours_stops_no_other_job_either(place, monkeypatch):
    monkeypatch.setattr("tilepack.jobs.doing.convert", lambda *_, **__: 1 / 0)
    write(place, job("bad", "convert", target="x.tpkx"), job("good"))
    report = tilepack.run_jobs(place)
    assert states(report) == {"bad": "failed", "good": "done"}
    assert "ZeroDivisionError" in report.jobs[0].message


def test_only_some_run_and_what_they_need_counts_as_done(place):
    write(place, job("a"), job("b", needs="a"), job("c"))
    assert states(tilepack.run_jobs(place, only=["c", "b"])) == {"b": "done", "c": "done"}
    assert not (place.parent / "a.tpkx").exists()
    with pytest.raises(tilepack.JobFileError, match="there is no job 'd'; there are a, b, c"):
        tilepack.run_jobs(place, only=["d"])


def test_dry_run_plans_and_does_nothing(place):
    write(place, job("a", levels="3"), job("b", "import", source="a.tpkx", target="c"), job("c", target="c"))
    caches.write_v2(place.parent / "c", caches.web_mercator(), TILES)
    before = caches.look_at_files(place.parent)
    report = tilepack.run_jobs(place, dry_run=True, log=place.parent / "log.txt")
    assert set(states(report).values()) == {"planned"}
    assert report.jobs[0].figures["tiles"] == 1
    assert "takes what a job before it makes" in report.jobs[1].message
    assert caches.look_at_files(place.parent) == before


def test_second_scheduler_is_told_who_runs_the_file(place):
    write(place, job("a"))
    first = Progress(place, None)
    try:
        with pytest.raises(tilepack.TransferError, match=f"process {os.getpid()} on .*wait until it is done"):
            tilepack.run_jobs(place)
    finally:
        first.release()
    assert states(tilepack.run_jobs(place)) == {"a": "done"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the system lets root write anywhere")
def test_file_on_read_only_media_needs_a_log_elsewhere(place, tmp_path):
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "jobs.toml").write_text(job("a", source=str(tmp_path / "Süd [1]"), target=str(tmp_path / "a.tpkx")))
    folder.chmod(0o500)
    with pytest.raises(tilepack.TransferError, match="--log"):
        tilepack.run_jobs(folder / "jobs.toml")
    assert not tilepack.run_jobs(folder / "jobs.toml", log=tmp_path / "log").has_failed


def test_log_grows_by_lines_that_no_message_can_forge(place, tmp_path):
    broken(place)
    log = tmp_path / "log.txt"
    write(place, job("bad", source="Broken"), job("a"))
    for _ in range(2):
        tilepack.run_jobs(place, log=log)
    lines = [line.partition(" ")[2] for line in log.read_text("utf-8").splitlines()]
    assert len(lines) == 8
    assert lines[0] == "bad: export begins"
    assert lines[1].startswith("bad: failed: ")
    assert lines[3].startswith("a: done: 3 tiles in 3 bundles")
    write(place, "colour = 1")
    with pytest.raises(tilepack.JobFileError):
        tilepack.run_jobs(place, log=log)
    assert "unknown key 'colour'" in log.read_text("utf-8").splitlines()[-1]


# Stopped runs

KILLED = """
import os, sys
sys.path[:0] = {path!r}
import tilepack
from tilepack.jobs import doing, running
turns = []
def begun(name, do):
    turns.append(name)
    if len(turns) == int(sys.argv[2]):
        os._exit(9)
tilepack.run_jobs(sys.argv[1], begun=begun)
"""


def kill_in_turn(place: Path, turn: int) -> None:
    code = KILLED.format(path=[str(ROOT)])
    done = subprocess.run([sys.executable, "-c", code, place, str(turn)], capture_output=True, check=False)
    assert done.returncode == 9, done.stderr.decode()


def test_killed_run_is_taken_up_behind_what_it_had_done(place):
    text = [job(name, replace=None) for name in "abc"]  # none may be done twice: its target exists
    write(place, *text)
    kill_in_turn(place, 3)
    assert states(tilepack.run_jobs(place)) == {"a": "earlier", "b": "earlier", "c": "done"}
    with pytest.raises(tilepack.JobFileError, match="exists already"):
        tilepack.run_jobs(place)  # that one came to its end: this is a new one


@pytest.mark.parametrize("what", ["source", "target", "job", "area", "picture"])
def test_what_is_not_as_it_was_is_done_again(place, what):
    world = shapely.box(-2e7, -2e7, 2e7, 2e7)
    (place.parent / "world.geojson").write_text(shapely.to_geojson(world))
    Image.new("RGB", (9, 9)).save(place.parent / "small.png")
    area = 'areas = [{ source = "world.geojson", crs = 3857 }]'
    write(place, job("a", "export", area, thumbnail="small.png"), job("b"))
    kill_in_turn(place, 2)
    if what == "source":
        bundle = next((place.parent / "Süd [1]").rglob("*.bundle"))
        os.utime(bundle, ns=(0, 0))
    elif what == "target":
        (place.parent / "a.tpkx").unlink()
    elif what == "area":
        (place.parent / "world.geojson").write_text(shapely.to_geojson(world.buffer(9)))
    elif what == "picture":
        Image.new("RGB", (9, 9), "red").save(place.parent / "small.png")
    else:
        write(place, job("a", levels="3"), job("b"))
    assert states(tilepack.run_jobs(place)) == {"a": "done", "b": "done"}


def test_job_that_is_asked_for_by_name_runs_and_the_stopped_run_waits_on(place):
    write(place, job("a"), job("b"), job("c", replace=None))
    kill_in_turn(place, 3)
    assert states(tilepack.run_jobs(place, only=["a"])) == {"a": "done"}
    assert states(tilepack.run_jobs(place)) == {"a": "earlier", "b": "earlier", "c": "done"}


def test_progress_of_strangers_means_nothing(place):
    write(place, job("a"))
    place.with_name("jobs.toml.progress").write_bytes(
        b'\xff\n[]\n{"job": 1}\n{"job": "a", "digest": "x"}\n' + b"[" * 9999
    )
    assert states(tilepack.run_jobs(place)) == {"a": "done"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_file_is_neither_read_nor_written_as_progress(place, kind):
    write(place, job("a"))
    progress, theirs = place.with_name("jobs.toml.progress"), place.with_name("theirs")
    theirs.write_bytes(b"theirs")
    {"pipe": os.mkfifo, "link": lambda path: path.symlink_to(theirs), "folder": os.mkdir}[kind](progress)
    with pytest.raises(tilepack.TransferError, match="is none of tilepack's, which notes here what is done; remove it"):
        tilepack.run_jobs(place)
    assert theirs.read_bytes() == b"theirs"
    assert not progress.with_name("jobs.toml.progress.lock").exists()


def test_ctrl_c_leaves_what_is_done_for_the_next_run(place):
    write(place, job("a"), job("b"))

    def stop(name: str, _: str) -> None:
        if name == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        tilepack.run_jobs(place, begun=stop)
    assert stopped.value.__notes__ == ["1 of 2 jobs were done; the same command goes on"]
    assert states(tilepack.run_jobs(place)) == {"a": "earlier", "b": "done"}


# The command line


def test_exit_codes_and_reports_of_the_command(place):
    write(place, job("a"))
    done = run("run", place)
    assert (done.exit_code, done.stderr) == (0, "a: export\n")
    assert done.stdout.splitlines()[1].split()[:3] == ["a", "export", "done"]
    assert run("run", place, "--quiet").output == ""
    told = json.loads(run("run", place, "--json", "--only", "a").stdout)
    assert (told["jobsDone"], told["jobs"][0]["figures"]["tiles"]) == (1, 3)
    broken(place)
    write(place, job("bad", source="Broken"), job("b", needs="bad"))
    failed = run("run", place, "--quiet")
    assert failed.exit_code == 1
    assert "stopped" in failed.stdout
    write(place, "colour = 1")
    refused = run("run", place)
    assert refused.exit_code == 1
    assert "line 1: unknown key 'colour'" in refused.stderr
    assert run("run").exit_code == 2


def test_skipped_tiles_are_exit_code_3(place, tmp_path):
    tiles = {key: caches.payload(key, "png") for key in TILES}  # which do not decode
    caches.write_v2(tmp_path / "Damaged", caches.web_mercator(), tiles)
    caches.write_v2(tmp_path / "Below", caches.web_mercator(), {key: caches.picture(key) for key in TILES})
    write(place, job("a", "import", source="Damaged", target="Below", skip_errors=True))
    done = run("run", place, "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["tilesSkipped"] == 3


def test_interrupted_command_is_exit_code_130(place):
    write(place, job("a"))
    code = (
        "import sys\nfrom tilepack.jobs import doing\n"
        "def stop(*_, **__):\n    raise KeyboardInterrupt\n"
        "doing.export_cache = stop\nfrom tilepack_cli.main import main\n"
        f"sys.argv = ['tilepack', 'run', {str(place)!r}]\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 130
    assert "0 of 1 jobs were done; the same command goes on" in done.stderr
