"""What a policy simulation came to, as a page that needs nothing else."""

from __future__ import annotations

from html import escape
from typing import Any

from credit.app.laboratory import FIGURES
from models import html


def page(document: dict[str, Any]) -> str:
    """What a simulation came to, as one HTML file that needs nothing else."""
    title = f"Policy simulation: {document['product']} on {', '.join(document['days'])}"
    policies = document["policies"]
    changes = "".join(f"<li>{escape(line)}</li>" for line in document["changes"])
    parts = [
        f"<h1>{escape(title)} 政策模拟</h1>",
        f'<p class="quiet">In force {escape(policies["in force"])}, other {escape(policies["other"])}. '
        "Amounts in yuan, as if all that is granted were drawn for a year. Realised: of firms that drew within a year; "
        "supposed, low and high: of the others, expected with an uplift.</p>",
        f"<h2>What changes 变更</h2><ul>{changes}</ul>",
        "<h2>Differences 差异</h2>" + html.rows_table(
            [{"figure": what.removesuffix("_fen").replace("_", " "), **_in_yuan(what, each)}
             for what, each in document["difference"].items()]
        ),
        "<h2>All, and who swaps 换入换出</h2>" + html.rows_table(
            [_flat("all", document["total"]), *(_flat(each["part"], each) for each in document["parts"])]
        ),
    ]  # fmt: skip
    for name, rows in document["segments"].items():
        parts.append(f"<h2>By {escape(name)}</h2>" + html.rows_table([_flat(each[name], each) for each in rows]))
    return html.document(title, parts)


def _in_yuan(what: str, figures: dict[str, float]) -> dict[str, int]:
    by = 100 if what.endswith("_fen") or what == "fen" else 1
    return {name: round(value / by) for name, value in figures.items()}


def _flat(name: str, sums: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"": name, "cases": sums["cases"]}
    for what in ("approved", *FIGURES):
        heading = what.removesuffix("_fen").replace("_", " ") if what != "fen" else "CNY"
        by = 1 if what == "approved" else 100
        row |= {heading: round(sums["before"][what] / by), f"{heading} then": round(sums["after"][what] / by)}
    return row
