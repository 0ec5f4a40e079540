"""Whatever bytes a parser is given, it refuses them in a sentence or takes them, soon, and touches nothing else.

The same changed inputs in every run; benchmarks/fuzz.py looks for others, guided by what they reach.
"""

from __future__ import annotations

import random
import tempfile

import pytest
from fuzz_target import Target, World
from fuzz_targets import TARGETS
from fuzz_watch import run_watched
from hostile_mutations import mutate


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    made = World(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(made.own))
    return made


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_sound_inputs_break_no_rule(target: Target, world):
    corpus = target.corpus()
    for seed in corpus[:: -(-len(corpus) // target.few)]:
        run_watched(target, seed, world)


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_changed_inputs_break_no_rule(target: Target, world):
    choose = random.Random(target.name)
    corpus = target.corpus()
    donors = [*target.words, *filter(None, corpus)]
    for _ in range(target.few):
        run_watched(target, mutate(choose.choice(corpus), choose, donors)[: target.longest], world)
