"""`credit decision`: show, list, replay and track stored decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from credit.app import answers, console
from credit.app.home import Home

app = console.group("Show, list, replay, judge and dispute decisions.")

Id = Annotated[str, typer.Argument(help="The decision's id.")]


@app.command()
def show(decision_id: Id, html: console.Html = None, as_json: console.AsJson = False) -> None:
    """Show a stored decision; `--json` prints the very bytes of its record, --html writes its credit memo."""
    from credit.app.replaying import stored_record, stored_text

    home = Home.from_environment()
    if html is not None:
        from credit.app.memo.gathering import of_decision
        from credit.app.memo.page import page

        console.write_page(html, page(of_decision(home, decision_id)))
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
def replay(
    decision_id: Id,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Other parameter files: say what would differ by them.")
    ] = None,
    model: Annotated[
        int | None, typer.Option("--model", help="Another version of the model: say what differs.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Decide a stored case again from ledger, model and policy as they were; exit 6 and say what differs if it does.

    `--json` prints the record that came out: the same bytes as `credit decision show --json` when nothing differs. With
    `--policy` or `--model` it prints what would differ by those, and nothing is wrong if something does.
    """
    from credit.app.replaying import replay_decision, would_differ

    if policy is not None or model is not None:
        lines = would_differ(Home.from_environment(), decision_id, policy=policy, model=model)
        said = lines or [f"{decision_id}: nothing would differ"]
        console.answer(lines, as_json=as_json, page=lambda: typer.echo("\n".join(said)))
        return
    again = replay_decision(Home.from_environment(), decision_id)
    if as_json:
        typer.echo(again.text, nl=False)
    if again.differences:
        raise again.error()
    if not as_json:
        typer.echo(f"{decision_id}: identical, {len(again.text.encode()):,} bytes, SHA-256 {again.sha256}")


Amount = Annotated[str | None, typer.Option("--amount", help="In yuan; default: the whole of what the limits leave.")]
Why = Annotated[str | None, typer.Option("--code", help="MITIGANT, DATA_ERROR, STRATEGIC or TIGHTENING.")]
Text = Annotated[str, typer.Option("--text", help="Why, in words.")]
Evidence = Annotated[str, typer.Option("--evidence", help="What it stands on: a document, a reference.")]
Lapses = Annotated[str | None, typer.Option("--lapses", metavar="DATE", help="Last day on which it may be used.")]


@app.command()
def approve(
    decision_id: Id,
    amount: Amount = None,
    code: Why = None,
    text: Text = "",
    evidence: Evidence = "",
    lapses: Lapses = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Grant what the engine referred to a person, within one's authority and never above a limit.

    Where the engine found more than that a person has to look, it is an override: it names a code, says why, points at
    evidence and lapses. Knock-outs are nobody's to override. Exit code 6 where it is not yours to grant.
    """
    _judge(decision_id, "APPROVE", amount, (code, text, evidence, lapses), key, as_json=as_json)


@app.command()
def override(
    decision_id: Id,
    code: Why = None,
    amount: Annotated[str | None, typer.Option("--amount", help="In yuan; default: nothing, it is declined.")] = None,
    text: Text = "",
    evidence: Evidence = "",
    lapses: Lapses = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Grant less than the engine would, or nothing: without an amount the decision is declined."""
    outcome = "DECLINE" if amount is None else "REDUCE"
    _judge(decision_id, outcome, amount, (code, text, evidence, lapses), key, as_json=as_json)


@app.command("pass")
def pass_(
    decision_id: Id,
    text: Annotated[str, typer.Option("--text", help="What whoever judges it should know.")],
    to: Annotated[
        str | None, typer.Option("--to", help="analyst, senior or committee; default: the first that may grant it.")
    ] = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Pass a referred decision on to those who may grant it; it waits as before, and `credit desk` shows it to them."""
    from credit.app import identity, judging

    said = judging.pass_on(Home.from_environment(), decision_id, text, to=to, who=identity.who(), key=key)
    console.answer(said, as_json=as_json, page=lambda: typer.echo(f"{decision_id} is passed on to {said['to']}"))


def _judge(
    decision_id: str,
    outcome: str,
    amount: str | None,
    why: tuple[str | None, str, str, str | None],
    key: str | None,
    *,
    as_json: bool,
) -> None:
    from credit.app import identity, judging
    from credit.domain.authority import Code
    from credit.domain.policy.rules import Outcome

    code, text, evidence, lapses = why
    if code is not None and code not in list(Code):
        raise typer.BadParameter("--code is one of " + ", ".join(Code))
    said = judging.Said(
        outcome=Outcome[outcome],
        amount_fen=console.fen_of(amount) if amount else None,
        code=code,
        text=text,
        evidence=evidence,
        lapses_on=console.day(lapses) if lapses else None,
    )
    record = judging.judge(Home.from_environment(), decision_id, said, who=identity.who(), key=key)
    console.answer(record, as_json=as_json, page=lambda: answers.page(record))


@app.command()
def overrides(as_json: console.AsJson = False) -> None:
    """Report the overrides: by whom, why, what the engine had said and what became of it; who does it too often."""
    from credit.app.judging import overridden

    document = overridden(Home.from_environment())

    def page() -> None:
        heads = ("decision", "by", "code", "engine", "CNY", "judged", "CNY")
        rows = [
            (r["decision_id"], r["by"], r["code"], r["engine"], console.yuan(r["engine_fen"]), r["judged"],
             console.yuan(r["judged_fen"]))
            for r in document["overrides"]
        ]  # fmt: skip
        console.table(heads, rows, numbers=(4, 6))
        became = [
            (b["decision_id"], b["line_state"], console.yuan(b["drawn_fen"]), b["worst_days_past_due"],
             console.yuan(b["written_off_fen"]), b["guarantees_called"])
            for b in (r["became"] for r in document["overrides"])
        ]  # fmt: skip
        heads_since = ("decision", "line", "drawn, CNY", "late, days", "lost, CNY", "called")
        console.table(heads_since, became, numbers=(2, 3, 4, 5))
        people = [(p["by"], p["judgements"], p["overrides"], console.percent(p["share"], 0),
                   "too often" if p["alert"] else "") for p in document["people"]]  # fmt: skip
        console.table(("by", "judgements", "overrides", "share", ""), people, numbers=(1, 2, 3))

    console.answer(document, as_json=as_json, page=page)


@app.command()
def dispute(
    supplier: Annotated[str, typer.Argument(help="The supplier's id.")],
    datum: Annotated[str, typer.Option("--datum", help="What is disputed, such as a delivery's id or a feature.")],
    text: Annotated[str, typer.Option("--text", help="What the supplier says.")],
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Record that a supplier disputes a datum; until it is settled a person decides on every application of theirs."""
    from credit.app import identity, judging

    row = judging.dispute(Home.from_environment(), supplier, datum, text, who=identity.who(), key=key)
    console.answer(row, as_json=as_json, page=lambda: typer.echo(f"dispute {row['number']} of {supplier}: {datum}"))


@app.command()
def disputes(
    every: Annotated[bool, typer.Option("--all", help="Those that are settled too.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """List the disputes that are not settled, oldest first."""
    rows = Home.from_environment().decisions().disputes(open_only=not every)

    def page() -> None:
        keys = ("number", "supplier_id", "datum", "opened_at", "settled_at")
        console.table(("number", "supplier", "datum", "opened", "settled"), [tuple(r[k] for k in keys) for r in rows])

    console.answer(rows, as_json=as_json, page=page)


@app.command()
def settle(
    number: Annotated[int, typer.Argument(help="The dispute's number.")],
    upheld: Annotated[bool, typer.Option("--upheld/--rejected", help="Whether the datum was wrong.")],
    text: Annotated[str, typer.Option("--text", help="What was found; where it was wrong, how it was corrected.")],
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Settle a dispute. A datum that was wrong is corrected by an import that replaces it; nothing is edited here."""
    from credit.app import identity, judging

    home = Home.from_environment()
    row = judging.settle(home, number, upheld=upheld, text=text, who=identity.who(), key=key)
    said = "upheld" if upheld else "rejected"
    console.answer(row, as_json=as_json, page=lambda: typer.echo(f"dispute {number} is {said}"))


@app.command()
def track(as_json: console.AsJson = False) -> None:
    """Hand decisions that MLflow has not been told of to it; deciding itself never waits for it."""
    from credit.app.replaying import send_outbox

    sent = send_outbox(Home.from_environment())
    console.answer({"sent": sent}, as_json=as_json, page=lambda: typer.echo(f"{sent:,} decisions tracked in MLflow"))
