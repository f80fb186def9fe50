"""`credit consent`: who authorised which bank to receive its record, and for what."""

from __future__ import annotations

from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Grant, revoke and list consents.")

Supplier = Annotated[str, typer.Argument(help="The supplier's id.")]
Bank = Annotated[str, typer.Option("--bank", help="The bank that the consent names.")]
Purpose = Annotated[str, typer.Option("--purpose", help="credit_line, guarantee or score.")]


@app.command()
def grant(
    supplier: Supplier,
    bank: Bank,
    purpose: Purpose = "credit_line",
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="The last day it holds; default: until revoked.")
    ] = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Record that a supplier signed a consent today."""
    from credit.app import identity
    from credit.app.consenting import record_consent

    home, last = Home.from_environment(), console.day(until) if until else None
    event = record_consent(home, supplier, bank, purpose, kind="GRANTED", until=last, who=identity.who(), key=key)
    console.answer(
        event,
        as_json=as_json,
        page=lambda: typer.echo(f"{supplier} consents to {bank} ({purpose}): {event['consent_id']}"),
    )


@app.command()
def revoke(
    supplier: Supplier,
    bank: Bank,
    purpose: Purpose = "credit_line",
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Record that a supplier revoked its consent today; it binds at once."""
    from credit.app import identity
    from credit.app.consenting import record_consent

    home = Home.from_environment()
    event = record_consent(home, supplier, bank, purpose, kind="REVOKED", who=identity.who(), key=key)
    console.answer(
        event, as_json=as_json, page=lambda: typer.echo(f"{supplier} no longer consents to {bank} ({purpose})")
    )


@app.command("list")
def list_(
    supplier: Annotated[str | None, typer.Argument(help="One supplier; default: all.")] = None,
    bank: Annotated[str | None, typer.Option("--bank", help="One bank; default: all.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the consents that hold today."""
    from credit.app.consenting import standing_consents

    rows = standing_consents(Home.from_environment(), supplier, bank)

    def page() -> None:
        console.table(("supplier", "bank", "purpose", "consent", "until"), [tuple(row.values()) for row in rows])

    console.answer(rows, as_json=as_json, page=page)
