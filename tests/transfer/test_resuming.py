"""The same import takes up one that was stopped, and no other does; what was stopped is never done twice."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from caches import look_at_tiles, write_v2
from faults import import_and_die
from killing import SCHEME, Tree, glass, new_tiles, old_tiles, read_tiles, square, tree_of, write_target

import tilepack
from tilepack.disk.journal import JOURNAL, Journal

FOLDERS = ("v1", "v2", "exploded")
EVERY_FOLDER = pytest.mark.parametrize("layout", FOLDERS)
BUNDLES = ("L00/R0000C0000", "L00/R0000C0080", "L00/R0080C0000", "L01/R0000C0000", "L02/R0000C0000")
RENAMES = {"v1": 3, "v2": 2, "exploded": 6}
"""In front of which a run is stopped: of V1 between the files of the second bundle, of exploded amidst its tiles."""


class Site(NamedTuple):
    """A cache to import into, and what becomes of it when nobody disturbs that."""

    source: Path
    folder: Path
    """Where the target is, and nothing else."""
    target: Path
    renames: int
    """In front of which a run is stopped."""
    undisturbed: Tree


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("source") / "Glass"
    write_v2(place, SCHEME, new_tiles(), tile_format=tilepack.TileFormat.PNG32)
    return place


@pytest.fixture(scope="module")
def masters(tmp_path_factory, source) -> dict[str, tuple[Path, Tree]]:
    """By layout, a cache to import into, and what comes of an import that nobody disturbs."""
    found = {}
    for layout in FOLDERS:
        place = tmp_path_factory.mktemp(layout)
        write_target(place / layout)
        shutil.copytree(place, place / "undisturbed")
        tilepack.import_cache(source, place / "undisturbed" / layout)
        found[layout] = place / layout, tree_of(place / "undisturbed")
    return found


@pytest.fixture
def site(tmp_path, source, masters, layout) -> Site:
    master, undisturbed = masters[layout]
    target = tmp_path / "targets" / layout
    shutil.copytree(master, target)
    return Site(source, target.parent, target, RENAMES[layout], undisturbed)


def names(folder: Path, *ends: str) -> list[str]:
    return [path for path in tree_of(folder) if path.endswith(ends)]


def small_area() -> tilepack.Area:
    return tilepack.Area(source="POLYGON((-19e6 19e6, 0 19e6, 0 0, -19e6 19e6))", crs=3857)


@EVERY_FOLDER
def test_the_same_import_takes_up_what_was_stopped(site):
    import_and_die(site.source, site.target, renames=site.renames)
    assert names(site.folder, ".partial", JOURNAL)
    result = tilepack.import_cache(site.source, site.target)
    assert result.resumed_bundles >= 1
    assert tree_of(site.folder) == site.undisturbed


MAY_DIFFER = {
    "jobs": {"jobs": 3},
    "skip-errors": {"pixels": tilepack.PixelOptions(skip_errors=True)},
    "allow-lossy": {"pixels": tilepack.PixelOptions(allow_lossy=True)},
}


@pytest.mark.parametrize("layout", ["v1"])
@pytest.mark.parametrize("options", MAY_DIFFER.values(), ids=MAY_DIFFER.keys())
def test_what_decides_about_no_bundle_that_is_done_may_differ(site, options):
    import_and_die(site.source, site.target, renames=site.renames)
    tilepack.import_cache(site.source, site.target, **options)
    assert tree_of(site.folder) == site.undisturbed


OTHERS = {
    "mode": {"mode": "OVERWRITE"},
    "levels": {"levels": "0"},
    "area": {"area": small_area()},
    "extent": {"extent": (-19e6, 0, 0, 19e6)},
    "whole-tiles": {"pixels": tilepack.PixelOptions(whole_tiles=True)},
    "title": {"description": tilepack.ItemDescription(title="Glass")},
}


@pytest.mark.parametrize("layout", ["v1"])
@pytest.mark.parametrize("options", OTHERS.values(), ids=OTHERS.keys())
def test_another_import_is_refused_with_what_to_do(site, options):
    import_and_die(site.source, site.target, renames=site.renames)
    for _ in range(2):
        with pytest.raises(tilepack.TransferError) as caught:
            tilepack.import_cache(site.source, site.target, **options)
    message = str(caught.value)
    assert re.search(rf"in the middle of the MERGE of {re.escape(str(site.source))}, with 2 bundles done", message)
    assert "run the same again to finish it, or remove tilepack.journal" in message
    tilepack.import_cache(site.source, site.target)
    assert tree_of(site.folder) == site.undisturbed


@EVERY_FOLDER
def test_once_another_import_was_refused_all_files_have_their_names(site):
    import_and_die(site.source, site.target, renames=site.renames)
    with pytest.raises(tilepack.TransferError):
        tilepack.import_cache(site.source, site.target, mode="OVERWRITE")
    assert not names(site.folder, ".partial", ".lock")
    found, old = look_at_tiles(site.target), old_tiles()
    assert found == read_tiles(site.target)  # read by struct alone: the files of each pair belong together
    assert any(found[tile] == data for tile, data in old.items())
    assert any(found.get(tile) != data for tile, data in old.items())


@EVERY_FOLDER
def test_a_source_that_changed_is_another_import(site, tmp_path):
    shutil.copytree(site.source, tmp_path / "Glass")
    import_and_die(tmp_path / "Glass", site.target, renames=site.renames)
    tiles = new_tiles() | {tile: glass(tile, "other") for tile in square(2, 5, 5, 1)}
    write_v2(tmp_path / "Glass", SCHEME, tiles, tile_format=tilepack.TileFormat.PNG32)
    with pytest.raises(tilepack.TransferError, match="was left in the middle"):
        tilepack.import_cache(tmp_path / "Glass", site.target)


@EVERY_FOLDER
def test_without_its_journal_what_was_stopped_is_left_at_that(site):
    import_and_die(site.source, site.target, renames=site.renames)
    with pytest.raises(tilepack.TransferError, match="remove"):
        tilepack.import_cache(site.source, site.target, mode="OVERWRITE")
    (site.target / JOURNAL).unlink()
    tilepack.import_cache(site.source, site.target, mode="OVERWRITE")
    found = read_tiles(site.target)
    assert all(found[tile] == data for tile, data in new_tiles().items())
    assert not names(site.folder, ".partial", ".lock", JOURNAL)


@EVERY_FOLDER
def test_the_same_import_after_one_that_came_to_its_end_is_a_new_one(site):
    first = tilepack.import_cache(site.source, site.target)
    once = read_tiles(site.target)
    second = tilepack.import_cache(site.source, site.target)
    assert (first.resumed_bundles, second.resumed_bundles) == (0, 0)
    twice = read_tiles(site.target)
    assert once.keys() == twice.keys()
    assert sum(once[tile] != twice[tile] for tile in once) >= 4


@EVERY_FOLDER
@pytest.mark.parametrize("renames", [0, 1, 5])
def test_a_plan_is_made_of_what_a_kill_left_and_touches_nothing(site, renames):
    import_and_die(site.source, site.target, renames=renames)
    before = tree_of(site.folder)
    assert len(tilepack.plan_import(site.source, site.target).tasks) == len(BUNDLES)
    assert tree_of(site.folder) == before


# Nothing done


@EVERY_FOLDER
def test_an_import_that_changes_nothing_leaves_no_trace(site, tmp_path):
    tilepack.export_cache(site.target, tmp_path / "same", levels="1")
    before = tree_of(site.folder)
    result = tilepack.import_cache(tmp_path / "same", site.target, mode="OVERWRITE")
    assert result.unchanged_bundles == len(result.plan.tasks)
    assert tree_of(site.folder) == before


@EVERY_FOLDER
def test_an_import_that_fails_before_its_first_bundle_leaves_no_trace(site):
    before = tree_of(site.folder)

    def stop(tiles: int, count: int) -> None:
        if names(site.folder, ".partial"):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        tilepack.import_cache(site.source, site.target, progress=stop)
    assert tree_of(site.folder) == before


@EVERY_FOLDER
def test_an_import_that_fails_in_its_middle_says_so_and_is_taken_up(site):
    def stop(tiles: int, count: int) -> None:
        journal = Journal.open(site.target)
        if journal and journal.lines:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough") as caught:
        tilepack.import_cache(site.source, site.target, jobs=1, progress=stop)
    assert "run the same again to finish" in "".join(caught.value.__notes__)
    assert not names(site.folder, ".partial", ".lock")
    tilepack.import_cache(site.source, site.target)
    assert tree_of(site.folder) == site.undisturbed


# Journals and files that are not as they were written


def last_line(target: Path) -> int:
    """Give where the journal's last line begins."""
    data = (target / JOURNAL).read_bytes()
    return data.rindex(b"\n", 0, -1) + 1


@pytest.mark.parametrize("layout", ["v1", "exploded"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_line_that_was_cut_short_was_never_acted_upon(site, part):
    """Its bundle's files are complete, and yet made anew; that run may be stopped as well."""
    import_and_die(site.source, site.target, renames=0)
    journal = site.target / JOURNAL
    data, start = journal.read_bytes(), last_line(site.target)
    journal.write_bytes(data[: start + int((len(data) - start) * part)])
    import_and_die(site.source, site.target, renames=site.renames)
    assert tilepack.import_cache(site.source, site.target).resumed_bundles >= 1
    assert tree_of(site.folder) == site.undisturbed


@pytest.mark.parametrize("layout", ["v2"])
def test_a_line_whose_pages_were_lost_with_the_power_was_never_acted_upon(site):
    import_and_die(site.source, site.target, renames=1)
    journal = site.target / JOURNAL
    data, start = journal.read_bytes(), last_line(site.target)
    journal.write_bytes(data[:start] + bytes(len(data) - start - 1) + b"\n")
    assert len(Journal.open(site.target).lines) == data.count(b"\n") - 2 >= 1
    journal.write_bytes(data[:start] + bytes(40) + b"\n" + data[start:])
    with pytest.raises(tilepack.TransferError, match="line 3 is none of a journal"):
        Journal.open(site.target)


@pytest.mark.parametrize("layout", ["v1", "v2"])
def test_an_unfinished_file_never_takes_a_name_that_a_line_promised_to_another(site):
    """A bundle that was done, then changed by another program, is done anew; killed in that, it stays as it is."""
    import_and_die(site.source, site.target, renames=site.renames)
    done = min(json.loads((site.target / JOURNAL).read_text().splitlines()[1])["files"])
    (site.target / f"{done}.partial").write_bytes(b"half a bundle")
    before = (site.target / done).read_bytes()
    with pytest.raises(tilepack.TransferError, match="was left in the middle"):
        tilepack.import_cache(site.source, site.target, mode="OVERWRITE")
    assert (site.target / done).read_bytes() == before
    assert not names(site.folder, ".partial")


@pytest.mark.parametrize("layout", ["v1"])
def test_a_pair_of_which_half_was_lost_with_the_power_keeps_the_old_one(site):
    before = read_tiles(site.target)
    import_and_die(site.source, site.target, renames=0)
    for path in names(site.target, ".bundlx.partial"):
        (site.target / path).unlink()
    with pytest.raises(tilepack.TransferError, match="was left in the middle"):
        tilepack.import_cache(site.source, site.target, mode="OVERWRITE")
    assert read_tiles(site.target) == before == look_at_tiles(site.target)


@pytest.mark.parametrize("layout", ["v1"])
def test_a_pair_keeps_its_index_though_the_journal_was_taken_away(site, tmp_path):
    import_and_die(site.source, site.target, renames=1)
    (site.target / JOURNAL).unlink()
    half = read_tiles(site.target)
    new = {tile: glass(tile, "other") for tile in square(0, 12, 12)}
    write_v2(tmp_path / "Other", SCHEME, new, tile_format=tilepack.TileFormat.PNG32)
    tilepack.import_cache(tmp_path / "Other", site.target, mode="OVERWRITE")
    assert read_tiles(site.target) == half | new == look_at_tiles(site.target)


@pytest.mark.parametrize("layout", ["v2"])
def test_a_bundle_that_another_program_changed_meanwhile_is_done_again(site, masters):
    import_and_die(site.source, site.target, renames=2)
    bundle = f"_alllayers/{BUNDLES[0]}.bundle"
    shutil.copyfile(masters["v2"][0] / bundle, site.target / bundle)
    assert tilepack.import_cache(site.source, site.target).resumed_bundles == 2
    assert tree_of(site.folder) == site.undisturbed


@pytest.mark.parametrize("layout", ["exploded"])
def test_short_names_of_tiles_are_taken_up_too(site):
    """An exploded cache may name its columns with fewer digits than eight."""
    for path in site.target.rglob("C*.*"):
        path.rename(path.with_name(f"C{path.stem[-3:]}{path.suffix}"))
    import_and_die(site.source, site.target, renames=site.renames)
    assert tilepack.import_cache(site.source, site.target).resumed_bundles
    assert not names(site.folder, ".partial", JOURNAL)


@pytest.mark.parametrize("layout", ["v2"])
def test_an_extent_that_is_measured_is_the_same_for_a_run_that_was_taken_up(site, tmp_path):
    (site.target / "conf.cdi").unlink()
    shutil.copytree(site.target, tmp_path / "v2")
    tilepack.import_cache(site.source, tmp_path / "v2", area=small_area())
    import_and_die(site.source, site.target, renames=1, area=small_area())
    tilepack.import_cache(site.source, site.target, area=small_area())
    assert (site.target / "conf.cdi").read_bytes() == (tmp_path / "v2/conf.cdi").read_bytes()
