"""The settings of an installation: one table of what can be set, by which key and variable, and what holds otherwise.

A setting is about the installation (where things lie, which servers, how much memory, which language) and never about a
decision: thresholds and policies are dated parameter files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FILE, FILE_VARIABLE = "credit.toml", "CREDIT_CONFIG"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be: how it is read from a variable's text, which raises ValueError, and what people are told."""

    says: str
    read: Callable[[str], Any]
    type: type = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. `key` is `section.name` in the file, and `otherwise` says what holds where nothing is set.

    One that is a `variable_only` belongs to a single command, so a file cannot set it. A `secret` one may hold a
    password, which is never shown.
    """

    key: str
    kind: Kind
    variable: str
    meaning: str
    example: Any
    default: Any = None
    otherwise: str = ""
    secret: bool = False
    variable_only: bool = False


def _choice(*choices: str) -> Kind:
    def read(said: str) -> str:
        if said not in choices:
            raise ValueError(said)
        return said

    return Kind(" or ".join(choices), read)


def _size(said: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[MGT]i?B", said):
        raise ValueError(said)
    return said


def _database(said: str) -> str:
    # A mistyped address would be taken for the name of a file, and be a new and empty database.
    if not re.match(r"[a-z][a-z0-9+]*://", said):
        raise ValueError(said)
    return said


def _count(said: str) -> int:
    if int(said) < 0:
        raise ValueError(said)
    return int(said)


TEXT = Kind("a text", str)
PATH = Kind("a path", str)
ADDRESS = Kind("an address", str)
DATABASE = Kind("the address of a database, such as postgresql://user@host/name", _database)
SIZE = Kind('a size such as "4GB"', _size)
COUNT = Kind("a whole number of 0 or more", _count, int)
MOMENT = Kind("a moment, YYYY-MM-DDTHH:MM:SS in UTC or with its zone", datetime.fromisoformat)
LANGUAGE = _choice("zh", "en", "both")
ENGINE = _choice("duckdb", "spark")

SETTINGS: tuple[Setting, ...] = (
    Setting(
        key="home",
        kind=PATH,
        variable="CREDIT_HOME",
        meaning="The folder that everything is written to and that the ledger, models, keys and the book lie in.",
        example="/var/lib/credit",
        default="var",
    ),
    Setting(
        key="lang",
        kind=LANGUAGE,
        variable="CREDIT_LANG",
        meaning="The language of answers and reasons, or both side by side; `--lang` of a command wins.",
        example="zh",
        default="both",
    ),
    Setting(
        key="book.url",
        kind=DATABASE,
        variable="CREDIT_BOOK_URL",
        meaning="The database of the book, where many write at once; needs the extra `postgres`.",
        example="postgresql://credit@localhost/credit",
        otherwise="the file book.db in the home",
        secret=True,
    ),
    Setting(
        key="tracking.uri",
        kind=ADDRESS,
        variable="MLFLOW_TRACKING_URI",
        meaning="The MLflow server.",
        example="http://localhost:5000",
        otherwise="a database in the home",
        secret=True,
    ),
    Setting(
        key="tracking.timeout_seconds",
        kind=COUNT,
        variable="MLFLOW_HTTP_REQUEST_TIMEOUT",
        meaning="How long the MLflow server may take to answer; what it does not take waits in the outbox.",
        example=30,
        default=10,
    ),
    Setting(
        key="tracking.retries",
        kind=COUNT,
        variable="MLFLOW_HTTP_REQUEST_MAX_RETRIES",
        meaning="How often the MLflow server is asked again.",
        example=3,
        default=1,
    ),
    Setting(
        key="source.url",
        kind=DATABASE,
        variable="CREDIT_SOURCE_URL",
        meaning="The database that answers the .sql files of a mapping; `--database` of a command wins.",
        example="postgresql://reader@erp/orders",
        otherwise="none",
        secret=True,
    ),
    Setting(
        key="signing.key",
        kind=PATH,
        variable="CREDIT_SIGNING_KEY",
        meaning="The file of the key that signs bank files.",
        example="/etc/credit/signing.key",
        otherwise="keys/signing.key in the home",
    ),
    Setting(
        key="compute.memory",
        kind=SIZE,
        variable="CREDIT_MEMORY",
        meaning="What one import or one reading of the ledger may hold in memory before it spills to disk.",
        example="8GB",
        default="1500MB",
    ),
    Setting(
        key="compute.engine",
        kind=ENGINE,
        variable="CREDIT_ENGINE",
        meaning="What computes features; `--engine` of a command wins. A night goes on with what it began with.",
        example="spark",
        default="duckdb",
    ),
    Setting(
        key="compute.master",
        kind=TEXT,
        variable="CREDIT_SPARK_MASTER",
        meaning="The master of the Spark cluster; `--master` of a command wins.",
        example="spark://head:7077",
        default="local[*]",
    ),
    Setting(
        key="compute.spark_memory",
        kind=SIZE,
        variable="CREDIT_SPARK_MEMORY",
        meaning="What the driver of Spark may hold in memory; under a local master, all that Spark may.",
        example="16GB",
        default="4GB",
    ),
    Setting(
        key="now",
        kind=MOMENT,
        variable="CREDIT_NOW",
        meaning="What the clock says, for tests and to run a past night again; nothing is written into the past.",
        example="2026-11-02T01:00:00",
        otherwise="the clock of this machine",
        variable_only=True,
    ),
)
