"""Any tiles, anywhere, survive any chain of conversions."""

from __future__ import annotations

import tempfile
from pathlib import Path

from caches import look_at_tiles, read_all, web_mercator, write_exploded, write_v1, write_v2
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import LAYOUTS, convert_to

from tilepack.keys import TileKey

LAST = (1 << 32) - 1

near = st.one_of(st.integers(0, 300), st.integers(65_400, 65_700))
anywhere = st.one_of(near, st.integers(0, LAST), st.just(LAST))
keys = st.one_of(
    st.builds(TileKey, st.integers(0, 9), near, near),
    st.builds(TileKey, st.integers(10, 23), anywhere, anywhere),  # coarser ones would lie beyond all coordinates
)
tile_sets = st.dictionaries(keys, st.binary(min_size=1, max_size=600), min_size=1, max_size=6)


@settings(max_examples=25)
@given(
    tiles=tile_sets,
    write=st.sampled_from([write_v1, write_v2, write_exploded]),
    chain=st.lists(st.sampled_from(sorted(LAYOUTS)), min_size=1, max_size=3),
)
def test_any_tiles_survive_any_chain_of_conversions(tiles, write, chain):
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "source")
        write(place, web_mercator(), tiles)
        for number, layout in enumerate(chain):
            step = Path(folder, str(number))
            step.mkdir()
            place = convert_to(layout, place, step)
        assert look_at_tiles(place) == tiles
        assert read_all(place) == tiles
