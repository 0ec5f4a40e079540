"""Running the jobs of a file: all of it is checked, then each has its turn; one that fails stops those that need it."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from tilepack.disk.files import explained
from tilepack.errors import JobFileError, TilepackError
from tilepack.jobs.checking import check_files, check_sense, put_in_order
from tilepack.jobs.doing import WAYS, Done
from tilepack.jobs.progress import Progress, digest
from tilepack.jobs.reading import Job, Problems, read_jobs
from tilepack.jobs.report import JobOutcome, JobsReport, JobState

Told = Callable[[JobOutcome], None]
"""Called with what became of each job."""


def run_jobs(
    path: str | Path,
    *,
    only: Iterable[str] | None = None,
    dry_run: bool = False,
    log: str | Path | None = None,
    jobs: int | None = None,
    begun: Callable[[str, str], None] | None = None,
    told: Told | None = None,
) -> JobsReport:
    """Run the jobs of a file (TOML), each behind those that it needs.

    The whole file is checked before anything begins. A job that fails stops only those that need it. One run at a time;
    one that was stopped, by Ctrl-C or the power, is taken up by the next: what it had done is not done again while its
    sources look as they did, and an import goes on in the middle.

    Args:
        path: The file. Paths in it are relative to it.
        only: Names of the jobs to run, whatever a run that was stopped had done; what they need and is not among them
            counts as done. None for all.
        dry_run: Check, plan what can be planned, and do nothing.
        log: File to which lines on what is done are appended.
        jobs: Threads; None for as many as there are processors.
        begun: Called with a job's name and kind when its turn has come.
        told: Called with what became of each job.

    Returns:
        What became of the jobs. Whether one failed, ``has_failed`` tells; nothing is raised for that.

    Raises:
        JobFileError: Something is wrong with the file, or a name is none of its jobs; nothing was done.
        CacheNotFoundError: There is no such file.
        TransferError: Another run of the file is going on, or log or progress cannot be written.
    """
    place = Path(path)
    writes = _Log(None if log is None or dry_run else Path(log))
    try:
        progress = None if dry_run else Progress(place, None if log is None else Path(log))
        try:
            return _Run(place, progress, writes, jobs=jobs, begun=begun, told=told).carry_out(only)
        finally:
            if progress is not None:
                progress.release()
    except TilepackError as error:
        writes.line(f"stopped: {error}")
        raise


class _Log:
    """A file to which lines are appended."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            with explained("write the log", path), path.open("a", encoding="utf-8"):
                pass

    def line(self, text: str) -> None:
        """Append a line, with the time before it; line ends in it are none of the log's."""
        if self._path is None:
            return
        now = dt.datetime.now(tz=dt.UTC).astimezone().isoformat(timespec="seconds")
        with explained("write the log", self._path), self._path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{now} {' / '.join(text.splitlines())}\n")


class _Run:
    """One run."""

    def __init__(
        self,
        path: Path,
        progress: Progress | None,
        log: _Log,
        *,
        jobs: int | None,
        begun: Callable[[str, str], None] | None,
        told: Told | None,
    ) -> None:
        self._path = path
        self._progress = progress
        self._log = log
        self._jobs = jobs
        self._begun = begun
        self._told = told
        self._outcomes: dict[str, JobOutcome] = {}
        self._made: set[Path] = set()
        self._notes = True

    def carry_out(self, only: Iterable[str] | None) -> JobsReport:
        """Check the file, and give each job its turn."""
        start = time.monotonic()
        self._notes = only is None
        chosen, earlier = self._check(only)
        try:
            for job in chosen:
                outcome = self._outcomes[job.name] = self._turn(job, earlier)
                self._log.line(f"{job.name}: {outcome.state}: {outcome.message}")
                if self._told is not None:
                    self._told(outcome)
        except KeyboardInterrupt as stop:
            self._log.line("stopped")
            if self._progress is not None:
                stop.add_note(f"{len(self._outcomes)} of {len(chosen)} jobs were done; the same command goes on")
            raise
        if self._progress is not None and only is None:
            self._progress.end()
        return JobsReport(path=str(self._path), jobs=tuple(self._outcomes.values()), seconds=time.monotonic() - start)

    def _check(self, only: Iterable[str] | None) -> tuple[list[Job], Collection[str]]:
        """Read the file, and give the jobs to run and those of them that a killed run has done."""
        problems = Problems(self._path)
        found = read_jobs(self._path, os.environ, problems)
        for job in found:
            check_sense(job, problems)
        ordered = put_in_order(found, problems)
        names = None if only is None else list(only)
        for name in names or ():
            if problems.found or any(job.name == name for job in found):
                continue
            known = ", ".join(job.name for job in found)
            raise JobFileError(f"{self._path}: there is no job {name!r}; there are {known}")
        chosen = ordered if names is None else [job for job in ordered if job.name in names]
        progress = self._progress
        earlier = (
            set() if progress is None or names is not None else {job.name for job in chosen if progress.is_done(job)}
        )
        check_files(chosen, problems, done=earlier)
        problems.refuse()
        return chosen, earlier

    def _turn(self, job: Job, earlier: Collection[str]) -> JobOutcome:
        missing = [
            name
            for name in job.needs
            if name in self._outcomes and self._outcomes[name].state in (JobState.FAILED, JobState.STOPPED)
        ]
        if missing:
            return self._outcome(job, JobState.STOPPED, Done(message=f"needs {', '.join(missing)}"))
        if job.name in earlier:
            done = Done(message="done by a run that was stopped, and its source is as it was")
            return self._outcome(job, JobState.EARLIER, done)
        if self._begun is not None:
            self._begun(job.name, job.do)
        self._log.line(f"{job.name}: {job.do} begins")
        start = time.monotonic()
        try:
            if self._progress is None:
                return self._outcome(job, JobState.PLANNED, self._plan(job))
            before = digest(job)
            done = WAYS[job.do].do(job, self._jobs)
            if not done.failed and self._notes:
                self._progress.add(job, before)
        except (TilepackError, OSError) as error:
            text = "; ".join([str(error), *getattr(error, "__notes__", [])])
            return self._outcome(job, JobState.FAILED, Done(message=text), time.monotonic() - start)
        except Exception as error:  # noqa: BLE001  the other jobs are not to suffer from a fault of ours
            text = f"{type(error).__name__}: {error}; this is a fault of tilepack, not yours: please report it"
            return self._outcome(job, JobState.FAILED, Done(message=text), time.monotonic() - start)
        state = JobState.FAILED if done.failed else JobState.DONE
        return self._outcome(job, state, done, time.monotonic() - start)

    def _plan(self, job: Job) -> Done:
        """Plan a job, unless it takes from or into what another one has yet to make."""
        for key in ("source", "target"):
            place = job.options.get(key)
            if place is not None and not place.exists() and Path(os.path.realpath(place)) in self._made:
                return Done(message=f"takes what a job before it makes: {place}")
        if "target" in job.options:
            self._made.add(Path(os.path.realpath(job.options["target"])))
        return WAYS[job.do].plan(job)

    @staticmethod
    def _outcome(job: Job, state: JobState, done: Done, seconds: float = 0.0) -> JobOutcome:
        return JobOutcome(
            name=job.name,
            do=job.do,
            state=state,
            message=done.message,
            seconds=seconds,
            skipped=done.skipped,
            figures=done.figures,
        )
