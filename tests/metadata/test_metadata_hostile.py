"""Whatever the bytes are, a parser gives a value or an error of tilepack's own."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_documents import cache_info, conf_xml, encoded, infos, root_members

from tilepack.errors import TilepackError
from tilepack.extent import Extent
from tilepack.metadata.conf_cdi import format_conf_cdi, parse_conf_cdi
from tilepack.metadata.conf_properties import format_conf_properties, parse_conf_properties
from tilepack.metadata.conf_xml import format_conf_xml, parse_conf_xml
from tilepack.metadata.iteminfo_json import format_iteminfo_json, parse_iteminfo_json
from tilepack.metadata.iteminfo_xml import format_item_pkinfo, format_iteminfo_xml, parse_iteminfo_xml
from tilepack.metadata.mapserver_json import (
    format_mapserver_json,
    parse_levels,
    parse_mapserver_json,
    parse_service,
)
from tilepack.metadata.root_json import format_root_json, parse_root_json
from tilepack.metadata.standard import with_literal_levels
from tilepack.metadata.tiling_scheme_xml import format_tiling_scheme, parse_tiling_scheme

EXTENT = Extent(xmin=-10, ymin=-10, xmax=10, ymax=10.5)
INFO = cache_info(extent=EXTENT)
DOCUMENTS: dict[Callable[[bytes], object], bytes] = {
    lambda data: parse_conf_xml(data, place="p", name="n"): conf_xml("10.6", extra="<More/>"),
    lambda data: parse_conf_cdi(data, place="p"): format_conf_cdi(INFO),
    lambda data: parse_conf_properties(data, place="p"): format_conf_properties(INFO),
    lambda data: parse_root_json(data, place="p", name="n"): encoded(root_members()),
    lambda data: parse_mapserver_json(data, place="p"): format_mapserver_json(INFO, degrees=EXTENT),
    lambda data: parse_levels(data, place="p"): format_mapserver_json(INFO, degrees=EXTENT),
    lambda data: parse_service(data, place="p", name="n"): format_mapserver_json(INFO, degrees=EXTENT),
    lambda data: parse_tiling_scheme(data, place="p", name="n"): format_tiling_scheme(INFO.scheme),
    lambda data: parse_iteminfo_json(data, place="p"): format_iteminfo_json(INFO, guid="g", degrees=EXTENT),
    lambda data: parse_iteminfo_xml(data, place="p"): format_iteminfo_xml(INFO, guid="g", degrees=EXTENT),
}
parsers = pytest.mark.parametrize(("parse", "sound"), list(DOCUMENTS.items()))
numbers = st.sampled_from(
    ["-1", "0", "1e308", "1e-320", "NaN", "", "99999999999999999999", "x", "\ud7ff", "12.5", "null"]
)


def check(parse: Callable[[bytes], object], data: bytes) -> None:
    try:
        parse(data)
    except TilepackError as error:
        assert str(error).startswith("p: ")  # noqa: PT017 - that there is an error at all is not asked


@parsers
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_give_only_errors_of_tilepack(parse, sound, data):
    check(parse, data)
    check(parse, b"<CacheInfo>" + data + b"</CacheInfo>")
    check(parse, b'{"tileInfo": "' + data + b'"}')


@parsers
@given(data=st.data())
def test_mutated_documents_give_only_errors_of_tilepack(parse, sound, data):
    mutated = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(mutated) - 1))
        stop = data.draw(st.integers(start, min(len(mutated), start + 40)))
        mutated[start:stop] = data.draw(st.binary(max_size=6) | st.just(bytes(mutated[stop : stop + 30])))
    check(parse, bytes(mutated))


@parsers
@given(data=st.data())
def test_documents_with_other_numbers_give_only_errors_of_tilepack(parse, sound, data):
    # A run of digits is replaced, so that the document stays well formed and gets to the rules behind.
    text = sound.decode()
    places = [index for index, sign in enumerate(text) if sign.isdigit() and not text[index - 1].isdigit()]
    start = data.draw(st.sampled_from(places)) if places else 0
    stop = next((k for k in range(start, len(text)) if not text[k].isdigit()), len(text))
    check(parse, (text[:start] + data.draw(numbers) + text[stop:]).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(sorted(root_members())), st.sampled_from(sorted(root_members()["tileInfo"])))
def test_json_members_of_any_kind_give_only_errors_of_tilepack(value, outer, inner):
    for members in (
        root_members(**{outer: value}),
        root_members(tileInfo={**root_members()["tileInfo"], inner: value}),
    ):
        for parse in DOCUMENTS:
            check(parse, encoded(members))


@given(json_values, st.sampled_from(["documentInfo", "resourceInfo", "mapserver.json", "layers", "units", "version"]))
def test_kept_members_of_any_kind_are_written(value, name):
    info = cache_info(service={name: value})
    assert format_root_json(info)
    assert format_mapserver_json(info, degrees=None)


@given(infos)
def test_every_document_of_a_cache_can_be_written_and_read(info):
    literal = with_literal_levels(info.scheme)
    assert [lod.level for lod in literal.levels] == [lod.level for lod in info.scheme.levels]
    parse_conf_xml(format_conf_xml(info), place="p", name="n")
    parse_tiling_scheme(format_tiling_scheme(info.scheme, tile_format=info.tile_format), place="p", name="n")
    parse_conf_properties(format_conf_properties(info), place="p")
    parse_iteminfo_xml(format_iteminfo_xml(info, guid="g"), place="p")
    assert format_item_pkinfo(info, guid="g")
