"""What holds of the settings here: an option wins over a variable of the environment, that over the file, that over
the default. The one module that reads the environment.

The file is the one that `CREDIT_CONFIG` names, else `credit.toml` in the home. It is read once a command.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from credit.app.settings import FILE, FILE_VARIABLE, PATH, SETTINGS, Setting
from credit.domain.errors import AlreadyThere, ConfigurationBroken

HOME = "home"
DEBUG_VARIABLE, _PREFIX = "CREDIT_DEBUG", "CREDIT_"
# How much of a name two share that are one and the same but for a slip; CREDIT_HOST is no CREDIT_HOME.
_NEARLY = 0.9
BY_KEY = {setting.key: setting for setting in SETTINGS}
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*(@)|((?:password|passwd|token|secret)=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is, and where that was said: `option`, `variable`, `file` or `default`, and the place."""

    setting: Setting
    value: Any
    source: str
    place: str

    @property
    def shown(self) -> str:
        """The value for people, without a password."""
        if self.value is None:
            return self.setting.otherwise
        return without_password(str(self.value)) if self.setting.secret else str(self.value)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The value of every setting, and the file that was read, if there is one."""

    values: Mapping[str, Value]
    file: Path | None

    def __getitem__(self, key: str) -> Any:
        return self.values[key].value

    @property
    def home(self) -> Path:
        """The folder that everything is written to."""
        return Path(self[HOME])

    @property
    def language(self) -> str | None:
        """The one language that is wanted; None for both."""
        wanted: str = self["lang"]
        return None if wanted == "both" else wanted

    @property
    def now(self) -> datetime | None:
        """The moment at which the clock stands still."""
        fixed: datetime | None = self["now"]
        return fixed

    @property
    def signing_key(self) -> Path | None:
        """The file of the key that signs, where it is not the home's."""
        return Path(self["signing.key"]) if self["signing.key"] else None


_asked: dict[str, str] = {}
_read: dict[tuple[Any, ...], Configuration] = {}


def begin() -> None:
    """A command begins: nothing was asked for by option yet, and the file is read anew."""
    _asked.clear()
    _read.clear()


def ask(key: str, said: str) -> None:
    """An option of the command says what a setting is."""
    _asked[key] = said


def current() -> Configuration:
    """What holds now. Raises ConfigurationBroken naming the file and line, or the variable."""
    said = {setting.variable: os.environ.get(setting.variable) for setting in SETTINGS}
    # The variables are part of the key: within one process, tests call many commands.
    key = (*_asked.items(), *said.items(), os.environ.get(FILE_VARIABLE))
    if key not in _read:
        _read.clear()
        _refuse_mistyped()
        _read[key] = _of(said)
    return _read[key]


def _refuse_mistyped() -> None:
    """Raise ConfigurationBroken for a variable that is nearly one of ours: what it was meant to say would not hold."""
    known = [*(setting.variable for setting in SETTINGS), FILE_VARIABLE, DEBUG_VARIABLE]
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=_NEARLY)
            if nearest:
                raise ConfigurationBroken(
                    f"there is no variable {name}", hint=f"did you mean {nearest[0]}? Else call it something else"
                )


def file_in_force() -> Path:
    """The file of settings, whether it is there or not."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(named) if named else Path(os.environ.get(BY_KEY[HOME].variable) or BY_KEY[HOME].default) / FILE


def debugging() -> bool:
    """Whether a traceback is wanted; asked where something went wrong, so it is no setting that could be broken."""
    return bool(os.environ.get(DEBUG_VARIABLE))


def colours(*, terminal: bool) -> bool:
    """Whether to write colours to a stream: on a terminal, unless `NO_COLOR`; through a pipe by `FORCE_COLOR`."""
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced is not None:
        return forced != "0"
    return terminal and not writes_lines_only()


def writes_lines_only() -> bool:
    """Whether a terminal can only write one line after the other: no colours, and nothing is overwritten."""
    return os.environ.get("TERM", "dumb") == "dumb"


def without_password(text: str) -> str:
    """An address as it may be shown.

    >>> without_password("postgresql://credit:hunter2@db/credit?password=x&sslmode=require")
    'postgresql://credit:…@db/credit?password=…&sslmode=require'
    """
    return _PASSWORD.sub(lambda found: f"{found[1] or ''}{found[3] or ''}…{found[2] or ''}", text)


def write_new() -> Path:
    """Write the file with every setting at its default, as comments. Raises AlreadyThere."""
    file = file_in_force()
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template(with_home=bool(os.environ.get(FILE_VARIABLE))))
    except FileExistsError:
        raise AlreadyThere(f"{file} is there already", hint="`credit config show` says what it sets") from None
    # An address may be given its password.
    file.chmod(0o600)
    return file


def template(*, with_home: bool) -> str:
    """The file with every setting commented out. In the home itself it cannot say where the home is."""
    lines = [
        "# The settings of this installation. A variable of the environment wins over a line of this file;",
        "# `credit config show` says what holds, and from where.",
    ]
    section = ""
    for setting in SETTINGS:
        if setting.variable_only or (setting.key == HOME and not with_home):
            continue
        part, _, name = setting.key.rpartition(".")
        if part != section:
            lines += ["", f"[{part}]"]
            section = part
        default = setting.otherwise or f"{_toml(setting.default)}"
        value = setting.example if setting.default is None else setting.default
        lines += ["", f"# {setting.meaning}", f"# Without it: {default}. Variable: {setting.variable}"]
        lines.append(f"# {name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'


# -- reading -----------------------------------------------------------------------------------------------------------


def _of(said: Mapping[str, str | None]) -> Configuration:
    file = file_in_force()
    lines = _lines_of(file)
    values = {}
    for setting in SETTINGS:
        if setting.key in _asked:
            found = _value(setting, _asked[setting.key], "option", f"--{setting.key}")
        elif said[setting.variable]:
            found = _value(setting, str(said[setting.variable]), "variable", setting.variable)
        elif setting.key in lines:
            found = _of_file(setting, *lines[setting.key], file)
        else:
            found = Value(setting, setting.default, "default", "")
        values[setting.key] = found
    return Configuration(values, file if file.is_file() else None)


def _value(setting: Setting, said: str, source: str, place: str) -> Value:
    try:
        return Value(setting, setting.kind.read(said), source, place)
    except ValueError as broken:
        # An address is not repeated: it may hold a password.
        shown = "its value" if setting.secret else repr(said)
        raise ConfigurationBroken(f"{place}: {shown} is not {setting.kind.says}", hint=setting.meaning) from broken


def _of_file(setting: Setting, said: Any, line: int, file: Path) -> Value:
    place = f"{file} line {line}"
    is_number = isinstance(said, int) and not isinstance(said, bool)
    if not (is_number if setting.kind.type is int else isinstance(said, str)):
        raise ConfigurationBroken(f'{place}, key "{setting.key}": it is not {setting.kind.says}', hint=setting.meaning)
    found = _value(setting, str(said), "file", place)
    if setting.kind is PATH:
        # A path in a file means the same from whatever folder the command is called.
        return Value(setting, str(file.parent / found.value), found.source, place)
    return found


def _lines_of(file: Path) -> dict[str, tuple[Any, int]]:
    """What a file sets, by key, with the line. Raises ConfigurationBroken for a key that there is not."""
    text = _text_of(file)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise ConfigurationBroken(f"{file}: {broken}", hint="the file is not valid TOML") from broken
    flat: dict[str, Any] = {}
    for name, value in document.items():
        is_section = isinstance(value, dict) and any(key.startswith(f"{name}.") for key in BY_KEY)
        flat |= {f"{name}.{each}": inner for each, inner in value.items()} if is_section else {name: value}
    found = {key: (value, _line_of(key, text)) for key, value in flat.items()}
    for key, (_, line) in found.items():
        _refuse_unknown(key, f"{file} line {line}")
    return found


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if os.environ.get(FILE_VARIABLE):
            raise ConfigurationBroken(
                f"{FILE_VARIABLE} names {file}, which is not there", hint="`credit config new` writes it"
            ) from None
        return ""
    except (OSError, UnicodeDecodeError) as broken:
        why = "is not UTF-8 text" if isinstance(broken, UnicodeDecodeError) else f"cannot be read ({broken.strerror})"
        raise ConfigurationBroken(f"{file} {why}", hint="mend it, or move it away: all has a default") from broken


def _refuse_unknown(key: str, place: str) -> None:
    setting = BY_KEY.get(key)
    if setting is None:
        nearest = difflib.get_close_matches(key, BY_KEY, n=1, cutoff=0.5)
        by_name = [each for each in BY_KEY if each.rpartition(".")[2] == key.rpartition(".")[2]]
        known = nearest or by_name
        hint = f'did you mean "{known[0]}"?' if known else "choose from " + ", ".join(BY_KEY)
        raise ConfigurationBroken(f'{place}: there is no key "{key}"', hint=hint)
    if setting.variable_only:
        raise ConfigurationBroken(
            f'{place}, key "{key}": no file sets it', hint=f"it belongs to one command: {setting.variable}=…"
        )
    if key == HOME and not os.environ.get(FILE_VARIABLE):
        raise ConfigurationBroken(
            f'{place}, key "{key}": the file lies in the home, so it cannot say where that is',
            hint=f"name the folder by {setting.variable}, or the file by {FILE_VARIABLE}",
        )


def _line_of(key: str, text: str) -> int:
    """The line on which a key is set, `name` in `[section]` or `section.name`; of one written otherwise, the first."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        said = re.match(r"""\s*\[?\s*([\w."'-]+)\s*(\]|=)""", line)
        if said is None:
            continue
        name = re.sub(r"""["']""", "", said[1])
        if said[2] == "]":
            section = f"{name}."
        elif section + name in (key, key.rpartition(".")[0]):
            return number
    return 1
