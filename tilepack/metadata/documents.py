"""Parse XML and JSON that may be broken or hostile; look things up in whatever spelling they have.

What every document of a cache has to get through:

=======================  ============================================================================
size                     at most 64 MiB; 200,000 tags of XML, 2,000,000 values of JSON
XML                      no DOCTYPE at all (so no entities), no network, libxml2's own limits left on
JSON                     UTF-8 or UTF-16 with or without a mark, an object on top, no NaN, no number beyond
                         the range of a double, nested no deeper than 100
numbers                  plain decimal notation; a text may stand for a number, a whole 128.0 for 128
names                    compared without regard to case; of XML only the local name counts
=======================  ============================================================================

Sources: the spellings seen in conf.xml of 9.2 to 10.6 and in Esri's tile package specification beside real packages.
Whatever does not get through is a `MetadataError` that begins with the place, the path as the caller shows it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from lxml import etree
from lxml.etree import _Element as Element

from tilepack.errors import MetadataError

MAX_BYTES: Final = 64 << 20
"""Largest document that is read. Real ones have kilobytes; legends with pictures reach a few megabytes."""

MAX_DEPTH: Final = 100
"""Deepest nesting of JSON. Real documents have about ten; Python's own parser and printer give up near 1,000."""

MAX_TAGS: Final = 200_000
"""Most tags in an XML document, opening and closing ones. 256 levels need 2,500."""

MAX_VALUES: Final = 2_000_000
"""Most objects, lists and commas in a JSON document, so that 64 MiB cannot become gigabytes of memory."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400
"""Characters; 1.8e308 written out without an exponent has 309."""
_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")


def shown(value: object) -> str:
    """Give a value as an error message shows it: quoted, on one line, cut to 60 characters."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_number(value: object, *, place: str, label: str) -> float:
    """Read a finite number that a document gives as number or text.

    Args:
        value: What the document holds: int, float or str; anything else is refused.
        place: The document's path, for messages.
        label: What the number is called there, for messages.

    Raises:
        MetadataError: It is no finite number.
    """
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    elif isinstance(value, str) and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value.strip()):
        number = float(value)
    if not math.isfinite(number):
        raise MetadataError(f"{place}: {label} is {shown(value)}; it must be a finite number")
    return number


def read_integer(value: object, *, place: str, label: str) -> int:
    """Read a whole number that a document gives as number or text; 128.0 is 128.

    Raises:
        MetadataError: It is no whole number.
    """
    number = read_number(value, place=place, label=label)
    if not number.is_integer():
        raise MetadataError(f"{place}: {label} is {shown(value)}; it must be a whole number")
    return int(number)


def _check_size(data: bytes, place: str, *, marks: bytes, most: int) -> None:
    if len(data) > MAX_BYTES:
        raise MetadataError(
            f"{place}: the document has {len(data):,} bytes; documents of caches have at most {MAX_BYTES:,}, "
            "so this is another kind of file"
        )
    count = sum(data.count(mark) for mark in marks)
    if count > most:
        raise MetadataError(
            f"{place}: the document has about {count:,} parts; documents of caches have at most {most:,}, "
            "so this is another kind of file"
        )
    if not data.strip(b"\0 \t\r\n"):
        raise MetadataError(f"{place}: the document is empty; restore it from the source it was copied from")


@dataclass(frozen=True, slots=True)
class XmlNode:
    """An element and the path of its document. Names are looked up by local name, in any case."""

    element: Element
    place: str
    """The document's path, for messages."""

    @property
    def name(self) -> str:
        """Local name in lower case."""
        return str(self.element.tag).rpartition("}")[2].lower()

    @property
    def own_text(self) -> str:
        """The element's text without the white space around it."""
        return (self.element.text or "").strip()

    def __iter__(self) -> Iterator[XmlNode]:
        for element in self.element:
            if isinstance(element.tag, str):  # no comment, no processing instruction
                yield XmlNode(element, self.place)

    def child(self, *names: str) -> XmlNode | None:
        """Give the first child of any of these names."""
        wanted = {name.lower() for name in names}
        return next((node for node in self if node.name in wanted), None)

    def need(self, name: str) -> XmlNode:
        """Give the first child of a name.

        Raises:
            MetadataError: There is none.
        """
        found = self.child(name)
        if found is None:
            local = str(self.element.tag).rpartition("}")[2]
            raise MetadataError(f"{self.place}: {local} has no {name}; the document is incomplete")
        return found

    def text(self, *names: str) -> str:
        """Give a child's text, "" when it is absent or empty."""
        found = self.child(*names)
        return "" if found is None else found.own_text

    def number(self, name: str) -> float:
        """Give a child's finite number.

        Raises:
            MetadataError: It is absent or no finite number.
        """
        return read_number(self.need(name).own_text, place=self.place, label=name)

    def integer(self, name: str) -> int:
        """Give a child's whole number.

        Raises:
            MetadataError: It is absent or no whole number.
        """
        return read_integer(self.need(name).own_text, place=self.place, label=name)

    def optional_number(self, name: str) -> float | None:
        """Give a child's finite number, None when it is absent or empty.

        Raises:
            MetadataError: It is there and no finite number.
        """
        return self.number(name) if self.text(name) else None

    def optional_integer(self, name: str) -> int | None:
        """Give a child's whole number, None when it is absent or empty.

        Raises:
            MetadataError: It is there and no whole number.
        """
        return self.integer(name) if self.text(name) else None


def parse_xml(data: bytes, *, place: str, root: str | None = None) -> XmlNode:
    """Parse an XML document.

    Args:
        data: The document's bytes.
        place: Its path, for messages.
        root: Local name that the topmost element must have, in any case.

    Raises:
        MetadataError: It is no well-formed XML, has a DOCTYPE, is too large, or has another topmost element.
    """
    _check_size(data, place, marks=b"<", most=MAX_TAGS)
    refusal = f"{place}: the document has a DOCTYPE; documents of caches have none, remove it"
    # Before anything is parsed; without the zeros this finds it in UTF-16 and UTF-32 too.
    if b"<!DOCTYPE" in data.replace(b"\0", b""):
        raise MetadataError(refusal)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        element = etree.fromstring(data.lstrip(b" \t\r\n"), parser)
    except (etree.LxmlError, ValueError, LookupError) as error:
        reason = " ".join(str(error).split())[:200]
        raise MetadataError(f"{place}: the document is no well-formed XML ({reason})") from error
    if element.getroottree().docinfo.internalDTD is not None:  # in an encoding that hid it from the search above
        raise MetadataError(refusal)
    node = XmlNode(element, place)
    if root is not None and node.name != root.lower():
        raise MetadataError(f"{place}: the topmost element is {shown(node.element.tag)}; it must be {root}")
    return node


@dataclass(frozen=True, slots=True)
class JsonNode:
    """A JSON object and the path of its document. Keys are looked up in any case and under several names."""

    members: Mapping[str, Any]
    place: str
    """The document's path, for messages."""
    _folded: Mapping[str, Any] = field(init=False, repr=False, compare=False)
    """Members that are not null by their keys in lower case; of keys that differ in case only, the first."""

    def __post_init__(self) -> None:
        pairs = reversed(list(self.members.items()))
        object.__setattr__(self, "_folded", {key.lower(): value for key, value in pairs if value is not None})

    def get(self, *names: str) -> Any:
        """Give the first member that is there and not null, the names tried in order; None when there is none."""
        for name in names:
            found = self.members.get(name)
            if found is not None:
                return found
        return next((self._folded[name.lower()] for name in names if name.lower() in self._folded), None)

    def rest(self, *names: str) -> dict[str, Any]:
        """Give the members that have none of these names."""
        known = {name.lower() for name in names}
        return {key: value for key, value in self.members.items() if key.lower() not in known}

    def node(self, *names: str) -> JsonNode | None:
        """Give a member that is an object, None when it is absent.

        Raises:
            MetadataError: It is there and no object.
        """
        found = self.get(*names)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise MetadataError(f"{self.place}: {names[0]} is {shown(found)}; it must be an object")
        return JsonNode(found, self.place)

    def text(self, *names: str) -> str:
        """Give a member's text, "" when it is absent or no text. What no encoding can hold becomes U+FFFD."""
        found = self.get(*names)
        return _UNHOLDABLE.sub("\ufffd", found).strip() if isinstance(found, str) else ""

    def number(self, *names: str) -> float:
        """Give a member's finite number.

        Raises:
            MetadataError: It is absent or no finite number.
        """
        found = self.get(*names)
        if found is None:
            raise MetadataError(f"{self.place}: {names[0]} is missing; the document is incomplete")
        return read_number(found, place=self.place, label=names[0])

    def integer(self, *names: str) -> int:
        """Give a member's whole number.

        Raises:
            MetadataError: It is absent or no whole number.
        """
        self.number(*names)
        return read_integer(self.get(*names), place=self.place, label=names[0])

    def optional_number(self, *names: str) -> float | None:
        """Give a member's finite number, None when it is absent, null or an empty text.

        Raises:
            MetadataError: It is there and no finite number.
        """
        return None if self.get(*names) in (None, "") else self.number(*names)

    def optional_integer(self, *names: str) -> int | None:
        """Give a member's whole number, None when it is absent, null or an empty text.

        Raises:
            MetadataError: It is there and no whole number.
        """
        return None if self.get(*names) in (None, "") else self.integer(*names)


def parse_json(data: bytes, *, place: str) -> JsonNode:
    """Parse a JSON document whose topmost value is an object; of keys given twice the last one counts.

    Raises:
        MetadataError: It is no JSON, no object, too large, too deep, or holds NaN or infinite numbers.
    """
    _check_size(data, place, marks=b"[{,", most=MAX_VALUES)

    def refuse(constant: str) -> NoReturn:
        raise MetadataError(f"{place}: the document holds {constant}; JSON has no such number")

    def finite(digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            raise MetadataError(f"{place}: the number {shown(digits)} is beyond the range of a double")
        return number

    try:
        text = data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
        members = json.loads(text, parse_constant=refuse, parse_float=finite)
    except MetadataError:
        raise
    except RecursionError as error:
        raise MetadataError(f"{place}: the document is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise MetadataError(f"{place}: the document is no JSON ({reason})") from error
    if not isinstance(members, dict):
        raise MetadataError(f"{place}: the topmost value is {shown(members)}; it must be an object")
    _check_depth(members, place)
    return JsonNode(members, place)


def _check_depth(members: dict[str, Any], place: str) -> None:
    # Level by level and not by recursion; what is kept must survive Python's recursive printer later.
    layer: list[Any] = [members]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in layer:
            values = value.values() if isinstance(value, dict) else value
            inner += [item for item in values if isinstance(item, dict | list)]
        if not inner:
            return
        layer = inner
    raise MetadataError(f"{place}: the document is nested deeper than {MAX_DEPTH} levels")
