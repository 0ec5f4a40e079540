"""The services file: which cache belongs to a service, and where its tiles come from. Its form is in services.py."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tilepack.disk.files import explained
from tilepack.errors import CacheNotFoundError, MetadataError

SERVICES_FILE: Final = "TILEPACK_SERVICES"
"""Environment variable that names the services file."""

_KEYS: Final = ("cache", "source")
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedService:
    """What a services file says of one service."""

    cache: Path
    source: Path | None
    place: str
    """The file and the service, for messages."""


def read_services() -> dict[str, ListedService]:
    """Read the services file.

    Returns:
        Services by their names in lower case, ``folder/service`` where they are in one; none where no file is named.

    Raises:
        CacheNotFoundError: The file that is named does not exist.
        MetadataError: It is no TOML, or says something else than it may.
        TransferError: It cannot be read.
    """
    text = os.environ.get(SERVICES_FILE)
    if not text:
        return {}
    path = Path(text)
    if not path.is_file():
        raise CacheNotFoundError(f"{path}: there is no such file; {SERVICES_FILE} names the services file")
    with explained("read", path), path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise MetadataError(f"{path}: has more than {_LARGEST} bytes; a services file names a few caches")
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MetadataError(f"{path}: is no TOML: {error}") from None
    return {_key(name): _entry(path, name, said) for name, said in document.items()}


def _key(name: str) -> str:
    key = name.strip().replace("\\", "/").lower()
    for suffix in (".mapserver", ".mapservice", ".imageserver", ".imageservice"):
        key = key.removesuffix(suffix)
    return key


def _entry(path: Path, name: str, said: Any) -> ListedService:
    place = f"{path}, service {name}"
    entry: Mapping[str, Any] = {"cache": said} if isinstance(said, str) else said
    if not isinstance(entry, Mapping) or "cache" not in entry:
        raise MetadataError(f'{place}: says no cache; write cache = "path"')
    unknown = sorted(entry.keys() - set(_KEYS))
    if unknown:
        raise MetadataError(f"{place}: {unknown[0]} means nothing there; a service has {' and '.join(_KEYS)}")
    if not all(isinstance(value, str) and value for value in entry.values()):
        raise MetadataError(f"{place}: {' and '.join(_KEYS)} are paths, in quotes")
    source = entry.get("source")
    folder = path.parent
    return ListedService(cache=folder / entry["cache"], source=None if source is None else folder / source, place=place)
