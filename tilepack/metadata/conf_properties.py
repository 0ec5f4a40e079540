"""conf.properties: what kind of content the tiles of a cache folder hold.

::

    PropertySet / PropertyArray / PropertySetProperty   Key = CacheTileContentType, Value = Map

Source: files written by ArcGIS 10.3 and later.
"""

from __future__ import annotations

from tilepack.cache import CacheInfo
from tilepack.metadata.writing import written_schema_version, xml_element, xml_root, xml_text
from tilepack.metadata.xml_documents import parse_xml

DEFAULT_CONTENT_TYPE = "Map"


def parse_conf_properties(data: bytes, *, place: str) -> str:
    """Read the content type out of a conf.properties, "Map" where it names none.

    Raises:
        MetadataError: The document is malformed.
    """
    root = parse_xml(data, place=place, root="PropertySet")
    for properties in root:
        for node in properties:
            if node.text("Key").lower() == "cachetilecontenttype":
                return node.text("Value") or DEFAULT_CONTENT_TYPE
    return DEFAULT_CONTENT_TYPE


def format_conf_properties(info: CacheInfo) -> bytes:
    """Print a conf.properties with the content type."""
    content = xml_element("Key", "CacheTileContentType") + xml_element(
        "Value", xml_text(info.content_type), "xs:string"
    )
    entry = xml_element("PropertySetProperty", content, "typens:PropertySetProperty")
    array = xml_element("PropertyArray", entry, "typens:ArrayOfPropertySetProperty")
    return xml_root("PropertySet", array, written_schema_version(info.schema_version))
