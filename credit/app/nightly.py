"""`credit nightly`: score a nation, decide, and hand every bank its file, in one command that may be killed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.building import EngineAsked, MasterAsked, engine_asked
from credit.app.home import Home
from credit.app.language import said_of
from credit.domain.errors import Exit

app = console.group("Run the night, and see what became of it.")

AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="The day that the night is about; default: yesterday.")
]


@app.command()
def run(
    as_of: AsOf = None,
    accept: Annotated[
        str | None,
        typer.Option("--accept", metavar="WHY", help="As a second person: let pass what stopped it, and why."),
    ] = None,
    engine: EngineAsked = None,
    master: MasterAsked = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up/--no-catch-up", help="Run the nights that were missed first, one by one.")
    ] = True,
    as_json: console.AsJson = False,
) -> None:
    """Import what lies in $CREDIT_HOME/inbox, score every supplier, decide, raise alerts, write the bank files.

    What is done is not done again: killed anywhere, the same command goes on. Exit code 0 sealed, 4 sealed and rows,
    files or payments set aside, 5 another night is running, 6 the quality gate stopped it and nothing was published.
    """
    from credit.app.night.running import run_nights

    computing, under = engine_asked(engine, master)
    nights = run_nights(
        Home.from_environment(),
        console.as_of_day(as_of),
        engine=computing,
        master=under,
        accepted=accept,
        catch_up=catch_up,
    )

    def page() -> None:
        for night in nights:
            _page(night)

    console.answer(nights, as_json=as_json, page=page)
    if any(night["refused"] or night["quarantined"] or night["not_swept"] for night in nights):
        raise typer.Exit(Exit.IN_PART)


@app.command()
def status(as_of: AsOf = None, as_json: console.AsJson = False) -> None:
    """Show a night, by default the last one: steps, times, counts, and what failed with its remedy."""
    from credit.app.night.running import status as status_of

    document = status_of(Home.from_environment(), console.as_of_day(as_of))
    console.answer(document, as_json=as_json, page=lambda: _page(document))


@app.command()
def verify(as_of: AsOf = None, as_json: console.AsJson = False) -> None:
    """Check that a sealed night is as it was sealed; exit 6 and name what is not.

    Its files, those that the banks were sent, and the chain of the seals of all nights.
    """
    from credit.app.night import files
    from credit.app.night.running import status as status_of
    from credit.domain.errors import StoreDamaged

    home = Home.from_environment()
    found = status_of(home, console.as_of_day(as_of))
    night = home.nights().night(console.day(found["as_of"]))
    differences = [*night.differences(), *home.nights().broken_links(), *files.differences(home, night)]
    if differences:
        listed = "\n  ".join(differences)
        raise StoreDamaged(f"the night of {found['as_of']} is not whole:\n  {listed}", hint="restore it from a backup")
    document = {"as_of": found["as_of"], "manifest_sha256": found["manifest_sha256"]}
    console.answer(
        document,
        as_json=as_json,
        page=lambda: typer.echo(f"The night of {found['as_of']} is whole: {found['manifest_sha256']}"),
    )


@app.command()
def replay(as_of: AsOf = None, as_json: console.AsJson = False) -> None:
    """Make a sealed night again from ledger, models, policies and consents as they were; exit 6 if anything differs.

    Features, scores, decisions and every bank's file before it is encrypted; nothing is changed.
    """
    from credit.app.night.again import differences
    from credit.app.night.running import status as status_of
    from credit.domain.errors import ReplayDiffers

    home = Home.from_environment()
    found = status_of(home, console.as_of_day(as_of))
    differs = differences(home, home.nights().night(console.day(found["as_of"])), console.progress)
    console.progress_done()
    if differs:
        listed = "\n  ".join(differs)
        raise ReplayDiffers(
            f"the night of {found['as_of']} does not replay:\n  {listed}",
            hint="`credit nightly verify` says whether the night was altered; the ledger or a model may have been",
        )
    console.answer(
        {"as_of": found["as_of"], "differences": differs},
        as_json=as_json,
        page=lambda: typer.echo(f"The night of {found['as_of']} comes out the same, to the byte."),
    )


def _page(night: dict[str, Any]) -> None:
    typer.echo(f"Night of {night['as_of']}: {night['state']}, begun {night['started_at']} UTC by {night['started_by']}")
    rows = [
        (each["step"], each["state"], "" if each["seconds"] is None else f"{each['seconds']:.1f}", _counted(each))
        for each in night["steps"]
    ]
    console.table(("step", "state", "s", "counts"), rows, numbers=(2,))
    for each in night["refused"]:
        typer.echo(f"Refused: {each['entry']}: {each['message']}; {each['hint']}")
    if night["quarantined"]:
        typer.echo(f"Quarantined: {night['quarantined']:,} rows; `credit ledger summary` shows them")
    for each in night["misplaced"]:
        typer.echo(f"Not looked at: inbox/{each}: what arrives lies in inbox/FORMAT/NAME")
    for each in night["ahead"]:
        typer.echo(f"  {each}: no file, for it was sent one of a later day")
    for each in night["not_swept"]:
        typer.echo(f"Not swept: payment {each['payment_id']}: {each['why']}; `credit repayment collect`")
    for each in (*night["stopped_by"], *night["warnings"]):
        limit = each["stop"] if each["verdict"] == "STOP" else each["warn"]
        typer.echo(
            f"{console.marked(each['verdict'])}: {said_of(each)}, {each['about']}: {each['value']:g} ({limit:g})"
        )
        typer.echo(f"  look at {each['look']}")
    for bank, each in night["banks"].items():
        typer.echo(f"{bank}: {each['rows']:,} rows, sequence {each['sequence']}: {each['folder']}")
    if night["failed"]:
        typer.echo(f"Failed at {night['failed']['step']}: {night['failed']['message']}")
        typer.echo(f"  {night['failed']['hint']}")
    if night["state"] == "sealed" and not night["tracked"]:
        typer.echo("MLflow was not reached; the next night tells it.")


def _counted(step: dict[str, Any]) -> str:
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in step["counts"].items())
