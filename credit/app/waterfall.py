"""A score's explanation on a terminal of eighty columns, with or without colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import typer

from credit.app import console
from credit.app.explaining import unit_said
from credit.app.language import said_of, spoken, words

LABEL, NAME, BAR = 52, 38, 18
# A reason or feature that moves the log-odds by less is summed up with the others.
LEAST = 0.005


@dataclass(frozen=True, slots=True)
class Step:
    """One reason on the way from the reference population to the firm: the log-odds before it and after it."""

    code: str
    zh: str
    en: str
    before: float
    after: float
    reason: dict[str, Any]

    @property
    def weight(self) -> float:
        """What it adds to the log-odds; above zero it is toward risk."""
        return self.after - self.before


def steps(document: dict[str, Any], least: float = LEAST) -> list[Step]:
    """The way of an explanation, the strongest reasons first and those that move less than the `least` as one."""
    reasons = document["reasons"]
    shown = [reason for reason in reasons if abs(reason["log_odds"]) >= least]
    if small := reasons[len(shown) :]:
        texts = {"zh": f"其余 {len(small)} 项较小原因", "en": f"{len(small)} smaller reasons"}
        shown.append({"code": "", **texts, "log_odds": sum(reason["log_odds"] for reason in small), "features": []})
    found, level = [], float(document["reference"]["log_odds"])
    for reason in shown:
        found.append(Step(reason["code"], reason["zh"], reason["en"], level, level + reason["log_odds"], reason))
        level += reason["log_odds"]
    return found


def page(document: dict[str, Any], *, features: bool) -> None:
    """Print an explanation: the waterfall, what counts against the firm, and what would change it."""
    if document["unscorable"]:
        code = document["unscorable"]
        typer.echo(f"{document['supplier_id']} cannot be scored: {code['code']} {said_of(code)}")
        return
    typer.echo(f"{document['supplier_id']}: {_scored(document)}")
    model = document["model"]
    typer.echo(f"{model['name']} version {model['version']}, as known on {document['as_of']}\n")
    _waterfall(document, features=features)
    _against(document["reasons"])
    if document["what_if"]:
        _what_if(document)
    _next_grade(document)


def _scored(said: dict[str, Any]) -> str:
    return f"PD {console.percent(said['pd'])}, grade {said['grade']}, score {said['score']}"


def _waterfall(document: dict[str, Any], *, features: bool) -> None:
    reference, way = document["reference"], steps(document)
    levels = [float(reference["log_odds"]), *(step.after for step in way)]
    low, high = float(min(levels)), float(max(levels))

    def at(level: float) -> int:
        return int((BAR - 1) * (level - low) / ((high - low) or 1.0) + 0.5)

    compared = "all firms that taught it" if reference["rows"] is None else f"{reference['rows']:,} approved cases"
    _line(f"mean of {compared}", f"{levels[0]:.3f}", " " * at(levels[0]) + "|")
    for step in way:
        start, end = sorted((at(step.before), at(step.after)))
        bar = " " * start + ("+" if step.weight > 0 else "-") * max(end - start, 1)
        # Both languages do not fit beside a bar.
        text = step.zh if spoken() == ("zh",) else step.en
        _line(f"{step.code} {text}".strip(), f"{step.weight:+.3f}", bar)
        if features:
            _behind(step.reason["features"])
    _line("this supplier", f"{document['log_odds']:.3f}", " " * at(levels[-1]) + "|")
    typer.echo(
        f"\nLog-odds; + is toward risk. PD {console.percent(reference['pd'])} at the start, "
        f"{console.percent(document['pd'])} at the end."
    )


def _behind(features: list[dict[str, Any]]) -> None:
    """The features of a reason, with value, unit and direction."""
    shown = [f for f in features if abs(f["log_odds"]) >= LEAST]
    for f in shown:
        typer.echo(f"  {f['name']:<{NAME}} {f['log_odds']:>+7.3f}  {value_said(f)}{_SIGNS[f['risk']]}")
    if small := features[len(shown) :]:
        typer.echo(f"  {f'{len(small)} smaller':<{NAME}} {sum(f['log_odds'] for f in small):>+7.3f}")


_SIGNS = {"rises": ", risk +", "falls": ", risk -", "either": ""}


def _line(label: str, weight: str, bar: str) -> None:
    from rich.cells import set_cell_size

    typer.echo(f"{set_cell_size(label, LABEL)} {weight:>7}  {bar}".rstrip())


def _against(reasons: list[dict[str, Any]]) -> None:
    """The reasons toward risk with their fixed texts, and what the supplier can do about each."""
    from models.explain import MOST_REASONS

    toward = [r for r in reasons if r["log_odds"] > 0][:MOST_REASONS]
    if toward:
        typer.echo("\nWhat counts against it, and what it can do:")
    for r in toward:
        console.line(f"  {r['code']} {said_of(r)}", hang=6)
        if r["advice_en"]:
            console.line(f"      {words(r['advice_zh'], r['advice_en'])}", hang=6)


def _what_if(document: dict[str, Any]) -> None:
    said = document["what_if"]
    typer.echo(f"\nIf it were so: {_scored(said)} (now: {_scored(document)})")
    for heading, features in (("given", said["given"]), ("follows", said["followed"])):
        for f in features:
            typer.echo(f"  {heading:<8}{f['name']}: {value_said({**f, 'value': f['before']})} -> {value_said(f)}")
    for r in said["reasons"]:
        if abs(r["log_odds_change"]) >= LEAST:
            typer.echo(f"  {r['log_odds_change']:+.3f}  {r['code']} {said_of(r)}")
    typer.echo("  Other features, such as other windows of the same, were kept as they are.")


def _next_grade(document: dict[str, Any]) -> None:
    aim = document["next_grade"]
    if aim is None:
        return
    if not aim["proposals"]:
        console.line(
            f"\nNo realistic change of one or two quantities reaches {aim['grade']} (PD up to "
            f"{console.percent(aim['pd_max'])}); the best found has PD {console.percent(aim['lowest_pd'])}.",
            hang=0,
        )
        return
    typer.echo(f"\nEach of these would reach {aim['grade']}, all else as it is:")
    for number, proposal in enumerate(aim["proposals"], 1):
        typer.echo(f"{number:>3}. PD {console.percent(proposal['pd'])}")
        for f in proposal["moves"]:
            typer.echo(f"     {f['name']}: {value_said({**f, 'value': f['before']})} -> {value_said(f)}")


def value_said(feature: dict[str, Any]) -> str:
    """A feature's value with its unit, as people read it."""
    value, unit = feature["value"], feature["unit"]
    if value is None:
        return "missing"
    if unit == "share":
        return console.percent(value, 1)
    number = value / 100 if unit == "fen" else value
    said = f"{number:,.0f}" if float(number).is_integer() or abs(number) >= 1_000 else f"{number:,.4g}"
    return f"{said} {unit_said(unit)}"
