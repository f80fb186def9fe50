"""`ocds`: the Open Contracting Data Standard, 1.0 and 1.1: releases and records, alone, in packages, arrays or lines.

A release is what a publisher said on a day about one contracting process, and says again what it has said before: the
release's date is when its rows were recorded, and a later release takes an earlier one's place from that moment on.
https://standard.open-contracting.org/1.1/en/schema/reference/
"""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

import orjson

from credit.domain.errors import BrokenFile, WrongFormat
from credit.domain.money import NO_CURRENCY
from data.formats.format import PASSED_OVER, Format, Mapping, MoneyIn, Rows
from data.schema import AMENDMENTS, AWARDS, BUYERS, CONTRACTS, DELIVERIES, NAMES, PAYMENTS, SUPPLIERS, Table
from data.staging import CHUNK_ROWS, as_rows, quoted

# A document that is not written in lines has to be read whole; larger ones would not fit.
LARGEST_DOCUMENT = 256 * 2**20
# Releases and records sit in packages, packages in arrays; nothing real is nested deeper.
DEEPEST = 4
# So many parties are remembered as said already; beyond, the import itself finds that they were.
LARGEST_MEMORY = 1_000_000
_SHAPES = {dict: "{…}", list: "[…]"}
# What organisations are numbered by in China: the unified social credit code.
USCC_SCHEMES = ("CN-USCC", "CN-USCI")
# The relation of what is no release at all.
_WHOLE = "releases"

Json = dict[str, Any]

# The relations, and for each the columns that the reader fills: the ledger's name, and what OCDS calls it.
_RECORDED = ("recorded_at", "date")
_MONEY = (("amount_fen", "value/amount"), ("currency", "value/currency"))
_RELATIONS: tuple[tuple[Table, tuple[tuple[str, str], ...]], ...] = (
    (
        SUPPLIERS,
        (("supplier_id", "suppliers/id"), ("effective_on", "date"), ("uscc", "suppliers/identifier/id"), _RECORDED),
    ),
    (NAMES, (("supplier_id", "suppliers/id"), ("effective_on", "date"), ("name", "name"), _RECORDED)),
    (BUYERS, (("buyer_id", "buyer/id"), ("effective_on", "date"), _RECORDED)),
    (
        AWARDS,
        (
            ("award_id", "awards/id"),
            ("supplier_id", "awards/suppliers/id"),
            ("awarded_on", "awards/date"),
            ("buyer_id", "buyer/id"),
            *_MONEY,
            _RECORDED,
        ),
    ),
    (
        CONTRACTS,
        (
            ("contract_id", "contracts/id"),
            ("supplier_id", "awards/suppliers/id"),
            ("buyer_id", "buyer/id"),
            ("awarded_on", "awards/date"),
            ("signed_on", "contracts/dateSigned"),
            ("category", "tender/mainProcurementCategory"),
            *_MONEY,
            ("planned_acceptance_on", "contracts/period/endDate"),
            _RECORDED,
        ),
    ),
    (
        AMENDMENTS,
        (
            ("amendment_id", "contracts/amendments/id"),
            ("contract_id", "contracts/id"),
            ("supplier_id", "awards/suppliers/id"),
            ("amended_on", "contracts/amendments/date"),
            ("kind", "contracts/amendments"),
            ("change_fen", "contracts/amendments/changes"),
            ("currency", "contracts/value/currency"),
            _RECORDED,
        ),
    ),
    (
        DELIVERIES,
        (
            ("delivery_id", "milestones/id"),
            ("contract_id", "contracts/id"),
            ("supplier_id", "awards/suppliers/id"),
            ("buyer_id", "buyer/id"),
            ("due_on", "milestones/dueDate"),
            ("delivered_on", "milestones/dateMet"),
            ("currency", "contracts/value/currency"),
            _RECORDED,
        ),
    ),
    (
        PAYMENTS,
        (
            ("payment_id", "transactions/id"),
            ("contract_id", "contracts/id"),
            ("supplier_id", "transactions/payee/id"),
            ("buyer_id", "transactions/payer/id"),
            ("delivery_id", "transactions/relatedImplementationMilestone/id"),
            ("paid_on", "transactions/date"),
            *_MONEY,
            _RECORDED,
        ),
    ),
)
_CONSTANTS = {"tier": "'platform'", "fault": "'NONE'"}
_CATEGORIES = {"goods": "GOODS", "services": "SERVICES", "works": "WORKS"}


def _mapping(table: Table, columns: tuple[tuple[str, str], ...]) -> Mapping:
    constants = {name: said for name, said in _CONSTANTS.items() if name in table.names}
    return Mapping(
        table=table,
        files=r".*\.(json|jsonl|ndjson)(\.gz)?",
        relation=table.name,
        # Both the day and the moment of a release come from its `date`; the reader writes them side by side.
        columns={ours: quoted(_called(ours, theirs)) for ours, theirs in columns} | constants,
        needs=(),
        money_in=MoneyIn.MAJOR,
    )


def _called(ours: str, theirs: str) -> str:
    return f"{theirs} (day)" if ours == "effective_on" else theirs


_HEADERS = {table.name: [_called(ours, theirs) for ours, theirs in columns] for table, columns in _RELATIONS}


# -- reading a file ----------------------------------------------------------------------------------------------------


def read(path: Path) -> Iterator[Rows]:
    """The rows of a file by relation, piece by piece; raises BrokenFile or WrongFormat naming the file alone."""
    rows = _Rows()
    try:
        with _opened(path) as content:
            for line, document in _documents(content, path, rows):
                _take(document, line, rows, DEEPEST)
                if rows.count >= CHUNK_ROWS:
                    yield from rows.pieces()
    except (EOFError, OSError, zlib.error) as broken:
        raise BrokenFile(
            f"{path.name}: not a whole gzip file", hint="it was cut short or is something else; fetch it again"
        ) from broken
    yield from rows.pieces()
    yield from rows.counted()


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as content:
        packed = content.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


def _documents(content: IO[bytes], path: Path, rows: _Rows) -> Iterator[tuple[int, Any]]:
    """The JSON documents of a file, each with its line: one a line, or the whole file as one."""
    first = content.readline(LARGEST_DOCUMENT + 1).removeprefix(BOM_UTF8)
    if _parsed(first) is not None:
        yield from _lines(chain([first], iter(lambda: content.readline(LARGEST_DOCUMENT + 1), b"")), path, rows)
        return
    whole = first + content.read(LARGEST_DOCUMENT + 1 - len(first))
    if len(whole) > LARGEST_DOCUMENT:
        raise _too_large(path)
    document = _parsed(whole)
    if document is not None:
        yield 1, document
    elif any(isinstance(_parsed(line), dict) for line in whole.splitlines()):
        yield from _lines(whole.splitlines(keepends=True), path, rows)
    else:
        raise BrokenFile(
            f"{path.name}: not JSON in UTF-8", hint="it was cut short, or is in another encoding; fetch it again"
        )


def _lines(lines: Iterable[bytes], path: Path, rows: _Rows) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if len(line) > LARGEST_DOCUMENT:
            raise _too_large(path)
        if not line.strip():
            continue
        document = _parsed(line)
        if document is None:
            rows.refuse(number, "", None, "not-json")
        else:
            yield number, document


def _parsed(text: bytes) -> Any:
    """What a JSON text says, or None where it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _too_large(path: Path) -> WrongFormat:
    return WrongFormat(
        f"{path.name}: a single JSON document of more than {LARGEST_DOCUMENT // 2**20} MiB",
        hint="write it as lines, one package or release a line: `jq -c '.releases[]'`",
    )


class _Rows:
    """The rows read so far, by relation, until they are handed on."""

    def __init__(self) -> None:
        self.count = 0
        self._number = 0
        self._by_relation: dict[str, list[tuple[Any, ...]]] = {}
        self._passed_over: Counter[str] = Counter()
        self._said: set[tuple[Any, ...]] = set()

    def add(self, relation: str, values: tuple[Any, ...], line: int, refused: Json | None = None) -> None:
        """A row of a relation, in the order of its columns."""
        self._number += 1
        self.count += 1
        self._by_relation.setdefault(relation, []).append((*values, self._number, line, refused))

    def add_once(self, relation: str, values: tuple[Any, ...], line: int) -> None:
        """A row that every release repeats; said again, whenever it is recorded, it is nothing new."""
        *said, _ = values
        if (relation, *said) not in self._said:
            if len(self._said) > LARGEST_MEMORY:
                self._said.clear()
            self._said.add((relation, *said))
            self.add(relation, values, line)

    def refuse(self, line: int, column: str, value: str | None, problem: str) -> None:
        """Something that is no release, or a part of one that has not the shape OCDS gives it."""
        self.add(_WHOLE, (), line, {"c": column, "v": value, "p": problem})

    def pass_over(self, what: str) -> None:
        """Something that is no event of the ledger."""
        self._passed_over[what] += 1

    def pieces(self) -> Iterator[Rows]:
        """What there is by now, and forget it."""
        for relation, rows in self._by_relation.items():
            yield relation, as_rows(rows, _HEADERS.get(relation, []))
        self._by_relation, self.count = {}, 0

    def counted(self) -> Iterator[Rows]:
        """What was passed over, and how often."""
        if self._passed_over:
            rows = [(what, str(count), n, n, None) for n, (what, count) in enumerate(self._passed_over.items(), 1)]
            yield PASSED_OVER, as_rows(rows, ["what", "rows"])


# -- from a release to rows --------------------------------------------------------------------------------------------


def _take(document: Any, line: int, rows: _Rows, depth: int) -> None:
    """Whatever stands on a line: a release, a record, a package of them, or a list of any."""
    if isinstance(document, list) and depth:
        for each in document:
            _take(each, line, rows, depth - 1)
    elif not isinstance(document, dict):
        rows.refuse(line, "", None, "not-a-release")
    elif "ocid" in document and ("compiledRelease" in document or "releases" in document):
        _take_record(document, line, rows)
    elif "ocid" in document:
        _Release(document, line, rows).read()
    elif depth and ("releases" in document or "records" in document):
        for part in ("releases", "records"):
            for each in _objects(document, part, part, line, rows):
                _take(each, line, rows, depth - 1)
    else:
        rows.refuse(line, "", None, "not-a-release")


def _take_record(record: Json, line: int, rows: _Rows) -> None:
    """A record's own releases where it holds them whole, which tell what was said when; else the compiled one."""
    releases = record.get("releases")
    if isinstance(releases, list) and releases and all(isinstance(r, dict) and "ocid" in r for r in releases):
        for release in releases:
            _Release(release, line, rows).read()
    elif isinstance(record.get("compiledRelease"), dict):
        _Release({"ocid": record["ocid"], **record["compiledRelease"]}, line, rows).read()
    else:
        rows.refuse(line, "records/releases", _text(record["ocid"]), "not-a-release")


def _objects(parent: Json, key: str, path: str, line: int, rows: _Rows) -> list[Json]:
    """The objects in a list, or the one that stands in its place; any other shape is set aside and not lost."""
    found = parent.get(key)
    for each in [] if found is None else found if isinstance(found, list) else [found]:
        if not isinstance(each, dict):
            rows.refuse(line, path, _text(each), "not-a-list")
    return _shaped(found)


def _shaped(found: Any) -> list[Json]:
    if isinstance(found, dict):
        return [found]
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _texts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _object(parent: Json, key: str) -> Json:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    """A value as the checks of the import read it; of an object or list its shape alone, for it may hold names."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        return _SHAPES[type(value)]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _day(value: Any) -> str | None:
    """The publisher's own calendar day of a moment."""
    return value[:10] if isinstance(value, str) and value[10:11] == "T" else _text(value)


def _id(value: Any) -> str | None:
    """An id, which is text or a whole number; anything else is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def _money(value: Any) -> tuple[str | None, str]:
    """Amount and currency of an OCDS value."""
    if isinstance(value, dict):
        return _text(value.get("amount")), _text(value.get("currency")) or NO_CURRENCY
    return _text(value), NO_CURRENCY


def _organisation(party: Json) -> str | None:
    """Who it is: scheme and id of its identifier, or the publisher's own id of it. Never its name."""
    identifier = _object(party, "identifier")
    scheme, number = _id(identifier.get("scheme")), _id(identifier.get("id"))
    if scheme and number:
        return number if number.startswith(f"{scheme}-") else f"{scheme}-{number}"
    return _id(party.get("id"))


class _Release:
    """One release, read into rows. Ids of awards and contracts are only unique within the contracting process."""

    def __init__(self, release: Json, line: int, rows: _Rows) -> None:
        self.release, self.line, self.rows = release, line, rows
        self.ocid = _id(release.get("ocid"))
        self.moment = _text(release.get("date"))
        self.parties: dict[str, Json] = {}
        self.currency = NO_CURRENCY

    def read(self) -> None:
        """Add the release's rows."""
        release = self.release
        if self.ocid is None:
            self.rows.refuse(self.line, "ocid", _text(release.get("ocid")), "not-a-release")
            return
        awards = self._list(release, "awards", "awards")
        contracts = self._list(release, "contracts", "contracts")
        if not awards and not contracts:
            self.rows.pass_over("releases without award or contract")
            return
        for party in self._list(release, "parties", "parties"):
            # A transaction may name a party by its id or by the number in its identifier.
            for name in (_id(_object(party, "identifier").get("id")), _id(party.get("id"))):
                if name:
                    self.parties[name] = party
        self.buyer = self._buyer()
        by_id = {_id(award.get("id")): award for award in awards}
        for award in awards:
            self._award(award)
        for contract in contracts:
            # The only award of a process is its contract's, even where a publisher spells the id in another way.
            only = awards[0] if len(awards) == 1 else {}
            self._contract(contract, by_id.get(_id(contract.get("awardID")), only))

    def _list(self, parent: Json, key: str, path: str) -> list[Json]:
        return _objects(parent, key, path, self.line, self.rows)

    def _add(self, table: Table, *values: str | None, refused: Json | None = None) -> None:
        self.rows.add(table.name, (*values, self.moment), self.line, refused)

    def _party(self, reference: Json) -> str | None:
        """Whom a reference means: the party of that id in the release, or what the reference itself says."""
        name = _id(reference.get("id"))
        return _organisation({**reference, **self.parties.get(name or "", {})})

    def _buyer(self) -> str | None:
        buyer = _object(self.release, "buyer") or _object(_object(self.release, "tender"), "procuringEntity")
        known = self._party(buyer)
        if known:
            self.rows.add_once(BUYERS.name, (known, _day(self.moment), self.moment), self.line)
        return known

    def _supplier(self, suppliers: list[Json], day: str | None) -> tuple[str | None, Json | None]:
        """The one supplier of an award, who is registered by that; or why there is none."""
        known = {self._party(each) for each in suppliers}
        if len(known) > 1:
            return None, {"c": "awards/suppliers", "v": f"{len(known)} suppliers", "p": "several-suppliers"}
        supplier = known.pop() if known else None
        if supplier is None:
            return None, {"c": "awards/suppliers/id", "v": None, "p": "no-party-id"}
        party = {**suppliers[0], **self.parties.get(_id(suppliers[0].get("id")) or "", {})}
        identifier = _object(party, "identifier")
        uscc = _id(identifier.get("id")) if identifier.get("scheme") in USCC_SCHEMES else None
        since = _day(self.moment) or day
        self.rows.add_once(SUPPLIERS.name, (supplier, since, uscc, self.moment), self.line)
        if name := _text(party.get("name")):
            self.rows.add_once(NAMES.name, (supplier, since, name, self.moment), self.line)
        return supplier, None

    def _award(self, award: Json) -> None:
        status = award.get("status")
        if status in ("pending", "cancelled", "unsuccessful"):
            self.rows.pass_over(f"awards that are {status}")
            return
        day = _day(award.get("date"))
        supplier, refused = self._supplier(self._list(award, "suppliers", "awards/suppliers"), day)
        amount, currency = _money(award.get("value"))
        self._add(AWARDS, self._own(award), supplier, day, self.buyer, amount, currency, refused=refused)

    def _own(self, part: Json, of: str | None = None) -> str | None:
        """The id of a part of the release, unique beyond it."""
        own = _id(part.get("id"))
        return f"{of or self.ocid}/{own}" if own else None

    def _contract(self, contract: Json, award: Json) -> None:
        status = contract.get("status")
        if status in ("pending", "cancelled") and not contract.get("dateSigned"):
            self.rows.pass_over(f"contracts that are {status} and not signed")
            return
        named = self._list(contract, "suppliers", "contracts/suppliers")
        awarded, signed = _day(award.get("date")), _day(contract.get("dateSigned"))
        # The award's own list was read, and what is wrong with it said, when the award was.
        suppliers = named or _shaped(award.get("suppliers"))
        supplier, refused = self._supplier(suppliers, signed or awarded)
        own = self._own(contract)
        amount, self.currency = _money(contract.get("value") or award.get("value"))
        self._add(
            CONTRACTS,
            own,
            supplier,
            self.buyer,
            awarded,
            signed or awarded,
            _CATEGORIES.get(str(_object(self.release, "tender").get("mainProcurementCategory"))),
            amount,
            self.currency,
            _day(_object(contract, "period").get("endDate")),
            refused=refused,
        )
        self._amendments(contract, own, supplier, refused)
        if status in ("terminated", "cancelled") or "contractTermination" in _texts(self.release.get("tag")):
            # Over, and nothing says whether well: no failure is read from it.
            day = _day(self.moment)
            ended = f"{own}/ended"
            self._add(AMENDMENTS, ended, own, supplier, day, "ENDED", "0", self.currency, refused=refused)
        work = _object(contract, "implementation")
        for parent, path in ((contract, "contracts/milestones"), (work, "implementation/milestones")):
            for milestone in self._list(parent, "milestones", path):
                self._milestone(milestone, own, supplier, refused)
        for transaction in self._list(work, "transactions", "implementation/transactions"):
            self._transaction(transaction, own, supplier)

    def _amendments(self, contract: Json, own: str | None, supplier: str | None, refused: Json | None) -> None:
        changes = self._list(contract, "amendments", "contracts/amendments")
        if isinstance(contract.get("amendment"), dict):
            changes = [*changes, contract["amendment"]]
        for number, amendment in enumerate(changes, start=1):
            kind, change = self._change(amendment, _object(contract, "value").get("amount"))
            name = self._own(amendment, of=own) or f"{own}/amendment {number}"
            day = _day(amendment.get("date"))
            self._add(AMENDMENTS, name, own, supplier, day, kind, change, self.currency, refused=refused)

    def _change(self, amendment: Json, amount: Any) -> tuple[str, str]:
        """What an amendment did, where it lists the former values; by how much, in the contract's currency."""
        kind = "OTHER"
        for change in self._list(amendment, "changes", "contracts/amendments/changes"):
            changed = str(change.get("property"))
            if changed.endswith("value/amount") or changed.endswith("value.amount"):
                try:
                    return "VALUE", str(Decimal(str(amount)) - Decimal(str(change.get("former_value"))))
                except InvalidOperation:
                    return "VALUE", "?"
            if "date" in changed.lower() or "period" in changed:
                kind = "DATE"
        return kind, "0"

    def _milestone(self, milestone: Json, contract: str | None, supplier: str | None, refused: Json | None) -> None:
        status = milestone.get("status")
        if status != "met" and not milestone.get("dateMet"):
            said = {"scheduled": "scheduled", "notMet": "not met", "partiallyMet": "partially met"}.get(str(status))
            self.rows.pass_over(f"milestones {said or 'of no status'}")
            return
        due, met = _day(milestone.get("dueDate")), _day(milestone.get("dateMet"))
        own = self._own(milestone, of=contract)
        self._add(DELIVERIES, own, contract, supplier, self.buyer, due, met, self.currency, refused=refused)

    def _transaction(self, transaction: Json, contract: str | None, supplier: str | None) -> None:
        payee = _object(transaction, "payee") or _old_organisation(transaction, "receiverOrganization")
        payer = _object(transaction, "payer") or _old_organisation(transaction, "providerOrganization")
        received = self._party(payee) if payee else supplier
        amount, currency = _money(transaction.get("value") or transaction.get("amount"))
        milestone = _object(transaction, "relatedImplementationMilestone")
        self._add(
            PAYMENTS,
            self._own(transaction, of=contract),
            contract,
            received,
            (self._party(payer) if payer else None) or self.buyer,
            self._own(milestone, of=contract),
            _day(transaction.get("date")),
            amount,
            currency,
            refused=None if received else {"c": "transactions/payee/id", "v": None, "p": "no-party-id"},
        )


def _old_organisation(transaction: Json, key: str) -> Json:
    """An organisation as OCDS 1.0 gives it in a transaction: its identifier alone."""
    identifier = _object(transaction, key)
    return {"id": identifier.get("id"), "identifier": identifier} if identifier else {}


OCDS = Format(
    name="ocds",
    meaning="Open Contracting Data Standard 1.0 and 1.1: releases, records, packages; JSON or JSON lines, also gzip.",
    tier="platform",
    mappings=tuple(_mapping(table, columns) for table, columns in _RELATIONS),
    lag_days=30,
    reader=read,
    restates=True,
    page=(
        "Files `*.json`, `*.jsonl`, `*.ndjson`, plain or gzip; each holds one document (up to 256 MiB) or one a line:"
        " a release, a record, a package of either, or an array of those. A record is read from the releases it "
        "holds, or from its compiled release where it only links to them; one that does neither goes to quarantine, "
        "as does a line that is no JSON and a part that has another shape than OCDS gives it. A release's `date` is "
        "when its rows were recorded (30 days after the event where there is none). What a later release says about "
        "the same award, contract, amendment, milestone or transaction takes the earlier one's place from then on, in"
        " whatever order the files arrive. **Identity:** a party is `scheme-id` of its identifier, else the "
        "publisher's own id; one without either goes to quarantine (`no-party-id`), for nobody is identified by a "
        "name. Ids of awards, contracts and what hangs on them begin with the ocid. **Awards** that are pending, "
        "cancelled or unsuccessful are passed over and counted. An award to several suppliers goes to quarantine "
        "(`several-suppliers`), and so do contracts under it that name no single one: what each was awarded is not "
        "said. **Contracts** take supplier, date and value from their award where they give none; one without "
        "`dateSigned` counts as signed on the day of its award; where a process has one award alone, its contracts "
        "follow from that, whatever their `awardID`. `terminated` and `cancelled` mean that a contract ended, not "
        "that it failed: they are ends without fault, and OCDS has nothing that says failure, so none is read. "
        "**Amendments** change the value by what their `changes` list; without that list they are counted as changes "
        "of unknown content. **Milestones** that are met are deliveries; others are plans and passed over, counted by"
        " status. **Transactions** are payments to the payee, else to the contract's supplier; a payee that no award "
        "names goes to quarantine. A negative transaction is money that went back. **Values:** a negative award or "
        "contract goes to quarantine; a missing currency is written XXX, and no feature of the book's currency reads "
        "it. Amounts are kept in minor units of their own currency (ISO 4217: guaraní and yen have none). **Dates** "
        "are the publisher's own calendar days; a year outside 1949 to 2100 sends the row to quarantine, also where "
        "only the planned end says 9008."
    ),
    sample=(
        "# release.json\n"
        '{"ocid": "ocds-x-1", "id": "1", "date": "2024-03-02T09:00:00Z", "tag": ["contract"],\n'
        ' "buyer": {"id": "B1", "name": "…"},\n'
        ' "parties": [{"id": "S1", "name": "…", "roles": ["supplier"],\n'
        '   "identifier": {"scheme": "CN-USCC", "id": "91330100799655058B"}}],\n'
        ' "awards": [{"id": "a", "date": "2024-02-20T00:00:00Z", "status": "active", "suppliers": [{"id": "S1"}],\n'
        '   "value": {"amount": 120000.00, "currency": "CNY"}}],\n'
        ' "contracts": [{"id": "c", "awardID": "a", "dateSigned": "2024-03-01T00:00:00Z", "status": "active",\n'
        '   "value": {"amount": 120000.00, "currency": "CNY"}}]}\n'
    ),
)
