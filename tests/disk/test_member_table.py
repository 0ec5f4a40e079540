"""A table of members gives them back, in the order that is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilepack.disk.member_table import MemberTable
from tilepack.formats.stored_zip import Member

NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), unique=True, max_size=20)
NUMBERS = st.integers(0, (1 << 64) - 1)


@given(NAMES, st.data())
def test_members_come_back(names, data):
    offsets = data.draw(st.lists(NUMBERS, min_size=len(names), max_size=len(names), unique=True))
    members = [
        Member(name, offset, data.draw(NUMBERS), data.draw(st.integers(0, (1 << 32) - 1)))
        for name, offset in zip(names, offsets, strict=True)
    ]
    table = MemberTable()
    for member in members:
        table.add(member)
    assert [table[number] for number in range(len(table))] == members
    assert list(table.folders()) == [member for member in members if member.is_folder]
    first = data.draw(st.permutations(members))[:3]
    rest = sorted((member for member in members if member not in first), key=lambda member: member.offset)
    assert list(table.in_order([member.name for member in first])) == [*first, *rest]


def test_name_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        list(MemberTable().in_order(["conf.xml"]))
