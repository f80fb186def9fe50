"""Writing so that a reader, or a crash, sees the whole of a file or nothing of it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from credit.domain.errors import Locked, StoreDamaged


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, force it to disk, and rename it in."""
    _make_folder(path.parent)
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as out:
        out.write(content)
    move_whole(beside, path)


def move_whole(source: Path, target: Path) -> None:
    """Force a finished file to disk, rename it into place, and force the rename to disk."""
    _make_folder(target.parent)
    _force(source)
    source.replace(target)
    _force(target.parent)


def move_folder_whole(source: Path, target: Path) -> None:
    """Force a finished folder and what is in it to disk, rename it into place, and force the rename to disk."""
    _make_folder(target.parent)
    for each in sorted(source.rglob("*")):
        _force(each)
    _force(source)
    source.rename(target)
    _force(target.parent)


def _make_folder(folder: Path) -> None:
    """Make a folder so that it survives a crash: a new name is only safe once the folder that holds it is on disk."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        _force(each.parent)


def _force(path: Path) -> None:
    """Have the operating system put a file, or the names in a folder, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def json_of(text: str, what: str) -> Any:
    """What a JSON text says that this program wrote. Raises StoreDamaged where it is no longer whole."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as broken:
        raise StoreDamaged(f"{what} is damaged: it is not the JSON that was written") from broken


def text_of(path: Path, what: str) -> str:
    """The text of a file that this program wrote. Raises StoreDamaged where it is gone or no longer text."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as broken:
        raise StoreDamaged(f"{what} is damaged: it is gone, or not the text that was written") from broken


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def exclusive(lock: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock that the operating system frees when this process ends, however it ends.

    Raises Locked where another holds it, or waits for its turn.
    """
    handle = _opened(lock)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as held:
            raise Locked(f"another run is writing to the {what}", hint="wait for it to end and try again") from held
        yield
    finally:
        os.close(handle)


def _opened(lock: Path) -> int:
    """The handle of a file to lock, which is made with its folder where there is none."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
