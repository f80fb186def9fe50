"""Work at the desk: look at what waits, open one, read it, try an amount, judge or settle it, go on with the next.

Nothing is booked without a page that says what would be, and a `y` after it. What is booked goes the way of the
commands (`judging.judge`, `judging.pass_on`, `warning.settle`), each time under a key of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import typer

from credit.app import console, judging, warning
from credit.app.deciding import record_of
from credit.app.desk import keys
from credit.app.desk.keys import Key
from credit.app.desk.queue import ALERT, CASE, KINDS, Item, Queue, closed_since, queue
from credit.app.desk.reading import memo
from credit.app.desk.terminal import RESIZED, Terminal, cells, fitted, printable, wrapped
from credit.app.home import Home
from credit.app.language import spoken, words
from credit.domain.amounts import cny
from credit.domain.authority import Code, exposure_after, overrides
from credit.domain.errors import CreditError, NotAuthorised
from credit.domain.policy.rules import Outcome

if TYPE_CHECKING:
    from credit.domain.record import Record

# How much of a queue is written at once where a page is as long as one likes.
LISTED = 20
NOTHING = ("没有入账", "nothing was booked")


class _Left(Exception):
    """Somebody leaves the desk."""


class _GaveUp(Exception):
    """Somebody left a question open, or broke off."""


class Desk:
    """One person's session: what waits, what of it is shown and in focus, and what was done."""

    def __init__(self, home: Home, terminal: Terminal, found: Queue, *, kind: str | None, mine: bool) -> None:
        self.home, self.terminal, self.found = home, terminal, found
        self.kind, self.mine, self.focus, self.note = kind, mine, 0, ""
        self.done: list[str] = []

    @property
    def items(self) -> tuple[Item, ...]:
        """What is shown of what waits."""
        return self.found.chosen(kind=self.kind, mine=self.mine)

    def work(self) -> list[str]:
        """Work until somebody leaves; answers what was done."""
        try:
            while True:
                self._queue()
        except (_Left, EOFError, KeyboardInterrupt):
            return self.done

    # -- the queue

    def _queue(self) -> None:
        """Show the queue, and do what a key says."""
        self.focus = max(min(self.focus, len(self.items) - 1), 0)
        page = self._show_queue()
        name = self._key()
        if name.isdecimal():
            self._open_number(name)
            return
        match keys.pressed(keys.ON_QUEUE, name):
            case keys.FORWARD | keys.BACKWARD | keys.PAGE | keys.PAGE_UP as key:
                self.focus += {keys.FORWARD: 1, keys.BACKWARD: -1, keys.PAGE: page, keys.PAGE_UP: -page}[key]
            case keys.OPEN:
                self._open()
            case keys.GO:
                self._go()
            case keys.KIND:
                shown = (None, *KINDS)
                self.kind = shown[(shown.index(self.kind) + 1) % len(shown)]
            case keys.MINE:
                self.mine = not self.mine
            case keys.AGAIN:
                self._read_again()
            case key:
                self._always(key)

    def _always(self, key: Key | None) -> None:
        """What a key does on every screen."""
        if key is keys.HELP:
            self._show(_help(), foot=(words("按任意键返回", "any key goes back"),))
            self.terminal.key()
        if key is keys.QUIT:
            raise _Left

    def _key(self) -> str:
        """The next key, after which what was to be said has been seen."""
        name = self.terminal.key()
        if name != RESIZED:
            self.note = ""
        return name

    def _go(self) -> None:
        try:
            number = self._asked(words("号", "number"))
        except (_GaveUp, KeyboardInterrupt, EOFError):
            return
        self._open_number(number)

    def _open_number(self, number: str) -> None:
        if number.isdecimal() and 0 < int(number) <= len(self.items):
            self.focus = int(number) - 1
            self._open()
        else:
            self.note = f"there is no {number} of {len(self.items)}"

    def _read_again(self) -> None:
        self.found = queue(self.home, self.found.asked, who=self.found.who)

    def _show_queue(self) -> int:
        """Show the part of the queue that the focus is in; answers how many are shown at once."""
        items, found = self.items, self.found
        shown = words(*{None: ("全部", "all"), CASE: ("案件", "cases"), ALERT: ("预警", "alerts")}[self.kind])
        title = (
            f"{words('工作台', 'desk')}  {found.who}, {found.role or words('无角色', 'no role')}  "
            f"{len(items):,} / {len(found.items):,} {shown}"
            + (f" {words('权限内', 'within my authority')}" if self.mine else "")
            + f"  {found.booked_on}"
        )
        about = [words("没有待办", "nothing waits")] if not items else _detail(items[self.focus])
        foot = self._foot(keys.ON_QUEUE, [*self._fitting(about)[:4], *self._noted()])
        height = max((self.terminal.rows or LISTED + len(foot) + 2) - len(foot) - 2, 3)
        first = self.focus // height * height
        rows = _rows(items, first, first + height, self.terminal.width)
        lines = [fitted(title, self.terminal.width), *rows, *foot]
        self.terminal.show(
            [f"{'>' if number == self.focus - first + 2 and items else ' '}{line}" if 0 < number <= len(rows) else line
             for number, line in enumerate(lines)],
            focus=self.focus - first + 2 if items else None,
        )  # fmt: skip
        return height

    # -- one of it

    def _open(self) -> None:
        """Deal with what is in focus, then with what follows, until somebody goes back."""
        while 0 <= self.focus < len(self.items):
            item = self.items[self.focus]
            try:
                if why := closed_since(self.home, item):
                    self._put(item, None, f"{item.item_id}: {why}")
                elif not self._item(item):
                    return
            except CreditError as broken:
                self.note = _said(broken)
                return

    def _item(self, item: Item) -> bool:
        """Show one and do what keys say; whether to go on with what is in focus then."""
        on_screen = keys.ON_ALERT if item.kind == ALERT else keys.ON_CASE
        acts: dict[Key, Callable[[Item], list[str] | None]] = {
            keys.WHAT_IF: self._what_if,
            keys.APPROVE: self._approve,
            keys.DECLINE: self._decline,
            keys.PASS: self._pass_on,
            keys.SETTLE: self._settle,
        }
        text, top, tried = memo(self.home, item), 0, list[str]()
        while True:
            lines = [*tried, *text]
            height = self._show_item(item, lines, top, on_screen)
            key = keys.pressed(on_screen, self._key())
            if key in (keys.PAGE, keys.PAGE_UP):
                last = max(len(self._fitting(lines)) - height, 0)
                top = min(max(top + (height if key is keys.PAGE else -height), 0), last)
            elif key is keys.NEXT:
                return self._next()
            elif key is keys.LEAVE:
                return False
            elif key in acts:
                answered = self._do(acts[key], item)
                if item not in self.items:
                    return True
                if answered:
                    tried, top = [*answered, ""], 0
            else:
                self._always(key)

    def _next(self) -> bool:
        self.focus += 1
        if self.focus < len(self.items):
            return True
        self.note = words("已是最后一件", "that was the last one")
        return False

    def _show_item(self, item: Item, lines: Sequence[str], top: int, on_screen: tuple[Key, ...]) -> int:
        """Show a part of what there is to read; answers how many lines of it there is room for."""
        head = f"{self.focus + 1}/{len(self.items)} {item.kind} {item.item_id}  {_counted(item)}"
        fit = self._fitting(lines)
        foot = self._foot(on_screen, self._noted())
        height = max((self.terminal.rows or len(fit) + len(foot) + 1) - len(foot) - 1, 3)
        if len(fit) > height:
            head += f"  [{top + 1}-{min(top + height, len(fit))}/{len(fit)}]"
        part = fit[top : top + height]
        self.terminal.show([fitted(head, self.terminal.width), *part, *foot])
        return height

    # -- what is done

    def _what_if(self, item: Item) -> list[str]:
        record = self._record(item)
        fen = console.fen_of(self._asked(words("若申请金额", "if so much were asked for, CNY")))
        months, longest = None, record["tenor_months"]
        if longest and "fee_fen" not in record["conditions"]:
            typed = self.terminal.ask(f"{words('月数', 'for how many months')} [{longest}]:")
            months = longest if not typed else int(typed) if typed.isdecimal() else 0
            if not 0 < months <= longest:
                raise typer.BadParameter(f"it is lent for 1 to {longest} whole months")
        console.progress("deciding again")
        again = judging.decided_today(self.home, record, requested_fen=fen)
        console.progress_done()
        return _answered(again, fen, months)

    def _approve(self, item: Item) -> None:
        record = self._mine(item)
        whole = record["amount_fen"]
        if not whole:
            raise NotAuthorised(f"{item.item_id} leaves nothing to grant", hint="decline it, or have it asked anew")
        typed = self.terminal.ask(f"{words('批准金额', 'grant')} [{cny(whole)}]:")
        amount = console.fen_of(typed) if typed else whole
        outcome = Outcome.APPROVE if amount == whole else Outcome.REDUCE
        self._judge(item, record, judging.Said(outcome=outcome, amount_fen=amount), usual=None)

    def _decline(self, item: Item) -> None:
        self._judge(item, self._mine(item), judging.Said(outcome=Outcome.DECLINE), usual=Code.TIGHTENING)

    def _judge(self, item: Item, record: Record, said: judging.Said, *, usual: Code | None) -> None:
        """Ask for the reasons that a judgement has to give, show what it would be, and book it."""
        who = self.found.who
        judging.refuse_amount(self.home, record, said, who=who)
        if overrides(record, judging.judgement_of(self.home, record, said, who=who)):
            said = self._reasons(record, said, usual)
        else:
            said = replace(said, text=self.terminal.ask(words("说明（可空）", "a text, or nothing") + ":"))
        console.progress("deciding again")
        made = judging.weighed(self.home, item.item_id, said, who=who)
        console.progress_done()
        self._confirm(_to_book(record, made))
        booked = self._booked(lambda key: judging.judge(self.home, item.item_id, said, who=who, key=key)["decision_id"])
        self._put(item, None, f"{item.item_id} → {booked} {made['outcome']} {cny(made['amount_fen'])}", is_done=True)

    def _reasons(self, record: Record, said: judging.Said, usual: Code | None) -> judging.Said:
        choices = ", ".join(Code)
        code = self._chosen(
            f"{words('代码', 'code')} ({choices})" + (f" [{usual}]" if usual else ""), list(Code), usual
        )
        text = self._asked(words("理由", "why"))
        evidence = self._asked(words("依据", "evidence"))
        until = record["valid_until"]
        lapses = self.terminal.ask(f"{words('失效日', 'lapses on')} [{until}]:") or until
        return replace(said, code=code, text=text, evidence=evidence, lapses_on=console.day(lapses))

    def _pass_on(self, item: Item) -> None:
        text = self._asked(words("上报说明", "what they should know"))
        who = self.found.who
        said = self._booked(lambda key: judging.pass_on(self.home, item.item_id, text, who=who, key=key))
        passed = {name: said[name] for name in ("to", "text", "by", "at")}
        self._put(item, replace(item, passed=passed), f"{item.item_id} is passed on to {said['to']}", is_done=True)

    def _settle(self, item: Item) -> None:
        from data.book.alerts import Outcome as TurnedOut

        outcome = self._chosen(f"{words('结果', 'it is')} ({', '.join(TurnedOut)})", list(TurnedOut), None)
        text = self._asked(words("查明情况", "what was found"))
        self._confirm([f"{item.severity} {item.rules[0]}  {item.item_id}: {outcome}", f"  found       {text}"])
        who = self.found.who
        self._booked(lambda key: warning.settle(self.home, item.item_id, outcome, text, who=who, key=key))
        self._put(item, None, f"{item.item_id} is settled: {outcome}", is_done=True)

    def _confirm(self, lines: Sequence[str]) -> None:
        """Show what would be booked. Raises _GaveUp unless that is what somebody wants."""
        self._show([words("将入账", "to be booked"), *lines])
        if (
            self.terminal.ask(words("输入 y 入账，其他不入账", "y books it, anything else does not") + ":").lower()
            != "y"
        ):
            raise _GaveUp

    def _booked(self, book: Callable[[str], Any]) -> Any:
        """What booking answers. Who breaks off finds it booked whole or not at all, and it is said which."""
        key = uuid4().hex
        try:
            return book(key)
        except KeyboardInterrupt:
            if not self.home.book().knows(key):
                raise _GaveUp from None
            return book(key)

    def _do(self, act: Callable[[Item], list[str] | None], item: Item) -> list[str] | None:
        """Do what asks questions; a refusal is said, and what somebody else has dealt with is taken out."""
        try:
            return act(item)
        except (_GaveUp, KeyboardInterrupt, EOFError):
            self.note = words(*NOTHING)
        except typer.BadParameter as wrong:
            self.note = f"{wrong.message}; {words(*NOTHING)}"
        except CreditError as refused:
            self.note = _said(refused)
            if why := closed_since(self.home, item):
                self._put(item, None, f"{item.item_id}: {why}")
        finally:
            console.progress_done()
        return None

    def _put(self, item: Item, instead: Item | None, note: str, *, is_done: bool = False) -> None:
        """Take an item out of what waits, or put another in its place and go on to the next."""
        items = [instead if each == item else each for each in self.found.items]
        self.found = replace(self.found, items=tuple(each for each in items if each is not None))
        self.focus += instead in self.items
        self.note = note
        if is_done:
            self.done.append(note)

    # -- asking and showing

    def _asked(self, question: str) -> str:
        """An answer. Raises _GaveUp where none is given."""
        answer = self.terminal.ask(question + ":")
        if not answer:
            raise _GaveUp
        return answer

    def _chosen(self, question: str, choices: Sequence[str], usual: str | None) -> str:
        """One of some choices, by its first letters. Raises _GaveUp where none is named."""
        asked = question
        while True:
            typed = self.terminal.ask(asked + ":").upper() or usual
            if not typed:
                raise _GaveUp
            found = [each for each in choices if each.startswith(typed)]
            if len(found) == 1:
                return str(found[0])
            unclear = words("不明确", "could be several") if found else words("无此项", "is none of them")
            asked = f"{printable(typed)} {unclear}. {question}"

    def _mine(self, item: Item) -> Record:
        """The record of a case that one may judge. Raises NotAuthorised before anything is asked."""
        if item.may is None:
            raise NotAuthorised(str(item.against), hint=words("可按 p 上报", "p passes it on"))
        return self._record(item)

    def _record(self, item: Item) -> Record:
        return record_of(item.item_id, judging.decision_row(self.home, item.item_id)["record"])

    def _show(self, lines: Sequence[str], *, foot: Sequence[str] = ()) -> None:
        self.terminal.show([*self._fitting(lines), *self._fitting(foot)])

    def _fitting(self, lines: Sequence[str]) -> list[str]:
        return [part for line in lines for part in wrapped(printable(line), self.terminal.width)]

    def _noted(self) -> list[str]:
        return self._fitting([self.note] if self.note else [])

    def _foot(self, on_screen: tuple[Key, ...], said: Sequence[str]) -> list[str]:
        """The last lines of a screen: what is to be said, and its keys, none of them parted."""
        lines = [""]
        for each in (key for key in on_screen if key.at_foot):
            longer = f"{lines[-1]}  {each.label}" if lines[-1] else each.label
            if cells(longer) > self.terminal.width:
                lines.append(each.label)
            else:
                lines[-1] = longer
        return [*said, *lines]


def _rows(items: Sequence[Item], first: int, last: int, width: int) -> list[str]:
    """The headings and a part of the queue, a line each that fits beside the mark of what is in focus."""
    heads = ("#", words("敞口", "exposure"), words("天", "d"), words("供应商", "id"), "", words("权限", "may"))
    table = [
        heads,
        *(
            (str(number), console.yuan(each.exposure_fen), str(each.days), each.supplier_id, _about(each), _may(each))
            for number, each in list(enumerate(items, 1))[first:last]
        ),
    ]
    widths = [max(cells(row[column]) for row in table) for column in range(len(heads))]
    # What it is about takes what the others leave.
    widths[4] = max(width - 1 - 2 * (len(heads) - 1) - sum(widths[:4]) - widths[5], 8)
    return [fitted("  ".join(_cells(row, widths)), width - 1) for row in table]


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    numbers = (0, 1, 2)
    return [
        fitted(printable(cell), width, right=column in numbers)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _about(item: Item) -> str:
    """What an item is about, in as few columns as can be."""
    first = item.about.split(" ")[0] if spoken()[0] == "zh" else item.about
    return " ".join((item.severity, *item.rules, first) if item.kind == ALERT else (first, *item.rules))


def _may(item: Item) -> str:
    """The most that one may do with it, or who may."""
    if item.passed:
        return f"→ {item.passed['to']}"
    return (item.level if item.against and item.may else item.may) or "–"


def _detail(item: Item) -> list[str]:
    """What is said of the item in focus below the queue."""
    contract = f" {item.contract_id}" if item.contract_id else ""
    lines = [f"{item.about}{contract}: {', '.join(item.rules)}; {_counted(item)}"]
    if item.passed:
        lines.append(f"passed on to {item.passed['to']} by {item.passed['by']}: {item.passed['text']}")
    if item.against:
        lines.append(item.against + (f"; {item.level} may grant it" if item.level and item.may else ""))
    return lines


def _counted(item: Item) -> str:
    until = words("到期", "until") if item.kind == CASE else words("限期", "due")
    amount = "" if item.amount_fen is None else f"{cny(item.amount_fen)}, "
    return f"{amount}{item.days} d, {until} {item.due_on}"


def _to_book(record: Record, made: Record) -> list[str]:
    """What a judgement would be, in words."""
    said, application = made["judgement"], made["application"]
    contract = f" on contract {application['contract_id']}" if application["contract_id"] else ""
    product = words(made["product"]["zh"], made["product"]["en"])
    lines = [
        f"{application['supplier_id']}{contract}: {made['outcome']}  {product}",
        f"  amount      {cny(made['amount_fen'])} of {cny(record['amount_fen'])}",
    ]
    if made["yearly_rate_bp"] is not None:
        lines += [
            f"  price       {made['yearly_rate_bp'] / 100:.2f} % a year",
            f"  group       {cny(exposure_after(record, made['amount_fen']))} with this",
        ]
    lines += [f"  judged      by {said['by']} ({said['role']}), in place of {made['supersedes']}, which says "
              f"{record['outcome']}"]  # fmt: skip
    if said["code"]:
        lines += [f"  override    {said['code']}: {said['text']}", f"  evidence    {said['evidence']}"]
    elif said["text"]:
        lines += [f"  text        {said['text']}"]
    return [*lines, f"  until       {made['valid_until']}"]


def _answered(again: Record, asked_fen: int, months: int | None) -> list[str]:
    """What would be answered to another amount, in words."""
    from credit.domain.offers import interest_fen

    lines = [
        f"{words('试算', 'what if')}: {cny(asked_fen)}, {words('不存储', 'not stored')}",
        f"  answer      {again['outcome']} with {cny(again['amount_fen'])}",
    ]
    rate = again["yearly_rate_bp"]
    if rate is not None:
        lines.append(f"  price       {rate / 100:.2f} % a year")
    if rate is not None and months is not None:
        lines.append(f"  costs       {cny(interest_fen(again['amount_fen'], rate, months))} in {months} months")
    if bound := again["bound_by"]:
        lines.append(f"  bound by    {bound['code']}  {words(bound['zh'], bound['en'])}")
    lines += [
        f"  {each['outcome']:<11} {each['rule']}  {words(each['zh'], each['en'])}"
        for each in again["findings"]
        if each["finding"] in ("NOT_MET", "MISSING")
    ]
    return lines


def _help() -> list[str]:
    lines = []
    for zh, en, on_screen in keys.SCREENS:
        lines += [words(zh, en), *(f"  {each.shown:<11} {each.does}" for each in on_screen)]
    # What is the same on every screen is said once.
    return list(dict.fromkeys(lines))


def _said(refused: CreditError) -> str:
    return f"{refused.message}; {refused.hint}" if refused.hint else refused.message


def works(home: Home, terminal: Terminal, as_of: date | None, *, who: str, kind: str | None, mine: bool) -> list[str]:
    """Open the desk of somebody, and answer what they did when they leave it. Raises EmptyLedger."""
    return Desk(home, terminal, queue(home, as_of, who=who), kind=kind, mine=mine).work()
