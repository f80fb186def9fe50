"""`credit demo`: the whole path on a small simulated platform, ending with one screen."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from credit.app import answers, console
from credit.app.home import Home

# Enough for a model of each target that passes its validation, and few enough to wait for.
SUPPLIERS = 1500


def run(
    suppliers: Annotated[int, typer.Option(min=500, help="Size of the simulated platform.")] = SUPPLIERS,
    as_json: console.AsJson = False,
) -> None:
    """Run the whole path on a small simulated platform.

    History, features, scores, decisions, bank file. Everything is written under $CREDIT_HOME (default ./var); a second
    run changes nothing that stands.
    """
    from credit.app.demonstrating import demonstrate

    home = Home.from_environment()
    document = demonstrate(home, suppliers=suppliers)
    console.answer(document, as_json=as_json, page=lambda: screen(document))


def screen(document: dict[str, Any]) -> None:
    """Print what the demonstration came to."""
    said = document["decisions"]
    typer.echo(f"\nA simulated platform of {document['suppliers']:,} suppliers, as known on {document['as_of']}\n")
    typer.echo(f"  scored      {document['scored']:,} of {document['suppliers']:,} suppliers")
    for outcome in answers.OUTCOMES:
        typer.echo(f"  {outcome.lower():<11} {said['outcomes'][outcome]:,}")
    typer.echo(f"  granted     CNY {console.yuan(said['granted_fen'])} in lines\n")
    rows = [(g, row["suppliers"], console.yuan(row["amount_fen"])) for g, row in said["by_grade"].items()]
    console.table(("  grade", "suppliers", "granted, CNY"), [("  " + r[0], *r[1:]) for r in rows], numbers=(1, 2))
    guarantee = document["guarantee"]
    amount = console.yuan(guarantee["amount_fen"])
    typer.echo(f"\n  guarantee   {guarantee['outcome']} CNY {amount} on contract {guarantee['contract_id']}")
    for model in document["models"]:
        typer.echo(f"  model       {model['name']} version {model['version']}, AUC {model['auc']:.3f} out of fold")
    typer.echo(f"  bank file   {document['export']} ({document['exported']:,} consenting firms)")
    typer.echo(f"  files       {document['home']}\n\nWorth trying next:")
    for command in document["next"]:
        typer.echo(f"  {command}")
