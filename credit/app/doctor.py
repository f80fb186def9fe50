"""`credit doctor`: whether this installation works, and what to do where it does not."""

from __future__ import annotations

from dataclasses import asdict

import typer

from credit.app import console
from credit.domain.errors import Exit


def run(as_json: console.AsJson = False) -> None:
    """Look at versions, paths, databases, keys, roles, policies and the last night, and say what to do.

    Nothing is made or changed. Exit code 0 where nothing is wrong, also with notes, 6 where something is.
    """
    from credit.app.doctoring import State, examined

    console.waiting("looking at the installation")
    findings = examined()
    wrong = sum(finding.state is State.WRONG for finding in findings)

    def page() -> None:
        rows = []
        for each in findings:
            rows.append((each.state.value, each.check, each.says))
            if each.do:
                rows.append(("", "", f"→ {each.do}"))
        console.table(("", "what", "found"), rows)
        typer.echo(f"{wrong} wrong." if wrong else "Nothing is wrong.")

    document = {"wrong": wrong, "findings": [asdict(finding) for finding in findings]}
    console.answer(document, as_json=as_json, page=page)
    if wrong:
        raise typer.Exit(Exit.CHECK_FAILED)
