from dataclasses import replace

import pytest
from hypothesis import given
from metadata_documents import cache_info, extents, infos, words

from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.metadata.conf_cdi import format_conf_cdi, parse_conf_cdi
from tilepack.metadata.conf_properties import format_conf_properties, parse_conf_properties


def envelope(xmin="1", ymin="2", xmax="3", ymax="4", rest=""):
    edges = {"XMin": xmin, "YMin": ymin, "XMax": xmax, "YMax": ymax}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in edges.items() if text is not None)
    return f"<EnvelopeN>{inner}{rest}</EnvelopeN>".encode()


@given(infos, extents())
def test_extent_and_spatial_reference_read_back_as_the_same_values(info, extent):
    data = format_conf_cdi(replace(info, extent=extent))
    assert parse_conf_cdi(data, place="p") == (extent, info.scheme.spatial_reference)


def test_envelope_without_spatial_reference_is_read():
    assert parse_conf_cdi(envelope(), place="p") == (Extent(xmin=1, ymin=2, xmax=3, ymax=4), None)


def test_envelope_is_none_when_empty_by_its_own_word():
    data = envelope("NaN", "NaN", "NaN", "NaN", "<SpatialReference><WKID>2193</WKID></SpatialReference>")
    extent, reference = parse_conf_cdi(data, place="p")
    assert extent is None
    assert reference is not None
    assert reference.wkid == 2193


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (envelope("3", "2", "1", "4"), "the envelope is 3, 2, 1, 4; its minima must lie below its maxima"),
        (envelope(ymax=None), "EnvelopeN has no YMax"),
        (envelope(xmin="west"), "XMin is 'west'"),
        (envelope(xmin=""), "XMin is ''"),
        (envelope(xmin="-1.7976931348623157e+308"), "coordinates stay within 1e\\+15"),
        (b"<CacheInfo/>", "the topmost element is 'cacheinfo'; it must be EnvelopeN"),
    ],
)
def test_document_is_refused_with_place_and_reason_when_it_breaks_a_rule(data, complaint):
    with pytest.raises(MetadataError, match=f"^state/conf.cdi: .*{complaint}"):
        parse_conf_cdi(data, place="state/conf.cdi")


def test_format_refuses_a_cache_without_extent():
    with pytest.raises(ValueError, match="declares none"):
        format_conf_cdi(cache_info())


@given(words)
def test_content_type_reads_back(content_type):
    data = format_conf_properties(cache_info(content_type=content_type))
    assert parse_conf_properties(data, place="p") == content_type


@pytest.mark.parametrize(
    "data",
    [
        b"<PropertySet/>",
        b"<PropertySet><PropertyArray><P><Key>Other</Key><Value>1</Value></P></PropertyArray></PropertySet>",
    ],
)
def test_content_type_is_map_when_not_named(data):
    assert parse_conf_properties(data, place="p") == "Map"


def test_properties_of_another_kind_are_refused():
    with pytest.raises(MetadataError, match=r"^p: the topmost element is 'a'; it must be PropertySet"):
        parse_conf_properties(b"<a/>", place="p")
