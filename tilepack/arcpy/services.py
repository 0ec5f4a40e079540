r"""Finding the cache of a service without a server.

A service is named as scripts name it::

    GIS Servers/arcgis on MYSERVER (admin)/USA.MapServer        a connection as catalogues show it
    C:\...\ArcCatalog\arcgis on MyServer (publisher)\USA.MapServer
    C:\connections\publisher.ags\Basemaps\USA.MapServer         with the service's folder
    Basemaps/USA.MapServer, USA.ImageServer, USA.MapService     without any connection
    https://server/arcgis/rest/services/Basemaps/USA/MapServer

or it is the path of a cache or package, which always comes first. All separators are read as ``/``. Searched are, in
this order:

=======================  ===========================================================================================
the services file        a TOML file that the variable TILEPACK_SERVICES names; its paths are relative to it::

                             ["Basemaps/USA"]
                             cache = "caches/USA"            # where the tiles of the service are
                             source = "nightly/USA.tpkx"     # where RECREATE_ALL_TILES takes them from; optional
                             [Rainfall] ...

                         or, where the cache is all there is to say, ``Rainfall = "caches/Rainfall"``
the cache directory      a folder laid out like arcgiscache, which TILEPACK_CACHE_DIR names:
                         ``<Folder>_<Service>``, ``<Folder>/<Service>``, ``<Service>``, or packages of that name
=======================  ===========================================================================================

Of a connection file by any other name nobody can tell whether the word before the service is a folder of services or
the connection: then the service's folder comes first, and the service by itself after it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tilepack.arcpy.environment import located
from tilepack.arcpy.parameters import need
from tilepack.arcpy.services_file import SERVICES_FILE, read_services
from tilepack.errors import CacheNotFoundError

CACHE_DIRECTORY: Final = "TILEPACK_CACHE_DIR"
"""Environment variable that names a folder laid out like arcgiscache."""

_SERVICE: Final = re.compile(r"(.+)\.(?:Map(?:Server|Service)|ImageServ(?:er|ice))", re.IGNORECASE)
_CONNECTION: Final = re.compile(r"arcgis on .+|.+\.ags|gis servers", re.IGNORECASE)
_ABSOLUTE: Final = re.compile(r"[A-Za-z]:[\\/]|[\\/]")
_KINDS: Final = ("mapserver", "imageserver")
_PACKAGES: Final = (".tpkx", ".tpk")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceName:
    """What a service's string says."""

    name: str
    folder: str | None = None
    """Folder of services that it is in."""
    is_folder_sure: bool = True
    """Whether the folder is one for sure, rather than the connection."""

    @property
    def whole(self) -> str:
        """The name with its folder, as arcgiscache has it."""
        return f"{self.folder}_{self.name}" if self.folder else self.name

    def spellings(self) -> list[ServiceName]:
        """Give what it may mean, the likeliest first."""
        return [self] if self.is_folder_sure else [self, replace(self, folder=None, is_folder_sure=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service whose cache was found."""

    text: str
    """As it was given."""
    name: str
    """What its targets are called."""
    cache: Path
    """The package, or the folder that holds conf.xml or root.json."""
    root: Path
    """The path under which it was found: the cache, or a folder around it that is the service's own."""
    source: Path | None = None
    """Where its tiles come from, where the services file says so."""


def find_service(value: object, name: str = "input_service") -> Service:
    """Find the cache of a service.

    Args:
        value: The path of a cache or package, or the service's string.
        name: The parameter, for messages.

    Raises:
        ExecuteError: Nothing was given.
        CacheNotFoundError: There is none; the message names the places searched.
        TilepackError: There is one, and it cannot be read.
    """
    text = need(name, value)
    searched: list[str] = []
    path = located(text)
    service = service_name(text)
    if path is None:
        searched.append(text)
    else:
        try:
            found = _opened(path, text)
        except CacheNotFoundError as error:
            if service is None:
                raise
            searched.append(f"{path} ({error})")
        else:
            source = next((each.source for each in read_services().values() if _is_same(each.cache, found.cache)), None)
            return replace(found, source=source)
    for each in service.spellings() if service is not None else ():
        known = _of_services_file(each, text) or _of_directory(each, text, searched)
        if known is not None:
            return known
    unset = [name for name in (SERVICES_FILE, CACHE_DIRECTORY) if not os.environ.get(name)]
    searched += [os.environ[name] for name in (SERVICES_FILE,) if name not in unset]
    places = ", ".join(dict.fromkeys(searched))
    do = f"; {' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set" if unset else ""
    raise CacheNotFoundError(f"{text}: no cache of that service or path was found; searched: {places}{do}")


def service_name(text: str) -> ServiceName | None:
    """Read a service's string; None where it can be none.

    >>> service_name("GIS Servers/arcgis on MYSERVER (admin)/USA.MapServer").whole
    'USA'
    >>> service_name("Basemaps/USA.MapServer").whole
    'Basemaps_USA'
    """
    parts = [part for part in re.split(r"[\\/]+", text.strip()) if part]
    if text.lower().startswith(("http://", "https://")):
        parts = [part.split("?")[0] for part in parts]
        lower = [part.lower() for part in parts]
        after = len(lower) - lower[::-1].index("services") if "services" in lower else len(parts)
        parts = parts[after:]
        parts = parts[:-1] if parts and parts[-1].lower() in _KINDS else parts
        is_absolute = False
    else:
        is_absolute = _ABSOLUTE.match(text.strip()) is not None
    connections = [number for number, part in enumerate(parts) if _CONNECTION.fullmatch(part)]
    if connections:
        parts = parts[connections[-1] + 1 :]
        is_absolute = False
    if not parts or any(part in (".", "..") for part in parts[-2:]):
        return None
    found = _SERVICE.fullmatch(parts[-1])
    if found is None and (is_absolute or Path(parts[-1]).suffix.lower() in _PACKAGES):
        return None
    name = found[1] if found else parts[-1]
    folder = parts[-2] if len(parts) > 1 and not parts[-2].endswith(":") else None
    return ServiceName(name=name, folder=folder, is_folder_sure=folder is None or not is_absolute)


def _of_services_file(service: ServiceName, text: str) -> Service | None:
    listed = read_services()
    names = (f"{service.folder}/{service.name}", service.whole) if service.folder else (service.name,)
    entry = next((listed[name.lower()] for name in names if name.lower() in listed), None)
    if entry is None:
        return None
    try:
        found = _opened(entry.cache, text)
    except CacheNotFoundError as error:
        raise CacheNotFoundError(f"{entry.place}: {error}") from error
    return replace(found, name=service.whole, source=entry.source)


def _of_directory(service: ServiceName, text: str, searched: list[str]) -> Service | None:
    directory = cache_directory()
    if directory is None:
        return None
    paths: list[tuple[str, ...]] = [(service.whole,)]
    if service.folder:
        paths.append((service.folder, service.name))
    for parts in paths:
        for suffix in ("", *_PACKAGES):
            place: Path | None = directory
            for part in (*parts[:-1], parts[-1] + suffix):
                place = None if place is None else _child(place, part)
            if place is None:
                if not suffix:
                    searched.append(str(directory.joinpath(*parts)))
                continue
            try:
                found = _opened(place, text)
            except CacheNotFoundError as error:
                searched.append(f"{place} ({error})")
                continue
            if place in (found.cache, found.cache.parent):
                return replace(found, name=service.whole)
            searched.append(str(place))  # what lies further down belongs to a service in a folder of that name
    return None


def cache_directory() -> Path | None:
    """Give the folder that TILEPACK_CACHE_DIR names; None where it is not set.

    Raises:
        CacheNotFoundError: There is no such folder.
    """
    text = os.environ.get(CACHE_DIRECTORY)
    if not text:
        return None
    directory = Path(text)
    if not directory.is_dir():
        raise CacheNotFoundError(f"{text}: there is no such folder; {CACHE_DIRECTORY} names the folder of the caches")
    return directory


def _child(folder: Path, name: str) -> Path | None:
    """Give what lies in a folder under a name in any case, the exact one first."""
    exact = folder / name
    if exact.exists():
        return exact
    if not folder.is_dir():
        return None
    return next((path for path in sorted(folder.iterdir()) if path.name.lower() == name.lower()), None)


def _opened(path: Path, text: str) -> Service:
    """Open what may be a cache, to see that it is, and where.

    Raises:
        CacheNotFoundError: It is none.
        TilepackError: It is one, and cannot be read.
    """
    from tilepack.stores.open import open_cache

    with open_cache(path) as reader:
        cache = reader.home or path
    return Service(text=text, name=_name_of(cache, path), cache=cache, root=path if path.is_dir() else cache)


def _name_of(cache: Path, path: Path) -> str:
    """Give the name that a service would have whose cache is at a path: that of the folder around ``Layers``."""
    whole = Path(os.path.abspath(cache))  # noqa: PTH100  ``.`` has a name too; links keep theirs
    if cache.is_file():
        return whole.stem
    is_inner = Path(os.path.abspath(path)) in whole.parents  # noqa: PTH100
    if (is_inner or whole.name.lower() == "layers") and whole.parent.name:
        return whole.parent.name
    return whole.name or "Layers"


def _is_same(first: Path, second: Path) -> bool:
    return os.path.realpath(first) in (os.path.realpath(second), os.path.realpath(second.parent))
