"""The house keeps its order: arrows point downwards, the façade is complete, files stay short."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tilepack

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "tilepack"
CLI = ROOT / "cli" / "tilepack_cli"

LAYERS = (
    {"_version", "errors", "keys", "extent", "wording"},
    {"spatial"},
    {"scheme"},
    {"cache", "selection"},
    {"formats", "metadata"},
    {"pixels"},
    {"areas", "disk"},
    {"aoi"},
    {"aoi_levels"},
    {"aoi_given"},
    {"stores"},
    {"inspect", "status", "transfer"},
    {"building", "upkeep"},
    {"arcpy", "jobs"},
    {"__init__"},
)
"""From the ground up. What stands on one floor does not know of its neighbours."""

FLOOR = {name: number for number, layer in enumerate(LAYERS) for name in layer}

MODULES = sorted(path for folder in (LIBRARY, CLI) for path in folder.rglob("*.py"))

SCRIPTS = sorted(path for folder in ("tests", "fixtures", "benchmarks") for path in (ROOT / folder).rglob("*.py"))

EVERY_MODULE = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())


def imports(path: Path) -> Iterator[str]:
    """Name what a module imports, wherever in it; ``from a import b`` gives ``a.b`` where that is a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                inner = ROOT.joinpath(*str(node.module).split("."), f"{alias.name}.py")
                yield f"{node.module}.{alias.name}" if inner.is_file() else str(node.module)


def home(module: str) -> str:
    """Give a module's package or file directly below tilepack: ``tilepack.stores.open`` lives in ``stores``."""
    return [*module.split("."), "__init__"][1]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


LIBRARY_MODULES = pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.is_relative_to(LIBRARY)],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)


@LIBRARY_MODULES
def test_every_module_has_its_floor(path):
    assert home(module_name(path)) in FLOOR, "say in LAYERS where it belongs"


@LIBRARY_MODULES
def test_imports_point_downwards(path):
    here = home(module_name(path))
    for module in imports(path):
        if module.split(".")[0] != "tilepack":
            continue
        there = home(module)
        assert there == here or FLOOR[there] < FLOOR[here], f"{here} must not know {module}"


@LIBRARY_MODULES
def test_library_does_not_know_the_command_line(path):
    assert not {"typer", "click", "rich", "tilepack_cli"} & {module.split(".")[0] for module in imports(path)}


def test_imports_run_in_no_circle():
    names = {module_name(path) for path in MODULES}
    graph = {module_name(path): {module for module in imports(path) if module in names} for path in MODULES}
    list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", sorted(CLI.rglob("*.py")), ids=lambda path: path.name)
def test_command_line_knows_public_names_only(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "tilepack":
            assert node.module == "tilepack", f"line {node.lineno}: import from tilepack itself"
            assert {alias.name for alias in node.names} <= set(tilepack.__all__)
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("tilepack.") for alias in node.names), f"line {node.lineno}"


# The façade


def test_public_names_are_sorted():
    assert tilepack.__all__ == sorted(tilepack.__all__)


def test_public_names_all_have_a_home():
    assert set(tilepack.__all__) == {*tilepack._HOMES, "__version__"}


def test_public_names_are_what_dir_shows():
    assert dir(tilepack) == tilepack.__all__


def test_public_names_are_known_to_type_checkers():
    tree = ast.parse((LIBRARY / "__init__.py").read_text("utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    named = {
        alias.asname or alias.name for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert named == set(tilepack._HOMES)


@pytest.mark.parametrize("name", sorted(tilepack._HOMES))
def test_public_name_is_importable_and_documented(name):
    value = getattr(tilepack, name)
    assert value.__doc__
    assert not value.__doc__.startswith(f"{name}("), "a dataclass says in a sentence what it is"


def test_names_that_are_not_public_are_not_there():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tilepack.no_such_name


def test_errors_are_one_tree_and_all_public():
    found = {name for name, value in vars(tilepack.errors).items() if isinstance(value, type)}
    assert found <= set(tilepack.__all__)
    assert all(issubclass(getattr(tilepack, name), tilepack.TilepackError) for name in found)


def test_import_of_tilepack_loads_nothing_that_takes_time():
    heavy = ("numpy", "PIL", "lxml", "pyproj", "shapely", "pyogrio", "typer", "rich")
    code = f"import sys, tilepack; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == []


# Files


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_is_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= 350


@EVERY_MODULE
def test_module_checks_input_without_assert(path):
    lines = [node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Assert)]
    assert lines == []


@EVERY_MODULE
def test_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_no_module_is_a_drawer_for_everything():
    assert not {path.stem for path in MODULES} & {"util", "utils", "helpers", "common", "misc"}
