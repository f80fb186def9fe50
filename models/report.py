"""The report of a validation: one HTML file that needs nothing else, on a screen or on A4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from models.plots import Series, plot

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
svg .faint polyline, svg .faint line { stroke: #98a3ad; fill: none; stroke-dasharray: 4 3; }
svg .faint circle { fill: #98a3ad; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } a { color: inherit; } }
@page { size: A4; margin: 16mm; }
"""


def page(document: dict[str, Any], card: dict[str, Any]) -> str:
    """The report of a validation's document, with what the model's card says of it."""
    model = document["model"]
    title = f"Validation of {model['name']} version {model['version']}"
    parts = [f"<h1>{escape(title)} 模型验证报告</h1>", _head(document, card), _summary(document["results"])]
    parts += [_section(result) for result in document["results"]]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _head(document: dict[str, Any], card: dict[str, Any]) -> str:
    passed = document["passed"]
    failed = [result["en"] for result in document["results"] if result["failed"]]
    verdict = "Passed 通过" if passed else "Not passed 未通过: " + "; ".join(failed)
    facts = (
        ("Forecasts", f"{card['meaning']}; a row is a {card['row']}"),
        ("Use", card["use"]),
        (
            "Judged on",
            f"{document['rows']:,} rows of {document['firms']:,} groups of firms, {document['bad']:,} bad; "
            f"{document['judged_on']}",
        ),
        ("Observed", f"{document['first_observed']} to {document['last_observed']}"),
        ("As known on", f"{document['as_of']}, ledger version {document['ledger_version']}"),
        ("Trained", f"by {card.get('author', 'an unknown author')}, as of {card['as_of']}, on {card['rows']:,} rows"),
        ("Validated", f"by {document['by']}, {document['at']} UTC"),
        ("Model", f"sha256 {document['model']['sha256']}"),
        ("Rows", f"sha256 {document['input_fingerprint']}"),
    )
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(text))}</td></tr>" for name, text in facts)
    kind = "pass" if passed else "fail"
    return (
        f'<div class="banner {kind}"><strong>{escape(verdict)}</strong></div><table>{rows}</table>'
        '<p class="quiet">A check fails where the whole 95 % interval of its statistic lies beyond the threshold, and '
        "warns where the statistic alone does. Intervals come from resampling whole groups of firms.</p>"
    )


def _summary(results: Sequence[dict[str, Any]]) -> str:
    rows = []
    for result in results:
        link = f'<a href="#{escape(result["check"])}">{escape(result["en"])}</a> {escape(result["zh"])}'
        rows.append((link, _figure(result["value"]), _span(result), escape(_threshold(result)), _verdict(result)))
    heads = ("check", "value", "95 % interval", "threshold", "verdict")
    return "<h2>All checks 检验一览</h2>" + _table(heads, rows, numbers=(1, 2, 3))


def _section(result: dict[str, Any]) -> str:
    said = [
        f'<h2 id="{escape(result["check"])}">{escape(result["en"])} {escape(result["zh"])} — {_verdict(result)}</h2>',
        f"<p>{escape(result['statement'])}</p>",
    ]
    note = f" ({escape(result['why'])})" if result["why"] else ""
    if result["value"] is not None:
        statistic = result["statistic"][0].upper() + result["statistic"][1:]
        span = f" ({_span(result)})" if _span(result) else ""
        said.append(
            f"<p>{escape(statistic)}: <strong>{_figure(result['value'])}</strong>{span} on {result['rows']:,} rows"
            f"{note}.</p>"
        )
    else:
        said.append(f"<p>Not applicable: {escape(result['why'])}.</p>")
    said.append(
        f'<p class="quiet">Threshold: {escape(_threshold(result))}. Source: {escape(result["source"])}. '
        f"Input: <code>{escape(result['fingerprint'][:16])}</code>.</p>"
    )
    rows = result["table"]
    if result["check"] in PLOTS and rows:
        said.append(PLOTS[result["check"]](rows))
    if rows and result["check"] not in _PLOT_ALONE:
        said.append(_rows(rows))
    return f"<section>{''.join(said)}</section>"


def _verdict(result: dict[str, Any]) -> str:
    text = result["verdict"]
    kind = "fail" if result["failed"] else text.partition(" ")[0]
    needed = ", and needed" if result["failed"] and text != "fail" else ""
    return f'<span class="verdict {escape(kind)}">{escape(text + needed)}</span>'


def _threshold(result: dict[str, Any]) -> str:
    parts = [f"{sign} {_figure(result[name])}" for name, sign in (("at_least", "≥"), ("at_most", "≤"))
             if result[name] is not None]  # fmt: skip
    return " and ".join(parts) or "none"


def _span(result: dict[str, Any]) -> str:
    return "" if result["low"] is None else f"{_figure(result['low'])} to {_figure(result['high'])}"


def _figure(value: Any) -> str:
    """A figure for people: four digits, whole numbers whole.

    >>> _figure(0.123456), _figure(3), _figure(None), _figure("R03")
    ('0.1235', '3', '–', 'R03')
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) >= 0.0001 else f"{value:.2g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _rows(rows: Sequence[dict[str, Any]]) -> str:
    heads = list(rows[0])
    numbers = [place for place, name in enumerate(heads) if not isinstance(rows[0][name], str)]
    cells = [[escape(_figure(row[name])) for name in heads] for row in rows]
    return _table([name.replace("_", " ") for name in heads], cells, numbers=numbers)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int]) -> str:
    """A table of cells that are HTML already."""

    def line(cells: Sequence[str], tag: str) -> str:
        kinds = [' class="n"' if place in numbers else "" for place in range(len(cells))]
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{line([escape(h) for h in heads], 'th')}</tr></thead><tbody>{body}</tbody></table>"


# -- plots, by check ---------------------------------------------------------------------------------------------------


def _roc(rows: Sequence[dict[str, Any]]) -> str:
    curve = Series("model", [(row["good_above"], row["bad_above"]) for row in rows], line=True)
    chance = Series("chance", [(0, 0), (1, 1)], line=True, faint=True)
    return plot((chance, curve), x="share of good cases above", y="share of bad cases above")


def _curve(rows: Sequence[dict[str, Any]]) -> str:
    top = max(row["pd"] for row in rows)
    right = Series("a perfect model", [(0, 0), (top, top)], line=True, faint=True)
    return plot((right, _dots([row["pd"] for row in rows], rows, "rate")), x="mean probability", y="frequency")


def _by(name: str, value: str, expected: str | None = None) -> Callable[[Sequence[dict[str, Any]]], str]:
    def drawn(rows: Sequence[dict[str, Any]]) -> str:
        series = [_dots(list(range(len(rows))), rows, value)]
        if expected:
            points = [(float(place), row[expected]) for place, row in enumerate(rows)]
            series.insert(0, Series(expected, points, line=True, faint=True))
        return plot(series, x=name, y=value.replace("_", " "), names=[str(row[name]) for row in rows])

    return drawn


def _dots(places: Sequence[float], rows: Sequence[dict[str, Any]], value: str) -> Series:
    spans = [(row["low"], row["high"]) for row in rows] if all(row.get("low") is not None for row in rows) else []
    return Series(value, [(place, row[value]) for place, row in zip(places, rows, strict=True)], spans)


PLOTS: dict[str, Callable[[Sequence[dict[str, Any]]], str]] = {
    "auc": _roc,
    "auc_by_year": _by("year", "value"),
    "ece": _curve,
    "grades": _by("grade", "rate", expected="pd"),
    "cohorts": _by("year", "rate", expected="pd"),
    "psi": _by("year", "psi", expected="by_chance"),
}
# The points of a curve are no table that anybody reads.
_PLOT_ALONE = ("auc",)
