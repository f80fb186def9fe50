"""Pages that need nothing else: one HTML file, on a screen or on A4, that fetches and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any
from unicodedata import category

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, "PingFang SC", "Noto Sans CJK SC",
       "Source Han Sans SC", "Microsoft YaHei", "WenQuanYi Micro Hei", system-ui, sans-serif; color: #1d2329;
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
svg .own rect { fill: #9dbfe3; } svg .mark rect { fill: #c2603a; }
svg .mark polyline { stroke: #c2603a; fill: none; stroke-width: 1.6; } svg .mark circle { fill: #c2603a; }
svg .faint polyline, svg .faint line { stroke: #98a3ad; fill: none; stroke-dasharray: 4 3; }
svg .faint circle, svg .faint rect { fill: #98a3ad; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } a { color: inherit; } }
@page { size: A4; margin: 16mm; }
"""


def document(title: str, parts: Sequence[str], *, lang: str = "en", style: str = "") -> str:
    """A whole page of parts that are HTML already, in a language; `style` adds to the looks that every page has."""
    return (
        f'<!doctype html><html lang="{text(lang)}"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light">'
        f"<title>{text(title)}</title><style>{_STYLE}{style}</style></head><body>{''.join(parts)}</body></html>\n"
    )


# Controls, marks that turn the order of reading, line ends of other scripts, halves of characters: no name needs them.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_INSTEAD = "\ufffd"


def text(said: object) -> str:
    """What somebody else wrote, as text of a page: never markup, and nothing that cannot be seen.

    >>> text("<b>A & B</b>"), text("a" + chr(0x202E) + "b")
    ('&lt;b&gt;A &amp; B&lt;/b&gt;', 'a\ufffdb')
    """
    return escape("".join(_INSTEAD if category(each) in _UNSEEN else each for each in str(said)))


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
    cells = [[text(figure(row[name])) for name in heads] for row in rows]
    return table([text(name.replace("_", " ")) for name in heads], cells, numbers=numbers)


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    kinds: Sequence[str] = (),
    named: bool = False,
) -> str:
    """A table of heads and cells that are HTML already; columns in `numbers` are set to the right.

    `kinds` are the classes of the rows, where they have any. With `named` the first cell of a row is its head.
    """

    def line(cells: Sequence[str], tags: Sequence[str]) -> str:
        right = [' class="n"' if place in numbers else "" for place in range(len(cells))]
        placed = zip(tags, right, cells, strict=True)
        return "".join(f"<{tag}{kind}>{cell}</{tag[:2]}>" for tag, kind, cell in placed)

    of_rows = ['th scope="row"' if named and place == 0 else "td" for place in range(len(heads))]
    classes = [f' class="{text(kind)}"' if kind else "" for kind in kinds or [""] * len(rows)]
    body = "".join(f"<tr{kind}>{line(row, of_rows)}</tr>" for kind, row in zip(classes, rows, strict=True))
    # A head that says nothing heads nothing.
    head = line(heads, ['th scope="col"' if each else "td" for each in heads])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
