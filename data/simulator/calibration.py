"""What a simulated platform should look like, what it does look like, and how that compares with real records.

Each target has its source; figures are taken from the files that the platform exports, as anybody could, except those
about lines, which lenders do not publish.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from data.simulator.regions import ISLAND, MOUNTAIN
from data.simulator.summary import Summary
from data.staging import parquet


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that has to lie between two values, and the SQL over the exported tables that gives it."""

    name: str
    low: float
    high: float
    source: str
    sql: str


@dataclass(frozen=True, slots=True)
class Produced:
    """A target beside the figure of one platform."""

    target: Target
    value: float

    @property
    def holds(self) -> bool:
        """Whether the figure lies where it should."""
        return self.target.low <= self.value <= self.target.high


@dataclass(frozen=True, slots=True)
class Shape:
    """How something is distributed among suppliers: quartiles."""

    name: str
    low: float
    middle: float
    high: float


_ADVANCED = "FROM contracts WHERE advance_fen > 0"
_DRAWS = "FROM credit_events WHERE kind = 'DRAWN'"
_LOANS = "FROM outcomes WHERE target = 'loan_default'"
_BY_INDUSTRY = """SELECT avg(happened::INT) AS share FROM outcomes JOIN registered USING (supplier_id)
                  WHERE target = 'loan_default' GROUP BY industry HAVING count(*) >= 300"""
_FAR = ", ".join(f"'{code}'" for code in (*MOUNTAIN, *ISLAND))

TARGETS: tuple[Target, ...] = (
    Target(
        "micro, small and medium firms, share of suppliers",
        0.88,
        0.92,
        "DESIGN 1: 90 %",
        "SELECT avg((size_class <> 'LARGE')::INT) FROM registered",
    ),
    Target(
        "their share of contract value",
        0.78,
        0.90,
        "issue and DOMAIN 2.2: over 80 %",
        """SELECT sum(amount_fen) FILTER (size_class <> 'LARGE') / sum(amount_fen)
           FROM contracts JOIN registered USING (supplier_id)""",
    ),
    Target("mean line, CNY", 350_000, 460_000, "DOMAIN 0 #2: 400,000", "SELECT line_fen / 100 FROM lenders"),
    Target("mean draw, CNY", 58_000, 74_000, "DOMAIN 0 #2: 66,000", f"SELECT avg(amount_fen) / 100 {_DRAWS}"),
    Target(
        "draws a borrower",
        3.4,
        4.8,
        "DOMAIN 0 #2: four",
        f"SELECT count(DISTINCT loan_id) / count(DISTINCT supplier_id) {_DRAWS}",
    ),
    Target(
        "draws that defaulted, share of those whose window is over",
        0.010,
        0.040,
        "issue: low single digits in per cent",
        f"SELECT avg(happened::INT) {_LOANS}",
    ),
    Target(
        "the same in the best industry",
        0.0,
        0.030,
        "ours: believable by segment",
        f"SELECT min(share) FROM ({_BY_INDUSTRY})",
    ),
    Target(
        "the same in the worst industry",
        0.010,
        0.080,
        "ours: believable by segment",
        f"SELECT max(share) FROM ({_BY_INDUSTRY})",
    ),
    Target(
        "contracts broken, share of those whose window is over",
        0.005,
        0.020,
        "ours",
        "SELECT avg(happened::INT) FROM outcomes WHERE target = 'performance_breach'",
    ),
    Target(
        "applications refused, share",
        0.5,
        0.98,
        "issue: refused applications are there, without an outcome",
        "SELECT avg((answer = 'REFUSED')::INT) FROM applications",
    ),
    Target(
        "smallest advance, share of the contract",
        0.39,
        0.41,
        "DOMAIN 2.1: 40 to 70 % for small and medium firms",
        f"SELECT min(advance_fen / amount_fen) {_ADVANCED}",
    ),
    Target(
        "largest advance, share of the contract",
        0.69,
        0.71,
        "DOMAIN 2.1",
        f"SELECT max(advance_fen / amount_fen) {_ADVANCED}",
    ),
    Target(
        "large firms with an advance, share of contracts",
        0.0,
        0.0,
        "DOMAIN 2.1: the ratio protects small and medium firms",
        """SELECT avg((advance_fen > 0)::INT) FROM contracts JOIN registered USING (supplier_id)
           WHERE size_class = 'LARGE'""",
    ),
    Target(
        "retention, largest share of the contract",
        0.0,
        0.0301,
        "DOMAIN 2.1: at most 3 %",
        "SELECT max(retention_fen / amount_fen) FROM contracts WHERE amount_fen > 100000",
    ),
    Target(
        "signed in November and December, share",
        0.20,
        0.32,
        "issue: year-end budget rush; a sixth without",
        "SELECT avg((month(signed_on) >= 11)::INT) FROM contracts WHERE year(signed_on) < 2026",
    ),
    Target("provinces", 18, 18, "DESIGN 1", "SELECT count(DISTINCT left(region, 2)) FROM buyers"),
    Target("districts with suppliers", 1_380, 1_400, "DESIGN 1: 1,400", "SELECT count(DISTINCT region) FROM suppliers"),
    Target(
        "mountain and island counties with suppliers",
        32,
        32,
        "DOMAIN 2.4: 26 and 6",
        f"SELECT count(DISTINCT region) FROM suppliers WHERE region IN ({_FAR})",
    ),
    Target(
        "events a supplier",
        55,
        140,
        "issue: 60 million for 1.1 million",
        "SELECT (SELECT sum(rows) FROM written) / (SELECT count(DISTINCT supplier_id) FROM suppliers)",
    ),
)


def produced(folder: Path, summary: Summary) -> list[Produced]:
    """Every target beside what the platform in that folder has."""
    with duckdb.connect() as con:
        for name in summary.rows:
            con.execute(f"CREATE VIEW {name} AS FROM {parquet(folder / f'{name}.parquet')}")
        con.execute(
            """CREATE VIEW registered AS
               SELECT DISTINCT ON (supplier_id) supplier_id, size_class, industry FROM suppliers
               ORDER BY supplier_id, effective_on"""
        )
        con.execute("CREATE TABLE written (name VARCHAR, rows BIGINT)")
        con.executemany("INSERT INTO written VALUES (?, ?)", list(summary.rows.items()))
        mean_line = summary.lines_fen // max(summary.lines, 1)
        con.execute("CREATE TABLE lenders AS SELECT ?::BIGINT AS line_fen", [mean_line])
        return [Produced(target, float((con.execute(target.sql).fetchone() or (0,))[0])) for target in TARGETS]


# How long a supplier waits from one day with payments to the next, and how much of its business one buyer has; of
# suppliers with so many that a middle means something.
_GAPS = """SELECT median(gap) AS value FROM (
               SELECT supplier, day - lag(day) OVER (PARTITION BY supplier ORDER BY day) AS gap
               FROM (SELECT DISTINCT supplier, day FROM paid))
           WHERE gap IS NOT NULL GROUP BY supplier HAVING count(*) >= 5"""
_CONCENTRATION = """SELECT sum(share * share) AS value FROM (
                        SELECT supplier, sum(amount) / sum(sum(amount)) OVER (PARTITION BY supplier) AS share,
                               count(*) AS n FROM {rows} WHERE amount > 0 GROUP BY supplier, buyer)
                    GROUP BY supplier HAVING sum(n) >= 5"""
_AMENDED = "SELECT count(amended) AS value FROM signed LEFT JOIN changed USING (contract) GROUP BY contract"


def shapes_of_platform(folder: Path) -> list[Shape]:
    """Gaps, concentration and amendments of a simulated platform."""
    with duckdb.connect() as con:
        files = {name: parquet(folder / f"{name}.parquet") for name in ("payments", "contracts", "amendments")}
        con.execute(
            f"""CREATE VIEW paid AS SELECT supplier_id AS supplier, buyer_id AS buyer, paid_on AS day,
                amount_fen AS amount FROM {files["payments"]}"""
        )
        con.execute(
            f"""CREATE VIEW signed AS SELECT contract_id AS contract, supplier_id AS supplier, buyer_id AS buyer,
                amount_fen AS amount FROM {files["contracts"]}"""
        )
        con.execute(
            f"""CREATE VIEW changed AS SELECT contract_id AS contract, 1 AS amended FROM {files["amendments"]}
                WHERE kind IN ('VALUE', 'DATE')"""
        )
        return [_gaps(con), _concentration(con, "paid"), _concentration(con, "signed"), _amendments(con)]


def shapes_of_phoenix(file: Path) -> list[Shape]:
    """Gaps and concentration of the payments of the City of Phoenix."""
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW paid AS SELECT supplier, buyer, paid_on::DATE AS day, amount FROM {parquet(file)}")
        return [_gaps(con), _concentration(con, "paid")]


def shapes_of_canada(file: Path) -> list[Shape]:
    """Concentration and amendments of the Canadian contracts."""
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW rows AS FROM {parquet(file)}")
        con.execute(
            "CREATE VIEW signed AS SELECT contract, supplier, buyer, value AS amount FROM rows WHERE amendment = '0'"
        )
        con.execute("CREATE VIEW changed AS SELECT contract, 1 AS amended FROM rows WHERE amendment <> '0'")
        return [_concentration(con, "signed"), _amendments(con)]


def _gaps(con: duckdb.DuckDBPyConnection) -> Shape:
    return _shape(con, "days between payments, median of a supplier", _GAPS)


def _concentration(con: duckdb.DuckDBPyConnection, rows: str) -> Shape:
    what = {"paid": "payments", "signed": "contracts"}[rows]
    return _shape(con, f"concentration of {what} on buyers (Herfindahl)", _CONCENTRATION.format(rows=rows))


def _amendments(con: duckdb.DuckDBPyConnection) -> Shape:
    said = "avg((value >= 1)::INT), avg(value), avg((value >= 3)::INT)"
    row = con.execute(f"SELECT {said} FROM ({_AMENDED})").fetchone()
    return Shape("amendments: share amended, mean a contract, share amended thrice or more", *(row or (0, 0, 0)))


def _shape(con: duckdb.DuckDBPyConnection, name: str, query: str) -> Shape:
    row = con.execute(f"SELECT unnest(quantile_cont(value, [0.25, 0.5, 0.75])) FROM ({query})").fetchall()
    return Shape(name, *(float(value) for (value,) in row))
