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
    as_json: console.AsJson = False,
) -> None:
    """Explain a supplier's score: what pushes its risk up and down, in log-odds by reason."""
    from credit.app.explaining import explain_score

    home = Home.from_environment()
    document = explain_score(home, supplier, console.as_of_day(as_of))

    def page() -> None:
        if document["unscorable"]:
            code = document["unscorable"]
            typer.echo(f"{supplier} cannot be scored: {code['code']} {code['zh']} / {code['en']}")
            return
        typer.echo(
            f"{supplier}: PD {console.percent(document['pd'])}, grade {document['grade']}, score {document['score']} "
            f"({document['model']['name']} version {document['model']['version']}, as known on {document['as_of']})"
        )
        widest = max(abs(r["log_odds"]) for r in document["reasons"]) or 1.0
        rows = []
        for r in document["reasons"]:
            bar = ("+" if r["log_odds"] > 0 else "-") * round(20 * abs(r["log_odds"]) / widest)
            rows.append((r["code"], f"{r['log_odds']:+.3f}", bar, r["zh"], r["en"]))
        console.table(("reason", "log-odds", "", "", ""), rows, numbers=(1,))

    console.answer(document, as_json=as_json, page=page)


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
