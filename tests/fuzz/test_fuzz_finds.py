"""What fuzzing found, by hand or by machine: each broke a rule once, and breaks none any more."""

from __future__ import annotations

import tempfile

import fuzz_caches
import pytest
from fuzz_target import World
from fuzz_targets import BY_NAME
from fuzz_watch import run_watched

FINDS = {
    "a cache repaired into a new one stayed open": (
        "whole cache",
        fuzz_caches.input_for("ready", "tile/L01/R0000C0000.bundle", fuzz_caches.repair_into_new, b""),
    ),
}


@pytest.mark.parametrize(("target", "data"), FINDS.values(), ids=FINDS)
def test_find_breaks_no_rule_any_more(target, data, tmp_path, monkeypatch):
    world = World(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(world.own))
    run_watched(BY_NAME[target], data, world)
