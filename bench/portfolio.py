"""`python -m bench.portfolio`: CNY 100 million over the 302 firms of the invoices, to docs/bench/portfolio.txt.

The firms are those of `../shared/data/sme_invoices` that no outcome is known of; the model is taught by the other 123,
the curve of customers lost is the published one, and the terms are the source's own (`invoice-line`).
"""

from __future__ import annotations

import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.measuring import ROOT
from credit.app.allocating import Asked, Scenario, allocated, pose, read_churn, stressed
from credit.app.home import Home
from credit.app.training import promote, train_and_register
from credit.app.validating import validate
from data.formats import format_named
from data.importing import import_history

DATA = ROOT.parent / "shared" / "data" / "sme_invoices"
RESULT = ROOT / "docs" / "bench" / "portfolio.txt"
BUDGET = 10_000_000_000
FLAT = (0.0465, 0.0585)
SHOCKS = (
    Scenario(name="odds of default doubled", pd_odds=2.0),
    Scenario(name="odds of going elsewhere half as high again", churn_odds=1.5),
    Scenario(name="funding 2 points dearer, half the budget", funding_rate=0.02, budget=0.5),
)


def home_of(folder: Path) -> Home:
    """The invoices with a model that decides."""
    home = Home(folder)
    import_history(home.ledger(), format_named("vat-invoices"), DATA, loaded_at=datetime(2026, 11, 1))
    train_and_register(home, "loan_default", data=None, as_of=None, author="bench:author")
    name = "loan_default.invoice"
    validate(home, name, None, as_of=None, who="bench:author")
    promote(home, name, None, who="bench:approver", why="bench")
    return home


def said(document: dict[str, Any], seconds: float) -> list[str]:
    """What an allocation comes to, in lines."""
    lines = [
        f"{document['lent_to']} of {document['firms']} firms can be lent to; {document['offered_to']} are offered CNY "
        f"{_yuan(document['offered_fen'])}, expected profit of a year CNY {_yuan(document['expected_profit_fen'])}, at "
        f"most {document['gap']:.1e} below the best possible ({seconds:.1f} s)."
    ]
    lines += [f"  one more yuan of {name} earns {each:.4f}" for name, each in document["one_more_yuan_earns"].items()]
    for each in document["beside"]:
        lines.append(
            f"  {each['by']}: {each['offered_to']} firms, CNY {_yuan(each['offered_fen'])}, earns CNY "
            f"{_yuan(each['expected_profit_fen'])}, CNY {_yuan(each['less_fen'])} less"
        )
    return lines


def main() -> None:
    """Train, allocate in both ways of counting the budget, stress, and write the page."""
    churn = read_churn(DATA / "att3_rate_vs_churn.xlsx")
    with tempfile.TemporaryDirectory() as folder:
        home = home_of(Path(folder))
        lines = ["Written by `python -m bench.portfolio`: CNY 100 million over the firms of the invoices."]
        for expected, counted in ((False, "all that is offered"), (True, "what is expected to be taken up")):
            posed = pose(home, "invoice", Asked(budget_fen=BUDGET, churn=churn, counts_expected=expected))
            start = time.perf_counter()
            document = allocated(posed, FLAT)
            lines += ["", f"The budget counts {counted}:", *said(document, time.perf_counter() - start)]
            if not expected:
                found = stressed(posed, SHOCKS)
                lines += [
                    f"  under {each['scenario']['name']}: held, CNY {_yuan(each['held']['expected_profit_fen'])}; "
                    f"allocated anew, CNY {_yuan(each['allocated_anew']['expected_profit_fen'])}"
                    for each in found["scenarios"]
                ]
    text = "\n".join(lines) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def _yuan(fen: int) -> str:
    return f"{fen / 100:,.0f}"


if __name__ == "__main__":
    main()
