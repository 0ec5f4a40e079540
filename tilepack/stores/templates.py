"""What a new cache can be made after: a standard scheme, a cache, or a document that describes one.

=====================  ==========================================================================================
given                  what it gives
=====================  ==========================================================================================
``arcgis-online``      the scheme of ArcGIS Online; ``wgs84`` that of WGS84, version 2. A folder of such a name
                       is written ``./wgs84``
a cache folder, .tpk,  all that its documents say, and its ``missing.*`` and ``blank.*``
.tpkx
XML                    conf.xml or a tiling scheme file, by itself; the extent of a conf.cdi beside a conf.xml
JSON                   root.json by itself; or what a map service answers, in a file
an http(s) address     what the map service there answers
=====================  ==========================================================================================

Files are told apart by what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tilepack.cache import DEFAULT_QUALITY, DEFAULT_TILE_FORMAT, CacheInfo, StorageFormat
from tilepack.disk.files import explained
from tilepack.disk.tree import FolderTree
from tilepack.errors import CacheNotFoundError
from tilepack.metadata.json_documents import parse_json
from tilepack.metadata.mapserver_json import parse_service
from tilepack.metadata.root_json import parse_root_json
from tilepack.metadata.standard import arcgis_online_scheme, wgs84_scheme
from tilepack.metadata.tiling_scheme_xml import parse_tiling_scheme
from tilepack.scheme import TilingScheme
from tilepack.stores.documents import CONF_XML, Described, read_conf_cdi
from tilepack.stores.open import open_cache
from tilepack.stores.service import fetch_service, is_address

STANDARD_SCHEMES: Final[Mapping[str, Callable[[], TilingScheme]]] = MappingProxyType(
    {"arcgis-online": arcgis_online_scheme, "wgs84": wgs84_scheme}
)
"""Esri's standard schemes by the names under which they can be asked for."""

_KINDS: Final = (
    "a cache folder, .tpk or .tpkx, a conf.xml, a tiling scheme file (XML), a root.json, or the JSON of a map service "
    "(a file or an address)"
)

_START: Final = 256
"""Bytes of a document's start, in which its first sign must come."""

_BLANK: Final = b"\xef\xbb\xbf\xfe\xff\0 \t\r\n"
"""What may stand before it: marks of the encoding, the zeros of UTF-16, white space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTemplate:
    """What a new cache is made after."""

    place: str
    """What to call it in messages."""
    path: Path | None
    """Where it lies; None when it is no file."""
    info: CacheInfo
    """What it says. What it leaves out of formats is COMPACT_V2, and MIXED of quality 75."""
    served: bool = False
    """Whether it is, or describes, a folder that is ready to serve."""
    substitutes: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """``missing.*`` and ``blank.*`` beside its levels, by name."""
    warnings: tuple[str, ...] = ()


def read_template(source: str | Path | TilingScheme) -> CacheTemplate:
    """Read what a new cache is to be made after.

    Args:
        source: A scheme; or the name, path or address of one, as the module's table says.

    Raises:
        CacheNotFoundError: It is neither the name of a scheme nor anything that describes one.
        MetadataError: A document is malformed, or the service is not cached.
        BundleError: A package is malformed.
        UnsupportedError: It describes a cache of a kind that tilepack does not handle.
        TransferError: It cannot be read, or the server does not answer.
    """
    if isinstance(source, TilingScheme):
        return CacheTemplate(place="the scheme given", path=None, info=_plain(source))
    text = str(source)
    standard = STANDARD_SCHEMES.get(text.lower()) if isinstance(source, str) else None
    if standard is not None:
        return CacheTemplate(place=text.lower(), path=None, info=_plain(standard()))
    if is_address(text):
        return CacheTemplate(place=text, path=None, info=parse_service(fetch_service(text), place=text, name=""))
    path = Path(source)
    with explained("look at", path):
        if not path.exists():
            raise CacheNotFoundError(
                f"{text}: is neither a scheme's name nor a file; the schemes are {', '.join(STANDARD_SCHEMES)}, the "
                f"file may be {_KINDS}"
            )
        is_folder = path.is_dir()
        if not (is_folder or path.is_file()):  # opening a named pipe would wait for its writer
            raise CacheNotFoundError(f"{path}: is no plain file; give {_KINDS}")
    return _read_cache(path) if is_folder else _read_file(path)


def _plain(scheme: TilingScheme) -> CacheInfo:
    return CacheInfo(
        name="",
        scheme=scheme,
        storage_format=StorageFormat.COMPACT_V2,
        tile_format=DEFAULT_TILE_FORMAT,
        quality=DEFAULT_QUALITY,
    )


def _read_cache(path: Path) -> CacheTemplate:
    with open_cache(path) as reader:
        return CacheTemplate(
            place=reader.place,
            path=path,
            info=reader.info,
            served=reader.info.ready_to_serve and not path.is_file(),
            substitutes=MappingProxyType(dict(reader.substitutes)),
            warnings=tuple(reader.warnings),
        )


def _read_file(path: Path) -> CacheTemplate:
    tree, place = FolderTree(path.parent), str(path)
    with tree.open(path.name) as file:
        start = file.read(min(_START, file.size), 0)
    first = start.lstrip(_BLANK)[:1]
    if first == b"<":
        described = Described(parse_tiling_scheme(tree.read_document(path.name), place=place, name=""), path.name, "")
        if path.name.lower() == CONF_XML:
            read_conf_cdi(described, tree, "")
        return CacheTemplate(place=place, path=path, info=described.info, warnings=tuple(described.warnings))
    if first == b"{":
        data = tree.read_document(path.name)
        if parse_json(data, place=place).get("tileImageInfo") is None:
            return CacheTemplate(place=place, path=path, info=parse_service(data, place=place, name=""))
        info = parse_root_json(data, place=place, name="").info
        return CacheTemplate(place=place, path=path, info=info, served=True)
    if start.startswith(b"PK") or path.suffix.lower() in (".tpk", ".tpkx"):
        return _read_cache(path)
    raise CacheNotFoundError(f"{path}: describes no cache; give {_KINDS}")
