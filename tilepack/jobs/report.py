"""What became of the jobs of a file, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """What became of a job."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    """Not begun: a job that it needs failed, or was stopped itself."""
    EARLIER = "earlier"
    """Not begun: a run that was killed had done it, and what it takes from is as it was."""
    PLANNED = "planned"
    """Not begun: nothing but a plan was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What became of one job."""

    name: str
    """The job's, as the file has it."""
    do: str
    """What it does: ``import``."""
    state: JobState
    """Whether it was done."""
    message: str
    """A sentence on what was done, or why not."""
    seconds: float = 0.0
    """That it took; 0 where it was not begun."""
    skipped: int = 0
    """Number of tiles that were left out because they cannot be decoded."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What the operation tells of itself, as JSON's values."""

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON's values."""
        return {
            "name": self.name,
            "do": self.do,
            "state": str(self.state),
            "message": self.message,
            "seconds": round(self.seconds, 3),
            "tilesSkipped": self.skipped,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsReport:
    """What became of the jobs of a file that were to be run, in the order in which their turn came."""

    path: str
    """The file."""
    jobs: tuple[JobOutcome, ...]
    """Each with what became of it."""
    seconds: float
    """From the check of the file to the end of the last job."""

    def count(self, state: JobState) -> int:
        """Count the jobs of which something became."""
        return sum(job.state is state for job in self.jobs)

    @property
    def has_failed(self) -> bool:
        """Whether a job failed, or was stopped because another one did."""
        return any(job.state in (JobState.FAILED, JobState.STOPPED) for job in self.jobs)

    @property
    def skipped(self) -> int:
        """Number of tiles that were left out because they cannot be decoded."""
        return sum(job.skipped for job in self.jobs)

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON's values."""
        return {
            "path": self.path,
            "failed": self.has_failed,
            **{f"jobs{state.title()}": self.count(state) for state in JobState},
            "tilesSkipped": self.skipped,
            "seconds": round(self.seconds, 3),
            "jobs": [job.as_json() for job in self.jobs],
        }
