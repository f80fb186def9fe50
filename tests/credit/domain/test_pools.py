"""Pools: who draws on which together, and that what others have of one is not there any more."""

from __future__ import annotations

from credit.domain.policy.inputs import as_read
from credit.domain.products import product_named


def pools_of(pack):
    return product_named(pack.product).applying(pack.not_applicable)[1]


def test_two_like_applicants_draw_on_the_same_pools_and_one_without_the_key_on_none(pack, packs, frame, policy):
    terms, found = packs[pack].terms(policy[pack]["as_of"]), pools_of(packs[pack])
    weak = float(terms["weak_pd"]) if "weak_pd" in packs[pack].parameters else 0.5
    nothing = dict.fromkeys(("group_id", "district", "buyer_id", "category"))
    known = {name: value for name, value in nothing.items() if name in policy[pack]["applicant"]}
    cases = as_read(frame(pack, {"pd": weak * 1.1}, {"pd": weak * 1.1}, {"pd": weak / 2, **known}), ())
    for pool in found:
        one, other, third = pool.key(cases, terms).tolist()
        assert one == other and one is not None
        assert third == one if pool.name == "portfolio" else third is None or third != third  # noqa: PLR0124 - NaN


def test_what_others_have_of_a_pool_is_not_there_any_more(pack, packs, frame, policy):
    terms = packs[pack].terms(policy[pack]["as_of"])
    for pool in pools_of(packs[pack]):
        cases = as_read(frame(pack, {pool.exposure: 0}, {pool.exposure: 1_234_567}), ())
        free, drawn = pool.term.fen(cases, terms).tolist()
        assert free - drawn == 1_234_567
