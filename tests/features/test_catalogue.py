"""What every entry of the catalogue must say."""

from __future__ import annotations

import re

import pytest

from credit.domain.reasons import DRIVERS
from data.schema import TABLES
from features.catalogue import CATALOGUE, catalogue_hash, feature_named, names
from features.feature import DERIVED, Feature
from features.sources import SOURCES, source_named

UNITS = {
    *("fen", "share", "index", "ratio", "days", "months", "points"),
    *("invoices", "customers", "vendors", "contracts", "kinds", "buyers", "deliveries", "accounts"),
    *("draws", "applications", "guarantees", "disputes", "entries", "lists", "lenders", "ties", "class", "flag"),
    *("difference", "counties", "awards", "changes", "payments", "receivables", "acceptances"),
}
# Words of SQL that an expression over features may hold.
SQL_WORDS = {"nullif", "greatest"}
# What names somebody or something. A model that read it would learn the list, not the risk.
IDENTIFYING = {column.name for table in TABLES for column in table.columns if column.name.endswith("_id")} | {
    *("invoice_no", "uscc", "name", "region", "party", "record_id"),
}

every_feature = pytest.mark.parametrize("feature", CATALOGUE, ids=names())


def words(sql: str) -> set[str]:
    return set(re.findall(r"[a-z_][a-z0-9_]*", re.sub(r"'[^']*'", "", sql)))


def test_there_are_at_least_150_features_of_60_definitions() -> None:
    assert len(CATALOGUE) >= 150
    assert len({re.sub(r"_\d+m$", "", feature.name) for feature in CATALOGUE}) >= 60


def test_no_two_features_have_the_same_name() -> None:
    assert len(set(names())) == len(names())


def test_no_two_sources_have_the_same_name() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)


def test_every_source_is_fed_by_a_table_that_features_may_read() -> None:
    readable = {table.name for table in TABLES if not (table.label or table.personal)}
    assert {source.feeds for source in SOURCES} <= readable


def test_no_source_is_there_without_a_feature() -> None:
    assert {source.name for source in SOURCES} == {f.source for f in CATALOGUE} - {DERIVED}


@every_feature
def test_a_feature_speaks_for_a_reason_that_is_written_down(feature: Feature) -> None:
    assert feature.reason in {reason.code for reason in DRIVERS}


@every_feature
def test_a_feature_has_a_sentence_and_says_what_missing_means(feature: Feature) -> None:
    assert feature.meaning.endswith(".")
    assert len(feature.missing.split()) >= 3 or feature.missing == "never"
    assert "{" not in feature.meaning


@every_feature
def test_a_feature_has_a_unit_that_is_known(feature: Feature) -> None:
    assert feature.unit in UNITS


@every_feature
def test_a_feature_reads_a_source_that_exists(feature: Feature) -> None:
    assert feature.source == DERIVED or source_named(feature.source)


@every_feature
def test_a_window_says_which_date_it_is_about(feature: Feature) -> None:
    assert (feature.months is None) or (feature.on is not None)


@every_feature
def test_the_name_of_a_feature_says_its_window(feature: Feature) -> None:
    if feature.months is not None:
        assert feature.name.endswith(f"_{feature.months}m")


@every_feature
def test_a_feature_is_never_about_who_somebody_is(feature: Feature) -> None:
    assert not words(f"{feature.sql} {feature.where or ''}") & IDENTIFYING


def test_only_the_buyers_rating_of_a_delivery_is_a_rating() -> None:
    rated = {table.name for table in TABLES for column in table.columns if "rating" in column.name}
    assert rated == {"acceptances"}


@pytest.mark.parametrize("feature", [f for f in CATALOGUE if f.source == DERIVED], ids=lambda f: f.name)
def test_a_derived_feature_is_made_of_base_features_alone(feature: Feature) -> None:
    base = {f.name for f in CATALOGUE if f.source != DERIVED}
    assert words(feature.sql) - SQL_WORDS <= base
    assert feature.months is None
    assert feature.none is None


def test_a_feature_is_found_by_its_name() -> None:
    assert feature_named("sales_last_days").unit == "days"


def test_a_feature_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(KeyError):
        feature_named("company_number")


def test_the_hash_of_the_catalogue_is_the_same_each_time() -> None:
    assert catalogue_hash() == catalogue_hash()
    assert re.fullmatch(r"[0-9a-f]{64}", catalogue_hash())
