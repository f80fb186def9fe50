"""VAT invoices: one to the buyer for every acceptance, one from upstream for every purchase of material."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from data.simulator.arrays import NEVER, Floats, Ints, days_between, pick, to_fen
from data.simulator.ids import numbered
from data.simulator.population import MICRO
from data.simulator.settings import CATEGORIES, VAT_RATES, VAT_SMALL_SCALE
from data.simulator.sheets import Sheet, sheet, stacked
from data.simulator.world import World

_ISSUED_AFTER_DAYS = (0, 5)
_VOIDED_SHARE = 0.01  # of issued invoices had a twin that was voided the day it was written
_REVERSED_SHARE = 0.004  # were reversed in red and written anew
_REVERSED_AFTER_DAYS = (2, 25)
_UPSTREAM_FIRMS_A_SUPPLIER = 2
_VENDOR_SHARES = (0.40, 0.22, 0.15, 0.11, 0.08, 0.04)  # of a firm's purchases, largest vendor first; ours


def invoices(world: World) -> Sheet:
    """All invoices of all suppliers."""
    return stacked([*_issued(world), _received(world)])


def _issued(world: World) -> list[Sheet]:
    """Invoices to buyers; a few voided, a few reversed by a negative one and written anew."""
    plan, work = world.contracts, world.deliveries
    rng = world.settings.generator("issued invoices")
    which = np.flatnonzero((work.accepted_on != NEVER) & (work.accepted > 0))
    contract = work.contract[which]
    firm = plan.firm[contract]
    total = work.accepted[which]
    net = _net(total, _rates(world, firm, plan.category[contract]))
    on = work.accepted_on[which] + days_between(rng, _ISSUED_AFTER_DAYS, which.size)
    valid = sheet(
        "invoices",
        supplier_id=world.ids.suppliers(firm),
        direction="ISSUED",
        invoice_no=_numbers(rng, which.size),
        issued_on=on,
        counterparty_id=world.ids.buyers(plan.buyer[contract]),
        contract_id=world.ids.contracts(contract),
        net_fen=net,
        tax_fen=total - net,
        total_fen=total,
        status=np.full(which.size, "VALID"),
    )
    return [valid, _voided(rng, valid), *_reversed(rng, valid)]


def _voided(rng: np.random.Generator, valid: Sheet) -> Sheet:
    """Twins with another number that were voided at once."""
    twin = valid.taken(np.flatnonzero(rng.random(valid.size) < _VOIDED_SHARE))
    return sheet(
        "invoices",
        **{
            **twin.columns,
            "invoice_no": _numbers(rng, twin.size),
            "status": np.full(twin.size, "VOIDED"),
        },
    )


def _reversed(rng: np.random.Generator, valid: Sheet) -> list[Sheet]:
    """A red-letter reversal and the invoice that takes its place."""
    wrong = valid.taken(np.flatnonzero(rng.random(valid.size) < _REVERSED_SHARE))
    on = wrong.columns["issued_on"] + days_between(rng, _REVERSED_AFTER_DAYS, wrong.size)
    return [
        sheet(
            "invoices",
            **{
                **wrong.columns,
                "invoice_no": _numbers(rng, wrong.size),
                "issued_on": on,
                **{name: sign * wrong.columns[name] for name in ("net_fen", "tax_fen", "total_fen")},
            },
        )
        for sign in (-1, 1)
    ]


def _received(world: World) -> Sheet:
    """Invoices from upstream for the material of each delivery."""
    plan, work = world.contracts, world.deliveries
    rng = world.settings.generator("received invoices")
    which = np.flatnonzero((work.started_on != NEVER) & (work.material > 0))
    firm = plan.firm[work.contract[which]]
    total = work.material[which]
    net = _net(total, np.full(which.size, VAT_RATES["GOODS"]))
    upstream = _vendors(rng, world, firm)
    return sheet(
        "invoices",
        supplier_id=world.ids.suppliers(firm),
        direction="RECEIVED",
        invoice_no=_numbers(rng, which.size),
        issued_on=work.started_on[which],
        counterparty_id=numbered("U", upstream + 1, 7),
        contract_id=None,
        net_fen=net,
        tax_fen=total - net,
        total_fen=total,
        status=np.full(which.size, "VALID"),
    )


def _vendors(rng: np.random.Generator, world: World, firm: Ints) -> Ints:
    """Where the material came from: one of the firm's few vendors, most often the first."""
    vendors = rng.integers(0, _UPSTREAM_FIRMS_A_SUPPLIER * world.firms.count, (world.firms.count, len(_VENDOR_SHARES)))
    return vendors[firm, pick(rng, _VENDOR_SHARES, firm.size)]


def _rates(world: World, firm: Ints, category: Ints) -> Floats:
    """VAT by category; micro firms invoice as small-scale taxpayers."""
    rate = np.array([VAT_RATES[name] for name in CATEGORIES])[category]
    return np.where(world.firms.size_class[firm] == MICRO, VAT_SMALL_SCALE, rate)


def _net(total: Ints, rate: Floats) -> Ints:
    """The amount without tax; tax is what is left, so both add up to the total."""
    return to_fen(total / (1 + rate))


def _numbers(rng: np.random.Generator, size: int) -> pa.Array:
    """Eight digits, now and then the same twice, as on real invoices."""
    return numbered("", rng.integers(0, 10**8, size), 8)
