"""The program ``tilepack``: its commands, gathered.

Each command is a module of its own, light to import: whatever a command uses beyond Typer and the names of tilepack, it
imports when it runs. That, and help without Rich's panels (which take longer to import than everything else together),
keep ``--help`` quick.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import tilepack
from tilepack_cli import (
    build,
    compact,
    convert,
    create,
    delete,
    diff,
    export,
    importing,
    info,
    levels,
    ls,
    preview,
    repair,
    run,
    status,
    tile,
    verify,
)
from tilepack_cli.areas import remember_order

_HELP = """Read, write, convert and cut ArcGIS tile caches and packages, offline.

Compact (V1), compact-v2 and exploded cache folders, .tpk, .tpkx and .vtpk packages, MBTiles, PMTiles.
"""

_EXAMPLES = """\b
Examples:
  tilepack info Usa.tpkx
  tilepack convert Usa.tpkx Usa.tpk
  tilepack convert Layers Layers.tpkx --levels 0-7,9
  tilepack export Usa.tpkx city.tpkx --aoi city.gpkg
  tilepack import update.tpkx Layers
  tilepack COMMAND --help
"""

app = typer.Typer(
    name="tilepack",
    help=_HELP,
    epilog=_EXAMPLES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tilepack {tilepack.__version__}")
        raise typer.Exit


@app.callback()
def _start(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


class _Command(TyperCommand):
    """A command whose usage line names arguments as everybody does, ``SOURCE`` and not ``{SOURCE}``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line, and remember in which order its options came.

        A path that is empty is refused, for it would mean the current folder: a script's variable was not set.
        """
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        remember_order(ctx, order)
        for parameter in self.params:
            value = values.get(str(parameter.name))
            if parameter.type.name == "path" and "" in (value if isinstance(value, tuple | list) else (value,)):
                raise typer.BadParameter("is empty; name a file or a folder", ctx, parameter)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Give the words of the usage line after the command's name."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


app.command("info", cls=_Command, epilog=info.EXAMPLES)(info.show_info)
app.command("levels", cls=_Command, epilog=levels.EXAMPLES)(levels.show_levels)
app.command("ls", cls=_Command, epilog=ls.EXAMPLES)(ls.list_contents)
app.command("tile", cls=_Command, epilog=tile.EXAMPLES)(tile.write_tile)
app.command("preview", cls=_Command, epilog=preview.EXAMPLES)(preview.draw_preview)
app.command("convert", cls=_Command, epilog=convert.EXAMPLES)(convert.convert_cache)
app.command("export", cls=_Command, epilog=export.EXAMPLES)(export.export_cache)
app.command("import", cls=_Command, epilog=importing.EXAMPLES)(importing.import_cache)
app.command("diff", cls=_Command, epilog=diff.EXAMPLES)(diff.show_difference)
app.command("verify", cls=_Command, epilog=verify.EXAMPLES)(verify.verify_cache)
app.command("repair", cls=_Command, epilog=repair.EXAMPLES)(repair.repair_cache)
app.command("delete", cls=_Command, epilog=delete.EXAMPLES)(delete.delete_tiles)
app.command("compact", cls=_Command, epilog=compact.EXAMPLES)(compact.compact_cache)
app.command("create", cls=_Command, epilog=create.EXAMPLES)(create.create_cache)
app.command("build", cls=_Command, epilog=build.EXAMPLES)(build.build_cache)
app.command("run", cls=_Command, epilog=run.EXAMPLES)(run.run_jobs)
status.add_group(app, _Command)


def main() -> None:
    """Run the command that the command line names."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads take time to start and find no work
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names that the console's encoding lacks are no reason to fail
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="tilepack")


if __name__ == "__main__":
    main()
