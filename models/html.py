"""Pages that need nothing else: one HTML file, on a screen or on A4, that fetches and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1d2329;
       max-width: 960px; margin: 2em auto; padding: 0 1.5em; }
h1 { font-size: 1.5em; margin-bottom: .2em; } h2 { font-size: 1.15em; margin: 1.8em 0 .3em; }
p { margin: .3em 0; } .quiet { color: #5d6872; } code { font-size: .92em; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: .6em 0; width: 100%; font-size: .92em; }
th, td { text-align: left; padding: .25em .6em; border-bottom: 1px solid #d8dde2; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.verdict { font-weight: 600; white-space: nowrap; }
.pass { color: #17663a; } .warn { color: #8a5a00; } .fail { color: #b3261e; } .not { color: #5d6872; }
.banner { border-left: 5px solid; padding: .5em 1em; margin: 1em 0; background: #f5f7f8; }
section { break-inside: avoid-page; } svg { width: 460px; max-width: 100%; height: auto; }
svg text { font-size: 11px; fill: #3c464f; } svg .grid { stroke: #e3e7ea; }
svg .own polyline, svg .own line { stroke: #1f5fa8; fill: none; stroke-width: 1.6; } svg .own circle { fill: #1f5fa8; }
svg .own rect { fill: #9dbfe3; }
svg .faint polyline, svg .faint line { stroke: #98a3ad; fill: none; stroke-dasharray: 4 3; }
svg .faint circle { fill: #98a3ad; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } a { color: inherit; } }
@page { size: A4; margin: 16mm; }
"""


def document(title: str, parts: Sequence[str]) -> str:
    """A whole page of parts that are HTML already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def figure(value: Any) -> str:
    """A figure for people: four digits, whole numbers whole.

    >>> figure(0.123456), figure(3), figure(None), figure("R03")
    ('0.1235', '3', '–', 'R03')
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) >= 0.0001 else f"{value:.2g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def rows_table(rows: Sequence[dict[str, Any]]) -> str:
    """A table of rows that all have the same names; columns of numbers are set to the right."""
    heads = list(rows[0])
    numbers = [place for place, name in enumerate(heads) if not isinstance(rows[0][name], str)]
    cells = [[escape(figure(row[name])) for name in heads] for row in rows]
    return table([name.replace("_", " ") for name in heads], cells, numbers=numbers)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int]) -> str:
    """A table of cells that are HTML already."""

    def line(cells: Sequence[str], tag: str) -> str:
        kinds = [' class="n"' if place in numbers else "" for place in range(len(cells))]
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{line([escape(h) for h in heads], 'th')}</tr></thead><tbody>{body}</tbody></table>"
