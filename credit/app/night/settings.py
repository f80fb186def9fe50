"""What a night runs with: read once, when it first begins, and kept with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import identity
from credit.app.building import Engine
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.app.scoring import TARGET, former_of
from credit.domain.errors import NightRefused

if TYPE_CHECKING:
    from data.nights import Night

INBOX, ACKNOWLEDGEMENTS = "inbox", "acknowledgements"
# What banks send: each file by itself, also where several lie in one folder.
FILE_BY_FILE = (ACKNOWLEDGEMENTS, "bank-feedback")
# What is still being written there, or is not meant for us.
_NOT_YET = (".", "~")
_HALF_WRITTEN = (".partial", ".tmp", ".part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is fixed at the first start: whoever finishes the night later works with the same.

    `inbox` is what had arrived, `misplaced` what lay there where nothing is looked for, `set_aside` what was refused by
    an earlier beginning that the input gate let pass. `ledger_before` is the version of the ledger before anything was
    imported for this night, `ledger_begun` that at this beginning. `models` has the champion of each kind of data,
    `former` the one before it while that scores too, and `banks` whom files are written for.
    """

    as_of: date
    started_at: datetime
    started_by: str
    engine: str
    master: str
    inbox: tuple[str, ...]
    ledger_before: int
    models: Mapping[str, Mapping[str, Any]]
    banks: tuple[str, ...]
    former: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ledger_begun: int = 0
    misplaced: tuple[str, ...] = ()
    set_aside: Mapping[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """The settings as they are kept."""
        return {**asdict(self), "as_of": str(self.as_of), "started_at": self.started_at.isoformat()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Settings:
        """The settings that were kept."""
        days = {
            "as_of": date.fromisoformat(document["as_of"]),
            "started_at": datetime.fromisoformat(document["started_at"]),
        }
        lists = {name: tuple(document[name]) for name in ("inbox", "banks", "misplaced") if name in document}
        return cls(**{**document, **days, **lists})


@dataclass(frozen=True, slots=True)
class NightHome(Home):
    """A home as a night sees it: its policies and agreements are those that held when the night first began."""

    night: Night

    @property
    def policies(self) -> Path:
        """The parameter files of the night."""
        return self.night.policies

    @property
    def banks(self) -> Path | None:
        """The banks' agreements of the night."""
        return self.night.agreements


def fix(home: Home, night: Night, *, engine: Engine, master: str) -> None:
    """Let a night begin with what is in force now; one that has begun goes on with what it began with."""
    from data.nights import BEGAN

    if night.settings() is not None:
        return
    began = night.noted(BEGAN)
    if began is None:
        # Kept from the first beginning on, so that what had arrived by then is still what arrived for this night.
        began = {"ledger_before": home.ledger().version}
        night.note(BEGAN, began)
    moment = now()
    settings = Settings(
        as_of=night.as_of,
        started_at=moment,
        started_by=identity.who(),
        engine=engine.value,
        master=master,
        inbox=arrived(home),
        ledger_before=began["ledger_before"],
        models=champions(home),
        banks=tuple(sorted(file.stem for file in agreements(home).glob("*.toml"))),
        former=formers(home, on=day_of(moment)),
        ledger_begun=home.ledger().version,
        misplaced=misplaced(home),
        set_aside=began.get("set_aside"),
    )
    night.begin(settings.document(), policies=home.policies, agreements=agreements(home))


def champions(home: Home) -> dict[str, dict[str, Any]]:
    """The champion of each kind of data that has one."""
    from data.schema import TIERS
    from models.registry import registered_name

    registry, found = home.registry(), {}
    for tier in TIERS:
        name = registered_name(TARGET, tier)
        if registry.history(name):
            found[tier] = {"name": name, "version": registry.champion(name).version}
    return found


def formers(home: Home, *, on: date) -> dict[str, dict[str, Any]]:
    """The champion before, of each kind of data whose models score in parallel on a day."""
    found = {tier: former_of(home, tier, on=on) for tier in champions(home)}
    return {tier: {"name": each.name, "version": each.version} for tier, each in found.items() if each is not None}


def agreements(home: Home) -> Path:
    """The folder of the banks' agreements: of this installation where it has its own, else those that ship."""
    from data.exports.banks import SHIPPED

    return home.banks or SHIPPED


def arrived(home: Home) -> tuple[str, ...]:
    """What lies whole in the inbox, by its path in it, in order: `FORMAT/NAME`, a file or a folder of files; of what is
    taken file by file `FORMAT/NAME/FILE` too.
    """
    return tuple(entry for entry, path in _entries(home) if path is not None)


def misplaced(home: Home) -> tuple[str, ...]:
    """What lies in the inbox where nothing is looked for, by its path in it: no folder, or an empty one."""
    return tuple(entry for entry, path in _entries(home) if path is None)


def refuse_no_folder(home: Home) -> None:
    """Raise NightRefused where the inbox is something else than a folder: then what arrives is nowhere."""
    inbox = home.root / INBOX
    if (inbox.exists() or inbox.is_symlink()) and not inbox.is_dir():
        raise NightRefused(f"{INBOX} is no folder", hint=f"what arrives is looked for in {inbox}/FORMAT/NAME")


def _entries(home: Home) -> Iterator[tuple[str, Path | None]]:
    """What lies in the inbox, by its path in it; without a path where nothing is looked for."""
    for folder in _whole(home.root / INBOX):
        if not folder.is_dir():
            yield folder.name, None
            continue
        for each in _whole(folder):
            if folder.name not in FILE_BY_FILE or not each.is_dir():
                yield f"{folder.name}/{each.name}", each
                continue
            there = _whole(each)
            yield from ((f"{folder.name}/{each.name}/{file.name}", file) for file in there)
            # A bank may have a folder of its own for its answers, in which nothing lies yet.
            if not there and folder.name != ACKNOWLEDGEMENTS:
                yield f"{folder.name}/{each.name}", None


def _whole(folder: Path) -> list[Path]:
    """What lies in a folder and is not still being written, by name."""
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [each for each in there if not each.name.startswith(_NOT_YET) and not each.name.endswith(_HALF_WRITTEN)]
