"""`credit ledger`: import history, and what the ledger holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from credit.app import completing, configuration, console
from credit.app.home import Home
from credit.app.imports import SHOWN_PROBLEMS, answer_import
from credit.domain.errors import UnknownName

app = console.group("Import history, and see what the ledger holds.")


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A folder of files, or one file.")],
    format_name: Annotated[
        str, typer.Option("--format", autocompletion=completing.formats, help="See `credit ledger formats`.")
    ],
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="For `mapped`: the TOML file that says which column fills which.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="For `mapped`: the SQLAlchemy URL that answers .sql files; default: `source.url`."),
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Import files: all of them in one step or nothing; the same file twice changes nothing.

    Rows that cannot be read go to quarantine with file, line, column, value and hint, and the command exits 4. Those
    that only lack their supplier, or the row that they correct, wait there and go in as soon as it comes.
    """
    from credit.app import identity
    from credit.app.clock import now
    from credit.app.roles import refuse
    from credit.domain.authority import Action
    from data.formats import format_named
    from data.formats.mapped import MAPPED, read_mapping
    from data.importing import import_history

    named = format_named(format_name)
    if (named is MAPPED) is (mapping is None):
        raise typer.BadParameter("--mapping FILE goes with --format mapped, and the other way round")
    asked = database or configuration.current()["source.url"]
    fmt = read_mapping(mapping, database=asked) if mapping else named
    home = Home.from_environment()
    refuse(home, Action.IMPORT, identity.who())
    summary = import_history(home.ledger(), fmt, path, loaded_at=now(), progress=console.progress)
    console.progress_done()

    answer_import(summary, as_json=as_json)


@app.command()
def formats(
    name: Annotated[
        str | None,
        typer.Argument(autocompletion=completing.formats, help="A format, to see its page, columns and a sample."),
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the import formats, or show one."""
    from data.formats import FORMATS, format_named
    from data.formats.platform import PLATFORM, schema

    if name is None:
        listed = [{"name": f.name, "meaning": f.meaning, "tier": f.tier, "lag_days": f.lag_days} for f in FORMATS]
        console.answer(
            listed,
            as_json=as_json,
            page=lambda: console.table(("format", "what"), [(f.name, f.meaning) for f in FORMATS]),
        )
        return
    fmt = format_named(name)
    tables = {m.table.name: m for m in fmt.mappings}
    document = {
        "name": fmt.name,
        "page": fmt.page,
        "sample": fmt.sample,
        "files": [{"files": m.files, "table": m.table.name, "needs": m.needs} for m in fmt.mappings],
        "schema": schema() if fmt is PLATFORM else None,
    }

    def page() -> None:
        typer.echo(f"{fmt.name}: {fmt.meaning}\n\n{fmt.page}\n")
        for table_name, mapping in tables.items():
            typer.echo(f"{table_name}: needs {', '.join(mapping.needs)}")
        typer.echo(f"\nSample:\n{fmt.sample}")

    console.answer(document, as_json=as_json, page=page)


@app.command()
def summary(as_json: console.AsJson = False) -> None:
    """Show tables, rows, dates, the last import and the quarantine."""
    from credit.app.summarising import ledger_summary

    document = ledger_summary(Home.from_environment().ledger())

    def page() -> None:
        rows = [(t["table"], t["rows"], t["first_day"], t["last_day"]) for t in document["tables"]]
        console.table(("table", "rows", "first day", "last day known"), rows, numbers=(1,))
        last = document["last_import"]
        typer.echo(f"Version {document['version']}; last import {last['loaded_at']} UTC, format {last['format']}.")
        typer.echo(f"Quarantine: {document['quarantined']:,} rows")
        for line in document["quarantine"][:SHOWN_PROBLEMS]:
            console.line(f"  {line}")
        if (more := document["quarantined"] - SHOWN_PROBLEMS) > 0:
            typer.echo(f"  and {more:,} more: --json")

    console.answer(document, as_json=as_json, page=page)


@app.command()
def files(
    table: Annotated[str, typer.Argument(autocompletion=completing.tables, help="The table, see docs/tables.md.")],
    as_json: console.AsJson = False,
) -> None:
    """List the Parquet files that hold a table now, for DuckDB, Spark or pandas.

    They hold every row with its own dates, corrected ones too: docs/tables.md says how to read what was known when.
    """
    from data.schema import TABLES

    readable = [each.name for each in TABLES if each.readable]
    if table not in readable:
        raise UnknownName(f"there is no table {table!r} to read", hint="choose from " + ", ".join(readable))
    found = [str(file) for file in Home.from_environment().ledger().files(table)]
    console.answer(
        found, as_json=as_json, page=lambda: typer.echo("\n".join(found) or "The ledger holds no row of it.")
    )


@app.command()
def compact(as_json: console.AsJson = False) -> None:
    """Put the rows of all imports into one file a table; no answer changes, also none at an older version."""
    from data.upkeep import compact as compact_ledger

    done = compact_ledger(Home.from_environment().ledger(), progress=console.progress)
    console.progress_done()

    def page() -> None:
        if done is None:
            typer.echo("There is nothing to compact.")
        else:
            typer.echo(f"{len(done.tables)} tables hold all rows up to version {done.upto}.")

    console.answer({"upto": done.upto if done else None}, as_json=as_json, page=page)


@app.command()
def erase(
    supplier: Annotated[str, typer.Argument(help="The supplier whose names are erased.")],
    as_json: console.AsJson = False,
) -> None:
    """Erase a supplier's personal data (its names) from every file; no later import brings them back."""
    from credit.app import identity
    from credit.app.clock import now
    from credit.app.deciding import supplier_tier
    from credit.app.roles import refuse
    from credit.domain.authority import Action
    from data.upkeep import erase as erase_names

    home = Home.from_environment()
    refuse(home, Action.ERASE, identity.who())
    supplier_tier(home, supplier)
    erasure = erase_names(home.ledger(), supplier, at=now())
    console.answer(
        asdict(erasure),
        as_json=as_json,
        page=lambda: typer.echo(f"The names of {erasure.supplier_id} were erased at {erasure.erased_at} UTC."),
    )
