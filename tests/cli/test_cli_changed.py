"""Laws of ``import --changed``: what it says, and that nothing new means nothing done."""

from __future__ import annotations

import json
import shutil

import pytest
from command_line import run

import tilepack


@pytest.fixture
def target(exploded, tmp_path):
    tilepack.convert(exploded, tmp_path / "Ziel", levels="0-4")
    return tmp_path / "Ziel"


def test_second_run_says_that_nothing_has_changed(exploded, target):
    first = run("import", exploded, target, "--changed")
    assert first.exit_code == 0, first.stderr
    assert "no such job was done here before, so every bundle counts as changed" in first.stdout
    second = run("import", exploded, target, "--changed")
    assert second.exit_code == 0
    nothing = "  nothing has changed since the last run, 5 bundles; no bundle was opened\n"
    assert second.stdout == f"left {target} as it is\n{nothing}"
    assert second.stderr == ""
    planned = run("import", exploded, target, "--changed", "--dry-run")
    assert planned.stdout == f"would leave {target} as it is\n{nothing}"


def test_json_tells_how_many_bundles_are_as_before(exploded, target, tmp_path):
    source = tmp_path / "Quelle"
    shutil.copytree(exploded, source)
    told = json.loads(run("import", source, target, "--changed", "--json").stdout)
    assert (told["bundles"], told["bundlesAsBefore"]) == (5, 0)
    (source / "_alllayers/L04/R00000005/C00000006.png").unlink()
    told = json.loads(run("import", source, target, "--changed", "--json").stdout)
    assert (told["bundles"], told["bundlesAsBefore"]) == (1, 4)


def test_without_it_nothing_is_said_of_an_earlier_run(exploded, target):
    assert "last run" not in run("import", exploded, target).stdout
