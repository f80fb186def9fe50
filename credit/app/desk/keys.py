"""The keys of the desk: what its screens, its page of keys and its documentation are made from."""

from __future__ import annotations

from dataclasses import dataclass

from credit.app.desk.terminal import BACK, DOWN, ENTER, SPACE, UP
from credit.app.language import words


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it is called and does, in a word for the foot of a screen (`at_foot`) and in a sentence."""

    names: tuple[str, ...]
    shown: str
    zh: str
    en: str
    does: str
    at_foot: bool = True

    @property
    def label(self) -> str:
        """What the foot of a screen says of it."""
        return f"{self.shown} {words(self.zh, self.en)}"


OPEN = Key((ENTER, "o"), "Enter", "打开", "open", "Open what is in focus.")
FORWARD = Key(("j", DOWN), "j", "下", "down", "Go down by one; the arrow keys do the same.")
BACKWARD = Key(("k", UP), "k", "上", "up", "Go up by one.")
PAGE = Key((SPACE,), "Space", "翻页", "page", "Go on by a page.")
PAGE_UP = Key(("-",), "-", "上页", "page up", "Go back by a page.", at_foot=False)
GO = Key(("g",), "g", "号", "number", "Open the one of a number; a digit alone opens that one.", at_foot=False)
KIND = Key(("f",), "f", "类别", "kind", "Show all, cases only, or alerts only.")
MINE = Key(("m",), "m", "权限内", "mine", "Show what is within your authority only, or everything.")
AGAIN = Key(("r",), "r", "刷新", "read again", "Read again what waits.")
HELP = Key(("?", "h"), "?", "键", "keys", "Show this page.")
QUIT = Key(("q",), "q", "离开", "quit", "Leave; Ctrl-C and Ctrl-D do the same where no question is asked.")

WHAT_IF = Key(("w",), "w", "试算", "what if", "Ask the case again with another amount; nothing of it is stored.")
APPROVE = Key(("a",), "a", "批准", "approve", "Grant it, or less. What would be booked is shown before it is.")
DECLINE = Key(
    ("d",), "d", "拒绝", "decline", "Decline it, with a code, a text, evidence and a day on which that lapses."
)
PASS = Key(("p",), "p", "上报", "pass on", "Pass it on to the level that may grant it, with a note.")
SETTLE = Key(("s",), "s", "结案", "settle", "Say what an alert turned out to be, and what was found.")
NEXT = Key(("n",), "n", "下一件", "next", "Open the next one.")
LEAVE = Key((BACK, "b"), "b", "返回", "back", "Go back to the queue.")

ON_QUEUE = (FORWARD, BACKWARD, OPEN, PAGE, PAGE_UP, GO, KIND, MINE, AGAIN, HELP, QUIT)
ON_CASE = (PAGE, PAGE_UP, WHAT_IF, APPROVE, DECLINE, PASS, NEXT, LEAVE, HELP, QUIT)
ON_ALERT = (PAGE, PAGE_UP, SETTLE, NEXT, LEAVE, HELP, QUIT)
SCREENS = (
    ("队列", "the queue", ON_QUEUE),
    ("案件", "a case", ON_CASE),
    ("预警", "an alert", ON_ALERT),
)


def pressed(keys: tuple[Key, ...], name: str) -> Key | None:
    """The one of a screen's keys that was pressed, if any."""
    return next((each for each in keys if name in each.names), None)
