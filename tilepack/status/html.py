"""Completeness as a page: one file of HTML with its pictures inside, readable without a network and on paper.

Nothing in it runs or loads: no scripts, no links but to its own parts, pictures as ``data:`` addresses, and a policy
that forbids browsers everything else. Names come out of strangers' files: they are escaped, set apart from the
direction of the text around them, and signs that cannot be shown become question marks.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tilepack.pixels.mask import Integers
from tilepack.status.page_style import STYLE
from tilepack.status.picture import (
    BEYOND,
    CLASSES,
    COMPLETE,
    EMPTY,
    CompletenessMap,
    completeness_png,
    legend_of,
    percent_text,
)
from tilepack.stores.notebook import escaped
from tilepack.wording import counted

_MAP_WIDTH: Final = 880
"""Pixels of the pictures at most."""

_SMALL_MAP: Final = 400
"""Pixels of a map's width up to which two stand side by side, where there is room and nothing to list below."""

_WORST: Final = 10
"""Incomplete bundles listed for each level."""

_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompletenessReport:
    """What the page tells, as plain values."""

    title: str
    """The cache's title or name."""
    place: str
    """Where it lies."""
    levels: Sequence[CompletenessMap]
    """By LevelID."""
    facts: Sequence[tuple[str, str]] = ()
    """What else to say above the figures: name and value, such as what bounds the report and when it was made."""
    warnings: Sequence[str] = ()
    """Sentences."""


def format_report(report: CompletenessReport) -> str:
    """Write the page.

    Args:
        report: What to tell.

    Returns:
        HTML; to be encoded as UTF-8.
    """
    title = f"Cache status: {escaped(report.title)}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="generator" content="tilepack">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        *_head(report),
        *_warnings(report.warnings),
        *_overview(report.levels),
        *(part for level in report.levels for part in _level(level)),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _head(report: CompletenessReport) -> Iterable[str]:
    built = sum(int(level.built.sum()) for level in report.levels)
    expected = sum(int(level.expected.sum()) for level in report.levels)
    bundles = sum(len(level.expected) for level in report.levels)
    yield "<header>"
    yield '<p class="kind">Cache status</p>'
    yield f"<h1>{_foreign(report.title)}</h1>"
    yield f'<p class="place">{_foreign(report.place)}</p>'
    yield '<div class="sum">'
    yield f'<p class="percent">{_percent(built, expected)}</p>'
    yield f"<p>{built:,} of {counted(expected, 'tile')} built<br>"
    yield f"{counted(len(report.levels), 'level')}, {counted(bundles, 'bundle')}{_size_after(report.levels)}</p>"
    yield "</div>"
    yield _bar(built, expected)
    if report.facts:
        rows = (f"<div><dt>{escaped(name)}</dt><dd>{_foreign(value)}</dd></div>" for name, value in report.facts)
        yield f"<dl>{''.join(rows)}</dl>"
    yield "</header>"


def _warnings(warnings: Sequence[str]) -> Iterable[str]:
    if warnings:
        yield '<section class="warnings">'
        yield f"<h2>{counted(len(warnings), 'warning')}</h2>"
        yield "<ul>"
        yield from (f"<li>{_foreign(warning)}</li>" for warning in warnings)
        yield "</ul>"
        yield "</section>"


def _overview(levels: Sequence[CompletenessMap]) -> Iterable[str]:
    if not levels:
        yield "<p>There is no level to tell of.</p>"
        return
    columns = ("Level", "Scale", "Complete", "Built", "Expected", "Bundles", "in part", "empty", "Size")
    minor = {"Scale", "Bundles", "in part", "empty", "Size"}
    heads = (f'<th scope="col"{_minor(name in minor)}>{name}</th>' for name in columns)
    yield '<section><h2>Levels</h2><div class="wide"><table class="levels">'
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for level in levels:
        built, expected = int(level.built.sum()), int(level.expected.sum())
        numbers = np.bincount(level.classes(), minlength=len(CLASSES)).tolist()
        partial = sum(numbers[EMPTY + 1 : COMPLETE])
        size = "-" if level.tile_bytes is None else _size(level.tile_bytes)
        cells = (
            f'<th scope="row"><a href="#level-{level.level}">{level.level}</a></th>',
            f"<td{_minor()}>{_scale(level)}</td>",
            f"<td>{_percent(built, expected)}{_bar(built, expected)}</td>",
            f"<td>{built:,}</td>",
            f"<td>{expected:,}</td>",
            f"<td{_minor()}>{len(level.expected):,}</td>",
            f"<td{_minor()}>{partial:,}</td>",
            f"<td{_minor()}>{numbers[EMPTY]:,}</td>",
            f"<td{_minor()}>{size}</td>",
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div></section>"


def _level(level: CompletenessMap) -> Iterable[str]:
    built, expected = int(level.built.sum()), int(level.expected.sum())
    picture = completeness_png(level, width=_MAP_WIDTH, framed=False)
    width, height = struct.unpack(">II", picture[16:24])
    is_small = width <= _SMALL_MAP and not _lacking(level).size
    yield f'<section class="level{" small" if is_small else ""}" id="level-{level.level}">'
    yield f"<h2>Level {level.level} <small>{_scale(level)}</small></h2>"
    beside = f"; {counted(level.outside, 'tile')} outside" if level.outside else ""
    yield f"<p>{built:,} of {counted(expected, 'tile')} built, {_percent(built, expected)}{beside}</p>"
    if not len(level.expected):
        yield "<p>No tile is expected here.</p></section>"
        return
    words = f"Map of level {level.level}: each cell is a bundle, coloured by how much of it is built"
    yield "<figure>"
    yield f'<ul class="legend">{"".join(_legend(level))}</ul>'
    yield (
        f'<img width="{width}" height="{height}" alt="{words}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
    )
    area = "; the line bounds what is expected" if level.edges is not None else ""
    yield f"<figcaption>A cell is a bundle of 128 x 128 tiles{area}.</figcaption>"
    yield "</figure>"
    yield from _worst(level)
    yield "</section>"


def _legend(level: CompletenessMap) -> Iterable[str]:
    for kind, (name, number) in legend_of(level).items():
        if number:
            yield f'<li><span class="swatch c{kind}"></span>{escaped(name)} <b>{number:,}</b></li>'


def _worst(level: CompletenessMap) -> Iterable[str]:
    """List the bundles that lack most tiles."""
    incomplete, lacking = _lacking(level), level.expected - level.built
    if not incomplete.size:
        count = len(level.expected)
        which = {1: "The bundle is", 2: "Both bundles are"}.get(count, f"All {count:,} bundles are")
        yield f"<p>{which} complete.</p>"
        return
    order = incomplete[np.lexsort((incomplete, -lacking[incomplete]))][:_WORST]
    yield "<h3>Where most is missing</h3>"
    yield '<div class="wide"><table><thead><tr><th scope="col">Bundle</th><th scope="col">Complete</th>'
    yield '<th scope="col">Missing</th><th scope="col">Built</th><th scope="col">Expected</th></tr></thead><tbody>'
    for number in order.tolist():
        built, expected = int(level.built[number]), int(level.expected[number])
        name = _foreign(level.names[number]) if len(level.names) else f"{number + 1}"
        yield (
            f'<tr><th scope="row">{name}</th><td>{_percent(built, expected)}{_bar(built, expected)}</td>'
            f"<td>{expected - built:,}</td><td>{built:,}</td><td>{expected:,}</td></tr>"
        )
    yield "</tbody></table></div>"
    more = incomplete.size - order.size
    if more:
        yield f'<p class="more">and {counted(int(more), "more incomplete bundle")}</p>'


def _lacking(level: CompletenessMap) -> Integers:
    """Number the bundles that lack tiles."""
    return np.flatnonzero((level.expected > level.built) & (level.classes() != BEYOND))


def _percent(built: int, expected: int) -> str:
    """Write a percentage that no line break takes apart."""
    return escaped(percent_text(built, expected)).replace(" ", "&nbsp;")


def _bar(built: int, expected: int) -> str:
    share = 100 * built / expected if expected else 100.0
    return f'<span class="bar" aria-hidden="true"><span style="width:{min(share, 100):.2f}%"></span></span>'


def _minor(is_minor: bool = True) -> str:  # noqa: FBT001, FBT002
    """Mark what narrow screens leave out."""
    return ' class="minor"' if is_minor else ""


def _scale(level: CompletenessMap) -> str:
    return f"1:{level.scale:,.0f}" if level.scale else "-"


def _size_after(levels: Sequence[CompletenessMap]) -> str:
    sizes = [level.tile_bytes for level in levels if level.tile_bytes is not None]
    return f", {_size(sum(sizes))}" if sizes and len(sizes) == len(levels) else ""


def _size(number: float) -> str:
    """Give a number of bytes in binary units."""
    unit = 0
    while number >= 1023.95 and unit < len(_UNITS) - 1:
        number /= 1024
        unit += 1
    return f"{number:,.0f} {_UNITS[unit]}" if unit == 0 else f"{number:,.1f} {_UNITS[unit]}"


def _foreign(text: str) -> str:
    """Set apart text out of a file, whatever direction it runs in."""
    return f"<bdi>{escaped(text)}</bdi>"
