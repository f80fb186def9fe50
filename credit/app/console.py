"""How commands speak: one JSON document or a readable page on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credit.app import commands, completing, tables
from credit.app import progress as reported
from credit.domain import amounts
from credit.domain.errors import CreditError, Exit, FileRefused

if TYPE_CHECKING:
    from datetime import date

group, yuan, marked = commands.group, amounts.yuan, tables.marked
progress, waiting, progress_done = reported.tell, reported.wait, reported.clear
# What a page says of a thing begins so many columns in.
_HANG = 14
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Amount = Annotated[str | None, typer.Option("--amount", help="Amount asked for, in yuan; default: as much as can be.")]
Review = Annotated[bool, typer.Option("--review", help="The applicant asks that a person decides (PIPL Art. 24).")]
Key = Annotated[
    str | None,
    typer.Option(
        "--key", help="Names this request: asked again under it, it has the same answer and is not done twice."
    ),
]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Also write a page that needs nothing else.")]
LookedUp = Annotated[
    list[str] | None, typer.Option("--looked-up", help="A condition that no feed says and you have looked up.")
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="What was known on this day; default: the last day known.")
]

Data = Annotated[
    str | None,
    typer.Option(
        "--data", autocompletion=completing.tiers, help="invoice or platform; default: the only one there is."
    ),
]


def answer(document: Any, *, as_json: bool, page: Callable[[], None]) -> None:
    """Print the document as JSON, or call `page` to print it for people."""
    progress_done()
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1, default=str))
    else:
        page()


def write_page(file: Path, page: str) -> None:
    """Write a page that a user asked for, whole or not at all. Raises FileMissing where it cannot be written there."""
    from credit.domain.errors import FileMissing
    from data.durable import write_whole

    try:
        write_whole(file, page.encode())
    except OSError as refused:
        raise FileMissing(f"{file} cannot be written: {refused.strerror}", hint="name a file in another folder") from (
            refused
        )


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: Sequence[int] = ()) -> None:
    """Print a table; columns in `numbers` are set to the right. On a terminal texts are wrapped until it fits."""
    for line in tables.lines(headings, rows, numbers, tables.room()):
        typer.echo(line)


def line(text: str, *, hang: int = _HANG) -> None:
    """Print a line; on a terminal that is narrower it goes on below, so many columns in."""
    room = tables.room()
    first, *more = tables.wrapped(text, room) or [""]
    typer.echo(first)
    for each in tables.wrapped(text[len(first) :].lstrip(), room - hang) if more else []:
        typer.echo(" " * hang + each)


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction for people.

    >>> percent(0.0412)
    '4.12 %'
    """
    return "–" if fraction is None else f"{fraction * 100:.{digits}f} %"


def fail(error: CreditError) -> Exit:
    """Print an error as people need it: what, what next, where to read more. Answers the exit code."""
    progress_done()
    typer.echo(f"Error: {error.message}", err=True)
    if error.hint:
        typer.echo(f"Hint:  {error.hint}", err=True)
    typer.echo(f"More:  docs/errors.md#{error.code}", err=True)
    return error.exit


def of_the_system(refused: OSError) -> CreditError:
    """What the operating system refused, as an error that names the path."""
    return FileRefused(
        f"{refused.filename2 or refused.filename}: {(refused.strerror or type(refused).__name__).lower()}",
        hint="is it a file where a folder is needed, or the other way round? May this account read and write it?",
    )


def day(text: str) -> date:
    """A date that a user wrote. Raises a usage error."""
    import datetime

    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write YYYY-MM-DD") from None


def as_of_day(text: str | None) -> date | None:
    """The `--as-of` that a user wrote, if any. Raises a usage error for a day that has not come."""
    from credit.app.clock import day_of, now

    if text is None:
        return None
    asked = day(text)
    if asked > day_of(now()):
        raise typer.BadParameter(f"{text} has not come yet; nothing is known of it")
    return asked


def fen_of(text: str) -> int:
    """An amount in yuan that a user wrote, in fen. Raises a usage error for what is not a whole number of fen.

    >>> fen_of("500,000"), fen_of("0.01")
    (50000000, 1)
    """
    from decimal import Decimal, InvalidOperation

    from data.schema import LARGEST_FEN

    try:
        fen = Decimal(text.replace(",", "")) * 100
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is not an amount in yuan") from None
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 < fen <= LARGEST_FEN:
        raise typer.BadParameter(f"{text!r} is not a positive amount of at most two decimals and ten trillion yuan")
    return int(fen)
