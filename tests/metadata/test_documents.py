import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_documents import encoded

from tilepack.errors import MetadataError
from tilepack.metadata.documents import MAX_BYTES, read_integer, read_number, shown
from tilepack.metadata.json_documents import parse_json
from tilepack.metadata.writing import version_numbers, written_schema_version, xml_element, xml_number, xml_text
from tilepack.metadata.xml_documents import parse_xml

BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (b"\0\0  \r\n", "empty"),
        (b"<a><b></a>", "no well-formed XML"),
        (b"<a/><b/>", "no well-formed XML"),
        (b"plain words", "no well-formed XML"),
        (b"<a>\xff\xfe</a>", "no well-formed XML"),
        (b'<?xml version="1.0" encoding="no-such-code"?><a/>', "no well-formed XML"),
        (BOMB, "DOCTYPE"),
        (BOMB.decode().encode("utf-16"), "DOCTYPE"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', "DOCTYPE"),
        (b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]><a>&f;</a>', "DOCTYPE"),
        (b"<a>&undeclared;</a>", "no well-formed XML"),
        (b"<a>" * 5000 + b"</a>" * 5000, "no well-formed XML"),
        (b"<a>" + b"<b/>" * 250_000 + b"</a>", "200,000"),
        (b"<a " + b" ".join(b'a%d=""' % number for number in range(210_000)) + b"/>", "200,000"),
        (b"<other/>", "it must be a"),
    ],
)
def test_xml_is_refused_with_place_and_reason_when_broken_or_hostile(data, complaint):
    with pytest.raises(MetadataError, match=complaint) as caught:
        parse_xml(data, place="cache/conf.xml", root="a")
    assert str(caught.value).startswith("cache/conf.xml: ")
    assert "\n" not in str(caught.value)


def test_doctype_is_refused_when_an_encoding_hides_it():
    data = '<?xml version="1.0" encoding="IBM037"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("cp037")
    with pytest.raises(MetadataError, match=r"^p: "):
        parse_xml(data, place="p")


@pytest.mark.parametrize("parse", [parse_xml, parse_json])
def test_documents_are_refused_beyond_16_mebibytes(parse):
    with pytest.raises(MetadataError, match=r"^p: the document has 16,777,217 bytes"):
        parse(b" " * (MAX_BYTES + 1), place="p")


def test_xml_is_read_whatever_prefixes_case_and_comments_it_has():
    data = b"\r\n<n:Top xmlns:n='u'><!-- x --><?pi x?><n:INNER> 12<!-- y -->8 </n:INNER></n:Top>"
    node = parse_xml(data, place="p", root="top")
    assert node.text("inner") == "128"
    assert node.integer("Inner") == 128
    assert node.optional_number("missing") is None
    assert [child.name for child in node] == ["inner"]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b" ", "empty"),
        (b"{", "no JSON"),
        (b"[1]", "topmost value is .1.; it must be an object"),
        (b"<html><body>Sign in</body></html>", "no JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "beyond the range"),
        (b'{"a": ' + b"1" * 5000 + b"}", "no JSON"),
        (b'{"a": "\xff"}', "no JSON"),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", "deeper than 100"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "deeper than 100"),
        (b'{"a": [' + b"1," * 2_100_000 + b"1]}", "500,000"),
    ],
)
def test_json_is_refused_with_place_and_reason_when_broken_or_hostile(data, complaint):
    with pytest.raises(MetadataError, match=complaint) as caught:
        parse_json(data, place="p/root.json")
    assert str(caught.value).startswith("p/root.json: ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_is_read_in_any_unicode_encoding(encoding):
    assert parse_json('{"név": "é"}'.encode(encoding), place="p").text("NÉV") == "é"


def test_json_keys_are_found_in_any_case_and_the_exact_one_wins():
    node = parse_json(b'{"wkid": 1, "WKID": 2, "LatestWkid": 3, "a": null, "A": 4, "d": 5, "d": 6}', place="p")
    assert (node.get("WKID"), node.get("wkid"), node.get("Wkid")) == (2, 1, 1)
    assert node.integer("latest", "latestWkid") == 3
    assert (node.integer("a"), node.integer("d")) == (4, 6)
    assert node.rest("WKID", "latestwkid", "D") == {"a": None, "A": 4}


def test_json_texts_lose_what_no_encoding_can_hold():
    assert parse_json(rb'{"a": " x\ud800\u0000y "}', place="p").text("a") == "x\ufffd\ufffdy"


def test_json_members_are_refused_when_of_the_wrong_kind():
    node = parse_json(b'{"a": [], "b": true, "c": "12x"}', place="p")
    for read in (node.node, node.number):
        with pytest.raises(MetadataError, match=r"^p: a is '?\[\]"):
            read("a")
    with pytest.raises(MetadataError, match=r"^p: b is True; it must be a finite number"):
        node.number("b")
    with pytest.raises(MetadataError, match=r"^p: c is '12x'"):
        node.integer("c")
    with pytest.raises(MetadataError, match=r"^p: d is missing"):
        node.integer("d")


@pytest.mark.parametrize(
    "text", ["", "1_000", "0x10", "nan", "inf", "1e999", "\u0661", "1,5", "--1", "1" * 500, 10**400]
)
def test_numbers_are_refused_when_not_plain(text):
    with pytest.raises(MetadataError, match=r"^p: DPI is "):
        read_number(text, place="p", label="DPI")


@pytest.mark.parametrize(("text", "number"), [("128.0", 128), (" +5 ", 5), (".5e1", 5), ("-0", 0), (7.0, 7)])
def test_integers_are_read_when_whole(text, number):
    assert read_integer(text, place="p", label="l") == number


def test_integers_are_refused_when_not_whole():
    with pytest.raises(MetadataError, match=r"^p: l is '1.5'; it must be a whole number"):
        read_integer("1.5", place="p", label="l")


@given(st.text() | st.binary(max_size=99))
def test_shown_values_stay_on_one_short_line(value):
    assert len(shown(value)) <= 60
    assert shown(value).isprintable()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_xml_numbers_come_back_as_the_same_double(value):
    assert read_number(xml_number(value), place="p", label="l") == value


@given(st.text())
def test_xml_texts_come_back_but_for_what_xml_cannot_hold(text):
    node = parse_xml(xml_element("a", xml_text(text)).encode(), place="p")
    kept = "".join(
        c for c in text if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )
    assert (node.element.text or "") == kept


@pytest.mark.parametrize(
    ("version", "written"),
    [
        (None, "10.3"),
        ("9.2", "10.3"),
        ("10.0", "10.3"),
        ("10.1", "10.1"),
        ("10.6", "10.6"),
        ("10.10", "10.10"),
        ("2.6.0", "10.3"),
        ("10.6'/><x", "10.3"),
    ],
)
def test_schema_version_is_kept_from_10_1_on(version, written):
    assert written_schema_version(version) == written


def test_versions_compare_by_number():
    assert version_numbers("10.10") > version_numbers("10.9") > version_numbers("9.3") > version_numbers("x")


def test_json_reads_what_json_writes():
    assert parse_json(encoded({"a": [{"b": None}]}), place="p").members == {"a": [{"b": None}]}
