"""The report of a validation: one HTML file that needs nothing else, on a screen or on A4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from models import html
from models.plots import Series, plot


def page(document: dict[str, Any], card: dict[str, Any]) -> str:
    """The report of a validation's document, with what the model's card says of it."""
    model = document["model"]
    title = f"Validation of {model['name']} version {model['version']}"
    parts = [f"<h1>{escape(title)} 模型验证报告</h1>", _head(document, card), _summary(document["results"])]
    parts += [_section(result) for result in document["results"]]
    return html.document(title, parts)


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
        rows.append((link, html.figure(result["value"]), _span(result), escape(_threshold(result)), _verdict(result)))
    heads = ("check", "value", "95 % interval", "threshold", "verdict")
    return "<h2>All checks 检验一览</h2>" + html.table(heads, rows, numbers=(1, 2, 3))


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
            f"<p>{escape(statistic)}: <strong>{html.figure(result['value'])}</strong>{span} on {result['rows']:,} rows"
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
        said.append(html.rows_table(rows))
    return f"<section>{''.join(said)}</section>"


def _verdict(result: dict[str, Any]) -> str:
    text = result["verdict"]
    kind = "fail" if result["failed"] else text.partition(" ")[0]
    needed = ", and needed" if result["failed"] and text != "fail" else ""
    return f'<span class="verdict {escape(kind)}">{escape(text + needed)}</span>'


def _threshold(result: dict[str, Any]) -> str:
    parts = [f"{sign} {html.figure(result[name])}" for name, sign in (("at_least", "≥"), ("at_most", "≤"))
             if result[name] is not None]  # fmt: skip
    return " and ".join(parts) or "none"


def _span(result: dict[str, Any]) -> str:
    return "" if result["low"] is None else f"{html.figure(result['low'])} to {html.figure(result['high'])}"


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
