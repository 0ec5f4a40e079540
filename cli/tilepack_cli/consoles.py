"""What goes where: data to stdout, everything said about the work to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def output() -> Console:
    """Give the console for data and results. Text is taken as it is: brackets are no markup, colons no emoji."""
    from rich.console import Console

    class Output(Console):
        """A console that leaves it to the command what to do when nobody reads on; Rich's own exits with 1."""

        def on_broken_pipe(self) -> None:
            raise  # noqa: PLE0704  Rich calls this where it caught the BrokenPipeError

    return Output(highlight=False, markup=False, emoji=False)


def messages() -> Console:
    """Give the console for progress, warnings and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def show_table(console: Console, table: Table) -> None:
    """Print a table; into a file or pipe without the blanks that Rich fills its lines with."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), soft_wrap=True)


def complain(message: str) -> None:
    """Say why it does not work."""
    _say("tilepack: ", "bold red", message)


def warn(message: str, console: Console | None = None) -> None:
    """Say what should be looked at, though the work goes on; while a bar is shown, through its console."""
    _say("warning: ", "bold yellow", message, console)


def remark(message: str, console: Console | None = None) -> None:
    """Say what is going on; while a bar is shown, through its console."""
    _say("", "", message, console)


def _say(start: str, style: str, message: str, console: Console | None = None) -> None:
    from rich.text import Text

    (console or messages()).print(Text.assemble((start, style), readable(message)), soft_wrap=True)


def readable(text: str) -> str:
    """Give text that cannot steer a terminal: control characters in a file's names are shown as a question mark."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def write_json(value: object) -> None:
    """Write one JSON value to stdout, indented, piece by piece: the text of many rows is larger than they."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=_ascii_only())
    sys.stdout.write("\n")


def write_json_rows(rows: Iterable[object]) -> None:
    """Write a JSON array to stdout, a row per line, each as it comes."""
    ascii_only = _ascii_only()
    before = "["
    for row in rows:
        sys.stdout.write(before + "\n  " + json.dumps(row, ensure_ascii=ascii_only))
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def _ascii_only() -> bool:
    """JSON is Unicode; where stdout is not, it is written with escapes."""
    return not (sys.stdout.encoding or "").lower().replace("_", "-").startswith("utf-8")
