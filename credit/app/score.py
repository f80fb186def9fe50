"""`credit score`: probability, grade and reasons of suppliers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Score suppliers and explain a score.")


@app.command()
def run(as_of: console.AsOf = None, as_json: console.AsJson = False) -> None:
    """Score every supplier known on a date with its champion, and keep the scores.

    Firms without enough history, and firms that a concurrent model has learned from, are unscorable with a code.
    """
    from credit.app.clock import now
    from credit.app.scoring import score_all, tiers_to_score

    home = Home.from_environment()
    runs = []
    for tier in tiers_to_score(home):
        day = console.as_of_day(as_of) or home.ledger().last_day(tier)
        runs.append(score_all(home, tier, as_of=day, scored_at=now()))
    documents = [_document(run) for run in runs]

    def page() -> None:
        for document in documents:
            model = document["model"]
            typer.echo(f"{model['name']} version {model['version']}, as known on {document['as_of']} ({model['use']})")
            typer.echo(f"{document['scored']:,} scored, {document['unscorable']:,} unscorable: {document['file']}")
            rows = [(grade, g["suppliers"], console.percent(g["pd_mean"])) for grade, g in document["grades"].items()]
            console.table(("grade", "suppliers", "mean PD"), rows, numbers=(1, 2))
            if document["unscorable_codes"]:
                console.table(("code", "suppliers"), list(document["unscorable_codes"].items()), numbers=(1,))

    console.answer(documents, as_json=as_json, page=page)


@app.command()
def explain(
    supplier: Annotated[str, typer.Argument(help="The supplier's id.")],
    as_of: console.AsOf = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", metavar="FEATURE=VALUE", help="Take a feature to be this; amounts in yuan. Repeat."),
    ] = None,
    features: Annotated[bool, typer.Option("--features", help="Show the features behind each reason.")] = False,
    html: console.Html = None,
    as_json: console.AsJson = False,
) -> None:
    """Explain a score: the way from the approved reference population to this supplier, reason by reason.

    Then the smallest realistic changes that would reach the next grade. With --what-if also what the score would be:
    features that are derived from those given follow, all others, such as other windows, stay as they are.
    """
    from credit.app.explaining import explain_score, feature_value
    from credit.app.waterfall import page

    try:
        values = [feature_value(words) for words in what_if or []]
        given = dict(values)
        if len(given) < len(values):
            raise ValueError("a feature is given twice")
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None
    home = Home.from_environment()
    document = explain_score(home, supplier, console.as_of_day(as_of), what_if=given)
    if html is not None:
        from credit.app.memo.gathering import name_for
        from credit.app.memo.page import score_page

        console.write_page(html, score_page(document, name_for(home, supplier, console.day(document["as_of"]))))
    console.answer(document, as_json=as_json, page=lambda: page(document, features=features))


def _document(run: Any) -> dict[str, Any]:
    scored = run.frame[run.frame["pd"].notna()]
    grades = scored.groupby("grade")["pd"].agg(["size", "mean"])
    return {
        "as_of": str(run.as_of),
        "data": run.tier,
        "model": run.model,
        "file": str(run.file),
        "scored": len(scored),
        "unscorable": len(run.frame) - len(scored),
        "unscorable_codes": {str(k): int(v) for k, v in run.frame["unscorable"].value_counts().items()},
        "grades": {
            str(g): {"suppliers": int(row["size"]), "pd_mean": round(float(row["mean"]), 6)}
            for g, row in grades.iterrows()
        },
    }
