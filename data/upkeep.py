"""Keeping the ledger small and lawful: compaction, which changes no answer, and the erasure of personal data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from credit.domain.progress import Progress, silent
from data.batches import Compaction
from data.durable import json_of, move_whole, sha256_of, write_whole
from data.ledger import Ledger
from data.ledger_files import IMPORTED_IN, loaded_text
from data.schema import TABLES
from data.staging import literal, parquet, quoted

# How the ledger's files are written: a single supplier's rows lie together in small row groups, so that one case reads
# little; the lowest level of compression is as small here as the usual one, and faster. The second version's encodings
# of numbers and days are smaller, and faster both to write and to read.
AS_PARQUET = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 50_000"


def compact(ledger: Ledger, *, progress: Progress = silent) -> Compaction | None:
    """Put the rows of all batches into one file a table; None where that changes nothing. Raises Locked.

    Every row keeps the number of the batch that brought it, so a replay at an older version reads what it read. Killed
    at any moment, the ledger is as it was or compacted.
    """
    with ledger.writing(), ledger.connection() as con:
        finish_erasures(ledger)
        batches, before = ledger.batches(), ledger.compaction()
        if not batches or (before and before.upto == batches[-1].number):
            return None
        upto = batches[-1].number
        hashes: dict[str, str] = {}
        for place, table in enumerate(TABLES):
            progress("compacting tables", place, len(TABLES))
            since = before.upto if before else 0
            parts = [
                f"SELECT *, {b.number} AS {IMPORTED_IN} FROM {parquet(ledger.file(table.name, b.number))}"
                for b in batches
                if b.imported.get(table.name) and b.number > since
            ]
            if before and table.name in before.tables:
                parts.insert(0, f"SELECT * FROM {parquet(ledger.compacted_file(table.name, before.upto))}")
            if not parts:
                continue
            aside = ledger.folder / ".aside.parquet"
            con.execute(
                f"""COPY (SELECT * FROM ({" UNION ALL BY NAME ".join(parts)}) ORDER BY {quoted(table.lies_by)})
                    TO {literal(str(aside))} ({AS_PARQUET})"""
            )
            hashes[table.name] = sha256_of(aside)
            move_whole(aside, ledger.compacted_file(table.name, upto))
        personal = [table.name for table in TABLES if table.personal and table.name in hashes]
        done = Compaction(upto, {t: h for t, h in hashes.items() if t not in personal}, personal)
        ledger.commit_compaction(done)
        return done


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is known of one erasure: whose data, when, and whether the files have been rewritten."""

    supplier_id: str
    erased_at: str
    done: bool


def erase(ledger: Ledger, supplier_id: str, *, at: datetime) -> Erasure:
    """Erase a supplier's names, for good: no later import brings them back. Raises Locked.

    The erasure is noted first; were it cut off there, the next writer would finish it.
    """
    with ledger.writing():
        noted = [each for each in erasures(ledger) if each.supplier_id == supplier_id]
        if noted and noted[0].done:
            return noted[0]
        _note(ledger, Erasure(supplier_id, loaded_text(at), done=False))
        finish_erasures(ledger)
    return next(each for each in erasures(ledger) if each.supplier_id == supplier_id)


def erasures(ledger: Ledger) -> list[Erasure]:
    """All erasures, by the supplier's id."""
    records = sorted((ledger.folder / "erasures").glob("*.json"))
    return sorted((Erasure(**json_of(r.read_text(), r.name)) for r in records), key=lambda each: each.supplier_id)


def finish_erasures(ledger: Ledger) -> None:
    """Rewrite the files that still hold what has to be erased. For a writer that holds the ledger's lock."""
    pending = [each for each in erasures(ledger) if not each.done]
    if not pending:
        return
    ids = ", ".join(literal(each.supplier_id) for each in pending)
    for table in (table for table in TABLES if table.personal):
        for file in ledger.personal_files(table):
            _rewrite(ledger, file, f"supplier_id NOT IN ({ids})")
    for each in pending:
        _note(ledger, Erasure(each.supplier_id, each.erased_at, done=True))


def _rewrite(ledger: Ledger, file: Path, condition: str) -> None:
    aside = ledger.folder / ".aside.parquet"
    with ledger.connection() as con:
        con.execute(
            f"""COPY (SELECT * FROM {parquet(file)} WHERE {condition} ORDER BY supplier_id)
                TO {literal(str(aside))} ({AS_PARQUET})"""
        )
    move_whole(aside, file)


def _note(ledger: Ledger, erasure: Erasure) -> None:
    record = {"supplier_id": erasure.supplier_id, "erased_at": erasure.erased_at, "done": erasure.done}
    name = sha256(erasure.supplier_id.encode()).hexdigest()
    write_whole(ledger.folder / "erasures" / f"{name}.json", json.dumps(record, ensure_ascii=False).encode())
