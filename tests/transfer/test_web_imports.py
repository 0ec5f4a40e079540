"""Imports into web tiles that exist, and deletions from them: pixels as into any cache, all else as it was."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from caches import look_at_files, payload, read_all, write_files, write_v2, write_zip
from export_caches import data_of, jpeg, mask_of, ragged, square, wkt
from import_caches import aside, assert_same_pixels, block, both, decoded, joined, overlay
from web_caches import (
    VIEW,
    look_at_header,
    look_at_metadata,
    look_in_mbtiles,
    look_in_pmtiles,
    look_in_xyz,
    write_mbtiles,
    write_pmtiles,
    xyz_files,
)

import tilepack
from tilepack.disk.locking import FOLDER_LOCK, WriterLock
from tilepack.keys import TileKey
from tilepack.metadata.web_mercator import web_scheme

SCHEME = web_scheme()
AREA = ragged(square(SCHEME, 6, 19, 33, 3), 3)
OURS = block(overlay, 6, range(19, 22), range(33, 35), SCHEME) | block(overlay, 3, range(2, 4), range(4, 5), SCHEME)
THEIRS = block(aside(both), 6, range(20, 22), range(34, 36), SCHEME) | block(both, 4, range(5, 6), range(6, 7), SCHEME)
PNG = payload(TileKey(9, 1, 1), "png")
SAID = {"name": "Theirs", "attribution": "© them", "vendor": "kept", "scheme": "tms"}


@dataclass(frozen=True)
class Place:
    """A kind of web tiles, written and read without tilepack."""

    name: str

    def write(self, folder: Path, tiles: dict[TileKey, bytes]) -> Path:
        place = folder / self.name
        texts = {name: value for name, value in SAID.items() if name != "scheme"}
        match self.name:
            case "flat.mbtiles":
                return write_mbtiles(place, tiles, metadata=texts)
            case "view.mbtiles":
                return write_mbtiles(place, tiles, metadata=texts, schema=VIEW)
            case "web.pmtiles":
                return write_pmtiles(place, tiles, metadata=texts)
            case "web.zip":
                files = {f"in/{name}": data for name, data in xyz_files(tiles, "tms").items()}
                write_zip(place, files | {"in/metadata.json": json.dumps(SAID).encode(), "in/read me.txt": b"kept"})
            case _:
                write_files(place, xyz_files(tiles, "tms") | {"metadata.json": json.dumps(SAID).encode()})
        return place

    def look(self, place: Path) -> dict[TileKey, bytes]:
        if self.name.endswith(".mbtiles"):
            with contextlib.closing(sqlite3.connect(place)) as database:
                assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
            return look_in_mbtiles(place)
        if self.name.endswith(".pmtiles"):
            assert look_at_header(place)[0]["clustered"]
            return look_in_pmtiles(place)
        return look_in_xyz(look_at_files(place), "tms")

    def metadata(self, place: Path) -> dict[str, object]:
        if self.name.endswith(".mbtiles"):
            return look_at_metadata(place)
        if self.name.endswith(".pmtiles"):
            return look_at_header(place)[1]
        return json.loads(next(data for name, data in look_at_files(place).items() if name.endswith("metadata.json")))


PLACES = [Place(name) for name in ("flat.mbtiles", "view.mbtiles", "web.pmtiles", "web.zip", "tiles")]
EVERY_PLACE = pytest.mark.parametrize("kind", PLACES, ids=lambda kind: kind.name)


def in_area(tile):
    return mask_of(SCHEME, [AREA], tile)


def pixels(tiles):
    return {tile: drawn for tile, (_, drawn) in tiles.items()}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "ours"
    write_v2(folder, SCHEME, data_of(OURS), tile_format=tilepack.TileFormat.PNG32)
    return folder


@EVERY_PLACE
@pytest.mark.parametrize("mode", ["MERGE", "OVERWRITE"])
def test_pixels_are_those_of_any_import(source, tmp_path, kind, mode):
    several, one = (kind.write(folder, data_of(THEIRS)) for folder in made(tmp_path, "several", "one"))
    result = tilepack.import_cache(source, several, area=wkt(AREA), mode=mode, jobs=8)
    assert result.counts.blended
    assert_same_pixels(
        decoded(kind.look(several)), joined(pixels(OURS), pixels(THEIRS), in_area, mode), hidden=mode == "MERGE"
    )
    assert read_all(several) == kind.look(several)
    tilepack.import_cache(source, one, area=wkt(AREA), mode=mode, jobs=1)
    assert contents(one) == contents(several)
    assert [path.name for path in several.parent.iterdir()] == [several.name]
    assert not [name for name in look_at_files(several.parent) if "tilepack" in name or name.endswith(".partial")]
    assert not tilepack.verify(several, deep=True).errors


def made(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).mkdir()
    return [folder / name for name in names]


def contents(place: Path) -> object:
    return place.read_bytes() if place.is_file() else look_at_files(place)


@EVERY_PLACE
def test_tiles_of_other_places_and_what_was_said_stay(source, tmp_path, kind):
    place = kind.write(tmp_path, data_of(THEIRS))
    before = kind.metadata(place)
    item = tilepack.ItemDescription(title="Both", attribution="© us")
    tilepack.import_cache(source, place, description=item)
    after, said = kind.look(place), kind.metadata(place)
    for tile, data in data_of(THEIRS).items():
        if tile not in OURS:
            assert after[tile] == data
    assert said["name"] == "Both"
    assert said["attribution"] == "© us"
    assert said["vendor"] == before["vendor"] == "kept"
    assert said.get("scheme") == before.get("scheme")
    with tilepack.open(place) as reader:
        assert (reader.info.min_level, reader.info.max_level) == (3, 6)
        held = SCHEME.range_extent(reader.summary(reader.bundles(6)[0]).occupied)
        assert reader.info.extent.union(held).as_tuple() == pytest.approx(reader.info.extent.as_tuple(), abs=0.02)
        assert reader.info.name == "Both"
    if kind.name == "web.zip":
        assert look_at_files(place)["in/read me.txt"] == b"kept"


@EVERY_PLACE
def test_what_changes_nothing_writes_nothing(source, tmp_path, kind):
    place = kind.write(tmp_path, data_of(THEIRS))
    tilepack.import_cache(source, place)
    before = contents(place)
    stamp = place.stat().st_mtime_ns
    result = tilepack.import_cache(source, place, mode="OVERWRITE")
    again = tilepack.import_cache(source, place, mode="OVERWRITE")
    assert result.counts.repacked + result.counts.unchanged == len(OURS)
    assert (again.counts.unchanged, again.unchanged_bundles) == (len(OURS), 2)
    if place.is_file() and contents(place) == before:
        assert place.stat().st_mtime_ns == stamp


@EVERY_PLACE
def test_tiles_of_any_image_format_stand_side_by_side(tmp_path, kind):
    photos, drawings = block(jpeg, 5, range(3), range(3), SCHEME), block(overlay, 5, range(3, 5), range(3), SCHEME)
    write_v2(tmp_path / "photos", SCHEME, data_of(photos), tile_format=tilepack.TileFormat.JPEG)
    place = kind.write(tmp_path, data_of(drawings))
    assert tilepack.import_cache(tmp_path / "photos", place).counts.repacked == 9
    assert kind.look(place) == data_of(photos) | data_of(drawings)


@EVERY_PLACE
def test_levels_land_by_resolution(tmp_path, kind):
    tiles = {TileKey(0, 300, 270): payload(TileKey(0, 3, 2)), TileKey(2, 1203, 1082): payload(TileKey(2, 3, 2))}
    levels = tuple(
        tilepack.LevelOfDetail(level=number, resolution=lod.resolution, scale=lod.scale)
        for number, lod in enumerate(SCHEME.levels[9:14])
    )
    scheme = tilepack.TilingScheme(
        origin_x=SCHEME.origin_x,
        origin_y=SCHEME.origin_y,
        tile_width=256,
        tile_height=256,
        levels=levels,
        spatial_reference=SCHEME.spatial_reference,
    )
    write_v2(tmp_path / "source", scheme, tiles)
    place = kind.write(tmp_path, data_of(THEIRS))
    tilepack.import_cache(tmp_path / "source", place)
    found = kind.look(place)
    assert {tile: found[tile._replace(level=tile.level + 9)] for tile in tiles} == tiles


@EVERY_PLACE
def test_tiles_are_deleted_cut_and_filled_in_again(source, tmp_path, kind):
    tiles = data_of(THEIRS)
    place = kind.write(tmp_path, tiles)
    tilepack.delete_tiles(place, levels="4")
    assert kind.look(place) == {tile: data for tile, data in tiles.items() if tile.level == 6}
    tilepack.import_cache(source, place, levels="6", only_missing=True)
    wanted = {tile: data for tile, data in data_of(OURS).items() if tile.level == 6}
    wanted |= {tile: data for tile, data in tiles.items() if tile.level == 6}
    assert kind.look(place) == wanted
    left = tilepack.delete_tiles(place, area=wkt(AREA), pixels=True)
    assert left.cut
    after = decoded(kind.look(place))
    for tile, drawn in after.items():
        assert not drawn[in_area(tile), 3].any()


@EVERY_PLACE
def test_nobody_else_writes_meanwhile(source, tmp_path, kind):
    place = kind.write(tmp_path, data_of(THEIRS))
    before = contents(place)
    refused = []

    def planned(_: tilepack.TransferPlan) -> None:
        with held(place), pytest.raises(tilepack.TransferError) as caught:
            tilepack.import_cache(source, place)
        refused.append(str(caught.value))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.import_cache(source, place, planned=planned)
    assert "is writing it; wait until it is done" in refused[0]
    assert contents(place) == before


@contextlib.contextmanager
def held(place: Path):
    lock = WriterLock(place / FOLDER_LOCK if place.is_dir() else place.with_name(f"{place.name}.partial.lock"), place)
    try:
        yield
    finally:
        lock.release()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
@pytest.mark.parametrize("kind", PLACES[:4], ids=lambda kind: kind.name)
def test_link_stays_a_link(source, tmp_path, kind):
    there = kind.write(made(tmp_path, "elsewhere")[0], data_of(THEIRS))
    link = tmp_path / kind.name
    link.symlink_to(there)
    tilepack.import_cache(source, link)
    assert link.is_symlink()
    assert set(kind.look(there)) == {*OURS, *THEIRS}


def test_a_pattern_names_a_target(source, tmp_path):
    place = tmp_path / "tiles"
    write_files(place, xyz_files(data_of(THEIRS), "zyx"))
    tilepack.import_cache(source, f"{place}/{{z}}/{{y}}/{{x}}")
    assert set(look_in_xyz(look_at_files(place), "zyx")) == {*OURS, *THEIRS}
    assert not (place / "metadata.json").exists()


def test_an_export_into_a_target_named_by_a_pattern_is_an_import(source, tmp_path):
    for name in ("imported", "exported"):
        write_files(tmp_path / name, xyz_files(data_of(THEIRS), "tms"))
    tilepack.import_cache(source, f"{tmp_path}/imported/{{z}}/{{x}}/{{-y}}")
    tilepack.export_cache(source, f"{tmp_path}/exported/{{z}}/{{x}}/{{-y}}", into_existing="MERGE")
    assert look_at_files(tmp_path / "exported") == look_at_files(tmp_path / "imported")


def test_vector_tiles_stay_among_themselves(source, tmp_path):
    vector = {TileKey(3, 2, 4): b"\x1f\x8b\x08\x00 some"}
    place = write_mbtiles(tmp_path / "vector.mbtiles", vector)
    with pytest.raises(tilepack.UnsupportedError, match="images and other data cannot stand"):
        tilepack.import_cache(source, place)
    more = {TileKey(3, 2, 4): b"\x1f\x8b\x08\x00 others", TileKey(3, 2, 5): b"\x1f\x8b\x08\x00 more"}
    tilepack.import_cache(write_mbtiles(tmp_path / "more.mbtiles", more), place)
    assert look_in_mbtiles(place) == more


@pytest.mark.parametrize("kind", ["mbtiles", "pmtiles", "zip"])
def test_writing_the_file_anew_is_told_in_parts(tmp_path, kind):
    target, source = tmp_path / f"t.{kind}", tmp_path / "source.mbtiles"
    spread = {TileKey(9, row * 128, column * 128): PNG for row in range(4) for column in range(3)}
    tilepack.convert(write_mbtiles(tmp_path / "before.mbtiles", spread), target)
    write_mbtiles(source, {TileKey(9, 1, 1): PNG, TileKey(9, 500, 500): PNG})
    parts = []
    tilepack.import_cache(source, target, finishing=lambda done, total: parts.append((done, total)))
    assert parts == [(done, 13) for done in range(13)]  # 12 windows, and one that is new


@pytest.mark.parametrize("kind", ["mbtiles", "pmtiles", "zip", "folder"])
def test_sources_that_do_not_tell_what_changed_are_refused_by_name(tmp_path, kind):
    tilepack.convert(write_mbtiles(tmp_path / "s.mbtiles", {TileKey(9, 1, 1): PNG}), tmp_path / "cache")
    source = tmp_path / (f"t.{kind}" if kind != "folder" else "t")
    tilepack.convert(tmp_path / "cache", source, storage_format="xyz" if kind == "folder" else None)
    said = {"mbtiles": "MBTILES", "pmtiles": "PMTILES"}.get(kind, "XYZ")
    with pytest.raises(tilepack.UnsupportedError, match=f"is {said}; what changed is told by the files of bundles"):
        tilepack.import_cache(source, tmp_path / "cache", only_changed=True)
