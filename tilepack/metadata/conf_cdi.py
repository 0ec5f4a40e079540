"""conf.cdi: the extent of a cache folder.

::

    EnvelopeN   XMin, YMin, XMax, YMax   map units; "NaN" when empty
                [SpatialReference]       see spatial_xml

Sources: files written by ArcGIS 10.0 to 10.6; before 10.0 there were none.
"""

from __future__ import annotations

from tilepack.cache import CacheInfo
from tilepack.errors import MetadataError
from tilepack.extent import Extent
from tilepack.metadata.limits import make_extent
from tilepack.metadata.spatial_xml import format_spatial_xml, read_spatial_xml
from tilepack.metadata.writing import written_schema_version, xml_element, xml_number, xml_root
from tilepack.metadata.xml_documents import parse_xml
from tilepack.spatial import SpatialReference

_EDGES = ("XMin", "YMin", "XMax", "YMax")


def parse_conf_cdi(data: bytes, *, place: str) -> tuple[Extent | None, SpatialReference | None]:
    """Read a conf.cdi.

    Returns:
        The extent in map units, None for an empty envelope (its numbers are NaN); and the spatial reference that the
        envelope names, None where it names none.

    Raises:
        MetadataError: The document is malformed, a number is missing, or minima lie above maxima.
    """
    root = parse_xml(data, place=place)
    if not root.name.startswith("envelope"):
        raise MetadataError(f"{place}: the topmost element is {root.name!r}; it must be EnvelopeN")
    node = root.child("SpatialReference")
    reference = None if node is None else read_spatial_xml(node)
    if any(root.text(edge).lower() == "nan" for edge in _EDGES):
        return None, reference
    xmin, ymin, xmax, ymax = (root.number(edge) for edge in _EDGES)
    return make_extent(xmin, ymin, xmax, ymax, place=place, label="the envelope"), reference


def format_conf_cdi(info: CacheInfo) -> bytes:
    """Print a conf.cdi with the declared extent and the spatial reference.

    Raises:
        ValueError: The cache declares no extent.
    """
    if info.extent is None:
        raise ValueError("conf.cdi states an extent, and this cache declares none")
    edges = zip(_EDGES, info.extent.as_tuple(), strict=True)
    content = "".join(xml_element(edge, xml_number(value)) for edge, value in edges)
    reference = format_spatial_xml(info.scheme.spatial_reference)
    return xml_root("EnvelopeN", content + reference, written_schema_version(info.schema_version))
