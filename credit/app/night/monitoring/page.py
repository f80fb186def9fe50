"""The monitoring report as a page that needs nothing else: the numbers of the document, as plots and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from credit.app.night.monitoring.firms import FEW, PARTS
from credit.domain.amounts import yuan
from models import html
from models.plots import Series, plot

Rows = Sequence[Mapping[str, Any]]
BY = {"district": "By district 区县", "industry": "By industry 行业", "group": "By group of firms 关联企业"}
NOTHING = '<p class="quiet">Nothing 无.</p>'


def page(document: Mapping[str, Any]) -> str:
    """The report of a night as one HTML file, on a screen or on A4."""
    title = f"Monitoring of the night of {document['as_of']}"
    parts = [f"<h1>{escape(title)} 监测报告</h1>", _head(document)]
    for tier, each in document["tiers"].items():
        of = f" – {tier}" if len(document["tiers"]) > 1 else ""
        parts += [
            _population(of, each["population"]),
            _drift(of, each["drift"]),
            _scores(of, each["scores"], each["population"]),
            _inclusion(of, each["inclusion"]),
            _concentration(of, each["concentration"], each["caps"]),
        ]
    parts += [
        _calibration(document["calibration"]),
        _vintages(document["vintages"]),
        _rolls(document["rolls"]),
        _overrides(document["overrides"]),
        _alerts(document["alerts"]),
        _book(document["book"]),
        _quality(document["quality"]),
        _section("Bank files 银行文件", _table(_banks(document["banks"]))),
    ]
    if "run_times" in document:
        parts.append(_run_times(document["run_times"]))
    return html.document(title, parts)


def _head(document: Mapping[str, Any]) -> str:
    facts = {
        "Night": f"{document['as_of']}, {document['nights']} nights sealed or being sealed",
        "Models": ", ".join(f"{each['name']} version {each['version']}" for each in document["models"].values()),
        "Ledger": f"version {document['ledger_version']}, as known on {document['as_of']}",
        "Book": f"as it was at the end of {document['as_of']}",
    }
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts.items())
    return (
        f"<table>{rows}</table>"
        '<p class="quiet">About groups, never about a firm. Amounts in yuan, shares as fractions, rates in basis '
        "points a year.</p>"
    )


# -- a kind of data ----------------------------------------------------------------------------------------------------


def _population(of: str, nights: Rows) -> str:
    codes = sorted({code for night in nights for code in night["unscorable"]})
    rows = [
        {
            **{name: night[name] for name in ("night", "model", "suppliers", "scored")},
            **{code: night["unscorable"].get(code, 0) for code in codes},
            **{outcome.lower(): count for outcome, count in night["outcomes"].items()},
            "granted_fen": night["granted_fen"],
        }
        for night in nights
    ]
    drawn = _over_nights(nights, [(night["suppliers"], night["scored"]) for night in nights], "suppliers, scored")
    return _section(f"Population 客群{of}", drawn, _table(rows))


def _over_nights(nights: Rows, values: Sequence[Sequence[float | None]], y: str) -> str:
    """A line for each value by night; the second and later ones are faint."""
    series = []
    for number in range(len(values[0])):
        points = [(float(place), float(each[number] or 0)) for place, each in enumerate(values)]
        series.append(Series(y, points, line=len(points) > 1, faint=number > 0))
    return plot(series, x="night", y=y, names=[night["night"][5:] for night in nights])


def _drift(of: str, drift: Mapping[str, Any]) -> str:
    said = (
        f"<p>Against the model's first night, {escape(drift['since'])}, {drift['above_warn']} of {drift['features']} "
        f"features have a stability index of {html.figure(drift['warn'])} or more, {drift['above_stop']} one of "
        f"{html.figure(drift['stop'])} or more.</p>"
    )
    moved, missing = _table(drift["moved"]), _table(drift["missing"])
    return _section(
        f"Feature drift 特征漂移{of}",
        said,
        "<h3>Moved most 变动最大</h3>",
        moved,
        "<h3>Missing more often 缺失率上升</h3>",
        missing,
    )


def _scores(of: str, scores: Mapping[str, Any], nights: Rows) -> str:
    grades = scores["grades"]
    said = (
        f"<p>Stability index of the score against {escape(scores['since'])}, the model's first night: "
        f"<strong>{html.figure(scores['psi'])}</strong> (warns at {html.figure(scores['warn'])}, stops at "
        f"{html.figure(scores['stop'])}); mean probability {html.figure(scores['pd_mean'])}.</p>"
    )
    tonight = Series("tonight", [(place, row["share"]) for place, row in enumerate(grades)], bars=True)
    first = Series(
        f"on {scores['since']}", [(place, row["share_then"]) for place, row in enumerate(grades)], faint=True
    )
    drawn = plot((tonight, first), x="grade (dots: first night)", y="share", names=[row["grade"] for row in grades])
    moved = _over_nights(nights, [(night["psi"],) for night in nights], "stability index")
    by_night = [{"night": night["night"], "psi": night["psi"], "pd_mean": night["pd_mean"]} for night in nights]
    return _section(f"Score distribution 评分分布{of}", said, drawn, moved, _table(grades), _table(by_night))


def _inclusion(of: str, inclusion: Mapping[str, Rows]) -> str:
    said = (
        '<p class="quiet">Indicative lines of the night. What is about fewer than five firms is shown as '
        f"{escape(FEW)}, its amounts and rate not at all; of counties and sizes where one is hidden, the next smallest "
        "is too. A firm counts in each of its programmes.</p>"
    )
    heads = dict(zip((*PARTS, "programme"), ("By size 规模", "By county 县域", "By programme 项目"), strict=True))
    parts = [f"<h3>{heads[name]}</h3>{_table(rows)}" for name, rows in inclusion.items()]
    return _section(f"Programme inclusion 普惠覆盖{of}", said, *parts)


def _concentration(of: str, concentration: Mapping[str, Any], caps: Rows) -> str:
    parts = [_largest(BY[name], each) for name, each in concentration.items()]
    taken = f"<h3>Caps taken by what stands beside 限额占用</h3>{_table(caps)}"
    return _section(f"Concentration of what is offered 集中度{of}", *parts, taken)


def _largest(head: str, amounts: Mapping[str, Any]) -> str:
    said = (
        f"<p>CNY {yuan(amounts['fen'])} in {html.figure(amounts['parts'])} parts; Herfindahl index "
        f"{html.figure(amounts['herfindahl'])}.</p>"
    )
    return f"<h3>{head}</h3>{said}{_table(amounts['largest'])}"


# -- draws -------------------------------------------------------------------------------------------------------------


def _calibration(calibration: Mapping[str, Any]) -> str:
    waits, since = calibration["first_matures_on"], escape(calibration["first_night"])
    parts = []
    for tier, each in calibration["tiers"].items():
        parts.append(f"<h3>{escape(tier)}</h3>")
        if each["matured"]:
            parts.append(
                f"<p>{each['matured']} draws since {since} have matured; {each['bad']} went bad, "
                f"{html.figure(each['expected'])} were expected.</p>"
            )
            parts += [_expected(each["by_grade"], "grade"), _table(each["by_grade"]), _table(each["by_month"])]
        elif waits:
            parts.append(
                f"<p>No outcome has matured since the first night, {since}; the first of "
                f"{calibration['draws_since']} draws since then will on {escape(waits)}.</p>"
            )
        else:
            parts.append(f"<p>No outcome has matured since the first night, {since}: nobody has drawn since.</p>")
        parts.append(_validated(each["validated"]))
    return _section("Calibration as outcomes mature 校准", *parts)


def _validated(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return '<p class="quiet">The model has not been validated.</p>'
    said = (
        f"<p>Validation {found['number']}, as known on {escape(found['as_of'])}, of cases that the model had not "
        f"learned: {html.figure(found['observed_to_expected'])} outcomes for each one expected; of whole years that "
        f"nobody had seen {html.figure(found['back_test'])}.</p>"
    )
    return said + _expected(found["cohorts"], "year") + _table(found["cohorts"])


def _expected(rows: Rows, name: str) -> str:
    if not rows:
        return ""
    said = Series("expected", [(place, row["pd"]) for place, row in enumerate(rows)], line=len(rows) > 1, faint=True)
    spans = [(row["low"], row["high"]) for row in rows]
    seen = Series("happened", [(place, row["rate"]) for place, row in enumerate(rows)], spans)
    return plot((said, seen), x=name, y="rate (faint: expected)", names=[str(row[name]) for row in rows])


def _vintages(vintages: Rows) -> str:
    lines: list[Series] = []
    for row in vintages:
        points = [(float(name[1:]), row[name]) for name in row if name[1:].isdigit() and row[name] is not None]
        if points:
            lines.append(Series(row["quarter"], [(0.0, 0.0), *points], line=True, faint=bool(lines)))
    said = (
        '<p class="quiet">Of the draws opened in a quarter, whoever lent: the share that had been 90 days past due or '
        "written off so many months after the draw; – where not all of them are that old. The last such quarter is "
        "drawn solid.</p>"
    )
    drawn = plot(lines, x="months since the draw", y="share gone bad")
    return _section("Vintages 账龄分析", said, drawn, _table(vintages))


def _rolls(rolls: Rows) -> str:
    said = (
        '<p class="quiet">Of the draws in a bucket of days past due at the end of a month, the share in each at the '
        "end of the next, over the last 12 months. Days past due that were reached count on until the draw is repaid "
        "or written off.</p>"
    )
    return _section("Roll rates 滚动率", said, _table(rolls))


# -- the book ----------------------------------------------------------------------------------------------------------


def _overrides(overrides: Mapping[str, Any]) -> str:
    said = (
        f"<p>{overrides['judgements']} judgements by {overrides['people']} people, of whom "
        f"{overrides['people_too_often']} override too often.</p>"
    )
    return _section("Overrides 人工推翻", said, _table(overrides["by_code"]))


def _alerts(alerts: Mapping[str, Any]) -> str:
    tonight = alerts["tonight"]
    found = ", ".join(f"{name} {count}" for name, count in tonight["severities"].items()) or "none"
    said = f"<p>Tonight {tonight['alerts']} on {tonight['lines']} lines that stand: {escape(found)}.</p>"
    return _section("Alerts and their outcomes 预警", said, _table(alerts["by_rule"]))


def _book(book: Mapping[str, Any]) -> str:
    heads = {**BY, "product": "By product 产品", "buyer": "By buyer 采购人"}
    parts = [_largest(heads[name], each) for name, each in book["by"].items()]
    return _section("What the book is concentrated in 账面集中度", _table([book["whole"]]), *parts)


# -- the night ---------------------------------------------------------------------------------------------------------


def _quality(quality: Mapping[str, Any]) -> str:
    ages = ", ".join(f"{tier} {days} days" for tier, days in quality["feed_age_days"].items())
    said = (
        f"<p>Age of the feeds: {escape(ages)}. {quality['refused_files']} files could not be read. "
        f"{quality['checks']} checks of the gates, {len(quality['findings'])} findings, {quality['accepted']} of them "
        "accepted by a second person.</p>"
    )
    findings = [{**each, "check": f"{each['zh']} {each['en']}"} for each in quality["findings"]]
    shown = [{name: each[name] for name in ("verdict", "check", "about", "value", "warn", "stop", "look")}
             for each in findings]  # fmt: skip
    return _section("Data quality 数据质量", said, _table(quality["tables"]), "<h3>Findings 发现</h3>", _table(shown))


def _banks(banks: Mapping[str, Mapping[str, Any]]) -> Rows:
    return [{"bank": bank, "rows": each["rows"], "sequence": each["sequence"]} for bank, each in banks.items()]


def _run_times(nights: Rows) -> str:
    drawn = _over_nights(nights, [(night["all"],) for night in nights], "seconds")
    return _section("Run times 运行时间", drawn, _table(nights))


# -- pieces ------------------------------------------------------------------------------------------------------------


def _section(head: str, *parts: str) -> str:
    return f"<section><h2>{escape(head)}</h2>{''.join(parts)}</section>"


def _table(rows: Rows) -> str:
    """Rows that all have the same names; what is in fen is shown in yuan, numbers stand to the right."""
    if not rows:
        return NOTHING
    names = list(rows[0])
    numbers = [place for place, name in enumerate(names) if _is_number(name, (row[name] for row in rows))]
    cells = [[escape(_shown(name, row[name])) for name in names] for row in rows]
    return html.table([escape(_headed(name)) for name in names], cells, numbers=numbers)


def _is_number(name: str, values: Iterable[Any]) -> bool:
    return name.endswith("fen") or any(isinstance(each, int | float) for each in values)


def _shown(name: str, value: Any) -> str:
    return yuan(value) if name.endswith("fen") else html.figure(value)


def _headed(name: str) -> str:
    return (
        name.removesuffix("_fen").removesuffix("fen").replace("_", " ") + (", CNY" if name.endswith("_fen") else "")
        or "CNY"
    )
