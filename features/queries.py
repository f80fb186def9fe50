"""The queries that the features are: one a source, one that joins them, one that derives features from features.

Every engine runs these. They read the views that the ledger's door opens, by the names of the tables.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from data.schema import RECORD_ID, SUPPLIER, TABLES, Table, table
from features.catalogue import CATALOGUE
from features.feature import DERIVED, Feature
from features.sources import RELATIONS, Source, months_back, source_named

# What feeds a model is rounded to nine significant digits: parallel sums of floats differ in the last ones, and a
# replay has to come out the same to the byte.
SIGNIFICANT_DIGITS = 9
# Less than this is what interpolating between whole days leaves of nothing; no feature has a meaning that small.
TINY = 1e-9
# From which days are counted where a date has to be a number.
EPOCH = "DATE '1970-01-01'"


def needed_for(chosen: Collection[str]) -> tuple[Feature, ...]:
    """The features of these names, and those that they are derived from, in the order of the catalogue."""
    words = {word for f in CATALOGUE if f.name in chosen and f.source == DERIVED for word in re.findall(r"\w+", f.sql)}
    return tuple(f for f in CATALOGUE if f.name in chosen or f.name in words)


def base_features(features: Sequence[Feature] = CATALOGUE) -> list[tuple[Source, list[Feature]]]:
    """The base features among these grouped by source, in their order."""
    groups: dict[str, list[Feature]] = {}
    for feature in features:
        if feature.source != DERIVED:
            groups.setdefault(feature.source, []).append(feature)
    return [(source_named(name), grouped) for name, grouped in groups.items()]


def source_query(source: Source, features: list[Feature]) -> str:
    """All features of one source as one query, one row a case that has any event."""
    columns = _listed(f"{feature.aggregate} AS {feature.name}" for feature in features)
    dated = "\nJOIN windows USING (as_of)" if any("since_" in feature.aggregate for feature in features) else ""
    return f"SELECT case_id,\n       {columns}\nFROM ({source.sql}) AS {source.name}_rows{dated}\nGROUP BY case_id"


def feature_query(feature: Feature) -> str:
    """The query of one feature alone: its source's, or the expression over other features that it is."""
    if feature.source == DERIVED:
        return feature.sql
    return source_query(source_named(feature.source), [feature])


def source_queries(fed: Collection[str], features: Sequence[Feature] = CATALOGUE) -> dict[str, str]:
    """The query of each relation that the features are joined from: what several read, and one a source that is fed."""
    sources = {f"of_{s.name}": source_query(s, grouped) for s, grouped in base_features(features) if s.feeds in fed}
    said = " ".join(sources.values())
    shared = {name: sql for name, sql in RELATIONS.items() if re.search(rf"\b(FROM|JOIN) {name}\b", said)}
    return {**shared, **sources}


def base_query(fed: Collection[str], features: Sequence[Feature] = CATALOGUE) -> str:
    """The query that joins what the sources say: a row a case, a column a base feature, a date where it is an age."""
    groups = base_features(features)
    base = _listed(
        f"{_typed(f) if source.feeds in fed else f'CAST(NULL AS {_kind(f)})'} AS {f.name}"
        for source, grouped in groups
        for f in grouped
    )
    joins = "\n".join(
        f"LEFT JOIN of_{source.name} ON of_{source.name}.case_id = cases.case_id"
        for source, _ in groups
        if source.feeds in fed
    )
    return f"SELECT cases.case_id, cases.as_of,\n       {base}\nFROM cases\n{joins}"


def final_query(base: str) -> str:
    """The query of all features from base ones: ages counted, derived ones computed."""
    columns = _listed(f"{_from_base(f)} AS {f.name}" for f in CATALOGUE)
    return f"SELECT case_id,\n       {columns}\nFROM {base}"


def rounded_query(final: str) -> str:
    """The query that rounds all features, as what feeds a model is."""
    columns = _listed(f"{f.name if is_short(f) else significant_sql(f.name)} AS {f.name}" for f in CATALOGUE)
    return f"SELECT case_id,\n       {columns}\nFROM {final}"


def is_short(feature: Feature) -> bool:
    """Whether a feature has few digits as it is: ages and counts."""
    return feature.age is not None or feature.sql.startswith("count(")


def settled_query(source: str, features: Iterable[Feature]) -> str:
    """The query of a source's features as numbers, with the days from EPOCH to the date that an age is counted from."""
    columns = _listed(f"{_typed(f)}{f' - {EPOCH}' if f.age else ''} AS {f.name}" for f in features)
    return f"SELECT case_id,\n       {columns}\nFROM ({source}) AS found"


def derived_query(features: Iterable[Feature], base: str) -> str:
    """The query of derived features alone, a row a row of the base ones."""
    return f"SELECT {_listed(f'{_from_base(f)} AS {f.name}' for f in features)}\nFROM {base}"


def ages_query(features: Iterable[Feature], settled: str) -> str:
    """The query of ages, from the days from EPOCH to their dates and to `as_of`."""
    features = list(features)
    dates = _listed(f"{EPOCH} + CAST({name} AS INTEGER) AS {name}" for name in (*(f.name for f in features), "as_of"))
    ages = _listed(f"{age_sql(f)} AS {f.name}" for f in features)
    return f"SELECT {ages}\nFROM (SELECT {dates} FROM {settled}) AS dated"


def _listed(columns: Iterable[str]) -> str:
    return ",\n       ".join(columns)


def _kind(feature: Feature) -> str:
    return "DOUBLE" if feature.age is None else "DATE"


def _typed(feature: Feature) -> str:
    value = feature.name if feature.none is None else f"coalesce({feature.name}, {feature.none})"
    return f"CAST({value} AS {_kind(feature)})"


def _from_base(feature: Feature) -> str:
    if feature.source == DERIVED:
        return f"CAST({feature.sql} AS DOUBLE)"
    return feature.name if feature.age is None else age_sql(feature)


def age_sql(feature: Feature) -> str:
    """The SQL that counts an age from its date."""
    counted = f"date_diff('day', {feature.name}, as_of)" if feature.age == "days" else months_back(feature.name)
    return f"CAST({counted} AS DOUBLE)"


def significant_sql(value: str, digits: int = SIGNIFICANT_DIGITS) -> str:
    """The same in SQL, for engines that hand over the features themselves."""
    beyond = f"floor(log10(abs({value}))) - {digits - 1}"
    up, down = f"power(10.0, greatest({beyond}, 0))", f"power(10.0, greatest(-({beyond}), 0))"
    return (
        f"CASE WHEN abs({value}) < {TINY} THEN 0"
        f" WHEN {value} = floor({value}) AND abs({value}) < 1e{digits} THEN {value}"
        f" ELSE sign({value}) * floor(abs({value}) / {up} * {down} + 0.5) * {up} / {down} END"
    )


def tables_read(features: Sequence[Feature]) -> tuple[Table, ...]:
    """The tables that the sources of these features read."""
    read = {name for source, _ in base_features(features) for name in source.tables}
    return tuple(table for table in TABLES if table.name in read)


def columns_read() -> dict[str, list[str]]:
    """The columns of each table that the sources read; one more than is needed does no harm."""
    said = {s.name: " ".join([s.sql, *(f.aggregate for f in features)]) for s, features in base_features()}
    words = {name: set(re.findall(r"\w+", f"{text} {' '.join(RELATIONS.values())}")) for name, text in said.items()}
    read: dict[str, set[str]] = {}
    for source, _ in base_features():
        for name in source.tables:
            read.setdefault(name, set()).update(words[source.name])
    return {
        name: [c for c in (*table(name).names, RECORD_ID.name) if c in found and c != SUPPLIER.name]
        for name, found in read.items()
    }
