"""Where things lie in a new target, and which documents describe it.

================  ==========================  ==================================================================
target            tiles                       documents
================  ==========================  ==================================================================
folder            ``_alllayers/Lnn``          conf.xml, conf.cdi, conf.properties
ready to serve    ``tile/Lnn``                root.json, iteminfo.json, thumbnail.png
.tpk              ``v101/NAME/_alllayers/``   esriinfo/, servicedescriptions/, v101/NAME/conf.*
.tpkx             ``tile/Lnn``                iteminfo.json, root.json, thumbnail.png
.vtpk             ``p12/tile/Lnn``            esriinfo/, p12/resources/, p12/root.json
================  ==========================  ==================================================================

Source: Esri's tile package specification, its sample, and .tpk files written by ArcGIS 10.3 and 10.6 (which also hold
.lyr files; those tilepack cannot make). What a .vtpk holds is told in ``tilepack.metadata.vector_root_json``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from tilepack.cache import CacheInfo
from tilepack.formats.bundle import HeaderDialect
from tilepack.metadata.conf_cdi import format_conf_cdi
from tilepack.metadata.conf_properties import format_conf_properties
from tilepack.metadata.conf_xml import format_conf_xml
from tilepack.metadata.iteminfo_json import format_iteminfo_json
from tilepack.metadata.iteminfo_xml import format_item_pkinfo, format_iteminfo_xml
from tilepack.metadata.mapserver_json import format_mapserver_json
from tilepack.metadata.root_json import DEFAULT_BUNDLES_PATH, format_root_json
from tilepack.metadata.vector_root_json import VECTOR_FOLDER, format_resource_info, format_vector_root_json
from tilepack.metadata.vector_style import STYLE_PATH, format_style
from tilepack.stores.base import PackageItem
from tilepack.stores.levels import ALL_LAYERS, is_version_folder

Documents = Callable[[CacheInfo, PackageItem], dict[str, bytes]]

TILE_FOLDER: Final = "tile"
"""Folder of the levels beside root.json (``tileBundlesPath``)."""

_FORBIDDEN: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
"""Characters that Windows takes in no file name."""


_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that mean devices there, with whatever extension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The inner order of a target."""

    tiles_folder: str
    """Folder of the levels, ``/``-joined."""
    dialect: HeaderDialect
    """Whose way V2 headers are filled in."""
    documents: Documents
    """Gives the documents, path -> bytes, in the order in which a package lists them."""
    has_item: bool = True
    """Whether they have a place for title, tags and the like."""


def _conf_documents(info: CacheInfo, folder: str = "") -> dict[str, bytes]:
    documents = {} if info.extent is None else {f"{folder}conf.cdi": format_conf_cdi(info)}
    documents[f"{folder}conf.properties"] = format_conf_properties(info)
    documents[f"{folder}conf.xml"] = format_conf_xml(info)
    return documents


def folder_layout() -> Layout:
    """Lay out a cache folder described by conf.xml."""
    return Layout(
        tiles_folder=ALL_LAYERS,
        dialect=HeaderDialect.PAPER,
        documents=lambda info, _: _conf_documents(info),
        has_item=False,
    )


def _package_documents(
    info: CacheInfo, item: PackageItem, folder: str = "", bundles_path: str = DEFAULT_BUNDLES_PATH
) -> dict[str, bytes]:
    return {
        f"{folder}iteminfo.json": format_iteminfo_json(
            info, guid=item.guid, created=item.created, degrees=item.degrees
        ),
        f"{folder}root.json": format_root_json(info, bundles_path),
        f"{folder}thumbnail.png": item.thumbnail,
    }


def tpkx_layout() -> Layout:
    """Lay out a .tpkx, or a folder that is ready to serve."""
    return Layout(tiles_folder=TILE_FOLDER, dialect=HeaderDialect.ARCGIS, documents=_package_documents)


def tpk_layout(name: str) -> Layout:
    """Lay out a .tpk.

    Args:
        name: Map name; its folder is called so, as far as file names may be.
    """
    root = f"v101/{safe_name(name)}/"
    return Layout(
        tiles_folder=root + ALL_LAYERS, dialect=HeaderDialect.ARCGIS, documents=partial(_tpk_documents, "", root)
    )


def _tpk_documents(base: str, root: str, info: CacheInfo, item: PackageItem) -> dict[str, bytes]:
    return {
        **_item_documents(base, info, item),
        f"{base}servicedescriptions/mapserver/mapserver.json": format_mapserver_json(info, degrees=item.degrees),
        **_conf_documents(info, root),
    }


def vtpk_layout() -> Layout:
    """Lay out a .vtpk."""
    return Layout(
        tiles_folder=f"{VECTOR_FOLDER}/{TILE_FOLDER}", dialect=HeaderDialect.ARCGIS, documents=_vtpk_documents
    )


def _item_documents(base: str, info: CacheInfo, item: PackageItem) -> dict[str, bytes]:
    return {
        f"{base}esriinfo/item.pkinfo": format_item_pkinfo(info, guid=item.guid, created=item.created),
        f"{base}esriinfo/iteminfo.xml": format_iteminfo_xml(
            info, guid=item.guid, created=item.created, degrees=item.degrees
        ),
        f"{base}esriinfo/thumbnail/thumbnail.png": item.thumbnail,
    }


def _vtpk_documents(info: CacheInfo, item: PackageItem) -> dict[str, bytes]:
    return {
        **_item_documents("", info, item),
        f"{VECTOR_FOLDER}/resources/info/root.json": format_resource_info(),
        f"{VECTOR_FOLDER}/{STYLE_PATH}": format_style(info),
        f"{VECTOR_FOLDER}/root.json": format_vector_root_json(info),
    }


def vector_layout(tiles_folder: str) -> Layout:
    """Tell how vector tiles that exist are laid out; what describes and draws them stays as it is.

    Args:
        tiles_folder: Path of the folder that holds the levels.
    """
    return Layout(
        tiles_folder=tiles_folder, dialect=HeaderDialect.ARCGIS, documents=lambda _info, _item: {}, has_item=False
    )


def existing_layout(document: str, tiles_folder: str, *, ready_to_serve: bool) -> Layout:
    """Tell how a cache or package that exists is laid out.

    Args:
        document: Path of its conf.xml or root.json.
        tiles_folder: Path of the folder that holds its levels.
        ready_to_serve: Whether it is described by root.json.
    """
    folder = document[: document.rfind("/") + 1]
    if ready_to_serve:
        inner = tiles_folder[len(folder) :]
        documents = partial(_package_documents, folder=folder, bundles_path=f"./{inner}" if inner else ".")
        return Layout(tiles_folder=tiles_folder, dialect=HeaderDialect.ARCGIS, documents=documents)
    *above, version, _ = ["", *folder[:-1].split("/")]
    if is_version_folder(version):
        base = "".join(f"{part}/" for part in above if part)
        documents = partial(_tpk_documents, base, folder)
        return Layout(tiles_folder=tiles_folder, dialect=HeaderDialect.ARCGIS, documents=documents)
    return Layout(
        tiles_folder=tiles_folder,
        dialect=HeaderDialect.PAPER,
        documents=lambda info, _: _conf_documents(info, folder),
        has_item=False,
    )


def safe_name(name: str) -> str:
    """Make a map's name one that every system takes as a folder's; ``Layers`` where nothing is left."""
    safe = _FORBIDDEN.sub("_", name).strip(" .")[:100].rstrip(" .") or "Layers"
    return f"_{safe}" if _DEVICE.fullmatch(safe) else safe
