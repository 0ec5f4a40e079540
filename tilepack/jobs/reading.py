"""Reading a file of jobs. Whatever is wrong with it is gathered, each with its line, and nothing is looked up on disk.

::

    [variables]
    data = "/srv/caches"

    [[job]]
    name = "nightly"
    do = "import"
    source = "${data}/County"
    target = "${data}/State"
    changed = true

A variable is one of the file's, else one of the environment; ``$$`` is a dollar sign.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tilepack.disk.files import explained
from tilepack.errors import CacheNotFoundError, JobFileError, TilepackError
from tilepack.jobs import lines
from tilepack.jobs.keys import AREA_KEYS, AREAS, COMMON, KINDS, NEEDED, Read, explain, read_area, read_text

_LARGEST: Final = 1 << 20
"""Bytes of a file of jobs."""
_MOST: Final = 1000
"""Jobs in one."""
_LONGEST: Final = 1 << 16
"""Characters of a text once its variables are put in: they may name one another."""
_SHOWN: Final = 100
"""Problems that are told."""
_VARIABLE: Final = re.compile(r"\$(?:\$|\{([^{}]*)\}?)?")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, its values read."""

    name: str
    do: str
    """What it does, one of ``KINDS``."""
    needs: tuple[str, ...]
    """Names of the jobs that have to be done before."""
    options: Mapping[str, Any]
    """By the keys that the file has for them."""
    line: int
    """Where it begins."""
    lines: Mapping[str, int]
    """Where each of its keys stands."""
    area_lines: tuple[int, ...] = ()
    """Where each of its areas stands."""

    def line_of(self, *keys: str) -> int:
        """Give the line of the first key that is there, else the job's."""
        return next((self.lines[key] for key in keys if key in self.lines), self.line)


@dataclass(slots=True)
class Problems:
    """What is wrong with a file, by line."""

    path: Path
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        """Add something."""
        self.found.append((line, text))

    def refuse(self) -> None:
        """Raise if anything was found.

        Raises:
            JobFileError: Something was; lists all of it.
        """
        if not self.found:
            return
        told = sorted(dict.fromkeys(self.found))
        more = [f"  and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
        things = "one thing is" if len(told) == 1 else f"{len(told)} things are"
        listed = [f"  line {line}: {text}" for line, text in told[:_SHOWN]]
        raise JobFileError("\n".join([f"{self.path}: {things} wrong, and nothing was done", *listed, *more]))


def read_jobs(path: Path, environment: Mapping[str, str], problems: Problems) -> list[Job]:
    """Read the jobs of a file, those that can be.

    Args:
        path: The file.
        environment: Where variables are looked up that the file does not set.
        problems: Where to add what is wrong.

    Raises:
        CacheNotFoundError: There is no such file.
        JobFileError: It is no TOML.
        TransferError: It cannot be read.
    """
    text, document = _parse(path)
    where = lines.find_lines(text)
    for key in document.keys() - {"variables", "job"}:
        problems.add(where[key,], f"{_unknown(key, ('variables', 'job'))}")
    said, listed = document.get("variables", {}), document.get("job", [])
    if not isinstance(said, dict):
        problems.add(where["variables",], "variables is no table; write [variables], and below it NAME = TEXT")
        said = {}
    variables = _Variables(said, environment)
    for name, value in said.items():
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            problems.add(where["variables", name], f"variable {name} is no text; write it in quotes")
        elif isinstance(value, str):
            _collect(problems, where["variables", name], name, lambda name=name: variables.value(name))
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        problems.add(where["job",], "job is no list of tables; begin each job with [[job]]")
        listed = []
    if not listed and not problems.found:
        problems.add(1, "there is no job in it; begin each with [[job]]")
    if len(listed) > _MOST:
        problems.add(where["job", _MOST], f"there are {len(listed)} jobs; a file holds at most {_MOST}")
        return []
    reader = _Reader(path.absolute().parent, variables, where, problems)
    return [job for number, each in enumerate(listed) if (job := reader.job(number, each)) is not None]


def _parse(path: Path) -> tuple[str, dict[str, Any]]:
    with explained("read", path):
        if not path.exists():
            raise CacheNotFoundError(f"{path}: there is no such file of jobs; check the path")
        if not path.is_file():
            raise JobFileError(f"{path}: is no plain file, as a file of jobs is; check the path")
        if (held := path.stat().st_size) > _LARGEST:
            raise JobFileError(
                f"{path}: is no file of jobs: it has {held} bytes, those {_LARGEST} at most; check the path"
            )
        data = path.read_bytes()[:_LARGEST]
    try:
        text = data.decode("utf-8-sig")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JobFileError(f"{path}: line {line} is not written in UTF-8; save it so") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        reason = "brackets lie too deep" if isinstance(error, RecursionError) else str(error)[:300]
        mend = "write paths with / or between 'single quotes'" if "'\\'" in reason else "mend that place"
        raise JobFileError(f"{path}: is no TOML: {reason}; {mend}") from None


class _Variables:
    """The variables of a file, put into texts."""

    def __init__(self, said: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._said = said
        self._environment = environment
        self._known: dict[str, str] = {}
        self._asked: list[str] = []

    def value(self, name: str) -> str:
        """Give a variable's value.

        Raises:
            ValueError: There is none, or it leads back to itself.
        """
        if name in self._known:
            return self._known[name]
        if name in self._asked:
            raise ValueError(f": variable {name} leads back to itself; give it a value of its own")
        if name not in self._said:
            if name in self._environment:
                return self._environment[name]
            known = ", ".join(sorted(self._said)[:20]) or "none"
            raise ValueError(f": there is no variable {name!r}; [variables] has {known}, and the environment none so")
        self._asked.append(name)
        try:
            value = self._said[name]
            self._known[name] = self.put_into(value) if isinstance(value, str) else str(value)
        finally:
            self._asked.pop()
        return self._known[name]

    def put_into(self, value: Any) -> Any:
        """Give a value with the variables in its texts put in.

        Raises:
            ValueError: There is no such variable, or a dollar sign has no meaning, or it becomes too long.
        """
        if isinstance(value, list):
            return [self.put_into(each) for each in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        pieces: list[str] = []
        at = size = 0
        for found in _VARIABLE.finditer(value):
            pieces += [value[at : found.start()], self._meaning(found)]
            at = found.end()
            size += len(pieces[-2]) + len(pieces[-1])
            if size > _LONGEST:
                raise ValueError(f" becomes longer than {_LONGEST} characters by its variables; shorten them")
        return "".join([*pieces, value[at:]])

    def _meaning(self, found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if found[1] is None or not found[0].endswith("}"):
            raise ValueError(": a dollar sign stands alone; write ${NAME} for a variable, $$ for the sign")
        return self.value(found[1])


def _collect(problems: Problems, line: int, key: str, read: Any) -> Any:
    """Read a value, and add what is wrong with it; None then."""
    try:
        return read()
    except (ValueError, RuntimeError, OSError, TilepackError, RecursionError) as error:
        problems.add(line, f"{key}{explain(error)}")
        return None


class _Reader:
    """Reads the jobs of one file."""

    def __init__(
        self, folder: Path, variables: _Variables, where: Mapping[lines.Path, int], problems: Problems
    ) -> None:
        self._folder = folder
        self._variables = variables
        self._where = where
        self._problems = problems

    def _line(self, path: lines.Path) -> int:
        """Give the line of a key, or of what it lies in."""
        while path not in self._where and path:
            path = path[:-1]
        return self._where.get(path, 1)

    def job(self, number: int, said: Mapping[str, Any]) -> Job | None:
        """Read one job; None where it is not known what it is to do."""
        path: lines.Path = ("job", number)
        line = self._line(path)
        names = {key: self._line((*path, key)) for key in said}
        name = self._value(path, "name", said, read_text)
        do = self._value(path, "do", said, read_text)
        if name is not None and not _NAME.fullmatch(name):
            self._problems.add(names["name"], f"name {name[:80]!r} is none; take letters, digits, and . _ - between")
        for key in ("name", "do"):
            if key not in said:
                self._problems.add(line, f"the job has no {key}")
        if do is not None and do not in KINDS:
            self._problems.add(names["do"], f"do is {do[:80]!r}; there are {', '.join(KINDS)}")
        if name is None or do not in KINDS:
            return None
        keys = KINDS[do]
        for key in said.keys() - keys.keys() - set(COMMON):
            self._problems.add(names[key], f"{_unknown(key, (*keys, *COMMON), do)}")
        for key in NEEDED[do]:
            if key not in said:
                self._problems.add(line, f"job {name} has no {key}, which {_article(do)} needs")
        options = {key: self._value(path, key, said, keys[key]) for key in said if key in keys and key != AREAS}
        areas = self._areas((*path, AREAS), said[AREAS]) if AREAS in said and AREAS in keys else []
        if areas:
            options[AREAS] = [area for _, area in areas]
        return Job(
            name=name,
            do=do,
            needs=self._needs(path, said),
            options={key: value for key, value in options.items() if value is not None},
            line=line,
            lines=names,
            area_lines=tuple(line for line, _ in areas),
        )

    def _value(self, path: lines.Path, key: str, said: Mapping[str, Any], read: Read) -> Any:
        if key not in said:
            return None
        return _collect(
            self._problems,
            self._line((*path, key)),
            key,
            lambda: read(self._variables.put_into(said[key]), self._folder),
        )

    def _needs(self, path: lines.Path, said: Mapping[str, Any]) -> tuple[str, ...]:
        needs = said.get("needs", [])
        if isinstance(needs, str):
            needs = [needs]
        if not isinstance(needs, list) or not all(isinstance(each, str) for each in needs):
            self._problems.add(self._line((*path, "needs")), 'needs is no list of names; write ["NAME"]')
            return ()
        return tuple(needs)

    def _areas(self, path: lines.Path, said: Any) -> list[tuple[int, Any]]:
        """Read the areas, each with the line that it stands in."""
        if isinstance(said, str | dict):
            said = [said]
        if not isinstance(said, list) or not said:
            self._problems.add(self._line(path), "areas is no list; write [[job.areas]] above each, or a list of files")
            return []
        found: list[tuple[int, Any]] = []
        for number, each in enumerate(said):
            area = self._area((*path, number), each)
            if area is not None:
                found.append((self._line((*path, number, "source")), area))
        return found

    def _area(self, path: lines.Path, said: Any) -> Any:
        line = self._line(path)
        if isinstance(said, str):
            said = {"source": said}
        elif not isinstance(said, dict):
            self._problems.add(line, "an area is no table; write source = FILE in it")
            return None
        for key in said.keys() - AREA_KEYS.keys():
            self._problems.add(self._line((*path, key)), f"{_unknown(key, AREA_KEYS, 'area')}")
        read: dict[str, Any] = {}
        for key in said.keys() & AREA_KEYS.keys():
            at = self._line((*path, key))
            read[key] = _collect(
                self._problems,
                at,
                f"area's {key}",
                lambda key=key: AREA_KEYS[key](self._variables.put_into(said[key]), self._folder),
            )
        if any(value is None for value in read.values()):
            return None
        return _collect(self._problems, line, "the area", lambda: read_area(read, self._folder))


def _unknown(key: str, known: Iterable[str], kind: str = "") -> str:
    """Say that a key is unknown, and which was meant, perhaps."""
    known = list(known)
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    what = f" in {_article(kind)}" if kind else ""
    return f"unknown key {key[:80]!r}{what}; {hint}"


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
