"""`credit export`: build and verify bank files, take in what banks answer to them, and keep the keys."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Build, verify and list bank files, and the keys that sign them.")
keys = console.group("The keys that sign bank files.")
app.add_typer(keys, name="keys")

Bank = Annotated[str, typer.Option("--bank", help="The bank's id.")]


@app.command()
def build(
    bank: Bank,
    of: Annotated[
        str | None, typer.Option("--type", metavar="FULL|DELTA", help="Default: as the agreement says and is due.")
    ] = None,
    supersedes: Annotated[
        str | None, typer.Option("--supersedes", metavar="EXPORT", help="The export that this one corrects.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Write the next file for a bank: the last scores and decisions of the firms whose consent names it."""
    from credit.app import exporting, signing
    from data.exports.verify import DELTA, FULL

    if of not in (None, FULL, DELTA):
        raise typer.BadParameter(f"--type is {FULL} or {DELTA}")
    home = Home.from_environment()
    folder = exporting.build(home, bank, of=of, supersedes=supersedes)
    verified = exporting.check(folder, sender_keys=signing.trusted(home))
    document = {"folder": str(folder), **asdict(verified)}
    console.answer(
        document,
        as_json=as_json,
        page=lambda: typer.echo(
            f"{verified.rows:,} rows, limits of CNY {console.yuan(verified.sum_limit_fen)}, {verified.type.lower()}, "
            f"sequence {verified.sequence}: {folder}\n"
            f"Check it with: credit export verify {folder} --on {verified.as_of}"
        ),
    )


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="The export's folder.")],
    sender_key: Annotated[
        list[str] | None,
        typer.Option("--sender-key", metavar="FILE|HEX", help="The sender's public key, or several; default: our own."),
    ] = None,
    decrypt_key: Annotated[
        Path | None, typer.Option("--decrypt-key", metavar="FILE", help="The receiver's age identity.")
    ] = None,
    last_sequence: Annotated[
        int | None, typer.Option("--last-sequence", metavar="N", min=0, help="The export taken in last; 0 for none.")
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="Refuse what is no longer valid then; default: today.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Check a bank file as the bank does; exit 6 and name the first thing wrong if anything is."""
    from credit.app import exporting, signing
    from credit.app.clock import day_of, now
    from data.exports.verify import public_keys_named, summary

    try:
        named = [key for each in sender_key or () for key in public_keys_named(each)]
        identity = decrypt_key.read_text(encoding="utf-8") if decrypt_key else None
    except (OSError, ValueError) as unreadable:
        raise typer.BadParameter(str(unreadable)) from None
    verified = exporting.check(
        folder,
        sender_keys=named or signing.trusted(Home.from_environment()),
        decrypt_key=identity,
        last_sequence=last_sequence,
        on=console.day(on) if on else day_of(now()),
    )
    console.answer(asdict(verified), as_json=as_json, page=lambda: typer.echo(summary(verified)))


@app.command()
def verifier(as_json: console.AsJson = False) -> None:
    """Print the check as one Python file, for a bank to read and to run by itself."""
    from data.durable import sha256_of
    from data.exports import verify as program

    path = Path(program.__file__)
    text = path.read_text(encoding="utf-8")
    document = {"name": path.name, "sha256": sha256_of(path), "text": text}
    console.answer(document, as_json=as_json, page=lambda: typer.echo(text, nl=False))


@app.command()
def acknowledge(
    file: Annotated[Path, typer.Argument(help="What the bank sent back: JSON or CSV.")],
    bank: Bank,
    as_json: console.AsJson = False,
) -> None:
    """Take in what a bank answered to a file: RECEIVED, PROCESSED, or REJECTED, with errors by line."""
    from credit.app import exporting

    said = exporting.acknowledge(Home.from_environment(), file, bank_id=bank)
    lines = [(e.line, e.column or None, e.code or None, e.text or None) for e in said.errors]
    console.answer(asdict(said), as_json=as_json, page=lambda: _answered(said.export_id, said.status, lines))


def _answered(export_id: str, status: str, lines: list[tuple[int | None, str | None, str | None, str | None]]) -> None:
    from data.exports.acknowledging import REJECTED

    follows = "; the next file is a full one that takes its place" if status == REJECTED else ""
    typer.echo(f"{export_id}: {status}{follows}")
    if lines:
        console.table(("line", "column", "code", "what the bank says"), lines)


@app.command("list")
def list_(bank: Bank, as_json: console.AsJson = False) -> None:
    """List the committed exports of a bank, and what the bank answered to each."""
    from credit.app import exporting

    rows = [
        {
            "sequence": name.sequence,
            "type": name.type,
            "as_of": str(name.as_of),
            "export_id": str(name),
            "status": said.status if said else None,
            "errors": len(said.errors) if said else 0,
        }
        for name, said in exporting.sent_to(Home.from_environment(), bank)
    ]
    headings = ("sequence", "type", "as of", "export", "answer", "errors")
    console.answer(
        rows, as_json=as_json, page=lambda: console.table(headings, [tuple(r.values()) for r in rows], numbers=(5,))
    )


@keys.command()
def new(as_json: console.AsJson = False) -> None:
    """Make the key that signs; where there is one, the next, which signs nothing until `rotate`."""
    from credit.app import signing

    made = signing.new(Home.from_environment())
    console.answer(
        asdict(made),
        as_json=as_json,
        page=lambda: typer.echo(f"{made.role} key {made.key_id}\npublic key: {made.public_key}"),
    )


@keys.command()
def rotate(as_json: console.AsJson = False) -> None:
    """Sign with the next key from now on; the private part of the one before is destroyed."""
    from credit.app import signing

    used = signing.rotate(Home.from_environment())
    console.answer(
        asdict(used), as_json=as_json, page=lambda: typer.echo(f"signs from now on: {used.key_id}  {used.public_key}")
    )


@keys.command()
def show(as_json: console.AsJson = False) -> None:
    """Show the public keys: the one that signs, the next, and the former ones."""
    from data.exports.keys import known_keys

    found = known_keys(Home.from_environment().keys)
    rows = [(each.role, each.key_id, each.public_key) for each in found]
    console.answer(
        [asdict(each) for each in found],
        as_json=as_json,
        page=lambda: console.table(("role", "key id", "public key"), rows),
    )
