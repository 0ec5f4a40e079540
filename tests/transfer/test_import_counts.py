"""What an import says it did is what the bytes show; what stays the same is not written; a plan touches nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from caches import by_bundle, look_at_files, look_at_tiles
from export_caches import coloured, jpeg, ragged, square, wkt
from import_caches import SCHEME, SOURCES, TARGETS, aside, block, overlay, write_cache
from layouts import LAYOUTS

import tilepack
from tilepack.cache import TileFormat
from tilepack.keys import TileKey, TileRange
from tilepack.pixels.coverage import Coverage
from tilepack.transfer.plan import Action

AREA = ragged(square(SCHEME, 5, 9, 13, 4), 3)
HERE, THERE = (range(9, 12), range(13, 16)), (range(10, 13), range(14, 17))
WISHES = {
    "MERGE": {},
    "MERGE in an area": {"area": wkt(AREA)},
    "OVERWRITE": {"mode": "OVERWRITE"},
    "OVERWRITE in an area": {"mode": "overwrite", "area": wkt(AREA)},
    "OVERWRITE, missing tiles too": {"mode": "OVERWRITE", "delete_missing": True},
    "OVERWRITE in an area, missing tiles too": {"mode": "OVERWRITE", "area": wkt(AREA), "delete_missing": True},
}


def state_of(folder: Path) -> dict[str, object]:
    """Everything that can be seen of a folder: names, inodes, times, bytes."""
    found: dict[str, object] = {}
    for place in (folder, *folder.rglob("*")):
        status = place.lstat()
        seen = status.st_ino, status.st_mtime_ns, status.st_mode
        found[str(place)] = (*seen, place.read_bytes() if place.is_file() else None)
    return found


def made(folder: Path, kind: str, tile_format: TileFormat, layout: str = "v2") -> tuple[Path, Path]:
    (folder / "here").mkdir()
    (folder / "there").mkdir()
    source_format, draw = SOURCES[kind]
    source = write_cache("v2", folder / "here", block(draw, 5, *HERE), source_format)
    target = write_cache(layout, folder / "there", block(TARGETS[tile_format], 5, *THERE), tile_format)
    return source, target


@pytest.mark.parametrize("name", WISHES)
@pytest.mark.parametrize(
    ("kind", "tile_format"),
    [
        ("RGBA", TileFormat.PNG32),
        ("MIXED", TileFormat.MIXED),
        ("JPEG", TileFormat.PNG),
        ("stamps", TileFormat.PNG24),
        ("palette", TileFormat.PNG8),
        ("JPEG", TileFormat.JPEG),
    ],
)
def test_counts_are_what_the_bytes_show(tmp_path, name, kind, tile_format):
    source, target = made(tmp_path, kind, tile_format)
    wish = WISHES[name] | {"pixels": tilepack.PixelOptions(allow_lossy=True, background=(9, 9, 9))}
    brought, before = look_at_tiles(source), look_at_tiles(target)
    plan = tilepack.plan_import(source, target, **wish)
    result = tilepack.import_cache(source, target, **wish)
    after, counts = look_at_tiles(target), result.counts

    covers = {tile: cover(plan, tile) for tile in {*brought, *before}}
    taken = {tile for tile in brought if covers[tile] != Coverage.OUTSIDE}
    missing = set(before) - set(brought) if wish.get("delete_missing") else set()
    deleted = {tile for tile in missing if covers[tile] == Coverage.INSIDE}
    trimmed = {tile for tile in missing if covers[tile] == Coverage.CROSSING}
    assert plan.tiles == len(taken)
    assert plan.tiles_to_cut == len({tile for tile in taken if covers[tile] == Coverage.CROSSING} | trimmed)
    assert plan.tiles_to_delete == counts.deleted == len(deleted)
    assert not deleted & set(after)

    moved = {tile for tile in taken if after.get(tile) == brought[tile] != before.get(tile)}
    composed = {tile for tile in taken | trimmed if tile in after and after[tile] != before.get(tile)} - moved
    assert counts.copied + counts.repacked == len(moved)
    assert counts.blended == len(composed)
    assert counts.dropped >= len({tile for tile in taken | trimmed if tile in before and tile not in after})
    same = {tile for tile in taken | trimmed if after.get(tile) == before.get(tile)}
    assert len(same & set(before)) <= counts.unchanged <= len(same)
    assert len(moved | composed) + counts.dropped + counts.unchanged == len(taken | trimmed)
    assert result.tiles == len(taken & set(after))
    assert result.skipped == {}
    assert {tile: after.get(tile) for tile in before if tile not in taken | trimmed | deleted} == {
        tile: data for tile, data in before.items() if tile not in taken | trimmed | deleted
    }


def cover(plan: tilepack.TransferPlan, tile: TileKey) -> int:
    if plan.request.areas is None:
        return Coverage.INSIDE
    one = TileRange(
        level=5, row_start=tile.row, row_stop=tile.row + 1, column_start=tile.column, column_stop=tile.column + 1
    )
    return int(plan.request.areas.coverage(one)[0, 0])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["MERGE", "OVERWRITE"])
def test_bundles_in_which_nothing_changes_are_not_written(tmp_path, layout, mode):
    hard = aside(coloured(3, 4, keyed=True))  # alpha 0 and 255 alone
    theirs = block(hard, 5, *THERE) | {
        tile._replace(row=tile.row + 256): drawn for tile, drawn in block(hard, 5, *THERE).items()
    }
    ours = {tile: drawn for tile, drawn in theirs.items() if tile.row != 11}
    changed = min(ours)
    ours[changed] = overlay(changed._replace(row=2, column=0), 64, 64)  # opaque
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    target = write_cache(layout, tmp_path / "there", theirs)
    source = write_cache("v2", tmp_path / "here", ours)
    shutil.rmtree(tmp_path / "there" / f"{layout}-drawn", ignore_errors=True)
    first = tilepack.import_cache(source, target, mode=mode)
    assert first.unchanged_bundles == 1
    assert first.counts.unchanged == len(ours) - 1
    before = state_of(target.parent)
    again = tilepack.import_cache(source, target, mode=mode)
    assert again.unchanged_bundles == len(by_bundle(dict.fromkeys(ours, b""))) == 2
    after = state_of(target.parent)
    ignored = {str(target.parent)} | ({str(target)} if target.is_dir() else set())  # a lock file came and went
    assert {name: seen for name, seen in after.items() if name not in ignored} == {
        name: seen for name, seen in before.items() if name not in ignored
    }


def test_one_changed_bundle_is_the_only_file_that_changes(tmp_path):
    theirs = block(aside(overlay), 5, *THERE)
    theirs |= {tile._replace(row=tile.row + 256): drawn for tile, drawn in theirs.items()}
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    target = write_cache("v2", tmp_path / "there", theirs)
    source = write_cache("v2", tmp_path / "here", block(overlay, 5, range(10, 11), range(14, 15)))
    before = state_of(target)
    tilepack.import_cache(source, target, mode="OVERWRITE")
    after = state_of(target)
    files = {name for name in before if Path(name).is_file() and before[name] != after[name]}
    assert [Path(name).name for name in files] == ["R0000C0000.bundle"]


# Plans


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", WISHES)
def test_a_plan_touches_nothing_and_tells_what_happens_then(tmp_path, layout, name):
    source, target = made(tmp_path, "RGBA", TileFormat.PNG32, layout)
    before = state_of(tmp_path)
    plan = tilepack.plan_import(source, target, **WISHES[name])
    assert state_of(tmp_path) == before
    result = tilepack.import_cache(source, target, **WISHES[name])
    done = result.plan
    assert (plan.tasks, plan.levels, plan.left_out, plan.fingerprint) == (
        done.tasks,
        done.levels,
        done.left_out,
        done.fingerprint,
    )
    assert plan.tiles == sum(task.tiles for task in plan.tasks)
    assert plan.tiles + plan.left_out == len(look_at_tiles(source))
    counts = result.counts
    assert counts.deleted == plan.tiles_to_delete
    assert counts.blended + counts.dropped <= plan.tiles_to_cut + plan.tiles_to_lay
    assert counts.copied == sum(task.tiles for task in plan.tasks if task.action is Action.COPY)
    assert plan.info.extent == result.info.extent or counts.dropped
    assert result.tile_bytes <= plan.tile_bytes


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("tile_format", [TileFormat.MIXED, TileFormat.JPEG, TileFormat.PNG24])
def test_whole_bundles_are_copied_into_folders_and_said_to_be(tmp_path, layout, tile_format):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    draw = coloured(2, 8) if tile_format is TileFormat.PNG24 else jpeg
    said = TileFormat.JPEG if tile_format is TileFormat.MIXED else tile_format
    source = write_cache("v2", tmp_path / "here", block(draw, 5, *HERE), said)
    target = write_cache(layout, tmp_path / "there", block(draw, 4, range(2), range(2)), tile_format)
    plan = tilepack.plan_import(source, target)
    copies = layout in ("v1", "v2") and tile_format is not TileFormat.PNG24  # of which four bytes do not tell enough
    action = Action.COPY if copies else Action.REPACK
    assert [task.action for task in plan.tasks] == [action]
    result = tilepack.import_cache(source, target)
    assert result.actions == {action: 1}
    assert (result.counts.copied, result.counts.repacked) == ((9, 0) if copies else (0, 9))


def test_bundles_that_must_be_decoded_are_not_written_in_vain(tmp_path, monkeypatch):
    """Nothing is copied whole only to be thrown away."""
    source, target = made(tmp_path, "RGBA", TileFormat.PNG32)
    whole = write_cache("v1", tmp_path / "here", block(overlay, 5, *THERE))
    monkeypatch.setattr("tilepack.stores.compact_writer.CompactWriter.write_raw", None)
    assert tilepack.import_cache(whole, target).counts.blended
    assert tilepack.import_cache(source, target).counts.blended


def test_a_status_report_is_warned_of(tmp_path):
    source, target = made(tmp_path, "RGBA", TileFormat.PNG32)
    assert tilepack.plan_import(source, target).warnings == ()
    (target / "Status.gdb").mkdir()
    (target / "Status.gdb" / "a00000001.gdbtable").write_bytes(b"theirs")
    assert any("Status.gdb" in text and "out of date" in text for text in tilepack.plan_import(source, target).warnings)
    tilepack.import_cache(source, target)
    assert look_at_files(target)["Status.gdb/a00000001.gdbtable"] == b"theirs"


def test_nothing_to_move_is_said(tmp_path):
    source, target = made(tmp_path, "RGBA", TileFormat.PNG32)
    before = look_at_files(target)
    result = tilepack.import_cache(source, target, levels=[2])
    assert result.plan.warnings[-2:] == (
        "level 2 holds no tiles",
        "there are no tiles to move; the target stays as it is",
    )
    assert look_at_files(target) == before


# What is no target


def test_targets_that_cannot_be(tmp_path):
    source, target = made(tmp_path, "RGBA", TileFormat.PNG32)
    with pytest.raises(tilepack.CacheNotFoundError, match="nothing of that name to import into"):
        tilepack.import_cache(source, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(tilepack.CacheNotFoundError, match=r"neither conf\.xml nor root\.json"):
        tilepack.import_cache(source, tmp_path / "empty")
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    with pytest.raises(tilepack.CacheNotFoundError):
        tilepack.import_cache(source, tmp_path / "broken")
    link = tmp_path / "link"
    link.symlink_to(source)
    for one, other in ((source, source), (source, link), (link, source), (source / "conf.xml", link / "conf.xml")):
        with pytest.raises(tilepack.TransferError, match="is the source itself"):
            tilepack.import_cache(one, other)
    shutil.copytree(target, source / "inside")
    with pytest.raises(tilepack.TransferError, match="lies inside the source"):
        tilepack.import_cache(source, source / "inside")
    with pytest.raises(tilepack.TransferError, match="the source lies inside it"):
        tilepack.import_cache(source / "inside", source)


def test_wishes_that_contradict_one_another(tmp_path):
    source, target = made(tmp_path, "RGBA", TileFormat.PNG32)
    before = state_of(target)
    box = square(SCHEME, 5, 9, 13, 1).as_tuple()
    for wish, kind, sentence in (
        ({"mode": "blend"}, tilepack.TransferError, "there are MERGE and OVERWRITE"),
        ({"delete_missing": True}, tilepack.TransferError, "OVERWRITE alone"),
        ({"extent": box, "bbox": (1, 2, 3, 4)}, tilepack.AreaOfInterestError, "both given"),
        ({"levels": "1", "scales": "5"}, tilepack.TilingSchemeError, "both given"),
        ({"levels": "8"}, tilepack.TilingSchemeError, "level 8 is not in the tiling scheme"),
        ({"extent": (0, 0, 1, 1)}, tilepack.AreaOfInterestError, "none of its tiles lies in the extent"),
    ):
        with pytest.raises(kind, match=sentence):
            tilepack.import_cache(source, target, **wish)
    assert state_of(target) == before


def test_what_planned_raises_ends_the_work(tmp_path):
    source, target = made(tmp_path, "RGBA", TileFormat.PNG32)
    before = state_of(target)

    def stop(plan):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tilepack.import_cache(source, target, planned=stop)
    assert state_of(target) == before
