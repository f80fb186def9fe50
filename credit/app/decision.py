"""`credit decision`: show, list, replay and track stored decisions."""

from __future__ import annotations

from typing import Annotated

import typer

from credit.app import answers, console
from credit.app.home import Home

app = console.group("Show, list, replay and track decisions.")

Id = Annotated[str, typer.Argument(help="The decision's id.")]


@app.command()
def show(decision_id: Id, as_json: console.AsJson = False) -> None:
    """Show a stored decision; `--json` prints the very bytes of its record."""
    from credit.app.replaying import stored_record, stored_text

    home = Home.from_environment()
    if as_json:
        typer.echo(stored_text(home, decision_id), nl=False)
    else:
        answers.page(stored_record(home, decision_id))


@app.command("list")
def list_(
    supplier: Annotated[str | None, typer.Option("--supplier", help="Only this supplier's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: console.AsJson = False,
) -> None:
    """List stored decisions, newest first."""
    from credit.app.deciding import supplier_tier

    home = Home.from_environment()
    rows = home.decisions().listed(supplier_id=supplier, limit=limit)
    if supplier is not None and not rows:
        supplier_tier(home, supplier)

    def page() -> None:
        headings = ("decision", "supplier", "pack", "as of", "outcome", "CNY")
        keys = ("decision_id", "supplier_id", "pack", "as_of", "outcome")
        console.table(headings, [(*(r[k] for k in keys), console.yuan(r["amount_fen"])) for r in rows], numbers=(5,))

    console.answer(rows, as_json=as_json, page=page)


@app.command()
def replay(decision_id: Id, as_json: console.AsJson = False) -> None:
    """Decide a stored case again from ledger, model and policy as they were; exit 6 and say what differs if it does.

    `--json` prints the record that came out: the same bytes as `credit decision show --json` when nothing differs.
    """
    from credit.app.replaying import replay_decision

    again = replay_decision(Home.from_environment(), decision_id)
    if as_json:
        typer.echo(again.text, nl=False)
    if again.differences:
        raise again.error()
    if not as_json:
        typer.echo(f"{decision_id}: identical, {len(again.text.encode()):,} bytes, SHA-256 {again.sha256}")


@app.command()
def track(as_json: console.AsJson = False) -> None:
    """Hand decisions that MLflow has not been told of to it; deciding itself never waits for it."""
    from credit.app.replaying import send_outbox

    sent = send_outbox(Home.from_environment())
    console.answer({"sent": sent}, as_json=as_json, page=lambda: typer.echo(f"{sent:,} decisions tracked in MLflow"))
