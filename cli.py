"""The `credit` command: mounts the nouns, and turns an error into its message and exit code."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import typer

from credit.app import (
    account,
    audit,
    book,
    config,
    configuration,
    consent,
    decision,
    demo,
    docs,
    doctor,
    drawdown,
    export,
    exposure,
    features,
    feedback,
    guarantee,
    ledger,
    line,
    loan,
    model,
    monitor,
    nightly,
    policy,
    portfolio,
    repayment,
    score,
    simulate,
)
from credit.app.console import fail, group, of_the_system, progress_done
from credit.app.desk import command as desk
from credit.domain.errors import CreditError, Exit

app = group(
    "Credit lines and guarantees for government-procurement suppliers, decided on their transaction record.", "credit"
)

app.command("demo")(demo.run)
app.command("desk")(desk.run)
app.command("doctor")(doctor.run)
NOUNS = (
    *(simulate, ledger, consent, features, model, score, line, loan, account, guarantee, decision, policy, portfolio),
    *(drawdown, repayment, exposure, nightly, monitor, audit, book, export, feedback, config, docs),
)
for noun in NOUNS:
    app.add_typer(noun.app, name=noun.__name__.rpartition(".")[2])


@cache
def command() -> Any:
    """The tree of all commands, which takes a tenth of a second to make."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line; a user never sees a traceback unless CREDIT_DEBUG asks for one."""
    configuration.begin()
    try:
        command()()
    except CreditError as error:
        sys.exit(fail(error))
    except Exception as unexpected:
        if configuration.debugging():
            raise
        if isinstance(unexpected, OSError) and unexpected.filename:
            sys.exit(fail(of_the_system(unexpected)))
        progress_done()
        # Its text is not shown: it could hold a value of a row.
        typer.echo(f"Error: something we did not expect happened ({type(unexpected).__name__})", err=True)
        typer.echo("Hint:  CREDIT_DEBUG=1 shows where; please report it with the command that you ran", err=True)
        typer.echo("More:  docs/errors.md#error", err=True)
        sys.exit(Exit.ERROR)


if __name__ == "__main__":
    main()
