"""Creating: a new cache without tiles, after a scheme, a cache or a document that describes one.

It stands beside the transfers and not beside the stores, for it is a conversion of nothing: kind, documents, GUID and
refusals of the target are theirs, so that an empty cache says what a converted one would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypedDict, Unpack

from tilepack.aoi_given import Bounds, read_box, read_extent
from tilepack.cache import DEFAULT_QUALITY, DEFAULT_TILE_FORMAT, CacheInfo, ItemDescription, StorageFormat, TileFormat
from tilepack.disk.staging import refuse_existing
from tilepack.errors import AreaOfInterestError, MetadataError, TilingSchemeError, TransferError, UnsupportedError
from tilepack.extent import Extent
from tilepack.metadata.json_documents import JsonNode
from tilepack.metadata.limits import make_extent
from tilepack.metadata.standard import with_literal_levels
from tilepack.scheme import TilingScheme
from tilepack.selection import LevelSelection
from tilepack.stores.targets import TargetKind, create_target, parse_storage_format
from tilepack.stores.templates import CacheTemplate, read_template
from tilepack.transfer.describe import (
    NO_TILES,
    Described,
    derive_guid,
    description_warnings,
    package_item,
    reference_warnings,
    settle,
)
from tilepack.transfer.planning import inherit_kind, refuse_overlap, require_room
from tilepack.transfer.request import TransferRequest

_WITH_QUALITY: Final = (TileFormat.JPEG, TileFormat.MIXED)
_ROOM: Final = 1 << 16
"""Bytes that the documents of a new cache take at most, legends aside."""


class CreateOptions(TypedDict, total=False):
    """What ``create_cache`` and ``plan_create`` take beside the target."""

    scheme: str | Path | TilingScheme
    """``arcgis-online`` (the default) or ``wgs84``; a cache or package; a conf.xml, root.json or tiling scheme file;
    the JSON of a map service, as a file or an http(s) address; or a scheme itself."""
    storage_format: StorageFormat | str | None
    """For folders: COMPACT, COMPACT_V2 (the default) or EXPLODED."""
    tile_format: TileFormat | str | None
    """None: what the scheme's document says, else MIXED."""
    quality: int | None
    """JPEG quality 0 to 100 of JPEG and MIXED; None: what the scheme's document says of its tile format, else 75."""
    levels: str | Iterable[int] | None
    """Which LevelIDs the new cache knows, as ``"0-12"`` or numbers; None for all of the scheme."""
    scales: str | Iterable[float] | None
    """Scale denominators of the levels it knows instead, each within 1e-4 of a level's."""
    extent: Bounds | None
    """Extent to declare: xmin, ymin, xmax, ymax in map units. None: what the scheme's document declares."""
    bbox: Bounds | None
    """Likewise as west, south, east, north in WGS84 degrees; west beyond east crosses the antimeridian."""
    ready_to_serve: bool | None
    """Describe a folder by root.json instead of conf.xml; None: as the scheme's folder is."""
    replace: bool
    """The target may exist; it is replaced when the new one is whole."""
    name: str | None
    """Name of the cache; None: the target's."""
    description: ItemDescription | None
    """What people and portals read about it. Nothing of it comes from the scheme's document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationPlan:
    """What a new cache will be."""

    template: CacheTemplate
    target: Path
    kind: TargetKind
    replace: bool
    info: CacheInfo
    """What it will say of itself."""
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Give everything as JSON's values."""
        info, scheme = self.info, self.info.scheme
        reference = scheme.spatial_reference
        return {
            "scheme": self.template.place,
            "target": str(self.target),
            "kind": "package" if self.kind.is_package else "folder",
            "storageFormat": str(self.kind.storage_format),
            "readyToServe": self.kind.ready_to_serve,
            "name": info.name,
            "tileFormat": str(info.tile_format),
            "quality": info.quality,
            "tileWidth": scheme.tile_width,
            "tileHeight": scheme.tile_height,
            "dpi": scheme.dpi,
            "origin": [scheme.origin_x, scheme.origin_y],
            "spatialReference": {"wkid": reference.wkid, "latestWkid": reference.latest_wkid, "wkt": reference.wkt},
            "lods": [{"level": lod.level, "resolution": lod.resolution, "scale": lod.scale} for lod in scheme.levels],
            "extent": None if info.extent is None else info.extent.as_json(),
            "warnings": list(self.warnings),
        }


def create_cache(
    target: str | Path,
    *,
    planned: Callable[[CreationPlan], None] | None = None,
    **options: Unpack[CreateOptions],
) -> CacheInfo:
    """Create a cache without tiles, for others to be imported into.

    Args:
        target: What to make: ``.tpk`` (COMPACT), ``.tpkx`` (COMPACT_V2), else a cache folder.
        planned: Called with the plan once it is made; nothing is written before, and what it raises ends the work.
        **options: See ``CreateOptions``.

    Returns:
        What the new cache says of itself.

    Raises:
        TilepackError: Whatever it is that cannot be done; nothing stands under the target's name then.
    """
    plan = plan_create(target, **options)
    if planned is not None:
        planned(plan)
    guid = derive_guid(plan.info, TransferRequest(target=plan.target), Described())
    item = package_item(plan.info, plan.kind, guid, read=lambda _: None, tiles=())
    writer = create_target(plan.target, plan.kind, plan.info, replace=plan.replace)
    try:
        for name, data in plan.template.substitutes.items():
            writer.write_substitute(name, data)
        writer.commit(plan.info, item)
    except BaseException:
        writer.abort()
        raise
    return plan.info


def plan_create(target: str | Path, **options: Unpack[CreateOptions]) -> CreationPlan:
    """Plan what ``create_cache`` with the same arguments would do; nothing is written.

    Raises:
        TilepackError: Whatever would keep it from being done.
    """
    place, may_replace = Path(target), options.get("replace", False)
    refuse_existing(place, replace=may_replace)
    selection = LevelSelection.of(options.get("levels"), options.get("scales"))
    template = read_template(options.get("scheme", "arcgis-online"))
    if template.path is not None:
        refuse_overlap(template.path, place)
    storage_format = options.get("storage_format")
    kind = inherit_kind(
        place,
        None if storage_format is None else parse_storage_format(storage_format),
        ready_to_serve=options.get("ready_to_serve"),
        served=template.served,
    )
    if kind.is_vector:
        raise UnsupportedError(f"{place}: a .vtpk is made of vector tiles that there are; convert makes one of MBTiles")
    if kind.storage_format.is_web:
        raise UnsupportedError(
            f"{place}: an empty {kind.storage_format} is of no use; convert or export makes full ones"
        )
    require_room(place, _ROOM)
    info = _with_formats(template.info, options.get("tile_format"), options.get("quality"))
    scheme = _with_levels(with_literal_levels(info.scheme), selection, template.place)
    info = replace(
        info,
        name=options.get("name") or _name_of(place, kind),
        scheme=scheme,
        extent=_extent(scheme, options.get("extent"), options.get("bbox")) or info.extent,
        min_level=None,
        max_level=None,
        visible_scales=None,
        description=options.get("description") or ItemDescription(),
        service=_without_description(info),
    )
    info = settle(info, kind, held=(None, None))
    return CreationPlan(
        template=template,
        target=place,
        kind=kind,
        replace=may_replace,
        info=info,
        warnings=(*template.warnings, *_warnings(template, kind, info, options)),
    )


def _with_formats(info: CacheInfo, tile_format: TileFormat | str | None, quality: int | None) -> CacheInfo:
    """Give what is said with other formats, where others are asked for."""
    if tile_format is None and not info.tile_format.is_arcgis:
        tile_format = DEFAULT_TILE_FORMAT
    wished = info.tile_format if tile_format is None else parse_tile_format(tile_format)
    if quality is not None:
        if not 0 <= quality <= 100:
            raise TransferError(f"quality {quality} is none; it goes from 0 to 100")
        if wished not in _WITH_QUALITY:
            raise TransferError(f"{wished} tiles have no quality; leave it out, or choose {' or '.join(_WITH_QUALITY)}")
        info = replace(info, quality=quality)
    if wished is info.tile_format:
        return info
    if quality is None:
        quality = DEFAULT_QUALITY if wished in _WITH_QUALITY else 0
    return replace(info, tile_format=wished, quality=quality, band_count=None, lerc_error=None)


def parse_tile_format(text: TileFormat | str) -> TileFormat:
    """Read the name of a tile format, in any case.

    Raises:
        TransferError: There is none of that name.
    """
    known = {str(name): name for name in TileFormat if name.is_arcgis}
    found = known.get(str(text).strip().upper())
    if found is None:
        raise TransferError(f"tile format {text!r} is unknown; there are {', '.join(known)}")
    return found


def _with_levels(scheme: TilingScheme, selection: LevelSelection, place: str) -> TilingScheme:
    """Limit a scheme to the levels asked for: of a cache without tiles the list says what may come to be."""
    try:
        chosen, _ = selection.choose(scheme, [lod.level for lod in scheme.levels])
    except TilingSchemeError as error:
        raise TilingSchemeError(f"{place}: {error}") from error
    return scheme.with_levels(scheme.level(number) for number in chosen)


def _extent(scheme: TilingScheme, extent: Bounds | None, bbox: Bounds | None) -> Extent | None:
    """Give the extent asked for in map units, None for none."""
    if extent is not None and bbox is not None:
        raise AreaOfInterestError("extent and bbox were both given; choose by one of them")
    if extent is None and bbox is None:
        return None
    asked = read_extent(extent) if extent is not None else None
    if bbox is not None:
        asked = read_box(bbox, scheme).extent
    if asked is None:
        return None
    try:
        make_extent(*asked.as_tuple(), place="the extent asked for")
    except MetadataError as error:
        raise AreaOfInterestError(str(error)) from error
    finest = min(scheme.levels, key=lambda lod: lod.resolution)
    if not scheme.tiles_in(asked, finest.level).count:
        raise AreaOfInterestError(
            f"the extent {asked} holds no place for a tile; tiles lie right of and below the origin, "
            f"{scheme.origin_x:.10g}, {scheme.origin_y:.10g}"
        )
    return asked


def _name_of(target: Path, kind: TargetKind) -> str:
    whole = target if target.name else target.absolute()
    name = whole.stem if kind.is_package else whole.name
    return name.encode(errors="replace").decode() or "Layers"  # POSIX takes any bytes for a name, documents only text


def _without_description(info: CacheInfo) -> Mapping[str, object]:
    """Give the members that are kept of a service, without what describes the one map alone."""
    return JsonNode(info.service, "").rest("documentInfo")


def _warnings(template: CacheTemplate, kind: TargetKind, info: CacheInfo, options: CreateOptions) -> Iterable[str]:
    """Say in sentences what its user should know of a cache before it is made."""
    if kind.is_package:
        yield NO_TILES
    yield from reference_warnings(kind, info)
    if kind.is_package and template.substitutes:
        yield f"{', '.join(template.substitutes)} stay behind: a package has no place for them"
    if options.get("name") and not (kind.is_package or kind.ready_to_serve):
        yield "its name is not written: a folder with conf.xml goes by its own"
    yield from description_warnings(kind, info, options.get("description"))
