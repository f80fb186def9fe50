"""`credit features`: the catalogue, its values and its SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credit.app import completing, console
from credit.app.building import Engine, EngineAsked, MasterAsked, Wanted, build_wanted, engine_asked
from credit.app.describing import last_build
from credit.app.home import Home
from credit.app.language import words
from credit.domain.errors import Exit, UnknownName

if TYPE_CHECKING:
    from features.feature import Feature

app = console.group("List and compute features, print their SQL.")


@app.command("list")
def list_(
    group: Annotated[str | None, typer.Option(help="Only features of this group: activity, trend, capacity, …")] = None,
    risk: Annotated[str | None, typer.Option(help="Only those with which risk rises, falls, or either.")] = None,
    months: Annotated[int | None, typer.Option(help="Only those that look back so many months.")] = None,
    source: Annotated[str | None, typer.Option(help="Only features of this source.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the catalogue: name, group, unit, direction, reason code, meaning."""
    from features.catalogue import CATALOGUE
    from features.feature import GROUPS, Risk

    _refuse_unknown("group", group, GROUPS)
    _refuse_unknown("direction", risk, [each.name.lower() for each in Risk])
    _refuse_unknown("source", source, sorted({f.source for f in CATALOGUE}))
    chosen = [
        f
        for f in CATALOGUE
        if group in (None, f.group)
        and risk in (None, f.risk.name.lower())
        and months in (None, f.window)
        and source in (None, f.source)
    ]

    def page() -> None:
        rows = [(f.name, f.group, f.unit, _SIGNS[f.risk.name], f.reason) for f in chosen]
        console.table(("feature", "group", "unit", "direction", "reason"), rows)
        typer.echo(f"{len(chosen)} features; `credit features show NAME` says what one means")

    console.answer([_said(f) for f in chosen], as_json=as_json, page=page)


_SIGNS = {"RISES": "risk +", "FALLS": "risk -", "EITHER": ""}


def _refuse_unknown(what: str, name: str | None, known: Collection[str]) -> None:
    if name is not None and name not in known:
        raise UnknownName(f"no {what} is called {name!r}", hint=f"there are {', '.join(known)}")


def feature_known(name: str) -> Feature:
    """The feature of that name. Raises UnknownName with the nearest ones."""
    from difflib import get_close_matches

    from features.catalogue import feature_named, names

    try:
        return feature_named(name)
    except KeyError:
        near = get_close_matches(name, names(), n=3)
        hint = f"the nearest are {', '.join(near)}" if near else "`credit features list` lists them"
        raise UnknownName(f"no feature is called {name!r}", hint=hint) from None


def _said(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "group": feature.group,
        "source": feature.source,
        "months": feature.window,
        "unit": feature.unit,
        "risk": feature.risk.name,
        "reason": feature.reason,
        "meaning": feature.meaning,
        "missing": feature.missing,
    }


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(autocompletion=completing.features, help="The feature, see `credit features list`.")
    ],
    as_json: console.AsJson = False,
) -> None:
    """Show one feature: what it means, its SQL, and how it was distributed at the last build."""
    from credit.domain.reasons import reason_for
    from features.queries import feature_query

    feature = feature_known(name)
    last = last_build(Home.from_environment())
    spread = last["features"].get(name) if last else None
    document = {**_said(feature), "sql": feature_query(feature), "last_build": last and last["as_of"], "spread": spread}

    def page() -> None:
        why = reason_for(feature.reason)
        typer.echo(f"{feature.name}: {feature.meaning}")
        sign = {"RISES": "rises", "FALLS": "falls", "EITHER": "may do either"}[feature.risk.name]
        typer.echo(f"Unit {feature.unit}; as it rises, risk {sign}. Group {feature.group}.")
        typer.echo(f"Reason {feature.reason}: {words(why.zh, why.en)}")
        typer.echo(f"Missing: {feature.missing}.")
        typer.echo(f"\n{feature_query(feature)}\n")
        if spread is None:
            typer.echo("No build has shown its distribution yet: `credit features build --out FILE`")
            return
        typer.echo(
            f"At the last build, as known on {last['as_of'] if last else ''}, of {spread['suppliers']:,} suppliers:"
        )
        console.table(
            ("", "value"), [(key, value) for key, value in spread.items() if key != "suppliers"], numbers=(1,)
        )

    console.answer(document, as_json=as_json, page=page)


@app.command()
def build(
    as_of: Annotated[
        list[str] | None, typer.Option(help="Day on which the question is asked, YYYY-MM-DD; say it again for a panel.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write.")] = None,
    feature: Annotated[list[str] | None, typer.Option(help="Only this feature; say it again for more.")] = None,
    data: console.Data = None,
    engine: EngineAsked = None,
    master: MasterAsked = None,
    full: Annotated[bool, typer.Option("--full", help="Use nothing that an earlier build kept.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Compute the features of every supplier as known on a date, or on several.

    All features of one day are kept, and the next build computes anew only the suppliers of whom one can have moved.
    """
    from credit.app.training import tier_chosen
    from data.durable import write_whole

    home = Home.from_environment()
    for name in feature or ():
        feature_known(name)
    tier = tier_chosen(home.ledger(), data)
    days = sorted({day for day in map(console.as_of_day, as_of or ()) if day}) or [home.ledger().last_day(tier)]
    computing, under = engine_asked(engine, master)
    if out is None and (len(days) > 1 or feature or computing is not Engine.DUCKDB):
        raise typer.BadParameter("only all features of one day are kept; say where to write these with --out")
    wanted = Wanted(tier=tier, days=days, features=tuple(feature or ()), engine=computing, master=under, full=full)
    frame, document = build_wanted(home, wanted)
    if out is not None:
        write_whole(out, frame.to_parquet(index=False))
        document["file"] = str(out)

    def page() -> None:
        when = f"{days[0]} to {days[-1]}" if len(days) > 1 else str(days[0])
        typer.echo(f"{len(frame):,} rows × {document['features']} features as known on {when}: {out or 'kept'}")
        if "anew" in document:
            typer.echo(f"{document['anew']:,} ({document['share_anew']:.1%}) computed anew: {document['why']}")

    console.answer(document, as_json=as_json, page=page)


@app.command()
def sql(
    dialect: Annotated[str, typer.Option(help="duckdb, postgres, spark, or any other that sqlglot writes.")] = "duckdb",
    as_json: console.AsJson = False,
) -> None:
    """Print the whole computation for another engine, from the tables of the ledger to the features.

    It reads `cases` (case_id, supplier_id, as_of, contract_id) and the ledger's tables, each by its name after
    `ledger_`. The results on DuckDB, PostgreSQL and Spark are held equal by tests; for Spark, ids
    that were merged into one are left to you.
    """
    from features.script import LEFT_OUT, dialects, script

    _refuse_unknown("dialect", dialect, dialects())
    statements = script(dialect)

    def page() -> None:
        if dialect in LEFT_OUT:
            typer.echo(f"-- {LEFT_OUT[dialect]}.\n")
        for each in statements:
            typer.echo(f"CREATE TEMPORARY {each.kind} {each.name} AS\n{each.sql};\n")

    console.answer([asdict(each) for each in statements], as_json=as_json, page=page)


@app.command("check-leakage")
def check_leakage_(
    as_of: console.AsOf = None,
    data: console.Data = None,
    suppliers: Annotated[int, typer.Option(min=1, help="How many suppliers are drawn.")] = 1000,
    seed: Annotated[int, typer.Option(help="Which ones.")] = 1,
    as_json: console.AsJson = False,
) -> None:
    """Show that no feature reads the future: tell a copy of the ledger what happened later, and compare.

    What the suppliers did happens again after the day, and once more before it but recorded too late. Exit code 6 and
    the features that moved, if any did; the ledger itself stays as it is.
    """
    import tempfile

    from credit.app.training import tier_chosen
    from features.leakage import check_leakage

    ledger = Home.from_environment().ledger()
    tier = tier_chosen(ledger, data)
    day = console.as_of_day(as_of) or ledger.last_day(tier)
    with tempfile.TemporaryDirectory() as scratch:
        found = check_leakage(ledger, day, tier=tier, sample=suppliers, seed=seed, scratch=Path(scratch))

    def page() -> None:
        console.table(("table", "rows added"), list(found.added.items()), numbers=(1,))
        typer.echo(f"{found.suppliers:,} suppliers × {found.features} features as known on {day}")
        if found.moved:
            console.table(("feature", "values that moved"), list(found.moved.items()), numbers=(1,))
        else:
            typer.echo("No value moved.")

    console.answer(asdict(found), as_json=as_json, page=page)
    if found.moved:
        raise typer.Exit(Exit.CHECK_FAILED)
