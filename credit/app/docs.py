"""`credit docs`: the reference pages, generated from the code, and the site of all pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from credit.app import console

app = console.group("Generate the reference pages, and the site.")


@app.callback()
def docs() -> None:
    """Generate the reference pages from the code, and render all pages as a site."""


@app.command()
def build(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where the pages are.")] = Path("docs"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 6 if a page is out of date.")] = False,
    site: Annotated[
        Path | None, typer.Option("--site", help="Also render all pages as a site into this folder (extra `docs`).")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Write the generated pages: commands, features, rules, parameters, reasons, states, errors, formats, bank file.

    The site needs no network to be read or searched. A link that leads nowhere stops it: exit code 6.
    """
    from credit.app.documenting import check_pages, write_pages

    if site is not None:
        from credit.app.website import refuse_unready

        # Before anything is written.
        refuse_unready(folder, site)
    root = context.find_root().command
    pages = check_pages(folder, root) if check else write_pages(folder, root)
    verb = "up to date" if check else "written"
    document: dict[str, Any] = {"pages": pages, "state": verb}
    said = [f"{len(pages)} pages are {verb}"]
    if site is not None:
        from credit.app.website import render

        document["site"] = {"pages": render(folder, site), "index": str(site / "index.html")}
        said.append(f"{document['site']['pages']} pages are rendered: {document['site']['index']}")
    console.answer(document, as_json=as_json, page=lambda: typer.echo("\n".join(said)))
