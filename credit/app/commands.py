"""What every command and group of commands has: `--lang`, and colours where they are wanted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from credit.app import configuration


class Command(TyperCommand):
    """A command that also takes `--lang`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters, and `--lang` before `--help`."""
        return _with_language(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands that also takes `--lang`, before the words that follow."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters, and `--lang` before `--help`."""
        return _with_language(super().get_params(ctx))

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Its context; that of the whole line says whether colours are written, and the others take it over."""
        if parent is None:
            extra.setdefault("color", configuration.colours(terminal=sys.stdout.isatty()))
        return super().make_context(info_name, args, parent, **extra)


class Noun(typer.Typer):
    """A group whose commands are such commands."""

    def command(self, *args: Any, **said: Any) -> Callable[[Any], Any]:
        """As typer does it."""
        return super().command(*args, **{"cls": Command, **said})


def group(help_text: str, name: str | None = None) -> typer.Typer:
    """A group of commands."""
    return Noun(
        name=name,
        cls=Group,
        help=help_text,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Plain help: loading rich for a frame around it would take longer than all the rest.
        rich_markup_mode=None,
    )


def _with_language(params: list[Any]) -> list[Any]:
    *own, last = params
    return [*own, _language(), last]


def _asks(lang: str | None) -> str | None:
    if lang is not None:
        configuration.ask("lang", lang)
    return lang


@cache
def _language() -> Any:
    """The option, made once in the way that typer makes all others."""

    def speaks(
        lang: Annotated[
            Literal["zh", "en", "both"] | None,
            typer.Option(
                "--lang", help="Answer in one language, or both; default: `lang`.", callback=_asks, is_eager=True
            ),
        ] = None,
    ) -> None:
        pass

    one = typer.Typer(add_completion=False)
    one.command()(speaks)
    option = typer.main.get_command(one).params[0]
    option.expose_value = False
    return option
