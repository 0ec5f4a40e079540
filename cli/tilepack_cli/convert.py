"""``tilepack convert``: a whole source into a new target."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import tilepack
from tilepack_cli.consoles import output, readable, show_table, write_json
from tilepack_cli.figures import count, counted, duration, size
from tilepack_cli.moving import look_ahead, move
from tilepack_cli.options import (
    DryRun,
    Jobs,
    Json,
    Levels,
    Quiet,
    ReadyToServe,
    Replace,
    Scales,
    Source,
    StorageFormatName,
    Target,
    Verbose,
    refuse_contradictions,
)
from tilepack_cli.outcome import reported
from tilepack_cli.pixels import Dedupe, DropBlank, NewQuality
from tilepack_cli.results import show_counts
from tilepack_cli.transfers import (
    check_target,
    name_bundles,
    name_kind,
    name_levels,
    name_verb,
    show_warnings,
    table_by_level,
)

EXAMPLES = """\b
Examples:
  tilepack convert Usa.tpkx Usa.tpk
  tilepack convert Usa.tpkx Layers --storage-format exploded
  tilepack convert Layers Layers.tpkx --levels 0-7,9
  tilepack convert Usa.tpkx Usa.mbtiles
  tilepack convert streets.vtpk streets.pmtiles
  tilepack convert Usa.tpkx small.tpkx --quality 60
  tilepack convert Layers Usa.tpk --replace --dry-run
"""


@reported
def convert_cache(
    source: Source,
    target: Target,
    *,
    storage_format: StorageFormatName = None,
    levels: Levels = None,
    scales: Scales = None,
    replace: Replace = False,
    ready_to_serve: ReadyToServe = False,
    drop_blank: DropBlank = False,
    dedupe: Dedupe = False,
    quality: NewQuality = None,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Convert into another storage format; every tile keeps its bytes.

    But for JPEG tiles that --quality makes smaller, and WebP, which caches cannot hold.
    Whole or not at all: nothing stands under TARGET before everything is in it.
    """
    refuse_contradictions(levels, scales)
    asked: tilepack.ConvertOptions = {
        "storage_format": check_target(target, storage_format, ready_to_serve=ready_to_serve),
        "levels": levels,
        "scales": scales,
        "replace": replace,
        "ready_to_serve": ready_to_serve or None,
        "drop_blank": drop_blank,
        "dedupe": dedupe,
        "quality": quality,
    }
    if dry_run:
        plan = look_ahead(partial(tilepack.plan_convert, source, target, **asked), quiet=quiet)
        show_warnings(plan.warnings, quiet=quiet)
        _show_plan(plan, json=json)
        return
    work = partial(tilepack.convert, source, target, **asked, jobs=jobs)
    result = move(work, target, quiet=quiet, verbose=verbose)
    _show_result(result, json=json, quiet=quiet)


def _show_result(result: tilepack.TransferResult, *, json: bool, quiet: bool) -> None:
    if json:
        write_json(result.as_json())
    elif not quiet:
        plan = result.plan
        rate = f", {size(result.tile_bytes / result.seconds)}/s" if result.seconds > 0 else ""
        console = output()
        console.print(readable(f"made {plan.target}"), soft_wrap=True, style="bold")
        console.print(f"  {name_kind(plan)}, {name_levels(plan)}")
        console.print(f"  {name_bundles(plan)}")
        console.print(
            f"  {counted(result.tiles, 'tile')}, {size(result.tile_bytes)} in {duration(result.seconds)}{rate}"
        )
        if result.counts.blended or result.counts.dropped:  # by --quality or --drop-blank, or WebP for ArcGIS
            show_counts(result)


def _show_plan(plan: tilepack.TransferPlan, *, json: bool) -> None:
    if json:
        write_json(plan.as_json())
        return
    console = output()
    console.print(readable(f"would {name_verb(plan)} {plan.target}"), soft_wrap=True, style="bold")
    console.print(f"  {name_kind(plan)}, {name_levels(plan)}")
    console.print()
    show_table(console, table_by_level(plan.tasks, ("bundles to copy", "to repack", "tiles", "size"), _sums))


def _sums(tasks: Sequence[tilepack.BundleTask]) -> tuple[str, str, str, str]:
    copied = sum(task.action == "copy" for task in tasks)
    return (
        count(copied),
        count(len(tasks) - copied),
        count(sum(task.tiles for task in tasks)),
        size(sum(task.tile_bytes for task in tasks)),
    )
