"""Caches that are broken by design, given to all that is done with caches: it refuses what reading refuses.

A few pairs of case and work in turn; TILEPACK_HOSTILE_EXAMPLES makes it all of them, which takes minutes.
"""

from __future__ import annotations

import os
import tempfile

import hostile_bundles
import hostile_documents
import hostile_folders
import hostile_packages
import pytest
from fuzz_caches import WORKS
from fuzz_target import World
from fuzz_watch import watched

CASES = [
    case
    for module in (hostile_folders, hostile_packages, hostile_bundles, hostile_documents)
    for case in module.CASES
    if "17-mib" not in case.name
]
EACH = 1 if "TILEPACK_HOSTILE_EXAMPLES" in os.environ else 101
"""Every so manyth pair; a prime number, so that all works get their turn."""


@pytest.mark.parametrize("work", WORKS, ids=[work.__name__ for work in WORKS])
def test_broken_caches_break_no_rule(work, tmp_path, monkeypatch):
    world = World(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(world.own))
    for case in CASES[WORKS.index(work) :: EACH]:
        folder = world.fresh()
        (folder / "cache").mkdir()
        source = case.make(folder / "cache")
        with watched(world):
            work(source, folder / "target")
