"""XML documents that may be broken or hostile: parsed without DOCTYPE, entities or network, looked up in any case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from tilepack.errors import MetadataError
from tilepack.metadata.documents import REMEDY, check_size, read_integer, read_number, reason_of, shown

MAX_TAGS: Final = 200_000
"""Most tags in an XML document, opening and closing ones, and attributes. 256 levels need 2,500."""


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
        return read_number(self.need(name).own_text, place=self.place, label=self._label(name))

    def integer(self, name: str) -> int:
        """Give a child's whole number.

        Raises:
            MetadataError: It is absent or no whole number.
        """
        return read_integer(self.need(name).own_text, place=self.place, label=self._label(name))

    def _label(self, name: str) -> str:
        """Name a child in a message; a name of one letter (X of TileOrigin) says nothing by itself."""
        return name if len(name) > 1 else f"{str(self.element.tag).rpartition('}')[2]}/{name}"

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
    check_size(data, place, marks=b"<=", most=MAX_TAGS)
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
        raise MetadataError(f"{place}: the document is no well-formed XML ({reason_of(error)}); {REMEDY}") from error
    if element.getroottree().docinfo.internalDTD is not None:  # in an encoding that hid it from the search above
        raise MetadataError(refusal)
    node = XmlNode(element, place)
    if root is not None and node.name != root.lower():
        raise MetadataError(f"{place}: the topmost element is {shown(node.element.tag)}; it must be {root}")
    return node
