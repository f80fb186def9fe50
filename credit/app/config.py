"""`credit config`: what is set for this installation, and from where."""

from __future__ import annotations

import typer

from credit.app import configuration, console

app = console.group("See what is set for this installation, and from where.")


@app.command()
def show(as_json: console.AsJson = False) -> None:
    """Show every setting with its value and where that comes from: option, variable, file and line, or default.

    A password in an address is never shown. Exit code 1 names the line of the file, or the variable, that is wrong.
    """
    settings = configuration.current()
    document = {
        "file": str(configuration.file_in_force()),
        "there": settings.file is not None,
        "settings": [
            {
                "key": key,
                "value": None if each.value is None else each.shown,
                "source": each.source,
                "place": each.place,
                "variable": each.setting.variable,
                "meaning": each.setting.meaning,
            }
            for key, each in settings.values.items()
        ],
    }

    def page() -> None:
        rows = [(key, each.shown, _whence(each)) for key, each in settings.values.items()]
        console.table(("setting", "value", "from"), rows)
        typer.echo(
            f"File: {document['file']}" + ("" if settings.file else " (not there; `credit config new` writes it)")
        )

    console.answer(document, as_json=as_json, page=page)


def _whence(value: configuration.Value) -> str:
    return value.place or value.source


@app.command()
def new(as_json: console.AsJson = False) -> None:
    """Write the file of settings: all of them, explained, each commented out at its default."""
    file = configuration.write_new()
    console.answer(
        {"file": str(file)},
        as_json=as_json,
        page=lambda: typer.echo(f"{file} is written; remove the `#` of what you want to set."),
    )
