"""`credit account`: the collection account of a contract, which is what its lender has in the place of collateral."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home
from credit.domain.account import Account

app = console.group("Lock, confirm and unlock the collection account of a contract.")

Contract = Annotated[str, typer.Option("--contract", help="The contract's id on the platform.")]


@app.command()
def lock(contract: Contract, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Record that the bank locked the account today: the contract is paid there and nowhere else."""
    _record(contract, Account.LOCKED, key, as_json=as_json)


@app.command()
def confirm(contract: Contract, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Record that the buyer confirmed contract and account today."""
    _record(contract, Account.CONFIRMED, key, as_json=as_json)


@app.command()
def unlock(contract: Contract, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Record that the bank unlocked the account today; nothing more is lent on the contract."""
    _record(contract, Account.UNLOCKED, key, as_json=as_json)


@app.command()
def show(contract: Contract, as_json: console.AsJson = False) -> None:
    """Show what the account is today, and how it came to be so."""
    from credit.app.locking import account_of

    _answer(account_of(Home.from_environment(), contract), as_json=as_json)


def _record(contract: str, step: Account, key: str | None, *, as_json: bool) -> None:
    from credit.app import identity
    from credit.app.locking import record_step

    _answer(record_step(Home.from_environment(), contract, step, who=identity.who(), key=key), as_json=as_json)


def _answer(account: dict[str, Any], *, as_json: bool) -> None:
    def page() -> None:
        state = account["state"].lower() if account["state"] else "not named"
        typer.echo(f"{account['contract_id']}: {state} on {account['as_of']}; decisions see it `--as-of` that day")
        if account["history"]:
            rows = [
                (each["happened_on"], each["kind"].lower(), each["account_event_id"]) for each in account["history"]
            ]
            console.table(("day", "what", "event"), rows)

    console.answer(account, as_json=as_json, page=page)
