"""The SpatialReference element of conf.xml and conf.cdi.

::

    SpatialReference   xsi:type typens:ProjectedCoordinateSystem | GeographicCoordinateSystem | UnknownCoordinateSystem
      WKT              Esri's text
      XOrigin YOrigin XYScale  ZOrigin ZScale  MOrigin MScale  XYTolerance ZTolerance MTolerance  HighPrecision
      [LeftLongitude]  degrees, geographic only
      [WKID]           missing in 9.2
      [LatestWKID]     from 10.1 on

Source: conf.xml written by ArcGIS 9.2 to 10.6.
"""

from __future__ import annotations

from tilepack.errors import MetadataError
from tilepack.metadata.spatial_defaults import filled_reference, make_precision
from tilepack.metadata.writing import xml_element, xml_number, xml_text
from tilepack.metadata.xml_documents import XmlNode
from tilepack.spatial import CoordinatePrecision, SpatialReference, is_geographic

KNOWN_CHILDREN = frozenset(
    {
        "wkt", "xorigin", "yorigin", "xyscale", "zorigin", "zscale", "morigin", "mscale", "xytolerance",
        "ztolerance", "mtolerance", "highprecision", "leftlongitude", "wkid", "latestwkid",
    }
)  # fmt: skip
"""Local names, lower case, of what `read_spatial_xml` understands."""

_LARGEST_WKID = 2**31 - 1


def read_wkid(number: int | None, *, place: str) -> int | None:
    """Give a WKID, None for the 0 and -1 by which ArcGIS says that there is none.

    Raises:
        MetadataError: It is larger than any WKID can be.
    """
    if number is None or number <= 0:
        return None
    if number > _LARGEST_WKID:
        raise MetadataError(f"{place}: WKID is {number:,}; the largest possible is {_LARGEST_WKID:,}")
    return number


def read_spatial_xml(node: XmlNode | None) -> SpatialReference:
    """Read a SpatialReference element; without one the spatial reference is unknown.

    Raises:
        MetadataError: A number in it is none.
    """
    if node is None:
        return SpatialReference()
    return SpatialReference(
        wkid=read_wkid(node.optional_integer("WKID"), place=node.place),
        latest_wkid=read_wkid(node.optional_integer("LatestWKID"), place=node.place),
        wkt=node.text("WKT") or None,
        precision=_read_precision(node),
        left_longitude=node.optional_number("LeftLongitude"),
    )


def _read_precision(node: XmlNode) -> CoordinatePrecision | None:
    said = {
        "x_origin": node.optional_number("XOrigin"),
        "y_origin": node.optional_number("YOrigin"),
        "xy_scale": node.optional_number("XYScale"),
        "z_origin": node.optional_number("ZOrigin"),
        "z_scale": node.optional_number("ZScale"),
        "m_origin": node.optional_number("MOrigin"),
        "m_scale": node.optional_number("MScale"),
        "xy_tolerance": node.optional_number("XYTolerance"),
        "z_tolerance": node.optional_number("ZTolerance"),
        "m_tolerance": node.optional_number("MTolerance"),
    }
    return make_precision(said, high_precision=node.text("HighPrecision").lower() not in {"false", "0"})


def format_spatial_xml(reference: SpatialReference, extras: str = "") -> str:
    """Print a SpatialReference element, completed where the source left something out.

    Args:
        reference: The spatial reference.
        extras: Further children, printed already.
    """
    filled = filled_reference(reference)
    if not filled.is_known:
        return xml_element("SpatialReference", extras, "typens:UnknownCoordinateSystem")
    parts = [xml_element("WKT", xml_text(filled.wkt))] if filled.wkt else []
    grid = filled.precision
    if grid is not None:
        numbers = (
            ("XOrigin", grid.x_origin),
            ("YOrigin", grid.y_origin),
            ("XYScale", grid.xy_scale),
            ("ZOrigin", grid.z_origin),
            ("ZScale", grid.z_scale),
            ("MOrigin", grid.m_origin),
            ("MScale", grid.m_scale),
            ("XYTolerance", grid.xy_tolerance),
            ("ZTolerance", grid.z_tolerance),
            ("MTolerance", grid.m_tolerance),
        )
        parts += [xml_element(name, xml_number(value)) for name, value in numbers]
        parts.append(xml_element("HighPrecision", "true" if grid.high_precision else "false"))
    if filled.left_longitude is not None:
        parts.append(xml_element("LeftLongitude", xml_number(filled.left_longitude)))
    if filled.wkid is not None:
        parts.append(xml_element("WKID", str(filled.wkid)))
    if filled.latest_wkid is not None:
        parts.append(xml_element("LatestWKID", str(filled.latest_wkid)))
    kind = "Geographic" if is_geographic(filled) else "Projected"
    return xml_element("SpatialReference", "".join(parts) + extras, f"typens:{kind}CoordinateSystem")
