"""A band for what nobody saw: it says how far the answer depends on what is supposed."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models import reject_inference
from models.reject_inference import parcel_rates, refused
from models.targets import Lessons


@pytest.fixture(scope="module")
def asked(request):
    """Applicants of whom a lender financed the larger ones; risk falls with size, and the model knows it."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"size": rng.normal(0, 1, 6_000), "other": rng.normal(0, 1, 6_000)})
    chance = 1 / (1 + np.exp(2 + 1.2 * frame["size"]))
    happened = pd.Series((rng.random(6_000) < chance).astype(int))
    was = rng.random(6_000) < 1 / (1 + np.exp(-2 * frame["size"]))
    return frame, happened, chance, was


@pytest.fixture(scope="module")
def band(asked):
    frame, happened, chance, was = asked
    labels = happened[was].reset_index(drop=True)
    firms = pd.Series(np.arange(len(labels)))
    scorer = SimpleNamespace(probabilities=lambda rows: chance[rows.index].to_numpy())
    model = SimpleNamespace(out_of_fold_=chance[was].to_numpy(), scorer_=scorer)
    rows = Lessons(pd.DataFrame(index=labels.index), labels, firms, firms, True)
    terms = {"parcel_factor_low": 1.0, "parcel_factor_high": 2.0}
    return reject_inference.band(model, frame[was].reset_index(drop=True), rows, frame[~was], weight=1.0, terms=terms)


def test_the_truth_about_all_applicants_lies_within_the_band(asked, band):
    _, happened, _, was = asked
    for name in ("parcelling", "reweighting"):
        low, high = band[name]["bad_rate_of_all"]["low"], band[name]["bad_rate_of_all"]["high"]
        assert low <= happened.mean() <= high
    refused_ = band["parcelling"]["bad_rate_of_refused"]
    assert refused_["low"] <= happened[~was].mean() <= refused_["high"]


def test_the_financed_alone_would_have_said_too_little(asked, band):
    assert band["bad_rate_of_financed"] < band["parcelling"]["bad_rate_of_all"]["low"]


def test_those_the_model_would_approve_are_better_than_those_who_were_financed(band):
    assert band["parcelling"]["bad_rate_of_approved"]["high"] < band["bad_rate_of_financed"]


def test_a_refused_applicant_is_never_supposed_to_be_worse_than_certain():
    financed, labels = np.linspace(0, 1, 100), np.ones(100)
    assert parcel_rates(financed, labels, np.array([0.2, 2.0]), 5.0).tolist() == [1.0, 1.0]


def test_a_refused_application_is_observed_on_the_evening_before_it(ledger, import_rows):
    asked_ = [{"application_id": "Q1", "answer": "REFUSED", "recorded_at": "2025-02-10"}, {"application_id": "Q2"}]
    import_rows(ledger, suppliers=[{}], applications=asked_)
    found = refused(ledger, tier="platform", as_of=date(2025, 12, 31))
    assert found["as_of"].tolist() == [date(2025, 2, 9)] and found["weight"].tolist() == [1.0]
    assert refused(ledger, tier="invoice", as_of=date(2025, 12, 31)).empty
