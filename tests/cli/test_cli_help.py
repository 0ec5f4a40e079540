"""Laws of ``--help``: every command is documented, its examples work, and it is quick."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from command_line import environment, run
from typer.main import get_command

import tilepack
from tilepack_cli.main import app

TOP = get_command(app).commands
GROUPS = {name: sorted(command.commands) for name, command in TOP.items() if hasattr(command, "commands")}
COMMANDS = sorted([*TOP, *(f"{group} {name}" for group, names in GROUPS.items() for name in names)])
"""All commands: groups, and those in them."""
HEAVY = {"numpy", "PIL", "shapely", "pyogrio", "pyproj", "lxml", "zlib_ng", "rasterio"}


def write_area(path: Path) -> None:
    """Write a rectangle around the places of the tiles."""
    shape = shapely.to_wkb(np.array([shapely.box(-120, 25, 10, 60)]))
    pop = np.array([5000])
    kinds = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
    pyogrio.raw.write(path, shape, [pop], ["pop"], driver=kinds[path.suffix], geometry_type="Polygon", crs="EPSG:4326")


def write_raster(path: Path) -> None:
    """Write a raster over the places of the tiles."""
    values = np.full((64, 64), 77, np.int16 if path.stem == "dem" else np.uint8)
    place = rasterio.Affine(1e4, 0, -5e6, 0, -1e4, 6e6)
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": values.dtype.name}
    with rasterio.open(path, "w", crs="EPSG:3857", transform=place, **profile) as data:
        data.write(values, 1)


def find(command: str):
    """Give a command by its words."""
    found = get_command(app)
    for word in command.split():
        found = found.commands[word]
    return found


def examples(command: str) -> list[str]:
    """Give the lines below "Examples:" in a command's help."""
    text = run(*command.split(), "--help").stdout
    _, found, block = text.partition("Examples:")
    return [line.strip() for line in block.splitlines() if line.strip()] if found else []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does_in_one_sentence(command):
    text = find(command).help
    assert text
    first = text.split("\n\n")[0]
    assert first.endswith(".")
    assert first[0].isupper()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_listed_with_its_whole_sentence(command):
    *group, name = command.split()
    line = next(line for line in run(*group, "--help").stdout.splitlines() if line.strip().startswith(f"{name} "))
    assert not line.endswith("...")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_is_explained(command):
    for parameter in find(command).params:
        assert getattr(parameter, "help", None), parameter.name


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_gives_examples(command):
    lines = examples(command)
    assert lines
    assert all(line.startswith(f"tilepack {command}".strip()) for line in lines)


def taken_by(asked: list[str]) -> list[str]:
    """Give the words of a command line that name caches which have to be there."""
    command, *words = asked
    if command in ("create", "run"):
        return []
    if command == "build":
        return words[words.index("--into") + 1 :][:1] if "--into" in words else []
    if command == "status":
        return words[1:2]
    return words[: 2 if "--merge" in words or command in ("import", "diff") else 1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_works_when_its_source_is_there(command, tpkx, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in examples(command):
        if "https://" in line:
            continue
        for place in tmp_path.iterdir():
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        asked = shlex.split(line.partition(" > ")[0])[1:]
        for name in {"Usa.tpkx", *(word.partition("/")[0] for word in taken_by(asked))}:
            if Path(name).suffix:
                shutil.copy(tpkx, name)
            else:
                tilepack.convert(tpkx, name)
        for word in asked:
            if word.endswith((".gpkg", ".geojson")):
                write_area(Path(word.rpartition("=")[2]))
            elif word.endswith(".tif"):
                write_raster(Path(word))
            elif word.endswith(".toml"):
                Path(word).write_text(
                    '[[job]]\nname = "cut"\ndo = "export"\nsource = "Usa.tpkx"\ntarget = "city.tpkx"\nlevels = "0-1"\n'
                )
        result = run(*asked)
        assert result.exit_code == 0, (line, result.stderr)


@pytest.mark.parametrize("line", [["--help"], *([*command.split(), "--help"] for command in COMMANDS), ["--version"]])
def test_help_loads_nothing_heavy(line):
    code = (
        "import sys\n"
        "from tilepack_cli.main import main\n"
        f"sys.argv = ['tilepack', *{line!r}]\n"
        "try: main()\n"
        "finally: print('\\nLOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    loaded = set(result.stdout.rpartition("LOADED")[2].split())
    assert "tilepack" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("line", [["--help"], *([*command.split(), "--help"] for command in COMMANDS)], ids=" ".join)
def test_help_fits_80_columns(line):
    assert max(map(len, run(*line).stdout.splitlines())) <= 80
