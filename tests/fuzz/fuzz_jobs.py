"""Targets: files of jobs, what is kept beside them and in targets, and the file of services."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from typing import Any

from fuzz_target import Target, World

from tilepack.arcpy.services_file import SERVICES_FILE, read_services
from tilepack.disk.journal import STATE
from tilepack.jobs.lines import find_lines
from tilepack.jobs.progress import Progress
from tilepack.jobs.reading import Problems, read_jobs
from tilepack.transfer.memory import format_memory, recall

ENVIRONMENT = {"HOME": "/home/somebody", "LOOP": "${LOOP}"}


def read_job_file(data: bytes, world: World) -> None:
    """Read a file of jobs; where it is TOML, every key has a line, and the right one."""
    folder = world.fresh()
    place = folder / "jobs.toml"
    place.write_bytes(data)
    problems = Problems(place)
    try:
        text = data.decode("utf-8-sig")
        document = tomllib.loads(text)
    except (ValueError, RecursionError):
        document = None
    if document is not None:
        _check_lines(text, document)
    read_jobs(place, ENVIRONMENT, problems)
    assert all(1 <= line <= data.count(b"\n") + 1 for line, _ in problems.found)
    problems.refuse()


def _check_lines(text: str, document: dict[str, Any]) -> None:
    found = find_lines(text)
    last = text.count("\n") + 1
    assert all(1 <= line <= last for line in found.values())
    for key, value in document.items():
        assert (key,) in found
        for number, each in enumerate(value if isinstance(value, list) else ()):
            assert (key, number) in found
            for inner in each if isinstance(each, dict) else ():
                assert (key, number, inner) in found


def read_progress(data: bytes, world: World) -> None:
    """Read what a run that was stopped had done."""
    folder = world.fresh()
    (folder / "jobs.toml.progress").write_bytes(data)
    Progress(folder / "jobs.toml", None).release()


def read_memory(data: bytes, world: World) -> None:
    """Read what a target remembers, of a folder and of a package; what is read can be written, and read again."""
    folder = world.fresh()
    package = folder / "a.tpkx"
    package.write_bytes(b"PK")
    status = package.stat()
    sizes = {b"%SIZE": status.st_size, b"%TIME": status.st_mtime_ns, b"%FILE": status.st_ino}
    for word, number in sizes.items():
        data = data.replace(word, str(number).encode())
    (folder / "a.tpkx.state").write_bytes(data)
    (folder / STATE).write_bytes(data)
    recall(package)
    memory = recall(folder)
    (folder / STATE).write_bytes(format_memory(memory))
    assert recall(folder) == memory


def read_service_file(data: bytes, world: World) -> None:
    """Read the file of services."""
    place = world.fresh() / "services.toml"
    place.write_bytes(data)
    before = os.environ.get(SERVICES_FILE)
    os.environ[SERVICES_FILE] = str(place)
    try:
        read_services()
    finally:
        os.environ.pop(SERVICES_FILE)
        if before is not None:
            os.environ[SERVICES_FILE] = before


# Seeds


def job_files() -> Iterator[bytes]:
    yield b"""
[variables]
data = "/srv/caches"
deep = "${data}/${HOME} $$"

[[job]]
name = "nightly"
do = "import"
source = "${data}/County"
target = "${deep}/State"
changed = true
levels = "0-7,9"

[[job]]
name = "cut"  # a comment
do = "export"
needs = ["nightly"]
source = 'a\\b'
target = \"\"\"b.tpkx\"\"\"
scales = [500_000, 2.5e5,
  1000 ]
areas = ["a.geojson", { source = "b.gpkg", layer = "c", levels = "0-3" }]

[[job]]
name = "look"
do = "verify"
source = "a"
  [[job.areas]]
  source = "POLYGON ((0 0, 1 0, 1 1, 0 0))"
  crs = 3857
"""
    yield b'job = [{name = "a", do = "convert", source = "b", target = "c.tpk"}]'
    dotted = b'\r\n[variables]\r\na.b = 1\r\n"c d" = "e"\r\n'
    yield b'\xef\xbb\xbf[[job]]\r\nname = "a"\r\ndo = "compact"\r\ncache = "b"' + dotted
    yield b'[variables]\na = "${b}"\nb = "${a}"\n[[job]]\nname = "x"\ndo = "delete"\ncache = "${a}"'


def progresses() -> Iterator[bytes]:
    yield json.dumps({"job": "a", "digest": "b" * 64}).encode() + b"\n"
    yield json.dumps({"job": "a", "digest": "b"}).encode() + b'\n{"job": "c"'


def memories() -> Iterator[bytes]:
    files = {"R0000C0000.bundle": [131156, 171, 29], "R0080C0000.bundle": [131156, None, None]}
    jobs = {"5c0f": {"job": "91aa", "storageFormat": "COMPACT_V2", "levels": {"5": files}}}
    folder = {"tilepack": 1, "target": {"storageFormat": "COMPACT_V2"}, "jobs": jobs}
    yield json.dumps(folder).encode()
    package = {"storageFormat": None, "size": "%SIZE", "time": "%TIME"}
    yield json.dumps(folder | {"target": package}).replace('"%SIZE"', "%SIZE").replace('"%TIME"', "%TIME").encode()
    later = {"target": {"storageFormat": "COMPACT", "file": "%FILE"}, "jobs": {}}
    yield json.dumps(folder | {"target": package, "next": later}).replace('"%FILE"', "%FILE").encode()


def service_files() -> Iterator[bytes]:
    yield b'"Folder/Roads" = "caches/Roads"\n\n[Rivers]\ncache = "a"\nsource = "b"\n'
    yield b'["a.MapServer"]\ncache = "b"\n'


TOML = (
    b"[[job]]\n",
    b"[[job.areas]]\n",
    b"[variables]\n",
    b"${data}",
    b"${",
    b"$$",
    b"'''",
    b'"""',
    b"\\",
    b"= [",
    b"{ a = 1 }",
)
TOML += (
    b"levels = ",
    b"scales = ",
    b"areas = ",
    b"needs = ",
    b"bbox = ",
    b"extent = ",
    b"nan",
    b"inf",
    b"-9e999",
    b"0x1f",
)
TOML += (
    b"1979-05-27T07:32:00Z",
    b"9" * 5000,
    b"[" * 500,
    b"\r\n",
    b"\\uD800",
    b"#",
    b'do = "import"',
    b"storage-format = ",
)
JSON = (
    b"null",
    b"1e400",
    b"NaN",
    b"9" * 30,
    b"[]",
    b"{}",
    b'"levels":',
    b'"jobs":',
    b'"next":',
    b"%FILE",
    b"%SIZE",
    b"%TIME",
)

TARGETS = (
    Target(name="JOBS.toml", run=read_job_file, seeds=job_files, words=TOML, share=50),
    Target(name="progress of jobs", run=read_progress, seeds=progresses, words=JSON, share=10, longest=1024),
    Target(name="memory of a target", run=read_memory, seeds=memories, words=JSON, share=20, longest=2048),
    Target(name="services file", run=read_service_file, seeds=service_files, words=TOML, share=10, longest=1024),
)
