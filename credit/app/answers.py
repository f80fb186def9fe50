"""How a decision is shown to people: one page for a record, one screen for a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from credit.app import console
from credit.app.language import said_of, words
from credit.domain.errors import Exit

if TYPE_CHECKING:
    from credit.app.lines import Batch

OUTCOMES = ("APPROVE", "REDUCE", "REFER", "DECLINE")
_LISTED = 12


def page(record: dict[str, Any]) -> None:
    """Print one decision: the answer, what bound it, every finding that matters, the reasons, and what it stands on."""
    application, product = record["application"], record["product"]
    about = " on contract " + application["contract_id"] if application["contract_id"] else ""
    typer.echo(f"{application['supplier_id']}{about}: {console.marked(record['outcome'])}  {said_of(product)}")
    if record["amount_fen"]:
        asked = application["requested_fen"]
        typer.echo(
            f"  amount      CNY {console.yuan(record['amount_fen'])}"
            + (f" of {console.yuan(asked)} asked" if asked else "")
        )
        typer.echo(f"  price       {record['yearly_rate_bp'] / 100:.2f} % a year, {_length(record)}")
        if record["subsidy_bp"]:
            typer.echo(f"  subsidy     {record['subsidy_bp'] / 100:.2f} % a year of that is paid by a programme")
    if record["bound_by"]:
        console.line(f"  bound by    {record['bound_by']['code']}  {said_of(record['bound_by'])}")
    if record["pd"] is not None:
        typer.echo(
            f"  risk        grade {record['grade']}, score {record['score']}, PD {console.percent(record['pd'])} "
            f"over {record['pd_horizon_months']} months"
        )
    if record["unscorable"]:
        console.line(f"  no score    {record['unscorable']['code']}  {said_of(record['unscorable'])}")
    _conditions(record["conditions"] or {})
    _findings(record["findings"])
    for reason in record["reasons"]:
        advice = f" → {words(reason['advice_zh'], reason['advice_en'])}" if reason["advice_en"] else ""
        console.line(f"  reason      {reason['code']}  {said_of(reason)}{advice}")
    model, policy = record["model"], record["policy"]
    console.line(
        f"  stands on   {model['name']}/{model['version']}, {policy['pack']} {policy['version']} "
        f"({policy['sha256'][:8]}), ledger {record['ledger']['version']} as known on {record['as_of']}"
    )
    if "judgement" in record:
        judged = record["judgement"]
        why = f", {judged['code']}: {judged['text']}" if judged["code"] else ""
        typer.echo(f"  judged      by {judged['by']} ({judged['role']}) of {record['supersedes']}{why}")
    typer.echo(f"  decision    {record['decision_id']}, advisory, valid until {record['valid_until']}")


def _length(record: dict[str, Any]) -> str:
    conditions = record["conditions"]
    if "expiry" in conditions:
        return f"fee CNY {console.yuan(conditions['fee_fen'])}, until {conditions['expiry']}"
    return f"{record['tenor_months']} months"


def _conditions(conditions: dict[str, Any]) -> None:
    for name in ("effective", "reduction"):
        if name in conditions:
            console.line(f"  {name:<11} {said_of(conditions[name])}")
    for step in conditions.get("reduction", {}).get("planned", []):
        typer.echo(f"              {step['on']}: CNY {console.yuan(step['amount_fen'])}")
    for each in conditions.get("precedent", []):
        met = {True: "met", False: "not met yet", None: "to be looked up"}[each["met"]]
        console.line(f"  first       {each['code']}  {said_of(each)} ({met})")


def _findings(findings: list[dict[str, Any]]) -> None:
    for finding in findings:
        if finding["finding"] in ("NOT_MET", "MISSING"):
            missing = f" (missing: {', '.join(finding['observed'])})"
            said = missing if finding["finding"] == "MISSING" else _against(finding)
            console.line(f"  {finding['outcome']:<11} {finding['rule']}  {said_of(finding)}{said}")
    met = sum(f["finding"] == "MET" for f in findings)
    out = sum(f["finding"] == "NOT_APPLICABLE" for f in findings)
    typer.echo(f"  rules       {len(findings)} run: {met} met, {out} not applicable")


def _against(finding: dict[str, Any]) -> str:
    # All dated values of a parameter that differs by region are the record's, and no line for people.
    told = (finding["observed"] | finding["required"]).items()
    parts = [f"{name} {value}" for name, value in told if not isinstance(value, list)]
    return f" ({', '.join(parts)})" if parts else ""


def memo(document: dict[str, Any]) -> None:
    """Print what a memo comes to: the answer, the lines that stand, and what is owed; the rest is for its page."""
    page(document["decision"])
    if not document["stored"]:
        typer.echo("  stored      nowhere: it is indicative, and offered to nobody; `credit line decide` stores it")
    exposure = document["exposure"]
    for line in exposure["lines"]:
        typer.echo(
            f"  line        {line['line_id']}: {line['state']}, CNY {console.yuan(line['outstanding_fen'])} of "
            f"{console.yuan(line['limit_fen'])} until {line['ends_on']}"
        )
    typer.echo(f"  exposure    CNY {console.yuan(exposure['exposure_fen'])}, as known on {document['as_of']}")


def alternatives(document: dict[str, Any]) -> None:
    """Print what could be had without a person beside what was asked."""
    about = f" on contract {document['contract_id']}" if document["contract_id"] else ""
    asked = document["as_asked"]
    typer.echo(
        f"{document['supplier_id']}{about}: asked for all that can be, {asked['outcome']} with CNY "
        f"{console.yuan(asked['amount_fen'])}"
    )
    if not document["alternatives"]:
        console.line("no smaller amount and nothing that could still be given would do without a person", hang=0)
        return
    rows = []
    for each in document["alternatives"]:
        security = document["securities"][each["security"]]
        tenor = f"{each['tenor_months']} months" if each["tenor_months"] else "the contract's"
        rate = f"{each['yearly_rate_bp'] / 100:.2f} %"
        rows.append((console.yuan(each["amount_fen"]), tenor, rate, console.yuan(each["cost_fen"]), said_of(security)))
    console.table(("CNY", "for", "a year", "costs", "if"), rows, numbers=(0, 2, 3))


def batch(decided: Batch, *, as_json: bool) -> None:
    """Print a batch: how many of each outcome, amounts by grade, and what could not be decided; exit 4 if anything."""
    document = {"summary": summary(decided.records), "refused": decided.refused, "decisions": decided.records}

    def page_() -> None:
        totals(decided.records)
        for row in decided.refused[:_LISTED]:
            typer.echo(f'Not decided: line {row["line"]}, column "{row["column"]}": "{row["value"]}"; {row["hint"]}')
        typer.echo("Next: credit decision list, credit decision show ID")

    console.answer(document, as_json=as_json, page=page_)
    if decided.refused:
        raise typer.Exit(Exit.IN_PART if decided.records else Exit.ALL_REJECTED)


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts by outcome; granted amounts and counts by grade."""
    granted = [r for r in records if r["outcome"] in ("APPROVE", "REDUCE")]
    grades = sorted({r["grade"] for r in granted})
    return {
        "decided": len(records),
        "outcomes": {o: sum(r["outcome"] == o for r in records) for o in OUTCOMES},
        "granted_fen": sum(r["amount_fen"] for r in granted),
        "by_grade": {
            g: {
                "suppliers": sum(r["grade"] == g for r in granted),
                "amount_fen": sum(r["amount_fen"] for r in granted if r["grade"] == g),
            }
            for g in grades
        },
    }


def totals(records: list[dict[str, Any]]) -> None:
    """Print the summary of a batch."""
    said = summary(records)
    counts = ", ".join(f"{n:,} {outcome.lower()}" for outcome, n in said["outcomes"].items())
    typer.echo(f"{said['decided']:,} decided: {counts}; granted CNY {console.yuan(said['granted_fen'])}")
    rows = [(g, row["suppliers"], console.yuan(row["amount_fen"])) for g, row in said["by_grade"].items()]
    if rows:
        console.table(("grade", "suppliers", "granted, CNY"), rows, numbers=(1, 2))
