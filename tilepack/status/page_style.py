"""How the status page looks: light or dark as the reader's system is, narrow or wide, on screen or on paper."""

from __future__ import annotations

from typing import Final

from tilepack.pixels.blend import Colour
from tilepack.status.picture import CLASSES, EMPTY, HATCH


def _css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


_SWATCHES: Final = "\n".join(f".c{kind} {{ background: {_css(colour)} }}" for kind, (_, colour) in enumerate(CLASSES))

STYLE: Final = f"""
:root {{
  color-scheme: light dark;
  --ground: #f3f4f7; --card: #ffffff; --ink: #1a202c; --quiet: #5a6270; --line: #dde0e6;
  --link: #1f4fa3; --built: #2c7fb8; --track: #e3e6ec; --warn: #fff6e0; --warn-line: #e0a100;
}}
@media (prefers-color-scheme: dark) {{
  :root {{
    --ground: #14171d; --card: #1d222b; --ink: #e8ebf0; --quiet: #a3acba; --line: #343b47;
    --link: #8fb8ff; --built: #41b6c4; --track: #343b47; --warn: #2f2814; --warn-line: #c99a1c;
  }}
}}
* {{ box-sizing: border-box }}
html {{ -webkit-text-size-adjust: 100%; text-size-adjust: 100% }}
body {{
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}}
main {{ max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; display: grid; gap: 1rem;
  grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) }}
main > * {{ grid-column: 1 / -1 }}
main > .small {{ grid-column: auto }}
header, section {{
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem 1.5rem;
}}
h1 {{ font-size: 1.7rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere }}
h2 {{ font-size: 1.2rem; margin: 0 0 .5rem }}
h2 small {{ color: var(--quiet); font-weight: normal; font-size: .95rem; margin-left: .35rem }}
h3 {{ font-size: 1rem; margin: 1.25rem 0 .35rem }}
p {{ margin: .35rem 0 }}
a {{ color: var(--link) }}
.kind, .place, .more, figcaption {{ color: var(--quiet); font-size: .9rem }}
.kind {{ margin: 0 }}
.place {{ overflow-wrap: anywhere }}
.sum {{ display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; margin: .9rem 0 .6rem }}
.sum p {{ margin: 0 }}
.percent {{ font-size: 2.6rem; font-weight: 650; line-height: 1.1; letter-spacing: -.02em }}
.bar {{ display: block; height: .45rem; min-width: 4rem; border-radius: .25rem; background: var(--track);
  overflow: hidden; print-color-adjust: exact; -webkit-print-color-adjust: exact }}
.bar > span {{ display: block; height: 100%; background: var(--built) }}
header > .bar {{ height: .7rem; border-radius: .35rem }}
dl {{ margin: 1rem 0 0; display: grid; gap: .2rem }}
dl div {{ display: grid; grid-template-columns: minmax(7rem, 11rem) 1fr; gap: .75rem }}
dt {{ color: var(--quiet) }}
dd {{ margin: 0; overflow-wrap: anywhere }}
.warnings {{ background: var(--warn); border-color: var(--warn-line) }}
.warnings ul {{ margin: 0; padding-left: 1.2rem }}
.warnings li {{ overflow-wrap: anywhere; margin: .2rem 0 }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }}
th, td {{ text-align: right; padding: .4rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap }}
tbody tr:last-child > * {{ border-bottom: 0 }}
thead th {{ color: var(--quiet); font-weight: 600; font-size: .85em }}
th:first-child {{ text-align: left; padding-left: 0 }}
td:last-child, thead th:last-child {{ padding-right: 0 }}
tbody th {{ font-weight: 600 }}
td .bar {{ margin-top: .2rem }}
figure {{ margin: .75rem 0 0 }}
img {{ display: block; max-width: 100%; height: auto; border-radius: 4px; background: #fff }}
figcaption {{ margin-top: .4rem }}
.legend {{ list-style: none; display: flex; flex-wrap: wrap; gap: .15rem 1rem; padding: 0; margin: 0 0 .6rem;
  font-size: .9rem }}
.legend b {{ font-variant-numeric: tabular-nums }}
.swatch {{ display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.08em;
  border: 1px solid {_css(HATCH)}; border-radius: 2px; print-color-adjust: exact; -webkit-print-color-adjust: exact }}
{_SWATCHES}
.c{EMPTY} {{ background: repeating-linear-gradient(135deg, #fff 0 3px, {_css(HATCH)} 3px 5px) }}
@media (max-width: 56rem) {{
  main > .small {{ grid-column: 1 / -1 }}
}}
@media (max-width: 40rem) {{
  main {{ padding: .5rem; gap: .5rem }}
  header, section {{ padding: 1rem; border-radius: 8px }}
  .minor {{ display: none }}
  table {{ font-size: .9rem }}
  th, td {{ padding: .35rem .4rem }}
  .bar {{ min-width: 2.5rem }}
  dl div {{ grid-template-columns: 1fr; gap: 0 }}
  dd {{ margin-bottom: .35rem }}
}}
@media print {{
  :root {{ --ground: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --link: #000; --warn: #fff;
    --built: #2c7fb8; --track: #ddd; color-scheme: light }}
  body {{ font-size: 11pt }}
  main {{ max-width: none; padding: 0; display: block }}
  header, section {{ border: 0; border-radius: 0; padding: 0 0 .6cm }}
  .warnings {{ border-left: 3pt solid var(--warn-line); padding-left: .4cm; margin-bottom: .6cm }}
  figure, tr, h2, h3 {{ break-inside: avoid }}
  h2, h3 {{ break-after: avoid }}
  img {{ max-height: 20cm; width: auto }}
  .wide {{ overflow: visible }}
  table {{ font-size: 8.5pt }}
  th, td {{ padding: .15rem .35rem }}
  .bar {{ min-width: 2rem }}
  a {{ text-decoration: none }}
}}
"""
