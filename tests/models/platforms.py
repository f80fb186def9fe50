"""A platform's rows, written one matter after the other: draws, contracts, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

TERM, SHOWS = timedelta(days=180), timedelta(days=90)


class Platform:
    """Rows of a platform that are written one matter after the other."""

    def __init__(self) -> None:
        self.tables = defaultdict(list)

    def supplier(self, number: int) -> str:
        name = f"S{number}"
        if all(row["supplier_id"] != name for row in self.tables["suppliers"]):
            self.tables["suppliers"].append({"supplier_id": name})
        return name

    def outcome(self, number: int, target: str, *, opened: date, matured: date, happened: bool, **about: str) -> None:
        self.tables["outcomes"].append(
            {"outcome_id": f"{target}-{number:03}", "target": target, "supplier_id": self.supplier(number)}
            | {"opened_on": opened, "matured_on": matured, "recorded_at": matured, "happened": str(happened).lower()}
            | {"loan_id": "", "contract_id": ""}
            | about
        )

    def draw(
        self,
        number: int,
        opened: date,
        *,
        repaid: date | None = None,
        past_due: int = 0,
        happened: bool = False,
        matured: date | None = None,
        outcome: bool = True,
    ) -> None:
        """A draw of half a year that is repaid when it is due, and its outcome; what is told apart changes that."""
        due = opened + TERM
        own = {"loan_id": f"W{number}", "supplier_id": self.supplier(number), "due_on": due}
        events = [("DRAWN", opened, 0)]
        events += [("PAST_DUE", due + timedelta(days=days), days) for days in (1, 30, 60, 90) if days <= past_due]
        if not past_due or repaid:
            events.append(("REPAID", repaid or due, 0))
        for kind, on, days in events:
            event = {"credit_event_id": f"V{number}-{kind}-{days}", "kind": kind, "happened_on": on}
            self.tables["credit_events"].append(own | event | {"days_past_due": days, "recorded_at": on})
        if outcome:
            matured = matured or due + SHOWS
            self.outcome(
                number, "loan_default", opened=opened, matured=matured, happened=happened, loan_id=f"W{number}"
            )

    def contract(
        self,
        number: int,
        signed: date,
        *,
        ended: tuple[str, str] | None = ("COMPLETED", "NONE"),
        channel: str = "PROJECT",
        guarantee: tuple[str, ...] = (),
        recorded: date | None = None,
        outcome: bool = True,
    ) -> None:
        """A contract that is completed after half a year, and its outcome."""
        own = {"contract_id": f"C{number}", "supplier_id": self.supplier(number)}
        about = {"signed_on": signed, "awarded_on": signed, "channel": channel, "recorded_at": recorded or signed}
        self.tables["contracts"].append(own | about | {"planned_acceptance_on": signed + TERM})
        closed = signed + TERM
        if ended:
            kind, fault = ended
            end = {"amendment_id": f"A{number}", "amended_on": closed, "kind": kind, "fault": fault}
            self.tables["amendments"].append(own | end | {"recorded_at": closed})
        for place, kind in enumerate(guarantee):
            on = signed + timedelta(days=place)
            event = {"guarantee_event_id": f"H{number}-{place}", "guarantee_id": f"H{number}", "kind": kind}
            self.tables["guarantee_events"].append(own | event | {"happened_on": on, "recorded_at": on})
        if outcome:
            self.outcome(
                number,
                "performance_breach",
                opened=signed,
                matured=closed + SHOWS,
                happened=ended == ("TERMINATED", "SUPPLIER"),
                contract_id=f"C{number}",
            )
