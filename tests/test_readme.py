"""Whatever the README shows was run: its commands give the outputs that stand there, its Python runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tilepack

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def console_runs() -> list[tuple[str, str]]:
    """Give each command of the console blocks with the output that follows it, "" where none is shown."""
    runs = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            runs.append((command, output.strip()))
    return runs


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A folder with the fixtures in it, as a checkout has."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "fixtures", folder / "fixtures")
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("command", "output"), console_runs())
def test_command_gives_what_the_readme_shows(command, output, checkout):
    words = shlex.split(command)
    assert words[0] == "tilepack"
    done = run([sys.executable, "-m", "tilepack_cli", *words[1:]], checkout)
    assert done.returncode == 0, done.stderr
    if output:
        assert [line.rstrip() for line in done.stdout.strip().splitlines()] == output.splitlines()


def test_python_of_the_readme_runs(checkout):
    (source,) = blocks("python")
    done = run([sys.executable, "-W", "error", "-c", source], checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "13"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"])
def test_files_that_a_page_names_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(
        re.findall(
            r"(?:tilepack|tests|fixtures|benchmarks|cli|stores|transfer)/[\w./-]*\w",
            " ".join(re.findall(r"`([^`\n]+)`", text)),
        )
    )
    named |= {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    around = (ROOT, ROOT / "tilepack", (ROOT / page).parent)
    assert [name for name in sorted(named) if not any((folder / name).exists() for folder in around)] == []


def test_public_names_of_the_changes_are_there():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("The same as a library:")[2]
    named = {name.removeprefix("tilepack.") for name in re.findall(r"`([a-z_.]+)`", text)} - {"plan_"}
    assert named - set(tilepack.__all__) == set()


def test_one_line_runs_the_main_job_and_one_the_tests():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert [("tilepack convert" in line, "-m pytest" in line) for line in lines] == [(True, False), (False, True)]
    assert all(line.startswith("python3 -m venv") and "pip install" in line for line in lines)
