"""Laws of the lines of a TOML text: every key stands where whoever wrote it put it, whatever lies between."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilepack.jobs.lines import find_lines

VALUES = [
    "1",
    "true",
    "-1.5e3",
    "1979-05-27 07:32:00",
    '"plain"',
    '"a # [no] comment = \\" \\\\"',
    "'literal \\'",
    '""',
    "''",
    '"""\none\n[two]\n# three\nfour = "" 5\n"""',
    '""""quoted" twice"""""',
    "'''\n[[job]]\nname = \"x\"\n'''",
    '"""\\\n  folded \\"""  \n"""',
    "[]",
    "[1, 2, # no\n 3,\n]",
    '[\n  "a]",\n  \'b[\',\n  ["c", ["""d\n]""" ] ],\n]',
    "{}",
]
KEYS = st.lists(
    st.sampled_from(["a", "b-c", "1", '"d e"', "'f.g'", '"h\\u0069"', "'#'", '"="']),
    min_size=1,
    max_size=5,
    unique=True,
)
BETWEEN = st.sampled_from(["", "\n", "# [x] = 1\n", "   \n\t\n", "\r\n"])


def plain(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0")))


@st.composite
def documents(draw):
    """Draw a document, and the line of each key, counted while it is written."""
    text, expected = "", {}

    def add(piece: str) -> int:
        nonlocal text
        line = text.count("\n") + 1
        text += piece
        return line

    def pairs(path) -> None:
        for key in draw(KEYS):
            add(draw(BETWEEN))
            add(draw(st.sampled_from(["", "  ", "\t"])))
            here = (*path, plain(key))
            if draw(st.booleans()):
                expected[here] = add(
                    f"{key} = {draw(st.sampled_from(VALUES))}{draw(st.sampled_from(['', ' # end']))}\n"
                )
            elif draw(st.booleans()):
                expected[here] = expected[*here, "in"] = add(f'{key} . "in" = {draw(st.sampled_from(VALUES))}\n')
            else:
                line = add(f"{key} = [\n  # first\n  {{ x = 1, y = [2] }},")
                expected[here], expected[*here, 0], expected[*here, 0, "y"] = line, line + 2, line + 2
                expected[*here, 1] = add("\n { z = 3 } ]\n") + 1

    pairs(())
    for number in range(draw(st.integers(0, 3))):
        expected["job", number] = add("[[ job ]]\n") if draw(st.booleans()) else add("[[job]] # x\n")
        pairs(("job", number))
        for inner in range(draw(st.integers(0, 2))):
            expected["job", number, "areas", inner] = add('[[job."areas"]]\n')
            pairs(("job", number, "areas", inner))
        expected["job", number, "t"] = add("[job.t]\n")
        pairs(("job", number, "t"))
    return text, expected


@given(documents())
def test_every_key_stands_where_it_was_written(document):
    text, expected = document
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a key and a table of one name
    found = find_lines(text)
    assert {path: found.get(path) for path in expected} == expected


@given(documents())
def test_every_value_that_is_read_has_a_line(document):
    text, _ = document
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = find_lines(text)

    def walk(value, path):
        assert not path or path in found, path
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                walk(inner, (*path, number))

    walk(whole, ())


@pytest.mark.parametrize("text", ["", "\n", "# only this", "a = 1", "[a.b.c]", "a.b.c = 1"])
def test_short_texts(text):
    tomllib.loads(text)
    assert set(find_lines(text).values()) <= {1}
