"""Disks, rights and rivals that trouble a work: one clear error, nothing half, and the same again finishes it.

These are a few of each kind; ``benchmarks/faults.py`` does it at every step of every work.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from killing import Doomed
from rivals import prepare_meeting
from steps import BAD, DENIED, FULL, SMALL, UNREAD, Fault
from work import Work
from works import prepare

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="forks, and files told apart as by Linux")

NOBODY = 65534
WORKS = (
    "import into COMPACT", "import into EXPLODED, OVERWRITE", "export to .tpk", "convert over COMPACT",
    "delete from .tpkx", "repair EXPLODED", "status rebuild",
)  # fmt: skip
MEETINGS = ("import + import, COMPACT", "delete + import", "convert --replace + import", "status rebuild + rebuild")


@pytest.fixture(scope="module")
def doomed():
    with Doomed() as process:
        yield process


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into; pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def work(doomed, request, open_folder) -> Work:
    return prepare(request.param, Path(tempfile.mkdtemp(dir=open_folder)) / "work", doomed)


def steps_of(work: Work, doomed: Doomed, fault: Fault, user: int | None = None) -> list[Fault]:
    """Choose a step, another one for each kind of trouble and each work."""
    work.begin(user)
    end = work.run(doomed, fault.kind, root=fault.root, user=user)
    assert end.code == 0, end.said
    noise = random.Random(work.name + fault.kind)
    return [fault._replace(step=noise.randrange(1, end.steps + 1))] if end.steps else []


@pytest.mark.parametrize("work", WORKS, indirect=True)
def test_disk_that_refuses_loses_nothing(work, doomed):
    befell = 0
    for kind in (*FULL, *BAD):
        for fault in steps_of(work, doomed, Fault(kind, None, str(work.folder))):
            befell += not work.suffer(doomed, fault)
    assert befell


@pytest.mark.parametrize("work", ["import into COMPACT", "status rebuild"], indirect=True)
def test_disk_that_takes_no_large_files_loses_nothing(work, doomed):
    """GDAL's own writing meets that, too."""
    assert [work.suffer(doomed, Fault(SMALL, size)) for size in (1024, 4000, 10 << 20)] == [False, False, True]


@pytest.mark.parametrize("work", WORKS, indirect=True)
@pytest.mark.parametrize("where", ["source", "target"])
def test_file_that_cannot_be_read_or_ends_too_early_loses_nothing(work, doomed, where):
    for kind in UNREAD:
        for fault in steps_of(work, doomed, Fault(kind, None, str(work.source if where == "source" else work.folder))):
            work.suffer(doomed, fault)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize(
    "work", ["import into COMPACT", "convert over COMPACT", "delete a cache folder"], indirect=True
)
def test_rights_that_are_taken_away_lose_nothing(work, doomed):
    work.folder.parent.parent.chmod(0o755)
    for kind in DENIED:
        for fault in steps_of(work, doomed, Fault(kind, None, str(work.folder)), NOBODY):
            work.suffer(doomed, fault, NOBODY)


@pytest.mark.parametrize("name", MEETINGS)
def test_of_two_writers_one_is_turned_away_or_both_are_done_one_after_the_other(name, doomed, tmp_path):
    with Doomed() as other:
        meeting = prepare_meeting(name, tmp_path, (doomed, other))
        turned = {meeting.meet(step) for step in (1, meeting.steps // 2)}
        assert "second" in turned
        meeting.race()
