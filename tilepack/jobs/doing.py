"""Doing one job, or planning it: the calls of the library that the kinds of jobs stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from tilepack.cache import ItemDescription
from tilepack.inspect.rules import Severity
from tilepack.inspect.verify import verify
from tilepack.jobs.keys import AREAS
from tilepack.jobs.reading import Job
from tilepack.pixels.given_thumbnail import read_thumbnail
from tilepack.status.keeping import rebuild_status, report_status
from tilepack.transfer.convert import convert, plan_convert
from tilepack.transfer.export import export_cache, plan_export
from tilepack.transfer.importing import import_cache, plan_import
from tilepack.transfer.plan import TransferPlan
from tilepack.transfer.request import PixelOptions
from tilepack.transfer.result import TransferResult
from tilepack.upkeep.deleting import delete_tiles, plan_delete
from tilepack.wording import counted

_PIXELS: Final = (
    "background",
    "whole-tiles",
    "keep-blank",
    "drop-blank",
    "skip-errors",
    "strict",
    "allow-lossy",
    "recompress",
)
"""Keys that are the options of the same names in ``PixelOptions``."""
_DESCRIPTION: Final = ("title", "tags", "description", "attribution")
_SELECTION: Final = {"levels": "levels", "scales": "scales", AREAS: "area", "extent": "extent", "bbox": "bbox"}
"""What the library calls the keys that choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a job."""

    message: str
    """A sentence on what was done."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What the operation tells of itself, as JSON's values."""
    skipped: int = 0
    """Number of tiles that were left out because they cannot be decoded."""
    failed: bool = False
    """Whether what was to be verified is not sound."""


class Way(NamedTuple):
    """How one kind of job is done, and planned."""

    do: Callable[[Job, int | None], Done]
    """Does it, with so many threads."""
    plan: Callable[[Job], Done]
    """Plans it, and does nothing."""


def _named(job: Job, names: Mapping[str, str]) -> dict[str, Any]:
    """Give what a job says under the library's names."""
    return {name: job.options[key] for key, name in names.items() if key in job.options}


def _same(job: Job, *keys: str) -> dict[str, Any]:
    """Give what a job says under keys that the library knows by the same words."""
    return {key.replace("-", "_"): job.options[key] for key in keys if key in job.options}


def _pixels(job: Job) -> PixelOptions:
    return PixelOptions(**_same(job, *_PIXELS))


def _description(job: Job) -> ItemDescription | None:
    said = _same(job, *_DESCRIPTION)
    return ItemDescription(**said) if said else None


def _thumbnail(job: Job) -> bytes | None:
    return read_thumbnail(job.options["thumbnail"]) if "thumbnail" in job.options else None


def _mode(job: Job) -> str | None:
    return "OVERWRITE" if job.options.get("overwrite") else "MERGE" if job.options.get("merge") else None


def _export_options(job: Job) -> dict[str, Any]:
    return {
        **_named(job, _SELECTION),
        **_same(job, "storage-format", "replace", "ready-to-serve", "delete-missing", "dedupe", "force"),
        "into_existing": _mode(job),
        "pixels": _pixels(job),
        "description": _description(job),
        "thumbnail": _thumbnail(job),
    }


def _import_options(job: Job) -> dict[str, Any]:
    return {
        **_named(job, _SELECTION),
        **_same(job, "only-missing", "delete-missing", "force"),
        "mode": _mode(job) or "MERGE",
        "only_changed": job.options.get("changed", False),
        "job": job.name,
        "pixels": _pixels(job),
        "description": _description(job),
        "thumbnail": _thumbnail(job),
    }


def _convert_options(job: Job) -> dict[str, Any]:
    return {
        **_named(job, {"levels": "levels", "scales": "scales"}),
        **_same(job, "storage-format", "replace", "ready-to-serve", "drop-blank", "dedupe", "quality"),
    }


def _source(job: Job) -> Path:
    return Path(job.options["source"])


def _target(job: Job) -> Path:
    return Path(job.options["target"])


def _transferred(result: TransferResult) -> Done:
    parts = _moved(result.plan, result.tiles)
    if result.skipped:
        parts.append(f"{counted(len(result.skipped), 'tile')} skipped")
    return Done(message="; ".join(parts), figures=result.as_json(), skipped=len(result.skipped))


def _moved(plan: TransferPlan, tiles: int) -> list[str]:
    """Say how much is moved, and what is as the last run took it."""
    changes = plan.tell_changes()
    if changes and not plan.tasks:
        return [changes]
    moved = f"{counted(tiles, 'tile')} in {counted(len(plan.tasks), 'bundle')}"
    return [moved, changes] if plan.bundles_as_before else [moved]


def _planned(plan: TransferPlan) -> Done:
    parts = _moved(plan, plan.tiles)
    return Done(
        message="; ".join([f"would move {parts[0]}", *parts[1:]] if plan.tasks else parts), figures=plan.as_json()
    )


def _do_status(job: Job, _: int | None) -> Done:
    force = bool(job.options.get("force"))
    if "target" not in job.options:
        written = rebuild_status(_source(job), force=force, all_rows=bool(job.options.get("all")))
    else:
        written = report_status(
            _source(job),
            _target(job),
            format=job.options.get("format", "gdb"),
            force=force,
            all_rows=bool(job.options.get("all")),
            deep=bool(job.options.get("deep")),
            **_named(job, _SELECTION),
        )
    paths = [str(path) for path in written.paths]
    figures = {name: value for name, value in written.report.as_json().items() if name != "bundles"}
    return Done(message=f"wrote {' and '.join(paths)}", figures={"written": paths, **figures})


def _plan_status(job: Job) -> Done:
    where = job.options.get("target", "the cache's own folder")
    return Done(message=f"would write a report into {where}")


def _do_verify(job: Job, jobs: int | None) -> Done:
    found = verify(_source(job), deep=bool(job.options.get("deep")), levels=job.options.get("levels"), jobs=jobs)
    errors, warnings = found.count(Severity.ERROR), found.count(Severity.WARNING)
    message = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    if errors:
        message += "; tilepack verify shows them"
    return Done(message=message, figures=found.as_json(), failed=bool(errors))


def _plan_verify(job: Job) -> Done:
    return Done(message=f"would check {job.options['source']}")


def _delete_options(job: Job) -> dict[str, Any]:
    return {
        **_named(job, {**_SELECTION, "all": "all_tiles"}),
        **_same(job, "pixels", "background", "keep-blank", "skip-errors", "force"),
    }


def _do_delete(job: Job, jobs: int | None) -> Done:
    result = delete_tiles(_target(job), jobs=jobs, **_delete_options(job))
    message = f"deleted {counted(result.deleted, 'tile')}, cut {counted(result.cut, 'tile')}"
    return Done(message=message, figures=result.as_json(), skipped=len(result.skipped))


def _plan_delete(job: Job) -> Done:
    plan = plan_delete(_target(job), **_delete_options(job))
    return Done(message=f"would delete {counted(plan.tiles, 'tile')}", figures=plan.as_json())


WAYS: Final[Mapping[str, Way]] = {
    "export": Way(
        lambda job, jobs: _transferred(export_cache(_source(job), _target(job), jobs=jobs, **_export_options(job))),
        lambda job: _planned(plan_export(_source(job), _target(job), **_export_options(job))),
    ),
    "import": Way(
        lambda job, jobs: _transferred(import_cache(_source(job), _target(job), jobs=jobs, **_import_options(job))),
        lambda job: _planned(plan_import(_source(job), _target(job), **_import_options(job))),
    ),
    "convert": Way(
        lambda job, jobs: _transferred(convert(_source(job), _target(job), jobs=jobs, **_convert_options(job))),
        lambda job: _planned(plan_convert(_source(job), _target(job), **_convert_options(job))),
    ),
    "status": Way(_do_status, _plan_status),
    "delete": Way(_do_delete, _plan_delete),
    "verify": Way(_do_verify, _plan_verify),
}
"""By kind of job."""
