"""Read a policy file into a pack, and refuse what a credit officer did not mean: the file and the entry are named."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

from credit.domain.errors import PolicyBroken
from credit.domain.limits import COST
from credit.domain.policy.inputs import GIVEN, MAPPED
from credit.domain.policy.supplier_rules import can_be_scored
from credit.domain.policy.terms import REGION, Assumed, Dated, Pack, Parameter, Value
from credit.domain.products import PRODUCTS
from credit.domain.products.contract_loan import STAGES
from credit.domain.products.product import Product
from credit.domain.quality import CHECKS

HEAD = ("name", "title", "version", "product", "target", "tier", "currency")
SINCE = "since"
SECTIONS = ("pack", "parameters", "inputs", "not_applicable", "assumed")
SHARED_SECTIONS = ("parameters",)
REGION_SECTIONS, REGION_HEAD = ("region", "parameters"), ("code", "name")
ENTRY = ("unit", "reference", "values")
LINE = ("from", "value", "region")

# What every decision reads, whatever its product.
ALWAYS = (
    "grade_pd_upper",
    "rounding_step_fen",
    "rate_step_bp",
    "yearly_rate_bp_min",
    "tenor_months",
    "valid_days",
    "cooling_days",
)

SCALE = "grade_pd_upper"
BY_GRADE = (
    SCALE,
    "grade_cap_fen",
    "turnover_share",
    *(f"advance_rate_{stage}" for stage in STAGES),
    "grade_and_weaker_share_max",
)
BY_NAME = (
    "industry_excluded",
    "programme_subsidy_bp",
    "cooling_days",
    "exposure_max_fen",
    "points_above_cut_off_min",
    "rating_pd_upper",
    "waterfall_rank",
    *(check.name for check in CHECKS),
)
ABOVE_ZERO = ("rounding_step_fen", "rate_step_bp", "turns")
IN_WHOLE = ("_fen", "_bp", "_days", "_months", "_bp_min", "_bp_max")
SHARES = ("share ", "probability ")
NEED_READS = (*COST, "growth_ratio_min", "growth_ratio_max", "turns")
ONE_FOR_ALL = ("portfolio_budget_fen", "weak_pd", "weak_share_max", *NEED_READS)
# What follows the region of the contract or the tender, and not that of the supplier.
OF_THE_CONTRACT = ("performance_security_max", "performance_security_works_max", "bid_security_max")


@dataclass(frozen=True, slots=True)
class Region:
    """What differs in one region: its code, its name, and the parameters it has values of its own for."""

    code: str
    name: str
    parameters: Mapping[str, Parameter]


def read_region(content: Mapping[str, Any], *, file: str) -> Region:
    """A region from its parsed file: to add a province is to add one."""
    refuse_unknown(content, REGION_SECTIONS, file)
    head = _table(content, "region", file)
    refuse_unknown(head, REGION_HEAD, f"{file}, [region]")
    code, name = (_text(head.get(each), f"[region] {each}", file) for each in REGION_HEAD)
    if not code.isdigit():
        raise PolicyBroken(f"{file}: [region] code = {code!r} is no region code", hint='such as "33" or "330127"')
    own = read_parameters(content, file=file)
    for parameter in own.values():
        for value in parameter.values:
            if value.region and not value.region.startswith(code):
                raise PolicyBroken(
                    f"{file}: parameter {parameter.name!r} has a value for {value.region}, which is not in {code}",
                    hint="leave region out, or name a city or county of the region",
                )
    placed = {
        each.name: replace(each, values=tuple(replace(v, region=v.region or code) for v in each.values))
        for each in own.values()
    }
    return Region(code, name, placed)


def _with_regions(parameters: Mapping[str, Parameter], regions: Collection[Region], file: str) -> dict[str, Parameter]:
    """The parameters with what the regions say of those that the pack has."""
    whole = dict(parameters)
    for region in regions:
        for name, theirs in region.parameters.items():
            if name not in whole:
                continue
            ours = whole[name]
            if theirs.unit != ours.unit:
                raise PolicyBroken(
                    f"{file}: {name!r} is in {ours.unit!r}, and in {region.name} in {theirs.unit!r}",
                    hint="write both in one unit",
                )
            reference = f"{ours.reference}; {region.name}: {theirs.reference}"
            whole[name] = replace(ours, reference=reference, values=(*ours.values, *theirs.values))
            if len({(v.since, v.region) for v in whole[name].values}) != len(whole[name].values):
                raise PolicyBroken(
                    f"{file}: {name!r} has two values for one day and region",
                    hint=f"one is in the file of {region.name}",
                )
    return whole


def read_pack(
    content: Mapping[str, Any], *, shared: Mapping[str, Any], file: str, regions: Collection[Region] = ()
) -> Pack:
    """A pack from its parsed file, the parameters that all packs share and the regions, checked against its product."""
    refuse_unknown(content, SECTIONS, file)
    refuse_unknown(shared, SHARED_SECTIONS, "the shared parameters")
    head, since = _head(content, file)
    product = _product(head["product"], file)
    own = read_parameters(content, file=file)
    common = read_parameters(shared, file="the shared parameters")
    waived = _table(content, "not_applicable", file)
    not_applicable = {code: _text(why, f"not_applicable {code!r}", file) for code, why in waived.items()}
    inputs = {n: _text(source, f"input {n!r}", file) for n, source in _table(content, "inputs", file).items()}
    assumed = {name: _assumed(name, entry, file) for name, entry in _table(content, "assumed", file).items()}
    whole = _with_regions({**common, **own}, regions, file)
    pack = Pack(**head, since=since, parameters=whole, not_applicable=not_applicable, inputs=inputs, assumed=assumed)
    _check_rules(pack, product, file)
    _check_inputs(pack, product, file)
    _check_parameters(pack, product, own, file)
    return pack


def read_parameters(content: Mapping[str, Any], *, file: str) -> dict[str, Parameter]:
    """The dated parameters of a parsed file, by name. Raises PolicyBroken naming the entry."""
    return {name: _parameter(name, entry, file) for name, entry in _table(content, "parameters", file).items()}


# -- each entry by itself


def _head(content: Mapping[str, Any], file: str) -> tuple[dict[str, str], date]:
    head = _table(content, "pack", file)
    refuse_unknown(head, (*HEAD, SINCE), f"{file}, [pack]")
    texts = {name: _text(head.get(name), f"[pack] {name}", file) for name in HEAD}
    since = head.get(SINCE)
    if type(since) is not date:
        raise PolicyBroken(f"{file}: [pack] {SINCE} is missing or no date", hint="from when the product is offered")
    return texts, since


def _table(content: Mapping[str, Any], name: str, file: str) -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise PolicyBroken(f"{file}: {name!r} is no table", hint=f"write it as [{name}]")
    return table


def refuse_unknown(table: Mapping[str, Any], names: Collection[str], where: str) -> None:
    """Raise PolicyBroken, with the choices, for an entry that is none of these."""
    for name in table:
        if name not in names:
            raise PolicyBroken(f"{where}: unknown entry {name!r}", hint="choose from " + ", ".join(names))


def _text(value: Any, entry: str, file: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PolicyBroken(f"{file}: {entry} is missing or no text", hint="compare with the packs that ship")
    return value


def _assumed(name: str, entry: Any, file: str) -> Assumed:
    where = f"{file}: assumed {name!r}"
    if not isinstance(entry, dict) or set(entry) != {"value", "why"}:
        raise PolicyBroken(f"{where} is not a value and a why", hint='{ value = 0, why = "…" }')
    if not _is_number(entry["value"]):
        raise PolicyBroken(f"{where} is no number", hint="an amount in fen, a count or a share")
    return Assumed(entry["value"], _text(entry["why"], f"the why of assumed {name!r}", file))


def _parameter(name: str, entry: Any, file: str) -> Parameter:
    where = f"{file}: parameter {name!r}"
    if not isinstance(entry, dict):
        raise PolicyBroken(f"{where} is no table", hint=f"write it as [parameters.{name}]")
    refuse_unknown(entry, ENTRY, where)
    for needed in ENTRY:
        if not entry.get(needed):
            raise PolicyBroken(f"{where} has no {needed}", hint="every number has a unit, a source and a date")
    unit = _text(entry["unit"], f"the unit of parameter {name!r}", file)
    reference = _text(entry["reference"], f"the reference of parameter {name!r}", file)
    if not isinstance(entry["values"], list):
        raise PolicyBroken(f"{where} has no list of values", hint="values = [{ from = 2026-01-01, value = … }]")
    values = tuple(_dated(name, unit, line, where) for line in entry["values"])
    if len({(v.since, v.region) for v in values}) != len(values):
        raise PolicyBroken(f"{where} has two values for one day and region", hint="keep one of them")
    return Parameter(name, unit, reference, values)


def _dated(name: str, unit: str, line: Any, where: str) -> Dated:
    if not isinstance(line, dict):
        raise PolicyBroken(f"{where} has a line that is no table", hint="{ from = 2026-01-01, value = … }")
    refuse_unknown(line, LINE, where)
    for needed in ("from", "value"):
        if needed not in line:
            raise PolicyBroken(f"{where} has a line without {needed!r}", hint="{ from = 2026-01-01, value = … }")
    since, region = line["from"], line.get("region", "")
    # A TOML date-time is a `date` to Python and cannot be compared with one.
    if type(since) is not date:
        raise PolicyBroken(f"{where}: from = {since!r} is no date", hint="write it as 2026-01-01, without quotes")
    if not isinstance(region, str) or (region and not region.isdigit()):
        raise PolicyBroken(f"{where}: region = {region!r} is no region code", hint='such as "33" or "330127"')
    return Dated(since, checked_value(name, unit, line["value"], where), region)


def checked_value(name: str, unit: str, value: Any, where: str) -> Value:
    """A value that a parameter of this name and unit can have. Raises PolicyBroken naming the entry."""
    if isinstance(value, dict) != (name in (*BY_GRADE, *BY_NAME)):
        kind = "a table" if name in (*BY_GRADE, *BY_NAME) else "one number"
        raise PolicyBroken(f"{where}: {value!r} is not {kind}", hint="compare with the packs that ship")
    for number in value.values() if isinstance(value, dict) else (value,):
        _check_number(name, unit, number, where)
    checked: Value = value
    return checked


def _check_number(name: str, unit: str, number: Any, where: str) -> None:
    if not _is_number(number) or number < 0:
        raise PolicyBroken(f"{where}: {number!r} is no number from zero up", hint="a number without quotes")
    if name.endswith(IN_WHOLE) and not isinstance(number, int):
        raise PolicyBroken(f"{where}: {number!r} is no whole number", hint="amounts are fen, rates basis points")
    if unit.startswith(SHARES) and number > 1:
        raise PolicyBroken(f"{where}: {number!r} is more than the whole", hint="a share is a fraction: 0.33, not 33")
    if name in ABOVE_ZERO and number == 0:
        raise PolicyBroken(f"{where}: nothing can be divided by zero", hint="a number above zero")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# -- the whole against its product


def _product(name: str, file: str) -> Product:
    for each in PRODUCTS:
        if each.name == name:
            return each
    raise PolicyBroken(
        f"{file}: there is no product {name!r}", hint="choose from " + ", ".join(each.name for each in PRODUCTS)
    )


def _check_rules(pack: Pack, product: Product, file: str) -> None:
    codes = [rule.code for rule in product.rules] + [term.code for term in product.limits]
    for code in pack.not_applicable:
        if code not in codes:
            raise PolicyBroken(
                f"{file}: not_applicable names {code!r}, which is no rule or limit of {product.name}",
                hint="choose from " + ", ".join(codes),
            )
    if can_be_scored.code in pack.not_applicable:
        raise PolicyBroken(
            f"{file}: not_applicable names {can_be_scored.code!r}",
            hint="rules that need a score are not asked of a supplier without one, so this one always has to be",
        )


def _check_inputs(pack: Pack, product: Product, file: str) -> None:
    readable = [each.name for each in (*MAPPED, *GIVEN)]
    for name in (*pack.inputs, *pack.assumed):
        if name not in readable:
            raise PolicyBroken(f"{file}: {name!r} is no input", hint="choose from " + ", ".join(readable))
        # What differs by region is read of any product.
        if name not in (REGION, *product.inputs()):
            raise PolicyBroken(f"{file}: no rule or limit of {product.name} reads input {name!r}", hint="remove it")
    for name in pack.assumed:
        if name in pack.inputs:
            raise PolicyBroken(f"{file}: input {name!r} is both mapped and assumed", hint="keep one of them")
    for name in product.inputs(but=pack.not_applicable):
        if name not in pack.inputs and name not in pack.assumed and name in {each.name for each in MAPPED}:
            raise PolicyBroken(
                f"{file}: {product.name} reads input {name!r}, which [inputs] does not map",
                hint="map it to a feature or a fact, or say under [not_applicable] why its rule is not asked",
            )


def _check_parameters(pack: Pack, product: Product, own: Collection[str], file: str) -> None:
    read = {*ALWAYS, *product.parameters()}
    for name in own:
        if name not in read:
            raise PolicyBroken(f"{file}: no rule, limit or price of {product.name} reads {name!r}", hint="remove it")
    for name in (*ALWAYS, *product.parameters(but=pack.not_applicable)):
        if name not in pack.parameters:
            raise PolicyBroken(f"{file}: parameter {name!r} is missing", hint=f"add [parameters.{name}]")
        if pack.parameters[name].known_on(pack.since) is None:
            raise PolicyBroken(
                f"{file}: parameter {name!r} has no value on {pack.since}, when the product begins",
                hint="add a dated line for everywhere that begins by then",
            )
    _check_regional(pack, product, file)
    _check_bounds(pack, file)
    _check_grades(pack, file)


def _check_regional(pack: Pack, product: Product, file: str) -> None:
    """What is read as one number, or as one table, has one value for everybody."""
    one = {*ALWAYS, *BY_GRADE, *BY_NAME, *ONE_FOR_ALL, *product.requires}
    for name, parameter in pack.parameters.items():
        if not parameter.is_regional or name not in product.parameters(but=pack.not_applicable):
            continue
        if name in one:
            raise PolicyBroken(f"{file}: {name!r} cannot differ by region", hint="one value holds for everybody")
        own_region = name in OF_THE_CONTRACT
        if not own_region and REGION not in pack.inputs:
            raise PolicyBroken(
                f"{file}: {name!r} differs by region, and [inputs] does not map 'region'", hint='region = "region"'
            )


def _check_bounds(pack: Pack, file: str) -> None:
    """A least and a most of the same thing leave something between them, on every day."""
    for name, most in pack.parameters.items():
        least = pack.parameters.get(name.removesuffix("_max") + "_min") if name.endswith("_max") else None
        if least is None:
            continue
        for day in sorted({v.since for v in (*least.values, *most.values) if v.since >= pack.since} | {pack.since}):
            low, high = least.known_on(day), most.known_on(day)
            if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
                raise PolicyBroken(
                    f"{file}: on {day} {least.name!r} is above {name!r}, and nothing lies between", hint="swap them"
                )


def _check_grades(pack: Pack, file: str) -> None:
    for line in pack.parameters[SCALE].values:
        bounds = list(line.value.values()) if isinstance(line.value, dict) else []
        if any(a >= b for a, b in pairwise(bounds)) or bounds[-1:] != [1.0]:
            raise PolicyBroken(f"{file}: the bounds of {SCALE!r} do not rise to 1", hint="from the best grade down")
    grades = [list(line.value) for line in pack.parameters[SCALE].values if isinstance(line.value, dict)]
    for name in BY_GRADE[1:]:
        for line in pack.parameters[name].values if name in pack.parameters else ():
            values = line.value if isinstance(line.value, dict) else {}
            if list(values) not in grades:
                raise PolicyBroken(f"{file}: {name!r} does not name every grade in order", hint=", ".join(grades[-1]))
            if any(a < b for a, b in pairwise(values.values())):
                raise PolicyBroken(f"{file}: {name!r} gives a weaker grade more", hint="from the best grade down")
