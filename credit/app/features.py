"""`credit features`: the catalogue, its values and its SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("List and compute features, print their SQL.")


@app.command("list")
def list_(
    source: Annotated[str | None, typer.Option(help="Only features of this source.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the catalogue: name, unit, direction, reason code, meaning."""
    from features.catalogue import CATALOGUE

    chosen = [f for f in CATALOGUE if source in (None, f.source)]
    document = [
        {
            "name": f.name,
            "source": f.source,
            "unit": f.unit,
            "risk": f.risk.name,
            "reason": f.reason,
            "meaning": f.meaning,
            "missing": f.missing,
        }
        for f in chosen
    ]

    def page() -> None:
        rows = [(f.name, f.unit, {1: "risk +", -1: "risk -", 0: ""}[int(f.risk)], f.reason) for f in chosen]
        console.table(("feature", "unit", "direction", "reason"), rows)
        typer.echo(f"{len(chosen)} features; docs/features.md says what each means")

    console.answer(document, as_json=as_json, page=page)


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    as_of: console.AsOf = None,
    data: Annotated[
        str | None, typer.Option("--data", help="invoice or platform; default: the only one there is.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Compute every feature of every supplier as known on a date and write them to a Parquet file."""
    from credit.app.training import tier_chosen
    from data.durable import write_whole
    from features.engine import build_on

    ledger = Home.from_environment().ledger()
    tier = tier_chosen(ledger, data)
    day = console.as_of_day(as_of) or ledger.last_day(tier)
    frame = build_on(ledger, day, tier=tier)
    write_whole(out, frame.reset_index().to_parquet(index=False))
    document = {"as_of": str(day), "data": tier, "suppliers": len(frame), "features": frame.shape[1], "file": str(out)}
    console.answer(
        document,
        as_json=as_json,
        page=lambda: typer.echo(f"{len(frame):,} suppliers × {frame.shape[1]} features as known on {day}: {out}"),
    )


@app.command()
def sql(as_json: console.AsJson = False) -> None:
    """Print the fused query as DuckDB runs it on the views of the ledger."""
    from features.engine import base_features, features_query

    query = features_query(frozenset(source.feeds for source, _ in base_features()))
    console.answer({"sql": query}, as_json=as_json, page=lambda: typer.echo(f"{query};"))
