"""A PostgreSQL server of our own, where its programs are found; tests that need it skip, and say so, where not."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl: Debian keeps it off the PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(found) if (folder / "pg_ctl").exists()), None)


@contextmanager
def server(*, is_durable: bool = False) -> Iterator[dict[str, Any]]:
    """How to connect to a server that is there as long as this lasts; it listens on a socket of its own alone.

    Only a durable one forces what it commits to disk.
    """
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="pg-") as scratch:
        # PostgreSQL does not run as root.
        owner = "postgres" if os.geteuid() == 0 else None
        if owner:
            shutil.chown(scratch, owner)
        folder = Path(scratch) / "data"

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", str(folder), *arguments]
            subprocess.run(command, check=True, user=owner, cwd=scratch, stdout=subprocess.DEVNULL)

        run("initdb", "--auth=trust", "--username=tester", "--encoding=UTF8", "--locale=C", "--no-sync")
        options = f"-k {scratch} -c listen_addresses='' -c fsync={'on' if is_durable else 'off'}"
        run("pg_ctl", "--wait", "-o", options, "-l", f"{scratch}/log", "start")
        try:
            yield {"host": scratch, "user": "tester", "dbname": "postgres", "connect": psycopg.connect}
        finally:
            run("pg_ctl", "--mode=immediate", "stop")
