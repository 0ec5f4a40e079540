"""Reading all the documents of a cache or package into one ``CacheInfo``.

Which documents there are differs: conf.xml with conf.cdi and conf.properties, or root.json; packages add an item
description, .tpk also a service description. Only conf.xml or root.json must be there. The others may be missing; where
an item or service description is malformed, that is a warning, for nothing of the tiles depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Self, TypeVar

from tilepack.cache import CacheInfo, ItemDescription, TileFormat
from tilepack.disk.tree import Tree, below, find_entry
from tilepack.errors import BundleError, MetadataError, UnsupportedError
from tilepack.extent import Extent
from tilepack.formats.names import is_substitute
from tilepack.metadata.conf_cdi import parse_conf_cdi
from tilepack.metadata.conf_properties import parse_conf_properties
from tilepack.metadata.conf_xml import parse_conf_xml
from tilepack.metadata.iteminfo_json import ItemInfo, parse_iteminfo_json
from tilepack.metadata.iteminfo_xml import parse_iteminfo_xml
from tilepack.metadata.mapserver_json import parse_mapserver_json
from tilepack.metadata.vector_root_json import parse_any_root_json
from tilepack.metadata.vector_style import read_vector_layers, style_path
from tilepack.spatial import SpatialReference
from tilepack.stores.levels import ALL_LAYERS, find_layer_folders, is_version_folder

CONF_XML: Final = "conf.xml"
ROOT_JSON: Final = "root.json"
STATUS_GDB: Final = "Status.gdb"
"""What ArcGIS and ``tilepack status`` keep beside conf.xml; out of date after each change of tiles."""

_Value = TypeVar("_Value")


class OpeningWarning(str):
    """A sentence on what contradicts itself, found while opening, and the rule that it breaks."""

    __slots__ = ("code",)

    code: str
    """As ``verify`` names the rule."""

    def __new__(cls, code: str, text: str) -> Self:
        """Say a sentence, and which rule it is about."""
        made = super().__new__(cls, text)
        made.code = code
        return made


@dataclass(slots=True)
class Described:
    """What the documents of a cache say together."""

    info: CacheInfo
    document: str
    """Path in the tree of conf.xml or root.json."""
    tiles_folder: str
    """Path in the tree of the folder that holds the levels."""
    declared: list[tuple[str, Extent]] = field(default_factory=list)
    """Every extent said, with the document's name; degrees where the name says so."""
    warnings: list[str] = field(default_factory=list)
    substitutes: dict[str, bytes] = field(default_factory=dict)
    """``missing.*`` and ``blank.*`` beside the levels, by name."""


def read_documents(tree: Tree, document: str, name: str) -> Described:
    """Read conf.xml or root.json, and what belongs to it.

    Args:
        tree: A folder or package.
        document: Path in it of conf.xml or root.json.
        name: What to call the cache where no document names it.

    Raises:
        MetadataError: A document is malformed, or the folder of the levels is missing.
        UnsupportedError: It is a cache of a kind that tilepack does not read.
    """
    ready = document.rsplit("/", 1)[-1].lower() == ROOT_JSON
    described = (_read_ready_to_serve if ready else _read_conf)(tree, document, name)
    for entry in tree.entries(described.tiles_folder):
        if not entry.is_folder and is_substitute(entry.name):
            described.substitutes[entry.name] = tree.read_document(below(described.tiles_folder, entry.name))
    return described


def _read_conf(tree: Tree, document: str, name: str) -> Described:
    folder = document.rpartition("/")[0]
    place = f"{tree.place}/{document}"
    info = parse_conf_xml(tree.read_document(document), place=place, name=name)
    tiles_folder = find_entry(tree, folder, ALL_LAYERS, is_folder=True)
    if tiles_folder is None:
        layers = find_layer_folders(tree, folder)
        if layers:
            raise UnsupportedError(
                f"{tree.place}: is a multilayer cache of ArcGIS 9.x, with the layers {', '.join(layers)}; tilepack "
                f"reads fused caches, export one layer of it as a cache of its own"
            )
        raise MetadataError(f"{place}: the folder {ALL_LAYERS} is missing beside it; put it back, it holds the tiles")
    described = Described(info, document, tiles_folder)
    read_conf_cdi(described, tree, folder)
    properties = find_entry(tree, folder, "conf.properties")
    if properties is not None:
        content_type = _optional(described, tree, properties, parse_conf_properties)
        described.info = replace(described.info, content_type=content_type or "Map")
    above = folder.rpartition("/")[0]
    if is_version_folder(above.rsplit("/", 1)[-1]):
        _read_package_documents(described, tree, above.rpartition("/")[0])
    return described


def read_conf_cdi(described: Described, tree: Tree, folder: str) -> None:
    """Read what a conf.cdi says of the extent, where there is one beside conf.xml.

    Raises:
        MetadataError: It is malformed.
    """
    cdi = find_entry(tree, folder, "conf.cdi")
    if cdi is None:
        return
    extent, reference = parse_conf_cdi(tree.read_document(cdi), place=f"{tree.place}/{cdi}")
    described.info = info = replace(described.info, extent=extent)
    if extent is not None:
        described.declared.append(("conf.cdi", extent))
    if reference is not None and reference.is_known:
        if not info.scheme.spatial_reference.is_known:
            scheme = replace(info.scheme, spatial_reference=reference)
            described.info = replace(info, scheme=scheme)
        elif not _agree(reference, info.scheme.spatial_reference):
            described.warnings.append(
                OpeningWarning(
                    "spatial-reference-differs",
                    f"conf.cdi is in {reference}, conf.xml in {info.scheme.spatial_reference}; conf.xml counts",
                )
            )


def _agree(first: SpatialReference, second: SpatialReference) -> bool:
    """Tell whether two spatial references are known to mean the same; what nobody can read is not known to."""
    try:
        return first.agrees_with(second)
    except MetadataError:
        return False


def _read_package_documents(described: Described, tree: Tree, base: str) -> None:
    """Read what a .tpk says beside its cache: item and service descriptions."""
    service = _find_path(tree, base, "servicedescriptions", "mapserver", "mapserver.json")
    if service is not None:
        read = _optional(described, tree, service, parse_mapserver_json)
        if read is not None:
            described.info = replace(
                described.info,
                service=read.service,
                description=read.description,
                initial_extent=read.initial_extent,
            )
            if read.extent is not None:
                described.declared.append(("mapserver.json", read.extent))
            if described.info.extent is None:
                described.info = replace(described.info, extent=read.extent)
    item = _find_path(tree, base, "esriinfo", "iteminfo.xml")
    if item is not None:
        _add_item(described, _optional(described, tree, item, parse_iteminfo_xml), "iteminfo.xml (degrees)")


def _read_ready_to_serve(tree: Tree, document: str, name: str) -> Described:
    folder = document.rpartition("/")[0]
    place = f"{tree.place}/{document}"
    root = parse_any_root_json(tree.read_document(document), place=place, name=name)
    parts = [part for part in root.bundles_path.split("/") if part not in ("", ".")]
    tiles_folder = _find_path(tree, folder, *parts, is_folder=True) if parts else folder
    if tiles_folder is None:
        raise MetadataError(
            f"{place}: tileBundlesPath is {root.bundles_path!r}, but there is no such folder beside it; put the "
            f"bundles there, or mend the path"
        )
    described = Described(replace(root.info, ready_to_serve=True), document, tiles_folder)
    if root.info.extent is not None:
        described.declared.append(("root.json fullExtent", root.info.extent))
    if root.info.initial_extent is not None:
        described.declared.append(("root.json initialExtent", root.info.initial_extent))
    if root.info.tile_format is TileFormat.PBF:
        _read_vector_documents(described, tree, folder)
        return described
    item = find_entry(tree, folder, "iteminfo.json")
    if item is not None:
        _add_item(described, _optional(described, tree, item, parse_iteminfo_json), "iteminfo.json (degrees)")
    return described


def _read_vector_documents(described: Described, tree: Tree, folder: str) -> None:
    """Read what a .vtpk says beside its root.json: the layers that its style draws, and the item description."""
    style = _find_path(tree, folder, *style_path(described.info))
    layers = None if style is None else _optional(described, tree, style, read_vector_layers)
    if layers:
        described.info = replace(described.info, web={"vector_layers": layers})
    item = _find_path(tree, folder.rpartition("/")[0], "esriinfo", "iteminfo.xml")
    if item is not None:
        _add_item(described, _optional(described, tree, item, parse_iteminfo_xml), "iteminfo.xml (degrees)")


def _add_item(described: Described, item: ItemInfo | None, document: str) -> None:
    if item is None:
        return
    described.info = replace(
        described.info,
        name=item.name or described.info.name,
        description=_merged(item.description, described.info.description),
    )
    if item.extent is not None:
        described.declared.append((document, item.extent))


def _merged(first: ItemDescription, second: ItemDescription) -> ItemDescription:
    """Give a description that says what the first says, and what only the second says."""
    return ItemDescription(
        title=first.title or second.title,
        tags=first.tags or second.tags,
        summary=first.summary or second.summary,
        description=first.description or second.description,
        attribution=first.attribution or second.attribution,
        license=first.license or second.license,
        creator=first.creator or second.creator,
    )


def _optional(described: Described, tree: Tree, path: str, parse: Callable[..., _Value]) -> _Value | None:
    """Read a document that a cache can do without; when it is malformed, say so and go on."""
    try:
        return parse(tree.read_document(path), place=f"{tree.place}/{path}")
    except (MetadataError, BundleError) as error:
        described.warnings.append(OpeningWarning("document-malformed", f"{error}; read without it"))
        return None


def _find_path(tree: Tree, folder: str, *parts: str, is_folder: bool = False) -> str | None:
    """Find a path in any case, step by step."""
    path: str | None = folder
    for depth, part in enumerate(parts):
        path = find_entry(tree, path or "", part, is_folder=is_folder or depth < len(parts) - 1)
        if path is None:
            return None
    return path
